//! VP8 payload descriptors (RFC 7741), as far as the generator writes and the sink checks them.

/// The descriptor's fields that must be continuous for a decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vp8Descriptor {
    /// Whether the packet begins a frame.
    pub start: bool,
    /// Picture id, 15 bits.
    pub picture_id: u16,
    /// Index of the base temporal layer's frame.
    pub tl0_pic_idx: u8,
    /// Temporal layer.
    pub temporal_id: u8,
}

/// Picture ids count modulo this.
pub const PICTURE_IDS: u16 = 1 << 15;

impl Vp8Descriptor {
    /// Bytes the generator's descriptors take.
    pub const LENGTH: usize = 6;

    /// Writes the descriptor in its longest usual form: picture id of 15 bits, temporal index and key index.
    pub fn write(&self) -> [u8; Self::LENGTH] {
        const EXTENDED: u8 = 0x80;
        const START: u8 = 0x10;
        const PICTURE_ID: u8 = 0x80;
        const TL0: u8 = 0x40;
        const TID: u8 = 0x20;
        const KEY_INDEX: u8 = 0x10;
        let [high, low] = (self.picture_id % PICTURE_IDS).to_be_bytes();
        [
            EXTENDED | if self.start { START } else { 0 },
            PICTURE_ID | TL0 | TID | KEY_INDEX,
            0x80 | high,
            low,
            self.tl0_pic_idx,
            self.temporal_id << 6,
        ]
    }

    /// Reads a descriptor; `None` when it is cut off or carries no picture id.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let mut bytes = payload.iter().copied();
        let first = bytes.next()?;
        let extension = if first & 0x80 != 0 { bytes.next()? } else { 0 };
        if extension & 0x80 == 0 {
            return None;
        }
        let high = bytes.next()?;
        let picture_id = if high & 0x80 != 0 {
            u16::from_be_bytes([high & 0x7F, bytes.next()?])
        } else {
            u16::from(high)
        };
        let tl0_pic_idx = if extension & 0x40 != 0 { bytes.next()? } else { 0 };
        let temporal_id = if extension & 0x30 != 0 {
            bytes.next()? >> 6
        } else {
            0
        };
        Some(Self {
            start: first & 0x1F == 0x10,
            picture_id,
            tl0_pic_idx,
            temporal_id,
        })
    }
}

/// Fills `frame` with what a VP8 frame begins with (RFC 6386 §9.1); the rest stays noise that no one decodes.
pub fn write_frame_header(frame: &mut [u8], key: bool, width: u16, height: u16) {
    let [width_low, width_high] = width.to_le_bytes();
    let [height_low, height_high] = height.to_le_bytes();
    let tag = if key { 0x10 } else { 0x11 };
    let header = [
        tag,
        0,
        0,
        0x9D,
        0x01,
        0x2A,
        width_low,
        width_high,
        height_low,
        height_high,
    ];
    let length = if key { header.len() } else { 3 };
    for (place, byte) in frame.iter_mut().zip(&header[..length]) {
        *place = *byte;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_read_back() {
        for (start, picture_id) in [(true, 0), (false, 127), (true, 128), (false, 0x7FFF)] {
            let descriptor = Vp8Descriptor {
                start,
                picture_id,
                tl0_pic_idx: 255,
                temporal_id: 2,
            };
            assert_eq!(Vp8Descriptor::read(&descriptor.write()), Some(descriptor));
        }
    }

    #[test]
    fn shorter_forms_are_understood_and_cut_ones_refused() {
        let short = [0x90, 0x80, 0x11];
        assert_eq!(Vp8Descriptor::read(&short).map(|d| d.picture_id), Some(0x11));
        let whole = Vp8Descriptor {
            start: true,
            picture_id: 300,
            tl0_pic_idx: 1,
            temporal_id: 0,
        }
        .write();
        for length in 0..whole.len() {
            assert_eq!(Vp8Descriptor::read(&whole[..length]), None);
        }
        assert_eq!(Vp8Descriptor::read(&[0x10, 0, 0]), None);
    }

    #[test]
    fn a_key_frame_is_known_by_its_first_bit() {
        let mut frame = [0xFF; 12];
        write_frame_header(&mut frame, true, 1280, 720);
        assert_eq!(
            frame[..10],
            [0x10, 0, 0, 0x9D, 0x01, 0x2A, 0x00, 0x05, 0xD0, 0x02]
        );
        write_frame_header(&mut frame, false, 1280, 720);
        assert_eq!(frame[0] & 1, 1);
    }
}
