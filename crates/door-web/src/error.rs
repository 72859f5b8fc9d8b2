use std::fmt;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tertulia_engine::EngineError;
use tertulia_people::{FieldError, PasswordError, Turned};
use tertulia_room::Refusal;
use tertulia_store::StoreError;

use crate::wire::{ErrorBody, ErrorCode, ErrorDetail};

/// A failed request: what the client is told, and what the log says beside it.
#[derive(Debug)]
pub struct ApiError {
    code: ErrorCode,
    message: String,
    retry_after: Option<Duration>,
    field: Option<&'static str>,
}

impl ApiError {
    pub fn new(code: ErrorCode, message: impl fmt::Display) -> Self {
        Self {
            code,
            message: message.to_string(),
            retry_after: None,
            field: None,
        }
    }

    /// Names the field of the request that is not acceptable.
    pub fn at(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }

    pub fn too_many(retry_after: Duration) -> Self {
        let message = "too many requests in a short time";
        Self {
            code: ErrorCode::TooManyRequests,
            message: message.to_owned(),
            retry_after: Some(retry_after),
            field: None,
        }
    }
}

impl ErrorCode {
    fn status(self) -> StatusCode {
        match self {
            Self::InvalidRoomName
            | Self::ReservedRoomName
            | Self::InvalidDisplayName
            | Self::WeakPassword
            | Self::InvalidRequest => StatusCode::BAD_REQUEST,
            Self::Locked | Self::PasswordNeeded | Self::WrongPassword | Self::LobbyNeeded => {
                StatusCode::FORBIDDEN
            }
            Self::Unauthorized | Self::SignInNeeded | Self::WrongCredentials => StatusCode::UNAUTHORIZED,
            Self::Forbidden
            | Self::Banned
            | Self::Removed
            | Self::InvitationNeeded
            | Self::InvitationVoid => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::RoomFull
            | Self::UploadConflict
            | Self::LobbyFull
            | Self::Taken
            | Self::Full
            | Self::NotBegun
            | Self::PollClosed
            | Self::BreakoutsClosed
            | Self::AlreadyVoted
            | Self::BoardCleared => StatusCode::CONFLICT,
            Self::RoomEnded => StatusCode::GONE,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TypeRefused => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NoRoomLeft => StatusCode::INSUFFICIENT_STORAGE,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let reference = reference();
        let status = self.code.status();
        if status.is_server_error() {
            tracing::error!(reference, code = ?self.code, reason = self.message, "request failed");
        } else if status == StatusCode::TOO_MANY_REQUESTS {
            // Whoever floods us shall not flood the log too.
            tracing::debug!(reference, code = ?self.code, reason = self.message, "request refused");
        } else {
            tracing::info!(reference, code = ?self.code, reason = self.message, "request refused");
        }
        let detail = ErrorDetail {
            code: self.code,
            message: self.message,
            reference,
            field: self.field,
        };
        let mut response = (status, Json(ErrorBody { error: detail })).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(after) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
        }
        response
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let code = match &refusal {
            Refusal::NotAllowed | Refusal::NoSuchParticipant => ErrorCode::Forbidden,
            Refusal::NoSuchTrack | Refusal::NoSuchMessage | Refusal::NoSuchPoll => ErrorCode::NotFound,
            Refusal::Locked => ErrorCode::Locked,
            Refusal::PasswordNeeded => ErrorCode::PasswordNeeded,
            Refusal::WrongPassword => ErrorCode::WrongPassword,
            Refusal::LobbyNeeded => ErrorCode::LobbyNeeded,
            Refusal::LobbyFull => ErrorCode::LobbyFull,
            Refusal::NoSuchBreakout => ErrorCode::NotFound,
            Refusal::BreakoutsClosed => ErrorCode::BreakoutsClosed,
            Refusal::PollClosed => ErrorCode::PollClosed,
            Refusal::AlreadyVoted => ErrorCode::AlreadyVoted,
            Refusal::BoardCleared => ErrorCode::BoardCleared,
            Refusal::RoomFull => ErrorCode::RoomFull,
            Refusal::RoomEnded => ErrorCode::RoomEnded,
            Refusal::Removed => ErrorCode::Removed,
            Refusal::Banned => ErrorCode::Banned,
            Refusal::LimitExceeded { .. } | Refusal::UnsupportedType | Refusal::Invalid { .. } => {
                ErrorCode::InvalidRequest
            }
            Refusal::NotKept => ErrorCode::Unavailable,
            Refusal::TooMany => return Self::too_many(Duration::from_secs(1)),
            _ => ErrorCode::Internal,
        };
        Self::new(code, refusal)
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        Self::new(ErrorCode::Unavailable, error)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        tracing::error!(%error, source, "the store failed");
        Self::new(ErrorCode::Unavailable, "what is kept cannot be reached now")
    }
}

impl From<FieldError> for ApiError {
    fn from(error: FieldError) -> Self {
        let code = match error.field() {
            "displayName" => ErrorCode::InvalidDisplayName,
            _ => ErrorCode::InvalidRequest,
        };
        Self::new(code, error).at(error.field())
    }
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        let code = match error {
            PasswordError::Hashing => ErrorCode::Internal,
            _ => ErrorCode::WeakPassword,
        };
        Self::new(code, error).at("password")
    }
}

impl From<Turned> for ApiError {
    fn from(turned: Turned) -> Self {
        let code = match turned {
            Turned::SignInRequired => ErrorCode::SignInNeeded,
            Turned::InvitationRequired => ErrorCode::InvitationNeeded,
            Turned::InvitationVoid => ErrorCode::InvitationVoid,
            Turned::PasswordRequired => ErrorCode::PasswordNeeded,
            Turned::PasswordWrong => ErrorCode::WrongPassword,
            Turned::NotBegun => ErrorCode::NotBegun,
            _ => ErrorCode::Forbidden,
        };
        Self::new(code, turned)
    }
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        let code = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => ErrorCode::PayloadTooLarge,
            _ => ErrorCode::InvalidRequest,
        };
        // The rejection's own text would repeat parts of the body, which may hold a token.
        let message = match rejection {
            JsonRejection::MissingJsonContentType(_) => "the content type must be application/json",
            JsonRejection::JsonSyntaxError(_) => "the body is not JSON",
            JsonRejection::JsonDataError(_) => "the body's JSON has the wrong shape",
            _ => "the body cannot be read",
        };
        Self::new(code, message)
    }
}

impl From<QueryRejection> for ApiError {
    fn from(_: QueryRejection) -> Self {
        Self::new(ErrorCode::InvalidRequest, "the query has the wrong shape")
    }
}

/// Answers paths below `/api` that do not exist.
pub async fn no_route() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "no such resource")
}

/// Answers methods a resource does not have.
pub async fn no_method(method: Method) -> Response {
    let error = ApiError::new(
        ErrorCode::InvalidRequest,
        format_args!("{method} is not possible here"),
    );
    let mut response = error.into_response();
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
}

/// A short random text that people can read out: no vowels, no digits that look like letters.
pub fn reference() -> String {
    const DIGITS: &[u8; 28] = b"23456789bcdfghjkmnpqrstvwxyz";
    let mut bits: u64 = rand::random();
    let mut text = String::with_capacity(9);
    for place in 0..8 {
        if place == 4 {
            text.push('-');
        }
        text.push(char::from(DIGITS[(bits % 28) as usize]));
        bits /= 28;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_short_and_differ() {
        let (one, other) = (reference(), reference());
        assert_eq!(one.len(), 9);
        assert_ne!(one, other);
    }
}
