use tertulia_rtp::{
    DependencyReader, DependencyStructure, FrameDescription, Indications, References, Template, red_blocks,
    red_write, write_descriptor,
};

use super::*;
use crate::forwarder::{RouteSettings, SinkId};
use crate::outgoing::Outgoing;
use crate::routes::Intake;

const READY: RouteSettings = RouteSettings {
    ready: true,
    enabled: true,
    max_layer: 2,
    max_temporal: 3,
    accepts_red: false,
    wants_red: false,
};
const NUMBER: TrackNumber = TrackNumber(9);

/// A publisher's stage and a stage that mirrors its track, with a subscriber on the second.
struct Rig {
    start: Instant,
    near: Routes,
    relay: Relay,
    track: TrackKey,
    far: Routes,
    mirror: TrackKey,
    here: Destination,
    sent: Vec<Outgoing>,
}

impl Rig {
    fn new(kind: MediaKind) -> Self {
        let (mut near, mut far) = (Routes::default(), Routes::default());
        let (track, mirror) = (near.add_track(kind), far.add_mirror(kind));
        let start = Instant::now();
        far.add_route(mirror, SinkId(1), READY, 10, start).unwrap();
        Self {
            start,
            near,
            relay: Relay::default(),
            track,
            far,
            mirror,
            here: Destination::new(3).unwrap(),
            sent: Vec::new(),
        }
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    /// Tells the publisher's stage what the other wants, and that stage what flows.
    fn agree(&mut self, ms: u64) {
        let now = self.at(ms);
        let wanted = self.far.wanted(self.mirror);
        let track = (self.track, NUMBER);
        self.relay.demand(&mut self.near, self.here, track, wanted, now);
        for TrackRates { number, rates } in self.relay.rates(&self.near, self.here, now) {
            assert_eq!(number, NUMBER);
            self.far.note_rates(self.mirror, &rates, now);
        }
        self.far.handle_timeout(now);
    }

    /// Publishes a packet and gives how many were relayed, and the payloads the far subscriber gets.
    fn publish(&mut self, packet: &Incoming<'_>) -> (usize, Vec<Vec<u8>>) {
        let (kind, now) = (packet.codec.kind(), packet.arrival);
        assert_eq!(self.near.handle_packet(self.track, packet), Intake::Pending);
        let burst = self.relay.collect(&self.near, kind).unwrap_or_default();
        self.near.distribute(kind, now, |_| ());
        let mut relayed = 0;
        for (number, packet) in burst.packets(self.here) {
            assert_eq!(number, NUMBER);
            assert_eq!(self.far.handle_packet(self.mirror, &packet), Intake::Pending);
            relayed += 1;
        }
        self.sent.clear();
        let sent = &mut self.sent;
        self.far
            .distribute(kind, now, |outgoing| sent.extend(outgoing.packets()));
        let payloads = self.sent.iter().map(|outgoing| {
            let kept = self.far.kept(outgoing).unwrap();
            let stored = kept.stored(outgoing).unwrap();
            stored.payload().to_vec()
        });
        (relayed, payloads.collect())
    }

    fn picture(&mut self, layer: usize, sequence: u64, key: bool, ms: u64) -> (usize, Vec<Vec<u8>>) {
        let payload = [0x10, u8::from(!key), layer as u8, 0];
        self.publish(&incoming(Codec::Vp8, layer, sequence, &payload, self.at(ms)))
    }

    fn asked(&mut self, ms: u64) -> Vec<usize> {
        let mut requests = Vec::new();
        self.far.keyframe_requests(self.at(ms), &mut requests);
        requests.iter().map(|request| request.layer).collect()
    }
}

fn incoming(codec: Codec, layer: usize, sequence: u64, payload: &[u8], arrival: Instant) -> Incoming<'_> {
    Incoming {
        layer,
        codec,
        sequence,
        timestamp: sequence as u32 * 3_000,
        marker: true,
        arrival,
        payload,
        ext: Extensions::default(),
        clock: None,
    }
}

#[test]
fn nothing_is_relayed_that_nobody_elsewhere_wants() {
    let mut rig = Rig::new(MediaKind::Video);
    assert_eq!(rig.picture(0, 1, true, 0).0, 0);
    assert!(rig.relay.is_empty());
    rig.agree(1);
    assert_eq!(rig.picture(0, 2, true, 2).0, 1);
    let track = (rig.track, NUMBER);
    let now = rig.at(3);
    rig.relay.demand(&mut rig.near, rig.here, track, None, now);
    assert!(rig.relay.is_empty());
    assert_eq!(rig.picture(0, 3, true, 4).0, 0);
}

#[test]
fn a_packet_arrives_elsewhere_with_all_that_belongs_to_it() {
    let mut rig = Rig::new(MediaKind::Audio);
    rig.agree(0);
    let packet = Incoming {
        ext: Extensions {
            audio_level: Some(AudioLevel {
                level: -20,
                voice: true,
            }),
            capture_time: Some(&[1, 2, 3, 4, 5, 6, 7, 8]),
            ..Extensions::default()
        },
        clock: Some(SenderClock { ntp: 5, rtp: 6 }),
        ..incoming(Codec::Opus, 0, 70_000, &[0xfc, 1, 2], rig.at(5))
    };
    rig.near.handle_packet(rig.track, &packet);
    let burst = rig.relay.collect(&rig.near, MediaKind::Audio).unwrap();
    assert_eq!(burst.destinations().collect::<Vec<_>>(), [rig.here]);
    let (number, relayed) = burst.packets(rig.here).next().unwrap();
    assert_eq!(
        (number, relayed.codec, relayed.sequence, relayed.timestamp),
        (NUMBER, packet.codec, packet.sequence, packet.timestamp)
    );
    assert_eq!(
        (relayed.payload, relayed.ext, relayed.clock, relayed.arrival),
        (packet.payload, packet.ext, packet.clock, packet.arrival)
    );
    let other = Destination::new(4).unwrap();
    assert!(burst.packets(other).next().is_none());
}

#[test]
fn a_better_layer_is_heard_of_asked_for_and_then_relayed_alone() {
    let mut rig = Rig::new(MediaKind::Video);
    rig.agree(0);
    assert_eq!(rig.picture(0, 1, true, 10).1.len(), 1);
    assert_eq!(rig.picture(2, 900, false, 11).0, 0, "not wanted yet");
    rig.agree(300);
    assert_eq!(rig.asked(301), [2]);
    rig.agree(302);
    assert_eq!(
        rig.picture(0, 2, false, 310).1.len(),
        1,
        "the old layer until then"
    );
    let (relayed, shown) = rig.picture(2, 901, true, 311);
    assert_eq!((relayed, shown), (1, vec![vec![0x10, 0, 2, 0]]));
    rig.agree(312);
    assert_eq!(rig.picture(0, 3, false, 320).0, 0);
    assert_eq!(rig.picture(2, 902, false, 321).0, 1);
}

#[test]
fn one_burst_serves_all_and_each_gets_its_own() {
    let mut rig = Rig::new(MediaKind::Video);
    let now = rig.at(0);
    let (low, high) = (Destination::new(0).unwrap(), Destination::new(63).unwrap());
    for (destination, encoding) in [(low, 0), (high, 2)] {
        let mut wanted = EncodingSet::default();
        wanted.insert(encoding);
        let track = (rig.track, NUMBER);
        rig.relay
            .demand(&mut rig.near, destination, track, Some(wanted), now);
    }
    for layer in 0..3 {
        let packet = incoming(Codec::Vp8, layer, 7, &[0x10, 0, 0, 0], now);
        rig.near.handle_packet(rig.track, &packet);
    }
    let burst = rig.relay.collect(&rig.near, MediaKind::Video).unwrap();
    let layers = |to| {
        burst
            .packets(to)
            .map(|(_, packet)| packet.layer)
            .collect::<Vec<_>>()
    };
    assert_eq!((layers(low), layers(high)), (vec![0], vec![2]));
    assert_eq!(burst.destinations().collect::<Vec<_>>(), [low, high]);
    assert_eq!(Destination::new(64), None);
}

#[test]
fn a_demand_that_is_not_said_again_ends() {
    let mut rig = Rig::new(MediaKind::Video);
    rig.agree(0);
    rig.agree(3_000);
    let (still, over) = (rig.at(6_999), rig.at(7_000));
    rig.relay.expire(&mut rig.near, still);
    assert!(!rig.relay.is_empty());
    rig.relay.expire(&mut rig.near, over);
    assert!(rig.relay.is_empty());
    assert_eq!(rig.relay.destinations().count(), 0);
}

#[test]
fn a_keyframe_wished_for_elsewhere_is_asked_for_although_nobody_subscribes_here() {
    let mut rig = Rig::new(MediaKind::Video);
    rig.agree(0);
    let now = rig.at(1);
    rig.near.want_keyframe(rig.track, 0, now);
    rig.near.handle_timeout(now);
    assert!(rig.near.poll_timeout().is_some_and(|at| at <= rig.at(250)));
    let mut requests = Vec::new();
    rig.near.keyframe_requests(now, &mut requests);
    assert_eq!(requests.len(), 1, "the wish outlives a look for idle ones");
    rig.near.want_keyframe(rig.track, 7, now);
}

/// AV1 in two temporal layers, the upper one discardable.
fn av1(frame_number: u16, temporal: u8, key: bool) -> Vec<u8> {
    let template = |temporal: u8, present: u32, discardable: u32| Template {
        spatial: 0,
        temporal,
        indications: Indications {
            present,
            switch: present,
            discardable,
        },
        references: References::default(),
        chains: vec![0],
    };
    let structure = DependencyStructure {
        template_offset: 0,
        targets: 2,
        protected_by: vec![0, 0],
        chains: 1,
        templates: vec![template(0, 0b11, 0), template(1, 0b10, 0b10)],
        resolutions: Vec::new(),
    };
    let mut references = References::default();
    if !key {
        // A base frame refers to the one before it, two back; an upper one to the base.
        references.push(if temporal == 0 { 2 } else { 1 });
    }
    let frame = FrameDescription {
        starts_frame: true,
        ends_frame: true,
        template: temporal,
        frame_number,
        attach: key,
        references: Some(references),
        chains: Some(vec![match (key, temporal) {
            (true, _) => 0,
            (_, 0) => 2,
            _ => 1,
        }]),
        ..FrameDescription::default()
    };
    let mut buffer = [0; 255];
    write_descriptor(&frame, &structure, &mut buffer)
        .unwrap()
        .to_vec()
}

#[test]
fn dependency_descriptors_cross_over_and_are_rewritten_for_each_subscriber() {
    let mut rig = Rig::new(MediaKind::Video);
    let now = rig.at(0);
    let slow = RouteSettings {
        max_temporal: 0,
        ..READY
    };
    rig.far.add_route(rig.mirror, SinkId(2), slow, 50, now).unwrap();
    rig.agree(0);
    let frames = [
        (0xfffe, 0, true),
        (0xffff, 1, false),
        (0, 0, false),
        (1, 1, false),
        (2, 0, false),
    ];
    let mut readers = [DependencyReader::default(), DependencyReader::default()];
    let mut got: [Vec<(u64, u16)>; 2] = Default::default();
    for (place, (number, temporal, key)) in frames.into_iter().enumerate() {
        let descriptor = av1(number, temporal, key);
        let payload = [if key { 0x18 } else { 0x10 }, place as u8];
        let arrival = rig.at(33 * place as u64);
        let packet = Incoming {
            ext: Extensions {
                dependency_descriptor: Some(&descriptor),
                ..Extensions::default()
            },
            ..incoming(Codec::Av1, 0, 70_000 + place as u64, &payload, arrival)
        };
        assert_eq!(rig.publish(&packet).0, 1);
        for outgoing in &rig.sent {
            let kept = rig.far.kept(outgoing).unwrap();
            let stored = kept.stored(outgoing).unwrap();
            let raw = stored.extensions().dependency_descriptor.unwrap();
            assert_eq!(raw, descriptor);
            let mut buffer = [0; 256];
            let sent = outgoing.rewrite.descriptor(raw, &mut buffer).unwrap();
            let subscriber = outgoing.sink.0 as usize - 1;
            let read = readers[subscriber].read(sent).unwrap();
            let reached = if subscriber == 0 { 0b11 } else { 0b01 };
            assert_eq!(read.active, reached);
            got[subscriber].push((outgoing.sequence, read.frame as u16));
        }
    }
    let [all, base] = got;
    let numbers = [0xfffe, 0xffff, 0, 1, 2];
    assert_eq!(all, (10..).zip(numbers).collect::<Vec<_>>());
    assert_eq!(base, [(50, 0xfffe), (51, 0), (52, 2)]);
}

#[test]
fn redundant_sound_crosses_over_whole_and_is_fitted_to_each_subscriber() {
    let mut rig = Rig::new(MediaKind::Audio);
    let now = rig.at(0);
    let reads = RouteSettings {
        accepts_red: true,
        ..READY
    };
    rig.far.add_route(rig.mirror, SinkId(2), reads, 50, now).unwrap();
    rig.agree(0);
    let mut payload = Vec::new();
    red_write(&mut payload, (111, &[7, 7]), &[(960, 111, &[6, 6, 6])]);
    let arrival = rig.at(20);
    let (relayed, stored) = rig.publish(&incoming(Codec::Red, 0, 70_000, &payload, arrival));
    assert_eq!((relayed, stored), (1, vec![payload.clone(); 2]));
    let mut scratch = Vec::new();
    let shapes: Vec<_> = rig
        .sent
        .iter()
        .map(|outgoing| {
            let kept = rig.far.kept(outgoing).unwrap();
            let stored = kept.stored(outgoing).unwrap();
            let sent = kept.payload(outgoing, stored, 111, &mut scratch).unwrap();
            (outgoing.sink.0, outgoing.codec, sent.to_vec())
        })
        .collect();
    assert_eq!(shapes, [(1, Codec::Opus, vec![7, 7]), (2, Codec::Red, payload)]);
}

#[test]
fn plain_sound_that_crossed_over_is_made_redundant_there() {
    let mut rig = Rig::new(MediaKind::Audio);
    let lossy = RouteSettings {
        accepts_red: true,
        wants_red: true,
        ..READY
    };
    let now = rig.at(0);
    rig.far.add_route(rig.mirror, SinkId(2), lossy, 50, now).unwrap();
    rig.agree(0);
    for number in 0..3 {
        let payload = [number, number];
        let packet = Incoming {
            timestamp: u32::from(number) * 960,
            ..incoming(Codec::Opus, 0, 70_000 + u64::from(number), &payload, rig.at(20))
        };
        rig.publish(&packet);
    }
    let outgoing = rig.sent.iter().find(|outgoing| outgoing.sink.0 == 2).unwrap();
    assert_eq!(outgoing.codec, Codec::Red);
    let kept = rig.far.kept(outgoing).unwrap();
    let stored = kept.stored(outgoing).unwrap();
    let mut scratch = Vec::new();
    let sent = kept.payload(outgoing, stored, 111, &mut scratch).unwrap();
    let blocks: Vec<_> = red_blocks(sent)
        .unwrap()
        .map(|block| (block.timestamp_offset, block.data.to_vec()))
        .collect();
    assert_eq!(blocks, [(1_920, vec![0, 0]), (960, vec![1, 1]), (0, vec![2, 2])]);
}
