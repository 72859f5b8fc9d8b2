use std::collections::BTreeMap;

use tertulia_model::{Entrance, Identity, Role, RoomName, Source};

/// What a token says of its bearer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claims {
    /// Who it is (`sub`); absent in tokens for server APIs.
    pub identity: Option<Identity>,
    /// Display name.
    pub name: String,
    /// Kind of participant.
    pub kind: ClaimedKind,
    /// Further kinds, opaque, mirrored to clients (`kindDetails`).
    pub kind_details: Vec<String>,
    /// Free text the participant starts with.
    pub metadata: String,
    /// Key-value pairs the participant starts with.
    pub attributes: BTreeMap<String, String>,
    /// Base64 of the SHA-256 of the request body this token vouches for; used by webhooks.
    pub sha256: Option<String>,
    /// What the room is created with if this token creates it.
    pub room_config: Option<RoomConfig>,
    /// Name of a stored room configuration; mirrored, not acted upon.
    pub room_preset: String,
    /// Rights in rooms.
    pub video: VideoGrant,
    /// Rights over telephony.
    pub sip: SipGrant,
    /// What this server says in its own tokens, absent elsewhere (`tertulia`).
    pub own: OwnClaims,
}

/// Private claims: how somebody came in, as decided when the token was given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnClaims {
    /// They came without an account.
    pub guest: bool,
    /// The account they are signed in with.
    pub account: Option<String>,
    /// The role they enter with; absent where the rights in `video` say it all.
    pub role: Option<Role>,
    /// Whether they open the room if it is not open; absent where the server's setting decides.
    pub opens: Option<bool>,
    /// How they pass the lobby.
    pub entrance: Entrance,
    /// The room they take part in, where the token is for a breakout of it.
    pub parent: Option<RoomName>,
    /// The invitation they came with; it is not used up a second time when the token is renewed.
    pub invitation: Option<String>,
    /// What an application of the Jitsi form switched on or off for them, by Jitsi's names.
    pub features: BTreeMap<String, bool>,
}

/// The kind of participant a token names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClaimedKind {
    /// A person.
    #[default]
    Standard,
    /// An encoder.
    Ingress,
    /// A recorder.
    Egress,
    /// A telephone.
    Sip,
    /// A program.
    Agent,
}

/// Rights in rooms (`video`). For the `Option<bool>` fields absent means allowed; ask the methods.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VideoGrant {
    /// May create and delete rooms.
    pub room_create: bool,
    /// May list rooms.
    pub room_list: bool,
    /// May record.
    pub room_record: bool,
    /// May administer `room`.
    pub room_admin: bool,
    /// May join `room`.
    pub room_join: bool,
    /// The room `room_join` and `room_admin` speak of.
    pub room: Option<RoomName>,
    /// See [`VideoGrant::can_publish`].
    pub can_publish: Option<bool>,
    /// See [`VideoGrant::can_subscribe`].
    pub can_subscribe: Option<bool>,
    /// See [`VideoGrant::can_publish_data`].
    pub can_publish_data: Option<bool>,
    /// Sources that may be published; empty means all.
    pub can_publish_sources: Vec<Source>,
    /// See [`VideoGrant::can_update_own_metadata`].
    pub can_update_own_metadata: Option<bool>,
    /// May manage ingress.
    pub ingress_admin: bool,
    /// Is not shown to others.
    pub hidden: bool,
    /// Is a recorder.
    pub recorder: bool,
    /// Is an agent.
    pub agent: bool,
    /// See [`VideoGrant::can_subscribe_metrics`].
    pub can_subscribe_metrics: Option<bool>,
    /// May manage agent sessions.
    pub can_manage_agent_session: Option<bool>,
    /// The room participants may be moved or forwarded to.
    pub destination_room: Option<RoomName>,
}

impl VideoGrant {
    /// Whether tracks may be published; absent means yes.
    pub fn can_publish(&self) -> bool {
        self.can_publish.unwrap_or(true)
    }

    /// Whether tracks may be received; absent means yes.
    pub fn can_subscribe(&self) -> bool {
        self.can_subscribe.unwrap_or(true)
    }

    /// Whether data may be sent; absent means the same as publishing.
    pub fn can_publish_data(&self) -> bool {
        self.can_publish_data.unwrap_or_else(|| self.can_publish())
    }

    /// Whether the own name, metadata and attributes may be changed; absent means no, as in LiveKit's server.
    pub fn can_update_own_metadata(&self) -> bool {
        self.can_update_own_metadata.unwrap_or(false)
    }

    /// Whether metrics of others may be received; absent means no.
    pub fn can_subscribe_metrics(&self) -> bool {
        self.can_subscribe_metrics.unwrap_or(false)
    }
}

/// Rights over telephony (`sip`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SipGrant {
    /// May administer trunks and rules.
    pub admin: bool,
    /// May place calls.
    pub call: bool,
}

/// What a room is created with (`roomConfig`). Recording and agent entries are not kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoomConfig {
    /// Name of the configuration.
    pub name: String,
    /// Seconds an empty room that nobody joined stays; zero for the server's default.
    pub empty_timeout_s: u32,
    /// Seconds a room stays after the last participant left; zero for the server's default.
    pub departure_timeout_s: u32,
    /// Greatest number of participants; zero for no limit.
    pub max_participants: u32,
    /// The room's metadata.
    pub metadata: String,
    /// Smallest playout delay in milliseconds.
    pub min_playout_delay_ms: u32,
    /// Greatest playout delay in milliseconds.
    pub max_playout_delay_ms: u32,
    /// Whether a participant's tracks are kept in sync.
    pub sync_streams: bool,
    /// Key-value pairs.
    pub tags: BTreeMap<String, String>,
}
