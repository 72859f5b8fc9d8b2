//! A credential becomes a grant, offline: JSON web tokens signed with one of the server's own API keys.
//!
//! The claims are those LiveKit clients and server SDKs write, so that their tokens work here unchanged. This crate
//! says what a token grants; whether the grant suffices for a command is decided by the room. It knows no clock:
//! the time is a parameter.
//!
//! Invariants: HS256 is the only algorithm, and a token's header never chooses a key; a token without an expiry is
//! refused; a verified room name and identity are valid by construction; secrets are never formatted.
//!
//! ```
//! use tertulia_auth::{ApiKey, ApiKeys, Claims, Validity, VideoGrant};
//! use tertulia_model::{Identity, RoomName};
//!
//! let keys = ApiKeys::new(vec![ApiKey::new("devkey", "a secret of at least thirty-two bytes").unwrap()]).unwrap();
//! let claims = Claims {
//!     identity: Identity::parse("ana").ok(),
//!     video: VideoGrant { room_join: true, room: RoomName::parse("Weekly").ok(), ..VideoGrant::default() },
//!     ..Claims::default()
//! };
//! let token = keys.sign(&claims, Validity { issued_at_ms: 0, expires_at_ms: 60_000 }).unwrap();
//! assert_eq!(keys.verify(&token, 1_000).unwrap().claims, claims);
//! ```

mod claims;
mod error;
mod key;
mod token;
mod wire;

pub use claims::{ClaimedKind, Claims, RoomConfig, SipGrant, VideoGrant};
pub use error::{AuthError, KeyError};
pub use key::{ApiKey, ApiKeys};
pub use token::{Grant, MAX_TOKEN_BYTES, Validity};
