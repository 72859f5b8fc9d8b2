//! The least or greatest value of the last while.

/// Keeps an extreme over one to two spans of time, in constant space.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recent {
    better: fn(f64, f64) -> f64,
    span_us: u64,
    turned_us: u64,
    current: Option<f64>,
    previous: Option<f64>,
}

impl Recent {
    pub(super) fn least(span_us: u64) -> Self {
        Self::new(f64::min, span_us)
    }

    pub(super) fn greatest(span_us: u64) -> Self {
        Self::new(f64::max, span_us)
    }

    fn new(better: fn(f64, f64) -> f64, span_us: u64) -> Self {
        Self {
            better,
            span_us,
            turned_us: 0,
            current: None,
            previous: None,
        }
    }

    pub(super) fn add(&mut self, value: f64, now_us: u64) {
        let age = now_us.saturating_sub(self.turned_us);
        if age >= self.span_us {
            self.previous = self.current.take().filter(|_| age < 2 * self.span_us);
            self.turned_us = now_us;
        }
        self.current = Some(self.current.map_or(value, |known| (self.better)(known, value)));
    }

    pub(super) fn value(&self) -> Option<f64> {
        match (self.current, self.previous) {
            (Some(one), Some(other)) => Some((self.better)(one, other)),
            (one, other) => one.or(other),
        }
    }

    /// Forgets everything but this value.
    pub(super) fn restart(&mut self, value: f64, now_us: u64) {
        self.previous = None;
        self.current = Some(value);
        self.turned_us = now_us;
    }

    pub(super) fn clear(&mut self) {
        self.previous = None;
        self.current = None;
    }
}

#[cfg(test)]
mod tests {
    use super::Recent;

    #[test]
    fn an_extreme_is_forgotten_after_two_spans_at_most() {
        let mut least = Recent::least(1_000);
        least.add(1.0, 0);
        for now in (100..=1_900).step_by(100) {
            least.add(5.0, now);
            assert_eq!(least.value(), Some(1.0), "{now}");
        }
        least.add(5.0, 2_100);
        assert_eq!(least.value(), Some(5.0));
    }

    #[test]
    fn after_a_pause_nothing_old_counts() {
        let mut greatest = Recent::greatest(1_000);
        greatest.add(9.0, 0);
        greatest.add(2.0, 5_000);
        assert_eq!(greatest.value(), Some(2.0));
    }
}
