//! Passwords and their hashes, computed beside the threads that serve others.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tertulia_people::{Guesses, HashCost, Password, PasswordHash};
use tokio::sync::Semaphore;

use crate::error::ApiError;
use crate::wire::ErrorCode;

/// Hashes computed at once; each takes a core and its memory.
const AT_ONCE: usize = 2;
/// How long a request waits for its turn.
const TURN: Duration = Duration::from_secs(5);

/// Computes hashes, and slows down who guesses.
pub struct Passwords {
    cost: HashCost,
    permits: Arc<Semaphore>,
    /// Of nobody's password: compared with where there is no account, so that both take the same time.
    nobody: Arc<OnceLock<PasswordHash>>,
    guesses: Guesses,
}

impl Passwords {
    pub fn new(cost: HashCost) -> Self {
        Self {
            cost,
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            nobody: Arc::new(OnceLock::new()),
            guesses: Guesses::default(),
        }
    }

    /// Counts an attempt of `source` at the account called `login`.
    pub fn attempt(&self, login: &str, source: &str, now_ms: u64) -> Result<(), ApiError> {
        let slow = |wait_ms| ApiError::too_many(Duration::from_millis(wait_ms));
        self.guesses.attempt(login, source, now_ms).map_err(slow)
    }

    /// Forgets the attempts of a source that was right at last.
    pub fn succeeded(&self, login: &str, source: &str) {
        self.guesses.succeeded(login, source);
    }

    /// Whether `hash` is of this password; where there is none it takes as long to say no.
    pub async fn matches(&self, password: Password, hash: Option<PasswordHash>) -> Result<bool, ApiError> {
        let (cost, nobody) = (self.cost, self.nobody.clone());
        self.computed(move || match hash {
            Some(hash) => Ok(password.matches(&hash)),
            None => {
                let known = match nobody.get() {
                    Some(known) => known.clone(),
                    None => {
                        let made = password.hash(rand::random(), cost)?;
                        nobody.get_or_init(|| made).clone()
                    }
                };
                // Whatever it says: there is no account it could open.
                std::hint::black_box(password.matches(&known));
                Ok(false)
            }
        })
        .await
    }

    /// Hashes a password.
    pub async fn hash(&self, password: Password) -> Result<PasswordHash, ApiError> {
        let cost = self.cost;
        self.computed(move || password.hash(rand::random(), cost)).await
    }

    async fn computed<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, tertulia_people::PasswordError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let turn = tokio::time::timeout(TURN, self.permits.clone().acquire_owned()).await;
        let Ok(Ok(permit)) = turn else {
            return Err(ApiError::too_many(TURN));
        };
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        match done.await {
            Ok(done) => Ok(done?),
            Err(error) => Err(ApiError::new(ErrorCode::Internal, error)),
        }
    }
}
