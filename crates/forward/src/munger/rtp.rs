use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::published::SenderClock;

/// How many past offsets are kept for packets that arrive late.
const PAST_OFFSETS: usize = 16;

/// Maps the sequence numbers and timestamps of changing sources onto one outgoing stream.
///
/// Within a source the mapping is an offset that grows by one with every packet that is left out, so receivers see no
/// gap we made. Between sources timestamps follow the senders' own clocks where reports tell them, else arrival.
#[derive(Debug)]
pub(crate) struct RtpMunger {
    clock_rate: u32,
    /// Next outgoing sequence number.
    next: u64,
    /// Newest incoming number of the present source; right after a switch the one before its first.
    newest: Option<u64>,
    /// Offsets valid from an incoming number on, oldest first: outgoing = incoming - offset.
    offsets: VecDeque<(u64, i64)>,
    timestamp_offset: u32,
    last_timestamp: u32,
    last_arrival: Option<Instant>,
}

/// An outgoing sequence number and timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) sequence: u64,
    pub(crate) timestamp: u32,
}

impl RtpMunger {
    /// Begins at `first_sequence`, which must leave the upper 48 bits zero: receivers assume a fresh rollover count.
    pub(crate) fn new(clock_rate: u32, first_sequence: u16, first_timestamp: u32) -> Self {
        Self {
            clock_rate,
            next: u64::from(first_sequence),
            newest: None,
            offsets: VecDeque::with_capacity(PAST_OFFSETS),
            timestamp_offset: 0,
            last_timestamp: first_timestamp,
            last_arrival: None,
        }
    }

    /// Changes over to a source whose packet `sequence`, `timestamp` is the first to be sent.
    ///
    /// `shift` is the difference between the old source's timeline and the new one's, where both senders' clocks are
    /// known: new timestamp plus shift equals the old source's timestamp of the same moment.
    pub(crate) fn switch(&mut self, sequence: u64, timestamp: u32, arrival: Instant, shift: Option<u32>) {
        self.offsets.clear();
        self.offsets
            .push_back((sequence, sequence as i64 - self.next as i64));
        self.newest = sequence.checked_sub(1);
        let Some(last_arrival) = self.last_arrival else {
            self.timestamp_offset = timestamp.wrapping_sub(self.last_timestamp);
            return;
        };
        let elapsed = ticks(arrival.saturating_duration_since(last_arrival), self.clock_rate).max(1);
        let by_arrival = self.last_timestamp.wrapping_add(elapsed);
        let wanted = shift
            .map(|shift| timestamp.wrapping_sub(self.timestamp_offset).wrapping_add(shift))
            // A clock that steps back or runs ahead by more than a second of arrival is not believed.
            .filter(|wanted| {
                let ahead = wanted.wrapping_sub(self.last_timestamp) as i32;
                let off = wanted.wrapping_sub(by_arrival) as i32;
                ahead > 0 && off.unsigned_abs() < self.clock_rate
            })
            .unwrap_or(by_arrival);
        self.timestamp_offset = timestamp.wrapping_sub(wanted);
    }

    /// Whether a packet of the present source would be the newest placed.
    pub(crate) fn is_newest(&self, sequence: u64) -> bool {
        self.newest.is_none_or(|newest| sequence > newest)
    }

    /// Places a packet of the present source; `None` for one from before the switch or before remembered offsets.
    pub(crate) fn place(&mut self, sequence: u64, timestamp: u32, arrival: Instant) -> Option<Place> {
        let (_, offset) = *self.offsets.iter().rev().find(|(from, _)| sequence >= *from)?;
        let outgoing = u64::try_from(sequence as i64 - offset).ok()?;
        let timestamp = timestamp.wrapping_sub(self.timestamp_offset);
        if self.is_newest(sequence) {
            self.newest = Some(sequence);
            self.next = outgoing + 1;
            self.last_timestamp = timestamp;
            self.last_arrival = Some(arrival);
        }
        Some(Place {
            sequence: outgoing,
            timestamp,
        })
    }

    /// Leaves out a packet of the present source, so that what follows closes the gap.
    ///
    /// Only the packet that directly follows the newest can be left out without moving numbers already used; another
    /// stays a gap, which the receiver takes for loss.
    pub(crate) fn leave_out(&mut self, sequence: u64) {
        let Some(newest) = self.newest else { return };
        if sequence != newest + 1 {
            return;
        }
        let Some((_, offset)) = self.offsets.back().copied() else {
            return;
        };
        if self.offsets.len() == PAST_OFFSETS {
            self.offsets.pop_front();
        }
        self.offsets.push_back((sequence + 1, offset + 1));
        self.newest = Some(sequence);
    }
}

/// The shift between two sources' timelines from their senders' clocks, in timestamp units: what to add to a
/// timestamp of `new` to get the timestamp `old` gives the same moment.
pub(crate) fn clock_shift(old: SenderClock, new: SenderClock, clock_rate: u32) -> u32 {
    let ticks_between = |from: u64, to: u64| -> i64 {
        // NTP 32.32 fixed point; the difference is scaled before the fraction is dropped.
        let difference = i128::from(to) - i128::from(from);
        ((difference * i128::from(clock_rate)) >> 32) as i64
    };
    let old_at_new = i64::from(old.rtp) + ticks_between(old.ntp, new.ntp);
    (old_at_new as u32).wrapping_sub(new.rtp)
}

fn ticks(duration: Duration, clock_rate: u32) -> u32 {
    (duration.as_micros() * u128::from(clock_rate) / 1_000_000) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RATE: u32 = 90_000;

    fn started(now: Instant) -> RtpMunger {
        let mut munger = RtpMunger::new(RATE, 100, 5_000);
        munger.switch(1_000, 77, now, None);
        munger
    }

    #[test]
    fn a_source_is_carried_over_by_an_offset() {
        let now = Instant::now();
        let mut munger = started(now);
        assert_eq!(
            munger.place(1_000, 77, now),
            Some(Place {
                sequence: 100,
                timestamp: 5_000
            })
        );
        assert_eq!(
            munger.place(1_001, 80, now),
            Some(Place {
                sequence: 101,
                timestamp: 5_003
            })
        );
        assert_eq!(munger.place(999, 70, now), None, "from before the switch");
    }

    #[test]
    fn a_left_out_packet_leaves_no_gap_and_late_ones_still_find_their_number() {
        let now = Instant::now();
        let mut munger = started(now);
        munger.place(1_000, 77, now);
        munger.place(1_001, 77, now);
        munger.leave_out(1_002);
        assert_eq!(munger.place(1_003, 77, now).unwrap().sequence, 102);
        assert_eq!(munger.place(1_001, 77, now).unwrap().sequence, 101);
        munger.leave_out(1_010);
        assert_eq!(
            munger.place(1_011, 77, now).unwrap().sequence,
            110,
            "not adjacent: stays a gap"
        );
    }

    #[test]
    fn a_switch_goes_on_where_the_last_source_ended() {
        let now = Instant::now();
        let mut munger = started(now);
        munger.place(1_000, 77, now);
        let later = now + Duration::from_millis(100);
        munger.switch(50_000, 1_000_000, later, None);
        let place = munger.place(50_000, 1_000_000, later).unwrap();
        assert_eq!(
            place,
            Place {
                sequence: 101,
                timestamp: 5_000 + 9_000
            }
        );
    }

    #[test]
    fn sender_clocks_align_two_timelines() {
        let old = SenderClock {
            ntp: 10 << 32,
            rtp: 1_000,
        };
        let new = SenderClock {
            ntp: 11 << 32,
            rtp: 500_000,
        };
        assert_eq!(clock_shift(old, new, RATE), (1_000 + RATE).wrapping_sub(500_000));
        let back = SenderClock {
            ntp: 9 << 32,
            rtp: 500_000,
        };
        assert_eq!(
            clock_shift(old, back, RATE),
            1_000u32.wrapping_sub(RATE).wrapping_sub(500_000)
        );
    }

    proptest! {
        #[test]
        fn outgoing_numbers_rise_by_one_whatever_is_left_out_or_switched(
            steps in proptest::collection::vec(0u8..10, 1..400),
        ) {
            let now = Instant::now();
            let mut munger = started(now);
            let (mut sequence, mut expected) = (1_000u64, 100u64);
            for step in steps {
                match step {
                    0 => {
                        sequence += 100_000;
                        munger.switch(sequence, 0, now, None);
                    }
                    1 => {
                        munger.leave_out(sequence);
                        sequence += 1;
                    }
                    _ => {
                        let place = munger.place(sequence, 0, now).unwrap();
                        prop_assert_eq!(place.sequence, expected);
                        expected += 1;
                        sequence += 1;
                    }
                }
            }
        }
    }
}
