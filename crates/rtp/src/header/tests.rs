use proptest::prelude::*;

use super::*;

const PLAIN: [u8; 14] = [0x80, 0xe0, 0x12, 0x34, 0, 0, 0, 9, 1, 2, 3, 4, 0xaa, 0xbb];

#[test]
fn a_plain_header_is_read() {
    let header = RtpHeader::parse(&PLAIN).unwrap();
    assert_eq!((header.payload_type, header.marker), (96, true));
    assert_eq!(
        (header.sequence, header.timestamp, header.ssrc),
        (0x1234, 9, 0x0102_0304)
    );
    assert_eq!(header.payload_range(), 12..14);
    assert!(!header.padding);
    assert_eq!(RtpHeader::parse_plain(&PLAIN), Some(header));
}

#[test]
fn sources_and_extensions_are_skipped() {
    let mut packet = PLAIN[..12].to_vec();
    packet[0] |= 0x12;
    packet.extend_from_slice(&[0; 8]);
    packet.extend_from_slice(&[0xbe, 0xde, 0, 1, 0x10, 0x55, 0, 0]);
    packet.extend_from_slice(b"payload");
    let header = RtpHeader::parse(&packet).unwrap();
    assert_eq!(&packet[header.payload_range()], b"payload");
    let block = header.extension.unwrap();
    assert_eq!((block.profile, block.start, block.end), (0xbede, 24, 28));
}

#[test]
fn a_packet_may_end_with_its_header() {
    let header = RtpHeader::parse(&PLAIN[..12]).unwrap();
    assert_eq!(header.payload_range(), 12..12);
    for length in 0..12 {
        assert_eq!(RtpHeader::parse(&PLAIN[..length]), None, "{length}");
    }
}

#[test]
fn other_versions_are_refused() {
    for version in [0, 1, 3] {
        let mut packet = PLAIN;
        packet[0] = version << 6;
        assert_eq!(RtpHeader::parse(&packet), None, "{version}");
    }
}

/// M10: as many sources as there can be.
#[test]
fn m10_sources_beyond_the_packet_are_refused() {
    let mut packet = PLAIN[..12].to_vec();
    packet[0] |= 0x0f;
    for length in 12..72 {
        packet.resize(length, 0);
        assert_eq!(RtpHeader::parse(&packet), None, "{length}");
    }
    packet.resize(72, 0);
    assert_eq!(RtpHeader::parse(&packet).unwrap().header_len, 72);
}

/// M10: extensions that reach beyond the packet.
#[test]
fn m10_extensions_beyond_the_packet_are_refused() {
    let mut packet = PLAIN[..12].to_vec();
    packet[0] |= 0x10;
    for length in 12..16 {
        packet.resize(length, 0);
        assert_eq!(RtpHeader::parse(&packet), None, "{length}");
    }
    packet.resize(28, 0);
    for (words, fits) in [(3_u16, true), (4, false), (0x4000, false), (u16::MAX, false)] {
        packet[14..16].copy_from_slice(&words.to_be_bytes());
        assert_eq!(RtpHeader::parse(&packet).is_some(), fits, "{words}");
    }
}

/// M10: padding that is longer than the payload, or does not count its own byte.
#[test]
fn m10_impossible_padding_is_refused() {
    let padded = |payload: &[u8]| {
        let packet = [&PLAIN[..12], payload].concat();
        let packet = [&[packet[0] | 0x20], &packet[1..]].concat();
        RtpHeader::parse_plain(&packet).map(|header| header.payload_range())
    };
    assert_eq!(padded(&[9, 9, 0, 0, 3]), Some(12..14));
    assert_eq!(padded(&[0, 0, 3]), Some(12..12));
    assert_eq!(padded(&[0, 0, 4]), None);
    assert_eq!(padded(&[9, 255]), None);
    assert_eq!(padded(&[9, 0]), None);
    assert_eq!(padded(&[]), None);
}

#[test]
fn control_packets_are_told_by_their_type() {
    assert!(is_rtcp(&[0x80, 200]));
    assert!(is_rtcp(&[0x80, 206]));
    assert!(!is_rtcp(&[0x80, 0x80 | 96]));
    assert!(!is_rtcp(&[0x80, 111]));
    assert!(!is_rtcp(&[0x80]));
}

proptest! {
    #[test]
    fn no_bytes_panic_and_what_is_found_lies_in_the_packet(mut bytes in prop::collection::vec(any::<u8>(), 0..100), as_rtp: bool) {
        if let (true, Some(first)) = (as_rtp, bytes.first_mut()) {
            *first = *first & 0x3f | 0x80;
        }
        if let Some(header) = RtpHeader::parse(&bytes) {
            prop_assert_eq!(header.payload_range().end, bytes.len());
            prop_assert!(header.extension.is_none_or(|block| block.end == header.header_len));
        }
        if let Some(header) = RtpHeader::parse_plain(&bytes) {
            prop_assert!(bytes.get(header.payload_range()).is_some());
        }
    }
}
