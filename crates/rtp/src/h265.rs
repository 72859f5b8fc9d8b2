/// Whether an RTP payload (RFC 7798) carries the first part of an intra random access picture or its parameter sets.
pub(crate) fn starts_keyframe(payload: &[u8]) -> bool {
    const AGGREGATION: u8 = 48;
    const FRAGMENT: u8 = 49;
    // Types 16 to 21 are IRAP pictures, 32 to 34 the VPS, SPS and PPS.
    let begins = |nal_type: u8| (16..=21).contains(&nal_type) || (32..=34).contains(&nal_type);
    let [first, _, rest @ ..] = payload else {
        return false;
    };
    match first >> 1 & 0x3f {
        AGGREGATION => {
            let mut rest = rest;
            while let [high, low, nal, ..] = rest {
                if begins(nal >> 1 & 0x3f) {
                    return true;
                }
                let size = usize::from(u16::from_be_bytes([*high, *low]));
                rest = rest.get(2 + size..).unwrap_or_default();
            }
            false
        }
        FRAGMENT => rest
            .first()
            .is_some_and(|header| header & 0x80 != 0 && begins(header & 0x3f)),
        nal_type => begins(nal_type),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_irap_pictures_in_every_packing() {
        assert!(starts_keyframe(&[19 << 1, 1, 0]));
        assert!(starts_keyframe(&[32 << 1, 1, 0]));
        assert!(!starts_keyframe(&[1 << 1, 1, 0]));
        assert!(starts_keyframe(&[48 << 1, 1, 0, 2, 33 << 1, 1]));
        assert!(starts_keyframe(&[49 << 1, 1, 0x80 | 20]));
        assert!(!starts_keyframe(&[49 << 1, 1, 20]));
        assert!(!starts_keyframe(&[49 << 1]));
    }
}
