//! The running engine against the clients of Debian's coturn: by UDP, TCP and IPv6, with channels and indications,
//! with relays that have sockets and such that have none.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test stops where its scene cannot be set, and lives in real time"
)]

mod support;

use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use support::way::{relaying, server_address};
use support::{Client, engine_at, room};
use tertulia_engine::{Engine, IceServer, WiderRelaying};

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
/// Seconds after which a client is ended; a run takes six on a quiet machine.
const PATIENCE: &str = "90";

/// Past the test harness, which keeps what a passing test prints to itself.
fn say(text: &str) {
    io::stderr()
        .write_all(format!("\n*** {text}\n\n").as_bytes())
        .unwrap();
}

fn present() -> bool {
    let found = ["turnutils_uclient", "turnutils_stunclient"].iter().all(|tool| {
        Command::new("which")
            .arg(tool)
            .output()
            .is_ok_and(|out| out.status.success())
    });
    if !found {
        say("SKIPPED: turnutils_uclient and turnutils_stunclient are missing; apt-get install coturn");
    }
    found
}

fn has_v6() -> bool {
    let has = UdpSocket::bind((V6, 0)).is_ok();
    if !has {
        say("SKIPPED in part: this machine has no IPv6");
    }
    has
}

/// A peer on two neighbouring ports that sends back what it gets; it ends with the test.
struct Echo {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
}

impl Echo {
    fn start(ip: IpAddr) -> Self {
        let (first, second) = neighbours(ip);
        let address = first.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        for socket in [first, second] {
            let stop = stop.clone();
            socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
            std::thread::spawn(move || {
                let mut buffer = [0; 2_048];
                while !stop.load(Ordering::Relaxed) {
                    if let Ok((length, source)) = socket.recv_from(&mut buffer) {
                        let _ = socket.send_to(&buffer[..length], source);
                    }
                }
            });
        }
        Self { address, stop }
    }

    fn sockets(&self) -> [SocketAddr; 2] {
        let next = SocketAddr::new(self.address.ip(), self.address.port() + 1);
        [self.address, next]
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn neighbours(ip: IpAddr) -> (UdpSocket, UdpSocket) {
    loop {
        let first = UdpSocket::bind((ip, 0)).unwrap();
        let next = first.local_addr().unwrap().port().checked_add(1);
        if let Some(Ok(second)) = next.map(|next| UdpSocket::bind((ip, next))) {
            return (first, second);
        }
    }
}

fn free_port() -> u16 {
    UdpSocket::bind((V4, 0)).unwrap().local_addr().unwrap().port()
}

/// An engine on both families, its media port, and whom its relays may reach.
fn engine(wider: Option<Vec<SocketAddr>>) -> (Engine, u16) {
    let media = free_port();
    let families = if has_v6() { vec![V4, V6] } else { vec![V4] };
    let bind = if families.len() == 2 {
        IpAddr::V6(Ipv6Addr::UNSPECIFIED)
    } else {
        V4
    };
    let wider = wider.map(|sockets| WiderRelaying {
        ports: 49_152..=65_535,
        sockets,
        networks: Vec::new(),
        public: false,
        protected: Vec::new(),
    });
    let mut reach = relaying(true);
    if let Some(turn) = &mut reach.turn {
        turn.wider = wider;
    }
    (engine_at(bind, &families, media, 2, reach), media)
}

/// Runs the load client once; gives what it sent and received, or what it said.
fn uclient(
    server: SocketAddr,
    peer: Option<SocketAddr>,
    who: &IceServer,
    options: &[&str],
) -> Result<(u64, u64), String> {
    let mut command = Command::new("timeout");
    command.args(["-k", "1", PATIENCE, "turnutils_uclient", "-n", "20", "-z", "5"]);
    command.args([
        "-p",
        &server.port().to_string(),
        "-u",
        &who.username,
        "-w",
        &who.credential,
    ]);
    match peer {
        Some(peer) => {
            command.args(["-e", &peer.ip().to_string(), "-r", &peer.port().to_string()]);
        }
        None => {
            command.arg("-y");
        }
    }
    let output = command
        .args(options)
        .arg(server.ip().to_string())
        .output()
        .unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let number = |label: &str| {
        let (_, rest) = text.rsplit_once(label)?;
        rest.split(|c: char| !c.is_ascii_digit())
            .next()?
            .parse::<u64>()
            .ok()
    };
    let totals = || {
        let lost = number("Total lost packets ")?;
        let (sent, received) = (number("tot_send_msgs=")?, number("tot_recv_msgs=")?);
        (lost == 0 && output.status.success()).then_some((sent, received))
    };
    totals().ok_or(text.clone())
}

/// Has each run done by a participant of its own, all at the same time: most of a run is waiting.
async fn check_no_loss(
    engine: &Engine,
    runs: Vec<(SocketAddr, Option<SocketAddr>, &'static [&'static str])>,
) {
    let room = room(engine).await;
    let mut running = Vec::new();
    let mut stays = Vec::new();
    for (place, (server, peer, options)) in runs.into_iter().enumerate() {
        let client = Client::join(&room, &format!("load-{place}")).await;
        let who = engine.ice_servers(client.id()).swap_remove(0);
        stays.push(client);
        running.push((
            server,
            options,
            tokio::task::spawn_blocking(move || uclient(server, peer, &who, options)),
        ));
    }
    for (server, options, run) in running {
        match run.await.unwrap() {
            Ok((sent, received)) => assert!(
                sent > 0 && sent == received,
                "{server} {options:?}: {sent} {received}"
            ),
            Err(text) => panic!("{server} {options:?}: {text}\n{:?}", engine.stats()),
        }
    }
    let stats = engine.stats();
    assert_eq!(
        (stats.turn_dropped, stats.turn_bad_credentials),
        (0, 0),
        "{stats:?}"
    );
}

/// The server's places: a media port, the port of its own, and ICE's over TCP.
async fn places(engine: &Engine, media: u16) -> [SocketAddr; 3] {
    let room = engine
        .open_room(&tertulia_model::RoomName::parse("places").unwrap(), None)
        .await
        .unwrap();
    let probe = Client::join(&room, "probe").await;
    let server = engine.ice_servers(probe.id()).swap_remove(0);
    [
        SocketAddr::new(V4, media),
        server_address(&server, "udp"),
        server_address(&server, "tcp"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relays_with_sockets_lose_nothing_on_the_way_to_a_peer() {
    if !present() {
        return;
    }
    let echo = Echo::start(V4);
    let echo_v6 = has_v6().then(|| Echo::start(V6));
    let peers = [Some(&echo), echo_v6.as_ref()].into_iter().flatten();
    let (engine, media) = engine(Some(peers.flat_map(Echo::sockets).collect()));
    let [media, own, tcp] = places(&engine, media).await;
    let peer = Some(echo.address);
    let mut runs: Vec<(_, _, &'static [&'static str])> = vec![
        (media, peer, &["-m", "2"]),
        (media, peer, &["-s"]),
        (own, peer, &["-c", "-l", "1200"]),
        (tcp, peer, &["-t", "-m", "2"]),
        (tcp, peer, &["-t", "-s"]),
    ];
    if let Some(echo) = &echo_v6 {
        let at = |address: SocketAddr| SocketAddr::new(V6, address.port());
        let peer = Some(echo.address);
        runs.push((at(media), peer, &["-x"]));
        runs.push((at(own), peer, &["-x", "-s"]));
        runs.push((at(tcp), peer, &["-x", "-t"]));
    }
    check_no_loss(&engine, runs).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relays_without_sockets_lose_nothing_on_the_way_to_each_other() {
    if !present() {
        return;
    }
    let (engine, media) = engine(None);
    let [media, own, tcp] = places(&engine, media).await;
    let mut runs: Vec<(_, _, &'static [&'static str])> = vec![
        (media, None, &["-c", "-m", "2"]),
        (own, None, &["-c", "-m", "2", "-s"]),
        (tcp, None, &["-c", "-m", "2", "-t"]),
    ];
    if has_v6() {
        runs.push((SocketAddr::new(V6, media.port()), None, &["-c", "-m", "2", "-x"]));
    }
    check_no_loss(&engine, runs).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stun_client_learns_its_address_on_every_udp_port() {
    if !present() {
        return;
    }
    let (engine, media) = engine(None);
    let [media, own, _] = places(&engine, media).await;
    for server in [media, own] {
        let run = move || {
            Command::new("timeout")
                .args(["-k", "1", PATIENCE, "turnutils_stunclient"])
                .args(["-p", &server.port().to_string(), &server.ip().to_string()])
                .output()
        };
        let output = tokio::task::spawn_blocking(run).await.unwrap().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            text.contains("UDP reflexive addr") && text.contains("127.0.0.1"),
            "{server}: {text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_but_our_own_media_is_a_peer_unless_named() {
    if !present() {
        return;
    }
    let echo = Echo::start(V4);
    let (engine, media) = engine(None);
    let room = room(&engine).await;
    let client = Client::join(&room, "load").await;
    let who = engine.ice_servers(client.id()).swap_remove(0);
    let (server, peer) = (SocketAddr::new(V4, media), echo.address);
    let run = move || uclient(server, Some(peer), &who, &["-c"]);
    let outcome = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(outcome.is_err(), "{outcome:?}");
    let stats = engine.stats();
    assert!(
        stats.turn_forbidden_peers > 0 && stats.turn_packets_to_peers == 0,
        "{stats:?}"
    );
}
