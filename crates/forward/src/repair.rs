use std::time::{Duration, Instant};

use crate::outgoing::Outgoing;

const FIRST_ENTRIES: usize = 32;
const MOST_ENTRIES: usize = 1_024;
/// The map grows rather than forget what was sent less than this ago.
const KEEP: Duration = Duration::from_millis(1_000);
/// A packet is not repaired again sooner than this; a second request before the first repair can have arrived asks for
/// the same thing.
const SPACING: Duration = Duration::from_millis(20);

/// What was sent to one subscriber, by outgoing sequence number: not the packets, but where they came from and how they
/// were rewritten (RFC 4588 repairs are made from the publisher's packets).
#[derive(Debug, Default)]
pub(crate) struct RepairMap {
    entries: Vec<Option<Entry>>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    sent: Outgoing,
    at: Instant,
    repaired_at: Option<Instant>,
}

impl RepairMap {
    /// Notes what is sent.
    #[inline]
    pub(crate) fn note(&mut self, sent: &Outgoing, now: Instant) {
        if self.entries.len() < MOST_ENTRIES {
            self.make_room(sent.sequence, now);
        }
        self.put(Entry {
            sent: *sent,
            at: now,
            repaired_at: None,
        });
    }

    /// Grows where what is in the place of a number may still be asked for.
    fn make_room(&mut self, sequence: u64, now: Instant) {
        if self.entries.is_empty() {
            self.entries.resize(FIRST_ENTRIES, None);
        }
        while self.entries.len() < MOST_ENTRIES
            && self
                .entry(sequence)
                .is_some_and(|entry| now.saturating_duration_since(entry.at) < KEEP)
        {
            self.grow();
        }
    }

    /// Gives what was sent under the 16 bits of a sequence number, unless it was repaired a moment ago.
    pub(crate) fn repair(&mut self, sequence: u16, rtt: Duration, now: Instant) -> Option<Outgoing> {
        // The map holds fewer entries than a sequence number has values, so 16 bits name one.
        let mask = self.entries.len().wrapping_sub(1);
        let entry = self.entries.get_mut(usize::from(sequence) & mask)?.as_mut()?;
        if entry.sent.sequence as u16 != sequence {
            return None;
        }
        let spacing = SPACING.max(rtt);
        let recent = |at: Instant| now.saturating_duration_since(at) < spacing;
        if entry.repaired_at.is_some_and(recent) {
            return None;
        }
        entry.repaired_at = Some(now);
        Some(entry.sent)
    }

    fn entry(&self, sequence: u64) -> Option<&Entry> {
        let index = sequence as usize & self.entries.len().wrapping_sub(1);
        self.entries.get(index)?.as_ref()
    }

    #[inline]
    fn put(&mut self, entry: Entry) {
        let index = entry.sent.sequence as usize & self.entries.len().wrapping_sub(1);
        if let Some(slot) = self.entries.get_mut(index) {
            *slot = Some(entry);
        }
    }

    fn grow(&mut self) {
        let doubled = self.entries.len() * 2;
        let before = std::mem::take(&mut self.entries);
        self.entries.resize(doubled, None);
        for entry in before.into_iter().flatten() {
            self.put(entry);
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
    fn slow_streams_take_little_memory() {
        let start = Instant::now();
        let mut map = RepairMap::default();
        for index in 0..500 {
            map.note(&outgoing(index), start + Duration::from_millis(40 * index));
        }
        assert_eq!(map.entries.len(), FIRST_ENTRIES);
    }
}
