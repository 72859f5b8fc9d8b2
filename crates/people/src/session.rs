use std::time::Duration;

use crate::{AccountId, SecretDigest};

/// A stay of somebody signed in, in one browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Of the token in the browser's cookie.
    pub digest: SecretDigest,
    /// Whose.
    pub account: AccountId,
    /// When they signed in, Unix milliseconds.
    pub created_at_ms: u64,
    /// When it was used last, to within an hour.
    pub seen_at_ms: u64,
    /// What they signed in with, in a few words; absent where that was not noted.
    pub browser: Option<String>,
}

/// How long sessions last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLife {
    /// Unused for so long, a session ends.
    pub idle: Duration,
    /// However much it is used, a session ends after so long.
    pub longest: Duration,
}

impl Default for SessionLife {
    fn default() -> Self {
        const DAY: u64 = 24 * 3_600;
        Self {
            idle: Duration::from_secs(14 * DAY),
            longest: Duration::from_secs(90 * DAY),
        }
    }
}

/// `seen_at_ms` is not written down at every request.
const SEEN_STEP_MS: u64 = 3_600_000;

impl Session {
    /// Characters of [`Session::short_id`].
    const SHORT_ID_CHARS: usize = 16;

    /// Begins one.
    pub fn begin(digest: SecretDigest, account: AccountId, browser: Option<String>, now_ms: u64) -> Self {
        Self {
            digest,
            account,
            created_at_ms: now_ms,
            seen_at_ms: now_ms,
            browser,
        }
    }

    /// Names it among the sessions of its account: 96 bits of the digest, which open nothing.
    pub fn short_id(&self) -> &str {
        let digest = self.digest.as_str();
        digest.get(..Self::SHORT_ID_CHARS).unwrap_or(digest)
    }

    /// When it ends if it is not used from now on, Unix milliseconds.
    pub fn ends_at_ms(&self, life: SessionLife) -> u64 {
        let idle = self.seen_at_ms.saturating_add(millis(life.idle));
        let longest = self.created_at_ms.saturating_add(millis(life.longest));
        idle.min(longest)
    }

    /// Whether it still counts.
    pub fn is_alive(&self, life: SessionLife, now_ms: u64) -> bool {
        now_ms < self.ends_at_ms(life)
    }

    /// Whether its use should be written down.
    pub fn should_note_use(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.seen_at_ms) >= SEEN_STEP_MS
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SecretToken;

    #[test]
    fn a_session_ends_unused_and_at_last_in_any_case() {
        let life = SessionLife {
            idle: Duration::from_secs(10),
            longest: Duration::from_secs(25),
        };
        let digest = SecretToken::from_random([1; 32]).digest();
        let mut session = Session::begin(digest, AccountId::from_random(1), None, 1_000);
        assert!(session.is_alive(life, 10_999) && !session.is_alive(life, 11_000));
        session.seen_at_ms = 20_000;
        assert!(session.is_alive(life, 25_999) && !session.is_alive(life, 26_000));
    }

    #[test]
    fn its_use_is_noted_now_and_then() {
        let digest = SecretToken::from_random([1; 32]).digest();
        let session = Session::begin(digest, AccountId::from_random(1), None, 0);
        assert!(!session.should_note_use(SEEN_STEP_MS - 1));
        assert!(session.should_note_use(SEEN_STEP_MS));
    }
}
