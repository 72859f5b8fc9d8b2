//! What belongs to a room and goes with it: chat, polls, the whiteboard; and how long it stays.

use sqlx::AnyConnection;
use tertulia_model::RoomName;
use tertulia_room::History;

use crate::number::{signed, unsigned};
use crate::{Store, StoreError};
use crate::{boards, chat, files, polls};

/// How long the contents of a room stay that went with the process instead of ending, where nothing is to be kept after
/// the end.
const ORPHANED_MS: i64 = 3_600_000;
/// How long contents stay at most in a room that keeps nothing after its end.
const WHILE_OPEN_MS: i64 = 24 * 3_600_000;

/// How long a room's contents stay where the room says nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// As long as the room, a day at most.
    WhileOpen,
    /// So many seconds after they were written, or changed last.
    Seconds(u32),
}

/// The newest of anything in a room, with NULL for none.
const NEWEST: &str = "SELECT MAX(at) FROM (SELECT MAX(at_ms) AS at FROM chat WHERE room = $1 \
     UNION ALL SELECT MAX(touched_ms) FROM polls WHERE room = $1 \
     UNION ALL SELECT MAX(touched_ms) FROM boards WHERE room = $1) AS newest";
/// Deletes from one room what is older than `$2`.
const OUTLIVED: [&str; 5] = [
    "DELETE FROM chat WHERE room = $1 AND at_ms < $2",
    "DELETE FROM poll_votes WHERE room = $1 AND poll IN \
     (SELECT id FROM polls WHERE polls.room = $1 AND touched_ms < $2)",
    "DELETE FROM polls WHERE room = $1 AND touched_ms < $2",
    "DELETE FROM board_elements WHERE room = $1 AND room IN \
     (SELECT room FROM boards WHERE boards.room = $1 AND touched_ms < $2)",
    "DELETE FROM boards WHERE room = $1 AND touched_ms < $2",
];
/// Deletes all of one room.
const ALL: [&str; 6] = [
    "DELETE FROM chat WHERE room = $1",
    "DELETE FROM poll_votes WHERE room = $1",
    "DELETE FROM polls WHERE room = $1",
    "DELETE FROM board_elements WHERE room = $1",
    "DELETE FROM boards WHERE room = $1",
    "DELETE FROM chat_rooms WHERE room = $1 AND keep_s IS NULL",
];

impl Store {
    /// What a room that opens begins with: its newest messages, the highest number it ever gave, its polls and its
    /// whiteboard. What has outlived its time is deleted first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_contents(
        &self,
        room: &RoomName,
        newest: usize,
        retention: Retention,
        now_ms: u64,
    ) -> Result<History, StoreError> {
        let mut tx = self.write().await?;
        let kept: Option<(i64, Option<i64>)> =
            sqlx::query_as("SELECT last_seq, keep_s FROM chat_rooms WHERE room = $1")
                .bind(room.key())
                .fetch_optional(&mut *tx)
                .await?;
        let (last_seq, own) = kept.unwrap_or_default();
        let oldest = signed(now_ms) - lifetime_ms(own, retention, ORPHANED_MS);
        // A room that ends with its contents is either still the same one, or another under the same name.
        let newest_at: Option<i64> = sqlx::query_scalar(NEWEST)
            .bind(room.key())
            .fetch_one(&mut *tx)
            .await?;
        let ends_with_room = own.unwrap_or(0) == 0 && retention == Retention::WhileOpen;
        let whole = ends_with_room && newest_at.is_some_and(|at| at >= oldest);
        if newest_at.is_some() && !whole {
            for delete in OUTLIVED {
                sqlx::query(delete)
                    .bind(room.key())
                    .bind(oldest)
                    .execute(&mut *tx)
                    .await?;
            }
        }
        let page = chat::read(&mut tx, room, None, newest).await?;
        let (polls, last_poll) = polls::read(&mut tx, room).await?;
        let drawing = boards::read(&mut tx, room).await?;
        tx.commit().await?;
        Ok(History {
            chat: page.messages,
            last_seq: unsigned(last_seq)?,
            polls,
            last_poll,
            drawing,
        })
    }

    /// Deletes what has outlived its time in every room, and says how many messages that were.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn expire_contents(&self, retention: Retention, now_ms: u64) -> Result<u64, StoreError> {
        let mut tx = self.write().await?;
        let mut deleted = 0;
        for (table, at) in [
            ("chat", "at_ms"),
            ("polls", "touched_ms"),
            ("boards", "touched_ms"),
        ] {
            let delete = format!(
                "DELETE FROM {table} WHERE {at} < $1 - COALESCE((SELECT CASE keep_s WHEN 0 THEN $2 ELSE keep_s * 1000 END \
                 FROM chat_rooms WHERE chat_rooms.room = {table}.room), $3)"
            );
            let gone = sqlx::query(sqlx::AssertSqlSafe(delete))
                .bind(signed(now_ms))
                .bind(WHILE_OPEN_MS)
                .bind(lifetime_ms(None, retention, WHILE_OPEN_MS))
                .execute(&mut *tx)
                .await?;
            if table == "chat" {
                deleted = gone.rows_affected();
            }
        }
        for orphans in [
            "DELETE FROM poll_votes WHERE NOT EXISTS \
             (SELECT 1 FROM polls WHERE polls.room = poll_votes.room AND polls.id = poll_votes.poll)",
            "DELETE FROM board_elements WHERE NOT EXISTS \
             (SELECT 1 FROM boards WHERE boards.room = board_elements.room)",
        ] {
            sqlx::query(orphans).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(deleted)
    }
}

/// Forgets the contents of a room that is over at `at_ms`, where nothing is to be kept after the end.
pub(crate) async fn end(
    connection: &mut AnyConnection,
    room: &RoomName,
    retention: Retention,
    at_ms: u64,
) -> Result<(), StoreError> {
    let own: Option<(Option<i64>,)> = sqlx::query_as("SELECT keep_s FROM chat_rooms WHERE room = $1")
        .bind(room.key())
        .fetch_optional(&mut *connection)
        .await?;
    let keeps = match (own.and_then(|(own,)| own), retention) {
        (Some(seconds), _) => seconds > 0,
        (None, Retention::Seconds(seconds)) => seconds > 0,
        (None, Retention::WhileOpen) => false,
    };
    if keeps {
        return Ok(());
    }
    for delete in ALL {
        sqlx::query(delete)
            .bind(room.key())
            .execute(&mut *connection)
            .await?;
    }
    files::end(connection, room, at_ms).await
}

/// How long the contents of a room stay, in milliseconds; `while_open` where they end with the room.
fn lifetime_ms(own_s: Option<i64>, retention: Retention, while_open: i64) -> i64 {
    let seconds = match (own_s, retention) {
        (Some(own), _) => own,
        (None, Retention::Seconds(seconds)) => i64::from(seconds),
        (None, Retention::WhileOpen) => 0,
    };
    match seconds {
        0 => while_open,
        seconds => seconds.saturating_mul(1_000),
    }
}
