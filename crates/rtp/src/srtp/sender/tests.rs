use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::srtp::tests::{PROFILES, packet, pair};
use crate::{Vp8Rewrite, Vp9Rewrite};

#[test]
fn control_indices_are_used_up() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        sender.next_rtcp = ENCRYPTED - 2;
        let mut out = Vec::new();
        for _ in 0..2 {
            out.clear();
            crate::write_pli(&mut out, 1, 2);
            sender.protect_rtcp(&mut out, 0).unwrap();
            receiver.unprotect_rtcp(&mut out).unwrap();
        }
        for _ in 0..2 {
            out.clear();
            out.extend_from_slice(b"sent before");
            crate::write_pli(&mut out, 1, 2);
            assert_eq!(sender.protect_rtcp(&mut out, 11), Err(SrtpError::Exhausted));
            assert_eq!(out, b"sent before", "nothing is left unprotected");
        }
    }
}

#[test]
fn a_control_packet_without_a_header_is_taken_away_and_costs_no_index() {
    let (mut sender, _) = pair(PROFILES[0]);
    let mut out = b"before\x80\xc8\x00".to_vec();
    assert_eq!(sender.protect_rtcp(&mut out, 6), Err(SrtpError::Truncated));
    assert_eq!(out, b"before");
    assert_eq!(sender.protect_rtcp(&mut out, 60), Err(SrtpError::NotOurs));
    assert_eq!(sender.next_rtcp, 0);
}

#[test]
fn the_owner_of_a_streams_indices_is_given_once() {
    let (mut sender, _) = pair(PROFILES[0]);
    for ssrc in [5, 0, u32::MAX, 3] {
        assert_eq!(sender.window(ssrc).unwrap().ssrc(), ssrc);
    }
    for ssrc in [3, 5, u32::MAX, 0] {
        assert!(sender.window(ssrc).is_none());
    }
}

#[test]
fn so_many_streams_and_no_more() {
    let (mut sender, _) = pair(PROFILES[0]);
    for ssrc in 0..MOST_STREAMS {
        assert!(sender.window(ssrc as u32).is_some());
    }
    assert!(sender.window(u32::MAX).is_none());
}

#[test]
fn what_another_key_admitted_is_not_protected() {
    let (mut sender, _) = pair(PROFILES[1]);
    let other = SrtpSender::new(PROFILES[1], &[7; 16], &[7; 12]).unwrap();
    let mut window = sender.window(9).unwrap();
    let (mut out, header_len) = packet(9, 1, b"secret");
    let admitted = window.admit(1).unwrap();
    assert_eq!(
        other.protect(&mut out, 0, header_len, admitted),
        Err(SrtpError::NotOurs)
    );
    assert!(out.is_empty());
}

#[test]
fn a_header_beyond_the_packet_is_refused() {
    for profile in PROFILES {
        let (mut sender, _) = pair(profile);
        let mut window = sender.window(9).unwrap();
        let (mut out, _) = packet(9, 1, b"secret");
        let beyond = out.len() + 1;
        let admitted = window.admit(1).unwrap();
        assert_eq!(
            sender.protect(&mut out, 0, beyond, admitted),
            Err(SrtpError::NotOurs)
        );
        assert!(out.is_empty());
        let admitted = window.admit(2).unwrap();
        assert_eq!(sender.protect(&mut out, 1, 0, admitted), Err(SrtpError::NotOurs));
    }
}

#[test]
fn what_is_sealed_where_it_is_sent_from_equals_what_is_protected_in_place() {
    let payload: Vec<u8> = [0x90, 0xe0, 0x92, 0x34, 7, 0x60]
        .into_iter()
        .chain(0..200)
        .collect();
    let vp8 = Rewrite::Vp8(Vp8Rewrite {
        picture_id: Some(99),
        tl0_pic_idx: Some(3),
        key_idx: None,
    });
    let vp9 = Rewrite::Vp9(Vp9Rewrite {
        picture_id: Some(99),
        tl0_pic_idx: Some(3),
    });
    for profile in PROFILES {
        for rewrite in [Rewrite::None, vp8, vp9] {
            for length in [1, 5, 16, 17, payload.len()] {
                let (mut sender, _) = pair(profile);
                let (mut twin, _) = pair(profile);
                let payload = &payload[..length];
                let mut rewritten = payload.to_vec();
                rewrite.apply(&mut rewritten);
                let (mut expected, header_len) = packet(9, 5, &rewritten);
                let admitted = twin.window(9).and_then(|mut window| window.admit(5)).unwrap();
                twin.protect(&mut expected, 0, header_len, admitted).unwrap();

                let (header, _) = packet(9, 5, b"");
                let mut room = [0x55; 300];
                room[..header_len].copy_from_slice(&header);
                let mut window = sender.window(9).unwrap();
                let admitted = window.admit(5).unwrap();
                let sealed = sender.seal(&mut room, header_len, payload, &rewrite, admitted);
                assert_eq!(sealed, Ok(expected.len()), "{profile:?} {rewrite:?}");
                assert_eq!(room[..expected.len()], expected[..]);

                let admitted = window.admit(6).unwrap();
                let short = expected.len() - 1;
                let refused = sender.seal(&mut room[..short], header_len, payload, &rewrite, admitted);
                assert_eq!(refused, Err(SrtpError::NotOurs));
                let (key, salt) = ([7; 32], [7; 14]);
                let other =
                    SrtpSender::new(profile, &key[..profile.key_len()], &salt[..profile.salt_len()]).unwrap();
                let admitted = window.admit(7).unwrap();
                let refused = other.seal(&mut room, header_len, payload, &rewrite, admitted);
                assert_eq!(refused, Err(SrtpError::NotOurs));
            }
        }
    }
}

#[test]
fn nothing_secret_is_shown() {
    let (sender, receiver) = pair(PROFILES[2]);
    let shown = format!("{sender:?} {receiver:?}");
    assert_eq!(
        shown,
        "SrtpSender { profile: AesCm128HmacSha1_80, .. } SrtpReceiver { profile: AesCm128HmacSha1_80, .. }"
    );
}

proptest! {
    /// M18 for whole packets: equal plain packets under one key come out different, whatever is asked for. Under GCM a
    /// repeated nonce would show as a repeated packet.
    #[test]
    fn m18_no_two_packets_are_protected_alike(asked in prop::collection::vec((0_u32..4, 0_u64..200, any::<bool>()), 1..200)) {
        let (mut sender, _) = pair(PROFILES[1]);
        let mut windows: Vec<SendWindow> = (0..4).filter_map(|ssrc| sender.window(ssrc)).collect();
        let mut seen = BTreeSet::new();
        for (ssrc, sequence, control) in asked {
            // The same header and payload for all of a kind: nothing but the nonce tells them apart.
            let mut out = Vec::new();
            if control {
                crate::write_pli(&mut out, ssrc, 0);
                sender.protect_rtcp(&mut out, 0).unwrap();
                // Without tag and index.
                out.truncate(12);
            } else {
                let Some(admitted) = windows[ssrc as usize].admit(sequence) else { continue };
                let (plain, header_len) = packet(0, 0, &[0; 16]);
                out = plain;
                sender.protect(&mut out, 0, header_len, admitted).unwrap();
                out.truncate(header_len + 16);
            }
            prop_assert!(seen.insert(out));
        }
    }
}
