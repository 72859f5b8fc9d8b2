/// Most blocks of one payload, the primary among them; more are taken for an attack.
const MAX_BLOCKS: usize = 16;
/// Bounds of a redundant block's header fields (RFC 2198 §3).
const MAX_OFFSET: u32 = (1 << 14) - 1;
const MAX_LENGTH: usize = (1 << 10) - 1;
const REDUNDANT_HEADER: usize = 4;

/// A block of a redundant audio payload (RFC 2198 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedBlock<'a> {
    /// Payload type of the block.
    pub payload_type: u8,
    /// How much older than the packet's timestamp the block is, in timestamp units; 0 for the primary.
    pub timestamp_offset: u32,
    /// Where the block begins in the payload it was found in.
    pub offset: usize,
    /// The block.
    pub data: &'a [u8],
}

/// Finds the primary block of a redundant payload; `None` where lengths do not fit.
pub fn primary(payload: &[u8]) -> Option<RedBlock<'_>> {
    blocks(payload)?.last()
}

/// Reads the blocks of a redundant payload, the oldest first and the primary last; `None` where lengths do not fit or
/// there are more than sixteen.
pub fn blocks(payload: &[u8]) -> Option<RedBlocks<'_>> {
    let mut header = 0;
    let mut redundant = 0;
    for _ in 0..MAX_BLOCKS {
        if payload.get(header)? & 0x80 == 0 {
            let data = header + 1;
            payload.get(data + redundant..)?;
            return Some(RedBlocks {
                payload,
                header: Some(0),
                data,
            });
        }
        redundant += (lengths(payload, header)? & 0x3ff) as usize;
        header += REDUNDANT_HEADER;
    }
    None
}

/// The blocks of a redundant payload whose lengths are known to fit.
#[derive(Debug, Clone)]
pub struct RedBlocks<'a> {
    payload: &'a [u8],
    /// Where the next block's header begins.
    header: Option<usize>,
    /// Where the next block begins.
    data: usize,
}

impl<'a> Iterator for RedBlocks<'a> {
    type Item = RedBlock<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let header = self.header?;
        let first = *self.payload.get(header)?;
        let offset = self.data;
        let (timestamp_offset, end) = if first & 0x80 == 0 {
            self.header = None;
            (0, self.payload.len())
        } else {
            let lengths = lengths(self.payload, header)?;
            self.header = Some(header + REDUNDANT_HEADER);
            (lengths >> 10, offset + (lengths & 0x3ff) as usize)
        };
        self.data = end;
        Some(RedBlock {
            payload_type: first & 0x7f,
            timestamp_offset,
            offset,
            data: self.payload.get(offset..end)?,
        })
    }
}

/// The 14 bits of timestamp offset and 10 bits of length behind a redundant block's type.
fn lengths(payload: &[u8], header: usize) -> Option<u32> {
    let [_, high, middle, low] = *payload.get(header..)?.first_chunk()?;
    Some(u32::from_be_bytes([0, high, middle, low]))
}

/// Appends a redundant payload to `out`: the blocks of `previous`, the oldest first, as timestamp offset, payload type
/// and data, and `primary` with its payload type last.
///
/// A previous block whose offset or length cannot be told in its header is left out, as is one of no bytes. Tells how
/// many went along.
pub fn write(out: &mut Vec<u8>, primary: (u8, &[u8]), previous: &[(u32, u8, &[u8])]) -> usize {
    let fitting = || {
        previous
            .iter()
            .filter(|(offset, _, data)| {
                (1..=MAX_OFFSET).contains(offset) && (1..=MAX_LENGTH).contains(&data.len())
            })
            .take(MAX_BLOCKS - 1)
    };
    for (offset, payload_type, data) in fitting() {
        let lengths = offset << 10 | data.len() as u32;
        let [_, high, middle, low] = lengths.to_be_bytes();
        out.extend_from_slice(&[0x80 | payload_type, high, middle, low]);
    }
    out.push(primary.0 & 0x7f);
    for (_, _, data) in fitting() {
        out.extend_from_slice(data);
    }
    out.extend_from_slice(primary.1);
    fitting().count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn finds_the_primary_behind_redundant_blocks() {
        // One redundant block of two bytes, then the primary.
        let payload = [0x80 | 111, 0x03, 0xc0, 0x02, 111, 9, 9, 1, 2, 3];
        let block = primary(&payload).unwrap();
        assert_eq!(
            (block.payload_type, block.offset, block.data),
            (111, 7, &[1, 2, 3][..])
        );
        let first = blocks(&payload).unwrap().next().unwrap();
        assert_eq!((first.timestamp_offset, first.data), (240, &[9, 9][..]));
        let alone = primary(&[111, 4, 5]).unwrap();
        assert_eq!(alone.data, &[4, 5]);
    }

    #[test]
    fn refuses_lengths_beyond_the_packet() {
        assert_eq!(primary(&[]), None);
        assert_eq!(primary(&[0x80 | 111, 0, 0x03, 0xff, 111, 1]), None);
        assert_eq!(primary(&[0x80 | 111, 0, 0]), None);
        let endless = [0x80 | 111, 0, 0, 0].repeat(400);
        assert_eq!(primary(&endless), None, "no primary at all");
        let mut many = [0x80 | 111, 0, 4, 0].repeat(MAX_BLOCKS);
        many.push(111);
        assert_eq!(primary(&many), None, "one block too many");
        assert!(primary(&many[REDUNDANT_HEADER..]).is_some());
    }

    #[test]
    fn writes_what_a_header_can_tell_and_leaves_out_the_rest() {
        let long = [7; MAX_LENGTH + 1];
        let mut out = Vec::new();
        let previous: [(u32, u8, &[u8]); 5] = [
            (MAX_OFFSET + 1, 111, &[1]),
            (1_920, 111, &[2, 2]),
            (960, 111, &long),
            (960, 111, &[]),
            (480, 112, &[3]),
        ];
        assert_eq!(write(&mut out, (111, &[9, 9, 9]), &previous), 2);
        assert_eq!(
            out,
            [
                0x80 | 111,
                0x1e,
                0x00,
                2,
                0x80 | 112,
                0x07,
                0x80,
                1,
                111,
                2,
                2,
                3,
                9,
                9,
                9
            ]
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            main in proptest::collection::vec(any::<u8>(), 0..50),
            older in proptest::collection::vec(
                (1u32..=MAX_OFFSET, 0u8..128, proptest::collection::vec(any::<u8>(), 1..=MAX_LENGTH)),
                0..MAX_BLOCKS,
            ),
        ) {
            let previous: Vec<_> = older.iter().map(|(at, kind, data)| (*at, *kind, &data[..])).collect();
            let mut out = vec![0xee];
            prop_assert_eq!(write(&mut out, (100, &main), &previous), previous.len());
            let read: Vec<_> = blocks(&out[1..]).unwrap().collect();
            let expected: Vec<_> = previous.iter().copied().chain([(0, 100, &main[..])]).collect();
            let told: Vec<_> = read.iter().map(|b| (b.timestamp_offset, b.payload_type, b.data)).collect();
            prop_assert_eq!(told, expected);
            for block in read {
                prop_assert_eq!(&out[1 + block.offset..][..block.data.len()], block.data);
            }
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(found) = blocks(&bytes) {
                let total: usize = found.map(|block| block.data.len()).sum();
                prop_assert!(total < bytes.len());
            }
        }
    }
}
