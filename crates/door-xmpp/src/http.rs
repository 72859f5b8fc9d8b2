use std::net::SocketAddr;

use axum::Router;
use axum::extract::rejection::ExtensionRejection;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, DefaultBodyLimit, RawQuery, State, WebSocketUpgrade};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::link::Link;
use crate::page;
use crate::state::{Note, XmppDoor};
use crate::stream::{self, Knock};
use crate::{bosh, focus};

/// Longest message of a client.
const MAX_MESSAGE_BYTES: usize = 256 * 1024;
/// Bytes read from a connection at once; every connection holds so many for as long as it lasts.
const READ_BUFFER: usize = 8 * 1024;
/// Longest request for a conference.
const MAX_REQUEST_BYTES: usize = 16 * 1024;

/// Builds the door's routes: the stream, the bridge channel, the clients' configuration, requests for conferences and health,
/// all but the last also below a tenant's path.
pub fn router(door: XmppDoor) -> Router {
    let mut router = Router::new().route("/about/health", get(health));
    for prefix in ["", "/{tenant}"] {
        router = router
            .route(&format!("{prefix}/config.js"), get(page::config))
            .route(&format!("{prefix}/xmpp-websocket"), get(connect))
            .route(
                &format!("{prefix}/http-bind"),
                post(bosh::over_http)
                    .options(preflight)
                    .layer(DefaultBodyLimit::max(MAX_MESSAGE_BYTES)),
            )
            .route(
                &format!("{prefix}/colibri-ws/{{server}}/{{conference}}/{{endpoint}}"),
                get(connect_bridge),
            )
            .route(
                &format!("{prefix}/conference-request/v1"),
                post(focus::over_http).options(preflight),
            );
    }
    router
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .with_state(door)
}

/// Builds the routes that are for operators alone: health and figures, where a bridge has them.
pub fn private_router(door: XmppDoor) -> Router {
    Router::new()
        .route("/about/health", get(health))
        .route("/colibri/stats", get(page::stats))
        .with_state(door)
}

async fn health() -> StatusCode {
    StatusCode::OK
}

async fn preflight() -> Response {
    allow_any_origin(StatusCode::NO_CONTENT.into_response())
}

/// Lets pages of any origin read an answer, as clients built into other sites need it.
pub(crate) fn allow_any_origin(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    let allowed = HeaderValue::from_static("authorization, content-type");
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    response
}

/// The value of a query parameter, unless it is empty.
pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(key, value)| key == name && !value.is_empty())
        .map(|(_, value)| value.into_owned())
}

async fn connect(
    State(door): State<XmppDoor>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    peer: Result<ConnectInfo<SocketAddr>, ExtensionRejection>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    // Clients ask for the plain page now and then, to keep proxies and balancers with them.
    let Ok(upgrade) = upgrade else {
        return allow_any_origin("XMPP over WebSocket is spoken here.\n".into_response());
    };
    let query = query.unwrap_or_default();
    let knock = Knock {
        token: parameter(&query, "token"),
        place: place(&headers, door.config().secure),
        encrypted: encrypted(&headers),
        source: peer.ok().map(|ConnectInfo(peer)| peer.ip()),
    };
    let tasks = door.tasks().clone();
    upgrade
        .protocols(["xmpp"])
        .read_buffer_size(READ_BUFFER)
        .max_message_size(MAX_MESSAGE_BYTES)
        .max_frame_size(MAX_MESSAGE_BYTES)
        .on_upgrade(move |socket| {
            let link = Link::new(socket, door.config().stanzas_per_second);
            tasks.track_future(stream::serve(door, knock, link))
        })
}

/// Whether a client came over HTTPS: the server says so of a request where it knows, whatever the client wrote there.
pub(crate) fn encrypted(headers: &HeaderMap) -> bool {
    let proto = headers.get("x-forwarded-proto");
    proto.is_some_and(|proto| proto.as_bytes() == b"https")
}

/// Where a client finds us, by what it came with: `wss://host`.
pub(crate) fn place(headers: &HeaderMap, secure: bool) -> String {
    let text = |name: &header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = text(&header::ORIGIN).is_some_and(|origin| origin.starts_with("https:"));
    let scheme = if secure || origin || encrypted(headers) {
        "wss"
    } else {
        "ws"
    };
    let host = text(&header::HOST).unwrap_or("localhost");
    format!("{scheme}://{host}")
}

/// Opens the bridge channel of a client who knows its secret.
async fn connect_bridge(
    State(door): State<XmppDoor>,
    RawQuery(query): RawQuery,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let secret = parameter(&query.unwrap_or_default(), "pwd").unwrap_or_default();
    let Some(mailbox) = door.bridge(&secret) else {
        return StatusCode::FORBIDDEN.into_response();
    };
    upgrade
        .read_buffer_size(READ_BUFFER)
        .max_message_size(MAX_MESSAGE_BYTES)
        .max_frame_size(MAX_MESSAGE_BYTES)
        .on_upgrade(async move |socket| {
            let link = Link::new(socket, door.config().stanzas_per_second);
            if !mailbox.tell(Note::Channel(Box::new(link))) {
                tracing::debug!("a bridge channel was opened too late");
            }
        })
}

/// The token of a request that carries one in its header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
