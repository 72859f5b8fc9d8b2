//! From the configuration to whom the server trusts to say who somebody is.

use anyhow::{Context, Result, bail, ensure};
use tertulia_auth::{TrustedIssuer, TrustedKeys};
use tertulia_door_web::{IdentityProvider, ProviderTerms, Trusted};
use tertulia_trust::{Fetcher, KeySource, Provider, ProviderSettings, TrustedParty};

use crate::config::{Config, Jwt, Oidc};

/// Where the provider sends people back to, below the public address.
const ANSWER: &str = "/api/v1/provider/answer";

/// Shorter secrets are found by trying.
const MIN_SECRET_BYTES: usize = 32;

/// Everybody the web door trusts.
///
/// # Errors
/// When what is said of one is not complete.
pub fn all(config: &Config) -> Result<Trusted> {
    Ok(Trusted {
        provider: provider(&config.oidc)?,
        applications: application(&config.jwt)?.into_iter().collect(),
    })
}

/// The application that sends people with join tokens, if there is one.
fn application(jwt: &Jwt) -> Result<Option<TrustedParty>> {
    let given = [jwt.secret.expose(), &jwt.keys_url, &jwt.keys_file];
    let ways = given.iter().filter(|text| !text.is_empty()).count();
    if jwt.issuer.is_empty() {
        ensure!(ways == 0, "jwt.issuer is empty, so that no token is taken");
        return Ok(None);
    }
    ensure!(
        ways == 1,
        "jwt needs one of secret, keys_url and keys_file, and no more"
    );
    ensure!(!jwt.audience.is_empty(), "jwt.audience is empty");
    let source = match given {
        [secret, "", ""] => {
            let long = secret.len() >= MIN_SECRET_BYTES;
            ensure!(long, "jwt.secret is shorter than {MIN_SECRET_BYTES} bytes");
            KeySource::Given(TrustedKeys::from_secret(secret).context("jwt.secret")?)
        }
        ["", url, ""] => KeySource::url(url).context("jwt.keys_url")?,
        [.., file] => KeySource::File(file.into()),
    };
    let terms = TrustedIssuer::new(
        vec![jwt.issuer.clone()],
        vec![jwt.audience.clone()],
        jwt.tenants.clone(),
        TrustedKeys::default(),
    );
    let fetcher = Fetcher::new().context("jwt: no HTTP client")?;
    Ok(Some(TrustedParty::new(terms, source, &fetcher)))
}

/// The provider people sign in at, if there is one.
fn provider(oidc: &Oidc) -> Result<Option<IdentityProvider>> {
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
    fn j10_an_application_has_one_kind_of_key_and_no_short_secret() {
        let configured = |change: &dyn Fn(&mut Jwt)| {
            let mut jwt = Jwt {
                issuer: "portal".to_owned(),
                ..Jwt::default()
            };
            change(&mut jwt);
            let made = application(&jwt).map(|party| party.is_some());
            made.map_err(|error| format!("{error:#}"))
        };
        assert!(application(&Jwt::default()).unwrap().is_none());
        let long = "h8Zk3vQpL0mX7cRt2yWn5bJd9fGs4aUe";
        assert_eq!(configured(&|jwt| jwt.secret = long.to_owned().into()), Ok(true));
        let url = "https://portal.example.org/jwks.json";
        assert_eq!(configured(&|jwt| jwt.keys_url = url.to_owned()), Ok(true));
        assert_eq!(
            configured(&|jwt| jwt.keys_file = "portal.pem".to_owned()),
            Ok(true)
        );
        let refused = |word: &str, change: &dyn Fn(&mut Jwt)| {
            assert!(configured(change).unwrap_err().contains(word), "for {word}");
        };
        refused("one of", &|_| {});
        refused("shorter", &|jwt| jwt.secret = long[1..].to_owned().into());
        refused("keys_url", &|jwt| {
            jwt.keys_url = "http://portal.example.org/".to_owned()
        });
        refused("issuer", &|jwt| {
            jwt.issuer.clear();
            jwt.keys_file = "portal.pem".to_owned();
        });
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
