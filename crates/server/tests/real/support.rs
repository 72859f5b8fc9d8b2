//! The real binary, started on a data directory of its own, and people who come in through its real doors.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt as _;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tertulia_auth::{ApiKey, ApiKeys, Claims, Validity, VideoGrant};
use tertulia_model::{Identity, RoomName};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

const KEY: (&str, &str) = ("test", "h8Zk3vQpL0mX7cRt2yWn5bJd9fGs4aUe");

/// A data directory that goes with its contents.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        Self(std::env::temp_dir().join(format!("tertulia-server-{:016x}", rand::random::<u64>())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

/// A running server.
pub struct Server {
    child: Child,
    base: String,
    client: Client,
}

impl Server {
    /// Starts the binary and waits until it says that it is ready.
    pub async fn start(folder: &Folder, settings: &[(&str, &str)]) -> Self {
        Self::start_telling(folder, settings, Stdio::inherit()).await
    }

    /// As [`Server::start`], with its log going there.
    pub async fn start_telling(folder: &Folder, settings: &[(&str, &str)], log: Stdio) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tertulia"));
        command
            .arg("serve")
            .env("TERTULIA_DATA_DIR", &folder.0)
            .env("TERTULIA_HTTP__LISTEN", format!("127.0.0.1:{port}"))
            .env("TERTULIA_MEDIA__BIND", "127.0.0.1")
            .env("TERTULIA_MEDIA__ADVERTISED", "[\"127.0.0.1\"]")
            .env("TERTULIA_MEDIA__UDP_PORT", "0")
            .env("TERTULIA_MEDIA__TCP_PORT", "0")
            .env("TERTULIA_MEDIA__WORKERS", "1")
            .env("TERTULIA_METRICS__ENABLED", "false")
            .env("TERTULIA_LOG__LEVEL", "warn")
            .env(format!("TERTULIA_KEYS__{}", KEY.0), KEY.1)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true);
        for (name, value) in settings {
            command.env(name, value);
        }
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines
            .next_line()
            .await
            .unwrap()
            .expect("the server did not start");
        assert!(line.contains("is ready"), "{line}");
        Self {
            child,
            base: format!("127.0.0.1:{port}"),
            client: Client::new(),
        }
    }

    /// Ends the process without a warning, as `kill -9` does.
    pub fn kill_now(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        let pid = self
            .child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        kill_process(pid.unwrap(), signal).unwrap();
    }

    /// Stops the server as an operator does.
    pub async fn stop(mut self) {
        self.signal(Signal::TERM);
        assert!(self.child.wait().await.unwrap().success());
    }

    /// Waits until a process that was killed is gone.
    pub async fn gone(mut self) {
        self.child.wait().await.unwrap();
    }

    pub fn request(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.base);
        self.client.request(method, url).bearer_auth(token)
    }

    /// Asks the API something in JSON; gives its status and what it answers, `null` where that is nothing.
    pub async fn ask(&self, method: Method, path: &str, token: &str, body: Value) -> (StatusCode, Value) {
        let answer = self
            .request(method, path, token)
            .header("content-type", "application/json")
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.base
    }

    /// Comes into a room through the LiveKit door.
    pub async fn join(&self, room: &str, identity: &str) -> Guest {
        self.join_with(room, identity, |_| ()).await
    }

    pub async fn join_with(&self, room: &str, identity: &str, grant: impl FnOnce(&mut VideoGrant)) -> Guest {
        self.come_in(&token(room, identity, grant)).await
    }

    /// Comes in through the LiveKit door with this token.
    pub async fn come_in(&self, token: &str) -> Guest {
        let url = format!("ws://{}/rtc?access_token={token}&auto_subscribe=1", self.base);
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        // The first message says that they are in.
        socket.next().await.expect("the door closed").unwrap();
        let reader =
            tokio::spawn(async move { while socket.next().await.is_some_and(|read| read.is_ok()) {} });
        let token = token.to_owned();
        Guest { token, reader }
    }
}

/// Somebody in a room, as long as this lives.
pub struct Guest {
    pub token: String,
    reader: JoinHandle<()>,
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

pub fn token(room: &str, identity: &str, grant: impl FnOnce(&mut VideoGrant)) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    let mut video = VideoGrant {
        room_join: true,
        room: Some(RoomName::parse(room).unwrap()),
        ..VideoGrant::default()
    };
    grant(&mut video);
    let claims = Claims {
        identity: Some(Identity::parse(identity).unwrap()),
        name: identity.to_owned(),
        video,
        ..Claims::default()
    };
    let validity = Validity {
        issued_at_ms: now,
        expires_at_ms: now + Duration::from_secs(3_600).as_millis() as u64,
    };
    let key = ApiKey::new(KEY.0, KEY.1).unwrap();
    ApiKeys::new(vec![key]).unwrap().sign(&claims, validity).unwrap()
}
