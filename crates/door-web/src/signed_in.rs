//! From a cookie to an account.

use axum::extract::FromRequestParts;
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use tertulia_people::{Account, SecretDigest};

use crate::cookie;
use crate::error::ApiError;
use crate::state::{Api, unix_ms};
use crate::wire::ErrorCode;

/// Somebody signed in, where the request shows it.
pub struct Visitor(pub Option<Stay>);

/// Somebody signed in.
pub struct SignedIn(pub Stay);

/// Who, and by which session.
pub struct Stay {
    pub account: Account,
    pub session: SecretDigest,
}

impl FromRequestParts<Api> for Visitor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        if parts.headers.contains_key(COOKIE) {
            cookie::check_origin(parts)?;
        }
        let Some(secret) = cookie::secret(&parts.headers) else {
            return Ok(Self(None));
        };
        let Ok(store) = api.store() else {
            return Ok(Self(None));
        };
        let (now, life) = (unix_ms(), api.inner.settings.people.sessions);
        let known = store.session(&secret.digest()).await?;
        let Some((session, account)) = known.filter(|(session, _)| session.is_alive(life, now)) else {
            return Ok(Self(None));
        };
        if session.should_note_use(now) {
            store.note_session_use(&session.digest, now).await?;
        }
        Ok(Self(Some(Stay {
            account,
            session: session.digest,
        })))
    }
}

impl FromRequestParts<Api> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let Visitor(stay) = Visitor::from_request_parts(parts, api).await?;
        stay.map(Self)
            .ok_or_else(|| ApiError::new(ErrorCode::SignInNeeded, "you are not signed in"))
    }
}
