use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use tertulia_model::RoomName;
use tertulia_room::{ChatInput, Command, Reply};

use crate::convert;
use crate::error::ApiError;
use crate::extract::{Bearer, Body, Params, RoomAnd, RoomPath};
use crate::rooms::{REACTIONS, room_name};
use crate::state::Api;
use crate::stats::up;
use crate::text::is_client_id;
use crate::wire::{ChatEditRequest, ChatMessage, ChatPage, ChatQuery, ChatRequest, ErrorBody, ErrorCode};

const DEFAULT_PAGE: usize = 100;
const MAX_PAGE: usize = 200;

/// Reads chat history.
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}/chat",
    tag = "chat",
    params(("room" = String, Path, description = "The room's name"), ChatQuery),
    responses((status = 200, body = ChatPage), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn read(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
    Params(query): Params<ChatQuery>,
) -> Result<Json<ChatPage>, ApiError> {
    let holder = api.holder(token.as_deref(), room)?;
    let limit = query.limit.unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE);
    match api
        .command(
            &holder,
            Command::ReadChat {
                before: query.before,
                limit,
            },
        )
        .await?
    {
        Reply::ChatHistory(messages, more) => {
            let (messages, more) = older(&api, &holder.room, messages, more, query.before, limit).await?;
            Ok(Json(ChatPage {
                messages: messages.iter().map(convert::chat).collect(),
                more,
            }))
        }
        _ => Err(ApiError::new(ErrorCode::Internal, "the room gave no history")),
    }
}

/// Adds to what the room holds in memory what only the store has.
async fn older(
    api: &Api,
    room: &RoomName,
    mut messages: Vec<tertulia_room::ChatMessage>,
    more: bool,
    before: Option<u64>,
    limit: usize,
) -> Result<(Vec<tertulia_room::ChatMessage>, bool), ApiError> {
    let (false, Some(shelf)) = (more, &api.inner.shelf) else {
        return Ok((messages, more));
    };
    let before = messages.first().map(|oldest| oldest.seq).or(before);
    let page = shelf
        .store
        .read_chat(room, before, limit.saturating_sub(messages.len()))
        .await?;
    messages.splice(0..0, page.messages);
    Ok((messages, page.more))
}

/// Says something to everybody in the room, or to one person in it.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/chat",
    tag = "chat",
    params(("room" = String, Path, description = "The room's name")),
    request_body = ChatRequest,
    responses((status = 201, body = ChatMessage), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn say(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
    Body(request): Body<ChatRequest>,
) -> Result<(StatusCode, Json<ChatMessage>), ApiError> {
    let holder = api.holder(token.as_deref(), room)?;
    api.limit_chat(holder.room.key(), holder.identity.as_str())?;
    if !is_client_id(&request.id) {
        return Err(ApiError::new(
            ErrorCode::InvalidRequest,
            "the id has other than letters, digits, - or _",
        ));
    }
    check_text(&api, &request.text)?;
    let input = ChatInput {
        id: request.id,
        text: request.text,
        to: request.to.as_deref().map(convert::identity_of).transpose()?,
        reply_to: request.reply_to,
    };
    match api.command(&holder, Command::Chat(input)).await? {
        Reply::Chat(message) => {
            up(&api.inner.counters.chat_messages);
            Ok((StatusCode::CREATED, Json(convert::chat(&message))))
        }
        _ => Err(ApiError::new(ErrorCode::Internal, "the room gave no message")),
    }
}

fn check_text(api: &Api, text: &str) -> Result<(), ApiError> {
    if text.trim().is_empty() || text.chars().count() > api.inner.settings.chat_text_chars {
        return Err(ApiError::new(
            ErrorCode::InvalidRequest,
            "the text is empty or too long",
        ));
    }
    Ok(())
}

/// Changes the text of an own message.
#[utoipa::path(
    patch,
    path = "/api/v1/rooms/{room}/chat/{seq}",
    tag = "chat",
    params(("room" = String, Path, description = "The room's name"), ("seq" = u64, Path)),
    request_body = ChatEditRequest,
    responses((status = 200, body = ChatMessage), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn edit(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomAnd(room, seq): RoomAnd<u64>,
    Body(request): Body<ChatEditRequest>,
) -> Result<Json<ChatMessage>, ApiError> {
    let holder = api.holder(token.as_deref(), room)?;
    api.limit_chat(holder.room.key(), holder.identity.as_str())?;
    check_text(&api, &request.text)?;
    let text = request.text;
    message(api.command(&holder, Command::EditChat { seq, text }).await?)
}

/// Deletes a message.
#[utoipa::path(
    delete,
    path = "/api/v1/rooms/{room}/chat/{seq}",
    tag = "chat",
    params(("room" = String, Path, description = "The room's name"), ("seq" = u64, Path)),
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn delete(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomAnd(room, seq): RoomAnd<u64>,
) -> Result<StatusCode, ApiError> {
    api.act(token.as_deref(), room, Command::DeleteChat { seq })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reacts to a message.
#[utoipa::path(
    put,
    path = "/api/v1/rooms/{room}/chat/{seq}/reactions/{kind}",
    tag = "chat",
    params(
        ("room" = String, Path, description = "The room's name"), ("seq" = u64, Path),
        ("kind" = String, Path, description = "One of the reactions in the server's configuration"),
    ),
    responses((status = 200, body = ChatMessage), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn react(
    State(api): State<Api>,
    Bearer(token): Bearer,
    Path((room, seq, kind)): Path<(String, u64, String)>,
) -> Result<Json<ChatMessage>, ApiError> {
    set_reaction(&api, token, &room, seq, kind, true).await
}

/// Takes back a reaction to a message.
#[utoipa::path(
    delete,
    path = "/api/v1/rooms/{room}/chat/{seq}/reactions/{kind}",
    tag = "chat",
    params(
        ("room" = String, Path, description = "The room's name"), ("seq" = u64, Path),
        ("kind" = String, Path, description = "One of the reactions in the server's configuration"),
    ),
    responses((status = 200, body = ChatMessage), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn unreact(
    State(api): State<Api>,
    Bearer(token): Bearer,
    Path((room, seq, kind)): Path<(String, u64, String)>,
) -> Result<Json<ChatMessage>, ApiError> {
    set_reaction(&api, token, &room, seq, kind, false).await
}

async fn set_reaction(
    api: &Api,
    token: Option<String>,
    room: &str,
    seq: u64,
    kind: String,
    on: bool,
) -> Result<Json<ChatMessage>, ApiError> {
    let holder = api.holder(token.as_deref(), room_name(room)?)?;
    api.limit_reaction(holder.room.key(), holder.identity.as_str())?;
    if !REACTIONS.contains(&kind.as_str()) {
        return Err(ApiError::new(ErrorCode::InvalidRequest, "no such reaction"));
    }
    message(
        api.command(&holder, Command::ReactToChat { seq, kind, on })
            .await?,
    )
}

fn message(reply: Reply) -> Result<Json<ChatMessage>, ApiError> {
    match reply {
        Reply::Chat(message) => Ok(Json(convert::chat(&message))),
        _ => Err(ApiError::new(ErrorCode::Internal, "the room gave no message")),
    }
}
