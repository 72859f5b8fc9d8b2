//! Something read from elsewhere that stays in use while elsewhere cannot be reached.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::FetchError;

/// How often things are read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Care {
    /// What is older is read again.
    pub fresh: Duration,
    /// Between two attempts there is at least so long, whatever asks for them.
    pub pause: Duration,
}

impl Default for Care {
    fn default() -> Self {
        Self {
            fresh: Duration::from_secs(3_600),
            pause: Duration::from_secs(30),
        }
    }
}

/// Before anything is known one waits less, since nobody can be served.
const FIRST_PAUSE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Cached<T> {
    /// For the log.
    what: &'static str,
    care: Care,
    /// Held while it is being read, so that many who need it read it once.
    tried_at: Mutex<Option<Instant>>,
    known: RwLock<Option<(Arc<T>, Instant)>>,
}

impl<T> Cached<T> {
    pub(crate) fn new(what: &'static str, care: Care) -> Self {
        Self {
            what,
            care,
            tried_at: Mutex::new(None),
            known: RwLock::new(None),
        }
    }

    /// What is known, read first where nothing is, and again where it is old.
    pub(crate) async fn current(
        &self,
        read: impl Future<Output = Result<T, FetchError>>,
    ) -> Result<Arc<T>, FetchError> {
        match self.known() {
            Some((known, at)) if at.elapsed() < self.care.fresh => Ok(known),
            Some((known, _)) => {
                // One reads it again, and the others go on with what is known.
                let Ok(mut tried_at) = self.tried_at.try_lock() else {
                    return Ok(known);
                };
                Ok(self
                    .attempt(&mut tried_at, self.care.pause, read)
                    .await
                    .unwrap_or(known))
            }
            None => {
                let mut tried_at = self.tried_at.lock().await;
                if let Some((known, _)) = self.known() {
                    return Ok(known);
                }
                self.attempt(&mut tried_at, FIRST_PAUSE.min(self.care.pause), read)
                    .await
            }
        }
    }

    /// Reads again because something is missing, unless that was done a moment ago: whoever causes this need not be anybody.
    pub(crate) async fn again(&self, read: impl Future<Output = Result<T, FetchError>>) -> Option<Arc<T>> {
        let mut tried_at = self.tried_at.lock().await;
        self.attempt(&mut tried_at, self.care.pause, read).await.ok()
    }

    async fn attempt(
        &self,
        tried_at: &mut Option<Instant>,
        pause: Duration,
        read: impl Future<Output = Result<T, FetchError>>,
    ) -> Result<Arc<T>, FetchError> {
        if tried_at.is_some_and(|at| at.elapsed() < pause) {
            return Err(FetchError::JustTried);
        }
        *tried_at = Some(Instant::now());
        match read.await {
            Ok(value) => {
                let value = Arc::new(value);
                let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
                *known = Some((value.clone(), Instant::now()));
                Ok(value)
            }
            Err(error) => {
                let source = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(what = self.what, %error, source, "could not be read");
                Err(error)
            }
        }
    }

    fn known(&self) -> Option<(Arc<T>, Instant)> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    async fn failing() -> Result<u32, FetchError> {
        Err(FetchError::Status(500))
    }

    #[tokio::test]
    async fn what_is_known_stays_in_use_while_it_cannot_be_read() {
        let always = Care {
            fresh: Duration::ZERO,
            pause: Duration::ZERO,
        };
        let cached = Cached::new("test", always);
        assert!(cached.current(failing()).await.is_err());
        assert_eq!(*cached.current(async { Ok(1) }).await.unwrap(), 1);
        assert_eq!(*cached.current(failing()).await.unwrap(), 1);
        assert_eq!(*cached.current(async { Ok(2) }).await.unwrap(), 2);
        assert!(cached.again(failing()).await.is_none());
        assert_eq!(*cached.current(failing()).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn nobody_can_make_us_ask_again_and_again() {
        let reads = AtomicU32::new(0);
        let cached = Cached::new("test", Care::default());
        let read = || async { Ok(reads.fetch_add(1, Ordering::Relaxed)) };
        for _ in 0..100 {
            assert_eq!(*cached.current(read()).await.unwrap(), 0);
            assert!(cached.again(read()).await.is_none());
        }
        assert_eq!(reads.load(Ordering::Relaxed), 1);
    }
}
