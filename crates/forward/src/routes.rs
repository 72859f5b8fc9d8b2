use std::sync::Arc;
use std::time::{Duration, Instant};

use slab::Slab;
use tertulia_model::{Bitrate, Codec, MediaKind};
use tertulia_rtp::{Vp8Descriptor, Vp8Rewrite, starts_keyframe};

use crate::forwarder::{Forwarder, RouteSettings, SinkId};
use crate::published::{Incoming, Published};

/// How often aims are worked out again, so that a layer that died or came alive is noticed.
const TICK: Duration = Duration::from_millis(250);

/// Key of a published track in its [`Routes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackKey(usize);

/// Key of a route in its [`Routes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteKey(usize);

/// A packet to send to a subscriber.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// On what.
    pub sink: SinkId,
    /// The codec of the payload, which decides its payload type.
    pub codec: Codec,
    /// Sequence number; begins below 65 536 and only rises by what was sent.
    pub sequence: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Marker bit.
    pub marker: bool,
    /// The payload as received.
    pub payload: Arc<[u8]>,
    /// What to write over the VP8 descriptor.
    pub vp8: Option<Vp8Rewrite>,
}

/// A keyframe to ask a publisher for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyframeRequest {
    /// Of which track.
    pub track: TrackKey,
    /// Of which layer.
    pub layer: usize,
}

/// All tracks of one room and who receives them.
#[derive(Debug, Default)]
pub struct Routes {
    tracks: Slab<TrackSlot>,
    routes: Slab<RouteSlot>,
    next_tick: Option<Instant>,
}

#[derive(Debug)]
struct TrackSlot {
    published: Published,
    routes: Vec<usize>,
}

#[derive(Debug)]
struct RouteSlot {
    track: usize,
    forwarder: Forwarder,
}

impl Routes {
    /// Adds a track nobody receives yet.
    pub fn add_track(&mut self, kind: MediaKind) -> TrackKey {
        TrackKey(self.tracks.insert(TrackSlot {
            published: Published::new(kind),
            routes: Vec::new(),
        }))
    }

    /// Removes a track and every route of it.
    pub fn remove_track(&mut self, track: TrackKey) {
        if let Some(slot) = self.tracks.try_remove(track.0) {
            for route in slot.routes {
                self.routes.try_remove(route);
            }
        }
    }

    /// Notes that a track is muted or not. Nothing of a muted one is passed on, whatever its publisher sends, and it
    /// is asked for no keyframes.
    pub fn set_muted(&mut self, track: TrackKey, muted: bool, now: Instant) {
        let Some(slot) = self.tracks.get_mut(track.0) else {
            return;
        };
        if slot.published.muted == muted {
            return;
        }
        slot.published.muted = muted;
        for route in slot.routes.clone() {
            self.aim(route, now);
        }
    }

    /// Whether a track is muted.
    pub fn is_muted(&self, track: TrackKey) -> bool {
        self.tracks.get(track.0).is_some_and(|slot| slot.published.muted)
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
        let slot = self.tracks.get_mut(track.0)?;
        // Half the range stays free below the first rollover.
        let forwarder = Forwarder::new(sink, slot.published.kind, settings, first_sequence & 0x7fff);
        let key = self.routes.insert(RouteSlot {
            track: track.0,
            forwarder,
        });
        slot.routes.push(key);
        self.aim(key, now);
        Some(RouteKey(key))
    }

    /// Removes a route.
    pub fn remove_route(&mut self, route: RouteKey) {
        let Some(slot) = self.routes.try_remove(route.0) else {
            return;
        };
        if let Some(track) = self.tracks.get_mut(slot.track) {
            track.routes.retain(|key| *key != route.0);
        }
    }

    /// Changes how a route is served.
    pub fn set_route(&mut self, route: RouteKey, settings: RouteSettings, now: Instant) {
        let Some(slot) = self.routes.get_mut(route.0) else {
            return;
        };
        slot.forwarder.settings = settings;
        self.aim(route.0, now);
    }

    /// How a route is served now.
    pub fn route(&self, route: RouteKey) -> Option<RouteSettings> {
        self.routes.get(route.0).map(|slot| slot.forwarder.settings)
    }

    /// Grants a route layers up to `layer`; `None` pauses it.
    pub fn grant(&mut self, route: RouteKey, layer: Option<usize>, now: Instant) {
        let Some(slot) = self.routes.get_mut(route.0) else {
            return;
        };
        if slot.forwarder.granted != layer {
            slot.forwarder.granted = layer;
            self.aim(route.0, now);
        }
    }

    /// The layer a route sends now.
    pub fn current_layer(&self, route: RouteKey) -> Option<usize> {
        self.routes.get(route.0)?.forwarder.current_layer()
    }

    /// Measured bitrate of each layer of a route's track that is alive; the lowest first.
    pub fn layer_bitrates(&self, route: RouteKey, now: Instant) -> [Option<Bitrate>; 3] {
        let track = self
            .routes
            .get(route.0)
            .and_then(|slot| self.tracks.get(slot.track));
        let Some(track) = track else { return [None; 3] };
        track
            .published
            .layers
            .map(|layer| layer.alive(now).then(|| Bitrate::from_bps(layer.bitrate_bps)))
    }

    /// Passes a packet to everybody who gets it; results are appended to `out`. False where it was left out because
    /// its publisher sends far too much.
    pub fn handle_packet(&mut self, track: TrackKey, packet: &Incoming<'_>, out: &mut Vec<Outgoing>) -> bool {
        let Some(slot) = self.tracks.get_mut(track.0) else {
            return true;
        };
        if slot.published.muted {
            return true;
        }
        let layer = packet.layer.min(2);
        let was_alive = slot.published.layers[layer].alive(packet.arrival);
        slot.published.layers[layer].note(packet.payload.len(), packet.clock, packet.arrival);
        if slot.published.layers[layer].is_flooded(slot.published.kind) {
            return false;
        }
        let vp8 = (packet.codec == Codec::Vp8)
            .then(|| Vp8Descriptor::parse(packet.payload))
            .flatten();
        let keyframe = starts_keyframe(packet.codec, packet.payload);
        if keyframe {
            slot.published.layers[layer].throttle.satisfied();
        }
        if !was_alive {
            for route in &slot.routes {
                let forwarder = &mut self.routes[*route].forwarder;
                forwarder.aim(&slot.published, packet.arrival);
                if let Some(wanted) = forwarder
                    .waiting_for()
                    .filter(|wanted| *wanted != layer || !keyframe)
                {
                    slot.published.layers[wanted.min(2)].throttle.want(packet.arrival);
                }
            }
        }
        for route in &slot.routes {
            let forwarder = &mut self.routes[*route].forwarder;
            let Some(forwarded) = forwarder.forward(packet, keyframe, vp8.as_ref(), &slot.published) else {
                continue;
            };
            out.push(Outgoing {
                sink: forwarder.sink,
                codec: forwarded.codec,
                sequence: forwarded.place.sequence,
                timestamp: forwarded.place.timestamp,
                marker: packet.marker,
                payload: forwarded.payload,
                vp8: forwarded.vp8,
            });
        }
        true
    }

    /// A subscriber asked for a keyframe of what it gets.
    pub fn keyframe_wanted(&mut self, route: RouteKey, now: Instant) {
        let Some(slot) = self.routes.get(route.0) else {
            return;
        };
        let forwarder = &slot.forwarder;
        let Some(layer) = forwarder.current_layer().or(forwarder.waiting_for()) else {
            return;
        };
        if let Some(track) = self.tracks.get_mut(slot.track)
            && track.published.kind == MediaKind::Video
        {
            track.published.layers[layer.min(2)].throttle.want(now);
        }
    }

    /// Gives the keyframe requests that are due, appended to `out`.
    pub fn keyframe_requests(&mut self, now: Instant, out: &mut Vec<KeyframeRequest>) {
        for (key, slot) in &mut self.tracks {
            if slot.published.kind != MediaKind::Video || slot.published.muted {
                continue;
            }
            for (layer, state) in slot.published.layers.iter_mut().enumerate() {
                if state.throttle.ask(layer, now) {
                    out.push(KeyframeRequest {
                        track: TrackKey(key),
                        layer,
                    });
                }
            }
        }
    }

    /// Works aims out again where it is time.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.next_tick.is_some_and(|due| due > now) {
            return;
        }
        self.next_tick = Some(now + TICK);
        for key in 0..self.routes.capacity() {
            if self.routes.contains(key) {
                self.aim(key, now);
            }
        }
        self.drop_idle_wishes();
    }

    /// Forgets the keyframe wishes of layers that nobody gets or waits for any more. A layer that was switched off
    /// never sends the keyframe that would end its wish, and some encoders answer each request with keyframes of all
    /// their layers.
    fn drop_idle_wishes(&mut self) {
        for (_, slot) in &mut self.tracks {
            for (layer, state) in slot.published.layers.iter_mut().enumerate() {
                let needed = slot.routes.iter().any(|route| {
                    self.routes.get(*route).is_some_and(|route| {
                        let forwarder = &route.forwarder;
                        forwarder.waiting_for() == Some(layer) || forwarder.current_layer() == Some(layer)
                    })
                });
                if !needed {
                    state.throttle.satisfied();
                }
            }
        }
    }

    /// When to call [`Routes::handle_timeout`] and [`Routes::keyframe_requests`] next; `None` without video routes.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.routes.is_empty() {
            return None;
        }
        let throttles = self
            .tracks
            .iter()
            .filter(|(_, slot)| !slot.published.muted)
            .flat_map(|(_, slot)| {
                slot.published
                    .layers
                    .iter()
                    .enumerate()
                    .filter_map(|(layer, state)| state.throttle.next(layer))
            });
        throttles.chain(self.next_tick).min()
    }

    fn aim(&mut self, key: usize, now: Instant) {
        let Some(slot) = self.routes.get_mut(key) else {
            return;
        };
        let Some(track) = self.tracks.get_mut(slot.track) else {
            return;
        };
        slot.forwarder.aim(&track.published, now);
        if let Some(layer) = slot.forwarder.waiting_for() {
            track.published.layers[layer.min(2)].throttle.want(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: RouteSettings = RouteSettings {
        ready: true,
        enabled: true,
        max_layer: 2,
        accepts_red: false,
    };

    struct Rig {
        routes: Routes,
        track: TrackKey,
        start: Instant,
        sent: Vec<Outgoing>,
    }

    impl Rig {
        fn new(kind: MediaKind) -> Self {
            let mut routes = Routes::default();
            let track = routes.add_track(kind);
            Self {
                routes,
                track,
                start: Instant::now(),
                sent: Vec::new(),
            }
        }

        fn at(&self, ms: u64) -> Instant {
            self.start + Duration::from_millis(ms)
        }

        fn subscribe(&mut self, settings: RouteSettings) -> RouteKey {
            self.routes
                .add_route(self.track, SinkId(7), settings, 10, self.start)
                .unwrap()
        }

        /// Feeds a VP8 packet and tells the outgoing sequence numbers.
        fn vp8(&mut self, layer: usize, sequence: u64, key: bool, ms: u64) -> Vec<u64> {
            let payload: Arc<[u8]> = vec![0x10, u8::from(!key), 0, 0].into();
            self.feed(Codec::Vp8, layer, sequence, &payload, ms)
        }

        fn feed(
            &mut self,
            codec: Codec,
            layer: usize,
            sequence: u64,
            payload: &Arc<[u8]>,
            ms: u64,
        ) -> Vec<u64> {
            self.sent.clear();
            let packet = Incoming {
                layer,
                codec,
                sequence,
                timestamp: ms as u32 * 90,
                marker: true,
                arrival: self.at(ms),
                payload,
                clock: None,
            };
            self.routes.handle_packet(self.track, &packet, &mut self.sent);
            self.sent.iter().map(|packet| packet.sequence).collect()
        }

        fn asked(&mut self, ms: u64) -> Vec<usize> {
            let mut requests = Vec::new();
            let now = self.at(ms);
            self.routes.handle_timeout(now);
            self.routes.keyframe_requests(now, &mut requests);
            requests.iter().map(|request| request.layer).collect()
        }
    }

    #[test]
    fn a_subscriber_begins_at_a_keyframe_and_one_is_asked_for() {
        let mut rig = Rig::new(MediaKind::Video);
        rig.subscribe(READY);
        assert!(rig.vp8(0, 500, false, 0).is_empty());
        assert_eq!(rig.asked(1), [0]);
        assert_eq!(rig.vp8(0, 501, true, 10), [10]);
        assert_eq!(rig.vp8(0, 502, false, 20), [11]);
    }

    #[test]
    fn the_best_layer_not_above_the_wanted_is_reached_without_a_gap() {
        let mut rig = Rig::new(MediaKind::Video);
        let route = rig.subscribe(READY);
        assert_eq!(rig.vp8(0, 1, true, 0), [10]);
        assert!(
            rig.vp8(2, 9_000, false, 5).is_empty(),
            "waits for a keyframe of the better layer"
        );
        assert_eq!(rig.asked(6), [2]);
        assert_eq!(rig.vp8(0, 2, false, 10), [11]);
        assert_eq!(rig.vp8(2, 9_001, true, 15), [12]);
        assert!(rig.vp8(0, 3, false, 20).is_empty());
        rig.routes.set_route(
            route,
            RouteSettings {
                max_layer: 0,
                ..READY
            },
            rig.at(30),
        );
        assert_eq!(rig.vp8(2, 9_002, false, 31), [13]);
        assert_eq!(rig.vp8(0, 4, true, 40), [14]);
    }

    #[test]
    fn a_layer_that_dies_is_left_for_one_that_lives() {
        let mut rig = Rig::new(MediaKind::Video);
        rig.subscribe(READY);
        rig.vp8(2, 1, true, 0);
        rig.vp8(0, 1, false, 0);
        for ms in (100..2_000).step_by(100) {
            rig.vp8(0, 1 + ms / 100, false, ms);
        }
        assert_eq!(rig.asked(2_000), [0]);
        assert_eq!(rig.vp8(0, 50, true, 2_010).len(), 1);
    }

    #[test]
    fn nothing_flows_to_who_is_not_ready_or_disabled_or_paused() {
        let mut rig = Rig::new(MediaKind::Video);
        let route = rig.subscribe(RouteSettings {
            ready: false,
            ..READY
        });
        assert!(rig.vp8(0, 1, true, 0).is_empty());
        rig.routes.set_route(route, READY, rig.at(1));
        assert_eq!(rig.vp8(0, 2, true, 2).len(), 1);
        rig.routes.grant(route, None, rig.at(3));
        assert!(rig.vp8(0, 3, true, 4).is_empty());
        rig.routes.grant(route, Some(2), rig.at(5));
        assert_eq!(rig.vp8(0, 4, true, 6).len(), 1);
        rig.routes.set_route(
            route,
            RouteSettings {
                enabled: false,
                ..READY
            },
            rig.at(7),
        );
        assert!(rig.vp8(0, 5, true, 8).is_empty());
    }

    #[test]
    fn nothing_of_a_muted_track_is_passed_on_and_it_goes_on_without_a_gap() {
        let mut rig = Rig::new(MediaKind::Audio);
        rig.subscribe(READY);
        let sound: Arc<[u8]> = vec![1, 2].into();
        assert_eq!(rig.feed(Codec::Opus, 0, 1, &sound, 0), [10]);
        rig.routes.set_muted(rig.track, true, rig.at(10));
        assert!(rig.routes.is_muted(rig.track));
        assert!(rig.feed(Codec::Opus, 0, 2, &sound, 20).is_empty());
        rig.routes.set_muted(rig.track, false, rig.at(30));
        assert_eq!(rig.feed(Codec::Opus, 0, 3, &sound, 40), [11]);
    }

    #[test]
    fn a_flood_of_sound_is_cut_to_what_sound_may_take() {
        let mut rig = Rig::new(MediaKind::Audio);
        rig.subscribe(READY);
        let sound: Arc<[u8]> = vec![1; 1_000].into();
        // Ten seconds at 8 Mbit/s.
        let passed = (0..10_000)
            .filter(|ms| !rig.feed(Codec::Opus, 0, 1 + ms, &sound, *ms).is_empty())
            .count();
        assert!((2_400..=2_600).contains(&passed), "{passed} kB of 10 000");
        let quiet: Arc<[u8]> = vec![1; 100].into();
        assert_eq!(rig.feed(Codec::Opus, 0, 20_000, &quiet, 12_000).len(), 1);
    }

    #[test]
    fn an_unmuted_picture_begins_at_a_keyframe_that_is_asked_for() {
        let mut rig = Rig::new(MediaKind::Video);
        rig.subscribe(READY);
        rig.vp8(0, 1, true, 0);
        rig.routes.set_muted(rig.track, true, rig.at(10));
        assert!(rig.vp8(0, 2, true, 20).is_empty());
        assert!(rig.asked(30).is_empty());
        rig.routes.set_muted(rig.track, false, rig.at(40));
        assert_eq!(rig.asked(41), [0]);
        assert_eq!(rig.vp8(0, 3, true, 50), [11]);
    }

    #[test]
    fn a_layer_nobody_waits_for_any_more_is_not_asked_for_keyframes() {
        let mut rig = Rig::new(MediaKind::Video);
        rig.subscribe(READY);
        rig.vp8(0, 1, true, 0);
        rig.vp8(2, 1, false, 10);
        assert_eq!(rig.asked(20), [2]);
        // The best layer dies before it sent a keyframe.
        for ms in (100..4_000).step_by(100) {
            rig.vp8(0, 1 + ms / 100, false, ms);
            let asked = rig.asked(ms + 1);
            assert!(ms < 2_000 || asked.is_empty(), "at {ms} ms: {asked:?}");
        }
    }

    #[test]
    fn redundant_audio_is_unwrapped_only_for_who_cannot_read_it() {
        let red: Arc<[u8]> = vec![111, 1, 2, 3].into();
        let mut rig = Rig::new(MediaKind::Audio);
        rig.subscribe(READY);
        rig.feed(Codec::Red, 0, 1, &red, 0);
        assert_eq!(
            (rig.sent[0].codec, &rig.sent[0].payload[..]),
            (Codec::Opus, &[1, 2, 3][..])
        );
        let mut rig = Rig::new(MediaKind::Audio);
        rig.subscribe(RouteSettings {
            accepts_red: true,
            ..READY
        });
        rig.feed(Codec::Red, 0, 1, &red, 0);
        assert_eq!(
            (rig.sent[0].codec, &rig.sent[0].payload[..]),
            (Codec::Red, &red[..])
        );
    }

    #[test]
    fn a_keyframe_wish_for_sound_sets_no_timer() {
        let mut rig = Rig::new(MediaKind::Audio);
        let route = rig.subscribe(READY);
        rig.feed(Codec::Opus, 0, 1, &vec![1, 2].into(), 0);
        rig.routes.keyframe_wanted(route, rig.at(1));
        assert!(rig.asked(2).is_empty());
        assert!(rig.routes.poll_timeout() > Some(rig.at(2)));
    }

    #[test]
    fn removing_a_track_removes_its_routes() {
        let mut rig = Rig::new(MediaKind::Audio);
        let route = rig.subscribe(READY);
        rig.routes.remove_track(rig.track);
        assert_eq!(rig.routes.route(route), None);
        assert_eq!(rig.routes.poll_timeout(), None);
    }
}
