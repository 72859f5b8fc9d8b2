//! A certificate in files that somebody else renews.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::{Certificate, Current, Stats};
use crate::clock;

/// How often the files are looked at.
const PERIOD: Duration = Duration::from_secs(15);
const DAY_S: i64 = 86_400;
/// A certificate so near its end should have been renewed.
const LATE_DAYS: i64 = 10;

/// The files, and what they looked like when they were read last.
pub struct Files {
    certificate: PathBuf,
    key: PathBuf,
    seen: Option<Stamp>,
}

type Stamp = [(u64, i64, i64, u64); 2];

impl Files {
    pub fn new(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self {
            certificate: certificate.into(),
            key: key.into(),
            seen: None,
        }
    }

    /// Reads both.
    ///
    /// # Errors
    /// When one cannot be read or they do not fit together.
    pub fn read(&mut self) -> Result<Certificate> {
        // Before the reading: what is written meanwhile is looked at again.
        self.seen = self.stamp().ok();
        let read =
            |path: &PathBuf| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
        let (chain, key) = (read(&self.certificate)?, read(&self.key)?);
        Certificate::from_pem(&chain, &key)
            .with_context(|| format!("{} and {}", self.certificate.display(), self.key.display()))
    }

    fn stamp(&self) -> std::io::Result<Stamp> {
        let of = |path| {
            let metadata = std::fs::metadata(path)?;
            Ok::<_, std::io::Error>((
                metadata.ino(),
                metadata.mtime(),
                metadata.mtime_nsec(),
                metadata.size(),
            ))
        };
        Ok([of(&self.certificate)?, of(&self.key)?])
    }

    fn changed(&self) -> bool {
        self.stamp().is_ok_and(|stamp| Some(stamp) != self.seen)
    }

    /// Takes up what has changed; keeps what is served where that is no good.
    pub fn reload(&mut self, current: &Current, stats: &Stats) {
        match self.read() {
            Ok(certificate) => super::take_up("took up a certificate", certificate, current, stats),
            Err(error) => {
                stats.load_failed();
                tracing::warn!(
                    error = format!("{error:#}"),
                    "the new certificate is no good; going on with the old one"
                );
            }
        }
    }

    /// Looks at the files until the server stops.
    pub async fn watch(mut self, current: Current, stats: Stats, mut stopped: watch::Receiver<bool>) {
        let mut hangup = match signal(SignalKind::hangup()) {
            Ok(hangup) => hangup,
            Err(error) => {
                tracing::error!(%error, "SIGHUP cannot be listened for; certificates are not reloaded");
                return;
            }
        };
        let mut period = tokio::time::interval(PERIOD);
        let mut warned_s = 0;
        loop {
            tokio::select! {
                _ = period.tick() => {
                    if self.changed() {
                        self.reload(&current, &stats);
                    }
                }
                _ = hangup.recv() => self.reload(&current, &stats),
                _ = stopped.wait_for(|stopped| *stopped) => return,
            }
            warned_s = warn_when_late(&current, warned_s);
        }
    }
}

/// Says once a day that the certificate should have been renewed; gives when it was said last.
fn warn_when_late(current: &Current, warned_s: i64) -> i64 {
    let now_s = clock::unix_s();
    let left_s = current
        .get()
        .map_or(i64::MAX, |certificate| certificate.facts().left_s(now_s));
    if left_s > LATE_DAYS * DAY_S || now_s - warned_s < DAY_S {
        return warned_s;
    }
    tracing::warn!(
        days = left_s / DAY_S,
        "the certificate ends soon and nobody has renewed its files"
    );
    now_s
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::self_signed;

    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("tertulia-files-{}", rand::random::<u64>()));
            std::fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn put(&self, name: &str) {
            let (chain, key) = self_signed::make(&[name.to_owned()], 1_800_000_000).unwrap();
            self.replace("chain.pem", &chain);
            self.replace("key.pem", &key);
        }

        /// As those who renew do it: another file under the same name.
        fn replace(&self, name: &str, text: &str) {
            std::fs::write(self.0.join("new"), text).unwrap();
            std::fs::rename(self.0.join("new"), self.0.join(name)).unwrap();
        }

        fn files(&self) -> Files {
            Files::new(self.0.join("chain.pem"), self.0.join("key.pem"))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn names(current: &Current) -> Vec<String> {
        current.get().unwrap().facts().names.clone()
    }

    #[test]
    fn a_new_pair_is_taken_up_and_a_bad_one_is_not() {
        let folder = Folder::new();
        let (current, stats) = (Current::default(), Stats::default());
        folder.put("one.example.org");
        let mut files = folder.files();
        current.set(files.read().unwrap());
        assert!(!files.changed());

        folder.put("two.example.org");
        assert!(files.changed());
        files.reload(&current, &stats);
        assert_eq!(names(&current), ["two.example.org"]);
        assert!(!files.changed());

        folder.replace("key.pem", "nonsense");
        assert!(files.changed());
        files.reload(&current, &stats);
        assert_eq!(names(&current), ["two.example.org"]);
        assert_eq!((stats.read().loaded, stats.read().load_failures), (1, 1));
        assert!(!files.changed(), "the same bad file is complained of once");

        folder.put("three.example.org");
        files.reload(&current, &stats);
        assert_eq!(names(&current), ["three.example.org"]);
    }

    #[test]
    fn files_that_are_gone_are_no_change() {
        let folder = Folder::new();
        folder.put("one.example.org");
        let mut files = folder.files();
        files.read().unwrap();
        std::fs::remove_file(folder.0.join("key.pem")).unwrap();
        assert!(!files.changed());
        assert!(files.read().is_err());
    }
}
