//! Rewriting, so that a switch between sources looks like one stream.

pub(crate) mod rtp;
pub(crate) mod vp8;
