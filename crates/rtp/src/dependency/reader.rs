use super::MAX_CHAINS;
use super::bits::BitReader;
use super::structure::{DependencyStructure, Indications, MAX_TARGETS, References, Template};
use crate::descriptor::DescriptorError;

/// A frame number far enough from zero that no reference reaches below it.
const FIRST_FRAME: u64 = 1 << 16;
/// How many frames late the network may bring a structure.
const LATE_FRAMES: u16 = 200;

/// Reads the dependency descriptors of one RTP stream, keeping the newest structure and, for late packets, the one
/// before.
#[derive(Debug, Default)]
pub struct DependencyReader {
    current: Option<Known>,
    previous: Option<Known>,
    /// Newest extended frame number.
    newest: Option<u64>,
    generations: u16,
}

#[derive(Debug)]
struct Known {
    structure: DependencyStructure,
    generation: u16,
    targets: DecodeTargets,
    /// Decode targets its sender still makes.
    active: u32,
    /// The first frame it describes.
    since: u64,
}

/// What one packet's descriptor says of its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dependency {
    /// Frame number, extended beyond 16 bits; unique and rising within the stream.
    pub frame: u64,
    /// Whether the packet begins its frame.
    pub starts_frame: bool,
    /// Whether the packet ends its frame.
    pub ends_frame: bool,
    /// Layer of the frame.
    pub layer: Layer,
    /// What the frame means to each decode target.
    pub indications: Indications,
    /// What the frame refers to.
    pub references: References,
    /// For each chain the difference to its frame before this one; 0 where the chain begins here.
    pub chains: [u8; MAX_CHAINS],
    /// Count of chains, [`MAX_CHAINS`] at most.
    pub chain_count: u8,
    /// Which structure describes the frame; another number for every structure that differs.
    pub structure: u16,
    /// The decode targets of that structure.
    pub targets: DecodeTargets,
    /// Decode targets the sender makes at present, as a mask.
    pub active: u32,
    /// Whether the packet carries that mask.
    pub carries_active: bool,
    /// Bits of the structure that the packet carries, from its template offset on; 0 where it carries none.
    pub structure_bits: u16,
    /// Id of the structure's first template.
    pub template_offset: u8,
    /// Count of the structure's templates.
    pub template_count: u8,
}

impl Dependency {
    /// Whether the packet carries a structure, with which a coded video sequence begins.
    pub fn carries_structure(&self) -> bool {
        self.structure_bits > 0
    }

    /// Whether the packet begins a frame that needs none before it and that brings its structure.
    pub fn starts_keyframe(&self) -> bool {
        self.starts_frame && self.carries_structure() && self.references.is_empty()
    }
}

/// A spatial and a temporal layer, 0 for the lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Layer {
    /// Spatial layer.
    pub spatial: u8,
    /// Temporal layer.
    pub temporal: u8,
}

/// The decode targets of a structure: layer and chain of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DecodeTargets {
    /// Two bits of spatial layer, three of temporal, three of chain.
    packed: [u8; MAX_TARGETS],
    count: u8,
}

impl DecodeTargets {
    fn new(structure: &DependencyStructure) -> Self {
        let mut targets = Self {
            packed: [0; MAX_TARGETS],
            count: structure.targets,
        };
        for (target, packed) in (0..structure.targets).zip(&mut targets.packed) {
            let (spatial, temporal) = structure.target_layer(target);
            let chain = structure
                .protected_by
                .get(usize::from(target))
                .copied()
                .unwrap_or(0);
            *packed = (spatial & 3) << 6 | (temporal & 7) << 3 | chain.min(MAX_CHAINS as u8 - 1);
        }
        targets
    }

    /// How many there are.
    pub fn count(&self) -> u8 {
        self.count
    }

    /// A mask of all of them.
    pub fn all(&self) -> u32 {
        (u64::from(u32::MAX) >> (MAX_TARGETS - usize::from(self.count).min(MAX_TARGETS))) as u32
    }

    /// Layer of one of them.
    pub fn layer(&self, target: u8) -> Layer {
        let packed = self.packed.get(usize::from(target)).copied().unwrap_or(0);
        Layer {
            spatial: packed >> 6,
            temporal: packed >> 3 & 7,
        }
    }

    /// The chain that protects one of them; without meaning where there are no chains.
    pub fn chain(&self, target: u8) -> u8 {
        self.packed.get(usize::from(target)).copied().unwrap_or(0) & 7
    }
}

impl DependencyReader {
    /// Reads the descriptor of one packet.
    ///
    /// # Errors
    ///
    /// The peer's fault: the descriptor is cut short, says the impossible or names what no structure describes.
    pub fn read(&mut self, descriptor: &[u8]) -> Result<Dependency, DescriptorError> {
        let mut bits = BitReader::new(descriptor);
        let cut = DescriptorError::CutShort;
        let starts_frame = bits.flag().ok_or(cut)?;
        let ends_frame = bits.flag().ok_or(cut)?;
        let template_id = bits.read(6).ok_or(cut)? as u8;
        let number = bits.read(16).ok_or(cut)? as u16;
        let flags = if descriptor.len() > 3 {
            Flags::read(&mut bits).ok_or(cut)?
        } else {
            Flags::default()
        };
        let frame = self.extend(number, flags.structure);
        let mut structure_bits = 0;
        if flags.structure {
            let start = bits.position();
            let structure = DependencyStructure::read(&mut bits)?;
            structure_bits = (bits.position() - start) as u16;
            if !self.learn(structure, frame) {
                return Err(DescriptorError::NoStructure);
            }
        }
        let known = self.describing(frame).ok_or(DescriptorError::NoStructure)?;
        let structure = &known.structure;
        let active = flags
            .active
            .then(|| bits.read(usize::from(structure.targets)).ok_or(cut))
            .transpose()?;
        let template = structure
            .template(template_id)
            .ok_or(DescriptorError::UnknownTemplate)?;
        let mut dependency = Dependency {
            frame,
            starts_frame,
            ends_frame,
            layer: Layer {
                spatial: template.spatial,
                temporal: template.temporal,
            },
            indications: template.indications,
            references: template.references,
            chains: chains_of(template),
            chain_count: structure.chains.min(MAX_CHAINS as u8),
            structure: known.generation,
            targets: known.targets,
            active: match active {
                Some(active) => active,
                None if flags.structure => known.targets.all(),
                None => known.active,
            },
            carries_active: flags.active,
            structure_bits,
            template_offset: structure.template_offset,
            template_count: structure.templates.len() as u8,
        };
        read_custom(&mut bits, flags, structure, &mut dependency)?;
        if self.newest.is_none_or(|newest| frame >= newest) {
            self.newest = Some(frame);
            if let Some(known) = &mut self.current {
                known.active = dependency.active;
            }
        }
        Ok(dependency)
    }

    /// The newest structure.
    pub fn structure(&self) -> Option<&DependencyStructure> {
        Some(&self.current.as_ref()?.structure)
    }

    /// Keeps a structure that `frame` brought. False for one that was overtaken by another and is not known.
    fn learn(&mut self, structure: DependencyStructure, frame: u64) -> bool {
        if let Some(current) = &self.current {
            if frame < current.since {
                let known = self.describing(frame);
                return known.is_some_and(|known| known.structure == structure);
            }
            if current.structure == structure {
                return true;
            }
        }
        self.generations = self.generations.wrapping_add(1);
        let targets = DecodeTargets::new(&structure);
        self.previous = self.current.replace(Known {
            structure,
            generation: self.generations,
            targets,
            active: targets.all(),
            since: frame,
        });
        true
    }

    fn describing(&self, frame: u64) -> Option<&Known> {
        [&self.current, &self.previous]
            .into_iter()
            .flatten()
            .find(|known| frame >= known.since)
    }

    /// Extends a frame number by the way it is nearer; one with a structure that would be far in the past is of an
    /// encoder that began anew, and goes on upwards.
    fn extend(&self, number: u16, structure: bool) -> u64 {
        let newest = self.newest.unwrap_or(FIRST_FRAME | u64::from(number));
        let ahead = number.wrapping_sub(newest as u16);
        let frame = newest + u64::from(ahead);
        if ahead > 1 << 15 && !(structure && u16::MAX - ahead > LATE_FRAMES) {
            return frame - (1 << 16);
        }
        frame
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    structure: bool,
    active: bool,
    indications: bool,
    references: bool,
    chains: bool,
}

impl Flags {
    fn read(bits: &mut BitReader<'_>) -> Option<Self> {
        Some(Self {
            structure: bits.flag()?,
            active: bits.flag()?,
            indications: bits.flag()?,
            references: bits.flag()?,
            chains: bits.flag()?,
        })
    }
}

/// Reads what the frame has instead of its template's.
fn read_custom(
    bits: &mut BitReader<'_>,
    flags: Flags,
    structure: &DependencyStructure,
    dependency: &mut Dependency,
) -> Result<(), DescriptorError> {
    let cut = DescriptorError::CutShort;
    if flags.indications {
        dependency.indications = Indications::read(bits, structure.targets).ok_or(cut)?;
    }
    if flags.references {
        let mut references = References::default();
        loop {
            let size = bits.read(2).ok_or(cut)? as usize;
            if size == 0 {
                break;
            }
            let difference = bits.read(4 * size).ok_or(cut)? as u16 + 1;
            if !references.push(difference) {
                return Err(DescriptorError::TooManyReferences);
            }
        }
        dependency.references = references;
    }
    if flags.chains {
        for chain in 0..usize::from(structure.chains) {
            let difference = bits.read(8).ok_or(cut)? as u8;
            if let Some(slot) = dependency.chains.get_mut(chain) {
                *slot = difference;
            }
        }
    }
    Ok(())
}

fn chains_of(template: &Template) -> [u8; MAX_CHAINS] {
    let mut chains = [0; MAX_CHAINS];
    for (slot, chain) in chains.iter_mut().zip(&template.chains) {
        *slot = *chain;
    }
    chains
}
