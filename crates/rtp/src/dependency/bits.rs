/// Reads big-endian bit fields; `None` once the bytes are used up.
#[derive(Debug, Clone)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// Bits read so far.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    pub(super) fn remaining(&self) -> usize {
        self.bytes.len() * 8 - self.position
    }

    /// Reads `count` bits, 32 at most.
    pub(super) fn read(&mut self, count: usize) -> Option<u32> {
        if count > 32 || count > self.remaining() {
            return None;
        }
        let mut value = 0u64;
        let mut left = count;
        while left > 0 {
            let byte = *self.bytes.get(self.position / 8)?;
            let free = 8 - self.position % 8;
            let taken = free.min(left);
            let bits = (byte >> (free - taken)) & (0xff >> (8 - taken));
            value = value << taken | u64::from(bits);
            self.position += taken;
            left -= taken;
        }
        Some(value as u32)
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        Some(self.read(1)? == 1)
    }

    /// Reads a value below `bound` in the fewest bits, `ns(n)` of the AV1 specification.
    pub(super) fn read_below(&mut self, bound: u32) -> Option<u32> {
        let (short, width) = below(bound)?;
        let value = self.read(width - 1)?;
        if value < short {
            return Some(value);
        }
        Some((value << 1) - short + self.read(1)?)
    }
}

/// Writes big-endian bit fields into a buffer that it zeroes as it goes; `None` once the buffer is full.
#[derive(Debug)]
pub(super) struct BitWriter<'a> {
    bytes: &'a mut [u8],
    position: usize,
}

impl<'a> BitWriter<'a> {
    pub(super) fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// Writes the low `count` bits of `value`, 32 at most.
    pub(super) fn write(&mut self, value: u32, count: usize) -> Option<()> {
        let mut left = count.min(32);
        while left > 0 {
            let byte = self.bytes.get_mut(self.position / 8)?;
            let free = 8 - self.position % 8;
            if free == 8 {
                *byte = 0;
            }
            let taken = free.min(left);
            let bits = (u64::from(value) >> (left - taken)) as u8 & (0xff >> (8 - taken));
            *byte |= bits << (free - taken);
            self.position += taken;
            left -= taken;
        }
        Some(())
    }

    pub(super) fn flag(&mut self, value: bool) -> Option<()> {
        self.write(u32::from(value), 1)
    }

    /// Writes what [`BitReader::read_below`] reads.
    pub(super) fn write_below(&mut self, value: u32, bound: u32) -> Option<()> {
        if value >= bound {
            return None;
        }
        let (short, width) = below(bound)?;
        if value < short {
            self.write(value, width - 1)
        } else {
            self.write(value + short, width)
        }
    }

    /// Copies `count` bits.
    pub(super) fn copy(&mut self, from: &mut BitReader<'_>, count: usize) -> Option<()> {
        let mut left = count;
        while left > 0 {
            let taken = left.min(32);
            self.write(from.read(taken)?, taken)?;
            left -= taken;
        }
        Some(())
    }

    /// The whole bytes written, the last one filled up with zeros.
    pub(super) fn finish(self) -> Option<&'a [u8]> {
        self.bytes.get(..self.position.div_ceil(8))
    }
}

/// How many of the values below `bound` take one bit less than the others, and how many bits those take.
fn below(bound: u32) -> Option<(u32, usize)> {
    let width = 32 - bound.leading_zeros() as usize;
    if width == 0 || width > 16 {
        return None;
    }
    Some(((1 << width) - bound, width))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(fields in proptest::collection::vec((any::<u32>(), 1usize..=32), 1..40)) {
            let mut buffer = [0xaa; 200];
            let mut writer = BitWriter::new(&mut buffer);
            for (value, width) in &fields {
                writer.write(*value, *width).unwrap();
            }
            let bytes = writer.finish().unwrap();
            let mut reader = BitReader::new(bytes);
            for (value, width) in &fields {
                let mask = (u64::from(u32::MAX) >> (32 - width)) as u32;
                prop_assert_eq!(reader.read(*width), Some(value & mask));
            }
            let rest = reader.remaining();
            prop_assert!(rest < 8);
            prop_assert_eq!(reader.read(rest), Some(0));
            prop_assert_eq!(reader.read(1), None);
        }

        #[test]
        fn bounded_values_round_trip(bound in 1u32..=64, value in 0u32..64) {
            let value = value % bound;
            let mut buffer = [0; 4];
            let mut writer = BitWriter::new(&mut buffer);
            writer.write_below(value, bound).unwrap();
            let bytes = writer.finish().unwrap();
            prop_assert_eq!(BitReader::new(bytes).read_below(bound), if bound == 1 { Some(0) } else { Some(value) });
        }
    }

    #[test]
    fn a_value_below_one_takes_no_bits() {
        assert_eq!(BitReader::new(&[]).read_below(1), Some(0));
        assert_eq!(BitReader::new(&[0xff]).read_below(0), None);
    }

    #[test]
    fn a_full_buffer_is_told() {
        let mut buffer = [0; 1];
        let mut writer = BitWriter::new(&mut buffer);
        assert_eq!(writer.write(0x1ff, 9), None);
    }
}
