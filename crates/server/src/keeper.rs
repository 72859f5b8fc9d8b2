//! Between the rooms and the store: takes what rooms want kept, many at once, and says what became of it.

use std::collections::BTreeSet;
use std::time::Duration;

use tertulia_engine::{Beginning, Keep, Keeper, Receipt};
use tertulia_model::RoomName;
use tertulia_people::SessionLife;
use tertulia_room::{Record, RoomSettings, Settlement};
use tertulia_store::{Blobs, FileId, Retention, Store, StoreError};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::clock::unix_ms;
use crate::owned;

/// What may wait to be kept; beyond it is refused.
const QUEUE: usize = 4_096;
/// What is kept in one transaction.
const BATCH: usize = 256;
/// A transaction that takes longer has failed, as far as anybody waits for it.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often what has outlived its time is deleted.
const SWEEP: Duration = Duration::from_secs(600);

/// What is kept how long.
#[derive(Debug, Clone, Copy)]
pub struct KeepSettings {
    /// Messages a room begins with at most.
    pub history: usize,
    /// How long messages stay.
    pub retention: Retention,
    /// How long people stay signed in.
    pub sessions: SessionLife,
}

/// The task that keeps, while it runs.
pub struct Keeping {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Keeping {
    /// Keeps what is queued already, refuses what comes after, and ends.
    pub async fn finish(self) {
        if self.stop.send(()).is_ok()
            && let Err(error) = self.task.await
        {
            tracing::error!(%error, "the task that keeps records ended badly");
        }
    }
}

/// Starts to keep what rooms give to the queue.
pub fn start(store: Store, blobs: Blobs, settings: KeepSettings) -> (Keeper, Keeping) {
    let (keeper, queue) = mpsc::channel(QUEUE);
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(keep(store, blobs, settings, queue, stopped));
    (keeper, Keeping { stop, task })
}

async fn keep(
    store: Store,
    blobs: Blobs,
    settings: KeepSettings,
    mut queue: mpsc::Receiver<Keep>,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut sweep = tokio::time::interval(SWEEP);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut batch = Vec::with_capacity(BATCH);
    let mut stopping = false;
    loop {
        tokio::select! {
            taken = queue.recv_many(&mut batch, BATCH) => {
                if taken == 0 {
                    return;
                }
                keep_batch(&store, settings, &mut batch).await;
            }
            _ = &mut stopped, if !stopping => {
                stopping = true;
                queue.close();
            }
            _ = sweep.tick(), if !stopping => expire(&store, &blobs, settings).await,
        }
    }
}

async fn keep_batch(store: &Store, settings: KeepSettings, batch: &mut Vec<Keep>) {
    let mut records = Vec::with_capacity(batch.len());
    let mut receipts = Vec::with_capacity(batch.len());
    for keep in batch.drain(..) {
        match keep {
            Keep::Record {
                room,
                record,
                receipt,
            } => {
                records.push((room, record));
                receipts.push(receipt);
            }
            Keep::Open {
                room,
                settings: wished,
                beginning,
            } => {
                // What was said before the question belongs to the answer.
                keep_records(store, settings, &mut records, &mut receipts).await;
                let open = open(store, settings, &room, *wished);
                match tokio::time::timeout(PATIENCE, open).await {
                    Ok(Ok(known)) => {
                        if beginning.send(known).is_err() {
                            tracing::debug!("a room was not waited for");
                        }
                    }
                    Ok(Err(error)) => complain("what is kept of a room cannot be read", &error),
                    Err(_) => tracing::error!("the store takes too long to read"),
                }
            }
            _ => tracing::error!("the engine asks for something this version cannot keep"),
        }
    }
    keep_records(store, settings, &mut records, &mut receipts).await;
}

async fn open(
    store: &Store,
    settings: KeepSettings,
    room: &RoomName,
    wished: RoomSettings,
) -> Result<Beginning, StoreError> {
    let history = store
        .open_contents(room, settings.history, settings.retention, unix_ms())
        .await?;
    let settings = match store.owned_room(room).await? {
        Some(kept) => owned::settings(&kept.room, wished),
        None => wished,
    };
    Ok(Beginning { history, settings })
}

async fn keep_records(
    store: &Store,
    settings: KeepSettings,
    records: &mut Vec<(RoomName, Record)>,
    receipts: &mut Vec<Receipt>,
) {
    if records.is_empty() {
        return;
    }
    let kept = tokio::time::timeout(PATIENCE, store.keep(records, settings.retention)).await;
    records.clear();
    let Ok(outcomes) = kept else {
        tracing::error!(count = receipts.len(), "the store takes too long to write");
        // A receipt that is dropped says that nothing was kept.
        receipts.clear();
        return;
    };
    for (receipt, outcome) in receipts.drain(..).zip(outcomes) {
        let settlement = outcome.unwrap_or_else(|error| {
            complain("a record was not kept", &error);
            Settlement::Failed
        });
        receipt.settle(settlement).await;
    }
}

async fn expire(store: &Store, blobs: &Blobs, settings: KeepSettings) {
    expire_files(store, blobs).await;
    expire_people(store, settings).await;
    match store.expire_contents(settings.retention, unix_ms()).await {
        Ok(0) => {}
        Ok(messages) => tracing::info!(messages, "chat messages have outlived their time and are deleted"),
        Err(error) => complain(
            "chat messages that have outlived their time cannot be deleted",
            &error,
        ),
    }
}

/// How long an invitation that is over still stands in its owner's list.
const LISTED_AFTER_MS: u64 = 7 * 24 * 3_600_000;

async fn expire_people(store: &Store, settings: KeepSettings) {
    if let Err(error) = store.expire_sessions(settings.sessions, unix_ms()).await {
        complain("sessions that are over cannot be deleted", &error);
    }
    let before = unix_ms().saturating_sub(LISTED_AFTER_MS);
    if let Err(error) = store.expire_invitations(before).await {
        complain("invitations that are over cannot be deleted", &error);
    }
}

/// Deletes files whose time is over, and whatever lies in the folder that nobody knows of: a crash may leave it there.
async fn expire_files(store: &Store, blobs: &Blobs) {
    let folder = blobs.clone();
    // Listed first: what is begun meanwhile is not among them.
    let here = tokio::task::spawn_blocking(move || folder.list()).await;
    let known = async {
        store.expire_files(unix_ms()).await?;
        store.file_ids().await
    };
    let (here, known) = match (here, known.await) {
        (Ok(Ok(here)), Ok(known)) => (here, known),
        (Ok(Err(error)), _) => return tracing::error!(%error, "the folder of files cannot be read"),
        (Err(error), _) => return tracing::error!(%error, "the folder of files was not read"),
        (_, Err(error)) => return complain("files that have outlived their time cannot be deleted", &error),
    };
    let known: BTreeSet<FileId> = known.into_iter().collect();
    let folder = blobs.clone();
    let removed = tokio::task::spawn_blocking(move || {
        let gone = here.difference(&known);
        gone.map(|id| folder.remove(*id))
            .collect::<std::io::Result<Vec<()>>>()
    });
    match removed.await {
        Ok(Ok(removed)) if removed.is_empty() => {}
        Ok(Ok(removed)) => tracing::info!(
            files = removed.len(),
            "files have outlived their time and are deleted"
        ),
        Ok(Err(error)) => tracing::error!(%error, "a file cannot be deleted"),
        Err(error) => tracing::error!(%error, "files were not deleted"),
    }
}

fn complain(what: &'static str, error: &StoreError) {
    let source = std::error::Error::source(error).map(ToString::to_string);
    tracing::error!(%error, source, "{what}");
}
