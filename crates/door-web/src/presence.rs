use axum::extract::State;
use axum::http::StatusCode;
use tertulia_room::{Command, DepartureReason};

use crate::error::ApiError;
use crate::extract::{Bearer, Body, Params, RoomPath};
use crate::lobby;
use crate::rooms::REACTIONS;
use crate::state::Api;
use crate::wire::{ErrorBody, ErrorCode, HandRequest, LeaveQuery, ReactionRequest};

/// Raises or lowers the own hand.
#[utoipa::path(
    put,
    path = "/api/v1/rooms/{room}/hand",
    tag = "presence",
    params(("room" = String, Path, description = "The room's name")),
    request_body = HandRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn hand(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
    Body(request): Body<HandRequest>,
) -> Result<StatusCode, ApiError> {
    let holder = api.holder(token.as_deref(), room)?;
    api.limit_reaction(holder.room.key(), holder.identity.as_str())?;
    api.command(
        &holder,
        Command::SetHand {
            raised: request.raised,
        },
    )
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reacts, for everybody to see.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/reactions",
    tag = "presence",
    params(("room" = String, Path, description = "The room's name")),
    request_body = ReactionRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn react(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
    Body(request): Body<ReactionRequest>,
) -> Result<StatusCode, ApiError> {
    let holder = api.holder(token.as_deref(), room)?;
    api.limit_reaction(holder.room.key(), holder.identity.as_str())?;
    if !REACTIONS.contains(&request.kind.as_str()) {
        return Err(ApiError::new(ErrorCode::InvalidRequest, "no such reaction"));
    }
    api.command(&holder, Command::React { kind: request.kind })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Leaves the room, or its lobby. Works from a page that is closing: the body is ignored and the token may stand in the query.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/leave",
    tag = "presence",
    params(("room" = String, Path, description = "The room's name"), LeaveQuery),
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn leave(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
    Params(query): Params<LeaveQuery>,
) -> Result<StatusCode, ApiError> {
    let token = token.or(query.token);
    if lobby::leave(&api, token.as_deref(), &room).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    let holder = api.holder(token.as_deref(), room)?;
    api.command(
        &holder,
        Command::Leave {
            reason: DepartureReason::Left,
        },
    )
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
