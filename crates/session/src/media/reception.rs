//! What a receiver reports of one stream (RFC 3550 §6.4.1, appendix A.3 and A.8).

use std::time::{Duration, Instant};

use super::clock::{self, middle};

/// Counts of one received stream.
#[derive(Debug, Default)]
pub(super) struct Reception {
    first: Option<u64>,
    highest: u64,
    /// Packets of this SSRC that came on their own, and those that repairs brought.
    received: u64,
    repaired: u64,
    /// Packets and payload bytes of the encoding under all its SSRCs, repairs included.
    packets: u64,
    bytes: u64,
    reported: Totals,
    counted: Totals,
    /// Interarrival jitter in sixteenths of a timestamp unit.
    jitter: u32,
    /// Arrival and timestamp of the packet before.
    before: Option<(Instant, u32)>,
    sender: Option<SenderClock>,
}

/// Totals at the end of an interval.
#[derive(Debug, Default, Clone, Copy)]
struct Totals {
    expected: u64,
    received: u64,
}

/// The sender's clock by its last sender report.
#[derive(Debug, Clone, Copy)]
pub(super) struct SenderClock {
    pub(super) ntp: u64,
    pub(super) rtp: u32,
    at: Instant,
}

/// What stands in a report block beside the SSRC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) fraction_lost: u8,
    /// 24 bits, signed.
    pub(super) cumulative_lost: i32,
    pub(super) highest: u32,
    pub(super) jitter: u32,
    pub(super) last_report: u32,
    pub(super) delay: u32,
}

impl Reception {
    /// Notes a packet that came by itself. `rate` is the clock rate of its payload in hertz.
    pub(super) fn note(&mut self, sequence: u64, timestamp: u32, bytes: usize, rate: u32, now: Instant) {
        match self.first {
            None => {
                self.first = Some(sequence);
                self.highest = sequence;
            }
            Some(first) => {
                // What was sent before the first that came counts once it comes.
                self.first = Some(first.min(sequence));
                self.highest = self.highest.max(sequence);
            }
        }
        self.received += 1;
        self.packets += 1;
        self.bytes += bytes as u64;
        if let Some((arrival, stamp)) = self.before {
            let spacing = clock::duration_to_units(now.saturating_duration_since(arrival), rate);
            let transit = spacing.wrapping_sub(timestamp.wrapping_sub(stamp)) as i32;
            // A jump of the sender's timestamps is no jitter.
            let difference = transit.unsigned_abs().min(rate);
            self.jitter = self
                .jitter
                .saturating_add(difference)
                .saturating_sub((self.jitter.saturating_add(8)) >> 4);
        }
        self.before = Some((now, timestamp));
    }

    /// Notes a packet that a repair brought.
    pub(super) fn note_repair(&mut self, bytes: usize) {
        self.repaired += 1;
        self.packets += 1;
        self.bytes += bytes as u64;
    }

    pub(super) fn note_sender(&mut self, ntp: u64, rtp: u32, now: Instant) {
        self.sender = Some(SenderClock { ntp, rtp, at: now });
    }

    pub(super) fn sender(&self) -> Option<(u64, u32)> {
        self.sender.map(|sender| (sender.ntp, sender.rtp))
    }

    /// Counts another SSRC of the same encoding from here on.
    pub(super) fn begin_anew(&mut self) {
        *self = Self {
            packets: self.packets,
            bytes: self.bytes,
            ..Self::default()
        };
    }

    /// Packets that came, repairs included.
    pub(super) fn packets(&self) -> u64 {
        self.packets
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// In timestamp units.
    pub(super) fn jitter(&self) -> u32 {
        self.jitter >> 4
    }

    /// Whether something came since the last report.
    pub(super) fn flows(&self) -> bool {
        self.received != self.reported.received
    }

    /// Ends an interval of reporting to the sender. A packet that a repair brought was lost all the same: the sender
    /// is told what its path does (RFC 4588 §8.6 keeps the two streams' counts apart).
    pub(super) fn report(&mut self, now: Instant) -> Option<Report> {
        let totals = Totals {
            expected: self.highest + 1 - self.first?,
            received: self.received,
        };
        let fraction_lost = lost_between(self.reported, totals);
        self.reported = totals;
        let lost = i64::try_from(totals.expected).unwrap_or(i64::MAX)
            - i64::try_from(totals.received).unwrap_or(i64::MAX);
        Some(Report {
            fraction_lost: (fraction_lost * 256.0).min(255.0) as u8,
            cumulative_lost: lost.clamp(-0x80_0000, 0x7f_ffff) as i32,
            highest: self.highest as u32,
            jitter: self.jitter(),
            last_report: self.sender.map_or(0, |sender| middle(sender.ntp)),
            delay: self.sender.map_or(0, |sender| {
                clock::to_short(now.saturating_duration_since(sender.at))
            }),
        })
    }

    /// Ends an interval of counting: packets that were lost and that no repair brought, 0 to 1; `None` where nothing
    /// came.
    pub(super) fn count(&mut self) -> Option<f32> {
        let totals = Totals {
            expected: self.highest + 1 - self.first?,
            received: self.received + self.repaired,
        };
        let lost = lost_between(self.counted, totals);
        let came = totals.received != self.counted.received;
        self.counted = totals;
        came.then_some(lost)
    }
}

fn lost_between(before: Totals, after: Totals) -> f32 {
    let expected = after.expected.saturating_sub(before.expected);
    let received = after.received.saturating_sub(before.received);
    if expected == 0 {
        return 0.0;
    }
    expected.saturating_sub(received) as f32 / expected as f32
}

/// The round trip by a report that quotes one of ours: `quoted` is when that was sent.
pub(super) fn round_trip(quoted: Instant, delay: u32, now: Instant) -> Option<Duration> {
    now.saturating_duration_since(quoted)
        .checked_sub(clock::from_short(delay))
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "tests begin their virtual time at some instant"
)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn losses_are_counted_between_reports() {
        let (mut reception, start) = (Reception::default(), Instant::now());
        assert_eq!(reception.report(start), None);
        for sequence in [65_534, 65_536, 65_537, 65_539] {
            reception.note(sequence, 0, 10, 90_000, start);
        }
        assert!(reception.flows());
        let report = reception.report(start).unwrap();
        assert_eq!((report.fraction_lost, report.cumulative_lost), (85, 2));
        assert_eq!(report.highest, 65_539);
        assert!(!reception.flows());
        reception.note(65_535, 0, 10, 90_000, start);
        reception.note(65_540, 0, 10, 90_000, start);
        let report = reception.report(start).unwrap();
        assert_eq!((report.fraction_lost, report.cumulative_lost), (0, 1));
    }

    #[test]
    fn a_repair_is_told_to_the_quality_and_not_to_the_sender() {
        let (mut reception, start) = (Reception::default(), Instant::now());
        for sequence in [0, 1, 3] {
            reception.note(sequence, 0, 10, 90_000, start);
        }
        reception.note_repair(10);
        assert_eq!(reception.report(start).unwrap().fraction_lost, 64);
        assert_eq!(reception.count(), Some(0.0));
        assert_eq!((reception.packets(), reception.bytes()), (4, 40));
        assert_eq!(reception.count(), None);
    }

    #[test]
    fn jitter_follows_uneven_arrivals() {
        let (mut reception, start) = (Reception::default(), Instant::now());
        for sequence in 0..200_u32 {
            let late = if sequence % 2 == 0 { 0 } else { 5 };
            let at = start + ms(u64::from(sequence) * 20 + late);
            reception.note(sequence.into(), sequence.wrapping_mul(960), 10, 48_000, at);
        }
        // Every spacing is five milliseconds off: 240 units.
        assert!(
            (235..=240).contains(&reception.jitter()),
            "{}",
            reception.jitter()
        );
    }

    #[test]
    fn even_arrivals_have_no_jitter() {
        let (mut reception, start) = (Reception::default(), Instant::now());
        for sequence in 0..100_u32 {
            let at = start + ms(u64::from(sequence) * 20);
            let timestamp = u32::MAX.wrapping_add(sequence.wrapping_mul(960));
            reception.note(sequence.into(), timestamp, 10, 48_000, at);
        }
        assert_eq!(reception.jitter(), 0);
    }

    #[test]
    fn the_last_sender_report_is_quoted() {
        let (mut reception, start) = (Reception::default(), Instant::now());
        reception.note(0, 0, 10, 90_000, start);
        reception.note_sender(0x1122_3344_5566_7788, 99, start);
        let report = reception.report(start + ms(500)).unwrap();
        assert_eq!((report.last_report, report.delay), (0x3344_5566, 1 << 15));
        assert_eq!(
            round_trip(start, report.delay, start + ms(540)).map(|rtt| rtt.as_millis()),
            Some(40)
        );
        assert_eq!(round_trip(start, u32::MAX, start + ms(540)), None);
    }
}
