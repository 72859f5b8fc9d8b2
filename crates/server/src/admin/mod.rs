//! What only those who run the server may see and do, on the listener of the metrics: `/debug` and `/log`.

mod call;
pub mod doctor;
mod report;
mod view;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use tertulia_auth::{ApiKeys, Claims, Validity, VideoGrant};
use tertulia_engine::Engine;
use tertulia_model::RoomName;

pub use call::call;
pub use report::Report;

use crate::clock;
use crate::logging::Level;

/// How long the token is valid that a command signs for itself.
const OWN_TOKEN_MS: u64 = 60_000;
/// Longest level: a list of directives.
const LEVEL_BYTES: usize = 4_096;

/// What the routes need; cheap to clone.
#[derive(Clone)]
pub struct Admin {
    pub engine: Engine,
    pub keys: Arc<ApiKeys>,
    pub level: Level,
}

/// Routes `/debug`, `/debug/{room}` and `/log`, for bearers of a token that may list rooms and administer any.
pub fn router(admin: Admin) -> Router {
    Router::new()
        .route("/debug", get(everything))
        .route("/debug/{room}", get(one_room))
        .route("/log", get(level).put(set_level))
        .layer(axum::extract::DefaultBodyLimit::max(LEVEL_BYTES))
        .with_state(admin)
}

async fn everything(State(admin): State<Admin>, headers: HeaderMap) -> Response {
    if let Err(refused) = admin.authorise(&headers) {
        return refused.into_response();
    }
    Json(view::report(&admin.engine, None).await).into_response()
}

async fn one_room(State(admin): State<Admin>, Path(room): Path<String>, headers: HeaderMap) -> Response {
    if let Err(refused) = admin.authorise(&headers) {
        return refused.into_response();
    }
    match RoomName::parse(&room) {
        Ok(room) => Json(view::report(&admin.engine, Some(&room)).await).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    }
}

async fn level(State(admin): State<Admin>, headers: HeaderMap) -> Response {
    match admin.authorise(&headers) {
        Ok(()) => format!("{}\n", admin.level.current()).into_response(),
        Err(refused) => refused.into_response(),
    }
}

async fn set_level(State(admin): State<Admin>, headers: HeaderMap, wanted: String) -> Response {
    if let Err(refused) = admin.authorise(&headers) {
        return refused.into_response();
    }
    match admin.level.set(wanted.trim()) {
        Ok(()) => {
            tracing::warn!(level = wanted.trim(), "the log level was changed");
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error:#}\n")).into_response(),
    }
}

impl Admin {
    fn authorise(&self, headers: &HeaderMap) -> Result<(), (StatusCode, &'static str)> {
        let refused = |status: StatusCode, text: &'static str| Err((status, text));
        let token = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let Some(token) = token else {
            return refused(StatusCode::UNAUTHORIZED, "a bearer token is needed\n");
        };
        let Ok(grant) = self.keys.verify(token, clock::unix_ms()) else {
            return refused(StatusCode::UNAUTHORIZED, "the token is not valid here\n");
        };
        let video = &grant.claims.video;
        if video.room_list && video.room_admin && video.room.is_none() {
            return Ok(());
        }
        refused(
            StatusCode::FORBIDDEN,
            "the token must allow to list rooms and to administer any: token create --list --admin\n",
        )
    }
}

/// Signs a token for a command that asks the server on the same machine.
///
/// # Errors
/// When it cannot be signed.
pub fn own_token(keys: &ApiKeys) -> anyhow::Result<String> {
    let now = clock::unix_ms();
    let claims = Claims {
        video: VideoGrant {
            room_list: true,
            room_admin: true,
            ..VideoGrant::default()
        },
        ..Claims::default()
    };
    let validity = Validity {
        issued_at_ms: now,
        expires_at_ms: now.saturating_add(OWN_TOKEN_MS),
    };
    Ok(keys.first().sign(&claims, validity)?)
}

#[cfg(test)]
mod tests;
