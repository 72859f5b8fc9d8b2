//! Files people give to a room: uploads that can be broken off and resumed.

use axum::Json;
use axum::body::Body as RawBody;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use tertulia_model::RoomName;
use tertulia_room::{ChatFile, Command, Reply, SharedFile};
use tertulia_store::{FileId, FileInfo, FileRefusal};

use crate::access::Holder;
use crate::convert;
use crate::error::ApiError;
use crate::extract::{Bearer, Body, RoomPath};
use crate::rooms::room_name;
use crate::sniff::{self, TypeRefusal};
use crate::state::{Api, Shelf, unix_ms};
use crate::stats::up;
use crate::text::{file_name, is_client_id};
use crate::upload::{self, AppendError, Appended};
use crate::wire::{ChatMessage, ErrorBody, ErrorCode, FileRequest, FileState, ShareRequest};

/// Bytes one request may add.
pub const CHUNK_BYTES: u64 = 8 * 1024 * 1024;
/// The header that says where a piece begins, as in the tus protocol.
const UPLOAD_OFFSET: &str = "upload-offset";
/// How long an upload may take, from beginning to end.
const UPLOAD_MS: u64 = 3_600_000;

/// Begins an upload.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/files",
    tag = "files",
    params(("room" = String, Path, description = "The room's name")),
    request_body = FileRequest,
    responses((status = 201, body = FileState), (status = "4XX", body = ErrorBody), (status = 507, body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn begin(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
    Body(request): Body<FileRequest>,
) -> Result<(StatusCode, Json<FileState>), ApiError> {
    let holder = giver(&api, token.as_deref(), room).await?;
    api.limit_chat(holder.room.key(), holder.identity.as_str())?;
    let shelf = api.shelf()?;
    let settings = &api.inner.settings.files;
    let name = file_name(&request.name)
        .ok_or_else(|| ApiError::new(ErrorCode::InvalidRequest, "the file's name is empty or too long"))?;
    if request.size > settings.max_bytes {
        let message = format_args!("a file has at most {} bytes here", settings.max_bytes);
        return Err(ApiError::new(ErrorCode::PayloadTooLarge, message));
    }
    let now = unix_ms();
    let info = FileInfo {
        id: FileId::from_random(rand::random()),
        room: holder.room.key().to_owned(),
        identity: holder.identity,
        name,
        kind: String::new(),
        size: request.size,
        whole: false,
        expires_ms: now.saturating_add(UPLOAD_MS),
    };
    shelf.store.begin_file(&info, settings.quota(), now).await?;
    up(&api.inner.counters.uploads);
    Ok((StatusCode::CREATED, Json(state(&info, 0))))
}

/// Says how much of a file has arrived.
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}/files/{file}",
    tag = "files",
    params(("room" = String, Path, description = "The room's name"), ("file" = String, Path, description = "The file's id")),
    responses((status = 200, body = FileState), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn status(
    State(api): State<Api>,
    Bearer(token): Bearer,
    Path((room, file)): Path<(String, String)>,
) -> Result<Json<FileState>, ApiError> {
    let holder = giver(&api, token.as_deref(), room_name(&room)?).await?;
    let shelf = api.shelf()?;
    let info = own_file(shelf, &holder, &file).await?;
    let here = upload::length(shelf, info.id).await?;
    Ok(Json(state(&info, here)))
}

/// Adds a piece to a file, beginning at the byte the header `Upload-Offset` names.
#[utoipa::path(
    patch,
    path = "/api/v1/rooms/{room}/files/{file}",
    tag = "files",
    params(
        ("room" = String, Path, description = "The room's name"),
        ("file" = String, Path, description = "The file's id"),
        ("Upload-Offset" = u64, Header, description = "How many bytes have arrived before"),
    ),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream", description = "At most 8 MiB"),
    responses(
        (status = 200, body = FileState),
        (status = 409, body = ErrorBody, description = "The offset is another; ask for it and go on there"),
        (status = "4XX", body = ErrorBody),
        (status = 507, body = ErrorBody),
    ),
    security(("token" = [])),
)]
pub async fn append(
    State(api): State<Api>,
    Bearer(token): Bearer,
    Path((room, file)): Path<(String, String)>,
    headers: HeaderMap,
    body: RawBody,
) -> Result<Json<FileState>, ApiError> {
    let holder = giver(&api, token.as_deref(), room_name(&room)?).await?;
    let shelf = api.shelf()?;
    let mut info = own_file(shelf, &holder, &file).await?;
    let offset: u64 = headers
        .get(UPLOAD_OFFSET)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .ok_or_else(|| ApiError::new(ErrorCode::InvalidRequest, "the header Upload-Offset is missing"))?;
    let place = api
        .inner
        .uploading
        .take(info.id)
        .filter(|_| !info.whole)
        .ok_or_else(|| ApiError::new(ErrorCode::UploadConflict, "the file is being written, or whole"))?;
    match upload::append(shelf, &info, offset, body, place).await {
        Ok(Appended { length, ends: None }) => Ok(Json(state(&info, length))),
        Ok(Appended {
            length,
            ends: Some((head, tail)),
        }) => {
            let settings = &api.inner.settings.files;
            match sniff::judge(&info.name, &head, &tail, &settings.types) {
                Ok(kind) => {
                    info.expires_ms = unix_ms().saturating_add(settings.keep_ms());
                    if !shelf.store.finish_file(info.id, kind, info.expires_ms).await? {
                        return Err(no_file());
                    }
                    info.kind = kind.to_owned();
                    info.whole = true;
                    Ok(Json(state(&info, length)))
                }
                Err(refusal) => {
                    discard(shelf, info.id).await?;
                    Err(ApiError::new(ErrorCode::TypeRefused, why(refusal)))
                }
            }
        }
        Err(AppendError::Offset(_)) => Err(ApiError::new(
            ErrorCode::UploadConflict,
            "the offset is not where the file ends",
        )),
        Err(AppendError::TooLong) => {
            discard(shelf, info.id).await?;
            let message = "more bytes than announced, or in one request";
            Err(ApiError::new(ErrorCode::PayloadTooLarge, message))
        }
        Err(AppendError::DiskFull) => {
            discard(shelf, info.id).await?;
            Err(ApiError::new(ErrorCode::NoRoomLeft, "the disk is full"))
        }
        Err(AppendError::Disk(error)) => Err(ApiError::new(ErrorCode::Internal, error)),
    }
}

/// Breaks an upload off, or takes a file back.
#[utoipa::path(
    delete,
    path = "/api/v1/rooms/{room}/files/{file}",
    tag = "files",
    params(("room" = String, Path, description = "The room's name"), ("file" = String, Path, description = "The file's id")),
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn cancel(
    State(api): State<Api>,
    Bearer(token): Bearer,
    Path((room, file)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let holder = giver(&api, token.as_deref(), room_name(&room)?).await?;
    let shelf = api.shelf()?;
    let info = own_file(shelf, &holder, &file).await?;
    discard(shelf, info.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Shows a whole file in the chat.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/files/{file}/share",
    tag = "files",
    params(("room" = String, Path, description = "The room's name"), ("file" = String, Path, description = "The file's id")),
    request_body = ShareRequest,
    responses((status = 201, body = ChatMessage), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn share(
    State(api): State<Api>,
    Bearer(token): Bearer,
    Path((room, file)): Path<(String, String)>,
    Body(request): Body<ShareRequest>,
) -> Result<(StatusCode, Json<ChatMessage>), ApiError> {
    let holder = giver(&api, token.as_deref(), room_name(&room)?).await?;
    api.limit_chat(holder.room.key(), holder.identity.as_str())?;
    if !is_client_id(&request.id) {
        let message = "the id has other than letters, digits, - or _";
        return Err(ApiError::new(ErrorCode::InvalidRequest, message));
    }
    let info = own_file(api.shelf()?, &holder, &file).await?;
    if !info.whole {
        return Err(ApiError::new(
            ErrorCode::UploadConflict,
            "the file is not whole yet",
        ));
    }
    let shared = SharedFile {
        id: request.id,
        file: ChatFile {
            id: info.id.to_string(),
            name: info.name,
            kind: info.kind,
            bytes: info.size,
        },
    };
    match api.command(&holder, Command::ShareFile(shared)).await? {
        Reply::Chat(message) => Ok((StatusCode::CREATED, Json(convert::chat(&message)))),
        _ => Err(ApiError::new(ErrorCode::Internal, "the room gave no message")),
    }
}

/// Somebody who may give files to the room: the room says so.
async fn giver(api: &Api, token: Option<&str>, room: RoomName) -> Result<Holder, ApiError> {
    let holder = api.holder(token, room)?;
    api.command(&holder, Command::AskToShare).await?;
    Ok(holder)
}

/// A file of this person in this room. Whatever is wrong, the answer is the same.
async fn own_file(shelf: &Shelf, holder: &Holder, file: &str) -> Result<FileInfo, ApiError> {
    let id = FileId::parse(file).ok_or_else(no_file)?;
    let info = shelf.store.file(id, unix_ms()).await?;
    info.filter(|info| info.room == holder.room.key() && info.identity == holder.identity)
        .ok_or_else(no_file)
}

async fn discard(shelf: &Shelf, id: FileId) -> Result<(), ApiError> {
    shelf.store.delete_file(id).await?;
    upload::remove(shelf, id).await
}

fn no_file() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "no such file")
}

fn why(refusal: TypeRefusal) -> &'static str {
    match refusal {
        TypeRefusal::Polyglot => "the file can be read as two different things",
        TypeRefusal::Misnamed => "the file is not what its name says",
        TypeRefusal::NotAllowed => "files of this type are not shared here",
    }
}

fn state(info: &FileInfo, offset: u64) -> FileState {
    FileState {
        id: info.id.to_string(),
        name: info.name.clone(),
        size: info.size,
        offset,
        complete: info.whole,
        kind: info.whole.then(|| info.kind.clone()),
        chunk_bytes: CHUNK_BYTES,
        expires_at: info.expires_ms,
    }
}

impl From<FileRefusal> for ApiError {
    fn from(refusal: FileRefusal) -> Self {
        match refusal {
            FileRefusal::Store(error) => error.into(),
            FileRefusal::TooMany => Self::too_many(std::time::Duration::from_secs(10)),
            refusal => Self::new(ErrorCode::NoRoomLeft, refusal),
        }
    }
}
