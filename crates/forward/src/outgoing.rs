use tertulia_model::Codec;
use tertulia_rtp::Rewrite;

use crate::forwarder::SinkId;
use crate::routes::TrackKey;

/// A packet for one subscriber: which stored packet it is, and what becomes of it on the way out.
///
/// It holds no bytes: [`Routes::payload`](crate::Routes::payload) gives them while the publisher's ring has them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outgoing {
    /// On what it is sent.
    pub sink: SinkId,
    /// Sequence number; begins below 65 536 and only rises by what was sent.
    pub sequence: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Marker bit.
    pub marker: bool,
    /// The codec it is sent in, which decides its payload type.
    pub codec: Codec,
    /// What to change in the payload and the dependency descriptor.
    pub rewrite: Rewrite,
    /// Payload bytes, about.
    pub size: u16,
    pub(crate) track: TrackKey,
    pub(crate) layer: u8,
    pub(crate) source: u64,
    pub(crate) shape: Shape,
}

/// How the payload follows from the stored packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// As it is.
    Whole,
    /// The primary block of redundant audio (RFC 2198).
    Primary,
    /// Made redundant with the two packets before.
    Redundant,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn outgoing(sequence: u64) -> Outgoing {
        Outgoing {
            sink: SinkId(0),
            sequence,
            timestamp: 0,
            marker: false,
            codec: Codec::Vp8,
            rewrite: Rewrite::None,
            size: 1_200,
            track: TrackKey(0),
            layer: 0,
            source: sequence,
            shape: Shape::Whole,
        }
    }
}
