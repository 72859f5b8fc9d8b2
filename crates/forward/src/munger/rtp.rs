#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use super::numbers::Numbers;
use crate::published::SenderClock;

/// How many runs of left out packets are remembered for packets that arrive late.
const RUNS: usize = 32;

/// Maps the sequence numbers and timestamps of changing sources onto one outgoing stream.
///
/// Receivers see no gap that leaving out makes. Between sources timestamps follow the senders' own clocks where reports
/// tell them, else arrival.
#[derive(Debug)]
pub(crate) struct RtpMunger {
    clock_rate: u32,
    /// Next outgoing sequence number.
    next: u64,
    /// Those of the present source; `None` before the first.
    numbers: Option<Numbers<RUNS>>,
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
            numbers: None,
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
        match &mut self.numbers {
            Some(numbers) => numbers.restart(sequence, self.next),
            None => self.numbers = Some(Numbers::new(sequence, self.next)),
        }
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

    /// Places a packet of the present source; `None` for one from before the switch or before what is remembered.
    #[inline]
    pub(crate) fn place(&mut self, sequence: u64, timestamp: u32, arrival: Instant) -> Option<Place> {
        let outgoing = self.numbers.as_mut()?.place(sequence)?;
        let timestamp = timestamp.wrapping_sub(self.timestamp_offset);
        // A packet may be late and yet the last that was sent: what came between was left out.
        if outgoing >= self.next {
            self.next = outgoing + 1;
            self.last_timestamp = timestamp;
            self.last_arrival = Some(arrival);
        }
        Some(Place {
            sequence: outgoing,
            timestamp,
        })
    }

    /// Places what comes behind `first`, which was placed just now, up to `last`: of the same picture, so that the
    /// timestamp is the same. False where their numbers do not follow those of the first.
    #[inline]
    pub(crate) fn place_behind(&mut self, first: u64, last: u64, arrival: Instant) -> bool {
        let placed = self
            .numbers
            .as_mut()
            .and_then(|numbers| numbers.place_behind(first, last));
        let Some(outgoing) = placed else { return false };
        if outgoing >= self.next {
            self.next = outgoing + 1;
            self.last_arrival = Some(arrival);
        }
        true
    }

    /// Leaves out a packet of the present source, so that what follows closes the gap. False where a gap stays, which
    /// the receiver takes for loss: what came after the packet has its number already.
    pub(crate) fn leave_out(&mut self, sequence: u64) -> bool {
        self.numbers
            .as_mut()
            .is_some_and(|numbers| numbers.leave_out(sequence))
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
