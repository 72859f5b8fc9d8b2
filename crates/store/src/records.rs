//! Keeping what a room says must be kept, many at once.

use sqlx::AnyConnection;
use tertulia_model::RoomName;
use tertulia_room::{Record, Settlement};

use crate::chat::{self, Said};
use crate::{Retention, Store, StoreError};
use crate::{audit, boards, contents, polls};

impl Store {
    /// Keeps records in their order, all in one transaction. What became of each is on disk when this returns; where
    /// one cannot be kept, the others are kept without it.
    pub async fn keep(
        &self,
        records: &[(RoomName, Record)],
        retention: Retention,
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
        retention: Retention,
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
    retention: Retention,
) -> Result<Settlement, StoreError> {
    match record {
        Record::Chat(message) => {
            if let Said::Before(stood) = chat::append(connection, room, message).await? {
                return Ok(Settlement::StoodBefore(stood));
            }
        }
        Record::ChatChanged(message) => chat::change(connection, room, message).await?,
        Record::Audit(entry) => audit::append(connection, room, entry).await?,
        Record::PollMade(poll) => polls::make(connection, room, poll).await?,
        Record::Voted(vote) => polls::vote(connection, room, vote).await?,
        Record::PollClosed { poll, at_ms } => polls::close(connection, room, *poll, *at_ms).await?,
        Record::PollDeleted { poll, .. } => polls::delete(connection, room, *poll).await?,
        Record::Drawn(drawn) => boards::draw(connection, room, drawn).await?,
        Record::BoardCleared { epoch, .. } => boards::clear(connection, room, *epoch).await?,
        Record::Ended { at_ms } => contents::end(connection, room, retention, *at_ms).await?,
        // Better to say so than to lose silently what a newer room wants kept.
        _ => return Err(StoreError::Unreadable("record")),
    }
    Ok(Settlement::Kept)
}
