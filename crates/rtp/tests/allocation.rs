//! A packet costs no allocation: reading, opening, sealing, and refusing.

#![allow(clippy::unwrap_used)]

use tertulia_model::{Extension, Mid};
use tertulia_rtp::{
    ExtensionIds, Extensions, HeaderFields, HeaderTemplate, ReceiveWindow, Rtcp, RtpHeader, SrtpError,
    SrtpProfile, SrtpReceiver, SrtpSender, rtcp_packets, write_nack, write_pli, write_receiver_report,
    write_transport_feedback,
};

const PROFILES: [SrtpProfile; 3] = [
    SrtpProfile::AeadAes256Gcm,
    SrtpProfile::AeadAes128Gcm,
    SrtpProfile::AesCm128HmacSha1_80,
];

fn check(what: &str, run: impl FnOnce()) {
    let info = allocation_counter::measure(run);
    assert_eq!(info.count_total, 0, "{what}");
}

fn pair(profile: SrtpProfile) -> (SrtpSender, SrtpReceiver) {
    let (key, salt) = (vec![1; profile.key_len()], vec![2; profile.salt_len()]);
    let sender = SrtpSender::new(profile, &key, &salt).unwrap();
    (sender, SrtpReceiver::new(profile, &key, &salt).unwrap())
}

fn ids() -> ExtensionIds {
    let specs = Extension::ALL.into_iter().zip(1..);
    ExtensionIds::new(specs)
}

fn fields(sequence: u64) -> HeaderFields {
    HeaderFields {
        payload_type: 96,
        marker: false,
        sequence: sequence as u16,
        timestamp: 3_000,
        padding: false,
        transport_cc: Some(sequence as u16),
        abs_send_time: Some(5),
    }
}

#[test]
fn the_counter_counts() {
    let info = allocation_counter::measure(|| drop(std::hint::black_box(vec![1_u8; 100])));
    assert_eq!(info.count_total, 1);
}

#[test]
fn a_packet_is_written_sealed_read_and_opened_without_allocation() {
    for profile in PROFILES {
        let (mut sender, receiver) = pair(profile);
        let mut window = sender.window(9).unwrap();
        let mut state = ReceiveWindow::default();
        let ids = ids();
        let template = HeaderTemplate::new(9, Mid::parse("0").as_ref(), &ids, true, true);
        let descriptor = [7; 40];
        let extensions = Extensions {
            dependency_descriptor: Some(&descriptor),
            orientation: Some(1),
            ..Extensions::default()
        };
        let payload = [5; 1_100];
        let mut out = Vec::with_capacity(1_500);
        check("a packet", || {
            for sequence in 0..100 {
                out.clear();
                let header_len = template.write(&mut out, &fields(sequence), &extensions);
                out.extend_from_slice(&payload);
                let admitted = window.admit(sequence).unwrap();
                sender.protect(&mut out, 0, header_len, admitted).unwrap();
                let header = RtpHeader::parse(&out).unwrap();
                let opened = receiver.unprotect(&mut out, &header, &mut state).unwrap();
                assert_eq!(out[header.header_len..opened.payload_end], payload);
                assert_eq!(ids.read(&header, &out).orientation, Some(1));
            }
        });
    }
}

#[test]
fn a_packet_is_refused_without_allocation() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let mut window = sender.window(9).unwrap();
        let template = HeaderTemplate::new(9, None, &ids(), true, true);
        let mut out = Vec::new();
        let header_len = template.write(&mut out, &fields(1), &Extensions::default());
        out.resize(1_100, 5);
        sender
            .protect(&mut out, 0, header_len, window.admit(1).unwrap())
            .unwrap();
        let mut forged = out.clone();
        *forged.last_mut().unwrap() ^= 1;
        let mut control = Vec::new();
        write_pli(&mut control, 1, 2);
        sender.protect_rtcp(&mut control, 0).unwrap();
        control[9] ^= 1;
        let mut state = ReceiveWindow::default();
        check("a refusal", || {
            let header = RtpHeader::parse(&out).unwrap();
            let refused = receiver.unprotect(&mut forged, &header, &mut state);
            assert_eq!(refused, Err(SrtpError::Unauthentic));
            let refused = receiver.unprotect(&mut out[..20], &header, &mut state);
            assert_eq!(refused, Err(SrtpError::Truncated));
            assert_eq!(receiver.unprotect_rtcp(&mut control), Err(SrtpError::Unauthentic));
        });
    }
}

#[test]
fn control_packets_are_written_sealed_opened_and_read_without_allocation() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let arrivals: Vec<Option<i64>> = (0..200).map(|at| (at % 7 != 0).then_some(at * 40)).collect();
        let mut out = Vec::with_capacity(1_500);
        let mut turn = |receiver: &mut SrtpReceiver| {
            out.clear();
            write_receiver_report(&mut out, 1, &[]);
            write_nack(&mut out, 1, 2, &[5, 6, 70]);
            write_transport_feedback(&mut out, 1, 2, 3, 4, &arrivals);
            sender.protect_rtcp(&mut out, 0).unwrap();
            let length = receiver.unprotect_rtcp(&mut out).unwrap();
            for packet in rtcp_packets(&out[..length]) {
                match packet {
                    Rtcp::Nack { sequences, .. } => assert_eq!(sequences.count(), 3),
                    Rtcp::TransportFeedback(feedback) => assert_eq!(feedback.iter().count(), 200),
                    Rtcp::ReceiverReport { blocks, .. } => assert_eq!(blocks.count(), 0),
                    other => panic!("{other:?}"),
                }
            }
        };
        // The first packet of a sender gets it a place.
        turn(&mut receiver);
        check("a control packet", || (0..50).for_each(|_| turn(&mut receiver)));
    }
}
