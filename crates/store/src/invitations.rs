//! Links that let somebody into an owned room.

use sqlx::Row as _;
use sqlx::any::AnyRow;
use tertulia_model::{Role, RoomName};
use tertulia_people::{Invitation, InvitationId, SecretDigest};

use crate::number::{signed, unsigned};
use crate::{RoomRefusal, Store, StoreError};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT i.id, i.digest, r.name, i.label, i.role, i.created_ms, i.expires_ms, i.max_uses, i.uses, i.revoked \
             FROM invitations i JOIN owned_rooms r ON r.room = i.room ",
            $rest
        )
    };
}

impl Store {
    /// Keeps a new invitation, where its room has fewer than `most`.
    ///
    /// # Errors
    /// [`RoomRefusal::TooMany`] and [`RoomRefusal::Store`].
    pub async fn add_invitation(&self, invitation: &Invitation, most: u64) -> Result<(), RoomRefusal> {
        let mut tx = self.write().await?;
        let held: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM invitations WHERE room = $1")
            .bind(invitation.room.key())
            .fetch_one(&mut *tx)
            .await
            .map_err(StoreError::from)?;
        if unsigned(held)? >= most {
            return Err(RoomRefusal::TooMany);
        }
        sqlx::query(
            "INSERT INTO invitations (id, digest, room, label, role, created_ms, expires_ms, max_uses, uses, revoked) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(invitation.id.as_str())
        .bind(invitation.digest.as_str())
        .bind(invitation.room.key())
        .bind(invitation.label.as_str())
        .bind(invitation.role.name())
        .bind(signed(invitation.created_at_ms))
        .bind(signed(invitation.expires_at_ms))
        .bind(invitation.max_uses.map(i64::from))
        .bind(i64::from(invitation.uses))
        .bind(i64::from(invitation.revoked))
        .execute(&mut *tx)
        .await
        .map_err(StoreError::from)?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    /// The invitation whose secret has this digest.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn invitation_by_digest(
        &self,
        digest: &SecretDigest,
    ) -> Result<Option<Invitation>, StoreError> {
        let mut connection = self.read().await?;
        let row = sqlx::query(select!("WHERE i.digest = $1"))
            .bind(digest.as_str())
            .fetch_optional(&mut *connection)
            .await?;
        row.as_ref().map(invitation_of).transpose()
    }

    /// The invitation of this id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn invitation(&self, id: &InvitationId) -> Result<Option<Invitation>, StoreError> {
        let mut connection = self.read().await?;
        let row = sqlx::query(select!("WHERE i.id = $1"))
            .bind(id.as_str())
            .fetch_optional(&mut *connection)
            .await?;
        row.as_ref().map(invitation_of).transpose()
    }

    /// All invitations to a room, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn invitations_to(&self, room: &RoomName) -> Result<Vec<Invitation>, StoreError> {
        let mut connection = self.read().await?;
        let rows = sqlx::query(select!("WHERE i.room = $1 ORDER BY i.created_ms DESC, i.id"))
            .bind(room.key())
            .fetch_all(&mut *connection)
            .await?;
        rows.iter().map(invitation_of).collect()
    }

    /// Uses an invitation once more. False where it is used up or worth nothing any more: of two who come with the last
    /// use, one does.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn use_invitation(&self, id: &InvitationId, now_ms: u64) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let used = sqlx::query(
            "UPDATE invitations SET uses = uses + 1 WHERE id = $1 AND revoked = 0 AND expires_ms > $2 \
             AND (max_uses IS NULL OR uses < max_uses)",
        )
        .bind(id.as_str())
        .bind(signed(now_ms))
        .execute(&mut *tx)
        .await?
        .rows_affected();
        tx.commit().await?;
        Ok(used == 1)
    }

    /// Takes an invitation to this room back. False where there is none of this id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_invitation(&self, room: &RoomName, id: &InvitationId) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let revoked = sqlx::query("UPDATE invitations SET revoked = 1 WHERE id = $1 AND room = $2")
            .bind(id.as_str())
            .bind(room.key())
            .execute(&mut *tx)
            .await?
            .rows_affected();
        tx.commit().await?;
        Ok(revoked == 1)
    }

    /// Deletes invitations whose time was over before `before_ms`, and says how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn expire_invitations(&self, before_ms: u64) -> Result<u64, StoreError> {
        let mut tx = self.write().await?;
        let deleted = sqlx::query("DELETE FROM invitations WHERE expires_ms <= $1")
            .bind(signed(before_ms))
            .execute(&mut *tx)
            .await?
            .rows_affected();
        tx.commit().await?;
        Ok(deleted)
    }
}

fn invitation_of(row: &AnyRow) -> Result<Invitation, StoreError> {
    let unreadable = || StoreError::Unreadable("invitation");
    let (id, digest, name, role): (String, String, String, String) = (
        row.try_get("id")?,
        row.try_get("digest")?,
        row.try_get("name")?,
        row.try_get("role")?,
    );
    let count = |value: i64| u32::try_from(value).map_err(|_| unreadable());
    Ok(Invitation {
        id: InvitationId::parse(&id).ok_or_else(unreadable)?,
        digest: SecretDigest::from_kept(digest),
        room: RoomName::parse(&name).map_err(|_| unreadable())?,
        label: row.try_get("label")?,
        role: Role::from_name(&role).ok_or_else(unreadable)?,
        created_at_ms: unsigned(row.try_get("created_ms")?)?,
        expires_at_ms: unsigned(row.try_get("expires_ms")?)?,
        max_uses: row
            .try_get::<Option<i64>, _>("max_uses")?
            .map(count)
            .transpose()?,
        uses: count(row.try_get("uses")?)?,
        revoked: row.try_get::<i64, _>("revoked")? == 1,
    })
}
