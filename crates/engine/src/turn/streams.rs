use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tertulia_turn::{FiveTuple, Transport};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{ToTurn, TurnLink};
use crate::accept::Unknown;
use crate::handle::Shared;
use crate::stats::Counters;

/// Messages that may wait for a client that reads slowly; beyond it they are dropped, as on any congested network.
const WAITING: usize = 512;
/// How many of them are written at once.
const AT_ONCE: usize = 32;
/// Bytes read at once.
const READ: usize = 16 * 1024;
/// Time a connection has to get an allocation.
const FIRST_ALLOCATION: Duration = Duration::from_secs(10);
/// Time a client may take to read what is written.
const WRITE: Duration = Duration::from_secs(15);

/// Serves the TURN server's clients over connections, with or without TLS; cheap to clone.
#[derive(Clone)]
pub struct TurnStreams {
    link: TurnLink,
    shared: Arc<Shared>,
    unknown: Arc<Unknown>,
    next: Arc<AtomicU64>,
}

impl TurnStreams {
    pub(crate) fn new(link: TurnLink, shared: Arc<Shared>) -> Self {
        Self {
            link,
            shared,
            unknown: Arc::default(),
            next: Arc::default(),
        }
    }

    /// Whether a connection that begins with this byte is for the TURN server and not for HTTP: the first of a STUN
    /// request is 0x00 or 0x01, that of channel data 0x40 to 0x7f. (No method of HTTP begins with the former; letters
    /// are among the latter, but nobody sends channel data before a request.)
    pub fn is_for_turn(first: u8) -> bool {
        first < 0x04
    }

    /// Serves a connection whose TLS has been taken off, until it ends. `stream` gives everything from the client's
    /// first byte on.
    ///
    /// Without an allocation in ten seconds it is closed.
    pub async fn serve<S>(&self, stream: S, remote: SocketAddr, local: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        self.serve_client(stream, &[], Transport::Tls, remote, local)
            .await;
    }

    /// Serves a connection of which `head` has been read already.
    pub(crate) async fn serve_client<S>(
        &self,
        stream: S,
        head: &[u8],
        transport: Transport,
        remote: SocketAddr,
        local: SocketAddr,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let Some(place) = Unknown::admit(&self.unknown, remote.ip()) else {
            return Counters::up(&self.shared.counters.turn_connections_refused);
        };
        let canonical = |address: SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
        let client = FiveTuple {
            transport,
            source: canonical(remote),
            local: canonical(local),
        };
        let connection = self.next.fetch_add(1, Ordering::Relaxed);
        let (out, waiting) = mpsc::channel(WAITING);
        let established = Arc::new(AtomicBool::new(false));
        let opened = ToTurn::Open {
            connection,
            client,
            out,
            established: established.clone(),
        };
        if !self.link.send(opened).await {
            return;
        }
        let conversation = Conversation {
            link: &self.link,
            connection,
            established: &established,
            waiting,
            apart: transport == Transport::Tls,
        };
        if let Err(error) = conversation.run(stream, head, place).await {
            tracing::debug!(kind = ?error.kind(), "a TURN connection ended");
        }
        self.link.send(ToTurn::Gone { connection }).await;
    }
}

struct Conversation<'a> {
    link: &'a TurnLink,
    connection: u64,
    established: &'a AtomicBool,
    waiting: mpsc::Receiver<Bytes>,
    /// Each message is written by itself, which makes it a TLS record of its own: coturn's client (4.6.1) takes what is in
    /// a record for one message.
    apart: bool,
}

impl Conversation<'_> {
    /// Carries bytes both ways until either side ends it. `place` is held for as long as the client has proved nothing.
    async fn run<S, P>(mut self, mut stream: S, head: &[u8], place: P) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let mut place = Some(place);
        let deadline = Instant::now() + FIRST_ALLOCATION;
        let mut read = BytesMut::with_capacity(READ);
        let mut batch = Vec::with_capacity(AT_ONCE);
        if !head.is_empty() && !self.pass_on(Bytes::copy_from_slice(head)).await {
            return Ok(());
        }
        loop {
            if place.is_some() && self.established.load(Ordering::Relaxed) {
                place = None;
            }
            read.reserve(READ);
            tokio::select! {
                length = stream.read_buf(&mut read) => {
                    if length? == 0 || !self.pass_on(read.split().freeze()).await {
                        return Ok(());
                    }
                }
                count = self.waiting.recv_many(&mut batch, AT_ONCE) => {
                    if count == 0 {
                        return Ok(());
                    }
                    if !self.apart {
                        let together = batch.concat();
                        batch.clear();
                        batch.push(together.into());
                    }
                    let written = async {
                        for message in batch.drain(..) {
                            stream.write_all(&message).await?;
                        }
                        stream.flush().await
                    };
                    tokio::time::timeout(WRITE, written)
                        .await
                        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
                }
                () = tokio::time::sleep_until(deadline), if place.is_some() => {
                    if !self.established.load(Ordering::Relaxed) {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                }
            }
        }
    }

    async fn pass_on(&self, bytes: Bytes) -> bool {
        let connection = self.connection;
        self.link.send(ToTurn::Data { connection, bytes }).await
    }
}
