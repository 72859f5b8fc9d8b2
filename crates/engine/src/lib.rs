//! The shell around the pure crates: worker threads with their sockets and clock, demultiplexing, and the handles
//! through which doors reach rooms.
//!
//! A room, its sessions and its routes live on one worker, so nothing on the packet path takes a lock. Of a room that
//! outgrows its worker some participants are hosted on others, between which packets are relayed. Doors hold a
//! [`RoomHandle`], send commands over a bounded queue and receive [`PeerEvent`]s over another; a participant whose
//! queue overflows is expelled rather than waited for. What must outlive the process goes to a [`Keeper`] before anybody
//! hears of it.
//!
//! What it does not do: decide rights (`room`), parse SDP (`sdp`), speak a protocol (the doors).
//!
//! Invariants: the room is never asked per packet; every queue is bounded; a panic in one room's turn ends that room
//! and no other; on a worker that only hosts some of a room's participants it ends their stay.

mod accept;
mod config;
mod demux;
mod handle;
mod handshake;
mod inspect;
mod keeping;
mod limit;
mod message;
mod net;
mod peer;
mod reach;
mod room_slot;
mod spread;
mod stats;
mod turn;
mod worker;

pub use accept::{origin_of, source_of};
pub use config::{AdvertisedAddress, EngineConfig, EngineError, Spread};
pub use handle::{AwayObservation, Engine, Joined, Observation, Observed, RoomHandle, TRACED, Waiting};
pub use inspect::{ConnectionView, PeerView, PublishedView, ReceivedView, RoomView};
pub use keeping::{Beginning, Keep, Keeper, Receipt};
pub use limit::{Limiter, RateLimit};
pub use message::{
    ChannelLabel, ConnectionChange, MediaSetup, Negotiated, NegotiationFailure, PeerEvent, PeerMode, PeerRole,
};
pub use reach::{IceServer, OtherServer, Reach, TurnConfig, WiderRelaying};
pub use stats::EngineStats;
pub use turn::TurnStreams;
