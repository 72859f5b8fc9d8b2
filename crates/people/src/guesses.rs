use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::throttle::{Patience, Throttle};

/// Who is remembered for having tried passwords.
const REMEMBERED: usize = 50_000;
/// One source at one account.
const EACH: Patience = Patience {
    free: 5,
    first_wait_ms: 1_000,
    longest_wait_ms: 15 * 60_000,
    memory_ms: 60 * 60_000,
};
/// Everybody at one account, and one source at all accounts. Kept short, so that nobody keeps another out for long.
const TOGETHER: Patience = Patience {
    free: 50,
    first_wait_ms: 1_000,
    longest_wait_ms: 60_000,
    memory_ms: 60 * 60_000,
};

/// Slows down who guesses the passwords of accounts: one source at one account, everybody at one, one source at all.
#[derive(Debug)]
pub struct Guesses {
    each: Mutex<Throttle<(String, String)>>,
    together: Mutex<Throttle<String>>,
}

impl Default for Guesses {
    fn default() -> Self {
        Self {
            each: Mutex::new(Throttle::new(EACH, REMEMBERED)),
            together: Mutex::new(Throttle::new(TOGETHER, REMEMBERED)),
        }
    }
}

impl Guesses {
    /// Counts an attempt of `source` at the account called `login`.
    ///
    /// # Errors
    /// How many milliseconds to wait. Trying meanwhile makes it no longer.
    pub fn attempt(&self, login: &str, source: &str, now_ms: u64) -> Result<(), u64> {
        lock(&self.each).begin(&(login.to_owned(), source.to_owned()), now_ms)?;
        let mut together = lock(&self.together);
        together.begin(&format!("login {login}"), now_ms)?;
        together.begin(&format!("source {source}"), now_ms)
    }

    /// Forgets the attempts of a source that was right at last.
    pub fn succeeded(&self, login: &str, source: &str) {
        lock(&self.each).succeeded(&(login.to_owned(), source.to_owned()));
        lock(&self.together).succeeded(&format!("source {source}"));
    }
}

/// Whoever held the lock and panicked left whole entries behind.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
