use axum::Router;
use axum::body::Body;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{RawQuery, Request, State, WebSocketUpgrade};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};

use crate::connection;
use crate::entry::{Entry, EntryError, Path, admit};
use crate::state::LiveKitDoor;
use crate::stats::Counters;
use crate::wire::MAX_SIGNAL_BYTES;

/// Bytes read from a signalling connection at once; every connection holds so many for as long as it lasts.
const READ_BUFFER: usize = 8 * 1024;

/// Builds the door's routes: `/rtc`, `/rtc/v1`, their `validate`, and `/twirp/…`.
///
/// Every answer, refusals and unknown paths included, lets any origin read it: a browser that cannot read a 404
/// reports a broken network instead of falling back.
pub fn router(door: LiveKitDoor) -> Router {
    let mut router = Router::new();
    // SDKs given a URL with a trailing slash ask with two.
    for prefix in ["", "/"] {
        router = router
            .route(&format!("{prefix}/rtc"), any(connect_v0))
            .route(&format!("{prefix}/rtc/"), any(connect_v0))
            .route(&format!("{prefix}/rtc/v1"), any(connect_v1))
            .route(&format!("{prefix}/rtc/validate"), get(validate_v0))
            .route(&format!("{prefix}/rtc/v1/validate"), get(validate_v1))
            .route(&format!("{prefix}/rtc/{{*rest}}"), any(not_found))
            .route(&format!("{prefix}/twirp/{{*call}}"), any(crate::api::call));
    }
    router
        .layer(middleware::from_fn(allow_any_origin))
        .with_state(door)
}

async fn allow_any_origin(request: Request, next: Next) -> Response {
    let preflight = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let wanted = request
        .headers()
        .get(header::ACCESS_CONTROL_REQUEST_HEADERS)
        .cloned();
    let mut response = if preflight {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    if preflight {
        let methods = HeaderValue::from_static("GET, HEAD, POST, OPTIONS");
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        let allowed = wanted.unwrap_or(HeaderValue::from_static("authorization, content-type"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    }
    response
}

async fn not_found() -> StatusCode {
    StatusCode::NOT_FOUND
}

async fn connect_v0(
    State(door): State<LiveKitDoor>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    connect(door, Path::V0, query, headers, upgrade)
}

async fn connect_v1(
    State(door): State<LiveKitDoor>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    connect(door, Path::V1, query, headers, upgrade)
}

async fn validate_v0(
    State(door): State<LiveKitDoor>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    validate(&door, Path::V0, query, &headers)
}

async fn validate_v1(
    State(door): State<LiveKitDoor>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    validate(&door, Path::V1, query, &headers)
}

fn validate(door: &LiveKitDoor, path: Path, query: Option<String>, headers: &HeaderMap) -> Response {
    match admit(door, path, query.as_deref().unwrap_or_default(), headers) {
        Ok(_) => "success".into_response(),
        Err(error) => error.into_response(),
    }
}

fn connect(
    door: LiveKitDoor,
    path: Path,
    query: Option<String>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let entry: Entry = match admit(&door, path, query.as_deref().unwrap_or_default(), &headers) {
        Ok(entry) => entry,
        Err(error) => {
            Counters::up(&door.counters().entries_refused);
            return error.into_response();
        }
    };
    let tasks = door.tasks().clone();
    upgrade
        .read_buffer_size(READ_BUFFER)
        .max_message_size(MAX_SIGNAL_BYTES)
        .max_frame_size(MAX_SIGNAL_BYTES)
        .on_upgrade(move |socket| tasks.track_future(connection::serve(door, entry, socket)))
}

impl IntoResponse for EntryError {
    fn into_response(self) -> Response {
        let Self(status, text) = self;
        (
            status,
            [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
            Body::from(text),
        )
            .into_response()
    }
}
