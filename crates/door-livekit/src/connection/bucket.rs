use std::time::Instant;

/// How many seconds' worth of messages may come at once.
const BURST_S: f64 = 5.0;

/// Lets a steady number of messages through, and a burst now and then.
#[derive(Debug)]
pub(super) struct Bucket {
    per_second: f64,
    left: f64,
    filled_at: Instant,
}

impl Bucket {
    pub(super) fn new(per_second: u32, now: Instant) -> Self {
        let per_second = f64::from(per_second);
        Self {
            per_second,
            left: per_second * BURST_S,
            filled_at: now,
        }
    }

    /// Takes one message; false when there were too many.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.filled_at).as_secs_f64();
        self.left = (self.left + passed * self.per_second).min(self.per_second * BURST_S);
        self.filled_at = now;
        if self.left < 1.0 {
            return false;
        }
        self.left -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_flood_is_stopped_and_a_burst_is_not() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, start);
        assert!((0..50).all(|_| bucket.take(start)));
        assert!(!bucket.take(start));
        let later = start + Duration::from_secs(1);
        assert!((0..10).all(|_| bucket.take(later)));
        assert!(!bucket.take(later));
    }
}
