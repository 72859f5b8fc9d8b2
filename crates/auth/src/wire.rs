//! The claims as JSON. The only types of this crate that can be serialised; they never leave it.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tertulia_model::{Entrance, Identity, Role, RoomName, Source};

use crate::jitsi::Switches;
use crate::{AuthError, ClaimedKind, Claims, OwnClaims, RoomConfig, SipGrant, VideoGrant};

/// The payload of a token. Every field is optional, `null` counts as absent, unknown fields are skipped, and a
/// field given twice is an error, so that no two readers can understand one token differently.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Payload {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    #[serde(skip_serializing)]
    pub aud: Option<serde::de::IgnoredAny>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exp: Option<NumericDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<NumericDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iat: Option<NumericDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind_details: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<Pairs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_config: Option<RoomConfigPayload>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_preset: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    video: Option<VideoPayload>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sip: Option<SipPayload>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tertulia: Option<PrivatePayload>,
}

/// The one claim read before the signature is checked, to find the key it must be checked with.
#[derive(Deserialize)]
pub struct IssuerPayload {
    pub iss: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct PrivatePayload {
    #[serde(skip_serializing_if = "Option::is_none")]
    guest: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opens: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entrance: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invitation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    features: Option<Switches>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct SipPayload {
    admin: Option<bool>,
    call: Option<bool>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct VideoPayload {
    #[serde(skip_serializing_if = "Option::is_none")]
    room_create: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_list: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_record: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_admin: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_join: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    can_publish: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    can_subscribe: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    can_publish_data: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    can_publish_sources: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    can_update_own_metadata: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ingress_admin: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hidden: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recorder: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    can_subscribe_metrics: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    can_manage_agent_session: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_room: Option<String>,
}

/// `livekit.RoomConfiguration` in the JSON form of protobuf, where both spellings of a field are legal.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoomConfigPayload {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(alias = "empty_timeout", skip_serializing_if = "Option::is_none")]
    empty_timeout: Option<u32>,
    #[serde(alias = "departure_timeout", skip_serializing_if = "Option::is_none")]
    departure_timeout: Option<u32>,
    #[serde(alias = "max_participants", skip_serializing_if = "Option::is_none")]
    max_participants: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<String>,
    #[serde(alias = "min_playout_delay", skip_serializing_if = "Option::is_none")]
    min_playout_delay: Option<u32>,
    #[serde(alias = "max_playout_delay", skip_serializing_if = "Option::is_none")]
    max_playout_delay: Option<u32>,
    #[serde(alias = "sync_streams", skip_serializing_if = "Option::is_none")]
    sync_streams: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Pairs>,
    #[serde(skip_serializing)]
    egress: Option<serde_json::Value>,
}

/// Seconds since the Unix epoch, not negative, within the next thirty thousand years (RFC 7519 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumericDate(pub u64);

impl NumericDate {
    const MAX: u64 = 1_000_000_000_000;

    pub fn from_ms(ms: u64) -> Self {
        Self(ms / 1_000)
    }

    pub fn as_ms(self) -> u64 {
        self.0.saturating_mul(1_000)
    }
}

impl Serialize for NumericDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        if !(0.0..=Self::MAX as f64).contains(&seconds) {
            return Err(D::Error::custom("date out of range"));
        }
        Ok(Self(seconds as u64))
    }
}

/// Text pairs; a key given twice is an error.
#[derive(Debug, Default, Serialize)]
struct Pairs(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;

        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, String>()? {
                    if pairs.insert(key, value).is_some() {
                        return Err(A::Error::custom("a key is given twice"));
                    }
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(PairsVisitor)
    }
}

impl Payload {
    /// Checks every claim and gives the inner form.
    pub fn into_claims(self) -> Result<Claims, AuthError> {
        Ok(Claims {
            identity: optional(self.sub, |text| Identity::parse(text).ok(), "sub")?,
            name: self.name.unwrap_or_default(),
            kind: kind_from(self.kind.as_deref().unwrap_or_default())?,
            kind_details: self.kind_details.unwrap_or_default(),
            metadata: self.metadata.unwrap_or_default(),
            attributes: self.attributes.unwrap_or_default().0,
            sha256: self.sha256.filter(|text| !text.is_empty()),
            room_config: self.room_config.map(RoomConfigPayload::into_config).transpose()?,
            room_preset: self.room_preset.unwrap_or_default(),
            video: self.video.unwrap_or_default().into_grant()?,
            sip: self.sip.map(SipPayload::into_grant).unwrap_or_default(),
            own: self.tertulia.unwrap_or_default().into_own()?,
        })
    }

    /// Writes claims down, issued by the key `issuer` and valid from `issued` to `expires`.
    pub fn new(claims: &Claims, issuer: &str, issued: NumericDate, expires: NumericDate) -> Self {
        Self {
            iss: Some(issuer.to_owned()),
            aud: None,
            exp: Some(expires),
            nbf: Some(issued),
            iat: Some(issued),
            sub: claims
                .identity
                .as_ref()
                .map(|identity| identity.as_str().to_owned()),
            name: non_empty(&claims.name),
            kind: (claims.kind != ClaimedKind::Standard).then(|| kind_name(claims.kind).to_owned()),
            kind_details: (!claims.kind_details.is_empty()).then(|| claims.kind_details.clone()),
            metadata: non_empty(&claims.metadata),
            attributes: pairs(&claims.attributes),
            sha256: claims.sha256.clone(),
            room_config: claims.room_config.as_ref().map(RoomConfigPayload::from_config),
            room_preset: non_empty(&claims.room_preset),
            video: Some(VideoPayload::from_grant(&claims.video)),
            sip: (claims.sip != SipGrant::default()).then(|| SipPayload::from_grant(claims.sip)),
            tertulia: (claims.own != OwnClaims::default()).then(|| PrivatePayload::from_own(&claims.own)),
        }
    }
}

impl VideoPayload {
    fn into_grant(self) -> Result<VideoGrant, AuthError> {
        let room = |text: &str| RoomName::parse(text).ok();
        let sources = self.can_publish_sources.unwrap_or_default();
        Ok(VideoGrant {
            room_create: self.room_create.unwrap_or_default(),
            room_list: self.room_list.unwrap_or_default(),
            room_record: self.room_record.unwrap_or_default(),
            room_admin: self.room_admin.unwrap_or_default(),
            room_join: self.room_join.unwrap_or_default(),
            room: optional(self.room, room, "video.room")?,
            can_publish: self.can_publish,
            can_subscribe: self.can_subscribe,
            can_publish_data: self.can_publish_data,
            // Dropping a name that is not understood could leave an empty list, which means everything.
            can_publish_sources: sources
                .iter()
                .map(|name| source_from(name).ok_or(AuthError::Claim("video.canPublishSources")))
                .collect::<Result<_, _>>()?,
            can_update_own_metadata: self.can_update_own_metadata,
            ingress_admin: self.ingress_admin.unwrap_or_default(),
            hidden: self.hidden.unwrap_or_default(),
            recorder: self.recorder.unwrap_or_default(),
            agent: self.agent.unwrap_or_default(),
            can_subscribe_metrics: self.can_subscribe_metrics,
            can_manage_agent_session: self.can_manage_agent_session,
            destination_room: optional(self.destination_room, room, "video.destinationRoom")?,
        })
    }

    fn from_grant(grant: &VideoGrant) -> Self {
        let on = |flag: bool| flag.then_some(true);
        let name = |room: &Option<RoomName>| room.as_ref().map(|room| room.as_str().to_owned());
        let sources: Vec<String> = grant
            .can_publish_sources
            .iter()
            .map(|source| source_name(*source).to_owned())
            .collect();
        Self {
            room_create: on(grant.room_create),
            room_list: on(grant.room_list),
            room_record: on(grant.room_record),
            room_admin: on(grant.room_admin),
            room_join: on(grant.room_join),
            room: name(&grant.room),
            can_publish: grant.can_publish,
            can_subscribe: grant.can_subscribe,
            can_publish_data: grant.can_publish_data,
            can_publish_sources: (!sources.is_empty()).then_some(sources),
            can_update_own_metadata: grant.can_update_own_metadata,
            ingress_admin: on(grant.ingress_admin),
            hidden: on(grant.hidden),
            recorder: on(grant.recorder),
            agent: on(grant.agent),
            can_subscribe_metrics: grant.can_subscribe_metrics,
            can_manage_agent_session: grant.can_manage_agent_session,
            destination_room: name(&grant.destination_room),
        }
    }
}

impl RoomConfigPayload {
    fn into_config(self) -> Result<RoomConfig, AuthError> {
        if self.egress.as_ref().is_some_and(carries_credentials) {
            return Err(AuthError::StorageCredentials);
        }
        Ok(RoomConfig {
            name: self.name.unwrap_or_default(),
            empty_timeout_s: self.empty_timeout.unwrap_or_default(),
            departure_timeout_s: self.departure_timeout.unwrap_or_default(),
            max_participants: self.max_participants.unwrap_or_default(),
            metadata: self.metadata.unwrap_or_default(),
            min_playout_delay_ms: self.min_playout_delay.unwrap_or_default(),
            max_playout_delay_ms: self.max_playout_delay.unwrap_or_default(),
            sync_streams: self.sync_streams.unwrap_or_default(),
            tags: self.tags.unwrap_or_default().0,
        })
    }

    fn from_config(config: &RoomConfig) -> Self {
        let number = |value: u32| (value != 0).then_some(value);
        Self {
            name: non_empty(&config.name),
            empty_timeout: number(config.empty_timeout_s),
            departure_timeout: number(config.departure_timeout_s),
            max_participants: number(config.max_participants),
            metadata: non_empty(&config.metadata),
            min_playout_delay: number(config.min_playout_delay_ms),
            max_playout_delay: number(config.max_playout_delay_ms),
            sync_streams: config.sync_streams.then_some(true),
            tags: pairs(&config.tags),
            egress: None,
        }
    }
}

impl PrivatePayload {
    fn into_own(self) -> Result<OwnClaims, AuthError> {
        let role = |text: String| Role::from_name(&text).ok_or(AuthError::Claim("tertulia.role"));
        let entrance = |text: String| Entrance::from_name(&text).ok_or(AuthError::Claim("tertulia.entrance"));
        Ok(OwnClaims {
            guest: self.guest.unwrap_or_default(),
            account: self.account,
            role: self.role.map(role).transpose()?,
            opens: self.opens,
            entrance: self.entrance.map(entrance).transpose()?.unwrap_or_default(),
            parent: self
                .parent
                .map(|text| RoomName::parse(&text).map_err(|_| AuthError::Claim("tertulia.parent")))
                .transpose()?,
            invitation: self.invitation,
            features: self.features.unwrap_or_default().0,
        })
    }

    fn from_own(own: &OwnClaims) -> Self {
        let on = |flag: bool| flag.then_some(true);
        Self {
            guest: on(own.guest),
            account: own.account.clone(),
            role: own.role.map(|role| role.name().to_owned()),
            opens: own.opens,
            entrance: (own.entrance != Entrance::default()).then(|| own.entrance.name().to_owned()),
            parent: own.parent.as_ref().map(|parent| parent.as_str().to_owned()),
            invitation: own.invitation.clone(),
            features: (!own.features.is_empty()).then(|| Switches(own.features.clone())),
        }
    }
}

impl SipPayload {
    fn into_grant(self) -> SipGrant {
        SipGrant {
            admin: self.admin.unwrap_or_default(),
            call: self.call.unwrap_or_default(),
        }
    }

    fn from_grant(grant: SipGrant) -> Self {
        Self {
            admin: Some(grant.admin),
            call: Some(grant.call),
        }
    }
}

/// Whether an egress entry holds a secret or a stream URL anywhere: whoever bears the token can read it.
fn carries_credentials(value: &serde_json::Value) -> bool {
    const SECRETS: [&str; 9] = [
        "secret",
        "credentials",
        "accountKey",
        "account_key",
        "accessKey",
        "access_key",
        "sessionToken",
        "streamOutputs",
        "stream_outputs",
    ];
    let filled = |value: &serde_json::Value| match value {
        serde_json::Value::Null => false,
        serde_json::Value::String(text) => !text.is_empty(),
        serde_json::Value::Array(items) => !items.is_empty(),
        _ => true,
    };
    match value {
        serde_json::Value::Object(fields) => fields.iter().any(|(key, value)| {
            (SECRETS.contains(&key.as_str()) && filled(value)) || carries_credentials(value)
        }),
        serde_json::Value::Array(items) => items.iter().any(carries_credentials),
        _ => false,
    }
}

fn optional<T>(
    text: Option<String>,
    parse: impl Fn(&str) -> Option<T>,
    claim: &'static str,
) -> Result<Option<T>, AuthError> {
    let text = text.unwrap_or_default();
    if text.is_empty() {
        return Ok(None);
    }
    parse(&text).map(Some).ok_or(AuthError::Claim(claim))
}

fn non_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn pairs(map: &BTreeMap<String, String>) -> Option<Pairs> {
    (!map.is_empty()).then(|| Pairs(map.clone()))
}

fn kind_from(text: &str) -> Result<ClaimedKind, AuthError> {
    Ok(match text {
        "" | "standard" => ClaimedKind::Standard,
        "ingress" => ClaimedKind::Ingress,
        "egress" => ClaimedKind::Egress,
        "sip" => ClaimedKind::Sip,
        "agent" => ClaimedKind::Agent,
        _ => return Err(AuthError::Claim("kind")),
    })
}

fn kind_name(kind: ClaimedKind) -> &'static str {
    match kind {
        ClaimedKind::Standard => "standard",
        ClaimedKind::Ingress => "ingress",
        ClaimedKind::Egress => "egress",
        ClaimedKind::Sip => "sip",
        ClaimedKind::Agent => "agent",
    }
}

fn source_from(text: &str) -> Option<Source> {
    const ALL: [Source; 5] = [
        Source::Camera,
        Source::Microphone,
        Source::ScreenShare,
        Source::ScreenShareAudio,
        Source::Unknown,
    ];
    ALL.into_iter()
        .find(|source| source_name(*source).eq_ignore_ascii_case(text))
}

fn source_name(source: Source) -> &'static str {
    match source {
        Source::Camera => "camera",
        Source::Microphone => "microphone",
        Source::ScreenShare => "screen_share",
        Source::ScreenShareAudio => "screen_share_audio",
        Source::Unknown => "unknown",
    }
}
