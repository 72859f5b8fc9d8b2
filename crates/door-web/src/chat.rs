use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use tertulia_model::RoomName;
use tertulia_room::{ChatInput, Command, Reply};

use crate::convert;
use crate::error::ApiError;
use crate::extract::{Bearer, Body, Params, RoomPath};
use crate::state::Api;
use crate::stats::up;
use crate::text::is_client_id;
use crate::wire::{ChatMessage, ChatPage, ChatQuery, ChatRequest, ErrorBody, ErrorCode};

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

/// Says something to everybody in the room.
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
    if request.text.trim().is_empty() || request.text.chars().count() > api.inner.settings.chat_text_chars {
        return Err(ApiError::new(
            ErrorCode::InvalidRequest,
            "the text is empty or too long",
        ));
    }
    let input = ChatInput {
        id: request.id,
        text: request.text,
    };
    match api.command(&holder, Command::Chat(input)).await? {
        Reply::Chat(message) => {
            up(&api.inner.counters.chat_messages);
            Ok((StatusCode::CREATED, Json(convert::chat(&message))))
        }
        _ => Err(ApiError::new(ErrorCode::Internal, "the room gave no message")),
    }
}
