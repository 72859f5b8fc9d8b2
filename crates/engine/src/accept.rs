use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tertulia_turn::Transport;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};

use crate::config::{EngineConfig, EngineError};
use crate::demux::{stun_request_ufrag, worker_of};
use crate::handle::Shared;
use crate::message::ToWorker;
use crate::stats::Counters;
use crate::turn::TurnStreams;

/// Connections that have not shown a STUN request yet.
const UNKNOWN_CONNECTIONS: usize = 512;
/// Of these, from one source: an IPv4 address, or the /64 an IPv6 host can choose its address from.
const UNKNOWN_EACH: usize = 32;
/// How long they may take.
const FIRST_FRAME: Duration = Duration::from_secs(10);
/// Largest first frame: a STUN request is far smaller.
const FIRST_FRAME_BYTES: usize = 1_500;
/// Bytes that tell a frame of ICE-TCP (RFC 4571) from a STUN message by itself.
const HEAD: usize = 8;

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

/// Accepts connections and hands each to the worker its first STUN request names, or to the TURN server.
///
/// The task ends when the engine is shut down.
pub(crate) fn serve(listener: std::net::TcpListener, shared: Arc<Shared>, turn: Option<TurnStreams>) {
    tokio::spawn(async move {
        let listener = match TcpListener::from_std(listener) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!(%error, "ICE-TCP cannot be served");
                return;
            }
        };
        let unknown = Arc::new(Unknown::default());
        while !shared.stopping() {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = shared.stopped() => return,
            };
            let (stream, remote) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "an ICE-TCP connection could not be accepted");
                    // Out of descriptors: accepting again at once would only spin.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let Some(place) = Unknown::admit(&unknown, remote.ip()) else {
                Counters::up(&shared.counters.tcp_refused);
                continue;
            };
            let (shared, turn) = (shared.clone(), turn.clone());
            tokio::spawn(async move {
                let recognised = recognise(stream, remote, &shared);
                let recognised = tokio::time::timeout(FIRST_FRAME, recognised).await;
                drop(place);
                match (recognised, turn) {
                    (Ok(Some(Recognised::Ice)), _) => {}
                    (Ok(Some(Recognised::Turn(stream, head, local))), Some(turn)) => {
                        turn.serve_client(stream, &head, Transport::Tcp, remote, local)
                            .await;
                    }
                    _ => Counters::up(&shared.counters.tcp_refused),
                }
            });
        }
    });
}

/// The connections that have not shown yet whose they are.
#[derive(Default)]
pub(crate) struct Unknown {
    by_source: Mutex<HashMap<IpAddr, usize>>,
}

/// One connection's place among the unknown.
pub(crate) struct Place {
    among: Arc<Unknown>,
    source: IpAddr,
}

impl Unknown {
    pub(crate) fn admit(among: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let source = source_of(address);
        let mut by_source = among.lock();
        let all: usize = by_source.values().sum();
        let own = by_source.get(&source).copied().unwrap_or_default();
        if all >= UNKNOWN_CONNECTIONS || own >= UNKNOWN_EACH {
            return None;
        }
        by_source.insert(source, own + 1);
        Some(Place {
            among: among.clone(),
            source,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.by_source.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_source = self.among.lock();
        if let Some(own) = by_source.get_mut(&self.source) {
            *own -= 1;
            if *own == 0 {
                by_source.remove(&self.source);
            }
        }
    }
}

/// What counts as one source where sources are limited: an IPv4 address, or the /64 an IPv6 host can choose its
/// address from.
pub fn source_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 => v4,
    }
}

/// A number for where somebody comes from. It says nothing but whether two come from the same place, as long as the
/// process runs.
pub fn origin_of(address: IpAddr) -> u64 {
    static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    KEYS.hash_one(source_of(address))
}

/// What a connection has turned out to be.
enum Recognised {
    /// ICE-TCP; its worker has it.
    Ice,
    /// One of the TURN server's, with what was read of it and its local address.
    Turn(TcpStream, [u8; HEAD], SocketAddr),
}

/// Whether a connection begins with a STUN message by itself. In a frame of ICE-TCP these places hold the message's
/// length, which is no multiple of four in the cookie.
fn is_bare_stun(head: &[u8; HEAD]) -> bool {
    let [first, _, _, _, cookie @ ..] = head;
    TurnStreams::is_for_turn(*first) && *cookie == [0x21, 0x12, 0xa4, 0x42]
}

/// Reads the first frame and gives the connection to its worker; `None` where it names none.
async fn recognise(mut stream: TcpStream, remote: SocketAddr, shared: &Shared) -> Option<Recognised> {
    let mut head = [0; HEAD];
    stream.read_exact(&mut head).await.ok()?;
    stream.set_nodelay(true).ok()?;
    let local = stream.local_addr().ok()?;
    if is_bare_stun(&head) {
        return Some(Recognised::Turn(stream, head, local));
    }
    let [high, low, begin @ ..] = head;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > FIRST_FRAME_BYTES {
        return None;
    }
    let mut first_frame = vec![0; length];
    let (front, rest) = first_frame.split_at_mut_checked(begin.len())?;
    front.copy_from_slice(&begin);
    stream.read_exact(rest).await.ok()?;
    let worker = worker_of(stun_request_ufrag(&first_frame)?)?;
    let local = SocketAddr::new(local.ip().to_canonical(), local.port());
    let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
    let stream = stream.into_std().ok()?;
    let message = ToWorker::TcpStream {
        stream,
        remote,
        local,
        first_frame,
    };
    let taken = shared.worker(worker)?.try_send(message);
    taken.then_some(Recognised::Ice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_cannot_hop_within_its_network() {
        let of = |text: &str| source_of(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }

    #[test]
    fn one_source_takes_its_share_of_the_places_and_gives_them_back() {
        let unknown = Arc::new(Unknown::default());
        let admit = |text: &str| Unknown::admit(&unknown, text.parse().unwrap());
        let mut places: Vec<_> = (0..UNKNOWN_EACH)
            .map(|host| admit(&format!("2001:db8::{host:x}")).unwrap())
            .collect();
        assert!(admit("2001:db8::ffff").is_none());
        assert!(admit("2001:db8:0:1::1").is_some());
        places.pop();
        places.push(admit("2001:db8::ffff").unwrap());
        for host in 0..UNKNOWN_CONNECTIONS - UNKNOWN_EACH {
            places.push(admit(&format!("10.0.{}.{}", host / 256, host % 256)).unwrap());
        }
        assert!(admit("192.0.2.1").is_none());
        places.clear();
        assert!(unknown.lock().is_empty());
    }
}
