use super::*;

/// X and S set; I, L, T and K present; 15-bit id 0x1234, tl0 7, tid 1 with sync, key index 5; keyframe header.
const FULL: [u8; 8] = [0x90, 0xf0, 0x92, 0x34, 7, 0b0110_0101, 0x00, 0xff];

#[test]
fn reads_every_field() {
    let descriptor = Vp8Descriptor::parse(&FULL).unwrap();
    assert_eq!(descriptor.length, 6);
    assert_eq!(descriptor.picture_id, Some(0x1234));
    assert!(descriptor.long_picture_id);
    assert_eq!(descriptor.tl0_pic_idx, Some(7));
    assert_eq!(descriptor.temporal_id, Some(1));
    assert!(descriptor.layer_sync);
    assert_eq!(descriptor.key_idx, Some(5));
    assert!(descriptor.starts_keyframe && !descriptor.discardable);
    assert!(Vp8Descriptor::parse(&[0x30, 0x00]).unwrap().discardable);
}

#[test]
fn rewrites_every_field_and_nothing_else() {
    let mut bytes = FULL;
    let rewrite = Vp8Rewrite {
        picture_id: Some(0x7ffe),
        tl0_pic_idx: Some(200),
        key_idx: Some(31),
    };
    assert!(Vp8Descriptor::rewrite(&mut bytes, rewrite));
    assert_eq!(bytes, [0x90, 0xf0, 0xff, 0xfe, 200, 0b0111_1111, 0x00, 0xff]);
}

#[test]
fn keeps_a_short_picture_id_short() {
    let mut bytes = [0x90, 0x80, 0x05, 0x01];
    let rewrite = Vp8Rewrite {
        picture_id: Some(0x1ff),
        tl0_pic_idx: Some(1),
        key_idx: None,
    };
    assert!(Vp8Descriptor::rewrite(&mut bytes, rewrite));
    assert_eq!(bytes, [0x90, 0x80, 0x7f, 0x01]);
}

#[test]
fn refuses_what_is_cut_short() {
    for cut in 0..FULL.len() - 2 {
        assert_eq!(Vp8Descriptor::parse(&FULL[..cut]), None, "cut at {cut}");
    }
}

#[test]
fn a_continuation_is_no_keyframe() {
    assert!(!Vp8Descriptor::parse(&[0x00, 0x00]).unwrap().starts_keyframe);
    assert!(!Vp8Descriptor::parse(&[0x11, 0x00]).unwrap().starts_keyframe);
}
