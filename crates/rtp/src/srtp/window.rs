//! Which packet indices of one stream were used: by us, so that none is used again, or by the peer, so that no replay
//! passes.

use super::SrtpError;

/// How far behind the newest index a packet may be.
const WINDOW: u64 = 1024;
/// One word more than the window, so that every index in it has a bit of its own wherever the newest lies in its word.
const WORDS: usize = (WINDOW / 64) as usize + 1;
/// Indices have 48 bits (RFC 3711 §3.3.1).
const INDICES: u64 = 1 << 48;
/// Half of the sequence numbers.
const HALF: u64 = 1 << 15;

/// The newest index and which of the 1023 before it were used.
#[derive(Debug, Clone, Default)]
struct Used {
    newest: Option<u64>,
    /// Bit `index % 64` of word `index / 64 % WORDS`; words older than the window are stale until they are entered again.
    words: [u64; WORDS],
}

impl Used {
    /// Whether an index is neither used nor too old to tell.
    #[inline]
    fn check(&self, index: u64) -> Result<(), SrtpError> {
        let Some(newest) = self.newest else {
            return Ok(());
        };
        if index > newest {
            return Ok(());
        }
        if newest - index >= WINDOW {
            return Err(SrtpError::TooOld);
        }
        let (word, bit) = Self::place(index);
        match self.words.get(word) {
            Some(word) if word & bit == 0 => Ok(()),
            _ => Err(SrtpError::Replayed),
        }
    }

    /// Notes an index that [`Used::check`] let pass.
    #[inline]
    fn note(&mut self, index: u64) {
        // The next one within its word, as nearly always.
        if self.newest == index.checked_sub(1) && !index.is_multiple_of(64) {
            self.newest = Some(index);
            let (word, bit) = Self::place(index);
            if let Some(word) = self.words.get_mut(word) {
                *word |= bit;
            }
            return;
        }
        self.note_any(index);
    }

    fn note_any(&mut self, index: u64) {
        let newest = self.newest.unwrap_or(index);
        if index > newest {
            let entered = (index / 64 - newest / 64).min(WORDS as u64);
            for ahead in 1..=entered {
                let (word, _) = Self::place((newest / 64 + ahead) * 64);
                if let Some(word) = self.words.get_mut(word) {
                    *word = 0;
                }
            }
        }
        self.newest = Some(newest.max(index));
        let (word, bit) = Self::place(index);
        if let Some(word) = self.words.get_mut(word) {
            *word |= bit;
        }
    }

    fn place(index: u64) -> (usize, u64) {
        ((index / 64 % WORDS as u64) as usize, 1 << (index % 64))
    }
}

/// Owns the packet indices of one stream we send and gives each out at most once.
///
/// Comes from [`SrtpSender::window`](super::SrtpSender::window), which gives one for each SSRC; it cannot be copied.
/// Indices may come out of order within the last 1024.
#[derive(Debug)]
pub struct SendWindow {
    ssrc: u32,
    context: u64,
    used: Used,
}

/// The right to protect one packet. Only a [`SendWindow`] gives it, once for each index, and protecting uses it up.
#[derive(Debug)]
#[must_use]
pub struct Admitted {
    ssrc: u32,
    context: u64,
    index: u64,
}

impl SendWindow {
    pub(crate) fn new(ssrc: u32, context: u64) -> Self {
        Self {
            ssrc,
            context,
            used: Used::default(),
        }
    }

    /// The stream it belongs to.
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Admits an extended sequence number, whose low 16 bits the packet carries.
    ///
    /// `None` where it was used, lies 1024 or more behind, or would be extended differently by a receiver: a first one
    /// beyond 65 535, or one that jumps by half the 16-bit space or more (RFC 3711 §3.3.1).
    #[inline]
    pub fn admit(&mut self, sequence: u64) -> Option<Admitted> {
        let jumps = match self.used.newest {
            None => sequence > u64::from(u16::MAX),
            Some(newest) => sequence.saturating_sub(newest) >= HALF,
        };
        if jumps || sequence >= INDICES || self.used.check(sequence).is_err() {
            return None;
        }
        self.used.note(sequence);
        Some(Admitted {
            ssrc: self.ssrc,
            context: self.context,
            index: sequence,
        })
    }
}

impl Admitted {
    /// The stream it was given for.
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The 48-bit index: rollover counter and sequence number.
    pub fn index(&self) -> u64 {
        self.index
    }

    pub(crate) fn context(&self) -> u64 {
        self.context
    }
}

/// What was received of one stream: extends its sequence numbers and refuses replays.
///
/// Only authentic packets change it.
#[derive(Debug, Clone, Default)]
pub struct ReceiveWindow {
    used: Used,
}

impl ReceiveWindow {
    /// The greatest index of an authentic packet, if there was one.
    pub fn newest(&self) -> Option<u64> {
        self.used.newest
    }

    /// Extends a sequence number by the rollover counter that brings it closest to the newest (RFC 3711 §3.3.1).
    ///
    /// The first packet of a stream begins rollover 0. Where the closest would lie before that, rollover 0 is taken:
    /// authentication then tells.
    pub(crate) fn extend(&self, sequence: u16) -> Result<u64, SrtpError> {
        let sequence = u64::from(sequence);
        let Some(newest) = self.used.newest else {
            return Ok(sequence);
        };
        let same = newest & !0xffff | sequence;
        let index = if same > newest + HALF {
            same.checked_sub(1 << 16).unwrap_or(same)
        } else if same + HALF < newest {
            same + (1 << 16)
        } else {
            same
        };
        if index < INDICES {
            Ok(index)
        } else {
            Err(SrtpError::Exhausted)
        }
    }

    pub(crate) fn check(&self, index: u64) -> Result<(), SrtpError> {
        self.used.check(index)
    }

    pub(crate) fn note(&mut self, index: u64) {
        self.used.note(index);
    }
}

#[cfg(test)]
mod tests;
