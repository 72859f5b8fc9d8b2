use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::config::{EngineConfig, EngineError};
use crate::demux::{stun_request_ufrag, worker_of};
use crate::handle::Shared;
use crate::message::ToWorker;
use crate::stats::Counters;

/// Connections that have not shown a STUN request yet.
const UNKNOWN_CONNECTIONS: usize = 512;
/// How long they may take.
const FIRST_FRAME: Duration = Duration::from_secs(10);
/// Largest first frame: a STUN request is far smaller.
const FIRST_FRAME_BYTES: usize = 1_500;

/// Binds the ICE-TCP listener, if one is wanted; gives its port.
pub(crate) fn bind(config: &EngineConfig) -> Result<Option<(std::net::TcpListener, u16)>, EngineError> {
    let Some(port) = config.tcp_port else {
        return Ok(None);
    };
    let address = SocketAddr::new(config.bind, port);
    let failed = |source| EngineError::Bind {
        protocol: "TCP",
        address,
        source,
    };
    let listener = std::net::TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    Ok(Some((listener, port)))
}

/// Accepts connections and hands each to the worker its first STUN request names.
///
/// The task ends when the engine is stopped or dropped with its runtime.
pub(crate) fn serve(listener: std::net::TcpListener, shared: Arc<Shared>) {
    tokio::spawn(async move {
        let listener = match TcpListener::from_std(listener) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!(%error, "ICE-TCP cannot be served");
                return;
            }
        };
        let unknown = Arc::new(Semaphore::new(UNKNOWN_CONNECTIONS));
        while !shared.stopping() {
            let (stream, remote) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "an ICE-TCP connection could not be accepted");
                    // Out of descriptors: accepting again at once would only spin.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let Ok(place) = unknown.clone().try_acquire_owned() else {
                Counters::up(&shared.counters.tcp_refused);
                continue;
            };
            let shared = shared.clone();
            tokio::spawn(async move {
                let bound = tokio::time::timeout(FIRST_FRAME, hand_over(stream, remote, &shared)).await;
                if !matches!(bound, Ok(Some(()))) {
                    Counters::up(&shared.counters.tcp_refused);
                }
                drop(place);
            });
        }
    });
}

/// Reads the first frame and gives the connection to its worker; `None` where it names none.
async fn hand_over(mut stream: TcpStream, remote: SocketAddr, shared: &Shared) -> Option<()> {
    let length = usize::from(stream.read_u16().await.ok()?);
    if length > FIRST_FRAME_BYTES {
        return None;
    }
    let mut first_frame = vec![0; length];
    stream.read_exact(&mut first_frame).await.ok()?;
    let worker = worker_of(stun_request_ufrag(&first_frame)?)?;
    stream.set_nodelay(true).ok()?;
    let local = stream.local_addr().ok()?;
    let local = SocketAddr::new(local.ip().to_canonical(), local.port());
    let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
    let stream = stream.into_std().ok()?;
    let message = ToWorker::TcpStream {
        stream,
        remote,
        local,
        first_frame,
    };
    shared.worker(worker)?.try_send(message).then_some(())
}
