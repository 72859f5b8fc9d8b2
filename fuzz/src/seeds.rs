//! Inputs that are right or nearly so.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use livekit_protocol as pb;
use prost::Message as _;
use tertulia_rtp::{ReportBlock, SenderInfo};

use crate::targets::sign;

const CLAIMS: [&str; 4] = [
    r#"{"iss":"fuzz","sub":"ana","exp":9,"nbf":0,"video":{"room":"Weekly","roomJoin":true}}"#,
    r#"{"iss":"fuzz","sub":"ana","exp":9.5,"iat":1,"name":"Ana","metadata":"m","attributes":{"a":"b"},"kind":"agent","sha256":"x","video":{"room":"Weekly","roomJoin":true,"canPublish":false,"canSubscribe":true,"canPublishData":true,"canPublishSources":["camera","screen_share_audio"],"canUpdateOwnMetadata":true,"hidden":true,"roomAdmin":true,"destinationRoom":"Other"}}"#,
    r#"{"iss":"fuzz","sub":"admin","exp":9,"video":{"roomCreate":true,"roomList":true,"roomRecord":true,"ingressAdmin":true},"sip":{"admin":true,"call":true}}"#,
    r#"{"iss":"fuzz","sub":"ana","exp":9,"roomConfig":{"name":"Weekly","emptyTimeout":60,"departureTimeout":20,"maxParticipants":5,"metadata":"x"},"video":{"room":"Weekly","roomJoin":true}}"#,
];

/// Room names, plain and awkward.
pub fn room_names() -> Vec<Vec<u8>> {
    [
        "Weekly",
        " a b ",
        "Straße",
        "ﬀ①Å",
        "e\u{301}\u{323}",
        "日本語の会議",
        "a.b",
        "\u{202e}abc",
        "x\u{200b}y",
    ]
    .map(|name| name.as_bytes().to_vec())
    .to_vec()
}

/// Signed tokens.
pub fn tokens() -> Vec<Vec<u8>> {
    CLAIMS.map(|claims| sign(claims.as_bytes()).into_bytes()).to_vec()
}

/// Claims, which the target signs.
pub fn claims() -> Vec<Vec<u8>> {
    CLAIMS.map(|claims| claims.as_bytes().to_vec()).to_vec()
}

/// The first bytes of payloads of each codec.
pub fn rtp_payloads() -> Vec<Vec<u8>> {
    vec![
        // VP8, all fields, keyframe.
        vec![
            0x90, 0xf0, 0x92, 0x34, 0x07, 0x21, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a,
        ],
        // VP9, flexible mode with references and scalability structure.
        vec![
            0x8f, 0x81, 0x23, 0x00, 0x05, 0x18, 0x02, 0x80, 0x01, 0x68, 0x49, 0x83, 0x42, 0x00,
        ],
        // H.264 aggregation packet: parameter sets and a slice.
        vec![
            0x78, 0x00, 0x04, 0x67, 0x42, 0xc0, 0x1f, 0x00, 0x02, 0x68, 0xce, 0x00, 0x02, 0x65, 0x88,
        ],
        // H.264 fragment that starts a key picture.
        vec![0x7c, 0x85, 0x88, 0x84],
        // AV1: new coded video sequence with a sequence header.
        vec![0x28, 0x0a, 0x0b, 0x00, 0x00, 0x00, 0x24, 0xc4, 0xff],
        // Redundant audio: one older block, then the primary.
        vec![0xef, 0x03, 0xc0, 0x02, 0x6f, 9, 9, 1, 2, 3],
    ]
}

/// Four bytes of new fields, then VP8 payloads.
pub fn vp8_payloads() -> Vec<Vec<u8>> {
    let descriptors: [&[u8]; 4] = [
        &[0x10, 0x00],
        &[0x90, 0x80, 0x12, 0x00],
        &[0x90, 0xf0, 0x92, 0x34, 0x07, 0x21, 0x00, 0x9d],
        &[0x80, 0x30, 0xe1, 0x55],
    ];
    descriptors
        .map(|descriptor| [&[0x12, 0x34, 0x56, 0x78], descriptor].concat())
        .to_vec()
}

/// Packets with sources, padding, and extensions in both forms.
pub fn rtp_packets() -> Vec<Vec<u8>> {
    let fixed = |first, rest: &[u8]| [&[first, 96, 0x12, 0x34, 0, 0, 0, 9, 1, 2, 3, 4], rest].concat();
    vec![
        fixed(0x80, b"payload"),
        fixed(0xa2, b"sources.payload\0\0\x03"),
        // Level, send time, transport-wide number, section, orientation.
        fixed(
            0x90,
            &[
                0xbe, 0xde, 0, 4, 0x10, 0xaa, 0x22, 1, 2, 3, 0x41, 5, 6, 0x50, b'0', 0x80, 1, 0, 0, 0, b'p',
            ],
        ),
        // A dependency descriptor and a level whose ids need the two-byte form.
        fixed(
            0x90,
            &[
                0x10, 0x00, 0, 3, 255, 4, 0x80, 0, 1, 2, 246, 1, 0x7f, 0, 0, 0, b'p',
            ],
        ),
    ]
}

/// The same behind a choice of profile, to be protected or not, and compounds.
pub fn srtp_packets() -> Vec<Vec<u8>> {
    let packets = rtp_packets().into_iter().chain(rtcp_packets());
    let choices = [[0, 1], [1, 1], [2, 1], [0, 0], [1, 0], [2, 1], [2, 0]];
    choices
        .into_iter()
        .zip(packets)
        .map(|(choice, packet)| [&choice[..], &packet].concat())
        .collect()
}

/// Compounds with every packet that is read.
pub fn rtcp_packets() -> Vec<Vec<u8>> {
    let info = SenderInfo {
        ssrc: 1,
        ntp: 2,
        rtp_timestamp: 3,
        packets: 4,
        octets: 5,
    };
    let block = ReportBlock {
        ssrc: 1,
        fraction_lost: 2,
        cumulative_lost: -3,
        highest_sequence: 4,
        jitter: 5,
        last_sender_report: 6,
        delay_since_last: 7,
    };
    let mut reports = Vec::new();
    tertulia_rtp::write_sender_report(&mut reports, &info, &[block]);
    tertulia_rtp::write_sdes_cname(&mut reports, 1, "name");
    tertulia_rtp::write_receiver_report(&mut reports, 1, &[block, block]);
    reports.extend_from_slice(&[0x81, 203, 0, 2, 0, 0, 0, 1, 3, b'b', b'y', b'e']);
    let mut feedback = Vec::new();
    tertulia_rtp::write_nack(&mut feedback, 1, 2, &[1, 2, 3, 100]);
    tertulia_rtp::write_pli(&mut feedback, 1, 2);
    tertulia_rtp::write_fir(&mut feedback, 1, 2, 3);
    tertulia_rtp::write_remb(&mut feedback, 1, 2_500_000, &[2]);
    let mut arrivals = vec![Some(4), None, Some(900), Some(700)];
    arrivals.extend((0..40).map(|at| Some(1_000 + at)));
    let mut transport = Vec::new();
    tertulia_rtp::write_transport_feedback(&mut transport, 1, 2, 3, 4, &arrivals);
    vec![reports, feedback, transport]
}

/// Offers as two browsers write them, and a plain one.
pub fn descriptions() -> Vec<Vec<u8>> {
    let plain = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=ice-ufrag:abcd\r\n\
        a=ice-pwd:0123456789abcdef01234567\r\na=fingerprint:sha-1 \
        00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33\r\na=setup:actpass\r\na=sctp-port:5000\r\n";
    vec![
        plain.as_bytes().to_vec(),
        include_bytes!("../seeds/sdp/chromium.sdp").to_vec(),
        include_bytes!("../seeds/sdp/firefox.sdp").to_vec(),
    ]
}

/// Candidates of each transport and type.
pub fn candidates() -> Vec<Vec<u8>> {
    [
        "candidate:1 1 udp 2113937151 192.0.2.2 49098 typ host generation 0 network-cost 999",
        "candidate:2 1 tcp 1518280447 fd00::2 9 typ host tcptype active generation 0 ufrag abcd",
        "candidate:3 1 UDP 1677729535 198.51.100.7 40000 typ srflx raddr 192.0.2.2 rport 49098",
        "candidate:4 1 udp 2113937151 0a1b2c3d-0000-4000-8000-000000000000.local 5 typ host",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// Signalling requests as protobuf and as JSON.
pub fn signals() -> Vec<Vec<u8>> {
    use pb::signal_request::Message;
    let messages = [
        Message::Ping(1_700_000_000_000),
        Message::Offer(pb::SessionDescription {
            r#type: "offer".to_owned(),
            sdp: "v=0\r\n".to_owned(),
            id: 3,
            ..Default::default()
        }),
        Message::AddTrack(pb::AddTrackRequest {
            cid: "c1".to_owned(),
            name: "camera".to_owned(),
            width: 1280,
            height: 720,
            layers: vec![pb::VideoLayer {
                quality: 2,
                width: 1280,
                height: 720,
                bitrate: 1_700_000,
                ..Default::default()
            }],
            ..Default::default()
        }),
        Message::Subscription(pb::UpdateSubscription {
            track_sids: vec!["TR_a".to_owned()],
            subscribe: true,
            ..Default::default()
        }),
        Message::SyncState(pb::SyncState::default()),
    ];
    let requests = messages.map(|message| pb::SignalRequest {
        message: Some(message),
    });
    let mut seeds: Vec<Vec<u8>> = requests.iter().map(prost::Message::encode_to_vec).collect();
    seeds.extend(
        requests
            .iter()
            .filter_map(|request| serde_json::to_vec(request).ok()),
    );
    seeds
}

/// Addresses of both paths; the wrapped request is compressed, as clients send it.
pub fn join_requests() -> Vec<Vec<u8>> {
    let request = pb::JoinRequest {
        metadata: "m".to_owned(),
        publisher_offer: Some(pb::SessionDescription {
            r#type: "offer".to_owned(),
            sdp: "v=0\r\n".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    }
    .encode_to_vec();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let packed = gzip
        .write_all(&request)
        .and_then(|()| gzip.finish())
        .unwrap_or_default();
    let wrapped = |compression, join_request| {
        pb::WrappedJoinRequest {
            compression,
            join_request,
        }
        .encode_to_vec()
    };
    let query = "protocol=17&sdk=js&version=2.23.0&auto_subscribe=1&adaptive_stream=1&reconnect=1&sid=PA_a\
        &reconnect_reason=2&attributes=eyJhIjoiYiJ9&access_token=x";
    vec![
        URL_SAFE_NO_PAD.encode(wrapped(1, packed.clone())).into_bytes(),
        URL_SAFE_NO_PAD.encode(wrapped(0, request.clone())).into_bytes(),
        wrapped(0, request),
        query.as_bytes().to_vec(),
    ]
}

/// Data packets of each kind.
pub fn data_packets() -> Vec<Vec<u8>> {
    use pb::data_packet::Value;
    let values = [
        Value::User(pb::UserPacket {
            payload: b"hello".to_vec(),
            topic: Some("t".to_owned()),
            ..Default::default()
        }),
        Value::ChatMessage(pb::ChatMessage {
            id: "1".to_owned(),
            message: "hello".to_owned(),
            ..Default::default()
        }),
        Value::StreamHeader(pb::data_stream::Header {
            stream_id: "s".to_owned(),
            topic: "lk.chat".to_owned(),
            mime_type: "text/plain".to_owned(),
            total_length: Some(5),
            ..Default::default()
        }),
        Value::StreamChunk(pb::data_stream::Chunk {
            stream_id: "s".to_owned(),
            content: b"hello".to_vec(),
            ..Default::default()
        }),
        Value::RpcRequest(pb::RpcRequest {
            id: "r".to_owned(),
            method: "m".to_owned(),
            payload: "{}".to_owned(),
            ..Default::default()
        }),
    ];
    values
        .map(|value| {
            pb::DataPacket {
                value: Some(value),
                ..Default::default()
            }
            .encode_to_vec()
        })
        .to_vec()
}

/// Calls of the room service, each behind the byte that chooses its method and format.
pub fn api_calls() -> Vec<Vec<u8>> {
    let json: [(u8, &str); 4] = [
        (
            0,
            r#"{"name":"Weekly","emptyTimeout":60,"maxParticipants":5,"metadata":"x"}"#,
        ),
        (
            6,
            r#"{"room":"Weekly","identity":"ana","trackSid":"TR_a","muted":true}"#,
        ),
        (
            7,
            r#"{"room":"Weekly","identity":"ana","name":"Ana","attributes":{"a":"b"},"permission":{"canPublish":true,"canPublishSources":["CAMERA"]}}"#,
        ),
        (
            9,
            r#"{"room":"Weekly","data":"aGk=","kind":"LOSSY","destinationIdentities":["ana"],"topic":"t"}"#,
        ),
    ];
    let mut seeds: Vec<Vec<u8>> = json
        .iter()
        .map(|(method, body)| [&[method << 1 | 1], body.as_bytes()].concat())
        .collect();
    let create = pb::CreateRoomRequest {
        name: "Weekly".to_owned(),
        empty_timeout: 60,
        ..Default::default()
    };
    seeds.push([&[0][..], &create.encode_to_vec()].concat());
    seeds
}

/// Stanzas of a Jitsi client.
pub fn stanzas() -> Vec<Vec<u8>> {
    [
        r#"<presence xmlns="jabber:client" to="r@conference.d/a11e0794"><x xmlns="http://jabber.org/protocol/muc"/><SourceInfo>{"a11e0794-v0":{"muted":true}}</SourceInfo><nick xmlns="http://jabber.org/protocol/nick">Ana</nick></presence>"#,
        r#"<message xmlns="jabber:client" to="r%20x@conference.d" type="groupchat" xml:lang="de"><body>a &amp; b &#10;<![CDATA[<c>]]></body></message>"#,
        r#"<iq xmlns="jabber:client" type="set" id="1"><a xmlns:b="urn:b" b:c="d"><b:e/></a></iq>"#,
        r#"<stream:features xmlns:stream="http://etherx.jabber.org/streams"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></stream:features>"#,
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// Sessions a Jitsi client accepts.
pub fn sessions() -> Vec<Vec<u8>> {
    let session = r#"<jingle xmlns="urn:xmpp:jingle:1" action="session-accept" sid="s"><content name="video"><description xmlns="urn:xmpp:jingle:apps:rtp:1" media="video"><source xmlns="urn:xmpp:jingle:apps:rtp:ssma:0" ssrc="1" name="a11e0794-v0"/><source xmlns="urn:xmpp:jingle:apps:rtp:ssma:0" ssrc="2" name="a11e0794-v0"/><source xmlns="urn:xmpp:jingle:apps:rtp:ssma:0" ssrc="3" name="a11e0794-v1" videoType="desktop"/><ssrc-group xmlns="urn:xmpp:jingle:apps:rtp:ssma:0" semantics="SIM"><source ssrc="1"/><source ssrc="2"/></ssrc-group><ssrc-group xmlns="urn:xmpp:jingle:apps:rtp:ssma:0" semantics="FID"><source ssrc="1"/><source ssrc="4"/></ssrc-group></description><transport xmlns="urn:xmpp:jingle:transports:ice-udp:1" ufrag="abcd" pwd="0123456789012345678901"><fingerprint xmlns="urn:xmpp:jingle:apps:dtls:0" hash="sha-256" setup="active">0A:FF</fingerprint></transport></content></jingle>"#;
    vec![session.as_bytes().to_vec()]
}

/// Constraints of a bridge channel.
pub fn constraints() -> Vec<Vec<u8>> {
    [
        r#"{"colibriClass":"ReceiverVideoConstraints","lastN":20,"selectedSources":[],"onStageSources":["a11e0794-v0"],"defaultConstraints":{"maxHeight":180},"constraints":{"a11e0794-v0":{"maxHeight":720,"maxFrameRate":30.0}},"assumedBandwidthBps":-1}"#,
        r#"{"lastN":-1}"#,
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}
