//! The nouns every other crate speaks: names, ids, tracks, layers, and the neutral description of a peer.
//!
//! Nothing here is serialisable and nothing here knows a protocol: a door converts at its own edge.
//!
//! Invariants: a value of these types is valid by construction ([`RoomName::parse`] is the only way to a room
//! name), ids compare in constant order, and units are in the type or in the name.
//!
//! ```
//! use tertulia_model::RoomName;
//! let name = RoomName::parse("  Weekly Café ").unwrap();
//! assert_eq!(name.as_str(), "Weekly Café");
//! assert_eq!(name, RoomName::parse("weekly CAFÉ").unwrap());
//! ```

#![cfg_attr(test, allow(clippy::disallowed_methods))] // Tests begin their virtual time at some instant.

mod id;
mod media;
mod peer;
mod pii;
mod role;
mod room_name;
mod timestamp;

pub use id::{Identity, IdentityError, ParticipantId, RoomId, TrackId};
pub use media::{Bitrate, Codec, Layer, MediaKind, Quality, Source, VideoSize};
pub use peer::{
    Candidate, ClientFamily, CodecSpec, DataSpec, Direction, DtlsRole, EncodingSpec, Extension,
    ExtensionSpec, Feedback, Fingerprint, IceCredentials, MediaSpec, Mid, PeerSpec, Rid, TransportProtocol,
};
pub use pii::Pii;
pub use role::{Entrance, Role};
pub use room_name::{RoomName, RoomNameError};
pub use timestamp::Timestamp;
