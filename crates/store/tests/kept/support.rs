//! Stores to test with: a file in a folder that goes, and a PostgreSQL server that is started for the test.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};
use tertulia_store::{Place, Store};

/// A folder that is removed with its contents.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("tertulia-store-{:016x}", rand::random::<u64>()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

/// Runs a test on SQLite, and on PostgreSQL where that is installed.
pub async fn on_both<F: Future<Output = ()>>(test: impl Fn(Store, Place) -> F) {
    let folder = Folder::new();
    let place = Place::Directory(folder.0.clone());
    test(Store::open(&place).await.unwrap(), place).await;
    match Postgres::shared() {
        Some(server) => {
            let place = Place::Url(server.new_database().await);
            test(Store::open(&place).await.unwrap(), place).await;
        }
        None => loudly("PostgreSQL is not installed: SKIPPED its half of this test"),
    }
}

#[expect(clippy::print_stderr, reason = "a test that is left out says so")]
fn loudly(text: &str) {
    eprintln!("*** {text}");
}

/// A server on a socket in a folder of its own, for the tests that run at the same time; stopped when the last is over.
pub struct Postgres {
    folder: Folder,
    tools: &'static Path,
    databases: AtomicUsize,
}

impl Postgres {
    /// The server that runs, or a new one; `None` where PostgreSQL is not installed.
    pub fn shared() -> Option<Arc<Self>> {
        static RUNNING: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
        let mut running = RUNNING.lock().unwrap();
        if let Some(server) = running.upgrade() {
            return Some(server);
        }
        let server = Arc::new(Self::start()?);
        *running = Arc::downgrade(&server);
        Some(server)
    }

    fn start() -> Option<Self> {
        let tools = tools()?;
        let folder = Folder::new();
        let databases = AtomicUsize::new(0);
        let server = Self {
            folder,
            tools,
            databases,
        };
        let data = server.data();
        std::fs::create_dir(&data).unwrap();
        if rustix::process::geteuid().is_root() {
            // The server refuses to run as root.
            let owned = Command::new("chown")
                .args(["-R", "nobody"])
                .arg(&server.folder.0)
                .status();
            assert!(owned.unwrap().success());
        }
        server.run(
            "initdb",
            &[
                "--no-sync",
                "--auth=trust",
                "--username=tertulia",
                "--encoding=UTF8",
                "-D",
            ],
        );
        let socket = server.folder.0.display();
        let options = format!("-c listen_addresses='' -c unix_socket_directories='{socket}' -c fsync=off");
        server.run(
            "pg_ctl",
            &["-w", "-o", &options, "-l", "/dev/null", "start", "-D"],
        );
        Some(server)
    }

    /// Makes an empty database and gives its URL.
    pub async fn new_database(&self) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test{number}");
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(&self.url("postgres")).await.unwrap();
        let create = format!("CREATE DATABASE {name}");
        connection.execute(AssertSqlSafe(create)).await.unwrap();
        connection.close().await.unwrap();
        self.url(&name)
    }

    fn url(&self, database: &str) -> String {
        let socket = self.folder.0.display().to_string().replace('/', "%2F");
        format!("postgres://tertulia@{socket}/{database}")
    }

    fn data(&self) -> PathBuf {
        self.folder.0.join("data")
    }

    /// Runs one of PostgreSQL's programs on the data folder, as somebody who is not root.
    fn run(&self, program: &str, arguments: &[&str]) {
        let path = self.tools.join(program);
        let mut command = if rustix::process::geteuid().is_root() {
            let mut command = Command::new("setpriv");
            command
                .args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"])
                .arg(path);
            command
        } else {
            Command::new(path)
        };
        let status = command
            .args(arguments)
            .arg(self.data())
            .current_dir(&self.folder.0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{program} failed");
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.run("pg_ctl", &["-w", "-m", "immediate", "stop", "-D"]);
    }
}

/// Where PostgreSQL's programs are.
fn tools() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
                .into_iter()
                .flatten()
                .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
                .filter(|folder| folder.join("initdb").exists())
                .collect();
            versions.sort();
            versions.pop()
        })
        .as_deref()
}
