use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use bytes::Bytes;
use futures_util::{Sink, Stream};

use super::bucket::Bucket;
use crate::wire::{Encoding, Response, encode};

/// Bytes that may wait for a client that does not read.
const MAX_QUEUED_BYTES: usize = 8 * 1024 * 1024;
/// Messages that may wait for a client that does not read.
const MAX_QUEUED: usize = 4_096;
/// How many seconds' worth of messages may come at once.
const BURST_S: u32 = 5;
/// How long a client may leave a message unread.
const MAX_STALL: Duration = Duration::from_secs(15);
/// How long a last message may take to be written.
const FINISH: Duration = Duration::from_secs(2);

/// One WebSocket of a participant, with what waits to be written to it.
pub(super) struct Link {
    socket: WebSocket,
    encoding: Encoding,
    queue: VecDeque<Message>,
    queued_bytes: usize,
    /// Since when something has been waiting without any progress.
    stalled_since: Option<Instant>,
    bucket: Bucket,
    heard_at: Instant,
    flushed: bool,
}

/// What a turn of a link brings.
#[derive(Debug)]
pub(super) enum Heard {
    /// A signalling message in the link's encoding.
    Signal(Bytes),
    /// A frame that asks nothing (ping, pong).
    Nothing,
    /// The client closed; `clean` when it said so.
    Closed { clean: bool },
    /// The client sends more than it may.
    Flood,
}

impl Link {
    pub(super) fn new(socket: WebSocket, signals_per_second: u32) -> Self {
        let now = Instant::now();
        Self {
            socket,
            encoding: Encoding::Protobuf,
            queue: VecDeque::new(),
            queued_bytes: 0,
            stalled_since: None,
            bucket: Bucket::new(signals_per_second, BURST_S, now),
            heard_at: now,
            flushed: true,
        }
    }

    pub(super) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// When something last came from the client.
    pub(super) fn heard_at(&self) -> Instant {
        self.heard_at
    }

    /// Queues a message.
    pub(super) fn push(&mut self, response: Response) {
        let Some(bytes) = encode(self.encoding, response) else {
            return;
        };
        let message = match self.encoding {
            Encoding::Protobuf => Message::Binary(bytes),
            Encoding::Json => match Utf8Bytes::try_from(bytes) {
                Ok(text) => Message::Text(text),
                Err(error) => {
                    tracing::error!(%error, "a JSON message is not UTF-8");
                    return;
                }
            },
        };
        self.queued_bytes += size(&message);
        self.queue.push_back(message);
    }

    /// Queues a ping of the WebSocket itself, which keeps proxies from closing it.
    pub(super) fn ping(&mut self) {
        self.queue.push_back(Message::Ping(Bytes::new()));
    }

    /// Whether the client reads too slowly to be waited for.
    pub(super) fn is_stuck(&self, now: Instant) -> bool {
        self.queue.len() > MAX_QUEUED
            || self.queued_bytes > MAX_QUEUED_BYTES
            || self
                .stalled_since
                .is_some_and(|since| now.saturating_duration_since(since) > MAX_STALL)
    }

    /// Writes what waits and gives the next thing heard. Nothing is lost when the future is dropped.
    pub(super) async fn turn(&mut self) -> Heard {
        poll_fn(|cx| {
            if let Err(error) = self.poll_write(cx) {
                tracing::debug!(%error, "a signalling connection broke while writing");
                return Poll::Ready(Heard::Closed { clean: false });
            }
            match Pin::new(&mut self.socket).poll_next(cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(frame) => Poll::Ready(self.hear(frame)),
            }
        })
        .await
    }

    fn hear(&mut self, frame: Option<Result<Message, axum::Error>>) -> Heard {
        let now = Instant::now();
        self.heard_at = now;
        let (encoding, bytes) = match frame {
            Some(Ok(Message::Binary(bytes))) => (Encoding::Protobuf, bytes),
            Some(Ok(Message::Text(text))) => (Encoding::Json, Bytes::from(text)),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                return if self.bucket.take(1, now) {
                    Heard::Nothing
                } else {
                    Heard::Flood
                };
            }
            Some(Ok(Message::Close(frame))) => {
                let clean = frame
                    .is_none_or(|frame| frame.code == close_code::NORMAL || frame.code == close_code::AWAY);
                return Heard::Closed { clean };
            }
            Some(Err(error)) => {
                tracing::debug!(%error, "a signalling connection broke while reading");
                return Heard::Closed { clean: false };
            }
            None => return Heard::Closed { clean: false },
        };
        // The client is answered in the encoding it last wrote.
        self.encoding = encoding;
        if self.bucket.take(1, now) {
            Heard::Signal(bytes)
        } else {
            Heard::Flood
        }
    }

    /// Moves the queue into the socket as far as it takes it.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<(), axum::Error> {
        while let Some(message) = self.queue.front() {
            let length = size(message);
            match Pin::new(&mut self.socket).poll_ready(cx) {
                Poll::Pending => {
                    self.stalled_since.get_or_insert_with(Instant::now);
                    return Ok(());
                }
                Poll::Ready(ready) => ready?,
            }
            if let Some(message) = self.queue.pop_front() {
                self.queued_bytes = self.queued_bytes.saturating_sub(length);
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

    /// Writes what waits, closes normally and forgets the socket; gives up after a while.
    pub(super) async fn finish(self) {
        self.close(close_code::NORMAL, "").await;
    }

    /// Like [`Link::finish`], with another code and a word on why.
    pub(super) async fn close(mut self, code: u16, reason: &'static str) {
        self.queue.push_back(Message::Close(Some(CloseFrame {
            code,
            reason: Utf8Bytes::from_static(reason),
        })));
        let written = poll_fn(|cx| match self.poll_write(cx) {
            Err(error) => Poll::Ready(Err(error)),
            Ok(()) if self.queue.is_empty() && self.flushed => Poll::Ready(Ok(())),
            Ok(()) => Poll::Pending,
        });
        match tokio::time::timeout(FINISH, written).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a signalling connection broke while closing"),
            Err(_) => tracing::debug!("a client did not read its last message in time"),
        }
    }
}

fn size(message: &Message) -> usize {
    match message {
        Message::Text(text) => text.len(),
        Message::Binary(bytes) | Message::Ping(bytes) | Message::Pong(bytes) => bytes.len(),
        Message::Close(_) => 0,
    }
}
