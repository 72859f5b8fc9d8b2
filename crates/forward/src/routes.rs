mod again;
mod burst;
mod kept;
mod moving;
mod relaying;

use std::time::{Duration, Instant};

use slab::Slab;
use tertulia_model::{Bitrate, MediaKind};

use again::Beginning;
use burst::{BURST, Burst};
pub use kept::{Kept, KeptPacket};

use crate::forwarder::{Forwarder, LayerPoint, RouteSettings, SinkId};
use crate::outgoing::Outgoing;
use crate::published::{ALIVE, Incoming, LAYERS, Published, Taken};
use crate::relay::EncodingSet;

/// How often aims are worked out again, so that a layer that died or came alive is noticed.
const TICK: Duration = Duration::from_millis(250);

/// Key of a published track in its [`Routes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackKey(pub(crate) u32);

/// Key of a route in its [`Routes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteKey(u32);

/// A keyframe to ask a publisher for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyframeRequest {
    /// Of which track.
    pub track: TrackKey,
    /// Of which simulcast encoding.
    pub layer: usize,
}

/// What became of a packet that was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intake {
    /// It waits for [`Routes::distribute`].
    Pending,
    /// Nobody is to get it: the track is muted or gone, or the packet came twice.
    Ignored,
    /// Its payload or dependency descriptor says the impossible.
    Malformed,
    /// Left out because its publisher sends far too much.
    Policed,
}

/// All tracks of one room and who receives them.
#[derive(Debug, Default)]
pub struct Routes {
    tracks: Slab<TrackSlot>,
    routes: Slab<RouteSlot>,
    /// Tracks with packets that wait to be distributed: sound, pictures.
    pending: [Vec<u32>; 2],
    next_tick: Option<Instant>,
    /// When the last packet came.
    flowed: Option<Instant>,
    /// Whether something became due sooner by packets alone.
    stirred: bool,
}

#[derive(Debug)]
struct TrackSlot {
    published: Published,
    routes: Vec<u32>,
    pending: Vec<(u8, u64)>,
    /// What is relayed elsewhere.
    relayed: EncodingSet,
}

#[derive(Debug)]
struct RouteSlot {
    track: u32,
    forwarder: Forwarder,
}

/// What one subscriber after the other is served with.
struct Serving<'a> {
    track: TrackKey,
    published: &'a Published,
    burst: &'a Burst<'a>,
    /// What waits, from the burst on.
    coming: &'a [(u8, u64)],
    now: Instant,
}

impl Serving<'_> {
    #[inline]
    fn serve(&self, forwarder: &mut Forwarder, each: &mut impl FnMut(Outgoing)) {
        let Self {
            track,
            published,
            burst,
            now,
            ..
        } = *self;
        let mut at = 0;
        while let Some(packets) = burst.alike(at) {
            let layer = burst.layer(at);
            if !forwarder.looks_at(layer) {
                at += usize::from(packets.count());
                continue;
            }
            let forwarded = forwarder.forward(track, layer, &packets, published, now);
            let taken = forwarded.as_ref().map_or(1, Outgoing::count);
            if let Some(outgoing) = forwarded {
                each(outgoing);
            }
            if let Some(again) = forwarder.take_again()
                && let Some(first) = packets.first()
            {
                let beginning = Beginning {
                    track,
                    layer,
                    sequence: first.sequence(),
                };
                let coming = self.coming.get(burst.place(at) + 1..).unwrap_or_default();
                beginning.judge_again(again, forwarder, published, coming, now, each);
            }
            at += taken;
        }
    }
}

impl Routes {
    /// Adds a track nobody receives yet.
    pub fn add_track(&mut self, kind: MediaKind) -> TrackKey {
        TrackKey(self.tracks.insert(TrackSlot {
            published: Published::new(kind),
            routes: Vec::new(),
            pending: Vec::new(),
            relayed: EncodingSet::default(),
        }) as u32)
    }

    /// Removes a track and every route of it.
    pub fn remove_track(&mut self, track: TrackKey) {
        if let Some(slot) = self.tracks.try_remove(track.0 as usize) {
            for route in slot.routes {
                self.routes.try_remove(route as usize);
            }
        }
        for pending in &mut self.pending {
            pending.retain(|key| *key != track.0);
        }
    }

    /// Notes that a track is muted or not. Nothing of a muted one is passed on, whatever its publisher sends, and it
    /// is asked for no keyframes.
    pub fn set_muted(&mut self, track: TrackKey, muted: bool, now: Instant) {
        let Some(slot) = self.tracks.get_mut(track.0 as usize) else {
            return;
        };
        if slot.published.muted == muted {
            return;
        }
        slot.published.muted = muted;
        slot.pending.clear();
        for route in slot.routes.clone() {
            self.aim(route, now);
        }
    }

    /// Whether a track is muted.
    pub fn is_muted(&self, track: TrackKey) -> bool {
        self.tracks
            .get(track.0 as usize)
            .is_some_and(|slot| slot.published.muted)
    }

    /// Adds a route; `None` where the track is gone. `first_sequence` is a random start.
    pub fn add_route(
        &mut self,
        track: TrackKey,
        sink: SinkId,
        settings: RouteSettings,
        first_sequence: u16,
        now: Instant,
    ) -> Option<RouteKey> {
        let slot = self.tracks.get_mut(track.0 as usize)?;
        // Half the range stays free below the first rollover.
        let forwarder = Forwarder::new(sink, slot.published.kind, settings, first_sequence & 0x7fff);
        let key = self.routes.insert(RouteSlot {
            track: track.0,
            forwarder,
        }) as u32;
        slot.routes.push(key);
        self.aim(key, now);
        Some(RouteKey(key))
    }

    /// Removes a route.
    pub fn remove_route(&mut self, route: RouteKey) {
        let Some(slot) = self.routes.try_remove(route.0 as usize) else {
            return;
        };
        if let Some(track) = self.tracks.get_mut(slot.track as usize) {
            track.routes.retain(|key| *key != route.0);
        }
    }

    /// Changes how a route is served.
    pub fn set_route(&mut self, route: RouteKey, settings: RouteSettings, now: Instant) {
        let Some(slot) = self.routes.get_mut(route.0 as usize) else {
            return;
        };
        if slot.forwarder.settings != settings {
            slot.forwarder.settings = settings;
            self.aim(route.0, now);
        }
    }

    /// How a route is served now.
    pub fn route(&self, route: RouteKey) -> Option<RouteSettings> {
        Some(self.routes.get(route.0 as usize)?.forwarder.settings)
    }

    /// Whether the route's track is there and not muted.
    pub fn is_open(&self, route: RouteKey) -> bool {
        self.routes
            .get(route.0 as usize)
            .and_then(|slot| self.tracks.get(slot.track as usize))
            .is_some_and(|track| !track.published.muted)
    }

    /// Grants a route layers up to `point`; `None` pauses it.
    pub fn grant(&mut self, route: RouteKey, point: Option<LayerPoint>, now: Instant) {
        let Some(slot) = self.routes.get_mut(route.0 as usize) else {
            return;
        };
        if slot.forwarder.granted != point {
            slot.forwarder.granted = point;
            self.aim(route.0, now);
        }
    }

    /// The layer a route sends now.
    pub fn current_layer(&self, route: RouteKey) -> Option<usize> {
        self.routes.get(route.0 as usize)?.forwarder.current_layer()
    }

    /// What a route would take up to a layer and a temporal layer of it; `None` where that does not flow.
    pub fn bitrate(&self, route: RouteKey, point: LayerPoint, now: Instant) -> Option<Bitrate> {
        let slot = self.routes.get(route.0 as usize)?;
        let track = self.tracks.get(slot.track as usize)?;
        track.published.bitrate(point.spatial, point.temporal, now)
    }

    /// What flows of a track, by layer, lowest first; `None` where nothing does.
    pub fn layers(&self, track: TrackKey, now: Instant) -> Vec<Option<Bitrate>> {
        let Some(slot) = self.tracks.get(track.0 as usize) else {
            return Vec::new();
        };
        slot.published.layers(now)
    }

    /// Keeps a packet for everybody who gets it; they get it with [`Routes::distribute`].
    pub fn handle_packet(&mut self, track: TrackKey, packet: &Incoming<'_>) -> Intake {
        let Some(slot) = self.tracks.get_mut(track.0 as usize) else {
            return Intake::Ignored;
        };
        if slot.published.muted {
            return Intake::Ignored;
        }
        let layer = packet.layer.min(LAYERS - 1);
        let (revived, keyframe) = match slot.published.take(packet) {
            Taken::Kept { revived, keyframe } => (revived, keyframe),
            Taken::Known => return Intake::Ignored,
            Taken::Malformed => return Intake::Malformed,
            Taken::Flooding => return Intake::Policed,
        };
        if revived {
            for route in &slot.routes {
                let Some(route) = self.routes.get_mut(*route as usize) else {
                    continue;
                };
                route.forwarder.aim(&slot.published, packet.arrival);
                let waits = route.forwarder.waiting_for();
                if let Some(wanted) = waits.filter(|wanted| *wanted != layer || !keyframe) {
                    self.stirred |= slot.published.want_keyframe(wanted, packet.arrival);
                }
            }
        }
        self.flowed = Some(packet.arrival);
        if self.next_tick.is_none() {
            self.next_tick = Some(packet.arrival + TICK);
            self.stirred = true;
        }
        if slot.pending.is_empty() {
            self.pending[class(slot.published.kind)].push(track.0);
        }
        slot.pending.push((layer as u8, packet.sequence));
        Intake::Pending
    }

    /// Whether packets of a kind wait to be distributed.
    pub fn has_pending(&self, kind: MediaKind) -> bool {
        !self.pending[class(kind)].is_empty()
    }

    /// Works out who gets the packets of a kind that arrived since the last call, subscriber by subscriber.
    pub fn distribute(&mut self, kind: MediaKind, now: Instant, mut each: impl FnMut(Outgoing)) {
        let mut tracks = std::mem::take(&mut self.pending[class(kind)]);
        for key in tracks.drain(..) {
            let Some(track) = self.tracks.get_mut(key as usize) else {
                continue;
            };
            let TrackSlot {
                published,
                routes,
                pending,
                ..
            } = track;
            let mut awaited = [false; LAYERS];
            for (begin, waiting) in (0..).step_by(BURST).zip(pending.chunks(BURST)) {
                let last = begin + BURST >= pending.len();
                let burst = Burst::find(published, waiting);
                for route in routes.iter() {
                    let Some(route) = self.routes.get_mut(*route as usize) else {
                        continue;
                    };
                    let forwarder = &mut route.forwarder;
                    if let Some(burst) = &burst {
                        let serving = Serving {
                            track: TrackKey(key),
                            published,
                            burst,
                            coming: pending.get(begin..).unwrap_or_default(),
                            now,
                        };
                        serving.serve(forwarder, &mut each);
                    }
                    let waits = forwarder.waiting_for().filter(|_| last);
                    if let Some(awaited) = waits.and_then(|layer| awaited.get_mut(layer)) {
                        *awaited = true;
                    }
                }
            }
            for layer in (0..LAYERS).filter(|layer| awaited[*layer]) {
                self.stirred |= published.want_keyframe(layer, now);
            }
            track.pending.clear();
        }
        self.pending[class(kind)] = tracks;
    }

    /// Where packets that go out are kept; `None` where their track is gone.
    #[inline]
    pub fn kept(&self, outgoing: &Outgoing) -> Option<Kept<'_>> {
        let track = self.tracks.get(outgoing.track.0 as usize)?;
        let encoding = track.published.encodings.get(usize::from(outgoing.layer))?;
        Some(Kept { encoding })
    }

    /// Gives the packets a subscriber asks for again, as far as they are known.
    pub fn repair(
        &mut self,
        route: RouteKey,
        sequences: &[u16],
        rtt: Duration,
        now: Instant,
        mut each: impl FnMut(Outgoing),
    ) {
        let Some(slot) = self.routes.get_mut(route.0 as usize) else {
            return;
        };
        for sequence in sequences {
            if let Some(outgoing) = slot.forwarder.repairs.repair(*sequence, rtt, now) {
                each(outgoing);
            }
        }
    }

    /// Stops a picture and begins it again at a keyframe: what its subscriber got last does not continue.
    pub fn begin_afresh(&mut self, route: RouteKey, now: Instant) {
        let Some(slot) = self.routes.get_mut(route.0 as usize) else {
            return;
        };
        slot.forwarder.stop();
        self.aim(route.0, now);
    }

    /// A subscriber asked for a keyframe of what it gets.
    pub fn keyframe_wanted(&mut self, route: RouteKey, now: Instant) {
        let Some(slot) = self.routes.get(route.0 as usize) else {
            return;
        };
        let forwarder = &slot.forwarder;
        let Some(layer) = forwarder.encoding().or(forwarder.waiting_for()) else {
            return;
        };
        if let Some(track) = self.tracks.get_mut(slot.track as usize)
            && track.published.kind == MediaKind::Video
        {
            track.published.encodings[layer.min(LAYERS - 1)]
                .throttle
                .want(now);
        }
    }

    /// Gives the keyframe requests that are due, appended to `out`.
    pub fn keyframe_requests(&mut self, now: Instant, out: &mut Vec<KeyframeRequest>) {
        for (key, slot) in &mut self.tracks {
            if slot.published.kind != MediaKind::Video || slot.published.muted {
                continue;
            }
            for (layer, encoding) in slot.published.encodings.iter_mut().enumerate() {
                if encoding.throttle.ask(layer, now) {
                    out.push(KeyframeRequest {
                        track: TrackKey(key as u32),
                        layer,
                    });
                }
            }
        }
    }

    /// Whether packets came lately: while none do, nothing of the routes changes by itself.
    pub fn is_flowing(&self, now: Instant) -> bool {
        // Long enough to see a layer die after its last packet.
        self.flowed
            .is_some_and(|last| now.saturating_duration_since(last) < ALIVE + TICK)
    }

    /// Whether [`Routes::poll_timeout`] may have come nearer by packets handed in and distributed since the last call.
    pub fn take_stirred(&mut self) -> bool {
        std::mem::take(&mut self.stirred)
    }

    /// Works aims out again where it is time.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.next_tick.is_none_or(|due| due > now) {
            return;
        }
        self.next_tick = self.is_flowing(now).then(|| now + TICK);
        for key in 0..self.routes.capacity() as u32 {
            self.aim(key, now);
        }
        self.drop_idle_wishes();
    }

    /// Forgets the keyframe wishes of layers that nobody gets or waits for any more. A layer that was switched off
    /// never sends the keyframe that would end its wish, and some encoders answer each request with keyframes of all
    /// their layers.
    fn drop_idle_wishes(&mut self) {
        for (_, slot) in &mut self.tracks {
            for (layer, encoding) in slot.published.encodings.iter_mut().enumerate() {
                if !encoding.throttle.is_wanted() {
                    continue;
                }
                let needed = slot.relayed.contains(layer)
                    || slot.routes.iter().any(|route| {
                        self.routes.get(*route as usize).is_some_and(|route| {
                            let forwarder = &route.forwarder;
                            forwarder.waiting_for() == Some(layer) || forwarder.encoding() == Some(layer)
                        })
                    });
                if !needed {
                    encoding.throttle.satisfied();
                }
            }
        }
    }

    /// When to call [`Routes::handle_timeout`] and [`Routes::keyframe_requests`] next; `None` without routes and
    /// relays, and while nothing flows.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let relays = || self.tracks.iter().any(|(_, slot)| !slot.relayed.is_empty());
        if self.routes.is_empty() && !relays() {
            return None;
        }
        let throttles = self
            .tracks
            .iter()
            .filter(|(_, slot)| !slot.published.muted)
            .flat_map(|(_, slot)| {
                slot.published
                    .encodings
                    .iter()
                    .enumerate()
                    .filter_map(|(layer, encoding)| encoding.throttle.next(layer))
            });
        throttles.chain(self.next_tick).min()
    }

    fn aim(&mut self, key: u32, now: Instant) {
        let Some(slot) = self.routes.get_mut(key as usize) else {
            return;
        };
        let Some(track) = self.tracks.get_mut(slot.track as usize) else {
            return;
        };
        slot.forwarder.aim(&track.published, now);
        if let Some(layer) = slot.forwarder.waiting_for() {
            track.published.want_keyframe(layer, now);
        }
    }
}

/// Sound and pictures wait apart.
fn class(kind: MediaKind) -> usize {
    match kind {
        MediaKind::Audio => 0,
        MediaKind::Video => 1,
    }
}

#[cfg(test)]
mod tests;
