//! HTTPS: where the certificate comes from, and what a handshake is answered with.
//!
//! Whoever gets a certificate (`files`, `self_signed`, `acme`) puts it into [`Current`], from which each handshake takes
//! it; no connection ends because of a new one.

mod acme;
mod certificate;
mod current;
mod files;
mod kept;
mod self_signed;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::ResolvesServerCert;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use acme::Acme;
pub use certificate::Certificate;
pub use current::{Challenges, Current};
use files::Files;

use crate::clock;
use crate::config::{self, Config, TlsMode};

/// The protocol of TLS-ALPN-01 (RFC 8737).
pub const ALPN_ACME: &[u8] = b"acme-tls/1";
/// The protocol of TURN over TLS (RFC 7443).
pub const ALPN_TURN: &[u8] = b"stun.turn";
const ALPN_HTTP2: &[u8] = b"h2";
const ALPN_HTTP: &[u8] = b"http/1.1";

/// What a listener for HTTPS needs; cheap to clone.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The certificate served now.
    pub current: Current,
    /// What a certificate authority is told.
    pub challenges: Challenges,
    /// What is counted.
    pub stats: Stats,
    /// Whether nobody but this server vouches for the certificate.
    pub self_signed: bool,
    /// For everybody.
    pub config: Arc<ServerConfig>,
    /// For a certificate authority's TLS-ALPN-01.
    pub challenge_config: Arc<ServerConfig>,
}

/// What goes on beside the listener, until the server stops.
pub struct Keeper(Keeping);

enum Keeping {
    Nothing,
    Files(Files),
    Acme(Acme),
}

impl Tls {
    /// Gets the certificate ready; `None` where HTTPS is somebody else's business.
    ///
    /// # Errors
    /// When the configuration makes no sense or the certificate cannot be used.
    pub fn prepare(
        config: &Config,
        directory: &Path,
        addresses: &[String],
    ) -> Result<Option<(Self, Keeper)>> {
        // For those who speak TLS as clients too: there is one crypto library. An error means it is set already.
        let _set = aws_lc_rs::default_provider().install_default();
        let tls = Self::new(config.tls.mode == TlsMode::SelfSigned)?;
        let keeping = match config.tls.mode {
            TlsMode::Off => return Ok(None),
            TlsMode::Files => {
                let mut files = Files::new(
                    given("certificate", &config.tls.certificate)?,
                    given("key", &config.tls.key)?,
                );
                tls.serve("the certificate", files.read()?);
                Keeping::Files(files)
            }
            TlsMode::SelfSigned => {
                let mut names = names(&config.tls)?;
                names.extend_from_slice(addresses);
                let certificate = self_signed::prepare(directory, &names, clock::unix_s())?;
                tls.serve(
                    "a self-signed certificate, about which browsers warn",
                    certificate,
                );
                Keeping::Nothing
            }
            TlsMode::Acme => {
                let acme = Acme::new(config, directory)?;
                match acme.kept() {
                    Ok(Some(certificate)) => tls.serve("the kept certificate", certificate),
                    Ok(None) => tracing::info!("asking for the first certificate"),
                    Err(error) => tracing::warn!(
                        error = format!("{error:#}"),
                        "the kept certificate is no good; asking for another"
                    ),
                }
                Keeping::Acme(acme)
            }
        };
        Ok(Some((tls, Keeper(keeping))))
    }

    /// Reads the configuration, without looking at any file.
    ///
    /// # Errors
    /// When it makes no sense.
    pub fn understood(config: &Config) -> Result<()> {
        names(&config.tls)?;
        match config.tls.mode {
            TlsMode::Off | TlsMode::SelfSigned => {}
            TlsMode::Files => {
                given("certificate", &config.tls.certificate)?;
                given("key", &config.tls.key)?;
            }
            TlsMode::Acme => drop(Acme::new(config, Path::new(""))?),
        }
        Ok(())
    }

    /// The certificate that a start would begin with; `None` where one would have to be had first.
    ///
    /// # Errors
    /// When there is one that is no good.
    pub fn at_hand(config: &Config, directory: &Path) -> Result<Option<Certificate>> {
        match config.tls.mode {
            TlsMode::Off => Ok(None),
            TlsMode::Files => Files::new(&config.tls.certificate, &config.tls.key)
                .read()
                .map(Some),
            TlsMode::SelfSigned => self_signed::kept(directory),
            TlsMode::Acme => Acme::new(config, directory)?.kept(),
        }
    }

    fn new(self_signed: bool) -> Result<Self> {
        let (current, challenges) = (Current::default(), Challenges::default());
        let mut config = server_config(Arc::new(current.clone()))?;
        config.alpn_protocols = [ALPN_HTTP2, ALPN_HTTP, ALPN_TURN].map(<[u8]>::to_vec).into();
        config.ticketer = aws_lc_rs::Ticketer::new().context("cannot make a key for TLS tickets")?;
        let mut challenge_config = server_config(Arc::new(challenges.clone()))?;
        challenge_config.alpn_protocols = vec![ALPN_ACME.to_vec()];
        Ok(Self {
            current,
            challenges,
            stats: Stats::default(),
            self_signed,
            config: Arc::new(config),
            challenge_config: Arc::new(challenge_config),
        })
    }

    fn serve(&self, what: &'static str, certificate: Certificate) {
        take_up(what, certificate, &self.current, &self.stats);
    }

    /// Starts what keeps the certificate fresh.
    pub fn keep(&self, keeper: Keeper, stopped: watch::Receiver<bool>) -> Option<JoinHandle<()>> {
        let Keeper(keeping) = keeper;
        match keeping {
            Keeping::Nothing => None,
            Keeping::Files(files) => Some(tokio::spawn(files.watch(
                self.current.clone(),
                self.stats.clone(),
                stopped,
            ))),
            Keeping::Acme(acme) => Some(tokio::spawn(acme.keep(
                self.current.clone(),
                self.challenges.clone(),
                self.stats.clone(),
                stopped,
            ))),
        }
    }
}

fn server_config(resolver: Arc<dyn ResolvesServerCert>) -> Result<ServerConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    Ok(ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("TLS cannot be set up")?
        .with_no_client_auth()
        .with_cert_resolver(resolver))
}

fn given<'a>(key: &str, value: &'a str) -> Result<&'a str> {
    ensure!(
        !value.is_empty(),
        "tls.mode is `files`, but tls.{key} names no file"
    );
    Ok(value)
}

/// Reads `tls.names`.
///
/// # Errors
/// When one is neither a DNS name nor an address.
pub fn names(tls: &config::Tls) -> Result<Vec<String>> {
    tls.names
        .iter()
        .map(|name| {
            let name = name.trim().to_ascii_lowercase();
            let label = |label: &str| {
                let inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
                (1..=63).contains(&label.len()) && label.chars().all(inner)
            };
            let is_name = name.len() <= 253 && name.split('.').all(label);
            ensure!(
                is_name || name.parse::<std::net::IpAddr>().is_ok(),
                "tls.names: `{name}` is no name such as meet.example.org and no address"
            );
            Ok(name)
        })
        .collect()
}

/// Serves a certificate from here on, and says so once it is true.
fn take_up(what: &'static str, certificate: Certificate, current: &Current, stats: &Stats) {
    current.set(certificate.clone());
    stats.loaded();
    announce(what, &certificate);
}

/// Logs what a certificate says; names of the server are no secret.
fn announce(what: &'static str, certificate: &Certificate) {
    let facts = certificate.facts();
    let days = facts.left_s(clock::unix_s()) / 86_400;
    tracing::info!(names = ?facts.names, days, issuer = facts.issuer, "{what}");
}

/// What is counted about certificates and handshakes; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Stats(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    handshakes: AtomicU64,
    handshake_failures: AtomicU64,
    loaded: AtomicU64,
    load_failures: AtomicU64,
}

/// The counts at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Counts {
    /// Handshakes that were completed.
    pub handshakes: u64,
    /// Handshakes that were not.
    pub handshake_failures: u64,
    /// Certificates taken up.
    pub loaded: u64,
    /// Certificates that could not be had or were no good.
    pub load_failures: u64,
}

impl Stats {
    /// Counts a handshake.
    pub fn handshake(&self, completed: bool) {
        let counter = if completed {
            &self.0.handshakes
        } else {
            &self.0.handshake_failures
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Reads the counts.
    pub fn read(&self) -> Counts {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            handshakes: of(&self.0.handshakes),
            handshake_failures: of(&self.0.handshake_failures),
            loaded: of(&self.0.loaded),
            load_failures: of(&self.0.load_failures),
        }
    }

    fn loaded(&self) {
        self.0.loaded.fetch_add(1, Ordering::Relaxed);
    }

    fn load_failed(&self) {
        self.0.load_failures.fetch_add(1, Ordering::Relaxed);
    }
}

/// Certificates for tests of what stands on this.
#[cfg(test)]
pub mod testing {
    use super::*;

    /// Serves a self-made certificate for these names.
    pub fn tls(names: &[&str]) -> Tls {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let (chain, key) = self_signed::make(&names, clock::unix_s()).unwrap();
        let tls = tls_without_certificate();
        tls.current
            .set(Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap());
        tls
    }

    /// Has nothing to serve yet.
    pub fn tls_without_certificate() -> Tls {
        Tls::new(false).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_names() {
        let read = |name: &str| {
            names(&config::Tls {
                names: vec![name.to_owned()],
                ..config::Tls::default()
            })
        };
        assert_eq!(read(" Meet.Example.ORG ").unwrap(), ["meet.example.org"]);
        assert!(read("2001:db8::7").is_ok());
        for wrong in [
            "",
            "https://meet.example.org",
            "*.example.org",
            "a..b",
            "a b",
            "meet.example.org/",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
