//! Texts that are not what they should be.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use proptest::prelude::*;
use tertulia_model::PeerSpec;
use tertulia_sdp::{Kind, Limits, Origin, SdpError, parse, parse_candidate, parse_within, write};

const GOOD: &str = include_str!("data/chromium-dual-publish.sdp");
const ORIGIN: Origin = Origin {
    session: u64::MAX,
    version: 1,
};

/// What comes of the good text with one thing replaced.
fn with(from: &str, to: &str) -> Result<PeerSpec, SdpError> {
    assert!(GOOD.contains(from), "{from}");
    parse(&GOOD.replace(from, to))
}

fn without(start: &str) -> Result<PeerSpec, SdpError> {
    let lines: Vec<&str> = GOOD.lines().filter(|line| !line.starts_with(start)).collect();
    parse(&(lines.join("\r\n") + "\r\n"))
}

#[test]
fn what_is_missing_is_named() {
    assert_eq!(without("a=ice-ufrag"), Err(SdpError::Missing("a=ice-ufrag")));
    assert_eq!(without("a=ice-pwd"), Err(SdpError::Missing("a=ice-pwd")));
    assert_eq!(without("a=fingerprint"), Err(SdpError::Missing("a=fingerprint")));
    assert_eq!(without("a=mid"), Err(SdpError::Missing("a=mid")));
    assert_eq!(
        parse("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"),
        Err(SdpError::Missing("a media section"))
    );
}

#[test]
fn what_is_wrong_is_named() {
    assert_eq!(
        with("a=mid:0", "a=mid:a b"),
        Err(SdpError::Invalid { attribute: "a=mid" })
    );
    assert_eq!(
        with("a=mid:0", "a=mid:01234567890123456"),
        Err(SdpError::Invalid { attribute: "a=mid" })
    );
    assert_eq!(
        with("a=ice-ufrag:E3TE", "a=ice-ufrag:E"),
        Err(SdpError::Invalid {
            attribute: "a=ice-ufrag"
        })
    );
    assert_eq!(
        with("5E:5F:0F", "5E:5F"),
        Err(SdpError::Invalid {
            attribute: "a=fingerprint"
        })
    );
    assert_eq!(
        with("sha-256", "md5"),
        Err(SdpError::Unsupported("the hash of a=fingerprint"))
    );
    assert_eq!(
        with("actpass", "holdconn"),
        Err(SdpError::Invalid { attribute: "a=setup" })
    );
    assert_eq!(
        with("SAVPF 111", "SAVPF 300 111"),
        Err(SdpError::Invalid { attribute: "m=" })
    );
    assert_eq!(
        with("a=ssrc:3933044526 cname", "a=ssrc:-1 cname"),
        Err(SdpError::Invalid { attribute: "a=ssrc" })
    );
    assert_eq!(with("send q;h;f", "send q;h h;;"), with("send q;h;f", "send q;h"));
    assert_eq!(
        with("send q;h;f", "send q;;f"),
        Err(SdpError::Invalid {
            attribute: "a=simulcast"
        })
    );
    assert_eq!(
        with("a=sctp-port:5000", "a=sctp-port:70000"),
        Err(SdpError::Invalid {
            attribute: "a=sctp-port"
        })
    );
    assert!(matches!(
        with("UDP/DTLS/SCTP", "TCP/MSRP"),
        Err(SdpError::Unsupported(_))
    ));
    assert!(matches!(
        with("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
        Err(SdpError::Unsupported(_))
    ));
    assert!(matches!(with("m=video", "m=text"), Err(SdpError::Unsupported(_))));
    assert!(matches!(parse("nonsense"), Err(SdpError::Syntax(_))));
    assert!(parse("").is_err());
}

#[test]
fn what_does_not_matter_is_left_out() {
    let plain = parse(GOOD).unwrap();
    for (from, to) in [
        ("a=rtcp-mux", "a=rtcp-mux\r\na=whatever:1 2 3"),
        ("a=rtcp-mux", "a=rtcp-mux\r\na=rtcp-fb:77 nack"),
        ("a=rtcp-mux", "a=rtcp-mux\r\na=rtcp-fb:111 nonsense"),
        ("a=rtcp-mux", "a=rtcp-mux\r\na=rtpmap:nonsense"),
        (
            "a=rtcp-mux",
            "a=rtcp-mux\r\na=extmap:0 urn:ietf:params:rtp-hdrext:sdes:mid",
        ),
        ("a=rtcp-mux", "a=rtcp-mux\r\na=candidate:nonsense"),
        ("a=fmtp:97 apt=96", "a=fmtp:97 apt=96\r\na=fmtp:98\r\na=fmtp:x y"),
    ] {
        assert_eq!(with(from, to).unwrap(), plain, "{to}");
    }
}

#[test]
fn too_much_is_too_much() {
    assert_eq!(
        parse(&"a".repeat(1_100_000)),
        Err(SdpError::TooLong { max: 1_048_576 })
    );
    assert_eq!(
        parse(&format!("v=0\r\ns={}\r\n", "a".repeat(5_000))),
        Err(SdpError::TooLong { max: 4_096 })
    );
    let sections = GOOD.to_owned() + &"m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n".repeat(200);
    assert_eq!(
        parse(&sections),
        Err(SdpError::TooMany {
            what: "sections",
            max: 200
        })
    );
    let lines = GOOD.to_owned() + &"a=x\r\n".repeat(45_000);
    assert!(matches!(
        parse(&lines),
        Err(SdpError::TooMany { what: "lines", .. })
    ));
    let ssrcs: String = (1..400)
        .map(|ssrc| format!("a=ssrc:{ssrc} cname:x\r\n"))
        .collect();
    let many = GOOD.replacen("a=rtcp-mux\r\n", &format!("a=rtcp-mux\r\n{ssrcs}"), 1);
    assert_eq!(
        parse(&many),
        Err(SdpError::TooMany {
            what: "SSRCs in one section",
            max: 128
        })
    );
    let candidates: String = (1..500)
        .map(|port| format!("a=candidate:1 1 udp 1 192.0.2.9 {port} typ host\r\n"))
        .collect();
    let many = GOOD.replacen("a=rtcp-mux\r\n", &format!("a=rtcp-mux\r\n{candidates}"), 1);
    assert_eq!(parse(&many).unwrap().candidates.len(), 64);
    let few = Limits {
        sections: 2,
        ..Limits::default()
    };
    assert!(matches!(parse_within(GOOD, &few), Err(SdpError::TooMany { .. })));
}

#[test]
fn candidates_by_themselves() {
    let good = "842163049 1 udp 1677729535 203.0.113.9 46154 typ srflx raddr 10.0.0.1 rport 1 generation 0";
    for text in [
        good.to_owned(),
        format!("candidate:{good}"),
        format!("a=candidate:{good}\r\n"),
    ] {
        let candidate = parse_candidate(&text).unwrap();
        assert_eq!(candidate.text, good);
        assert_eq!(candidate.address.unwrap().to_string(), "203.0.113.9:46154");
    }
    let name = parse_candidate("candidate:1 1 UDP 1 abc.local 9 typ host").unwrap();
    assert_eq!(name.address, None);
    for bad in [
        "",
        "candidate:",
        "candidate:1 1 udp 1 192.0.2.1 9 typ",
        "candidate:1 x udp 1 192.0.2.1 9 typ host",
        "candidate:1 1 sctp 1 192.0.2.1 9 typ host",
        "candidate:1 1 udp -1 192.0.2.1 9 typ host",
        "candidate:1 1 udp 1 192.0.2.1 99999 typ host",
        "candidate:1 1 udp 1 192.0.2.1 9 typ host\r\na=evil",
    ] {
        assert!(parse_candidate(bad).is_err(), "{bad:?}");
    }
    assert!(parse_candidate(&"1 ".repeat(2_000)).is_err());
}

#[test]
fn a_value_cannot_write_lines_of_its_own() {
    let mut spec = parse(GOOD).unwrap();
    spec.media[0].stream_id = Some("x\r\na=setup:passive".to_owned());
    let text = write(&spec, Kind::Offer, ORIGIN);
    assert!(!text.contains("\na=setup:passive"));
    parse(&text).unwrap();
}

#[test]
fn an_answer_never_leaves_the_role_open() {
    let spec = parse(GOOD).unwrap();
    assert!(write(&spec, Kind::Answer, ORIGIN).contains("a=setup:passive\r\n"));
    assert!(write(&spec, Kind::Offer, ORIGIN).contains("a=setup:actpass\r\n"));
}

#[test]
fn what_we_receive_in_layers_is_said() {
    let mut spec = parse(GOOD).unwrap();
    spec.media[1].direction = tertulia_model::Direction::RecvOnly;
    let text = write(&spec, Kind::Answer, ORIGIN);
    assert!(text.contains("a=rid:q recv\r\n"));
    assert!(text.contains("a=simulcast:recv q;h;f\r\n"));
    assert_eq!(parse(&text).unwrap().media[1].encodings, spec.media[1].encodings);
}

proptest! {
    #[test]
    fn any_text_ends_in_a_result(text in "(?s).{0,400}") {
        let _ = parse(&text);
        let _ = parse_candidate(&text);
    }

    #[test]
    fn any_lines_end_in_a_result(lines in prop::collection::vec("[a-z]=[ -~]{0,60}", 0..40)) {
        let _ = parse(&lines.join("\r\n"));
    }

    #[test]
    fn a_broken_offer_ends_in_a_result_and_what_is_read_is_written_alike(
        at in 0..GOOD.len(),
        length in 0_usize..40,
        filler in "[ -~\r\n]{0,20}",
    ) {
        let end = (at + length).min(GOOD.len());
        let text = format!("{}{filler}{}", &GOOD[..at], &GOOD[end..]);
        if let Ok(spec) = parse(&text) {
            let written = write(&spec, Kind::Offer, ORIGIN);
            prop_assert_eq!(parse(&written).expect("what is written is readable"), spec);
        }
    }
}
