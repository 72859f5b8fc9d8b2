//! The path: lost, found again, changed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod support;

use std::time::Duration;

use support::{Pair, config};
use tertulia_model::{Candidate, Codec, Direction, MediaKind, TransportProtocol};
use tertulia_session::{ClientFamily, SessionEvent, TxWish};

fn count(pair: &Pair, wanted: fn(&SessionEvent) -> bool) -> usize {
    pair.events.iter().filter(|event| wanted(event)).count()
}

fn is_lost(event: &SessionEvent) -> bool {
    matches!(event, SessionEvent::IceDisconnected)
}

fn is_back(event: &SessionEvent) -> bool {
    matches!(event, SessionEvent::IceReconnected)
}

#[test]
fn a_silent_peer_is_noticed_after_about_ten_seconds() {
    let mut pair = Pair::new();
    pair.negotiate();
    pair.connect();
    pair.run(Duration::from_secs(20));
    assert_eq!(count(&pair, is_lost), 0, "a quiet path is no lost path");
    let silent_since = pair.now;
    pair.cut = true;
    assert!(pair.run_until(Duration::from_secs(60), |pair| count(pair, is_lost) > 0));
    let noticed = pair.now - silent_since;
    assert!(
        (Duration::from_secs(6)..Duration::from_secs(16)).contains(&noticed),
        "after {noticed:?}"
    );
    pair.cut = false;
    assert!(
        pair.run_until(Duration::from_secs(60), |pair| count(pair, is_back) > 0),
        "the old path is found again"
    );
}

#[test]
fn a_restart_moves_to_another_address_and_media_go_on() {
    let mut pair = Pair::new();
    let section = pair.client.add(MediaKind::Audio, Direction::SendOnly, &[]);
    let first = pair.negotiate();
    pair.connect();
    pair.client
        .restart_ice("othr", Some("203.0.113.5:50000".parse().unwrap()));
    let second = pair.negotiate();
    assert_ne!(first.ice.ufrag, second.ice.ufrag);
    assert_ne!(first.ice.pwd, second.ice.pwd);
    assert!(
        second.ice.ufrag.starts_with(&first.ice.ufrag),
        "the worker stays readable"
    );
    assert_eq!(pair.session.local_ufrag(), second.ice.ufrag);
    assert_eq!(first.fingerprint, second.fingerprint);
    let restarted = pair.now;
    pair.run(Duration::from_millis(100));
    let came_back = pair.run_until(Duration::from_secs(10), |pair| pair.session.is_connected());
    assert!(came_back);
    assert!(
        pair.now - restarted < Duration::from_secs(3),
        "{:?}",
        pair.now - restarted
    );
    for _ in 0..10 {
        pair.client.send(section, 0, 111, &[1; 40]);
        pair.run(Duration::from_millis(20));
    }
    pair.run(Duration::from_millis(100));
    assert_eq!(pair.received.len(), 10);
    assert_eq!(count(&pair, is_back), count(&pair, is_lost));
}

#[test]
fn the_same_credentials_restart_nothing() {
    let mut pair = Pair::new();
    pair.client.add_receiving(1, 0);
    let first = pair.negotiate();
    pair.connect();
    let second = pair.negotiate();
    assert_eq!(first.ice, second.ice);
    pair.run(Duration::from_secs(1));
    assert_eq!(count(&pair, is_lost), 0);
}

#[test]
fn an_offerer_restarts_when_wished_even_over_an_offer_that_waits() {
    let mut pair = Pair::new();
    let wish = |track: &str| TxWish {
        kind: MediaKind::Audio,
        codecs: vec![Codec::Opus],
        stream_id: "s".into(),
        track_id: track.into(),
    };
    pair.session.add_tx(wish("TR_1"));
    let first = pair.negotiate_down();
    pair.connect();
    pair.session.add_tx(wish("TR_2"));
    assert!(
        pair.session.create_offer(pair.now).unwrap().is_some(),
        "an offer whose answer never comes"
    );
    pair.session.restart_ice();
    let offer = pair.session.create_offer(pair.now).unwrap().unwrap();
    assert_ne!(offer.ice.ufrag, first.ice.ufrag);
    assert!(offer.ice.ufrag.starts_with(&first.ice.ufrag));
    assert_eq!(offer.media.len(), 2);
    assert_eq!(
        pair.session.local_ufrag(),
        first.ice.ufrag,
        "until the answer the old path holds"
    );
    pair.client
        .restart_ice("othr", Some("203.0.113.5:50000".parse().unwrap()));
    let answer = pair.client.accept_offer(&offer);
    pair.session.accept_answer(&answer, pair.now).unwrap();
    assert_eq!(pair.session.local_ufrag(), offer.ice.ufrag);
    pair.run(Duration::from_millis(100));
    assert!(pair.run_until(Duration::from_secs(10), |pair| pair.session.is_connected()));
}

#[test]
fn a_lite_agent_connects_too() {
    let mut lite = config(ClientFamily::WebRtc);
    lite.ice_lite = true;
    let mut pair = Pair::with(lite);
    let answer = pair.negotiate();
    assert!(answer.ice_lite);
    pair.connect();
}

#[test]
fn candidates_may_come_before_and_after_the_offer_and_in_any_number() {
    let mut pair = Pair::new();
    let candidate = |port: u16| Candidate {
        text: format!("1 1 udp 2122260223 203.0.113.9 {port} typ host"),
        address: Some(format!("203.0.113.9:{port}").parse().unwrap()),
        protocol: TransportProtocol::Udp,
    };
    for port in 1..2_000 {
        pair.session.add_remote_candidate(&candidate(port), pair.now);
    }
    let mut offer = pair.client.offer();
    let own = offer.candidates.remove(0);
    let answer = pair.session.accept_offer(&offer, pair.now).unwrap();
    pair.client.accept_answer(&answer);
    pair.session.add_remote_candidate(&own, pair.now);
    // The client checks from its side, so it is found however many others there are.
    pair.connect();
}
