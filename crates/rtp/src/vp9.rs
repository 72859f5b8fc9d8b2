mod structure;

#[cfg(test)]
mod tests;

pub use structure::Vp9Structure;

/// Most references of one frame in flexible mode (RFC 9628 §4.2).
const MAX_REFERENCES: usize = 3;

/// The payload descriptor of a VP9 packet (RFC 9628 §4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Vp9Descriptor {
    /// Bytes of the descriptor.
    pub length: usize,
    /// Picture id, 7 or 15 bits wide.
    pub picture_id: Option<u16>,
    /// Whether the picture id is 15 bits wide.
    pub long_picture_id: bool,
    /// Whether the frame is predicted from earlier pictures (the P bit).
    pub inter_predicted: bool,
    /// Whether the frame tells its references itself (the F bit).
    pub flexible: bool,
    /// Whether this packet begins a layer frame (the B bit).
    pub starts_frame: bool,
    /// Whether this packet ends a layer frame (the E bit).
    pub ends_frame: bool,
    /// Whether no higher spatial layer of the same picture depends on the frame (the Z bit).
    pub not_for_upper: bool,
    /// Temporal layer, 0 to 7.
    pub temporal_id: Option<u8>,
    /// Spatial layer, 0 to 7.
    pub spatial_id: Option<u8>,
    /// Whether the frame may be switched up to temporally (the U bit).
    pub switching_up: bool,
    /// Whether the frame depends on the next lower spatial layer of the same picture (the D bit).
    pub inter_layer: bool,
    /// Temporal level zero index, in non-flexible mode.
    pub tl0_pic_idx: Option<u8>,
    /// Spatial layers that a scalability structure in this packet announces (the V bit).
    pub spatial_layers: Option<u8>,
    references: [u8; MAX_REFERENCES],
    reference_count: u8,
}

/// What a munger puts in place of the descriptor's fields; widths stay as they are in the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Vp9Rewrite {
    /// New picture id.
    pub picture_id: Option<u16>,
    /// New temporal level zero index.
    pub tl0_pic_idx: Option<u8>,
}

impl Vp9Descriptor {
    /// Reads the descriptor at the head of `payload`; `None` where it is cut short or impossible: a frame that refers
    /// to itself, to more than three pictures or to pictures it has no id among, or a layer the structure does not have.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let first = *payload.first()?;
        let bit = |mask: u8| first & mask != 0;
        let mut at = 1;
        let mut descriptor = Self {
            inter_predicted: bit(0x40),
            flexible: bit(0x10),
            starts_frame: bit(0x08),
            ends_frame: bit(0x04),
            not_for_upper: bit(0x01),
            ..Self::default()
        };
        if bit(0x80) {
            let high = *payload.get(at)?;
            at += 1;
            descriptor.long_picture_id = high & 0x80 != 0;
            let mut id = u16::from(high & 0x7f);
            if descriptor.long_picture_id {
                id = id << 8 | u16::from(*payload.get(at)?);
                at += 1;
            }
            descriptor.picture_id = Some(id);
        }
        if bit(0x20) {
            let layers = *payload.get(at)?;
            at += 1;
            descriptor.temporal_id = Some(layers >> 5);
            descriptor.switching_up = layers & 0x10 != 0;
            descriptor.spatial_id = Some(layers >> 1 & 0x07);
            descriptor.inter_layer = layers & 0x01 != 0;
            if !descriptor.flexible {
                descriptor.tl0_pic_idx = Some(*payload.get(at)?);
                at += 1;
            }
        }
        if descriptor.flexible {
            descriptor.picture_id?;
            if descriptor.inter_predicted {
                at = descriptor.read_references(payload, at)?;
            }
        }
        if bit(0x02) {
            let structure = Vp9Structure::parse(payload.get(at..)?)?;
            at += structure.length;
            descriptor.spatial_layers = Some(structure.spatial_layers);
            if descriptor.spatial() >= structure.spatial_layers {
                return None;
            }
        }
        descriptor.length = at;
        Some(descriptor)
    }

    fn read_references(&mut self, payload: &[u8], mut at: usize) -> Option<usize> {
        for slot in &mut self.references {
            let byte = *payload.get(at)?;
            at += 1;
            *slot = byte >> 1;
            self.reference_count += 1;
            if byte >> 1 == 0 {
                return None;
            }
            if byte & 0x01 == 0 {
                return Some(at);
            }
        }
        None
    }

    /// The scalability structure that this payload's descriptor carries, if it carries one.
    pub fn structure(&self, payload: &[u8]) -> Option<Vp9Structure> {
        self.spatial_layers?;
        // It is the last part of the descriptor, so its start follows from the parts before.
        let start = 1
            + self.picture_id_width()
            + usize::from(self.spatial_id.is_some())
            + usize::from(self.tl0_pic_idx.is_some())
            + usize::from(self.reference_count);
        Vp9Structure::parse(payload.get(start..)?)
    }

    /// In flexible mode: the pictures the frame refers to, as differences of picture ids from 1 to 127.
    pub fn references(&self) -> impl Iterator<Item = u8> + '_ {
        self.references
            .iter()
            .copied()
            .take(usize::from(self.reference_count))
    }

    /// Spatial layer, 0 where it is not told.
    pub fn spatial(&self) -> u8 {
        self.spatial_id.unwrap_or(0)
    }

    /// Temporal layer, 0 where it is not told.
    pub fn temporal(&self) -> u8 {
        self.temporal_id.unwrap_or(0)
    }

    /// Whether this packet begins a picture decodable without any before it.
    pub fn starts_keyframe(&self) -> bool {
        self.starts_frame && !self.inter_predicted && self.spatial() == 0
    }

    /// Writes `rewrite` over the fields of the descriptor that begins `payload`, keeping widths.
    ///
    /// Gives false, and writes nothing, where `payload` has no such descriptor.
    pub fn rewrite(payload: &mut [u8], rewrite: Vp9Rewrite) -> bool {
        let Some(descriptor) = Self::parse(payload) else {
            return false;
        };
        match (
            rewrite.picture_id,
            descriptor.long_picture_id,
            payload.get_mut(1..),
        ) {
            (Some(id), true, Some([high, low, ..])) => [*high, *low] = (id | 0x8000).to_be_bytes(),
            (Some(id), false, Some([short, ..])) if descriptor.picture_id.is_some() => {
                *short = id as u8 & 0x7f
            }
            _ => {}
        }
        if let (Some(_), Some(index)) = (descriptor.tl0_pic_idx, rewrite.tl0_pic_idx)
            && let Some(byte) = payload.get_mut(2 + descriptor.picture_id_width())
        {
            *byte = index;
        }
        true
    }

    fn picture_id_width(&self) -> usize {
        match (self.picture_id, self.long_picture_id) {
            (None, _) => 0,
            (Some(_), false) => 1,
            (Some(_), true) => 2,
        }
    }
}
