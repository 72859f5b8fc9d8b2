/// The start of a VP9 payload descriptor (RFC 9628 §4.2): what layer selection needs of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vp9Descriptor {
    /// Picture id, 7 or 15 bits wide.
    pub picture_id: Option<u16>,
    /// Whether the frame is predicted from earlier pictures (the P bit).
    pub inter_predicted: bool,
    /// Whether this packet begins a layer frame (the B bit).
    pub starts_frame: bool,
    /// Whether this packet ends a layer frame (the E bit).
    pub ends_frame: bool,
    /// Temporal layer.
    pub temporal_id: Option<u8>,
    /// Spatial layer.
    pub spatial_id: Option<u8>,
    /// Whether the frame may be switched up to temporally (the U bit).
    pub switching_up: bool,
    /// Whether the frame depends on the next lower spatial layer of the same picture (the D bit).
    pub inter_layer: bool,
}

impl Vp9Descriptor {
    /// Reads the head of `payload`; `None` where it is cut short.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let first = *payload.first()?;
        let (has_id, has_layers) = (first & 0x80 != 0, first & 0x20 != 0);
        let mut at = 1;
        let mut descriptor = Self {
            picture_id: None,
            inter_predicted: first & 0x40 != 0,
            starts_frame: first & 0x08 != 0,
            ends_frame: first & 0x04 != 0,
            temporal_id: None,
            spatial_id: None,
            switching_up: false,
            inter_layer: false,
        };
        if has_id {
            let high = *payload.get(at)?;
            at += 1;
            let mut id = u16::from(high & 0x7f);
            if high & 0x80 != 0 {
                id = id << 8 | u16::from(*payload.get(at)?);
                at += 1;
            }
            descriptor.picture_id = Some(id);
        }
        if has_layers {
            let layers = *payload.get(at)?;
            descriptor.temporal_id = Some(layers >> 5);
            descriptor.switching_up = layers & 0x10 != 0;
            descriptor.spatial_id = Some(layers >> 1 & 0x07);
            descriptor.inter_layer = layers & 0x01 != 0;
        }
        Some(descriptor)
    }

    /// Whether this packet begins a picture decodable without any before it.
    pub fn starts_keyframe(&self) -> bool {
        self.starts_frame && !self.inter_predicted && self.spatial_id.unwrap_or(0) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_spatial_layer_without_prediction_is_a_keyframe() {
        // I, L, B: long id 0x0102, tid 0, U, sid 0.
        let key = Vp9Descriptor::parse(&[0b1010_1000, 0x81, 0x02, 0b0001_0000]).unwrap();
        assert!(key.starts_keyframe());
        assert_eq!(key.picture_id, Some(0x0102));
        // The same picture's second spatial layer is not where decoding can begin.
        let upper = Vp9Descriptor::parse(&[0b1010_1000, 0x81, 0x02, 0b0001_0011]).unwrap();
        assert!(!upper.starts_keyframe());
        let delta = Vp9Descriptor::parse(&[0b1110_1000, 0x81, 0x02, 0b0001_0000]).unwrap();
        assert!(!delta.starts_keyframe());
    }

    #[test]
    fn refuses_what_is_cut_short() {
        for cut in [&[][..], &[0x80], &[0x80, 0x81], &[0xa0, 0x81, 0x02]] {
            assert_eq!(Vp9Descriptor::parse(cut), None, "for {cut:?}");
        }
    }
}
