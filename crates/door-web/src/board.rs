//! The whiteboard.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;
use tertulia_room::{BoardElement, Command, Reply};
use tertulia_store::FileId;

use crate::convert;
use crate::error::ApiError;
use crate::extract::{Bearer, Body, RoomPath};
use crate::state::Api;
use crate::wire::{Board, DrawRequest, ErrorBody, ErrorCode, ShowBoardRequest};

/// Longest body of [`draw`].
pub(crate) const MAX_DRAWING_BYTES: usize = 1024 * 1024;

/// An element whose bytes are a file of the room's, which is looked for there and nowhere else.
const PICTURE: &str = "image";

/// What an element may be. Not among them: what would have the others' browsers ask elsewhere (`embeddable`, `iframe`).
const KINDS: [&str; 10] = [
    "rectangle",
    "diamond",
    "ellipse",
    "arrow",
    "line",
    "freedraw",
    "text",
    "frame",
    "magicframe",
    PICTURE,
];

/// Puts the whiteboard on everybody's screen, or takes it away.
#[utoipa::path(
    put,
    path = "/api/v1/rooms/{room}/board/shown",
    tag = "board",
    params(("room" = String, Path, description = "The room's name")),
    request_body = ShowBoardRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn show(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
    Body(request): Body<ShowBoardRequest>,
) -> Result<StatusCode, ApiError> {
    let command = Command::ShowBoard { on: request.shown };
    api.act(token.as_deref(), room, command).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives the whiteboard as it stands; from then on the event stream tells every change of it.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/board/watch",
    tag = "board",
    params(("room" = String, Path, description = "The room's name")),
    responses((status = 200, body = Board), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn watch(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
) -> Result<Json<Board>, ApiError> {
    let command = Command::WatchBoard { on: true };
    match api.act(token.as_deref(), room, command).await? {
        Reply::Board(drawing) => {
            let board = convert::board(drawing.epoch, &drawing.elements);
            board
                .map(Json)
                .map_err(|error| ApiError::new(ErrorCode::Internal, error))
        }
        _ => Err(ApiError::new(ErrorCode::Internal, "the room gave no whiteboard")),
    }
}

/// Ends [`watch`].
#[utoipa::path(
    delete,
    path = "/api/v1/rooms/{room}/board/watch",
    tag = "board",
    params(("room" = String, Path, description = "The room's name")),
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn unwatch(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
) -> Result<StatusCode, ApiError> {
    let command = Command::WatchBoard { on: false };
    api.act(token.as_deref(), room, command).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Adds and changes elements. What is older than what stands changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/board/elements",
    tag = "board",
    params(("room" = String, Path, description = "The room's name")),
    request_body = DrawRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn draw(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
    Body(request): Body<DrawRequest>,
) -> Result<StatusCode, ApiError> {
    let elements = request.elements.iter().map(|raw| element(raw));
    let command = Command::Draw {
        epoch: request.epoch,
        elements: elements.collect::<Result<_, _>>()?,
    };
    // A line under a pen asks many times a second; the room says how often is too often.
    let holder = api.holder(token.as_deref(), room)?;
    api.command(&holder, command).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Begins a new, empty whiteboard.
#[utoipa::path(
    delete,
    path = "/api/v1/rooms/{room}/board",
    tag = "board",
    params(("room" = String, Path, description = "The room's name")),
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn clear(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
) -> Result<StatusCode, ApiError> {
    api.act(token.as_deref(), room, Command::ClearBoard).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is read of an element; the rest is passed on as it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    version: u64,
    version_nonce: u64,
    #[serde(default)]
    is_deleted: bool,
    #[serde(default)]
    file_id: Option<String>,
}

fn element(raw: &RawValue) -> Result<BoardElement, ApiError> {
    let head: Head = serde_json::from_str(raw.get())
        .map_err(|_| ApiError::new(ErrorCode::InvalidRequest, "this is no element of a whiteboard"))?;
    if !KINDS.contains(&head.kind.as_str()) {
        let message = "elements of this type are not taken";
        return Err(ApiError::new(ErrorCode::TypeRefused, message));
    }
    let stored = head
        .file_id
        .as_deref()
        .is_some_and(|id| FileId::parse(id).is_some());
    if head.kind == PICTURE && !stored {
        let message = "a picture is a file of the room's";
        return Err(ApiError::new(ErrorCode::TypeRefused, message));
    }
    Ok(BoardElement {
        id: head.id,
        version: head.version,
        nonce: head.version_nonce,
        deleted: head.is_deleted,
        body: raw.get().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<BoardElement, ApiError> {
        element(&RawValue::from_string(text.to_owned()).unwrap())
    }

    #[test]
    fn an_element_is_passed_on_as_it_is() {
        let text = r#"{"id": "a", "type":"text", "version":3,"versionNonce":9,"text":"\u00e9"}"#;
        let read = read(text).unwrap();
        assert_eq!(
            (read.id.as_str(), read.version, read.nonce, read.deleted),
            ("a", 3, 9, false)
        );
        assert_eq!(&*read.body, text);
    }

    #[test]
    fn a_picture_is_a_file_of_the_rooms() {
        let id = FileId::from_random(7);
        let text = format!(r#"{{"id":"a","type":"image","version":1,"versionNonce":1,"fileId":"{id}"}}"#);
        assert_eq!(read(&text).unwrap().id, "a");
    }

    #[test]
    fn what_asks_elsewhere_or_says_two_things_is_refused() {
        for text in [
            r#"{"id":"a","type":"iframe","version":1,"versionNonce":1}"#,
            r#"{"id":"a","type":"embeddable","version":1,"versionNonce":1}"#,
            r#"{"id":"a","type":"image","version":1,"versionNonce":1}"#,
            r#"{"id":"a","type":"image","version":1,"versionNonce":1,"fileId":"https://elsewhere.example/a.png"}"#,
            r#"{"id":"a","type":"image","version":1,"versionNonce":1,"fileId":null}"#,
            r#"{"id":"a","type":"text","version":1,"versionNonce":1,"type":"iframe"}"#,
            r#"{"id":"a","type":"text","version":-1,"versionNonce":1}"#,
            "[]",
            "null",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
