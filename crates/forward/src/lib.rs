//! From one published packet to each subscriber's packet: routes, layer selection, rewriting, keyframe requests,
//! speakers and bitrate allocation.
//!
//! It knows packets and keys, not participants, rights or sockets: the engine maps its own sessions to [`SinkId`]s,
//! calls [`Routes::handle_packet`] for each packet received and sends what comes out. Time is a parameter; nothing
//! here allocates per packet once its buffers have grown.
//!
//! Invariants: what a subscriber sees has rising sequence numbers without gaps that we made, one timeline and one
//! picture-id order, whatever layers it came from; a layer is entered only at a keyframe.

#![cfg_attr(test, allow(clippy::disallowed_methods))] // Tests begin their virtual time at some instant.

mod allocator;
mod forwarder;
mod keyframe;
mod munger;
mod published;
mod routes;
mod selector;
mod speaker;

pub use allocator::{Allocator, Claim, Verdict};
pub use forwarder::{RouteSettings, SinkId};
pub use published::{Incoming, SenderClock};
pub use routes::{KeyframeRequest, Outgoing, RouteKey, Routes, TrackKey};
pub use speaker::{Loudness, SpeakerDetector};
