use std::sync::Arc;

use tertulia_model::{Codec, Identity, ParticipantId, Quality, RoomId, RoomName, Source, TrackId, VideoSize};

use crate::{ConnectionQuality, DataMessage, ParticipantInfo, Permission, TrackInfo};

/// Why somebody is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DepartureReason {
    /// They left.
    Left,
    /// The same identity joined again.
    DuplicateIdentity,
    /// A moderator or the API removed them.
    Removed,
    /// The room was ended.
    RoomEnded,
    /// The server stops.
    ServerShutdown,
    /// Signalling is gone and did not come back.
    SignalLost,
    /// Media is gone and did not come back.
    MediaLost,
    /// Joined, but media never connected.
    JoinTimeout,
    /// Told the impossible; must connect afresh.
    StateMismatch,
    /// Reads too slowly or sends what is not allowed.
    Misbehaved,
}

/// Who gets an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// Every participant, and observers.
    Everybody,
    /// Every participant but one, and observers.
    AllBut(ParticipantId),
    /// One participant only.
    One(ParticipantId),
    /// Some participants only.
    Some(Vec<ParticipantId>),
    /// Observers only (webhooks, event streams, statistics).
    Observers,
}

/// An event and who gets it.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Who.
    pub to: Audience,
    /// What; shared, since many may get it.
    pub event: Arc<Event>,
}

/// What happened in a room.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The room began its life.
    RoomStarted(RoomInfo),
    /// The room's data changed.
    RoomChanged(RoomInfo),
    /// The room is over.
    RoomEnded {
        /// The last state.
        room: RoomInfo,
        /// Why.
        reason: DepartureReason,
    },
    /// Somebody came. Not sent to the newcomer, nor about hidden ones except to observers.
    ParticipantJoined(ParticipantInfo),
    /// Somebody's data, tracks or rights changed; also sent to that participant.
    ParticipantChanged(ParticipantInfo),
    /// Somebody went (state is `Disconnected`, tracks are empty).
    ParticipantLeft(ParticipantInfo, DepartureReason),
    /// To the participant: you are out.
    Expelled(DepartureReason),
    /// To the publisher: your track has this id.
    TrackPublished {
        /// The publisher's own id.
        cid: String,
        /// The track.
        track: TrackInfo,
    },
    /// To observers: a track is live.
    TrackStarted(Identity, TrackInfo),
    /// To the publisher and observers: a track is gone.
    TrackUnpublished(Identity, TrackId),
    /// To the publisher: the first subscriber receives your track.
    TrackSubscribed(TrackId),
    /// To the publisher: a moderator muted your track.
    MuteRequested {
        /// Which.
        track: TrackId,
        /// Muted or not.
        muted: bool,
    },
    /// To the participant: your rights are now these.
    PermissionChanged(Permission),
    /// Speakers that changed, with level 0 for those who stopped.
    SpeakersChanged(Vec<Speaker>),
    /// Connection quality of the receiver and of those it is subscribed to.
    QualityChanged(Vec<QualityReport>),
    /// To the publisher: only these qualities are wanted (dynacast).
    QualitiesWanted {
        /// Which track.
        track: TrackId,
        /// Per codec.
        codecs: Vec<CodecQualities>,
    },
    /// To the subscriber: a track paused or resumed for want of bandwidth.
    StreamState {
        /// Whose track.
        publisher: ParticipantId,
        /// Which.
        track: TrackId,
        /// Paused or flowing.
        paused: bool,
    },
    /// To the subscriber: whether the publisher lets you subscribe changed.
    SubscriptionAllowed {
        /// Whose track.
        publisher: ParticipantId,
        /// Which.
        track: TrackId,
        /// Allowed or not.
        allowed: bool,
    },
    /// To the subscriber: this subscription cannot be served.
    SubscriptionFailed {
        /// Which.
        track: TrackId,
        /// Whether the codec is why (else the track is unknown).
        codec_unsupported: bool,
    },
    /// Data from somebody.
    Data {
        /// Sender's stay; `None` for the server API.
        from: Option<ParticipantId>,
        /// The message.
        message: DataMessage,
    },
    /// A chat message.
    Chat(ChatMessage),
    /// A hand went up or down.
    Hand {
        /// Whose.
        identity: Identity,
        /// When it was raised, Unix milliseconds; `None` when lowered.
        raised_at_ms: Option<u64>,
        /// When this happened, Unix milliseconds.
        at_ms: u64,
    },
    /// A reaction.
    Reaction(Reaction),
}

/// The room as others may see it.
#[derive(Debug, Clone, PartialEq)]
pub struct RoomInfo {
    /// Id of this life.
    pub id: RoomId,
    /// Name.
    pub name: RoomName,
    /// Free text.
    pub metadata: String,
    /// Visible participants.
    pub participants: usize,
    /// Of these, how many publish.
    pub publishers: usize,
    /// Limit, if any.
    pub max_participants: Option<usize>,
    /// When it began, Unix milliseconds.
    pub created_at_ms: u64,
    /// Whether somebody records.
    pub recording: bool,
    /// Empty timeout in seconds.
    pub empty_timeout_s: u32,
    /// Departure timeout in seconds.
    pub departure_timeout_s: u32,
}

/// What late observers need to draw the room beside its media.
#[derive(Debug, Clone, PartialEq)]
pub struct RoomSnapshot {
    /// The room.
    pub room: RoomInfo,
    /// Newest chat, ascending.
    pub chat: Vec<ChatMessage>,
    /// Raised hands in order.
    pub hands: Vec<HandState>,
}

/// A raised hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandState {
    /// Whose.
    pub identity: Identity,
    /// Since when, Unix milliseconds.
    pub raised_at_ms: u64,
}

/// A reaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    /// Whose.
    pub identity: Identity,
    /// Short name.
    pub kind: String,
    /// When, Unix milliseconds.
    pub at_ms: u64,
}

/// A chat message as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatMessage {
    /// Place in the room's chat, from 1.
    pub seq: u64,
    /// The sender's own id for it.
    pub id: String,
    /// Who.
    pub identity: Identity,
    /// Display name at the time.
    pub name: String,
    /// The text.
    pub text: String,
    /// When, Unix milliseconds.
    pub at_ms: u64,
    /// The file it shows; `text` is the file's name then.
    pub file: Option<ChatFile>,
}

/// A file shown in the chat. Its bytes are no business of the room's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatFile {
    /// Its id, which opens nothing by itself.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// The media type its content was found to have.
    pub kind: String,
    /// Its size.
    pub bytes: u64,
}

/// Somebody who speaks or has just stopped.
#[derive(Debug, Clone, PartialEq)]
pub struct Speaker {
    /// Who.
    pub participant: ParticipantId,
    /// Loudness, 0 to 127; 0 when silent.
    pub level: u8,
    /// Whether they speak.
    pub active: bool,
}

/// Connection quality of one participant.
#[derive(Debug, Clone, PartialEq)]
pub struct QualityReport {
    /// Who.
    pub participant: ParticipantId,
    /// The verdict.
    pub quality: ConnectionQuality,
    /// Score 0 to 5.
    pub score: f32,
}

/// Which qualities of one codec are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodecQualities {
    /// Which codec.
    pub codec: Codec,
    /// Wanted or not, by [`Quality::index`].
    pub wanted: [bool; 3],
}

/// How one subscriber shall get one track.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wanted {
    /// Nothing is sent while false.
    pub enabled: bool,
    /// The highest layer, already worked out from quality and size.
    pub max_quality: Quality,
    /// Highest frame rate; `None` for all.
    pub max_fps: Option<u32>,
    /// Size it is shown at, for the allocator.
    pub size: Option<VideoSize>,
    /// Priority, higher first.
    pub priority: u32,
}

/// What the forwarding engine must do from now on.
#[derive(Debug, Clone, PartialEq)]
pub enum RouteChange {
    /// A track exists. Its media section is bound later by the engine.
    TrackAdded {
        /// Whose.
        publisher: ParticipantId,
        /// The track.
        track: TrackInfo,
    },
    /// A track was muted, unmuted, or changed its layers.
    TrackChanged {
        /// Whose.
        publisher: ParticipantId,
        /// The track.
        track: TrackInfo,
    },
    /// A track is gone, and every route of it.
    TrackRemoved {
        /// Whose.
        publisher: ParticipantId,
        /// Which.
        track: TrackId,
    },
    /// This subscriber receives this track from now on, like this. Sent again when `wanted` changes.
    Route {
        /// Who receives.
        subscriber: ParticipantId,
        /// Whose track.
        publisher: ParticipantId,
        /// Which.
        track: TrackId,
        /// Its source, which gives the default priority.
        source: Source,
        /// How.
        wanted: Wanted,
    },
    /// This subscriber receives this track no more.
    Unroute {
        /// Who.
        subscriber: ParticipantId,
        /// Which.
        track: TrackId,
    },
    /// The participant is gone: drop its sessions.
    ParticipantRemoved {
        /// Who.
        participant: ParticipantId,
    },
}
