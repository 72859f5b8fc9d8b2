//! Knocking and waiting.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::JoinAnswer;

/// The answer to a join while whoever comes waits to be let in: follow the lobby with the token.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LobbyAnswer {
    /// Opens the lobby's event stream and nothing else.
    pub lobby_token: String,
    /// The room's name as first written.
    pub room: String,
    /// Who the guest will be in the room.
    pub identity: String,
    /// The name shown to others, as kept.
    pub display_name: String,
}

/// Somebody in the lobby; the event `knock` is one.
#[derive(Debug, Serialize, ToSchema)]
pub struct Knocker {
    pub identity: String,
    pub name: String,
    /// Whether they have no account.
    pub guest: bool,
    pub since: u64,
    /// They come from where somebody banned came from.
    pub suspect: bool,
}

/// The event `lobby`: these wait.
#[derive(Debug, Serialize, ToSchema)]
pub struct LobbyEvent {
    pub waiting: Vec<Knocker>,
}

/// The event `lobby_left`: these wait no more.
#[derive(Debug, Serialize, ToSchema)]
pub struct LobbyLeftEvent {
    pub identities: Vec<String>,
    pub outcome: LobbyOutcome,
    pub by: Option<String>,
}

/// How waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LobbyOutcome {
    Admitted,
    Denied,
    Gone,
}

/// Whose waiting to end.
#[derive(Deserialize, ToSchema)]
pub struct LobbyRequest {
    /// Whom; absent for everybody who waits.
    #[serde(default)]
    pub identities: Option<Vec<String>>,
}

/// Something to say to everybody who waits.
#[derive(Deserialize, ToSchema)]
pub struct LobbyMessageRequest {
    pub text: String,
}

/// The lobby's event `message`.
#[derive(Debug, Serialize, ToSchema)]
pub struct LobbyMessageEvent {
    pub text: String,
    /// Name of who sent it; may be empty.
    pub from: String,
}

/// The lobby's event `waiting`, the first, while the waiting goes on.
#[derive(Debug, Serialize, ToSchema)]
pub struct WaitingEvent {
    pub room: String,
}

/// The lobby's event `admitted`, the last: what a join would have answered.
#[derive(Serialize, ToSchema)]
#[serde(transparent)]
pub struct AdmittedEvent(pub JoinAnswer);
