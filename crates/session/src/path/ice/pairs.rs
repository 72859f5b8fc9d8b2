//! Which checks are on their way, and which pairs answered.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::MediaPath;

/// Checks remembered: all of three seconds at the agent's pace of one every 50 ms.
const MAX_CHECKS: usize = 64;
/// Pairs remembered.
const MAX_PAIRS: usize = 32;
/// Time without an answer after which another pair that answers may take over; two checks of a pair that stands are
/// unanswered then.
const STALE: Duration = Duration::from_secs(6);
/// How recent the answer of a pair that takes over must be.
const FRESH: Duration = Duration::from_secs(3);
/// Time without an answer after which a pair is forgotten; media can no longer come from there.
const FORGET: Duration = Duration::from_secs(60);

type TransactionId = [u8; 12];

/// Where each check went, so that its answer can be held to have come from there (RFC 8445 §7.2.5.2.1).
#[derive(Debug, Default)]
pub(super) struct Checks(VecDeque<Check>);

#[derive(Debug)]
struct Check {
    id: TransactionId,
    path: MediaPath,
    sent: Instant,
}

impl Checks {
    /// Notes a datagram of ours, if it is a check.
    pub(super) fn sent(&mut self, contents: &[u8], path: MediaPath, now: Instant) {
        let (Some([0, 1]), Some(id)) = (contents.first_chunk::<2>(), transaction(contents)) else {
            return;
        };
        if self.0.len() >= MAX_CHECKS {
            self.0.pop_front();
        }
        self.0.push_back(Check { id, path, sent: now });
    }

    /// Whether this answers a check that went where this comes from.
    pub(super) fn expects(&self, contents: &[u8], path: MediaPath) -> bool {
        let id = transaction(contents);
        self.0
            .iter()
            .any(|check| Some(check.id) == id && check.path == path)
    }

    /// Forgets a check that was answered, and gives when it was sent.
    pub(super) fn settle(&mut self, contents: &[u8]) -> Option<Instant> {
        let id = transaction(contents);
        let at = self.0.iter().position(|check| Some(check.id) == id)?;
        self.0.remove(at).map(|check| check.sent)
    }
}

/// The transaction id of a STUN message (RFC 8489 §5).
fn transaction(contents: &[u8]) -> Option<TransactionId> {
    contents.get(8..20)?.first_chunk().copied()
}

#[derive(Debug, Clone, Copy)]
struct Pair {
    path: MediaPath,
    answered: Instant,
    nominated: Option<Instant>,
}

/// Pairs that answered a check.
#[derive(Debug, Default)]
pub(super) struct Pairs(Vec<Pair>);

impl Pairs {
    pub(super) fn contains(&self, path: MediaPath) -> bool {
        self.0.iter().any(|pair| pair.path == path)
    }

    /// The one that answered last.
    pub(super) fn latest(&self) -> Option<MediaPath> {
        self.0
            .iter()
            .max_by_key(|pair| pair.answered)
            .map(|pair| pair.path)
    }

    /// When a pair last answered.
    pub(super) fn last_answer(&self, path: MediaPath) -> Option<Instant> {
        self.0
            .iter()
            .find(|pair| pair.path == path)
            .map(|pair| pair.answered)
    }

    /// Notes an answer; of too many pairs the one goes that has been silent longest, `keep` aside.
    pub(super) fn answered(&mut self, path: MediaPath, keep: Option<MediaPath>, now: Instant) {
        if let Some(pair) = self.0.iter_mut().find(|pair| pair.path == path) {
            pair.answered = now;
            return;
        }
        if self.0.len() >= MAX_PAIRS {
            let oldest = self
                .0
                .iter()
                .filter(|pair| Some(pair.path) != keep)
                .min_by_key(|pair| pair.answered)
                .map(|pair| pair.path);
            self.0.retain(|pair| Some(pair.path) != oldest);
        }
        self.0.push(Pair {
            path,
            answered: now,
            nominated: None,
        });
    }

    /// Notes that the peer nominates a pair.
    pub(super) fn nominated(&mut self, path: MediaPath, now: Instant) {
        if let Some(pair) = self.0.iter_mut().find(|pair| pair.path == path) {
            pair.nominated = Some(now);
        }
    }

    /// The pair to change to because the one in use no longer answers: of those that do, the one the peer nominated
    /// last, or where we nominate the one that answered last.
    pub(super) fn successor(
        &self,
        selected: Option<MediaPath>,
        controlling: bool,
        now: Instant,
    ) -> Option<MediaPath> {
        let selected = selected?;
        let answers = self
            .last_answer(selected)
            .is_some_and(|answered| now < answered + STALE);
        if answers {
            return None;
        }
        self.0
            .iter()
            .filter(|pair| pair.path != selected && now < pair.answered + FRESH)
            .filter(|pair| controlling || pair.nominated.is_some())
            .max_by_key(|pair| {
                if controlling {
                    Some(pair.answered)
                } else {
                    pair.nominated
                }
            })
            .map(|pair| pair.path)
    }

    pub(super) fn keep_only(&mut self, path: Option<MediaPath>) {
        self.0.retain(|pair| Some(pair.path) == path);
    }

    /// Forgets what has been silent for long, `keep` aside.
    pub(super) fn forget_stale(&mut self, keep: MediaPath, now: Instant) {
        self.0
            .retain(|pair| pair.path == keep || now < pair.answered + FORGET);
    }
}

#[cfg(test)]
mod tests;
