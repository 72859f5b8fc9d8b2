//! Personal links to owned rooms, for the rooms' owners.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use tertulia_people::{Invitation, InvitationId, InvitationWish, SecretToken};

use crate::convert;
use crate::error::ApiError;
use crate::extract::{Body, RoomAnd, RoomPath};
use crate::own_rooms::{limit, own};
use crate::signed_in::SignedIn;
use crate::state::{Api, unix_ms};
use crate::wire::{ErrorBody, ErrorCode, InvitationRequest, Invitations, NewInvitation};

/// Invitations one room may have.
const INVITATIONS_EACH: u64 = 1_000;

/// Lists the invitations to an own room.
#[utoipa::path(
    get,
    path = "/api/v1/my/rooms/{room}/invitations",
    tag = "own rooms",
    params(("room" = String, Path, description = "The room's name")),
    responses((status = 200, body = Invitations), (status = "4XX", body = ErrorBody)),
    security(("session" = [])),
)]
pub async fn list(
    State(api): State<Api>,
    SignedIn(stay): SignedIn,
    RoomPath(name): RoomPath,
) -> Result<Json<Invitations>, ApiError> {
    let room = own(&api, &stay, &name).await?.room;
    let all = api.store()?.invitations_to(&room.name).await?;
    let now = unix_ms();
    Ok(Json(Invitations {
        invitations: all
            .iter()
            .map(|invitation| convert::people::invitation(invitation, now))
            .collect(),
    }))
}

/// Makes an invitation. Its secret is given once.
#[utoipa::path(
    post,
    path = "/api/v1/my/rooms/{room}/invitations",
    tag = "own rooms",
    params(("room" = String, Path, description = "The room's name")),
    request_body = InvitationRequest,
    responses((status = 201, body = NewInvitation), (status = "4XX", body = ErrorBody)),
    security(("session" = [])),
)]
pub async fn create(
    State(api): State<Api>,
    SignedIn(stay): SignedIn,
    RoomPath(name): RoomPath,
    Body(request): Body<InvitationRequest>,
) -> Result<(StatusCode, Json<NewInvitation>), ApiError> {
    limit(&api, &stay)?;
    let room = own(&api, &stay, &name).await?.room;
    let secret = SecretToken::from_random(rand::random());
    let wish = InvitationWish {
        label: request.label,
        role: convert::role_of(request.role),
        lifetime_ms: request.lifetime_s.saturating_mul(1_000),
        max_uses: request.max_uses,
    };
    let now = unix_ms();
    let id = InvitationId::from_random(rand::random());
    let invitation = Invitation::new(id, secret.digest(), room.name, wish, now)?;
    api.store()?.add_invitation(&invitation, INVITATIONS_EACH).await?;
    let detail = Some(invitation.id.as_str().to_owned());
    api.note(
        &stay.account,
        Some(&invitation.room),
        "invitation.created",
        detail,
    )
    .await?;
    let body = NewInvitation {
        invitation: convert::people::invitation(&invitation, now),
        secret: secret.expose().to_owned(),
    };
    Ok((StatusCode::CREATED, Json(body)))
}

/// Takes an invitation back. Whoever came in with it stays until they leave.
#[utoipa::path(
    delete,
    path = "/api/v1/my/rooms/{room}/invitations/{invitation}",
    tag = "own rooms",
    params(
        ("room" = String, Path, description = "The room's name"),
        ("invitation" = String, Path, description = "The invitation's id"),
    ),
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("session" = [])),
)]
pub async fn revoke(
    State(api): State<Api>,
    SignedIn(stay): SignedIn,
    RoomAnd(name, id): RoomAnd<String>,
) -> Result<StatusCode, ApiError> {
    limit(&api, &stay)?;
    let room = own(&api, &stay, &name).await?.room;
    let none = || ApiError::new(ErrorCode::NotFound, "there is no such invitation");
    let id = InvitationId::parse(&id).ok_or_else(none)?;
    if !api.store()?.revoke_invitation(&room.name, &id).await? {
        return Err(none());
    }
    let detail = Some(id.as_str().to_owned());
    api.note(&stay.account, Some(&room.name), "invitation.revoked", detail)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
