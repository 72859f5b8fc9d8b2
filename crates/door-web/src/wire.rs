//! The JSON of the API. Times are milliseconds since the Unix epoch.

mod breakouts;
mod lobby;
mod meeting;
mod moderation;
mod people;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub use breakouts::*;
pub use lobby::*;
pub use meeting::*;
pub use moderation::*;
pub use people::*;

/// What a client needs to know of this server before anything else.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerConfig {
    /// The server's name, for people.
    pub server_name: String,
    /// The server's version.
    pub version: &'static str,
    pub limits: Limits,
    /// The reactions that may be sent.
    pub reactions: Vec<&'static str>,
    /// Whether people can sign in.
    pub accounts: bool,
    /// Whether people can make accounts themselves.
    pub sign_up: bool,
    /// Absent where people sign in at this server alone.
    pub provider: Option<ProviderBody>,
    pub room_policy: RoomPolicy,
    /// Origins whose videos may be watched together; empty where that is off.
    pub video_origins: Vec<String>,
}

/// Who opens rooms that nobody owns.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoomPolicy {
    /// Anybody.
    Open,
    /// Those with an account; others wait for them.
    SignInToCreate,
    /// Those with an account; others need an invitation.
    InviteOnly,
}

/// Greatest lengths, in characters.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    pub room_name: usize,
    pub display_name: usize,
    pub chat_text: usize,
    /// Largest file in bytes; 0 where files cannot be shared.
    pub file_bytes: u64,
}

/// What anybody may know of a room whose name they know.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomFacts {
    /// The name as first written.
    pub name: String,
    /// False while nobody has opened it.
    pub exists: bool,
    /// How many are visibly in it.
    pub participants: usize,
    /// How many may be in it; absent means no limit.
    pub capacity: Option<usize>,
    /// When its first participant came.
    pub started_at: Option<u64>,
}

/// A wish to come in as a guest.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JoinRequest {
    /// The name shown to others.
    pub display_name: String,
    /// A token this server gave for the same room, valid or expired less than a day ago: its identity is kept.
    #[serde(default)]
    pub previous_token: Option<String>,
    /// The room's password, where it asks for one.
    #[serde(default)]
    pub password: Option<String>,
    /// A join token of an application, as in the `jwt` of a link. In Jitsi's form it says who somebody is; in LiveKit's
    /// the answer carries the same rights.
    #[serde(default)]
    pub token: Option<String>,
    /// What an invitation's link ends with.
    #[serde(default)]
    pub invitation: Option<String>,
}

/// A token to come in with.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JoinAnswer {
    /// Opens the LiveKit door and this API.
    pub token: String,
    /// The room's name as first written.
    pub room: String,
    /// Who the guest is in the room.
    pub identity: String,
    /// The name shown to others, as kept.
    pub display_name: String,
    /// When the token ends.
    pub expires_at: u64,
    /// What the room's owner calls it, where they gave it a title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// A file shown in the chat.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatFile {
    /// Asks for a link to it.
    pub id: String,
    pub name: String,
    /// The media type its content was found to have.
    #[serde(rename = "type")]
    pub kind: String,
    /// In bytes.
    pub size: u64,
}

/// A file to upload.
#[derive(Deserialize, ToSchema)]
pub struct FileRequest {
    /// Its name, for people.
    pub name: String,
    /// In bytes.
    pub size: u64,
}

/// How far an upload is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileState {
    pub id: String,
    /// The name as kept.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// How many of them have arrived; the next piece begins there.
    pub offset: u64,
    /// Whether all of it is here and was found acceptable.
    pub complete: bool,
    /// The media type its content was found to have.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// How many bytes one request may bring.
    pub chunk_bytes: u64,
    /// When it is deleted.
    pub expires_at: u64,
}

/// A message that shows a file.
#[derive(Deserialize, ToSchema)]
pub struct ShareRequest {
    /// The sender's own id for the message, 1 to 64 letters, digits, `-` or `_`; sent again it gives the same message.
    pub id: String,
}

/// Where a file can be had.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileLink {
    /// A path of this server.
    pub url: String,
    /// When the link is good no more.
    pub expires_at: u64,
}

/// A piece of chat history, ascending.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatPage {
    pub messages: Vec<ChatMessage>,
    /// Whether there are older ones.
    pub more: bool,
}

/// Which piece of chat history.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChatQuery {
    /// Messages before this `seq`; absent for the newest.
    pub before: Option<u64>,
    /// How many at most, 1 to 200; absent for 100.
    pub limit: Option<usize>,
}

/// What to look for in the chat.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SearchQuery {
    /// The words, 1 to 200 characters; found whatever their case.
    pub q: String,
    /// Messages before this `seq`; absent for the newest.
    pub before: Option<u64>,
    /// How many at most, 1 to 200; absent for 100.
    pub limit: Option<usize>,
}

/// In which form to export the chat.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// `json`, an array of messages (the default), or `text`, a line each for people.
    #[serde(default)]
    pub format: ExportFormat,
}

/// A form of the exported chat.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    #[default]
    Json,
    Text,
}

/// A hand to raise or lower.
#[derive(Deserialize, ToSchema)]
pub struct HandRequest {
    pub raised: bool,
}

/// A reaction to send.
#[derive(Deserialize, ToSchema)]
pub struct ReactionRequest {
    /// One of the reactions in the server's configuration.
    pub kind: String,
}

/// The token may stand in the address where a browser cannot set a header while a page closes.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LeaveQuery {
    pub token: Option<String>,
}

/// The event `ended`, the last of a stream.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndedEvent {
    pub reason: EndedReason,
}

/// Why a stream ended for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndedReason {
    Ended,
    Removed,
    ServerShutdown,
}

/// An error.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    pub error: ErrorDetail,
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorDetail {
    /// Chooses the text people see.
    pub code: ErrorCode,
    /// A sentence for developers.
    pub message: String,
    /// Stands in the server's log too.
    pub reference: String,
    /// The field of the request that is not acceptable, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'static str>,
}

/// Everything that can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    InvalidRoomName,
    ReservedRoomName,
    InvalidDisplayName,
    InvalidRequest,
    Unauthorized,
    Forbidden,
    RoomFull,
    NotFound,
    Banned,
    /// They were removed since their credential was issued; one may come in as somebody new.
    Removed,
    RoomEnded,
    TooManyRequests,
    Locked,
    PasswordNeeded,
    WrongPassword,
    LobbyNeeded,
    LobbyFull,
    PollClosed,
    /// Nobody is in breakout rooms now, or not there.
    BreakoutsClosed,
    AlreadyVoted,
    /// The whiteboard was cleared; what was drawn belongs to the one before.
    BoardCleared,
    PayloadTooLarge,
    UploadConflict,
    TypeRefused,
    NoRoomLeft,
    /// An account would help.
    SignInNeeded,
    WrongCredentials,
    WeakPassword,
    Taken,
    Full,
    /// The room is by invitation.
    InvitationNeeded,
    /// The invitation is over or was taken back.
    InvitationVoid,
    /// Nobody is there yet who may begin the meeting.
    NotBegun,
    Unavailable,
    Internal,
}
