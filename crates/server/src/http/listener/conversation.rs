//! HTTP over one connection, and its end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::ConnectInfo;
use axum::http::HeaderValue;
use axum::http::header::HOST;
use bytes::Bytes;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tower::ServiceExt as _;

use super::{HEADER_TIMEOUT, stopped};

/// Greatest head. LiveKit clients put their first offer, up to 16 KiB, into the address.
const MAX_HEAD_BYTES: usize = 64 * 1_024;
const MAX_HEADERS: usize = 100;
/// Requests under way at once on one HTTP/2 connection: a page with all its files, twice over.
const MAX_STREAMS: u32 = 128;
/// An HTTP/2 connection without a request under way may idle no longer; browsers open another when they need it.
const IDLE: Duration = Duration::from_secs(60);
/// How often a silent HTTP/2 peer is asked whether it is there, and how long it has to answer.
const PING: Duration = Duration::from_secs(20);

/// Serves HTTP/1.1, upgrades included.
pub async fn http1<S>(stream: S, peer: SocketAddr, router: Router, mut stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| answer(router.clone(), peer, request));
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES);
    let connection = builder
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let wind_down = http1::UpgradeableConnection::graceful_shutdown;
    until_end(connection, wind_down, stopped(&mut stop)).await;
}

/// Serves HTTP/2.
pub async fn http2<S>(stream: S, peer: SocketAddr, router: Router, mut stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let under_way = UnderWay(watch::Sender::new(0).into());
    let counted = under_way.clone();
    let service = service_fn(move |request| {
        let place = counted.enter();
        let answer = answer(router.clone(), peer, request);
        async move {
            let response = answer.await?;
            Ok::<_, Infallible>(response.map(|body| Body::new(Placed { body, _place: place })))
        }
    });
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(u32::try_from(MAX_HEAD_BYTES).unwrap_or(u32::MAX))
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let over = async {
        tokio::select! {
            () = stopped(&mut stop) => {}
            () = under_way.idle() => {}
        }
    };
    until_end(connection, http2::Connection::graceful_shutdown, over).await;
}

async fn answer(
    router: Router,
    peer: SocketAddr,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    request.extensions_mut().insert(ConnectInfo(peer));
    // HTTP/2 says it in the address (RFC 9113, section 8.3.1); those behind this look in one place.
    let authority = request.uri().authority().map(|authority| authority.as_str());
    if let Some(Ok(host)) = authority.map(HeaderValue::try_from) {
        request.headers_mut().entry(HOST).or_insert(host);
    }
    router.oneshot(request.map(Body::new)).await
}

/// Drives a connection; once `over` is, it finishes what is under way and takes nothing new.
async fn until_end<C>(connection: C, wind_down: impl FnOnce(Pin<&mut C>), over: impl Future<Output = ()>)
where
    C: Future<Output = hyper::Result<()>>,
{
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = over => {
            wind_down(connection.as_mut());
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// The requests of a connection whose answer is not yet finished.
#[derive(Clone)]
struct UnderWay(std::sync::Arc<watch::Sender<usize>>);

impl UnderWay {
    fn enter(&self) -> Place {
        self.0.send_modify(|count| *count += 1);
        Place(self.clone())
    }

    /// Waits until there has been none for [`IDLE`].
    async fn idle(&self) {
        let mut count = self.0.subscribe();
        loop {
            // An error would mean that the sender is gone, but it is ours.
            drop(count.wait_for(|count| *count == 0).await);
            if tokio::time::timeout(IDLE, count.changed()).await.is_err() {
                return;
            }
        }
    }
}

struct Place(UnderWay);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}

/// An answer's body that counts as under way for as long as it lives.
struct Placed {
    body: Body,
    _place: Place,
}

impl HttpBody for Placed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
