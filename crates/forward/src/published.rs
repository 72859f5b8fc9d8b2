use std::sync::Arc;
use std::time::{Duration, Instant};

use tertulia_model::{Codec, MediaKind};

use crate::keyframe::KeyframeThrottle;

/// A packet received from a publisher.
#[derive(Debug, Clone)]
pub struct Incoming<'a> {
    /// Layer, 0 for the lowest; 0 for audio.
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
    /// The payload, shared with all subscribers.
    pub payload: &'a Arc<[u8]>,
    /// The layer sender's clock from its last report, if any.
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
const ALIVE: Duration = Duration::from_millis(1_500);
/// Width of the window bitrates are measured over.
const WINDOW: Duration = Duration::from_millis(1_000);

/// Bytes of one encoding passed on in one window at most: several times what an encoder makes of sound with all its
/// redundancy, or of a picture in 4K. No estimate bounds sound, so that without this one publisher could aim any rate
/// at everybody.
const SOUND_BYTES: u64 = 2_000_000 / 8;
const PICTURE_BYTES: u64 = 40_000_000 / 8;

/// What is known of a published track.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) kind: MediaKind,
    pub(crate) layers: [LayerState; 3],
    pub(crate) muted: bool,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LayerState {
    pub(crate) throttle: KeyframeThrottle,
    pub(crate) clock: Option<SenderClock>,
    last_packet: Option<Instant>,
    window_start: Option<Instant>,
    window_bytes: u64,
    /// Measured over the last whole window, bits per second.
    pub(crate) bitrate_bps: u64,
}

impl LayerState {
    pub(crate) fn note(&mut self, bytes: usize, clock: Option<SenderClock>, now: Instant) {
        self.last_packet = Some(now);
        self.clock = clock.or(self.clock);
        self.window_bytes += bytes as u64;
        let start = *self.window_start.get_or_insert(now);
        let width = now.saturating_duration_since(start);
        if width >= WINDOW {
            self.bitrate_bps = self.window_bytes * 8_000 / (width.as_millis() as u64).max(1);
            self.window_start = Some(now);
            self.window_bytes = 0;
        }
    }

    /// Whether more arrived in the present window than a publisher may send.
    pub(crate) fn is_flooded(&self, kind: MediaKind) -> bool {
        let most = match kind {
            MediaKind::Audio => SOUND_BYTES,
            MediaKind::Video => PICTURE_BYTES,
        };
        self.window_bytes > most
    }

    pub(crate) fn alive(&self, now: Instant) -> bool {
        self.last_packet
            .is_some_and(|last| now.saturating_duration_since(last) < ALIVE)
    }

    pub(crate) fn seen(&self) -> bool {
        self.last_packet.is_some()
    }
}

impl Published {
    pub(crate) fn new(kind: MediaKind) -> Self {
        Self {
            kind,
            layers: [LayerState::default(); 3],
            muted: false,
        }
    }

    /// The layer to serve where `max` is the best wanted: the best alive one not above, else the lowest alive above,
    /// else the best ever seen not above, else the lowest.
    pub(crate) fn best_layer(&self, max: usize, now: Instant) -> usize {
        let max = max.min(2);
        let alive = |layer: &usize| self.layers[*layer].alive(now);
        (0..=max)
            .rev()
            .find(alive)
            .or_else(|| (max + 1..3).find(alive))
            .or_else(|| (0..=max).rev().find(|layer| self.layers[*layer].seen()))
            .unwrap_or(0)
    }
}
