//! HTTP as this binary serves it: connections and their limits, headers, the web app, health.

mod client;
mod headers;
mod health;
mod listener;
mod webapp;

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

pub use client::TrustedProxies;
pub use health::Readiness;
pub use listener::{Connections, ListenerLimits, bind, serve};
pub use webapp::WebApp;

/// No handler takes longer to begin its answer; a request whose body trickles in is cut off here.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Puts the doors, the web app and health on one router.
pub fn router(doors: Router, web_app: WebApp, readiness: Readiness, proxies: TrustedProxies) -> Router {
    doors
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(move || health::readyz(readiness)))
        .fallback(move |request: Request| webapp::serve(web_app, request))
        .layer(from_fn(in_time))
        .layer(from_fn(headers::secure))
        .layer(from_fn_with_state(proxies, client::find))
}

async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(ANSWER_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}
