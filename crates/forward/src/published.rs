use std::time::{Duration, Instant};

use tertulia_model::{Bitrate, Codec, MediaKind};
use tertulia_rtp::{Descriptor, DescriptorReader, Extensions};

use crate::keyframe::KeyframeThrottle;
use crate::ring::Ring;

/// Simulcast encodings of a track at most, and spatial layers within one.
pub(crate) const LAYERS: usize = 3;
/// Temporal layers told apart.
pub(crate) const TEMPORAL: usize = 4;

/// A packet received from a publisher.
#[derive(Debug, Clone)]
pub struct Incoming<'a> {
    /// Simulcast encoding, 0 for the lowest; 0 for audio and where there is one encoding only.
    pub layer: usize,
    /// The codec of the payload; [`Codec::Red`] for redundant audio.
    pub codec: Codec,
    /// Extended sequence number.
    pub sequence: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Marker bit.
    pub marker: bool,
    /// When it arrived.
    pub arrival: Instant,
    /// The payload; empty for padding.
    pub payload: &'a [u8],
    /// Its header extensions.
    pub ext: Extensions<'a>,
    /// The encoding's sender clock from its last report, if any.
    pub clock: Option<SenderClock>,
}

/// A pair of the same moment in NTP and RTP time, from a sender report (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderClock {
    /// NTP 32.32 fixed point.
    pub ntp: u64,
    /// RTP timestamp.
    pub rtp: u32,
}

/// A layer counts as alive while its last packet is not older than this.
pub(crate) const ALIVE: Duration = Duration::from_millis(1_500);
/// Width of the window bitrates are measured over.
const WINDOW: Duration = Duration::from_millis(1_000);
/// Before a whole window has passed, what came is taken to have come in so much time at least.
const FIRST_LOOK: Duration = Duration::from_millis(250);

/// Bytes of one encoding passed on in one window at most: several times what an encoder makes of sound with all its
/// redundancy, or of a picture in 4K. No estimate bounds sound, so that without this one publisher could aim any rate
/// at everybody.
const SOUND_BYTES: u64 = 2_000_000 / 8;
const PICTURE_BYTES: u64 = 40_000_000 / 8;

/// What is known of a published track.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) kind: MediaKind,
    pub(crate) encodings: [Encoding; LAYERS],
    meters: [Meter; LAYERS],
    pub(crate) muted: bool,
    /// Whether one encoding carries several spatial layers.
    pub(crate) scalable: bool,
    /// Whether it is relayed from elsewhere, where it was policed.
    mirror: bool,
}

/// What flows of a track, by spatial layer (or encoding).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayerRates {
    /// Bits per second by temporal layer; `None` where the layer is silent.
    layers: [Option<[u64; TEMPORAL]>; LAYERS],
    scalable: bool,
}

/// One simulcast encoding: its packets and what was told of it.
#[derive(Debug)]
pub(crate) struct Encoding {
    pub(crate) ring: Ring,
    pub(crate) reader: DescriptorReader,
    pub(crate) throttle: KeyframeThrottle,
    pub(crate) clock: Option<SenderClock>,
}

/// What flows of one spatial layer (or one encoding), by temporal layer.
#[derive(Debug, Clone, Copy, Default)]
struct Meter {
    last_packet: Option<Instant>,
    window_start: Option<Instant>,
    window_bytes: [u64; TEMPORAL],
    /// Measured over the last whole window, bits per second; `None` before there was one.
    bitrate_bps: Option<[u64; TEMPORAL]>,
}

impl Meter {
    fn note(&mut self, bytes: usize, temporal: usize, now: Instant) {
        if !self.alive(now) {
            // What flowed before the silence tells more than a window with the silence in it.
            self.window_start = None;
            self.window_bytes = [0; TEMPORAL];
        }
        self.last_packet = Some(now);
        if let Some(window) = self.window_bytes.get_mut(temporal) {
            *window += bytes as u64;
        }
        let start = *self.window_start.get_or_insert(now);
        let width = now.saturating_duration_since(start);
        if width >= WINDOW {
            self.bitrate_bps = Some(self.over(width));
            self.window_start = Some(now);
            self.window_bytes = [0; TEMPORAL];
        }
    }

    /// What flows, by temporal layer in bits per second: as measured, and before that as it looks so far.
    fn rates(&self, now: Instant) -> [u64; TEMPORAL] {
        self.bitrate_bps.unwrap_or_else(|| {
            let width = self
                .window_start
                .map_or(FIRST_LOOK, |start| now.saturating_duration_since(start));
            self.over(width.max(FIRST_LOOK))
        })
    }

    fn over(&self, width: Duration) -> [u64; TEMPORAL] {
        let millis = (width.as_millis() as u64).max(1);
        self.window_bytes.map(|bytes| bytes * 8_000 / millis)
    }

    fn alive(&self, now: Instant) -> bool {
        self.last_packet
            .is_some_and(|last| now.saturating_duration_since(last) < ALIVE)
    }

    fn is_flooded(&self, kind: MediaKind) -> bool {
        let most = match kind {
            MediaKind::Audio => SOUND_BYTES,
            MediaKind::Video => PICTURE_BYTES,
        };
        self.window_bytes.iter().sum::<u64>() > most
    }
}

/// What came of an arriving packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Kept; whether its layer had been silent before, and whether it begins a keyframe.
    Kept { revived: bool, keyframe: bool },
    /// Known already, or too old.
    Known,
    /// Its payload or descriptor says the impossible.
    Malformed,
    /// Its publisher sends far too much.
    Flooding,
}

impl Published {
    pub(crate) fn new(kind: MediaKind) -> Self {
        Self {
            kind,
            encodings: std::array::from_fn(|_| Encoding {
                ring: Ring::new(kind),
                reader: DescriptorReader::default(),
                throttle: KeyframeThrottle::default(),
                clock: None,
            }),
            meters: [Meter::default(); LAYERS],
            muted: false,
            scalable: false,
            mirror: false,
        }
    }

    pub(crate) fn mirror(kind: MediaKind) -> Self {
        Self {
            mirror: true,
            ..Self::new(kind)
        }
    }

    /// What flows of each layer by itself, all its temporal layers together.
    pub(crate) fn layers(&self, now: Instant) -> Vec<Option<Bitrate>> {
        let layers = self.meters.iter().map(|meter| {
            let total = || Bitrate::from_bps(meter.rates(now).into_iter().sum());
            meter.alive(now).then(total)
        });
        layers.collect()
    }

    /// What flows.
    pub(crate) fn rates(&self, now: Instant) -> LayerRates {
        LayerRates {
            layers: self
                .meters
                .map(|meter| meter.alive(now).then(|| meter.rates(now))),
            scalable: self.scalable,
        }
    }

    /// Takes layers for alive that flow where this is relayed from.
    pub(crate) fn note_rates(&mut self, rates: &LayerRates, now: Instant) {
        self.scalable |= rates.scalable;
        for (meter, rates) in self.meters.iter_mut().zip(rates.layers) {
            if let Some(rates) = rates {
                meter.last_packet = Some(now);
                meter.bitrate_bps = Some(rates);
            }
        }
    }

    /// Keeps a packet and measures it.
    pub(crate) fn take(&mut self, packet: &Incoming<'_>) -> Taken {
        let layer = packet.layer.min(LAYERS - 1);
        let encoding = &mut self.encodings[layer];
        let described = packet.ext.dependency_descriptor;
        let Ok(info) = encoding.reader.read(packet.codec, packet.payload, described) else {
            return Taken::Malformed;
        };
        let spatial = spatial_of(layer, &info);
        self.scalable |= layer == 0 && usize::from(info.layer.spatial) > 0;
        let meter = &mut self.meters[spatial];
        let revived = !meter.alive(packet.arrival);
        meter.note(
            packet.payload.len(),
            usize::from(info.layer.temporal).min(TEMPORAL - 1),
            packet.arrival,
        );
        if !self.mirror && meter.is_flooded(self.kind) {
            return Taken::Flooding;
        }
        encoding.clock = packet.clock.or(encoding.clock);
        if info.starts_keyframe {
            encoding.throttle.satisfied();
        }
        if !encoding.ring.insert(packet, info) {
            return Taken::Known;
        }
        Taken::Kept {
            revived,
            keyframe: info.starts_keyframe,
        }
    }

    /// Whether packets of a layer arrive.
    pub(crate) fn alive(&self, spatial: usize, now: Instant) -> bool {
        self.meters.get(spatial).is_some_and(|meter| meter.alive(now))
    }

    /// Wishes for a keyframe of an encoding, where it flows: one that is silent is asked when it comes back. Gives
    /// whether nobody wished for it before.
    pub(crate) fn want_keyframe(&mut self, encoding: usize, now: Instant) -> bool {
        let flows = if self.scalable {
            (0..LAYERS).any(|spatial| self.alive(spatial, now))
        } else {
            self.alive(encoding, now)
        };
        let Some(encoding) = self.encodings.get_mut(encoding).filter(|_| flows) else {
            return false;
        };
        let first = !encoding.throttle.is_wanted();
        encoding.throttle.want(now);
        first
    }

    fn seen(&self, spatial: usize) -> bool {
        self.meters
            .get(spatial)
            .is_some_and(|meter| meter.last_packet.is_some())
    }

    /// The encoding that carries a spatial layer.
    pub(crate) fn encoding_of(&self, spatial: usize) -> usize {
        if self.scalable { 0 } else { spatial.min(LAYERS - 1) }
    }

    /// What a subscriber takes who gets a layer up to a temporal layer; `None` where it does not flow. With spatial
    /// scalability the layers below are part of it.
    pub(crate) fn bitrate(&self, spatial: usize, temporal: usize, now: Instant) -> Option<Bitrate> {
        if !self.alive(spatial, now) {
            return None;
        }
        let lowest = if self.scalable { 0 } else { spatial };
        let bps = self
            .meters
            .get(lowest..=spatial)?
            .iter()
            .flat_map(|meter| meter.rates(now).into_iter().take(temporal + 1))
            .sum();
        Some(Bitrate::from_bps(bps))
    }

    /// The layer to serve where `max` is the best wanted: the best alive one not above, else the lowest alive above,
    /// else the best ever seen not above, else the lowest.
    pub(crate) fn best_layer(&self, max: usize, now: Instant) -> usize {
        let max = max.min(LAYERS - 1);
        let alive = |layer: &usize| self.alive(*layer, now);
        (0..=max)
            .rev()
            .find(alive)
            .or_else(|| (max + 1..LAYERS).find(alive))
            .or_else(|| (0..=max).rev().find(|layer| self.seen(*layer)))
            .unwrap_or(0)
    }
}

/// The place of a packet among the qualities: its encoding, or its spatial layer within the only one.
pub(crate) fn spatial_of(layer: usize, info: &Descriptor) -> usize {
    layer.max(usize::from(info.layer.spatial)).min(LAYERS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_layer_costs_is_known_from_its_first_packets_and_through_a_silence() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut meter = Meter::default();
        // 1,250 bytes every 10 ms are a megabit a second.
        for packet in 0..25 {
            meter.note(1_250, 0, at(packet * 10));
        }
        assert_eq!(meter.rates(at(250))[0], 1_000_000);
        for packet in 25..201 {
            meter.note(1_250, 0, at(packet * 10));
        }
        let measured = meter.rates(at(2_010))[0];
        assert!((990_000..1_020_000).contains(&measured), "{measured}");
        meter.note(1_250, 0, at(9_000));
        meter.note(1_250, 0, at(9_500));
        assert_eq!(meter.rates(at(9_500))[0], measured);
    }
}
