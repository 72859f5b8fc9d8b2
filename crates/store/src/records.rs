//! Keeping what a room says must be kept, many at once.

use sqlx::AnyConnection;
use tertulia_model::RoomName;
use tertulia_room::{Record, Settlement};

use crate::chat::{self, ChatRetention, Said};
use crate::{Store, StoreError};
use crate::{audit, files};

impl Store {
    /// Keeps records in their order, all in one transaction. What became of each is on disk when this returns; where
    /// one cannot be kept, the others are kept without it.
    pub async fn keep(
        &self,
        records: &[(RoomName, Record)],
        retention: ChatRetention,
    ) -> Vec<Result<Settlement, StoreError>> {
        match self.keep_together(records, retention).await {
            Ok(settled) => settled.into_iter().map(Ok).collect(),
            Err(error) if records.len() == 1 => vec![Err(error)],
            Err(error) => {
                tracing::debug!(%error, "records are kept one by one");
                let mut settled = Vec::with_capacity(records.len());
                for record in records {
                    let alone = self.keep_together(std::slice::from_ref(record), retention).await;
                    settled.push(alone.and_then(|mut one| one.pop().ok_or(StoreError::Unreadable("record"))));
                }
                settled
            }
        }
    }

    async fn keep_together(
        &self,
        records: &[(RoomName, Record)],
        retention: ChatRetention,
    ) -> Result<Vec<Settlement>, StoreError> {
        let mut tx = self.write().await?;
        let mut settled = Vec::with_capacity(records.len());
        for (room, record) in records {
            settled.push(keep_one(&mut tx, room, record, retention).await?);
        }
        tx.commit().await?;
        Ok(settled)
    }
}

async fn keep_one(
    connection: &mut AnyConnection,
    room: &RoomName,
    record: &Record,
    retention: ChatRetention,
) -> Result<Settlement, StoreError> {
    match record {
        Record::Chat(message) => match chat::append(connection, room, message).await? {
            Said::Now => Ok(Settlement::Kept),
            Said::Before(stood) => Ok(Settlement::StoodBefore(stood)),
        },
        Record::ChatChanged(message) => {
            chat::change(connection, room, message).await?;
            Ok(Settlement::Kept)
        }
        Record::Audit(entry) => {
            audit::append(connection, room, entry).await?;
            Ok(Settlement::Kept)
        }
        Record::Ended { at_ms } => {
            if chat::end(connection, room, retention).await? {
                files::end(connection, room, *at_ms).await?;
            }
            Ok(Settlement::Kept)
        }
        // Better to say so than to lose silently what a newer room wants kept.
        _ => Err(StoreError::Unreadable("record")),
    }
}
