use tertulia_rtp::{Descriptor, PayloadDescriptor};

use crate::ring::Stored;

/// Packets of one encoding, kept one behind the other, of which the same is to be said: those of one picture. One at
/// least.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Alike<'a> {
    packets: &'a [&'a Stored],
    /// Payload bytes of one of them, about.
    size: u16,
}

impl<'a> Alike<'a> {
    /// Takes packets that follow one another by [`follows`]; `size` are the bytes of one, about.
    #[inline]
    pub(crate) fn new(packets: &'a [&'a Stored], size: u16) -> Self {
        Self { packets, size }
    }

    #[inline]
    pub(crate) fn first(&self) -> Option<&'a Stored> {
        self.packets.first().copied()
    }

    #[inline]
    pub(crate) fn last(&self) -> Option<&'a Stored> {
        self.packets.last().copied()
    }

    #[inline]
    pub(crate) fn count(&self) -> u16 {
        self.packets.len() as u16
    }

    /// Payload bytes of one of the first `count`, about.
    #[inline]
    pub(crate) fn size(&self, count: u16) -> u16 {
        match self.packets {
            [first, _, ..] if count == 1 => first.payload().len() as u16,
            _ => self.size,
        }
    }
}

/// Whether what is decided of a packet holds for the one that came behind it: it goes on with the same picture, and
/// nothing but its number and its bytes are its own.
pub(crate) fn follows(packet: &Stored, next: &Stored) -> bool {
    next.sequence() == packet.sequence() + 1
        && next.timestamp == packet.timestamp
        && next.codec == packet.codec
        && !packet.marker
        && !next.payload().is_empty()
        && continues(&packet.info, &next.info)
}

fn continues(packet: &Descriptor, next: &Descriptor) -> bool {
    let same_picture = match (&packet.payload, &next.payload) {
        (PayloadDescriptor::Vp8(packet), PayloadDescriptor::Vp8(next)) => {
            (packet.picture_id, packet.long_picture_id) == (next.picture_id, next.long_picture_id)
                && (packet.tl0_pic_idx, packet.key_idx) == (next.tl0_pic_idx, next.key_idx)
        }
        (PayloadDescriptor::Opaque, PayloadDescriptor::Opaque) => true,
        _ => false,
    };
    same_picture
        && packet.picture == next.picture
        && packet.layer == next.layer
        && !next.starts_frame
        && !next.starts_keyframe
        && packet.dependency.is_none()
        && next.dependency.is_none()
}
