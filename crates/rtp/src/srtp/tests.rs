use super::*;
use crate::{ExtensionIds, Extensions, HeaderFields, HeaderTemplate, RtpHeader};

const PROFILES: [SrtpProfile; 3] = [
    SrtpProfile::AeadAes256Gcm,
    SrtpProfile::AeadAes128Gcm,
    SrtpProfile::AesCm128HmacSha1_80,
];

fn pair(profile: SrtpProfile) -> (SrtpSender, SrtpReceiver) {
    let key: Vec<u8> = (0..profile.key_len() as u8).collect();
    let salt: Vec<u8> = (0x80..0x80 + profile.salt_len() as u8).collect();
    let sender = SrtpSender::new(profile, &key, &salt).unwrap();
    let receiver = SrtpReceiver::new(profile, &key, &salt).unwrap();
    (sender, receiver)
}

/// A plain packet; the header's length with it.
fn packet(ssrc: u32, sequence: u64, payload: &[u8]) -> (Vec<u8>, usize) {
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
