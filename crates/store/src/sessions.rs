//! Stays of people signed in.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};
use tertulia_people::{Account, AccountId, SecretDigest, Session, SessionLife};

use crate::accounts::account_of;
use crate::number::{signed, unsigned};
use crate::{Store, StoreError};

impl Store {
    /// Keeps a new session.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_session(&self, session: &Session) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query(
            "INSERT INTO sessions (digest, account, created_ms, seen_ms, browser) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(session.digest.as_str())
        .bind(session.account.as_str())
        .bind(signed(session.created_at_ms))
        .bind(signed(session.seen_at_ms))
        .bind(session.browser.as_deref())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// The session of this digest and whose it is, where the account may still sign in. Whether its time is over is left
    /// to the caller.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn session(&self, digest: &SecretDigest) -> Result<Option<(Session, Account)>, StoreError> {
        let mut connection = self.read().await?;
        let row = sqlx::query(
            "SELECT s.created_ms AS begun_ms, s.seen_ms, s.browser, a.id, a.login, a.display_name, a.email, a.admin, a.disabled, \
             a.password, a.issuer, a.subject, a.created_ms \
             FROM sessions s JOIN accounts a ON a.id = s.account WHERE s.digest = $1 AND a.disabled = 0",
        )
        .bind(digest.as_str())
        .fetch_optional(&mut *connection)
        .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let account = account_of(&row)?;
        let session = Session {
            digest: digest.clone(),
            account: account.id.clone(),
            created_at_ms: unsigned(row.try_get("begun_ms")?)?,
            seen_at_ms: unsigned(row.try_get("seen_ms")?)?,
            browser: row.try_get("browser")?,
        };
        Ok(Some((session, account)))
    }

    /// All sessions of an account, the one used last first. Whether their time is over is left to the caller.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sessions_of(&self, account: &AccountId) -> Result<Vec<Session>, StoreError> {
        let mut connection = self.read().await?;
        let rows = sqlx::query(
            "SELECT digest, created_ms, seen_ms, browser FROM sessions WHERE account = $1 \
             ORDER BY seen_ms DESC, created_ms DESC, digest",
        )
        .bind(account.as_str())
        .fetch_all(&mut *connection)
        .await?;
        let session = |row: &AnyRow| {
            Ok(Session {
                digest: SecretDigest::from_kept(row.try_get("digest")?),
                account: account.clone(),
                created_at_ms: unsigned(row.try_get("created_ms")?)?,
                seen_at_ms: unsigned(row.try_get("seen_ms")?)?,
                browser: row.try_get("browser")?,
            })
        };
        rows.iter().map(session).collect()
    }

    /// Notes that a session was used.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_session_use(&self, digest: &SecretDigest, now_ms: u64) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query("UPDATE sessions SET seen_ms = $2 WHERE digest = $1")
            .bind(digest.as_str())
            .bind(signed(now_ms))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_session(&self, digest: &SecretDigest) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let ended = sqlx::query("DELETE FROM sessions WHERE digest = $1")
            .bind(digest.as_str())
            .execute(&mut *tx)
            .await?
            .rows_affected();
        tx.commit().await?;
        Ok(ended == 1)
    }

    /// Ends all sessions of an account.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_sessions(&self, account: &AccountId) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        end_all(&mut tx, account).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Ends all sessions of an account but one, and says how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_other_sessions(
        &self,
        account: &AccountId,
        kept: &SecretDigest,
    ) -> Result<u64, StoreError> {
        let mut tx = self.write().await?;
        let ended = sqlx::query("DELETE FROM sessions WHERE account = $1 AND digest <> $2")
            .bind(account.as_str())
            .bind(kept.as_str())
            .execute(&mut *tx)
            .await?
            .rows_affected();
        tx.commit().await?;
        Ok(ended)
    }

    /// Deletes sessions whose time is over, and says how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn expire_sessions(&self, life: SessionLife, now_ms: u64) -> Result<u64, StoreError> {
        let before = |life: std::time::Duration| {
            signed(now_ms.saturating_sub(u64::try_from(life.as_millis()).unwrap_or(u64::MAX)))
        };
        let mut tx = self.write().await?;
        let deleted = sqlx::query("DELETE FROM sessions WHERE seen_ms <= $1 OR created_ms <= $2")
            .bind(before(life.idle))
            .bind(before(life.longest))
            .execute(&mut *tx)
            .await?
            .rows_affected();
        tx.commit().await?;
        Ok(deleted)
    }
}

pub(crate) async fn end_all(connection: &mut AnyConnection, account: &AccountId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM sessions WHERE account = $1")
        .bind(account.as_str())
        .execute(connection)
        .await?;
    Ok(())
}
