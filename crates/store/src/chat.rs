//! What was said, by room.

use sqlx::AnyConnection;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use tertulia_model::{Identity, RoomName};
use tertulia_room::{ChatFile, ChatMessage, ChatReaction, History};

use crate::number::{one_more, signed, unsigned};
use crate::{Store, StoreError};

/// How long what was said in a room stays that went with the process instead of ending, where nothing is to be kept
/// after the end.
const ORPHANED_MS: i64 = 3_600_000;
/// How long messages stay at most in a room that keeps nothing after its end.
const WHILE_OPEN_MS: i64 = 24 * 3_600_000;

/// How long messages stay where a room says nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatRetention {
    /// As long as the room, a day at most.
    WhileOpen,
    /// So many seconds after they were written.
    Seconds(u32),
}

/// What became of a message that was to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// It stands now.
    Now,
    /// One of the same sender and id stood before.
    Before(Box<ChatMessage>),
}

/// A piece of what was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatPage {
    /// Messages, ascending.
    pub messages: Vec<ChatMessage>,
    /// Whether there are older ones.
    pub more: bool,
}

impl Store {
    /// What a room that opens begins with: its newest messages, and the highest number it ever gave. What has outlived
    /// its time is deleted first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_chat(
        &self,
        room: &RoomName,
        newest: usize,
        retention: ChatRetention,
        now_ms: u64,
    ) -> Result<History, StoreError> {
        let mut tx = self.write().await?;
        let kept: Option<(i64, Option<i64>)> =
            sqlx::query_as("SELECT last_seq, keep_s FROM chat_rooms WHERE room = $1")
                .bind(room.key())
                .fetch_optional(&mut *tx)
                .await?;
        let Some((last, own)) = kept else {
            return Ok(History::default());
        };
        let oldest = signed(now_ms) - lifetime_ms(own, retention, ORPHANED_MS);
        // A room that ends with its chat is either still the same one, or another under the same name.
        let newest_at: Option<i64> = sqlx::query_scalar("SELECT MAX(at_ms) FROM chat WHERE room = $1")
            .bind(room.key())
            .fetch_one(&mut *tx)
            .await?;
        let ends_with_room = own.unwrap_or(0) == 0 && retention == ChatRetention::WhileOpen;
        let whole = ends_with_room && newest_at.is_some_and(|at| at >= oldest);
        if !whole {
            sqlx::query("DELETE FROM chat WHERE room = $1 AND at_ms < $2")
                .bind(room.key())
                .bind(oldest)
                .execute(&mut *tx)
                .await?;
        }
        let page = read(&mut tx, room, None, newest).await?;
        tx.commit().await?;
        Ok(History {
            chat: page.messages,
            last_seq: unsigned(last)?,
        })
    }

    /// At most `limit` messages before `before`, or the newest.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read_chat(
        &self,
        room: &RoomName,
        before: Option<u64>,
        limit: usize,
    ) -> Result<ChatPage, StoreError> {
        let mut connection = self.read().await?;
        read(&mut connection, room, before, limit).await
    }

    /// At most `limit` messages after `after`, the oldest first; whether there are more is about newer ones.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn chat_after(
        &self,
        room: &RoomName,
        after: u64,
        limit: usize,
    ) -> Result<ChatPage, StoreError> {
        let mut connection = self.read().await?;
        let rows = sqlx::query(
            "SELECT seq, id, identity, name, body, at_ms, file_id, file_name, file_kind, file_bytes, reply_to, \
             edited_ms, reactions FROM chat WHERE room = $1 AND seq > $2 \
             ORDER BY seq LIMIT $3",
        )
        .bind(room.key())
        .bind(signed(after))
        .bind(one_more(limit))
        .fetch_all(&mut *connection)
        .await?;
        let messages: Result<Vec<ChatMessage>, StoreError> =
            rows.iter().take(limit).map(message_of).collect();
        Ok(ChatPage {
            messages: messages?,
            more: rows.len() > limit,
        })
    }

    /// At most `limit` messages before `before` that contain `words`, whatever their case.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn search_chat(
        &self,
        room: &RoomName,
        words: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<ChatPage, StoreError> {
        let mut connection = self.read().await?;
        let rows = sqlx::query(
            "SELECT seq, id, identity, name, body, at_ms, file_id, file_name, file_kind, file_bytes, reply_to, \
             edited_ms, reactions FROM chat \
             WHERE room = $1 AND seq < $2 AND folded LIKE $3 ESCAPE '!' ORDER BY seq DESC LIMIT $4",
        )
        .bind(room.key())
        .bind(before.map_or(i64::MAX, signed))
        .bind(containing(&words.to_lowercase()))
        .bind(one_more(limit))
        .fetch_all(&mut *connection)
        .await?;
        page(&rows, limit)
    }

    /// Deletes what has outlived its time in every room, and says how many messages that were.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn expire_chat(&self, retention: ChatRetention, now_ms: u64) -> Result<u64, StoreError> {
        let mut tx = self.write().await?;
        let deleted = sqlx::query(
            "DELETE FROM chat WHERE at_ms < $1 - COALESCE((SELECT CASE keep_s WHEN 0 THEN $2 ELSE keep_s * 1000 END \
             FROM chat_rooms WHERE chat_rooms.room = chat.room), $3)",
        )
        .bind(signed(now_ms))
        .bind(WHILE_OPEN_MS)
        .bind(lifetime_ms(None, retention, WHILE_OPEN_MS))
        .execute(&mut *tx)
        .await?
        .rows_affected();
        tx.commit().await?;
        Ok(deleted)
    }
}

/// Keeps a message.
pub(crate) async fn append(
    connection: &mut AnyConnection,
    room: &RoomName,
    message: &ChatMessage,
) -> Result<Said, StoreError> {
    let file = message.file.as_ref();
    let inserted = sqlx::query(
        "INSERT INTO chat (room, seq, id, identity, name, body, folded, at_ms, file_id, file_name, file_kind, file_bytes, \
         reply_to) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (room, identity, id) DO NOTHING",
    )
    .bind(room.key())
    .bind(signed(message.seq))
    .bind(message.id.as_str())
    .bind(message.identity.as_str())
    .bind(message.name.as_str())
    .bind(message.text.as_str())
    .bind(message.text.to_lowercase())
    .bind(signed(message.at_ms))
    .bind(file.map(|file| file.id.clone()))
    .bind(file.map(|file| file.name.clone()))
    .bind(file.map(|file| file.kind.clone()))
    .bind(file.map(|file| signed(file.bytes)))
    .bind(message.reply_to.map(signed))
    .execute(&mut *connection)
    .await?;
    if inserted.rows_affected() == 0 {
        let stood = sqlx::query(
            "SELECT seq, id, identity, name, body, at_ms, file_id, file_name, file_kind, file_bytes, reply_to, \
             edited_ms, reactions FROM chat \
             WHERE room = $1 AND identity = $2 AND id = $3",
        )
        .bind(room.key())
        .bind(message.identity.as_str())
        .bind(message.id.as_str())
        .fetch_one(&mut *connection)
        .await?;
        return Ok(Said::Before(Box::new(message_of(&stood)?)));
    }
    sqlx::query(
        "INSERT INTO chat_rooms (room, last_seq) VALUES ($1, $2) ON CONFLICT (room) \
         DO UPDATE SET last_seq = excluded.last_seq WHERE chat_rooms.last_seq < excluded.last_seq",
    )
    .bind(room.key())
    .bind(signed(message.seq))
    .execute(&mut *connection)
    .await?;
    Ok(Said::Now)
}

/// Keeps what a message is now, or deletes it.
pub(crate) async fn change(
    connection: &mut AnyConnection,
    room: &RoomName,
    message: &ChatMessage,
) -> Result<(), StoreError> {
    let query = if message.deleted {
        sqlx::query("DELETE FROM chat WHERE room = $1 AND seq = $2")
            .bind(room.key())
            .bind(signed(message.seq))
    } else {
        sqlx::query(
            "UPDATE chat SET body = $3, folded = $4, edited_ms = $5, reactions = $6 WHERE room = $1 AND seq = $2",
        )
        .bind(room.key())
        .bind(signed(message.seq))
        .bind(message.text.as_str())
        .bind(message.text.to_lowercase())
        .bind(message.edited_at_ms.map(signed))
        .bind(written(&message.reactions))
    };
    query.execute(&mut *connection).await?;
    Ok(())
}

/// Forgets what was said in a room that is over, where nothing is to be kept after the end; says whether that is so.
pub(crate) async fn end(
    connection: &mut AnyConnection,
    room: &RoomName,
    retention: ChatRetention,
) -> Result<bool, StoreError> {
    let own: Option<(Option<i64>,)> = sqlx::query_as("SELECT keep_s FROM chat_rooms WHERE room = $1")
        .bind(room.key())
        .fetch_optional(&mut *connection)
        .await?;
    let keeps = match (own.and_then(|(own,)| own), retention) {
        (Some(seconds), _) => seconds > 0,
        (None, ChatRetention::Seconds(seconds)) => seconds > 0,
        (None, ChatRetention::WhileOpen) => false,
    };
    if keeps {
        return Ok(false);
    }
    sqlx::query("DELETE FROM chat WHERE room = $1")
        .bind(room.key())
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM chat_rooms WHERE room = $1 AND keep_s IS NULL")
        .bind(room.key())
        .execute(&mut *connection)
        .await?;
    Ok(true)
}

async fn read(
    connection: &mut AnyConnection,
    room: &RoomName,
    before: Option<u64>,
    limit: usize,
) -> Result<ChatPage, StoreError> {
    let rows = sqlx::query(
        "SELECT seq, id, identity, name, body, at_ms, file_id, file_name, file_kind, file_bytes, reply_to, \
             edited_ms, reactions FROM chat WHERE room = $1 AND seq < $2 \
         ORDER BY seq DESC LIMIT $3",
    )
    .bind(room.key())
    .bind(before.map_or(i64::MAX, signed))
    .bind(one_more(limit))
    .fetch_all(connection)
    .await?;
    page(&rows, limit)
}

/// Rows come newest first, one more than asked for where there are more.
fn page(rows: &[AnyRow], limit: usize) -> Result<ChatPage, StoreError> {
    let messages: Result<Vec<ChatMessage>, StoreError> =
        rows.iter().take(limit).rev().map(message_of).collect();
    Ok(ChatPage {
        messages: messages?,
        more: rows.len() > limit,
    })
}

fn message_of(row: &AnyRow) -> Result<ChatMessage, StoreError> {
    let identity: String = row.try_get("identity")?;
    Ok(ChatMessage {
        seq: unsigned(row.try_get("seq")?)?,
        id: row.try_get("id")?,
        identity: Identity::parse(&identity).map_err(|_| StoreError::Unreadable("chat message"))?,
        name: row.try_get("name")?,
        text: row.try_get("body")?,
        at_ms: unsigned(row.try_get("at_ms")?)?,
        file: file_of(row)?,
        // Private messages are not kept, and deleted ones are gone.
        to: None,
        reply_to: row
            .try_get::<Option<i64>, _>("reply_to")?
            .map(unsigned)
            .transpose()?,
        edited_at_ms: row
            .try_get::<Option<i64>, _>("edited_ms")?
            .map(unsigned)
            .transpose()?,
        deleted: false,
        reactions: read_reactions(&row.try_get::<String, _>("reactions")?)?,
    })
}

/// Neither kinds nor identities have tabs or line ends.
fn written(reactions: &[ChatReaction]) -> String {
    let mut text = String::new();
    for reaction in reactions {
        text.push_str(&reaction.kind);
        for by in &reaction.by {
            text.push('\t');
            text.push_str(by.as_str());
        }
        text.push('\n');
    }
    text
}

fn read_reactions(text: &str) -> Result<Vec<ChatReaction>, StoreError> {
    let lines = text.lines().map(|line| {
        let mut parts = line.split('\t');
        let kind = parts.next().unwrap_or_default().to_owned();
        let by: Result<Vec<Identity>, _> = parts.map(Identity::parse).collect();
        let by = by.map_err(|_| StoreError::Unreadable("reaction"))?;
        Ok(ChatReaction { kind, by })
    });
    lines.collect()
}

fn file_of(row: &AnyRow) -> Result<Option<ChatFile>, StoreError> {
    let Some(id) = row.try_get("file_id")? else {
        return Ok(None);
    };
    Ok(Some(ChatFile {
        id,
        name: row.try_get("file_name")?,
        kind: row.try_get("file_kind")?,
        bytes: unsigned(row.try_get("file_bytes")?)?,
    }))
}

/// How long messages of a room stay, in milliseconds; `while_open` where they end with the room.
fn lifetime_ms(own_s: Option<i64>, retention: ChatRetention, while_open: i64) -> i64 {
    let seconds = match (own_s, retention) {
        (Some(own), _) => own,
        (None, ChatRetention::Seconds(seconds)) => i64::from(seconds),
        (None, ChatRetention::WhileOpen) => 0,
    };
    match seconds {
        0 => while_open,
        seconds => seconds.saturating_mul(1_000),
    }
}

/// A pattern for texts that contain this one.
fn containing(text: &str) -> String {
    let mut pattern = "%".to_owned();
    for c in text.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
