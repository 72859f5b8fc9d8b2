//! The dependency descriptor header extension (RTP Payload Format For AV1, appendix A): which frame a packet belongs
//! to, what the frame refers to and which decode targets need it, without a look at the payload.

mod bits;
mod reader;
mod rewrite;
mod structure;
mod write;

#[cfg(test)]
mod tests;

pub use reader::{DecodeTargets, Dependency, DependencyReader, Layer};
pub use rewrite::DescriptorRewrite;
pub use structure::{DependencyStructure, Indications, References, Template};
pub use write::{FrameDescription, write_descriptor};

/// Most references of one frame that are read; AV1 frames have seven at most.
pub const MAX_REFERENCES: usize = 8;
/// Chains that are told of a frame; further ones of a structure are read over.
pub const MAX_CHAINS: usize = 8;
