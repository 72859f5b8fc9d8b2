use axum::Json;
use axum::extract::State;
use tertulia_model::RoomName;
use tertulia_room::{Actor, Command, Refusal, Reply, RoomInfo};

use crate::convert;
use crate::error::ApiError;
use crate::extract::{RoomPath, Source};
use crate::state::Api;
use crate::text::MAX_DISPLAY_NAME_CHARS;
use crate::wire::{ErrorBody, ErrorCode, Limits, ProviderBody, RoomFacts, ServerConfig};

/// Names that are paths of the server or of the web app, and therefore cannot be rooms of the web app.
pub const RESERVED_ROOM_NAMES: [&str; 23] = [
    "api",
    "assets",
    "rtc",
    "twirp",
    "healthz",
    "readyz",
    "metrics",
    "agent",
    "sip",
    "whip",
    "whep",
    "settings",
    "about",
    "test",
    "admin",
    "login",
    "my",
    "calls",
    "xmpp-websocket",
    "http-bind",
    "config.js",
    "favicon.ico",
    "robots.txt",
];

/// The reactions that may be sent.
pub const REACTIONS: [&str; 6] = ["thumbs_up", "clap", "heart", "laugh", "surprised", "party"];

/// Reads a room name that the web app may open.
pub fn room_name(text: &str) -> Result<RoomName, ApiError> {
    let name = RoomName::parse(text).map_err(|error| ApiError::new(ErrorCode::InvalidRoomName, error))?;
    if RESERVED_ROOM_NAMES.contains(&name.key()) {
        return Err(ApiError::new(
            ErrorCode::ReservedRoomName,
            "this name is a path of the server",
        ));
    }
    Ok(name)
}

/// Gives the server's configuration for clients.
#[utoipa::path(get, path = "/api/v1/config", tag = "server", responses((status = 200, body = ServerConfig)))]
pub async fn config(State(api): State<Api>) -> Json<ServerConfig> {
    Json(ServerConfig {
        server_name: api.inner.settings.server_name.clone(),
        version: env!("CARGO_PKG_VERSION"),
        limits: Limits {
            room_name: RoomName::MAX_CHARS,
            display_name: MAX_DISPLAY_NAME_CHARS,
            chat_text: api.inner.settings.chat_text_chars,
            file_bytes: api.shelf().map_or(0, |_| api.inner.settings.files.max_bytes),
        },
        reactions: REACTIONS.to_vec(),
        accounts: api.shelf().is_ok(),
        sign_up: api.shelf().is_ok() && api.inner.settings.people.sign_up,
        provider: api.inner.provider.as_ref().map(|provider| ProviderBody {
            name: provider.terms.name.clone(),
        }),
        room_policy: convert::people::policy(api.inner.settings.people.policy),
        video_origins: api.inner.settings.video_origins.clone(),
    })
}

/// Says whether a room is open and how many are in it.
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}",
    tag = "rooms",
    params(("room" = String, Path, description = "The room's name")),
    responses((status = 200, body = RoomFacts), (status = "4XX", body = ErrorBody)),
)]
pub async fn room(
    State(api): State<Api>,
    Source(source): Source,
    RoomPath(name): RoomPath,
) -> Result<Json<RoomFacts>, ApiError> {
    api.limit_lookup(source)?;
    let open = open_room(&api, &name).await?;
    Ok(Json(match open.map(|open| open.info) {
        Some(info) => RoomFacts {
            name: info.name.as_str().to_owned(),
            exists: true,
            participants: info.participants,
            capacity: info.max_participants,
            started_at: Some(info.created_at_ms),
        },
        None => RoomFacts {
            name: name.as_str().to_owned(),
            exists: false,
            participants: 0,
            capacity: None,
            started_at: None,
        },
    }))
}

/// A room that is open.
pub struct OpenRoom {
    /// What it is.
    pub info: RoomInfo,
    /// Whether it asks for a password that its moderators set.
    pub asks_password: bool,
    /// Whether nobody new comes in.
    pub locked: bool,
}

/// Reads the state of a room if it is open.
pub async fn open_room(api: &Api, name: &RoomName) -> Result<Option<OpenRoom>, ApiError> {
    let Some(handle) = api.inner.engine.find_room(name) else {
        return Ok(None);
    };
    match handle.command(Actor::Admin, Command::ReadSnapshot).await {
        Ok(Reply::Snapshot(snapshot)) => Ok(Some(OpenRoom {
            asks_password: snapshot.rules.password.is_some(),
            locked: snapshot.rules.locked,
            info: snapshot.room,
        })),
        Err(Refusal::RoomEnded) => Ok(None),
        Ok(_) => Err(ApiError::new(ErrorCode::Internal, "the room gave no snapshot")),
        Err(refusal) => Err(refusal.into()),
    }
}
