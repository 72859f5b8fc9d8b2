#[cfg(test)]
mod tests;

/// The payload descriptor of a VP8 packet (RFC 7741 §4.2), and whether the packet begins a keyframe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Vp8Descriptor {
    /// Bytes of the descriptor.
    pub length: usize,
    /// Picture id, 7 or 15 bits wide.
    pub picture_id: Option<u16>,
    /// Whether the picture id is 15 bits wide.
    pub long_picture_id: bool,
    /// Temporal level zero index.
    pub tl0_pic_idx: Option<u8>,
    /// Temporal layer, 0 to 3.
    pub temporal_id: Option<u8>,
    /// Whether the frame may be switched up to (the Y bit).
    pub layer_sync: bool,
    /// Key index, 5 bits.
    pub key_idx: Option<u8>,
    /// Whether no other frame depends on the frame (the N bit).
    pub discardable: bool,
    /// Whether this packet begins a frame.
    pub starts_frame: bool,
    /// Whether this packet begins a keyframe.
    pub starts_keyframe: bool,
}

/// What a munger puts in place of the descriptor's fields; widths stay as they are in the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Vp8Rewrite {
    /// New picture id.
    pub picture_id: Option<u16>,
    /// New temporal level zero index.
    pub tl0_pic_idx: Option<u8>,
    /// New key index.
    pub key_idx: Option<u8>,
}

impl Vp8Descriptor {
    /// Reads the descriptor at the head of `payload`; `None` where it is cut short.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let first = *payload.first()?;
        let (extended, start, partition) = (first & 0x80 != 0, first & 0x10 != 0, first & 0x07);
        let mut at = 1;
        let mut descriptor = Self {
            length: 0,
            picture_id: None,
            long_picture_id: false,
            tl0_pic_idx: None,
            temporal_id: None,
            layer_sync: false,
            key_idx: None,
            discardable: first & 0x20 != 0,
            starts_frame: start && partition == 0,
            starts_keyframe: false,
        };
        if extended {
            let flags = *payload.get(at)?;
            at += 1;
            if flags & 0x80 != 0 {
                let high = *payload.get(at)?;
                at += 1;
                descriptor.long_picture_id = high & 0x80 != 0;
                let mut id = u16::from(high & 0x7f);
                if descriptor.long_picture_id {
                    id = id << 8 | u16::from(*payload.get(at)?);
                    at += 1;
                }
                descriptor.picture_id = Some(id);
            }
            if flags & 0x40 != 0 {
                descriptor.tl0_pic_idx = Some(*payload.get(at)?);
                at += 1;
            }
            if flags & 0x30 != 0 {
                let byte = *payload.get(at)?;
                at += 1;
                if flags & 0x20 != 0 {
                    descriptor.temporal_id = Some(byte >> 6);
                    descriptor.layer_sync = byte & 0x20 != 0;
                }
                if flags & 0x10 != 0 {
                    descriptor.key_idx = Some(byte & 0x1f);
                }
            }
        }
        descriptor.length = at;
        // The first bit of the VP8 payload header is P: 0 for a keyframe (RFC 7741 §4.3).
        descriptor.starts_keyframe =
            descriptor.starts_frame && payload.get(at).is_some_and(|header| header & 0x01 == 0);
        Some(descriptor)
    }

    /// Writes `rewrite` over the fields of the descriptor that begins `payload`, keeping widths.
    ///
    /// Gives false, and writes nothing, where `payload` has no such descriptor.
    #[inline]
    pub fn rewrite(payload: &mut [u8], rewrite: Vp8Rewrite) -> bool {
        let (first, flags, fields) = match payload {
            [first, flags, fields @ ..] => (*first, *flags, fields),
            [first] => return *first & 0x80 == 0,
            [] => return false,
        };
        if first & 0x80 == 0 {
            return true;
        }
        let long = fields.first().is_some_and(|high| high & 0x80 != 0);
        let picture_len = match (flags & 0x80 != 0, long) {
            (false, _) => 0,
            (true, false) => 1,
            (true, true) => 2,
        };
        let (has_index, has_last) = (flags & 0x40 != 0, flags & 0x30 != 0);
        let Some(fields) = fields.get_mut(..picture_len + usize::from(has_index) + usize::from(has_last))
        else {
            return false;
        };
        let (picture, rest) = fields.split_at_mut(picture_len);
        if let Some(id) = rewrite.picture_id {
            match picture {
                [high, low] => [*high, *low] = (id | 0x8000).to_be_bytes(),
                [short] => *short = id as u8 & 0x7f,
                _ => {}
            }
        }
        if let (true, Some(index), Some(byte)) = (has_index, rewrite.tl0_pic_idx, rest.first_mut()) {
            *byte = index;
        }
        if let (true, Some(key), Some(byte)) = (flags & 0x10 != 0, rewrite.key_idx, rest.last_mut()) {
            *byte = *byte & 0xe0 | key & 0x1f;
        }
        true
    }
}
