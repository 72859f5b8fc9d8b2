use std::time::Instant;

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::media::{Outgoing, VideoProfile, VideoSource};

/// Frames of a camera, layer by layer.
fn frames(count: usize) -> Vec<Vec<Outgoing>> {
    let random = &mut StdRng::seed_from_u64(5);
    let mut source = VideoSource::new(0, VideoProfile::camera(), Instant::now(), random);
    (0..count)
        .map(|index| {
            if index == count / 2 {
                source.request_key_frame(None);
            }
            let mut out = Vec::new();
            source.make(source.due(), 1_000, &mut out);
            out
        })
        .collect()
}

fn of_layer(frames: &[Vec<Outgoing>], layer: usize) -> Vec<Outgoing> {
    frames
        .iter()
        .flatten()
        .filter(|packet| packet.layer == layer)
        .cloned()
        .collect()
}

fn receive(packets: &[Outgoing]) -> Counts {
    let mut sink = Sink::default();
    let mut asked = 0;
    for packet in packets {
        let arrival = Arrival {
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            marker: packet.marker,
            video: true,
            payload: &packet.payload,
            at_ns: 5_000,
        };
        asked += u64::from(sink.accept(1, &arrival));
    }
    let counts = sink.take().counts;
    assert_eq!(
        asked,
        counts.broken + u64::from(counts.lost > 0),
        "key frames asked for"
    );
    counts
}

/// Numbers `packets` anew, as a server does that switches layers; `descriptors` too if it does its work well.
fn rewritten(packets: &[Outgoing], descriptors: bool) -> Vec<Outgoing> {
    let mut frame = 0_u16;
    let packets = packets.iter().enumerate().map(|(index, packet)| {
        let mut packet = packet.clone();
        let stamp = Stamp::read(&packet.payload).unwrap();
        frame += u16::from(stamp.packet == 0);
        packet.sequence = 9 + index as u64;
        packet.timestamp = 77 + u32::from(frame) * 2_999;
        if descriptors {
            let descriptor = Vp8Descriptor {
                start: stamp.packet == 0,
                picture_id: frame,
                tl0_pic_idx: (frame & 0xFF) as u8,
                temporal_id: 0,
            };
            let mut payload = packet.payload.to_vec();
            payload[..Vp8Descriptor::LENGTH].copy_from_slice(&descriptor.write());
            packet.payload = payload.into();
        }
        packet
    });
    packets.collect()
}

#[test]
fn an_untouched_layer_has_no_faults() {
    let counts = receive(&of_layer(&frames(10), 2));
    assert_eq!((counts.frames, counts.key_frames, counts.lost), (10, 2, 0));
    assert_eq!(counts.faults(), 0);
    assert_eq!(counts.layers[2], counts.packets);
}

#[test]
fn order_does_not_matter_within_patience() {
    let mut packets = of_layer(&frames(10), 2);
    packets[1..].reverse();
    let counts = receive(&packets);
    assert_eq!((counts.frames, counts.lost, counts.faults()), (10, 0, 0));
}

#[test]
fn a_lost_packet_costs_frames_until_the_next_key_frame() {
    let mut packets = of_layer(&frames(100), 2);
    packets.remove(30);
    let counts = receive(&packets);
    assert_eq!((counts.lost, counts.broken), (1, 0));
    assert!((50..60).contains(&counts.frames), "{}", counts.frames);
}

#[test]
fn a_switch_at_a_key_frame_is_clean_and_elsewhere_broken() {
    let frames = frames(10);
    for (at, broken) in [(5, 0), (4, 1)] {
        let mut packets = of_layer(&frames[..at], 2);
        packets.extend(of_layer(&frames[at..], 1));
        let counts = receive(&rewritten(&packets, true));
        assert_eq!(
            (counts.switches, counts.broken),
            (1, broken),
            "switch before frame {at}"
        );
        assert_eq!(counts.descriptor_faults + counts.timestamp_faults, 0);
    }
}

#[test]
fn a_server_that_forgets_picture_ids_is_found_out() {
    let frames = frames(10);
    let mut packets = of_layer(&frames[..5], 2);
    packets.extend(of_layer(&frames[5..], 1));
    assert_eq!(receive(&rewritten(&packets, false)).descriptor_faults, 1);
}
