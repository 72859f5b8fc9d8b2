use super::*;
use crate::{AudioLevel, RtpHeader};

fn ids(pairs: &[(Extension, u8)]) -> ExtensionIds {
    ExtensionIds::new(pairs.iter().copied())
}

const FIELDS: HeaderFields = HeaderFields {
    payload_type: 96,
    marker: true,
    sequence: 0xfffe,
    timestamp: 0x0102_0304,
    padding: false,
    transport_cc: Some(7),
    abs_send_time: Some(0x00ab_cdef),
};

/// Writes behind other bytes and reads what was written.
fn check<'a>(
    out: &'a mut Vec<u8>,
    template: &HeaderTemplate,
    ids: &ExtensionIds,
    fields: &HeaderFields,
    extensions: &Extensions<'_>,
) -> (RtpHeader, Extensions<'a>) {
    out.clear();
    out.extend_from_slice(b"before");
    let length = template.write(out, fields, extensions);
    let packet = &out[6..];
    assert_eq!(packet.len(), length);
    let header = RtpHeader::parse(packet).unwrap();
    assert_eq!(header.header_len, length);
    assert_eq!(header.payload_type, fields.payload_type);
    assert_eq!(header.marker, fields.marker);
    assert_eq!(header.sequence, fields.sequence);
    assert_eq!(header.timestamp, fields.timestamp);
    assert_eq!(header.padding, fields.padding);
    let read = ids.read(&header, packet);
    (header, read)
}

#[test]
fn what_is_written_is_read() {
    let ids = ids(&[
        (Extension::Mid, 1),
        (Extension::TransportCc, 2),
        (Extension::AbsSendTime, 3),
        (Extension::AudioLevel, 4),
        (Extension::VideoOrientation, 5),
        (Extension::AbsCaptureTime, 6),
        (Extension::PlayoutDelay, 7),
        (Extension::DependencyDescriptor, 8),
    ]);
    let template = HeaderTemplate::new(9, Mid::parse("video").as_ref(), &ids, true, true);
    let extensions = Extensions {
        audio_level: Some(AudioLevel {
            level: -42,
            voice: true,
        }),
        orientation: Some(3),
        capture_time: Some(&[1, 2, 3, 4, 5, 6, 7, 8]),
        playout_delay: Some((1, 4095)),
        dependency_descriptor: Some(&[0x80, 0, 1]),
        ..Extensions::default()
    };
    let mut out = Vec::new();
    let (header, read) = check(&mut out, &template, &ids, &FIELDS, &extensions);
    assert_eq!(header.ssrc, 9);
    let expected = Extensions {
        mid: Some(b"video"),
        transport_cc: Some(7),
        abs_send_time: Some(0x00ab_cdef),
        ..extensions
    };
    assert_eq!(read, expected);
}

#[test]
fn a_long_descriptor_takes_the_two_byte_form_and_a_later_packet_does_not() {
    let ids = ids(&[
        (Extension::Mid, 1),
        (Extension::TransportCc, 2),
        (Extension::DependencyDescriptor, 8),
    ]);
    let template = HeaderTemplate::new(9, Mid::parse("0").as_ref(), &ids, true, true);
    let long = [0x5a; 255];
    for (descriptor, profile) in [(&long[..], [0x10, 0x00]), (&long[..16], [0xbe, 0xde])] {
        let extensions = Extensions {
            dependency_descriptor: Some(descriptor),
            ..Extensions::default()
        };
        let mut out = Vec::new();
        let (_, read) = check(&mut out, &template, &ids, &FIELDS, &extensions);
        assert_eq!(read.dependency_descriptor, Some(descriptor));
        assert_eq!((read.mid, read.transport_cc), (Some(&b"0"[..]), Some(7)));
        assert_eq!(out[18..20], profile);
    }
}

#[test]
fn high_ids_take_the_two_byte_form() {
    let ids = ids(&[
        (Extension::Mid, 255),
        (Extension::TransportCc, 15),
        (Extension::AbsSendTime, 16),
    ]);
    let mid = Mid::parse("0123456789abcdef").unwrap();
    let template = HeaderTemplate::new(9, Some(&mid), &ids, true, true);
    let mut out = Vec::new();
    let (_, read) = check(&mut out, &template, &ids, &FIELDS, &Extensions::default());
    assert_eq!(read.mid, Some(mid.as_str().as_bytes()));
    assert_eq!(read.transport_cc, Some(7));
    assert_eq!(read.abs_send_time, Some(0x00ab_cdef));
}

#[test]
fn room_that_is_not_used_becomes_padding() {
    for base in [1, 20] {
        let ids = ids(&[
            (Extension::Mid, base),
            (Extension::TransportCc, base + 1),
            (Extension::AbsSendTime, base + 2),
        ]);
        let template = HeaderTemplate::new(9, Mid::parse("0").as_ref(), &ids, true, true);
        let fields = HeaderFields {
            transport_cc: None,
            abs_send_time: None,
            ..FIELDS
        };
        let mut out = Vec::new();
        let (_, read) = check(&mut out, &template, &ids, &fields, &Extensions::default());
        assert_eq!(
            read,
            Extensions {
                mid: Some(b"0"),
                ..Extensions::default()
            }
        );
    }
}

#[test]
fn without_extensions_there_is_no_block() {
    let none = ids(&[]);
    let template = HeaderTemplate::new(9, Mid::parse("0").as_ref(), &none, true, true);
    let extensions = Extensions {
        orientation: Some(1),
        dependency_descriptor: Some(&[1; 40]),
        ..Extensions::default()
    };
    let mut out = Vec::new();
    let (header, _) = check(&mut out, &template, &none, &FIELDS, &extensions);
    assert_eq!(header.header_len, 12);
}
