//! The web app, embedded in the binary.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tokio::sync::watch;

use super::headers::Framing;
use crate::branding::Brand;

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
/// The forms of a file that the web app's build puts beside it, best first: ending, and name as a content coding.
const FORMS: [(&str, &str); 2] = [(".br", "br"), (".gz", "gzip")];
/// The operator's files, which nobody else has looked at, may be looked at and nothing more, opened by themselves as well.
const FOREIGN_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
/// Where they are; a path below it that leads to none is nobody's.
const BRANDING: &str = "branding/";

#[derive(rust_embed::Embed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Embedded;

/// The app's files with their compressed forms, and the brand over them; cheap to clone.
#[derive(Clone)]
pub struct WebApp {
    files: Files,
    brand: Arc<watch::Sender<Files>>,
    framing: Framing,
}

type Files = Arc<BTreeMap<String, File>>;

struct File {
    plain: Bytes,
    content_type: HeaderValue,
    etag: HeaderValue,
    /// Its name holds a hash of what is in it.
    immutable: bool,
    /// It is the operator's.
    foreign: bool,
    /// Compressed, each with its content coding, best first.
    forms: Vec<(&'static str, Bytes)>,
}

impl WebApp {
    /// Takes the files out of the binary. Its pages may play videos from these origins beside its own.
    pub fn embedded(videos_from: &[String]) -> Self {
        // Names with a leading dot are notes of the build, not part of the app.
        let names = Embedded::iter().filter(|name| !name.starts_with('.') && !is_form(name));
        let files = names.filter_map(|name| {
            let file = Embedded::get(&name)?;
            let kind = file.metadata.mimetype().to_owned();
            let hash = hex(&file.metadata.sha256_hash());
            let mut own = File::new(&name, bytes(file), &kind, &hash)?;
            own.forms = FORMS
                .iter()
                .filter_map(|(ending, coding)| {
                    Some((*coding, bytes(Embedded::get(&format!("{name}{ending}"))?)))
                })
                .collect();
            Some((name.into_owned(), own))
        });
        Self::of(files.collect(), Framing::with_videos_from(videos_from))
    }

    fn of(files: BTreeMap<String, File>, framing: Framing) -> Self {
        Self {
            files: Arc::new(files),
            brand: Arc::default(),
            framing,
        }
    }

    /// The app's page as it was built.
    pub fn built_page(&self) -> Option<String> {
        let page = self.files.get(INDEX)?;
        Some(String::from_utf8_lossy(&page.plain).into_owned())
    }

    /// Who may frame the app.
    pub fn framing(&self) -> Framing {
        self.framing.clone()
    }

    /// Shows itself in this brand from here on.
    pub fn wear(&self, brand: Brand) {
        let files = brand.assets.into_iter().filter_map(|asset| {
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &asset.bytes);
            let mut file = File::new(&asset.name, asset.bytes, asset.kind, &hex(digest.as_ref()))?;
            file.foreign = asset.foreign;
            Some((asset.name, file))
        });
        self.brand.send_replace(Arc::new(files.collect()));
        self.framing.allow(&brand.origins);
    }
}

/// Enough of a digest to tell versions apart.
fn hex(digest: &[u8]) -> String {
    digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

fn is_form(name: &str) -> bool {
    FORMS.iter().any(|(ending, _)| {
        name.strip_suffix(ending)
            .is_some_and(|plain| Embedded::get(plain).is_some())
    })
}

fn bytes(file: rust_embed::EmbeddedFile) -> Bytes {
    match file.data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
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
            foreign: false,
            forms: Vec::new(),
        })
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
        if self.foreign {
            out.insert(
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static(FOREIGN_POLICY),
            );
        }
        response
    }

    fn best(&self, headers: &HeaderMap) -> (&Bytes, Option<&'static str>) {
        let accepted = self.forms.iter().find(|(coding, _)| accepts(headers, coding));
        match accepted {
            Some((coding, bytes)) => (bytes, Some(coding)),
            None => (&self.plain, None),
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
    let brand = app.brand.borrow().clone();
    let file = |path: &str| brand.get(path).or_else(|| app.files.get(path));
    let mut response = match file(path) {
        Some(file) => file.answer(request.headers()),
        None if belongs_to_server(path) || path.starts_with(BRANDING) => {
            StatusCode::NOT_FOUND.into_response()
        }
        None => match file(INDEX) {
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

/// Whether a path is the app's or the server's own, and no room's.
pub fn is_ours(app: &WebApp, path: &str) -> bool {
    let file = app.files.contains_key(path) || app.brand.borrow().contains_key(path);
    (file && !path.is_empty()) || belongs_to_server(path)
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

/// Whether a client takes an encoding.
pub fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
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

#[cfg(test)]
mod tests;
