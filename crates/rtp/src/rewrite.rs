use crate::{DescriptorRewrite, Vp8Descriptor, Vp8Rewrite, Vp9Descriptor, Vp9Rewrite};

/// Most bytes of a header extension (RFC 8285 §4.3).
const MAX_EXTENSION: usize = 255;

/// What is changed in a stored packet on its way to one subscriber.
///
/// It names new values, not differences: however often it is applied to the packet as it was stored, the bytes are the
/// same, so that a repair equals the packet it repairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rewrite {
    /// Nothing.
    #[default]
    None,
    /// The VP8 payload descriptor.
    Vp8(Vp8Rewrite),
    /// The VP9 payload descriptor.
    Vp9(Vp9Rewrite),
    /// The dependency descriptor.
    Descriptor(DescriptorRewrite),
    /// The VP8 payload descriptor and the dependency descriptor.
    Vp8Described(Vp8Rewrite, DescriptorRewrite),
    /// The VP9 payload descriptor and the dependency descriptor.
    Vp9Described(Vp9Rewrite, DescriptorRewrite),
}

// Kept for each packet that may be asked for again.
const _: () = assert!(size_of::<Rewrite>() <= 24);

impl Rewrite {
    /// Changes a payload in place, keeping its length; one that has no such descriptor stays as it is.
    #[inline]
    pub fn apply(&self, payload: &mut [u8]) {
        match self {
            Self::None | Self::Descriptor(_) => {}
            Self::Vp8(rewrite) | Self::Vp8Described(rewrite, _) => {
                Vp8Descriptor::rewrite(payload, *rewrite);
            }
            Self::Vp9(rewrite) | Self::Vp9Described(rewrite, _) => {
                Vp9Descriptor::rewrite(payload, *rewrite);
            }
        }
    }

    /// So many bytes at the head of a payload are all that [`Rewrite::apply`] looks at and changes.
    #[inline]
    pub fn reach(&self) -> usize {
        match self {
            Self::None | Self::Descriptor(_) => 0,
            // RFC 7741 §4.2: six bytes at most.
            Self::Vp8(_) | Self::Vp8Described(..) => 8,
            // RFC 9628 §4.2: the scalability structure has any length.
            Self::Vp9(_) | Self::Vp9Described(..) => usize::MAX,
        }
    }

    /// The dependency descriptor to send for a packet that came with `raw`; `None` where none is to be sent, because
    /// nothing says how its frame is numbered for this subscriber.
    pub fn descriptor<'b>(&self, raw: &[u8], buffer: &'b mut [u8; 256]) -> Option<&'b [u8]> {
        match self {
            Self::None | Self::Vp8(_) | Self::Vp9(_) => None,
            Self::Descriptor(rewrite) | Self::Vp8Described(_, rewrite) | Self::Vp9Described(_, rewrite) => {
                rewrite.write(raw, buffer.get_mut(..MAX_EXTENSION)?)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn applied_again_to_the_stored_packet_it_gives_the_same() {
        let stored = [0x90, 0xf0, 0x92, 0x34, 7, 0b0110_0101, 0x00, 0xff];
        let descriptor = [0x80, 0x12, 0x34];
        let rewrite = Rewrite::Vp8Described(
            Vp8Rewrite {
                picture_id: Some(9),
                tl0_pic_idx: Some(8),
                key_idx: Some(7),
            },
            DescriptorRewrite {
                frame_number: 0xabcd,
                ..DescriptorRewrite::default()
            },
        );
        let (mut first, mut second) = (stored, stored);
        rewrite.apply(&mut first);
        rewrite.apply(&mut second);
        rewrite.apply(&mut second);
        assert_eq!(first, [0x90, 0xf0, 0x80, 9, 8, 0b0110_0111, 0x00, 0xff]);
        assert_eq!(second, first);
        let mut buffer = [0; 256];
        assert_eq!(
            rewrite.descriptor(&descriptor, &mut buffer),
            Some(&[0x80, 0xab, 0xcd][..])
        );
    }

    proptest! {
        #[test]
        fn the_head_of_a_payload_is_enough(
            head: [u8; 8],
            length in 0_usize..40,
            picture: u16,
            index: Option<u8>,
        ) {
            let vp8 = Rewrite::Vp8(Vp8Rewrite {
                picture_id: Some(picture),
                tl0_pic_idx: index,
                key_idx: index,
            });
            let vp9 = Rewrite::Vp9(Vp9Rewrite {
                picture_id: Some(picture),
                tl0_pic_idx: index,
            });
            for rewrite in [vp8, vp9, Rewrite::None] {
                let mut whole: Vec<u8> = head.into_iter().chain([0xff; 40]).take(length).collect();
                let mut apart = whole.clone();
                rewrite.apply(&mut whole);
                let reach = length.min(rewrite.reach());
                rewrite.apply(&mut apart[..reach]);
                prop_assert_eq!(whole, apart);
            }
        }
    }

    #[test]
    fn what_is_no_descriptor_stays_as_it_is() {
        let mut payload = [0x80];
        Rewrite::Vp9(Vp9Rewrite::default()).apply(&mut payload);
        assert_eq!(payload, [0x80]);
        let mut buffer = [0; 256];
        assert_eq!(Rewrite::None.descriptor(&[0x80, 0, 1], &mut buffer), None);
        let rewrite = Rewrite::Descriptor(DescriptorRewrite::default());
        assert_eq!(rewrite.descriptor(&[0x80, 0], &mut buffer), None);
    }
}
