//! From one published packet to each subscriber's packet: routes, layer selection, rewriting, keyframe requests,
//! speakers and bitrate allocation.
//!
//! It knows packets and keys, not participants, rights or sockets: the engine maps its own sessions to [`SinkId`]s,
//! hands each packet received to [`Routes::handle_packet`], which keeps it once for all subscribers, and passes what
//! [`Routes::distribute`] names through each subscriber's [`Pacer`]. An [`Outgoing`] packet holds no bytes: it says which
//! stored packet it is and how it is rewritten, as does the map that repairs are made from. Time is a parameter;
//! nothing here allocates per packet once its buffers have grown.
//!
//! Invariants: what a subscriber sees has rising sequence numbers without gaps that we made, one timeline and one
//! picture-id order, whatever layers it came from; a layer is entered only at a keyframe.

#![cfg_attr(test, allow(clippy::disallowed_methods))] // Tests begin their virtual time at some instant.

mod alike;
mod allocator;
mod forwarder;
#[doc(hidden)]
pub mod fuzzing;
mod keyframe;
mod munger;
mod outgoing;
mod pacer;
mod published;
mod relay;
mod repair;
mod ring;
mod routes;
mod selector;
mod speaker;

pub use allocator::{Allocator, Choice, Claim, Verdict};
pub use forwarder::{LayerPoint, RouteSettings, SinkId};
pub use outgoing::Outgoing;
pub use pacer::{Due, Pacer};
pub use published::{Incoming, LayerRates, SenderClock};
pub use relay::{Burst, Destination, EncodingSet, Relay, TrackNumber, TrackRates};
pub use ring::Stored;
pub use routes::{Intake, Kept, KeptPacket, KeyframeRequest, RouteKey, Routes, TrackKey};
pub use speaker::{Loudness, SpeakerDetector};
