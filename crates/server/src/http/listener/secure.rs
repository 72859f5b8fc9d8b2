//! TLS on a connection, and what turns out to be inside.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::rustls::server::Acceptor;
use tokio_rustls::server::TlsStream;

use super::{HEADER_TIMEOUT, Held, Site, conversation};
use crate::tls::{ALPN_ACME, ALPN_TURN, Tls};

/// A connection after its handshake.
pub type Secured = TlsStream<Held>;

/// Takes over a stream that speaks STUN, with the client's address and the one it came to, until it ends.
#[derive(Clone)]
pub struct Relay(Arc<dyn Fn(Secured, SocketAddr, SocketAddr) -> Relayed + Send + Sync>);

type Relayed = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Relay {
    /// Wraps what takes such streams.
    pub fn new<F>(relay: impl Fn(Secured, SocketAddr, SocketAddr) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self(Arc::new(move |stream, peer, local| {
            Box::pin(relay(stream, peer, local))
        }))
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Relay")
    }
}

/// What a client speaks after its handshake.
#[derive(Debug, PartialEq, Eq)]
enum Spoken {
    Http1,
    Http2,
    Stun,
}

/// Does the handshake and serves what comes. Handshake and first byte have one deadline together.
pub async fn receive(held: Held, peer: SocketAddr, tls: &Tls, site: &Site, stop: watch::Receiver<bool>) {
    let Ok(local) = held.local() else { return };
    let deadline = Instant::now() + HEADER_TIMEOUT;
    let accepted = timeout_at(deadline, accept(held, tls)).await;
    let (stream, spoken) = match accepted.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(Some(accepted)) => {
            tls.stats.handshake(true);
            accepted
        }
        // An authority has seen what it wanted to see.
        Ok(None) => return,
        Err(error) => {
            tls.stats.handshake(false);
            tracing::debug!(%error, "a TLS handshake failed");
            return;
        }
    };
    let router = site.router.clone();
    match spoken {
        Spoken::Http2 => conversation::http2(stream, peer, router, stop).await,
        Spoken::Http1 => conversation::http1(stream, peer, router, stop).await,
        Spoken::Stun => match &site.relay {
            Some(Relay(relay)) => relay(stream, peer, local).await,
            None => tracing::debug!("a connection speaks STUN, and there is no relay here"),
        },
    }
}

/// `None` for the handshake of TLS-ALPN-01, which has nothing in it.
async fn accept(held: Held, tls: &Tls) -> io::Result<Option<(Secured, Spoken)>> {
    let start = LazyConfigAcceptor::new(Acceptor::default(), held).await?;
    let is_challenge = |mut protocols: Vec<&[u8]>| protocols.pop() == Some(ALPN_ACME) && protocols.is_empty();
    let asks = start
        .client_hello()
        .alpn()
        .is_some_and(|protocols| is_challenge(protocols.collect()));
    if asks {
        let mut stream = start.into_stream(tls.challenge_config.clone()).await?;
        stream.shutdown().await?;
        return Ok(None);
    }
    let mut stream = start.into_stream(tls.config.clone()).await?;
    let spoken = match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => Spoken::Http2,
        Some(ALPN_TURN) => Spoken::Stun,
        _ => spoken(stream.fill_buf().await?)?,
    };
    Ok(Some((stream, spoken)))
}

/// Tells STUN from HTTP by the first byte. A relay's client begins with a STUN request, whose first two bits are zero
/// (RFC 8489, section 5); it cannot have a channel yet, whose numbers begin with what might be the letter of a method.
fn spoken(first: &[u8]) -> io::Result<Spoken> {
    match first.first() {
        Some(0..=3) => Ok(Spoken::Stun),
        Some(_) => Ok(Spoken::Http1),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
