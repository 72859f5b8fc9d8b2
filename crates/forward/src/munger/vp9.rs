use tertulia_rtp::{Vp9Descriptor, Vp9Rewrite};

use super::numbers::FAR;

/// Keeps VP9 picture ids and level-zero indices in one order across sources (RFC 9628 §4.2).
///
/// References are told as differences of picture ids, or follow from them, so the ids of pictures that are left out
/// stay out.
#[derive(Debug, Default)]
pub(super) struct Vp9Munger {
    picture_offset: u64,
    /// Next picture id, extended.
    next_picture: Option<u64>,
    tl0_offset: u8,
    next_tl0: Option<u8>,
}

impl Vp9Munger {
    /// Changes over to a source whose first packet to be sent has `descriptor` and belongs to the extended picture id
    /// `picture`.
    pub(super) fn switch(&mut self, descriptor: &Vp9Descriptor, picture: Option<u64>) {
        if let (Some(picture), Some(next)) = (picture, self.next_picture) {
            self.picture_offset = picture.wrapping_sub(next);
        }
        if let (Some(index), Some(next)) = (descriptor.tl0_pic_idx, self.next_tl0) {
            self.tl0_offset = index.wrapping_sub(next);
        }
    }

    /// What to write over a packet's descriptor.
    pub(super) fn rewrite(&mut self, descriptor: &Vp9Descriptor, picture: Option<u64>) -> Vp9Rewrite {
        let mut outgoing = picture.map(|picture| picture.wrapping_sub(self.picture_offset));
        if let (Some(number), Some(next)) = (outgoing, self.next_picture)
            && number > next + FAR
        {
            self.switch(descriptor, picture);
            outgoing = Some(next);
        }
        let tl0_pic_idx = descriptor
            .tl0_pic_idx
            .map(|index| index.wrapping_sub(self.tl0_offset));
        let newest =
            outgoing.is_none_or(|outgoing| self.next_picture.is_none_or(|next| outgoing + 1 >= next));
        if newest {
            self.next_picture = outgoing.map(|outgoing| outgoing + 1).or(self.next_picture);
            self.next_tl0 = tl0_pic_idx.map(|index| index.wrapping_add(1)).or(self.next_tl0);
        }
        let width = if descriptor.long_picture_id { 0x7fff } else { 0x7f };
        Vp9Rewrite {
            picture_id: outgoing.map(|outgoing| outgoing as u16 & width),
            tl0_pic_idx,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewrite(munger: &mut Vp9Munger, switch: bool, id: u16, tl0: u8) -> (u16, u8) {
        let mut descriptor = Vp9Descriptor::default();
        descriptor.picture_id = Some(id);
        descriptor.long_picture_id = true;
        descriptor.tl0_pic_idx = Some(tl0);
        let picture = Some(u64::from(id));
        if switch {
            munger.switch(&descriptor, picture);
        }
        let rewrite = munger.rewrite(&descriptor, picture);
        (rewrite.picture_id.unwrap(), rewrite.tl0_pic_idx.unwrap())
    }

    #[test]
    fn the_first_source_passes_as_it_is_and_gaps_stay() {
        let mut munger = Vp9Munger::default();
        assert_eq!(rewrite(&mut munger, true, 700, 3), (700, 3));
        assert_eq!(rewrite(&mut munger, false, 704, 4), (704, 4));
    }

    #[test]
    fn a_switch_goes_on_by_one_and_late_packets_do_not_move_the_end() {
        let mut munger = Vp9Munger::default();
        rewrite(&mut munger, true, 0x7ffe, 254);
        rewrite(&mut munger, false, 0x7fff, 255);
        rewrite(&mut munger, false, 0x7ffe, 254);
        assert_eq!(rewrite(&mut munger, true, 12, 200), (0, 0));
        assert_eq!(rewrite(&mut munger, false, 14, 201), (2, 1));
        assert_eq!(
            rewrite(&mut munger, false, 9_000, 7),
            (3, 2),
            "an encoder that begins anew"
        );
    }
}
