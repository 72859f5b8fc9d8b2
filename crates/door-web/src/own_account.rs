//! The sessions of the own account, and its end.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tertulia_people::Password;

use crate::accounts::knows_password;
use crate::cookie;
use crate::error::ApiError;
use crate::extract::{Body, Source};
use crate::own_rooms::limit;
use crate::signed_in::SignedIn;
use crate::state::{Api, unix_ms};
use crate::wire::{EndedSessions, ErrorBody, ErrorCode, OwnSession, OwnSessions, RemoveAccountRequest};

/// Lists where one is signed in, the session used last first.
#[utoipa::path(
    get,
    path = "/api/v1/account/sessions",
    tag = "accounts",
    responses((status = 200, body = OwnSessions), (status = "4XX", body = ErrorBody)),
    security(("session" = [])),
)]
pub async fn sessions(
    State(api): State<Api>,
    SignedIn(stay): SignedIn,
) -> Result<Json<OwnSessions>, ApiError> {
    limit(&api, &stay)?;
    let (now, life) = (unix_ms(), api.inner.settings.people.sessions);
    let known = api.store()?.sessions_of(&stay.account.id).await?;
    let alive = known.into_iter().filter(|session| session.is_alive(life, now));
    let sessions = alive.map(|session| OwnSession {
        id: session.short_id().to_owned(),
        current: session.digest == stay.session,
        created_at: session.created_at_ms,
        seen_at: session.seen_at_ms,
        browser: session.browser,
    });
    Ok(Json(OwnSessions {
        sessions: sessions.collect(),
    }))
}

/// Ends one of the own sessions: that browser is signed out.
#[utoipa::path(
    delete,
    path = "/api/v1/account/sessions/{session}",
    tag = "accounts",
    params(("session" = String, Path, description = "The session's id")),
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("session" = [])),
)]
pub async fn end_session(
    State(api): State<Api>,
    SignedIn(stay): SignedIn,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    limit(&api, &stay)?;
    let store = api.store()?;
    let known = store.sessions_of(&stay.account.id).await?;
    let no_session = || ApiError::new(ErrorCode::NotFound, "you have no such session");
    let session = known
        .iter()
        .find(|session| session.short_id() == id)
        .ok_or_else(no_session)?;
    if !store.end_session(&session.digest).await? {
        return Err(no_session());
    }
    api.note(&stay.account, None, "account.session_ended", None)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all own sessions but this one.
#[utoipa::path(
    delete,
    path = "/api/v1/account/sessions",
    tag = "accounts",
    responses((status = 200, body = EndedSessions), (status = "4XX", body = ErrorBody)),
    security(("session" = [])),
)]
pub async fn end_other_sessions(
    State(api): State<Api>,
    SignedIn(stay): SignedIn,
) -> Result<Json<EndedSessions>, ApiError> {
    limit(&api, &stay)?;
    let ended = api
        .store()?
        .end_other_sessions(&stay.account.id, &stay.session)
        .await?;
    if ended > 0 {
        api.note(
            &stay.account,
            None,
            "account.sessions_ended",
            Some(ended.to_string()),
        )
        .await?;
    }
    Ok(Json(EndedSessions { ended }))
}

/// Removes the own account with its sessions and its rooms, their invitations, chat and files. Meetings under way go on.
/// Whoever has a password says it; whoever signs in at a provider says their login name.
#[utoipa::path(
    post,
    path = "/api/v1/account/remove",
    tag = "accounts",
    request_body = RemoveAccountRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("session" = [])),
)]
pub async fn remove(
    State(api): State<Api>,
    Source(source): Source,
    headers: HeaderMap,
    SignedIn(stay): SignedIn,
    Body(request): Body<RemoveAccountRequest>,
) -> Result<Response, ApiError> {
    limit(&api, &stay)?;
    let account = stay.account;
    let wrong = |message: &'static str, field| ApiError::new(ErrorCode::WrongCredentials, message).at(field);
    if account.password.is_some() {
        let said = request.password.unwrap_or_default();
        let wrong = || wrong("that is not the password", "password");
        let said = Password::new(&said).map_err(|_| wrong())?;
        if !knows_password(&api, source, &account, said).await? {
            return Err(wrong());
        }
    } else if request.login.as_deref() != Some(account.login.as_str()) {
        return Err(wrong("that is not the login name", "login"));
    }
    let store = api.store()?;
    let rooms = store.rooms_of(&account.id).await?;
    store.remove_account(&account.id).await?;
    for kept in rooms {
        api.note(&account, Some(&kept.room.name), "room.removed", None)
            .await?;
    }
    api.note(&account, None, "account.removed", None).await?;
    let cookie = [(SET_COOKIE, cookie::clear(&headers)?)];
    Ok((cookie, StatusCode::NO_CONTENT).into_response())
}
