use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use tokio::sync::watch;

/// What a page of ours may load and do. No script or style stands in the page itself, nothing comes from elsewhere,
/// and only our own pages may frame it, and those of origins the operator names. `connect-src 'self'` covers the WebSocket of the same origin. WebAssembly, for
/// noise and backgrounds, is let be compiled; text is still never run as script.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' blob: data:; media-src 'self' blob: mediastream:; font-src 'self'; connect-src 'self'; \
    worker-src 'self' blob:; manifest-src 'self'; base-uri 'none'; form-action 'self'; object-src 'none'; \
    frame-ancestors 'self'";

/// The part of it that says where sound and picture come from.
const MEDIA: &str = "media-src 'self' blob: mediastream:";

const PERMISSIONS_POLICY: &str = "camera=(self), microphone=(self), display-capture=(self), \
    speaker-selection=(self), autoplay=(self), fullscreen=(self), picture-in-picture=(self), \
    screen-wake-lock=(self), geolocation=(), midi=(), payment=(), usb=(), serial=()";

/// Who may show our pages in a frame: ourselves, and whom the operator lets; cheap to clone.
#[derive(Clone)]
pub struct Framing {
    policy: Arc<watch::Sender<HeaderValue>>,
    /// Where videos come from that are watched together, each with a space before it.
    videos: Arc<str>,
}

impl Default for Framing {
    fn default() -> Self {
        let policy = HeaderValue::from_static(CONTENT_SECURITY_POLICY);
        Self {
            policy: Arc::new(watch::Sender::new(policy)),
            videos: "".into(),
        }
    }
}

impl Framing {
    /// Lets our pages play videos from these origins, beside our own, once [`Framing::allow`] has been asked.
    pub fn with_videos_from(origins: &[String]) -> Self {
        Self {
            videos: listed(origins).into(),
            ..Self::default()
        }
    }

    /// Lets pages of these origins, and of no others from here on, frame ours.
    pub fn allow(&self, origins: &[String]) {
        let own = CONTENT_SECURITY_POLICY.replace(MEDIA, &format!("{MEDIA}{}", self.videos));
        match HeaderValue::try_from(format!("{own}{}", listed(origins))) {
            Ok(policy) => {
                self.policy.send_replace(policy);
            }
            Err(error) => {
                tracing::error!(%error, "origins cannot be told to browsers; none is let frame our pages")
            }
        }
    }
}

fn listed(origins: &[String]) -> String {
    origins.iter().map(|origin| format!(" {origin}")).collect()
}

/// Adds what every answer carries.
pub async fn secure(State(framing): State<Framing>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let policy = framing.policy.borrow().clone();
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(HeaderName::from_static("permissions-policy"), PERMISSIONS_POLICY);
    set(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    response
}

/// What asks browsers to use nothing but HTTPS for this name, for `seconds` (RFC 6797).
pub fn hsts(seconds: u64) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("max-age={seconds}")).ok()
}

/// Adds [`hsts`] to every answer.
pub fn ask_for_https(router: Router, seconds: u64) -> Router {
    let Some(value) = hsts(seconds) else {
        return router;
    };
    router.layer(from_fn(move |request: Request, next: Next| {
        let value = value.clone();
        async move {
            let mut response = next.run(request).await;
            response
                .headers_mut()
                .insert(header::STRICT_TRANSPORT_SECURITY, value);
            response
        }
    }))
}
