use std::sync::Arc;

use tertulia_model::{Codec, Identity, ParticipantId, Quality, RoomId, RoomName, Source, TrackId, VideoSize};

use crate::{
    Ban, BoardElement, BreakoutPlace, BreakoutsView, ConnectionQuality, DataMessage, Knocker, LobbyOutcome,
    ParticipantInfo, Permission, Poll, Rights, Role, RoomRules, SharedVideo, Standing, TrackInfo,
};

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
    /// The breakout is over, and the meeting goes on in its main room.
    Moved,
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
    /// Observers only (webhooks, statistics, the store).
    Observers,
    /// Somebody in the lobby only.
    Waiting(Identity),
    /// Somebody in one of the room's breakouts only.
    Away(Identity),
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
        /// Their name.
        name: String,
        /// When it was raised, Unix milliseconds; `None` when lowered.
        raised_at_ms: Option<u64>,
        /// When this happened, Unix milliseconds.
        at_ms: u64,
    },
    /// A reaction.
    Reaction(Reaction),
    /// A chat message was changed, deleted or reacted to: this is what it is now.
    ChatChanged(ChatMessage),
    /// Somebody's role or rights were changed.
    StandingChanged {
        /// Whose.
        identity: Identity,
        /// What they are now.
        standing: Standing,
        /// By whom; `None` for the operator's application and the room itself.
        by: Option<Identity>,
    },
    /// The room's rules changed.
    RulesChanged {
        /// What they are now.
        rules: Box<RoomRules>,
        /// Capacity, if any.
        max_participants: Option<usize>,
        /// By whom; `None` for the operator's application.
        by: Option<Identity>,
    },
    /// To the participant: please unmute. Where it was switched off, it is allowed now.
    UnmuteAsked {
        /// What to open.
        source: Source,
        /// Who asks.
        by: Option<Identity>,
    },
    /// Somebody has the floor.
    FloorGiven {
        /// Who.
        identity: Identity,
        /// From whom.
        by: Option<Identity>,
    },
    /// These are in the spotlight from now on.
    Spotlight {
        /// Who, in order.
        identities: Vec<Identity>,
        /// By whom; `None` where somebody in it went away.
        by: Option<Identity>,
    },
    /// The layout to follow changed.
    FollowMe(Option<FollowMe>),
    /// The countdown changed.
    TimerChanged(Option<Timer>),
    /// The video that everybody watches changed: it began, was steered, or ended.
    VideoShared(Option<SharedVideo>),
    /// A poll was made, voted in or closed.
    PollChanged(Box<Poll>),
    /// A poll was deleted.
    PollDeleted {
        /// Which.
        id: u64,
        /// By whom.
        by: Option<Identity>,
    },
    /// The whiteboard is on everybody's screen from now on, or no more.
    BoardShown {
        /// Whether.
        on: bool,
        /// By whom.
        by: Option<Identity>,
    },
    /// To those who watch the whiteboard: these elements are new or changed.
    Drawn {
        /// Of which board; see [`crate::Drawing::epoch`].
        epoch: u64,
        /// As they are now.
        elements: Vec<BoardElement>,
    },
    /// To those who watch the whiteboard: it is empty.
    BoardCleared {
        /// The new board.
        epoch: u64,
        /// By whom.
        by: Option<Identity>,
    },
    /// To those who may let others in: somebody waits.
    Knocked(Knocker),
    /// To somebody who may let others in from now on: these wait.
    Lobby(Vec<Knocker>),
    /// To those who may let others in: these wait no more.
    LobbyLeft {
        /// Who.
        identities: Vec<Identity>,
        /// How it ended.
        outcome: LobbyOutcome,
        /// By whom.
        by: Option<Identity>,
    },
    /// To somebody in the lobby: a message of the hosts.
    LobbyMessage {
        /// The text.
        text: String,
        /// Name of who sent it; may be empty.
        from: String,
    },
    /// To somebody in the lobby: the waiting is over.
    WaitingEnded {
        /// Whose.
        identity: Identity,
        /// How.
        outcome: LobbyOutcome,
    },
    /// To those who may let others in: somebody is banned.
    Banned {
        /// Who.
        ban: Ban,
        /// By whom.
        by: Option<Identity>,
    },
    /// To those who may let others in: a ban was lifted.
    Unbanned {
        /// Whose.
        identity: Identity,
        /// By whom.
        by: Option<Identity>,
    },
    /// To one person, here or away: what breakouts are to them.
    BreakoutPlace(Box<BreakoutPlace>),
    /// To those who lead breakouts, here or away: all of them.
    Breakouts(Box<BreakoutsView>),
    /// To those who are away: something was said to everybody in every breakout.
    BreakoutMessage {
        /// By whom.
        identity: Identity,
        /// Their name.
        name: String,
        /// Their own id for it; the chat has it under the same.
        id: String,
        /// The text.
        text: String,
        /// When, Unix milliseconds.
        at_ms: u64,
    },
}

/// A layout that everybody follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowMe {
    /// Whose.
    pub identity: Identity,
    /// In the clients' own words.
    pub layout: String,
}

/// A countdown for everybody to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    /// What for; may be empty.
    pub title: String,
    /// How long in all, in milliseconds.
    pub duration_ms: u64,
    /// When it ends, Unix milliseconds.
    pub ends_at_ms: u64,
    /// Who set it.
    pub by: Option<Identity>,
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
    /// Viewers of a webinar, who are counted and not shown.
    pub viewers: usize,
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
    /// The room's rules.
    pub rules: RoomRules,
    /// Who is in the spotlight, in order.
    pub spotlight: Vec<Identity>,
    /// The layout to follow.
    pub follow_me: Option<FollowMe>,
    /// The countdown.
    pub timer: Option<Timer>,
    /// The video that everybody watches.
    pub shared_video: Option<SharedVideo>,
    /// Polls, oldest first.
    pub polls: Vec<Poll>,
    /// Who put the whiteboard on everybody's screen, while it is there; `None` inside for the operator's application.
    pub board_shown: Option<Option<Identity>>,
    /// What the asker chose in each poll they voted in; empty choices where nobody knows.
    pub votes: Vec<(u64, Vec<usize>)>,
    /// Who waits in the lobby, for those who may let them in.
    pub lobby: Vec<Knocker>,
    /// Who is banned, for those who may lift it.
    pub bans: Vec<Ban>,
    /// What breakouts are to the asker.
    pub breakout_place: BreakoutPlace,
    /// All of them, where the asker leads them.
    pub breakouts: Option<BreakoutsView>,
    /// The asker's own role and rights.
    pub own: Option<(Role, Rights)>,
}

/// A raised hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandState {
    /// Whose.
    pub identity: Identity,
    /// Their name.
    pub name: String,
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
    /// The text; empty where it was deleted.
    pub text: String,
    /// When, Unix milliseconds.
    pub at_ms: u64,
    /// The file it shows; `text` is the file's name then.
    pub file: Option<ChatFile>,
    /// To this person alone; `None` for everybody.
    pub to: Option<Identity>,
    /// Sequence number of the message this answers.
    pub reply_to: Option<u64>,
    /// When the text was changed last, Unix milliseconds.
    pub edited_at_ms: Option<u64>,
    /// Whether it was deleted.
    pub deleted: bool,
    /// Reactions, in order of their first.
    pub reactions: Vec<ChatReaction>,
}

/// One reaction to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatReaction {
    /// Which, as in [`Reaction::kind`].
    pub kind: String,
    /// By whom, in order.
    pub by: Vec<Identity>,
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
    /// The backup codec, though the primary might do.
    pub backup: bool,
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
