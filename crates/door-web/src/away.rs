//! People who are away to sign in at the provider, and what they come back with.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tertulia_model::RoomName;
use tertulia_people::{SecretDigest, SecretToken};

/// How long somebody may take at the provider.
pub const PATIENCE: Duration = Duration::from_secs(10 * 60);
/// People away at once; beyond it whoever left first has to begin again.
const MAX_AWAY: usize = 20_000;

/// Somebody who left for the provider.
pub struct Leaving {
    /// Of the secret in their browser's cookie, so that nobody else's browser comes back in their place.
    pub browser: SecretDigest,
    /// Comes back within the identity token.
    pub nonce: SecretToken,
    /// Shows with the code that it was we who asked for it (RFC 7636).
    pub verifier: SecretToken,
    /// The room they were about to enter.
    pub to: Option<RoomName>,
}

/// Everybody who is away, by the digest of the secret that comes back with them. Each comes back once.
#[derive(Default)]
pub struct Away {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    leaving: HashMap<SecretDigest, Leaving>,
    /// In the order they left.
    since: VecDeque<(SecretDigest, Instant)>,
}

impl Away {
    /// Remembers somebody who leaves.
    pub fn leave(&self, state: SecretDigest, leaving: Leaving, now: Instant) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.forget(now, MAX_AWAY - 1);
        inner.since.push_back((state.clone(), now));
        inner.leaving.insert(state, leaving);
    }

    /// Whoever left with this state, if they did, lately, and have not come back since.
    pub fn come_back(&self, state: &SecretDigest, now: Instant) -> Option<Leaving> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.forget(now, MAX_AWAY);
        inner.leaving.remove(state)
    }
}

impl Inner {
    /// Forgets who took too long, and who left first where there are more than `most`.
    fn forget(&mut self, now: Instant, most: usize) {
        while let Some((state, since)) = self.since.front() {
            let late = now.saturating_duration_since(*since) >= PATIENCE;
            if !late && self.since.len() <= most {
                break;
            }
            self.leaving.remove(state);
            self.since.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(number: u16) -> SecretToken {
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        SecretToken::from_random(bytes)
    }

    fn leaving() -> Leaving {
        Leaving {
            browser: secret(0).digest(),
            nonce: secret(1),
            verifier: secret(2),
            to: None,
        }
    }

    #[test]
    fn everybody_comes_back_once_and_in_time() {
        let (away, start) = (Away::default(), Instant::now());
        away.leave(secret(5).digest(), leaving(), start);
        away.leave(secret(6).digest(), leaving(), start);
        assert!(away.come_back(&secret(7).digest(), start).is_none());
        assert!(away.come_back(&secret(5).digest(), start).is_some());
        assert!(away.come_back(&secret(5).digest(), start).is_none());
        assert!(away.come_back(&secret(6).digest(), start + PATIENCE).is_none());
    }

    #[test]
    fn memory_is_bounded() {
        let (away, start) = (Away::default(), Instant::now());
        for number in 0..u16::try_from(MAX_AWAY + 10).unwrap() {
            away.leave(secret(number).digest(), leaving(), start);
        }
        let inner = away.inner.lock().unwrap();
        assert_eq!((inner.leaving.len(), inner.since.len()), (MAX_AWAY, MAX_AWAY));
        assert!(!inner.leaving.contains_key(&secret(9).digest()));
        assert!(inner.leaving.contains_key(&secret(10).digest()));
    }
}
