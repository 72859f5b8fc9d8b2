//! The bytes of RTP that forwarding must understand: payload descriptors, keyframe starts and redundancy.
//!
//! Everything here reads packets of strangers: parsers give `None` where bytes are missing or impossible, never
//! panic and never look further into a payload than the codec leaves unencrypted under end-to-end encryption.
//! It does not decrypt, reorder or depacketise.
//!
//! ```
//! use tertulia_model::Codec;
//! // A VP8 payload: descriptor with the start bit, then a payload header with P = 0.
//! assert!(tertulia_rtp::starts_keyframe(Codec::Vp8, &[0x10, 0x00, 0x00, 0x00]));
//! assert!(!tertulia_rtp::starts_keyframe(Codec::Vp8, &[0x10, 0x01, 0x00, 0x00]));
//! ```

#![cfg_attr(test, allow(clippy::disallowed_methods))] // Tests begin their virtual time at some instant.

mod av1;
mod h264;
mod h265;
mod red;
mod vp8;
mod vp9;

pub use red::{RedBlock, primary as red_primary};
pub use vp8::{Vp8Descriptor, Vp8Rewrite};
pub use vp9::Vp9Descriptor;

use tertulia_model::Codec;

/// Tells whether a packet begins a picture that can be decoded without any before it.
///
/// `payload` is the RTP payload without padding. Audio packets always can.
pub fn starts_keyframe(codec: Codec, payload: &[u8]) -> bool {
    match codec {
        Codec::Vp8 => Vp8Descriptor::parse(payload).is_some_and(|d| d.starts_keyframe),
        Codec::Vp9 => Vp9Descriptor::parse(payload).is_some_and(|d| d.starts_keyframe()),
        Codec::H264 => h264::starts_keyframe(payload),
        Codec::H265 => h265::starts_keyframe(payload),
        Codec::Av1 => av1::starts_keyframe(payload),
        Codec::Opus | Codec::Red | Codec::Pcmu | Codec::Pcma => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_payload_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            for codec in [Codec::Vp8, Codec::Vp9, Codec::H264, Codec::H265, Codec::Av1, Codec::Opus] {
                let _ = starts_keyframe(codec, &bytes);
            }
            let _ = red_primary(&bytes);
        }
    }
}
