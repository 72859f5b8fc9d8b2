use super::bits::{BitReader, BitWriter};

/// The mandatory fields: start, end, template id, frame number.
const MANDATORY_BYTES: usize = 3;
const MANDATORY_BITS: usize = 24;
const FLAG_BITS: usize = 5;

/// What is changed in a dependency descriptor on its way to one subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DescriptorRewrite {
    /// New frame number.
    pub frame_number: u16,
    /// Bits of the structure that the descriptor carries, as [`super::Dependency::structure_bits`] tells.
    pub structure_bits: u16,
    /// What is added to template ids, so that those of two sources differ; modulo 64.
    pub template_shift: u8,
    /// Count of decode targets; 0 leaves the mask of active ones as it is.
    pub targets: u8,
    /// New mask of active decode targets.
    pub active: u32,
}

impl DescriptorRewrite {
    /// Writes the changed descriptor into `buffer`; `None` where `raw` is none or the result does not fit.
    pub fn write<'b>(&self, raw: &[u8], buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        if self.targets == 0 {
            self.patch(raw, buffer)
        } else {
            self.splice(raw, buffer)
        }
    }

    /// Everything keeps its place.
    fn patch<'b>(&self, raw: &[u8], buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        let written = buffer.get_mut(..raw.len())?;
        written.copy_from_slice(raw);
        let [first, high, low, rest @ ..] = &mut *written else {
            return None;
        };
        *first = *first & 0xc0 | self.shifted(*first);
        [*high, *low] = self.frame_number.to_be_bytes();
        // Five flags, then the structure's template offset in the six bits across two bytes.
        if let [flags, next, ..] = rest
            && *flags & 0x80 != 0
        {
            let offset = self.shifted(*flags << 3 | *next >> 5);
            *flags = *flags & 0xf8 | offset >> 3;
            *next = *next & 0x1f | offset << 5;
        }
        Some(written)
    }

    /// The mask of active decode targets is put in or changed, and what follows moves.
    fn splice<'b>(&self, raw: &[u8], buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        let mut from = BitReader::new(raw);
        let mut to = BitWriter::new(buffer);
        to.copy(&mut from, 2)?;
        to.write(u32::from(self.shifted(from.read(6)? as u8)), 6)?;
        from.read(16)?;
        to.write(u32::from(self.frame_number), 16)?;
        let (structure, active, customs) = if raw.len() > MANDATORY_BYTES {
            (from.flag()?, from.flag()?, from.read(3)?)
        } else {
            (false, false, 0)
        };
        to.flag(structure)?;
        to.flag(true)?;
        to.write(customs, 3)?;
        if structure {
            to.write(u32::from(self.shifted(from.read(6)? as u8)), 6)?;
            to.copy(&mut from, usize::from(self.structure_bits).checked_sub(6)?)?;
        }
        if active {
            from.read(usize::from(self.targets))?;
        }
        to.write(self.active, usize::from(self.targets))?;
        if customs != 0 {
            let rest = from.remaining();
            to.copy(&mut from, rest)?;
        }
        to.finish()
    }

    fn shifted(&self, template: u8) -> u8 {
        template.wrapping_add(self.template_shift) & 0x3f
    }
}

// The fast path relies on where the structure begins.
const _: () = assert!(MANDATORY_BITS == MANDATORY_BYTES * 8 && MANDATORY_BITS + FLAG_BITS + 6 == 35);
