/// The primary block of a redundant audio payload (RFC 2198 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedBlock<'a> {
    /// Payload type of the block.
    pub payload_type: u8,
    /// Where the block begins in the payload it was found in.
    pub offset: usize,
    /// The block.
    pub data: &'a [u8],
}

/// Finds the primary block of a redundant payload; `None` where lengths do not fit.
pub fn primary(payload: &[u8]) -> Option<RedBlock<'_>> {
    let mut at = 0;
    let mut redundant = 0;
    loop {
        let header = *payload.get(at)?;
        if header & 0x80 == 0 {
            let offset = at + 1 + redundant;
            let data = payload.get(offset..)?;
            return Some(RedBlock {
                payload_type: header & 0x7f,
                offset,
                data,
            });
        }
        // F bit, 7 bits of type, 14 bits of timestamp offset, 10 bits of length.
        let [high, low] = [*payload.get(at + 2)?, *payload.get(at + 3)?];
        redundant += usize::from(high & 0x03) << 8 | usize::from(low);
        at += 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_primary_behind_redundant_blocks() {
        // One redundant block of two bytes, then the primary.
        let payload = [0x80 | 111, 0x03, 0xc0, 0x02, 111, 9, 9, 1, 2, 3];
        let block = primary(&payload).unwrap();
        assert_eq!(
            (block.payload_type, block.offset, block.data),
            (111, 7, &[1, 2, 3][..])
        );
        let alone = primary(&[111, 4, 5]).unwrap();
        assert_eq!(alone.data, &[4, 5]);
    }

    #[test]
    fn refuses_lengths_beyond_the_packet() {
        assert_eq!(primary(&[]), None);
        assert_eq!(primary(&[0x80 | 111, 0, 0x03, 0xff, 111, 1]), None);
        assert_eq!(primary(&[0x80 | 111, 0, 0]), None);
    }
}
