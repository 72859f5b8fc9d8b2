//! Origins that the operator trusts with something.

use anyhow::{Context, Result, bail, ensure};
use axum::http::Uri;
use axum::http::uri::Scheme;

/// Reads the origins of the setting `key`, and writes them as browsers do.
///
/// # Errors
/// When one is no origin.
pub fn read(key: &str, texts: &[String]) -> Result<Vec<String>> {
    texts.iter().map(|text| origin(key, text)).collect()
}

/// Reads an origin and writes it as browsers do (RFC 6454, section 6.2).
fn origin(key: &str, text: &str) -> Result<String> {
    let wrong = || format!("{key}: `{text}` is no origin; write https://host, with a port if it has one");
    let uri: Uri = text.parse().with_context(wrong)?;
    let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
        bail!(wrong());
    };
    let host = authority.host();
    let v6 = host.starts_with('[') && host.ends_with(']');
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.' || (v6 && "[]:".contains(c));
    let web = *scheme == Scheme::HTTPS || *scheme == Scheme::HTTP;
    let only =
        uri.path() == "/" && uri.query().is_none() && !text.ends_with('/') && !text.contains(['@', '#']);
    ensure!(
        web && only && !host.is_empty() && host.chars().all(plain),
        wrong()
    );
    let default = if *scheme == Scheme::HTTPS { 443 } else { 80 };
    let port = match authority.port_u16() {
        Some(port) if port != default => format!(":{port}"),
        _ => String::new(),
    };
    Ok(format!("{scheme}://{}{port}", host.to_ascii_lowercase()))
}
