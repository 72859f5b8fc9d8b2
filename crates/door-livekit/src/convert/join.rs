use base64::Engine as _;
use indexmap::IndexMap;
use livekit_protocol as pb;
use pb::signal_response::Message;
use tertulia_engine::IceServer;
use tertulia_model::{ClientFamily, ParticipantId};
use tertulia_room::{NewTrack, ParticipantInfo, RoomInfo};

use super::participant::participant_info;
use super::request::{read_description, read_sync_state, some_text, sorted};
use super::room::{enabled_codecs, room_info};
use super::track::new_track;
use crate::signal::{Description, SyncState};
use crate::wire::{Echo, Response, WireError, unwrap_join_request};

/// The signal protocol this server speaks.
pub(crate) const PROTOCOL: i32 = 17;
/// The release whose behaviour clients may expect. A later one switches features on that this server lacks.
const COMPATIBLE_VERSION: &str = "1.13.6";
/// Seconds between a client's pings, and how long it waits for the answer.
const PING_INTERVAL_S: i32 = 5;
const PING_TIMEOUT_S: i32 = 15;
/// The most tracks announced while joining.
const MAX_TRACKS: usize = 64;

/// What a client says of itself and how it wants to take part.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wishes {
    /// Its signal protocol.
    pub protocol: i32,
    pub family: ClientFamily,
    /// Mirrored to peers.
    pub client_protocol: i32,
    /// Mirrored to peers.
    pub capabilities: Vec<i32>,
    pub auto_subscribe: bool,
    pub disable_ice_lite: bool,
    /// Replaces the token's, where the token allows it.
    pub metadata: Option<String>,
    /// Added to the token's, where the token allows it.
    pub attributes: IndexMap<String, String>,
    /// Tracks announced before anything else.
    pub tracks: Vec<(Box<NewTrack>, Echo)>,
    /// Offer for the single connection.
    pub offer: Option<Description>,
    /// Comes back to this stay; the inner `None` is an id that no stay can have.
    pub resumes: Option<Option<ParticipantId>>,
    /// Its beliefs, where they come with the request to resume.
    pub sync: Option<SyncState>,
}

/// Reads the `join_request` parameter of the single-connection path.
pub(crate) fn join_wishes(parameter: &str, user_agent: &str) -> Result<Wishes, WireError> {
    let request = unwrap_join_request(parameter)?;
    if request.add_track_requests.len() > MAX_TRACKS {
        return Err(WireError::Invalid("add_track_requests"));
    }
    let mut tracks = Vec::new();
    for track in request.add_track_requests {
        let read = Box::new(new_track(&track)?);
        tracks.push((read, Echo(pb::request_response::Request::AddTrack(track))));
    }
    let client = request.client_info.unwrap_or_default();
    let settings = request.connection_settings;
    Ok(Wishes {
        protocol: client.protocol,
        family: sdp_family(&client.browser, user_agent),
        client_protocol: client.client_protocol,
        capabilities: client.capabilities.into_iter().take(32).collect(),
        auto_subscribe: settings.as_ref().is_none_or(|settings| settings.auto_subscribe),
        disable_ice_lite: settings.is_some_and(|settings| settings.disable_ice_lite),
        metadata: some_text(&request.metadata),
        attributes: sorted(&request.participant_attributes),
        tracks,
        offer: request
            .publisher_offer
            .map(read_description)
            .transpose()?
            .filter(|offer| !offer.sdp.is_empty()),
        resumes: request
            .reconnect
            .then(|| ParticipantId::parse(&request.participant_sid)),
        sync: request.sync_state.as_ref().map(read_sync_state).transpose()?,
    })
}

/// Reads the parameters of the path with two connections. Unknown ones are ignored, as are values out of range.
pub(crate) fn v0_wishes(query: &str, user_agent: &str) -> Result<Wishes, WireError> {
    let mut wishes = Wishes {
        auto_subscribe: true,
        ..Wishes::default()
    };
    let (mut browser, mut sid, mut reconnect) = (String::new(), String::new(), false);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "protocol" => wishes.protocol = value.parse().unwrap_or(0),
            "client_protocol" => wishes.client_protocol = value.parse().unwrap_or(0),
            "capabilities" => {
                let numbers = value.split(',').filter_map(|number| number.trim().parse().ok());
                wishes.capabilities = numbers.take(32).collect();
            }
            "browser" => browser = value.into_owned(),
            "auto_subscribe" => wishes.auto_subscribe = is_true(&value),
            "disable_ice_lite" => wishes.disable_ice_lite = is_true(&value),
            "reconnect" => reconnect = is_true(&value),
            "sid" => sid = value.into_owned(),
            "attributes" if !value.is_empty() => wishes.attributes = read_attributes(&value)?,
            _ => {}
        }
    }
    wishes.family = sdp_family(&browser, user_agent);
    wishes.resumes = reconnect.then(|| ParticipantId::parse(&sid));
    Ok(wishes)
}

fn is_true(value: &str) -> bool {
    matches!(value, "1" | "true" | "True" | "TRUE")
}

fn read_attributes(value: &str) -> Result<IndexMap<String, String>, WireError> {
    let bytes = base64::engine::general_purpose::URL_SAFE
        .decode(value)
        .or_else(|_| base64::engine::general_purpose::STANDARD.decode(value))
        .map_err(|_| WireError::Base64)?;
    let map: std::collections::BTreeMap<String, String> =
        serde_json::from_slice(&bytes).map_err(|error| WireError::Json(error.to_string()))?;
    Ok(map.into_iter().collect())
}

/// The family of a client's WebRTC implementation, from the name it gives itself or its `User-Agent`.
pub(crate) fn sdp_family(browser: &str, user_agent: &str) -> ClientFamily {
    let named = browser.to_ascii_lowercase();
    if named.contains("firefox") || (named.is_empty() && user_agent.contains("Firefox/")) {
        ClientFamily::Gecko
    } else {
        ClientFamily::WebRtc
    }
}

/// Everything the first message to a participant says.
pub(crate) struct JoinAnswer<'a> {
    pub room: &'a RoomInfo,
    pub participant: &'a ParticipantInfo,
    pub others: &'a [ParticipantInfo],
    pub ice_servers: &'a [IceServer],
    /// The client subscribes on a connection of its own, which it treats as the main one.
    pub subscriber_primary: bool,
    pub node: &'a str,
}

impl JoinAnswer<'_> {
    /// Writes it.
    pub(crate) fn write(&self) -> Response {
        let server = server_info(self.node);
        Response(Message::Join(pb::JoinResponse {
            room: Some(room_info(self.room)),
            participant: Some(participant_info(self.participant)),
            other_participants: self.others.iter().map(participant_info).collect(),
            server_version: server.version.clone(),
            ice_servers: ice_servers(self.ice_servers),
            subscriber_primary: self.subscriber_primary,
            alternative_url: String::new(),
            client_configuration: None,
            server_region: String::new(),
            ping_timeout: PING_TIMEOUT_S,
            ping_interval: PING_INTERVAL_S,
            server_info: Some(server),
            // Names frames a server injects under end-to-end encryption. This server injects none.
            sif_trailer: Vec::new(),
            enabled_publish_codecs: enabled_codecs(),
            fast_publish: self.participant.permission.can_publish,
        }))
    }
}

/// Answers a client that came back to its stay.
pub(crate) fn reconnected(servers: &[IceServer], node: &str, last_message_seq: u32) -> Response {
    Response(Message::Reconnect(pb::ReconnectResponse {
        ice_servers: ice_servers(servers),
        client_configuration: None,
        server_info: Some(server_info(node)),
        last_message_seq,
    }))
}

fn server_info(node: &str) -> pb::ServerInfo {
    pb::ServerInfo {
        edition: pb::server_info::Edition::Standard.into(),
        version: COMPATIBLE_VERSION.to_owned(),
        protocol: PROTOCOL,
        region: String::new(),
        node_id: node.to_owned(),
        debug_info: String::new(),
        agent_protocol: 0,
    }
}

fn ice_servers(servers: &[IceServer]) -> Vec<pb::IceServer> {
    servers
        .iter()
        .map(|server| pb::IceServer {
            urls: server.urls.clone(),
            username: server.username.clone(),
            credential: server.credential.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE;
    use prost::Message as _;

    use super::*;
    use crate::testing::{participant, room};

    fn parameter(request: pb::JoinRequest) -> String {
        let wrapped = pb::WrappedJoinRequest {
            compression: 0,
            join_request: request.encode_to_vec(),
        };
        URL_SAFE.encode(wrapped.encode_to_vec())
    }

    #[test]
    fn a_join_request_is_read_whole() {
        let wishes = join_wishes(
            &parameter(pb::JoinRequest {
                client_info: Some(pb::ClientInfo {
                    protocol: 17,
                    client_protocol: 2,
                    capabilities: vec![1, 2],
                    browser: "Firefox".into(),
                    ..Default::default()
                }),
                connection_settings: Some(pb::ConnectionSettings {
                    auto_subscribe: false,
                    ..Default::default()
                }),
                add_track_requests: vec![pb::AddTrackRequest {
                    cid: "c".into(),
                    ..Default::default()
                }],
                publisher_offer: Some(pb::SessionDescription {
                    sdp: "v=0".into(),
                    id: 1,
                    ..Default::default()
                }),
                ..Default::default()
            }),
            "",
        )
        .unwrap();
        assert_eq!(
            (wishes.protocol, wishes.client_protocol, wishes.family),
            (17, 2, ClientFamily::Gecko)
        );
        assert!(!wishes.auto_subscribe);
        assert_eq!(wishes.tracks.len(), 1);
        assert_eq!(
            wishes.offer,
            Some(Description {
                sdp: "v=0".into(),
                id: 1
            })
        );
        assert_eq!(wishes.resumes, None);
    }

    #[test]
    fn a_request_to_resume_names_a_stay() {
        let resume = |sid: &str| {
            let request = pb::JoinRequest {
                reconnect: true,
                participant_sid: sid.to_owned(),
                ..Default::default()
            };
            join_wishes(&parameter(request), "").unwrap().resumes
        };
        assert_eq!(resume("PA_1"), Some(ParticipantId::parse("PA_1")));
        assert_eq!(resume("bogus"), Some(None));
    }

    #[test]
    fn query_parameters_are_read_and_unknown_ones_ignored() {
        let attributes = URL_SAFE.encode(r#"{"a":"1"}"#);
        let query = format!("protocol=16&auto_subscribe=0&sid=PA_1&reconnect=1&x=y&attributes={attributes}");
        let wishes = v0_wishes(&query, "Mozilla/5.0 Gecko/20100101 Firefox/153.0").unwrap();
        assert_eq!((wishes.protocol, wishes.auto_subscribe), (16, false));
        assert_eq!(wishes.resumes, Some(ParticipantId::parse("PA_1")));
        assert_eq!(wishes.family, ClientFamily::Gecko);
        assert_eq!(wishes.attributes.get("a").map(String::as_str), Some("1"));
        assert!(v0_wishes("attributes=***", "").is_err());
        assert!(v0_wishes("", "").unwrap().auto_subscribe);
    }

    #[test]
    fn the_first_message_names_version_protocol_and_pings() {
        let answer = JoinAnswer {
            room: &room("weekly"),
            participant: &participant("ana", 1),
            others: &[participant("bob", 2)],
            ice_servers: &[],
            subscriber_primary: false,
            node: "N1",
        };
        let Response(Message::Join(join)) = answer.write() else {
            panic!()
        };
        let server = join.server_info.unwrap();
        assert_eq!((server.version.as_str(), server.protocol), ("1.13.6", 17));
        assert_eq!((join.ping_interval, join.ping_timeout), (5, 15));
        assert_eq!(join.other_participants.len(), 1);
        assert!(join.fast_publish && !join.enabled_publish_codecs.is_empty());
    }
}
