//! Who somebody is by the token in the address they came by.

use tertulia_auth::{AuthError, JitsiGrant, RoomScope, TrustedGrant};
use tertulia_model::{Identity, RoomName};
use tertulia_people::AccountId;
use tertulia_room::{Entrance, Origin, Permission, Role};
use tertulia_trust::{Bearer, JoinTokens};

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
    /// The account it is of.
    pub account: Option<AccountId>,
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
    pub(crate) async fn judge(
        token: Option<&str>,
        tokens: &JoinTokens,
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
        match tokens.verify(token, now_ms).await? {
            Bearer::Own(grant) | Bearer::Trusted(TrustedGrant::LiveKit(grant)) => Self::ours(*grant, now_ms),
            Bearer::Trusted(TrustedGrant::Jitsi(grant)) => Ok(Self::sent(*grant, now_ms)),
        }
    }

    /// Somebody an application vouches for; who comes in as what is decided at the room.
    fn sent(grant: JitsiGrant, now_ms: u64) -> Self {
        let user = grant.claims.user;
        Self {
            origin: Origin::Token,
            judged: false,
            principal: format!("{}\n{}", grant.issuer, user.id.unwrap_or_default()),
            identity: None,
            name: user.name.unwrap_or_default(),
            account: None,
            room: match grant.claims.room {
                RoomScope::Any => None,
                RoomScope::One(room) => Some(room),
            },
            role: grant.claims.moderator.map(|moderates| {
                if moderates {
                    Role::Moderator
                } else {
                    Role::Participant
                }
            }),
            entrance: Entrance::Usual,
            permission: Permission::ordinary(),
            issued_at_ms: since(grant.issued_at_ms, now_ms),
            features: grant.claims.features.into_iter().collect(),
        }
    }

    /// Somebody who signed in; who comes in as what is decided at the room.
    pub(crate) fn of_account(account: AccountId, identity: Identity, name: String, now_ms: u64) -> Self {
        Self {
            origin: Origin::Account,
            principal: format!("account\n{}", account.as_str()),
            identity: Some(identity),
            name,
            account: Some(account),
            ..Self::guest(now_ms)
        }
    }

    /// Whether nobody knows who it is.
    pub(crate) fn is_guest(&self) -> bool {
        self.origin == Origin::Guest && !self.judged
    }

    fn guest(now_ms: u64) -> Self {
        Self {
            origin: Origin::Guest,
            judged: false,
            principal: String::new(),
            identity: None,
            name: String::new(),
            account: None,
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
            account: None,
            room: claims.video.room,
            role: claims.own.role,
            entrance: claims.own.entrance,
            issued_at_ms: since(grant.issued_at_ms, now_ms),
            features: claims.own.features.into_iter().collect(),
        })
    }

    /// Whether it is for this room.
    pub(crate) fn covers(&self, room: &RoomName) -> bool {
        self.room.as_ref().is_none_or(|own| own == room)
    }
}

/// When a token was issued; one that does not say is taken for new.
fn since(issued_at_ms: u64, now_ms: u64) -> u64 {
    if issued_at_ms == 0 { now_ms } else { issued_at_ms }
}
