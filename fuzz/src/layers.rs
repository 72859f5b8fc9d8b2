//! Targets and seeds for what tells layers of pictures, and for redundant sound.

use std::time::Instant;

use tertulia_model::Codec;
use tertulia_rtp::{
    DependencyReader, DependencyStructure, DescriptorReader, DescriptorRewrite, FrameDescription,
    Indications, References, Template, Vp9Descriptor, Vp9Rewrite, red_blocks, red_write, write_descriptor,
};

/// VP9 descriptors: rewriting changes both numbers and nothing else.
pub fn vp9_rewrite(data: &[u8]) {
    let [a, b, c, payload @ ..] = data else { return };
    let rewrite = Vp9Rewrite {
        picture_id: Some(u16::from_be_bytes([*a, *b]) & 0x7fff),
        tl0_pic_idx: Some(*c),
    };
    let mut rewritten = payload.to_vec();
    let before = Vp9Descriptor::parse(payload);
    assert_eq!(Vp9Descriptor::rewrite(&mut rewritten, rewrite), before.is_some());
    let Some(before) = before else {
        assert_eq!(rewritten, payload);
        return;
    };
    let after = Vp9Descriptor::parse(&rewritten).expect("a rewritten descriptor is still one");
    let mask = if before.long_picture_id { 0x7fff } else { 0x7f };
    let mut expected = before;
    expected.picture_id = before.picture_id.and(rewrite.picture_id.map(|id| id & mask));
    expected.tl0_pic_idx = before.tl0_pic_idx.and(rewrite.tl0_pic_idx);
    assert_eq!(after, expected);
    assert_eq!(rewritten[after.length..], payload[before.length..]);
    assert_eq!(after.structure(&rewritten), before.structure(payload));
}

/// Dependency descriptors of one stream, each behind its length: what is rewritten says the same of its frame.
pub fn dependency_descriptor(data: &[u8]) {
    let mut reader = DependencyReader::default();
    let mut receiver = DependencyReader::default();
    for (descriptor, shift) in pieces(data) {
        let Ok(read) = reader.read(descriptor) else {
            continue;
        };
        assert!(read.targets.count() <= 32);
        let rewrite = DescriptorRewrite {
            frame_number: read.frame as u16,
            structure_bits: read.structure_bits,
            template_shift: shift,
            targets: read.targets.count(),
            active: read.targets.all() & u32::from(shift).wrapping_mul(0x0101_0101),
        };
        let mut buffer = [0; 512];
        let written = rewrite
            .write(descriptor, &mut buffer)
            .expect("the buffer is large enough");
        // Ids moved differently are of no structure the receiver has, unless this packet brings it.
        if !read.carries_structure() {
            continue;
        }
        receiver = DependencyReader::default();
        let seen = receiver.read(written).expect("what was rewritten can be read");
        assert_eq!(
            (seen.layer, seen.indications, seen.references, seen.chains),
            (read.layer, read.indications, read.references, read.chains)
        );
        assert_eq!(seen.active, rewrite.active);
    }
    drop(receiver);
}

/// Packets of one stream of any codec, each behind its length.
pub fn descriptors(data: &[u8]) {
    const CODECS: [Codec; 5] = [Codec::Vp8, Codec::Vp9, Codec::Av1, Codec::H264, Codec::H265];
    let mut reader = DescriptorReader::default();
    let mut extension = None;
    for (piece, kind) in pieces(data) {
        match CODECS.get(usize::from(kind) % (CODECS.len() + 1)) {
            Some(codec) => drop(reader.read(*codec, piece, extension.take())),
            None => extension = Some(piece),
        }
    }
}

/// Redundant sound: what was read can be written and read again.
pub fn redundancy(data: &[u8]) {
    let Some(blocks) = red_blocks(data) else { return };
    let mut blocks: Vec<_> = blocks.collect();
    let primary = blocks.pop().expect("there is a primary block");
    let previous: Vec<_> = blocks
        .iter()
        .map(|block| (block.timestamp_offset, block.payload_type, block.data))
        .filter(|(offset, _, data)| *offset > 0 && !data.is_empty())
        .collect();
    let mut written = Vec::new();
    let told = red_write(&mut written, (primary.payload_type, primary.data), &previous);
    assert_eq!(told, previous.len());
    let again: Vec<_> = red_blocks(&written).expect("what we write can be read").collect();
    assert_eq!(again.len(), previous.len() + 1);
    assert_eq!(again.last().map(|block| block.data), Some(primary.data));
}

/// One subscriber of three encodings and changing wishes.
pub fn subscriber(data: &[u8]) {
    tertulia_forward::fuzzing::subscriber(data, Instant::now());
}

/// Splits data into pieces, each behind a byte of length and one of any meaning.
fn pieces(data: &[u8]) -> impl Iterator<Item = (&[u8], u8)> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let [length, kind, behind @ ..] = rest else {
            return None;
        };
        let (piece, behind) = behind.split_at(usize::from(*length).min(behind.len()));
        rest = behind;
        Some((piece, *kind))
    })
}

/// Three bytes of new fields, then VP9 payloads in both modes.
pub fn vp9_payloads() -> Vec<Vec<u8>> {
    vp9_packets()
        .iter()
        .map(|packet| [&[0x12, 0x34, 0x56], &packet[..]].concat())
        .collect()
}

/// Descriptors of a key frame with its structure and of the frames after it.
pub fn dependency_descriptors() -> Vec<Vec<u8>> {
    let packets = described_packets();
    let stream: Vec<u8> = packets.iter().flat_map(|packet| piece(packet, 5)).collect();
    let mut seeds: Vec<Vec<u8>> = packets.iter().map(|packet| piece(packet, 0)).collect();
    seeds.push(stream);
    seeds
}

/// Packets of each codec, with and without a dependency descriptor.
pub fn described_payloads() -> Vec<Vec<u8>> {
    let vp9: Vec<u8> = vp9_packets().iter().flat_map(|packet| piece(packet, 1)).collect();
    let av1 = described_packets()
        .iter()
        .flat_map(|packet| [piece(packet, 5), piece(&[0x10, 0x32, 0x00], 2)].concat())
        .collect();
    let h264 = [piece(&[0x67, 0x42], 3), piece(&[0x7c, 0x85, 0x88], 3)].concat();
    vec![vp9, av1, h264]
}

/// Redundant sound of one, two and three blocks.
pub fn redundant() -> Vec<Vec<u8>> {
    let mut seeds = vec![vec![111, 1, 2, 3]];
    let previous: [(u32, u8, &[u8]); 2] = [(1_920, 111, &[1, 2]), (960, 111, &[3, 4, 5])];
    for count in 1..=2 {
        let mut out = Vec::new();
        red_write(&mut out, (111, &[9, 9, 9]), &previous[2 - count..]);
        seeds.push(out);
    }
    seeds
}

/// A subscriber that aims at something and gets packets of it.
pub fn subscribers() -> Vec<Vec<u8>> {
    let packet = |codec: u8, encoding: u8, payload: &[u8], descriptor: &[u8]| {
        let head = [
            200,
            codec,
            encoding,
            1,
            payload.len() as u8,
            descriptor.len() as u8,
        ];
        [&head[..], payload, descriptor].concat()
    };
    let vp8 = [
        &[0x90, 0xf0, 0x92, 0x34, 7, 0x21, 0x10][..],
        &[0x90, 0xf0, 0x92, 0x35, 7, 0xa1, 0x11],
        &[0x90, 0xf0, 0x92, 0x36, 7, 0x61, 0x11],
    ];
    let vp8 = (0..3).flat_map(|encoding| vp8.iter().flat_map(move |bytes| packet(0, encoding, bytes, &[])));
    let vp9 = vp9_packets();
    let vp9 = vp9.iter().flat_map(|bytes| packet(1, 0, bytes, &[]));
    let av1 = described_packets();
    let av1 = av1
        .iter()
        .flat_map(|descriptor| packet(2, 0, &[0x10, 0x32], descriptor));
    let wish = |encoding: u8| [64, encoding << 6 | 2 << 3 | 2];
    vec![
        wish(1).into_iter().chain(vp8).collect(),
        wish(0).into_iter().chain(vp9).collect(),
        wish(0).into_iter().chain(av1).collect(),
    ]
}

fn piece(bytes: &[u8], kind: u8) -> Vec<u8> {
    [&[bytes.len() as u8, kind][..], bytes].concat()
}

fn vp9_packets() -> [Vec<u8>; 4] {
    [
        // A key picture with a structure of two layers and a group.
        vec![
            0xaa, 0x81, 0x23, 0x10, 0x09, 0x38, 1, 0x40, 0, 0xb4, 2, 0x80, 1, 0x68, 1, 0x14, 1, 0xff,
        ],
        // Its second layer.
        vec![0xac, 0x81, 0x23, 0x13, 0x09, 0xff],
        // The next picture, and one in flexible mode.
        vec![0xed, 0x81, 0x24, 0x50, 0x09, 0xff],
        vec![0xfc, 0x81, 0x25, 0x30, 0x03, 0x04, 0xff],
    ]
}

fn described_packets() -> Vec<Vec<u8>> {
    let template = |temporal, letters: [u32; 3], difference: Option<u16>, chain| {
        let mut references = References::default();
        difference.map(|difference| references.push(difference));
        Template {
            spatial: 0,
            temporal,
            indications: Indications {
                present: letters[0],
                switch: letters[1],
                discardable: letters[2],
            },
            references,
            chains: vec![chain],
        }
    };
    let structure = DependencyStructure {
        template_offset: 3,
        targets: 2,
        protected_by: vec![0, 0],
        chains: 1,
        templates: vec![
            template(0, [3, 3, 0], None, 0),
            template(0, [3, 3, 0], Some(2), 2),
            template(1, [2, 0, 2], Some(1), 1),
        ],
        resolutions: vec![(639, 359)],
    };
    let frames = [
        (0, true, None),
        (2, false, None),
        (1, false, Some(1)),
        (2, false, Some(3)),
    ];
    (0..)
        .zip(frames)
        .map(|(number, (template, attach, active))| {
            let frame = FrameDescription {
                starts_frame: true,
                ends_frame: true,
                template,
                frame_number: number,
                attach,
                active,
                references: (template == 2).then(References::default),
                chains: (template == 2).then(|| vec![1]),
                ..FrameDescription::default()
            };
            let mut buffer = [0; 64];
            write_descriptor(&frame, &structure, &mut buffer)
                .unwrap_or_default()
                .to_vec()
        })
        .collect()
}
