//! The web app, embedded in the binary.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

const INDEX: &str = "index.html";
/// First segments of paths that belong to the server: nothing there is ever the web app.
const SERVER_PATHS: [&str; 15] = [
    "api",
    "assets",
    "rtc",
    "twirp",
    "healthz",
    "readyz",
    "metrics",
    "agent",
    "sip",
    "whip",
    "whep",
    "xmpp-websocket",
    "http-bind",
    "config.js",
    "favicon.ico",
];
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><title>Tertulia</title>\
    <h1>Tertulia is running</h1><p>This binary was built without the web app. \
    Run <code>make build</code> in the project and start it again.</p></html>\n";
/// Small files gain nothing by compression.
const WORTH_COMPRESSING: usize = 1_024;

#[derive(rust_embed::Embed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Embedded;

/// The app's files with their compressed forms; cheap to clone.
#[derive(Clone)]
pub struct WebApp {
    files: Arc<BTreeMap<String, File>>,
}

struct File {
    plain: Bytes,
    content_type: HeaderValue,
    etag: HeaderValue,
    /// Its name holds a hash of what is in it.
    immutable: bool,
    gzip: OnceLock<Bytes>,
    brotli: OnceLock<Bytes>,
}

impl WebApp {
    /// Takes the files out of the binary.
    pub fn embedded() -> Self {
        // Names with a leading dot are notes of the build, not part of the app.
        let names = Embedded::iter().filter(|name| !name.starts_with('.'));
        let files = names.filter_map(|name| {
            let file = Embedded::get(&name)?;
            let kind = file.metadata.mimetype();
            let hash: String = file
                .metadata
                .sha256_hash()
                .iter()
                .take(12)
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let file = File::new(&name, Bytes::from(file.data.into_owned()), kind, &hash)?;
            Some((name.into_owned(), file))
        });
        Self {
            files: Arc::new(files.collect()),
        }
    }

    /// Compresses what is worth it; blocks for as long as that takes. Until then files are sent plain.
    pub fn compress(&self) {
        for file in self.files.values().filter(|file| file.is_worth_compressing()) {
            if let Some(bytes) = smaller(&file.plain, gzip(&file.plain)) {
                // Filled here only.
                file.gzip.get_or_init(|| bytes);
            }
            if let Some(bytes) = smaller(&file.plain, brotli(&file.plain)) {
                file.brotli.get_or_init(|| bytes);
            }
        }
    }
}

impl File {
    fn new(name: &str, plain: Bytes, kind: &str, hash: &str) -> Option<Self> {
        let kind = if kind.starts_with("text/") && !kind.contains("charset") {
            format!("{kind}; charset=utf-8")
        } else {
            kind.to_owned()
        };
        Some(Self {
            plain,
            content_type: HeaderValue::from_str(&kind).ok()?,
            etag: HeaderValue::from_str(&format!("\"{hash}\"")).ok()?,
            immutable: name.starts_with("assets/"),
            gzip: OnceLock::new(),
            brotli: OnceLock::new(),
        })
    }

    fn is_worth_compressing(&self) -> bool {
        let kind = self.content_type.to_str().unwrap_or_default();
        let text = ["text/", "javascript", "json", "svg", "wasm", "manifest"]
            .iter()
            .any(|part| kind.contains(part));
        text && self.plain.len() >= WORTH_COMPRESSING
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        let (bytes, encoding) = self.best(headers);
        let caching = if self.immutable {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        let unchanged = headers
            .get(header::IF_NONE_MATCH)
            .is_some_and(|value| matches(value, &self.etag));
        let mut response = if unchanged {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            Body::from(bytes.clone()).into_response()
        };
        let out = response.headers_mut();
        out.insert(header::CONTENT_TYPE, self.content_type.clone());
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
        out.insert(header::ETAG, self.etag.clone());
        out.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        if let (Some(encoding), false) = (encoding, unchanged) {
            out.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        response
    }

    fn best(&self, headers: &HeaderMap) -> (&Bytes, Option<&'static str>) {
        match (self.brotli.get(), self.gzip.get()) {
            (Some(bytes), _) if accepts(headers, "br") => (bytes, Some("br")),
            (_, Some(bytes)) if accepts(headers, "gzip") => (bytes, Some("gzip")),
            _ => (&self.plain, None),
        }
    }
}

/// Answers any path that is nobody else's: a file of the app, or the app's page, which reads the path itself.
pub async fn serve(app: WebApp, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let allow = [(header::ALLOW, HeaderValue::from_static("GET, HEAD"))];
        return (StatusCode::METHOD_NOT_ALLOWED, allow).into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    let mut response = match app.files.get(path) {
        Some(file) => file.answer(request.headers()),
        None if belongs_to_server(path) => StatusCode::NOT_FOUND.into_response(),
        None => match app.files.get(INDEX) {
            Some(page) => page.answer(request.headers()),
            None => {
                let kind = HeaderValue::from_static("text/html; charset=utf-8");
                ([(header::CONTENT_TYPE, kind)], NOT_BUILT).into_response()
            }
        },
    };
    if path.is_empty() {
        // LiveKit's clients ask for `/` from pages of other origins to find out whether they are online.
        let any = HeaderValue::from_static("*");
        response
            .headers_mut()
            .insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    }
    response
}

fn belongs_to_server(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or(path);
    SERVER_PATHS.iter().any(|own| own.eq_ignore_ascii_case(first))
}

fn matches(value: &HeaderValue, etag: &HeaderValue) -> bool {
    let (Ok(value), Ok(etag)) = (value.to_str(), etag.to_str()) else {
        return false;
    };
    value
        .split(',')
        .map(str::trim)
        .any(|one| one == "*" || one.trim_start_matches("W/") == etag)
}

fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let values = headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|one| {
        let (name, quality) = one.split_once(';').unwrap_or((one, ""));
        let refused = quality
            .trim()
            .strip_prefix("q=")
            .is_some_and(|q| q.trim().parse() == Ok(0.0));
        name.trim().eq_ignore_ascii_case(encoding) && !refused
    })
}

fn smaller(plain: &Bytes, compressed: std::io::Result<Vec<u8>>) -> Option<Bytes> {
    match compressed {
        Ok(bytes) => (bytes.len() < plain.len()).then(|| Bytes::from(bytes)),
        Err(error) => {
            tracing::warn!(%error, "a file of the web app cannot be compressed");
            None
        }
    }
}

fn gzip(plain: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain)?;
    encoder.finish()
}

fn brotli(plain: &[u8]) -> std::io::Result<Vec<u8>> {
    // Quality 9 costs a tenth of 11's time for a few hundredths more bytes, and this runs at each start.
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: 9,
        lgwin: 22,
        ..Default::default()
    };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut &*plain, &mut compressed, &parameters)?;
    Ok(compressed)
}

#[cfg(test)]
mod tests;
