//! Connections: how many, how long, and who waits for them at the end.

mod conversation;
mod proxied;
mod secure;

use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tertulia_engine::source_of;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub use secure::{Relay, Secured};

use super::TrustedProxies;
use crate::tls::Tls;

/// A request's head must be there in this time, and a connection without a request may idle no longer.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// A peer that acknowledges nothing for this long is gone.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);
/// How long to wait after the kernel refused us a connection, most likely for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const BACKLOG: i32 = 1_024;

/// How many connections are held.
#[derive(Debug, Clone)]
pub struct ListenerLimits {
    /// In all.
    pub connections: usize,
    /// From one address.
    pub per_address: usize,
    /// Addresses the second limit does not apply to.
    pub exempt: TrustedProxies,
}

/// The connections that are open, upgraded ones included; cheap to clone.
#[derive(Clone)]
pub struct Connections {
    count: Arc<watch::Sender<usize>>,
    refused: Arc<AtomicU64>,
    by_address: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            count: Arc::new(watch::Sender::new(0)),
            refused: Arc::default(),
            by_address: Arc::default(),
        }
    }
}

impl Connections {
    /// How many there are.
    pub fn count(&self) -> usize {
        *self.count.borrow()
    }

    /// How many were refused since the start.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Waits until there are none.
    pub async fn none_left(&self) {
        let mut count = self.count.subscribe();
        // An error would mean that the sender is gone, but it is ours.
        let _none = count.wait_for(|count| *count == 0).await;
    }

    fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        tracing::debug!("a connection was refused: too many");
    }

    fn admit(&self, address: IpAddr, limits: &ListenerLimits) -> Option<Admitted> {
        let exempt = limits.exempt.contains(address);
        let address = source_of(address);
        if self.count() >= limits.connections {
            return None;
        }
        let mut by_address = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let own = by_address.entry(address).or_insert(0);
        if *own >= limits.per_address && !exempt {
            return None;
        }
        *own += 1;
        self.count.send_modify(|count| *count += 1);
        Some(Admitted {
            connections: self.clone(),
            address,
        })
    }
}

/// One connection's place among the others.
struct Admitted {
    connections: Connections,
    address: IpAddr,
}

impl Admitted {
    /// Counts it for another address, behind the proxy that it came from; false where that one has too many.
    fn move_to(&mut self, address: IpAddr, limits: &ListenerLimits) -> bool {
        let exempt = limits.exempt.contains(address);
        let address = source_of(address);
        let mut by_address = self
            .connections
            .by_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let own = by_address.entry(address).or_insert(0);
        if *own >= limits.per_address && !exempt {
            return false;
        }
        *own += 1;
        leave(&mut by_address, self.address);
        self.address = address;
        true
    }
}

fn leave(by_address: &mut HashMap<IpAddr, usize>, address: IpAddr) {
    if let Some(own) = by_address.get_mut(&address) {
        *own -= 1;
        if *own == 0 {
            by_address.remove(&address);
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut by_address = self
            .connections
            .by_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        leave(&mut by_address, self.address);
        drop(by_address);
        self.connections.count.send_modify(|count| *count -= 1);
    }
}

/// Binds a listening socket for the runtime this is called in; see [`try_bind`].
///
/// # Errors
/// When the address cannot be bound.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::from_std(try_bind(address)?)
}

/// Binds a listening socket; one on `[::]` takes IPv4 too, and falls back to `0.0.0.0` where there is no IPv6.
///
/// # Errors
/// When the address cannot be bound.
pub fn try_bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    match bind_exactly(address) {
        Err(error) if address.ip().is_unspecified() && address.is_ipv6() && lacks_ipv6(&error) => {
            bind_exactly(SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port())))
        }
        bound => bound,
    }
}

fn bind_exactly(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn lacks_ipv6(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let codes = [Errno::AFNOSUPPORT, Errno::ADDRNOTAVAIL].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

/// What a listener serves, and to whom.
#[derive(Clone)]
pub struct Site {
    /// Answers requests.
    pub router: Router,
    /// How many connections are held.
    pub limits: ListenerLimits,
    /// For HTTPS; without it the listener speaks plain HTTP.
    pub tls: Option<Tls>,
    /// Whether `limits.exempt` say in a PROXY header who comes.
    pub proxy_protocol: bool,
    /// Takes over a stream that turns out to speak STUN; without it such a stream is closed.
    pub relay: Option<Relay>,
}

/// Serves connections until `stop` turns true; then finishes the requests under way. The connections themselves end
/// on their own time: wait for [`Connections::none_left`].
pub async fn serve(
    listener: TcpListener,
    site: Site,
    connections: Connections,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut stop) => return,
        };
        match accepted {
            Ok((stream, peer)) => match connections.admit(peer.ip(), &site.limits) {
                Some(admitted) => {
                    let held = Held { stream, admitted };
                    tokio::spawn(receive(held, peer, site.clone(), stop.clone()));
                }
                None => connections.refuse(),
            },
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn receive(mut held: Held, mut peer: SocketAddr, site: Site, stop: watch::Receiver<bool>) {
    let options = SockRef::from(&held.stream);
    let set = options
        .set_tcp_nodelay(true)
        .and_then(|()| options.set_tcp_user_timeout(Some(UNACKNOWLEDGED)));
    if let Err(error) = set {
        tracing::debug!(%error, "a connection ended before it began");
        return;
    }
    if site.proxy_protocol && site.limits.exempt.contains(peer.ip()) {
        let header = tokio::time::timeout(HEADER_TIMEOUT, proxied::read(&mut held.stream)).await;
        match header.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(Some(client)) => peer = client,
            // The proxy itself asks, to see whether we are there.
            Ok(None) => {}
            Err(error) => {
                tracing::debug!(%error, "a proxy did not say who comes");
                return;
            }
        }
        if !held.admitted.move_to(peer.ip(), &site.limits) {
            held.admitted.connections.refuse();
            return;
        }
    }
    match &site.tls {
        None => conversation::http1(held, peer, site.router, stop).await,
        Some(tls) => secure::receive(held, peer, tls, &site, stop).await,
    }
}

/// Waits until the server stops. A sender that is gone means the same.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _stopping = stop.wait_for(|stop| *stop).await;
}

/// A stream that keeps its place among the connections for as long as it lives, through upgrades too.
pub struct Held {
    stream: TcpStream,
    admitted: Admitted,
}

impl Held {
    /// The address it came to.
    fn local(&self) -> io::Result<SocketAddr> {
        self.stream.local_addr()
    }
}

impl AsyncRead for Held {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Held {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
