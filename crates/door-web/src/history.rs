//! Finding things in the chat, and taking it along.

use std::fmt::Write as _;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tertulia_model::{RoomName, Timestamp};
use tertulia_room::Command;
use tertulia_store::Store;

use crate::access::Holder;
use crate::convert;
use crate::error::ApiError;
use crate::extract::{Bearer, Params, RoomPath};
use crate::state::Api;
use crate::wire::{ChatMessage, ChatPage, ErrorBody, ErrorCode, ExportFormat, ExportQuery, SearchQuery};

const DEFAULT_PAGE: usize = 100;
const MAX_PAGE: usize = 200;
const MAX_WORDS_CHARS: usize = 200;
/// Messages read at once for an export.
const EXPORT_PAGE: usize = 500;

/// Finds chat messages by words in them.
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}/chat/search",
    tag = "chat",
    params(("room" = String, Path, description = "The room's name"), SearchQuery),
    responses((status = 200, body = ChatPage), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn search(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
    Params(query): Params<SearchQuery>,
) -> Result<Json<ChatPage>, ApiError> {
    let holder = reader(&api, token.as_deref(), room).await?;
    let words = query.q.trim();
    if words.is_empty() || words.chars().count() > MAX_WORDS_CHARS || words.contains('\0') {
        let message = "the words to look for are empty or too long";
        return Err(ApiError::new(ErrorCode::InvalidRequest, message));
    }
    let limit = query.limit.unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE);
    let page = api
        .store()?
        .search_chat(&holder.room, words, query.before, limit)
        .await?;
    Ok(Json(ChatPage {
        messages: page.messages.iter().map(convert::chat).collect(),
        more: page.more,
    }))
}

/// Gives the whole chat as a file.
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}/chat/export",
    tag = "chat",
    params(("room" = String, Path, description = "The room's name"), ExportQuery),
    responses(
        (status = 200, body = [ChatMessage], description = "An attachment"),
        (status = "4XX", body = ErrorBody),
    ),
    security(("token" = [])),
)]
pub async fn export(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
    Params(query): Params<ExportQuery>,
) -> Result<Response, ApiError> {
    let holder = reader(&api, token.as_deref(), room).await?;
    let exporter = Exporter {
        store: api.store()?.clone(),
        room: holder.room,
        format: query.format,
        after: 0,
        stage: Stage::Beginning,
    };
    let body = Body::from_stream(stream::unfold(exporter, |mut exporter| async move {
        let piece = exporter.next().await.transpose()?;
        Some((piece, exporter))
    }));
    let (kind, name) = match query.format {
        ExportFormat::Json => ("application/json", "attachment; filename=\"chat.json\""),
        ExportFormat::Text => ("text/plain; charset=utf-8", "attachment; filename=\"chat.txt\""),
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static(name)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, body).into_response())
}

/// Somebody who may read the chat: the room says so.
async fn reader(api: &Api, token: Option<&str>, room: RoomName) -> Result<Holder, ApiError> {
    let holder = api.holder(token, room)?;
    api.limit_chat(holder.room.key(), holder.identity.as_str())?;
    let asked = Command::ReadChat {
        before: None,
        limit: 1,
    };
    api.command(&holder, asked).await?;
    Ok(holder)
}

/// Writes the chat page by page, so that it is never whole in memory.
struct Exporter {
    store: Store,
    room: RoomName,
    format: ExportFormat,
    after: u64,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Beginning,
    Middle,
    Over,
}

impl Exporter {
    async fn next(&mut self) -> Result<Option<Bytes>, ExportError> {
        if self.stage == Stage::Over {
            return Ok(None);
        }
        let page = self
            .store
            .chat_after(&self.room, self.after, EXPORT_PAGE)
            .await
            .map_err(|error| {
                tracing::error!(%error, "an export of the chat was broken off");
                self.stage = Stage::Over;
                ExportError
            })?;
        let json = self.format == ExportFormat::Json;
        let mut text = String::new();
        if json && self.stage == Stage::Beginning {
            text.push_str("[\n");
        }
        for message in &page.messages {
            if json {
                if self.after > 0 {
                    text.push_str(",\n");
                }
                let written = serde_json::to_string(&convert::chat(message)).map_err(|_| ExportError)?;
                text.push_str(&written);
            } else {
                let shown = message.text.replace('\n', "\n    ");
                writeln!(text, "{} {}: {shown}", Timestamp(message.at_ms), message.name)
                    .map_err(|_| ExportError)?;
            }
            self.after = message.seq;
        }
        self.stage = if page.more { Stage::Middle } else { Stage::Over };
        if json && self.stage == Stage::Over {
            text.push_str("\n]\n");
        }
        Ok(Some(text.into()))
    }
}

/// The answer has begun, so that all that can be done is to break it off.
#[derive(Debug)]
struct ExportError;

impl std::fmt::Display for ExportError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the export was broken off")
    }
}

impl std::error::Error for ExportError {}
