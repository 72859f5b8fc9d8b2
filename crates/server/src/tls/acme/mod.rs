//! Certificates from an authority over ACME (RFC 8555): asked for, kept, and renewed when two thirds of their life are
//! over. Whatever the authority says, the server goes on with what it has.

mod account;
mod order;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use instant_acme::ChallengeType;
use rand::RngExt as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::Instant;

use super::{Certificate, Challenges, Current, Stats, kept};
use crate::clock;
use crate::config::Config;

const CERTIFICATE_FILE: &str = "certificate.pem";
/// The first pause after a failure; each further one is twice as long. Authorities take five failures an hour.
const FIRST_PAUSE: Duration = Duration::from_secs(120);
const LONGEST_PAUSE: Duration = Duration::from_secs(12 * 3_600);
/// The pause where the authority says that we ask too often.
const LIMITED_PAUSE: Duration = Duration::from_secs(3_600);
/// The clock may be set while we wait, so it is looked at this often.
const LONGEST_SLEEP: Duration = Duration::from_secs(3_600);
/// An order that takes longer is given up.
const ORDER_TIMEOUT: Duration = Duration::from_secs(300);

/// Keeps one certificate fresh.
pub struct Acme {
    order: order::Settings,
    account: account::Settings,
    folder: PathBuf,
}

impl Acme {
    /// Reads the configuration; what is kept is below `data`.
    ///
    /// # Errors
    /// When it makes no sense.
    pub fn new(config: &Config, data: &Path) -> Result<Self> {
        let names = super::names(&config.tls)?;
        ensure!(
            !names.is_empty(),
            "tls.mode is `acme`, but tls.names says not for which name"
        );
        let acme = &config.acme;
        let challenges: Vec<ChallengeType> = acme
            .challenges
            .iter()
            .map(|word| match word.as_str() {
                "http-01" => Ok(ChallengeType::Http01),
                "tls-alpn-01" => Ok(ChallengeType::TlsAlpn01),
                other => bail!("acme.challenges: `{other}` is neither `tls-alpn-01` nor `http-01`"),
            })
            .collect::<Result<_>>()?;
        ensure!(!challenges.is_empty(), "acme.challenges is empty");
        let folder = data.join("acme").join(label(&acme.directory)?);
        Ok(Self {
            order: order::Settings { names, challenges },
            account: account::Settings {
                directory: acme.directory.clone(),
                contact: (!acme.contact.is_empty()).then(|| format!("mailto:{}", acme.contact)),
                ca_root: (!acme.ca_root.is_empty()).then(|| PathBuf::from(&acme.ca_root)),
                file: folder.join("account.json"),
            },
            folder,
        })
    }

    /// The certificate kept from before, whatever is left of its life.
    ///
    /// # Errors
    /// When there is one that cannot be read.
    pub fn kept(&self) -> Result<Option<Certificate>> {
        kept::read(&self.folder.join(CERTIFICATE_FILE))
    }

    /// Asks and renews until the server stops.
    pub async fn keep(
        self,
        current: Current,
        challenges: Challenges,
        stats: Stats,
        mut stopped: watch::Receiver<bool>,
    ) {
        let mut hangup = match signal(SignalKind::hangup()) {
            Ok(hangup) => hangup,
            Err(error) => {
                tracing::error!(%error, "SIGHUP cannot be listened for; no certificate is asked for");
                return;
            }
        };
        let mut failures = Failures::default();
        loop {
            let pause = self.until_due(current.get().as_ref()).max(failures.pause());
            let asked = tokio::select! {
                () = tokio::time::sleep(pause.min(LONGEST_SLEEP)) => false,
                _ = hangup.recv() => true,
                _ = stopped.wait_for(|stopped| *stopped) => return,
            };
            if asked {
                failures = Failures::default();
            }
            let due = self.until_due(current.get().as_ref()).is_zero();
            if !due || !failures.pause().is_zero() {
                continue;
            }
            let obtained = tokio::select! {
                obtained = self.obtain(&challenges) => obtained,
                _ = stopped.wait_for(|stopped| *stopped) => return,
            };
            match obtained {
                Ok(certificate) => {
                    super::take_up("got a certificate", certificate, &current, &stats);
                    failures = Failures::default();
                }
                Err(error) => {
                    stats.load_failed();
                    let limited = is_limited(&error);
                    failures.add(limited);
                    tracing::warn!(
                        error = format!("{error:#}"),
                        retry_in_s = failures.pause().as_secs(),
                        "no certificate could be had; SIGHUP asks again at once"
                    );
                }
            }
        }
    }

    /// How long until a certificate has to be asked for.
    fn until_due(&self, current: Option<&Certificate>) -> Duration {
        let Some(facts) = current.map(Certificate::facts) else {
            return Duration::ZERO;
        };
        if !self.order.names.iter().all(|name| facts.covers(name)) {
            return Duration::ZERO;
        }
        let left_s = facts.renewal_s().saturating_sub(clock::unix_s());
        Duration::from_secs(u64::try_from(left_s).unwrap_or(0))
    }

    /// Tries one challenge after the other.
    async fn obtain(&self, challenges: &Challenges) -> Result<Certificate> {
        let mut failed: Option<anyhow::Error> = None;
        for challenge in &self.order.challenges {
            let attempt = tokio::time::timeout(ORDER_TIMEOUT, self.ask(challenge, challenges)).await;
            challenges.clear();
            let error = match attempt {
                Ok(Ok(certificate)) => return Ok(certificate),
                Ok(Err(error)) => error,
                Err(_) => anyhow::anyhow!("the authority took too long"),
            };
            let error = error.context(order::word(challenge));
            if is_limited(&error) {
                return Err(error);
            }
            failed = Some(match failed {
                Some(before) => anyhow::anyhow!("{before:#}; {error:#}"),
                None => error,
            });
        }
        Err(failed.unwrap_or_else(|| anyhow::anyhow!("there is no challenge to try")))
    }

    async fn ask(&self, challenge: &ChallengeType, challenges: &Challenges) -> Result<Certificate> {
        let account = account::find(&self.account).await?;
        let (chain, key) = order::place(&account, &self.order, challenge, challenges).await?;
        let certificate = Certificate::from_pem(chain.as_bytes(), key.as_bytes())
            .context("the authority's certificate is no good")?;
        kept::write(&self.folder.join(CERTIFICATE_FILE), &format!("{chain}\n{key}"))?;
        Ok(certificate)
    }
}

fn is_limited(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        matches!(
            cause.downcast_ref(),
            Some(instant_acme::Error::Api(problem))
                if problem.r#type.as_deref() == Some("urn:ietf:params:acme:error:rateLimited")
        )
    })
}

/// A folder's name for an authority, so that another one's account and certificate are not mistaken for its own.
fn label(directory: &str) -> Result<String> {
    let address = directory
        .strip_prefix("https://")
        .filter(|address| !address.is_empty())
        .with_context(|| format!("acme.directory: `{directory}` is no https:// address"))?;
    Ok(address
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '.' || c == '-' {
                c
            } else {
                '_'
            }
        })
        .take(100)
        .collect())
}

/// The failures since the last success.
#[derive(Default)]
struct Failures {
    count: u32,
    next: Option<Instant>,
}

impl Failures {
    fn add(&mut self, limited: bool) {
        let doubled = FIRST_PAUSE.saturating_mul(1 << self.count.min(16));
        let pause = doubled.max(if limited { LIMITED_PAUSE } else { Duration::ZERO });
        // Many servers that failed together do not come back together.
        let spread = rand::rng().random_range(0.9..1.1);
        self.next = Some(Instant::now() + pause.min(LONGEST_PAUSE).mul_f64(spread));
        self.count += 1;
    }

    fn pause(&self) -> Duration {
        self.next.map_or(Duration::ZERO, |next| {
            next.saturating_duration_since(Instant::now())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TlsMode;
    use crate::tls::self_signed;

    fn config(names: &[&str]) -> Config {
        let mut config = Config::default();
        config.tls.mode = TlsMode::Acme;
        config.tls.names = names.iter().map(ToString::to_string).collect();
        config
    }

    fn certificate(name: &str, begun_s: i64) -> Certificate {
        let (chain, key) = self_signed::make(&[name.to_owned()], begun_s).unwrap();
        Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap()
    }

    #[test]
    fn a_certificate_is_due_when_there_is_none_it_is_old_or_for_others() {
        let acme = Acme::new(&config(&["a.example.org"]), Path::new("/nowhere")).unwrap();
        let now_s = clock::unix_s();
        assert!(acme.until_due(None).is_zero());
        assert!(
            acme.until_due(Some(&certificate("b.example.org", now_s)))
                .is_zero()
        );
        assert!(
            acme.until_due(Some(&certificate("a.example.org", now_s - 300 * 86_400)))
                .is_zero()
        );
        assert!(
            !acme
                .until_due(Some(&certificate("a.example.org", now_s)))
                .is_zero()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_and_have_an_end() {
        let mut failures = Failures::default();
        assert!(failures.pause().is_zero());
        let mut last = Duration::ZERO;
        for _ in 0..5 {
            failures.add(false);
            assert!(failures.pause() > last);
            last = failures.pause();
        }
        for _ in 0..100 {
            failures.add(false);
        }
        assert!(failures.pause() <= LONGEST_PAUSE.mul_f64(1.1));
        let mut limited = Failures::default();
        limited.add(true);
        assert!(limited.pause() >= LIMITED_PAUSE.mul_f64(0.9));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let refused = |change: fn(&mut Config)| {
            let mut config = config(&["a.example.org"]);
            change(&mut config);
            Acme::new(&config, Path::new("/nowhere"))
                .err()
                .unwrap()
                .to_string()
        };
        assert!(refused(|config| config.tls.names.clear()).contains("tls.names"));
        assert!(refused(|config| config.acme.challenges.clear()).contains("challenges"));
        assert!(refused(|config| config.acme.challenges = vec!["dns-01".into()]).contains("dns-01"));
        assert!(refused(|config| config.acme.directory = "http://x".into()).contains("https"));
        assert_eq!(
            label("https://ca.example:14000/dir").unwrap(),
            "ca.example_14000_dir"
        );
    }
}
