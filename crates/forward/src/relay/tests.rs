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
        self.far.distribute(kind, now, |outgoing| sent.push(outgoing));
        let payloads = self.sent.iter().map(|outgoing| {
            let stored = self.far.stored(outgoing).unwrap();
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
