/// Whether an RTP payload (RFC 6184) carries the first part of an IDR picture or the parameter sets before it.
pub(crate) fn starts_keyframe(payload: &[u8]) -> bool {
    const IDR: u8 = 5;
    const SPS: u8 = 7;
    const STAP_A: u8 = 24;
    const FU_A: u8 = 28;
    let begins = |nal_type: u8| nal_type == IDR || nal_type == SPS;
    let Some(first) = payload.first() else {
        return false;
    };
    match first & 0x1f {
        STAP_A => {
            let mut rest = &payload[1..];
            while let [high, low, nal, ..] = rest {
                if begins(nal & 0x1f) {
                    return true;
                }
                let size = usize::from(u16::from_be_bytes([*high, *low]));
                rest = rest.get(2 + size..).unwrap_or_default();
            }
            false
        }
        FU_A => payload
            .get(1)
            .is_some_and(|header| header & 0x80 != 0 && begins(header & 0x1f)),
        nal_type => begins(nal_type),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_idr_and_parameter_sets_in_every_packing() {
        assert!(starts_keyframe(&[0x65, 0x88]));
        assert!(starts_keyframe(&[0x67, 0x42]));
        assert!(!starts_keyframe(&[0x41, 0x9a]));
        assert!(starts_keyframe(&[0x78, 0, 2, 0x06, 0x01, 0, 2, 0x67, 0x42]));
        assert!(!starts_keyframe(&[0x78, 0, 2, 0x06, 0x01]));
        assert!(starts_keyframe(&[0x7c, 0x85, 0x88]));
        assert!(!starts_keyframe(&[0x7c, 0x05, 0x88]));
    }

    #[test]
    fn survives_sizes_beyond_the_packet() {
        assert!(!starts_keyframe(&[0x78, 0xff, 0xff, 0x06]));
        assert!(!starts_keyframe(&[]));
    }
}
