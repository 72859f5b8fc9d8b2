//! Inputs that are right or nearly so.

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
