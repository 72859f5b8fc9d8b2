use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use futures_util::{Sink, Stream};

use crate::bosh::{Brought, End};

/// Bytes that may wait for a client that does not read.
const MAX_QUEUED_BYTES: usize = 8 * 1024 * 1024;
/// How many seconds' worth of stanzas may come at once.
const BURST_S: f64 = 5.0;
/// How long a client may leave a message unread.
const MAX_STALL: Duration = Duration::from_secs(15);
/// How long a last message may take to be written.
const FINISH: Duration = Duration::from_secs(2);

/// One connection of a client.
pub(crate) struct Link {
    way: Way,
    /// What may still come, and how much more each second.
    credit: f64,
    per_second: f64,
    credited_at: Instant,
    heard_at: Instant,
}

/// How what is said goes to and fro.
enum Way {
    Socket(Box<Socket>),
    Requests(End),
}

/// One WebSocket with what waits to be written to it.
struct Socket {
    socket: WebSocket,
    queue: VecDeque<Message>,
    queued_bytes: usize,
    /// Since when something has been waiting without any progress.
    stalled_since: Option<Instant>,
    flushed: bool,
}

/// What a turn of a link brings.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A message.
    Text(Utf8Bytes),
    /// A frame that asks nothing (ping, pong).
    Nothing,
    /// It is closed.
    Closed,
    /// The client sends more than it may.
    Flood,
}

impl Link {
    pub(crate) fn new(socket: WebSocket, per_second: u32) -> Self {
        let socket = Socket {
            socket,
            queue: VecDeque::new(),
            queued_bytes: 0,
            stalled_since: None,
            flushed: true,
        };
        Self::over(Way::Socket(Box::new(socket)), per_second)
    }

    /// A connection whose client asks by plain requests.
    pub(crate) fn over_requests(end: End, per_second: u32) -> Self {
        Self::over(Way::Requests(end), per_second)
    }

    fn over(way: Way, per_second: u32) -> Self {
        let now = Instant::now();
        let per_second = f64::from(per_second);
        Self {
            way,
            credit: per_second * BURST_S,
            per_second,
            credited_at: now,
            heard_at: now,
        }
    }

    /// When something last came from the client.
    pub(crate) fn heard_at(&self) -> Instant {
        self.heard_at
    }

    /// Queues a message.
    pub(crate) fn push(&mut self, text: String) {
        match &mut self.way {
            Way::Socket(socket) => {
                socket.queued_bytes += text.len();
                socket.queue.push_back(Message::Text(text.into()));
            }
            Way::Requests(end) => end.push(text),
        }
    }

    /// Queues a ping of the WebSocket itself, which keeps proxies from closing it.
    pub(crate) fn ping(&mut self) {
        if let Way::Socket(socket) = &mut self.way {
            socket.queue.push_back(Message::Ping(axum::body::Bytes::new()));
        }
    }

    /// Whether the client reads too slowly to be waited for.
    pub(crate) fn is_stuck(&self, now: Instant) -> bool {
        match &self.way {
            Way::Socket(socket) => {
                socket.queued_bytes > MAX_QUEUED_BYTES
                    || socket
                        .stalled_since
                        .is_some_and(|since| now.saturating_duration_since(since) > MAX_STALL)
            }
            Way::Requests(end) => end.queued_bytes() > MAX_QUEUED_BYTES,
        }
    }

    /// Writes what waits and gives the next thing heard. Nothing is lost when the future is dropped.
    pub(crate) async fn turn(&mut self) -> Heard {
        let heard = match &mut self.way {
            Way::Socket(socket) => socket.turn().await,
            Way::Requests(end) => match end.next().await {
                Some(Brought::Text(text)) => Heard::Text(text.into()),
                Some(Brought::Nothing) => Heard::Nothing,
                None => Heard::Closed,
            },
        };
        let now = Instant::now();
        self.heard_at = now;
        if matches!(heard, Heard::Closed) {
            return heard;
        }
        let passed = now.saturating_duration_since(self.credited_at).as_secs_f64();
        self.credit = (self.credit + passed * self.per_second).min(self.per_second * BURST_S) - 1.0;
        self.credited_at = now;
        if self.credit < 0.0 { Heard::Flood } else { heard }
    }

    /// Writes what waits, closes and forgets the connection; gives up after a while.
    pub(crate) async fn finish(self) {
        // What waits for a request is told with its end.
        if let Way::Socket(socket) = self.way {
            socket.finish().await;
        }
    }
}

impl Socket {
    async fn turn(&mut self) -> Heard {
        poll_fn(|cx| {
            if let Err(error) = self.poll_write(cx) {
                tracing::debug!(%error, "a connection broke while writing");
                return Poll::Ready(Heard::Closed);
            }
            match Pin::new(&mut self.socket).poll_next(cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(frame) => Poll::Ready(hear(frame)),
            }
        })
        .await
    }

    /// Moves the queue into the socket as far as it takes it.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<(), axum::Error> {
        while !self.queue.is_empty() {
            match Pin::new(&mut self.socket).poll_ready(cx) {
                Poll::Pending => {
                    self.stalled_since.get_or_insert_with(Instant::now);
                    return Ok(());
                }
                Poll::Ready(ready) => ready?,
            }
            if let Some(message) = self.queue.pop_front() {
                if let Message::Text(text) = &message {
                    self.queued_bytes = self.queued_bytes.saturating_sub(text.len());
                }
                self.flushed = false;
                Pin::new(&mut self.socket).start_send(message)?;
            }
        }
        if !self.flushed {
            match Pin::new(&mut self.socket).poll_flush(cx) {
                Poll::Pending => {
                    self.stalled_since.get_or_insert_with(Instant::now);
                    return Ok(());
                }
                Poll::Ready(flushed) => {
                    flushed?;
                    self.flushed = true;
                }
            }
        }
        self.stalled_since = None;
        Ok(())
    }

    async fn finish(mut self) {
        let written = poll_fn(|cx| match self.poll_write(cx) {
            Err(error) => Poll::Ready(Err(error)),
            Ok(()) if self.queue.is_empty() && self.flushed => Poll::Ready(Ok(())),
            Ok(()) => Poll::Pending,
        });
        match tokio::time::timeout(FINISH, written).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return tracing::debug!(%error, "a connection broke while closing"),
            Err(_) => return tracing::debug!("a client did not read its last message in time"),
        }
        let goodbye = Message::Close(Some(CloseFrame {
            code: close_code::NORMAL,
            reason: Utf8Bytes::default(),
        }));
        let closed = tokio::time::timeout(FINISH, self.socket.send(goodbye)).await;
        if !matches!(closed, Ok(Ok(()))) {
            tracing::debug!("a connection broke while closing");
        }
    }
}

fn hear(frame: Option<Result<Message, axum::Error>>) -> Heard {
    match frame {
        Some(Ok(Message::Text(text))) => Heard::Text(text),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Heard::Nothing,
        // RFC 7395 §3.2 knows text alone.
        Some(Ok(Message::Binary(_) | Message::Close(_))) | None => Heard::Closed,
        Some(Err(error)) => {
            tracing::debug!(%error, "a connection broke while reading");
            Heard::Closed
        }
    }
}
