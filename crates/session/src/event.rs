use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tertulia_model::{Bitrate, Codec, MediaKind, Mid, Rid, TransportProtocol};
use tertulia_rtp::Extensions;

use crate::estimator::Probe;

/// One thing we send on a session, alive from [`Session::add_tx`](crate::Session::add_tx) to
/// [`Session::remove_tx`](crate::Session::remove_tx).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxId(pub(crate) u32);

/// One thing a peer sends: a section from the description that starts it to the one that stops it, all its
/// simulcast encodings together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RxId(pub(crate) u32);

/// A pair of addresses over which a peer is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaPath {
    /// How.
    pub protocol: TransportProtocol,
    /// The `addr` of one of our candidates.
    pub source: SocketAddr,
    /// The peer's address.
    pub destination: SocketAddr,
}

/// What comes out of a session.
pub enum Output {
    /// Nothing more until this instant or the next input.
    Timeout(Instant),
    /// A datagram to send, or one frame for the TCP connection between these addresses.
    Transmit {
        /// How to send it.
        protocol: TransportProtocol,
        /// The `addr` of one of our candidates.
        source: SocketAddr,
        /// Whither.
        destination: SocketAddr,
        /// Its bytes.
        contents: Vec<u8>,
    },
    /// Something happened.
    Event(SessionEvent),
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(at) => write!(f, "Timeout({at:?})"),
            Self::Transmit {
                protocol, contents, ..
            } => write!(f, "Transmit({protocol:?}, {} bytes)", contents.len()),
            Self::Event(event) => write!(f, "Event({event:?})"),
        }
    }
}

/// What happened on a session.
#[derive(Debug, Clone)]
pub enum SessionEvent {
    /// ICE and DTLS stand: media flows from here on.
    Connected,
    /// Nothing has been heard of the peer for about ten seconds; the caller starts its own timers.
    IceDisconnected,
    /// The peer is heard again, on the old path or after an ICE restart.
    IceReconnected,
    /// The conversation is over; nothing else follows.
    Closed,
    /// The peer lacks packets of something we send; each may go out again by
    /// [`Session::seal_repair`](crate::Session::seal_repair).
    Nack {
        /// Of what we send.
        tx: TxId,
        /// Their sequence numbers on the wire, 256 at most.
        sequences: Vec<u16>,
    },
    /// The peer asks for a picture it can begin with.
    KeyframeRequested {
        /// Of what we send.
        tx: TxId,
    },
    /// A data channel is open, theirs or ours.
    ChannelOpened {
        /// Its label.
        label: String,
    },
    /// A message arrived.
    ChannelData {
        /// The channel's label.
        label: String,
        /// The message, at most 256 KiB.
        contents: Vec<u8>,
    },
    /// A data channel was closed by the peer.
    ChannelClosed {
        /// Its label.
        label: String,
    },
    /// What the path to the peer is believed to carry.
    EstimatedBitrate(Bitrate),
    /// What the peer reports of something we send.
    TxFeedback {
        /// What we send.
        tx: TxId,
        /// Packets lost since the last report, 0 to 1.
        fraction_lost: f32,
        /// Round-trip time of the path, once known.
        rtt: Option<Duration>,
    },
    /// Totals of one received encoding, about every two seconds.
    RxStats(RxStats),
}

/// Totals of one received encoding.
#[derive(Debug, Clone, PartialEq)]
pub struct RxStats {
    /// What the peer sends.
    pub rx: RxId,
    /// Which of its encodings.
    pub rid: Option<Rid>,
    /// Packets since the beginning, retransmissions included.
    pub packets: u64,
    /// Payload bytes since the beginning.
    pub bytes: u64,
    /// Packets lost, 0 to 1, as last reported to the peer.
    pub fraction_lost: Option<f32>,
    /// Interarrival jitter in RTP timestamp units.
    pub jitter: u32,
    /// Round-trip time, once known.
    pub rtt: Option<Duration>,
}

/// A received media packet, opened where it was received, retransmissions already put in their place.
#[derive(Clone, Copy)]
pub struct RxPacket<'a> {
    /// What it belongs to.
    pub rx: RxId,
    /// Which simulcast encoding, as an index into [`RxSection::rids`]; `None` where the section has one encoding only.
    pub rid: Option<u8>,
    /// Its SSRC.
    pub ssrc: u32,
    /// Its payload type.
    pub payload_type: u8,
    /// Its codec; [`Codec::Red`] for redundant audio, whose payload is not unwrapped.
    pub codec: Codec,
    /// Its extended sequence number.
    pub sequence: u64,
    /// Its RTP timestamp.
    pub timestamp: u32,
    /// Its marker bit.
    pub marker: bool,
    /// When it arrived.
    pub arrival: Instant,
    /// Its payload, without padding.
    pub payload: &'a [u8],
    /// Its header extensions.
    pub ext: Extensions<'a>,
    /// The sender's clock at an RTP timestamp, by its last sender report: NTP time (RFC 3550 §4) and that timestamp.
    pub sender_clock: Option<(u64, u32)>,
}

impl fmt::Debug for RxPacket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RxPacket")
            .field("rx", &self.rx)
            .field("rid", &self.rid)
            .field("codec", &self.codec)
            .field("sequence", &self.sequence)
            .field("len", &self.payload.len())
            .finish_non_exhaustive()
    }
}

/// How fast packets may leave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pacing {
    /// The rate to keep to, media and repairs together.
    pub rate: Bitrate,
    /// A burst to measure the path with, in force until it is sent.
    pub probe: Option<Probe>,
}

/// What we want to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxWish {
    /// Sound or picture.
    pub kind: MediaKind,
    /// Codecs it may come in, best first. Redundant audio is [`Codec::Red`] beside [`Codec::Opus`].
    pub codecs: Vec<Codec>,
    /// Stream id told to the peer (first word of `msid`).
    pub stream_id: String,
    /// Track id told to the peer (second word of `msid`).
    pub track_id: String,
}

/// How a peer is asked to encode sound in Opus (RFC 7587 §6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AudioOptions {
    /// Two channels at up to 510 kbit/s, for music.
    pub stereo: bool,
    /// Silence may go unsent.
    pub dtx: bool,
}

/// How far something we want to send has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TxState {
    /// It waits for a section, or for the peer's answer.
    Waiting,
    /// It may be sent on this section.
    Bound(Mid),
    /// The peer takes none of its codecs.
    Unsupported,
}

/// What a peer sends in one section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RxSection {
    /// Its name here.
    pub rx: RxId,
    /// The section.
    pub mid: Mid,
    /// Sound or picture.
    pub kind: MediaKind,
    /// The peer's track id, from `msid`.
    pub track_id: Option<String>,
    /// The peer's stream id, from `msid`.
    pub stream_id: Option<String>,
    /// Codecs as answered, best first.
    pub codecs: Vec<Codec>,
    /// Simulcast encodings, in the peer's order; empty where there is one encoding only.
    pub rids: Vec<Rid>,
    /// Whether the peer sends at present.
    pub active: bool,
}
