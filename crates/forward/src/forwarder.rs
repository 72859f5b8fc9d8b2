use std::time::Instant;

use tertulia_model::{Codec, MediaKind};
use tertulia_rtp::Rewrite;

use crate::alike::Alike;
use crate::munger::{Munger, clock_shift};
use crate::outgoing::{Outgoing, Shape};
use crate::published::{LAYERS, Published, TEMPORAL};
use crate::repair::RepairMap;
use crate::ring::Stored;
use crate::routes::TrackKey;
use crate::selector::{Aim, Held, Selector, Verdict, begins};

/// The engine's own key for what a subscriber's packets are sent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SinkId(pub u32);

/// How a route is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteSettings {
    /// Whether the subscriber can receive now (its section is negotiated).
    pub ready: bool,
    /// Whether the subscriber wants it now.
    pub enabled: bool,
    /// Highest layer wanted, 0 to 2.
    pub max_layer: usize,
    /// Highest temporal layer wanted, 0 to 3.
    pub max_temporal: usize,
    /// Whether redundant audio may be sent.
    pub accepts_red: bool,
    /// Whether plain sound is to be made redundant: the subscriber reads it and its path loses packets.
    pub wants_red: bool,
}

/// The layers granted or reached: spatial 0 to 2, temporal 0 to 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LayerPoint {
    /// Spatial layer or simulcast encoding.
    pub spatial: usize,
    /// Temporal layer.
    pub temporal: usize,
}

impl LayerPoint {
    /// Everything there is.
    pub const TOP: LayerPoint = LayerPoint {
        spatial: LAYERS - 1,
        temporal: TEMPORAL - 1,
    };
    /// Everything of the lowest spatial layer, or of what has no layers.
    pub const TOP_OF_ONE: LayerPoint = LayerPoint {
        spatial: 0,
        temporal: TEMPORAL - 1,
    };
}

/// One subscriber's side of one track.
#[derive(Debug)]
pub(crate) struct Forwarder {
    pub(crate) sink: SinkId,
    pub(crate) settings: RouteSettings,
    /// Highest layers the allocator grants; `None` pauses.
    pub(crate) granted: Option<LayerPoint>,
    kind: MediaKind,
    selector: Selector,
    munger: Munger,
    /// What came before the beginning of its picture.
    held: Option<Box<Held>>,
    again: Option<Again>,
    /// Elsewhere, since it is written to but once for what goes out together.
    pub(crate) repairs: Box<RepairMap>,
}

/// What is to be judged again, for its picture's beginning has come after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// What was held.
    Held,
    /// All packets of the encoding behind the one with which it was entered.
    Behind,
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
            granted: Some(LayerPoint::TOP),
            kind,
            selector: Selector::default(),
            munger: Munger::new(clock_rate, first_sequence, first_timestamp),
            held: None,
            again: None,
            repairs: Box::default(),
        }
    }

    /// Aims at the layers that settings, allocation and what is alive allow; at nothing while the track is muted.
    pub(crate) fn aim(&mut self, published: &Published, now: Instant) {
        let open = self.settings.ready && self.settings.enabled && !published.muted;
        let target = match (open, self.granted, self.kind) {
            (true, _, MediaKind::Audio) => Some(Aim {
                encoding: 0,
                spatial: 0,
                temporal: 0,
            }),
            (true, Some(granted), MediaKind::Video) => {
                let spatial = published.best_layer(self.settings.max_layer.min(granted.spatial), now);
                Some(Aim {
                    encoding: published.encoding_of(spatial),
                    spatial: if published.scalable { spatial } else { 0 },
                    temporal: self.settings.max_temporal.min(granted.temporal),
                })
            }
            _ => None,
        };
        self.selector.aim(target);
        if target.is_none() {
            self.forget_held();
        }
    }

    fn forget_held(&mut self) {
        if let Some(held) = &mut self.held {
            held.clear();
        }
    }

    /// Whether something is to be judged again.
    #[inline]
    pub(crate) fn take_again(&mut self) -> Option<Again> {
        self.again.take()
    }

    /// What was held, to be judged again.
    pub(crate) fn take_held(&mut self) -> Vec<u64> {
        self.held.as_mut().map(|held| held.take()).unwrap_or_default()
    }

    /// Leaves what flows; the next aim begins at a keyframe.
    pub(crate) fn stop(&mut self) {
        if self.kind == MediaKind::Video {
            self.selector.aim(None);
            self.forget_held();
        }
    }

    /// The layer that flows: the encoding, or the spatial layer within the only one.
    pub(crate) fn current_layer(&self) -> Option<usize> {
        self.selector.current().map(|aim| aim.encoding.max(aim.spatial))
    }

    /// The encoding that flows.
    pub(crate) fn encoding(&self) -> Option<usize> {
        self.selector.encoding()
    }

    /// The encoding a keyframe is waited for.
    pub(crate) fn waiting_for(&self) -> Option<usize> {
        self.selector
            .waiting_for()
            .filter(|_| self.kind == MediaKind::Video)
    }

    /// Whether packets of an encoding may be of any use now.
    #[inline]
    pub(crate) fn looks_at(&self, encoding: usize) -> bool {
        self.selector.looks_at(encoding)
    }

    /// Judges, places and rewrites the first of packets that are alike, and as many behind it as go the same way;
    /// `None` where this subscriber does not get the first.
    pub(crate) fn forward(
        &mut self,
        track: TrackKey,
        layer: usize,
        packets: &Alike<'_>,
        published: &Published,
        now: Instant,
    ) -> Option<Outgoing> {
        let packet = packets.first()?;
        let source = packet.sequence();
        let before = self.selector.encoding();
        let flows = before == Some(layer);
        if flows && self.held.is_some() {
            self.leave_out_held(layer, source, packet, published);
        }
        let verdict = self.selector.judge(&packet.info, layer, source);
        let marker = match verdict {
            Verdict::Hold | Verdict::Drop => {
                if flows && !self.hold(verdict, source, packet) {
                    self.munger.leave_out(source, &packet.info);
                }
                return None;
            }
            Verdict::Forward { marker } => {
                if self.held.is_some() && begins(&packet.info) && self.holds(packet) {
                    self.again = Some(Again::Held);
                }
                marker
            }
            Verdict::Switch { marker } => {
                self.switch(before, layer, source, packet, published);
                marker
            }
        };
        if packet.payload().is_empty() {
            self.munger.leave_out(source, &packet.info);
            return None;
        }
        let (codec, shape) = self.shape(packet)?;
        let targets = self.selector.decode_targets();
        let placed = self
            .munger
            .place(source, packet.timestamp, packet.arrival, &packet.info, targets)?;
        let plain = marker.is_none() && shape == Shape::Whole;
        let last = packets.last().filter(|_| plain && self.takes_along(packets));
        let (count, last) = last.map_or((1, packet), |last| (packets.count(), last));
        let outgoing = Outgoing {
            sink: self.sink,
            sequence: placed.sequence,
            timestamp: placed.timestamp,
            marker: marker.unwrap_or(last.marker),
            codec,
            rewrite: match self.kind {
                MediaKind::Audio => Rewrite::None,
                MediaKind::Video => placed.rewrite,
            },
            size: packets.size(count),
            count,
            track,
            layer: layer as u8,
            source,
            shape,
        };
        if self.kind == MediaKind::Video {
            self.repairs.note(&outgoing, now);
        }
        Some(outgoing)
    }

    /// Places what is alike the packet placed last together with it, where nothing tells them apart.
    #[inline]
    fn takes_along(&mut self, packets: &Alike<'_>) -> bool {
        if packets.count() < 2 || self.again.is_some() || !self.selector.judges_pictures() {
            return false;
        }
        if self.held.as_ref().is_some_and(|held| !held.is_empty()) {
            return false;
        }
        let ends = packets.first().zip(packets.last());
        ends.is_some_and(|(first, last)| {
            self.munger
                .place_behind(first.sequence(), last.sequence(), last.arrival)
        })
    }

    /// Changes over from one encoding to another with its first packet.
    fn switch(
        &mut self,
        before: Option<usize>,
        layer: usize,
        source: u64,
        packet: &Stored,
        published: &Published,
    ) {
        let clock = |encoding: usize| published.encodings.get(encoding).and_then(|known| known.clock);
        let shift = before
            .and_then(clock)
            .zip(clock(layer))
            .map(|(old, new)| clock_shift(old, new, packet.codec.clock_rate()));
        self.munger
            .switch(source, packet.timestamp, packet.arrival, shift, &packet.info);
        self.forget_held();
        self.again = Some(Again::Behind);
    }

    fn holds(&self, packet: &Stored) -> bool {
        self.held
            .as_ref()
            .is_some_and(|held| held.is_of(packet.timestamp))
    }

    /// Holds a packet back, or one that is left out of a picture of which others are: their numbers stay open together.
    fn hold(&mut self, verdict: Verdict, source: u64, packet: &Stored) -> bool {
        if verdict != Verdict::Hold && !self.holds(packet) {
            return false;
        }
        self.held.get_or_insert_default().hold(source, packet.timestamp)
    }

    /// Leaves out what is held once a later picture comes.
    fn leave_out_held(&mut self, layer: usize, source: u64, packet: &Stored, published: &Published) {
        let Some(held) = &mut self.held else { return };
        if held.is_empty() || !held.is_over(source, packet.timestamp) {
            return;
        }
        for late in held.take() {
            let stored = published
                .encodings
                .get(layer)
                .and_then(|encoding| encoding.ring.find(late));
            if let Some(stored) = stored {
                self.selector.give_up(&stored.info, layer, late);
            }
            self.munger.leave_out_number(late);
        }
    }

    /// Redundant audio for a subscriber that cannot read it becomes its primary block; plain audio for one that asked
    /// for redundancy gets the packets before it.
    #[inline]
    fn shape(&self, packet: &Stored) -> Option<(Codec, Shape)> {
        match (packet.codec, self.settings.accepts_red) {
            (Codec::Red, false) => {
                tertulia_rtp::red_primary(packet.payload())?;
                Some((Codec::Opus, Shape::Primary))
            }
            (Codec::Opus, true) if self.settings.wants_red => Some((Codec::Red, Shape::Redundant)),
            (codec, _) => Some((codec, Shape::Whole)),
        }
    }
}
