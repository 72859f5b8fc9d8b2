//! Instants as the timestamps of RTCP and of the send-time extension.

use std::time::{Duration, Instant};

/// Turns instants into NTP timestamps: seconds in the upper 32 bits, their fraction in the lower.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    base: Instant,
    ntp: u64,
    /// The time of sending given last; a train's packets leave at one instant.
    sending: (Instant, u32),
}

impl Clock {
    /// Lets `now` be `ntp`.
    pub(super) fn new(now: Instant, ntp: u64) -> Self {
        let mut clock = Self {
            base: now,
            ntp,
            sending: (now, 0),
        };
        clock.sending.1 = clock.send_time(now);
        clock
    }

    pub(super) fn ntp(&self, at: Instant) -> u64 {
        self.ntp
            .wrapping_add(to_ntp(at.saturating_duration_since(self.base)))
    }

    /// Time of sending in 24 bits: 6 of seconds, 18 of fraction.
    #[inline]
    pub(super) fn abs_send_time(&mut self, at: Instant) -> u32 {
        if self.sending.0 != at {
            self.sending = (at, self.send_time(at));
        }
        self.sending.1
    }

    fn send_time(&self, at: Instant) -> u32 {
        ((self.ntp(at) >> 14) & 0x00ff_ffff) as u32
    }
}

/// The middle 32 bits, which reports quote (RFC 3550 §6.4.1).
pub(super) fn middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

/// A duration in units of 2⁻¹⁶ seconds, held at the greatest value.
pub(super) fn to_short(duration: Duration) -> u32 {
    u32::try_from(to_ntp(duration) >> 16).unwrap_or(u32::MAX)
}

/// A duration from units of 2⁻¹⁶ seconds.
pub(super) fn from_short(short: u32) -> Duration {
    Duration::from_nanos((u64::from(short) * 1_000_000_000) >> 16)
}

/// A duration in units of 2⁻³² seconds, whole seconds beyond 32 bits dropped.
fn to_ntp(duration: Duration) -> u64 {
    (duration.as_secs() << 32) | ((u64::from(duration.subsec_nanos()) << 32) / 1_000_000_000)
}

/// A difference in units of a clock of `rate` hertz as one of NTP timestamps.
pub(super) fn units_to_ntp(units: i32, rate: u32) -> i64 {
    (i64::from(units) << 32) / i64::from(rate.max(1))
}

/// A duration in units of a clock of `rate` hertz, as RTP timestamps count: modulo 2³².
pub(super) fn duration_to_units(duration: Duration, rate: u32) -> u32 {
    let rate = u64::from(rate);
    let fraction = (u64::from(duration.subsec_nanos()) * rate + 500_000_000) / 1_000_000_000;
    duration.as_secs().wrapping_mul(rate).wrapping_add(fraction) as u32
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "tests begin their virtual time at some instant"
)]
mod tests {
    use super::*;

    #[test]
    fn instants_become_timestamps() {
        let base = Instant::now();
        let mut clock = Clock::new(base, 5 << 32);
        let at = base + Duration::from_millis(1_250);
        assert_eq!(clock.ntp(at), (6 << 32) | (1 << 30));
        assert_eq!(middle(clock.ntp(at)), (6 << 16) | (1 << 14));
        assert_eq!(clock.abs_send_time(at), (6 << 18) | (1 << 16));
        assert_eq!(clock.ntp(base - Duration::from_secs(1)), 5 << 32);
    }

    #[test]
    fn short_durations_survive() {
        let duration = Duration::from_micros(123_456);
        let back = from_short(to_short(duration));
        assert!(duration - back < Duration::from_micros(16), "{back:?}");
        assert_eq!(to_short(Duration::from_secs(100_000)), u32::MAX);
    }

    #[test]
    fn units_follow_the_rate() {
        assert_eq!(units_to_ntp(135_000, 90_000), 3 << 31);
        assert_eq!(units_to_ntp(-48_000, 48_000), -(1 << 32));
        assert_eq!(duration_to_units(Duration::from_millis(20), 48_000), 960);
    }
}
