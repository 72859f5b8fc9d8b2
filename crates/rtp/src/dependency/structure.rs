use super::MAX_REFERENCES;
use super::bits::{BitReader, BitWriter};
use crate::descriptor::DescriptorError;

/// Most templates of a structure: ids have six bits.
const MAX_TEMPLATES: usize = 64;
/// Most decode targets of a structure.
pub(super) const MAX_TARGETS: usize = 32;
/// Highest spatial and temporal id of AV1.
const MAX_SPATIAL: u8 = 3;
const MAX_TEMPORAL: u8 = 7;

/// What a frame means to the decode targets, one bit for each target, the lowest for target 0.
///
/// A target in none of the masks does not have the frame. One in `present` alone requires it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Indications {
    /// Targets the frame is part of.
    pub present: u32,
    /// Targets that can be decoded from this frame on, if it can.
    pub switch: u32,
    /// Targets no other frame of which depends on this one.
    pub discardable: u32,
}

impl Indications {
    pub(super) fn read(bits: &mut BitReader<'_>, targets: u8) -> Option<Self> {
        let mut indications = Self::default();
        for target in 0..targets {
            let bit = 1 << target;
            let indication = bits.read(2)?;
            if indication != 0 {
                indications.present |= bit;
            }
            match indication {
                1 => indications.discardable |= bit,
                2 => indications.switch |= bit,
                _ => {}
            }
        }
        Some(indications)
    }

    pub(super) fn write(&self, bits: &mut BitWriter<'_>, targets: u8) -> Option<()> {
        for target in 0..targets {
            let has = |mask: u32| mask >> target & 1 == 1;
            let indication = if !has(self.present) {
                0
            } else if has(self.discardable) {
                1
            } else if has(self.switch) {
                2
            } else {
                3
            };
            bits.write(indication, 2)?;
        }
        Some(())
    }
}

/// The frames a frame refers to, as differences of frame numbers from 1 to 4096.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct References {
    differences: [u16; MAX_REFERENCES],
    count: u8,
}

impl References {
    /// Adds a reference; false where there is no room.
    pub fn push(&mut self, difference: u16) -> bool {
        let Some(slot) = self.differences.get_mut(usize::from(self.count)) else {
            return false;
        };
        *slot = difference;
        self.count += 1;
        true
    }

    /// The differences, in the order they were written.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        self.differences.iter().copied().take(usize::from(self.count))
    }

    /// Whether the frame refers to none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// One template: what most frames of one kind have in common.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Template {
    /// Spatial layer, 0 to 3.
    pub spatial: u8,
    /// Temporal layer, 0 to 7.
    pub temporal: u8,
    /// What the frame means to each decode target.
    pub indications: Indications,
    /// What the frame refers to; differences up to 16.
    pub references: References,
    /// For each chain the difference to its frame before this one, 0 to 15; 0 where there is none.
    pub chains: Vec<u8>,
}

/// The template dependency structure (RTP Payload Format For AV1 §A.4).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DependencyStructure {
    /// Id of the first template, 0 to 63.
    pub template_offset: u8,
    /// Count of decode targets, 1 to 32.
    pub targets: u8,
    /// The chain that protects each decode target; empty where there are no chains.
    pub protected_by: Vec<u8>,
    /// Count of chains, at most as many as decode targets.
    pub chains: u8,
    /// The templates, ordered by layer.
    pub templates: Vec<Template>,
    /// Width and height of each spatial layer in pixels less one; empty where they are not told.
    pub resolutions: Vec<(u16, u16)>,
}

impl DependencyStructure {
    pub(super) fn read(bits: &mut BitReader<'_>) -> Result<Self, DescriptorError> {
        let mut structure = Self {
            template_offset: field(bits, 6)? as u8,
            targets: field(bits, 5)? as u8 + 1,
            ..Self::default()
        };
        structure.read_layers(bits)?;
        for template in &mut structure.templates {
            template.indications =
                Indications::read(bits, structure.targets).ok_or(DescriptorError::CutShort)?;
        }
        for template in &mut structure.templates {
            while field(bits, 1)? == 1 {
                if !template.references.push(field(bits, 4)? as u16 + 1) {
                    return Err(DescriptorError::TooManyReferences);
                }
            }
        }
        structure.read_chains(bits).ok_or(DescriptorError::CutShort)?;
        if field(bits, 1)? == 1 {
            for _ in 0..=structure.max_spatial() {
                let size = (field(bits, 16)? as u16, field(bits, 16)? as u16);
                structure.resolutions.push(size);
            }
        }
        Ok(structure)
    }

    fn read_layers(&mut self, bits: &mut BitReader<'_>) -> Result<(), DescriptorError> {
        let (mut spatial, mut temporal) = (0, 0);
        loop {
            if self.templates.len() == MAX_TEMPLATES {
                return Err(DescriptorError::TooManyTemplates);
            }
            self.templates.push(Template {
                spatial,
                temporal,
                ..Template::default()
            });
            match field(bits, 2)? {
                0 => {}
                1 => temporal += 1,
                2 => (spatial, temporal) = (spatial + 1, 0),
                _ => return Ok(()),
            }
            if spatial > MAX_SPATIAL || temporal > MAX_TEMPORAL {
                return Err(DescriptorError::LayerOutOfRange);
            }
        }
    }

    fn read_chains(&mut self, bits: &mut BitReader<'_>) -> Option<()> {
        self.chains = bits.read_below(u32::from(self.targets) + 1)? as u8;
        if self.chains == 0 {
            return Some(());
        }
        for _ in 0..self.targets {
            self.protected_by
                .push(bits.read_below(u32::from(self.chains))? as u8);
        }
        for template in &mut self.templates {
            for _ in 0..self.chains {
                template.chains.push(bits.read(4)? as u8);
            }
        }
        Some(())
    }

    /// Writes the structure as [`DependencyStructure::read`] reads it; `None` where it does not fit or cannot be told.
    pub(super) fn write(&self, bits: &mut BitWriter<'_>) -> Option<()> {
        if self.targets == 0 || usize::from(self.targets) > MAX_TARGETS || self.templates.is_empty() {
            return None;
        }
        bits.write(u32::from(self.template_offset), 6)?;
        bits.write(u32::from(self.targets) - 1, 5)?;
        for pair in self.templates.windows(2) {
            let [one, next] = pair else { continue };
            let step = match (next.spatial.checked_sub(one.spatial)?, next.temporal) {
                (0, temporal) if temporal == one.temporal => 0,
                (0, temporal) if temporal == one.temporal + 1 => 1,
                (1, 0) => 2,
                _ => return None,
            };
            bits.write(step, 2)?;
        }
        bits.write(3, 2)?;
        for template in &self.templates {
            template.indications.write(bits, self.targets)?;
        }
        for template in &self.templates {
            for difference in template.references.iter() {
                bits.flag(true)?;
                bits.write(u32::from(difference.checked_sub(1).filter(|less| *less < 16)?), 4)?;
            }
            bits.flag(false)?;
        }
        bits.write_below(u32::from(self.chains), u32::from(self.targets) + 1)?;
        if self.chains > 0 {
            for target in 0..usize::from(self.targets) {
                bits.write_below(u32::from(*self.protected_by.get(target)?), u32::from(self.chains))?;
            }
            for template in &self.templates {
                for chain in 0..usize::from(self.chains) {
                    bits.write(u32::from(*template.chains.get(chain)?), 4)?;
                }
            }
        }
        let sizes = self.resolutions.len();
        if sizes != 0 && sizes != usize::from(self.max_spatial()) + 1 {
            return None;
        }
        bits.flag(sizes != 0)?;
        for (width, height) in &self.resolutions {
            bits.write(u32::from(*width), 16)?;
            bits.write(u32::from(*height), 16)?;
        }
        Some(())
    }

    /// The highest spatial layer of any template.
    pub fn max_spatial(&self) -> u8 {
        self.templates.last().map_or(0, |template| template.spatial)
    }

    /// The template a descriptor names by its six-bit id.
    pub(super) fn template(&self, id: u8) -> Option<&Template> {
        self.templates
            .get(usize::from(id.wrapping_sub(self.template_offset) & 0x3f))
    }

    /// Spatial and temporal layer of a decode target: the highest of the frames it has.
    pub(super) fn target_layer(&self, target: u8) -> (u8, u8) {
        self.templates
            .iter()
            .filter(|template| template.indications.present >> target & 1 == 1)
            .fold((0, 0), |(spatial, temporal), template| {
                (spatial.max(template.spatial), temporal.max(template.temporal))
            })
    }
}

fn field(bits: &mut BitReader<'_>, count: usize) -> Result<u32, DescriptorError> {
    bits.read(count).ok_or(DescriptorError::CutShort)
}
