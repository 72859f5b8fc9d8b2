//! From the configuration to whom the server trusts to say who somebody is.

use anyhow::{Context, Result, bail, ensure};
use tertulia_door_web::{IdentityProvider, ProviderTerms};
use tertulia_trust::{Fetcher, Provider, ProviderSettings};

use crate::config::Oidc;

/// Where the provider sends people back to, below the public address.
const ANSWER: &str = "/api/v1/provider/answer";

/// The provider people sign in at, if there is one.
///
/// # Errors
/// When what is said of it is not complete.
pub fn provider(oidc: &Oidc) -> Result<Option<IdentityProvider>> {
    if oidc.issuer.is_empty() {
        return Ok(None);
    }
    ensure!(!oidc.client_id.is_empty(), "oidc.client_id is empty");
    let home = oidc.public_url.trim_end_matches('/');
    let secure = home.starts_with("https://");
    let bare = home
        .split_once("://")
        .is_some_and(|(_, rest)| !rest.is_empty() && !rest.contains(['/', '?', '#', '@']));
    if !(secure || home.starts_with("http://")) || !bare {
        bail!(
            "oidc.public_url is `{}`; it is like https://meet.example.org",
            oidc.public_url
        );
    }
    let admin = (!oidc.admin_claim.is_empty()).then(|| (oidc.admin_claim.clone(), oidc.admin_values.clone()));
    ensure!(
        admin.is_some() || oidc.admin_values.is_empty(),
        "oidc.admin_values needs oidc.admin_claim"
    );
    let settings = ProviderSettings {
        issuer: oidc.issuer.clone(),
        client_id: oidc.client_id.clone(),
        client_secret: oidc.client_secret.expose().to_owned(),
        scopes: oidc.scopes.clone(),
        redirect_uri: format!("{home}{ANSWER}"),
        wanted_claim: admin.as_ref().map(|(claim, _)| claim.clone()),
    };
    let fetcher = Fetcher::new().context("oidc: no HTTP client")?;
    Ok(Some(IdentityProvider {
        provider: Provider::new(settings, fetcher).context("oidc.issuer")?,
        terms: ProviderTerms {
            name: oidc.label.clone(),
            secure,
            home: format!("{home}/"),
            domains: oidc.domains.clone(),
            admin,
            makes_accounts: oidc.make_accounts,
            signs_out: oidc.sign_out,
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured() -> Oidc {
        Oidc {
            issuer: "https://id.example.org/realms/school".to_owned(),
            public_url: "https://meet.example.org/".to_owned(),
            client_id: "tertulia".to_owned(),
            ..Oidc::default()
        }
    }

    #[test]
    fn nobody_is_trusted_unless_the_operator_says_so() {
        assert!(provider(&Oidc::default()).unwrap().is_none());
    }

    #[test]
    fn a_provider_is_known_by_its_issuer_and_our_address() {
        let IdentityProvider { provider, terms } = provider(&configured()).unwrap().unwrap();
        assert_eq!(provider.issuer(), "https://id.example.org/realms/school");
        assert!(terms.secure && terms.makes_accounts && terms.admin.is_none());
        assert_eq!(terms.home, "https://meet.example.org/");
    }

    #[test]
    fn what_is_missing_or_unsafe_is_named() {
        let broken = |change: &dyn Fn(&mut Oidc)| {
            let mut oidc = configured();
            change(&mut oidc);
            format!("{:#}", provider(&oidc).err().unwrap())
        };
        assert!(broken(&|oidc| oidc.client_id.clear()).contains("client_id"));
        assert!(broken(&|oidc| oidc.public_url = "meet.example.org".to_owned()).contains("public_url"));
        assert!(broken(&|oidc| oidc.public_url = "https://a/b".to_owned()).contains("public_url"));
        assert!(broken(&|oidc| oidc.issuer = "http://id.example.org".to_owned()).contains("issuer"));
        assert!(broken(&|oidc| oidc.admin_values = vec!["x".to_owned()]).contains("admin_claim"));
    }
}
