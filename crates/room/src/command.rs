use std::time::{Duration, Instant};

use bytes::Bytes;
use indexmap::IndexMap;
use tertulia_model::{Codec, Identity, Layer, MediaKind, ParticipantId, Quality, Source, TrackId, VideoSize};

use crate::{
    AudioFeatures, ChatFile, ChatMessage, ConnectionQuality, DepartureReason, ParticipantInfo,
    ParticipantKind, Permission, RoomInfo, RoomSnapshot, SimulcastCodec, Ticket, TrackEncryption, TrackInfo,
};

/// The time a command is handled at: monotonic for deadlines, Unix milliseconds for what people see.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// Monotonic time.
    pub instant: Instant,
    /// Milliseconds since the Unix epoch.
    pub unix_ms: u64,
}

/// What a room is created with.
#[derive(Debug, Clone, PartialEq)]
pub struct RoomSettings {
    /// Greatest number of visible participants; `None` for no limit.
    pub max_participants: Option<usize>,
    /// How long an empty room that nobody joined stays.
    pub empty_timeout: Duration,
    /// How long a room stays after the last participant left.
    pub departure_timeout: Duration,
    /// Free text.
    pub metadata: String,
    /// Number of chat messages kept for late joiners.
    pub chat_history: usize,
    /// Longest chat text in bytes.
    pub chat_text_bytes: usize,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A participant of the room, who may do what their [`Permission`] says.
    Participant(ParticipantId),
    /// A caller of a server API whose credential administers this room.
    Admin,
    /// The server itself (engine facts, shutdown).
    System,
}

/// Somebody who wants to come in.
#[derive(Debug, Clone, PartialEq)]
pub struct NewParticipant {
    /// Who it is. An identity already present is replaced ([`DepartureReason::DuplicateIdentity`]).
    pub identity: Identity,
    /// Display name.
    pub name: String,
    /// Kind.
    pub kind: ParticipantKind,
    /// Free text.
    pub metadata: String,
    /// Free key-value pairs.
    pub attributes: IndexMap<String, String>,
    /// Rights.
    pub permission: Permission,
    /// Subscribes to everything by itself.
    pub auto_subscribe: bool,
    /// Mirrored capability number.
    pub client_protocol: i32,
    /// Mirrored capability numbers.
    pub capabilities: Vec<i32>,
    /// Unix milliseconds at which the credential was issued; a credential older than a removal is refused.
    pub credential_issued_at_ms: u64,
}

/// A track somebody announces.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTrack {
    /// The publisher's own id (its media track id), echoed in [`crate::Event::TrackPublished`].
    pub cid: String,
    /// Set when this announces a further codec of a track already published.
    pub existing: Option<TrackId>,
    /// Audio or video.
    pub kind: MediaKind,
    /// What it shows.
    pub source: Source,
    /// Name.
    pub name: String,
    /// Starts muted.
    pub muted: bool,
    /// Full size; zero for audio.
    pub size: VideoSize,
    /// Layers, lowest first.
    pub layers: Vec<Layer>,
    /// Codecs it will be sent in, the primary first; may be empty.
    pub codecs: Vec<SimulcastCodec>,
    /// Whether RED is wanted for audio.
    pub red: bool,
    /// Synchronisation group; empty for the default of the source.
    pub stream: String,
    /// End-to-end encryption.
    pub encryption: TrackEncryption,
    /// Audio flags.
    pub audio: AudioFeatures,
    /// Mirrored policy number.
    pub backup_codec_policy: i32,
    /// Mirrored feature numbers.
    pub packet_trailer_features: Vec<i32>,
}

/// How a subscriber wants one track.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TrackSettings {
    /// Not shown now: send nothing.
    pub disabled: bool,
    /// Highest quality wanted; `None` for the best.
    pub quality: Option<Quality>,
    /// Size it is shown at, in device pixels; a ceiling that goes before `quality` where both are set.
    pub size: Option<VideoSize>,
    /// Highest frame rate wanted; `None` for all.
    pub fps: Option<u32>,
    /// Priority among the subscriber's tracks, higher first; 0 for the default.
    pub priority: u32,
}

/// Whom a publisher lets subscribe, for one other participant.
#[derive(Debug, Clone, PartialEq)]
pub struct PublisherPermission {
    /// For whom.
    pub identity: Identity,
    /// Everything, or only `tracks`.
    pub all_tracks: bool,
    /// The tracks allowed.
    pub tracks: Vec<TrackId>,
}

/// A data message. The room decides who may send and who receives; the payload stays opaque.
#[derive(Debug, Clone, PartialEq)]
pub struct DataMessage {
    /// Who sent it; the room overwrites it with the actor, `None` for the server API.
    pub sender: Option<Identity>,
    /// Ordered and retransmitted, or neither.
    pub reliable: bool,
    /// Receivers; empty means everybody else.
    pub destinations: Vec<Identity>,
    /// Topic, for filters; may be empty.
    pub topic: String,
    /// The packet as encoded by the sender's door with the sender's identity already forced.
    pub payload: Bytes,
    /// Sequence number of the sender's reliable stream; 0 for none.
    pub sequence: u32,
    /// Metrics go only to those with [`Permission::can_subscribe_metrics`].
    pub metrics: bool,
}

/// A chat message somebody sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatInput {
    /// The sender's own id for it; the same id again is answered with the same message and not doubled.
    pub id: String,
    /// The text.
    pub text: String,
}

/// A file somebody shows in the chat. The door has checked that it is theirs, whole and of this room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedFile {
    /// The sender's own id for the message, as in [`ChatInput`].
    pub id: String,
    /// The file.
    pub file: ChatFile,
}

/// What may be asked of a room.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Command {
    /// Come in. [`Actor::System`] only: the door has verified the credential. Answers [`Reply::Joined`].
    Join(Box<NewParticipant>),
    /// Go. For any reason but [`DepartureReason::Left`] the participant is told [`crate::Event::Expelled`].
    Leave {
        /// Why.
        reason: DepartureReason,
    },
    /// Announce a track. Answers [`Reply::Track`].
    Publish(Box<NewTrack>),
    /// Withdraw a track.
    Unpublish {
        /// Which.
        track: TrackId,
    },
    /// Mute or unmute an own track.
    SetMuted {
        /// Which.
        track: TrackId,
        /// Muted or not.
        muted: bool,
    },
    /// Change announced size, layers and audio flags of an own track.
    UpdateTrack {
        /// Which.
        track: TrackId,
        /// New full size, if it changes.
        size: Option<VideoSize>,
        /// New layers, if they change.
        layers: Option<Vec<Layer>>,
        /// New audio flags, if they change.
        audio: Option<AudioFeatures>,
    },
    /// Subscribe or unsubscribe; unknown tracks come back in [`Reply::NotSubscribed`], else [`Reply::Done`].
    Subscribe {
        /// Which.
        tracks: Vec<TrackId>,
        /// On or off.
        on: bool,
    },
    /// Say how tracks are wanted.
    SetTrackSettings {
        /// Which.
        tracks: Vec<TrackId>,
        /// How.
        settings: TrackSettings,
    },
    /// Say who may subscribe to the own tracks.
    SetPublisherPermissions {
        /// Everybody everything.
        all_participants: bool,
        /// Otherwise these.
        permissions: Vec<PublisherPermission>,
    },
    /// Change the own name, metadata, attributes (an empty value deletes the key).
    UpdateSelf {
        /// New name.
        name: Option<String>,
        /// New metadata.
        metadata: Option<String>,
        /// Changed attributes.
        attributes: IndexMap<String, String>,
    },
    /// Send data to others.
    SendData(DataMessage),
    /// Say something in the chat. Answers [`Reply::Chat`].
    Chat(ChatInput),
    /// Ask whether one may give files to the room. Answers [`Reply::Done`].
    AskToShare,
    /// Show a file in the chat. Answers [`Reply::Chat`].
    ShareFile(SharedFile),
    /// Raise or lower the own hand.
    SetHand {
        /// Up or down.
        raised: bool,
    },
    /// React.
    React {
        /// Which reaction: 1 to 32 ASCII letters, digits, `-` or `_`.
        kind: String,
    },
    /// Remove somebody (admin).
    Remove {
        /// Whom.
        identity: Identity,
        /// Refuse credentials issued until now; holds even where nobody of this identity is here.
        revoke: bool,
    },
    /// Mute or unmute somebody's track (admin; unmuting is refused). Answers [`Reply::Track`].
    MuteTrack {
        /// Whose.
        identity: Identity,
        /// Which.
        track: TrackId,
        /// Muted or not.
        muted: bool,
    },
    /// Change somebody (admin). Answers [`Reply::Participant`].
    UpdateParticipant {
        /// Whom.
        identity: Identity,
        /// New name.
        name: Option<String>,
        /// New metadata.
        metadata: Option<String>,
        /// Changed attributes.
        attributes: IndexMap<String, String>,
        /// New rights.
        permission: Option<Permission>,
    },
    /// Change somebody's subscriptions (admin).
    UpdateSubscriptions {
        /// Whose.
        identity: Identity,
        /// Which tracks.
        tracks: Vec<TrackId>,
        /// On or off.
        on: bool,
    },
    /// Set the room's metadata (admin). Answers [`Reply::Room`].
    SetRoomMetadata {
        /// The new text.
        metadata: String,
    },
    /// End the room for everybody (admin). By [`Actor::System`] the reason told is
    /// [`DepartureReason::ServerShutdown`], else [`DepartureReason::RoomEnded`].
    End,
    /// Ask who is here (admin or participant). Answers [`Reply::Participants`].
    ListParticipants,
    /// Ask for older chat. Answers [`Reply::ChatHistory`].
    ReadChat {
        /// Messages before this sequence number; `None` for the newest.
        before: Option<u64>,
        /// How many at most.
        limit: usize,
    },
    /// Ask for the state late observers need. Answers [`Reply::Snapshot`].
    ReadSnapshot,
    /// Something the engine observed ([`Actor::System`]).
    Fact(Fact),
}

/// What the engine tells the room.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// A participant's media connected for the first time or again.
    Connected {
        /// Whose.
        participant: ParticipantId,
    },
    /// A pending track was bound to a media section: it is live from now on.
    TrackBound {
        /// Which.
        track: TrackId,
        /// Its negotiated codec.
        codec: Codec,
        /// Whether several encodings arrive.
        simulcast: bool,
        /// Whether audio arrives in RED.
        red: bool,
    },
    /// The publisher stopped the section of a track.
    TrackGone {
        /// Which.
        track: TrackId,
    },
    /// Who speaks, loudest first; those not listed are silent.
    Speakers(Vec<(ParticipantId, u8)>),
    /// Connection quality of some participants, with scores 0 to 5.
    Quality(Vec<(ParticipantId, ConnectionQuality, f32)>),
    /// A subscriber's forwarder paused or resumed a track for want of bandwidth.
    StreamState {
        /// Whose.
        subscriber: ParticipantId,
        /// Which.
        track: TrackId,
        /// Paused or flowing.
        paused: bool,
    },
    /// A subscriber cannot decode the track's codec.
    CodecUnsupported {
        /// Whose.
        subscriber: ParticipantId,
        /// Which.
        track: TrackId,
    },
    /// A subscriber received its first media description of a track.
    Subscribed {
        /// Whose.
        subscriber: ParticipantId,
        /// Which.
        track: TrackId,
    },
}

/// What a command answers.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Reply {
    /// Done.
    Done,
    /// In: the participant as others see them, everybody else visible, and the room.
    Joined {
        /// The newcomer.
        participant: Box<ParticipantInfo>,
        /// Everybody else who is visible.
        others: Vec<ParticipantInfo>,
        /// The room.
        room: Box<RoomInfo>,
    },
    /// A track.
    Track(Box<TrackInfo>),
    /// A participant.
    Participant(Box<ParticipantInfo>),
    /// Participants, in order of joining.
    Participants(Vec<ParticipantInfo>),
    /// The room.
    Room(Box<RoomInfo>),
    /// The stored chat message.
    Chat(ChatMessage),
    /// The answer comes from [`crate::Room::settle`], once what was asked for is written down.
    Pending(Ticket),
    /// Older messages, ascending, and whether there are more.
    ChatHistory(Vec<ChatMessage>, bool),
    /// Room state.
    Snapshot(Box<RoomSnapshot>),
    /// Tracks that could not be subscribed.
    NotSubscribed(Vec<TrackId>),
}
