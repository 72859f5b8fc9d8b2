//! How many bits a second pass a point, from the bytes and the times of packets.

const BUCKET_US: i64 = 20_000;
const BUCKETS: usize = 32;
/// A rate over less time than this says nothing.
const MIN_SPAN_US: i64 = 100_000;

/// The longest window that can be asked for.
pub(super) const MAX_WINDOW_US: i64 = BUCKET_US * (BUCKETS as i64 - 1);

/// Bytes by time of passage, for the last 600 ms. Times may come in any order.
#[derive(Debug, Default)]
pub(super) struct Throughput {
    /// Number of the bucket, and its bytes; the bucket `n` is at `n % BUCKETS`.
    buckets: [(i64, u64); BUCKETS],
    first_us: Option<i64>,
    newest_us: i64,
}

impl Throughput {
    /// Adds packets that pass at one time; `first` are the bytes of the first of them, `bytes` those of all.
    pub(super) fn add(&mut self, at_us: i64, first: u16, mut bytes: u64) {
        let Some(first_us) = self.first_us else {
            // The first packet begins the time that is measured; its bytes came before.
            self.first_us = Some(at_us);
            self.newest_us = at_us;
            bytes = bytes.saturating_sub(u64::from(first));
            if bytes > 0 {
                self.add(at_us, 0, bytes);
            }
            return;
        };
        let number = at_us.div_euclid(BUCKET_US);
        let behind = self.newest_us.div_euclid(BUCKET_US) - number;
        if at_us < first_us || behind >= BUCKETS as i64 {
            return;
        }
        self.newest_us = self.newest_us.max(at_us);
        let index = number.rem_euclid(BUCKETS as i64) as usize;
        let Some(bucket) = self.buckets.get_mut(index) else {
            return;
        };
        if bucket.0 != number {
            *bucket = (number, 0);
        }
        bucket.1 = bucket.1.saturating_add(bytes);
    }

    /// Bits per second over the window that ends with the newest packet.
    pub(super) fn rate(&self, window_us: i64) -> Option<f64> {
        let first_us = self.first_us?;
        let newest = self.newest_us.div_euclid(BUCKET_US);
        let oldest = (self.newest_us - window_us.min(MAX_WINDOW_US)).div_euclid(BUCKET_US) + 1;
        let span_us = self.newest_us - (oldest * BUCKET_US).max(first_us);
        if span_us < MIN_SPAN_US {
            return None;
        }
        let bytes: u64 = self
            .buckets
            .iter()
            .filter(|(number, _)| (oldest..=newest).contains(number))
            .map(|(_, bytes)| bytes)
            .sum();
        Some(bytes as f64 * 8.0 * 1e6 / span_us as f64)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steady(start_us: i64, packets: i64) -> Throughput {
        let mut throughput = Throughput::default();
        for packet in 0..packets {
            throughput.add(start_us + packet * 10_000, 1_250, 1_250);
        }
        throughput
    }

    #[test]
    fn a_steady_flow_is_read_as_what_it_is() {
        for start_us in [0, -7_000_000, 1 << 50] {
            let throughput = steady(start_us, 200);
            for window_us in [160_000, 500_000, MAX_WINDOW_US] {
                let rate = throughput.rate(window_us).unwrap();
                assert!((rate - 1e6).abs() < 0.08e6, "{start_us} {window_us}: {rate}");
            }
        }
    }

    #[test]
    fn the_beginning_is_not_read_as_a_low_rate() {
        assert_eq!(steady(0, 10).rate(500_000), None);
        let rate = steady(0, 20).rate(500_000).unwrap();
        assert!((rate - 1e6).abs() < 0.05e6, "{rate}");
    }

    #[test]
    fn a_pause_counts_as_time() {
        let mut throughput = steady(0, 100);
        throughput.add(990_000 + 250_000, 1_250, 1_250);
        let rate = throughput.rate(500_000).unwrap();
        assert!((0.4e6..0.6e6).contains(&rate), "{rate}");
    }
}
