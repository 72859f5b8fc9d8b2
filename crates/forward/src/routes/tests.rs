use tertulia_model::Codec;
use tertulia_rtp::Extensions;

use super::*;

const READY: RouteSettings = RouteSettings {
    ready: true,
    enabled: true,
    max_layer: 2,
    max_temporal: 3,
    accepts_red: false,
    wants_red: false,
};

struct Rig {
    routes: Routes,
    track: TrackKey,
    start: Instant,
    sent: Vec<Outgoing>,
    taken: Intake,
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
            taken: Intake::Ignored,
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
        let payload = [0x10, u8::from(!key), 0, 0];
        self.feed(Codec::Vp8, layer, sequence, &payload, ms)
    }

    fn feed(&mut self, codec: Codec, layer: usize, sequence: u64, payload: &[u8], ms: u64) -> Vec<u64> {
        self.sent.clear();
        let packet = Incoming {
            layer,
            codec,
            sequence,
            timestamp: ms as u32 * 90,
            marker: true,
            arrival: self.at(ms),
            payload,
            ext: Extensions::default(),
            clock: None,
        };
        self.taken = self.routes.handle_packet(self.track, &packet);
        let sent = &mut self.sent;
        self.routes.distribute(codec.kind(), packet.arrival, |outgoing| {
            sent.extend(outgoing.packets());
        });
        self.sent.iter().map(|packet| packet.sequence).collect()
    }

    /// The payload of something sent, before its rewriting.
    fn payload(&self, index: usize) -> Vec<u8> {
        let outgoing = &self.sent[index];
        let kept = self.routes.kept(outgoing).unwrap();
        let stored = kept.stored(outgoing).unwrap();
        let mut scratch = Vec::new();
        let payload = kept.payload(outgoing, stored, 111, &mut scratch);
        payload.unwrap().to_vec()
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
    rig.routes.grant(route, Some(LayerPoint::TOP), rig.at(5));
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
    let sound = [1, 2];
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
    let sound = [1; 1_000];
    // Ten seconds at 8 Mbit/s.
    let passed = (0..10_000)
        .filter(|ms| !rig.feed(Codec::Opus, 0, 1 + ms, &sound, *ms).is_empty())
        .count();
    assert!((2_400..=2_600).contains(&passed), "{passed} kB of 10 000");
    let quiet = [1; 100];
    assert_eq!(rig.feed(Codec::Opus, 0, 20_000, &quiet, 12_000).len(), 1);
}

#[test]
fn m15_a_flood_of_pictures_is_cut_to_what_a_picture_may_take() {
    let mut rig = Rig::new(MediaKind::Video);
    rig.subscribe(READY);
    let mut payload = [1; 1_000];
    payload[0] = 0x10;
    rig.vp8(0, 1, true, 0);
    // Five seconds at 56 Mbit/s.
    let passed = (0..35_000)
        .filter(|number| {
            !rig.feed(Codec::Vp8, 0, 2 + number, &payload, number / 7)
                .is_empty()
        })
        .count();
    assert!((24_000..=26_000).contains(&passed), "{passed} kB of 35 000");
    assert_eq!(rig.vp8(0, 40_000, true, 7_000).len(), 1);
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
    let red = [111, 1, 2, 3];
    let mut rig = Rig::new(MediaKind::Audio);
    rig.subscribe(READY);
    rig.feed(Codec::Red, 0, 1, &red, 0);
    assert_eq!(
        (rig.sent[0].codec, &rig.payload(0)[..]),
        (Codec::Opus, &[1, 2, 3][..])
    );
    let mut rig = Rig::new(MediaKind::Audio);
    rig.subscribe(RouteSettings {
        accepts_red: true,
        ..READY
    });
    rig.feed(Codec::Red, 0, 1, &red, 0);
    assert_eq!((rig.sent[0].codec, &rig.payload(0)[..]), (Codec::Red, &red[..]));
}

#[test]
fn a_keyframe_wish_for_sound_sets_no_timer() {
    let mut rig = Rig::new(MediaKind::Audio);
    let route = rig.subscribe(READY);
    rig.feed(Codec::Opus, 0, 1, &[1, 2], 0);
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

#[test]
fn plain_sound_is_made_redundant_for_who_wants_it() {
    let mut rig = Rig::new(MediaKind::Audio);
    rig.subscribe(RouteSettings {
        accepts_red: true,
        wants_red: true,
        ..READY
    });
    for sequence in 1..=3 {
        let ms = 20 * sequence;
        rig.feed(Codec::Opus, 0, sequence, &[sequence as u8; 2], ms);
    }
    assert_eq!(rig.sent[0].codec, Codec::Red);
    let payload = rig.payload(0);
    let blocks: Vec<_> = tertulia_rtp::red_blocks(&payload)
        .unwrap()
        .map(|block| (block.timestamp_offset, block.data.to_vec()))
        .collect();
    assert_eq!(
        blocks,
        [(3_600, vec![1, 1]), (1_800, vec![2, 2]), (0, vec![3, 3])]
    );
}

#[test]
fn a_packet_that_came_twice_goes_out_once() {
    let mut rig = Rig::new(MediaKind::Audio);
    rig.subscribe(READY);
    assert_eq!(rig.feed(Codec::Opus, 0, 1, &[1], 0), [10]);
    assert!(rig.feed(Codec::Opus, 0, 1, &[1], 1).is_empty());
    assert_eq!(rig.taken, Intake::Ignored);
}

#[test]
fn packets_that_came_together_go_out_subscriber_by_subscriber() {
    let mut rig = Rig::new(MediaKind::Video);
    for sink in [7, 8] {
        rig.routes
            .add_route(rig.track, SinkId(sink), READY, 10, rig.start)
            .unwrap();
    }
    for sequence in 1..=3 {
        let payload = [0x10, u8::from(sequence > 1), 0, 0];
        let packet = Incoming {
            layer: 0,
            codec: Codec::Vp8,
            sequence,
            timestamp: 0,
            marker: true,
            arrival: rig.start,
            payload: &payload,
            ext: Extensions::default(),
            clock: None,
        };
        assert_eq!(rig.routes.handle_packet(rig.track, &packet), Intake::Pending);
    }
    let mut order = Vec::new();
    rig.routes.distribute(MediaKind::Video, rig.start, |outgoing| {
        order.push((outgoing.sink.0, outgoing.sequence));
    });
    assert_eq!(order, [(7, 10), (7, 11), (7, 12), (8, 10), (8, 11), (8, 12)]);
}

#[test]
fn what_is_asked_for_again_is_the_same_packet() {
    let mut rig = Rig::new(MediaKind::Video);
    let route = rig.subscribe(READY);
    rig.vp8(0, 100, true, 0);
    let first = rig.sent[0];
    rig.vp8(0, 101, false, 10);
    let mut again = Vec::new();
    let rtt = Duration::from_millis(50);
    rig.routes
        .repair(route, &[10, 99], rtt, rig.at(20), |outgoing| again.push(outgoing));
    assert_eq!(again, [first]);
}

#[test]
fn what_begins_afresh_begins_at_a_keyframe_without_a_gap() {
    let mut rig = Rig::new(MediaKind::Video);
    let route = rig.subscribe(READY);
    assert_eq!(rig.vp8(0, 1, true, 0), [10]);
    rig.routes.begin_afresh(route, rig.at(5));
    assert!(rig.vp8(0, 2, false, 10).is_empty());
    assert_eq!(rig.asked(11), [0]);
    assert_eq!(rig.vp8(0, 3, true, 20), [11]);
}

#[test]
fn what_overtook_the_beginning_of_a_keyframe_follows_it() {
    let mut rig = Rig::new(MediaKind::Video);
    rig.subscribe(READY);
    let rest = [0x00, 0, 0, 0];
    assert!(rig.feed(Codec::Vp8, 0, 501, &rest, 0).is_empty());
    assert!(rig.feed(Codec::Vp8, 0, 502, &rest, 0).is_empty());
    assert_eq!(rig.vp8(0, 500, true, 0), [10, 11, 12]);
    let sources: Vec<u64> = rig.sent.iter().map(|outgoing| outgoing.source).collect();
    assert_eq!(sources, [500, 501, 502]);
    assert_eq!(rig.vp8(0, 503, false, 33), [13]);
}

#[test]
fn what_comes_in_one_batch_is_sent_once_whatever_its_order() {
    let mut rig = Rig::new(MediaKind::Video);
    rig.subscribe(READY);
    for (sequence, first) in [(501, 0x00), (500, 0x10), (502, 0x00), (504, 0x00), (503, 0x00)] {
        let packet = Incoming {
            layer: 0,
            codec: Codec::Vp8,
            sequence,
            timestamp: 0,
            marker: false,
            arrival: rig.start,
            payload: &[first, 0, 0, 0],
            ext: Extensions::default(),
            clock: None,
        };
        rig.routes.handle_packet(rig.track, &packet);
    }
    let mut sent = Vec::new();
    let now = rig.start;
    rig.routes.distribute(MediaKind::Video, now, |outgoing| {
        sent.extend(outgoing.packets().map(|packet| (packet.source, packet.sequence)));
    });
    assert_eq!(sent, [(500, 10), (501, 11), (502, 12), (504, 14), (503, 13)]);
}

#[test]
fn a_route_goes_on_in_one_order_when_it_is_moved_to_another_codec() {
    let mut rig = Rig::new(MediaKind::Video);
    let route = rig.subscribe(READY);
    let vp9 = |key: bool| [if key { 0x8c } else { 0xcc }, 0x05, 0];
    assert_eq!(rig.feed(Codec::Vp9, 0, 900, &vp9(true), 0), [10]);
    assert_eq!(rig.feed(Codec::Vp9, 0, 901, &vp9(false), 33), [11]);
    let before = rig.sent[0].timestamp;
    let primary = rig.track;
    rig.track = rig.routes.add_track(MediaKind::Video);
    let backup = rig.track;
    assert!(!rig.routes.is_alive(backup, rig.at(40)));
    rig.routes.move_route(route, backup, rig.at(40));
    assert!(rig.vp8(0, 7, false, 66).is_empty(), "not without a keyframe");
    assert!(rig.routes.is_alive(backup, rig.at(66)));
    assert_eq!(rig.vp8(0, 8, true, 99), [12]);
    let ahead = rig.sent[0].timestamp.wrapping_sub(before) as i32;
    assert!((1..90_000).contains(&ahead), "{ahead}");
    rig.track = primary;
    assert!(rig.feed(Codec::Vp9, 0, 902, &vp9(false), 99).is_empty());
    // What went before can still be repaired.
    let mut repaired = Vec::new();
    let (now, rtt) = (rig.at(100), Duration::ZERO);
    rig.routes
        .repair(route, &[11], rtt, now, |outgoing| repaired.push(outgoing));
    let kept = rig.routes.kept(&repaired[0]).unwrap();
    assert!(kept.stored(&repaired[0]).is_some());
    rig.routes.remove_route(route);
    rig.track = backup;
    assert!(rig.vp8(0, 9, true, 132).is_empty());
}

#[test]
fn what_is_known_of_a_route_is_small() {
    // A subscriber of many tracks touches all of its routes every tick.
    let size = size_of::<RouteSlot>();
    assert!(size <= 448, "{size}");
}
