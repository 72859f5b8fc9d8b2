/// Whether an AV1 payload begins a coded video sequence: the N bit of its aggregation header
/// (RTP Payload Format For AV1 §4.4), which is set on the first packet of a keyframe only.
pub(crate) fn starts_keyframe(payload: &[u8]) -> bool {
    payload.first().is_some_and(|header| header & 0x08 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_new_sequence_bit_decides() {
        assert!(starts_keyframe(&[0x18, 0x0a]));
        assert!(!starts_keyframe(&[0x10, 0x32]));
        assert!(!starts_keyframe(&[]));
    }
}
