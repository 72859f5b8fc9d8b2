use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tertulia_model::{Bitrate, Codec, MediaKind, Mid, Rid, TransportProtocol};
use tertulia_rtp::Vp8Rewrite;

/// One thing we send on a session, alive from [`Session::add_tx`](crate::Session::add_tx) to
/// [`Session::remove_tx`](crate::Session::remove_tx).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxId(pub(crate) u32);

/// One thing a peer sends: a section from the description that starts it to the one that stops it, all its
/// simulcast encodings together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RxId(pub(crate) u32);

/// What goes into a session.
pub enum Input<'a> {
    /// A datagram, or one RFC 4571 frame without its length.
    Datagram {
        /// How it came.
        protocol: TransportProtocol,
        /// Whence.
        source: SocketAddr,
        /// Where it arrived: the `addr` of one of our candidates.
        destination: SocketAddr,
        /// Its bytes.
        contents: &'a [u8],
    },
    /// The instant of the last [`Output::Timeout`] has come.
    Timeout,
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
    /// A media packet arrived.
    Rtp(RxPacket),
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

/// Header extensions that are passed from sender to receivers unread.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PassedExtensions {
    /// Rotation in quarter turns, 0 to 3 (3GPP TS 26.114).
    pub orientation: Option<u8>,
    /// When the first sample was captured, by the sender's clock, and the estimated offset of the capturer's clock in
    /// units of 2⁻³² seconds.
    pub capture_time: Option<(SystemTime, Option<i64>)>,
    /// Least and greatest playout delay in units of 10 ms.
    pub playout_delay: Option<(u16, u16)>,
    /// The AV1 dependency descriptor's bytes.
    pub dependency_descriptor: Option<Arc<[u8]>>,
}

/// A received media packet, decrypted, retransmissions already put in their place.
#[derive(Clone)]
pub struct RxPacket {
    /// What it belongs to.
    pub rx: RxId,
    /// Which simulcast encoding; `None` where the section has one encoding only.
    pub rid: Option<Rid>,
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
    /// Its payload.
    pub payload: Arc<[u8]>,
    /// Sound level, −127 to 0 dBov (RFC 6464).
    pub audio_level: Option<i8>,
    /// Whether the sender hears a voice in it.
    pub voice: Option<bool>,
    /// What is passed on.
    pub ext: PassedExtensions,
    /// The sender's clock at an RTP timestamp, by its last sender report.
    pub sender_clock: Option<(SystemTime, u32)>,
}

impl fmt::Debug for RxPacket {
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

/// A media packet to send.
#[derive(Clone)]
pub struct TxPacket {
    /// Payload type of this receiver, from [`Session::tx_payload_type`](crate::Session::tx_payload_type).
    pub payload_type: u8,
    /// Extended sequence number: the first below 65 536, then as the stream goes. No number is sent twice.
    pub sequence: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Marker bit.
    pub marker: bool,
    /// The payload, shared by all receivers.
    pub payload: Arc<[u8]>,
    /// What to rewrite in a VP8 payload on its way out.
    pub vp8: Option<Vp8Rewrite>,
    /// Sound level, −127 to 0 dBov.
    pub audio_level: Option<i8>,
    /// Whether there is a voice in it.
    pub voice: Option<bool>,
    /// What is passed on.
    pub ext: PassedExtensions,
    /// Whether it may be asked for again.
    pub retransmittable: bool,
    /// When what it carries was received: the clock of our sender reports.
    pub arrival: Instant,
}

impl fmt::Debug for TxPacket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TxPacket")
            .field("payload_type", &self.payload_type)
            .field("sequence", &self.sequence)
            .field("len", &self.payload.len())
            .finish_non_exhaustive()
    }
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
