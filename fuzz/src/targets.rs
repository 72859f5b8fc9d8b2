//! The targets. Each takes any bytes and asserts what must hold whatever they are.

use std::str;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tertulia_auth::{ApiKey, ApiKeys};
use tertulia_door_livekit::fuzzing;
use tertulia_model::{Codec, Extension, RoomName};
use tertulia_rtp::{
    ExtensionIds, ReceiveWindow, Rtcp, RtpHeader, SrtpProfile, SrtpReceiver, SrtpSender, Vp8Descriptor,
    Vp8Rewrite, Vp9Descriptor, red_primary, rtcp_packets, starts_keyframe,
};
use tertulia_sdp::{Kind, Origin, parse, parse_candidate, write};

/// The pair whose secret the targets know, so that they get past the signature.
pub const KEY: (&str, &str) = ("fuzz", "a secret of at least thirty-two bytes");

/// Room names: accepted ones are stable under being read again.
pub fn room_name(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let Ok(name) = RoomName::parse(text) else { return };
    assert!(name.as_str().chars().count() <= RoomName::MAX_CHARS);
    let again = RoomName::parse(name.as_str()).expect("a name that was accepted is accepted again");
    assert_eq!(again.key(), name.key());
}

/// Tokens as they come over the wire: nothing unsigned is ever granted.
pub fn token(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Ok(grant) = keys().verify(text, 0) {
        assert_eq!(grant.key_id, KEY.0);
    }
}

/// Claims behind a right signature: what the holder of a key may write.
pub fn token_claims(data: &[u8]) {
    let signed = sign(data);
    if let Ok(grant) = keys().verify(&signed, 1_000) {
        assert!(
            grant.expires_at_ms + 60_000 >= 1_000,
            "an expired token was granted"
        );
    }
}

/// Signalling frames of LiveKit clients, in both encodings.
pub fn signal_request(data: &[u8]) {
    fuzzing::signal_request(data);
}

/// What a LiveKit client says in the address it connects to, on either path.
pub fn join_request(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    fuzzing::join_request(text);
    fuzzing::v0_query(text);
    // Again behind the encoding, which mutations seldom keep intact.
    fuzzing::join_request(&URL_SAFE_NO_PAD.encode(data));
}

/// Data packets of LiveKit clients, read and written for their receivers.
pub fn data_packet(data: &[u8]) {
    fuzzing::data_packet(data);
}

/// Calls of the room service: the first byte chooses the method and the format.
pub fn api_call(data: &[u8]) {
    const METHODS: [&str; 11] = [
        "CreateRoom",
        "ListRooms",
        "DeleteRoom",
        "ListParticipants",
        "GetParticipant",
        "RemoveParticipant",
        "MutePublishedTrack",
        "UpdateParticipant",
        "UpdateSubscriptions",
        "SendData",
        "UpdateRoomMetadata",
    ];
    let [choice, body @ ..] = data else { return };
    let method = METHODS[usize::from(*choice >> 1) % METHODS.len()];
    fuzzing::api_call(method, choice & 1 == 1, body);
}

/// Stanzas of XMPP clients: what was read is written and read again, unchanged.
pub fn xmpp_stanza(data: &[u8]) {
    if let Ok(text) = str::from_utf8(data) {
        tertulia_door_xmpp::fuzzing::stanza(text);
    }
}

/// Sessions Jitsi clients accept, described to the engine.
pub fn jingle(data: &[u8]) {
    if let Ok(text) = str::from_utf8(data) {
        tertulia_door_xmpp::fuzzing::jingle(text);
    }
}

/// What Jitsi clients want to see.
pub fn bridge_constraints(data: &[u8]) {
    if let Ok(text) = str::from_utf8(data) {
        tertulia_door_xmpp::fuzzing::constraints(text);
    }
}

/// Session descriptions: what was read can be written and read again, unchanged.
pub fn sdp(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let Ok(spec) = parse(text) else { return };
    let origin = Origin {
        session: 1,
        version: 2,
    };
    let again = parse(&write(&spec, Kind::Offer, origin)).expect("what we write can be read");
    // A section without codecs cannot be written: the grammar wants at least one.
    if spec.media.iter().all(|media| !media.codecs.is_empty()) {
        assert!(again == spec, "what we write is read differently");
    }
    // An answer chooses where an offer leaves open, so it need not be the same.
    parse(&write(&spec, Kind::Answer, origin)).expect("an answer that we write can be read");
}

/// ICE candidates as they trickle in.
pub fn candidate(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let _ = parse_candidate(text);
}

/// Payloads of every codec: where a picture starts, and redundant audio.
pub fn rtp_payload(data: &[u8]) {
    for codec in [
        Codec::Vp8,
        Codec::Vp9,
        Codec::H264,
        Codec::H265,
        Codec::Av1,
        Codec::Opus,
    ] {
        let _ = starts_keyframe(codec, data);
    }
    let _ = Vp9Descriptor::parse(data);
    if let Some(block) = red_primary(data) {
        assert_eq!(&data[block.offset..], block.data);
    }
}

/// VP8 descriptors: rewriting changes the named fields and nothing behind the descriptor.
pub fn vp8_rewrite(data: &[u8]) {
    let [a, b, c, d, payload @ ..] = data else { return };
    let rewrite = Vp8Rewrite {
        picture_id: Some(u16::from_be_bytes([*a, *b]) & 0x7fff),
        tl0_pic_idx: Some(*c),
        key_idx: Some(*d & 0x1f),
    };
    let mut rewritten = payload.to_vec();
    let before = Vp8Descriptor::parse(payload);
    assert_eq!(Vp8Descriptor::rewrite(&mut rewritten, rewrite), before.is_some());
    let Some(before) = before else {
        assert_eq!(rewritten, payload);
        return;
    };
    let after = Vp8Descriptor::parse(&rewritten).expect("a rewritten descriptor is still one");
    assert_eq!(after.length, before.length);
    assert_eq!(rewritten[after.length..], payload[before.length..]);
    let mask = if before.long_picture_id { 0x7fff } else { 0x7f };
    assert_eq!(
        after.picture_id,
        before.picture_id.and(rewrite.picture_id.map(|id| id & mask))
    );
    assert_eq!(after.tl0_pic_idx, before.tl0_pic_idx.and(rewrite.tl0_pic_idx));
    assert_eq!(after.key_idx, before.key_idx.and(rewrite.key_idx));
    assert_eq!(after.temporal_id, before.temporal_id);
}

/// RTP headers and their extensions, with ids that either form can carry; what is found lies in the packet.
pub fn rtp_header(data: &[u8]) {
    let short = Extension::ALL.into_iter().zip(1..);
    let long = Extension::ALL.into_iter().zip(246..=255);
    for ids in [ExtensionIds::new(short), ExtensionIds::new(long)] {
        if let Some(header) = RtpHeader::parse(data) {
            assert_eq!(header.payload_range().end, data.len());
            let extensions = ids.read(&header, data);
            if let Some(descriptor) = extensions.dependency_descriptor {
                assert!(descriptor.len() <= header.header_len);
            }
        }
    }
    if let Some(plain) = RtpHeader::parse_plain(data) {
        let whole = RtpHeader::parse(data).expect("a plain packet is a packet");
        assert_eq!(plain.header_len, whole.header_len);
        assert!(plain.payload_len <= whole.payload_len);
    }
}

/// SRTP and SRTCP: the first byte chooses the profile, the second whether the rest is protected first. What no holder of
/// the key protected is never opened and leaves no trace.
pub fn srtp(data: &[u8]) {
    const PROFILES: [SrtpProfile; 3] = [
        SrtpProfile::AeadAes256Gcm,
        SrtpProfile::AeadAes128Gcm,
        SrtpProfile::AesCm128HmacSha1_80,
    ];
    let [choice, protect, packet @ ..] = data else {
        return;
    };
    let profile = PROFILES[usize::from(*choice) % PROFILES.len()];
    let (key, salt) = (vec![1; profile.key_len()], vec![2; profile.salt_len()]);
    let mut receiver = SrtpReceiver::new(profile, &key, &salt).expect("the lengths are the profile's");
    if protect & 1 == 1 {
        protected(profile, (&key, &salt), packet, &mut receiver);
        return;
    }
    if let Some(header) = RtpHeader::parse(packet) {
        let mut state = ReceiveWindow::default();
        let opened = receiver.unprotect(&mut packet.to_vec(), &header, &mut state);
        assert!(opened.is_err(), "a forgery was opened");
        assert_eq!(state.newest(), None);
    }
    let opened = receiver.unprotect_rtcp(&mut packet.to_vec());
    assert!(opened.is_err(), "a forgery was opened");
}

/// Whatever is protected comes out as it was, once.
fn protected(profile: SrtpProfile, key: (&[u8], &[u8]), packet: &[u8], receiver: &mut SrtpReceiver) {
    let mut sender = SrtpSender::new(profile, key.0, key.1).expect("the lengths are the profile's");
    if let Some(header) = RtpHeader::parse(packet) {
        let mut window = sender.window(header.ssrc).expect("the first stream");
        let admitted = window.admit(header.sequence.into()).expect("the first number");
        let mut out = packet.to_vec();
        sender
            .protect(&mut out, 0, header.header_len, admitted)
            .expect("a whole header");
        assert_eq!(out.len(), packet.len() + profile.rtp_overhead());
        let mut state = ReceiveWindow::default();
        let mut again = out.clone();
        match receiver.unprotect(&mut out, &header, &mut state) {
            Ok(opened) => {
                let plain = RtpHeader::parse_plain(packet).expect("its padding was found right");
                assert_eq!(opened.payload_end, plain.payload_range().end);
                assert_eq!(out[..packet.len()], *packet);
            }
            Err(_) => assert_eq!(RtpHeader::parse_plain(packet), None),
        }
        assert!(
            receiver.unprotect(&mut again, &header, &mut state).is_err(),
            "opened twice"
        );
    }
    let mut out = packet.to_vec();
    if sender.protect_rtcp(&mut out, 0).is_ok() {
        let length = receiver
            .unprotect_rtcp(&mut out.clone())
            .expect("it was protected by us");
        assert_eq!(length, packet.len());
        assert!(receiver.unprotect_rtcp(&mut out).is_err(), "opened twice");
    } else {
        assert!(packet.len() < 8);
    }
}

/// Compound control packets, read to the last number in them; nothing small says endlessly much.
pub fn rtcp(data: &[u8]) {
    let mut read = 0;
    for packet in rtcp_packets(data) {
        read += match packet {
            Rtcp::SenderReport { blocks, .. } | Rtcp::ReceiverReport { blocks, .. } => blocks.count(),
            Rtcp::SourceDescription(chunks) => chunks.count(),
            Rtcp::Bye { ssrcs, .. } | Rtcp::Remb { ssrcs, .. } => ssrcs.count(),
            Rtcp::Nack { sequences, .. } => sequences.count(),
            Rtcp::Fir { entries, .. } => entries.count(),
            Rtcp::TransportFeedback(feedback) => {
                assert_eq!(feedback.iter().count(), usize::from(feedback.status_count));
                assert!(feedback.iter().flat_map(|(_, arrival)| arrival).count() <= data.len());
                0
            }
            Rtcp::Pli { .. } | Rtcp::Unknown { .. } | Rtcp::Malformed => 1,
        };
    }
    // The densest is a word that names 17 lost packets.
    assert!(read <= data.len().div_ceil(4) * 17);
}

fn keys() -> ApiKeys {
    let key = ApiKey::new(KEY.0, KEY.1).expect("the pair is valid");
    ApiKeys::new(vec![key]).expect("one key is enough")
}

/// Signs any payload with HS256.
pub fn sign(payload: &[u8]) -> String {
    let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"HS256","typ":"JWT"}"#);
    let body = format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, KEY.1.as_bytes());
    let signature = aws_lc_rs::hmac::sign(&key, body.as_bytes());
    format!("{body}.{}", URL_SAFE_NO_PAD.encode(signature))
}
