use super::*;
use proptest::prelude::*;

/// I, L, F unset, B, V: long id 0x0102, tid 0 with U, sid 0, tl0 9; three layers with sizes and a group of four.
const KEY: [u8; 31] = [
    0b1010_1010,
    0x81,
    0x02,
    0b0001_0000,
    9, // descriptor
    0b0101_1000,
    0x01,
    0x40,
    0x00,
    0xb4,
    0x02,
    0x80,
    0x01,
    0x68,
    0x05,
    0x00,
    0x02,
    0xd0, // three sizes
    4,
    0b0001_0100,
    4,
    0b0101_0100,
    1,
    0b0011_0100,
    2,
    0b0101_1000,
    1,
    2, // group
    0x82,
    0x49,
    0x83, // payload
];

#[test]
fn reads_a_key_picture_with_its_structure() {
    let descriptor = Vp9Descriptor::parse(&KEY).unwrap();
    assert!(descriptor.starts_keyframe());
    assert_eq!(descriptor.length, 28);
    assert_eq!(descriptor.picture_id, Some(0x0102));
    assert!(descriptor.long_picture_id && descriptor.switching_up && !descriptor.flexible);
    assert_eq!(descriptor.tl0_pic_idx, Some(9));
    assert_eq!(descriptor.spatial_layers, Some(3));
    let structure = descriptor.structure(&KEY).unwrap();
    assert_eq!(
        structure.sizes(),
        Some(&[(320, 180), (640, 360), (1280, 720)][..])
    );
    assert_eq!(structure.group, 4);
}

#[test]
fn reads_the_references_of_flexible_mode() {
    // I, P, L, F, B, E: short id 5, tid 2, sid 1, D; references 1 and 3.
    let bytes = [0b1111_1100, 0x05, 0b0100_0011, 0x03, 0x06, 0xff];
    let descriptor = Vp9Descriptor::parse(&bytes).unwrap();
    assert_eq!(descriptor.length, 5);
    assert_eq!(descriptor.references().collect::<Vec<_>>(), [1, 3]);
    assert_eq!((descriptor.spatial(), descriptor.temporal()), (1, 2));
    assert!(descriptor.inter_layer && descriptor.ends_frame && !descriptor.long_picture_id);
    assert_eq!(descriptor.tl0_pic_idx, None);
}

#[test]
fn a_first_spatial_layer_without_prediction_is_a_keyframe() {
    let key = Vp9Descriptor::parse(&[0b1010_1000, 0x81, 0x02, 0b0001_0000, 0]).unwrap();
    assert!(key.starts_keyframe());
    let upper = Vp9Descriptor::parse(&[0b1010_1000, 0x81, 0x02, 0b0001_0011, 0]).unwrap();
    assert!(
        !upper.starts_keyframe(),
        "decoding cannot begin at an upper layer"
    );
    let delta = Vp9Descriptor::parse(&[0b1110_1000, 0x81, 0x02, 0b0001_0000, 0]).unwrap();
    assert!(!delta.starts_keyframe());
}

#[test]
fn refuses_what_is_cut_short() {
    for cut in 0..28 {
        assert_eq!(Vp9Descriptor::parse(&KEY[..cut]), None, "cut at {cut}");
    }
}

#[test]
fn refuses_the_impossible() {
    let itself = [0b1111_1000, 0x05, 0x00, 0x00];
    assert_eq!(
        Vp9Descriptor::parse(&itself),
        None,
        "a picture that refers to itself"
    );
    let many = [0b1111_1000, 0x05, 0x00, 0x03, 0x05, 0x07, 0x09];
    assert_eq!(Vp9Descriptor::parse(&many), None, "a fourth reference");
    let nameless = [0b0111_1000, 0x00, 0x02];
    assert_eq!(
        Vp9Descriptor::parse(&nameless),
        None,
        "a reference without a picture id"
    );
    let beyond = [0b1010_1010, 0x05, 0b0000_0110, 0, 0b0100_0000];
    assert_eq!(Vp9Descriptor::parse(&beyond), None, "layer 3 of three");
    let nothing = [0b1000_1010, 0x05, 0b0000_1000, 1, 0b0000_0100, 0];
    assert_eq!(
        Vp9Descriptor::parse(&nothing),
        None,
        "a group picture that refers to itself"
    );
}

#[test]
fn rewrites_both_numbers_and_nothing_else() {
    let mut bytes = KEY;
    let rewrite = Vp9Rewrite {
        picture_id: Some(0x7ffe),
        tl0_pic_idx: Some(200),
    };
    assert!(Vp9Descriptor::rewrite(&mut bytes, rewrite));
    let mut expected = KEY;
    expected[1..3].copy_from_slice(&[0xff, 0xfe]);
    expected[4] = 200;
    assert_eq!(bytes, expected);
}

#[test]
fn keeps_a_short_picture_id_short() {
    let mut bytes = [0b1010_1000, 0x05, 0b0001_0000, 7, 0xff];
    let rewrite = Vp9Rewrite {
        picture_id: Some(0x1ff),
        tl0_pic_idx: Some(1),
    };
    assert!(Vp9Descriptor::rewrite(&mut bytes, rewrite));
    assert_eq!(bytes, [0b1010_1000, 0x7f, 0b0001_0000, 1, 0xff]);
    let mut without = [0b0000_1000, 0x05, 0xff];
    assert!(Vp9Descriptor::rewrite(&mut without, rewrite));
    assert_eq!(without, [0b0000_1000, 0x05, 0xff]);
}

proptest! {
    #[test]
    fn rewriting_keeps_everything_else(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..40),
        id in 0u16..0x8000,
        tl0 in any::<u8>(),
    ) {
        let Some(before) = Vp9Descriptor::parse(&bytes) else { return Ok(()) };
        let original = bytes.clone();
        let rewrite = Vp9Rewrite { picture_id: Some(id), tl0_pic_idx: Some(tl0) };
        prop_assert!(Vp9Descriptor::rewrite(&mut bytes, rewrite));
        let after = Vp9Descriptor::parse(&bytes).unwrap();
        let mask = if before.long_picture_id { 0x7fff } else { 0x7f };
        prop_assert_eq!(after, Vp9Descriptor {
            picture_id: before.picture_id.map(|_| id & mask),
            tl0_pic_idx: before.tl0_pic_idx.map(|_| tl0),
            ..before
        });
        prop_assert_eq!(&bytes[before.length..], &original[before.length..]);
        prop_assert_eq!(after.structure(&bytes), before.structure(&original));
    }
}
