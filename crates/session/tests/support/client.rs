use std::net::SocketAddr;
use std::time::Instant;

use str0m::bwe::Bitrate;
use str0m::channel::{ChannelConfig, ChannelId, Reliability};
use str0m::config::Fingerprint as RtcFingerprint;
use str0m::format::{Codec as RtcCodec, CodecConfig, CodecSpec as RtcCodecSpec, FormatParams, PayloadParams};
use str0m::media::{Frequency, KeyframeRequestKind, MediaKind as RtcKind};
use str0m::net::{Protocol, Receive, TcpType};
use str0m::rtp::{Extension as RtcExtension, ExtensionMap, ExtensionValues, RtpPacket, RtpWrite};
use str0m::{Candidate as RtcCandidate, Event, IceCreds, Input, Output, Rtc, RtcConfig};
use tertulia_model::{
    Candidate, Codec, CodecSpec, DataSpec, Direction, DtlsRole, EncodingSpec, Extension, ExtensionSpec,
    Feedback, Fingerprint, IceCredentials, MediaKind, MediaSpec, Mid, PeerSpec, Rid, TransportProtocol,
};

pub fn rid(text: &str) -> Rid {
    Rid::parse(text).unwrap()
}

/// One section as the client sees it.
#[derive(Debug, Clone)]
pub struct Section {
    pub mid: Mid,
    pub kind: MediaKind,
    pub direction: Direction,
    pub stopped: bool,
    pub rids: Vec<Rid>,
    /// SSRC and that of its retransmissions, one per encoding.
    pub ssrcs: Vec<(u32, Option<u32>)>,
    pub track_id: Option<String>,
    /// SSRC announced by the other side.
    pub remote_ssrc: Option<u32>,
    /// How many packets each encoding has sent.
    pub sent: Vec<u64>,
}

/// A libwebrtc-like client on the library's own peer connection.
pub struct Client {
    pub rtc: Rtc,
    pub addr: SocketAddr,
    pub ice: IceCredentials,
    pub sections: Vec<Section>,
    pub data: bool,
    pub connected: bool,
    pub received: Vec<RtpPacket>,
    pub keyframe_requests: Vec<str0m::media::KeyframeRequest>,
    pub open: Vec<(ChannelId, String)>,
    pub messages: Vec<(String, Vec<u8>)>,
    pub closed: bool,
    now: Instant,
    started: bool,
    next_ssrc: u32,
    candidates: Vec<RtcCandidate>,
    protocol: Protocol,
}

pub fn codec(payload_type: u8, rtx: Option<u8>, codec: Codec, fmtp: &str) -> CodecSpec {
    let video = codec.kind() == MediaKind::Video;
    CodecSpec {
        payload_type,
        codec,
        clock_rate: codec.clock_rate(),
        channels: if matches!(codec, Codec::Opus | Codec::Red) {
            2
        } else {
            1
        },
        fmtp: fmtp.to_owned(),
        rtx,
        feedback: if video {
            vec![
                Feedback::Remb,
                Feedback::TransportCc,
                Feedback::Fir,
                Feedback::Nack,
                Feedback::Pli,
            ]
        } else {
            vec![Feedback::TransportCc]
        },
    }
}

pub fn codecs(kind: MediaKind) -> Vec<CodecSpec> {
    match kind {
        MediaKind::Audio => vec![
            codec(111, None, Codec::Opus, "minptime=10;useinbandfec=1"),
            codec(63, None, Codec::Red, "111/111"),
        ],
        MediaKind::Video => vec![
            codec(96, Some(97), Codec::Vp8, ""),
            codec(
                102,
                Some(103),
                Codec::H264,
                "packetization-mode=1;profile-level-id=42001f",
            ),
            codec(
                108,
                Some(109),
                Codec::H264,
                "packetization-mode=1;profile-level-id=42e01f",
            ),
            codec(98, Some(99), Codec::Vp9, "profile-id=0"),
        ],
    }
}

fn extensions(kind: MediaKind) -> Vec<ExtensionSpec> {
    let common = [
        (2, Extension::AbsSendTime),
        (3, Extension::TransportCc),
        (4, Extension::Mid),
    ];
    let own: &[(u8, Extension)] = match kind {
        MediaKind::Audio => &[(1, Extension::AudioLevel)],
        MediaKind::Video => &[
            (10, Extension::RtpStreamId),
            (11, Extension::RepairedRtpStreamId),
            (13, Extension::VideoOrientation),
        ],
    };
    common
        .iter()
        .chain(own)
        .map(|(id, extension)| ExtensionSpec {
            id: *id,
            extension: *extension,
        })
        .collect()
}

fn rtc_config() -> RtcConfig {
    let params = [
        (111, None, RtcCodec::Opus, Frequency::FORTY_EIGHT_KHZ, Some(2)),
        (63, None, RtcCodec::Opus, Frequency::FORTY_EIGHT_KHZ, Some(2)),
        (96, Some(97), RtcCodec::Vp8, Frequency::NINETY_KHZ, None),
        (108, Some(109), RtcCodec::H264, Frequency::NINETY_KHZ, None),
        (98, Some(99), RtcCodec::Vp9, Frequency::NINETY_KHZ, None),
    ]
    .into_iter()
    .map(
        |(pt, rtx, codec, clock_rate, channels): (u8, Option<u8>, _, _, _)| {
            let spec = RtcCodecSpec {
                codec,
                clock_rate,
                channels,
                format: FormatParams::default(),
            };
            PayloadParams::new(pt.into(), rtx.map(Into::into), spec)
        },
    )
    .collect();
    let mut map = ExtensionMap::empty();
    for (id, extension) in [
        (1, RtcExtension::AudioLevel),
        (2, RtcExtension::AbsoluteSendTime),
        (3, RtcExtension::TransportSequenceNumber),
        (4, RtcExtension::RtpMid),
        (10, RtcExtension::RtpStreamId),
        (11, RtcExtension::RepairedRtpStreamId),
        (13, RtcExtension::VideoOrientation),
    ] {
        map.set(id, extension);
    }
    let mut config = RtcConfig::new()
        .set_crypto_provider(std::sync::Arc::new(str0m::crypto::from_feature_flags()))
        .set_rtp_mode(true)
        .set_extension_map(map)
        .enable_bwe(Some(Bitrate::kbps(2_000)));
    *config.codec_config() = CodecConfig::new_from_payload_params(params);
    config
}

impl Client {
    pub fn new(now: Instant) -> Self {
        let ice = IceCredentials {
            ufrag: "clnt".into(),
            pwd: "abcdefabcdefabcdefabcdef".into(),
        };
        let addr: SocketAddr = "198.51.100.7:40000".parse().unwrap();
        let mut rtc = rtc_config()
            .set_local_ice_credentials(IceCreds {
                ufrag: ice.ufrag.clone(),
                pass: ice.pwd.clone(),
            })
            .build(now);
        let local = RtcCandidate::host(addr, Protocol::Udp).unwrap();
        rtc.add_local_candidate(local.clone());
        rtc.bwe().set_bitrate(Bitrate::ZERO, Bitrate::kbps(2_000));
        rtc.direct_api().enable_twcc_feedback();
        Self {
            rtc,
            addr,
            ice,
            sections: Vec::new(),
            data: true,
            connected: false,
            received: Vec::new(),
            keyframe_requests: Vec::new(),
            open: Vec::new(),
            messages: Vec::new(),
            closed: false,
            now,
            started: false,
            next_ssrc: 1_000,
            candidates: vec![local],
            protocol: Protocol::Udp,
        }
    }

    /// Has a candidate of TCP in place of that of UDP; the session is the passive side.
    pub fn use_tcp(&mut self) {
        self.protocol = Protocol::Tcp;
        let mut direct = self.rtc.direct_api();
        for candidate in self.candidates.drain(..) {
            direct.invalidate_candidate(&candidate);
        }
        let local = RtcCandidate::builder()
            .tcp()
            .host(self.addr)
            .tcptype(TcpType::Active)
            .build()
            .unwrap();
        self.rtc.add_local_candidate(local.clone());
        self.candidates.push(local);
    }

    /// Adds a section and gives its index among the media sections.
    pub fn add(&mut self, kind: MediaKind, direction: Direction, rids: &[&str]) -> usize {
        let index = self.sections.len();
        let encodings = rids.len().max(1);
        let mut ssrcs = Vec::new();
        if direction.sends() {
            for _ in 0..encodings {
                let rtx = (kind == MediaKind::Video).then_some(self.next_ssrc + 1);
                ssrcs.push((self.next_ssrc, rtx));
                self.next_ssrc += 2;
            }
        }
        let section = Section {
            mid: Mid::parse(&format!("m{index}")).unwrap(),
            kind,
            direction,
            stopped: false,
            rids: rids.iter().map(|text| rid(text)).collect(),
            sent: vec![0; ssrcs.len()],
            ssrcs,
            track_id: direction.sends().then(|| format!("cid-{index}")),
            remote_ssrc: None,
        };
        self.declare(&section);
        self.sections.push(section);
        index
    }

    fn declare(&mut self, section: &Section) {
        let mid = section.mid.as_str().into();
        let kind = if section.kind == MediaKind::Audio {
            RtcKind::Audio
        } else {
            RtcKind::Video
        };
        let mut direct = self.rtc.direct_api();
        direct.declare_media(mid, kind);
        for (index, (ssrc, rtx)) in section.ssrcs.iter().enumerate() {
            let rid = section.rids.get(index).map(|rid| rid.as_str().into());
            direct.declare_stream_tx((*ssrc).into(), rtx.map(Into::into), mid, rid);
        }
    }

    /// Three sections of each kind to receive on, as LiveKit clients offer at first.
    pub fn add_receiving(&mut self, audio: usize, video: usize) {
        for _ in 0..audio {
            self.add(MediaKind::Audio, Direction::RecvOnly, &[]);
        }
        for _ in 0..video {
            self.add(MediaKind::Video, Direction::RecvOnly, &[]);
        }
    }

    fn describe(&mut self, dtls_role: DtlsRole) -> PeerSpec {
        let own = self.rtc.direct_api().local_dtls_fingerprint().clone();
        let text = self.candidates[0].to_sdp_string();
        PeerSpec {
            ice: self.ice.clone(),
            ice_lite: false,
            candidates: vec![Candidate {
                text: text.trim_start_matches("candidate:").to_owned(),
                address: Some(self.addr),
                protocol: if self.protocol == Protocol::Tcp {
                    TransportProtocol::Tcp
                } else {
                    TransportProtocol::Udp
                },
            }],
            fingerprint: Fingerprint {
                hash: own.hash_func,
                bytes: own.bytes,
            },
            dtls_role,
            media: Vec::new(),
            data: None,
        }
    }

    pub fn offer(&mut self) -> PeerSpec {
        let mut offer = self.describe(DtlsRole::Either);
        for (index, section) in self.sections.iter().enumerate() {
            offer.media.push(MediaSpec {
                mid: section.mid.clone(),
                index,
                kind: section.kind,
                direction: section.direction,
                stopped: section.stopped,
                codecs: codecs(section.kind),
                extensions: extensions(section.kind),
                encodings: if !section.direction.sends() {
                    Vec::new()
                } else if section.rids.is_empty() {
                    section
                        .ssrcs
                        .iter()
                        .map(|(ssrc, rtx)| EncodingSpec {
                            ssrc: Some(*ssrc),
                            rtx_ssrc: *rtx,
                            rid: None,
                        })
                        .collect()
                } else {
                    section
                        .rids
                        .iter()
                        .map(|rid| EncodingSpec {
                            rid: Some(rid.clone()),
                            ..EncodingSpec::default()
                        })
                        .collect()
                },
                stream_id: section.track_id.as_ref().map(|_| "stream".to_owned()),
                track_id: section.track_id.clone(),
            });
        }
        if self.data {
            offer.data = Some(DataSpec {
                mid: Mid::parse("data").unwrap(),
                index: self.sections.len(),
                port: 5_000,
                max_message_size: 262_144,
                stopped: false,
            });
        }
        offer
    }

    pub fn accept_answer(&mut self, answer: &PeerSpec) {
        self.take_transport(answer, true);
        for spec in &answer.media {
            self.take_section(spec);
        }
    }

    /// Answers an offer of the session, whose sections the client then takes for its own.
    pub fn accept_offer(&mut self, offer: &PeerSpec) -> PeerSpec {
        self.take_transport(offer, false);
        for spec in &offer.media {
            if !self.sections.iter().any(|section| section.mid == spec.mid) {
                let section = Section {
                    mid: spec.mid.clone(),
                    kind: spec.kind,
                    direction: spec.direction.reversed(),
                    stopped: false,
                    rids: Vec::new(),
                    ssrcs: Vec::new(),
                    track_id: None,
                    remote_ssrc: None,
                    sent: Vec::new(),
                };
                self.declare(&section);
                self.sections.push(section);
            }
            self.take_section(spec);
        }
        let mut answer = self.describe(DtlsRole::Client);
        answer.media = offer
            .media
            .iter()
            .map(|spec| MediaSpec {
                direction: spec.direction.reversed(),
                encodings: Vec::new(),
                stream_id: None,
                track_id: None,
                codecs: spec.codecs.clone(),
                ..spec.clone()
            })
            .collect();
        answer.data = offer.data.clone();
        answer
    }

    fn take_transport(&mut self, spec: &PeerSpec, _answered: bool) {
        let mut direct = self.rtc.direct_api();
        direct.set_remote_ice_credentials(IceCreds {
            ufrag: spec.ice.ufrag.clone(),
            pass: spec.ice.pwd.clone(),
        });
        if !self.started {
            self.started = true;
            direct.set_ice_controlling(true);
            direct.set_remote_fingerprint(RtcFingerprint {
                hash_func: spec.fingerprint.hash.clone(),
                bytes: spec.fingerprint.bytes.clone(),
            });
            direct.start_dtls(true).unwrap();
            if spec.data.is_some() {
                direct.start_sctp(true);
            }
        }
        for candidate in &spec.candidates {
            let text = format!("candidate:{}", candidate.text);
            self.rtc
                .add_remote_candidate(RtcCandidate::from_sdp_string(&text).unwrap());
        }
    }

    fn take_section(&mut self, spec: &MediaSpec) {
        let Some(section) = self.sections.iter_mut().find(|section| section.mid == spec.mid) else {
            return;
        };
        let announced = spec
            .encodings
            .first()
            .filter(|_| spec.direction.sends() && !spec.stopped);
        let ssrc = announced.and_then(|encoding| encoding.ssrc);
        if section.remote_ssrc == ssrc {
            return;
        }
        let mut direct = self.rtc.direct_api();
        if let Some(old) = section.remote_ssrc.take() {
            direct.remove_stream_rx(old.into());
        }
        if let Some(encoding) = announced
            && let Some(ssrc) = encoding.ssrc
        {
            let mid = section.mid.as_str().into();
            direct.expect_stream_rx(ssrc.into(), encoding.rtx_ssrc.map(Into::into), mid, None);
            section.remote_ssrc = Some(ssrc);
        }
    }

    /// New ICE credentials, and a new address with them where one is given.
    pub fn restart_ice(&mut self, ufrag: &str, addr: Option<SocketAddr>) {
        self.ice = IceCredentials {
            ufrag: ufrag.to_owned(),
            pwd: "fedcbafedcbafedcbafedcba".into(),
        };
        let creds = IceCreds {
            ufrag: self.ice.ufrag.clone(),
            pass: self.ice.pwd.clone(),
        };
        let mut direct = self.rtc.direct_api();
        direct.set_local_ice_credentials(creds);
        let Some(addr) = addr else {
            return;
        };
        for candidate in self.candidates.drain(..) {
            direct.invalidate_candidate(&candidate);
        }
        self.addr = addr;
        let local = RtcCandidate::host(addr, Protocol::Udp).unwrap();
        self.rtc.add_local_candidate(local.clone());
        self.candidates.push(local);
    }

    pub fn open_channel(&mut self, label: &str, ordered: bool) {
        let reliability = if ordered {
            Reliability::Reliable
        } else {
            Reliability::MaxRetransmits { retransmits: 0 }
        };
        self.rtc.direct_api().create_data_channel(ChannelConfig {
            label: label.to_owned(),
            ordered,
            reliability,
            ..ChannelConfig::default()
        });
    }

    pub fn send_message(&mut self, label: &str, contents: &[u8]) -> bool {
        let id = self.open.iter().find(|(_, open)| open == label).unwrap().0;
        self.rtc.channel(id).unwrap().write(true, contents).unwrap()
    }

    /// Wants to send so much, and looks for a path that carries it.
    pub fn want_bitrate(&mut self, kbps: u64) {
        self.rtc.bwe().set_bitrate(Bitrate::ZERO, Bitrate::kbps(kbps));
    }

    /// Sends the next packet of an encoding: a picture or sound of its own.
    pub fn send(&mut self, section: usize, encoding: usize, payload_type: u8, payload: &[u8]) {
        let step = if self.sections[section].kind == MediaKind::Audio {
            960
        } else {
            3_000
        };
        let count = u32::try_from(self.sections[section].sent[encoding]).unwrap();
        let timestamp = 10_000 + count * step;
        self.send_part((section, encoding), payload_type, payload, timestamp, true);
    }

    /// Sends the next packet of an encoding, by sections and encodings; `last` is whether it ends its picture.
    pub fn send_part(
        &mut self,
        (section, encoding): (usize, usize),
        payload_type: u8,
        payload: &[u8],
        timestamp: u32,
        last: bool,
    ) {
        let section = &mut self.sections[section];
        let count = section.sent[encoding];
        section.sent[encoding] += 1;
        let values = ExtensionValues {
            audio_level: (section.kind == MediaKind::Audio).then_some(-20),
            voice_activity: Some(true),
            video_orientation: (section.kind == MediaKind::Video && last)
                .then_some(str0m::rtp::VideoOrientation::Deg90),
            ..ExtensionValues::default()
        };
        let write = RtpWrite::new(
            payload_type.into(),
            (1_000 + count).into(),
            timestamp,
            self.now,
            payload.to_vec(),
        )
        .marker(last)
        .nackable(section.kind == MediaKind::Video)
        .ext_vals(values);
        let ssrc = section.ssrcs[encoding].0;
        self.rtc
            .direct_api()
            .stream_tx(&ssrc.into())
            .unwrap()
            .write_rtp(write);
    }

    pub fn request_keyframe(&mut self, section: usize) {
        let ssrc = self.sections[section].remote_ssrc.unwrap();
        self.rtc
            .direct_api()
            .stream_rx(&ssrc.into())
            .unwrap()
            .request_keyframe(KeyframeRequestKind::Pli);
    }

    pub fn timeout(&mut self, now: Instant) {
        self.now = now;
        self.rtc.handle_input(Input::Timeout(now)).unwrap();
    }

    pub fn receive(&mut self, source: SocketAddr, contents: &[u8], now: Instant) {
        self.now = now;
        let received = Receive::new(self.protocol, source, self.addr, contents).unwrap();
        self.rtc.handle_input(Input::Receive(now, received)).unwrap();
    }

    pub fn drain(&mut self) -> (Instant, Vec<(SocketAddr, Vec<u8>)>) {
        let mut sent = Vec::new();
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(at) => return (at, sent),
                Output::Transmit(transmit) => sent.push((transmit.source, transmit.contents.to_vec())),
                Output::Event(event) => self.note(event),
            }
        }
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Connected => self.connected = true,
            Event::RtpPacket(packet) => self.received.push(packet),
            Event::KeyframeRequest(request) => self.keyframe_requests.push(request),
            Event::ChannelOpen(id, label) => self.open.push((id, label)),
            Event::ChannelData(data) => {
                let label = self.open.iter().find(|(id, _)| *id == data.id).unwrap().1.clone();
                self.messages.push((label, data.data));
            }
            Event::Closed => self.closed = true,
            _ => {}
        }
    }
}
