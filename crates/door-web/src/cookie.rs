//! The cookie of somebody signed in, and what keeps other sites' pages from using it.
//!
//! The cookie is `SameSite=Strict`, so that no other site's page sends it; pages of sibling names, which count as the same
//! site, are kept out by looking at where a request comes from. Requests that change something are looked at alone:
//! what the others answer, no foreign page can read.

use axum::http::header::{COOKIE, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use tertulia_people::SecretToken;

use crate::error::ApiError;
use crate::wire::ErrorCode;

/// Bound by browsers to HTTPS and to this very name.
const SECURE: &str = "__Host-tertulia";
/// Where the page came over plain HTTP, as on a developer's machine.
const PLAIN: &str = "tertulia";
/// As these two, of somebody who is away to sign in at a provider.
const SECURE_AWAY: &str = "__Host-tertulia-away";
const PLAIN_AWAY: &str = "tertulia-away";
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The secret of the request's cookie.
pub fn secret(headers: &HeaderMap) -> Option<SecretToken> {
    // Over HTTPS a sibling name could set the plain one.
    let plain = || {
        if came_securely(headers) {
            None
        } else {
            named(headers, PLAIN)
        }
    };
    named(headers, SECURE).or_else(plain)
}

/// The secret that a browser took along to the provider.
pub fn away_secret(headers: &HeaderMap, secure: bool) -> Option<SecretToken> {
    named(headers, if secure { SECURE_AWAY } else { PLAIN_AWAY })
}

fn named(headers: &HeaderMap, name: &str) -> Option<SecretToken> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .and_then(|(_, value)| SecretToken::parse(value))
}

/// What sets the cookie, for so many seconds; `secure` where pages come over HTTPS.
pub fn set(secure: bool, secret: &SecretToken, seconds: u64) -> Result<HeaderValue, ApiError> {
    let name = if secure { SECURE } else { PLAIN };
    secret_line(
        name,
        secure,
        secret,
        &format!("Max-Age={seconds}; HttpOnly; SameSite=Strict"),
    )
}

/// What sets the cookie of somebody on the way to the provider. They come back by a page of another site, which is why
/// this one is not as strict.
pub fn set_away(secure: bool, secret: &SecretToken, seconds: u64) -> Result<HeaderValue, ApiError> {
    let name = if secure { SECURE_AWAY } else { PLAIN_AWAY };
    secret_line(
        name,
        secure,
        secret,
        &format!("Max-Age={seconds}; HttpOnly; SameSite=Lax"),
    )
}

/// What takes the cookie away.
pub fn clear(headers: &HeaderMap) -> Result<HeaderValue, ApiError> {
    let (name, secure) = if came_securely(headers) {
        (SECURE, "; Secure")
    } else {
        (PLAIN, "")
    };
    line(&format!(
        "{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict{secure}"
    ))
}

fn secret_line(
    name: &str,
    secure: bool,
    secret: &SecretToken,
    attributes: &str,
) -> Result<HeaderValue, ApiError> {
    let secure = if secure { "; Secure" } else { "" };
    let mut value = line(&format!(
        "{name}={}; Path=/; {attributes}{secure}",
        secret.expose()
    ))?;
    value.set_sensitive(true);
    Ok(value)
}

fn line(text: &str) -> Result<HeaderValue, ApiError> {
    HeaderValue::try_from(text).map_err(|error| ApiError::new(ErrorCode::Internal, error))
}

/// Whether the page that asks came over HTTPS. The server says so, for its own TLS and for that of proxies it trusts, and
/// lets nobody else say it. Where it cannot know, browsers tell: they name the page's origin with whatever changes
/// something; with what only reads they say where it comes from only over HTTPS and on the machine itself.
pub fn came_securely(headers: &HeaderMap) -> bool {
    if text(headers, &FORWARDED_PROTO) == Some("https") {
        return true;
    }
    match text(headers, &ORIGIN) {
        Some(origin) => origin.starts_with("https://"),
        None => headers.contains_key(FETCH_SITE) && !is_this_machine(headers),
    }
}

fn is_this_machine(headers: &HeaderMap) -> bool {
    let host = text(headers, &HOST).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "localhost" | "127.0.0.1" | "[::1]") || name.ends_with(".localhost")
}

/// Refuses what another origin's page asks.
pub fn check_origin(parts: &Parts) -> Result<(), ApiError> {
    if comes_from_here(&parts.method, &parts.uri, &parts.headers) {
        Ok(())
    } else {
        Err(ApiError::new(
            ErrorCode::Forbidden,
            "a page of another site asks this",
        ))
    }
}

fn comes_from_here(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    if method.is_safe() {
        return true;
    }
    if let Some(site) = text(headers, &FETCH_SITE) {
        return site == "same-origin";
    }
    let Some(origin) = text(headers, &ORIGIN) else {
        // No browser: they all name the origin of what changes something.
        return true;
    };
    let asked = text(headers, &HOST).or(uri.authority().map(|authority| authority.as_str()));
    let from = origin.split_once("://").map(|(_, authority)| authority);
    from.is_some() && from == asked
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn only_our_own_pages_change_anything() {
        let here = |method: Method, pairs: &[(&'static str, &str)]| {
            comes_from_here(&method, &Uri::from_static("/api/v1/session"), &headers(pairs))
        };
        let host = ("host", "meet.example.org");
        let own = ("origin", "https://meet.example.org");
        for (expected, pairs) in [
            (true, &[host][..]),
            (true, &[host, own]),
            (true, &[host, own, ("sec-fetch-site", "same-origin")]),
            (false, &[host, own, ("sec-fetch-site", "same-site")]),
            (false, &[host, own, ("sec-fetch-site", "cross-site")]),
            (false, &[host, ("origin", "https://evil.example.org")]),
            (false, &[host, ("origin", "https://meet.example.org.evil.org")]),
            (false, &[host, ("origin", "https://meet.example.org:8443")]),
            (false, &[host, ("origin", "null")]),
            (false, &[own]),
        ] {
            assert_eq!(here(Method::POST, pairs), expected, "for {pairs:?}");
            assert!(here(Method::GET, pairs));
        }
    }

    #[test]
    fn a_sibling_cannot_set_the_cookie_of_a_secure_page() {
        let secret_text = "x".repeat(43);
        let plain = format!("a=b; tertulia={secret_text}");
        let safe = format!("tertulia={}; __Host-tertulia={secret_text}", "y".repeat(43));
        let shown =
            |pairs: &[(&'static str, &str)]| secret(&headers(pairs)).map(|secret| secret.expose().to_owned());
        let https = ("origin", "https://meet.example.org");
        let fetched = ("sec-fetch-site", "same-origin");
        let host = ("host", "meet.example.org");
        assert_eq!(shown(&[host, ("cookie", &plain)]), Some(secret_text.clone()));
        assert_eq!(
            shown(&[("host", "localhost:7880"), fetched, ("cookie", &plain)]),
            Some(secret_text.clone())
        );
        assert_eq!(shown(&[host, https, ("cookie", &plain)]), None);
        assert_eq!(shown(&[host, fetched, ("cookie", &plain)]), None);
        assert_eq!(shown(&[host, fetched, ("cookie", &safe)]), Some(secret_text));
    }

    #[test]
    fn cookies_of_secure_pages_stay_with_https_and_this_name() {
        let token = SecretToken::from_random([7; 32]);
        let set = |name, value| {
            let secure = came_securely(&headers(&[(name, value)]));
            let value = set(secure, &token, 60).unwrap();
            value.to_str().unwrap().to_owned()
        };
        let secure = set("origin", "https://meet.example.org");
        assert_eq!(set("x-forwarded-proto", "https"), secure);
        assert!(secure.starts_with("__Host-tertulia=") && secure.ends_with("; Secure"));
        let plain = set("origin", "http://localhost:7880");
        assert!(plain.starts_with("tertulia=") && !plain.contains("Secure"));
        for cookie in [secure, plain] {
            assert!(
                cookie.contains("; HttpOnly; SameSite=Strict") && cookie.contains("; Path=/; Max-Age=60")
            );
        }
        let away = set_away(true, &token, 60).unwrap();
        let away = away.to_str().unwrap();
        assert!(away.starts_with("__Host-tertulia-away=") && away.ends_with("; SameSite=Lax; Secure"));
        let shown = headers(&[("cookie", away)]);
        assert!(away_secret(&shown, true).is_some() && away_secret(&shown, false).is_none());
        assert!(secret(&shown).is_none());
    }
}
