//! The bytes of an upload on their way to the disk. A thread that may wait for it writes; a request that breaks off leaves
//! what has arrived, and nobody else writes meanwhile.

use std::io::{self, ErrorKind};

use axum::body::{Body, Bytes};
use futures_util::StreamExt as _;
use tertulia_store::{Blobs, FileId, FileInfo};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::error::ApiError;
use crate::files::CHUNK_BYTES;
use crate::places::Place;
use crate::sniff::ENDS;
use crate::state::Shelf;
use crate::wire::ErrorCode;

/// Pieces that wait for the disk.
const WAITING: usize = 4;

/// What was added.
pub struct Appended {
    /// How long the file is now.
    pub length: u64,
    /// Its beginning and end, where it is whole.
    pub ends: Option<(Vec<u8>, Vec<u8>)>,
}

/// Why nothing more was added.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The file ends elsewhere.
    #[error("the file has {0} bytes")]
    Offset(u64),
    /// More than announced.
    #[error("more bytes than announced")]
    TooLong,
    /// The disk is full.
    #[error("the disk is full")]
    DiskFull,
    /// The disk failed.
    #[error("the file cannot be written")]
    Disk(#[source] io::Error),
}

impl From<io::Error> for AppendError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Disk(error),
        }
    }
}

/// Adds what the body brings, until it ends or breaks off.
pub async fn append(
    shelf: &Shelf,
    info: &FileInfo,
    offset: u64,
    body: Body,
    place: Place<FileId>,
) -> Result<Appended, AppendError> {
    let (pieces, arriving) = mpsc::channel(WAITING);
    let (blobs, id, size) = (shelf.blobs.clone(), info.id, info.size);
    let writing = spawn_blocking(move || {
        let written = write(&blobs, id, offset, size, arriving);
        drop(place);
        written
    });
    let mut stream = body.into_data_stream();
    let mut taken = 0_u64;
    while let Some(Ok(piece)) = stream.next().await {
        taken = taken.saturating_add(piece.len() as u64);
        let too_much = taken > CHUNK_BYTES;
        if too_much || pieces.send(piece).await.is_err() {
            if too_much {
                return Err(AppendError::TooLong);
            }
            break;
        }
    }
    drop(pieces);
    writing
        .await
        .map_err(|error| AppendError::Disk(io::Error::other(error)))?
}

fn write(
    blobs: &Blobs,
    id: FileId,
    offset: u64,
    size: u64,
    mut arriving: mpsc::Receiver<Bytes>,
) -> Result<Appended, AppendError> {
    let mut file = blobs.append(id)?;
    if file.length() != offset {
        return Err(AppendError::Offset(file.length()));
    }
    while let Some(piece) = arriving.blocking_recv() {
        if file.length().saturating_add(piece.len() as u64) > size {
            return Err(AppendError::TooLong);
        }
        file.write(&piece)?;
    }
    let length = file.length();
    let mut ends = None;
    if length == size {
        file.sync()?;
        ends = Some(file.ends(ENDS)?);
    }
    Ok(Appended { length, ends })
}

/// How much of a file is here.
pub async fn length(shelf: &Shelf, id: FileId) -> Result<u64, ApiError> {
    let blobs = shelf.blobs.clone();
    on_disk(move || blobs.length(id)).await
}

/// Removes a file's bytes.
pub async fn remove(shelf: &Shelf, id: FileId) -> Result<(), ApiError> {
    let blobs = shelf.blobs.clone();
    on_disk(move || blobs.remove(id)).await
}

/// Does something that waits for the disk.
pub async fn on_disk<T: Send + 'static>(
    act: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ApiError> {
    let done = spawn_blocking(act).await;
    done.map_err(io::Error::other)
        .flatten()
        .map_err(|error| ApiError::new(ErrorCode::Internal, error))
}
