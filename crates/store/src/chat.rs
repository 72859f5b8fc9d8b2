//! What was said, by room.

use sqlx::AnyConnection;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use tertulia_model::{Identity, RoomName};
use tertulia_room::{ChatFile, ChatMessage, ChatReaction};

use crate::number::{one_more, signed, unsigned};
use crate::{Store, StoreError};

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

pub(crate) async fn read(
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
