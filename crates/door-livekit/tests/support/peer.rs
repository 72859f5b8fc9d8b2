//! Somebody who comes by the LiveKit door, with one connection.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use futures_util::{FutureExt, SinkExt, StreamExt};
use livekit_protocol as pb;
use pb::signal_request::Message as Request;
use pb::signal_response::Message as Response;
use prost::Message as _;
use str0m::RtcConfig;
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind, Mid, Simulcast, SimulcastLayer};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::wire::{Seen, Wire};

const RIDS: [&str; 3] = ["q", "h", "f"];

pub struct LiveKitPeer {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub wire: Wire,
    pending: Option<SdpPendingOffer>,
    wanted: (usize, usize),
    offered: bool,
    to_send: Vec<(Mid, MediaKind)>,
    /// Section by track.
    bindings: BTreeMap<String, String>,
    /// The others, by identity.
    pub others: BTreeMap<String, pb::ParticipantInfo>,
    /// Own tracks that were asked to be muted.
    pub muted: Vec<String>,
    pub speakers: Vec<pb::SpeakerInfo>,
    pub published: Vec<pb::TrackInfo>,
}

impl LiveKitPeer {
    /// Joins and publishes a microphone and a camera with three layers.
    pub async fn join(address: SocketAddr, token: &str) -> Self {
        let request = pb::JoinRequest {
            client_info: Some(pb::ClientInfo {
                protocol: 17,
                ..Default::default()
            }),
            connection_settings: Some(pb::ConnectionSettings {
                auto_subscribe: true,
                ..Default::default()
            }),
            ..Default::default()
        };
        let wrapped = pb::WrappedJoinRequest {
            compression: 0,
            join_request: request.encode_to_vec(),
        };
        let url = format!(
            "ws://{address}/rtc/v1?access_token={token}&join_request={}",
            URL_SAFE.encode(wrapped.encode_to_vec())
        );
        let (socket, _) = connect_async(url).await.unwrap();
        let config = RtcConfig::new()
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true);
        let mut peer = Self {
            socket,
            wire: Wire::new(config).await,
            pending: None,
            wanted: (1, 1),
            offered: false,
            to_send: Vec::new(),
            bindings: BTreeMap::new(),
            others: BTreeMap::new(),
            muted: Vec::new(),
            speakers: Vec::new(),
            published: Vec::new(),
        };
        for (cid, kind, source) in [
            ("mic", pb::TrackType::Audio, pb::TrackSource::Microphone),
            ("cam", pb::TrackType::Video, pb::TrackSource::Camera),
        ] {
            let layers = (0..3).map(|quality| pb::VideoLayer {
                quality,
                width: 320 << quality,
                height: 180 << quality,
                ..Default::default()
            });
            let video = kind == pb::TrackType::Video;
            peer.send(Request::AddTrack(pb::AddTrackRequest {
                cid: cid.to_owned(),
                r#type: kind.into(),
                source: source.into(),
                width: if video { 1_280 } else { 0 },
                height: if video { 720 } else { 0 },
                layers: if video { layers.collect() } else { Vec::new() },
                ..Default::default()
            }))
            .await;
        }
        peer
    }

    async fn send(&mut self, message: Request) {
        let request = pb::SignalRequest {
            message: Some(message),
        };
        self.socket
            .send(Message::binary(request.encode_to_vec()))
            .await
            .unwrap();
    }

    /// Somebody's track of a source.
    pub fn track(&self, identity: &str, source: pb::TrackSource) -> Option<pb::TrackInfo> {
        let tracks = &self.others.get(identity)?.tracks;
        tracks.iter().find(|track| track.source() == source).cloned()
    }

    /// Sends a data packet; the channel must be open.
    pub fn send_data(&mut self, packet: &pb::DataPacket) {
        self.wire.write(&packet.encode_to_vec());
    }

    /// Takes the data packets that came since.
    pub fn take_data(&mut self) -> Vec<pb::DataPacket> {
        let came = std::mem::take(&mut self.wire.messages);
        came.iter()
            .map(|bytes| pb::DataPacket::decode(bytes.as_slice()).unwrap())
            .collect()
    }

    /// Wants nothing of somebody's track.
    pub async fn want_none(&mut self, identity: &str, source: pb::TrackSource) {
        let track = self.track(identity, source).unwrap();
        self.send(Request::TrackSetting(pb::UpdateTrackSettings {
            track_sids: vec![track.sid],
            disabled: true,
            ..Default::default()
        }))
        .await;
    }

    /// What is received of somebody's track.
    pub fn seen(&mut self, identity: &str, source: pb::TrackSource) -> Option<Seen> {
        let track = self.track(identity, source)?;
        let mid = self.bindings.get(&track.sid)?.clone();
        let mut found = None;
        for (ssrc, seen) in self.wire.seen.clone() {
            let mut direct = self.wire.rtc.direct_api();
            if direct
                .stream_rx(&ssrc.into())
                .is_some_and(|stream| *stream.mid() == *mid)
            {
                found = Some(seen);
            }
        }
        found
    }

    pub async fn turn(&mut self, beat: bool) {
        while let Some(Some(Ok(message))) = self.socket.next().now_or_never() {
            if let Message::Binary(bytes) = message
                && let Some(message) = pb::SignalResponse::decode(bytes).unwrap().message
            {
                self.take(message);
            }
        }
        // Both tracks are announced before the first offer, so that it finds them.
        if self.published.len() == 2 && self.pending.is_none() && (!self.offered || self.wanted != (0, 0)) {
            self.offer().await;
        }
        self.wire.turn(beat);
    }

    fn take(&mut self, message: Response) {
        match message {
            Response::Join(join) => {
                for other in join.other_participants {
                    self.others.insert(other.identity.clone(), other);
                }
            }
            Response::Update(update) => {
                for other in update.participants {
                    if other.state() == pb::participant_info::State::Disconnected {
                        self.others.remove(&other.identity);
                    } else {
                        self.others.insert(other.identity.clone(), other);
                    }
                }
            }
            Response::TrackPublished(published) => self.published.extend(published.track),
            Response::MediaSectionsRequirement(needed) => {
                self.wanted.0 += needed.num_audios as usize;
                self.wanted.1 += needed.num_videos as usize;
                if self.wanted == (0, 0) {
                    self.wanted.0 = 1;
                }
            }
            Response::Answer(answer) => {
                let pending = self.pending.take().unwrap();
                self.bindings = answer
                    .mid_to_track_id
                    .into_iter()
                    .map(|(mid, track)| (track, mid))
                    .collect();
                let answer = SdpAnswer::from_sdp_string(&answer.sdp).unwrap();
                self.wire.rtc.sdp_api().accept_answer(pending, answer).unwrap();
                self.begin_sending();
            }
            Response::Mute(mute) if mute.muted => self.muted.push(mute.sid),
            Response::SpeakersChanged(changed) => self.speakers.extend(changed.speakers),
            _ => {}
        }
    }

    async fn offer(&mut self) {
        let mut change = self.wire.rtc.sdp_api();
        let (audio, video) = std::mem::take(&mut self.wanted);
        for _ in 0..audio {
            change.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
        }
        for _ in 0..video {
            change.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        }
        if !std::mem::replace(&mut self.offered, true) {
            change.add_channel("_reliable".to_owned());
            let mut simulcast = Simulcast::new();
            for rid in RIDS {
                simulcast.add_send_layer(SimulcastLayer::new(rid));
            }
            let stream = || Some("stream".to_owned());
            let (mic, cam) = (Some("mic".to_owned()), Some("cam".to_owned()));
            let mic = change.add_media(MediaKind::Audio, Direction::SendOnly, stream(), mic, None);
            let cam = change.add_media(
                MediaKind::Video,
                Direction::SendOnly,
                stream(),
                cam,
                Some(simulcast),
            );
            self.to_send = vec![(mic, MediaKind::Audio), (cam, MediaKind::Video)];
        }
        let (offer, pending) = change.apply().unwrap();
        self.pending = Some(pending);
        self.send(Request::Offer(pb::SessionDescription {
            r#type: "offer".to_owned(),
            sdp: offer.to_sdp_string(),
            ..Default::default()
        }))
        .await;
    }

    fn begin_sending(&mut self) {
        let params = self.wire.rtc.codec_config().params();
        let payload_type = |codec| {
            let found = params.iter().find(|params| params.spec().codec == codec);
            *found.unwrap().pt()
        };
        let (opus, vp8) = (
            payload_type(str0m::format::Codec::Opus),
            payload_type(str0m::format::Codec::Vp8),
        );
        for (mid, kind) in std::mem::take(&mut self.to_send) {
            let rids: Vec<Option<(u8, str0m::media::Rid)>> = match kind {
                MediaKind::Audio => vec![None],
                MediaKind::Video => (0..3)
                    .map(|layer| Some((layer, RIDS[usize::from(layer)].into())))
                    .collect(),
            };
            for rid in rids {
                let mut direct = self.wire.rtc.direct_api();
                let stream = direct.stream_tx_by_mid(mid, rid.map(|(_, rid)| rid)).unwrap();
                let ssrc = *stream.ssrc();
                let payload_type = if rid.is_some() { vp8 } else { opus };
                self.wire.send(ssrc, payload_type, rid.map(|(layer, _)| layer));
            }
        }
    }
}
