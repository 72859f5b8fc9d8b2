use std::time::{Duration, Instant};

use proptest::prelude::*;
use tertulia_model::{Codec, MediaKind};
use tertulia_rtp::Extensions;

use crate::{Incoming, Outgoing, RouteKey, RouteSettings, Routes, SinkId, TrackKey};

const EVERYTHING: RouteSettings = RouteSettings {
    ready: true,
    enabled: true,
    max_layer: 2,
    max_temporal: 3,
    accepts_red: false,
    wants_red: false,
};

/// Routes whose subscribers are served as the caller says.
struct Rig {
    routes: Routes,
    track: TrackKey,
    keys: Vec<RouteKey>,
    sent: Vec<Outgoing>,
    /// Packets that went with one before them.
    taken_along: usize,
}

#[derive(Debug, Clone)]
struct Packet {
    layer: usize,
    sequence: u64,
    timestamp: u32,
    marker: bool,
    payload: Vec<u8>,
}

impl Rig {
    fn new(subscribers: u32, start: Instant) -> Self {
        let mut routes = Routes::default();
        let track = routes.add_track(MediaKind::Video);
        let keys = (0..subscribers)
            .filter_map(|sink| routes.add_route(track, SinkId(sink), EVERYTHING, 100, start))
            .collect();
        Self {
            routes,
            track,
            keys,
            sent: Vec::new(),
            taken_along: 0,
        }
    }

    fn take(&mut self, codec: Codec, packet: &Packet, now: Instant) {
        let incoming = Incoming {
            layer: packet.layer,
            codec,
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            marker: packet.marker,
            arrival: now,
            payload: &packet.payload,
            ext: Extensions::default(),
            clock: None,
        };
        self.routes.handle_packet(self.track, &incoming);
    }

    fn distribute(&mut self, now: Instant) {
        let (sent, taken_along) = (&mut self.sent, &mut self.taken_along);
        self.routes.distribute(MediaKind::Video, now, |outgoing| {
            *taken_along += outgoing.count() - 1;
            sent.extend(outgoing.packets());
        });
    }

    /// What a subscriber got since the last call, sizes apart.
    fn got(&self, sink: u32) -> Vec<Outgoing> {
        let of_sink = self.sent.iter().filter(|packet| packet.sink == SinkId(sink));
        of_sink.map(|packet| Outgoing { size: 0, ..*packet }).collect()
    }
}

/// A publisher of two encodings whose pictures have several packets, in three temporal layers.
struct Publisher {
    codec: Codec,
    sequences: [u64; 2],
    picture: u16,
    random: u64,
}

impl Publisher {
    fn below(&mut self, bound: u64) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) % bound
    }

    fn picture(&mut self, out: &mut Vec<Packet>) {
        let number = self.picture;
        self.picture += 1;
        let keyframe = number == 0 || self.below(20) == 0;
        let temporal = if keyframe {
            0
        } else {
            [0, 2, 1, 2][usize::from(number) % 4]
        };
        for layer in 0..2 {
            let count = 1 + self.below(11);
            for packet in 0..count {
                let start = packet == 0;
                let payload = match self.codec {
                    Codec::Vp8 => {
                        let [high, low] = (0x8000 | number).to_be_bytes();
                        let (tl0, up) = ((number / 4) as u8, u8::from(temporal > 0) << 5);
                        let mut payload = vec![0x80 | u8::from(start) << 4, 0xe0, high, low, tl0];
                        payload.extend([temporal << 6 | up, u8::from(!keyframe)]);
                        payload
                    }
                    // A key picture, or another, begun and gone on with (RFC 6184 §5.8).
                    _ => vec![0x7c, u8::from(start) << 7 | if keyframe { 5 } else { 1 }, 0],
                };
                out.push(Packet {
                    layer,
                    sequence: self.sequences[layer],
                    timestamp: u32::from(number) * 3_000,
                    marker: packet + 1 == count,
                    payload,
                });
                self.sequences[layer] += 1;
            }
        }
    }

    /// Loses, swaps and repeats some.
    fn disturb(&mut self, packets: &mut Vec<Packet>) {
        packets.retain(|_| self.below(40) > 0);
        for at in 1..packets.len() {
            match self.below(40) {
                0 => packets.swap(at - 1, at),
                1 => {
                    let again = packets[at - 1].clone();
                    packets[at] = again;
                }
                _ => {}
            }
        }
    }
}

/// Serves the same packets as they come together and one by one, and compares what subscribers get.
fn compare(codec: Codec, seed: u64, disturbed: bool) -> usize {
    const SUBSCRIBERS: u32 = 3;
    let start = Instant::now();
    let mut publisher = Publisher {
        codec,
        sequences: [7_000, 65_500],
        picture: 0,
        random: seed | 1,
    };
    let mut together = Rig::new(SUBSCRIBERS, start);
    let mut singly = Rig::new(SUBSCRIBERS, start);
    for step in 0..60 {
        let now = start + Duration::from_millis(33 * step);
        let mut packets = Vec::new();
        for _ in 0..=publisher.below(2) {
            publisher.picture(&mut packets);
        }
        if disturbed {
            publisher.disturb(&mut packets);
        }
        for packet in &packets {
            together.take(codec, packet, now);
            singly.take(codec, packet, now);
            singly.distribute(now);
            if step == 0 {
                // An encoding that comes alive is aimed at at once, so that both begin in one way.
                together.distribute(now);
            }
        }
        together.distribute(now);
        for sink in 0..SUBSCRIBERS {
            assert_eq!(together.got(sink), singly.got(sink), "seed {seed}, step {step}");
        }
        let changed = publisher.below(12) as usize;
        let settings = RouteSettings {
            max_layer: publisher.below(2) as usize,
            max_temporal: publisher.below(3) as usize,
            enabled: publisher.below(6) > 0,
            ..EVERYTHING
        };
        for rig in [&mut together, &mut singly] {
            rig.sent.clear();
            if let Some(key) = rig.keys.get(changed) {
                rig.routes.set_route(*key, settings, now);
            }
        }
    }
    assert_eq!(singly.taken_along, 0);
    together.taken_along
}

proptest! {
    #[test]
    fn who_gets_what_does_not_depend_on_what_comes_together(seed: u64, disturbed: bool) {
        let taken_along = compare(Codec::Vp8, seed, disturbed) + compare(Codec::H264, seed, disturbed);
        prop_assert!(taken_along > 500, "{taken_along}");
    }
}
