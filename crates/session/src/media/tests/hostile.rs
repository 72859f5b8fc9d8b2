//! What a peer, or somebody on the path, may try. The numbers are those of the catalogue of attacks.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tertulia_rtp::{RtpHeader, write_fir, write_nack, write_pli};

use super::wire::{Hand, MID, Packet, RID};
use super::*;

fn receiving() -> (Media, Hand, Instant) {
    let now = Instant::now();
    let mut media = media(1, true, now);
    media.declare(&mid("v"), MediaKind::Video, &[]);
    media.receive_as(&mid("v"), Some(RxId(5)));
    media.expect_ssrc(&mid("v"), 1_000, Some(2_000), None, true);
    media.declare_sent(PICTURE, &mid("s"), VIDEO, Some(VIDEO_RTX), &codecs(&[Codec::Vp8]));
    (media, Hand::new(), now)
}

/// M7: a flood of packets with a wrong tag.
#[test]
fn bad_tags_cost_a_counter() {
    let (mut media, mut hand, now) = receiving();
    for sequence in 0..10_000_u64 {
        let packet = Packet {
            ssrc: 1_000 + (sequence % 3) as u32 * 1_000,
            sequence,
            ext: &[(MID, b"v")],
            ..Packet::VIDEO
        };
        let mut datagram = hand.make(&packet);
        let last = datagram.len() - 1;
        datagram[last] ^= 1;
        assert!(media.receive_rtp(&mut datagram, now).is_none());
    }
    assert_eq!(media.drops().unauthentic, 10_000);
    assert_eq!(
        media.received.remembered(),
        2,
        "an unauthentic packet is no stream"
    );
    let mut forged = hand.make_rtcp(|out| write_pli(out, 1, VIDEO));
    forged[9] ^= 1;
    assert!(!media.receive_rtcp(&mut forged, now));
    assert!(media.poll_event().is_none());
    let mut good = hand.make(&Packet {
        sequence: 20_000,
        ..Packet::VIDEO
    });
    assert!(media.receive_rtp(&mut good, now).is_some());
}

/// M8: replays, jumps of the rollover counter, an SSRC nobody spoke of.
#[test]
fn replays_jumps_and_strangers_are_dropped() {
    let (mut media, mut hand, now) = receiving();
    let datagram = hand.make(&Packet::VIDEO);
    assert!(media.receive_rtp(&mut datagram.clone(), now).is_some());
    assert!(media.receive_rtp(&mut datagram.clone(), now).is_none());
    assert_eq!(media.drops().replayed, 1);
    // A packet of another rollover does not authenticate under ours.
    let mut jumping = Hand::new();
    let ahead = [30_000, 60_000, 90_000];
    let jumped = ahead.map(|sequence| {
        jumping.make(&Packet {
            sequence,
            ..Packet::VIDEO
        })
    });
    assert!(media.receive_rtp(&mut jumped[2].clone(), now).is_none());
    assert_eq!(media.drops().unauthentic, 1);
    let mut stranger = hand.make(&Packet {
        ssrc: 4_711,
        ..Packet::VIDEO
    });
    assert!(media.receive_rtp(&mut stranger, now).is_none());
    assert_eq!(media.drops().unknown_ssrc, 1);
    // A replay of an SSRC that was given up and of one that comes back.
    let tags = [(MID, &b"v"[..])];
    let old = hand.make(&Packet {
        sequence: 2,
        ext: &tags,
        ..Packet::VIDEO
    });
    assert!(media.receive_rtp(&mut old.clone(), now).is_some());
    let mut other = hand.make(&Packet {
        ssrc: 1_001,
        ext: &tags,
        ..Packet::VIDEO
    });
    assert!(media.receive_rtp(&mut other, now).is_some());
    assert!(media.receive_rtp(&mut old.clone(), now).is_none());
    assert_eq!(media.drops().replayed, 2);
    assert!(media.received_as(1_001).is_some(), "the replay took nothing over");
}

/// M10: contributing sources, extensions and padding that do not fit.
#[test]
fn impossible_headers_are_dropped() {
    let (mut media, mut hand, now) = receiving();
    let good = hand.make(&Packet::VIDEO);
    for first in [0x8f, 0x9f, 0x40] {
        let mut bad = good.clone();
        bad[0] = first;
        assert!(media.receive_rtp(&mut bad, now).is_none());
    }
    for length in 0..good.len() {
        assert!(media.receive_rtp(&mut good[..length].to_vec(), now).is_none());
    }
    let drops = media.drops();
    assert!(drops.malformed > 10 && drops.unauthentic > 0, "{drops:?}");
    // Authentic, but with more padding than payload.
    let payload = [1, 2, 3, 200];
    let mut out = vec![0xa0, 96, 0, 2, 0, 0, 0, 0, 0, 0, 0x03, 0xe9];
    out.extend(payload);
    let admitted = hand.keys.window(1_001).and_then(|mut window| window.admit(2));
    hand.keys.protect(&mut out, 0, 12, admitted.unwrap()).unwrap();
    media.expect_ssrc(&mid("v"), 1_001, None, None, true);
    let before = media.drops().malformed;
    assert!(media.receive_rtp(&mut out, now).is_none());
    assert_eq!(media.drops().malformed, before + 1);
}

/// M12: RTCP of wrong lengths, feedback on 65 535 packets, a thousand requests for a key frame.
#[test]
fn control_packets_are_read_safely_and_bounded() {
    let (mut media, mut hand, now) = receiving();
    let cases: [&[u8]; 6] = [
        // A packet longer than the datagram, and a sender report cut short.
        &[0x80, 200, 0xff, 0xff, 0, 0, 0, 1],
        &[0x80, 200, 0, 1, 0, 0, 0, 1],
        // A farewell whose reason runs over.
        &[0x81, 203, 0, 2, 0, 0, 3, 0xe8, 0xff, b'x', b'y', b'z'],
        // A list of blocks that is not there.
        &[0x9f, 201, 0, 1, 0, 0, 0, 1],
        // Feedback on 65 535 packets in one run of arrivals without a time.
        &[
            0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0x3f, 0xff, 0x3f, 0xff,
        ],
        // The same with nothing arrived: seven full runs and the rest.
        &[
            0x8f, 205, 0, 9, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0x1f, 0xff, 0x1f, 0xff,
            0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff, 0, 7, 0, 0,
        ],
    ];
    for case in cases {
        let mut datagram = hand.make_rtcp(|out| out.extend(case));
        assert!(media.receive_rtcp(&mut datagram, now));
    }
    assert!(media.drops().malformed >= 4, "{:?}", media.drops());
    for number in 0..1_000_u16 {
        let mut datagram = hand.make_rtcp(|out| {
            write_pli(out, 1, VIDEO);
            write_pli(out, 1, 4_711);
            write_fir(out, 1, VIDEO, number as u8);
        });
        assert!(media.receive_rtcp(&mut datagram, now));
    }
    let mut events: Vec<MediaEvent> = std::iter::from_fn(|| media.poll_event()).collect();
    events.retain(|event| !matches!(event, MediaEvent::EstimatedBitrate(_)));
    assert_eq!(
        events,
        [MediaEvent::KeyframeRequested { tx: PICTURE }],
        "one request waits"
    );
    // The same intra request again is none.
    for (number, asks) in [(7, true), (7, false), (8, true)] {
        let mut datagram = hand.make_rtcp(|out| write_fir(out, 1, VIDEO, number));
        media.receive_rtcp(&mut datagram, now);
        assert_eq!(media.poll_event().is_some(), asks, "for {number}");
    }
    for _ in 0..2_000 {
        let numbers: Vec<u16> = (0..5_000).step_by(20).collect();
        let mut datagram = hand.make_rtcp(|out| {
            write_nack(out, 1, VIDEO, &numbers);
        });
        media.receive_rtcp(&mut datagram, now);
    }
    let mut told = 0;
    while let Some(MediaEvent::Nack { sequences, .. }) = media.poll_event() {
        assert!(sequences.len() <= 256);
        told += 1;
    }
    assert!(told <= 512, "{told}");
    assert_eq!(media.drops().events, 2_000 - told);
}

/// M14: a hundred SSRCs, more encodings than there are.
#[test]
fn ssrcs_are_remembered_up_to_a_bound() {
    let (mut media, mut hand, now) = receiving();
    let tags = [(MID, &b"v"[..])];
    for ssrc in 5_000..5_100 {
        let mut datagram = hand.make(&Packet {
            ssrc,
            ext: &tags,
            ..Packet::VIDEO
        });
        assert!(media.receive_rtp(&mut datagram, now).is_some());
    }
    // The encoding's medium and repairs, and twenty that were.
    assert_eq!(media.received.remembered(), 22);
    assert_eq!(media.received.slots(), 1);
    let rids: Vec<Rid> = (0..50).map(|number| rid(&format!("r{number}"))).collect();
    media.declare(&mid("many"), MediaKind::Video, &rids);
    for (number, name) in rids.iter().enumerate() {
        let tags = [(MID, &b"many"[..]), (RID, name.as_str().as_bytes())];
        let mut datagram = hand.make(&Packet {
            ssrc: 6_000 + number as u32,
            ext: &tags,
            ..Packet::VIDEO
        });
        media.receive_rtp(&mut datagram, now);
    }
    assert_eq!(media.received.slots(), 1 + 20);
    assert_eq!(media.drops().unknown_ssrc, 30);
}

/// A peer that says farewell is asked for nothing more.
#[test]
fn after_a_farewell_nothing_is_asked_for() {
    let (mut media, mut hand, now) = receiving();
    for sequence in [1, 5] {
        let mut datagram = hand.make(&Packet {
            sequence,
            ..Packet::VIDEO
        });
        media.receive_rtp(&mut datagram, now);
    }
    let mut farewell = hand.make_rtcp(|out| {
        tertulia_rtp::write_receiver_report(out, 1, &[]);
        tertulia_rtp::write_bye(out, &[1_000]);
    });
    assert!(media.receive_rtcp(&mut farewell, now));
    let mut out = Vec::new();
    assert!(!media.poll_rtcp(now + ms(20), &mut out));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// M18: whatever is sent in whatever order, no SSRC and index is protected twice.
    #[test]
    fn no_index_is_used_twice(steps in proptest::collection::vec((0_u8..5, 0_u64..300), 1..300)) {
        let now = Instant::now();
        let mut media = media(1, true, now);
        media.declare_sent(SOUND, &mid("0"), AUDIO, None, &codecs(&[Codec::Opus]));
        media.declare_sent(PICTURE, &mid("1"), VIDEO, Some(VIDEO_RTX), &codecs(&[Codec::Vp8]));
        let mut used = BTreeSet::new();
        let mut newest = BTreeMap::new();
        for (step, number) in steps {
            let mut out = Vec::new();
            let sequence = 65_300 + number;
            let sealed = match step {
                0 => media.seal(SOUND, &sound(sequence, &[1; 20]), &mut out, now),
                1 => media.seal(PICTURE, &picture(sequence, &[1; 20]), &mut out, now),
                2 => media.seal_repair(PICTURE, &picture(sequence, &[1; 20]), &mut out, now),
                3 => media.seal_padding(20, None, &mut out, now),
                _ => {
                    // The same stream declared anew must not begin its indices anew.
                    media.remove_sent(VIDEO);
                    media.declare_sent(PICTURE, &mid("1"), VIDEO, Some(VIDEO_RTX), &codecs(&[Codec::Vp8]));
                    continue;
                }
            };
            if sealed.is_err() {
                prop_assert!(out.is_empty());
                continue;
            }
            let header = RtpHeader::parse(&out).unwrap();
            let near = *newest.entry(header.ssrc).or_insert(u64::from(header.sequence));
            let ahead = header.sequence.wrapping_sub(near as u16) as i16;
            let index = near.checked_add_signed(i64::from(ahead)).unwrap();
            newest.insert(header.ssrc, index.max(near));
            prop_assert!(used.insert((header.ssrc, index)), "{:x} {}", header.ssrc, index);
        }
    }

    /// Whatever arrives, nothing panics and deadlines stay sane.
    #[test]
    fn noise_changes_nothing(datagrams in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 1..50)) {
        let (mut media, mut hand, now) = receiving();
        for mut contents in datagrams {
            let _ = media.receive_rtp(&mut contents.clone(), now);
            media.receive_rtcp(&mut contents, now);
            // The same said by somebody who has the keys.
            if contents.len() >= 8 {
                let mut datagram = hand.make_rtcp(|out| {
                    out.extend([0x80, 201, 0, 1, 0, 0, 0, 1]);
                    contents[0] = 0x80 | contents[0] & 0x1f;
                    contents[1] = 200 + contents[1] % 8;
                    out.extend(&contents);
                });
                prop_assert!(media.receive_rtcp(&mut datagram, now));
            }
            while media.poll_event().is_some() {}
            let mut out = Vec::new();
            while media.poll_rtcp(now, &mut out) {}
        }
    }
}
