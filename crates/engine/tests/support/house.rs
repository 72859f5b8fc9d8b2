//! What tests start an engine with and bring into its rooms. The tests of the doors take this file by its path.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tertulia_engine::{AdvertisedAddress, EngineConfig, MediaSetup, PeerMode, Reach, Spread};
use tertulia_model::{Bitrate, ClientFamily, Entrance, Identity, MediaKind, Source, VideoSize};
use tertulia_room::{
    AudioFeatures, NewParticipant, NewTrack, Origin, ParticipantKind, Permission, RoomRules, RoomSettings,
    TrackEncryption,
};

/// One worker on any port of this machine.
pub fn settings() -> EngineConfig {
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    EngineConfig {
        workers: 1,
        bind: loopback,
        udp_port: 0,
        tcp_port: None,
        reach: Reach::default(),
        advertised: vec![AdvertisedAddress {
            public: loopback,
            local: loopback,
            udp_port: None,
            tcp_port: None,
        }],
        room_defaults: RoomSettings {
            max_participants: None,
            ceiling: None,
            empty_timeout: Duration::from_secs(300),
            departure_timeout: Duration::from_secs(20),
            metadata: String::new(),
            chat_history: 1_000,
            chat_text_bytes: 16_000,
            rules: RoomRules::default(),
        },
        initial_bitrate: Bitrate::from_kbps(1_000),
        media_timeout: Duration::from_secs(15),
        connect_timeout: Duration::from_secs(30),
        spread: Spread::default(),
    }
}

/// Somebody whom the operator's application sends, with nothing special about them.
pub fn newcomer(identity: &str) -> NewParticipant {
    NewParticipant {
        identity: Identity::parse(identity).unwrap(),
        name: identity.to_owned(),
        kind: ParticipantKind::Standard,
        metadata: String::new(),
        attributes: Default::default(),
        permission: Permission::ordinary(),
        auto_subscribe: true,
        client_protocol: 0,
        capabilities: Vec::new(),
        credential_issued_at_ms: 0,
        origin: Origin::Token,
        role: None,
        entrance: Entrance::Usual,
        network: None,
    }
}

/// One connection for both ways, in which the client makes offers.
pub fn one_connection() -> MediaSetup {
    MediaSetup {
        mode: PeerMode::Single,
        family: ClientFamily::WebRtc,
        ice_lite: false,
    }
}

/// A microphone.
pub fn sound(cid: &str) -> NewTrack {
    NewTrack {
        cid: cid.to_owned(),
        existing: None,
        kind: MediaKind::Audio,
        source: Source::Microphone,
        name: String::new(),
        muted: false,
        size: VideoSize::default(),
        layers: Vec::new(),
        codecs: Vec::new(),
        red: false,
        stream: String::new(),
        encryption: TrackEncryption::None,
        audio: AudioFeatures::default(),
        backup_codec_policy: 0,
        packet_trailer_features: Vec::new(),
    }
}
