//! The bytes of what goes out, in the publisher's ring.

use tertulia_model::Codec;

use crate::outgoing::{Outgoing, Shape};
use crate::published::Encoding;
use crate::ring::Stored;

/// Packets before a plain one that go with it where it is made redundant.
const REDUNDANCY: u64 = 2;

/// Where packets that go out are kept.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    pub(super) encoding: &'a Encoding,
}

/// One of the packets that go out together: what is its own.
#[derive(Debug, Clone, Copy)]
pub struct KeptPacket<'a> {
    /// Sequence number.
    pub sequence: u64,
    /// Marker bit.
    pub marker: bool,
    /// The stored packet; `None` once its place was taken.
    pub stored: Option<&'a Stored>,
}

impl<'a> Kept<'a> {
    /// The packets, in order.
    #[inline]
    pub fn packets<'b>(&self, outgoing: &'b Outgoing) -> impl Iterator<Item = KeptPacket<'a>> + use<'a, 'b> {
        let ring = &self.encoding.ring;
        (0..outgoing.count).map(move |behind| KeptPacket {
            sequence: outgoing.sequence.wrapping_add(u64::from(behind)),
            marker: outgoing.marker && behind.wrapping_add(1) == outgoing.count,
            stored: ring.find(outgoing.source.wrapping_add(u64::from(behind))),
        })
    }

    /// The stored packet behind the first of those that go out; `None` once its place was taken.
    #[inline]
    pub fn stored(&self, outgoing: &Outgoing) -> Option<&'a Stored> {
        self.encoding.ring.find(outgoing.source)
    }

    /// The publisher's clock on the outgoing timeline: NTP time and RTP timestamp of one moment.
    #[inline]
    pub fn sender_clock(&self, outgoing: &Outgoing, stored: &Stored) -> Option<(u64, u32)> {
        let moved = outgoing.timestamp.wrapping_sub(stored.timestamp);
        self.encoding
            .clock
            .map(|clock| (clock.ntp, clock.rtp.wrapping_add(moved)))
    }

    /// The payload of one of the outgoing packets before its rewriting; `scratch` is written where it must be put together, with
    /// `opus` as the blocks' payload type.
    #[inline]
    pub fn payload<'b>(
        &self,
        outgoing: &Outgoing,
        stored: &'b Stored,
        opus: u8,
        scratch: &'b mut Vec<u8>,
    ) -> Option<&'b [u8]> {
        match outgoing.shape {
            Shape::Whole => Some(stored.payload()),
            Shape::Primary => Some(tertulia_rtp::red_primary(stored.payload())?.data),
            Shape::Redundant => {
                self.redundant(stored, opus, scratch);
                Some(scratch)
            }
        }
    }

    /// Puts the packets before a plain one in front of it (RFC 2198 §3).
    fn redundant(&self, stored: &Stored, opus: u8, scratch: &mut Vec<u8>) {
        let before = |age: u64| {
            let earlier = self.encoding.ring.find(stored.sequence().checked_sub(age)?)?;
            let offset = stored.timestamp.wrapping_sub(earlier.timestamp);
            (earlier.codec == Codec::Opus).then_some((offset, opus, earlier.payload()))
        };
        let mut previous = [(0, opus, &[][..]); REDUNDANCY as usize];
        for (age, block) in (1..=REDUNDANCY).rev().zip(&mut previous) {
            *block = before(age).unwrap_or(*block);
        }
        scratch.clear();
        tertulia_rtp::red_write(scratch, (opus, stored.payload()), &previous);
    }
}
