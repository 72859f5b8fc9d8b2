//! Packets that libsrtp protected: opened to the same plain packet, and protected by us to the same bytes.
//!
//! `libsrtp/packets.txt` was written once by pylibsrtp 1.0.0 (libsrtp 2), whose outbound session for any SSRC protected
//! what stands in the second last column. Its lines are: profile, kind, index, plain packet, protected packet. The key
//! of each profile is `7 i + 1` and its salt `13 i + 5` for byte `i`, modulo 256. The RTP indices cross two rollovers
//! and step back; the packets have contributing sources, extensions, padding or an empty payload in turn. The RTCP
//! packets are of two senders, and libsrtp counts each from 1.

#![allow(clippy::unwrap_used)]

use tertulia_rtp::{ReceiveWindow, RtpHeader, SrtpError, SrtpProfile, SrtpReceiver, SrtpSender};

struct Sample {
    rtcp: bool,
    index: u64,
    plain: Vec<u8>,
    protected: Vec<u8>,
}

const PROFILES: [(SrtpProfile, &str); 3] = [
    (SrtpProfile::AeadAes256Gcm, "gcm256"),
    (SrtpProfile::AeadAes128Gcm, "gcm128"),
    (SrtpProfile::AesCm128HmacSha1_80, "cm128"),
];

fn samples(name: &str) -> Vec<Sample> {
    let lines = include_str!("libsrtp/packets.txt").lines();
    let of_profile = lines.map(|line| line.split(' ').collect::<Vec<_>>());
    let samples: Vec<Sample> = of_profile
        .filter(|columns| columns[0] == name)
        .map(|columns| Sample {
            rtcp: columns[1] == "rtcp",
            index: columns[2].parse().unwrap(),
            plain: hex(columns[3]),
            protected: hex(columns[4]),
        })
        .collect();
    assert_eq!(samples.len(), 13);
    samples
}

fn hex(digits: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}

fn key_and_salt(profile: SrtpProfile) -> (Vec<u8>, Vec<u8>) {
    let series =
        |count: usize, step: usize, first: usize| (0..count).map(|i| (step * i + first) as u8).collect();
    (series(profile.key_len(), 7, 1), series(profile.salt_len(), 13, 5))
}

#[test]
fn what_libsrtp_protects_is_opened() {
    for (profile, name) in PROFILES {
        let (key, salt) = key_and_salt(profile);
        let mut receiver = SrtpReceiver::new(profile, &key, &salt).unwrap();
        let mut state = ReceiveWindow::default();
        for sample in samples(name) {
            let mut packet = sample.protected.clone();
            if sample.rtcp {
                let length = receiver.unprotect_rtcp(&mut packet).unwrap();
                assert_eq!(packet[..length], sample.plain, "{name}");
                let again = receiver.unprotect_rtcp(&mut sample.protected.clone());
                assert_eq!(again, Err(SrtpError::Replayed), "{name}");
                continue;
            }
            let header = RtpHeader::parse(&packet).unwrap();
            let opened = receiver.unprotect(&mut packet, &header, &mut state).unwrap();
            assert_eq!(opened.index, sample.index, "{name}");
            let plain = RtpHeader::parse_plain(&sample.plain).unwrap();
            assert_eq!(opened.payload_end, plain.payload_range().end, "{name}");
            assert_eq!(packet[..sample.plain.len()], sample.plain, "{name}");
        }
    }
}

#[test]
fn we_protect_as_libsrtp_does() {
    for (profile, name) in PROFILES {
        let (key, salt) = key_and_salt(profile);
        let mut sender = SrtpSender::new(profile, &key, &salt).unwrap();
        let mut window = sender.window(0x1122_3344).unwrap();
        // We count control packets from 0, as RFC 3711 §3.4 has it, and for all senders together.
        let mut index = 0;
        for sample in samples(name) {
            let mut packet = sample.plain.clone();
            if sample.rtcp {
                while index < sample.index {
                    sender.protect_rtcp(&mut sample.plain.clone(), 0).unwrap();
                    index += 1;
                }
                if index > sample.index {
                    continue;
                }
                sender.protect_rtcp(&mut packet, 0).unwrap();
                index += 1;
            } else {
                let header_len = RtpHeader::parse(&packet).unwrap().header_len;
                let admitted = window.admit(sample.index).unwrap();
                sender.protect(&mut packet, 0, header_len, admitted).unwrap();
            }
            assert_eq!(packet, sample.protected, "{name} {}", sample.index);
        }
        assert_eq!(index, 3, "two control packets were compared");
    }
}
