//! DTLS handshakes under attack, and away from the thread that moves media.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod support;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use support::{Pair, config, is_dtls, stranger};
use tertulia_session::{ClientFamily, Output};

#[test]
fn a_handshake_is_for_those_whom_ice_has_found() {
    let mut pair = Pair::new();
    let hellos = Rc::new(RefCell::new(Vec::new()));
    let kept = Rc::clone(&hellos);
    // The first is lost, and falls into the wrong hands.
    pair.filter_up = Box::new(move |contents| {
        let first = is_dtls(contents) && kept.borrow().is_empty();
        if first {
            kept.borrow_mut().push(contents.to_vec());
        }
        first
    });
    pair.negotiate();
    let race = |pair: &mut Pair| {
        for number in 0..1_000 {
            let hello = hellos.borrow().first().cloned();
            let mut hello = hello.unwrap_or_else(|| vec![22, 0xfe, 0xfd, 0, 0]);
            if number % 2 == 1 {
                // TLS_NULL_WITH_NULL_NULL alone.
                hello.resize(80, 0);
            }
            pair.take(stranger(number), hello);
            assert_eq!(pair.sent_to(stranger(number)), 0);
        }
    };
    race(&mut pair);
    assert!(pair.run_until(Duration::from_secs(1), |_| !hellos.borrow().is_empty()));
    race(&mut pair);
    pair.connect();
    race(&mut pair);
    pair.run(Duration::from_secs(1));
    assert!(pair.session.is_connected());
}

#[test]
fn forged_beginnings_of_a_handshake_do_not_prevent_it() {
    let mut pair = Pair::new();
    pair.filter_up = Box::new(is_dtls);
    pair.negotiate();
    pair.run(Duration::from_millis(200));
    assert!(pair.session.media_path().is_none(), "there are no keys yet");
    let source = pair.client.addr;
    // A hello of 16 000 bytes that comes in pieces of one, out of order and more than once.
    for part in 0..10_000_u32 {
        let offset = (part * 7_919 % 16_000).to_be_bytes();
        let mut piece = vec![22, 0xfe, 0xfd, 0, 0, 0, 0];
        piece.extend_from_slice(&part.to_be_bytes());
        piece.extend_from_slice(&[0, 13, 1, 0, 62, 128, 0, 0]);
        piece.extend_from_slice(&[offset[1], offset[2], offset[3], 0, 0, 1, 0]);
        pair.take(source, piece);
    }
    let alert = vec![21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40];
    pair.take(source, alert);
    pair.filter_up = Box::new(|_| false);
    pair.connect();
}

#[test]
fn a_hello_without_anything_we_take_is_answered_with_an_alert() {
    let mut pair = Pair::new();
    let hellos = Rc::new(RefCell::new(Vec::new()));
    let kept = Rc::clone(&hellos);
    pair.filter_up = Box::new(move |contents| {
        if is_dtls(contents) {
            kept.borrow_mut().push(contents.to_vec());
        }
        is_dtls(contents)
    });
    pair.negotiate();
    pair.run(Duration::from_millis(200));
    let hello = hellos.borrow().first().cloned().expect("the client has begun");
    // Behind the headers of record and message: version, random, session and cookie.
    let mut old = hello.clone();
    old[25..27].copy_from_slice(&[0xfe, 0xff]);
    let mut null = hello.clone();
    let suites = 27 + 32 + 1 + usize::from(hello[59]) + 1;
    let length = usize::from(hello[suites + 1]);
    null[suites + 2..suites + 2 + length].fill(0);
    for bad in [old, null] {
        let source = pair.client.addr;
        pair.take(source, bad);
        let answer = loop {
            match pair.session.poll_output().unwrap() {
                Output::Transmit { contents, .. } if is_dtls(&contents) => break contents,
                Output::Timeout(_) => panic!("it is answered"),
                _ => {}
            }
        };
        assert_eq!(answer[0], 21, "an alert");
        assert_eq!(answer[13..], [2, 40], "fatal, handshake_failure");
    }
    pair.filter_up = Box::new(|_| false);
    pair.connect();
}

#[test]
fn records_again_and_records_of_others_are_left_out() {
    let mut pair = Pair::new();
    pair.client.open_channel("_reliable", true);
    let records = Rc::new(RefCell::new(Vec::new()));
    let kept = Rc::clone(&records);
    pair.filter_up = Box::new(move |contents| {
        if is_dtls(contents) {
            kept.borrow_mut().push(contents.to_vec());
        }
        false
    });
    pair.negotiate();
    pair.connect();
    assert!(pair.run_until(Duration::from_secs(3), |pair| {
        pair.session.channel_open("_reliable")
    }));
    assert!(pair.works());
    let source = pair.client.addr;
    let events = pair.events.len();
    for record in records.take() {
        pair.take(source, record.clone());
        let mut forged = record;
        let last = forged.len() - 1;
        forged[last] ^= 1;
        // A number that was not used yet.
        forged[8] = 0xff;
        pair.take(source, forged);
        pair.run(Duration::from_millis(1));
    }
    assert_eq!(pair.events.len(), events);
    assert!(pair.works());
}

#[test]
fn a_handshake_computed_on_another_thread_ends_like_one_computed_here() {
    let mut offloading = config(ClientFamily::WebRtc);
    offloading.offload_handshakes = true;
    let mut pair = Pair::with(offloading);
    pair.client.open_channel("_reliable", true);
    pair.negotiate();
    let mut steps = 0;
    for _ in 0..500 {
        pair.run(Duration::from_millis(1));
        if pair.session.is_connected() {
            break;
        }
        let Some(mut handshake) = pair.session.take_handshake() else {
            continue;
        };
        assert!(pair.session.take_handshake().is_none(), "it is away");
        steps += 1;
        // What comes meanwhile waits.
        pair.run(Duration::from_millis(30));
        let now = pair.now;
        let handshake = std::thread::scope(|scope| {
            scope
                .spawn(move || {
                    handshake.run(now);
                    handshake
                })
                .join()
                .unwrap()
        });
        let now = pair.now;
        pair.session.give_back(handshake, now);
    }
    assert!(steps >= 2, "{steps} steps");
    // Nothing has to be said twice: what came while it was away was not lost.
    assert!(
        pair.run_until(Duration::from_millis(100), |pair| pair.client.connected
            && pair.session.channel_open("_reliable"))
    );
    assert!(pair.works());
}

#[test]
fn a_handshake_goes_back_only_where_it_came_from() {
    let pair = |seed| {
        let mut offloading = config(ClientFamily::WebRtc);
        offloading.offload_handshakes = true;
        offloading.seed = [seed; 32];
        let mut pair = Pair::with(offloading);
        pair.negotiate();
        let handshake = (0..100).find_map(|_| {
            pair.run(Duration::from_millis(5));
            pair.session.take_handshake()
        });
        (pair, handshake.expect("a hello has come"))
    };
    let ((mut one, first), (mut two, second)) = (pair(1), pair(2));
    let now = one.now;
    one.session.give_back(second, now);
    one.run(Duration::from_secs(2));
    assert!(one.session.take_handshake().is_none(), "its own is still away");
    one.session.give_back(first, now);
    assert!(one.session.take_handshake().is_some());
    two.run(Duration::from_secs(2));
    assert!(two.session.take_handshake().is_none());
}
