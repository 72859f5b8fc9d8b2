//! What a peer sent us and when it arrived, for the reports it estimates by
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01).

use std::time::{Duration, Instant};

use tertulia_rtp::write_transport_feedback;

use super::TICK_US;

const FIRST_CAPACITY: usize = 128;
/// Numbers at most between the oldest that is to be reported and the newest.
const MAX_OUTSTANDING: usize = 8_192;
/// A number further ahead than this is a new beginning, no loss.
const MAX_JUMP: u64 = 1_000;
/// Numbers in one report; more than can be missing in a row.
const MAX_STATUSES: u64 = MAX_JUMP + 500;
/// A packet that comes so much later than its neighbours is still reported.
const MAX_LATE: u64 = 512;
/// Enough packets for a report before its time.
const MANY: usize = 200;
/// Reports may take this share of what is received.
const SHARE: f64 = 0.05;
/// An ordinary report, with its headers.
const REPORT_BITS: f64 = 800.0;
const INTERVAL_MS: std::ops::RangeInclusive<f64> = 50.0..=250.0;

/// Not received, or not yet.
const NEVER: i64 = i64::MIN;

/// Notes arrivals until they have been reported. Grows to what is outstanding, then never allocates.
#[derive(Debug)]
pub(crate) struct Arrivals {
    start: Instant,
    /// Arrival in units of 250 µs; the packet `n` is at `n % len`, a power of two.
    ticks: Vec<i64>,
    /// The oldest number that is still held.
    oldest: u64,
    /// The first number of the next report.
    from: u64,
    /// One above the highest number received.
    next: u64,
    /// Packets received since the last report.
    unreported: usize,
    bytes: u64,
    reported_at: Instant,
    interval: Duration,
    due: Option<Instant>,
    count: u8,
    /// Kept for its memory.
    statuses: Vec<Option<i64>>,
}

impl Arrivals {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            start: now,
            ticks: Vec::new(),
            oldest: 0,
            from: 0,
            next: 0,
            unreported: 0,
            bytes: 0,
            reported_at: now,
            interval: Duration::from_secs_f64(INTERVAL_MS.start() / 1_000.0),
            due: None,
            count: 0,
            statuses: Vec::new(),
        }
    }

    /// Notes a packet by its transport-wide number and its whole length.
    pub(crate) fn record(&mut self, sequence: u16, bytes: usize, now: Instant) {
        let extended = self.extend(sequence);
        if extended >= self.next {
            self.advance(extended);
        } else if extended < self.oldest || self.from.saturating_sub(extended) > MAX_LATE {
            return;
        }
        let ticks = self.micros(now) / TICK_US;
        let index = self.index(extended);
        match self.ticks.get_mut(index) {
            Some(slot) if *slot == NEVER => *slot = ticks,
            _ => return,
        }
        self.from = self.from.min(extended);
        self.unreported += 1;
        self.bytes = self.bytes.saturating_add(bytes as u64);
        let due = self.due.get_or_insert(now + self.interval);
        if self.unreported >= MANY {
            *due = now.min(*due);
        }
    }

    /// When the next report is due; never while nothing arrives.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// Appends the report that is due to a compound packet; `false` where none is. Asked until then: what does not fit
    /// into one report comes with the next. `sender` is our SSRC, `media` any of the peer's.
    pub(crate) fn write_report(&mut self, sender: u32, media: u32, now: Instant, out: &mut Vec<u8>) -> bool {
        if self.due.is_none_or(|due| due > now) {
            return false;
        }
        let mut statuses = std::mem::take(&mut self.statuses);
        statuses.clear();
        let to = self.next.min(self.from + MAX_STATUSES);
        statuses.extend((self.from..to).map(|sequence| self.at(sequence)));
        let written = write_transport_feedback(out, sender, media, self.count, self.from as u16, &statuses);
        self.statuses = statuses;
        self.from += written as u64;
        if written == 0 {
            self.due = None;
            return false;
        }
        self.count = self.count.wrapping_add(1);
        if self.from == self.next {
            self.adapt(now);
        }
        true
    }

    /// Sets the time between reports by what was received.
    fn adapt(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.reported_at).as_secs_f64();
        let bps = self.bytes as f64 * 8.0 / seconds.max(0.001);
        let interval_ms = 1_000.0 * REPORT_BITS / (SHARE * bps.max(1.0));
        let clamped = interval_ms.clamp(*INTERVAL_MS.start(), *INTERVAL_MS.end());
        self.interval = Duration::from_secs_f64(clamped / 1_000.0);
        self.reported_at = now;
        self.bytes = 0;
        self.unreported = 0;
        self.due = None;
    }

    fn extend(&mut self, sequence: u16) -> u64 {
        if self.ticks.is_empty() {
            self.ticks = vec![NEVER; FIRST_CAPACITY];
            // Some room below, for packets that overtook the first.
            self.begin(u64::from(sequence) + (1 << 16));
        }
        let newest = self.next.saturating_sub(1);
        let ahead = sequence.wrapping_sub(newest as u16);
        if ahead < 1 << 15 {
            newest + u64::from(ahead)
        } else {
            newest.saturating_sub(u64::from(ahead.wrapping_neg()))
        }
    }

    /// Makes place for a number above all others.
    fn advance(&mut self, sequence: u64) {
        if sequence - self.next > MAX_JUMP {
            self.begin(sequence);
        }
        let kept = self.from.saturating_sub(MAX_LATE);
        let len = (sequence + 1 - self.oldest.max(kept)) as usize;
        if len > self.ticks.len() && self.ticks.len() < MAX_OUTSTANDING {
            self.grow(len.next_power_of_two().min(MAX_OUTSTANDING));
        }
        for skipped in self.next..=sequence {
            let index = self.index(skipped);
            if let Some(slot) = self.ticks.get_mut(index) {
                *slot = NEVER;
            }
        }
        self.next = sequence + 1;
        self.oldest = self.oldest.max(self.next.saturating_sub(self.ticks.len() as u64));
        self.from = self.from.max(self.oldest);
    }

    fn begin(&mut self, sequence: u64) {
        self.ticks.fill(NEVER);
        self.oldest = sequence;
        self.from = sequence;
        self.next = sequence;
    }

    fn grow(&mut self, len: usize) {
        let mut grown = vec![NEVER; len];
        for sequence in self.oldest..self.next {
            let to = (sequence % len as u64) as usize;
            if let (Some(slot), Some(ticks)) = (grown.get_mut(to), self.at(sequence)) {
                *slot = ticks;
            }
        }
        self.ticks = grown;
    }

    fn at(&self, sequence: u64) -> Option<i64> {
        let ticks = *self.ticks.get(self.index(sequence))?;
        (ticks != NEVER).then_some(ticks)
    }

    fn index(&self, sequence: u64) -> usize {
        (sequence % self.ticks.len().max(1) as u64) as usize
    }

    fn micros(&self, now: Instant) -> i64 {
        i64::try_from(now.saturating_duration_since(self.start).as_micros()).unwrap_or(i64::MAX)
    }
}
