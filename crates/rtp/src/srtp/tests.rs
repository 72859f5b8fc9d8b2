use proptest::prelude::*;

use super::*;
use crate::{ExtensionIds, Extensions, HeaderFields, HeaderTemplate, RtpHeader};

pub(super) const PROFILES: [SrtpProfile; 3] = [
    SrtpProfile::AeadAes256Gcm,
    SrtpProfile::AeadAes128Gcm,
    SrtpProfile::AesCm128HmacSha1_80,
];

/// Bytes of hexadecimal digits; spaces are allowed.
pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let pairs = digits
        .chunks_exact(2)
        .map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

pub(super) fn pair(profile: SrtpProfile) -> (SrtpSender, SrtpReceiver) {
    let key: Vec<u8> = (0..profile.key_len() as u8).collect();
    let salt: Vec<u8> = (0x80..0x80 + profile.salt_len() as u8).collect();
    let sender = SrtpSender::new(profile, &key, &salt).unwrap();
    let receiver = SrtpReceiver::new(profile, &key, &salt).unwrap();
    (sender, receiver)
}

/// A plain packet; the header's length with it.
pub(super) fn packet(ssrc: u32, sequence: u64, payload: &[u8]) -> (Vec<u8>, usize) {
    let template = HeaderTemplate::new(ssrc, None, &ExtensionIds::new(std::iter::empty()), false, false);
    let fields = HeaderFields {
        payload_type: 96,
        marker: false,
        sequence: sequence as u16,
        timestamp: 5,
        padding: false,
        transport_cc: None,
        abs_send_time: None,
    };
    let mut out = Vec::new();
    let header_len = template.write(&mut out, &fields, &Extensions::default());
    out.extend_from_slice(payload);
    (out, header_len)
}

fn protected(sender: &SrtpSender, window: &mut SendWindow, sequence: u64, payload: &[u8]) -> Vec<u8> {
    let (mut out, header_len) = packet(window.ssrc(), sequence, payload);
    let admitted = window.admit(sequence).unwrap();
    sender.protect(&mut out, 0, header_len, admitted).unwrap();
    out
}

fn open(receiver: &SrtpReceiver, state: &mut ReceiveWindow, packet: &mut [u8]) -> Result<Opened, SrtpError> {
    let header = RtpHeader::parse(packet).unwrap();
    receiver.unprotect(packet, &header, state)
}

#[test]
fn what_is_sealed_is_opened_through_a_rollover() {
    for profile in PROFILES {
        let (mut sender, receiver) = pair(profile);
        let mut window = sender.window(9).unwrap();
        assert!(sender.window(9).is_none());
        let mut state = ReceiveWindow::default();
        for sequence in [65_534, 65_535, 65_537, 65_536, 65_538] {
            let mut bytes = protected(&sender, &mut window, sequence, b"payload");
            assert_eq!(bytes.len(), 12 + 7 + profile.rtp_overhead());
            assert_ne!(&bytes[12..19], b"payload");
            let opened = open(&receiver, &mut state, &mut bytes).unwrap();
            assert_eq!(opened.index, sequence);
            assert_eq!(&bytes[12..opened.payload_end], b"payload");
        }
    }
}

#[test]
fn control_packets_are_opened_once() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        for _ in 0..3 {
            let mut out = b"in front".to_vec();
            crate::write_pli(&mut out, 1, 2);
            let plain = out[8..].to_vec();
            sender.protect_rtcp(&mut out, 8).unwrap();
            let sealed = &mut out[8..];
            assert_eq!(sealed.len(), plain.len() + profile.rtcp_overhead());
            let mut again = sealed.to_vec();
            let length = receiver.unprotect_rtcp(sealed).unwrap();
            assert_eq!(sealed[..length], plain);
            assert_eq!(receiver.unprotect_rtcp(&mut again), Err(SrtpError::Replayed));
        }
    }
}

#[test]
fn padding_is_taken_away_after_opening() {
    for profile in PROFILES {
        let (mut sender, receiver) = pair(profile);
        let mut window = sender.window(9).unwrap();
        let mut state = ReceiveWindow::default();
        let payloads: [(&[u8], Option<usize>); 5] = [
            (b"payload\x00\x00\x03", Some(7)),
            (b"\x00\x00\x03", Some(0)),
            // M10: longer than the payload, or not even its own byte.
            (b"payload\x09", None),
            (b"payload\x00", None),
            (b"", None),
        ];
        for (sequence, (payload, expected)) in (0..).zip(payloads) {
            let (mut bytes, header_len) = packet(9, sequence, payload);
            bytes[0] |= 0x20;
            let admitted = window.admit(sequence).unwrap();
            sender.protect(&mut bytes, 0, header_len, admitted).unwrap();
            let mut again = bytes.clone();
            let opened = open(&receiver, &mut state, &mut bytes);
            let wanted = expected.ok_or(SrtpError::Padding);
            assert_eq!(
                opened.map(|opened| opened.payload_end - header_len),
                wanted,
                "{payload:?}"
            );
            // It was authentic, so it counts as received.
            assert_eq!(open(&receiver, &mut state, &mut again), Err(SrtpError::Replayed));
        }
    }
}

/// M7: forged packets leave nothing behind, and the stream goes on.
#[test]
fn m7_a_flood_of_wrong_tags_changes_nothing() {
    for profile in PROFILES {
        let (mut sender, receiver) = pair(profile);
        let mut window = sender.window(9).unwrap();
        let mut state = ReceiveWindow::default();
        open(
            &receiver,
            &mut state,
            &mut protected(&sender, &mut window, 100, b"one"),
        )
        .unwrap();
        let before = format!("{state:?}");
        let genuine = protected(&sender, &mut window, 101, b"another");
        for round in 0..5_000_usize {
            let mut forged = genuine.clone();
            let length = forged.len();
            // Header bits that are not read before authentication, payload and tag.
            let at = [1, 5, 12, length - 1, length - 10][round % 5];
            forged[at] ^= 1 << (round % 8);
            assert_eq!(
                open(&receiver, &mut state, &mut forged),
                Err(SrtpError::Unauthentic)
            );
        }
        assert_eq!(format!("{state:?}"), before);
        assert!(open(&receiver, &mut state, &mut genuine.clone()).is_ok());
    }
}

/// M8: replays, forged rollovers and streams never heard of.
#[test]
fn m8_replays_jumps_and_strange_streams_are_refused() {
    for profile in PROFILES {
        let (mut sender, receiver) = pair(profile);
        let mut window = sender.window(9).unwrap();
        let mut state = ReceiveWindow::default();
        let mut packets = Vec::new();
        for sequence in (0..2_000).chain([30_000, 60_000, 66_000]) {
            let bytes = protected(&sender, &mut window, sequence, b"payload");
            packets.push(bytes.clone());
            open(&receiver, &mut state, &mut bytes.clone()).unwrap();
            assert_eq!(
                open(&receiver, &mut state, &mut bytes.clone()),
                Err(SrtpError::Replayed)
            );
        }
        // A replay from a rollover ago is authenticated as if it were new, and is not.
        assert_eq!(state.newest(), Some(66_000));
        for (sequence, old) in packets.iter_mut().enumerate().take(464) {
            let refused = open(&receiver, &mut state, old);
            assert_eq!(refused, Err(SrtpError::Unauthentic), "{sequence}");
        }
        // A sequence number moved a quarter of the space ahead.
        let mut jumped = protected(&sender, &mut window, 66_001, b"payload");
        jumped[2] ^= 0x40;
        assert_eq!(
            open(&receiver, &mut state, &mut jumped),
            Err(SrtpError::Unauthentic)
        );
        assert_eq!(state.newest(), Some(66_000));
        // A stream of another SSRC under our key was never protected.
        let mut strange = protected(&sender, &mut window, 66_002, b"payload");
        strange[8] ^= 1;
        let mut fresh = ReceiveWindow::default();
        assert_eq!(
            open(&receiver, &mut fresh, &mut strange),
            Err(SrtpError::Unauthentic)
        );
        assert_eq!(fresh.newest(), None);
    }
}

#[test]
fn packets_cut_short_are_refused() {
    for profile in PROFILES {
        let (mut sender, receiver) = pair(profile);
        let mut window = sender.window(9).unwrap();
        let genuine = protected(&sender, &mut window, 1, b"payload");
        for length in 12..genuine.len() {
            let refused = open(
                &receiver,
                &mut ReceiveWindow::default(),
                &mut genuine[..length].to_vec(),
            );
            if length < 12 + profile.rtp_overhead() {
                assert_eq!(refused, Err(SrtpError::Truncated), "{length}");
            } else {
                assert_eq!(refused, Err(SrtpError::Unauthentic), "{length}");
            }
        }
        // A header that was read from another, longer packet.
        let header = RtpHeader::parse(&genuine).unwrap();
        let refused = receiver.unprotect(&mut [0x80; 4], &header, &mut ReceiveWindow::default());
        assert_eq!(refused, Err(SrtpError::Truncated));
    }
}

#[test]
fn keys_of_a_wrong_length_are_refused() {
    for profile in PROFILES {
        let made = SrtpSender::new(profile, &[0; 15], &vec![0; profile.salt_len()]);
        assert_eq!(made.err(), Some(SrtpError::KeyLength));
        let made = SrtpReceiver::new(profile, &vec![0; profile.key_len()], &[0; 13]);
        assert_eq!(made.err(), Some(SrtpError::KeyLength));
    }
}

#[test]
fn the_newest_is_the_extended_number_of_what_was_opened() {
    let (mut sender, receiver) = pair(PROFILES[0]);
    let mut window = sender.window(9).unwrap();
    // The first packet of a stream may be any, also one late in the first rollover.
    let mut state = ReceiveWindow::default();
    for (sequence, newest) in [(65_000, 65_000), (64_500, 65_000), (66_000, 66_000)] {
        open(
            &receiver,
            &mut state,
            &mut protected(&sender, &mut window, sequence, b""),
        )
        .unwrap();
        assert_eq!(state.newest(), Some(newest));
    }
}

proptest! {
    #[test]
    fn any_packet_is_opened_as_it_was_sealed(
        which in 0_usize..3,
        first in 0_u64..=65_535,
        steps in prop::collection::vec((1_u64..2_000, prop::collection::vec(any::<u8>(), 0..80)), 1..60),
    ) {
        let (mut sender, receiver) = pair(PROFILES[which]);
        let mut window = sender.window(9).unwrap();
        let mut state = ReceiveWindow::default();
        let mut sequence = first;
        for (step, payload) in steps {
            let mut bytes = protected(&sender, &mut window, sequence, &payload);
            let opened = open(&receiver, &mut state, &mut bytes).unwrap();
            prop_assert_eq!(opened.index, sequence);
            prop_assert_eq!(&bytes[12..opened.payload_end], &payload[..]);
            sequence += step;
        }
    }

    #[test]
    fn strangers_bytes_are_refused(which in 0_usize..3, mut bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let (_, mut receiver) = pair(PROFILES[which]);
        if let Some(first) = bytes.first_mut() {
            *first = *first & 0x3f | 0x80;
        }
        let mut state = ReceiveWindow::default();
        if let Some(header) = RtpHeader::parse(&bytes) {
            prop_assert!(receiver.unprotect(&mut bytes.clone(), &header, &mut state).is_err());
            prop_assert_eq!(state.newest(), None);
        }
        prop_assert!(receiver.unprotect_rtcp(&mut bytes).is_err());
    }
}
