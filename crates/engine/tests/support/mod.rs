//! Clients on str0m and real sockets, in one connection each, without a door between them and the engine.

#![allow(dead_code, reason = "each of the tests uses a part of it")]

pub mod house;
pub mod picture;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::channel::ChannelId;
use str0m::format::Codec as RtcCodec;
use str0m::media::{Direction, MediaKind as Kind, Mid, Simulcast, SimulcastLayer};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpPacket, RtpWrite};
use str0m::{Candidate, Event as RtcEvent, Input, Output, Rtc, RtcConfig};
use tertulia_engine::{
    AdvertisedAddress, ChannelLabel, Engine, EngineConfig, Joined, PeerEvent, Reach, RoomHandle, Spread,
};
use tertulia_model::{
    Bitrate, Codec, Layer, MediaKind, ParticipantId, Quality, RoomName, Source, TrackId, VideoSize,
};
use tertulia_room::{
    Actor, AudioFeatures, CodecQualities, Command, Event, NewTrack, Reply, SimulcastCodec, Speaker,
    TrackEncryption,
};

pub mod way;

use way::Way;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// How long anything expected may take.
const PATIENCE: Duration = Duration::from_secs(40);
/// The clients' clock: a packet of sound, a picture of each layer.
const BEAT: Duration = Duration::from_millis(20);
const RIDS: [&str; 3] = ["q", "h", "f"];

pub fn engine(workers: usize) -> Engine {
    engine_with(workers, Reach::default())
}

pub fn engine_with(workers: usize, reach: Reach) -> Engine {
    engine_at(LOOPBACK, &[LOOPBACK], 0, workers, reach)
}

pub fn engine_at(bind: IpAddr, addresses: &[IpAddr], udp_port: u16, workers: usize, reach: Reach) -> Engine {
    let told = |address: &IpAddr| AdvertisedAddress {
        public: *address,
        local: *address,
        udp_port: None,
        tcp_port: None,
    };
    let tcp_port = reach.turn.as_ref().map(|_| 0);
    let advertised = addresses.iter().map(told).collect();
    engine_from(bind, advertised, udp_port, tcp_port, workers, reach)
}

pub fn engine_from(
    bind: IpAddr,
    advertised: Vec<AdvertisedAddress>,
    udp_port: u16,
    tcp_port: Option<u16>,
    workers: usize,
    reach: Reach,
) -> Engine {
    Engine::start(EngineConfig {
        workers,
        bind,
        udp_port,
        tcp_port,
        reach,
        advertised,
        initial_bitrate: Bitrate::from_kbps(2_000),
        connect_timeout: Duration::from_secs(60),
        // The second of a room is hosted elsewhere, the third at home, and so on.
        spread: Spread {
            participants: 1,
            sessions: 1,
        },
        ..house::settings()
    })
    .unwrap()
}

pub async fn room(engine: &Engine) -> RoomHandle {
    let name = RoomName::parse("weekly").unwrap();
    engine.open_room(&name, None).await.unwrap()
}

/// What a client received of one track.
#[derive(Debug, Default, Clone, Copy)]
pub struct Seen {
    pub packets: usize,
    /// Layer of the last picture, and its codec.
    pub layer: u8,
    pub codec: Option<Codec>,
    /// Whether the first packet began a keyframe, and the first of every other codec since.
    pub began_at_keyframe: bool,
    /// How often the codec changed.
    pub changes: usize,
    /// Packets that were expected between those received.
    pub missing: u64,
    /// Timestamps that went back though the sequence number rose.
    pub turned_back: usize,
    last: Option<(u64, u32)>,
}

struct Sent {
    mid: Mid,
    codec: Codec,
    sequences: [u64; 3],
    frame: u32,
    key_wanted: [bool; 3],
    /// The encodings that are sent.
    made: [bool; 3],
    muted: bool,
}

/// What an offer is to send: a track in a codec, and its name.
struct ToSend {
    track: TrackId,
    codec: Codec,
    cid: String,
}

/// What is offered, and the sections it is offered in.
type Offered = Vec<(ToSend, Mid)>;

pub struct Client {
    rtc: Rtc,
    pub way: Way,
    room: RoomHandle,
    pub joined: Joined,
    pending: Option<(SdpPendingOffer, Offered)>,
    /// Sections to add with the next offer, and tracks to send.
    wanted: (usize, usize),
    to_send: Vec<ToSend>,
    offer_due: bool,
    version: u64,
    sent: BTreeMap<(TrackId, Codec), Sent>,
    /// What is wanted of the tracks sent, as last told.
    pub demands: BTreeMap<TrackId, Vec<CodecQualities>>,
    bindings: BTreeMap<String, TrackId>,
    pub seen: BTreeMap<TrackId, Seen>,
    pub connected: bool,
    channels: Vec<(ChannelId, String)>,
    /// What came down the data channels, and what the room's door was given of this client's own.
    pub messages: Vec<Vec<u8>>,
    pub told: Vec<Vec<u8>>,
    pub speakers: Vec<Speaker>,
    pub events: Vec<String>,
    pub gone: bool,
}

impl Client {
    /// Joins as somebody who has VP8.
    pub async fn join(room: &RoomHandle, identity: &str) -> Self {
        Self::join_with(room, identity, &[Codec::Vp8]).await
    }

    /// Joins as somebody who has these codecs for pictures.
    pub async fn join_with(room: &RoomHandle, identity: &str, codecs: &[Codec]) -> Self {
        Self::enter(room, identity, codecs, async |_| Way::straight().await).await
    }

    /// Brings somebody in whose packets travel another way.
    pub async fn join_by(room: &RoomHandle, identity: &str, way: impl AsyncFnOnce(&Joined) -> Way) -> Self {
        Self::enter(room, identity, &[Codec::Vp8], way).await
    }

    async fn enter(
        room: &RoomHandle,
        identity: &str,
        codecs: &[Codec],
        way: impl AsyncFnOnce(&Joined) -> Way,
    ) -> Self {
        let joined = room
            .join(house::newcomer(identity), house::one_connection())
            .await
            .unwrap();
        let way = way(&joined).await;
        let mut rtc = RtcConfig::new()
            .set_crypto_provider(std::sync::Arc::new(str0m::crypto::from_feature_flags()))
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(codecs.contains(&Codec::Vp8))
            .enable_vp9(codecs.contains(&Codec::Vp9))
            .build(Instant::now());
        rtc.add_local_candidate(Candidate::host(way.address(), Protocol::Udp).unwrap());
        Self {
            rtc,
            way,
            room: room.clone().for_participant(&joined),
            joined,
            pending: None,
            wanted: (1, 1),
            to_send: Vec::new(),
            offer_due: true,
            version: 0,
            sent: BTreeMap::new(),
            demands: BTreeMap::new(),
            bindings: BTreeMap::new(),
            seen: BTreeMap::new(),
            connected: false,
            channels: Vec::new(),
            messages: Vec::new(),
            told: Vec::new(),
            speakers: Vec::new(),
            events: Vec::new(),
            gone: false,
        }
    }

    pub fn id(&self) -> &ParticipantId {
        &self.joined.participant.id
    }

    pub fn actor(&self) -> Actor {
        Actor::Participant(self.id().clone())
    }

    /// Announces a microphone or a camera with three layers, and sends it from the next offer on.
    pub async fn publish(&mut self, kind: MediaKind) -> TrackId {
        let cid = format!("{}-{kind:?}", self.joined.participant.name);
        let codec = match kind {
            MediaKind::Audio => Codec::Opus,
            MediaKind::Video => Codec::Vp8,
        };
        self.announce(new_track(kind, &cid), codec).await
    }

    /// Announces a camera in the first of several codecs. What is wanted in the others is sent when it is.
    pub async fn publish_in(&mut self, codecs: &[Codec], policy: i32) -> TrackId {
        let cid = format!("{}-camera", self.joined.participant.name);
        let announced = |(place, codec): (usize, &Codec)| SimulcastCodec {
            codec: *codec,
            cid: if place == 0 { cid.clone() } else { String::new() },
            layers: Vec::new(),
        };
        let track = NewTrack {
            codecs: codecs.iter().enumerate().map(announced).collect(),
            backup_codec_policy: policy,
            ..new_track(MediaKind::Video, &cid)
        };
        self.announce(track, codecs[0]).await
    }

    async fn announce(&mut self, track: NewTrack, codec: Codec) -> TrackId {
        let cid = track.cid.clone();
        let publish = Command::Publish(Box::new(track));
        let Ok(Reply::Track(published)) = self.room.command(self.actor(), publish).await else {
            panic!("the track was refused");
        };
        let track = published.id;
        self.to_send.push(ToSend {
            track: track.clone(),
            codec,
            cid,
        });
        self.offer_due = true;
        track
    }

    /// Sends what is wanted of each codec, and no more; announces codecs that were not sent before.
    async fn obey(&mut self) {
        for (track, codecs) in self.demands.clone() {
            for CodecQualities { codec, wanted } in codecs {
                if let Some(sent) = self.sent.get_mut(&(track.clone(), codec)) {
                    sent.made = wanted;
                } else if wanted.contains(&true)
                    && self.sent.keys().any(|(known, _)| *known == track)
                    && !self.to_send.iter().any(|waiting| waiting.codec == codec)
                {
                    let cid = format!("{}-{codec:?}", self.joined.participant.name);
                    let backup = NewTrack {
                        existing: Some(track.clone()),
                        codecs: vec![SimulcastCodec {
                            codec,
                            cid: cid.clone(),
                            layers: Vec::new(),
                        }],
                        ..new_track(MediaKind::Video, &cid)
                    };
                    self.announce(backup, codec).await;
                }
            }
        }
    }

    pub async fn set_muted(&mut self, track: &TrackId, muted: bool) {
        let command = Command::SetMuted {
            track: track.clone(),
            muted,
        };
        self.room.command(self.actor(), command).await.unwrap();
        for (_, sent) in self.sent.iter_mut().filter(|((sent, _), _)| sent == track) {
            sent.muted = muted;
        }
    }

    pub async fn message_from_server(&self, contents: &'static [u8]) {
        let contents = contents.into();
        self.room
            .send_channel(self.id(), ChannelLabel::Reliable, contents)
            .await;
    }

    pub fn message_to_server(&mut self, contents: &[u8]) {
        let (id, _) = self
            .channels
            .iter()
            .find(|(_, label)| label == "_reliable")
            .unwrap();
        let mut channel = self.rtc.channel(*id).unwrap();
        channel.write(true, contents).unwrap();
    }

    pub fn channel_open(&self) -> bool {
        self.channels.iter().any(|(_, label)| label == "_reliable")
    }

    pub fn count(&self, track: &TrackId) -> usize {
        self.seen.get(track).map_or(0, |seen| seen.packets)
    }

    pub fn layer(&self, track: &TrackId) -> Option<u8> {
        self.seen.get(track).map(|seen| seen.layer)
    }

    async fn turn(&mut self, beat: bool) {
        self.listen();
        if self.gone {
            return;
        }
        self.obey().await;
        self.negotiate().await;
        let address = self.way.address();
        while let Some((contents, source)) = self.way.receive() {
            if let Ok(received) = Receive::new(Protocol::Udp, source, address, &contents) {
                let input = Input::Receive(Instant::now(), received);
                self.rtc.handle_input(input).unwrap();
                self.drain();
            }
        }
        if beat && self.connected {
            self.encode();
        }
        self.rtc.handle_input(Input::Timeout(Instant::now())).unwrap();
        self.drain();
    }

    fn listen(&mut self) {
        loop {
            match self.joined.events.try_recv() {
                Ok(PeerEvent::SectionsNeeded { audio, video }) => {
                    self.wanted.0 += audio;
                    self.wanted.1 += video;
                    self.offer_due = true;
                }
                Ok(PeerEvent::Channel { contents, .. }) => self.told.push(contents.to_vec()),
                Ok(PeerEvent::Room(event)) => match &*event {
                    Event::QualitiesWanted { track, codecs } => {
                        self.demands.insert(track.clone(), codecs.clone());
                    }
                    Event::SpeakersChanged(speakers) => self.speakers.extend(speakers.iter().cloned()),
                    Event::Expelled(reason) => self.events.push(format!("expelled: {reason:?}")),
                    Event::ParticipantLeft(who, _) => self.events.push(format!("left: {}", who.name)),
                    _ => {}
                },
                Ok(_) => {}
                Err(tokio::sync::mpsc::error::TryRecvError::Empty) => return,
                Err(tokio::sync::mpsc::error::TryRecvError::Disconnected) => {
                    self.gone = true;
                    return;
                }
            }
        }
    }

    async fn negotiate(&mut self) {
        if !std::mem::take(&mut self.offer_due) {
            return;
        }
        let mut change = self.rtc.sdp_api();
        let (audio, video) = std::mem::take(&mut self.wanted);
        if self.version == 0 {
            change.add_channel("_reliable".to_owned());
        }
        // str0m offers nothing where nothing changes.
        let audio = if audio + video + self.to_send.len() == 0 {
            1
        } else {
            audio
        };
        for _ in 0..audio {
            change.add_media(Kind::Audio, Direction::RecvOnly, None, None, None);
        }
        for _ in 0..video {
            change.add_media(Kind::Video, Direction::RecvOnly, None, None, None);
        }
        let mut sending = Vec::new();
        for wanted in self.to_send.drain(..) {
            let kind = kind_of(wanted.codec);
            let simulcast = (kind == Kind::Video).then(|| {
                let mut simulcast = Simulcast::new();
                for rid in RIDS {
                    simulcast.add_send_layer(SimulcastLayer::new(rid));
                }
                simulcast
            });
            let (stream, cid) = (Some("stream".to_owned()), Some(wanted.cid.clone()));
            let mid = change.add_media(kind, Direction::SendOnly, stream, cid, simulcast);
            sending.push((wanted, mid));
        }
        let (offer, pending) = change.apply().unwrap();
        self.pending = Some((pending, sending));
        let offer = tertulia_sdp::parse(&offer.to_sdp_string()).unwrap();
        let negotiated = self.room.offer(self.joined_id(), offer).await;
        let Ok(negotiated) = negotiated else { return };
        self.version += 1;
        let origin = tertulia_sdp::Origin {
            session: 1,
            version: self.version,
        };
        let answer = tertulia_sdp::write(&negotiated.answer, tertulia_sdp::Kind::Answer, origin);
        let (pending, sending) = self.pending.take().unwrap();
        let answer = SdpAnswer::from_sdp_string(&answer).unwrap();
        self.rtc.sdp_api().accept_answer(pending, answer).unwrap();
        self.bindings = negotiated
            .bindings
            .into_iter()
            .map(|(mid, track)| (mid.to_string(), track))
            .collect();
        for (ToSend { track, codec, .. }, mid) in sending {
            let sent = Sent {
                mid,
                codec,
                sequences: [100, 200, 300],
                frame: 0,
                key_wanted: [true; 3],
                made: [true; 3],
                muted: false,
            };
            self.sent.insert((track, codec), sent);
        }
    }

    fn joined_id(&self) -> &ParticipantId {
        &self.joined.participant.id
    }

    fn drain(&mut self) {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(_) => return,
                Output::Transmit(transmit) => {
                    self.way.send(&transmit.contents, transmit.destination);
                }
                Output::Event(event) => self.note(event),
            }
        }
    }

    fn note(&mut self, event: RtcEvent) {
        match event {
            RtcEvent::Connected => self.connected = true,
            RtcEvent::RtpPacket(packet) => self.take(&packet),
            RtcEvent::KeyframeRequest(request) => {
                let layer = request
                    .rid
                    .and_then(|rid| RIDS.iter().position(|known| **known == *rid));
                if let Some(sent) = self.sent.values_mut().find(|sent| sent.mid == request.mid) {
                    sent.key_wanted[layer.unwrap_or(0)] = true;
                }
            }
            RtcEvent::ChannelOpen(id, label) => self.channels.push((id, label)),
            RtcEvent::ChannelData(data) => self.messages.push(data.data),
            _ => {}
        }
    }

    fn take(&mut self, packet: &RtpPacket) {
        let mut direct = self.rtc.direct_api();
        let Some(mid) = direct.stream_rx(&packet.header.ssrc).map(|stream| stream.mid()) else {
            return;
        };
        let Some(track) = self.bindings.get(&*mid) else {
            return;
        };
        let payload_type = packet.header.payload_type;
        let codec = self
            .rtc
            .codec_config()
            .params()
            .iter()
            .find(|params| params.pt() == payload_type)
            .and_then(|params| ours(params.spec().codec));
        let seen = self.seen.entry(track.clone()).or_default();
        let sequence = *packet.seq_no;
        if let Some(look) = codec.and_then(|codec| picture::read(codec, &packet.payload)) {
            let begins = seen.codec != codec;
            seen.changes += usize::from(begins && seen.codec.is_some());
            seen.began_at_keyframe = (seen.began_at_keyframe || seen.packets == 0) && (look.key || !begins);
            seen.layer = look.layer;
            seen.codec = codec;
        }
        let timestamp = packet.header.timestamp;
        if let Some((last, before)) = seen.last.filter(|(last, _)| *last < sequence) {
            seen.missing += sequence - last - 1;
            seen.turned_back += usize::from((timestamp.wrapping_sub(before) as i32) < 0);
        }
        let newest = seen.last.is_none_or(|(last, _)| last < sequence);
        seen.last = if newest {
            Some((sequence, timestamp))
        } else {
            seen.last
        };
        seen.packets += 1;
    }

    fn encode(&mut self) {
        let now = Instant::now();
        let params = self.rtc.codec_config().params();
        let payload_type = |codec: Codec| {
            let found = params
                .iter()
                .find(|params| ours(params.spec().codec) == Some(codec));
            found.map(|params| params.pt()).unwrap()
        };
        let mut packets = Vec::new();
        for sent in self.sent.values_mut().filter(|sent| !sent.muted) {
            let frame = sent.frame;
            sent.frame += 1;
            let payload_type = payload_type(sent.codec);
            let layers = if kind_of(sent.codec) == Kind::Video { 3 } else { 1 };
            for (layer, rid) in RIDS.iter().enumerate().take(layers) {
                if !sent.made[layer] {
                    // What is taken up again begins anew.
                    sent.key_wanted[layer] = true;
                    continue;
                }
                let sequence = sent.sequences[layer];
                sent.sequences[layer] += 1;
                if layers == 1 {
                    packets.push((sent.mid, None, payload_type, sequence, frame * 960, vec![0x55; 8]));
                    continue;
                }
                let key = std::mem::take(&mut sent.key_wanted[layer]);
                let payload = picture::write(sent.codec, layer as u8, frame, key);
                let timestamp = frame * 1_800 + layer as u32 * 1_000_000;
                packets.push((sent.mid, Some(*rid), payload_type, sequence, timestamp, payload));
            }
        }
        for (mid, rid, payload_type, sequence, timestamp, payload) in packets {
            let mut direct = self.rtc.direct_api();
            let Some(stream) = direct.stream_tx_by_mid(mid, rid.map(Into::into)) else {
                continue;
            };
            let values = ExtensionValues {
                audio_level: rid.is_none().then_some(-25),
                voice_activity: rid.is_none().then_some(true),
                ..ExtensionValues::default()
            };
            stream.write_rtp(
                RtpWrite::new(payload_type, sequence.into(), timestamp, now, payload)
                    .marker(true)
                    .nackable(rid.is_some())
                    .ext_vals(values),
            );
            self.rtc.handle_input(Input::Timeout(now)).unwrap();
            self.drain();
        }
    }
}

fn new_track(kind: MediaKind, cid: &str) -> NewTrack {
    let video = kind == MediaKind::Video;
    let layers = Quality::ALL.map(|quality| Layer {
        quality,
        size: VideoSize {
            width: 320 << quality.index(),
            height: 180 << quality.index(),
        },
        bitrate: Bitrate::from_kbps(200),
        ssrc: 0,
    });
    NewTrack {
        cid: cid.to_owned(),
        existing: None,
        kind,
        source: if video { Source::Camera } else { Source::Microphone },
        name: cid.to_owned(),
        muted: false,
        size: VideoSize {
            width: if video { 1_280 } else { 0 },
            height: if video { 720 } else { 0 },
        },
        layers: if video { layers.to_vec() } else { Vec::new() },
        codecs: Vec::new(),
        red: false,
        stream: String::new(),
        encryption: TrackEncryption::None,
        audio: AudioFeatures::default(),
        backup_codec_policy: 0,
        packet_trailer_features: Vec::new(),
    }
}

fn ours(codec: RtcCodec) -> Option<Codec> {
    Some(match codec {
        RtcCodec::Opus => Codec::Opus,
        RtcCodec::Vp8 => Codec::Vp8,
        RtcCodec::Vp9 => Codec::Vp9,
        _ => return None,
    })
}

fn kind_of(codec: Codec) -> Kind {
    match codec.kind() {
        MediaKind::Audio => Kind::Audio,
        MediaKind::Video => Kind::Video,
    }
}

/// Lets the clients live until something holds.
pub async fn until(clients: &mut [&mut Client], what: &str, holds: impl Fn(&[&mut Client]) -> bool) {
    let begin = Instant::now();
    let mut clock = tokio::time::interval(BEAT / 4);
    let mut turn = 0_u64;
    while !holds(clients) {
        if begin.elapsed() > PATIENCE {
            let seen: Vec<_> = clients
                .iter()
                .map(|client| (&client.seen, &client.events))
                .collect();
            panic!("{what} did not come about: {seen:#?}");
        }
        clock.tick().await;
        for client in clients.iter_mut() {
            client.turn(turn.is_multiple_of(4)).await;
        }
        turn += 1;
    }
}
