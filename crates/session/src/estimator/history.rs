//! What was sent, by transport-wide sequence number, until the peer has reported it.

use super::probing::ProbeId;

/// Entries a session begins with; idle sessions hold none.
const FIRST_CAPACITY: usize = 64;
/// Entries at most: 8,192 packets of 1,200 bytes are 800 ms at 100 Mbit/s.
const MAX_CAPACITY: usize = 8_192;
/// Rather than grow for them, the ring forgets packets older than this.
const MAX_AGE_US: u64 = 2_000_000;

/// One packet as it was sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct SentPacket {
    /// Microseconds since the estimator began.
    pub(super) sent_us: u64,
    pub(super) bytes: u16,
    pub(super) probe: Option<ProbeId>,
}

/// Packets that left at one instant: what is concluded of one holds for all. Those of probes are each by themselves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct SentTogether {
    pub(super) first: SentPacket,
    pub(super) packets: u32,
    pub(super) bytes: u64,
}

impl SentTogether {
    pub(super) fn one(packet: SentPacket) -> Self {
        Self {
            first: packet,
            packets: 1,
            bytes: u64::from(packet.bytes),
        }
    }

    #[inline]
    fn takes(&self, entry: &Entry) -> bool {
        entry.sent_us == self.first.sent_us && entry.probe.is_none() && self.first.probe.is_none()
    }
}

/// What a report says of a packet that it did not say before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Report {
    /// Never sent, or so long ago that it is forgotten.
    Unknown,
    /// Said before.
    Known,
    Received {
        packet: SentPacket,
        /// An earlier report called it lost.
        was_lost: bool,
    },
    Lost(SentPacket),
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
enum State {
    /// A number that was skipped.
    #[default]
    Never,
    Sent,
    Lost,
    Received,
}

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    sent_us: u64,
    bytes: u16,
    state: State,
    probe: Option<ProbeId>,
}

impl Entry {
    #[inline]
    fn packet(&self) -> SentPacket {
        SentPacket {
            sent_us: self.sent_us,
            bytes: self.bytes,
            probe: self.probe,
        }
    }
}

/// A ring of the packets sent last. Grows to what is in flight, then never allocates.
#[derive(Debug, Default)]
pub(super) struct History {
    /// A power of two long; the packet `n` is at `n % len`.
    entries: Vec<Entry>,
    oldest: u64,
    /// One above the highest number sent.
    next: u64,
    /// One above the highest number reported.
    reported: u64,
    in_flight: u64,
}

impl History {
    /// Notes a packet. Numbers must ascend; others are ignored.
    #[inline]
    pub(super) fn sent(&mut self, sequence: u64, packet: SentPacket) {
        let entry = Entry {
            sent_us: packet.sent_us,
            bytes: packet.bytes,
            state: State::Sent,
            probe: packet.probe,
        };
        let held = self.next.wrapping_sub(self.oldest);
        let full = held == self.entries.len() as u64;
        // What is reported makes room.
        if sequence == self.next && (!full || self.oldest < self.reported) {
            self.oldest = self.oldest.wrapping_add(u64::from(full));
            let index = self.index(sequence);
            if let Some(slot) = self.entries.get_mut(index) {
                *slot = entry;
            }
            self.next = sequence.wrapping_add(1);
            self.in_flight = self.in_flight.wrapping_add(u64::from(packet.bytes));
        } else {
            self.sent_out_of_line(sequence, entry);
        }
    }

    /// Notes a packet for which there is no room yet, or before which numbers were skipped.
    fn sent_out_of_line(&mut self, sequence: u64, entry: Entry) {
        if self.entries.is_empty() {
            self.entries = vec![Entry::default(); FIRST_CAPACITY];
            self.oldest = sequence;
            self.next = sequence;
            self.reported = sequence;
        }
        if sequence < self.next {
            return;
        }
        if sequence - self.next >= MAX_CAPACITY as u64 {
            self.oldest = sequence;
            self.next = sequence;
            self.reported = sequence;
            self.in_flight = 0;
        }
        while self.next < sequence {
            self.push(Entry::default(), entry.sent_us);
        }
        self.push(entry, entry.sent_us);
        self.in_flight += u64::from(entry.bytes);
    }

    /// Takes that packets from `sequence` on, `most` at most, were received: as many as lie behind the highest reported
    /// and left together, if any. Of the others [`History::report`] has more to say.
    pub(super) fn report_together(&mut self, sequence: u16, most: u16) -> Option<SentTogether> {
        let begin = self.reported;
        // Far fewer packets are held than sixteen bits number.
        if begin as u16 != sequence || begin < self.oldest {
            return None;
        }
        let most = u64::from(most).min(self.next.saturating_sub(begin));
        let mask = self.entries.len().wrapping_sub(1);
        let mut together: Option<SentTogether> = None;
        for behind in 0..most {
            let index = begin.wrapping_add(behind) as usize & mask;
            let Some(entry) = self.entries.get_mut(index) else {
                break;
            };
            if entry.state != State::Sent {
                break;
            }
            match &mut together {
                None => together = Some(SentTogether::one(entry.packet())),
                Some(known) if known.takes(entry) => {
                    known.packets = known.packets.wrapping_add(1);
                    known.bytes = known.bytes.wrapping_add(u64::from(entry.bytes));
                }
                Some(_) => break,
            }
            entry.state = State::Received;
        }
        let known = together?;
        self.reported = begin.wrapping_add(u64::from(known.packets));
        self.in_flight = self.in_flight.saturating_sub(known.bytes);
        Some(known)
    }

    /// Takes what the peer says of one packet.
    #[inline]
    pub(super) fn report(&mut self, sequence: u16, received: bool) -> Report {
        let Some(sequence) = self.extend(sequence) else {
            return Report::Unknown;
        };
        self.advance(sequence);
        let Some(entry) = self.entry_mut(sequence) else {
            return Report::Unknown;
        };
        let packet = entry.packet();
        match (entry.state, received) {
            (State::Never, _) => Report::Unknown,
            (State::Sent, false) => {
                entry.state = State::Lost;
                Report::Lost(packet)
            }
            (State::Sent | State::Lost, true) => {
                let was_lost = entry.state == State::Lost;
                entry.state = State::Received;
                Report::Received { packet, was_lost }
            }
            (State::Lost, false) | (State::Received, _) => Report::Known,
        }
    }

    /// Bytes sent after the highest packet reported.
    pub(super) fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// Takes everything that is in flight for reported: nobody reports it any more.
    pub(super) fn forget_flight(&mut self) {
        self.reported = self.next;
        self.in_flight = 0;
    }

    /// When the oldest packet that is in flight was sent.
    pub(super) fn oldest_in_flight(&self) -> Option<u64> {
        let sequence = self.reported.max(self.oldest);
        let entry = (sequence < self.next).then(|| self.entries.get(self.index(sequence)))??;
        (entry.state != State::Never).then_some(entry.sent_us)
    }

    /// The highest number sent that ends like this, where the ring still holds it.
    #[inline]
    fn extend(&self, sequence: u16) -> Option<u64> {
        let newest = self.next.checked_sub(1)?;
        let behind = (newest as u16).wrapping_sub(sequence);
        let extended = newest.checked_sub(u64::from(behind))?;
        (extended >= self.oldest).then_some(extended)
    }

    /// Everything up to a reported packet is no longer in flight.
    #[inline]
    fn advance(&mut self, sequence: u64) {
        if sequence < self.reported {
            return;
        }
        for passed in self.reported.max(self.oldest)..=sequence {
            let bytes = self
                .entries
                .get(self.index(passed))
                .map_or(0, |entry| entry.bytes);
            self.in_flight = self.in_flight.saturating_sub(u64::from(bytes));
        }
        self.reported = self.reported.max(sequence + 1);
    }

    fn push(&mut self, entry: Entry, now_us: u64) {
        if self.next - self.oldest == self.entries.len() as u64 {
            self.make_room(now_us);
        }
        let index = self.index(self.next);
        if let Some(slot) = self.entries.get_mut(index) {
            *slot = entry;
        }
        self.next += 1;
    }

    /// Grows for packets that may still be reported, else forgets the oldest.
    fn make_room(&mut self, now_us: u64) {
        let len = self.entries.len();
        let Some(oldest) = self.entries.get(self.index(self.oldest)).copied() else {
            return;
        };
        let wanted = self.oldest >= self.reported && now_us.saturating_sub(oldest.sent_us) < MAX_AGE_US;
        if wanted && len < MAX_CAPACITY {
            let mut grown = vec![Entry::default(); len * 2];
            for sequence in self.oldest..self.next {
                let to = (sequence % grown.len() as u64) as usize;
                if let (Some(slot), Some(entry)) = (grown.get_mut(to), self.entries.get(self.index(sequence)))
                {
                    *slot = *entry;
                }
            }
            self.entries = grown;
            return;
        }
        if self.oldest >= self.reported {
            self.in_flight = self.in_flight.saturating_sub(u64::from(oldest.bytes));
        }
        self.oldest += 1;
    }

    fn entry_mut(&mut self, sequence: u64) -> Option<&mut Entry> {
        let index = self.index(sequence);
        (self.oldest..self.next)
            .contains(&sequence)
            .then(|| self.entries.get_mut(index))?
    }

    #[inline]
    fn index(&self, sequence: u64) -> usize {
        sequence as usize & self.entries.len().wrapping_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(sent_us: u64) -> SentPacket {
        SentPacket {
            sent_us,
            bytes: 1_000,
            probe: None,
        }
    }

    fn filled(sequences: std::ops::Range<u64>) -> History {
        let mut history = History::default();
        for sequence in sequences {
            history.sent(sequence, packet(sequence * 10));
        }
        history
    }

    #[test]
    fn a_packet_is_reported_once_and_found_across_the_wrap() {
        let mut history = filled(65_530..65_546);
        let first = history.report(65_531, true);
        assert!(
            matches!(first, Report::Received { was_lost: false, .. }),
            "{first:?}"
        );
        assert_eq!(history.report(65_531, true), Report::Known);
        assert_eq!(history.report(4, false), Report::Lost(packet(65_540 * 10)));
        let late = history.report(4, true);
        assert!(
            matches!(late, Report::Received { was_lost: true, .. }),
            "{late:?}"
        );
        assert_eq!(history.report(4, false), Report::Known);
    }

    #[test]
    fn what_was_never_sent_is_unknown() {
        let mut history = History::default();
        assert_eq!(history.report(0, true), Report::Unknown);
        history.sent(100, packet(0));
        history.sent(103, packet(0));
        for sequence in [99, 101, 102, 104, 60_000] {
            assert_eq!(history.report(sequence, true), Report::Unknown, "{sequence}");
        }
    }

    #[test]
    fn what_is_in_flight_ends_with_the_highest_reported() {
        let mut history = filled(0..10);
        assert_eq!(history.in_flight(), 10_000);
        history.report(6, true);
        assert_eq!(history.in_flight(), 3_000);
        assert_eq!(history.oldest_in_flight(), Some(70));
        history.report(2, true);
        assert_eq!(history.in_flight(), 3_000);
        history.report(9, false);
        assert_eq!((history.in_flight(), history.oldest_in_flight()), (0, None));
    }

    #[test]
    fn packets_of_one_train_are_reported_together_and_others_by_themselves() {
        let mut history = History::default();
        for sequence in 65_530..65_546 {
            history.sent(sequence, packet(sequence / 4));
        }
        let mut told = |sequence: u64, most| {
            let together = history.report_together(sequence as u16, most)?;
            Some((together.first.sent_us, together.packets, together.bytes))
        };
        assert_eq!(
            told(65_530, 8),
            Some((16_382, 2, 2_000)),
            "up to the next instant"
        );
        assert_eq!(told(65_531, 8), None, "said before");
        assert_eq!(told(65_534, 8), None, "two before it are not reported");
        assert_eq!(told(65_532, 3), Some((16_383, 3, 3_000)), "no more than was said");
        assert_eq!(told(65_535, 9), Some((16_383, 1, 1_000)));
        assert_eq!(history.in_flight(), 10_000);
        assert_eq!(
            history.report(65_537_u64 as u16, true),
            Report::Received {
                packet: packet(16_384),
                was_lost: false,
            }
        );
        assert_eq!(history.report_together(2, 40).map(|known| known.packets), Some(2));
        assert_eq!(history.report_together(4, 40).map(|known| known.packets), Some(4));
        assert_eq!(history.report_together(8, 40).map(|known| known.packets), Some(2));
        assert_eq!(history.report_together(10, 1), None, "never sent");
        assert_eq!(history.in_flight(), 0);
    }

    #[test]
    fn the_ring_is_bounded_and_in_flight_never_runs_below() {
        let mut history = filled(0..100_000);
        assert_eq!(history.entries.len(), MAX_CAPACITY);
        assert_eq!(history.in_flight(), MAX_CAPACITY as u64 * 1_000);
        history.report(99_999_u64 as u16, true);
        assert_eq!(history.in_flight(), 0);
        history.sent(10_000_000, packet(0));
        assert_eq!(history.in_flight(), 1_000);
    }

    #[test]
    fn a_peer_that_reports_in_time_costs_no_growth() {
        let mut history = History::default();
        for sequence in 0..10_000_u64 {
            history.sent(sequence, packet(sequence));
            if let Some(reported) = sequence.checked_sub(20) {
                history.report(reported as u16, true);
            }
        }
        assert_eq!(history.entries.len(), FIRST_CAPACITY);
    }
}
