//! Handshakes off the media threads: the signatures and key exchanges of DTLS take a millisecond each, in which a worker
//! could have forwarded a thousand packets.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tertulia_session::Handshake;

use crate::config::EngineError;
use crate::handle::WorkerLink;
use crate::message::ToWorker;

/// Handshakes that may wait for a thread; with more, a worker does its own.
const WAITING: usize = 1_024;
/// Threads at most: a server has better things to do with its other cores.
const MOST_THREADS: usize = 4;

/// A handshake on its way, and whose it is.
pub(crate) struct Errand {
    pub(crate) worker: usize,
    pub(crate) session: usize,
    /// The session's number for life: its key may be another's when the handshake is back.
    pub(crate) serial: u64,
    pub(crate) handshake: Box<Handshake>,
}

/// The threads that carry handshakes on; they end with the last worker.
#[derive(Clone)]
pub(crate) struct HandshakePool {
    queue: SyncSender<Errand>,
}

impl HandshakePool {
    pub(crate) fn start(workers: Vec<WorkerLink>) -> Result<Self, EngineError> {
        let (queue, errands) = sync_channel(WAITING);
        let errands = Arc::new(Mutex::new(errands));
        let threads = std::thread::available_parallelism()
            .map_or(1, usize::from)
            .min(MOST_THREADS);
        for index in 0..threads {
            let (errands, workers) = (errands.clone(), workers.clone());
            std::thread::Builder::new()
                .name(format!("handshake-{index}"))
                .spawn(move || carry(&errands, &workers))
                .map_err(EngineError::Start)?;
        }
        Ok(Self { queue })
    }

    /// Sends a handshake off; gives it back where too many wait.
    pub(crate) fn send(&self, errand: Errand) -> Result<(), Box<Handshake>> {
        self.queue.try_send(errand).map_err(|refused| match refused {
            TrySendError::Full(errand) | TrySendError::Disconnected(errand) => errand.handshake,
        })
    }
}

fn carry(errands: &Mutex<Receiver<Errand>>, workers: &[WorkerLink]) {
    loop {
        let next = errands.lock().unwrap_or_else(PoisonError::into_inner).recv();
        // The last worker has gone.
        let Ok(mut errand) = next else { return };
        errand.handshake.run(Instant::now());
        let Some(worker) = workers.get(errand.worker) else {
            continue;
        };
        // A worker that is gone needs it no more.
        if !worker.send_blocking(ToWorker::Handshake(errand)) {
            tracing::debug!("a handshake came back to a worker that is gone");
        }
    }
}
