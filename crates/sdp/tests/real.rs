//! Offers as Chromium 156, Firefox ESR 153 and the Python SDK 1.2.0 (libwebrtc) write them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use tertulia_model::{
    Codec, CodecSpec, Direction, DtlsRole, Extension, Feedback, MediaKind, PeerSpec, TransportProtocol,
};
use tertulia_sdp::{Kind, Origin, parse, write};

const CHROMIUM_JOIN: &str = include_str!("data/chromium-single-join.sdp");
const CHROMIUM_PUBLISH: &str = include_str!("data/chromium-single-publish.sdp");
const CHROMIUM_DUAL: &str = include_str!("data/chromium-dual-publish.sdp");
const CHROMIUM_DATA: &str = include_str!("data/chromium-data-only.sdp");
const FIREFOX_JOIN: &str = include_str!("data/firefox-single-join.sdp");
const FIREFOX_PUBLISH: &str = include_str!("data/firefox-single-publish.sdp");
const FIREFOX_DUAL: &str = include_str!("data/firefox-dual-publish.sdp");
const FIREFOX_DATA: &str = include_str!("data/firefox-data-only.sdp");
const PYTHON_JOIN: &str = include_str!("data/python-single-join.sdp");

fn read(text: &str) -> PeerSpec {
    parse(text).unwrap()
}

fn codec(spec: &PeerSpec, index: usize, codec: Codec) -> &CodecSpec {
    spec.media[index]
        .codecs
        .iter()
        .find(|known| known.codec == codec)
        .unwrap()
}

fn extension(spec: &PeerSpec, index: usize, extension: Extension) -> Option<u8> {
    spec.media[index]
        .extensions
        .iter()
        .find(|known| known.extension == extension)
        .map(|known| known.id)
}

#[test]
fn all_are_read_and_read_back() {
    for text in [
        CHROMIUM_JOIN,
        CHROMIUM_PUBLISH,
        CHROMIUM_DUAL,
        CHROMIUM_DATA,
        FIREFOX_JOIN,
        FIREFOX_PUBLISH,
        FIREFOX_DUAL,
        FIREFOX_DATA,
        PYTHON_JOIN,
    ] {
        let spec = read(text);
        assert_eq!(spec.dtls_role, DtlsRole::Either);
        assert!(!spec.ice_lite);
        let written = write(
            &spec,
            Kind::Offer,
            Origin {
                session: 7,
                version: 1,
            },
        );
        assert_eq!(read(&written), spec);
    }
}

#[test]
fn a_joining_client_offers_three_sections_of_each_kind_and_data() {
    for text in [CHROMIUM_JOIN, FIREFOX_JOIN, PYTHON_JOIN] {
        let spec = read(text);
        let kinds: Vec<MediaKind> = spec.media.iter().map(|section| section.kind).collect();
        assert_eq!(kinds[..3], [MediaKind::Audio; 3]);
        assert_eq!(kinds[3..], [MediaKind::Video; 3]);
        for section in &spec.media {
            assert_eq!(section.direction, Direction::RecvOnly);
            assert!(!section.stopped, "port zero with bundle-only is no stop");
            assert!(section.encodings.is_empty());
        }
        let data = spec.data.unwrap();
        assert_eq!((data.index, data.port), (6, 5_000));
    }
}

#[test]
fn chromium_s_codecs_and_extensions() {
    let spec = read(CHROMIUM_JOIN);
    assert_eq!(codec(&spec, 0, Codec::Opus).payload_type, 111);
    assert_eq!(codec(&spec, 0, Codec::Red).fmtp, "111/111");
    assert_eq!(codec(&spec, 0, Codec::Pcmu).payload_type, 0);
    let vp8 = codec(&spec, 3, Codec::Vp8);
    assert_eq!((vp8.payload_type, vp8.rtx), (96, Some(97)));
    for feedback in [
        Feedback::Remb,
        Feedback::TransportCc,
        Feedback::Fir,
        Feedback::Nack,
        Feedback::Pli,
    ] {
        assert!(vp8.feedback.contains(&feedback));
    }
    assert!(
        spec.media[3].codecs.iter().all(|known| known.codec != Codec::Red),
        "redundancy of pictures is another thing"
    );
    assert_eq!(extension(&spec, 0, Extension::AudioLevel), Some(1));
    assert_eq!(extension(&spec, 3, Extension::RepairedRtpStreamId), Some(11));
}

#[test]
fn chromium_publishes() {
    let spec = read(CHROMIUM_DUAL);
    let sound = &spec.media[0];
    assert_eq!(sound.direction, Direction::SendOnly);
    assert_eq!(
        sound.track_id.as_deref(),
        Some("0a1e81ca-d2fd-4f33-af15-eff01fa06246")
    );
    assert_eq!(sound.encodings[0].ssrc, Some(3_933_044_526));
    let picture = &spec.media[1];
    let rids: Vec<&str> = picture
        .encodings
        .iter()
        .map(|encoding| encoding.rid.as_ref().unwrap().as_str())
        .collect();
    assert_eq!(rids, ["q", "h", "f"]);
    assert_eq!(extension(&spec, 1, Extension::DependencyDescriptor), Some(12));
    assert_eq!(spec.data.unwrap().max_message_size, 262_144);
    assert_eq!(spec.ice.ufrag, "E3TE");
    assert_eq!(spec.fingerprint.bytes[..2], [0x5e, 0x5f]);
    let protocols: Vec<TransportProtocol> = spec
        .candidates
        .iter()
        .map(|candidate| candidate.protocol)
        .collect();
    assert_eq!(protocols.len(), 4, "those of the section that leads the bundle");
    assert_eq!(protocols[3], TransportProtocol::Tcp);
    assert!(spec.candidates[1].address.unwrap().is_ipv6());
}

#[test]
fn firefox_publishes() {
    let spec = read(FIREFOX_DUAL);
    assert_eq!(codec(&spec, 0, Codec::Opus).payload_type, 109);
    let vp8 = codec(&spec, 1, Codec::Vp8);
    assert_eq!((vp8.payload_type, vp8.rtx), (120, Some(124)));
    let picture = &spec.media[1];
    assert_eq!(picture.encodings.len(), 3);
    assert!(
        picture
            .encodings
            .iter()
            .all(|encoding| encoding.rid.is_some() && encoding.ssrc.is_none())
    );
    assert_eq!(
        extension(&spec, 1, Extension::RtpStreamId),
        Some(9),
        "its direction is left out"
    );
    assert!(
        spec.candidates
            .iter()
            .all(|candidate| candidate.address.is_none()),
        "names are not resolved"
    );
    assert!(
        spec.candidates
            .iter()
            .all(|candidate| candidate.text.contains(" 1 UDP ") || candidate.text.contains(" 1 TCP "))
    );
    assert_eq!(
        picture.stream_id.as_deref(),
        Some("{51ed96c3-8d75-44d4-9564-f3f1a8497ba3}")
    );
    let sound = &spec.media[0].encodings;
    assert_eq!(sound.len(), 1);
    assert_eq!(sound[0].ssrc, Some(407_334_088));
    let last = read(FIREFOX_PUBLISH);
    assert_eq!(
        last.media
            .iter()
            .filter(|section| section.direction == Direction::SendOnly)
            .count(),
        2
    );
}
