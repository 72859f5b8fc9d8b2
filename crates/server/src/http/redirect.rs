//! The plain listener beside HTTPS: it leads there, and answers a certificate authority.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

use super::{Readiness, headers, health, in_time};
use crate::tls::Tls;

const HTTPS_PORT: u16 = 443;
const RETRY_AFTER_S: &str = "30";

#[derive(Clone)]
struct Way {
    tls: Tls,
    port: u16,
}

/// Routes what comes without encryption; HTTPS is on `port`.
pub fn redirect(tls: Tls, port: u16, readiness: Readiness) -> Router {
    Router::new()
        .route("/.well-known/acme-challenge/{token}", get(challenge))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(move || health::readyz(readiness)))
        .fallback(lead)
        .with_state(Way { tls, port })
        .layer(from_fn(in_time))
        .layer(from_fn_with_state(headers::Framing::default(), headers::secure))
}

async fn challenge(State(way): State<Way>, Path(token): Path<String>) -> Response {
    match way.tls.challenges.http(&token) {
        Some(authorization) => (
            [(header::CONTENT_TYPE, "application/octet-stream")],
            authorization,
        )
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn lead(State(way): State<Way>, request: Request) -> Response {
    let Some(certificate) = way.tls.current.get() else {
        let later = [(header::RETRY_AFTER, RETRY_AFTER_S)];
        return (StatusCode::SERVICE_UNAVAILABLE, later, Html(WAITING)).into_response();
    };
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let Some(location) = location(request.headers(), way.port, path) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let from_person = request.headers().get(header::ACCEPT).is_some_and(wants_page);
    if way.tls.self_signed && from_person {
        return Html(warning(&location, &certificate.facts().fingerprint)).into_response();
    }
    let Ok(location) = HeaderValue::try_from(location) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, location)]).into_response()
}

/// The same page over HTTPS, at the name the client came to; `None` where it named none that could be.
fn location(headers: &HeaderMap, port: u16, path: &str) -> Option<String> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let authority: Authority = host.parse().ok()?;
    let name = authority.host();
    if name.is_empty() || host.contains('@') {
        return None;
    }
    Some(if port == HTTPS_PORT {
        format!("https://{name}{path}")
    } else {
        format!("https://{name}:{port}{path}")
    })
}

fn wants_page(accept: &HeaderValue) -> bool {
    accept.to_str().is_ok_and(|accept| accept.contains("text/html"))
}

const WAITING: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
    <meta name=\"viewport\" content=\"width=device-width\"><title>Tertulia</title>\
    <h1>Almost there</h1><p>This server is waiting for its certificate. Try again in a minute.</p>\
    <p>If you run it: the log says what it waits for.</p></html>\n";

/// Written for somebody who tries Tertulia at home and has never seen a certificate warning explained.
fn warning(location: &str, fingerprint: &str) -> String {
    let (location, fingerprint) = (escaped(location), escaped(fingerprint));
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Tertulia, on trial</title>\
         <h1>Your browser will warn you now</h1>\
         <p>This Tertulia runs on trial: nobody but the server itself vouches for its certificate, so your browser \
         cannot tell whether it really talks to it. On a network you trust you may choose <em>Advanced</em> and then \
         <em>Proceed</em>.</p>\
         <p>The certificate your browser shows should have this SHA-256 fingerprint:</p>\
         <p><code>{fingerprint}</code></p>\
         <p><a href=\"{location}\">Go on to {location}</a></p>\
         <p>If you run this server: with a domain name, <code>tls.mode = \"acme\"</code> gets a certificate that \
         everybody's browser takes.</p></html>\n"
    )
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use tower::ServiceExt as _;

    use super::*;
    use crate::tls::testing;

    async fn asked(tls: &Tls, path: &str, headers: &[(&str, &str)]) -> (StatusCode, String, String) {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let router = redirect(tls.clone(), 8443, Readiness::default());
        let response = router
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        assert!(parts.headers.contains_key("content-security-policy"));
        assert!(!parts.headers.contains_key("strict-transport-security"));
        let location = parts
            .headers
            .get("location")
            .map(|value| value.to_str().unwrap().to_owned());
        let body = axum::body::to_bytes(body, 100_000).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        (parts.status, location.unwrap_or_default(), body)
    }

    #[tokio::test]
    async fn everything_is_led_to_https_at_the_same_name() {
        let tls = testing::tls(&["meet.example.org"]);
        for (host, path, expected) in [
            (
                "meet.example.org",
                "/Weekly?a=b",
                "https://meet.example.org:8443/Weekly?a=b",
            ),
            ("meet.example.org:80", "/", "https://meet.example.org:8443/"),
            ("[2001:db8::7]:80", "/x", "https://[2001:db8::7]:8443/x"),
        ] {
            let (status, location, _) = asked(&tls, path, &[("host", host)]).await;
            assert_eq!(
                (status, location.as_str()),
                (StatusCode::PERMANENT_REDIRECT, expected)
            );
        }
        for host in ["user@evil.example", "", "a b"] {
            let (status, ..) = asked(&tls, "/", &[("host", host)]).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{host}");
        }
        assert_eq!(asked(&tls, "/", &[]).await.0, StatusCode::BAD_REQUEST);
    }

    #[tokio::test]
    async fn an_authority_gets_its_answer_and_nobody_gets_another() {
        let tls = testing::tls(&["meet.example.org"]);
        tls.challenges.answer_http("token", "token.thumb");
        let path = "/.well-known/acme-challenge/token";
        assert_eq!(asked(&tls, path, &[]).await.2, "token.thumb");
        assert_eq!(
            asked(&tls, &format!("{path}2"), &[]).await.0,
            StatusCode::NOT_FOUND
        );
        tls.challenges.clear();
        assert_eq!(asked(&tls, path, &[]).await.0, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn without_a_certificate_nobody_is_led_anywhere() {
        let tls = testing::tls_without_certificate();
        let (status, location, body) = asked(&tls, "/", &[("host", "meet.example.org")]).await;
        assert_eq!((status, location.as_str()), (StatusCode::SERVICE_UNAVAILABLE, ""));
        assert!(body.contains("certificate"));
        assert_eq!(asked(&tls, "/healthz", &[]).await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_trial_explains_itself_to_people_and_leads_programs() {
        let mut tls = testing::tls(&["meet.example.org"]);
        tls.self_signed = true;
        let host = ("host", "meet.example.org");
        let (status, _, body) = asked(&tls, "/a'b?c=1&d", &[host, ("accept", "text/html,*/*")]).await;
        assert_eq!(status, StatusCode::OK);
        let fingerprint = tls.current.get().unwrap().facts().fingerprint.clone();
        assert!(
            body.contains(&fingerprint) && body.contains("/a&#39;b?c=1&amp;d"),
            "{body}"
        );
        let (status, ..) = asked(&tls, "/", &[host, ("accept", "*/*")]).await;
        assert_eq!(status, StatusCode::PERMANENT_REDIRECT);
    }
}
