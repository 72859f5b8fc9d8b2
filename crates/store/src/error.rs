use sqlx::error::DatabaseError;

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The place makes no sense; says why.
    #[error("the store's place is not usable: {0}")]
    Place(&'static str),
    /// The tables could not be brought up to date.
    #[error("cannot bring the store's tables up to date")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// The database says it is damaged.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// The disk is full.
    #[error("there is no room left for the database")]
    Full(#[source] sqlx::Error),
    /// Something like it stands already.
    #[error("it stands already")]
    Exists(#[source] sqlx::Error),
    /// The database holds what this version cannot read; names it.
    #[error("the store holds a {0} that cannot be read")]
    Unreadable(&'static str),
    /// Anything else the database answered, or that it did not answer.
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error() {
            Some(answer) if is_full(answer) => Self::Full(error),
            Some(answer) if answer.is_unique_violation() => Self::Exists(error),
            Some(answer) if is_damaged(answer) => Self::Damaged(answer.message().to_owned()),
            _ => Self::Database(error),
        }
    }
}

/// SQLITE_FULL, or PostgreSQL's `disk_full`.
fn is_full(answer: &dyn DatabaseError) -> bool {
    matches!(answer.code().as_deref(), Some("13" | "53100"))
}

/// SQLITE_CORRUPT and SQLITE_NOTADB, or PostgreSQL's `data_corrupted` and `index_corrupted`.
fn is_damaged(answer: &dyn DatabaseError) -> bool {
    matches!(answer.code().as_deref(), Some("11" | "26" | "XX001" | "XX002"))
}
