//! Rooms for those who own them.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tertulia_model::RoomName;
use tertulia_people::{Event, OwnedRoom, Password, PasswordHash};
use tertulia_store::{KeptRoom, RoomRefusal};

use crate::convert;
use crate::download::disposition;
use crate::error::ApiError;
use crate::extract::{Body, RoomPath};
use crate::rooms::{open_room, room_name};
use crate::signed_in::{SignedIn, Stay};
use crate::state::{Api, unix_ms};
use crate::text::path_segment;
use crate::wire::{ErrorBody, ErrorCode, NewRoomRequest, OwnRoom, OwnRooms, RoomRequest};

/// Rooms one account may own.
const ROOMS_EACH: u64 = 200;

/// Lists the own rooms.
#[utoipa::path(
    get,
    path = "/api/v1/my/rooms",
    tag = "own rooms",
    responses((status = 200, body = OwnRooms), (status = "4XX", body = ErrorBody)),
    security(("session" = [])),
)]
pub async fn list(State(api): State<Api>, SignedIn(stay): SignedIn) -> Result<Json<OwnRooms>, ApiError> {
    let kept = api.store()?.rooms_of(&stay.account.id).await?;
    let mut rooms = Vec::with_capacity(kept.len());
    for kept in &kept {
        rooms.push(shown(&api, &kept.room).await?);
    }
    Ok(Json(OwnRooms { rooms }))
}

/// Makes a room one's own. A room that is open belongs to those in it until they have left.
#[utoipa::path(
    post,
    path = "/api/v1/my/rooms",
    tag = "own rooms",
    request_body = NewRoomRequest,
    responses((status = 201, body = OwnRoom), (status = "4XX", body = ErrorBody)),
    security(("session" = [])),
)]
pub async fn create(
    State(api): State<Api>,
    SignedIn(stay): SignedIn,
    Body(request): Body<NewRoomRequest>,
) -> Result<(StatusCode, Json<OwnRoom>), ApiError> {
    limit(&api, &stay)?;
    let name = room_name(&request.name).map_err(|error| error.at("name"))?;
    let store = api.store()?;
    let password = new_password(&api, request.room.password.as_deref()).await?;
    let room = OwnedRoom {
        name,
        owner: stay.account.id.clone(),
        details: convert::people::details_of(request.room.details)?.checked()?,
        password: password.flatten(),
        created_at_ms: unix_ms(),
    };
    if api.inner.engine.find_room(&room.name).is_some() {
        let message = "a meeting is under way in a room of this name";
        return Err(ApiError::new(ErrorCode::Taken, message).at("name"));
    }
    store.add_room(&room, ROOMS_EACH).await?;
    api.note(&stay.account, Some(&room.name), "room.created", None)
        .await?;
    Ok((StatusCode::CREATED, Json(shown(&api, &room).await?)))
}

/// Gives an own room.
#[utoipa::path(
    get,
    path = "/api/v1/my/rooms/{room}",
    tag = "own rooms",
    params(("room" = String, Path, description = "The room's name")),
    responses((status = 200, body = OwnRoom), (status = "4XX", body = ErrorBody)),
    security(("session" = [])),
)]
pub async fn read(
    State(api): State<Api>,
    SignedIn(stay): SignedIn,
    RoomPath(name): RoomPath,
) -> Result<Json<OwnRoom>, ApiError> {
    let kept = own(&api, &stay, &name).await?;
    Ok(Json(shown(&api, &kept.room).await?))
}

/// Changes an own room: everything but the password is given anew. How a meeting begins counts from the next one on.
#[utoipa::path(
    put,
    path = "/api/v1/my/rooms/{room}",
    tag = "own rooms",
    params(("room" = String, Path, description = "The room's name")),
    request_body = RoomRequest,
    responses((status = 200, body = OwnRoom), (status = "4XX", body = ErrorBody)),
    security(("session" = [])),
)]
pub async fn change(
    State(api): State<Api>,
    SignedIn(stay): SignedIn,
    RoomPath(name): RoomPath,
    Body(request): Body<RoomRequest>,
) -> Result<Json<OwnRoom>, ApiError> {
    limit(&api, &stay)?;
    let mut room = own(&api, &stay, &name).await?.room;
    room.details = convert::people::details_of(request.details)?.checked()?;
    if let Some(password) = new_password(&api, request.password.as_deref()).await? {
        room.password = password;
    }
    if !api.store()?.change_room(&room).await? {
        return Err(no_room());
    }
    api.note(&stay.account, Some(&room.name), "room.changed", None)
        .await?;
    Ok(Json(shown(&api, &room).await?))
}

/// Gives an own room up, with its invitations, its chat and its files. A meeting under way goes on.
#[utoipa::path(
    delete,
    path = "/api/v1/my/rooms/{room}",
    tag = "own rooms",
    params(("room" = String, Path, description = "The room's name")),
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("session" = [])),
)]
pub async fn remove(
    State(api): State<Api>,
    SignedIn(stay): SignedIn,
    RoomPath(name): RoomPath,
) -> Result<StatusCode, ApiError> {
    limit(&api, &stay)?;
    if !api.store()?.remove_room(&name, &stay.account.id).await? {
        return Err(no_room());
    }
    api.note(&stay.account, Some(&name), "room.removed", None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives the schedule of an own room as a calendar file.
#[utoipa::path(
    get,
    path = "/api/v1/my/rooms/{room}/calendar.ics",
    tag = "own rooms",
    params(("room" = String, Path, description = "The room's name")),
    responses(
        (status = 200, body = String, content_type = "text/calendar"),
        (status = "4XX", body = ErrorBody),
    ),
    security(("session" = [])),
)]
pub async fn calendar(
    State(api): State<Api>,
    SignedIn(stay): SignedIn,
    RoomPath(name): RoomPath,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let KeptRoom { room, changes } = own(&api, &stay, &name).await?;
    let schedule = room
        .details
        .schedule
        .as_ref()
        .ok_or_else(|| ApiError::new(ErrorCode::NotFound, "the room has no schedule"))?;
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost");
    let scheme = if crate::cookie::came_securely(&headers) {
        "https"
    } else {
        "http"
    };
    let segment = path_segment(room.name.as_str());
    // Two lives of a room have two ids.
    let uid = format!("{}-{segment}@{host}", room.created_at_ms);
    let address = format!("{scheme}://{host}/{segment}");
    let event = Event {
        uid: &uid,
        sequence: changes,
        now_ms: unix_ms(),
        schedule,
        title: room.shown_title(),
        description: &room.details.description,
        address: &address,
    };
    let named = disposition(&format!("{}.ics", room.name.as_str()));
    let named = HeaderValue::try_from(named).map_err(|error| ApiError::new(ErrorCode::Internal, error))?;
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/calendar; charset=utf-8"),
        ),
        (header::CONTENT_DISPOSITION, named),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, event.to_calendar()).into_response())
}

/// The room of this name, if it is theirs; nobody learns that it is another's.
pub(crate) async fn own(api: &Api, stay: &Stay, name: &RoomName) -> Result<KeptRoom, ApiError> {
    let kept = api.store()?.owned_room(name).await?;
    kept.filter(|kept| kept.room.owner == stay.account.id)
        .ok_or_else(no_room)
}

pub(crate) fn no_room() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "you have no such room")
}

/// As often as participants act.
pub(crate) fn limit(api: &Api, stay: &Stay) -> Result<(), ApiError> {
    api.limit_action("", stay.account.id.as_str())
}

/// `None` where the password stays, `Some(None)` where it is taken away.
async fn new_password(api: &Api, text: Option<&str>) -> Result<Option<Option<PasswordHash>>, ApiError> {
    match text {
        None => Ok(None),
        Some("") => Ok(Some(None)),
        Some(text) => {
            let password = Password::new(text)?;
            password.check_for_room()?;
            Ok(Some(Some(api.inner.passwords.hash(password).await?)))
        }
    }
}

async fn shown(api: &Api, room: &OwnedRoom) -> Result<OwnRoom, ApiError> {
    let open = open_room(api, &room.name).await?;
    Ok(OwnRoom {
        name: room.name.as_str().to_owned(),
        details: convert::people::details(&room.details),
        has_password: room.password.is_some(),
        created_at: room.created_at_ms,
        participants: open.map(|open| open.info.participants),
    })
}

impl From<RoomRefusal> for ApiError {
    fn from(refusal: RoomRefusal) -> Self {
        match refusal {
            RoomRefusal::Taken => Self::new(ErrorCode::Taken, refusal).at("name"),
            RoomRefusal::TooMany => Self::new(ErrorCode::Full, refusal),
            RoomRefusal::Store(error) => error.into(),
            _ => Self::new(ErrorCode::Internal, refusal),
        }
    }
}
