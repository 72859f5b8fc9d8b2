use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// A certificate with its chain and its key, ready to be served; cheap to clone.
#[derive(Debug, Clone)]
pub struct Certificate {
    key: Arc<CertifiedKey>,
    facts: Arc<Facts>,
}

/// What a certificate says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The DNS names and IP addresses it is for.
    pub names: Vec<String>,
    /// Its serial number, in hexadecimal digits.
    pub serial: String,
    /// Who signed it.
    pub issuer: String,
    /// When it begins to be valid, in seconds since 1970.
    pub not_before_s: i64,
    /// When it ends to be valid, in seconds since 1970.
    pub not_after_s: i64,
    /// Whether it vouches for itself.
    pub self_signed: bool,
    /// How many certificates follow it.
    pub chain: usize,
    /// SHA-256 over it, as browsers show it.
    pub fingerprint: String,
}

impl Certificate {
    /// Reads PEM: the server's own certificate first, then its chain; and the key.
    ///
    /// # Errors
    /// When one of them cannot be read, or the key belongs to another certificate.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .context("the certificate is no PEM")?;
        let own = chain.first().context("there is no certificate in the file")?;
        let facts = Facts::read(own, chain.len() - 1)?;
        let key = PrivateKeyDer::from_pem_slice(key).context("there is no private key in the file")?;
        let key = CertifiedKey::from_der(chain, key, &default_provider())
            .context("the key does not fit the certificate")?;
        Ok(Self {
            key: Arc::new(key),
            facts: Arc::new(facts),
        })
    }

    /// What it says of itself.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// What rustls serves.
    pub fn key(&self) -> Arc<CertifiedKey> {
        self.key.clone()
    }
}

impl Facts {
    fn read(der: &[u8], chain: usize) -> Result<Self> {
        let (rest, parsed) = X509Certificate::from_der(der).context("the certificate is no X.509")?;
        ensure!(rest.is_empty(), "something follows the certificate");
        let names = parsed
            .subject_alternative_name()
            .context("the certificate's names cannot be read")?
            .map(|names| names.value.general_names.iter().filter_map(name).collect())
            .unwrap_or_default();
        Ok(Self {
            names,
            serial: format!("{:x}", parsed.serial),
            issuer: parsed.issuer().to_string(),
            not_before_s: parsed.validity().not_before.timestamp(),
            not_after_s: parsed.validity().not_after.timestamp(),
            self_signed: parsed.issuer() == parsed.subject(),
            chain,
            fingerprint: fingerprint(der),
        })
    }

    /// Whether a browser that went to `name` would take it.
    pub fn covers(&self, name: &str) -> bool {
        let wild = name.split_once('.').map(|(_, parent)| format!("*.{parent}"));
        self.names.iter().any(|own| {
            own.eq_ignore_ascii_case(name) || wild.as_ref().is_some_and(|wild| own.eq_ignore_ascii_case(wild))
        })
    }

    /// Seconds until it is no longer valid; negative where that has come.
    pub fn left_s(&self, now_s: i64) -> i64 {
        self.not_after_s.saturating_sub(now_s)
    }

    /// When two thirds of its life are over: time for the next one.
    pub fn renewal_s(&self) -> i64 {
        let life = self.not_after_s.saturating_sub(self.not_before_s).max(0);
        self.not_before_s.saturating_add(life / 3 * 2)
    }
}

fn fingerprint(der: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
    let pairs: Vec<String> = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(|octets| IpAddr::V4(Ipv4Addr::from(octets)));
            let v6 = || <[u8; 16]>::try_from(*bytes).map(|octets| IpAddr::V6(Ipv6Addr::from(octets)));
            v4.or_else(|_| v6()).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::self_signed;

    fn made(names: &[&str]) -> (String, String) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        self_signed::make(&names, 1_800_000_000).unwrap()
    }

    #[test]
    fn a_certificate_says_whom_it_is_for_and_until_when() {
        let (chain, key) = made(&["Meet.example.org", "*.example.net", "192.0.2.7", "2001:db8::7"]);
        let certificate = Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        let facts = certificate.facts();
        for name in ["meet.example.org", "a.example.net", "192.0.2.7", "2001:db8::7"] {
            assert!(facts.covers(name), "{name}");
        }
        for name in ["example.org", "a.b.example.net", "example.net", "192.0.2.8", ""] {
            assert!(!facts.covers(name), "{name}");
        }
        assert!(facts.self_signed);
        assert!(facts.not_before_s < 1_800_000_000 && facts.left_s(1_800_000_000) > 86_400);
        assert!(facts.renewal_s() < facts.not_after_s && facts.renewal_s() > facts.not_before_s);
    }

    #[test]
    fn what_is_no_pair_is_refused() {
        let (chain, key) = made(&["a.example.org"]);
        let (_, other) = made(&["a.example.org"]);
        let broken = chain.replace("MII", "AAA");
        for (chain, key, part) in [
            (chain.as_str(), other.as_str(), "does not fit"),
            ("", &key, "no certificate"),
            (&key, &key, "no certificate"),
            (&chain, "", "no private key"),
            (&chain, &chain, "no private key"),
            (&broken, &key, "certificate"),
        ] {
            let error = Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap_err();
            assert!(format!("{error:#}").contains(part), "{error:#}");
        }
    }
}
