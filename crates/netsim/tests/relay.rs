//! The program between real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use support::{Netsim, echo_tcp, echo_udp};

/// More than a busy machine takes to pass a datagram on.
const LONG: Duration = Duration::from_secs(10);

fn client(netsim: &Netsim) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(netsim.udp()).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    socket
}

/// Sends a number and waits for its echo; gives how long it took.
fn round_trip(socket: &UdpSocket, number: u32) -> Duration {
    let started = Instant::now();
    socket.send(&number.to_be_bytes()).unwrap();
    let mut buffer = [0; 16];
    let length = socket.recv(&mut buffer).unwrap();
    assert_eq!(buffer[..length], number.to_be_bytes());
    started.elapsed()
}

#[test]
fn both_directions_take_their_time_and_clients_are_kept_apart() {
    let echo = echo_udp();
    let mut netsim = Netsim::start(echo.address, &["--up", "delay=30ms", "--down", "delay=20ms"]);
    let [ana, ben] = [client(&netsim), client(&netsim)];
    for number in 0..5 {
        for socket in [&ana, &ben] {
            let time = round_trip(socket, number);
            assert!(
                time >= Duration::from_millis(50) && time < LONG,
                "{time:?} for a round trip of 50 ms"
            );
        }
    }
    let stats = netsim.ask("stats");
    let clients = stats["udp"]["clients"].as_array().unwrap();
    assert_eq!(clients.len(), 2);
    for (client, socket) in clients.iter().zip([&ana, &ben]) {
        assert_eq!(client["port"], socket.local_addr().unwrap().port());
        assert_eq!(client["up"]["delivered"], 5);
        assert_eq!(client["down"]["delivered_bytes"], 20);
    }
    assert_eq!(echo.sources(), 2, "each client has a socket of its own");
}

#[test]
fn the_network_of_one_client_changes_while_it_is_used() {
    let echo = echo_udp();
    let mut netsim = Netsim::start(echo.address, &[]);
    let [ana, ben] = [client(&netsim), client(&netsim)];
    round_trip(&ana, 0);
    round_trip(&ben, 0);
    let port = ben.local_addr().unwrap().port();
    assert_eq!(netsim.ask(&format!("only {port} down loss=100%"))["ok"], true);
    for number in 1..=10_u32 {
        ben.send(&number.to_be_bytes()).unwrap();
    }
    round_trip(&ana, 1);
    let lost = netsim.until(|stats| stats["udp"]["clients"][1]["down"]["lost"] == 10);
    assert_eq!(lost["udp"]["clients"][0]["down"]["lost"], 0);
    assert_eq!(netsim.ask(&format!("only {port} down loss=0%"))["ok"], true);
    round_trip(&ben, 2);
    let seen = &lost["udp"]["clients"][1]["relay_port"];
    assert_eq!(netsim.ask(&format!("only {seen} up delay=1ms"))["clients"], 1);

    assert_eq!(netsim.ask("only 1 down clear")["error"], "no client has port 1");
    assert!(netsim.ask("down loss=2")["error"].is_string());
    assert_eq!(netsim.ask("both rate=1M")["clients"], 2);
}

#[test]
fn a_seed_decides_which_packets_are_lost() {
    let survivors = |seed: &str| {
        let echo = echo_udp();
        let mut netsim = Netsim::start(echo.address, &["--up", "loss=30%", "--seed", seed]);
        let socket = client(&netsim);
        for number in 0..200_u32 {
            socket.send(&number.to_be_bytes()).unwrap();
        }
        let stats = netsim.until(|stats| {
            let client = &stats["udp"]["clients"][0];
            client["up"]["offered"] == 200 && client["up"]["delivered"] == client["down"]["delivered"]
        });
        let count = stats["udp"]["clients"][0]["down"]["delivered"].as_u64().unwrap();
        let mut buffer = [0; 4];
        let numbers: Vec<u32> = (0..count)
            .map(|_| {
                socket.recv(&mut buffer).unwrap();
                u32::from_be_bytes(buffer)
            })
            .collect();
        assert!((100..=170).contains(&numbers.len()), "{}", numbers.len());
        numbers
    };
    let once = survivors("9");
    assert_eq!(once, survivors("9"));
    assert_ne!(once, survivors("10"));
}

#[test]
fn a_bottleneck_holds_real_datagrams_up() {
    let echo = echo_udp();
    let mut netsim = Netsim::start(echo.address, &["--down", "rate=1M queue=60ms"]);
    let socket = client(&netsim);
    // Ten milliseconds each at the bottleneck; seven have room.
    let started = Instant::now();
    for _ in 0..30 {
        socket.send(&[0; 1_222]).unwrap();
    }
    let stats = netsim.until(|stats| {
        let down = &stats["udp"]["clients"][0]["down"];
        down["offered"] == 30 && down["queued_bytes"] == 0
    });
    let elapsed = started.elapsed();
    let down = &stats["udp"]["clients"][0]["down"];
    let delivered = down["delivered"].as_u64().unwrap();
    assert!(delivered >= 7, "{down}");
    assert!(
        elapsed >= Duration::from_millis(10) * delivered as u32,
        "{elapsed:?}"
    );
    assert_eq!(down["dropped"].as_u64().unwrap(), 30 - delivered);
    assert!(down["longest_wait_ms"].as_f64().unwrap() <= 60.0, "{down}");
}

#[test]
fn a_script_runs_from_the_first_packet_and_the_end_of_the_input_ends_the_program() {
    let script = support::Scratch::new("at 0s up loss=100%\nat 100ms up loss=0%\n");
    let echo = echo_udp();
    let netsim = Netsim::start(echo.address, &["--script", script.path()]);
    let socket = client(&netsim);
    socket.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    let mut buffer = [0; 4];
    let started = Instant::now();
    let first = (0..1_000_u32).find(|number| {
        socket.send(&number.to_be_bytes()).unwrap();
        socket.recv(&mut buffer).is_ok()
    });
    assert!(first.is_some());
    assert!(started.elapsed() >= Duration::from_millis(90));
    let last = netsim.end();
    assert!(last["udp"]["clients"][0]["up"]["lost"].as_u64().unwrap() > 0);
}

#[test]
fn a_wrong_script_is_refused_with_its_line() {
    let script = support::Scratch::new("at 0s up clear\nat 1s up speed=1\n");
    let error = Netsim::failure(&["--script", script.path()]);
    assert_eq!(error, "line 2: there is no setting `speed=1`");
}

#[test]
fn streams_pass_late_but_whole() {
    let target = echo_tcp();
    let passage = format!("127.0.0.1:0={target}");
    let options = [
        "--tcp",
        &passage,
        "--up",
        "delay=25ms loss=50%",
        "--down",
        "delay=25ms rate=8M",
    ];
    let netsim = Netsim::start(target, &options);
    let mut stream = TcpStream::connect(netsim.tcp()).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    let sent: Vec<u8> = (0..100_000_u32).map(|number| number as u8).collect();
    let started = Instant::now();
    stream.write_all(&sent).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).unwrap();
    assert_eq!(received, sent);
    // 50 ms on the way, and 100 ms at the bottleneck.
    assert!(
        started.elapsed() >= Duration::from_millis(150),
        "{:?}",
        started.elapsed()
    );
}
