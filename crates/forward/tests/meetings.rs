//! Whole meetings at random, by seed: what everybody gets is checked as a receiver would.
//!
//! `TERTULIA_SIM_SEEDS` sets how many seeds are run, `TERTULIA_SIM_SEED` runs one of them alone.

#![allow(clippy::disallowed_methods, reason = "virtual time begins at some instant")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a simulation fails by panicking, as a test does"
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tertulia_forward::{
    Allocator, Choice, Claim, Due, Incoming, LayerPoint, Outgoing, Pacer, RouteKey, RouteSettings, Routes,
    SinkId, TrackKey,
};
use tertulia_model::{Bitrate, Codec, MediaKind};
use tertulia_rtp::{Extensions, Rewrite, SendWindow, SrtpProfile, SrtpSender};

const STEP: Duration = Duration::from_millis(2);
const LENGTH: Duration = Duration::from_secs(8);
/// From here on nothing changes any more, so that what must flow can be told.
const CALM: Duration = Duration::from_secs(5);
const LAYERS: usize = 3;

#[test]
fn every_seed_keeps_what_receivers_rely_on() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("TERTULIA_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("TERTULIA_SIM_SEEDS").unwrap_or(500),
    };
    for seed in seeds {
        World::new(seed).run();
    }
}

/// One simulcast encoding, or a microphone.
struct Source {
    sequence: u64,
    picture: u16,
    next: Duration,
    keyframe_at: Option<Duration>,
}

struct Track {
    key: TrackKey,
    kind: MediaKind,
    muted: bool,
    sources: Vec<Source>,
    /// Packets of each source lost or overtaken before they came here.
    disturbed: u64,
    held: Option<(usize, u64, u32, Vec<u8>)>,
}

struct Route {
    key: RouteKey,
    track: usize,
    settings: RouteSettings,
    paused: bool,
    received: Received,
}

/// What a receiver makes of one stream.
struct Received {
    window: SendWindow,
    first: Option<u64>,
    highest: u64,
    count: u64,
    last_at: Option<Duration>,
    picture: Option<u16>,
    /// Pictures that waited too long were thrown away: the numbers go on behind them, at a keyframe.
    cut: bool,
}

struct Subscriber {
    pacer: Pacer,
    allocator: Allocator<RouteKey>,
    estimate: Bitrate,
    routes: BTreeMap<u32, Route>,
}

struct World {
    seed: u64,
    rng: StdRng,
    start: Instant,
    at: Duration,
    routes: Routes,
    tracks: Vec<Track>,
    people: Vec<Subscriber>,
    owner: BTreeMap<u32, usize>,
    lossy: bool,
    sinks: u32,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let start = Instant::now();
        let mut routes = Routes::default();
        let people = rng.random_range(2..=5_usize);
        let mut tracks = Vec::new();
        for _ in 0..people {
            for kind in [MediaKind::Audio, MediaKind::Video] {
                let count = if kind == MediaKind::Video { LAYERS } else { 1 };
                let sources = (0..count).map(|_| Source {
                    sequence: u64::from(rng.random::<u16>()),
                    picture: rng.random::<u16>() & 0x7fff,
                    next: Duration::from_millis(rng.random_range(0..40)),
                    keyframe_at: Some(Duration::ZERO),
                });
                tracks.push(Track {
                    key: routes.add_track(kind),
                    kind,
                    muted: false,
                    sources: sources.collect(),
                    disturbed: 0,
                    held: None,
                });
            }
        }
        let lossy = rng.random();
        let mut world = Self {
            seed,
            rng,
            start,
            at: Duration::ZERO,
            routes,
            tracks,
            people: Vec::new(),
            owner: BTreeMap::new(),
            lossy,
            sinks: 0,
        };
        for person in 0..people {
            world.people.push(Subscriber {
                pacer: Pacer::default(),
                allocator: Allocator::default(),
                estimate: Bitrate::from_kbps(5_000),
                routes: BTreeMap::new(),
            });
            for track in (0..world.tracks.len()).filter(|track| track / 2 != person) {
                world.subscribe(person, track);
            }
        }
        world
    }

    fn now(&self) -> Instant {
        self.start + self.at
    }

    fn subscribe(&mut self, person: usize, track: usize) {
        let sink = self.sinks;
        self.sinks += 1;
        let settings = RouteSettings {
            ready: true,
            enabled: true,
            max_layer: 2,
            max_temporal: 3,
            accepts_red: false,
            wants_red: false,
        };
        let now = self.now();
        let first = self.rng.random();
        let key = self
            .routes
            .add_route(self.tracks[track].key, SinkId(sink), settings, first, now);
        self.owner.insert(sink, person);
        let mut sender =
            SrtpSender::new(SrtpProfile::AeadAes128Gcm, &[1; 16], &[2; 12]).expect("lengths fit");
        self.people[person].routes.insert(
            sink,
            Route {
                key: key.unwrap(),
                track,
                settings,
                paused: false,
                received: Received {
                    window: sender.window(sink + 1).expect("a fresh SSRC"),
                    first: None,
                    highest: 0,
                    count: 0,
                    last_at: None,
                    picture: None,
                    cut: false,
                },
            },
        );
    }

    fn run(mut self) {
        while self.at < LENGTH {
            if self.at < CALM && self.rng.random_bool(0.01) {
                self.disturb();
            }
            self.publish();
            self.forward();
            if self.at.as_millis().is_multiple_of(500) {
                self.allocate();
            }
            let now = self.now();
            self.routes.handle_timeout(now);
            let mut requests = Vec::new();
            self.routes.keyframe_requests(now, &mut requests);
            for request in requests {
                let track = self.tracks.iter_mut().find(|track| track.key == request.track);
                let delay = Duration::from_millis(self.rng.random_range(20..120));
                if let Some(source) = track.and_then(|track| track.sources.get_mut(request.layer)) {
                    source.keyframe_at.get_or_insert(self.at + delay);
                }
            }
            self.at += STEP;
        }
        self.check_end();
    }

    /// Somebody does something.
    fn disturb(&mut self) {
        let person = self.rng.random_range(0..self.people.len());
        let now = self.now();
        match self.rng.random_range(0..6) {
            0 => {
                let track = self.rng.random_range(0..self.tracks.len());
                let track = &mut self.tracks[track];
                track.muted = !track.muted;
                self.routes.set_muted(track.key, track.muted, now);
            }
            1 => {
                let kbps = [150, 400, 900, 2_500, 8_000][self.rng.random_range(0..5)];
                self.people[person].estimate = Bitrate::from_kbps(kbps);
                self.allocate();
            }
            2 => {
                // Leaves a track and takes it again, on another sink.
                let sinks: Vec<u32> = self.people[person].routes.keys().copied().collect();
                let sink = sinks[self.rng.random_range(0..sinks.len())];
                if let Some(route) = self.people[person].routes.remove(&sink) {
                    self.routes.remove_route(route.key);
                    self.people[person].pacer.forget(SinkId(sink));
                    self.owner.remove(&sink);
                    self.subscribe(person, route.track);
                }
            }
            choice => {
                let sinks: Vec<u32> = self.people[person].routes.keys().copied().collect();
                let sink = sinks[self.rng.random_range(0..sinks.len())];
                let layer = self.rng.random_range(0..LAYERS);
                let Some(route) = self.people[person].routes.get_mut(&sink) else {
                    return;
                };
                if choice == 3 {
                    route.settings.enabled = !route.settings.enabled;
                } else {
                    route.settings.max_layer = layer;
                }
                self.routes.set_route(route.key, route.settings, now);
            }
        }
    }

    fn publish(&mut self) {
        for track in 0..self.tracks.len() {
            for layer in 0..self.tracks[track].sources.len() {
                while self.tracks[track].sources[layer].next <= self.at {
                    self.frame(track, layer);
                }
            }
        }
    }

    fn frame(&mut self, index: usize, layer: usize) {
        let at = self.at;
        let track = &mut self.tracks[index];
        let source = &mut track.sources[layer];
        let timestamp = (source.next.as_millis() as u32).wrapping_mul(90);
        let audio = track.kind == MediaKind::Audio;
        source.next += Duration::from_millis(if audio { 20 } else { 40 });
        if track.muted {
            return;
        }
        let keyframe = source.keyframe_at.take_if(|due| *due <= at).is_some();
        source.picture = source.picture.wrapping_add(1) & 0x7fff;
        let packets = if audio {
            1
        } else {
            1 + layer as u64 + u64::from(keyframe)
        };
        for packet in 0..packets {
            let source = &mut self.tracks[index].sources[layer];
            source.sequence += 1;
            let sequence = source.sequence;
            let payload = if audio {
                vec![7; 80]
            } else {
                let start = packet == 0;
                let mut payload = vec![0x80 | u8::from(start) << 4, 0x80];
                payload.extend((0x8000 | source.picture).to_be_bytes());
                payload.push(u8::from(!keyframe));
                payload.resize(400 * (layer + 1), 9);
                payload
            };
            self.arrive(index, layer, sequence, timestamp, payload);
        }
    }

    /// A packet comes here, or is lost or overtaken on its way.
    fn arrive(&mut self, index: usize, layer: usize, sequence: u64, timestamp: u32, payload: Vec<u8>) {
        if self.lossy && self.rng.random_bool(0.02) {
            self.tracks[index].disturbed += 1;
            return;
        }
        if self.lossy && self.tracks[index].held.is_none() && self.rng.random_bool(0.02) {
            self.tracks[index].disturbed += 1;
            self.tracks[index].held = Some((layer, sequence, timestamp, payload));
            return;
        }
        self.hand_in(index, layer, sequence, timestamp, &payload);
        if let Some((layer, sequence, timestamp, payload)) = self.tracks[index].held.take() {
            self.hand_in(index, layer, sequence, timestamp, &payload);
        }
    }

    fn hand_in(&mut self, index: usize, layer: usize, sequence: u64, timestamp: u32, payload: &[u8]) {
        let track = &self.tracks[index];
        let packet = Incoming {
            layer,
            codec: if track.kind == MediaKind::Audio {
                Codec::Opus
            } else {
                Codec::Vp8
            },
            sequence,
            timestamp,
            marker: true,
            arrival: self.start + self.at,
            payload,
            ext: Extensions::default(),
            clock: None,
        };
        self.routes.handle_packet(track.key, &packet);
    }

    fn forward(&mut self) {
        let now = self.now();
        for kind in [MediaKind::Audio, MediaKind::Video] {
            let (owner, people) = (&self.owner, &mut self.people);
            self.routes.distribute(kind, now, |outgoing| {
                people[owner[&outgoing.sink.0]].pacer.push(outgoing, now);
            });
        }
        for person in 0..self.people.len() {
            let rate = Bitrate::from_bps(self.people[person].estimate.as_bps() * 5 / 2);
            self.people[person].pacer.set_rate(Some(rate));
            while let Some(due) = self.people[person].pacer.poll(now) {
                if let Due::Media(&outgoing) = due {
                    for packet in outgoing.packets() {
                        self.receive(person, &packet);
                    }
                }
            }
            if self.people[person].pacer.take_overflow() {
                let mut keys = Vec::new();
                for route in self.people[person].routes.values_mut() {
                    route.received.cut = true;
                    keys.push(route.key);
                }
                for key in keys {
                    self.routes.begin_afresh(key, now);
                }
            }
        }
    }

    fn receive(&mut self, person: usize, outgoing: &Outgoing) {
        let (seed, at) = (self.seed, self.at);
        let kept = self.routes.kept(outgoing);
        let stored = kept.and_then(|kept| kept.stored(outgoing));
        let route = self.people[person]
            .routes
            .get_mut(&outgoing.sink.0)
            .expect("nothing is sent on a route that is gone");
        let track = &self.tracks[route.track];
        let received = &mut route.received;
        // What AES-GCM cannot bear: an index used twice.
        assert!(
            received.window.admit(outgoing.sequence).is_some(),
            "seed {seed}, {at:?}: {} was used or cannot be extended",
            outgoing.sequence
        );
        let first = *received.first.get_or_insert(outgoing.sequence);
        assert!(
            outgoing.sequence >= first,
            "seed {seed}, {at:?}: before the first"
        );
        let cut = std::mem::take(&mut received.cut);
        if !self.lossy && received.count > 0 && !cut {
            assert_eq!(
                outgoing.sequence,
                received.highest + 1,
                "seed {seed}, {at:?}: a gap we made"
            );
        }
        received.highest = received.highest.max(outgoing.sequence);
        received.count += 1;
        received.last_at = Some(at);
        if track.kind == MediaKind::Audio {
            return;
        }
        let payload = stored
            .expect("what waits is kept as long as it may wait")
            .payload();
        let begins = payload[0] & 0x10 != 0;
        let keyframe = begins && payload[4] & 1 == 0;
        let Rewrite::Vp8(rewrite) = outgoing.rewrite else {
            panic!("seed {seed}: VP8 is rewritten");
        };
        let picture = rewrite.picture_id.unwrap();
        if let Some(before) = received.picture
            && !self.lossy
            && !keyframe
            && !cut
        {
            let ahead = picture.wrapping_sub(before) & 0x7fff;
            assert!(
                ahead <= 1,
                "seed {seed}, {at:?}: picture {picture} after {before}"
            );
        }
        if received.picture.is_none() {
            assert!(
                keyframe,
                "seed {seed}, {at:?}: a stream begins with something else"
            );
        }
        received.picture = Some(picture);
    }

    fn allocate(&mut self) {
        let now = self.now();
        for person in &mut self.people {
            let mut claims = Vec::new();
            for route in person.routes.values() {
                let track = &self.tracks[route.track];
                if track.kind == MediaKind::Audio || track.muted || !route.settings.enabled {
                    continue;
                }
                let choices = (0..=route.settings.max_layer).filter_map(|spatial| {
                    let point = LayerPoint {
                        spatial,
                        ..LayerPoint::TOP
                    };
                    let bitrate = self.routes.bitrate(route.key, point, now)?;
                    Some(Choice { point, bitrate })
                });
                claims.push(Claim {
                    route: route.key,
                    priority: u32::from(route.track == 1),
                    choices: choices.collect(),
                });
            }
            let verdicts = person.allocator.allocate(&mut claims, person.estimate, now);
            let cost = |verdict: &tertulia_forward::Verdict<RouteKey>| {
                let claim = claims.iter().find(|claim| claim.route == verdict.route)?;
                let point = verdict.point?;
                let within = claim.choices.iter().filter(|choice| choice.point <= point);
                within.map(|choice| choice.bitrate.as_bps()).max()
            };
            let costs: Vec<u64> = verdicts.iter().filter_map(cost).collect();
            let (sum, lone) = (costs.iter().sum::<u64>(), costs.len() == 1);
            let most = person.estimate.as_bps() * if lone { 3 } else { 1 };
            let spared = costs.first().copied().unwrap_or_default();
            assert!(
                sum <= most.max(person.estimate.as_bps() + spared),
                "seed {}: {sum} of {most}",
                self.seed
            );
            for verdict in verdicts {
                self.routes.grant(verdict.route, verdict.point, now);
                if let Some(route) = person
                    .routes
                    .values_mut()
                    .find(|route| route.key == verdict.route)
                {
                    route.paused = verdict.point.is_none();
                }
            }
        }
    }

    /// After some calm everybody gets what they are to get, and nothing else.
    fn check_end(&self) {
        for person in &self.people {
            for route in person.routes.values() {
                let track = &self.tracks[route.track];
                let open = route.settings.enabled && !track.muted && !route.paused;
                let silence = route.received.last_at.map(|last| self.at.saturating_sub(last));
                let flows = silence.is_some_and(|silence| silence < Duration::from_millis(700));
                assert_eq!(
                    flows, open,
                    "seed {}: track {} {:?}, silent for {silence:?}",
                    self.seed, route.track, route.settings
                );
                let gaps =
                    route.received.highest + 1 - route.received.first.unwrap_or(route.received.highest + 1);
                assert!(
                    gaps.saturating_sub(route.received.count) <= track.disturbed + 2_100,
                    "seed {}: {gaps} numbers for {} packets",
                    self.seed,
                    route.received.count
                );
            }
        }
    }
}
