use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

/// The most sessions remembered; when there are more, the oldest is forgotten and its credential runs out by itself.
const MAX_REVOKED: usize = 1 << 16;

/// Sessions that have ended before their credentials did.
#[derive(Debug, Default)]
pub(super) struct Revoked {
    sessions: BTreeSet<Box<str>>,
    /// In the order they were revoked, which is the order in which they can be forgotten.
    order: VecDeque<(Instant, Box<str>)>,
}

impl Revoked {
    pub(super) fn insert(&mut self, session: &str, until: Instant) {
        if !self.sessions.insert(session.into()) {
            return;
        }
        self.order.push_back((until, session.into()));
        if self.order.len() > MAX_REVOKED {
            self.forget_oldest();
        }
    }

    pub(super) fn contains(&self, session: &str) -> bool {
        self.sessions.contains(session)
    }

    pub(super) fn len(&self) -> usize {
        self.sessions.len()
    }

    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.order.front().map(|(until, _)| *until)
    }

    pub(super) fn expire(&mut self, now: Instant) {
        while self.next_expiry().is_some_and(|until| until <= now) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, session)) = self.order.pop_front() {
            self.sessions.remove(&session);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_list_is_bounded_and_forgets_in_time() {
        let start = crate::tests::instant();
        let mut revoked = Revoked::default();
        for i in 0..MAX_REVOKED + 10 {
            revoked.insert(&format!("s{i}"), start + Duration::from_secs(i as u64));
        }
        assert_eq!(revoked.len(), MAX_REVOKED);
        assert!(!revoked.contains("s9") && revoked.contains("s10"));
        revoked.expire(start + Duration::from_secs(20));
        assert!(!revoked.contains("s20") && revoked.contains("s21"));
        assert_eq!(revoked.next_expiry(), Some(start + Duration::from_secs(21)));
    }
}
