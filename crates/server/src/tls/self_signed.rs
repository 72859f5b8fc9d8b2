//! A certificate that only vouches for itself, for trials on a local network.

use std::path::Path;

use anyhow::{Context, Result};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use time::OffsetDateTime;

use super::Certificate;
use super::kept;

const FILE: &str = "self-signed.pem";
/// Browsers take no certificate that is valid for longer than 398 days.
const LIFE_S: i64 = 390 * 86_400;
/// So that clients whose clock is behind take it too.
const BEFORE_S: i64 = 86_400;

/// The one made before, whatever it is for.
///
/// # Errors
/// When there is one that cannot be read.
pub fn kept(directory: &Path) -> Result<Option<Certificate>> {
    kept::read(&directory.join(FILE))
}

/// Gives the kept certificate, or makes one where there is none, it is for other names, or it is near its end.
///
/// # Errors
/// When it cannot be made or kept.
pub fn prepare(directory: &Path, names: &[String], now_s: i64) -> Result<Certificate> {
    let path = directory.join(FILE);
    let kept = kept::read(&path).unwrap_or_else(|error| {
        tracing::warn!(
            error = format!("{error:#}"),
            "the kept certificate is no good; making another"
        );
        None
    });
    if let Some(certificate) = kept {
        let facts = certificate.facts();
        if names.iter().all(|name| facts.covers(name)) && now_s < facts.renewal_s() {
            return Ok(certificate);
        }
    }
    let (chain, key) = make(names, now_s)?;
    kept::write(&path, &format!("{chain}{key}"))?;
    Certificate::from_pem(chain.as_bytes(), key.as_bytes())
}

/// Makes a certificate and its key, both as PEM.
pub fn make(names: &[String], now_s: i64) -> Result<(String, String)> {
    let mut parameters = CertificateParams::new(names).context("tls.names")?;
    let time = |seconds| OffsetDateTime::from_unix_timestamp(seconds).context("the clock is out of range");
    parameters.not_before = time(now_s.saturating_sub(BEFORE_S))?;
    parameters.not_after = time(now_s.saturating_add(LIFE_S))?;
    parameters.distinguished_name = DistinguishedName::new();
    parameters
        .distinguished_name
        .push(DnType::CommonName, "Tertulia, self-signed");
    let key = KeyPair::generate().context("cannot make a key")?;
    let certificate = parameters
        .self_signed(&key)
        .context("cannot sign a certificate")?;
    Ok((certificate.pem(), key.serialize_pem()))
}
