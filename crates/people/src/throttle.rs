use std::collections::BTreeMap;

/// When guessing becomes slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Attempts that cost nothing.
    pub free: u32,
    /// How long the next has to wait, doubled for each further one.
    pub first_wait_ms: u64,
    /// How long one has to wait at most.
    pub longest_wait_ms: u64,
    /// After so long without an attempt all is forgotten.
    pub memory_ms: u64,
}

/// Slows down whoever fails again and again: a source, an account, a room. An attempt counts when it begins, so that a
/// thousand at the same time are no way around.
#[derive(Debug)]
pub struct Throttle<K> {
    patience: Patience,
    greatest: usize,
    entries: BTreeMap<K, Attempts>,
}

#[derive(Debug, Clone, Copy)]
struct Attempts {
    count: u32,
    last_ms: u64,
    next_ms: u64,
}

impl<K: Ord + Clone> Throttle<K> {
    /// Remembers at most `greatest` keys; beyond it the one that was quiet longest is forgotten.
    pub fn new(patience: Patience, greatest: usize) -> Self {
        Self {
            patience,
            greatest: greatest.max(1),
            entries: BTreeMap::new(),
        }
    }

    /// Begins an attempt.
    ///
    /// # Errors
    /// How many milliseconds to wait. Trying meanwhile makes it no longer.
    pub fn begin(&mut self, key: &K, now_ms: u64) -> Result<(), u64> {
        let patience = self.patience;
        let fresh = Attempts {
            count: 0,
            last_ms: now_ms,
            next_ms: 0,
        };
        let mut attempts = self
            .entries
            .get(key)
            .copied()
            .filter(|attempts| now_ms.saturating_sub(attempts.last_ms) < patience.memory_ms)
            .unwrap_or(fresh);
        if now_ms < attempts.next_ms {
            return Err(attempts.next_ms - now_ms);
        }
        attempts.count = attempts.count.saturating_add(1);
        attempts.last_ms = now_ms;
        attempts.next_ms = match attempts.count.checked_sub(patience.free) {
            None => 0,
            Some(beyond) => {
                let doubled = patience
                    .first_wait_ms
                    .saturating_mul(1u64.checked_shl(beyond).unwrap_or(u64::MAX));
                now_ms.saturating_add(doubled.min(patience.longest_wait_ms))
            }
        };
        self.make_room(key);
        self.entries.insert(key.clone(), attempts);
        Ok(())
    }

    /// The attempt succeeded: what came before is forgotten.
    pub fn succeeded(&mut self, key: &K) {
        self.entries.remove(key);
    }

    fn make_room(&mut self, key: &K) {
        if self.entries.len() < self.greatest || self.entries.contains_key(key) {
            return;
        }
        let last = |(_, attempts): &(&K, &Attempts)| (attempts.next_ms, attempts.last_ms);
        if let Some(oldest) = self.entries.iter().min_by_key(last).map(|(key, _)| key.clone()) {
            self.entries.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        free: 3,
        first_wait_ms: 1_000,
        longest_wait_ms: 10_000,
        memory_ms: 60_000,
    };

    #[test]
    fn guessing_becomes_slow_and_slower() {
        let mut throttle = Throttle::new(PATIENCE, 10);
        for _ in 0..3 {
            assert_eq!(throttle.begin(&"a", 0), Ok(()));
        }
        assert_eq!(throttle.begin(&"a", 0), Err(1_000));
        assert_eq!(throttle.begin(&"b", 0), Ok(()), "others are not concerned");
        assert_eq!(throttle.begin(&"a", 1_000), Ok(()));
        assert_eq!(throttle.begin(&"a", 1_500), Err(1_500));
        assert_eq!(throttle.begin(&"a", 3_000), Ok(()));
        assert_eq!(throttle.begin(&"a", 3_000), Err(4_000));
        let mut now = 7_000;
        for _ in 0..5 {
            assert_eq!(throttle.begin(&"a", now), Ok(()));
            now += throttle.begin(&"a", now).unwrap_err();
        }
        assert_eq!(
            throttle.begin(&"a", now).and(throttle.begin(&"a", now)),
            Err(10_000)
        );
    }

    #[test]
    fn success_and_time_forgive() {
        let mut throttle = Throttle::new(PATIENCE, 10);
        for _ in 0..3 {
            throttle.begin(&"a", 0).unwrap();
        }
        throttle.succeeded(&"a");
        assert_eq!(throttle.begin(&"a", 0), Ok(()));
        for _ in 0..2 {
            throttle.begin(&"a", 0).unwrap();
        }
        assert!(throttle.begin(&"a", 999).is_err());
        assert_eq!(throttle.begin(&"a", 60_000), Ok(()));
        assert_eq!(throttle.begin(&"a", 60_000), Ok(()), "it began anew");
    }

    #[test]
    fn memory_is_bounded_and_those_who_wait_are_kept() {
        let mut throttle = Throttle::new(PATIENCE, 100);
        for _ in 0..3 {
            throttle.begin(&u32::MAX, 0).unwrap();
        }
        for key in 0..10_000 {
            throttle.begin(&key, 1).unwrap();
        }
        assert!(throttle.entries.len() <= 100);
        assert!(throttle.begin(&u32::MAX, 2).is_err());
    }
}
