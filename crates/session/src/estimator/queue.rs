//! How long packets wait on the way, and how a queue that overuse left behind is emptied.
//!
//! The one-way delay is known up to a constant, the difference of the two clocks; its least value of the last while
//! stands for an empty queue.

use super::recent::Recent;

/// Clocks drift by some 50 millionths, 1.5 ms in this time.
const BASE_SPAN_US: u64 = 15_000_000;
/// A queue that overuse leaves behind is emptied where it is longer than this, down to this.
const WORTH_DRAINING_MS: f64 = 80.0;
const DRAINED_MS: f64 = 25.0;
/// The whole rate is held back at this length, and less as it shrinks.
const FULL_STOP_MS: f64 = 350.0;
/// Least share of the rate while a queue is emptied: sound goes on.
const LEAST_SHARE: f64 = 0.1;
/// A queue that does not shrink in this time is somebody else's, or the way has become longer.
const PATIENCE_US: u64 = 3_000_000;
/// How far the delay must have risen, in the span of [`SpeedUp`], to count as a sudden fall of the capacity.
const SUDDEN_MS: f64 = 60.0;
const SUDDEN_SPAN_US: u64 = 200_000;

/// Watches the one-way delay.
#[derive(Debug)]
pub(super) struct Queue {
    base_ms: Recent,
    lately_ms: Recent,
    /// The delays of the last packets, in milliseconds.
    last_ms: [Option<f64>; 3],
    next: usize,
    draining: Option<Draining>,
}

#[derive(Debug, Clone, Copy)]
struct Draining {
    since_us: u64,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            base_ms: Recent::least(BASE_SPAN_US),
            lately_ms: Recent::least(SUDDEN_SPAN_US),
            last_ms: [None; 3],
            next: 0,
            draining: None,
        }
    }
}

impl Queue {
    /// Takes the one-way delay that so many packets had one after the other, by clocks of unknown difference.
    pub(super) fn add(&mut self, delay_ms: f64, packets: u32, now_us: u64) {
        self.base_ms.add(delay_ms, now_us);
        if packets >= self.last_ms.len() as u32 {
            self.last_ms = [Some(delay_ms); 3];
            return;
        }
        for _ in 0..packets {
            if let Some(last) = self.last_ms.get_mut(self.next) {
                *last = Some(delay_ms);
            }
            self.next = (self.next + 1) % self.last_ms.len();
        }
    }

    /// How long a packet that leaves now will wait. The least of the last three, so that no single late packet counts.
    pub(super) fn length_ms(&self) -> f64 {
        match (self.latest_ms(), self.base_ms.value()) {
            (Some(latest), Some(base)) => (latest - base).max(0.0),
            _ => 0.0,
        }
    }

    /// Whether the delay has risen so steeply that the capacity must have fallen. Asked once for each report.
    pub(super) fn rose_suddenly(&mut self, now_us: u64) -> bool {
        let Some(latest) = self.latest_ms() else {
            return false;
        };
        let before = self.lately_ms.value();
        self.lately_ms.add(latest, now_us);
        before.is_some_and(|before| latest - before > SUDDEN_MS)
    }

    /// Begins to empty the queue, where that is worth it.
    pub(super) fn drain(&mut self, now_us: u64) {
        if self.draining.is_none() && self.length_ms() > WORTH_DRAINING_MS {
            self.draining = Some(Draining { since_us: now_us });
        }
    }

    /// Judges whether a queue being emptied is empty. Asked once for each report.
    pub(super) fn update(&mut self, now_us: u64) {
        let Some(draining) = self.draining else { return };
        if self.length_ms() < DRAINED_MS {
            self.draining = None;
        } else if now_us.saturating_sub(draining.since_us) > PATIENCE_US {
            self.draining = None;
            if let Some(latest) = self.latest_ms() {
                self.base_ms.restart(latest, now_us);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn is_draining(&self) -> bool {
        self.draining.is_some()
    }

    /// The share of the rate that may be used now.
    pub(super) fn share(&self) -> f64 {
        if self.draining.is_none() {
            return 1.0;
        }
        (1.0 - (self.length_ms() - DRAINED_MS) / FULL_STOP_MS).clamp(LEAST_SHARE, 1.0)
    }

    /// The way or a clock has changed.
    pub(super) fn restart(&mut self) {
        *self = Self::default();
    }

    fn latest_ms(&self) -> Option<f64> {
        self.last_ms.iter().flatten().copied().reduce(f64::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A report every 50 ms, each with five packets of this delay.
    fn pass(queue: &mut Queue, now_us: &mut u64, delays_ms: impl IntoIterator<Item = f64>) -> Vec<bool> {
        let report = |delay_ms| {
            *now_us += 50_000;
            queue.add(delay_ms, 5, *now_us);
            let sudden = queue.rose_suddenly(*now_us);
            queue.update(*now_us);
            sudden
        };
        delays_ms.into_iter().map(report).collect()
    }

    #[test]
    fn a_queue_is_emptied_until_it_is_short() {
        let (mut queue, mut now) = (Queue::default(), 0);
        pass(&mut queue, &mut now, [-40.0; 20]);
        queue.drain(now);
        assert!(!queue.is_draining(), "there is none");
        pass(&mut queue, &mut now, [160.0]);
        queue.drain(now);
        assert!((queue.share() - 0.5).abs() < 1e-9, "{}", queue.share());
        pass(&mut queue, &mut now, [10.0]);
        assert!(queue.is_draining());
        pass(&mut queue, &mut now, [-30.0]);
        assert_eq!((queue.is_draining(), queue.share()), (false, 1.0));
    }

    #[test]
    fn a_longer_way_is_taken_for_a_queue_only_so_long() {
        let (mut queue, mut now) = (Queue::default(), 0);
        pass(&mut queue, &mut now, [20.0; 20]);
        pass(&mut queue, &mut now, [120.0]);
        queue.drain(now);
        pass(&mut queue, &mut now, [120.0; 70]);
        assert!(!queue.is_draining());
        assert_eq!(queue.length_ms(), 0.0);
    }

    #[test]
    fn a_fall_of_the_capacity_shows_in_one_report() {
        let (mut queue, mut now) = (Queue::default(), 0);
        let slow = pass(&mut queue, &mut now, (0..40).map(f64::from));
        assert!(slow.iter().all(|sudden| !sudden));
        assert_eq!(pass(&mut queue, &mut now, [110.0]), [true]);
    }
}
