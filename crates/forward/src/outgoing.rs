use tertulia_model::Codec;
use tertulia_rtp::Rewrite;

use crate::forwarder::SinkId;
use crate::routes::TrackKey;

/// Packets for one subscriber, mostly of a picture's: which stored packets they are, and what becomes of them on the way
/// out.
///
/// They follow one another, for the publisher as for the subscriber, and have everything in common but what
/// [`Outgoing::packets`] tells apart. It holds no bytes: [`Routes::kept`](crate::Routes::kept) finds them while the
/// publisher's ring has them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outgoing {
    /// On what it is sent.
    pub sink: SinkId,
    /// Sequence number of the first; begins below 65 536 and only rises by what was sent.
    pub sequence: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Marker bit of the last; those before have none.
    pub marker: bool,
    /// The codec it is sent in, which decides its payload type.
    pub codec: Codec,
    /// What to change in the payload and the dependency descriptor.
    pub rewrite: Rewrite,
    /// Payload bytes of a packet, about.
    pub size: u16,
    /// How many packets.
    pub(crate) count: u16,
    pub(crate) track: TrackKey,
    pub(crate) layer: u8,
    /// The publisher's number of the first.
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

impl Outgoing {
    /// How many packets it stands for.
    #[inline]
    pub fn count(&self) -> usize {
        usize::from(self.count)
    }

    /// The packets one by one, in order.
    #[inline]
    pub fn packets(&self) -> impl Iterator<Item = Self> + use<> {
        let all = *self;
        (0..all.count).map(move |behind| all.packet(behind))
    }

    /// The packet so many behind the first.
    #[inline]
    pub(crate) fn packet(&self, behind: u16) -> Self {
        Self {
            sequence: self.sequence.wrapping_add(u64::from(behind)),
            source: self.source.wrapping_add(u64::from(behind)),
            marker: self.marker && behind.wrapping_add(1) == self.count,
            count: 1,
            ..*self
        }
    }

    /// Takes that many of the first packets off; more stay.
    pub(crate) fn split_off_front(&mut self, count: u16) -> Self {
        let front = Self {
            count,
            marker: false,
            ..*self
        };
        self.sequence = self.sequence.wrapping_add(u64::from(count));
        self.source = self.source.wrapping_add(u64::from(count));
        self.count = self.count.saturating_sub(count);
        front
    }
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
            count: 1,
            track: TrackKey(0),
            layer: 0,
            source: sequence,
            shape: Shape::Whole,
        }
    }

    #[test]
    fn what_is_split_off_and_what_stays_are_the_same_packets() {
        let whole = Outgoing {
            marker: true,
            count: 5,
            source: 900,
            ..outgoing(65_534)
        };
        let told = |packet: Outgoing| (packet.sequence, packet.source, packet.marker, packet.count);
        let packets: Vec<_> = whole.packets().map(told).collect();
        assert_eq!(packets.first(), Some(&(65_534, 900, false, 1)));
        assert_eq!(packets.last(), Some(&(65_538, 904, true, 1)));
        let mut rest = whole;
        let front = rest.split_off_front(2);
        assert_eq!((front.count(), rest.count()), (2, 3));
        let apart: Vec<_> = front.packets().chain(rest.packets()).map(told).collect();
        assert_eq!(apart, packets);
    }
}
