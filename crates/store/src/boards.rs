//! Whiteboards, by room.

use sqlx::{AnyConnection, Row as _};
use tertulia_model::RoomName;
use tertulia_room::{BoardElement, Drawing, Drawn};

use crate::StoreError;
use crate::number::{signed, unsigned};

/// Keeps elements as they are now, where no later version of them is kept; not of a board that was cleared.
pub(crate) async fn draw(
    connection: &mut AnyConnection,
    room: &RoomName,
    drawn: &Drawn,
) -> Result<(), StoreError> {
    let touched = sqlx::query(
        "INSERT INTO boards (room, epoch, touched_ms) VALUES ($1, $2, $3) ON CONFLICT (room) \
         DO UPDATE SET touched_ms = excluded.touched_ms WHERE boards.epoch = excluded.epoch",
    )
    .bind(room.key())
    .bind(signed(drawn.epoch))
    .bind(signed(drawn.at.unix_ms))
    .execute(&mut *connection)
    .await?;
    if touched.rows_affected() == 0 {
        return Ok(());
    }
    for element in &drawn.elements {
        sqlx::query(
            "INSERT INTO board_elements (room, id, version, nonce, deleted, body) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (room, id) DO UPDATE SET version = excluded.version, nonce = excluded.nonce, \
             deleted = excluded.deleted, body = excluded.body \
             WHERE excluded.version > board_elements.version \
             OR (excluded.version = board_elements.version AND excluded.nonce < board_elements.nonce)",
        )
        .bind(room.key())
        .bind(element.id.as_str())
        .bind(signed(element.version))
        .bind(signed(element.nonce))
        .bind(i64::from(element.deleted))
        .bind(&*element.body)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Forgets what is drawn and keeps which board comes next.
pub(crate) async fn clear(
    connection: &mut AnyConnection,
    room: &RoomName,
    epoch: u64,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM board_elements WHERE room = $1")
        .bind(room.key())
        .execute(&mut *connection)
        .await?;
    // When it was touched last is when it was cleared, which is what names the board.
    sqlx::query(
        "INSERT INTO boards (room, epoch, touched_ms) VALUES ($1, $2, $2) ON CONFLICT (room) \
         DO UPDATE SET epoch = excluded.epoch, touched_ms = excluded.touched_ms",
    )
    .bind(room.key())
    .bind(signed(epoch))
    .execute(connection)
    .await?;
    Ok(())
}

/// What is drawn. What was deleted is forgotten first: nobody who might have to hear of it is here.
pub(crate) async fn read(connection: &mut AnyConnection, room: &RoomName) -> Result<Drawing, StoreError> {
    let epoch: Option<i64> = sqlx::query_scalar("SELECT epoch FROM boards WHERE room = $1")
        .bind(room.key())
        .fetch_optional(&mut *connection)
        .await?;
    let Some(epoch) = epoch else {
        return Ok(Drawing::default());
    };
    sqlx::query("DELETE FROM board_elements WHERE room = $1 AND deleted = 1")
        .bind(room.key())
        .execute(&mut *connection)
        .await?;
    let rows = sqlx::query("SELECT id, version, nonce, body FROM board_elements WHERE room = $1 ORDER BY id")
        .bind(room.key())
        .fetch_all(connection)
        .await?;
    let elements = rows.iter().map(|row| {
        Ok(BoardElement {
            id: row.try_get("id")?,
            version: unsigned(row.try_get("version")?)?,
            nonce: unsigned(row.try_get("nonce")?)?,
            deleted: false,
            body: row.try_get::<String, _>("body")?.into(),
        })
    });
    Ok(Drawing {
        epoch: unsigned(epoch)?,
        elements: elements.collect::<Result<_, StoreError>>()?,
    })
}
