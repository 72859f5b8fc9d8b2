//! A build of Jitsi Meet's web app as the front end, from a directory of the operator's: its files as they are, its page for
//! every room, with the includes that its page expects of the server in front of it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, ensure};
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::webapp::{self, WebApp, accepts, is_ours};

const PAGE: &str = "index.html";
/// Where its files lie; what is missing there is no room.
const FOLDERS: [&str; 9] = [
    "libs",
    "css",
    "static",
    "images",
    "fonts",
    "lang",
    "sounds",
    "connection_optimization",
    "_unlock",
];
/// Largest file that is sent.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// How deep includes may stand in each other.
const MAX_DEPTH: usize = 4;
const INCLUDE: &str = "<!--#include virtual=\"";

/// What its page may load and do: it has scripts and styles in itself, and compiles WebAssembly. Nothing comes from elsewhere but
/// pictures.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval' \
    blob:; style-src 'self' 'unsafe-inline'; img-src 'self' https: blob: data:; media-src 'self' blob: data: \
    mediastream:; font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:; manifest-src 'self'; \
    frame-src 'self'; base-uri 'self'; form-action 'self'; object-src 'none'; frame-ancestors 'self'";

/// What the page's configuration is, by the path below which it came and the request's headers.
type Configuration = dyn Fn(&str, &HeaderMap) -> String + Send + Sync;

/// The build; cheap to clone.
#[derive(Clone)]
pub struct Meet {
    root: Arc<Path>,
    configuration: Arc<Configuration>,
}

impl Meet {
    /// Takes the build in a directory.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(
        directory: &Path,
        configuration: impl Fn(&str, &HeaderMap) -> String + Send + Sync + 'static,
    ) -> Result<Self> {
        let shown = directory.display();
        let root = directory
            .canonicalize()
            .with_context(|| format!("cannot open {shown} (xmpp.meet_dir)"))?;
        ensure!(root.join(PAGE).is_file(), "{shown} has no {PAGE} (xmpp.meet_dir)");
        Ok(Self {
            root: root.into(),
            configuration: Arc::new(configuration),
        })
    }

    /// Answers any path that is nobody else's: a file of the build, what is the server's own, or the page, which reads the
    /// path itself.
    pub async fn serve(self, app: WebApp, request: Request) -> Response {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return webapp::serve(app, request).await;
        }
        let (uri, headers) = (request.uri().clone(), request.headers().clone());
        let ours = is_ours(&app, uri.path().trim_start_matches('/'));
        // Files are read beside the threads that serve others.
        let read = tokio::task::spawn_blocking(move || self.respond(&uri, &headers, ours));
        match read.await {
            Ok(Ok(Some(response))) => response,
            Ok(Ok(None)) => webapp::serve(app, request).await,
            Ok(Err(error)) => failed(&error),
            Err(error) => failed(&error),
        }
    }

    /// The answer from the build; `None` where it is the server's own to give.
    fn respond(&self, uri: &Uri, headers: &HeaderMap, ours: bool) -> io::Result<Option<Response>> {
        let path = uri.path().trim_start_matches('/');
        let first = path.split('/').next().unwrap_or_default();
        match self.find(path)? {
            Some(file) => self.answer(&file, uri, headers).map(Some),
            None if FOLDERS.contains(&first) => Ok(Some(StatusCode::NOT_FOUND.into_response())),
            None if ours => Ok(None),
            None => self.answer(&self.root.join(PAGE), uri, headers).map(Some),
        }
    }

    /// The file a path names, if it is one in the directory. Names that the build has none of are of rooms.
    fn find(&self, path: &str) -> io::Result<Option<PathBuf>> {
        let plain = |part: &str| {
            let allowed =
                |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'~' | b'@' | b'+');
            !part.is_empty() && !part.starts_with('.') && part.bytes().all(allowed)
        };
        if !path.split('/').all(plain) {
            return Ok(None);
        }
        let file = match std::fs::canonicalize(self.root.join(path)) {
            Ok(file) => file,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        // A link may lead anywhere.
        let inside = file.starts_with(&self.root) && std::fs::metadata(&file)?.is_file();
        Ok(inside.then_some(file))
    }

    fn answer(&self, file: &Path, uri: &Uri, headers: &HeaderMap) -> io::Result<Response> {
        let html = file.extension().is_some_and(|extension| extension == "html");
        let mut out = HeaderMap::new();
        let kind = kind(file);
        out.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        out.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        if html {
            let policy = HeaderValue::from_static(CONTENT_SECURITY_POLICY);
            out.insert(header::CONTENT_SECURITY_POLICY, policy);
            out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            let text = self.expanded(&std::fs::read_to_string(file)?, uri.path(), headers);
            return Ok((out, text).into_response());
        }
        // The build writes its version behind the names of files, so that they are kept.
        let versioned = uri.query().is_some_and(|query| query.starts_with("v="));
        let caching = if versioned {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
        let mut compressed = file.as_os_str().to_owned();
        compressed.push(".gz");
        let compressed = PathBuf::from(compressed);
        let gzip = accepts(headers, "gzip") && compressed.is_file();
        let file = if gzip { &compressed } else { file };
        if gzip {
            out.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let about = std::fs::metadata(file)?;
        if about.len() > MAX_BYTES {
            return Err(io::Error::other("larger than any that is sent"));
        }
        let changed = about.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        let etag = format!("\"{:x}-{:x}\"", about.len(), changed.as_millis());
        let unchanged = headers
            .get(header::IF_NONE_MATCH)
            .is_some_and(|known| known.as_bytes() == etag.as_bytes());
        if let Ok(etag) = HeaderValue::from_str(&etag) {
            out.insert(header::ETAG, etag);
        }
        if unchanged {
            out.remove(header::CONTENT_ENCODING);
            return Ok((StatusCode::NOT_MODIFIED, out).into_response());
        }
        Ok((out, Body::from(std::fs::read(file)?)).into_response())
    }

    /// A page with what it includes.
    fn expanded(&self, page: &str, path: &str, headers: &HeaderMap) -> String {
        // What is left to read, the innermost last.
        let mut left = vec![page.to_owned()];
        let mut out = String::with_capacity(page.len() * 2);
        while let Some(text) = left.pop() {
            let Some((before, rest)) = text.split_once(INCLUDE) else {
                out.push_str(&text);
                continue;
            };
            out.push_str(before);
            let Some((name, after)) = rest.split_once('"') else {
                continue;
            };
            let after = after.split_once("-->").map_or("", |(_, after)| after);
            left.push(after.to_owned());
            if left.len() > MAX_DEPTH {
                continue;
            }
            match name.trim_start_matches('/') {
                "config.js" => out.push_str(&(self.configuration)(tenant(path), headers)),
                name => left.extend(self.included(name)),
            }
        }
        out
    }

    fn included(&self, name: &str) -> Option<String> {
        let file = self.find(name).ok().flatten()?;
        match std::fs::read_to_string(file) {
            Ok(text) => Some(text),
            Err(error) => {
                tracing::warn!(%error, name, "what the Jitsi Meet page includes cannot be read");
                None
            }
        }
    }
}

fn failed(error: &dyn std::fmt::Display) -> Response {
    tracing::warn!(%error, "a file of the Jitsi Meet build cannot be read");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// The path below which a room of a tenant is found: `/tenant` for `/tenant/Room`.
fn tenant(path: &str) -> &str {
    let room = path.trim_end_matches('/');
    room.rfind('/').map_or("", |end| &room[..end])
}

fn kind(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("woff") => "font/woff",
        Some("ttf") => "font/ttf",
        Some("mp3") => "audio/mpeg",
        Some("opus" | "ogg") => "audio/ogg",
        Some("wav") => "audio/wav",
        Some("mp4") => "video/mp4",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Folder(PathBuf);

    impl Drop for Folder {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    /// A build in small.
    fn build() -> (Folder, Meet) {
        let folder = std::env::temp_dir().join(format!("tertulia-meet-{:016x}", rand::random::<u64>()));
        for (name, text) in [
            (
                "index.html",
                "<head><!--#include virtual=\"base.html\" --><script><!--#include virtual=\"/config.js\" --></script>\
                 <!--#include virtual=\"gone.html\" --></head><!--#include virtual=\"loop.html\" -->end",
            ),
            ("base.html", "<base href=\"/\">"),
            ("loop.html", "o<!--#include virtual=\"loop.html\" -->"),
            ("libs/app.bundle.min.js", "app()"),
            ("libs/app.bundle.min.js.gz", "zipped"),
            (".secret", "x"),
        ] {
            let file = folder.join("meet").join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        fs::write(folder.join("outside.js"), "outside").unwrap();
        std::os::unix::fs::symlink(folder.join("outside.js"), folder.join("meet/link.js")).unwrap();
        let meet = Meet::open(&folder.join("meet"), |tenant, _| format!("config({tenant:?})")).unwrap();
        (Folder(folder), meet)
    }

    async fn asked(meet: &Meet, path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, String) {
        let request = headers
            .iter()
            .fold(Request::builder().uri(path), |request, (name, value)| {
                request.header(*name, *value)
            });
        let request = request.body(Body::empty()).unwrap();
        let response = meet.clone().serve(WebApp::embedded(&[]), request).await;
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1_000_000).await.unwrap();
        (
            parts.status,
            parts.headers,
            String::from_utf8_lossy(&body).into_owned(),
        )
    }

    #[tokio::test]
    async fn every_room_has_the_page_with_what_it_includes() {
        let (_folder, meet) = build();
        let (status, headers, page) = asked(&meet, "/Weekly", &[]).await;
        assert_eq!(status, StatusCode::OK);
        assert!(
            page.starts_with("<head><base href=\"/\"><script>config(\"\")</script></head>o"),
            "{page}"
        );
        assert!(page.ends_with("end"), "{page}");
        assert!(headers.contains_key(header::CONTENT_SECURITY_POLICY));
        let (_, _, page) = asked(&meet, "/school/Weekly", &[]).await;
        assert!(page.contains("config(\"/school\")"), "{page}");
    }

    #[tokio::test]
    async fn files_are_sent_as_they_are_and_none_from_elsewhere() {
        let (_folder, meet) = build();
        let script = "/libs/app.bundle.min.js?v=7";
        let (_, headers, text) = asked(&meet, script, &[]).await;
        assert_eq!(text, "app()");
        assert_eq!(headers[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
        let (_, headers, text) = asked(&meet, script, &[("accept-encoding", "gzip")]).await;
        assert_eq!(
            (&*text, &headers[header::CONTENT_ENCODING]),
            ("zipped", &HeaderValue::from_static("gzip"))
        );
        let etag = headers[header::ETAG].to_str().unwrap().to_owned();
        let known = [("accept-encoding", "gzip"), ("if-none-match", &*etag)];
        assert_eq!(asked(&meet, script, &known).await.0, StatusCode::NOT_MODIFIED);
        assert_eq!(asked(&meet, "/libs/gone.js", &[]).await.0, StatusCode::NOT_FOUND);
        for path in [
            "/../outside.js",
            "/libs/../../outside.js",
            "/%2e%2e/outside.js",
            "/link.js",
            "/.secret",
        ] {
            let (_, _, text) = asked(&meet, path, &[]).await;
            assert!(text != "outside" && text != "x", "for {path}: {text}");
        }
        assert_eq!(asked(&meet, "/api/gone", &[]).await.0, StatusCode::NOT_FOUND);
    }

    #[test]
    fn a_directory_without_a_page_is_no_build() {
        let folder = std::env::temp_dir();
        assert!(Meet::open(&folder.join("no-such-folder"), |_, _| String::new()).is_err());
    }
}
