use std::time::Instant;

/// Lets a steady flow through, and a burst now and then.
#[derive(Debug)]
pub(crate) struct Bucket {
    per_second: f64,
    full: f64,
    left: f64,
    filled_at: Instant,
}

impl Bucket {
    /// A full bucket that holds `burst_s` seconds' worth.
    pub(crate) fn new(per_second: u32, burst_s: u32, now: Instant) -> Self {
        let per_second = f64::from(per_second);
        let full = per_second * f64::from(burst_s);
        Self {
            per_second,
            full,
            left: full,
            filled_at: now,
        }
    }

    /// Takes `amount`; false, and nothing taken, when there is less left.
    pub(crate) fn take(&mut self, amount: usize, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.filled_at).as_secs_f64();
        self.left = (self.left + passed * self.per_second).min(self.full);
        self.filled_at = now;
        let amount = amount as f64;
        if self.left < amount {
            return false;
        }
        self.left -= amount;
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
        let mut bucket = Bucket::new(10, 5, start);
        assert!((0..50).all(|_| bucket.take(1, start)));
        assert!(!bucket.take(1, start));
        let later = start + Duration::from_secs(1);
        assert!((0..10).all(|_| bucket.take(1, later)));
        assert!(!bucket.take(1, later));
    }
}
