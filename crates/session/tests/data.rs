//! Data channels.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod support;

use std::time::Duration;

use support::Pair;
use tertulia_session::{ChannelError, SessionEvent};

fn connected() -> Pair {
    let mut pair = Pair::new();
    pair.client.open_channel("_reliable", true);
    pair.client.open_channel("_lossy", false);
    pair.negotiate();
    pair.connect();
    assert!(pair.run_until(Duration::from_secs(3), |pair| {
        pair.session.channel_open("_reliable")
            && pair.session.channel_open("_lossy")
            && pair.client.open.len() == 2
    }));
    pair
}

fn messages(pair: &Pair) -> Vec<(&str, usize)> {
    pair.events
        .iter()
        .filter_map(|event| match event {
            SessionEvent::ChannelData { label, contents } => Some((label.as_str(), contents.len())),
            _ => None,
        })
        .collect()
}

#[test]
fn messages_pass_both_ways() {
    let mut pair = connected();
    assert!(pair.client.send_message("_reliable", &[1; 10]));
    assert!(pair.client.send_message("_lossy", &[2; 1_000]));
    assert_eq!(pair.session.send_channel("_reliable", &[3; 60_000]), Ok(true));
    assert_eq!(pair.session.send_channel("_lossy", b"hello"), Ok(true));
    pair.run(Duration::from_secs(1));
    let mut got = messages(&pair);
    got.sort_unstable();
    assert_eq!(got, [("_lossy", 1_000), ("_reliable", 10)]);
    let mut got: Vec<_> = pair
        .client
        .messages
        .iter()
        .map(|(label, contents)| (label.as_str(), contents.len()))
        .collect();
    got.sort_unstable();
    assert_eq!(got, [("_lossy", 5), ("_reliable", 60_000)]);
}

#[test]
fn what_cannot_be_sent_is_refused() {
    let mut pair = connected();
    assert_eq!(
        pair.session.send_channel("_data_track", b"x"),
        Err(ChannelError::NotOpen)
    );
    assert_eq!(
        pair.session.send_channel("_reliable", &[0; 64_001]),
        Err(ChannelError::TooLong)
    );
    let mut fresh = Pair::new();
    assert_eq!(
        fresh.session.send_channel("_reliable", b"x"),
        Err(ChannelError::NotOpen)
    );
}

#[test]
fn a_slow_receiver_is_noticed() {
    let mut pair = connected();
    let accepted = (0..200)
        .take_while(|_| pair.session.send_channel("_reliable", &[0; 60_000]) == Ok(true))
        .count();
    assert!(
        (10..100).contains(&accepted),
        "{accepted} messages of 60 000 bytes were taken at once"
    );
}

#[test]
fn many_channels_are_too_many() {
    let mut pair = Pair::new();
    for number in 0..40 {
        pair.client.open_channel(&format!("c{number}"), true);
    }
    pair.negotiate();
    pair.connect();
    pair.run(Duration::from_secs(3));
    let opened = pair
        .events
        .iter()
        .filter(|event| matches!(event, SessionEvent::ChannelOpened { .. }))
        .count();
    assert_eq!(opened, 16);
}

#[test]
fn closing_is_told_and_reported() {
    let mut pair = connected();
    pair.session.close();
    pair.run(Duration::from_secs(1));
    assert!(pair.client.closed);
    assert!(matches!(pair.events.last(), Some(SessionEvent::Closed)));
    assert!(pair.session.is_closed());
}
