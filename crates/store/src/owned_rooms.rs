//! Rooms somebody owns.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};
use tertulia_model::{Codec, RoomName};
use tertulia_people::{
    Access, AccountId, MeetingDefaults, OwnedRoom, PasswordHash, PictureLimits, Recurrence, Repeat,
    RoomDetails, Schedule,
};

use crate::number::{signed, unsigned};
use crate::{Store, StoreError};

/// Why a room is not kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RoomRefusal {
    /// Somebody owns a room of this name.
    #[error("the room's name is taken")]
    Taken,
    /// The owner has as many rooms as they may.
    #[error("the owner has too many rooms")]
    TooMany,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// An owned room as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRoom {
    /// The room.
    pub room: OwnedRoom,
    /// How often it was changed.
    pub changes: u64,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT name, owner, title, description, access, starts_without_owner, capacity, lobby, start_muted, \
             start_without_video, webinar, password, starts_ms, duration_min, repeats, until_ms, created_ms, changes, \
             max_height, max_fps, video_codecs, \
             (SELECT keep_s FROM chat_rooms WHERE chat_rooms.room = owned_rooms.room) AS keep_s \
             FROM owned_rooms ",
            $rest
        )
    };
}

/// The columns of what an owner decides, from the third parameter on.
macro_rules! bind_details {
    ($query:expr, $room:expr) => {{
        let (details, schedule) = (&$room.details, $room.details.schedule.as_ref());
        let repeat = schedule.and_then(|schedule| schedule.repeat.as_ref());
        $query
            .bind(details.title.as_str())
            .bind(details.description.as_str())
            .bind(access_name(details.access))
            .bind(i64::from(details.starts_without_owner))
            .bind(details.capacity.map(i64::from))
            .bind(i64::from(details.defaults.lobby))
            .bind(i64::from(details.defaults.start_muted))
            .bind(i64::from(details.defaults.start_without_video))
            .bind(i64::from(details.defaults.webinar))
            .bind($room.password.as_ref().map(PasswordHash::expose))
            .bind(schedule.map(|schedule| signed(schedule.starts_at_ms)))
            .bind(schedule.map(|schedule| i64::from(schedule.duration_min)))
            .bind(repeat.map(|repeat| repeat.every.name()))
            .bind(repeat.and_then(|repeat| repeat.until_ms).map(signed))
            .bind(details.defaults.picture.max_height.map(i64::from))
            .bind(details.defaults.picture.max_fps.map(i64::from))
            .bind(codec_names(&details.defaults.picture.codecs))
    }};
}

impl Store {
    /// Keeps a new room, where its owner has fewer than `most`. Whatever was kept of an unowned room of this name before
    /// is deleted: it is nobody's to read.
    ///
    /// # Errors
    /// [`RoomRefusal`].
    pub async fn add_room(&self, room: &OwnedRoom, most: u64) -> Result<(), RoomRefusal> {
        let mut tx = self.write().await?;
        let held: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM owned_rooms WHERE owner = $1")
            .bind(room.owner.as_str())
            .fetch_one(&mut *tx)
            .await
            .map_err(StoreError::from)?;
        if unsigned(held)? >= most {
            return Err(RoomRefusal::TooMany);
        }
        let query = sqlx::query(
            "INSERT INTO owned_rooms (room, owner, title, description, access, starts_without_owner, capacity, lobby, \
             start_muted, start_without_video, webinar, password, starts_ms, duration_min, repeats, until_ms, max_height, \
             max_fps, video_codecs, name, created_ms, changes) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, 0)",
        )
        .bind(room.name.key())
        .bind(room.owner.as_str());
        let inserted = bind_details!(query, room)
            .bind(room.name.as_str())
            .bind(signed(room.created_at_ms))
            .execute(&mut *tx)
            .await;
        match inserted.map_err(StoreError::from) {
            Ok(_) => {}
            Err(StoreError::Exists(_)) => return Err(RoomRefusal::Taken),
            Err(error) => return Err(error.into()),
        }
        empty(&mut tx, room.name.key()).await?;
        set_keep(&mut tx, room.name.key(), room.details.keep_s).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    /// Keeps what its owner decided of a room anew. False where they own none of this name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn change_room(&self, room: &OwnedRoom) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let query = sqlx::query(
            "UPDATE owned_rooms SET title = $3, description = $4, access = $5, starts_without_owner = $6, \
             capacity = $7, lobby = $8, start_muted = $9, start_without_video = $10, webinar = $11, password = $12, \
             starts_ms = $13, duration_min = $14, repeats = $15, until_ms = $16, max_height = $17, max_fps = $18, \
             video_codecs = $19, changes = changes + 1 \
             WHERE room = $1 AND owner = $2",
        )
        .bind(room.name.key())
        .bind(room.owner.as_str());
        let changed = bind_details!(query, room)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        if changed == 1 {
            set_keep(&mut tx, room.name.key(), room.details.keep_s).await?;
        }
        tx.commit().await?;
        Ok(changed == 1)
    }

    /// Forgets a room of this owner with its invitations, its chat and its files. False where they own none of this name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_room(&self, name: &RoomName, owner: &AccountId) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let deleted = sqlx::query("DELETE FROM owned_rooms WHERE room = $1 AND owner = $2")
            .bind(name.key())
            .bind(owner.as_str())
            .execute(&mut *tx)
            .await?
            .rows_affected();
        if deleted == 1 {
            empty(&mut tx, name.key()).await?;
        }
        tx.commit().await?;
        Ok(deleted == 1)
    }

    /// The owned room of this name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn owned_room(&self, name: &RoomName) -> Result<Option<KeptRoom>, StoreError> {
        let mut connection = self.read().await?;
        let row = sqlx::query(select!("WHERE room = $1"))
            .bind(name.key())
            .fetch_optional(&mut *connection)
            .await?;
        row.as_ref().map(room_of).transpose()
    }

    /// All rooms of an owner, by name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rooms_of(&self, owner: &AccountId) -> Result<Vec<KeptRoom>, StoreError> {
        let mut connection = self.read().await?;
        let rows = sqlx::query(select!("WHERE owner = $1 ORDER BY room"))
            .bind(owner.as_str())
            .fetch_all(&mut *connection)
            .await?;
        rows.iter().map(room_of).collect()
    }
}

/// Deletes what was said, asked, drawn and shared in a room, and what its owner decided of how long that stays. The highest
/// number ever given stays, so that a meeting under way gives none twice.
pub(crate) async fn empty(connection: &mut AnyConnection, room: &str) -> Result<(), StoreError> {
    for forget in [
        "DELETE FROM chat WHERE room = $1",
        "DELETE FROM poll_votes WHERE room = $1",
        "DELETE FROM polls WHERE room = $1",
        "DELETE FROM board_elements WHERE room = $1",
        "DELETE FROM boards WHERE room = $1",
        "UPDATE chat_rooms SET keep_s = NULL WHERE room = $1",
        "UPDATE files SET expires_ms = 0 WHERE room = $1",
    ] {
        sqlx::query(forget).bind(room).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Says how long the contents of a room are kept from now on; `None` for as the server does.
async fn set_keep(connection: &mut AnyConnection, room: &str, keep_s: Option<u32>) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO chat_rooms (room, last_seq, keep_s) VALUES ($1, 0, $2) \
         ON CONFLICT (room) DO UPDATE SET keep_s = excluded.keep_s",
    )
    .bind(room)
    .bind(keep_s.map(i64::from))
    .execute(connection)
    .await?;
    Ok(())
}

/// The codecs an owner may prefer, as they are kept.
const CODECS: [(Codec, &str); 4] = [
    (Codec::Vp8, "vp8"),
    (Codec::Vp9, "vp9"),
    (Codec::H264, "h264"),
    (Codec::Av1, "av1"),
];

fn codec_names(codecs: &[Codec]) -> String {
    let name = |codec: &Codec| {
        CODECS
            .iter()
            .find(|(known, _)| known == codec)
            .map(|(_, name)| *name)
    };
    let names: Vec<&str> = codecs.iter().filter_map(name).collect();
    names.join(",")
}

/// `None` where one is none of ours.
fn codecs_from(names: &str) -> Option<Vec<Codec>> {
    let codec = |name: &str| {
        CODECS
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(codec, _)| *codec)
    };
    names
        .split(',')
        .filter(|name| !name.is_empty())
        .map(codec)
        .collect()
}

fn access_name(access: Access) -> &'static str {
    match access {
        Access::Anyone => "anyone",
        Access::SignedIn => "signed_in",
        Access::Invited => "invited",
    }
}

fn access_from(name: &str) -> Option<Access> {
    [Access::Anyone, Access::SignedIn, Access::Invited]
        .into_iter()
        .find(|access| access_name(*access) == name)
}

fn room_of(row: &AnyRow) -> Result<KeptRoom, StoreError> {
    let unreadable = || StoreError::Unreadable("room");
    let flag = |column: &str| Ok::<bool, StoreError>(row.try_get::<i64, _>(column)? == 1);
    let number = |column: &str| {
        let value: Option<i64> = row.try_get(column)?;
        value
            .map(|value| u32::try_from(value).map_err(|_| unreadable()))
            .transpose()
    };
    let time = |column: &str| row.try_get::<Option<i64>, _>(column)?.map(unsigned).transpose();
    let (name, owner, access): (String, String, String) = (
        row.try_get("name")?,
        row.try_get("owner")?,
        row.try_get("access")?,
    );
    let (repeats, password): (Option<String>, Option<String>) =
        (row.try_get("repeats")?, row.try_get("password")?);
    let repeat = match repeats {
        Some(every) => Some(Repeat {
            every: Recurrence::from_name(&every).ok_or_else(unreadable)?,
            until_ms: time("until_ms")?,
        }),
        None => None,
    };
    let schedule = match (time("starts_ms")?, number("duration_min")?) {
        (Some(starts_at_ms), Some(duration_min)) => Some(Schedule {
            starts_at_ms,
            duration_min,
            repeat,
        }),
        _ => None,
    };
    let room = OwnedRoom {
        name: RoomName::parse(&name).map_err(|_| unreadable())?,
        owner: AccountId::parse(&owner).ok_or_else(unreadable)?,
        details: RoomDetails {
            title: row.try_get("title")?,
            description: row.try_get("description")?,
            access: access_from(&access).ok_or_else(unreadable)?,
            starts_without_owner: flag("starts_without_owner")?,
            capacity: number("capacity")?,
            defaults: MeetingDefaults {
                lobby: flag("lobby")?,
                start_muted: flag("start_muted")?,
                start_without_video: flag("start_without_video")?,
                webinar: flag("webinar")?,
                picture: PictureLimits {
                    max_height: number("max_height")?,
                    max_fps: number("max_fps")?,
                    codecs: codecs_from(row.try_get("video_codecs")?).ok_or_else(unreadable)?,
                },
            },
            schedule,
            keep_s: number("keep_s")?,
        },
        password: password.map(PasswordHash::from_kept),
        created_at_ms: unsigned(row.try_get("created_ms")?)?,
    };
    Ok(KeptRoom {
        room,
        changes: unsigned(row.try_get("changes")?)?,
    })
}
