//! A Jitsi client with media: Jingle in its stream, the bridge channel beside it, str0m below.

use std::collections::BTreeMap;

use futures_util::{FutureExt, SinkExt, StreamExt};
use serde_json::{Value, json};
use str0m::bwe::Bitrate;
use str0m::config::Fingerprint;
use str0m::format::{Codec, CodecConfig, CodecSpec, FormatParams, PayloadParams};
use str0m::media::{Frequency, MediaKind, Mid};
use str0m::rtp::{Extension, ExtensionMap};
use str0m::{Candidate, IceCreds, RtcConfig};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::wire::Wire;
use super::{Client, House, attribute};

const UFRAG: &str = "jits";
const PWD: &str = "abcdefabcdefabcdefabcdef";
const ROOM: &str = "weekly@conference.meet.jitsi";

/// A remote source as the client knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub ssrc: u32,
    pub rtx: Option<u32>,
    pub owner: String,
}

pub struct JitsiPeer {
    pub client: Client,
    pub wire: Option<Wire>,
    rewriting: bool,
    invitation: Option<String>,
    bridge: Option<WebSocketStream<MaybeTlsStream<TcpStream>>>,
    /// Remote sources by name.
    pub sources: BTreeMap<String, Source>,
    /// Messages of the bridge channel.
    pub told: Vec<Value>,
    /// Stanzas that were not understood.
    pub stanzas: Vec<String>,
    pub invited: usize,
    first_ssrc: u32,
}

fn config() -> RtcConfig {
    let spec = |codec, clock_rate, channels| CodecSpec {
        codec,
        clock_rate,
        channels,
        format: FormatParams::default(),
    };
    let params = vec![
        PayloadParams::new(
            111.into(),
            None,
            spec(Codec::Opus, Frequency::FORTY_EIGHT_KHZ, Some(2)),
        ),
        PayloadParams::new(
            100.into(),
            Some(96.into()),
            spec(Codec::Vp8, Frequency::NINETY_KHZ, None),
        ),
    ];
    let mut map = ExtensionMap::empty();
    map.set(1, Extension::AudioLevel);
    map.set(5, Extension::TransportSequenceNumber);
    // Only so that a section named by the server would be seen.
    map.set(4, Extension::RtpMid);
    map.set(13, Extension::VideoOrientation);
    let mut config = RtcConfig::new()
        .set_extension_map(map)
        .set_local_ice_credentials(IceCreds {
            ufrag: UFRAG.into(),
            pass: PWD.into(),
        })
        .enable_bwe(Some(Bitrate::kbps(2_000)));
    *config.codec_config() = CodecConfig::new_from_payload_params(params);
    config
}

impl JitsiPeer {
    pub async fn join(house: &House, name: &str, rewriting: bool) -> Self {
        let client = house.join(name).await;
        Self {
            first_ssrc: 1_000 + u32::from(client.jid.as_bytes()[0]) * 100_000,
            client,
            wire: None,
            rewriting,
            invitation: None,
            bridge: None,
            sources: BTreeMap::new(),
            told: Vec::new(),
            stanzas: Vec::new(),
            invited: 0,
        }
    }

    pub fn nick(&self) -> String {
        self.client.nick()
    }

    /// Packets of a remote source.
    pub fn packets(&self, name: &str) -> usize {
        let source = self.sources.get(name);
        let wire = self.wire.as_ref();
        source
            .zip(wire)
            .map_or(0, |(source, wire)| wire.packets(source.ssrc))
    }

    pub fn seen(&self, name: &str) -> super::wire::Seen {
        let wire = self.wire.as_ref().unwrap();
        wire.seen[&self.sources[name].ssrc].clone()
    }

    /// The last message of a class.
    pub fn last(&self, class: &str) -> Option<&Value> {
        self.told
            .iter()
            .rev()
            .find(|message| message["colibriClass"] == class)
    }

    pub async fn say_bridge(&mut self, message: Value) {
        let bridge = self.bridge.as_mut().unwrap();
        bridge.send(Message::text(message.to_string())).await.unwrap();
    }

    /// Closes the bridge channel and opens it again.
    pub async fn reopen_bridge(&mut self) {
        self.told.clear();
        self.bridge = None;
        self.open_bridge().await;
    }

    async fn open_bridge(&mut self) {
        let invitation = self.invitation.as_ref().unwrap();
        let (_, rest) = invitation.split_once("<web-socket ").unwrap();
        let url = attribute(&format!(" {rest}"), "url").replace("&amp;", "&");
        self.bridge = Some(connect_async(url).await.unwrap().0);
    }

    /// Ends the session and asks for another.
    pub async fn ask_again(&mut self) {
        let sid = attribute(self.invitation.as_ref().unwrap(), "sid");
        self.wire = None;
        self.sources.clear();
        let text = format!(
            "<iq xmlns='jabber:client' type='set' id='again' to='{ROOM}/focus'><jingle xmlns='urn:xmpp:jingle:1' \
             action='session-terminate' sid='{sid}'><bridge-session xmlns='http://jitsi.org/protocol/focus' id='x' \
             restart='true'/><reason><connectivity-error/></reason></jingle></iq>"
        );
        self.client.send(&text).await;
    }

    pub async fn turn(&mut self, beat: bool) {
        while let Some(text) = self.client.poll() {
            self.take_stanza(text).await;
        }
        while let Some(Some(Ok(message))) = self
            .bridge
            .as_mut()
            .and_then(|bridge| bridge.next().now_or_never())
        {
            if let Message::Text(text) = message {
                let message: Value = serde_json::from_str(&text).unwrap();
                self.take_bridge(&message);
                self.told.push(message);
            }
        }
        if let Some(wire) = &mut self.wire {
            wire.turn(beat);
        }
    }

    async fn take_stanza(&mut self, text: String) {
        if text.contains("id=\"focus-features\"") {
            let feature = if self.rewriting {
                "<feature var='http://jitsi.org/ssrc-rewriting-1'/>"
            } else {
                ""
            };
            let answer = format!(
                "<iq xmlns='jabber:client' type='result' id='focus-features' to='{ROOM}/focus'><query \
                 xmlns='http://jabber.org/protocol/disco#info'>{feature}<feature var='urn:ietf:rfc:4588'/></query></iq>"
            );
            self.client.send(&answer).await;
        } else if text.contains("session-initiate") {
            self.acknowledge(&text).await;
            self.invited += 1;
            self.invitation = Some(text);
            self.accept().await;
        } else if text.contains("source-add") || text.contains("source-remove") {
            self.acknowledge(&text).await;
            self.take_sources(&text);
        } else {
            self.stanzas.push(text);
        }
    }

    async fn acknowledge(&mut self, text: &str) {
        let id = attribute(text, "id");
        let answer = format!("<iq xmlns='jabber:client' type='result' id='{id}' to='{ROOM}/focus'/>");
        self.client.send(&answer).await;
    }

    /// Accepts with a microphone and a camera of three layers.
    async fn accept(&mut self) {
        let offer = self.invitation.clone().unwrap();
        // As the real client stumbles over a section with one payload type.
        for section in offer.split("<description ").skip(1) {
            assert!(section.matches("<payload-type ").count() >= 2, "{section}");
        }
        assert!(!offer.contains("sdes:mid"), "{offer}");
        let mut wire = Wire::new(config()).await;
        let (_, transport) = offer.split_once("<transport ").unwrap();
        let transport = format!(" {transport}");
        let (_, digest) = transport.split_once("<fingerprint ").unwrap();
        let (_, digest) = digest.split_once('>').unwrap();
        let bytes = digest[..95]
            .split(':')
            .map(|byte| u8::from_str_radix(byte, 16).unwrap());
        let mut direct = wire.rtc.direct_api();
        direct.set_remote_ice_credentials(IceCreds {
            ufrag: attribute(&transport, "ufrag"),
            pass: attribute(&transport, "pwd"),
        });
        // The browser answers, so it does not nominate.
        direct.set_ice_controlling(false);
        direct.set_remote_fingerprint(Fingerprint {
            hash_func: "sha-256".to_owned(),
            bytes: bytes.collect(),
        });
        direct.start_dtls(true).unwrap();
        let own = direct.local_dtls_fingerprint().clone();
        direct.enable_twcc_feedback();
        let (audio, video) = (Mid::from("a"), Mid::from("v"));
        direct.declare_media(audio, MediaKind::Audio);
        direct.declare_media(video, MediaKind::Video);
        let base = self.first_ssrc;
        direct.declare_stream_tx(base.into(), None, audio, None);
        wire.send(base, 111, None);
        for (layer, rid) in ["q", "h", "f"].into_iter().enumerate() {
            let ssrc = base + 10 + layer as u32;
            let mut direct = wire.rtc.direct_api();
            direct.declare_stream_tx(ssrc.into(), Some((ssrc + 10).into()), video, Some(rid.into()));
            wire.send(ssrc, 100, Some(layer as u8));
        }
        for candidate in transport.split("<candidate ").skip(1) {
            let part = format!(" {candidate}");
            let text = format!(
                "candidate:{} 1 {} {} {} {} typ host",
                attribute(&part, "foundation"),
                attribute(&part, "protocol"),
                attribute(&part, "priority"),
                attribute(&part, "ip"),
                attribute(&part, "port"),
            );
            let (content, _) = candidate.split_once("</transport>").unwrap_or((candidate, ""));
            wire.rtc
                .add_remote_candidate(Candidate::from_sdp_string(&text).unwrap());
            if content.len() < candidate.len() {
                break;
            }
        }
        self.wire = Some(wire);
        let digest: Vec<String> = own.bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        self.send_accept(&attribute(&offer, "sid"), &digest.join(":"))
            .await;
        self.open_bridge().await;
    }

    async fn send_accept(&mut self, sid: &str, digest: &str) {
        let nick = self.nick();
        let base = self.first_ssrc;
        let ssma = "urn:xmpp:jingle:apps:rtp:ssma:0";
        let source =
            |ssrc: u32, name: &str| format!("<source xmlns='{ssma}' ssrc='{ssrc}' name='{nick}-{name}'/>");
        let member = |ssrc: u32| format!("<source ssrc='{ssrc}'/>");
        let group = |semantics: &str, ssrcs: &[u32]| {
            let members: String = ssrcs.iter().map(|ssrc| member(*ssrc)).collect();
            format!("<ssrc-group xmlns='{ssma}' semantics='{semantics}'>{members}</ssrc-group>")
        };
        let layers: Vec<u32> = (0..3).map(|layer| base + 10 + layer).collect();
        let mut video: String = layers
            .iter()
            .flat_map(|ssrc| [source(*ssrc, "v0"), source(ssrc + 10, "v0")])
            .collect();
        video += &group("SIM", &layers);
        for ssrc in &layers {
            video += &group("FID", &[*ssrc, ssrc + 10]);
        }
        let transport = format!(
            "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='{UFRAG}' pwd='{PWD}'><fingerprint \
             xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256' setup='active'>{digest}</fingerprint></transport>"
        );
        let content = |name: &str, sources: &str| {
            format!(
                "<content creator='initiator' name='{name}' senders='both'><description \
                 xmlns='urn:xmpp:jingle:apps:rtp:1' media='{name}'>{sources}</description>{transport}</content>"
            )
        };
        let text = format!(
            "<iq xmlns='jabber:client' type='set' id='accept' to='{ROOM}/focus'><jingle xmlns='urn:xmpp:jingle:1' \
             action='session-accept' sid='{sid}'>{}{}</jingle></iq>",
            content("audio", &source(base, "a0")),
            content("video", &video),
        );
        self.client.send(&text).await;
    }

    fn take_bridge(&mut self, message: &Value) {
        let class = message["colibriClass"].as_str().unwrap();
        if class != "AudioSourcesMap" && class != "VideoSourcesMap" {
            return;
        }
        assert!(self.rewriting);
        for entry in message["mappedSources"].as_array().unwrap() {
            let number = |name: &str| {
                entry[name]
                    .as_u64()
                    .map(|ssrc| ssrc as u32)
                    .filter(|ssrc| *ssrc > 0)
            };
            let source = Source {
                ssrc: number("ssrc").unwrap(),
                rtx: number("rtx"),
                owner: entry["owner"].as_str().unwrap().to_owned(),
            };
            self.know(entry["source"].as_str().unwrap(), source);
        }
    }

    fn take_sources(&mut self, text: &str) {
        assert!(!self.rewriting);
        let (_, rest) = text.split_once("<json-message").unwrap();
        let (_, rest) = rest.split_once('>').unwrap();
        let json = rest.split_once('<').unwrap().0.replace("&quot;", "\"");
        let message: Value = serde_json::from_str(&json).unwrap();
        for (owner, sets) in message["sources"].as_object().unwrap() {
            for (place, groups) in [(0, 1), (2, 3)] {
                let Some(first) = sets[place].as_array().and_then(|sources| sources.first()) else {
                    continue;
                };
                let name = first["n"].as_str().unwrap().to_owned();
                if text.contains("source-remove") {
                    self.sources.remove(&name);
                    continue;
                }
                let ssrc = first["s"].as_u64().unwrap() as u32;
                let group = sets[groups].as_array().and_then(|groups| groups.first());
                let rtx = group.and_then(|group| group[2].as_u64()).map(|rtx| rtx as u32);
                let owner = owner.clone();
                self.know(&name, Source { ssrc, rtx, owner });
            }
        }
    }

    fn know(&mut self, name: &str, source: Source) {
        if self.sources.get(name) == Some(&source) {
            return;
        }
        let kind = if name.contains("-a") {
            MediaKind::Audio
        } else {
            MediaKind::Video
        };
        let mid = Mid::from(&*format!("r{}", source.ssrc));
        let mut direct = self.wire.as_mut().unwrap().rtc.direct_api();
        direct.declare_media(mid, kind);
        direct.expect_stream_rx(source.ssrc.into(), source.rtx.map(Into::into), mid, None);
        self.sources.insert(name.to_owned(), source);
    }

    /// Says how pictures are wanted.
    pub async fn want(&mut self, source: &str, height: i32) {
        self.say_bridge(json!({
            "colibriClass": "ReceiverVideoConstraints",
            "lastN": -1,
            "onStageSources": [source],
            "defaultConstraints": { "maxHeight": 180 },
            "constraints": { source: { "maxHeight": height } },
        }))
        .await;
    }
}
