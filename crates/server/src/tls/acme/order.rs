use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use instant_acme::{
    Account, AuthorizationStatus, ChallengeHandle, ChallengeType, Identifier, NewOrder, Order, OrderStatus,
    RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::CertifiedKey;

use super::Challenges;

/// The authority asks from several places, each of which may take its time.
const PATIENCE: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(120));

/// What to order.
pub struct Settings {
    pub names: Vec<String>,
    pub challenges: Vec<ChallengeType>,
}

/// Proves the names with one kind of challenge; gives the chain and the key, both as PEM.
///
/// # Errors
/// When the authority refuses; the message has its reason.
pub async fn place(
    account: &Account,
    settings: &Settings,
    kind: &ChallengeType,
    challenges: &Challenges,
) -> Result<(String, String)> {
    let names: Vec<Identifier> = settings.names.iter().map(|name| identifier(name)).collect();
    let mut order = account
        .new_order(&NewOrder::new(&names))
        .await
        .context("no order")?;
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.context("no authorization")?;
        match authorization.status {
            AuthorizationStatus::Valid => continue,
            AuthorizationStatus::Pending => {}
            status => bail!("an authorization is {status:?} already"),
        }
        let kind = of_address(authorization.identifier().identifier).unwrap_or_else(|| kind.clone());
        let mut challenge = authorization
            .challenge(kind.clone())
            .with_context(|| format!("the authority does not offer {}", word(&kind)))?;
        answer(&challenge, &kind, challenges)?;
        challenge
            .set_ready()
            .await
            .context("the challenge was not taken")?;
    }
    match order.poll_ready(&PATIENCE).await {
        Ok(OrderStatus::Ready | OrderStatus::Valid) => {}
        Ok(_) => bail!("the names were not proved: {}", reasons(&mut order).await),
        Err(error) => {
            let reasons = reasons(&mut order).await;
            return Err(error).with_context(|| format!("the names were not proved: {reasons}"));
        }
    }
    let key = order.finalize().await.context("the order was not taken")?;
    let chain = order
        .poll_certificate(&PATIENCE)
        .await
        .context("no certificate came")?;
    Ok((chain, key))
}

fn identifier(name: &str) -> Identifier {
    match name.parse::<IpAddr>() {
        Ok(address) => Identifier::Ip(address),
        Err(_) => Identifier::Dns(name.to_owned()),
    }
}

/// An address cannot be named in a handshake, so it is proved over HTTP.
fn of_address(identifier: &Identifier) -> Option<ChallengeType> {
    matches!(identifier, Identifier::Ip(_)).then_some(ChallengeType::Http01)
}

fn answer(challenge: &ChallengeHandle<'_>, kind: &ChallengeType, challenges: &Challenges) -> Result<()> {
    let authorization = challenge.key_authorization();
    match (kind, challenge.identifier().identifier) {
        (ChallengeType::TlsAlpn01, Identifier::Dns(name)) => {
            let key = proof(name, authorization.digest().as_ref())?;
            challenges.answer_tls(name, Arc::new(key));
        }
        _ => challenges.answer_http(&challenge.token, authorization.as_str()),
    }
    Ok(())
}

/// A certificate that carries the proof (RFC 8737, section 3).
fn proof(name: &str, digest: &[u8]) -> Result<CertifiedKey> {
    let mut parameters = CertificateParams::new([name.to_owned()]).context("no name for a proof")?;
    parameters.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate().context("cannot make a key")?;
    let certificate = parameters.self_signed(&key).context("cannot sign a proof")?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(|error| anyhow!("no key: {error}"))?;
    let key = any_supported_type(&key).context("cannot use the key of a proof")?;
    // Not compared with each other: whoever reads the certificate for that gives up at the extension, which is critical.
    Ok(CertifiedKey::new(vec![certificate.der().clone()], key))
}

/// What the authority found wrong with each name.
async fn reasons(order: &mut Order) -> String {
    let mut reasons = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let Ok(mut authorization) = authorization else {
            continue;
        };
        let Ok(state) = authorization.refresh().await else {
            continue;
        };
        let name = state.identifier().to_string();
        let problems = state
            .challenges
            .iter()
            .filter_map(|challenge| challenge.error.as_ref());
        reasons.extend(problems.map(|problem| format!("{name}: {problem}")));
    }
    if reasons.is_empty() {
        "the authority does not say why".to_owned()
    } else {
        reasons.join("; ")
    }
}

/// A challenge's name, as the configuration has it.
pub fn word(kind: &ChallengeType) -> &'static str {
    match kind {
        ChallengeType::Http01 => "http-01",
        ChallengeType::TlsAlpn01 => "tls-alpn-01",
        _ => "another challenge",
    }
}
