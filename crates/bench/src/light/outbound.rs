//! A track a light client sends.

use std::time::Instant;

use str0m::media::Mid;
use tertulia_model::Extension;
use tertulia_rtp::{SendWindow, SenderInfo, SrtpSender};

use super::header::{Fields, Header};
use super::wire::Train;
use super::{PayloadTypes, Track};
use crate::media::{Outgoing, Source};

/// Seconds from the NTP epoch to the Unix epoch (RFC 5905 §6).
const NTP_OFFSET: u64 = 2_208_988_800;

pub(super) struct Outbound {
    source: Source,
    mid: Mid,
    layers: Vec<Layer>,
    payload_types: PayloadTypes,
    outgoing: Vec<Outgoing>,
}

struct Layer {
    rid: Option<&'static str>,
    ssrc: u32,
    header: Header,
    window: SendWindow,
    packets: u32,
    octets: u32,
    timestamp: u32,
}

impl Outbound {
    /// Takes the streams of `track`; those whose SSRC was sent before are left out.
    pub(super) fn new(
        track: Track,
        ids: &[(Extension, u8)],
        payload_types: PayloadTypes,
        sender: &mut SrtpSender,
    ) -> Self {
        let audio = !track.source.is_video();
        let layers = track.streams.iter().filter_map(|stream| {
            Some(Layer {
                rid: stream.rid,
                ssrc: stream.ssrc,
                header: Header::new(ids, stream.ssrc, &track.mid, stream.rid, audio),
                window: sender.window(stream.ssrc)?,
                packets: 0,
                octets: 0,
                timestamp: 0,
            })
        });
        Self {
            layers: layers.collect(),
            source: track.source,
            mid: track.mid,
            payload_types,
            outgoing: Vec::new(),
        }
    }

    pub(super) fn mid(&self) -> Mid {
        self.mid
    }

    pub(super) fn due(&self) -> Instant {
        self.source.due()
    }

    pub(super) fn key_frames(&self) -> u64 {
        self.source.key_frames()
    }

    pub(super) fn set_active(&mut self, rids: &[String]) {
        self.source.set_active(rids);
    }

    /// Makes the next frame of the layer `ssrc` a key frame; false where it is none of ours.
    pub(super) fn request_key_frame(&mut self, ssrc: u32) -> bool {
        let layer = self.layers.iter().find(|layer| layer.ssrc == ssrc);
        if let Some(layer) = layer {
            self.source.request_key_frame(layer.rid);
        }
        layer.is_some()
    }

    /// The SSRC of the first layer.
    pub(super) fn ssrc(&self) -> Option<u32> {
        self.layers.first().map(|layer| layer.ssrc)
    }

    /// Makes and protects what is due; gives the number of packets.
    pub(super) fn make(
        &mut self,
        now: Instant,
        now_ns: u64,
        sender: &SrtpSender,
        transport_cc: &mut u16,
        train: &mut Train,
    ) -> u64 {
        self.source.make(now, now_ns, &mut self.outgoing);
        let mut made = 0;
        for packet in self.outgoing.drain(..) {
            let types = self.payload_types;
            let payload_type = match (packet.level.is_some(), packet.red) {
                (true, true) => types.red,
                (true, false) => types.audio,
                _ => types.video,
            };
            let (Some(payload_type), Some(layer)) = (payload_type, self.layers.get_mut(packet.layer)) else {
                continue;
            };
            let Some(admitted) = layer.window.admit(packet.sequence) else {
                continue;
            };
            let start = train.bytes.len();
            let fields = Fields {
                payload_type,
                marker: packet.marker,
                sequence: (packet.sequence & 0xFFFF) as u16,
                timestamp: packet.timestamp,
                transport_cc: *transport_cc,
                level: packet.level,
            };
            let header = layer.header.write(&mut train.bytes, fields);
            train.bytes.extend_from_slice(&packet.payload);
            if sender.protect(&mut train.bytes, start, header, admitted).is_err() {
                continue;
            }
            train.ends.push(train.bytes.len());
            *transport_cc = transport_cc.wrapping_add(1);
            layer.packets = layer.packets.wrapping_add(1);
            let length = u32::try_from(packet.payload.len()).unwrap_or(0);
            layer.octets = layer.octets.wrapping_add(length);
            layer.timestamp = packet.timestamp;
            made += 1;
        }
        made
    }

    /// What the sender reports of each layer say (RFC 3550 §6.4.1); `unix_ns` is the time of day.
    pub(super) fn sender_reports(&self, unix_ns: u64) -> impl Iterator<Item = SenderInfo> {
        let seconds = unix_ns / 1_000_000_000 + NTP_OFFSET;
        let fraction = ((unix_ns % 1_000_000_000) << 32) / 1_000_000_000;
        let sent = self.layers.iter().filter(|layer| layer.packets > 0);
        sent.map(move |layer| SenderInfo {
            ssrc: layer.ssrc,
            ntp: (seconds << 32) | fraction,
            rtp_timestamp: layer.timestamp,
            packets: layer.packets,
            octets: layer.octets,
        })
    }
}
