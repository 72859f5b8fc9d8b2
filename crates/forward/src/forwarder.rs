use std::sync::Arc;

use tertulia_model::{Codec, MediaKind};
use tertulia_rtp::{Vp8Descriptor, Vp8Rewrite};

use crate::munger::rtp::{Place, RtpMunger, clock_shift};
use crate::munger::vp8::Vp8Munger;
use crate::published::{Incoming, Published};
use crate::selector::simulcast::{SimulcastSelector, Verdict};

/// The engine's own key for what a subscriber's packets are sent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SinkId(pub u64);

/// How a route is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteSettings {
    /// Whether the subscriber can receive now (its section is negotiated).
    pub ready: bool,
    /// Whether the subscriber wants it now.
    pub enabled: bool,
    /// Highest layer wanted, 0 to 2.
    pub max_layer: usize,
    /// Whether redundant audio may be passed as it is.
    pub accepts_red: bool,
}

/// One subscriber's side of one track.
#[derive(Debug)]
pub(crate) struct Forwarder {
    pub(crate) sink: SinkId,
    pub(crate) settings: RouteSettings,
    /// Highest layer the allocator grants; `None` pauses.
    pub(crate) granted: Option<usize>,
    kind: MediaKind,
    selector: SimulcastSelector,
    munger: RtpMunger,
    vp8: Vp8Munger,
}

/// A packet as one subscriber gets it.
pub(crate) struct Forwarded {
    pub(crate) place: Place,
    pub(crate) codec: Codec,
    pub(crate) payload: Arc<[u8]>,
    pub(crate) vp8: Option<Vp8Rewrite>,
}

impl Forwarder {
    pub(crate) fn new(sink: SinkId, kind: MediaKind, settings: RouteSettings, first_sequence: u16) -> Self {
        let clock_rate = match kind {
            MediaKind::Audio => 48_000,
            MediaKind::Video => 90_000,
        };
        // Any start will do; derived from the sequence so that the caller draws one random number only.
        let first_timestamp = u32::from(first_sequence) << 12;
        Self {
            sink,
            settings,
            granted: Some(2),
            kind,
            selector: SimulcastSelector::default(),
            munger: RtpMunger::new(clock_rate, first_sequence, first_timestamp),
            vp8: Vp8Munger::default(),
        }
    }

    /// Aims at the layer that settings, allocation and what is alive allow; at nothing while the track is muted.
    pub(crate) fn aim(&mut self, published: &Published, now: std::time::Instant) {
        let open = self.settings.ready && self.settings.enabled && !published.muted;
        let target = match (open, self.granted, self.kind) {
            (true, _, MediaKind::Audio) => Some(0),
            (true, Some(granted), MediaKind::Video) => {
                Some(published.best_layer(self.settings.max_layer.min(granted), now))
            }
            _ => None,
        };
        self.selector.aim(target);
    }

    pub(crate) fn current_layer(&self) -> Option<usize> {
        self.selector.current()
    }

    /// The layer a keyframe is waited for.
    pub(crate) fn waiting_for(&self) -> Option<usize> {
        self.selector
            .waiting_for()
            .filter(|_| self.kind == MediaKind::Video)
    }

    /// Judges, places and rewrites a packet; `None` where this subscriber does not get it.
    pub(crate) fn forward(
        &mut self,
        packet: &Incoming<'_>,
        keyframe: bool,
        vp8: Option<&Vp8Descriptor>,
        published: &Published,
    ) -> Option<Forwarded> {
        let before = self.selector.current();
        match self.selector.judge(packet.layer, || keyframe) {
            Verdict::Drop => return None,
            Verdict::Forward => {}
            Verdict::Switch => {
                let clock = |layer: usize| published.layers[layer.min(2)].clock;
                let shift = before
                    .and_then(clock)
                    .zip(clock(packet.layer))
                    .map(|(old, new)| clock_shift(old, new, packet.codec.clock_rate()));
                self.munger
                    .switch(packet.sequence, packet.timestamp, packet.arrival, shift);
                if let Some(descriptor) = vp8 {
                    self.vp8.switch(descriptor);
                }
            }
        }
        if packet.payload.is_empty() {
            self.munger.leave_out(packet.sequence);
            return None;
        }
        let newest = self.munger.is_newest(packet.sequence);
        let place = self
            .munger
            .place(packet.sequence, packet.timestamp, packet.arrival)?;
        let (codec, payload) = self.unwrap_red(packet)?;
        let vp8 = vp8.map(|descriptor| self.vp8.rewrite(descriptor, newest));
        Some(Forwarded {
            place,
            codec,
            payload,
            vp8,
        })
    }

    /// Redundant audio for a subscriber that cannot read it becomes its primary block.
    fn unwrap_red(&self, packet: &Incoming<'_>) -> Option<(Codec, Arc<[u8]>)> {
        if packet.codec != Codec::Red || self.settings.accepts_red {
            return Some((packet.codec, packet.payload.clone()));
        }
        let block = tertulia_rtp::red_primary(packet.payload)?;
        Some((Codec::Opus, Arc::from(block.data)))
    }
}
