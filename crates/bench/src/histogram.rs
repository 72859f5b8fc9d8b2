//! Counts of durations with a relative error below one percent, for percentiles.

use std::time::Duration;

/// Steps within one doubling; the width of a bucket is at most this part of its value.
const STEPS: u64 = 128;

/// A histogram of durations from a microsecond to over an hour.
#[derive(Debug, Clone, Default)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
}

impl Histogram {
    /// Counts one duration.
    pub fn record(&mut self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros())
            .unwrap_or(u64::MAX)
            .min(1 << 32);
        let bucket = bucket_of(micros);
        if self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, 0);
        }
        self.buckets[bucket] += 1;
        self.count += 1;
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        if self.buckets.len() < other.buckets.len() {
            self.buckets.resize(other.buckets.len(), 0);
        }
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.count += other.count;
    }

    /// How many durations were counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The duration that `share` (0 to 1) of all do not exceed; `None` when nothing was counted.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        if self.count == 0 {
            return None;
        }
        let rank = ((self.count as f64 * share.clamp(0.0, 1.0)).ceil() as u64).max(1);
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Some(Duration::from_micros(upper_end(bucket)));
            }
        }
        None
    }
}

fn bucket_of(micros: u64) -> usize {
    let doublings = (micros / STEPS)
        .checked_ilog2()
        .map_or(0, |exponent| u64::from(exponent) + 1);
    let bucket = if doublings == 0 {
        micros
    } else {
        doublings * STEPS + ((micros >> (doublings - 1)) - STEPS)
    };
    usize::try_from(bucket).unwrap_or(usize::MAX)
}

/// The greatest value that falls into `bucket`.
fn upper_end(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    match bucket / STEPS {
        0 => bucket,
        doublings => ((bucket % STEPS + STEPS + 1) << (doublings - 1)) - 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket_within_a_hundredth() {
        let mut last = 0;
        for micros in (0..4_000).chain([10_000, 99_999, 1_000_000, 3_599_999_999]) {
            let end = upper_end(bucket_of(micros));
            assert!(end >= micros && end - micros <= micros / 100, "{micros} → {end}");
            assert!(end >= last);
            last = end;
        }
    }

    #[test]
    fn quantiles_of_a_straight_line() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), None);
        let mut other = Histogram::default();
        for millis in 1..=100 {
            let half = if millis % 2 == 0 {
                &mut histogram
            } else {
                &mut other
            };
            half.record(Duration::from_millis(millis));
        }
        histogram.merge(&other);
        assert_eq!(histogram.count(), 100);
        for (share, expected) in [(0.0, 1.0), (0.5, 50.0), (0.99, 99.0), (1.0, 100.0)] {
            let found = histogram.quantile(share).unwrap().as_secs_f64() * 1_000.0;
            assert!((found - expected).abs() <= expected / 100.0, "{share}: {found}");
        }
    }
}
