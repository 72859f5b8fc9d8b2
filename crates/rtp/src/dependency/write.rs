use super::bits::BitWriter;
use super::structure::{DependencyStructure, Indications, References};

/// What a descriptor is to say of a packet's frame.
#[derive(Debug, Clone, Default)]
pub struct FrameDescription {
    /// Whether the packet begins its frame.
    pub starts_frame: bool,
    /// Whether the packet ends its frame.
    pub ends_frame: bool,
    /// The template's place in the structure.
    pub template: u8,
    /// Frame number.
    pub frame_number: u16,
    /// Whether the structure goes along.
    pub attach: bool,
    /// Mask of the decode targets that are still made, where it goes along.
    pub active: Option<u32>,
    /// What the frame means to each decode target, where the template says otherwise.
    pub indications: Option<Indications>,
    /// What the frame refers to, where the template says otherwise; differences up to 4096.
    pub references: Option<References>,
    /// Differences to each chain's frame before, where the template says otherwise; as many as chains.
    pub chains: Option<Vec<u8>>,
}

/// Writes a dependency descriptor (RTP Payload Format For AV1 §A.8); `None` where `buffer` is too small or a value
/// cannot be told.
pub fn write_descriptor<'b>(
    frame: &FrameDescription,
    structure: &DependencyStructure,
    buffer: &'b mut [u8],
) -> Option<&'b [u8]> {
    structure.templates.get(usize::from(frame.template))?;
    let mut bits = BitWriter::new(buffer);
    bits.flag(frame.starts_frame)?;
    bits.flag(frame.ends_frame)?;
    bits.write(
        u32::from(structure.template_offset.wrapping_add(frame.template)),
        6,
    )?;
    bits.write(u32::from(frame.frame_number), 16)?;
    let plain = !frame.attach
        && frame.active.is_none()
        && frame.indications.is_none()
        && frame.references.is_none()
        && frame.chains.is_none();
    if plain {
        return bits.finish();
    }
    bits.flag(frame.attach)?;
    bits.flag(frame.active.is_some())?;
    bits.flag(frame.indications.is_some())?;
    bits.flag(frame.references.is_some())?;
    bits.flag(frame.chains.is_some())?;
    if frame.attach {
        structure.write(&mut bits)?;
    }
    if let Some(active) = frame.active {
        bits.write(active, usize::from(structure.targets))?;
    }
    if let Some(indications) = frame.indications {
        indications.write(&mut bits, structure.targets)?;
    }
    if let Some(references) = frame.references {
        for difference in references.iter() {
            let less = u32::from(difference.checked_sub(1)?);
            let size = match less {
                0..=0xf => 1,
                0x10..=0xff => 2,
                0x100..=0xfff => 3,
                _ => return None,
            };
            bits.write(size, 2)?;
            bits.write(less, 4 * size as usize)?;
        }
        bits.write(0, 2)?;
    }
    if let Some(chains) = &frame.chains {
        for chain in 0..usize::from(structure.chains) {
            bits.write(u32::from(*chains.get(chain)?), 8)?;
        }
    }
    bits.finish()
}
