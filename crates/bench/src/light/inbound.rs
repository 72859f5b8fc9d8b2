//! A stream a light client receives: what came, what is missing, and what to tell the sender about it.

use std::time::{Duration, Instant};

use tertulia_rtp::ReceiveWindow;

/// What is missing for longer is lost.
const LOST_AFTER: Duration = Duration::from_secs(1);
/// How long to wait for a retransmission before asking again.
const ASK_AGAIN: Duration = Duration::from_millis(60);
/// How often to ask.
const ASKS: u8 = 10;
/// A longer gap is taken for a loss at once.
const MAX_MISSING: usize = 512;

/// What a stream carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Audio,
    Video,
    /// Retransmissions of a video (RFC 4588).
    Repair,
}

/// A received stream.
#[derive(Debug)]
pub(super) struct Inbound {
    pub(super) ssrc: u32,
    pub(super) kind: Kind,
    /// The section it belongs to, which tells what a repair stream repairs; empty where packets do not say.
    pub(super) mid: Vec<u8>,
    pub(super) window: ReceiveWindow,
    pub(super) continuity: Continuity,
    /// Whether anything came since the last count.
    pub(super) fresh: bool,
    /// Packets until the next one that is decrypted.
    pub(super) skip: u32,
    pub(super) sender_report: Option<SenderReport>,
    reported: Reported,
}

/// The sender's last report, to answer it (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy)]
pub(super) struct SenderReport {
    /// Middle 32 bits of its NTP time.
    pub(super) middle: u32,
    pub(super) at: Instant,
}

#[derive(Debug, Default, Clone, Copy)]
struct Reported {
    expected: u64,
    received: u64,
}

/// What a receiver report says of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reception {
    /// Lost since the last report, in parts of 256.
    pub(super) fraction: u8,
    pub(super) lost: u32,
    pub(super) highest: u32,
}

impl Inbound {
    pub(super) fn new(ssrc: u32, kind: Kind, mid: &[u8]) -> Self {
        Self {
            ssrc,
            kind,
            mid: mid.to_vec(),
            window: ReceiveWindow::default(),
            continuity: Continuity::default(),
            fresh: false,
            skip: 0,
            sender_report: None,
            reported: Reported::default(),
        }
    }

    /// What is to be said in a report, counted from the last one.
    pub(super) fn reception(&mut self) -> Reception {
        let continuity = &self.continuity;
        let expected = continuity.next.unwrap_or(0).saturating_sub(continuity.first);
        let received = continuity.received.min(expected);
        let expected_now = expected.saturating_sub(self.reported.expected);
        let received_now = received.saturating_sub(self.reported.received);
        self.reported = Reported { expected, received };
        let fraction = (expected_now.saturating_sub(received_now) * 256)
            .checked_div(expected_now)
            .unwrap_or(0);
        Reception {
            fraction: u8::try_from(fraction).unwrap_or(u8::MAX),
            lost: u32::try_from(expected - received)
                .unwrap_or(u32::MAX)
                .min(0x7F_FFFF),
            highest: (continuity.next.unwrap_or(1).wrapping_sub(1) & 0xFFFF_FFFF) as u32,
        }
    }
}

#[derive(Debug)]
struct Missing {
    sequence: u64,
    since: Instant,
    asked: Option<Instant>,
    asks: u8,
}

/// Follows a stream's sequence numbers.
#[derive(Debug, Default)]
pub(super) struct Continuity {
    first: u64,
    /// The number expected next, extended.
    next: Option<u64>,
    received: u64,
    missing: Vec<Missing>,
    /// Packets given up since the last count.
    pub(super) lost: u64,
    /// Packets that a retransmission brought since the last count.
    pub(super) repaired: u64,
}

impl Continuity {
    /// Takes a packet and gives its extended number; `None` for one that came before.
    pub(super) fn note(&mut self, sequence: u16, now: Instant) -> Option<u64> {
        let Some(next) = self.next else {
            // Room below for packets that were sent before the first one came.
            let first = u64::from(sequence) + (1 << 16);
            self.first = first;
            self.next = Some(first + 1);
            self.received = 1;
            return Some(first);
        };
        let extended = extend(sequence, next);
        if extended >= next {
            let gap = usize::try_from(extended - next).unwrap_or(usize::MAX);
            if gap.saturating_add(self.missing.len()) > MAX_MISSING {
                self.lost += extended - next;
            } else {
                self.missing.extend((next..extended).map(|sequence| Missing {
                    sequence,
                    since: now,
                    asked: None,
                    asks: 0,
                }));
            }
            self.next = Some(extended + 1);
            self.received += 1;
            return Some(extended);
        }
        self.fill(extended).then_some(extended)
    }

    /// Takes a retransmitted packet and gives its extended number; `None` where it was not missing.
    pub(super) fn repair(&mut self, sequence: u16) -> Option<u64> {
        let extended = extend(sequence, self.next?);
        if !self.fill(extended) {
            return None;
        }
        self.repaired += 1;
        Some(extended)
    }

    fn fill(&mut self, extended: u64) -> bool {
        let place = self
            .missing
            .iter()
            .position(|missing| missing.sequence == extended);
        if let Some(place) = place {
            self.missing.remove(place);
            self.received += 1;
        }
        place.is_some()
    }

    /// Whether there is anything to ask for or to give up.
    pub(super) fn is_whole(&self) -> bool {
        self.missing.is_empty()
    }

    /// Gives up what is missing for too long, and appends what to ask for now.
    pub(super) fn ask(&mut self, now: Instant, out: &mut Vec<u16>) {
        let before = self.missing.len();
        self.missing
            .retain(|missing| now.saturating_duration_since(missing.since) < LOST_AFTER);
        self.lost += (before - self.missing.len()) as u64;
        for missing in &mut self.missing {
            let due = missing
                .asked
                .is_none_or(|asked| now.saturating_duration_since(asked) >= ASK_AGAIN);
            if due && missing.asks < ASKS {
                missing.asked = Some(now);
                missing.asks += 1;
                out.push((missing.sequence & 0xFFFF) as u16);
            }
        }
    }
}

/// The extended number closest to `near` with these low bits.
fn extend(sequence: u16, near: u64) -> u64 {
    let base = (near & !0xFFFF) | u64::from(sequence);
    let candidates = [base.checked_sub(1 << 16), Some(base), base.checked_add(1 << 16)];
    let closest = candidates
        .into_iter()
        .flatten()
        .min_by_key(|candidate| candidate.abs_diff(near));
    closest.unwrap_or(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(continuity: &mut Continuity, sequences: &[u16], now: Instant) -> Vec<Option<u64>> {
        let base = 1 << 16;
        sequences
            .iter()
            .map(|sequence| Some(continuity.note(*sequence, now)? - base))
            .collect()
    }

    fn asked(continuity: &mut Continuity, now: Instant) -> Vec<u16> {
        let mut out = Vec::new();
        continuity.ask(now, &mut out);
        out
    }

    #[test]
    fn numbers_go_on_across_a_wrap_and_repeats_are_known() {
        let mut continuity = Continuity::default();
        let found = noted(&mut continuity, &[65_534, 65_535, 0, 2, 1, 1], Instant::now());
        let expected = [65_534, 65_535, 65_536, 65_538, 65_537].map(Some);
        assert_eq!(found[..5], expected);
        assert_eq!(found[5], None);
        assert!(continuity.is_whole());
        assert_eq!(continuity.lost, 0);
    }

    #[test]
    fn what_is_missing_is_asked_for_repeatedly_and_then_lost() {
        let mut continuity = Continuity::default();
        let start = Instant::now();
        noted(&mut continuity, &[10, 13], start);
        assert_eq!(asked(&mut continuity, start), [11, 12]);
        assert_eq!(asked(&mut continuity, start + ASK_AGAIN / 2), [0; 0]);
        assert_eq!(continuity.repair(12), Some((1 << 16) + 12));
        assert_eq!(continuity.repair(12), None);
        assert_eq!(asked(&mut continuity, start + ASK_AGAIN), [11]);
        assert_eq!(asked(&mut continuity, start + LOST_AFTER), [0; 0]);
        assert_eq!((continuity.lost, continuity.repaired), (1, 1));
    }

    #[test]
    fn a_long_gap_is_a_loss_at_once() {
        let mut continuity = Continuity::default();
        noted(&mut continuity, &[0, 2_000], Instant::now());
        assert_eq!(continuity.lost, 1_999);
        assert!(continuity.is_whole());
    }

    #[test]
    fn reports_count_from_the_last_one() {
        let mut inbound = Inbound::new(1, Kind::Video, b"0");
        let now = Instant::now();
        for sequence in [0, 1, 3] {
            inbound.continuity.note(sequence, now);
        }
        let first = inbound.reception();
        assert_eq!(
            (first.fraction, first.lost, first.highest),
            (64, 1, (1 << 16) + 3)
        );
        inbound.continuity.note(4, now);
        let second = inbound.reception();
        assert_eq!((second.fraction, second.lost), (0, 1));
    }
}
