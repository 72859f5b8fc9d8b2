use proptest::prelude::*;

use super::*;

const ALL_SHORT: [(Extension, u8); 10] = [
    (Extension::AudioLevel, 1),
    (Extension::AbsSendTime, 2),
    (Extension::AbsCaptureTime, 3),
    (Extension::TransportCc, 4),
    (Extension::Mid, 5),
    (Extension::RtpStreamId, 6),
    (Extension::RepairedRtpStreamId, 7),
    (Extension::VideoOrientation, 8),
    (Extension::PlayoutDelay, 9),
    (Extension::DependencyDescriptor, 14),
];

/// A packet whose extension block holds `body`, which is filled up with zeros.
fn packet(profile: u16, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x90, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
    packet.extend_from_slice(&profile.to_be_bytes());
    let words = body.len().div_ceil(4);
    packet.extend_from_slice(&(words as u16).to_be_bytes());
    packet.extend_from_slice(body);
    packet.resize(16 + words * 4, 0);
    packet.extend_from_slice(b"payload");
    packet
}

fn check(specs: &[(Extension, u8)], profile: u16, body: &[u8], expected: Extensions<'_>) {
    let ids = ExtensionIds::new(specs.iter().copied());
    let packet = packet(profile, body);
    let header = RtpHeader::parse(&packet).unwrap();
    assert_eq!(ids.read(&header, &packet), expected, "{body:02x?}");
}

#[test]
fn every_extension_is_read_in_the_one_byte_form() {
    let body = [
        &[0x10, 0x80 | 42][..],
        &[0x22, 0x01, 0x02, 0x03],
        &[0x37, 1, 2, 3, 4, 5, 6, 7, 8],
        &[0x41, 0x12, 0x34],
        &[0x50, b'0'],
        &[0x60, b'q'],
        // Padding between elements is one byte each.
        &[0, 0],
        &[0x70, b'h'],
        &[0x80, 0x03],
        &[0x92, 0x00, 0xaf, 0xff],
        &[0xe2, 0x80, 0x00, 0x01],
    ]
    .concat();
    let expected = Extensions {
        audio_level: Some(AudioLevel {
            level: -42,
            voice: true,
        }),
        abs_send_time: Some(0x0001_0203),
        capture_time: Some(&[1, 2, 3, 4, 5, 6, 7, 8]),
        transport_cc: Some(0x1234),
        mid: Some(b"0"),
        rid: Some(b"q"),
        repaired_rid: Some(b"h"),
        orientation: Some(3),
        playout_delay: Some((10, 4095)),
        dependency_descriptor: Some(&[0x80, 0x00, 0x01]),
    };
    check(&ALL_SHORT, ONE_BYTE, &body, expected);
}

#[test]
fn ids_up_to_255_are_read_in_the_two_byte_form() {
    let specs = [
        (Extension::AudioLevel, 255),
        (Extension::DependencyDescriptor, 15),
        (Extension::TransportCc, 16),
        (Extension::Mid, 3),
    ];
    let descriptor = [7; 200];
    let body = [
        &[255, 1, 0x7f][..],
        &[15, 200],
        &descriptor,
        &[0],
        &[16, 2, 0xff, 0xfe],
        &[3, 2, b'a', b'b'],
        // Not negotiated, and empty.
        &[77, 3, 1, 2, 3, 78, 0],
    ]
    .concat();
    let expected = Extensions {
        audio_level: Some(AudioLevel {
            level: -127,
            voice: false,
        }),
        dependency_descriptor: Some(&descriptor),
        transport_cc: Some(0xfffe),
        mid: Some(b"ab"),
        ..Extensions::default()
    };
    check(&specs, TWO_BYTE, &body, expected);
    // The low bits of the profile are the application's.
    check(&specs, TWO_BYTE | 0x0f, &body, expected);
}

#[test]
fn other_profiles_and_packets_without_extensions_have_none() {
    check(&ALL_SHORT, 0xbedf, &[0x10, 0x00], Extensions::default());
    check(&ALL_SHORT, 0x2000, &[1, 1, 0], Extensions::default());
    check(&ALL_SHORT, ONE_BYTE, &[], Extensions::default());
}

#[test]
fn the_reserved_id_ends_the_reading() {
    let orientation = Extensions {
        orientation: Some(1),
        ..Extensions::default()
    };
    check(&ALL_SHORT, ONE_BYTE, &[0x80, 1, 0xf0, 0, 0x50, b'0'], orientation);
}

/// M10: an element that reaches beyond the block.
#[test]
fn m10_an_element_beyond_the_block_ends_the_reading() {
    let orientation = Extensions {
        orientation: Some(1),
        ..Extensions::default()
    };
    check(&ALL_SHORT, ONE_BYTE, &[0x80, 1, 0x52, b'0'], orientation);
    check(&ALL_SHORT, ONE_BYTE, &[0x80, 1, 0, 0x50], orientation);
    check(&ALL_SHORT, TWO_BYTE, &[8, 1, 1, 5], orientation);
    check(&ALL_SHORT, TWO_BYTE, &[8, 1, 1, 5, 255, 1, 2, 3], orientation);
}

#[test]
fn values_of_impossible_length_are_left_out() {
    let specs = ALL_SHORT;
    let none = Extensions::default();
    for body in [
        &[0x21, 1, 2][..],
        &[0x36, 1, 2, 3, 4, 5, 6, 7],
        &[0x40, 1],
        &[0x91, 1, 2],
        &[0xe1, 1, 2],
    ] {
        check(&specs, ONE_BYTE, body, none);
    }
    for id in 1..=14 {
        check(&specs, TWO_BYTE, &[id, 0], none);
    }
}

#[test]
fn the_request_behind_the_number_is_not_its_business() {
    let expected = Extensions {
        transport_cc: Some(7),
        ..Extensions::default()
    };
    check(&ALL_SHORT, ONE_BYTE, &[0x43, 0, 7, 0xc0, 1], expected);
}

#[test]
fn ids_are_taken_once() {
    let ids = ExtensionIds::new(
        [
            (Extension::Mid, 0),
            (Extension::Mid, 3),
            (Extension::Mid, 4),
            (Extension::TransportCc, 3),
            (Extension::AudioLevel, 200),
            (Extension::RtpStreamId, 200),
            (Extension::TransportCc, 4),
        ]
        .into_iter(),
    );
    assert_eq!(ids.id(Extension::Mid), Some(3));
    assert_eq!(ids.id(Extension::TransportCc), Some(4));
    assert_eq!(ids.id(Extension::AudioLevel), Some(200));
    assert_eq!(ids.id(Extension::RtpStreamId), None);
    for extension in Extension::ALL {
        let only = ExtensionIds::new(std::iter::once((extension, 9)));
        let all = Extension::ALL.into_iter();
        let with_id: Vec<_> = all.filter(|other| only.id(*other).is_some()).collect();
        assert_eq!(with_id, [extension]);
        assert_eq!(only.extension(9), Some(extension));
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(two_byte: bool, body in prop::collection::vec(any::<u8>(), 0..100), id in 1_u8..) {
        let specs = Extension::ALL.into_iter().enumerate();
        let ids = ExtensionIds::new(specs.map(|(at, extension)| (extension, id.wrapping_add(at as u8))));
        let packet = packet(if two_byte { TWO_BYTE } else { ONE_BYTE }, &body);
        let header = RtpHeader::parse(&packet).unwrap();
        let read = ids.read(&header, &packet);
        prop_assert!(read.audio_level.is_none_or(|level| level.level <= 0));
        prop_assert!(read.playout_delay.is_none_or(|(least, most)| least < 4096 && most < 4096));
        // A header read from another packet gives nothing or something, and no panic.
        let _ = ids.read(&header, &packet[..packet.len() / 2]);
    }
}
