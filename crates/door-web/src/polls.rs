//! Polls.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use tertulia_room::{Command, NewPoll, Reply};

use crate::convert;
use crate::error::ApiError;
use crate::extract::{Bearer, Body, RoomAnd, RoomPath};
use crate::state::Api;
use crate::wire::{ErrorBody, ErrorCode, Poll, PollRequest, VoteRequest};

/// Makes a poll.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/polls",
    tag = "polls",
    params(("room" = String, Path, description = "The room's name")),
    request_body = PollRequest,
    responses((status = 200, body = Poll), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn create(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
    Body(request): Body<PollRequest>,
) -> Result<Json<Poll>, ApiError> {
    let new = NewPoll {
        question: request.question,
        options: request.options,
        multiple: request.multiple,
        anonymous: request.anonymous,
        secret_until_closed: request.secret_until_closed,
    };
    poll(api.act(token.as_deref(), room, Command::CreatePoll(new)).await?)
}

/// Votes; in a poll that is not anonymous a later vote takes the place of the earlier.
#[utoipa::path(
    put,
    path = "/api/v1/rooms/{room}/polls/{poll}/vote",
    tag = "polls",
    params(("room" = String, Path, description = "The room's name"), ("poll" = u64, Path)),
    request_body = VoteRequest,
    responses((status = 200, body = Poll), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn vote(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomAnd(room, id): RoomAnd<u64>,
    Body(request): Body<VoteRequest>,
) -> Result<Json<Poll>, ApiError> {
    let command = Command::Vote {
        poll: id,
        choices: request.choices,
    };
    poll(api.act(token.as_deref(), room, command).await?)
}

/// Closes a poll and shows its results.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/polls/{poll}/close",
    tag = "polls",
    params(("room" = String, Path, description = "The room's name"), ("poll" = u64, Path)),
    responses((status = 200, body = Poll), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn close(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomAnd(room, id): RoomAnd<u64>,
) -> Result<Json<Poll>, ApiError> {
    poll(
        api.act(token.as_deref(), room, Command::ClosePoll { poll: id })
            .await?,
    )
}

/// Deletes a poll.
#[utoipa::path(
    delete,
    path = "/api/v1/rooms/{room}/polls/{poll}",
    tag = "polls",
    params(("room" = String, Path, description = "The room's name"), ("poll" = u64, Path)),
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn delete(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomAnd(room, id): RoomAnd<u64>,
) -> Result<StatusCode, ApiError> {
    api.act(token.as_deref(), room, Command::DeletePoll { poll: id })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn poll(reply: Reply) -> Result<Json<Poll>, ApiError> {
    match reply {
        Reply::Poll(poll) => Ok(Json(convert::poll(&poll))),
        _ => Err(ApiError::new(ErrorCode::Internal, "the room gave no poll")),
    }
}
