//! Who somebody is by the token in the address they came by.

use tertulia_auth::{ApiKeys, AuthError, TrustedGrant};
use tertulia_model::{Identity, RoomName};
use tertulia_room::{Entrance, Origin, Permission, Role};

use crate::config::DoorConfig;

/// What a client showed when its stream began.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Credential {
    pub origin: Origin,
    /// Whether it was decided when the token was given who comes in where as what.
    pub judged: bool,
    /// Whom only the same may come back as: empty for guests, whose secret is the stream's own.
    pub principal: String,
    /// Who it is, where the token decides that.
    pub identity: Option<Identity>,
    /// Display name; empty where the token has none.
    pub name: String,
    /// The room it is for; `None` for any.
    pub room: Option<RoomName>,
    pub role: Option<Role>,
    pub entrance: Entrance,
    pub permission: Permission,
    pub issued_at_ms: u64,
    /// Switches of the application, by Jitsi's names.
    pub features: Vec<(String, bool)>,
}

/// Why somebody may not come in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialError {
    #[error("a token is needed")]
    Missing,
    #[error("{0}")]
    Token(#[from] AuthError),
    #[error("the token grants no right to join")]
    NoRight,
}

impl Credential {
    /// Judges a token, or its absence, at `now_ms`.
    pub(crate) fn judge(
        token: Option<&str>,
        keys: &ApiKeys,
        config: &DoorConfig,
        now_ms: u64,
    ) -> Result<Self, CredentialError> {
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return if config.guests {
                Ok(Self::guest(now_ms))
            } else {
                Err(CredentialError::Missing)
            };
        };
        let mut refusal = match keys.verify(token, now_ms) {
            Ok(grant) => return Self::ours(grant, now_ms),
            Err(error) => error,
        };
        for issuer in &config.issuers {
            match issuer.verify(token, now_ms) {
                Ok(TrustedGrant::LiveKit(grant)) => return Self::ours(*grant, now_ms),
                Ok(TrustedGrant::Jitsi(grant)) => {
                    let user = grant.claims.user;
                    let room = match grant.claims.room {
                        tertulia_auth::RoomScope::Any => None,
                        tertulia_auth::RoomScope::One(room) => Some(room),
                    };
                    return Ok(Self {
                        origin: Origin::Token,
                        judged: false,
                        principal: format!("{}\n{}", grant.issuer, user.id.unwrap_or_default()),
                        identity: None,
                        name: user.name.unwrap_or_default(),
                        room,
                        role: match grant.claims.moderator {
                            Some(true) => Some(Role::Moderator),
                            Some(false) => Some(Role::Participant),
                            None => None,
                        },
                        entrance: Entrance::Usual,
                        permission: Permission::ordinary(),
                        issued_at_ms: grant.issued_at_ms,
                        features: grant.claims.features.into_iter().collect(),
                    });
                }
                Err(AuthError::UnknownIssuer | AuthError::UnknownKey | AuthError::Signature) => {}
                Err(error) => refusal = error,
            }
        }
        Err(refusal.into())
    }

    fn guest(now_ms: u64) -> Self {
        Self {
            origin: Origin::Guest,
            judged: false,
            principal: String::new(),
            identity: None,
            name: String::new(),
            room: None,
            role: None,
            entrance: Entrance::Usual,
            permission: Permission::ordinary(),
            issued_at_ms: now_ms,
            features: Vec::new(),
        }
    }

    fn ours(grant: tertulia_auth::Grant, now_ms: u64) -> Result<Self, CredentialError> {
        let claims = grant.claims;
        let video = &claims.video;
        if !video.room_join || video.room.is_none() {
            return Err(CredentialError::NoRight);
        }
        let who = claims.identity.as_ref().map(Identity::as_str).unwrap_or_default();
        Ok(Self {
            origin: match (claims.own.guest, &claims.own.account) {
                (true, _) => Origin::Guest,
                (false, Some(_)) => Origin::Account,
                (false, None) => Origin::Token,
            },
            judged: true,
            principal: format!("{}\n{who}", grant.key_id),
            permission: Permission {
                can_subscribe: video.can_subscribe(),
                can_publish: video.can_publish(),
                can_publish_data: video.can_publish_data(),
                publish_sources: video.can_publish_sources.clone(),
                // Every presence a Jitsi client sends says its name.
                can_update_own_metadata: video.can_update_own_metadata(),
                hidden: video.hidden,
                recorder: video.recorder,
                agent: video.agent,
                can_subscribe_metrics: video.can_subscribe_metrics(),
                room_admin: video.room_admin,
            },
            identity: claims.identity,
            name: claims.name,
            room: claims.video.room,
            role: claims.own.role,
            entrance: claims.own.entrance,
            issued_at_ms: if grant.issued_at_ms == 0 {
                now_ms
            } else {
                grant.issued_at_ms
            },
            features: claims.own.features.into_iter().collect(),
        })
    }

    /// Whether it is for this room.
    pub(crate) fn covers(&self, room: &RoomName) -> bool {
        self.room.as_ref().is_none_or(|own| own == room)
    }
}
