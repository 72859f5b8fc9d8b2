//! A client on str0m with its own SDP, as far as a LiveKit client in one connection goes.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::bwe::Bitrate;
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::channel::ChannelId;
use str0m::format::Codec;
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, Mid, Simulcast, SimulcastLayer};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpPacket, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

use crate::media::{FRAMES_PER_SECOND, Heard, PACKETS, Shown, picture_packet};

/// Layers from the lowest, as LiveKit clients name them.
const RIDS: [&str; 3] = ["q", "h", "f"];
/// How often a decoder looks whether it is stuck.
const DECODER: Duration = Duration::from_millis(300);

/// What a peer sends.
#[derive(Debug)]
struct Sent {
    mid: Option<Mid>,
    kind: MediaKind,
    next: Instant,
    frame: u32,
    sequences: [u64; 3],
    key_wanted: [bool; 3],
    running: bool,
}

pub(crate) struct Peer {
    rtc: Rtc,
    pub(crate) addr: SocketAddr,
    now: Instant,
    pending: Option<SdpPendingOffer>,
    /// Sections to add with the next offer.
    wanted_audio: usize,
    wanted_video: usize,
    wanted_tracks: VecDeque<(MediaKind, String)>,
    wanted_restart: bool,
    sent: BTreeMap<String, Sent>,
    /// Section to track, as the last answer says.
    pub(crate) tracks: BTreeMap<String, String>,
    pub(crate) shown: BTreeMap<String, Shown>,
    pub(crate) heard: BTreeMap<String, Heard>,
    next_look: Instant,
    pub(crate) connected: bool,
    pub(crate) open: Vec<(ChannelId, String)>,
    pub(crate) messages: Vec<(String, Vec<u8>)>,
    pub(crate) outbox: VecDeque<Vec<u8>>,
}

impl Peer {
    pub(crate) fn new(addr: SocketAddr, now: Instant) -> Self {
        let mut config = RtcConfig::new()
            .set_crypto_provider(std::sync::Arc::new(str0m::crypto::from_feature_flags()))
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .enable_bwe(Some(Bitrate::kbps(3_000)));
        config.set_initial_stun_rto(Duration::from_millis(250));
        let mut rtc = config.build(now);
        rtc.bwe().set_bitrate(Bitrate::ZERO, Bitrate::kbps(3_000));
        rtc.add_local_candidate(Candidate::host(addr, Protocol::Udp).unwrap());
        Self {
            rtc,
            addr,
            now,
            pending: None,
            wanted_audio: 3,
            wanted_video: 3,
            wanted_tracks: VecDeque::new(),
            wanted_restart: false,
            sent: BTreeMap::new(),
            tracks: BTreeMap::new(),
            shown: BTreeMap::new(),
            heard: BTreeMap::new(),
            next_look: now,
            connected: false,
            open: Vec::new(),
            messages: Vec::new(),
            outbox: VecDeque::new(),
        }
    }

    /// Adds a track to send with the next offer.
    pub(crate) fn publish(&mut self, kind: MediaKind, cid: &str) {
        self.wanted_tracks.push_back((kind, cid.to_owned()));
        self.sent.insert(
            cid.to_owned(),
            Sent {
                mid: None,
                kind,
                next: self.now,
                frame: 0,
                sequences: [100, 200, 300],
                key_wanted: [true; 3],
                running: true,
            },
        );
    }

    /// Stops sending a track; its section goes inactive with the next offer.
    pub(crate) fn unpublish(&mut self, cid: &str) {
        if let Some(sent) = self.sent.get_mut(cid) {
            sent.running = false;
        }
    }

    /// Adds sections to receive on; none at all stands for an offer that only says everything again.
    pub(crate) fn want_sections(&mut self, audio: usize, video: usize) {
        // str0m offers nothing where nothing changes, so that case costs a section.
        self.wanted_audio += if audio + video == 0 { 1 } else { audio };
        self.wanted_video += video;
    }

    pub(crate) fn want_restart(&mut self) {
        self.wanted_restart = true;
    }

    /// The next offer, unless one waits for its answer or there is nothing to offer.
    pub(crate) fn offer(&mut self) -> Option<String> {
        if self.pending.is_some() {
            return None;
        }
        let first = self.tracks.is_empty() && self.wanted_audio == 3;
        let mut change = self.rtc.sdp_api();
        for _ in 0..std::mem::take(&mut self.wanted_audio) {
            change.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
        }
        for _ in 0..std::mem::take(&mut self.wanted_video) {
            change.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        }
        for (kind, cid) in self.wanted_tracks.drain(..) {
            let simulcast = (kind == MediaKind::Video).then(|| {
                let mut simulcast = Simulcast::new();
                for rid in RIDS {
                    simulcast.add_send_layer(SimulcastLayer::new(rid));
                }
                simulcast
            });
            let mid = change.add_media(
                kind,
                Direction::SendOnly,
                Some("stream".to_owned()),
                Some(cid.clone()),
                simulcast,
            );
            if let Some(sent) = self.sent.get_mut(&cid) {
                sent.mid = Some(mid);
            }
        }
        for sent in self.sent.values().filter(|sent| !sent.running) {
            if let Some(mid) = sent.mid {
                change.set_direction(mid, Direction::Inactive);
            }
        }
        self.sent.retain(|_, sent| sent.running);
        if std::mem::take(&mut self.wanted_restart) {
            change.ice_restart(true);
        }
        if first {
            change.add_channel("_reliable".to_owned());
        }
        let (offer, pending) = change.apply()?;
        self.pending = Some(pending);
        Some(offer.to_sdp_string())
    }

    /// Takes the answer. What the library refuses is a fault of ours.
    pub(crate) fn answer(&mut self, text: &str) {
        let spec = tertulia_sdp::parse(text).expect("our answer is readable");
        let answer = SdpAnswer::from_sdp_string(text).expect("our answer is SDP");
        let pending = self.pending.take().expect("an offer waits");
        self.rtc
            .sdp_api()
            .accept_answer(pending, answer)
            .expect("our answer fits the offer");
        self.tracks = spec
            .media
            .iter()
            .filter(|section| section.direction.sends())
            .filter_map(|section| Some((section.mid.to_string(), section.track_id.clone()?)))
            .collect();
    }

    pub(crate) fn receive(&mut self, source: SocketAddr, contents: &[u8], now: Instant) {
        self.now = now;
        if let Ok(received) = Receive::new(Protocol::Udp, source, self.addr, contents) {
            self.rtc
                .handle_input(Input::Receive(now, received))
                .expect("the peer goes on");
        }
    }

    /// Does what is due and gives the next deadline.
    pub(crate) fn turn(&mut self, now: Instant, out: &mut Vec<Vec<u8>>) -> Instant {
        self.now = now;
        self.rtc
            .handle_input(Input::Timeout(now))
            .expect("the peer goes on");
        self.drain(out);
        if self.connected {
            self.encode(out);
            self.decode();
            self.flush();
        }
        self.rtc
            .handle_input(Input::Timeout(now))
            .expect("the peer goes on");
        let wake = self.drain(out);
        let media = self
            .sent
            .values()
            .map(|sent| sent.next)
            .chain([self.next_look])
            .min();
        media
            .filter(|_| self.connected)
            .map_or(wake, |media| wake.min(media))
    }

    fn drain(&mut self, out: &mut Vec<Vec<u8>>) -> Instant {
        loop {
            match self.rtc.poll_output().expect("the peer goes on") {
                Output::Timeout(at) => return at,
                Output::Transmit(transmit) => out.push(transmit.contents.to_vec()),
                Output::Event(event) => self.note(event),
            }
        }
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Connected => {
                self.connected = true;
                for sent in self.sent.values_mut() {
                    sent.next = self.now;
                }
            }
            Event::RtpPacket(packet) => self.take(&packet),
            Event::KeyframeRequest(request) => {
                let layer = request
                    .rid
                    .and_then(|rid| RIDS.iter().position(|known| **known == *rid))
                    .unwrap_or(0);
                if let Some(sent) = self.sent.values_mut().find(|sent| sent.mid == Some(request.mid)) {
                    sent.key_wanted[layer] = true;
                }
            }
            Event::ChannelOpen(id, label) => self.open.push((id, label)),
            Event::ChannelData(data) => {
                let label = self
                    .open
                    .iter()
                    .find(|(id, _)| *id == data.id)
                    .map(|(_, label)| label.clone());
                self.messages.push((label.unwrap_or_default(), data.data));
            }
            _ => {}
        }
    }

    fn take(&mut self, packet: &RtpPacket) {
        let Some(mid) = self
            .rtc
            .direct_api()
            .stream_rx(&packet.header.ssrc)
            .map(|stream| stream.mid())
        else {
            return;
        };
        let Some(track) = self.tracks.get(&*mid) else {
            return;
        };
        let sequence = *packet.seq_no;
        let video = self
            .rtc
            .media(mid)
            .is_some_and(|media| media.kind() == MediaKind::Video);
        if video {
            let shown = self.shown.entry(track.clone()).or_default();
            shown.take(&packet.payload, sequence, packet.time.numer(), self.now);
        } else {
            self.heard
                .entry(track.clone())
                .or_default()
                .take(sequence, self.now);
        }
    }

    fn encode(&mut self, out: &mut Vec<Vec<u8>>) {
        let now = self.now;
        let payload_type = |rtc: &Rtc, codec: Codec| {
            rtc.codec_config()
                .params()
                .iter()
                .find(|params| params.spec().codec == codec)
                .map(|params| params.pt())
        };
        let (Some(opus), Some(vp8)) = (
            payload_type(&self.rtc, Codec::Opus),
            payload_type(&self.rtc, Codec::Vp8),
        ) else {
            return;
        };
        let mut packets = Vec::new();
        for sent in self.sent.values_mut() {
            let Some(mid) = sent.mid.filter(|_| sent.next <= now) else {
                continue;
            };
            let frame = sent.frame;
            sent.frame += 1;
            if sent.kind == MediaKind::Audio {
                sent.next += Duration::from_millis(20);
                let sequence = sent.sequences[0];
                sent.sequences[0] += 1;
                packets.push((mid, None, opus, sequence, frame * 960, vec![0x55; 80], false));
                continue;
            }
            sent.next += Duration::from_secs(1) / FRAMES_PER_SECOND;
            for layer in 0..3_u8 {
                let at = usize::from(layer);
                let keyframe = std::mem::take(&mut sent.key_wanted[at]);
                for index in 0..PACKETS[at] {
                    let sequence = sent.sequences[at];
                    sent.sequences[at] += 1;
                    let payload = picture_packet(layer, frame, keyframe, index);
                    let last = index + 1 == PACKETS[at];
                    let timestamp = frame * (90_000 / FRAMES_PER_SECOND) + u32::from(layer) * 1_000_000;
                    packets.push((mid, Some(RIDS[at]), vp8, sequence, timestamp, payload, last));
                }
            }
        }
        for (mid, rid, payload_type, sequence, timestamp, payload, marker) in packets {
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
                    .marker(marker)
                    .nackable(rid.is_some())
                    .ext_vals(values),
            );
            self.rtc
                .handle_input(Input::Timeout(now))
                .expect("the peer goes on");
            self.drain(out);
        }
    }

    /// Asks for key frames as a decoder does.
    fn decode(&mut self) {
        if self.next_look > self.now {
            return;
        }
        self.next_look = self.now + DECODER;
        for (mid, track) in &self.tracks {
            if self.shown.get(track).is_some_and(Shown::is_stuck)
                && let Some(stream) = self.rtc.direct_api().stream_rx_by_mid(mid.as_str().into(), None)
            {
                stream.request_keyframe(KeyframeRequestKind::Pli);
            }
        }
    }

    fn flush(&mut self) {
        let Some((id, _)) = self.open.iter().find(|(_, label)| label == "_reliable") else {
            return;
        };
        while let Some(message) = self.outbox.pop_front() {
            let taken = self
                .rtc
                .channel(*id)
                .is_some_and(|mut channel| channel.write(true, &message).unwrap_or(false));
            if !taken {
                self.outbox.push_front(message);
                return;
            }
        }
    }
}
