use proptest::prelude::*;

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
    for (descriptor, profile) in [
        (&long[..], [0x10, 0x00]),
        (&long[..17], [0x10, 0x00]),
        (&long[..16], [0xbe, 0xde]),
    ] {
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

#[test]
fn a_descriptor_that_fits_no_form_is_left_out() {
    let ids = ids(&[(Extension::Mid, 1), (Extension::DependencyDescriptor, 8)]);
    let template = HeaderTemplate::new(9, Mid::parse("0").as_ref(), &ids, false, false);
    let extensions = Extensions {
        dependency_descriptor: Some(&[1; 256]),
        ..Extensions::default()
    };
    let mut out = Vec::new();
    let (_, read) = check(&mut out, &template, &ids, &FIELDS, &extensions);
    assert_eq!(read.dependency_descriptor, None);
    assert_eq!(read.mid, Some(&b"0"[..]));
}

#[test]
fn what_describes_the_hop_to_us_is_not_sent_on() {
    let ids = ids(&[
        (Extension::Mid, 1),
        (Extension::TransportCc, 2),
        (Extension::AbsSendTime, 3),
        (Extension::RtpStreamId, 4),
        (Extension::RepairedRtpStreamId, 5),
    ]);
    let template = HeaderTemplate::new(9, None, &ids, false, false);
    let extensions = Extensions {
        mid: Some(b"theirs"),
        rid: Some(b"q"),
        repaired_rid: Some(b"q"),
        transport_cc: Some(1),
        abs_send_time: Some(2),
        ..Extensions::default()
    };
    let mut out = Vec::new();
    let (header, _) = check(&mut out, &template, &ids, &FIELDS, &extensions);
    assert_eq!(header.header_len, 12);
}

proptest! {
    #[test]
    fn any_header_is_read_as_written(
        first_id in 1_u8..240,
        send in any::<(bool, bool, bool)>(),
        numbers in any::<(Option<u16>, Option<u32>)>(),
        level in prop::option::of((-127_i8..=0, any::<bool>())),
        orientation in any::<Option<u8>>(),
        long_time in any::<Option<bool>>(),
        playout_delay in prop::option::of((0_u16..4096, 0_u16..4096)),
        descriptor in prop::option::of(prop::collection::vec(any::<u8>(), 3..=255)),
        header in any::<(u8, bool, u16, u32, bool)>(),
    ) {
        let specs = (first_id..).zip(Extension::ALL).map(|(id, extension)| (extension, id));
        let ids = ExtensionIds::new(specs);
        let mid = Mid::parse("section");
        let template = HeaderTemplate::new(9, mid.as_ref().filter(|_| send.0), &ids, send.1, send.2);
        let fields = HeaderFields {
            payload_type: header.0 & 0x7f,
            marker: header.1,
            sequence: header.2,
            timestamp: header.3,
            padding: header.4,
            transport_cc: numbers.0,
            abs_send_time: numbers.1.map(|time| time & 0x00ff_ffff),
        };
        let time = [3; 16];
        let extensions = Extensions {
            audio_level: level.map(|(level, voice)| AudioLevel { level, voice }),
            orientation,
            capture_time: long_time.map(|long| if long { &time[..] } else { &time[..8] }),
            playout_delay,
            dependency_descriptor: descriptor.as_deref(),
            ..Extensions::default()
        };
        let mut out = Vec::new();
        let (read, found) = check(&mut out, &template, &ids, &fields, &extensions);
        prop_assert_eq!(read.ssrc, 9);
        let expected = Extensions {
            mid: send.0.then_some(b"section"),
            transport_cc: fields.transport_cc.filter(|_| send.1),
            abs_send_time: fields.abs_send_time.filter(|_| send.2),
            ..extensions
        };
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn headers_of_a_train_equal_those_written_one_by_one() {
    let some = ids(&[
        (Extension::Mid, 1),
        (Extension::TransportCc, 2),
        (Extension::AbsSendTime, 3),
    ]);
    let long = ids(&[(Extension::Mid, 17), (Extension::TransportCc, 2)]);
    let none = ids(&[]);
    for (ids, transport_cc) in [(&some, true), (&some, false), (&long, true), (&none, true)] {
        for mid in [None, Mid::parse("0"), Mid::parse("a-long-section-1")] {
            let template = HeaderTemplate::new(0xfeed, mid.as_ref(), ids, transport_cc, true);
            let mut train = template.train(96, 0x00ab_cdef);
            for packet in 0..3_u16 {
                let fields = HeaderFields {
                    marker: packet == 1,
                    sequence: 65_534_u16.wrapping_add(packet),
                    timestamp: 0xffff_fff0 + u32::from(packet),
                    transport_cc: Some(packet * 300),
                    ..FIELDS
                };
                let mut expected = Vec::new();
                template.write(&mut expected, &fields, &Extensions::default());
                let mut room = [0x55; 60];
                let length = train.write(
                    &mut room,
                    fields.marker,
                    fields.sequence,
                    fields.timestamp,
                    packet * 300,
                );
                assert_eq!(length.map(|length| &room[..length]), Some(&expected[..]));
                assert_eq!(train.write(&mut [0; 12], false, 0, 0, 0), None, "no room");
            }
        }
    }
}
