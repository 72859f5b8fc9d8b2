//! The room service over Twirp: `POST /twirp/livekit.RoomService/<Method>` in JSON or protobuf.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tertulia_auth::Grant;
use tertulia_engine::{EngineError, RoomHandle};
use tertulia_model::{Identity, ParticipantId, RoomName};
use tertulia_room::{Actor, Command, DataMessage, ParticipantInfo, Permission, Refusal, Reply};

use crate::convert::{ApiAnswer, ApiCall, read_api_call, rpc_request, user_packet, write_api_answer};
use crate::entry::{room_settings, verify};
use crate::state::LiveKitDoor;
use crate::stats::Counters;
use crate::wire::{Format, WireError};

const SERVICE: &str = "livekit.RoomService";
/// The greatest request body.
const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;
/// The longest text of a remote call; what its receivers take.
const MAX_RPC_BYTES: usize = 15 * 1024;
/// How long a remote call waits where the caller does not say, and at most.
const RPC_TIMEOUT_MS: u32 = 10_000;
const MAX_RPC_TIMEOUT_MS: u32 = 60_000;

/// An error as Twirp writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    code: Code,
    msg: String,
}

/// The error codes of Twirp that this service answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    BadRoute,
    Malformed,
    InvalidArgument,
    Unauthenticated,
    PermissionDenied,
    NotFound,
    ResourceExhausted,
    FailedPrecondition,
    DeadlineExceeded,
    Unimplemented,
    Unavailable,
    Internal,
}

impl Code {
    fn name(self) -> &'static str {
        match self {
            Self::BadRoute => "bad_route",
            Self::Malformed => "malformed",
            Self::InvalidArgument => "invalid_argument",
            Self::Unauthenticated => "unauthenticated",
            Self::PermissionDenied => "permission_denied",
            Self::NotFound => "not_found",
            Self::ResourceExhausted => "resource_exhausted",
            Self::FailedPrecondition => "failed_precondition",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::Unimplemented => "unimplemented",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }

    /// The status that Twirp's specification pairs with the code.
    fn status(self) -> StatusCode {
        match self {
            Self::BadRoute | Self::NotFound => StatusCode::NOT_FOUND,
            Self::Malformed | Self::InvalidArgument => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::PermissionDenied => StatusCode::FORBIDDEN,
            Self::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
            Self::FailedPrecondition => StatusCode::PRECONDITION_FAILED,
            Self::DeadlineExceeded => StatusCode::REQUEST_TIMEOUT,
            Self::Unimplemented => StatusCode::NOT_IMPLEMENTED,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl ApiError {
    fn new(code: Code, msg: impl Into<String>) -> Self {
        Self {
            code,
            msg: msg.into(),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::NotAllowed | Refusal::Removed | Refusal::Banned => Code::PermissionDenied,
            Refusal::NoSuchParticipant
            | Refusal::NoSuchTrack
            | Refusal::NoSuchMessage
            | Refusal::NoSuchPoll
            | Refusal::RoomEnded => Code::NotFound,
            Refusal::RoomFull => Code::FailedPrecondition,
            Refusal::TooMany => Code::ResourceExhausted,
            Refusal::LimitExceeded { .. } | Refusal::Invalid { .. } => Code::InvalidArgument,
            Refusal::UnsupportedType => Code::FailedPrecondition,
            Refusal::NotKept => Code::Unavailable,
            _ => Code::Internal,
        };
        Self::new(code, refusal.to_string())
    }
}

impl From<WireError> for ApiError {
    fn from(error: WireError) -> Self {
        let code = match error {
            WireError::Protobuf | WireError::Json(_) => Code::Malformed,
            _ => Code::InvalidArgument,
        };
        Self::new(code, error.to_string())
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        Self::new(Code::Unavailable, error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Wire {
            code: &'static str,
            msg: String,
        }
        let wire = Wire {
            code: self.code.name(),
            msg: self.msg,
        };
        (self.code.status(), axum::Json(wire)).into_response()
    }
}

/// Answers one request to `/twirp/<service>/<method>`.
pub(crate) async fn call(
    State(door): State<LiveKitDoor>,
    Path(path): Path<String>,
    request: Request,
) -> Response {
    Counters::up(&door.counters().api_calls);
    match answer(&door, &path, request).await {
        Ok(response) => response,
        Err(error) => {
            Counters::up(&door.counters().api_errors);
            error.into_response()
        }
    }
}

async fn answer(door: &LiveKitDoor, path: &str, request: Request) -> Result<Response, ApiError> {
    let method = path.strip_prefix(SERVICE).and_then(|rest| rest.strip_prefix('/'));
    let Some(method) = method else {
        return Err(ApiError::new(
            Code::BadRoute,
            format!("no service at {path:.100}"),
        ));
    };
    if request.method() != Method::POST {
        return Err(ApiError::new(
            Code::BadRoute,
            "the room service takes POST requests",
        ));
    }
    let content_type = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let Some(format) = content_type.and_then(Format::from_content_type) else {
        let text = "Content-Type must be application/json or application/protobuf";
        return Err(ApiError::new(Code::BadRoute, text));
    };
    let grant =
        verify(door, "", request.headers()).map_err(|error| ApiError::new(Code::Unauthenticated, error.1))?;
    let body = to_bytes(request.into_body(), MAX_BODY_BYTES)
        .await
        .map_err(|_| ApiError::new(Code::ResourceExhausted, "the body is too large or was cut"))?;
    let Some(call) = read_api_call(method, format, &body)? else {
        return Err(ApiError::new(Code::BadRoute, format!("no method {method:.100}")));
    };
    let actor = caller(door, &grant, &call).await?;
    let answer = perform(door, actor, call).await?;
    let body = write_api_answer(format, &answer).map_err(|error| {
        tracing::error!(%error, "an answer of the room service cannot be written");
        ApiError::new(Code::Internal, "the answer cannot be written")
    })?;
    Ok(([(header::CONTENT_TYPE, format.content_type())], Body::from(body)).into_response())
}

/// Who makes a call: the operator's application where the token administers, else the participant it was given to, whom
/// the room judges like through any other door.
async fn caller(door: &LiveKitDoor, grant: &Grant, call: &ApiCall) -> Result<Actor, ApiError> {
    let video = &grant.claims.video;
    let administers = |room: &RoomName| video.room_admin && video.room.as_ref() == Some(room);
    let (granted, moderates) = match call {
        ApiCall::CreateRoom { .. } => (video.room_create, None),
        ApiCall::ListRooms { .. } => (video.room_list, None),
        ApiCall::DeleteRoom { room } => (video.room_create, Some(room)),
        ApiCall::ListParticipants { room }
        | ApiCall::GetParticipant { room, .. }
        | ApiCall::SendData { room, .. }
        | ApiCall::PerformRpc { room, .. }
        | ApiCall::Unsupported { room } => (administers(room), None),
        ApiCall::RemoveParticipant { room, .. }
        | ApiCall::MuteTrack { room, .. }
        | ApiCall::UpdateParticipant { room, .. }
        | ApiCall::UpdateSubscriptions { room, .. }
        | ApiCall::UpdateRoomMetadata { room, .. } => (administers(room), Some(room)),
    };
    if granted {
        return Ok(Actor::Admin);
    }
    let refused = || ApiError::new(Code::PermissionDenied, "the token does not grant this");
    let room = moderates.filter(|room| video.room_join && video.room.as_ref() == Some(*room));
    let (Some(room), Some(identity)) = (room, &grant.claims.identity) else {
        return Err(refused());
    };
    let Some(handle) = door.engine().find_room(room) else {
        return Err(refused());
    };
    let here = participant(&handle, identity).await.map_err(|_| refused())?;
    Ok(Actor::Participant(here.id))
}

async fn perform(door: &LiveKitDoor, actor: Actor, call: ApiCall) -> Result<ApiAnswer, ApiError> {
    match call {
        ApiCall::CreateRoom {
            room,
            empty_timeout_s,
            departure_timeout_s,
            max_participants,
            metadata,
        } => {
            let defaults = door.engine().room_defaults();
            let settings = room_settings(
                defaults,
                empty_timeout_s,
                departure_timeout_s,
                max_participants,
                &metadata,
            );
            let handle = door.engine().open_room(&room, Some(settings)).await?;
            room_info(handle.command(Actor::Admin, Command::ReadSnapshot).await?)
        }
        ApiCall::ListRooms { names } => {
            let mut rooms = door.engine().list_rooms().await;
            rooms.retain(|room| names.is_empty() || names.contains(&room.name));
            Ok(ApiAnswer::Rooms(rooms))
        }
        ApiCall::DeleteRoom { room } => {
            find(door, &room)?.command(actor, Command::End).await?;
            Ok(ApiAnswer::RoomDeleted)
        }
        ApiCall::ListParticipants { room } => {
            Ok(ApiAnswer::Participants(participants(&find(door, &room)?).await?))
        }
        ApiCall::GetParticipant { room, identity } => Ok(ApiAnswer::Participant(
            participant(&find(door, &room)?, &identity).await?,
        )),
        ApiCall::RemoveParticipant { room, identity } => {
            let command = Command::Remove {
                identity,
                revoke: true,
            };
            find(door, &room)?.command(actor, command).await?;
            Ok(ApiAnswer::ParticipantRemoved)
        }
        ApiCall::MuteTrack {
            room,
            identity,
            track,
            muted,
        } => {
            let command = Command::MuteTrack {
                identity,
                track,
                muted,
            };
            match find(door, &room)?.command(actor, command).await? {
                Reply::Track(track) => Ok(ApiAnswer::Track(*track)),
                _ => Err(unexpected()),
            }
        }
        ApiCall::UpdateParticipant {
            room,
            identity,
            name,
            metadata,
            attributes,
            permission,
        } => {
            let handle = find(door, &room)?;
            let permission = match permission {
                // The wire cannot say who administers, so that right stays what it is.
                Some(new) => {
                    let room_admin = participant(&handle, &identity).await?.base.room_admin;
                    Some(Permission { room_admin, ..new })
                }
                None => None,
            };
            let command = Command::UpdateParticipant {
                identity,
                name,
                metadata,
                attributes,
                permission,
            };
            match handle.command(actor, command).await? {
                Reply::Participant(participant) => Ok(ApiAnswer::Participant(*participant)),
                _ => Err(unexpected()),
            }
        }
        ApiCall::UpdateSubscriptions {
            room,
            identity,
            tracks,
            on,
        } => {
            let command = Command::UpdateSubscriptions { identity, tracks, on };
            find(door, &room)?.command(actor, command).await?;
            Ok(ApiAnswer::SubscriptionsUpdated)
        }
        ApiCall::UpdateRoomMetadata { room, metadata } => {
            let command = Command::SetRoomMetadata { metadata };
            room_info(find(door, &room)?.command(actor, command).await?)
        }
        ApiCall::SendData {
            room,
            data,
            reliable,
            destinations,
            destination_sids,
            topic,
            nonce,
        } => {
            let message = SendData {
                data,
                reliable,
                destinations,
                destination_sids,
                topic,
                nonce,
            };
            send_data(door, &find(door, &room)?, message).await
        }
        ApiCall::PerformRpc {
            room,
            destination,
            method,
            payload,
            timeout_ms,
        } => {
            perform_rpc(
                door,
                &find(door, &room)?,
                destination,
                method,
                payload,
                timeout_ms,
            )
            .await
        }
        ApiCall::Unsupported { .. } => {
            let text = "participants cannot be forwarded or moved between rooms";
            Err(ApiError::new(Code::Unimplemented, text))
        }
    }
}

fn find(door: &LiveKitDoor, room: &RoomName) -> Result<RoomHandle, ApiError> {
    door.engine()
        .find_room(room)
        .ok_or_else(|| ApiError::new(Code::NotFound, "requested room does not exist"))
}

fn unexpected() -> ApiError {
    ApiError::new(Code::Internal, "the room gave another answer than asked for")
}

fn room_info(reply: Reply) -> Result<ApiAnswer, ApiError> {
    match reply {
        Reply::Room(room) => Ok(ApiAnswer::Room(*room)),
        Reply::Snapshot(snapshot) => Ok(ApiAnswer::Room(snapshot.room)),
        _ => Err(unexpected()),
    }
}

async fn participants(room: &RoomHandle) -> Result<Vec<ParticipantInfo>, ApiError> {
    match room.command(Actor::Admin, Command::ListParticipants).await? {
        Reply::Participants(participants) => Ok(participants),
        _ => Err(unexpected()),
    }
}

async fn participant(room: &RoomHandle, identity: &Identity) -> Result<ParticipantInfo, ApiError> {
    let find = Command::FindParticipant {
        identity: identity.clone(),
    };
    match room.command(Actor::Admin, find).await? {
        Reply::Participant(participant) => Ok(*participant),
        _ => Err(unexpected()),
    }
}

struct SendData {
    data: Vec<u8>,
    reliable: bool,
    destinations: Vec<String>,
    destination_sids: Vec<String>,
    topic: Option<String>,
    nonce: Vec<u8>,
}

async fn send_data(door: &LiveKitDoor, room: &RoomHandle, message: SendData) -> Result<ApiAnswer, ApiError> {
    let SendData {
        data,
        reliable,
        destinations,
        destination_sids,
        topic,
        nonce,
    } = message;
    let mut identities = Vec::new();
    for destination in &destinations {
        let identity =
            Identity::parse(destination).map_err(|_| WireError::Invalid("destination_identities"))?;
        identities.push(identity);
    }
    if !destination_sids.is_empty() {
        let wanted: Vec<ParticipantId> = destination_sids
            .iter()
            .filter_map(|sid| ParticipantId::parse(sid))
            .collect();
        let present = participants(room).await?;
        let named = present
            .into_iter()
            .filter(|participant| wanted.contains(&participant.id));
        identities.extend(named.map(|participant| participant.identity));
        if identities.is_empty() {
            return Ok(ApiAnswer::DataSent);
        }
    }
    if !door.is_new_message(room.name(), &nonce) {
        return Ok(ApiAnswer::DataSent);
    }
    let names: Vec<String> = identities.iter().map(ToString::to_string).collect();
    let message = DataMessage {
        sender: None,
        reliable,
        destinations: identities,
        topic: topic.clone().unwrap_or_default(),
        payload: user_packet(data, reliable, topic, &names, nonce),
        sequence: 0,
        metrics: false,
    };
    room.command(Actor::Admin, Command::SendData(message)).await?;
    Ok(ApiAnswer::DataSent)
}

/// Calls a participant's method and waits for what it answers over its data channel.
async fn perform_rpc(
    door: &LiveKitDoor,
    room: &RoomHandle,
    destination: Identity,
    method: String,
    payload: String,
    timeout_ms: u32,
) -> Result<ApiAnswer, ApiError> {
    if method.is_empty() || method.len() > 64 {
        return Err(WireError::Invalid("method").into());
    }
    if payload.len() > MAX_RPC_BYTES {
        return Err(WireError::TooLarge(MAX_RPC_BYTES).into());
    }
    participant(room, &destination).await?;
    let timeout_ms = if timeout_ms == 0 {
        RPC_TIMEOUT_MS
    } else {
        timeout_ms.min(MAX_RPC_TIMEOUT_MS)
    };
    let id = format!("{:032x}", rand::random::<u128>());
    let waiting = door.expect_rpc(id.clone());
    let message = DataMessage {
        sender: None,
        reliable: true,
        payload: rpc_request(&id, destination.as_str(), method, payload, timeout_ms),
        destinations: vec![destination],
        topic: String::new(),
        sequence: 0,
        metrics: false,
    };
    let sent = room.command(Actor::Admin, Command::SendData(message)).await;
    let answered = match sent {
        Ok(_) => tokio::time::timeout(Duration::from_millis(u64::from(timeout_ms)), waiting).await,
        Err(refusal) => {
            door.forget_rpc(&id);
            return Err(refusal.into());
        }
    };
    door.forget_rpc(&id);
    match answered {
        Ok(Ok(Ok(payload))) => Ok(ApiAnswer::RpcPerformed(payload)),
        Ok(Ok(Err((code, message, _)))) => {
            let msg = format!("the participant answered with error {code}: {message:.1000}");
            Err(ApiError::new(Code::FailedPrecondition, msg))
        }
        Ok(Err(_)) | Err(_) => Err(ApiError::new(
            Code::DeadlineExceeded,
            "the participant did not answer in time",
        )),
    }
}
