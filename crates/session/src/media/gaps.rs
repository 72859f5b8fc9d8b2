//! Which packets of one received stream are missing, and when to ask for them again (RFC 4585 §6.2.1).

use std::time::{Duration, Instant};

/// Sequence numbers below the highest whose arrival is remembered.
const WINDOW: u64 = 1_024;
const WORDS: usize = (WINDOW / 64) as usize;
/// Most packets asked for at a time; what a longer gap lost is for a key frame to mend.
const MAX_MISSING: usize = 256;
/// How long a packet may be late before it is taken for lost.
const REORDERING: Duration = Duration::from_millis(10);
/// Least time between two requests for one packet.
const MIN_SPACING: Duration = Duration::from_millis(20);
/// What an answer may take beyond a round trip.
const MARGIN: Duration = Duration::from_millis(5);
const MAX_TRIES: u8 = 10;
const MAX_AGE: Duration = Duration::from_secs(1);

/// What arrived of a stream, and what is still asked for.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    highest: Option<u64>,
    seen: [u64; WORDS],
    /// In the order of their numbers.
    missing: Vec<Missing>,
    next_at: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Missing {
    sequence: u64,
    since: Instant,
    next_at: Instant,
    tries: u8,
}

impl Gaps {
    /// Notes an arrival; `false` where it was there before or is too old to tell.
    ///
    /// With `asks`, what lies between it and the highest before it counts as missing.
    pub(super) fn note(&mut self, sequence: u64, asks: bool, now: Instant) -> bool {
        let Some(highest) = self.highest else {
            self.highest = Some(sequence);
            self.mark(sequence);
            return true;
        };
        if sequence > highest {
            self.advance(highest, sequence, asks, now);
            return true;
        }
        if highest - sequence >= WINDOW || self.is_marked(sequence) {
            return false;
        }
        self.mark(sequence);
        if let Ok(at) = self.missing.binary_search_by_key(&sequence, |gap| gap.sequence) {
            self.missing.remove(at);
        }
        true
    }

    /// The extended number nearest to the highest that ends in these 16 bits.
    pub(super) fn extend(&self, sequence: u16) -> Option<u64> {
        let highest = self.highest?;
        let ahead = sequence.wrapping_sub(highest as u16) as i16;
        highest.checked_add_signed(i64::from(ahead))
    }

    /// Forgets what is missing; what arrived stays known.
    pub(super) fn give_up(&mut self) {
        self.missing.clear();
        self.next_at = None;
    }

    /// Packets that are still asked for.
    pub(super) fn missing(&self) -> usize {
        self.missing.len()
    }

    /// When something is to be asked for.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.next_at
    }

    /// Appends the numbers to ask for now, in order, and plans the next time. What has been asked for too often or is
    /// too old is given up.
    pub(super) fn ask(&mut self, now: Instant, rtt: Duration, numbers: &mut Vec<u16>) {
        if self.next_at.is_none_or(|at| at > now) {
            return;
        }
        let spacing = (rtt + MARGIN).max(MIN_SPACING);
        self.missing
            .retain(|gap| gap.tries < MAX_TRIES && now.saturating_duration_since(gap.since) < MAX_AGE);
        for gap in self.missing.iter_mut().filter(|gap| gap.next_at <= now) {
            numbers.push(gap.sequence as u16);
            gap.tries += 1;
            gap.next_at = now + spacing;
        }
        self.next_at = self.missing.iter().map(|gap| gap.next_at).min();
    }

    fn advance(&mut self, highest: u64, sequence: u64, asks: bool, now: Instant) {
        let ahead = sequence - highest;
        self.highest = Some(sequence);
        if ahead >= WINDOW {
            // The sender began anew; what lies between was never sent.
            self.seen = [0; WORDS];
            self.give_up();
        } else {
            (highest + 1..sequence).for_each(|between| self.unmark(between));
        }
        self.mark(sequence);
        if ahead == 1 || ahead >= WINDOW || !asks {
            return;
        }
        let first = (highest + 1).max(sequence.saturating_sub(MAX_MISSING as u64));
        let next_at = now + REORDERING;
        let count = (sequence - first) as usize;
        let excess = (self.missing.len() + count).saturating_sub(MAX_MISSING);
        self.missing.drain(..excess.min(self.missing.len()));
        self.missing.extend((first..sequence).map(|sequence| Missing {
            sequence,
            since: now,
            next_at,
            tries: 0,
        }));
        self.next_at = Some(self.next_at.map_or(next_at, |at| at.min(next_at)));
    }

    fn mark(&mut self, sequence: u64) {
        if let Some(word) = self.seen.get_mut(word(sequence)) {
            *word |= bit(sequence);
        }
    }

    fn unmark(&mut self, sequence: u64) {
        if let Some(word) = self.seen.get_mut(word(sequence)) {
            *word &= !bit(sequence);
        }
    }

    fn is_marked(&self, sequence: u64) -> bool {
        self.seen
            .get(word(sequence))
            .is_some_and(|word| word & bit(sequence) != 0)
    }
}

fn word(sequence: u64) -> usize {
    (sequence % WINDOW / 64) as usize
}

fn bit(sequence: u64) -> u64 {
    1 << (sequence % 64)
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "tests begin their virtual time at some instant"
)]
mod tests {
    use super::*;

    const RTT: Duration = Duration::from_millis(50);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn ask(gaps: &mut Gaps, now: Instant) -> Vec<u16> {
        let mut numbers = Vec::new();
        gaps.ask(now, RTT, &mut numbers);
        numbers
    }

    #[test]
    fn what_is_only_late_is_not_asked_for() {
        let (mut gaps, start) = (Gaps::default(), Instant::now());
        assert!(gaps.note(65_534, true, start));
        assert!(gaps.note(65_537, true, start));
        assert_eq!(ask(&mut gaps, start + ms(9)), []);
        assert!(gaps.note(65_535, true, start + ms(9)));
        assert_eq!(ask(&mut gaps, start + ms(10)), [0]);
        assert!(gaps.note(65_536, true, start + ms(11)));
        assert_eq!(ask(&mut gaps, start + ms(500)), []);
        assert_eq!(gaps.next_at(), None);
    }

    #[test]
    fn requests_are_repeated_by_the_round_trip_and_end() {
        let (mut gaps, start) = (Gaps::default(), Instant::now());
        gaps.note(1, true, start);
        gaps.note(3, true, start);
        let mut asked = Vec::new();
        for at in 0..3_000 {
            if ask(&mut gaps, start + ms(at)) == [2] {
                asked.push(at);
            }
        }
        assert_eq!(asked, [10, 65, 120, 175, 230, 285, 340, 395, 450, 505]);
        assert_eq!(gaps.next_at(), None);
    }

    #[test]
    fn an_old_gap_is_given_up() {
        let (mut gaps, start) = (Gaps::default(), Instant::now());
        gaps.note(1, true, start);
        gaps.note(3, true, start);
        assert_eq!(ask(&mut gaps, start + MAX_AGE), []);
        assert_eq!(gaps.next_at(), None);
    }

    #[test]
    fn a_number_is_taken_once() {
        let (mut gaps, start) = (Gaps::default(), Instant::now());
        for sequence in [2_000, 1_999, 3_000, 1_990] {
            assert!(gaps.note(sequence, true, start), "{sequence}");
            assert!(!gaps.note(sequence, true, start), "{sequence} again");
        }
        assert!(!gaps.note(1_976, true, start), "too old");
        assert!(gaps.note(1_977, true, start));
    }

    #[test]
    fn no_gap_is_longer_than_the_bound() {
        let (mut gaps, start) = (Gaps::default(), Instant::now());
        gaps.note(0, true, start);
        gaps.note(900, true, start);
        gaps.note(911, true, start);
        let asked = ask(&mut gaps, start + REORDERING);
        assert_eq!(asked.len(), MAX_MISSING);
        assert_eq!((asked.first(), asked.last()), (Some(&654), Some(&910)));
        gaps.note(100_000, true, start);
        assert_eq!(gaps.next_at(), None, "a sender that began anew owes nothing");
        assert_eq!(gaps.extend(34_470), Some(100_006));
    }

    #[test]
    fn nothing_is_asked_of_a_stream_that_repeats_nothing() {
        let (mut gaps, start) = (Gaps::default(), Instant::now());
        gaps.note(1, false, start);
        gaps.note(9, false, start);
        assert_eq!(gaps.next_at(), None);
        assert!(gaps.note(4, false, start));
    }
}
