//! Files people gave to a room: what is known of them. Their bytes are in [`crate::Blobs`].

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};
use tertulia_model::{Identity, RoomName};

use crate::number::{signed, unsigned};
use crate::{FileId, Store, StoreError};

/// What is known of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    /// Its id, 128 random bits.
    pub id: FileId,
    /// The room it was given to, by the folded form of its name.
    pub room: String,
    /// Who gave it.
    pub identity: Identity,
    /// Its name, for people. It names nothing on this machine.
    pub name: String,
    /// The media type its content was found to have; empty until it is whole.
    pub kind: String,
    /// Its size in bytes, as announced.
    pub size: u64,
    /// Whether all of it is here.
    pub whole: bool,
    /// When it is deleted, Unix milliseconds.
    pub expires_ms: u64,
}

/// How much there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileQuota {
    /// Bytes of all files of a room.
    pub room_bytes: u64,
    /// Bytes of all files.
    pub total_bytes: u64,
    /// Files one person may be uploading at once.
    pub uploads_each: u64,
}

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileRefusal {
    /// The room has as much as it may have.
    #[error("the room has no room left for this file")]
    RoomFull,
    /// The server has as much as it may have.
    #[error("the server has no room left for this file")]
    ServerFull,
    /// The person is uploading as many as they may.
    #[error("too many files are being uploaded at once")]
    TooMany,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl Store {
    /// Begins to take a file, whose room is set aside from now on.
    ///
    /// # Errors
    /// [`FileRefusal`].
    pub async fn begin_file(
        &self,
        file: &FileInfo,
        quota: FileQuota,
        now_ms: u64,
    ) -> Result<(), FileRefusal> {
        let mut tx = self.write().await?;
        let sums: (i64, i64, i64) = sqlx::query_as(
            "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT), \
             CAST(COALESCE(SUM(CASE room WHEN $1 THEN size ELSE 0 END), 0) AS BIGINT), \
             CAST(COALESCE(SUM(CASE WHEN room = $1 AND identity = $2 AND state = 0 THEN 1 ELSE 0 END), 0) AS BIGINT) \
             FROM files",
        )
        .bind(file.room.as_str())
        .bind(file.identity.as_str())
        .fetch_one(&mut *tx)
        .await
        .map_err(StoreError::from)?;
        let (total, room, uploads) = (unsigned(sums.0)?, unsigned(sums.1)?, unsigned(sums.2)?);
        if uploads >= quota.uploads_each {
            return Err(FileRefusal::TooMany);
        }
        if room.saturating_add(file.size) > quota.room_bytes {
            return Err(FileRefusal::RoomFull);
        }
        if total.saturating_add(file.size) > quota.total_bytes {
            return Err(FileRefusal::ServerFull);
        }
        sqlx::query(
            "INSERT INTO files (id, room, identity, name, kind, size, state, created_ms, expires_ms) \
             VALUES ($1, $2, $3, $4, '', $5, 0, $6, $7)",
        )
        .bind(file.id.to_string())
        .bind(file.room.as_str())
        .bind(file.identity.as_str())
        .bind(file.name.as_str())
        .bind(signed(file.size))
        .bind(signed(now_ms))
        .bind(signed(file.expires_ms))
        .execute(&mut *tx)
        .await
        .map_err(StoreError::from)?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    /// What is known of a file; `None` where there is none or its time is over.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn file(&self, id: FileId, now_ms: u64) -> Result<Option<FileInfo>, StoreError> {
        let mut connection = self.read().await?;
        let row = sqlx::query(
            "SELECT id, room, identity, name, kind, size, state, expires_ms FROM files \
             WHERE id = $1 AND expires_ms > $2",
        )
        .bind(id.to_string())
        .bind(signed(now_ms))
        .fetch_optional(&mut *connection)
        .await?;
        row.as_ref().map(info_of).transpose()
    }

    /// Notes that a file is whole. False where it was deleted meanwhile.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn finish_file(&self, id: FileId, kind: &str, expires_ms: u64) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let updated =
            sqlx::query("UPDATE files SET state = 1, kind = $2, expires_ms = $3 WHERE id = $1 AND state = 0")
                .bind(id.to_string())
                .bind(kind)
                .bind(signed(expires_ms))
                .execute(&mut *tx)
                .await?
                .rows_affected();
        tx.commit().await?;
        Ok(updated == 1)
    }

    /// Forgets a file. Its bytes are removed by whoever calls this.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_file(&self, id: FileId) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let deleted = sqlx::query("DELETE FROM files WHERE id = $1")
            .bind(id.to_string())
            .execute(&mut *tx)
            .await?
            .rows_affected();
        tx.commit().await?;
        Ok(deleted == 1)
    }

    /// Forgets the files whose time is over. Their bytes are left to whoever calls this.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn expire_files(&self, now_ms: u64) -> Result<u64, StoreError> {
        let mut tx = self.write().await?;
        let deleted = sqlx::query("DELETE FROM files WHERE expires_ms <= $1")
            .bind(signed(now_ms))
            .execute(&mut *tx)
            .await?
            .rows_affected();
        tx.commit().await?;
        Ok(deleted)
    }

    /// The ids of all files there are.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn file_ids(&self) -> Result<Vec<FileId>, StoreError> {
        let mut connection = self.read().await?;
        let ids: Vec<String> = sqlx::query_scalar("SELECT id FROM files")
            .fetch_all(&mut *connection)
            .await?;
        ids.iter()
            .map(|id| FileId::parse(id).ok_or(StoreError::Unreadable("file")))
            .collect()
    }
}

/// Ends the time of a room's files.
pub(crate) async fn end(
    connection: &mut AnyConnection,
    room: &RoomName,
    at_ms: u64,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE files SET expires_ms = $2 WHERE room = $1 AND expires_ms > $2")
        .bind(room.key())
        .bind(signed(at_ms))
        .execute(connection)
        .await?;
    Ok(())
}

fn info_of(row: &AnyRow) -> Result<FileInfo, StoreError> {
    let unreadable = || StoreError::Unreadable("file");
    let (id, room, identity): (String, String, String) =
        (row.try_get("id")?, row.try_get("room")?, row.try_get("identity")?);
    Ok(FileInfo {
        id: FileId::parse(&id).ok_or_else(unreadable)?,
        room,
        identity: Identity::parse(&identity).map_err(|_| unreadable())?,
        name: row.try_get("name")?,
        kind: row.try_get("kind")?,
        size: unsigned(row.try_get("size")?)?,
        whole: row.try_get::<i64, _>("state")? == 1,
        expires_ms: unsigned(row.try_get("expires_ms")?)?,
    })
}
