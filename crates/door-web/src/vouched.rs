//! People whom an application sends with a join token of its own, as in the address of a Jitsi Meet link (`?jwt=`).

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use axum::Json;
use tertulia_auth::{AuthError, Claims, JitsiGrant, TrustedGrant, Validity};
use tertulia_model::{Identity, RoomName};
use tertulia_trust::Bearer;

use crate::error::ApiError;
use crate::state::{Api, unix_ms};
use crate::stats::up;
use crate::text::display_name;
use crate::wire::{ErrorCode, JoinAnswer};

/// What a join token comes to.
pub enum Shown {
    /// It says who somebody is, as the Jitsi form does; who comes in as what is decided here.
    Person(Box<Vouched>),
    /// It says all their rights, as the LiveKit form does.
    Entry(Json<JoinAnswer>),
}

/// Somebody an application vouches for.
pub struct Vouched {
    pub identity: Identity,
    /// What the application calls them.
    pub name: Option<String>,
    pub moderator: Option<bool>,
    pub features: BTreeMap<String, bool>,
    pub issued_at_ms: u64,
}

/// Reads the join token somebody shows for `room`.
pub async fn shown(api: &Api, token: &str, room: &RoomName) -> Result<Shown, ApiError> {
    let refused = |code, message: &dyn std::fmt::Display| {
        up(&api.inner.counters.tokens_refused);
        ApiError::new(code, message)
    };
    let now = unix_ms();
    let bearer = api.inner.tokens.verify(token, now).await;
    let bearer = bearer.map_err(|error: AuthError| refused(ErrorCode::Unauthorized, &error))?;
    let another = || refused(ErrorCode::Forbidden, &"the token is for another room");
    match bearer {
        Bearer::Trusted(TrustedGrant::Jitsi(grant)) => {
            if !grant.claims.room.covers(room) {
                return Err(another());
            }
            Ok(Shown::Person(Box::new(person(*grant, now)?)))
        }
        Bearer::Own(grant) | Bearer::Trusted(TrustedGrant::LiveKit(grant)) => {
            let video = &grant.claims.video;
            if !video.room_join || video.room.as_ref() != Some(room) {
                return Err(another());
            }
            let validity = Validity {
                issued_at_ms: grant.issued_at_ms,
                expires_at_ms: grant.expires_at_ms,
            };
            entry(api, grant.claims, validity).map(Shown::Entry)
        }
    }
}

fn person(grant: JitsiGrant, now_ms: u64) -> Result<Vouched, ApiError> {
    let user = grant.claims.user;
    let identity = match &user.id {
        // The same person everywhere, and no other application's.
        Some(id) => {
            let hash = digest(&SHA256, format!("{}\n{id}", grant.issuer).as_bytes());
            hash.as_ref()
                .iter()
                .take(16)
                .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
        }
        None => format!("{:032x}", rand::random::<u128>()),
    };
    Ok(Vouched {
        identity: Identity::parse(&format!("sent-{identity}"))
            .map_err(|error| ApiError::new(ErrorCode::Internal, error))?,
        name: user.name.as_deref().and_then(display_name),
        moderator: grant.claims.moderator,
        features: grant.claims.features,
        issued_at_ms: if grant.issued_at_ms == 0 {
            now_ms
        } else {
            grant.issued_at_ms
        },
    })
}

/// A token of ours that says the same.
fn entry(api: &Api, claims: Claims, validity: Validity) -> Result<Json<JoinAnswer>, ApiError> {
    let (Some(identity), Some(room)) = (claims.identity.clone(), claims.video.room.clone()) else {
        return Err(ApiError::new(ErrorCode::Unauthorized, "the token names nobody"));
    };
    let token = api
        .inner
        .keys
        .sign(&claims, validity)
        .map_err(|error| ApiError::new(ErrorCode::Internal, error))?;
    up(&api.inner.counters.tokens_issued);
    Ok(Json(JoinAnswer {
        token,
        room: room.as_str().to_owned(),
        identity: identity.as_str().to_owned(),
        display_name: claims.name,
        expires_at: validity.expires_at_ms,
        title: None,
    }))
}
