//! What a session keeps, and what a join costs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and prints what it measures"
)]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use support::{Pair, SERVER, config, packet};
use tertulia_model::{Codec, Direction, MediaKind, TransportProtocol};
use tertulia_session::{Certificate, ClientFamily, Output, Session, TxId, TxWish};

const TRACKS: usize = 18;

/// A participant of a small meeting: it sends sound and picture, and receives 18 tracks.
fn participant(certificate: &Arc<Certificate>) -> (Pair, Vec<TxId>) {
    let mut config = config(ClientFamily::WebRtc);
    config.certificate = Arc::clone(certificate);
    let mut pair = Pair::with(config);
    pair.client.open_channel("_reliable", true);
    pair.client.open_channel("_lossy", false);
    pair.client.add_receiving(TRACKS / 2, TRACKS / 2);
    pair.client.add(MediaKind::Audio, Direction::SendOnly, &[]);
    pair.client
        .add(MediaKind::Video, Direction::SendOnly, &["q", "h", "f"]);
    let txs = (0..TRACKS)
        .map(|number| {
            let codec = codec(number);
            pair.session.add_tx(TxWish {
                kind: codec.kind(),
                codecs: vec![codec],
                stream_id: format!("PA_{number}"),
                track_id: format!("TR_{number}"),
            })
        })
        .collect();
    (pair, txs)
}

fn codec(number: usize) -> Codec {
    [Codec::Opus, Codec::Vp8][number % 2]
}

fn flow(pair: &mut Pair, txs: &[TxId], pictures: u64) {
    let txs: Vec<_> = txs
        .iter()
        .enumerate()
        .map(|(number, tx)| (*tx, pair.session.tx_payload_type(*tx, codec(number)).unwrap()))
        .collect();
    for sequence in 0..pictures {
        for (tx, payload_type) in &txs {
            pair.send(*tx, &packet(*payload_type, sequence, &[0x10; 200]))
                .unwrap();
        }
        pair.client.send(TRACKS, 0, 111, &[1; 60]);
        for encoding in 0..3 {
            pair.client.send(TRACKS + 1, encoding, 96, &[0x10; 200]);
        }
        pair.run(Duration::from_millis(20));
    }
}

#[test]
fn an_idle_session_with_twenty_tracks_keeps_less_than_100_kib() {
    // All sessions of a server share it.
    let certificate = config(ClientFamily::WebRtc).certificate;
    let mut kept: Option<Session> = None;
    let info = allocation_counter::measure(|| {
        let (mut pair, txs) = participant(&certificate);
        pair.negotiate();
        pair.connect();
        flow(&mut pair, &txs, 50);
        pair.run(Duration::from_secs(20));
        kept = Some(pair.session);
    });
    let bytes = usize::try_from(info.bytes_current).unwrap();
    println!(
        "{bytes} bytes, and {} of the session itself",
        size_of::<Session>()
    );
    assert!(bytes + size_of::<Session>() < 100 * 1_024);
    drop(kept);
}

#[test]
#[ignore = "prints what an idle session costs: run in release with --ignored --nocapture"]
fn print_the_cost_of_idleness() {
    let server = SERVER.parse().unwrap();
    let (mut pair, _) = participant(&config(ClientFamily::WebRtc).certificate);
    pair.negotiate();
    pair.connect();
    pair.run(Duration::from_secs(30));
    let (begin, mut taken, mut due) = (pair.now, Duration::ZERO, pair.now);
    let mut minutes = Vec::new();
    for minute in 1..=20 {
        while pair.now < begin + minute * Duration::from_secs(60) {
            pair.now += Duration::from_millis(5);
            pair.client.timeout(pair.now);
            let (_, sent) = pair.client.drain();
            if sent.is_empty() && pair.now < due {
                continue;
            }
            let mut outputs = Vec::new();
            let start = Instant::now();
            for (source, mut contents) in sent {
                let protocol = TransportProtocol::Udp;
                let given = pair
                    .session
                    .receive(protocol, source, server, &mut contents, pair.now);
                assert!(given.unwrap().is_none());
            }
            if pair.now >= due {
                pair.session.handle_timeout(pair.now).unwrap();
            }
            due = loop {
                match pair.session.poll_output().unwrap() {
                    Output::Timeout(at) => break at,
                    Output::Transmit { contents, .. } => outputs.push(contents),
                    Output::Event(_) => {}
                }
            };
            taken += start.elapsed();
            for contents in outputs {
                pair.client.receive(server, &contents, pair.now);
            }
        }
        minutes.push(std::mem::take(&mut taken));
    }
    minutes.sort_unstable();
    println!("a second of idleness costs {:?} (median)", minutes[10] / 60);
}

#[test]
#[ignore = "prints what a join costs: run in release with --ignored --nocapture"]
fn print_the_cost_of_a_join() {
    let server = SERVER.parse().unwrap();
    let certificate = config(ClientFamily::WebRtc).certificate;
    let mut times: Vec<Duration> = (0..200)
        .map(|_| {
            let mut config = config(ClientFamily::WebRtc);
            config.certificate = Arc::clone(&certificate);
            let mut pair = Pair::with(config);
            let mut taken = Duration::ZERO;
            let mut timed = |work: &mut dyn FnMut()| {
                let begin = Instant::now();
                work();
                taken += begin.elapsed();
            };
            let offer = pair.client.offer();
            let mut answer = None;
            timed(&mut || answer = Some(pair.session.accept_offer(&offer, pair.now).unwrap()));
            pair.client.accept_answer(&answer.unwrap());
            while !(pair.session.is_connected() && pair.client.connected) {
                pair.now += Duration::from_millis(5);
                pair.client.timeout(pair.now);
                let (_, sent) = pair.client.drain();
                let mut outputs = Vec::new();
                timed(&mut || {
                    pair.session.handle_timeout(pair.now).unwrap();
                    for (source, contents) in &sent {
                        let mut contents = contents.clone();
                        let protocol = TransportProtocol::Udp;
                        let taken = pair
                            .session
                            .receive(protocol, *source, server, &mut contents, pair.now);
                        assert!(taken.unwrap().is_none());
                    }
                    loop {
                        match pair.session.poll_output().unwrap() {
                            Output::Timeout(_) => break,
                            Output::Transmit { contents, .. } => outputs.push(contents),
                            Output::Event(_) => {}
                        }
                    }
                });
                for contents in outputs {
                    pair.client.receive(server, &contents, pair.now);
                }
            }
            taken
        })
        .collect();
    times.sort_unstable();
    println!(
        "least {:?}, median {:?}, nine of ten below {:?}",
        times[0], times[100], times[180]
    );
}
