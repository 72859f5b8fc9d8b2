//! Who knocks: the token and the parameters of a connection, checked before anything is upgraded.

use axum::http::{HeaderMap, StatusCode, header};
use indexmap::IndexMap;
use tertulia_auth::{ClaimedKind, Grant};
use tertulia_engine::{MediaSetup, PeerMode};
use tertulia_model::{ClientFamily, Identity, RoomName};
use tertulia_room::{NewParticipant, Origin, ParticipantKind, Permission, RoomSettings};

use crate::convert::{Wishes, join_wishes, v0_wishes};
use crate::state::{LiveKitDoor, unix_ms};

/// The first signal protocol whose clients bear an ICE-lite server.
const ICE_LITE_PROTOCOL: i32 = 6;

/// Which of the two signalling paths a client took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Path {
    /// `/rtc`.
    V0,
    /// `/rtc/v1`.
    V1,
}

/// A client that may come in.
pub(crate) struct Entry {
    pub room: RoomName,
    pub identity: Identity,
    pub grant: Grant,
    pub mode: PeerMode,
    pub wishes: Wishes,
}

/// A refusal over HTTP: status and a sentence for developers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EntryError(pub StatusCode, pub String);

impl EntryError {
    fn new(status: StatusCode, text: &str) -> Self {
        Self(status, text.to_owned())
    }
}

/// Reads token and parameters.
pub(crate) fn admit(
    door: &LiveKitDoor,
    path: Path,
    query: &str,
    headers: &HeaderMap,
) -> Result<Entry, EntryError> {
    let grant = verify(door, query, headers)?;
    let video = &grant.claims.video;
    if !video.room_join {
        return Err(EntryError::new(
            StatusCode::UNAUTHORIZED,
            "the token grants no right to join",
        ));
    }
    let Some(room) = video.room.clone() else {
        return Err(EntryError::new(
            StatusCode::BAD_REQUEST,
            "the token names no room",
        ));
    };
    let Some(identity) = grant.claims.identity.clone() else {
        return Err(EntryError::new(
            StatusCode::BAD_REQUEST,
            "the token names no identity",
        ));
    };

    let user_agent = headers
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let join_request = parameter(query, "join_request");
    let (mode, wishes) = match (path, join_request) {
        (Path::V1, None) => {
            return Err(EntryError::new(
                StatusCode::BAD_REQUEST,
                "join_request is required",
            ));
        }
        (_, Some(request)) => (PeerMode::Single, join_wishes(&request, user_agent)),
        (Path::V0, None) => (PeerMode::Dual, v0_wishes(query, user_agent)),
    };
    let wishes = wishes.map_err(|error| EntryError(StatusCode::BAD_REQUEST, error.to_string()))?;
    let changes_itself = wishes.metadata.is_some() || !wishes.attributes.is_empty();
    if changes_itself && !grant.claims.video.can_update_own_metadata() {
        let text = "the token does not allow the participant to change its metadata";
        return Err(EntryError::new(StatusCode::FORBIDDEN, text));
    }

    if door.engine().find_room(&room).is_none() {
        let config = door.config();
        let reserved = config
            .reserved_rooms
            .iter()
            .filter_map(|name| RoomName::parse(name).ok());
        if reserved.into_iter().any(|name| name == room) {
            return Err(EntryError::new(
                StatusCode::FORBIDDEN,
                "the room name is reserved",
            ));
        }
        let opens = grant.claims.own.opens;
        let opens = opens.unwrap_or(config.create_rooms || grant.claims.video.room_create);
        if !opens {
            // SDKs look for these words to tell this from a server without the path.
            return Err(EntryError::new(
                StatusCode::NOT_FOUND,
                "requested room does not exist",
            ));
        }
    }
    Ok(Entry {
        room,
        identity,
        grant,
        mode,
        wishes,
    })
}

/// Verifies the token of a request: the header's, else the query's.
pub(crate) fn verify(door: &LiveKitDoor, query: &str, headers: &HeaderMap) -> Result<Grant, EntryError> {
    let from_query;
    let token = match bearer(headers) {
        Some(token) => token,
        None => {
            from_query = parameter(query, "access_token");
            from_query.as_deref().unwrap_or_default()
        }
    };
    if token.is_empty() {
        return Err(EntryError::new(StatusCode::UNAUTHORIZED, "no token"));
    }
    door.keys()
        .verify(token, unix_ms())
        .map_err(|error| EntryError(StatusCode::UNAUTHORIZED, error.to_string()))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The last value of a query parameter, empty ones not counted.
fn parameter(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .filter(|(key, value)| key == name && !value.is_empty())
        .last()
        .map(|(_, value)| value.into_owned())
}

impl Entry {
    /// What the room is told of the newcomer.
    pub(crate) fn newcomer(&self) -> NewParticipant {
        let claims = &self.grant.claims;
        let mut attributes: IndexMap<String, String> = claims
            .attributes
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        attributes.extend(
            self.wishes
                .attributes
                .iter()
                .map(|(key, value)| (key.clone(), value.clone())),
        );
        NewParticipant {
            identity: self.identity.clone(),
            name: claims.name.clone(),
            kind: kind(claims.kind),
            metadata: self
                .wishes
                .metadata
                .clone()
                .unwrap_or_else(|| claims.metadata.clone()),
            attributes,
            permission: permission(&self.grant),
            auto_subscribe: self.wishes.auto_subscribe,
            client_protocol: self.wishes.client_protocol,
            capabilities: self.wishes.capabilities.clone(),
            credential_issued_at_ms: self.grant.issued_at_ms,
            origin: match (claims.own.guest, &claims.own.account) {
                (true, _) => Origin::Guest,
                (false, Some(_)) => Origin::Account,
                (false, None) => Origin::Token,
            },
            role: claims.own.role,
            entrance: claims.own.entrance,
            network: None,
        }
    }

    /// What the engine is told of the newcomer's media.
    pub(crate) fn media(&self, ice_lite: bool) -> MediaSetup {
        // Firefox nominates before it has heard an answer, which a lite agent cannot follow.
        let bears_lite = self.wishes.family != ClientFamily::Gecko
            && !self.wishes.disable_ice_lite
            && self.wishes.protocol >= ICE_LITE_PROTOCOL;
        MediaSetup {
            mode: self.mode,
            family: self.wishes.family,
            ice_lite: ice_lite && bears_lite,
        }
    }

    /// Settings for the room, where the token brings some and the room is opened by it.
    pub(crate) fn settings(&self, defaults: &RoomSettings) -> Option<RoomSettings> {
        let config = self.grant.claims.room_config.as_ref()?;
        Some(room_settings(
            defaults,
            config.empty_timeout_s,
            config.departure_timeout_s,
            config.max_participants,
            &config.metadata,
        ))
    }
}

/// Settings with the given values in place of the defaults; zero and empty keep the default.
pub(crate) fn room_settings(
    defaults: &RoomSettings,
    empty_timeout_s: u32,
    departure_timeout_s: u32,
    max_participants: u32,
    metadata: &str,
) -> RoomSettings {
    let mut settings = defaults.clone();
    if empty_timeout_s > 0 {
        settings.empty_timeout = std::time::Duration::from_secs(u64::from(empty_timeout_s));
    }
    if departure_timeout_s > 0 {
        settings.departure_timeout = std::time::Duration::from_secs(u64::from(departure_timeout_s));
    }
    if max_participants > 0 {
        settings.max_participants = usize::try_from(max_participants).ok();
    }
    if !metadata.is_empty() {
        metadata.clone_into(&mut settings.metadata);
    }
    settings
}

fn kind(kind: ClaimedKind) -> ParticipantKind {
    match kind {
        ClaimedKind::Standard => ParticipantKind::Standard,
        ClaimedKind::Ingress => ParticipantKind::Ingress,
        ClaimedKind::Egress => ParticipantKind::Egress,
        ClaimedKind::Sip => ParticipantKind::Sip,
        ClaimedKind::Agent => ParticipantKind::Agent,
    }
}

fn permission(grant: &Grant) -> Permission {
    let video = &grant.claims.video;
    Permission {
        can_subscribe: video.can_subscribe(),
        can_publish: video.can_publish(),
        can_publish_data: video.can_publish_data(),
        publish_sources: video.can_publish_sources.clone(),
        can_update_own_metadata: video.can_update_own_metadata(),
        hidden: video.hidden,
        recorder: video.recorder,
        agent: video.agent || grant.claims.kind == ClaimedKind::Agent,
        can_subscribe_metrics: video.can_subscribe_metrics(),
        room_admin: video.room_admin,
    }
}
