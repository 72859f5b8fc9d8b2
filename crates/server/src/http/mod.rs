//! HTTP as this binary serves it: connections and their limits, headers, the web app, health.

mod client;
mod headers;
mod health;
mod listener;
mod meet;
mod redirect;
mod webapp;

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::telemetry;
pub use client::{Arrival, Encrypted, TrustedProxies};
pub use headers::ask_for_https;
pub use health::Readiness;
pub use listener::{Connections, ListenerLimits, Relay, Secured, Site, bind, serve, try_bind};
pub use meet::Meet;
pub use redirect::redirect;
pub use webapp::WebApp;

/// No handler takes longer to begin its answer; a request whose body trickles in is cut off here.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Puts the doors, the web app, or Jitsi Meet's in its place, and health on one router.
pub fn router(
    doors: Router,
    web_app: WebApp,
    meet: Option<Meet>,
    readiness: Readiness,
    arrival: Arrival,
) -> Router {
    let framing = web_app.framing();
    doors
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(move || health::readyz(readiness)))
        .fallback(move |request: Request| async move {
            match meet {
                Some(meet) => meet.serve(web_app, request).await,
                None => webapp::serve(web_app, request).await,
            }
        })
        .layer(from_fn(in_time))
        .layer(from_fn_with_state(framing, headers::secure))
        .layer(from_fn_with_state(arrival, client::find))
        .layer(from_fn(telemetry::request))
}

async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(ANSWER_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::body::Body;
    use axum::extract::ConnectInfo;
    use axum::http::HeaderMap;
    use tower::ServiceExt as _;

    use super::*;

    const PROXY: [u8; 4] = [192, 0, 2, 1];

    async fn asked(path: &str, ready: bool, forwarded: &str) -> (StatusCode, HeaderMap, String) {
        asked_by(PROXY, path, ready, &[("x-forwarded-for", forwarded)]).await
    }

    async fn asked_by(
        peer: [u8; 4],
        path: &str,
        ready: bool,
        headers: &[(&str, &str)],
    ) -> (StatusCode, HeaderMap, String) {
        let doors = Router::new()
            .route(
                "/api/who",
                get(|ConnectInfo(client): ConnectInfo<SocketAddr>| async move { client.ip().to_string() }),
            )
            .route(
                "/api/scheme",
                get(|headers: HeaderMap| async move { format!("{:?}", headers.get("x-forwarded-proto")) }),
            )
            .route("/api/slow", get(std::future::pending::<()>));
        let readiness = Readiness::default();
        readiness.set(ready);
        let proxies = TrustedProxies::parse(&["192.0.2.1".to_owned()]).unwrap();
        let arrival = Arrival::new(proxies, 60);
        let app = WebApp::embedded(&["https://media.example.org".to_owned()]);
        app.framing().allow(&["https://learn.example.org".to_owned()]);
        let router = router(doors, app, None, readiness, arrival);
        let request = Request::builder()
            .uri(path)
            .extension(ConnectInfo(SocketAddr::from((peer, 1))));
        let request = headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value))
            .body(Body::empty())
            .unwrap();
        let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
        let body = axum::body::to_bytes(body, 1_000_000).await.unwrap();
        (
            parts.status,
            parts.headers,
            String::from_utf8_lossy(&body).into_owned(),
        )
    }

    #[tokio::test]
    async fn every_answer_carries_the_headers() {
        for path in ["/", "/Weekly", "/healthz", "/api/who", "/assets/gone"] {
            let (_, headers, _) = asked(path, true, "").await;
            let policy = headers["content-security-policy"].to_str().unwrap();
            assert!(
                policy.contains("default-src 'none'")
                    && !policy.contains("'unsafe-eval'")
                    && !policy.contains("unsafe-inline")
                    && policy.contains("media-src 'self' blob: mediastream: https://media.example.org;")
                    && policy.ends_with("frame-ancestors 'self' https://learn.example.org"),
                "for {path}"
            );
            assert_eq!(headers["x-content-type-options"], "nosniff");
            assert_eq!(headers["referrer-policy"], "no-referrer");
            assert!(headers.contains_key("permissions-policy"));
        }
    }

    #[tokio::test]
    async fn readiness_is_not_health() {
        assert_eq!(asked("/healthz", false, "").await.0, StatusCode::OK);
        assert_eq!(
            asked("/readyz", false, "").await.0,
            StatusCode::SERVICE_UNAVAILABLE
        );
        assert_eq!(asked("/readyz", true, "").await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn doors_see_the_client_behind_the_proxy() {
        assert_eq!(asked("/api/who", true, "203.0.113.9").await.2, "203.0.113.9");
    }

    #[tokio::test]
    async fn doors_hear_of_https_from_a_trusted_proxy_only_and_browsers_are_asked_to_stay_with_it() {
        let https = [("x-forwarded-proto", "https")];
        let (_, headers, seen) = asked_by(PROXY, "/api/scheme", true, &https).await;
        assert_eq!(seen, "Some(\"https\")");
        assert_eq!(headers["strict-transport-security"], "max-age=60");
        for (peer, said) in [
            ([203, 0, 113, 9], &https[..]),
            (PROXY, &[]),
            (PROXY, &[("x-forwarded-proto", "http")]),
        ] {
            let (_, headers, seen) = asked_by(peer, "/api/scheme", true, said).await;
            assert_eq!(seen, "None", "{peer:?} {said:?}");
            assert!(!headers.contains_key("strict-transport-security"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_answer_takes_for_ever() {
        assert_eq!(asked("/api/slow", true, "").await.0, StatusCode::REQUEST_TIMEOUT);
    }
}
