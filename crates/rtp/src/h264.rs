const IDR: u8 = 5;
const SPS: u8 = 7;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// What forwarding needs of an H.264 payload (RFC 6184), non-interleaved as browsers send it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct H264Payload {
    /// Whether it carries the first part of an IDR picture or the parameter sets before it.
    pub(crate) starts_keyframe: bool,
    /// Whether no other picture refers to what it carries.
    pub(crate) discardable: bool,
}

impl H264Payload {
    /// Reads a payload; `None` where sizes do not fit or a unit's type is none that may be sent.
    pub(crate) fn parse(payload: &[u8]) -> Option<Self> {
        let (first, rest) = payload.split_first()?;
        let unit = |header: u8, begins: bool| Self {
            starts_keyframe: begins && matches!(header & 0x1f, IDR | SPS),
            discardable: first >> 5 & 0x03 == 0,
        };
        match first & 0x1f {
            STAP_A => {
                let mut starts_keyframe = false;
                let mut rest = rest;
                while !rest.is_empty() {
                    let (size, behind) = rest.split_first_chunk()?;
                    let (nal, behind) = behind.split_at_checked(usize::from(u16::from_be_bytes(*size)))?;
                    let header = *nal.first().filter(|header| is_unit(**header))?;
                    starts_keyframe |= unit(header, true).starts_keyframe;
                    rest = behind;
                }
                Some(Self {
                    starts_keyframe,
                    ..unit(0, false)
                })
            }
            FU_A => {
                let header = *rest.first().filter(|header| is_unit(**header))?;
                // A unit cannot begin and end in the same fragment (RFC 6184 §5.8).
                (header & 0xc0 != 0xc0).then(|| unit(header, header & 0x80 != 0))
            }
            _ => is_unit(*first).then(|| unit(*first, true)),
        }
    }
}

/// Whether the header is that of a single unit, types 1 to 23.
fn is_unit(header: u8) -> bool {
    (1..=23).contains(&(header & 0x1f))
}

/// Whether an RTP payload carries the first part of an IDR picture or the parameter sets before it.
pub(crate) fn starts_keyframe(payload: &[u8]) -> bool {
    H264Payload::parse(payload).is_some_and(|payload| payload.starts_keyframe)
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
    fn refuses_sizes_beyond_the_packet_and_types_that_are_none() {
        let broken: [&[u8]; 9] = [
            &[],
            &[0x78, 0xff, 0xff, 0x06],
            &[0x78, 0, 0],
            &[0x78, 0, 1, 24],
            &[0x78, 0],
            &[0x7c],
            &[0x7c, 0xc5, 0x88],
            &[0x7f, 0x88],
            &[0x60],
        ];
        for payload in broken {
            assert_eq!(H264Payload::parse(payload), None, "{payload:?}");
        }
    }

    #[test]
    fn a_picture_nobody_refers_to_may_be_left_out() {
        assert!(H264Payload::parse(&[0x01, 0x9a]).unwrap().discardable);
        assert!(!H264Payload::parse(&[0x41, 0x9a]).unwrap().discardable);
        assert!(H264Payload::parse(&[0x1c, 0x41, 0x9a]).unwrap().discardable);
    }
}
