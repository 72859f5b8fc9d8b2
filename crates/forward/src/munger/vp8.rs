use tertulia_rtp::{Vp8Descriptor, Vp8Rewrite};

/// Keeps VP8 picture ids, level-zero indices and key indices in one order across sources (RFC 7741 §4.2).
#[derive(Debug, Default)]
pub(crate) struct Vp8Munger {
    picture_offset: u16,
    tl0_offset: u8,
    key_offset: u8,
    last: Option<Last>,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    picture_id: u16,
    tl0_pic_idx: u8,
    key_idx: u8,
}

impl Vp8Munger {
    /// Changes over to a source whose first packet to be sent has `descriptor`.
    pub(crate) fn switch(&mut self, descriptor: &Vp8Descriptor) {
        let Some(last) = self.last else { return };
        let continued =
            |incoming: Option<u16>, last: u16| incoming.map_or(0, |id| id.wrapping_sub(last.wrapping_add(1)));
        self.picture_offset = continued(descriptor.picture_id, last.picture_id) & 0x7fff;
        self.tl0_offset = descriptor
            .tl0_pic_idx
            .map_or(0, |index| index.wrapping_sub(last.tl0_pic_idx.wrapping_add(1)));
        self.key_offset = descriptor
            .key_idx
            .map_or(0, |index| index.wrapping_sub(last.key_idx.wrapping_add(1)));
    }

    /// What to write over a packet's descriptor; `newest` says whether the packet is the newest of its source.
    pub(crate) fn rewrite(&mut self, descriptor: &Vp8Descriptor, newest: bool) -> Vp8Rewrite {
        let width = if descriptor.long_picture_id { 0x7fff } else { 0x7f };
        let rewrite = Vp8Rewrite {
            picture_id: descriptor
                .picture_id
                .map(|id| id.wrapping_sub(self.picture_offset) & width),
            tl0_pic_idx: descriptor
                .tl0_pic_idx
                .map(|index| index.wrapping_sub(self.tl0_offset)),
            key_idx: descriptor
                .key_idx
                .map(|index| index.wrapping_sub(self.key_offset) & 0x1f),
        };
        if newest {
            let before = self.last.unwrap_or(Last {
                picture_id: 0,
                tl0_pic_idx: 0,
                key_idx: 0,
            });
            self.last = Some(Last {
                picture_id: rewrite.picture_id.unwrap_or(before.picture_id),
                tl0_pic_idx: rewrite.tl0_pic_idx.unwrap_or(before.tl0_pic_idx),
                key_idx: rewrite.key_idx.unwrap_or(before.key_idx),
            });
        }
        rewrite
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor(picture_id: u16, tl0: u8, key: u8) -> Vp8Descriptor {
        Vp8Descriptor {
            length: 6,
            picture_id: Some(picture_id),
            long_picture_id: true,
            tl0_pic_idx: Some(tl0),
            temporal_id: Some(0),
            layer_sync: false,
            key_idx: Some(key),
            starts_frame: true,
            starts_keyframe: true,
        }
    }

    #[test]
    fn the_first_source_passes_as_it_is() {
        let mut munger = Vp8Munger::default();
        munger.switch(&descriptor(700, 3, 1));
        let rewrite = munger.rewrite(&descriptor(700, 3, 1), true);
        assert_eq!(
            (rewrite.picture_id, rewrite.tl0_pic_idx, rewrite.key_idx),
            (Some(700), Some(3), Some(1))
        );
    }

    #[test]
    fn a_switch_goes_on_by_one_and_wraps() {
        let mut munger = Vp8Munger::default();
        munger.rewrite(&descriptor(0x7fff, 255, 31), true);
        munger.switch(&descriptor(12, 200, 9));
        let first = munger.rewrite(&descriptor(12, 200, 9), true);
        assert_eq!(
            (first.picture_id, first.tl0_pic_idx, first.key_idx),
            (Some(0), Some(0), Some(0))
        );
        let second = munger.rewrite(&descriptor(13, 201, 9), true);
        assert_eq!(
            (second.picture_id, second.tl0_pic_idx, second.key_idx),
            (Some(1), Some(1), Some(0))
        );
    }

    #[test]
    fn a_late_packet_does_not_move_the_end() {
        let mut munger = Vp8Munger::default();
        munger.rewrite(&descriptor(10, 1, 1), true);
        munger.rewrite(&descriptor(9, 0, 1), false);
        munger.switch(&descriptor(500, 50, 5));
        assert_eq!(munger.rewrite(&descriptor(500, 50, 5), true).picture_id, Some(11));
    }
}
