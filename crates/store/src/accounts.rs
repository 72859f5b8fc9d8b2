//! People with an account.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};
use tertulia_people::{Account, AccountId, ExternalIdentity, LoginName, PasswordHash};

use crate::number::{signed, unsigned};
use crate::{Store, StoreError};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, login, display_name, email, admin, disabled, password, issuer, subject, created_ms \
             FROM accounts ",
            $rest
        )
    };
}

/// Why an account is not kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountRefusal {
    /// Somebody has this login name, or is this person at the identity provider.
    #[error("the login name is taken")]
    Taken,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// What an account is looked up by.
enum By<'a> {
    Id(&'a AccountId),
    Login(&'a LoginName),
    External(&'a ExternalIdentity),
}

impl Store {
    /// Keeps a new account.
    ///
    /// # Errors
    /// [`AccountRefusal`].
    pub async fn add_account(&self, account: &Account) -> Result<(), AccountRefusal> {
        let mut tx = self.write().await?;
        let external = account.external.as_ref();
        let inserted = sqlx::query(
            "INSERT INTO accounts (id, login, display_name, email, admin, disabled, password, issuer, subject, \
             created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(account.id.as_str())
        .bind(account.login.as_str())
        .bind(account.display_name.as_str())
        .bind(account.email.as_deref())
        .bind(i64::from(account.admin))
        .bind(i64::from(account.disabled))
        .bind(account.password.as_ref().map(PasswordHash::expose))
        .bind(external.map(|external| external.issuer.as_str()))
        .bind(external.map(|external| external.subject.as_str()))
        .bind(signed(account.created_at_ms))
        .execute(&mut *tx)
        .await;
        match inserted.map_err(StoreError::from) {
            Ok(_) => {}
            Err(StoreError::Exists(_)) => return Err(AccountRefusal::Taken),
            Err(error) => return Err(error.into()),
        }
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    /// Keeps what changed of an account: everything but its id, its login name and when it was made. False where there is
    /// none of this id. Its sessions end where it is disabled.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn change_account(&self, account: &Account) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let changed = sqlx::query(
            "UPDATE accounts SET display_name = $2, email = $3, admin = $4, disabled = $5, password = $6 WHERE id = $1",
        )
        .bind(account.id.as_str())
        .bind(account.display_name.as_str())
        .bind(account.email.as_deref())
        .bind(i64::from(account.admin))
        .bind(i64::from(account.disabled))
        .bind(account.password.as_ref().map(PasswordHash::expose))
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if account.disabled {
            crate::sessions::end_all(&mut tx, &account.id).await?;
        }
        tx.commit().await?;
        Ok(changed == 1)
    }

    /// Forgets an account with its sessions, its rooms and their invitations.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_account(&self, id: &AccountId) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let rooms: Vec<String> = sqlx::query_scalar("SELECT room FROM owned_rooms WHERE owner = $1")
            .bind(id.as_str())
            .fetch_all(&mut *tx)
            .await?;
        for room in rooms {
            crate::owned_rooms::empty(&mut tx, &room).await?;
        }
        let deleted = sqlx::query("DELETE FROM accounts WHERE id = $1")
            .bind(id.as_str())
            .execute(&mut *tx)
            .await?
            .rows_affected();
        tx.commit().await?;
        Ok(deleted == 1)
    }

    /// The account of this id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn account(&self, id: &AccountId) -> Result<Option<Account>, StoreError> {
        let mut connection = self.read().await?;
        find(&mut connection, By::Id(id)).await
    }

    /// The account of this login name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn account_by_login(&self, login: &LoginName) -> Result<Option<Account>, StoreError> {
        let mut connection = self.read().await?;
        find(&mut connection, By::Login(login)).await
    }

    /// The account of somebody an identity provider knows.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn account_by_external(
        &self,
        external: &ExternalIdentity,
    ) -> Result<Option<Account>, StoreError> {
        let mut connection = self.read().await?;
        find(&mut connection, By::External(external)).await
    }

    /// At most `limit` accounts after this login name, by login name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn accounts(
        &self,
        after: Option<&LoginName>,
        limit: usize,
    ) -> Result<Vec<Account>, StoreError> {
        let mut connection = self.read().await?;
        let rows = sqlx::query(select!("WHERE login > $1 ORDER BY login LIMIT $2"))
            .bind(after.map_or("", LoginName::as_str))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&mut *connection)
            .await?;
        rows.iter().map(account_of).collect()
    }
}

async fn find(connection: &mut AnyConnection, by: By<'_>) -> Result<Option<Account>, StoreError> {
    let query = match by {
        By::Id(id) => sqlx::query(select!("WHERE id = $1")).bind(id.as_str().to_owned()),
        By::Login(login) => sqlx::query(select!("WHERE login = $1")).bind(login.as_str().to_owned()),
        By::External(external) => sqlx::query(select!("WHERE issuer = $1 AND subject = $2"))
            .bind(external.issuer.clone())
            .bind(external.subject.clone()),
    };
    let row = query.fetch_optional(connection).await?;
    row.as_ref().map(account_of).transpose()
}

pub(crate) fn account_of(row: &AnyRow) -> Result<Account, StoreError> {
    let unreadable = || StoreError::Unreadable("account");
    let (id, login): (String, String) = (row.try_get("id")?, row.try_get("login")?);
    let password: Option<String> = row.try_get("password")?;
    let external = match (row.try_get("issuer")?, row.try_get("subject")?) {
        (Some(issuer), Some(subject)) => Some(ExternalIdentity { issuer, subject }),
        _ => None,
    };
    Ok(Account {
        id: AccountId::parse(&id).ok_or_else(unreadable)?,
        login: LoginName::parse(&login).map_err(|_| unreadable())?,
        display_name: row.try_get("display_name")?,
        email: row.try_get("email")?,
        admin: row.try_get::<i64, _>("admin")? == 1,
        disabled: row.try_get::<i64, _>("disabled")? == 1,
        password: password.map(PasswordHash::from_kept),
        external,
        created_at_ms: unsigned(row.try_get("created_ms")?)?,
    })
}
