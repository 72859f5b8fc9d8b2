#[cfg(test)]
mod tests;

use tertulia_model::Codec;
use thiserror::Error;

use crate::av1::Av1Aggregation;
use crate::h264::H264Payload;
use crate::{
    Dependency, DependencyReader, DependencyStructure, Layer, Vp8Descriptor, Vp9Descriptor, starts_keyframe,
};

/// A picture number far enough from zero that nothing counts below it.
const FIRST_PICTURE: u64 = 1 << 16;
/// How many pictures late the network may bring a keyframe.
const LATE_PICTURES: u64 = 48;

/// Why a payload or its dependency descriptor cannot be judged: always the peer's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DescriptorError {
    /// Bytes are missing.
    #[error("descriptor cut short")]
    CutShort,
    /// A spatial or temporal id is beyond what the codec has.
    #[error("layer id out of range")]
    LayerOutOfRange,
    /// A frame refers to more frames than the codec allows.
    #[error("too many references")]
    TooManyReferences,
    /// A structure has more templates than there are ids.
    #[error("too many templates")]
    TooManyTemplates,
    /// A descriptor names no template of the structure.
    #[error("unknown template")]
    UnknownTemplate,
    /// No structure was seen that describes the frame.
    #[error("no structure seen")]
    NoStructure,
    /// A payload is not of its codec's format.
    #[error("malformed payload")]
    Malformed,
}

/// Reads the packets of one RTP stream: keeps the newest dependency structure and counts pictures on beyond the few bits
/// they are numbered with.
#[derive(Debug, Default)]
pub struct DescriptorReader {
    dependency: DependencyReader,
    /// Newest extended picture id.
    newest: Option<u64>,
}

/// What one published packet says of the frame it belongs to, whatever the codec.
///
/// It is read once when the packet arrives and kept with it; every subscriber's selector and munger work from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Descriptor {
    /// Whether the packet begins a picture that can be decoded without any before it.
    pub starts_keyframe: bool,
    /// Whether the packet begins a frame; false also where the payload does not tell.
    pub starts_frame: bool,
    /// Whether the packet ends a frame; false also where only the marker tells.
    pub ends_frame: bool,
    /// Whether no other frame depends on this one.
    pub discardable: bool,
    /// Whether a higher temporal layer may be entered here: VP8's Y bit, VP9's U bit, a switch indication.
    pub switching_up: bool,
    /// Spatial and temporal layer, 0 where they are not told.
    pub layer: Layer,
    /// Picture id of VP8 and VP9, extended beyond its 7 or 15 bits; rising within the stream.
    pub picture: Option<u64>,
    /// The codec's own payload descriptor.
    pub payload: PayloadDescriptor,
    /// The dependency descriptor, where the packet has one that its stream's structure describes.
    pub dependency: Option<Dependency>,
}

/// A payload's own descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PayloadDescriptor {
    /// The packet has no payload; it only took a sequence number.
    #[default]
    Empty,
    /// The codec has none that is rewritten.
    Opaque,
    /// VP8 (RFC 7741 §4.2).
    Vp8(Vp8Descriptor),
    /// VP9 (RFC 9628 §4.2).
    Vp9(Vp9Descriptor),
}

impl DescriptorReader {
    /// Reads a packet. `dependency_descriptor` is the content of that header extension, where the packet has it.
    ///
    /// Where the payload tells its layers itself (VP8, VP9), a dependency descriptor that cannot be read counts as
    /// absent.
    ///
    /// # Errors
    ///
    /// The packet is to be left out and counted.
    pub fn read(
        &mut self,
        codec: Codec,
        payload: &[u8],
        dependency_descriptor: Option<&[u8]>,
    ) -> Result<Descriptor, DescriptorError> {
        if payload.is_empty() {
            return Ok(Descriptor::default());
        }
        let dependency = dependency_descriptor.map(|descriptor| self.dependency.read(descriptor));
        match codec {
            Codec::Vp8 => {
                let vp8 = Vp8Descriptor::parse(payload).ok_or(DescriptorError::Malformed)?;
                let picture = self.extend(vp8.picture_id, vp8.long_picture_id, vp8.starts_keyframe);
                Ok(Descriptor::of_vp8(vp8, picture, dependency.and_then(Result::ok)))
            }
            Codec::Vp9 => {
                let vp9 = Vp9Descriptor::parse(payload).ok_or(DescriptorError::Malformed)?;
                let picture = self.extend(vp9.picture_id, vp9.long_picture_id, vp9.starts_keyframe());
                Ok(Descriptor::of_vp9(vp9, picture, dependency.and_then(Result::ok)))
            }
            Codec::Av1 => {
                let aggregation = Av1Aggregation::parse(payload).ok_or(DescriptorError::Malformed)?;
                let dependency = dependency.transpose()?;
                Ok(Descriptor::of_opaque(
                    aggregation.starts_sequence,
                    false,
                    dependency,
                ))
            }
            Codec::H264 => {
                let h264 = H264Payload::parse(payload).ok_or(DescriptorError::Malformed)?;
                let dependency = dependency.transpose()?;
                Ok(Descriptor::of_opaque(
                    h264.starts_keyframe,
                    h264.discardable,
                    dependency,
                ))
            }
            Codec::H265 => {
                let dependency = dependency.transpose()?;
                Ok(Descriptor::of_opaque(
                    starts_keyframe(codec, payload),
                    false,
                    dependency,
                ))
            }
            Codec::Opus | Codec::Red | Codec::Pcmu | Codec::Pcma => Ok(Descriptor {
                starts_keyframe: true,
                starts_frame: true,
                ends_frame: true,
                payload: PayloadDescriptor::Opaque,
                ..Descriptor::default()
            }),
        }
    }

    /// The newest dependency structure of the stream.
    pub fn structure(&self) -> Option<&DependencyStructure> {
        self.dependency.structure()
    }

    /// Extends a picture id by the way it is nearer; a keyframe that would be far in the past is of an encoder that
    /// began anew, and goes on upwards.
    fn extend(&mut self, id: Option<u16>, long: bool, keyframe: bool) -> Option<u64> {
        let id = u64::from(id?);
        let range = if long { 1 << 15 } else { 1 << 7 };
        let newest = self.newest.unwrap_or(FIRST_PICTURE | id);
        let ahead = id.wrapping_sub(newest) & (range - 1);
        let mut picture = newest + ahead;
        if ahead > range / 2 && !(keyframe && range - ahead > LATE_PICTURES) {
            picture -= range;
        }
        self.newest = Some(newest.max(picture));
        Some(picture)
    }
}

impl Descriptor {
    fn of_vp8(vp8: Vp8Descriptor, picture: Option<u64>, dependency: Option<Dependency>) -> Self {
        Self {
            starts_keyframe: vp8.starts_keyframe,
            starts_frame: vp8.starts_frame,
            ends_frame: false,
            discardable: vp8.discardable,
            switching_up: vp8.layer_sync,
            layer: Layer {
                spatial: 0,
                temporal: vp8.temporal_id.unwrap_or(0),
            },
            picture,
            payload: PayloadDescriptor::Vp8(vp8),
            dependency,
        }
    }

    fn of_vp9(vp9: Vp9Descriptor, picture: Option<u64>, dependency: Option<Dependency>) -> Self {
        Self {
            starts_keyframe: vp9.starts_keyframe(),
            starts_frame: vp9.starts_frame,
            ends_frame: vp9.ends_frame,
            discardable: false,
            switching_up: vp9.switching_up,
            layer: Layer {
                spatial: vp9.spatial(),
                temporal: vp9.temporal(),
            },
            picture,
            payload: PayloadDescriptor::Vp9(vp9),
            dependency,
        }
    }

    /// Where the payload tells no layers, the dependency descriptor does.
    fn of_opaque(starts_keyframe: bool, discardable: bool, dependency: Option<Dependency>) -> Self {
        let Some(dependency) = dependency else {
            return Self {
                starts_keyframe,
                starts_frame: starts_keyframe,
                discardable,
                payload: PayloadDescriptor::Opaque,
                ..Self::default()
            };
        };
        let indications = dependency.indications;
        Self {
            starts_keyframe: dependency.starts_keyframe(),
            starts_frame: dependency.starts_frame,
            ends_frame: dependency.ends_frame,
            discardable: indications.present == indications.discardable,
            switching_up: indications.switch != 0,
            layer: dependency.layer,
            picture: None,
            payload: PayloadDescriptor::Opaque,
            dependency: Some(dependency),
        }
    }
}
