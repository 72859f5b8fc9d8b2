//! The path under attack and under strain: who may use it, for how long, and what a peer can make us keep.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod support;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use aws_lc_rs::hmac;
use is::stun::{StunMessage, TransId};
use support::{Pair, SERVER, config, stranger};
use tertulia_model::{Direction, MediaKind, TransportProtocol};
use tertulia_session::{ClientFamily, LocalCandidate, Output, SessionEvent};

/// First bytes of STUN requests and responses (RFC 8489 §5).
const REQUEST: [u8; 2] = [0, 1];
const RESPONSE: [u8; 2] = [1, 1];

const STRANGERS: u32 = 100_000;

fn connected() -> Pair {
    let mut pair = Pair::new();
    pair.client.open_channel("_reliable", true);
    pair.negotiate();
    pair.connect();
    assert!(pair.run_until(Duration::from_secs(3), |pair| {
        pair.session.channel_open("_reliable")
    }));
    pair
}

/// A check of a peer that knows these credentials.
fn check(user: &str, password: &str, nominates: bool) -> Vec<u8> {
    check_as(user, password, (true, 7), nominates)
}

/// The same of one who says to be controlling or not, with a tie breaker.
fn check_as(user: &str, password: &str, (controls, tie_breaker): (bool, u64), nominates: bool) -> Vec<u8> {
    let mut contents = vec![0; 200];
    let length = StunMessage::binding_request(user, TransId::new(), controls, tie_breaker, 1_000, nominates)
        .to_bytes(Some(password.as_bytes()), &mut contents, |key, parts| {
            let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
            let mut context = hmac::Context::with_key(&key);
            parts.iter().for_each(|part| context.update(part));
            context.sign().as_ref().try_into().unwrap()
        })
        .unwrap();
    contents.truncate(length);
    contents
}

#[test]
fn a_connection_stands_after_few_round_trips() {
    let mut pair = Pair::new();
    pair.client.add(MediaKind::Audio, Direction::SendOnly, &[]);
    let begin = pair.now;
    pair.negotiate();
    pair.connect();
    let taken = pair.now - begin;
    assert!(
        taken <= Duration::from_millis(200),
        "{taken:?} at 20 ms a round trip"
    );
}

/// N7: a hundred thousand addresses.
#[test]
fn checks_without_our_password_change_nothing() {
    let mut pair = connected();
    let path = pair.session.media_path();
    let dropped = pair.session.dropped_datagrams();
    let right = check("w0serv:clnt", "0123456789abcdef01234567", true);
    let mut broken = right.clone();
    let last = broken.len() - 1;
    broken[last] ^= 1;
    let wrong = ["w0serv:clnt", "w0othr:clnt"].map(|user| check(user, "0123456789abcdef0123456X", true));
    let kept = allocation_counter::measure(|| {
        for number in 0..STRANGERS {
            pair.take(stranger(number), wrong[number as usize % 2].clone());
            pair.take(stranger(number), broken.clone());
            assert_eq!(pair.sent_to(stranger(number)), 0);
        }
    });
    assert!(kept.bytes_current < 10_000, "{} bytes", kept.bytes_current);
    assert_eq!(
        pair.session.dropped_datagrams() - dropped,
        2 * u64::from(STRANGERS)
    );
    assert_eq!(pair.session.media_path(), path);
    assert!(pair.works());
}

#[test]
fn a_peer_that_names_many_addresses_is_answered_and_stays_where_it_is() {
    let mut pair = connected();
    let path = pair.session.media_path();
    let kept = allocation_counter::measure(|| {
        for number in 0..1_000 {
            pair.take(
                stranger(number),
                check("w0serv:clnt", "0123456789abcdef01234567", true),
            );
            assert!(pair.sent_to(stranger(number)) > 0, "{number} is answered");
            assert_eq!(pair.session.media_path(), path);
        }
    });
    assert!(kept.bytes_current < 300_000, "{} bytes", kept.bytes_current);
    pair.run(Duration::from_secs(60));
    assert_eq!(pair.session.media_path(), path);
    assert!(pair.works());
    assert!(
        !pair
            .events
            .iter()
            .any(|event| matches!(event, SessionEvent::IceDisconnected))
    );
}

/// N8: a peer that knows the password, changes its mind about who is in charge and nominates a thousand times a second.
#[test]
fn role_conflicts_and_floods_of_nominations_leave_the_path_as_it_is() {
    let mut pair = connected();
    let path = pair.session.media_path();
    // The peer's own address, and some it never had.
    let client = path.unwrap().destination;
    for round in 0..10_u64 {
        for number in 0..1_000_u64 {
            let role = (
                number % 2 == 0,
                if number % 3 == 0 { 0 } else { u64::MAX - number },
            );
            let nomination = check_as("w0serv:clnt", "0123456789abcdef01234567", role, true);
            let source = if number % 2 == 0 {
                client
            } else {
                stranger(number as u32 % 50)
            };
            pair.take(source, nomination);
            assert_eq!(pair.session.media_path(), path, "round {round}, {number}");
        }
        pair.run(Duration::from_secs(1));
        assert_eq!(pair.session.media_path(), path, "round {round}");
        assert!(pair.works());
    }
    pair.run(Duration::from_secs(30));
    assert_eq!(pair.session.media_path(), path);
    assert!(pair.session.is_connected() && pair.works());
}

#[test]
fn an_answer_counts_only_from_where_the_check_went() {
    let mut pair = Pair::new();
    let answers = Rc::new(RefCell::new(Vec::new()));
    let kept = Rc::clone(&answers);
    pair.filter_up = Box::new(move |contents| {
        let answer = contents.starts_with(&RESPONSE);
        if answer {
            kept.borrow_mut().push(contents.to_vec());
        }
        answer
    });
    pair.negotiate();
    let mut given = 0;
    for _ in 0..100 {
        pair.run(Duration::from_millis(10));
        for answer in answers.take() {
            pair.take(stranger(1), answer);
            given += 1;
        }
    }
    assert!(given > 2);
    assert_eq!(pair.session.dropped_datagrams(), given);
    assert_eq!(pair.session.media_path(), None);
    pair.filter_up = Box::new(|_| false);
    pair.connect();
}

#[test]
fn nothing_is_sent_to_who_does_not_consent() {
    let mut pair = connected();
    let path = pair.session.media_path();
    assert!(path.is_some());
    // It still wants our answers but no longer gives its own, as if it had aimed what we send at somebody else.
    pair.filter_up = Box::new(|contents| contents.starts_with(&RESPONSE));
    pair.run(Duration::from_secs(15));
    assert_eq!(pair.session.media_path(), path, "an answer or two may be lost");
    pair.run(Duration::from_secs(15));
    assert_eq!(pair.session.media_path(), None, "after half a minute");
    pair.filter_up = Box::new(|_| false);
    pair.run(Duration::from_secs(10));
    assert_eq!(pair.session.media_path(), path, "and on when it consents again");
}

#[test]
fn a_peer_comes_over_tcp() {
    let mut over_tcp = config(ClientFamily::WebRtc);
    over_tcp.local_candidates[0].protocol = TransportProtocol::Tcp;
    let mut pair = Pair::with(over_tcp);
    pair.protocol = TransportProtocol::Tcp;
    pair.client.use_tcp();
    pair.client.open_channel("_reliable", true);
    pair.negotiate();
    pair.connect();
    let path = pair.session.media_path().unwrap();
    assert_eq!(path.protocol, TransportProtocol::Tcp);
    assert!(pair.run_until(Duration::from_secs(3), |pair| {
        pair.session.channel_open("_reliable")
    }));
    assert!(pair.works());
}

#[test]
fn behind_one_to_one_nat_the_address_told_differs_from_ours() {
    let mut natted = config(ClientFamily::WebRtc);
    let addr: SocketAddr = "10.0.0.5:7882".parse().unwrap();
    natted.local_candidates = vec![LocalCandidate {
        addr,
        protocol: TransportProtocol::Udp,
        advertised: SERVER.parse().unwrap(),
    }];
    let mut pair = Pair::with(natted);
    let answer = pair.negotiate();
    assert_eq!(answer.candidates[0].address, Some(SERVER.parse().unwrap()));
    pair.connect();
    assert_eq!(pair.session.media_path().unwrap().source, addr);
    pair.run(Duration::from_secs(20));
    assert!(pair.session.is_connected());
}

#[test]
fn an_idle_session_is_woken_by_checks_alone() {
    let mut pair = connected();
    pair.run(Duration::from_secs(30));
    let checks = Rc::new(RefCell::new(0));
    let counter = Rc::clone(&checks);
    pair.filter_down = Box::new(move |contents| {
        *counter.borrow_mut() += usize::from(contents.starts_with(&REQUEST));
        false
    });
    let begin = pair.now;
    let mut wakes = 0;
    while pair.now < begin + Duration::from_secs(60) {
        let at = loop {
            match pair.session.poll_output().unwrap() {
                Output::Timeout(at) => break at,
                Output::Transmit { .. } | Output::Event(_) => {}
            }
        };
        pair.now = at;
        pair.session.handle_timeout(at).unwrap();
        wakes += 1;
        // The peer checks as well.
        if wakes % 2 == 0 {
            let source = pair.client.addr;
            pair.take(source, check("w0serv:clnt", "0123456789abcdef01234567", true));
        }
    }
    assert!(wakes <= 60, "{wakes} times in a minute");
}
