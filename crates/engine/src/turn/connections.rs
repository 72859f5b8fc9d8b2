use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use bytes::Bytes;
use tertulia_turn::{FiveTuple, Framer};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::thread::TurnThread;

/// The clients' TCP and TLS connections as the server's thread sees them; the bytes are read and written by
/// [`super::TurnStreams`].
#[derive(Default)]
pub(super) struct Connections {
    by_number: HashMap<u64, Connection>,
    by_client: HashMap<FiveTuple, u64>,
}

struct Connection {
    client: FiveTuple,
    framer: Framer,
    out: mpsc::Sender<Bytes>,
    established: Arc<AtomicBool>,
}

impl Connections {
    pub(super) fn len(&self) -> usize {
        self.by_number.len()
    }

    pub(super) fn open(
        &mut self,
        number: u64,
        client: FiveTuple,
        out: mpsc::Sender<Bytes>,
        established: Arc<AtomicBool>,
    ) {
        self.by_client.insert(client, number);
        self.by_number.insert(
            number,
            Connection {
                client,
                framer: Framer::new(),
                out,
                established,
            },
        );
    }

    /// Forgets a connection that has ended; gives whose it was, unless that client has a newer one.
    pub(super) fn close(&mut self, number: u64) -> Option<FiveTuple> {
        let client = self.by_number.remove(&number)?.client;
        let current = self.by_client.get(&client) == Some(&number);
        current.then(|| {
            self.by_client.remove(&client);
            client
        })
    }

    /// Ends a client's connection.
    pub(super) fn hang_up(&mut self, client: FiveTuple) {
        if let Some(number) = self.by_client.remove(&client) {
            self.by_number.remove(&number);
        }
    }

    /// Queues a message for a client; false where it has too much waiting. Who has hung up misses nothing.
    pub(super) fn send(&self, client: FiveTuple, bytes: &[u8]) -> bool {
        let connection = self
            .by_client
            .get(&client)
            .and_then(|number| self.by_number.get(number));
        let sent = connection.map(|connection| connection.out.try_send(Bytes::copy_from_slice(bytes)));
        !matches!(sent, Some(Err(TrySendError::Full(_))))
    }
}

impl TurnThread {
    /// Takes what was read from a connection.
    pub(super) fn connection_data(&mut self, number: u64, bytes: &[u8], now: Instant) {
        if let Some(connection) = self.connections.by_number.get_mut(&number) {
            connection.framer.push(bytes);
        }
        loop {
            let Some(connection) = self.connections.by_number.get_mut(&number) else {
                return;
            };
            let client = connection.client;
            let limit = self.server.frame_limit(client);
            if limit == Framer::DATA_LIMIT {
                connection.established.store(true, Ordering::Relaxed);
            }
            connection.framer.set_limit(limit);
            let frame = match connection.framer.next_frame() {
                Ok(Some(frame)) => frame.to_vec(),
                Ok(None) => return,
                Err(error) => {
                    tracing::debug!(%error, "a TURN connection is closed");
                    if let Some(client) = self.connections.close(number) {
                        self.server.handle_disconnect(client);
                        self.act(now);
                    }
                    return;
                }
            };
            self.client_packet(client, &frame, now);
        }
    }
}
