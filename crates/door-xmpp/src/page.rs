//! What clients and operators read over plain HTTP: the configuration that clients load before anything else, and figures
//! where operators of a bridge look for them.

use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::http::{allow_any_origin, encrypted, place};
use crate::state::XmppDoor;

/// Gives a client its configuration. Apps evaluate it without a page, so that every address in it is whole.
pub(crate) async fn config(
    State(door): State<XmppDoor>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let tenant = uri.path().strip_suffix("/config.js").unwrap_or_default();
    let kind = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    allow_any_origin((kind, client_config(&door, tenant, &headers)).into_response())
}

/// The script that is a client's configuration, for a request with these headers. Below a tenant's path its requests stay
/// below it.
pub fn client_config(door: &XmppDoor, tenant: &str, headers: &HeaderMap) -> String {
    let config = door.config();
    let (place, base) = (place(headers, config.secure), tenant);
    let http = place.replacen("ws", "http", 1);
    let mut value = json!({
        "hosts": { "domain": config.domain, "muc": config.rooms(), "focus": config.focus() },
        "websocket": format!("{place}{base}/xmpp-websocket"),
        "bosh": format!("{http}{base}/http-bind"),
        "websocketKeepAliveUrl": format!("{http}{base}/xmpp-websocket"),
        "conferenceRequestUrl": format!("{http}{base}/conference-request/v1"),
        "bridgeChannel": { "preferSctp": false },
        "p2p": { "enabled": false },
        "flags": { "ssrcRewritingEnabled": true },
        "videoQuality": { "codecPreferenceOrder": ["VP8"], "mobileCodecPreferenceOrder": ["VP8"] },
        "channelLastN": -1,
        "enableLayerSuspension": true,
        "analytics": { "disabled": true },
        "disableThirdPartyRequests": true,
        "gravatar": { "disabled": true },
        "fileRecordingsEnabled": false,
        "liveStreaming": { "enabled": false },
        "transcription": { "enabled": false },
    });
    // Whoever signs in shows it with the request over their stream, so that there must be no other.
    if door.store().is_some()
        && encrypted(headers)
        && let Some(entries) = value.as_object_mut()
    {
        entries.remove("conferenceRequestUrl");
    }
    // In a page that includes it inline, nothing in it may end the script.
    let text = value.to_string().replace('<', "\\u003c");
    format!("var config = {text};\n")
}

/// Figures in the words of a bridge.
pub(crate) async fn stats(State(door): State<XmppDoor>) -> Response {
    let rooms = door.engine().list_rooms().await;
    let sizes = || rooms.iter().map(|room| room.participants);
    let counted = door.stats();
    let value = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "healthy": true,
        "conferences": rooms.len(),
        "participants": sizes().sum::<usize>(),
        "largest_conference": sizes().max().unwrap_or(0),
        "endpoints_sending": rooms.iter().map(|room| room.publishers).sum::<usize>(),
        "xmpp_streams": door.held(),
        "total_xmpp_streams": counted.streams,
        "total_participants": counted.joins,
    });
    axum::Json(value).into_response()
}
