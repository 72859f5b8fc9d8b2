//! The TURN server's thread: sockets, connections and time for the pure machine of `tertulia-turn`.
//!
//! It is one thread for the whole engine, so that its bounds hold for everybody together and no stranger's requests
//! cost the media threads more than a copy. These hand it what arrives on their ports for it; what it relays to our own
//! media it hands to them with the relayed address as source, and they hand back what they send there. So as long as
//! relays reach nobody else, they have no sockets at all.

mod connections;
mod paths;
mod relayed;
mod setup;
mod sockets;
mod streams;
mod thread;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use tertulia_turn::FiveTuple;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::net::datagrams::Datagrams;
pub(crate) use relayed::Relayed;
pub(crate) use setup::{MediaPort, TurnStart};
pub use streams::TurnStreams;
pub(crate) use thread::spawn;

/// Messages the thread may have waiting: as long as batches are full, about 32 MiB.
const MAILBOX: usize = 512;

/// What the TURN server's thread is told.
pub(crate) enum ToTurn {
    /// What arrived on a media port and is for it.
    Clients(Datagrams),
    /// What our own media sends to relayed addresses.
    Peers(Datagrams),
    /// A session on a worker has proved to be behind a relayed address.
    Steer { source: SocketAddr, worker: usize },
    /// A client's connection begins.
    Open {
        connection: u64,
        client: FiveTuple,
        out: mpsc::Sender<Bytes>,
        /// Set once the client has an allocation.
        established: Arc<AtomicBool>,
    },
    /// What was read from it.
    Data { connection: u64, bytes: Bytes },
    /// It has ended.
    Gone { connection: u64 },
    /// A session has ended, and its credential with it.
    Revoke { session: String },
    /// The thread ends.
    Stop,
}

/// The way to the TURN server's thread; cheap to clone.
#[derive(Clone)]
pub(crate) struct TurnLink {
    queue: mpsc::Sender<ToTurn>,
    waker: Arc<mio::Waker>,
    pub(crate) relayed: Arc<Relayed>,
}

impl TurnLink {
    /// Sends without waiting; gives back what there is no room for. What is for a thread that is gone is lost.
    pub(crate) fn give(&self, message: ToTurn) -> Option<ToTurn> {
        let sent = self.queue.try_send(message);
        self.wake();
        match sent {
            Err(TrySendError::Full(message)) => Some(message),
            Ok(()) | Err(TrySendError::Closed(_)) => None,
        }
    }

    /// Sends and waits for room; false where the thread is gone.
    pub(crate) async fn send(&self, message: ToTurn) -> bool {
        let sent = self.queue.send(message).await.is_ok();
        self.wake();
        sent
    }

    fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            tracing::error!(%error, "the TURN server cannot be woken");
        }
    }
}
