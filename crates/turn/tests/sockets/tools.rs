//! Debian's coturn clients, and a peer for them to talk to.

use std::io::{self, Write as _};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tertulia_turn::Secret;

use crate::SECRET;

/// Seconds after which a client is ended; a run takes six.
const PATIENCE: &str = "60";

/// Whether the clients are asked for and installed; says so where they are not. Their timing wants a quiet machine.
pub fn present() -> bool {
    if std::env::var_os("TERTULIA_COTURN").is_none() {
        say("SKIPPED: set TERTULIA_COTURN=1 to run coturn's clients against the server");
        return false;
    }
    let found = ["turnutils_uclient", "turnutils_stunclient"].iter().all(|tool| {
        Command::new("which")
            .arg(tool)
            .output()
            .is_ok_and(|output| output.status.success())
    });
    if !found {
        say(
            "SKIPPED: turnutils_uclient and turnutils_stunclient are missing; \
             install them with: apt-get install coturn (and disable its service)",
        );
    }
    found
}

/// Whether this machine has the address; says so where it has not.
pub fn can_bind(ip: IpAddr) -> bool {
    let can = UdpSocket::bind(SocketAddr::new(ip, 0)).is_ok();
    if !can {
        say(&format!(
            "SKIPPED: {ip} cannot be bound on this machine; IPv6 is switched on with sysctl net.ipv6"
        ));
    }
    can
}

/// Past the test harness, which keeps what a passing test prints to itself.
fn say(text: &str) {
    io::stderr()
        .write_all(format!("\n*** {text}\n\n").as_bytes())
        .unwrap();
}

pub fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// What a run of `turnutils_uclient` came to.
#[derive(Debug)]
pub enum Outcome {
    Absent,
    /// It gave up.
    Failed(String),
    Done(Report),
}

/// Its totals.
#[derive(Debug)]
pub struct Report {
    pub sent: u64,
    pub received: u64,
    pub lost: u64,
}

pub struct Uclient {
    server: SocketAddr,
    peer: SocketAddr,
}

impl Uclient {
    pub fn new(server: SocketAddr, peer: SocketAddr) -> Self {
        Self { server, peer }
    }

    pub fn run(&self, options: &[&str]) -> Outcome {
        if !present() {
            return Outcome::Absent;
        }
        let mut command = Command::new("timeout");
        command.args(["-k", "1", PATIENCE, "turnutils_uclient", "-n", "20", "-z", "5"]);
        command.args(["-p", &self.server.port().to_string()]);
        command.args([
            "-e",
            &self.peer.ip().to_string(),
            "-r",
            &self.peer.port().to_string(),
        ]);
        if options.contains(&"-W") {
            command.args(["-u", "load"]);
        } else {
            let secret = Secret::new(SECRET.as_bytes()).unwrap();
            let credential = secret.issue("PA_load", unix_seconds() + 600).unwrap();
            command.args(["-u", &credential.username, "-w", &credential.password]);
        }
        command.args(options).arg(self.server.ip().to_string());
        let output = command.output().unwrap();
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        match (output.status.success(), Report::read(&text)) {
            (true, Some(report)) => Outcome::Done(report),
            _ => Outcome::Failed(text),
        }
    }
}

impl Report {
    /// Reads the last totals, such as `tot_send_msgs=10, tot_recv_msgs=10` and `Total lost packets 0 (…`.
    fn read(text: &str) -> Option<Self> {
        let number = |label: &str| {
            let (_, rest) = text.rsplit_once(label)?;
            let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
            digits.parse().ok()
        };
        Some(Self {
            sent: number("tot_send_msgs=")?,
            received: number("tot_recv_msgs=")?,
            lost: number("Total lost packets ")?,
        })
    }
}

/// What `turnutils_stunclient` says, if it is there.
pub fn stunclient(server: SocketAddr) -> Option<String> {
    if !present() {
        return None;
    }
    let mut command = Command::new("timeout");
    command.args(["-k", "1", PATIENCE, "turnutils_stunclient"]);
    command.args(["-p", &server.port().to_string(), &server.ip().to_string()]);
    let output = command.output().unwrap();
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A peer on two neighbouring ports that sends back what it gets.
pub struct Echo {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Echo {
    pub fn start(ip: IpAddr) -> io::Result<Self> {
        let (first, second) = neighbours(ip)?;
        let address = first.local_addr()?;
        let stop = Arc::new(AtomicBool::new(false));
        let threads = [first, second].map(|socket| {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || echo(&socket, &stop))
        });
        Ok(Self {
            address,
            stop,
            threads: threads.into(),
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn sockets(&self) -> [SocketAddr; 2] {
        let next = SocketAddr::new(self.address.ip(), self.address.port() + 1);
        [self.address, next]
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
    }
}

fn echo(socket: &UdpSocket, stop: &AtomicBool) {
    let mut buffer = vec![0; 65_536];
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    while !stop.load(Ordering::Relaxed) {
        if let Ok((length, source)) = socket.recv_from(&mut buffer) {
            let _ = socket.send_to(&buffer[..length], source);
        }
    }
}

fn neighbours(ip: IpAddr) -> io::Result<(UdpSocket, UdpSocket)> {
    let mut last = io::ErrorKind::AddrInUse.into();
    for _ in 0..50 {
        let first = UdpSocket::bind(SocketAddr::new(ip, 0))?;
        let port = first.local_addr()?.port();
        match port
            .checked_add(1)
            .map(|next| UdpSocket::bind(SocketAddr::new(ip, next)))
        {
            Some(Ok(second)) => return Ok((first, second)),
            Some(Err(error)) => last = error,
            None => {}
        }
    }
    Err(last)
}
