//! Starts the server to be measured, with a configuration of its own, and stops it.

mod coturn;
mod janus;

pub use coturn::{COTURN_INSTALL, CoturnServer};
pub use janus::{JANUS_INSTALL, JanusServer};

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rand::RngExt as _;
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::error::BenchError;

/// How long the server may take to answer, and to stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server we started. Dropping it kills it.
#[derive(Debug)]
pub struct Server {
    run: Run,
    url: String,
    secret: String,
    relays: SocketAddr,
}

/// A process and the folder that is its own.
#[derive(Debug)]
struct Run {
    child: Child,
    directory: PathBuf,
}

/// How a server is started.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The binary.
    pub binary: PathBuf,
    /// Media workers; zero leaves it to the server.
    pub workers: u16,
    /// The processor it is confined to.
    pub core: Option<u16>,
    /// Bitrate it is to assume towards a new subscriber, in bits per second; `None` leaves it to the server.
    pub initial_bitrate_bps: Option<u64>,
    /// Whether it has a UDP port for clients of relays, as people are told of one.
    pub relays: bool,
    /// Whether Jitsi clients come in, as many and as often as they like.
    pub xmpp: bool,
    /// An address that relays may reach beside the server's own; `None` leaves it at these.
    pub relay_peer: Option<IpAddr>,
}

/// How far behind the first media port that of relays is: behind those of as many workers.
const RELAYS: u16 = 64;

/// Id of the API key the server is given.
pub const API_KEY: &str = "bench";

impl Server {
    /// Starts a server on free loopback ports and waits until it answers.
    ///
    /// # Errors
    /// When it cannot be started or does not answer.
    pub async fn start(launch: &Launch) -> Result<Self, BenchError> {
        let directory = own_directory()?;
        let secret: String = (0..4)
            .map(|_| format!("{:016x}", rand::rng().random::<u64>()))
            .collect();
        let http = free_tcp_port().map_err(|error| fault("a port", &error))?;
        let udp = free_udp_ports(launch.workers.max(RELAYS) + 1).map_err(|error| fault("ports", &error))?;
        let file = directory.join("tertulia.toml");
        let text = configuration(&directory, &secret, http, udp, launch);
        fs::write(&file, text).map_err(|error| fault("its configuration", &error))?;

        let mut command = confined(&launch.binary, launch.core);
        command.arg("serve").arg("--config").arg(&file);
        let mut run = Run::start(command, directory)?;
        run.wait_until_it_answers(SocketAddr::from((Ipv4Addr::LOCALHOST, http)))
            .await?;
        Ok(Self {
            run,
            url: format!("ws://127.0.0.1:{http}"),
            secret,
            relays: SocketAddr::from((Ipv4Addr::LOCALHOST, udp + RELAYS)),
        })
    }

    /// Base address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where relays are asked for, where it has a port for that.
    pub fn relays(&self) -> SocketAddr {
        self.relays
    }

    /// Secret of [`API_KEY`], and of credentials for relays.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Process id; `None` once it has ended.
    pub fn pid(&self) -> Option<u32> {
        self.run.child.id()
    }

    /// Asks the server to stop, and removes what it left.
    ///
    /// # Errors
    /// When it does not stop in time (it is then killed), or ended with a failure.
    pub async fn stop(self) -> Result<(), BenchError> {
        self.run.stop().await
    }
}

impl Run {
    fn start(mut command: Command, directory: PathBuf) -> Result<Self, BenchError> {
        let child = command.stdin(Stdio::null()).kill_on_drop(true).spawn();
        let child = child.map_err(|error| fault("cannot be started", &error))?;
        Ok(Self { child, directory })
    }

    async fn stop(self) -> Result<(), BenchError> {
        self.stop_if(ExitStatus::success).await
    }

    /// Stops it; `well` says of its end whether it was as it should be.
    async fn stop_if(mut self, well: impl Fn(&ExitStatus) -> bool) -> Result<(), BenchError> {
        let id = self.child.id();
        let pid = id.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        let asked = pid.is_some_and(|pid| kill_process(pid, Signal::TERM).is_ok());
        let ended = match tokio::time::timeout(PATIENCE, self.child.wait()).await {
            Ok(Ok(status)) if asked && well(&status) => Ok(()),
            Ok(Ok(status)) => Err(BenchError::Server(format!("ended with {status}"))),
            Ok(Err(error)) => Err(BenchError::Server(error.to_string())),
            Err(_) => Err(BenchError::Server(format!(
                "does not stop within {} s",
                PATIENCE.as_secs()
            ))),
        };
        fs::remove_dir_all(&self.directory)
            .map_err(|error| BenchError::File(self.directory.display().to_string(), error))?;
        ended
    }

    async fn wait_until_it_answers(&mut self, address: SocketAddr) -> Result<(), BenchError> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(BenchError::Server(format!("ended at once with {status}")));
            }
            if TcpStream::connect(address).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(BenchError::Server(format!(
            "does not answer within {} s",
            PATIENCE.as_secs()
        )))
    }
}

fn fault(what: &str, error: &dyn std::fmt::Display) -> BenchError {
    BenchError::Server(format!("{what}: {error}"))
}

/// A command that runs `binary` on one processor, if one is named.
fn confined(binary: &Path, core: Option<u16>) -> Command {
    match core {
        Some(core) => {
            let mut command = Command::new("taskset");
            command.arg("--cpu-list").arg(core.to_string()).arg(binary);
            command
        }
        None => Command::new(binary),
    }
}

/// A new folder below the one for temporary files.
fn own_directory() -> Result<PathBuf, BenchError> {
    let random: u64 = rand::rng().random();
    let directory = std::env::temp_dir().join(format!("tertulia-bench-{random:016x}"));
    fs::create_dir(&directory).map_err(|error| fault("its directory", &error))?;
    Ok(directory)
}

fn configuration(directory: &Path, secret: &str, http: u16, udp: u16, launch: &Launch) -> String {
    let data = directory.join("data");
    let workers = launch.workers;
    let initial_bitrate = launch
        .initial_bitrate_bps
        .map(|bps| format!("initial_bitrate_bps = {bps}\n"))
        .unwrap_or_default();
    let port = if launch.relays {
        format!("udp_port = {}\n", udp + RELAYS)
    } else {
        String::new()
    };
    let xmpp = if launch.xmpp {
        "[xmpp]\nenabled = true\nstanzas_per_second = 1000000\nstreams = 100000\n\
         [limits]\njoins_burst = 100000\n"
    } else {
        ""
    };
    let peer = launch
        .relay_peer
        .map(|peer| format!("peer_networks = [\"{peer}\"]\n"))
        .unwrap_or_default();
    format!(
        "data_dir = {data:?}\n\
         [keys]\n{API_KEY} = \"{secret}\"\n\
         [http]\nlisten = \"127.0.0.1:{http}\"\nconnections = 100000\nconnections_per_address = 100000\n\
         [media]\nbind = \"127.0.0.1\"\nudp_port = {udp}\ntcp_port = 0\nworkers = {workers}\n\
         advertised = [\"127.0.0.1\"]\n{initial_bitrate}\
         [turn]\nsecret = \"{secret}\"\n{port}{peer}{xmpp}\
         [metrics]\nenabled = false\n\
         [log]\nlevel = \"warn\"\n"
    )
}

fn free_tcp_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// The first of `count` free ports in a row.
fn free_udp_ports(count: u16) -> std::io::Result<u16> {
    const ATTEMPTS: usize = 50;
    for _ in 0..ATTEMPTS {
        let first = rand::rng().random_range(20_000..60_000 - count);
        let sockets: Result<Vec<UdpSocket>, _> = (first..first + count)
            .map(|port| UdpSocket::bind((Ipv4Addr::LOCALHOST, port)))
            .collect();
        if sockets.is_ok() {
            return Ok(first);
        }
    }
    Err(std::io::Error::other("no free ports in a row"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_keeps_the_server_to_itself() {
        let launch = Launch {
            binary: PathBuf::from("tertulia"),
            workers: 2,
            core: None,
            initial_bitrate_bps: Some(5_000_000),
            relays: true,
            xmpp: true,
            relay_peer: None,
        };
        let text = configuration(Path::new("/tmp/a b"), "s3", 8_000, 30_000, &launch);
        assert!(text.starts_with("data_dir = \"/tmp/a b/data\"\n"));
        assert!(text.contains("\n[turn]\nsecret = \"s3\"\nudp_port = 30064\n"));
        assert!(
            text.contains("listen = \"127.0.0.1:8000\"") && text.contains("advertised = [\"127.0.0.1\"]")
        );
    }

    #[test]
    fn free_ports_are_found() {
        assert!(free_tcp_port().unwrap() > 0);
        let first = free_udp_ports(4).unwrap();
        assert!(UdpSocket::bind((Ipv4Addr::LOCALHOST, first + 3)).is_ok());
    }
}
