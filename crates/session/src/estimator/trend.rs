//! Whether the way to the peer is filling up: the slope of the delay between groups, and a threshold that adapts to what
//! is usual there (draft-ietf-rmcat-gcc-02 §5.3, §5.4, with a line fitted where the draft has a Kalman filter).

use super::groups::Delta;

/// Groups a line is fitted through.
const WINDOW: usize = 20;
/// Weight of what was known in the smoothed delay.
const SMOOTHING: f64 = 0.9;
/// What brings a slope to the size of the threshold.
const GAIN: f64 = 4.0;
/// Groups after which a slope counts in full.
const FULL_WEIGHT: u32 = 60;
/// Bounds of the threshold, in milliseconds (draft-ietf-rmcat-gcc-02 §5.4).
const THRESHOLD_MS: std::ops::RangeInclusive<f64> = 6.0..=600.0;
const FIRST_THRESHOLD_MS: f64 = 12.5;
/// How fast the threshold follows upwards and downwards, per millisecond.
const FOLLOW_UP: f64 = 0.0087;
const FOLLOW_DOWN: f64 = 0.039;
/// What lies further above the threshold than this does not move it.
const MAX_FOLLOWED_MS: f64 = 15.0;
/// Longest time the threshold follows in one step.
const MAX_STEP_MS: f64 = 100.0;
/// A slope must stand this long before it counts as overuse (draft-ietf-rmcat-gcc-02 §5.4).
const OVERUSE_MS: f64 = 10.0;

/// How the way is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Usage {
    #[default]
    Normal,
    /// A queue builds up.
    Over,
    /// A queue drains.
    Under,
}

#[derive(Debug)]
pub(super) struct Trend {
    /// Arrival and smoothed delay, both in milliseconds; a ring.
    points: [(f64, f64); WINDOW],
    next: usize,
    count: u32,
    delay_ms: f64,
    smoothed_ms: f64,
    previous: f64,
    threshold_ms: f64,
    followed_at_ms: Option<f64>,
    /// How long the slope has been above the threshold.
    over_ms: f64,
    over_count: u32,
    usage: Usage,
}

impl Default for Trend {
    fn default() -> Self {
        Self {
            points: [(0.0, 0.0); WINDOW],
            next: 0,
            count: 0,
            delay_ms: 0.0,
            smoothed_ms: 0.0,
            previous: 0.0,
            threshold_ms: FIRST_THRESHOLD_MS,
            followed_at_ms: None,
            over_ms: 0.0,
            over_count: 0,
            usage: Usage::Normal,
        }
    }
}

impl Trend {
    /// Takes the next group.
    pub(super) fn add(&mut self, delta: Delta) {
        self.count = self.count.saturating_add(1);
        self.delay_ms += delta.arrival_ms - delta.sent_ms;
        self.smoothed_ms = SMOOTHING * self.smoothed_ms + (1.0 - SMOOTHING) * self.delay_ms;
        if let Some(point) = self.points.get_mut(self.next) {
            *point = (delta.at_ms, self.smoothed_ms);
        }
        self.next = (self.next + 1) % WINDOW;
        let slope = match self.slope() {
            Some(slope) if self.count as usize >= WINDOW => slope,
            _ => self.previous,
        };
        self.judge(slope, delta);
    }

    pub(super) fn usage(&self) -> Usage {
        self.usage
    }

    fn judge(&mut self, slope: f64, delta: Delta) {
        let level = f64::from(self.count.min(FULL_WEIGHT)) * slope * GAIN;
        if self.count < 2 {
            self.usage = Usage::Normal;
        } else if level > self.threshold_ms {
            self.over_ms += if self.over_count == 0 {
                delta.sent_ms / 2.0
            } else {
                delta.sent_ms
            };
            self.over_count += 1;
            if self.over_ms > OVERUSE_MS && self.over_count > 1 && slope >= self.previous {
                self.over_ms = 0.0;
                self.over_count = 0;
                self.usage = Usage::Over;
            }
        } else {
            self.over_ms = 0.0;
            self.over_count = 0;
            self.usage = if level < -self.threshold_ms {
                Usage::Under
            } else {
                Usage::Normal
            };
        }
        self.previous = slope;
        self.follow(level.abs(), delta.at_ms);
    }

    fn follow(&mut self, level: f64, at_ms: f64) {
        let last = self.followed_at_ms.replace(at_ms).unwrap_or(at_ms);
        if level > self.threshold_ms + MAX_FOLLOWED_MS {
            return;
        }
        let rate = if level < self.threshold_ms {
            FOLLOW_DOWN
        } else {
            FOLLOW_UP
        };
        let step = (at_ms - last).clamp(0.0, MAX_STEP_MS);
        let moved = self.threshold_ms + rate * (level - self.threshold_ms) * step;
        self.threshold_ms = moved.clamp(*THRESHOLD_MS.start(), *THRESHOLD_MS.end());
    }

    /// The least-squares slope through the points.
    fn slope(&self) -> Option<f64> {
        // Times count from one of the points, so that their squares stay exact enough.
        let [(origin, _), ..] = self.points;
        let (mut x, mut y, mut xx, mut xy) = (0.0, 0.0, 0.0, 0.0);
        for point in &self.points {
            let off = point.0 - origin;
            x += off;
            y += point.1;
            xx += off * off;
            xy += off * point.1;
        }
        let count = self.points.len() as f64;
        let (above, below) = (xy - x * y / count, xx - x * x / count);
        (below > 0.0).then(|| above / below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups every 10 ms, each arriving so much later than the one before.
    fn after(trend: &mut Trend, start: u32, groups: u32, later_ms: f64) -> Usage {
        for step in start..start + groups {
            trend.add(Delta {
                sent_ms: 10.0,
                arrival_ms: 10.0 + later_ms,
                at_ms: f64::from(step) * 10.0,
            });
        }
        trend.usage()
    }

    #[test]
    fn an_even_delay_is_normal_use() {
        assert_eq!(after(&mut Trend::default(), 0, 200, 0.0), Usage::Normal);
    }

    #[test]
    fn a_growing_delay_is_overuse_and_a_falling_one_underuse() {
        let mut trend = Trend::default();
        after(&mut trend, 0, 100, 0.0);
        assert_eq!(after(&mut trend, 100, 30, 1.0), Usage::Over);
        assert_eq!(after(&mut trend, 130, 60, -1.0), Usage::Under);
        assert_eq!(after(&mut trend, 190, 60, 0.0), Usage::Normal);
    }

    #[test]
    fn the_threshold_grows_with_what_is_usual() {
        let (mut calm, mut restless) = (Trend::default(), Trend::default());
        for step in 0..2_000_u32 {
            // A slow swing of 40 ms up and down.
            let later_ms = if (step / 20) % 2 == 0 { 2.0 } else { -2.0 };
            after(&mut calm, step, 1, 0.0);
            after(&mut restless, step, 1, later_ms);
        }
        assert_eq!(calm.threshold_ms, *THRESHOLD_MS.start());
        assert!(restless.threshold_ms > 7.0, "{}", restless.threshold_ms);
    }
}
