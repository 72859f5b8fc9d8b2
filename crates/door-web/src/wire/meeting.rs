//! Chat, polls, the whiteboard, and the state and events of a meeting.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{Ban, BreakoutPlace, BreakoutRooms, ChatFile, Knocker, Own, Rules};

/// A chat message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatMessage {
    /// Its place in the room's chat, from 1. Where others have written in private, numbers are missing.
    pub seq: u64,
    /// The sender's own id for it.
    pub id: String,
    pub identity: String,
    /// The sender's name at the time.
    pub name: String,
    /// Empty where it was deleted.
    pub text: String,
    pub at: u64,
    /// The file the message shows; `text` is its name then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<ChatFile>,
    /// To this identity alone; absent for everybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// `seq` of the message this answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
    /// When the text was changed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<ChatReaction>,
}

/// One reaction to a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatReaction {
    pub kind: String,
    /// Identities, in order.
    pub by: Vec<String>,
}

/// A chat message to send.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatRequest {
    /// The sender's own id for it, 1 to 64 letters, digits, `-` or `_`; sent again it gives the same message.
    pub id: String,
    pub text: String,
    /// Identity of the only receiver; absent for everybody.
    #[serde(default)]
    pub to: Option<String>,
    /// `seq` of the message this answers.
    #[serde(default)]
    pub reply_to: Option<u64>,
}

/// A new text for an own message.
#[derive(Deserialize, ToSchema)]
pub struct ChatEditRequest {
    pub text: String,
}

/// A poll to make.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PollRequest {
    pub question: String,
    /// 2 to 20, each once.
    pub options: Vec<String>,
    /// Several may be chosen.
    #[serde(default)]
    pub multiple: bool,
    /// Nobody learns who chose what, and a vote cannot be changed.
    #[serde(default)]
    pub anonymous: bool,
    /// Results show only when it is closed.
    #[serde(default)]
    pub secret_until_closed: bool,
}

/// A vote.
#[derive(Deserialize, ToSchema)]
pub struct VoteRequest {
    /// Places among the options, from 0.
    pub choices: Vec<usize>,
}

/// A poll.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Poll {
    pub id: u64,
    pub question: String,
    pub options: Vec<String>,
    pub multiple: bool,
    pub anonymous: bool,
    pub secret_until_closed: bool,
    /// Identity of who asks.
    pub by: Option<String>,
    /// Their name at the time.
    pub name: String,
    pub at: u64,
    /// Absent while it is open.
    pub closed_at: Option<u64>,
    /// How many voted.
    pub votes: usize,
    /// How often each option was chosen; absent while that is secret.
    pub counts: Option<Vec<u32>>,
    /// Who chose what; empty where that is secret or anonymous.
    pub ballots: Vec<Ballot>,
}

/// What one person chose.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ballot {
    pub identity: String,
    pub choices: Vec<usize>,
}

/// What the reader of the stream chose in a poll.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnVote {
    pub poll: u64,
    /// Empty in an anonymous poll, where nobody knows any more.
    pub choices: Vec<usize>,
}

/// The event `poll_deleted`.
#[derive(Debug, Serialize, ToSchema)]
pub struct PollDeletedEvent {
    pub id: u64,
    pub by: Option<String>,
}

/// Whether everybody is to see the whiteboard.
#[derive(Deserialize, ToSchema)]
pub struct ShowBoardRequest {
    pub shown: bool,
}

/// Elements of the whiteboard as they are now.
#[derive(Deserialize, ToSchema)]
pub struct DrawRequest {
    /// Of which board, as in [`Board`].
    pub epoch: u64,
    /// Excalidraw's elements: 500 of 96 KiB each at most, of which none may embed a page; the `fileId` of a picture is the id of
    /// a file of the room.
    #[schema(value_type = Vec<Object>)]
    pub elements: Vec<Box<RawValue>>,
}

/// The whiteboard; to those who watch it, the event `board` with what is new or changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Board {
    /// Which board it is: another once it was cleared.
    pub epoch: u64,
    /// Excalidraw's elements.
    #[schema(value_type = Vec<Object>)]
    pub elements: Vec<Box<RawValue>>,
}

/// Whether the whiteboard is on everybody's screen; the event `board_shown`.
#[derive(Debug, Serialize, ToSchema)]
pub struct BoardShownEvent {
    /// Whether the whiteboard is on everybody's screen.
    pub shown: bool,
    /// Identity of who put it there or took it away.
    pub by: Option<String>,
}

/// To those who watch the whiteboard, the event `board_cleared`.
#[derive(Debug, Serialize, ToSchema)]
pub struct BoardClearedEvent {
    /// The new board, which is empty.
    pub epoch: u64,
    pub by: Option<String>,
}

/// The first event of a stream, `state`: everything there is to know.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StateEvent {
    /// The event's own number.
    pub seq: u64,
    /// The newest chat messages, ascending.
    pub chat: Vec<ChatMessage>,
    /// Raised hands in order.
    pub hands: Vec<RaisedHand>,
    pub room: StateRoom,
    pub rules: Rules,
    /// Identities in the spotlight, in order.
    pub spotlight: Vec<String>,
    pub follow_me: Option<FollowMe>,
    pub timer: Option<Timer>,
    pub shared_video: Option<SharedVideo>,
    /// Oldest first.
    pub polls: Vec<Poll>,
    pub votes: Vec<OwnVote>,
    /// Absent while the whiteboard is not on everybody's screen.
    pub board: Option<BoardShownEvent>,
    /// Who waits in the lobby; empty without the right `admit`.
    pub lobby: Vec<Knocker>,
    /// Who is banned; empty without the right `admit`.
    pub bans: Vec<Ban>,
    /// What breakout rooms are to the reader. In one, this and `breakoutRooms` are what its main room says.
    pub breakouts: BreakoutPlace,
    /// All of them; `null` for those who do not lead.
    pub breakout_rooms: Option<BreakoutRooms>,
    /// In a breakout room the name of its main room.
    pub main_room: Option<String>,
    /// The reader's own role and rights.
    pub own: Option<Own>,
}

/// The room in a [`StateEvent`], and the event `room`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StateRoom {
    pub name: String,
    pub started_at: u64,
    /// How many are shown.
    pub participants: usize,
    /// How many watch a webinar without being shown.
    pub viewers: usize,
    pub recording: bool,
}

/// A layout that everybody follows; the event `follow_me` is this or `null`.
#[derive(Debug, Serialize, ToSchema)]
pub struct FollowMe {
    /// Whose.
    pub identity: String,
    /// In the web app's own words.
    pub layout: String,
}

/// A countdown; the event `timer` is this or `null`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Timer {
    pub title: String,
    pub duration_ms: u64,
    pub ends_at: u64,
    pub by: Option<String>,
}

/// A video that everybody watches together; the event `shared_video` is this or `null`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SharedVideo {
    /// Where it lies.
    pub url: String,
    /// Identity of who leads it.
    pub by: String,
    pub playing: bool,
    /// Where it stands as this is said, from its beginning.
    pub position_ms: u64,
}

/// A video to be watched together.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareVideoRequest {
    /// Of an origin in `videoOrigins` of the config.
    pub url: String,
}

/// How the shared video goes on.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SteerVideoRequest {
    pub playing: bool,
    /// From its beginning.
    pub position_ms: u64,
}

/// A raised hand.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RaisedHand {
    pub identity: String,
    pub name: String,
    pub raised_at: u64,
}

/// The event `hand`: a hand went up or down.
#[derive(Debug, Serialize, ToSchema)]
pub struct HandEvent {
    pub identity: String,
    pub name: String,
    pub raised: bool,
    pub at: u64,
}

/// The event `reaction`.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReactionEvent {
    pub identity: String,
    pub kind: String,
    pub at: u64,
}
