//! The rate that delay allows: up while the way is free, down where a queue builds up (draft-ietf-rmcat-gcc-02 §5.5).

use super::trend::Usage;

/// What is left of the throughput after overuse (draft-ietf-rmcat-gcc-02 §5.5).
const BACK_OFF: f64 = 0.85;
/// Growth in a second while the capacity is unknown (draft-ietf-rmcat-gcc-02 §5.5).
const GROWTH: f64 = 1.08;
/// The rate does not run further ahead of what arrives (draft-ietf-rmcat-gcc-02 §5.5).
const AHEAD: f64 = 1.5;
const AHEAD_BPS: f64 = 10_000.0;
/// How far a burst that fills the way may lead above the capacity that is known.
const ABOVE_CAPACITY: f64 = 1.15;
/// Least growth in a second near the capacity.
const MIN_STEP_BPS: f64 = 4_000.0;
/// Added to the round trip: the time a change takes to show (draft-ietf-rmcat-gcc-02 §5.5).
const RESPONSE_MS: f64 = 100.0;
/// Below this share of the rate, the source and not the way limits what arrives.
const SOURCE_LIMITED: f64 = 0.7;
/// Below this length a queue that grows is only watched: the frames of a picture, which leave together, make one.
const SHORT_QUEUE_MS: f64 = 12.0;
/// A queue of this length is no accident of jitter.
pub(super) const LONG_QUEUE_MS: f64 = 100.0;

/// What is known when a report has been read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Observed {
    pub(super) usage: Usage,
    /// What arrives, over half a second and over the last moment.
    pub(super) acknowledged_bps: Option<f64>,
    pub(super) momentary_bps: Option<f64>,
    pub(super) queue_ms: f64,
    pub(super) rtt_ms: f64,
    /// Something else (a draining queue, a loss) speaks against growth.
    pub(super) may_grow: bool,
    pub(super) now_us: u64,
}

/// What the way carried when it was full: mean and deviation of the throughput under overuse.
#[derive(Debug, Default)]
struct Capacity {
    mean_bps: Option<f64>,
    /// Variance, normalised by the mean.
    deviation: f64,
}

impl Capacity {
    const WEIGHT: f64 = 0.05;
    const DEVIATION: std::ops::RangeInclusive<f64> = 400.0..=2_500.0;

    fn add(&mut self, bps: f64) {
        let Some(mean) = self.mean_bps else {
            self.mean_bps = Some(bps);
            self.deviation = *Self::DEVIATION.start();
            return;
        };
        let moved = mean + Self::WEIGHT * (bps - mean);
        let error = (mean - bps) * (mean - bps) / mean.max(1.0);
        let deviation = (1.0 - Self::WEIGHT) * self.deviation + Self::WEIGHT * error;
        self.mean_bps = Some(moved);
        self.deviation = deviation.clamp(*Self::DEVIATION.start(), *Self::DEVIATION.end());
    }

    /// Forgets a capacity that what arrives has left by more than three deviations.
    fn check(&mut self, bps: f64) {
        let Some(mean) = self.mean_bps else { return };
        let margin = 3.0 * (self.deviation * mean).sqrt();
        if bps > mean + margin || bps < mean - margin {
            self.mean_bps = None;
        }
    }

    /// As [`Capacity::check`], but a source that sends little disproves nothing.
    fn check_above(&mut self, bps: f64) {
        if self.mean_bps.is_some_and(|mean| bps > mean) {
            self.check(bps);
        }
    }
}

#[derive(Debug)]
pub(super) struct RateControl {
    bps: f64,
    capacity: Capacity,
    grown_us: Option<u64>,
    reduced_us: Option<u64>,
}

impl RateControl {
    pub(super) fn new(bps: f64) -> Self {
        Self {
            bps,
            capacity: Capacity::default(),
            grown_us: None,
            reduced_us: None,
        }
    }

    pub(super) fn bps(&self) -> f64 {
        self.bps
    }

    /// Sets what a measurement says.
    pub(super) fn set(&mut self, bps: f64, now_us: u64) {
        self.bps = bps;
        self.grown_us = Some(now_us);
    }

    /// A measurement found that the way carries this; `full` where it carries no more. Gives what may be believed of it.
    ///
    /// A burst that fills a way it shares takes more than its share, so what overuse has shown lately counts for more.
    pub(super) fn believe(&mut self, bps: f64, full: bool) -> f64 {
        if !full {
            self.capacity.check_above(bps);
            return bps;
        }
        let most = self
            .capacity
            .mean_bps
            .map_or(f64::INFINITY, |mean| ABOVE_CAPACITY * mean);
        bps.min(most)
    }

    /// Applies a report; `true` where it reduced the rate.
    pub(super) fn update(&mut self, observed: &Observed) -> bool {
        match observed.usage {
            Usage::Over if observed.queue_ms >= SHORT_QUEUE_MS => self.reduce(observed),
            Usage::Normal if observed.may_grow => {
                self.grow(observed);
                false
            }
            Usage::Over | Usage::Normal | Usage::Under => {
                self.grown_us = Some(observed.now_us);
                false
            }
        }
    }

    fn reduce(&mut self, observed: &Observed) -> bool {
        let long = observed.queue_ms > LONG_QUEUE_MS;
        let arriving = match (observed.momentary_bps, observed.acknowledged_bps) {
            // Behind a queue packets leave as fast as the way carries them, so the last moment is exact.
            (Some(moment), Some(average)) if long => Some(moment.min(average)),
            (moment, average) => average.or(moment),
        };
        let Some(arriving) = arriving else {
            return false;
        };
        let since_us = self
            .reduced_us
            .map_or(u64::MAX, |at| observed.now_us.saturating_sub(at));
        let pause_us = (observed.rtt_ms.clamp(10.0, 200.0) * 1_000.0) as u64;
        if since_us < pause_us && arriving > 0.5 * self.bps {
            return false;
        }
        self.capacity.check(arriving);
        let source_limited = arriving < SOURCE_LIMITED * self.bps;
        let mut target = BACK_OFF * arriving;
        if source_limited && !long {
            // The source sends less than the way may carry, so its rate says little about the capacity; what is
            // believed shrinks step by step instead.
            target = target.max(BACK_OFF * self.bps);
        } else {
            self.capacity.add(arriving);
        }
        let reduced = target < self.bps;
        self.bps = self.bps.min(target);
        self.reduced_us = Some(observed.now_us);
        self.grown_us = Some(observed.now_us);
        reduced
    }

    fn grow(&mut self, observed: &Observed) {
        let last_us = self.grown_us.replace(observed.now_us).unwrap_or(observed.now_us);
        let Some(arriving) = observed.acknowledged_bps else {
            return;
        };
        self.capacity.check_above(arriving);
        let seconds = (observed.now_us.saturating_sub(last_us) as f64 / 1e6).min(1.0);
        let grown = match self.capacity.mean_bps {
            Some(_) => self.bps + step_bps(self.bps, observed.rtt_ms) * seconds,
            None => self.bps * GROWTH.powf(seconds),
        };
        let limit = AHEAD * arriving + AHEAD_BPS;
        self.bps = grown.min(limit.max(self.bps));
    }
}

/// Growth in a second near the capacity: one packet for each time a change takes to show.
fn step_bps(bps: f64, rtt_ms: f64) -> f64 {
    let frame_bits = bps / 30.0;
    let packets = (frame_bits / (8.0 * 1_200.0)).ceil().max(1.0);
    let response = (rtt_ms + RESPONSE_MS) / 1_000.0;
    (frame_bits / packets / response).max(MIN_STEP_BPS)
}
