//! Packets both ways between a session and a client.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod support;

use std::time::Duration;

use support::{Pair, packet, rid};
use tertulia_model::{Codec, Direction, MediaKind};
use tertulia_rtp::{AudioLevel, Rewrite, Vp8Rewrite};
use tertulia_session::{SendError, SessionEvent, TxId, TxPacket, TxState, TxWish};

/// A VP8 descriptor with 15-bit picture id, TL0PICIDX and TID, and a little payload.
const VP8: [u8; 9] = [0x90, 0xe0, 0x80, 0x05, 0x07, 0x20, 0x10, 0x02, 0x00];

fn wish(kind: MediaKind, track: &str) -> TxWish {
    TxWish {
        kind,
        codecs: match kind {
            MediaKind::Audio => vec![Codec::Red, Codec::Opus],
            MediaKind::Video => vec![Codec::Vp8],
        },
        stream_id: "PA_a|camera".into(),
        track_id: track.into(),
    }
}

fn type_of(pair: &Pair, tx: TxId, codec: Codec) -> u8 {
    pair.session.tx_payload_type(tx, codec).unwrap()
}

fn publishing() -> Pair {
    let mut pair = Pair::new();
    pair.client.add_receiving(1, 1);
    pair.client.add(MediaKind::Audio, Direction::SendOnly, &[]);
    pair.client
        .add(MediaKind::Video, Direction::SendOnly, &["q", "h", "f"]);
    pair
}

#[test]
fn sound_and_simulcast_picture_arrive() {
    let mut pair = publishing();
    pair.negotiate();
    pair.connect();
    for _ in 0..50 {
        pair.client.send(2, 0, 111, &[1; 60]);
        for encoding in 0..3 {
            pair.client.send(3, encoding, 96, &VP8);
        }
        pair.run(Duration::from_millis(20));
    }
    pair.run(Duration::from_millis(100));
    let sections = pair.session.rx_sections();
    assert_eq!(sections.len(), 2);
    let (audio, video) = (&sections[0], &sections[1]);
    assert_eq!(audio.track_id.as_deref(), Some("cid-2"));
    assert_eq!(video.rids, ["q", "h", "f"].map(rid));
    let of = |rx, encoding: Option<&str>| {
        pair.received
            .iter()
            .filter(|packet| packet.rx == rx && packet.rid.as_ref().map(|rid| rid.as_str()) == encoding)
            .count()
    };
    assert_eq!(of(audio.rx, None), 50);
    for encoding in ["q", "h", "f"] {
        assert_eq!(of(video.rx, Some(encoding)), 50, "of {encoding}");
    }
    let sound = pair.received.iter().find(|packet| packet.rx == audio.rx).unwrap();
    assert_eq!(
        (sound.codec, sound.audio_level, sound.voice),
        (Codec::Opus, Some(-20), Some(true))
    );
    let picture = pair.received.iter().find(|packet| packet.rx == video.rx).unwrap();
    assert_eq!((picture.codec, picture.orientation), (Codec::Vp8, Some(3)));
    assert_eq!(picture.payload[..], VP8);
}

#[test]
fn redundant_audio_is_told_apart() {
    let mut pair = publishing();
    pair.negotiate();
    pair.connect();
    pair.client.send(2, 0, 63, &[0x6f, 1, 2, 3]);
    pair.run(Duration::from_millis(50));
    assert_eq!(pair.received[0].codec, Codec::Red);
    assert_eq!(pair.received[0].payload_type, 63);
    assert_eq!(pair.received[0].payload[..], [0x6f, 1, 2, 3]);
}

#[test]
fn what_is_sent_arrives_with_its_descriptor_rewritten() {
    let mut pair = Pair::new();
    pair.client.add_receiving(1, 1);
    let sound = pair.session.add_tx(wish(MediaKind::Audio, "TR_sound"));
    let picture = pair.session.add_tx(wish(MediaKind::Video, "TR_picture"));
    pair.negotiate();
    pair.connect();
    assert_eq!(pair.session.tx_payload_type(sound, Codec::Red), Some(63));
    assert_eq!(pair.session.tx_payload_type(picture, Codec::H264), None);
    for sequence in 0..10 {
        let mut sent = packet(type_of(&pair, picture, Codec::Vp8), 65_530 + sequence, &VP8);
        sent.rewrite = Rewrite::Vp8(Vp8Rewrite {
            picture_id: Some(0x1234),
            tl0_pic_idx: Some(9),
            key_idx: Some(3),
        });
        pair.send(picture, &sent).unwrap();
        let mut sent = packet(type_of(&pair, sound, Codec::Opus), sequence, &[5; 40]);
        sent.ext.audio_level = Some(AudioLevel {
            level: -33,
            voice: false,
        });
        pair.send(sound, &sent).unwrap();
        pair.run(Duration::from_millis(20));
    }
    pair.run(Duration::from_millis(50));
    let pictures: Vec<_> = pair
        .client
        .received
        .iter()
        .filter(|packet| *packet.header.payload_type == 96)
        .collect();
    assert_eq!(pictures.len(), 10);
    assert_eq!(pictures[0].payload[..6], [0x90, 0xe0, 0x92, 0x34, 0x09, 0x20]);
    let sounds: Vec<_> = pair
        .client
        .received
        .iter()
        .filter(|packet| *packet.header.payload_type == 111)
        .collect();
    assert_eq!(sounds.len(), 10);
    assert_eq!(sounds[0].header.ext_vals.audio_level, Some(-33));
}

#[test]
fn lost_pictures_are_sent_again_both_ways() {
    let mut pair = publishing();
    let tx = pair.session.add_tx(wish(MediaKind::Video, "TR_picture"));
    pair.negotiate();
    pair.connect();
    let every_tenth = |mut count: u32| {
        Box::new(move |_: &[u8]| {
            count += 1;
            u32::is_multiple_of(count, 10)
        })
    };
    pair.lose_up = every_tenth(0);
    pair.lose_down = every_tenth(5);
    for sequence in 0..200 {
        pair.client.send(3, 2, 96, &VP8);
        let sent = packet(type_of(&pair, tx, Codec::Vp8), sequence, &VP8);
        pair.send(tx, &sent).unwrap();
        pair.run(Duration::from_millis(10));
    }
    pair.run(Duration::from_millis(500));
    let up: std::collections::BTreeSet<u64> = pair
        .received
        .iter()
        .filter(|packet| packet.codec == Codec::Vp8)
        .map(|packet| packet.sequence)
        .collect();
    // The last ones may have nothing behind them that shows the gap.
    assert!(up.len() >= 199, "{} of 200 arrived", up.len());
    let down: std::collections::BTreeSet<u64> =
        pair.client.received.iter().map(|packet| *packet.seq_no).collect();
    assert!(down.len() >= 199, "{} of 200 arrived", down.len());
}

#[test]
fn key_frames_are_asked_for_both_ways() {
    let mut pair = publishing();
    let tx = pair.session.add_tx(wish(MediaKind::Video, "TR_picture"));
    pair.negotiate();
    pair.connect();
    let rx = pair.session.rx_sections()[1].rx;
    assert!(
        !pair.session.request_keyframe(rx, Some(&rid("h"))),
        "nothing has arrived yet"
    );
    pair.client.send(3, 1, 96, &VP8);
    let sent = packet(type_of(&pair, tx, Codec::Vp8), 1, &VP8);
    pair.send(tx, &sent).unwrap();
    pair.run(Duration::from_millis(100));
    assert!(pair.session.request_keyframe(rx, Some(&rid("h"))));
    pair.client.request_keyframe(1);
    pair.run(Duration::from_millis(100));
    assert_eq!(
        pair.client.keyframe_requests[0]
            .rid
            .map(|rid| rid.to_string())
            .as_deref(),
        Some("h")
    );
    assert!(
        pair.events
            .iter()
            .any(|event| matches!(event, SessionEvent::KeyframeRequested { tx: of } if *of == tx))
    );
}

#[test]
fn what_cannot_be_sent_is_refused() {
    let mut pair = Pair::new();
    pair.client.add_receiving(1, 1);
    let tx = pair.session.add_tx(wish(MediaKind::Video, "TR_picture"));
    let other = pair.session.add_tx(wish(MediaKind::Video, "TR_waits"));
    assert_eq!(pair.session.tx_state(tx), Some(TxState::Waiting));
    pair.negotiate();
    pair.connect();
    let good = packet(type_of(&pair, tx, Codec::Vp8), 7, &VP8);
    assert_eq!(pair.send(other, &good), Err(SendError::Unbound));
    let mut check = |bad: TxPacket<'_>, expected| assert_eq!(pair.send(tx, &bad), Err(expected), "{bad:?}");
    check(
        TxPacket {
            payload_type: 98,
            ..good
        },
        SendError::PayloadType,
    );
    check(
        TxPacket {
            payload: &[0; 3_000],
            ..good
        },
        SendError::TooLong,
    );
    check(
        TxPacket {
            sequence: 70_000,
            ..good
        },
        SendError::Sequence,
    );
    assert_eq!(pair.send(tx, &good), Ok(()));
    assert_eq!(pair.send(tx, &good), Err(SendError::Sequence), "a number twice");
}

#[test]
fn the_estimate_rises_where_the_path_is_wide() {
    let mut pair = Pair::new();
    pair.client.add_receiving(0, 1);
    let tx = pair.session.add_tx(wish(MediaKind::Video, "TR_picture"));
    pair.negotiate();
    pair.connect();
    pair.session
        .set_desired_bitrate(tertulia_model::Bitrate::from_kbps(4_000));
    for sequence in 0..1_500 {
        let payload = [[0x10].as_slice(), &[0; 1_000]].concat();
        let sent = packet(type_of(&pair, tx, Codec::Vp8), sequence, &payload);
        pair.send(tx, &sent).unwrap();
        pair.run(Duration::from_millis(5));
    }
    let estimates: Vec<u64> = pair
        .events
        .iter()
        .filter_map(|event| match event {
            SessionEvent::EstimatedBitrate(bitrate) => Some(bitrate.as_bps()),
            _ => None,
        })
        .collect();
    assert!(
        estimates.last().is_some_and(|last| *last > 2_000_000),
        "{estimates:?}"
    );
}

#[test]
fn packets_that_come_together_are_all_taken() {
    let mut pair = publishing();
    pair.negotiate();
    pair.connect();
    for _ in 0..30 {
        pair.client.send(3, 0, 96, &VP8);
    }
    pair.client.timeout(pair.now);
    let (_, sent) = pair.client.drain();
    let sent = sent.into_iter().chain(pair.client_burst());
    for (source, contents) in sent {
        pair.take(source, contents);
    }
    pair.run(Duration::from_millis(1));
    assert_eq!(pair.received.len(), 30);
}

#[test]
fn nothing_is_probed_for_where_nothing_is_sent() {
    let mut pair = publishing();
    pair.negotiate();
    pair.session
        .set_desired_bitrate(tertulia_model::Bitrate::from_kbps(4_000));
    pair.connect();
    let sent = std::rc::Rc::new(std::cell::Cell::new(0));
    let counter = sent.clone();
    pair.lose_down = Box::new(move |_| {
        counter.set(counter.get() + 1);
        false
    });
    pair.run(Duration::from_secs(10));
    assert_eq!(sent.get(), 0);
}
