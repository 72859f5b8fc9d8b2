use std::time::{Duration, Instant};

use bytes::Bytes;
use indexmap::IndexMap;
use tertulia_model::{
    Codec, Identity, Layer, MediaKind, ParticipantId, Quality, RoomName, Source, TrackId, VideoSize,
};

use crate::{
    AccessChange, Admission, Attendance, AudioFeatures, BoardElement, BreakoutCommand, BreakoutPlace,
    BreakoutReport, BreakoutTicket, BreakoutsView, ChatFile, ChatMessage, Chosen, ConnectionQuality,
    DepartureReason, Drawing, Entrance, FromParent, Knocker, ParticipantInfo, ParticipantKind, Permission,
    Poll, Rights, Role, RoomInfo, RoomRules, RoomSnapshot, RulesChange, SimulcastCodec, Ticket,
    TrackEncryption, TrackInfo,
};

/// The time a command is handled at: monotonic for deadlines, Unix milliseconds for what people see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// What those who lead may raise that to at most; `None` for no limit.
    pub ceiling: Option<usize>,
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
    /// Who comes in and what is allowed.
    pub rules: RoomRules,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A participant of the room, who may do what their [`Permission`] says.
    Participant(ParticipantId),
    /// Somebody of the meeting who is in one of the room's breakouts.
    Away(Identity),
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
    /// Who vouches for them.
    pub origin: Origin,
    /// The role they come with; `None`, like [`Role::Participant`], for what the room makes of newcomers.
    pub role: Option<Role>,
    /// How they pass the lobby.
    pub entrance: Entrance,
    /// Where they come from, a number that says only whether two come from the same place.
    pub network: Option<u64>,
}

/// Who vouches for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Origin {
    /// The operator's application, with a token it signed. It alone says who moderates.
    #[default]
    Token,
    /// This server, for somebody who has an account and signed in.
    Account,
    /// Nobody: this server gave a token to whoever asked.
    Guest,
}

/// Somebody at the door.
#[derive(Debug, Clone, PartialEq)]
pub struct Applicant {
    /// Who it is.
    pub identity: Identity,
    /// The name they give.
    pub name: String,
    /// Who vouches for them.
    pub origin: Origin,
    /// The role they come with.
    pub role: Option<Role>,
    /// How they pass the lobby.
    pub entrance: Entrance,
    /// Whether their credential administers the room.
    pub moderates: bool,
    /// The password they give.
    pub password: Option<String>,
    /// See [`NewParticipant::network`].
    pub network: Option<u64>,
    /// See [`NewParticipant::credential_issued_at_ms`].
    pub credential_issued_at_ms: u64,
}

/// A poll somebody makes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewPoll {
    /// The question.
    pub question: String,
    /// What may be chosen, 2 to [`crate::limits::OPTIONS`], each once.
    pub options: Vec<String>,
    /// Several may be chosen.
    pub multiple: bool,
    /// Nobody learns who chose what; a vote cannot be changed.
    pub anonymous: bool,
    /// Results show only when it is closed.
    pub secret_until_closed: bool,
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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChatInput {
    /// The sender's own id for it; the same id again is answered with the same message and not doubled.
    pub id: String,
    /// The text.
    pub text: String,
    /// To this person alone, who must be here; `None` for everybody.
    pub to: Option<Identity>,
    /// Sequence number of the message this answers.
    pub reply_to: Option<u64>,
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
    /// Ask to come in ([`Actor::System`]): the door has verified who it is. Answers [`Reply::Admission`].
    Knock(Box<Applicant>),
    /// As [`Command::Knock`], without waiting in the lobby where that is the answer ([`Actor::System`]).
    AskEntry(Box<Applicant>),
    /// Somebody in the lobby listens, or does so no more ([`Actor::System`]). Answers [`Reply::Admission`], or
    /// [`crate::Refusal::NoSuchParticipant`] where they do not wait.
    LobbyPresence {
        /// Who.
        identity: Identity,
        /// Listens or not.
        here: bool,
    },
    /// Somebody waits no more, of their own accord ([`Actor::System`]).
    LeaveLobby {
        /// Who.
        identity: Identity,
    },
    /// Let people in from the lobby.
    Admit {
        /// Whom.
        who: Chosen,
    },
    /// Send people away from the lobby. They may knock again.
    Deny {
        /// Whom.
        who: Chosen,
    },
    /// Say something to everybody in the lobby.
    TellLobby {
        /// What.
        text: String,
    },
    /// Remove somebody, here or not, and keep them out for the life of the room.
    Ban {
        /// Whom.
        identity: Identity,
    },
    /// Lift a ban, and a removal with it.
    Unban {
        /// Whose.
        identity: Identity,
    },
    /// Give somebody a role; what was granted to them or taken besides is forgotten. Answers [`Reply::Participant`].
    SetRole {
        /// Whom.
        identity: Identity,
        /// Which.
        role: Role,
    },
    /// Grant rights to somebody and take others. Answers [`Reply::Participant`].
    SetRights {
        /// Whom.
        identity: Identity,
        /// These are granted.
        grant: Rights,
        /// These are taken.
        revoke: Rights,
    },
    /// Change who may come in.
    SetAccess(AccessChange),
    /// Change what the room allows.
    SetRules(RulesChange),
    /// Mute somebody's tracks of a source; a screen is stopped.
    MuteSource {
        /// Whose.
        identity: Identity,
        /// Which source.
        source: Source,
    },
    /// Mute everybody's tracks of a source but the asker's own; screens are stopped.
    MuteAll {
        /// Which source.
        source: Source,
        /// These are spared.
        except: Vec<Identity>,
    },
    /// Ask somebody to open a source, and let them where it is switched off. Nobody opens it for them.
    AskUnmute {
        /// Whom.
        identity: Identity,
        /// Which source.
        source: Source,
    },
    /// Lower hands of others.
    LowerHand {
        /// Whose; `None` for all.
        identity: Option<Identity>,
    },
    /// Give the floor: lower the hand, ask to unmute, tell everybody. Answers [`Reply::Participant`].
    GiveFloor {
        /// Whom; `None` for the first in the queue of hands.
        identity: Option<Identity>,
    },
    /// Put these in the spotlight for everybody, in this order; none takes it off.
    Spotlight {
        /// Whom.
        identities: Vec<Identity>,
    },
    /// Have everybody follow the asker's layout, or nobody's.
    FollowMe {
        /// The layout in the clients' own words; `None` to stop.
        layout: Option<String>,
    },
    /// Start a countdown for everybody to see, or stop it.
    SetTimer {
        /// How long; `None` stops it.
        duration: Option<Duration>,
        /// What for.
        title: String,
    },
    /// Change the text of an own message. Answers [`Reply::Chat`].
    EditChat {
        /// Which.
        seq: u64,
        /// The new text.
        text: String,
    },
    /// Delete a message.
    DeleteChat {
        /// Which.
        seq: u64,
    },
    /// React to a message, or take that back. Answers [`Reply::Chat`].
    ReactToChat {
        /// Which.
        seq: u64,
        /// As in [`Command::React`].
        kind: String,
        /// On or off.
        on: bool,
    },
    /// Make a poll. Answers [`Reply::Poll`].
    CreatePoll(NewPoll),
    /// Vote. Answers [`Reply::Poll`].
    Vote {
        /// In which poll.
        poll: u64,
        /// Places among the options.
        choices: Vec<usize>,
    },
    /// Close a poll. Answers [`Reply::Poll`].
    ClosePoll {
        /// Which.
        poll: u64,
    },
    /// Delete a poll.
    DeletePoll {
        /// Which.
        poll: u64,
    },
    /// Have everybody watch a video together, led by the asker, or none.
    ShareVideo {
        /// Where it lies; `None` ends it.
        url: Option<String>,
    },
    /// Play, pause or move the shared video.
    SteerVideo {
        /// Whether it runs.
        playing: bool,
        /// Where it stands, in milliseconds from its beginning.
        position_ms: u64,
    },
    /// Put the whiteboard on everybody's screen, or take it away.
    ShowBoard {
        /// On or off.
        on: bool,
    },
    /// Ask for the whiteboard and every change from then on, or for no more. Answers [`Reply::Board`] when `on`.
    WatchBoard {
        /// On or off.
        on: bool,
    },
    /// Change elements of the whiteboard.
    Draw {
        /// Of which board; see [`Drawing::epoch`].
        epoch: u64,
        /// As they are now. One that is older than what stands changes nothing.
        elements: Vec<BoardElement>,
    },
    /// Begin a new, empty whiteboard.
    ClearBoard,
    /// Ask who was here, how long, and how long they spoke. Answers [`Reply::Attendance`].
    ReadAttendance,
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
    /// Ask whether somebody is here, without being told of everybody (admin or participant). Answers
    /// [`Reply::Participant`], or [`crate::Refusal::NoSuchParticipant`].
    FindParticipant {
        /// Whom.
        identity: Identity,
    },
    /// Ask for older chat. Answers [`Reply::ChatHistory`].
    ReadChat {
        /// Messages before this sequence number; `None` for the newest.
        before: Option<u64>,
        /// How many at most.
        limit: usize,
    },
    /// Ask for the state late observers need. Answers [`Reply::Snapshot`].
    ReadSnapshot,
    /// Something about the room's breakouts.
    Breakout(BreakoutCommand),
    /// Something the main room says to this breakout ([`Actor::System`]).
    FromParent(FromParent),
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
    /// A subscriber cannot decode the track's primary codec and gets the first backup codec instead.
    BackupNeeded {
        /// Whose.
        subscriber: ParticipantId,
        /// Which.
        track: TrackId,
    },
    /// A subscriber can decode none of the track's codecs.
    CodecUnsupported {
        /// Whose.
        subscriber: ParticipantId,
        /// Which.
        track: TrackId,
    },
    /// A breakout reports to this room, its main room.
    Breakout {
        /// Which.
        room: RoomName,
        /// What.
        report: BreakoutReport,
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
#[allow(
    clippy::large_enum_variant,
    reason = "moved once, answer by answer; none is kept"
)]
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
    /// Whether somebody may come in or waits.
    Admission(Admission),
    /// Where somebody may come in now.
    BreakoutTicket(Box<BreakoutTicket>),
    /// Breakouts as the asker may know them.
    Breakouts {
        /// What they are to the asker.
        place: Box<BreakoutPlace>,
        /// All of them, where the asker leads.
        all: Option<Box<BreakoutsView>>,
        /// Who waits in the lobby, for those in a breakout who may let them in.
        lobby: Vec<Knocker>,
    },
    /// A poll as everybody may see it.
    Poll(Box<Poll>),
    /// The whiteboard as it stands.
    Board(Drawing),
    /// Attendance, in order of first coming.
    Attendance(Vec<Attendance>),
}
