//! Breakout rooms.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What breakout rooms are to the reader; also the event `breakouts`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BreakoutPlace {
    /// Whether people are in them.
    pub open: bool,
    /// Whether everybody may choose one.
    pub choose: bool,
    /// Whether the reader may go back before the end.
    pub may_return: bool,
    /// Where the reader is to be now; `null` for the main room. Somebody elsewhere goes there, with a token from `enter`.
    pub place: Option<u32>,
    /// Where they belong.
    pub assigned: Option<u32>,
    /// Those they may know of.
    pub rooms: Vec<BreakoutName>,
    /// When everybody is called back.
    pub ends_at: Option<u64>,
    /// Whether those who lead have closed them.
    pub closing: bool,
    /// Whether their place waits for help.
    pub help_called: bool,
}

/// A breakout room's name.
#[derive(Debug, Serialize, ToSchema)]
pub struct BreakoutName {
    pub id: u32,
    pub name: String,
    /// How many are in it; 0 where nobody may choose.
    pub people: usize,
}

/// All breakout rooms, for those who lead them; also the event `breakout_rooms`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BreakoutRooms {
    pub open: bool,
    pub choose: bool,
    pub may_return: bool,
    pub ends_at: Option<u64>,
    pub closing: bool,
    /// In the order they were made.
    pub rooms: Vec<BreakoutRoom>,
}

/// One breakout room, for those who lead.
#[derive(Debug, Serialize, ToSchema)]
pub struct BreakoutRoom {
    pub id: u32,
    pub name: String,
    /// Who belongs there.
    pub assigned: Vec<BreakoutPerson>,
    /// Who is there.
    pub here: Vec<BreakoutPerson>,
    pub help: Option<BreakoutHelp>,
}

/// Somebody in a breakout room.
#[derive(Debug, Serialize, ToSchema)]
pub struct BreakoutPerson {
    pub identity: String,
    pub name: String,
}

/// A call for help.
#[derive(Debug, Serialize, ToSchema)]
pub struct BreakoutHelp {
    pub identity: String,
    pub name: String,
    pub at: u64,
}

/// The answer to asking for breakout rooms.
#[derive(Debug, Serialize, ToSchema)]
pub struct Breakouts {
    pub place: BreakoutPlace,
    /// `null` for those who do not lead.
    pub all: Option<BreakoutRooms>,
}

/// The event `breakout_message`: something was said to all breakout rooms. The chat has it under the same `id`.
#[derive(Debug, Serialize, ToSchema)]
pub struct BreakoutMessageEvent {
    pub identity: String,
    pub name: String,
    pub id: String,
    pub text: String,
    pub at: u64,
}

/// Breakout rooms to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakoutsRequest {
    /// A name for each.
    pub names: Vec<String>,
}

/// What people may do by themselves; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BreakoutOptionsRequest {
    #[serde(default)]
    pub choose: Option<bool>,
    #[serde(default)]
    pub may_return: Option<bool>,
}

/// Another name.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakoutRequest {
    pub name: String,
}

/// Where people belong.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignmentRequest {
    pub identities: Vec<String>,
    /// `null` for the main room.
    pub breakout: Option<u32>,
}

/// Whom to assign by chance.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShuffleRequest {
    /// Everybody anew; else only those who belong nowhere.
    #[serde(default)]
    pub all: bool,
}

/// How long breakout rooms are open from now on.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BreakoutEndRequest {
    /// Absent or `null`: until they are closed.
    #[serde(default)]
    pub duration_ms: Option<u64>,
}

/// How everybody is called back.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BreakoutCloseRequest {
    /// How long people have to finish, at most five minutes.
    #[serde(default)]
    pub grace_ms: u64,
}

/// Something to say to all breakout rooms.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakoutMessageRequest {
    /// The sender's own id for it, as in the chat.
    pub id: String,
    pub text: String,
}

/// Where the asker wants to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakoutPlaceRequest {
    /// `null` for the main room.
    pub breakout: Option<u32>,
}

/// Whether help is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HelpRequest {
    pub on: bool,
}
