//! How often something may happen.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Sources remembered at most. Beyond it full buckets are forgotten first, then all.
const MAX_SOURCES: usize = 100_000;

/// A token bucket: so many at once, refilled at so many a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// How many at once.
    pub burst: u32,
    /// How many a minute in the long run.
    pub per_minute: u32,
}

/// A token bucket for each source.
#[derive(Debug)]
pub struct Limiter<K> {
    rate: RateLimit,
    buckets: Mutex<HashMap<K, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl<K: Eq + Hash> Limiter<K> {
    /// Full buckets.
    pub fn new(rate: RateLimit) -> Self {
        Self {
            rate,
            buckets: Mutex::default(),
        }
    }

    /// Takes a token of `source`.
    ///
    /// # Errors
    /// How long until there is one.
    pub fn take(&self, source: K, now: Instant) -> Result<(), Duration> {
        let rate = self.rate;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_SOURCES && !buckets.contains_key(&source) {
            buckets.retain(|_, bucket| bucket.refilled(rate, now) < f64::from(rate.burst));
            if buckets.len() >= MAX_SOURCES {
                tracing::warn!("more sources than the rate limiter remembers; it starts over");
                buckets.clear();
            }
        }
        let full = Bucket {
            tokens: f64::from(rate.burst),
            at: now,
        };
        let bucket = buckets.entry(source).or_insert(full);
        let tokens = bucket.refilled(rate, now);
        let short = 1.0 - tokens;
        *bucket = Bucket {
            tokens: if short > 0.0 { tokens } else { tokens - 1.0 },
            at: now,
        };
        if short > 0.0 {
            let per_second = f64::from(rate.per_minute.max(1)) / 60.0;
            return Err(Duration::from_secs_f64(short / per_second));
        }
        Ok(())
    }
}

impl Bucket {
    fn refilled(&self, rate: RateLimit, now: Instant) -> f64 {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        (self.tokens + seconds * f64::from(rate.per_minute) / 60.0).min(f64::from(rate.burst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let limiter = Limiter::new(RateLimit {
            burst: 3,
            per_minute: 60,
        });
        let start = Instant::now();
        for _ in 0..3 {
            assert!(limiter.take("a", start).is_ok());
        }
        assert_eq!(limiter.take("a", start), Err(Duration::from_secs(1)));
        assert!(limiter.take("b", start).is_ok());
        assert!(limiter.take("a", start + Duration::from_secs(1)).is_ok());
        assert!(limiter.take("a", start + Duration::from_secs(1)).is_err());
    }

    #[test]
    fn memory_stays_bounded() {
        let limiter = Limiter::new(RateLimit {
            burst: 1,
            per_minute: 1,
        });
        let now = Instant::now();
        for source in 0..(MAX_SOURCES + 10) {
            assert!(limiter.take(source, now).is_ok());
        }
        assert!(limiter.buckets.lock().unwrap().len() <= MAX_SOURCES);
    }
}
