//! Small, repeatable damage.

/// Damages inputs by a seeded sequence.
pub struct Mutator {
    state: u64,
}

const INTERESTING: [u8; 12] = [
    0x00, 0x01, 0x7f, 0x80, 0xff, b'0', b'9', b'"', b'\n', b'=', b'/', 0xc3,
];
const MAX_BYTES: usize = 1 << 16;

impl Mutator {
    /// Starts a sequence; equal seeds give equal sequences.
    pub fn new(seed: u64) -> Self {
        Self {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        }
    }

    /// Changes `input` in one of several ways.
    pub fn mutate(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        match self.below(7) {
            0 => input.truncate(at),
            1 => input.insert(at, INTERESTING[self.below(INTERESTING.len())]),
            2 => {
                let end = at + self.below(input.len() - at + 1).min(64);
                input.drain(at..end);
            }
            3 => {
                let end = at + self.below(input.len() - at + 1).min(4096);
                let piece = input[at..end].to_vec();
                let to = self.below(input.len() + 1);
                input.splice(to..to, piece);
                input.truncate(MAX_BYTES);
            }
            4 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte = INTERESTING[self.state as usize % INTERESTING.len()];
                }
            }
            5 => {
                let noise = self.next() as u8;
                if let Some(byte) = input.get_mut(at) {
                    *byte = noise;
                }
            }
            _ => {
                let bit = 1 << self.below(8);
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= bit;
                }
            }
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn next(&mut self) -> u64 {
        // xorshift64*
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}
