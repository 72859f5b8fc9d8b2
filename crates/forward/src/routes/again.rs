//! Judging again what came before the beginning of its picture.

use std::time::Instant;

use super::TrackKey;
use crate::alike::Alike;
use crate::forwarder::{Again, Forwarder};
use crate::outgoing::Outgoing;
use crate::published::Published;

/// How far behind a beginning packets are looked for: more than a large keyframe and the pictures that can have come
/// while its beginning was asked for again.
const FAR: u64 = 512;

/// A keyframe's first packet, that came after others of it.
pub(super) struct Beginning {
    pub(super) track: TrackKey,
    pub(super) layer: usize,
    pub(super) sequence: u64,
}

impl Beginning {
    /// Judges again what came before it, in order; `coming` is still to be judged for the first time.
    pub(super) fn judge_again(
        &self,
        again: Again,
        forwarder: &mut Forwarder,
        published: &Published,
        coming: &[(u8, u64)],
        now: Instant,
        each: &mut impl FnMut(Outgoing),
    ) {
        match again {
            Again::Held => {
                for sequence in forwarder.take_held() {
                    self.judge(sequence, forwarder, published, now, each);
                }
            }
            Again::Behind => {
                let Some(encoding) = published.encodings.get(self.layer) else {
                    return;
                };
                let newest = encoding.ring.newest().min(self.sequence.saturating_add(FAR));
                for sequence in self.sequence + 1..=newest {
                    let waits = |(layer, coming): &(u8, u64)| {
                        usize::from(*layer) == self.layer && *coming == sequence
                    };
                    if !coming.iter().any(waits) {
                        self.judge(sequence, forwarder, published, now, each);
                    }
                }
            }
        }
        // Nothing is judged a third time.
        forwarder.take_again();
    }

    fn judge(
        &self,
        sequence: u64,
        forwarder: &mut Forwarder,
        published: &Published,
        now: Instant,
        each: &mut impl FnMut(Outgoing),
    ) {
        let Some(encoding) = published.encodings.get(self.layer) else {
            return;
        };
        let Some(stored) = encoding.ring.find(sequence) else {
            return;
        };
        let alone = [stored];
        let alone = Alike::new(&alone, stored.payload().len() as u16);
        if let Some(outgoing) = forwarder.forward(self.track, self.layer, &alone, published, now) {
            each(outgoing);
        }
    }
}
