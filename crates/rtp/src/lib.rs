//! The bytes of RTP: headers and their extensions, SRTP, RTCP, and what forwarding must understand of payloads.
//!
//! Everything here reads packets of strangers: parsers give `None` or a typed error where bytes are missing or
//! impossible, never panic and never look further into a payload than the codec leaves unencrypted under end-to-end
//! encryption. Opening, sealing and reading work in place and allocate nothing. It does not reorder or depacketise, and
//! holds no state but what SRTP needs: which packet indices were used.
//!
//! ```
//! use tertulia_model::Codec;
//! // A VP8 payload: descriptor with the start bit, then a payload header with P = 0.
//! assert!(tertulia_rtp::starts_keyframe(Codec::Vp8, &[0x10, 0x00, 0x00, 0x00]));
//! assert!(!tertulia_rtp::starts_keyframe(Codec::Vp8, &[0x10, 0x01, 0x00, 0x00]));
//! ```

#![cfg_attr(test, allow(clippy::disallowed_methods))] // Tests begin their virtual time at some instant.

mod av1;
mod dependency;
mod descriptor;
mod extension;
mod h264;
mod h265;
mod header;
mod red;
mod rewrite;
mod rtcp;
mod srtp;
mod template;
mod vp8;
mod vp9;

pub use av1::Av1Aggregation;
pub use dependency::{
    DecodeTargets, Dependency, DependencyReader, DependencyStructure, DescriptorRewrite, FrameDescription,
    Indications, Layer, MAX_CHAINS, MAX_REFERENCES, References, Template, write_descriptor,
};
pub use descriptor::{Descriptor, DescriptorError, DescriptorReader, PayloadDescriptor};
pub use extension::{AudioLevel, ExtensionIds, Extensions};
pub use header::{RtpHeader, is_rtcp};
pub use red::{RedBlock, RedBlocks, blocks as red_blocks, primary as red_primary, write as red_write};
pub use rewrite::Rewrite;
pub use rtcp::{
    FirEntries, FirEntry, NackSequences, ReportBlock, ReportBlocks, Rtcp, SdesChunk, SdesChunks, SenderInfo,
    Ssrcs, StatusRun, StatusRuns, TransportFeedback, TransportStatuses, rtcp_packets, write_bye, write_fir,
    write_nack, write_pli, write_receiver_report, write_remb, write_sdes_cname, write_sender_report,
    write_transport_feedback,
};
pub use srtp::{
    Admitted, Opened, ReceiveWindow, SendWindow, SrtpError, SrtpProfile, SrtpReceiver, SrtpSender,
};
pub use template::{HeaderFields, HeaderTemplate, TrainHeader};
pub use vp8::{Vp8Descriptor, Vp8Rewrite};
pub use vp9::{Vp9Descriptor, Vp9Rewrite, Vp9Structure};

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
