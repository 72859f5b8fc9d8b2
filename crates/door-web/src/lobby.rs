//! The lobby, from both sides: those who wait and those who let them in.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Serialize;
use tertulia_auth::{Claims, Grant, OwnClaims, Validity, VideoGrant};
use tertulia_engine::RoomHandle;
use tertulia_model::{Identity, RoomName};
use tertulia_room::{Actor, Admission, Applicant, Chosen, Command, Event, LobbyOutcome, Refusal, Reply};
use tokio::sync::mpsc;

use crate::convert;
use crate::error::ApiError;
use crate::events::{PING, unbuffered};
use crate::extract::{Asking, Bearer, Body, RoomPath, Source};
use crate::join::{Pass, title_of};
use crate::places::Place;
use crate::state::{Api, unix_ms};
use crate::wire::{
    AdmittedEvent, EndedEvent, EndedReason, ErrorBody, ErrorCode, LobbyAnswer, LobbyMessageEvent,
    LobbyMessageRequest, LobbyRequest, WaitingEvent,
};

/// How long somebody may wait with one token.
const LOBBY_TOKEN_MS: u64 = 12 * 3_600 * 1_000;

/// Asks a room whether somebody may come in, and opens it for that where `opens` says so. A room that ends meanwhile
/// lets everybody in: the next one is new.
pub async fn knock(api: &Api, room: &RoomName, who: Applicant, opens: bool) -> Result<Admission, ApiError> {
    if who.password.is_some() {
        api.limit_password(room.key())?;
    }
    let handle = match api.inner.engine.find_room(room) {
        Some(handle) => handle,
        None if opens => api.inner.engine.open_room(room, None).await?,
        None => return Ok(Admission::Admitted),
    };
    match handle.command(Actor::System, Command::Knock(Box::new(who))).await {
        Ok(Reply::Admission(admission)) => Ok(admission),
        Err(Refusal::RoomEnded) => Ok(Admission::Admitted),
        Ok(_) => Err(ApiError::new(ErrorCode::Internal, "the room gave no admission")),
        Err(refusal) => Err(refusal.into()),
    }
}

/// Answers a join of somebody who has to wait.
pub fn answer(api: &Api, pass: Pass) -> Result<Response, ApiError> {
    let claims = Claims {
        identity: Some(pass.identity.clone()),
        name: pass.name.clone(),
        own: pass.own,
        video: VideoGrant {
            room: Some(pass.room.clone()),
            ..VideoGrant::default()
        },
        ..Claims::default()
    };
    let now = unix_ms();
    let validity = Validity {
        issued_at_ms: now,
        expires_at_ms: now.saturating_add(LOBBY_TOKEN_MS),
    };
    let signed = api.inner.keys.sign(&claims, validity);
    let lobby_token = signed.map_err(|error| ApiError::new(ErrorCode::Internal, error))?;
    let body = LobbyAnswer {
        lobby_token,
        room: pass.room.as_str().to_owned(),
        identity: pass.identity.as_str().to_owned(),
        display_name: pass.name,
    };
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}

/// Follows the lobby from inside it: `waiting`, then `message`s of the hosts, and at last `admitted`, `denied` or
/// `ended`. Whoever closes the stream keeps the place for half a minute.
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}/lobby/events",
    tag = "lobby",
    params(("room" = String, Path, description = "The room's name")),
    responses(
        (status = 200, body = WaitingEvent, content_type = "text/event-stream"),
        (status = "4XX", body = ErrorBody),
    ),
    security(("lobbyToken" = [])),
)]
pub async fn events(
    State(api): State<Api>,
    Source(source): Source,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
) -> Result<Response, ApiError> {
    api.limit_lookup(source)?;
    let Grant {
        claims, issued_at_ms, ..
    } = lobby_grant(&api, token.as_deref(), &room)?;
    let identity = claims
        .identity
        .ok_or_else(|| ApiError::new(ErrorCode::Unauthorized, "the token names nobody"))?;
    let place = api.place_for_stream(room.key(), identity.as_str())?;
    let handle = api
        .inner
        .engine
        .find_room(&room)
        .ok_or_else(|| ApiError::new(ErrorCode::NotFound, "the room is not open"))?;
    // Read now, so that many who are let in at once do not all ask the store.
    let title = title_of(&api, &room).await;
    let waiting = handle
        .wait_in_lobby(&identity)
        .await
        .map_err(|refusal| match refusal {
            Refusal::NoSuchParticipant => ApiError::new(ErrorCode::NotFound, "you do not wait in this lobby"),
            other => other.into(),
        })?;
    let mut waiter = Waiter {
        api,
        title,
        handle,
        room,
        identity,
        name: claims.name,
        own: claims.own,
        issued_at_ms,
        events: waiting.events,
        first: None,
        seq: 0,
        over: false,
        _place: place,
    };
    waiter.first = match waiting.admission {
        Admission::Admitted => waiter.admitted(),
        Admission::Waiting => {
            let room = waiter.room.as_str().to_owned();
            waiter.written("waiting", &WaitingEvent { room })
        }
    };
    let stream = stream::unfold(waiter, |mut waiter| async move {
        let event = waiter.next().await?;
        Some((Ok::<_, Infallible>(event), waiter))
    });
    let keep_alive = KeepAlive::new().interval(PING).text("ping");
    Ok(unbuffered(Sse::new(stream).keep_alive(keep_alive)))
}

/// Takes somebody off the list of those who wait; false if the token is not one for waiting here.
pub async fn leave(api: &Api, token: Option<&str>, room: &RoomName) -> Result<bool, ApiError> {
    let Ok(Grant { claims, .. }) = lobby_grant(api, token, room) else {
        return Ok(false);
    };
    if let (Some(identity), Some(handle)) = (claims.identity, api.inner.engine.find_room(room)) {
        let leave = Command::LeaveLobby { identity };
        match handle.command(Actor::System, leave).await {
            // Let in, denied or forgotten meanwhile, they are off the list as well.
            Ok(_) | Err(Refusal::NoSuchParticipant | Refusal::RoomEnded) => {}
            Err(refusal) => return Err(refusal.into()),
        }
    }
    Ok(true)
}

/// A token for waiting opens nothing else, and no other token opens the lobby.
fn lobby_grant(api: &Api, token: Option<&str>, room: &RoomName) -> Result<Grant, ApiError> {
    let token = token.ok_or_else(|| ApiError::new(ErrorCode::Unauthorized, "a token is needed"))?;
    let verified = api.inner.keys.verify(token, unix_ms());
    let grant = verified.map_err(|error| ApiError::new(ErrorCode::Unauthorized, error))?;
    let video = &grant.claims.video;
    let ours = grant.claims.own.guest || grant.claims.own.account.is_some();
    if !ours || video.room_join || video.room.as_ref() != Some(room) {
        return Err(ApiError::new(
            ErrorCode::Forbidden,
            "the token is not for this lobby",
        ));
    }
    Ok(grant)
}

/// One open stream of somebody who waits.
struct Waiter {
    api: Api,
    /// What the room is called.
    title: Option<String>,
    handle: RoomHandle,
    room: RoomName,
    identity: Identity,
    name: String,
    own: OwnClaims,
    issued_at_ms: u64,
    events: mpsc::Receiver<Arc<Event>>,
    first: Option<SseEvent>,
    seq: u64,
    over: bool,
    _place: Place<(String, String)>,
}

impl Waiter {
    async fn next(&mut self) -> Option<SseEvent> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        while !self.over {
            let event = self.events.recv().await?;
            let told = match &*event {
                Event::LobbyMessage { text, from } => self.written(
                    "message",
                    &LobbyMessageEvent {
                        text: text.clone(),
                        from: from.clone(),
                    },
                ),
                Event::WaitingEnded { outcome, .. } => match outcome {
                    LobbyOutcome::Admitted => self.admitted(),
                    LobbyOutcome::Denied | LobbyOutcome::Gone => {
                        self.over = true;
                        self.written("denied", &serde_json::json!({}))
                    }
                },
                Event::Expelled(reason) => {
                    self.over = true;
                    let reason = convert::ended(*reason).unwrap_or(EndedReason::Ended);
                    self.written("ended", &EndedEvent { reason })
                }
                _ => continue,
            };
            return told;
        }
        None
    }

    fn admitted(&mut self) -> Option<SseEvent> {
        self.over = true;
        let pass = Pass {
            room: self.room.clone(),
            identity: self.identity.clone(),
            name: self.name.clone(),
            own: self.own.clone(),
            issued_at_ms: self.issued_at_ms,
        };
        match pass.sign_titled(&self.api, self.title.clone()) {
            Ok(answer) => self.written("admitted", &AdmittedEvent(answer)),
            Err(error) => {
                tracing::error!(?error, "somebody admitted could not be given a token");
                None
            }
        }
    }
}

impl Waiter {
    fn written(&mut self, kind: &'static str, data: &impl Serialize) -> Option<SseEvent> {
        self.seq += 1;
        let event = SseEvent::default().event(kind).id(self.seq.to_string());
        match event.json_data(data) {
            Ok(event) => Some(event),
            Err(error) => {
                tracing::error!(%error, kind, "an event cannot be written");
                None
            }
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let (handle, identity) = (self.handle.clone(), self.identity.clone());
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        // Ends as soon as the room's worker has taken the message.
        runtime.spawn(async move {
            let gone = Command::LobbyPresence {
                identity,
                here: false,
            };
            if let Err(refusal) = handle.command(Actor::System, gone).await {
                tracing::debug!(%refusal, "somebody left a lobby that did not know them");
            }
        });
    }
}

fn chosen(request: LobbyRequest) -> Result<Chosen, ApiError> {
    Ok(match request.identities {
        None => Chosen::All,
        Some(identities) => Chosen::These(convert::identities_of(&identities)?),
    })
}

/// Lets people in from the lobby.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/lobby/admit",
    tag = "lobby",
    params(("room" = String, Path, description = "The room's name")),
    request_body = LobbyRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn admit(asking: Asking, Body(request): Body<LobbyRequest>) -> Result<StatusCode, ApiError> {
    let who = chosen(request)?;
    asking.meeting_done(Command::Admit { who }).await
}

/// Sends people away from the lobby. They may knock again.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/lobby/deny",
    tag = "lobby",
    params(("room" = String, Path, description = "The room's name")),
    request_body = LobbyRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn deny(asking: Asking, Body(request): Body<LobbyRequest>) -> Result<StatusCode, ApiError> {
    let who = chosen(request)?;
    asking.meeting_done(Command::Deny { who }).await
}

/// Says something to everybody in the lobby.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/lobby/message",
    tag = "lobby",
    params(("room" = String, Path, description = "The room's name")),
    request_body = LobbyMessageRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn message(
    asking: Asking,
    Body(request): Body<LobbyMessageRequest>,
) -> Result<StatusCode, ApiError> {
    let text = request.text;
    asking.meeting_done(Command::TellLobby { text }).await
}
