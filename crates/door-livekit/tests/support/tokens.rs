//! Tokens of the server's own key. The tests of the other doors take this file by its path.

use std::time::{SystemTime, UNIX_EPOCH};

use tertulia_auth::{ApiKey, ApiKeys, Claims, Validity, VideoGrant};
use tertulia_model::{Identity, RoomName};

pub const SECRET: &str = "a secret of at least thirty-two bytes";

pub fn keys() -> ApiKeys {
    ApiKeys::new(vec![ApiKey::new("devkey", SECRET).unwrap()]).unwrap()
}

pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

/// What the token of somebody says who may join a room and change their own name.
pub fn claims(identity: &str, room: &str) -> Claims {
    Claims {
        identity: Identity::parse(identity).ok(),
        name: identity.to_uppercase(),
        video: VideoGrant {
            room_join: true,
            room: RoomName::parse(room).ok(),
            can_update_own_metadata: Some(true),
            ..VideoGrant::default()
        },
        ..Claims::default()
    }
}

/// A token that says this, issued then and good for an hour from now.
pub fn signed(claims: &Claims, issued_at_ms: u64) -> String {
    let validity = Validity {
        issued_at_ms,
        expires_at_ms: now_ms() + 3_600_000,
    };
    keys().sign(claims, validity).unwrap()
}
