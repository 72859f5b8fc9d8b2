use tertulia_rtp::{Vp8Descriptor, Vp8Rewrite};

use super::numbers::Numbers;

/// How many runs of left out pictures are remembered for packets that arrive late.
const RUNS: usize = 16;

/// Keeps VP8 picture ids, level-zero indices and key indices in one order across sources (RFC 7741 §4.2).
///
/// Receivers take a missing picture id for a lost picture and wait for it, so the ids of pictures that are left out
/// are closed over.
#[derive(Debug, Default)]
pub(super) struct Vp8Munger {
    /// Picture ids of the present source; `None` before the first, which keeps its ids.
    pictures: Option<Numbers<RUNS>>,
    /// Next picture id, extended.
    next_picture: Option<u64>,
    tl0_offset: u8,
    next_tl0: Option<u8>,
    key_offset: u8,
    next_key: Option<u8>,
    last: Option<Last>,
}

/// What was said of the packet before, whose picture mostly has more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Last {
    fields: Fields,
    rewrite: Vp8Rewrite,
}

/// What a rewriting follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fields {
    picture: Option<u64>,
    long_picture_id: bool,
    tl0_pic_idx: Option<u8>,
    key_idx: Option<u8>,
}

impl Vp8Munger {
    /// Changes over to a source whose first packet to be sent has `descriptor` and belongs to the extended picture id
    /// `picture`.
    pub(super) fn switch(&mut self, descriptor: &Vp8Descriptor, picture: Option<u64>) {
        self.last = None;
        if let Some(picture) = picture {
            let next = self.next_picture.unwrap_or(picture);
            match &mut self.pictures {
                Some(pictures) => pictures.restart(picture, next),
                None => self.pictures = Some(Numbers::new(picture, next)),
            }
        }
        if let (Some(index), Some(next)) = (descriptor.tl0_pic_idx, self.next_tl0) {
            self.tl0_offset = index.wrapping_sub(next);
        }
        if let (Some(index), Some(next)) = (descriptor.key_idx, self.next_key) {
            self.key_offset = index.wrapping_sub(next);
        }
    }

    /// Leaves out a picture of the present source.
    pub(super) fn leave_out(&mut self, picture: Option<u64>) {
        if let (Some(picture), Some(pictures)) = (picture, &mut self.pictures) {
            pictures.leave_out(picture);
        }
    }

    /// What to write over a packet's descriptor; `None` for a packet too late to be numbered.
    #[inline]
    pub(super) fn rewrite(&mut self, descriptor: &Vp8Descriptor, picture: Option<u64>) -> Option<Vp8Rewrite> {
        let fields = Fields {
            picture,
            long_picture_id: descriptor.long_picture_id,
            tl0_pic_idx: descriptor.tl0_pic_idx,
            key_idx: descriptor.key_idx,
        };
        if let Some(last) = &self.last
            && last.fields == fields
        {
            return Some(last.rewrite);
        }
        let rewrite = self.rewrite_first(descriptor, picture)?;
        self.last = Some(Last { fields, rewrite });
        Some(rewrite)
    }

    /// Rewrites the first packet of a picture, or one of another than the packet before.
    fn rewrite_first(&mut self, descriptor: &Vp8Descriptor, picture: Option<u64>) -> Option<Vp8Rewrite> {
        let far = |pictures: &Numbers<RUNS>| picture.is_some_and(|picture| pictures.is_far(picture));
        if self.pictures.as_ref().is_some_and(far) {
            self.switch(descriptor, picture);
        }
        let mut newest = true;
        let mut picture_id = None;
        if let (Some(picture), Some(pictures)) = (picture, &mut self.pictures) {
            let outgoing = pictures.place(picture)?;
            newest = self.next_picture.is_none_or(|next| outgoing + 1 >= next);
            if newest {
                self.next_picture = Some(outgoing + 1);
            }
            let width = if descriptor.long_picture_id { 0x7fff } else { 0x7f };
            picture_id = Some(outgoing as u16 & width);
        }
        let tl0_pic_idx = descriptor
            .tl0_pic_idx
            .map(|index| index.wrapping_sub(self.tl0_offset));
        let key_idx = descriptor
            .key_idx
            .map(|index| index.wrapping_sub(self.key_offset) & 0x1f);
        if newest {
            self.next_tl0 = tl0_pic_idx.map(|index| index.wrapping_add(1)).or(self.next_tl0);
            self.next_key = key_idx.map(|index| index.wrapping_add(1)).or(self.next_key);
        }
        Some(Vp8Rewrite {
            picture_id,
            tl0_pic_idx,
            key_idx,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor(picture_id: u16, tl0: u8, key: u8) -> Vp8Descriptor {
        Vp8Descriptor {
            picture_id: Some(picture_id),
            long_picture_id: true,
            tl0_pic_idx: Some(tl0),
            key_idx: Some(key),
            ..Vp8Descriptor::default()
        }
    }

    /// Switches to, or just rewrites, a picture whose id is not extended further.
    fn rewrite(munger: &mut Vp8Munger, switch: bool, fields: (u16, u8, u8)) -> (u16, u8, u8) {
        let descriptor = descriptor(fields.0, fields.1, fields.2);
        let picture = Some(u64::from(fields.0));
        if switch {
            munger.switch(&descriptor, picture);
        }
        let rewrite = munger.rewrite(&descriptor, picture).unwrap();
        (
            rewrite.picture_id.unwrap(),
            rewrite.tl0_pic_idx.unwrap(),
            rewrite.key_idx.unwrap(),
        )
    }

    #[test]
    fn the_first_source_passes_as_it_is() {
        let mut munger = Vp8Munger::default();
        assert_eq!(rewrite(&mut munger, true, (700, 3, 1)), (700, 3, 1));
    }

    #[test]
    fn a_switch_goes_on_by_one_and_wraps() {
        let mut munger = Vp8Munger::default();
        rewrite(&mut munger, true, (0x7fff, 255, 31));
        assert_eq!(rewrite(&mut munger, true, (12, 200, 9)), (0, 0, 0));
        assert_eq!(rewrite(&mut munger, false, (13, 201, 9)), (1, 1, 0));
    }

    #[test]
    fn a_late_packet_does_not_move_the_end() {
        let mut munger = Vp8Munger::default();
        rewrite(&mut munger, true, (9, 0, 1));
        rewrite(&mut munger, false, (11, 1, 1));
        rewrite(&mut munger, false, (10, 0, 1));
        assert_eq!(rewrite(&mut munger, true, (500, 50, 5)), (12, 2, 2));
    }

    #[test]
    fn pictures_that_are_left_out_leave_no_gap() {
        let mut munger = Vp8Munger::default();
        rewrite(&mut munger, true, (9, 0, 1));
        munger.leave_out(Some(10));
        munger.leave_out(Some(10));
        assert_eq!(rewrite(&mut munger, false, (11, 1, 1)).0, 10);
        munger.leave_out(Some(13));
        assert_eq!(rewrite(&mut munger, false, (14, 1, 1)).0, 12, "one was lost");
        assert_eq!(rewrite(&mut munger, false, (12, 1, 1)).0, 11, "and comes late");
    }

    #[test]
    fn an_encoder_that_begins_anew_goes_on_by_one() {
        let mut munger = Vp8Munger::default();
        rewrite(&mut munger, true, (9, 0, 1));
        assert_eq!(rewrite(&mut munger, false, (20_000, 99, 7)), (10, 1, 2));
    }

    #[test]
    fn a_short_id_stays_short() {
        let mut munger = Vp8Munger::default();
        let short = Vp8Descriptor {
            long_picture_id: false,
            ..descriptor(3, 0, 0)
        };
        rewrite(&mut munger, true, (0x1234, 0, 0));
        munger.switch(&short, Some(3));
        assert_eq!(munger.rewrite(&short, Some(3)).unwrap().picture_id, Some(0x35));
    }
}
