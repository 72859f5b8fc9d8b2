use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use tertulia_auth::{Claims, OwnClaims, Validity, VideoGrant};
use tertulia_model::{Identity, RoomName};
use tertulia_room::{Admission, Applicant, Entrance, Origin};

use crate::error::ApiError;
use crate::extract::{Body, RoomPath, Source};
use crate::lobby;
use crate::rooms::open_room_info;
use crate::state::{Api, unix_ms};
use crate::stats::up;
use crate::text::display_name;
use crate::wire::{ErrorBody, ErrorCode, JoinAnswer, JoinRequest, LobbyAnswer};

/// How long after its expiry a token still proves who somebody was.
const PREVIOUS_TOKEN_GRACE: Duration = Duration::from_secs(24 * 3_600);

/// Gives a guest a token for a room, which need not be open yet.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/join",
    tag = "rooms",
    params(("room" = String, Path, description = "The room's name")),
    request_body = JoinRequest,
    responses(
        (status = 200, body = JoinAnswer),
        (status = 202, body = LobbyAnswer, description = "Wait in the lobby"),
        (status = "4XX", body = ErrorBody),
    ),
)]
pub async fn join(
    State(api): State<Api>,
    Source(source): Source,
    RoomPath(room): RoomPath,
    Body(request): Body<JoinRequest>,
) -> Result<Response, ApiError> {
    api.limit_join(source)?;
    if !api.inner.settings.open {
        return Err(ApiError::new(
            ErrorCode::Forbidden,
            "this server gives tokens to nobody by itself",
        ));
    }
    let name = display_name(&request.display_name).ok_or_else(|| {
        ApiError::new(
            ErrorCode::InvalidDisplayName,
            "the display name is not acceptable",
        )
    })?;
    let now = unix_ms();
    let previous = request
        .previous_token
        .and_then(|token| previous_stay(&api, &token, &room, now));
    let info = open_room_info(&api, &room).await?;
    let full = info
        .as_ref()
        .is_some_and(|info| info.max_participants.is_some_and(|max| info.participants >= max));
    // Somebody who was here a moment ago may still hold the seat that is counted; the room decides then.
    if full && previous.is_none() {
        return Err(ApiError::new(ErrorCode::RoomFull, "the room is full"));
    }

    let is_open = info.is_some();
    let room = info.map_or(room, |info| info.name);
    let (identity, issued_at_ms) = match previous {
        Some(previous) => previous,
        None => (new_identity()?, now),
    };
    if is_open {
        let applicant = Applicant {
            identity: identity.clone(),
            name: name.clone(),
            origin: Origin::Guest,
            role: None,
            entrance: Entrance::Usual,
            moderates: false,
            password: request.password,
            network: Some(api.network(source)),
        };
        if lobby::knock(&api, &room, applicant).await? == Admission::Waiting {
            return lobby::answer(&api, &room, identity, name);
        }
    }
    Ok(Json(sign_guest(&api, &room, identity, name, issued_at_ms)?).into_response())
}

/// A guest's token, and what a join answers with it.
pub(crate) fn sign_guest(
    api: &Api,
    room: &RoomName,
    identity: Identity,
    name: String,
    issued_at_ms: u64,
) -> Result<JoinAnswer, ApiError> {
    let now = unix_ms();
    let lifetime = u64::try_from(api.inner.settings.guest_token.as_millis()).unwrap_or(u64::MAX);
    let validity = Validity {
        issued_at_ms,
        expires_at_ms: now.saturating_add(lifetime),
    };
    let claims = guest_claims(identity.clone(), name.clone(), room.clone());
    let token = api
        .inner
        .keys
        .sign(&claims, validity)
        .map_err(|error| ApiError::new(ErrorCode::Internal, error))?;
    up(&api.inner.counters.tokens_issued);
    Ok(JoinAnswer {
        token,
        room: room.as_str().to_owned(),
        identity: identity.as_str().to_owned(),
        display_name: name,
        expires_at: validity.expires_at_ms,
    })
}

fn guest_claims(identity: Identity, name: String, room: RoomName) -> Claims {
    Claims {
        identity: Some(identity),
        name,
        own: OwnClaims {
            guest: true,
            ..OwnClaims::default()
        },
        video: VideoGrant {
            room_join: true,
            room: Some(room),
            can_update_own_metadata: Some(true),
            ..VideoGrant::default()
        },
        ..Claims::default()
    }
}

/// Identity and time of issue of a guest token for this room. Anything else is no reason to refuse a guest: they get a
/// new one. The new token keeps the time, since a room refuses credentials issued before it removed somebody.
fn previous_stay(api: &Api, token: &str, room: &RoomName, now: u64) -> Option<(Identity, u64)> {
    let grant = api
        .inner
        .keys
        .verify_lately_expired(token, now, PREVIOUS_TOKEN_GRACE)
        .ok()?;
    let claims = grant.claims;
    let same = claims.own.guest && claims.video.room_join && claims.video.room.as_ref() == Some(room);
    claims
        .identity
        .filter(|_| same)
        .map(|identity| (identity, grant.issued_at_ms))
}

/// 128 random bits, so that nobody becomes somebody else by guessing.
fn new_identity() -> Result<Identity, ApiError> {
    let bits: u128 = rand::random();
    Identity::parse(&format!("guest-{bits:032x}")).map_err(|error| ApiError::new(ErrorCode::Internal, error))
}
