//! Packets that a session is given to send, and what happens to its streams.

use std::fmt;
use std::time::Duration;

use tertulia_model::Bitrate;
use tertulia_rtp::{Extensions, Rewrite};

use crate::{RxId, TxId};

/// A packet to send.
#[derive(Clone, Copy)]
pub struct TxPacket<'a> {
    /// Payload type of this receiver; of the medium, for a repair too.
    pub payload_type: u8,
    /// Extended sequence number: the first below 65 536, then as the stream goes. No number is sent twice, but in
    /// repairs.
    pub sequence: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Marker bit.
    pub marker: bool,
    /// The payload, 1 to 1400 bytes.
    pub payload: &'a [u8],
    /// What is changed in the payload and the dependency descriptor on the way out.
    pub rewrite: Rewrite,
    /// Header extensions that describe the medium.
    pub ext: Extensions<'a>,
    /// NTP and RTP time of the last report of whoever made the packet, the RTP time moved as `timestamp` was. Without
    /// it our sender reports follow our own clock, and streams of one sender are not held together.
    pub sender_clock: Option<(u64, u32)>,
}

impl fmt::Debug for TxPacket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TxPacket")
            .field("payload_type", &self.payload_type)
            .field("sequence", &self.sequence)
            .field("len", &self.payload.len())
            .finish_non_exhaustive()
    }
}

/// What happened to the streams of a session.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum MediaEvent {
    /// The peer asks for a picture it can begin with.
    KeyframeRequested { tx: TxId },
    /// The peer misses packets: the low 16 bits of at most 256 sequence numbers of ours.
    Nack { tx: TxId, sequences: Vec<u16> },
    /// What the path to the peer is believed to carry.
    EstimatedBitrate(Bitrate),
    /// What the peer reports of something we send.
    TxFeedback {
        tx: TxId,
        /// Packets lost since the last such event, 0 to 1.
        fraction_lost: f32,
        rtt: Option<Duration>,
    },
    /// Totals of one received encoding.
    RxStats(StreamStats),
}

/// Totals of one received encoding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct StreamStats {
    pub(crate) rx: RxId,
    /// Its place among the section's encodings.
    pub(crate) rid: Option<u8>,
    /// Packets and payload bytes since the beginning, retransmissions included.
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    /// Packets that no repair brought since the last such event, 0 to 1.
    pub(crate) fraction_lost: Option<f32>,
    /// Interarrival jitter in RTP timestamp units.
    pub(crate) jitter: u32,
    pub(crate) rtt: Option<Duration>,
}

/// Packets that were no part of the conversation, by what was wrong with them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Drops {
    /// Lengths that contradict the packet.
    pub(crate) malformed: u64,
    /// A wrong tag, or no keys yet.
    pub(crate) unauthentic: u64,
    /// Seen before, or too old to tell.
    pub(crate) replayed: u64,
    /// An SSRC that neither the description nor the packet's tags explain.
    pub(crate) unknown_ssrc: u64,
    /// A payload type that was not negotiated, or not for this stream.
    pub(crate) unknown_payload: u64,
    /// Events beyond what waits for the owner of the session: a peer asks for more than anybody reads.
    pub(crate) events: u64,
}

impl Drops {
    /// All of them.
    pub(crate) fn total(&self) -> u64 {
        self.malformed
            + self.unauthentic
            + self.replayed
            + self.unknown_ssrc
            + self.unknown_payload
            + self.events
    }
}
