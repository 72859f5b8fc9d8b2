//! A credential becomes a grant, offline: JSON web tokens signed with one of the server's own API keys, or by an
//! issuer the operator trusts; and identity tokens of OpenID Connect.
//!
//! The claims are those LiveKit clients and server SDKs write, or applications that embed Jitsi, so that their tokens
//! work here unchanged. This crate
//! says what a token grants; whether the grant suffices for a command is decided by the room. It knows no clock:
//! the time is a parameter.
//!
//! Invariants: the key decides the algorithm, and a token's header never brings a key, it chooses at most among those
//! that are here; the server's own keys know HS256 alone; a token without an expiry is refused; a verified room name and identity are valid by construction; secrets are never formatted.
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
mod id_token;
mod jitsi;
mod key;
mod token;
mod trusted;
mod trusted_keys;
mod wire;

pub use claims::{ClaimedKind, Claims, OwnClaims, RoomConfig, SipGrant, VideoGrant};
pub use error::{AuthError, KeyError};
pub use id_token::{IdClaims, IdTokenTerms};
pub use jitsi::{JitsiClaims, JitsiUser, RoomScope};
pub use key::{ApiKey, ApiKeys};
pub use token::{Grant, MAX_TOKEN_BYTES, Validity};
pub use trusted::{JitsiGrant, TrustedGrant, TrustedIssuer};
pub use trusted_keys::{MAX_KEY_SET_BYTES, TrustedKeys};
