use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::outgoing::Outgoing;

const FIRST_ENTRIES: usize = 32;
const MOST_ENTRIES: usize = 1_024;
/// Packets that are remembered as repaired a moment ago.
const MOST_REPAIRED: usize = 256;
/// The map grows rather than forget what was sent less than this ago.
const KEEP: Duration = Duration::from_millis(1_000);
/// A packet is not repaired again sooner than this; a second request before the first repair can have arrived asks for
/// the same thing.
const SPACING: Duration = Duration::from_millis(20);

/// What was sent to one subscriber, by outgoing sequence number: not the packets, but where they came from and how they
/// were rewritten (RFC 4588 repairs are made from the publisher's packets).
///
/// Packets that went out together are noted once.
#[derive(Debug, Default)]
pub(crate) struct RepairMap {
    /// The run numbered `n` is at `n % len`, a power of two.
    runs: Vec<Option<Run>>,
    /// Number of the next run.
    next: u64,
    /// The number of a packet's run, its low bits, by the packet's sequence number.
    places: Vec<u16>,
    /// What was repaired a moment ago, and when.
    repaired: VecDeque<(u16, Instant)>,
    /// What was sent before this need not be kept any more; it may be later by now.
    horizon: Option<Instant>,
}

/// Packets that went out one behind the other.
#[derive(Debug, Clone, Copy)]
struct Run {
    sent: Outgoing,
    at: Instant,
}

impl Run {
    /// Which of its packets has a number.
    #[inline]
    fn find(&self, sequence: u16) -> Option<u16> {
        // Far fewer are remembered than sixteen bits number.
        let behind = sequence.wrapping_sub(self.sent.sequence as u16);
        (behind < self.sent.count).then_some(behind)
    }
}

impl RepairMap {
    /// Notes what is sent.
    #[inline]
    pub(crate) fn note(&mut self, sent: &Outgoing, now: Instant) {
        if self.places.len() < MOST_ENTRIES || self.runs.len() < MOST_ENTRIES {
            self.make_room(sent, now);
        }
        let index = self.next as usize & self.runs.len().wrapping_sub(1);
        if let Some(run) = self.runs.get_mut(index) {
            *run = Some(Run { sent: *sent, at: now });
        }
        self.point(sent, self.next);
        self.next = self.next.wrapping_add(1);
    }

    /// Lets the packets of a run be found.
    #[inline]
    fn point(&mut self, sent: &Outgoing, number: u64) {
        let mask = self.places.len().wrapping_sub(1);
        for behind in 0..usize::from(sent.count) {
            let index = (sent.sequence as usize).wrapping_add(behind) & mask;
            if let Some(place) = self.places.get_mut(index) {
                *place = number as u16;
            }
        }
    }

    /// Grows where what is in the place of a number may still be asked for.
    fn make_room(&mut self, sent: &Outgoing, now: Instant) {
        if self.runs.is_empty() {
            self.runs.resize(FIRST_ENTRIES, None);
            self.places.resize(FIRST_ENTRIES, 0);
        }
        while self.runs.len() < MOST_ENTRIES
            && let Some(oldest) = self.run(self.next).map(|oldest| oldest.at)
            && self.must_keep(oldest, now)
        {
            self.grow_runs();
        }
        let last = sent.sequence.wrapping_add(u64::from(sent.count)).wrapping_sub(1);
        while self.places.len() < MOST_ENTRIES {
            let before = last.wrapping_sub(self.places.len() as u64) as u16;
            let before = self.find(before).map(|(run, _)| run.at);
            let young = before.is_some_and(|at| self.must_keep(at, now));
            if self.places.len() >= sent.count() && !young {
                break;
            }
            self.grow_places();
        }
    }

    /// Whether what was sent then may still be asked for.
    #[inline]
    fn must_keep(&mut self, at: Instant, now: Instant) -> bool {
        // Comparing is cheaper than telling how long ago it was.
        if self.horizon.is_some_and(|horizon| at < horizon) {
            return false;
        }
        self.horizon = now.checked_sub(KEEP);
        self.horizon.is_none_or(|horizon| at > horizon)
    }

    /// Gives what was sent under the 16 bits of a sequence number, unless it was repaired a moment ago.
    pub(crate) fn repair(&mut self, sequence: u16, rtt: Duration, now: Instant) -> Option<Outgoing> {
        let (run, behind) = self.find(sequence)?;
        let packet = run.sent.packet(behind);
        let spacing = SPACING.max(rtt);
        let recent = |at: Instant| now.saturating_duration_since(at) < spacing;
        while self.repaired.front().is_some_and(|(_, at)| !recent(*at)) {
            self.repaired.pop_front();
        }
        if self.repaired.iter().any(|(known, _)| *known == sequence) {
            return None;
        }
        if self.repaired.len() >= MOST_REPAIRED {
            self.repaired.pop_front();
        }
        self.repaired.push_back((sequence, now));
        Some(packet)
    }

    /// The run with a packet, and which of it that is.
    fn find(&self, sequence: u16) -> Option<(&Run, u16)> {
        let index = usize::from(sequence) & self.places.len().wrapping_sub(1);
        let run = self.run(u64::from(*self.places.get(index)?))?;
        Some((run, run.find(sequence)?))
    }

    /// What is at the place of a run's number.
    fn run(&self, number: u64) -> Option<&Run> {
        let index = number as usize & self.runs.len().wrapping_sub(1);
        self.runs.get(index)?.as_ref()
    }

    fn grow_runs(&mut self) {
        let before = std::mem::take(&mut self.runs);
        self.runs.resize(before.len() * 2, None);
        let mask = self.runs.len() - 1;
        for back in 1..=before.len() as u64 {
            let number = self.next.wrapping_sub(back);
            let run = before.get(number as usize % before.len()).copied().flatten();
            if let Some(place) = self.runs.get_mut(number as usize & mask) {
                *place = run;
            }
        }
    }

    fn grow_places(&mut self) {
        self.places = vec![0; self.places.len() * 2];
        // Oldest first, so that newer numbers stand over older ones.
        for back in (1..=self.runs.len() as u64).rev() {
            let number = self.next.wrapping_sub(back);
            if let Some(run) = self.run(number).copied() {
                self.point(&run.sent, number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outgoing::tests::outgoing;

    #[test]
    fn what_was_sent_is_found_by_sixteen_bits_and_not_twice_within_a_round_trip() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let rtt = Duration::from_millis(80);
        let mut map = RepairMap::default();
        for index in 0..2_000 {
            map.note(&outgoing(65_000 + index), at(index));
        }
        let newest: u64 = 65_000 + 1_999;
        let found = map.repair((newest - 900) as u16, rtt, at(2_000)).unwrap();
        assert_eq!(found.sequence, newest - 900);
        assert!(map.repair((newest - 900) as u16, rtt, at(2_050)).is_none());
        assert!(map.repair((newest - 900) as u16, rtt, at(2_080)).is_some());
        assert!(
            map.repair((newest - 1_500) as u16, rtt, at(2_000)).is_none(),
            "too old"
        );
        assert!(map.repair((newest + 1) as u16, rtt, at(2_000)).is_none());
    }

    #[test]
    fn each_packet_of_a_run_is_found_by_itself() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut map = RepairMap::default();
        let mut sequence = 65_100;
        let mut sent = Vec::new();
        for step in 0..400_u64 {
            let run = Outgoing {
                count: 1 + (step % 8) as u16,
                marker: true,
                source: sequence + 7,
                ..outgoing(sequence)
            };
            map.note(&run, at(step * 4));
            sent.extend(run.packets().map(|packet| (packet, step * 4)));
            sequence += run.count() as u64;
        }
        let end = 1_600;
        let mut found = 0;
        for (packet, ms) in sent.iter().rev().take(1_024) {
            let repaired = map.repair(packet.sequence as u16, Duration::ZERO, at(end));
            if end - ms < 900 {
                assert_eq!(repaired, Some(*packet));
                found += 1;
            }
        }
        assert!(found > 800, "{found}");
        assert_eq!(map.repair(sequence as u16, Duration::ZERO, at(end)), None);
    }

    #[test]
    fn slow_streams_take_little_memory() {
        let start = Instant::now();
        let mut map = RepairMap::default();
        for index in 0..500 {
            map.note(&outgoing(index), start + Duration::from_millis(40 * index));
        }
        assert_eq!((map.runs.len(), map.places.len()), (FIRST_ENTRIES, FIRST_ENTRIES));
    }
}
