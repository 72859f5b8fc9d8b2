//! Which packet belongs to what.

use super::wire::{Hand, MID, Packet, REPAIRED_RID, RID, TRANSPORT_CC};
use super::*;

struct Bench {
    media: Media,
    hand: Hand,
    now: Instant,
}

impl Bench {
    fn new(rids: &[&str]) -> Self {
        let now = Instant::now();
        let mut media = media(1, true, now);
        let rids: Vec<Rid> = rids.iter().map(|text| rid(text)).collect();
        media.declare(&mid("v"), MediaKind::Video, &rids);
        media.receive_as(&mid("v"), Some(RxId(5)));
        Self {
            media,
            hand: Hand::new(),
            now,
        }
    }

    fn give(&mut self, packet: &Packet<'_>) -> Option<Got> {
        let mut datagram = self.hand.make(packet);
        self.media
            .receive_rtp(&mut datagram, self.now)
            .map(|packet| Got::new(&packet))
    }
}

#[test]
fn encodings_are_found_by_their_tags_once() {
    let mut bench = Bench::new(&["q", "h", "f"]);
    for (ssrc, tag, place) in [(1_000, &b"f"[..], 2), (1_001, b"q", 0), (1_002, b"h", 1)] {
        let tags = [(MID, &b"v"[..]), (RID, tag)];
        let packet = Packet {
            ssrc,
            ext: &tags,
            ..Packet::VIDEO
        };
        assert_eq!(bench.give(&packet).unwrap().rid, Some(place));
        // From here on the SSRC says it all.
        let packet = Packet {
            ssrc,
            sequence: 2,
            ..Packet::VIDEO
        };
        let got = bench.give(&packet).unwrap();
        assert_eq!((got.rx, got.rid, got.ssrc), (RxId(5), Some(place), ssrc));
    }
    assert_eq!(bench.media.received_as(1_002), Some((&mid("v"), Some(&rid("h")))));
    assert!(bench.media.request_keyframe(&mid("v"), Some(&rid("h"))));
    assert!(!bench.media.request_keyframe(&mid("v"), None));
}

#[test]
fn repairs_are_found_by_their_tag_and_put_in_place() {
    let mut bench = Bench::new(&["q", "f"]);
    let tags = [(MID, &b"v"[..]), (RID, b"f")];
    for sequence in [65_534, 65_535, 65_537] {
        let packet = Packet {
            sequence,
            ext: &tags,
            ..Packet::VIDEO
        };
        assert!(bench.give(&packet).is_some());
    }
    let repair_tags = [(MID, &b"v"[..]), (REPAIRED_RID, b"f")];
    let repair = Packet {
        ssrc: 2_000,
        payload_type: 97,
        sequence: 300,
        timestamp: 77,
        ext: &repair_tags,
        payload: &[0, 0, 9, 9],
        ..Packet::VIDEO
    };
    let got = bench.give(&repair).unwrap();
    assert_eq!((got.rid, got.ssrc, got.payload_type), (Some(1), 1_000, 96));
    assert_eq!((got.sequence, got.timestamp), (65_536, 77));
    assert_eq!(got.payload, [9, 9]);
    // The same once more, and the packet itself after all.
    let again = Packet {
        sequence: 301,
        ..repair
    };
    assert!(bench.give(&again).is_none());
    let late = Packet {
        sequence: 65_536,
        ..Packet::VIDEO
    };
    assert!(bench.give(&late).is_none());
    assert_eq!(bench.media.drops().total(), 0);
}

#[test]
fn without_encodings_the_payload_type_tells_repairs() {
    let mut bench = Bench::new(&[]);
    let tags = [(MID, &b"v"[..])];
    let packet = Packet {
        sequence: 10,
        ext: &tags,
        ..Packet::VIDEO
    };
    assert_eq!(bench.give(&packet).unwrap().rid, None);
    let repair = Packet {
        ssrc: 2_000,
        payload_type: 97,
        ext: &tags,
        payload: &[0, 9, 1],
        ..Packet::VIDEO
    };
    assert_eq!(bench.give(&repair).unwrap().sequence, 9);
}

#[test]
fn probing_before_the_medium_counts_for_the_path_alone() {
    let mut bench = Bench::new(&["f"]);
    let tags = [(MID, &b"v"[..]), (REPAIRED_RID, b"f"), (TRANSPORT_CC, &[0, 1])];
    let padding = Packet {
        ssrc: 2_000,
        payload_type: 97,
        ext: &tags,
        payload: &[],
        padding: 200,
        ..Packet::VIDEO
    };
    assert!(bench.give(&padding).is_none());
    let probe_tags = [(TRANSPORT_CC, &[0_u8, 2][..])];
    let probe = Packet {
        ssrc: 0,
        ext: &probe_tags,
        payload: &[],
        padding: 100,
        ..Packet::VIDEO
    };
    assert!(bench.give(&probe).is_none());
    assert_eq!(bench.media.drops().total(), 0);
    assert!(bench.media.poll_timeout().is_some(), "feedback is due");
    let mut out = Vec::new();
    assert!(bench.media.poll_rtcp(bench.now + ms(300), &mut out));
}

#[test]
fn a_packet_of_padding_alone_keeps_its_number() {
    let mut bench = Bench::new(&[]);
    bench.media.expect_ssrc(&mid("v"), 1_000, None, None, true);
    let padding = Packet {
        payload: &[],
        padding: 50,
        ..Packet::VIDEO
    };
    let got = bench.give(&padding).unwrap();
    assert_eq!((got.sequence, got.payload.len()), (1, 0));
}

#[test]
fn a_new_ssrc_takes_the_place_of_the_old_one() {
    let mut bench = Bench::new(&[]);
    let tags = [(MID, &b"v"[..])];
    let of = |ssrc, sequence| Packet {
        ssrc,
        sequence,
        ext: &tags,
        ..Packet::VIDEO
    };
    assert!(bench.give(&of(1, 65_535)).is_some());
    assert!(bench.give(&of(1, 65_536)).is_some());
    assert_eq!(bench.give(&of(2, 5)).unwrap().ssrc, 2);
    assert!(bench.media.received_as(1).is_none());
    // It comes back in the rollover it left in.
    let got = bench.give(&of(1, 65_537)).unwrap();
    assert_eq!((got.ssrc, got.sequence), (1, 65_537));
}

#[test]
fn what_was_told_is_expected_and_forgotten() {
    let mut bench = Bench::new(&["f"]);
    bench.media.declare(&mid("w"), MediaKind::Video, &[]);
    bench.media.receive_as(&mid("w"), Some(RxId(6)));
    bench
        .media
        .expect_ssrc(&mid("v"), 1_000, Some(2_000), Some(&rid("f")), true);
    bench.media.expect_ssrc(&mid("w"), 1_001, None, None, true);
    bench.media.expect_ssrc(&mid("unheard"), 1_002, None, None, true);
    assert!(
        bench.media.received_as(1_000).is_some()
            && bench.media.received_as(2_000).is_some()
            && bench.media.received_as(1_002).is_none()
    );
    let of = |ssrc, sequence| Packet {
        ssrc,
        sequence,
        ..Packet::VIDEO
    };
    assert_eq!(bench.give(&of(1_000, 1)).unwrap().rid, Some(0));
    assert_eq!(bench.give(&of(1_001, 1)).unwrap().rx, RxId(6));
    bench.media.forget_received(&mid("w"), [1_001].into_iter(), &[]);
    assert!(bench.give(&of(1_001, 2)).is_none());
    bench
        .media
        .forget_received(&mid("v"), std::iter::empty(), &[rid("f")]);
    assert!(bench.media.received_as(1_000).is_none() && bench.media.received_as(2_000).is_none());
    // A section nobody receives on keeps its accounts.
    bench.media.expect_ssrc(&mid("w"), 1_001, None, None, true);
    bench.media.receive_as(&mid("w"), None);
    assert!(bench.give(&of(1_001, 3)).is_none());
    assert_eq!(bench.media.drops().unknown_ssrc, 1);
    bench.media.forget(&mid("w"));
    bench.media.expect_ssrc(&mid("w"), 1_001, None, None, true);
    assert!(bench.media.received_as(1_001).is_none());
}

#[test]
fn tags_that_were_not_negotiated_explain_nothing() {
    let mut bench = Bench::new(&["f"]);
    let cases: [&[(u8, &[u8])]; 5] = [
        &[],
        &[(MID, b"other"), (RID, b"f")],
        &[(MID, b"v"), (RID, b"g")],
        &[(MID, b"v")],
        &[(RID, b"f")],
    ];
    for (number, ext) in cases.into_iter().enumerate() {
        let packet = Packet {
            ssrc: 100 + number as u32,
            ext,
            ..Packet::VIDEO
        };
        assert_eq!(bench.give(&packet), None, "for {ext:?}");
    }
    assert_eq!(bench.media.drops().unknown_ssrc, 5);
    // Sound does not belong on a section of pictures.
    let tags = [(MID, &b"v"[..]), (RID, b"f")];
    let misplaced = Packet {
        payload_type: 111,
        ext: &tags,
        ..Packet::VIDEO
    };
    assert_eq!(bench.give(&misplaced), None);
    assert_eq!(bench.media.drops().unknown_ssrc, 6);
}

#[test]
fn payload_types_keep_to_their_streams() {
    let mut bench = Bench::new(&[]);
    bench.media.expect_ssrc(&mid("v"), 1_000, Some(2_000), None, true);
    let of = |ssrc, payload_type, sequence| Packet {
        ssrc,
        payload_type,
        sequence,
        ..Packet::VIDEO
    };
    assert!(bench.give(&of(1_000, 96, 1)).is_some());
    assert!(
        bench.give(&of(1_000, 97, 2)).is_none(),
        "a repair among the medium"
    );
    assert!(
        bench.give(&of(2_000, 96, 1)).is_none(),
        "the medium among repairs"
    );
    assert!(bench.give(&of(1_000, 35, 3)).is_none(), "nothing negotiated");
    assert_eq!(bench.media.drops().unknown_payload, 3);
    let short = Packet {
        payload: &[1],
        ..of(2_000, 97, 2)
    };
    assert!(bench.give(&short).is_none());
    assert_eq!(bench.media.drops().malformed, 1);
}
