use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, ConnectOptions as _, Executor as _, Transaction};

use crate::{StoreError, migrations};

/// The file in the data directory.
const FILE: &str = "tertulia.sqlite3";
/// Connections that read at once.
const READERS: u32 = 4;
/// How long anything waits for a connection before it fails.
const ACQUIRE: Duration = Duration::from_secs(5);

/// Where the store is.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// A file in this directory.
    Directory(PathBuf),
    /// `postgres://…`, or `sqlite:` and a path.
    Url(String),
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory(directory) => f.debug_tuple("Directory").field(directory).finish(),
            // It may hold a password.
            Self::Url(_) => f.write_str("Url(<redacted>)"),
        }
    }
}

/// The open store; cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    /// One connection on SQLite, which knows one writer at a time; so it is on PostgreSQL too, since chains and numbers
    /// are continued from what stood last.
    writer: AnyPool,
    readers: AnyPool,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sqlite,
    Postgres,
}

impl Store {
    /// Opens the store, making it where there is none, and brings its tables up to date.
    ///
    /// # Errors
    /// [`StoreError`]; a damaged database is not opened.
    pub async fn open(place: &Place) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let (kind, options) = connect_options(place)?;
        let writer = pool(kind, 1, false).connect_with(options.clone()).await?;
        if kind == Kind::Sqlite {
            check(&writer).await?;
        }
        migrations::all()
            .run(&writer)
            .await
            .map_err(StoreError::Migration)?;
        let readers = pool(kind, READERS, true).connect_lazy_with(options);
        Ok(Self {
            writer,
            readers,
            kind,
        })
    }

    /// Ends all connections; what is under way is finished first.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// A connection for reading.
    pub(crate) async fn read(&self) -> Result<PoolConnection<Any>, StoreError> {
        Ok(self.readers.acquire().await?)
    }

    /// Begins to write. What is not committed is undone.
    pub(crate) async fn write(&self) -> Result<Transaction<'static, Any>, StoreError> {
        let begin = match self.kind {
            // Takes the lock at once, so that nothing read meanwhile is out of date when it is written.
            Kind::Sqlite => "BEGIN IMMEDIATE",
            Kind::Postgres => "BEGIN",
        };
        Ok(self.writer.begin_with(begin).await?)
    }
}

fn pool(kind: Kind, connections: u32, reading: bool) -> AnyPoolOptions {
    let options = AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE);
    match kind {
        Kind::Postgres => options,
        Kind::Sqlite => options.after_connect(move |connection, _| {
            Box::pin(async move { set_up_sqlite(connection, reading).await })
        }),
    }
}

/// A commit is on disk when it returns (`FULL`), readers do not wait for the writer (`WAL`).
async fn set_up_sqlite(connection: &mut AnyConnection, reading: bool) -> Result<(), sqlx::Error> {
    connection.execute("PRAGMA busy_timeout = 5000").await?;
    connection.execute("PRAGMA foreign_keys = ON").await?;
    if reading {
        connection.execute("PRAGMA query_only = ON").await?;
    } else {
        connection.execute("PRAGMA journal_mode = WAL").await?;
        connection.execute("PRAGMA synchronous = FULL").await?;
    }
    Ok(())
}

/// Asks SQLite whether the file is whole: better to refuse loudly than to lose silently.
async fn check(pool: &AnyPool) -> Result<(), StoreError> {
    let found: String = sqlx::query_scalar("PRAGMA quick_check(1)")
        .fetch_one(pool)
        .await?;
    if found == "ok" {
        Ok(())
    } else {
        Err(StoreError::Damaged(found))
    }
}

fn connect_options(place: &Place) -> Result<(Kind, AnyConnectOptions), StoreError> {
    let (kind, url) = match place {
        Place::Directory(directory) => (Kind::Sqlite, sqlite_url(&directory.join(FILE))?),
        Place::Url(url) => match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("postgres" | "postgresql") => (Kind::Postgres, url.clone()),
            Some("sqlite") => {
                let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
                (Kind::Sqlite, sqlite_url(Path::new(path))?)
            }
            _ => return Err(StoreError::Place("a URL begins with postgres: or sqlite:")),
        },
    };
    let options = AnyConnectOptions::from_str(&url)?.disable_statement_logging();
    Ok((kind, options))
}

/// Writes a path as URL. A relative one would be taken for a host.
fn sqlite_url(path: &Path) -> Result<String, StoreError> {
    let absolute = std::path::absolute(path)
        .map_err(|_| StoreError::Place("the working directory of a relative path is not known"))?;
    let text = absolute
        .to_str()
        .ok_or(StoreError::Place("the path is not UTF-8"))?;
    let mut url = "sqlite://".to_owned();
    for byte in text.bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' => url.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => url.push(char::from(byte)),
            byte => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url.push_str("?mode=rwc");
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_urls_whatever_they_are_called() {
        let url = sqlite_url(Path::new("/var/lib/a b?c#d%/ñ.db")).unwrap();
        assert_eq!(url, "sqlite:///var/lib/a%20b%3Fc%23d%25/%C3%B1.db?mode=rwc");
    }

    #[test]
    fn other_databases_are_refused() {
        for url in ["mysql://x", "file:x", "", "x"] {
            assert!(connect_options(&Place::Url(url.to_owned())).is_err(), "for {url}");
        }
    }

    #[test]
    fn urls_are_not_shown() {
        let place = Place::Url("postgres://a:hush@b/c".to_owned());
        assert!(!format!("{place:?}").contains("hush"));
    }
}
