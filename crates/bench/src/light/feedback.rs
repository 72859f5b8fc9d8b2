//! When packets arrived, for the server's estimator.

use std::time::Instant;

use tertulia_rtp::write_transport_feedback;

/// Arrivals kept until the next feedback; what is beyond goes unreported.
const MAX_ARRIVALS: usize = 16_384;
/// Packets of feedback sent at a time.
const MAX_PACKETS: usize = 8;
/// Width of an arrival's tick (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).
const TICK_US: u128 = 250;

/// Arrivals by transport-wide sequence number since the last feedback.
#[derive(Debug)]
pub(super) struct Arrivals {
    start: Instant,
    /// The number after the last one reported or received, extended.
    next: Option<u64>,
    base: u64,
    ticks: Vec<Option<i64>>,
    count: u8,
}

impl Arrivals {
    pub(super) fn new(start: Instant) -> Self {
        Self {
            start,
            next: None,
            base: 0,
            ticks: Vec::new(),
            count: 0,
        }
    }

    /// Takes a packet's number. One that comes after its feedback was sent is not reported again.
    pub(super) fn note(&mut self, sequence: u16, now: Instant) {
        let next = *self.next.get_or_insert_with(|| {
            self.base = u64::from(sequence) + (1 << 16);
            self.base
        });
        let ahead = i64::from(sequence.wrapping_sub((next & 0xFFFF) as u16).cast_signed());
        let Some(extended) = next.checked_add_signed(ahead) else {
            return;
        };
        let Some(place) = extended
            .checked_sub(self.base)
            .and_then(|place| usize::try_from(place).ok())
            .filter(|place| *place < MAX_ARRIVALS)
        else {
            return;
        };
        if self.ticks.len() <= place {
            self.ticks.resize(place + 1, None);
            self.next = Some(extended + 1);
        }
        let micros = now.saturating_duration_since(self.start).as_micros();
        self.ticks[place] = i64::try_from(micros / TICK_US).ok();
    }

    /// Appends feedback on all that came, as packets of which each is given to `each` as it ends.
    pub(super) fn report(
        &mut self,
        sender: u32,
        media: u32,
        out: &mut Vec<u8>,
        mut each: impl FnMut(&mut Vec<u8>),
    ) {
        let mut rest = self.ticks.as_slice();
        for _ in 0..MAX_PACKETS {
            let missing = rest.iter().take_while(|tick| tick.is_none()).count();
            let (_, arrived) = rest.split_at(missing);
            self.base += missing as u64;
            let base = (self.base & 0xFFFF) as u16;
            let written = write_transport_feedback(out, sender, media, self.count, base, arrived);
            if written == 0 {
                break;
            }
            each(out);
            self.count = self.count.wrapping_add(1);
            self.base += written as u64;
            rest = arrived.get(written..).unwrap_or_default();
        }
        self.ticks.clear();
        self.base = self.next.unwrap_or(self.base);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tertulia_rtp::{Rtcp, rtcp_packets};

    use super::*;

    fn reported(arrivals: &mut Arrivals) -> Vec<(u16, bool)> {
        let mut packets = Vec::new();
        let mut out = Vec::new();
        arrivals.report(1, 2, &mut out, |out| packets.push(std::mem::take(out)));
        let mut found = Vec::new();
        for packet in &packets {
            for packet in rtcp_packets(packet) {
                let Rtcp::TransportFeedback(feedback) = packet else {
                    panic!("{packet:?}");
                };
                found.extend(feedback.iter().map(|(sequence, at)| (sequence, at.is_some())));
            }
        }
        found
    }

    #[test]
    fn each_arrival_is_reported_once_and_gaps_are_named() {
        let start = Instant::now();
        let mut arrivals = Arrivals::new(start);
        for (sequence, ms) in [(65_534, 1), (65_535, 2), (1, 5), (0, 6)] {
            arrivals.note(sequence, start + Duration::from_millis(ms));
        }
        arrivals.note(4, start + Duration::from_millis(9));
        let expected = [
            (65_534, true),
            (65_535, true),
            (0, true),
            (1, true),
            (2, false),
            (3, false),
            (4, true),
        ];
        assert_eq!(reported(&mut arrivals), expected);
        arrivals.note(3, start + Duration::from_millis(10));
        assert_eq!(reported(&mut arrivals), []);
        arrivals.note(6, start + Duration::from_millis(11));
        assert_eq!(reported(&mut arrivals), [(6, true)]);
    }

    #[test]
    fn many_arrivals_fill_several_packets() {
        let start = Instant::now();
        let mut arrivals = Arrivals::new(start);
        for sequence in 0..3_000 {
            arrivals.note(sequence, start + Duration::from_micros(u64::from(sequence) * 100));
        }
        let found = reported(&mut arrivals);
        assert_eq!(found.len(), 3_000);
        assert!(found.iter().all(|(_, arrived)| *arrived));
    }
}
