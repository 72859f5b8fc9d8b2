/// The aggregation header that begins every AV1 payload (RTP Payload Format For AV1 §4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Av1Aggregation {
    /// Whether the first element continues one of the packet before (the Z bit).
    pub continues: bool,
    /// Whether the last element goes on in the next packet (the Y bit).
    pub continued: bool,
    /// Whether a coded video sequence begins here, that is a keyframe (the N bit).
    pub starts_sequence: bool,
}

impl Av1Aggregation {
    /// Reads the header; `None` where there is none, or where it contradicts itself: a sequence that begins with the
    /// rest of something.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let header = *payload.first()?;
        let aggregation = Self {
            continues: header & 0x80 != 0,
            continued: header & 0x40 != 0,
            starts_sequence: header & 0x08 != 0,
        };
        (!(aggregation.continues && aggregation.starts_sequence)).then_some(aggregation)
    }
}

/// Whether an AV1 payload begins a coded video sequence.
pub(crate) fn starts_keyframe(payload: &[u8]) -> bool {
    Av1Aggregation::parse(payload).is_some_and(|aggregation| aggregation.starts_sequence)
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

    #[test]
    fn a_sequence_does_not_begin_in_the_middle_of_something() {
        assert_eq!(Av1Aggregation::parse(&[0x98, 0x0a]), None);
        let middle = Av1Aggregation::parse(&[0xc0, 0x0a]).unwrap();
        assert!(middle.continues && middle.continued);
    }
}
