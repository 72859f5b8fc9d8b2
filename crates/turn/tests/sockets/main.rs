//! The server behind real sockets of this machine, against the clients of Debian's coturn.

// Sockets and clocks belong to the owner of the server, which this test plays.
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used
)]

mod driver;
mod tools;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use tertulia_turn::{Config, Rate, Secret};
use tools::{Echo, Outcome, Uclient, can_bind, stunclient, unix_seconds};

use crate::driver::Driver;

const SECRET: &str = "north-south-east-west";
const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

fn config(echo: &Echo) -> Config {
    let mut config = Config::new("tertulia.test", Secret::new(SECRET.as_bytes()).unwrap());
    config.relay_v4 = Some(Ipv4Addr::LOCALHOST);
    config.relay_v6 = Some(Ipv6Addr::LOCALHOST);
    for socket in echo.sockets() {
        config.peers.allow_socket(socket);
    }
    // The client makes credentials for a day, by a clock that may be a little ahead.
    config.max_credential_lifetime = Duration::from_secs(25 * 3600);
    // A load generator is one session here, from one address.
    config.limits.allocations_per_session = 64;
    config.limits.per_allocation = Rate {
        per_second: 1000,
        burst: 1000,
    };
    config
}

fn check_no_loss(server: IpAddr, peer: IpAddr, options: &[&str]) {
    if !can_bind(server) || !can_bind(peer) {
        return;
    }
    let echo = Echo::start(peer).unwrap();
    let driver = Driver::start(server, config(&echo), unix_seconds()).unwrap();
    let report = Uclient::new(driver.address, echo.address()).run(options);
    let stats = driver.stop();
    let report = match report {
        Outcome::Absent => return,
        Outcome::Failed(output) => panic!("{options:?}: {output}"),
        Outcome::Done(report) => report,
    };
    assert!(report.sent > 0, "{report:?}");
    assert_eq!(report.received, report.sent, "{options:?} {report:?} {stats:?}");
    assert_eq!(report.lost, 0, "{report:?}");
    assert!(stats.opened > 0);
    assert!(stats.to_peers.packets >= report.sent, "{stats:?}");
    assert_eq!(stats.bad_credentials, 0, "{stats:?}");
}

/// Server, peer and options of a run. Not among them is `-Z`, relays of both families: coturn 4.6 asks for them with a
/// draft's number for the attribute (0x8032), not with RFC 8656's.
const RUNS: [(IpAddr, IpAddr, &[&str]); 18] = [
    // UDP with channels and with indications; without -c each client also takes the reserved neighbour port.
    (V4, V4, &["-m", "3"]),
    (V4, V4, &["-m", "3", "-s"]),
    // TCP.
    (V4, V4, &["-t", "-m", "3"]),
    (V4, V4, &["-t", "-s"]),
    // IPv6, and from one family to the other.
    (V6, V6, &["-x"]),
    (V6, V6, &["-x", "-s"]),
    (V6, V6, &["-x", "-t"]),
    (V6, V6, &["-x", "-t", "-s"]),
    (V4, V6, &["-x"]),
    (V6, V4, &["-X", "-s"]),
    // Padded channel data, permissions and channels asked for again and again.
    (V4, V4, &["-c", "-D", "-G"]),
    // Packets as large as media's.
    (V4, V4, &["-l", "1300", "-c"]),
    (V4, V4, &["-l", "1300", "-c", "-s", "-t"]),
    // The client makes the credential from the shared secret.
    (V4, V4, &["-c", "-W", SECRET]),
    // Clients that reach each other by their relayed addresses.
    (V4, V4, &["-y", "-c", "-m", "2"]),
    (V4, V4, &["-y", "-c", "-m", "2", "-s"]),
    (V4, V4, &["-y", "-c", "-m", "2", "-t"]),
    (V6, V6, &["-y", "-c", "-m", "2", "-x"]),
];

/// All at the same time: a run waits most of its six seconds.
#[test]
fn the_clients_of_coturn_lose_nothing() {
    std::thread::scope(|scope| {
        let run = |(server, peer, options): (IpAddr, IpAddr, &'static [&'static str])| {
            scope.spawn(move || check_no_loss(server, peer, options))
        };
        for thread in RUNS.map(run) {
            thread.join().unwrap();
        }
    });
}

#[test]
fn a_peer_that_is_not_permitted_is_refused() {
    let echo = Echo::start(V4).unwrap();
    let mut config = config(&echo);
    config.peers = tertulia_turn::Peers::default();
    let driver = Driver::start(V4, config, unix_seconds()).unwrap();
    let report = Uclient::new(driver.address, echo.address()).run(&["-c"]);
    let stats = driver.stop();
    match report {
        Outcome::Absent => {}
        Outcome::Failed(_) => assert!(
            stats.forbidden_peers > 0 && stats.to_peers.packets == 0,
            "{stats:?}"
        ),
        Outcome::Done(report) => panic!("the client got through: {report:?}"),
    }
}

#[test]
fn binding_over_both_families() {
    for ip in [V4, V6].into_iter().filter(|ip| can_bind(*ip)) {
        let echo = Echo::start(ip).unwrap();
        let driver = Driver::start(ip, config(&echo), unix_seconds()).unwrap();
        let Some(output) = stunclient(driver.address) else {
            return;
        };
        assert!(output.contains("UDP reflexive addr"), "{output}");
        assert!(output.contains(&ip.to_string()), "{output}");
        assert!(driver.stop().bindings > 0);
    }
}
