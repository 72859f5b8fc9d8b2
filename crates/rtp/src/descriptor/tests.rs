use super::*;
use crate::{FrameDescription, Indications, References, Template, write_descriptor};
use proptest::prelude::*;

const CODECS: [Codec; 9] = [
    Codec::Opus,
    Codec::Red,
    Codec::Pcmu,
    Codec::Pcma,
    Codec::Vp8,
    Codec::Vp9,
    Codec::H264,
    Codec::H265,
    Codec::Av1,
];

fn read(codec: Codec, payload: &[u8]) -> Result<Descriptor, DescriptorError> {
    DescriptorReader::default().read(codec, payload, None)
}

/// Two temporal layers, the upper one discardable.
fn structure() -> DependencyStructure {
    let mut references = References::default();
    references.push(1);
    let both = Indications {
        present: 3,
        switch: 3,
        discardable: 0,
    };
    let upper = Indications {
        present: 2,
        switch: 0,
        discardable: 2,
    };
    DependencyStructure {
        targets: 2,
        templates: vec![
            Template {
                indications: both,
                ..Template::default()
            },
            Template {
                temporal: 1,
                indications: upper,
                references,
                ..Template::default()
            },
        ],
        ..DependencyStructure::default()
    }
}

fn described(template: u8, number: u16) -> Vec<u8> {
    let frame = FrameDescription {
        starts_frame: true,
        template,
        frame_number: number,
        attach: template == 0,
        ..FrameDescription::default()
    };
    let mut buffer = [0; 64];
    write_descriptor(&frame, &structure(), &mut buffer)
        .unwrap()
        .to_vec()
}

#[test]
fn the_payload_tells_its_layers() {
    let vp8 = read(Codec::Vp8, &[0xb0, 0xe0, 0x85, 0x01, 9, 0b1010_0000, 0x01]).unwrap();
    assert_eq!(
        (vp8.layer.temporal, vp8.switching_up, vp8.discardable),
        (2, true, true)
    );
    assert!(vp8.starts_frame && !vp8.starts_keyframe);
    let vp9 = read(Codec::Vp9, &[0b1110_1101, 0x05, 0b0011_0011, 7, 0xff]).unwrap();
    assert_eq!(
        vp9.layer,
        Layer {
            spatial: 1,
            temporal: 1
        }
    );
    assert!(vp9.switching_up && vp9.starts_frame && vp9.ends_frame && !vp9.starts_keyframe);
}

#[test]
fn where_the_payload_is_silent_the_dependency_descriptor_tells() {
    for (codec, payload) in [(Codec::Av1, [0x10, 0x32]), (Codec::H264, [0x41, 0x9a])] {
        let mut reader = DescriptorReader::default();
        let key = reader.read(codec, &payload, Some(&described(0, 5))).unwrap();
        assert!(key.starts_keyframe && key.switching_up && !key.discardable);
        let upper = reader.read(codec, &payload, Some(&described(1, 6))).unwrap();
        assert_eq!(upper.layer.temporal, 1);
        assert!(upper.discardable && !upper.starts_keyframe);
        assert_eq!(upper.dependency.unwrap().frame, key.dependency.unwrap().frame + 1);
        assert!(reader.structure().is_some());
        let plain = read(codec, &payload).unwrap();
        assert_eq!((plain.layer, plain.dependency), (Layer::default(), None));
    }
}

#[test]
fn a_broken_dependency_descriptor_costs_only_codecs_that_need_it() {
    let broken = Some(&[0x80, 0, 1][..]);
    let mut reader = DescriptorReader::default();
    let vp8 = reader.read(Codec::Vp8, &[0x10, 0x00], broken).unwrap();
    assert!(vp8.starts_keyframe && vp8.dependency.is_none());
    let av1 = reader.read(Codec::Av1, &[0x18, 0x0a], broken);
    assert_eq!(av1, Err(DescriptorError::NoStructure));
}

#[test]
fn what_is_out_of_range_is_refused() {
    let hostile: [(Codec, &[u8]); 9] = [
        (Codec::Vp8, &[0x80]),
        (Codec::Vp8, &[0x80, 0x80, 0x80]),
        (Codec::Vp9, &[0b1010_1010, 0x05, 0b0000_1110, 0, 0b0100_0000]),
        (Codec::Vp9, &[0b1111_1000, 0x05, 0x00, 0x00]),
        (Codec::Vp9, &[0b0001_1000]),
        (Codec::H264, &[0x78, 0xff, 0xff, 0x65]),
        (Codec::H264, &[0x00]),
        (Codec::H264, &[0x7e]),
        (Codec::Av1, &[0x98]),
    ];
    for (codec, payload) in hostile {
        assert_eq!(
            read(codec, payload),
            Err(DescriptorError::Malformed),
            "{codec:?} {payload:x?}"
        );
    }
}

#[test]
fn no_payload_is_no_picture() {
    for codec in CODECS {
        let empty = read(codec, &[]).unwrap();
        assert_eq!(empty.payload, PayloadDescriptor::Empty);
        assert!(!empty.starts_keyframe);
    }
}

/// A VP8 packet with an id of 15 bits; a keyframe where asked.
fn vp8(id: u16, keyframe: bool) -> [u8; 5] {
    [0x90, 0x80, 0x80 | (id >> 8) as u8, id as u8, u8::from(!keyframe)]
}

#[test]
fn pictures_are_counted_on_over_wraps_and_new_beginnings() {
    let mut reader = DescriptorReader::default();
    let mut picture = |id, keyframe| {
        let read = reader.read(Codec::Vp8, &vp8(id, keyframe), None).unwrap();
        read.picture.unwrap()
    };
    let first = picture(0x7ffe, true);
    assert_eq!(picture(0x7fff, false), first + 1);
    assert_eq!(picture(1, false), first + 3);
    assert_eq!(picture(0, false), first + 2, "late");
    assert_eq!(picture(0x7ff0, true), first - 14, "a late keyframe");
    let anew = picture(0x7000, true);
    assert!(
        anew > first + 3 && anew as u16 & 0x7fff == 0x7000,
        "an encoder begins anew"
    );
    assert_eq!(picture(0x7001, false), anew + 1);
}

proptest! {
    #[test]
    fn any_packets_are_survived(
        packets in proptest::collection::vec(
            (0..CODECS.len(), proptest::collection::vec(any::<u8>(), 0..24), proptest::collection::vec(any::<u8>(), 0..24)),
            0..20,
        ),
    ) {
        let mut reader = DescriptorReader::default();
        let _ = reader.read(Codec::Av1, &[0x18], Some(&described(0, 5)));
        for (codec, payload, extension) in packets {
            let extension = (!extension.is_empty()).then_some(&extension[..]);
            let _ = reader.read(CODECS[codec], &payload, extension);
        }
    }

    #[test]
    fn picture_numbers_follow_ids(steps in proptest::collection::vec(-40i64..200, 1..100), long in any::<bool>()) {
        let range: i64 = if long { 1 << 15 } else { 1 << 7 };
        let reach = if long { 200 } else { 60 };
        let mut reader = DescriptorReader::default();
        let (mut newest, mut offset) = (100i64, None);
        for step in std::iter::once(0).chain(steps) {
            let truth = newest + step.clamp(-40, reach);
            newest = newest.max(truth);
            let id = (truth & (range - 1)) as u16;
            let packet = if long { vp8(id, false).to_vec() } else { vec![0x90, 0x80, id as u8, 1] };
            let picture = reader.read(Codec::Vp8, &packet, None).unwrap().picture.unwrap() as i64;
            let offset = *offset.get_or_insert(picture - truth);
            prop_assert_eq!(picture - truth, offset);
        }
    }
}
