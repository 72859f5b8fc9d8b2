//! Sessions in XML (XEP-0166 and what hangs on it), as Jitsi clients write and read them.

use tertulia_model::{
    Candidate, DtlsRole, Feedback, Fingerprint, IceCredentials, MediaKind, PeerSpec, TransportProtocol,
};

use super::media::{MAX_SOURCES, codecs, extensions};
use crate::ns;
use crate::xml::Element;

/// SSRCs in one message.
const MAX_SSRCS: usize = 100;

/// Something a client sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientSource {
    pub name: String,
    pub kind: MediaKind,
    pub screen: bool,
    /// SSRC and that of repairs, the lowest layer first.
    pub encodings: Vec<(u32, Option<u32>)>,
}

/// A session a client accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// Its end, without sections.
    pub transport: PeerSpec,
    pub sources: Vec<ClientSource>,
}

/// Why a session is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JingleError {
    #[error("no transport")]
    Transport,
    #[error("no fingerprint")]
    Fingerprint,
    #[error("a source is no source of this endpoint")]
    Source,
    #[error("too many sources")]
    TooMany,
}

/// Writes the invitation of a client to a session.
pub(crate) fn initiate(ours: &PeerSpec, sid: &str, initiator: &str, session: &str, bridge: &str) -> Element {
    let contents = [MediaKind::Audio, MediaKind::Video].map(|kind| {
        Element::new("content", ns::JINGLE)
            .attr("creator", "initiator")
            .attr("name", name_of(kind))
            .attr("senders", "both")
            .child(description(kind))
            .child(transport(ours, bridge))
    });
    let group = Element::new("group", ns::JINGLE_GROUPING)
        .attr("semantics", "BUNDLE")
        .with(
            [MediaKind::Audio, MediaKind::Video]
                .map(|kind| Element::new("content", ns::JINGLE_GROUPING).attr("name", name_of(kind))),
        );
    // The first sections of each kind belong to somebody; nothing is ever sent there.
    let sources = serde_json::json!({ "sources": { "jvb": [
        [{ "s": mixed_ssrc(), "n": "jvb-v0", "m": "mixedmslabel mixedlabelvideo0" }],
        [],
        [{ "s": mixed_ssrc(), "n": "jvb-a0", "m": "mixedmslabel mixedlabelaudio0" }],
    ] } });
    Element::new("jingle", ns::JINGLE)
        .attr("action", "session-initiate")
        .attr("initiator", initiator)
        .attr("sid", sid)
        .with(contents)
        .child(group)
        .child(Element::new("bridge-session", ns::FOCUS).attr("id", session))
        .child(Element::new("json-message", ns::JITMEET).text(sources.to_string()))
}

fn mixed_ssrc() -> u32 {
    rand::random::<u32>() | 1
}

fn name_of(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Audio => "audio",
        MediaKind::Video => "video",
    }
}

fn description(kind: MediaKind) -> Element {
    let mut description = Element::new("description", ns::JINGLE_RTP).attr("media", name_of(kind));
    let parameter = |name: &str, value: &str| {
        Element::new("parameter", ns::JINGLE_RTP)
            .attr("name", name)
            .attr("value", value)
    };
    for codec in codecs(kind) {
        let mut payload = Element::new("payload-type", ns::JINGLE_RTP)
            .attr("id", codec.payload_type.to_string())
            .attr("name", codec.codec.subtype())
            .attr("clockrate", codec.clock_rate.to_string())
            .attr("channels", codec.channels.to_string());
        for (name, value) in codec.fmtp.split(';').filter_map(|pair| pair.split_once('=')) {
            payload = payload.child(parameter(name, value));
        }
        description = description.child(payload.with(codec.feedback.iter().map(feedback)));
        if let Some(rtx) = codec.rtx {
            let repairs = Element::new("payload-type", ns::JINGLE_RTP)
                .attr("id", rtx.to_string())
                .attr("name", "rtx")
                .attr("clockrate", codec.clock_rate.to_string())
                .child(parameter("apt", &codec.payload_type.to_string()));
            description = description.child(repairs);
        }
    }
    if kind == MediaKind::Audio {
        // Clients stumble over sections with a single payload type.
        let tones = Element::new("payload-type", ns::JINGLE_RTP)
            .attr("id", "126")
            .attr("name", "telephone-event")
            .attr("clockrate", "8000");
        description = description.attr("maxptime", "60").child(tones);
    }
    let extensions = extensions(kind).into_iter().map(|spec| {
        Element::new("rtp-hdrext", ns::JINGLE_EXTENSIONS)
            .attr("id", spec.id.to_string())
            .attr("uri", spec.extension.uri())
    });
    description
        .with(extensions)
        .child(Element::new("extmap-allow-mixed", ns::JINGLE_EXTENSIONS))
        .child(Element::new("rtcp-mux", ns::JINGLE_RTP))
}

fn feedback(feedback: &Feedback) -> Element {
    let (kind, subtype) = match feedback {
        Feedback::Nack => ("nack", None),
        Feedback::Pli => ("nack", Some("pli")),
        Feedback::Fir => ("ccm", Some("fir")),
        Feedback::Remb => ("goog-remb", None),
        Feedback::TransportCc => ("transport-cc", None),
    };
    Element::new("rtcp-fb", ns::JINGLE_FEEDBACK)
        .attr("type", kind)
        .attr_opt("subtype", subtype)
}

fn transport(ours: &PeerSpec, bridge: &str) -> Element {
    let digest: Vec<String> = ours
        .fingerprint
        .bytes
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    let fingerprint = Element::new("fingerprint", ns::JINGLE_DTLS)
        .attr("hash", ours.fingerprint.hash.clone())
        .attr("required", "true")
        .attr("setup", "actpass")
        .text(digest.join(":"));
    Element::new("transport", ns::JINGLE_ICE)
        .attr("ufrag", ours.ice.ufrag.clone())
        .attr("pwd", ours.ice.pwd.clone())
        .child(Element::new("web-socket", ns::COLIBRI).attr("url", bridge))
        .child(Element::new("rtcp-mux", ns::JINGLE_ICE))
        .child(fingerprint)
        .with(ours.candidates.iter().enumerate().filter_map(candidate))
}

/// A candidate by the words of its attribute (RFC 8839 §5.1).
fn candidate((index, candidate): (usize, &Candidate)) -> Option<Element> {
    let words: Vec<&str> = candidate.text.split(' ').collect();
    let [
        foundation,
        component,
        protocol,
        priority,
        ip,
        port,
        "typ",
        kind,
        ref rest @ ..,
    ] = words[..]
    else {
        return None;
    };
    let element = Element::new("candidate", ns::JINGLE_ICE)
        .attr("id", format!("candidate-{index}"))
        .attr("foundation", foundation)
        .attr("component", component)
        .attr("protocol", protocol)
        .attr("priority", priority)
        .attr("ip", ip)
        .attr("port", port)
        .attr("type", kind)
        .attr("generation", "0")
        .attr("network", "0");
    Some(match (candidate.protocol, rest) {
        (TransportProtocol::Tcp, ["tcptype", kind, ..]) => element.attr("tcptype", *kind),
        _ => element,
    })
}

/// Writes which sources come or go, in compact form.
pub(crate) fn source_message(action: &'static str, sid: &str, initiator: &str, sources: &str) -> Element {
    Element::new("jingle", ns::JINGLE)
        .attr("action", action)
        .attr("initiator", initiator)
        .attr("sid", sid)
        .child(Element::new("json-message", ns::JITMEET).text(sources))
}

/// Reads what a client accepts.
pub(crate) fn accepted(jingle: &Element, nick: &str) -> Result<Accepted, JingleError> {
    let mut contents = contents(jingle);
    let transport = contents
        .find_map(|content| content.find("transport", ns::JINGLE_ICE))
        .ok_or(JingleError::Transport)?;
    let credential = |name: &str| transport.get(name).map(ToOwned::to_owned);
    let ice = IceCredentials {
        ufrag: credential("ufrag").ok_or(JingleError::Transport)?,
        pwd: credential("pwd").ok_or(JingleError::Transport)?,
    };
    let fingerprint = transport
        .find("fingerprint", ns::JINGLE_DTLS)
        .ok_or(JingleError::Fingerprint)?;
    let bytes: Option<Vec<u8>> = fingerprint
        .content()
        .trim()
        .split(':')
        .take(128)
        .map(|byte| u8::from_str_radix(byte, 16).ok())
        .collect();
    let transport = PeerSpec {
        ice,
        ice_lite: false,
        candidates: Vec::new(),
        fingerprint: Fingerprint {
            hash: fingerprint.get("hash").unwrap_or_default().to_lowercase(),
            bytes: bytes.ok_or(JingleError::Fingerprint)?,
        },
        dtls_role: DtlsRole::Client,
        media: Vec::new(),
        data: None,
    };
    Ok(Accepted {
        transport,
        sources: sources(jingle, nick)?,
    })
}

fn contents(jingle: &Element) -> impl Iterator<Item = &Element> {
    jingle.children().filter(|child| child.is("content", ns::JINGLE))
}

/// The SSRC an element names.
fn ssrc(element: &Element) -> Option<u32> {
    element.get("ssrc")?.parse().ok().filter(|ssrc| *ssrc != 0)
}

/// All SSRCs a message names.
pub(crate) fn ssrcs(jingle: &Element) -> Result<Vec<u32>, JingleError> {
    let descriptions = contents(jingle).filter_map(|content| content.find("description", ns::JINGLE_RTP));
    let named: Vec<u32> = descriptions
        .flat_map(Element::children)
        .filter(|child| child.is("source", ns::JINGLE_SOURCES))
        .filter_map(ssrc)
        .take(MAX_SSRCS + 1)
        .collect();
    if named.len() > MAX_SSRCS {
        return Err(JingleError::TooMany);
    }
    Ok(named)
}

/// Reads the sources of a message: each by its name, with the layers and repairs its groups tell.
pub(crate) fn sources(jingle: &Element, nick: &str) -> Result<Vec<ClientSource>, JingleError> {
    ssrcs(jingle)?;
    let mut read = Vec::new();
    for content in contents(jingle) {
        let Some(description) = content.find("description", ns::JINGLE_RTP) else {
            continue;
        };
        let media = description.get("media").or(content.get("name"));
        let kind = match media {
            Some("audio") => MediaKind::Audio,
            Some("video") => MediaKind::Video,
            _ => continue,
        };
        read.extend(described(description, kind, nick)?);
    }
    if read.len() > MAX_SOURCES {
        return Err(JingleError::TooMany);
    }
    Ok(read)
}

fn described(description: &Element, kind: MediaKind, nick: &str) -> Result<Vec<ClientSource>, JingleError> {
    let groups: Vec<(&str, Vec<u32>)> = description
        .children()
        .filter(|child| child.is("ssrc-group", ns::JINGLE_SOURCES))
        .take(MAX_SSRCS)
        .map(|group| {
            let members = group.children().filter_map(ssrc).take(MAX_SOURCES).collect();
            (group.get("semantics").unwrap_or_default(), members)
        })
        .collect();
    let of = |semantics: &'static str| {
        let matching = groups.iter().filter(move |(name, _)| *name == semantics);
        matching.map(|(_, members)| members)
    };
    let repair_of = |ssrc: u32| {
        let mut pairs = of("FID").filter_map(|members| Some((*members.first()?, *members.get(1)?)));
        pairs.find(|(main, _)| *main == ssrc).map(|(_, repair)| repair)
    };
    let repairs: Vec<u32> = of("FID").filter_map(|members| members.get(1).copied()).collect();
    let mut sources: Vec<ClientSource> = Vec::new();
    for element in description
        .children()
        .filter(|child| child.is("source", ns::JINGLE_SOURCES))
    {
        // Firefox names streams it sends nothing on.
        let Some(ssrc) = ssrc(element).filter(|ssrc| !repairs.contains(ssrc)) else {
            continue;
        };
        let letter = if kind == MediaKind::Audio { 'a' } else { 'v' };
        let name = element
            .get("name")
            .map_or_else(|| format!("{nick}-{letter}0"), ToOwned::to_owned);
        let number = name.strip_prefix(nick).and_then(|rest| rest.strip_prefix('-'));
        let number = number.and_then(|rest| rest.strip_prefix(letter));
        let number = number.filter(|number| {
            (1..=3).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
        });
        let number = number.ok_or(JingleError::Source)?;
        // Of a client that does not say, the second is the screen.
        let screen = match element.get("videoType") {
            Some(kind) => kind.starts_with("desktop"),
            None => number != "0",
        };
        match sources.iter_mut().find(|source| source.name == name) {
            Some(source) => source.encodings.push((ssrc, None)),
            None => sources.push(ClientSource {
                name,
                kind,
                screen,
                encodings: vec![(ssrc, None)],
            }),
        }
    }
    for source in &mut sources {
        let named = |ssrc: &u32| source.encodings.iter().any(|(known, _)| known == ssrc);
        if let Some(layers) = of("SIM").find(|members| members.iter().all(named) && !members.is_empty()) {
            source.encodings = layers.iter().map(|ssrc| (*ssrc, None)).collect();
        } else if kind == MediaKind::Audio || source.encodings.len() > 1 {
            source.encodings.truncate(1);
        }
        if source.encodings.len() > 3 {
            return Err(JingleError::TooMany);
        }
        for (ssrc, repair) in &mut source.encodings {
            *repair = repair_of(*ssrc);
        }
    }
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCEPT: &str = r#"<jingle xmlns="urn:xmpp:jingle:1" action="session-accept" sid="s"><content name="audio">
<description xmlns="urn:xmpp:jingle:apps:rtp:1" media="audio"><source xmlns="urn:xmpp:jingle:apps:rtp:ssma:0" ssrc="7"
name="a11e0794-a0"/></description><transport xmlns="urn:xmpp:jingle:transports:ice-udp:1" ufrag="abcd"
pwd="0123456789012345678901"><fingerprint xmlns="urn:xmpp:jingle:apps:dtls:0" hash="sha-256" setup="active">0A:FF
</fingerprint></transport></content><content name="video"><description xmlns="urn:xmpp:jingle:apps:rtp:1" media="video">
<source xmlns="urn:xmpp:jingle:apps:rtp:ssma:0" ssrc="1" name="a11e0794-v0"/><source
xmlns="urn:xmpp:jingle:apps:rtp:ssma:0" ssrc="2" name="a11e0794-v0"/><source xmlns="urn:xmpp:jingle:apps:rtp:ssma:0"
ssrc="3" name="a11e0794-v0"/><source xmlns="urn:xmpp:jingle:apps:rtp:ssma:0" ssrc="11" name="a11e0794-v0"/><source
xmlns="urn:xmpp:jingle:apps:rtp:ssma:0" ssrc="20" name="a11e0794-v1" videoType="desktop"/><ssrc-group
xmlns="urn:xmpp:jingle:apps:rtp:ssma:0" semantics="SIM"><source ssrc="2"/><source ssrc="1"/><source ssrc="3"/>
</ssrc-group><ssrc-group xmlns="urn:xmpp:jingle:apps:rtp:ssma:0" semantics="FID"><source ssrc="1"/><source ssrc="11"/>
</ssrc-group></description></content></jingle>"#;

    #[test]
    fn an_accepted_session_tells_transport_and_sources() {
        let jingle = Element::parse(ACCEPT).unwrap();
        let accepted = accepted(&jingle, "a11e0794").unwrap();
        assert_eq!(accepted.transport.fingerprint.bytes, [0x0a, 0xff]);
        assert_eq!(accepted.transport.ice.ufrag, "abcd");
        let source = |name: &str, kind, screen, encodings: &[(u32, Option<u32>)]| ClientSource {
            name: name.to_owned(),
            kind,
            screen,
            encodings: encodings.to_vec(),
        };
        assert_eq!(
            accepted.sources,
            [
                source("a11e0794-a0", MediaKind::Audio, false, &[(7, None)]),
                source(
                    "a11e0794-v0",
                    MediaKind::Video,
                    false,
                    &[(2, None), (1, Some(11)), (3, None)]
                ),
                source("a11e0794-v1", MediaKind::Video, true, &[(20, None)]),
            ]
        );
        assert_eq!(ssrcs(&jingle).unwrap().len(), 6);
    }

    #[test]
    fn sources_of_others_and_too_many_are_refused() {
        let jingle = Element::parse(ACCEPT).unwrap();
        assert_eq!(accepted(&jingle, "deadbeef"), Err(JingleError::Source));
        let many: String = (1..200)
            .map(|ssrc| format!("<source xmlns=\"{}\" ssrc=\"{ssrc}\"/>", ns::JINGLE_SOURCES))
            .collect();
        let text = format!(
            "<jingle xmlns=\"{}\"><content name=\"video\"><description xmlns=\"{}\">{many}</description></content></jingle>",
            ns::JINGLE,
            ns::JINGLE_RTP
        );
        let jingle = Element::parse(&text).unwrap();
        assert_eq!(sources(&jingle, "a11e0794"), Err(JingleError::TooMany));
        let empty = Element::parse("<jingle xmlns='urn:xmpp:jingle:1'/>").unwrap();
        assert_eq!(accepted(&empty, "a11e0794"), Err(JingleError::Transport));
    }

    #[test]
    fn an_invitation_has_what_clients_stumble_without() {
        let ours = PeerSpec {
            ice: IceCredentials {
                ufrag: "u".into(),
                pwd: "p".into(),
            },
            ice_lite: false,
            candidates: vec![Candidate {
                text: "1 1 tcp 2 192.0.2.1 7881 typ host tcptype passive".into(),
                address: None,
                protocol: TransportProtocol::Tcp,
            }],
            fingerprint: Fingerprint {
                hash: "sha-256".into(),
                bytes: vec![1, 255],
            },
            dtls_role: DtlsRole::Either,
            media: Vec::new(),
            data: None,
        };
        let jingle = initiate(&ours, "sid", "focus@auth.d", "PA_1", "wss://h/colibri-ws/x");
        for content in contents(&jingle) {
            let description = content.find("description", ns::JINGLE_RTP).unwrap();
            let payloads = description
                .children()
                .filter(|child| child.name() == "payload-type");
            assert!(payloads.count() >= 2);
            let named = |child: &Element| child.get("uri") == Some(tertulia_model::Extension::Mid.uri());
            assert!(!description.children().any(named));
            let transport = content.find("transport", ns::JINGLE_ICE).unwrap();
            let candidate = transport.find("candidate", ns::JINGLE_ICE).unwrap();
            assert_eq!(candidate.get("tcptype"), Some("passive"));
            assert_eq!(candidate.get("ip"), Some("192.0.2.1"));
            let fingerprint = transport.find("fingerprint", ns::JINGLE_DTLS).unwrap();
            assert_eq!(fingerprint.content(), "01:FF");
        }
        // Reading sorts attributes, so that what was read once is the same again.
        let read = Element::parse(&jingle.write()).unwrap();
        assert_eq!(Element::parse(&read.write()).unwrap(), read);
    }
}
