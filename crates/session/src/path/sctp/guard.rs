//! What a packet is looked at for before the library takes it.
//!
//! The library keeps every DATA chunk until all before it came and its message was read, whatever its size; and makes
//! a stream for any number a chunk names.

/// Length of the common header (RFC 9260 §3.1) and of the header of a chunk (§3.2).
const HEADER: usize = 12;
const CHUNK_HEADER: usize = 4;
const DATA: u8 = 0;
const INIT: u8 = 1;
const SACK: u8 = 3;
/// Length of a DATA chunk without data (§3.3.1).
const DATA_HEADER: usize = 16;
/// Chunks the peer may have outstanding: more than a receive buffer full of messages of some size, far less than one
/// full of single bytes.
const MAX_OUTSTANDING: u32 = 4_096;

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Pass,
    Drop,
    /// The association ends.
    End,
}

#[derive(Debug)]
pub(super) struct Guard {
    streams: u16,
    window: u32,
    outstanding: u32,
}

impl Guard {
    /// `streams` is how many the peer may use, `window` the receive window of an association that keeps nothing.
    pub(super) fn new(streams: u16, window: u32) -> Self {
        Self {
            streams,
            window,
            outstanding: 0,
        }
    }

    /// Looks at a packet of the peer.
    pub(super) fn inspect(&mut self, packet: &[u8]) -> Verdict {
        let Some(mut rest) = packet.get(HEADER..) else {
            return Verdict::Drop;
        };
        while let Some(header) = rest.first_chunk::<CHUNK_HEADER>() {
            let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
            let Some(chunk) = rest.get(..length).filter(|_| length >= CHUNK_HEADER) else {
                return Verdict::Drop;
            };
            if header[0] == DATA {
                let Some(stream) = chunk.get(8..10).filter(|_| length > DATA_HEADER) else {
                    return Verdict::Drop;
                };
                self.outstanding += 1;
                let known = stream < self.streams.to_be_bytes().as_slice();
                if !known || self.outstanding > MAX_OUTSTANDING {
                    return Verdict::End;
                }
            }
            // The last chunk may lack its padding.
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        Verdict::Pass
    }

    /// Whether a packet begins an association.
    pub(super) fn begins(packet: &[u8]) -> bool {
        packet.get(HEADER) == Some(&INIT)
    }

    /// Looks at a packet of ours: one that acknowledges without a gap and leaves the whole window says that nothing is
    /// kept.
    pub(super) fn sent(&mut self, packet: &[u8]) {
        let Some(chunk) = packet.get(HEADER..).and_then(<[u8]>::first_chunk::<16>) else {
            return;
        };
        let [SACK, _, _, _, _, _, _, _, w0, w1, w2, w3, g0, g1, _, _] = *chunk else {
            return;
        };
        if u32::from_be_bytes([w0, w1, w2, w3]) == self.window && (g0, g1) == (0, 0) {
            self.outstanding = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(chunks: &[&[u8]]) -> Vec<u8> {
        let mut packet = vec![0; HEADER];
        for chunk in chunks {
            packet.extend_from_slice(chunk);
        }
        packet
    }

    fn data(stream: u16, length: u16) -> Vec<u8> {
        let mut chunk = vec![DATA, 3];
        chunk.extend_from_slice(&length.to_be_bytes());
        chunk.extend_from_slice(&[0; 4]);
        chunk.extend_from_slice(&stream.to_be_bytes());
        chunk.resize(20, 0);
        chunk
    }

    fn sack(window: u32, gaps: u16) -> Vec<u8> {
        let mut chunk = vec![SACK, 0, 0, 16, 0, 0, 0, 0];
        chunk.extend_from_slice(&window.to_be_bytes());
        chunk.extend_from_slice(&gaps.to_be_bytes());
        chunk.extend_from_slice(&[0, 0]);
        packet(&[&chunk])
    }

    #[test]
    fn packets_that_cannot_be_are_dropped() {
        let check = |contents: &[u8], expected| {
            assert_eq!(Guard::new(256, 1_000).inspect(contents), expected, "{contents:?}");
        };
        check(&[0; 11], Verdict::Drop);
        check(&packet(&[]), Verdict::Pass);
        check(&packet(&[&data(4, 20)]), Verdict::Pass);
        check(&packet(&[&data(4, 17)]), Verdict::Pass);
        check(&packet(&[&data(4, 16)]), Verdict::Drop);
        check(&packet(&[&[DATA, 3, 0, 0]]), Verdict::Drop);
        check(&packet(&[&[9, 0, 0, 3]]), Verdict::Drop);
        check(&packet(&[&[9, 0, 0, 200]]), Verdict::Drop);
        check(&packet(&[&[9, 0, 0, 4], &data(256, 20)]), Verdict::End);
    }

    #[test]
    fn chunks_that_are_never_read_end_the_association() {
        let mut guard = Guard::new(256, 1_000);
        for _ in 0..MAX_OUTSTANDING {
            assert_eq!(guard.inspect(&packet(&[&data(0, 17)])), Verdict::Pass);
        }
        guard.sent(&sack(999, 0));
        guard.sent(&sack(1_000, 1));
        assert_eq!(guard.inspect(&packet(&[&data(0, 17)])), Verdict::End);
        guard.sent(&sack(1_000, 0));
        assert_eq!(guard.inspect(&packet(&[&data(0, 17)])), Verdict::Pass);
    }
}
