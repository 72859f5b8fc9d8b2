/// How many packets are held back at most: those of the upper layers of one large key picture.
const MOST: usize = 256;

/// Packets of one picture that came before the beginning of it, and are judged again when it comes.
#[derive(Debug, Default)]
pub(crate) struct Held {
    timestamp: u32,
    sequences: Vec<u64>,
}

impl Held {
    /// Whether none are.
    pub(crate) fn is_empty(&self) -> bool {
        self.sequences.is_empty()
    }

    /// Holds a packet back; `false` where there are too many, or it is of another picture than those held.
    pub(crate) fn hold(&mut self, sequence: u64, timestamp: u32) -> bool {
        if self.is_empty() {
            self.timestamp = timestamp;
        }
        let fits = self.timestamp == timestamp && self.sequences.len() < MOST;
        if fits {
            self.sequences.push(sequence);
        }
        fits
    }

    /// Whether any of a picture are held.
    pub(crate) fn is_of(&self, timestamp: u32) -> bool {
        !self.is_empty() && self.timestamp == timestamp
    }

    /// Whether a packet is of a later picture: the beginning of the one held did not come in time.
    pub(crate) fn is_over(&self, sequence: u64, timestamp: u32) -> bool {
        !self.is_of(timestamp) && self.sequences.iter().all(|held| *held < sequence)
    }

    /// Gives all, lowest number first.
    pub(crate) fn take(&mut self) -> Vec<u64> {
        let mut taken = std::mem::take(&mut self.sequences);
        taken.sort_unstable();
        taken
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.sequences.clear();
    }
}
