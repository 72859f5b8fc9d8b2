use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tertulia_model::{Codec, Layer, MediaKind, ParticipantId, Source, TrackId, VideoSize};

use crate::Wanted;
use crate::dynacast::Demand;

/// Whether a track's media has been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrackState {
    /// Announced, no media section bound yet.
    Pending,
    /// Bound to a media section; others see it.
    Live,
}

/// How a track's frames are encrypted end to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrackEncryption {
    /// Not.
    #[default]
    None,
    /// AES-GCM inside encoded frames.
    Gcm,
    /// Another scheme.
    Custom,
}

/// One codec of a track that is published in several.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulcastCodec {
    /// Which codec.
    pub codec: Codec,
    /// The publisher's own id of the sender (its track id).
    pub cid: String,
    /// Its layers, lowest first.
    pub layers: Vec<Layer>,
}

/// Flags of an audio track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AudioFeatures {
    /// Two channels.
    pub stereo: bool,
    /// No discontinuous transmission.
    pub no_dtx: bool,
    /// Browser processing: automatic gain control.
    pub auto_gain_control: bool,
    /// Browser processing: echo cancellation.
    pub echo_cancellation: bool,
    /// Browser processing: noise suppression.
    pub noise_suppression: bool,
    /// An enhanced noise filter runs at the sender.
    pub enhanced_noise_cancellation: bool,
    /// Buffers before connecting.
    pub preconnect_buffer: bool,
}

/// A published track as others may see it.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackInfo {
    /// Its id.
    pub id: TrackId,
    /// Audio or video.
    pub kind: MediaKind,
    /// What it shows.
    pub source: Source,
    /// Its name, free text.
    pub name: String,
    /// Whether its publisher (or a moderator) has muted it.
    pub muted: bool,
    /// Full size; zero for audio.
    pub size: VideoSize,
    /// Layers of the primary codec, lowest first; empty for audio.
    pub layers: Vec<Layer>,
    /// Primary codec; `None` until negotiated.
    pub codec: Option<Codec>,
    /// Codecs besides and including the primary, as announced.
    pub codecs: Vec<SimulcastCodec>,
    /// Whether several encodings are sent.
    pub simulcast: bool,
    /// Whether audio is sent with RED (RFC 2198) where the peer can.
    pub red: bool,
    /// Name of the synchronisation group; tracks of one group play in sync.
    pub stream: String,
    /// End-to-end encryption.
    pub encryption: TrackEncryption,
    /// Audio flags.
    pub audio: AudioFeatures,
    /// When everybody gets the backup codec as soon as somebody needs it: 0 in small rooms, 1 never, 2 always (the
    /// numbers of LiveKit's `BackupCodecPolicy`).
    pub backup_codec_policy: i32,
    /// Opaque feature numbers of the publisher's packet trailers, mirrored.
    pub packet_trailer_features: Vec<i32>,
}

impl TrackInfo {
    /// The codec for those who cannot decode the primary; `None` for sound.
    pub fn backup_codec(&self) -> Option<Codec> {
        // The first announced codec is the primary as wished; where another was negotiated it is not sent at all.
        let mut backups = self.codecs.iter().skip(1).map(|codec| codec.codec);
        backups.find(|codec| Some(*codec) != self.codec && self.kind == MediaKind::Video)
    }
}

/// A track with what only the room knows of it.
#[derive(Debug)]
pub(crate) struct Publication {
    pub(crate) publisher: ParticipantId,
    pub(crate) info: TrackInfo,
    pub(crate) state: TrackState,
    /// What its publisher announced and no media section is bound to yet, in order: the primary codec, then backups.
    pub(crate) awaiting: VecDeque<Awaiting>,
    /// The publisher's own ids of what is bound.
    pub(crate) bound_cids: Vec<String>,
    /// Who receives it, and how: exactly what the forwarding engine was told.
    pub(crate) routes: BTreeMap<ParticipantId, Wanted>,
    /// Receivers for whom the forwarding engine paused it.
    pub(crate) paused: BTreeSet<ParticipantId>,
    /// Receivers that decode its backup codec and not its primary.
    pub(crate) needing_backup: BTreeSet<ParticipantId>,
    /// Receivers that decode none of its codecs.
    pub(crate) unable: BTreeSet<ParticipantId>,
    /// Whether its backup codec arrives.
    pub(crate) backup_live: bool,
    /// Whether everybody gets the backup codec.
    pub(crate) regressed: bool,
    pub(crate) demand: Demand,
    /// Whether its publisher knows that somebody receives it.
    pub(crate) told_subscribed: bool,
}

/// A media section still to come.
#[derive(Debug)]
pub(crate) struct Awaiting {
    /// Rises with every announcement in the room.
    pub(crate) ticket: u64,
    /// The codec it was announced in.
    pub(crate) codec: Option<Codec>,
    /// The publisher's own ids of the sender.
    pub(crate) cids: Vec<String>,
}
