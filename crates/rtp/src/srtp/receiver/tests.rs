use super::*;
use crate::srtp::SrtpSender;
use crate::srtp::tests::{PROFILES, pair};

fn control_packet(sender: &mut SrtpSender, ssrc: u32) -> Vec<u8> {
    let mut out = Vec::new();
    crate::write_pli(&mut out, ssrc, 2);
    sender.protect_rtcp(&mut out, 0).unwrap();
    out
}

#[test]
fn control_packets_may_come_out_of_order_within_the_window() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let mut packets: Vec<Vec<u8>> = (0..200).map(|_| control_packet(&mut sender, 1)).collect();
        receiver.unprotect_rtcp(&mut packets[150].clone()).unwrap();
        assert_eq!(
            receiver.unprotect_rtcp(&mut packets[150].clone()),
            Err(SrtpError::Replayed)
        );
        assert_eq!(
            receiver.unprotect_rtcp(&mut packets[22].clone()),
            Err(SrtpError::TooOld)
        );
        for at in [23, 149, 151, 199] {
            receiver.unprotect_rtcp(&mut packets[at].clone()).unwrap();
            let again = receiver.unprotect_rtcp(&mut packets[at]);
            assert!(matches!(again, Err(SrtpError::Replayed)), "{at}: {again:?}");
        }
        assert_eq!(receiver.unprotect_rtcp(&mut packets[24]), Err(SrtpError::TooOld));
    }
}

#[test]
fn each_sender_of_control_packets_counts_for_itself() {
    for profile in PROFILES {
        let (mut one, mut receiver) = pair(profile);
        let (mut other, _) = pair(profile);
        for _ in 0..3 {
            receiver.unprotect_rtcp(&mut control_packet(&mut one, 1)).unwrap();
            receiver
                .unprotect_rtcp(&mut control_packet(&mut other, 2))
                .unwrap();
        }
    }
}

#[test]
fn of_too_many_senders_the_one_heard_from_longest_ago_is_forgotten() {
    let (mut sender, mut receiver) = pair(PROFILES[0]);
    let mut first = control_packet(&mut sender, 0);
    let mut last = Vec::new();
    receiver.unprotect_rtcp(&mut first.clone()).unwrap();
    for ssrc in 1..=MOST_CONTROL_STREAMS as u32 {
        last = control_packet(&mut sender, ssrc);
        receiver.unprotect_rtcp(&mut last.clone()).unwrap();
    }
    assert_eq!(receiver.control.len(), MOST_CONTROL_STREAMS);
    assert_eq!(receiver.unprotect_rtcp(&mut last), Err(SrtpError::Replayed));
    assert!(receiver.unprotect_rtcp(&mut first).is_ok());
}

#[test]
fn a_control_packet_that_claims_to_be_plain_is_refused() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let mut packet = control_packet(&mut sender, 1);
        let tag = profile.rtp_overhead();
        let word = match profile {
            SrtpProfile::AesCm128HmacSha1_80 => packet.len() - tag - 4,
            _ => packet.len() - 4,
        };
        packet[word] &= 0x7f;
        assert_eq!(receiver.unprotect_rtcp(&mut packet), Err(SrtpError::Unencrypted));
        assert!(receiver.control.is_empty());
    }
}

/// M6: forged control packets are counted by the caller and leave nothing behind, however many.
#[test]
fn m6_a_flood_of_forged_control_packets_changes_nothing() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        receiver
            .unprotect_rtcp(&mut control_packet(&mut sender, 1))
            .unwrap();
        let before = format!("{:?} {}", receiver.control, receiver.opened);
        let genuine = control_packet(&mut sender, 1);
        for round in 0..2_000_u32 {
            let mut forged = genuine.clone();
            let at = round as usize % forged.len();
            forged[at] ^= 1 << (round % 7);
            let refused = receiver.unprotect_rtcp(&mut forged);
            assert!(
                matches!(
                    refused,
                    Err(SrtpError::Unauthentic | SrtpError::Unencrypted | SrtpError::Replayed)
                ),
                "{refused:?}"
            );
            // Of a sender never heard of.
            let mut forged = genuine.clone();
            forged[4..8].copy_from_slice(&(round + 2).to_be_bytes());
            assert_eq!(receiver.unprotect_rtcp(&mut forged), Err(SrtpError::Unauthentic));
        }
        assert_eq!(format!("{:?} {}", receiver.control, receiver.opened), before);
        assert!(receiver.unprotect_rtcp(&mut genuine.clone()).is_ok());
    }
}

#[test]
fn control_packets_cut_short_are_refused() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let genuine = control_packet(&mut sender, 1);
        for length in 0..genuine.len() {
            let refused = receiver.unprotect_rtcp(&mut genuine[..length].to_vec());
            assert!(refused.is_err(), "{length}");
            if length < 8 + profile.rtcp_overhead() {
                assert_eq!(refused, Err(SrtpError::Truncated), "{length}");
            }
        }
    }
}
