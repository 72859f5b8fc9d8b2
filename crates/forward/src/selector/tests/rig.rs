//! Encoders, a bad network, one subscriber, and what that must never see.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use tertulia_model::Codec;
use tertulia_rtp::{Descriptor, DescriptorReader};

use super::super::{Aim, Held, Selector, Verdict, begins};
use super::Random;
use super::encoder::{Encoder, Frame, Kind, Mode, Packet, Shape};
use crate::munger::{Munger, Placed};

/// Steps of the clock for one picture.
const PICTURE: u64 = 10;

/// What the network does, in percent of packets.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Network {
    pub(super) lost: u64,
    /// Lost first and repaired a little later.
    pub(super) repaired: u64,
    /// Greatest delay, in steps.
    pub(super) jitter: u64,
}

/// A packet as the subscriber gets it.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) frame: usize,
    pub(super) source: u64,
    pub(super) placed: Placed,
    pub(super) marker: bool,
    pub(super) payload: Vec<u8>,
    pub(super) descriptor: Option<Vec<u8>>,
    /// The epoch it was sent in.
    pub(super) epoch: usize,
}

pub(super) struct Rig {
    pub(super) shape: Shape,
    pub(super) network: Network,
    pub(super) selector: Selector,
    pub(super) frames: Vec<Frame>,
    pub(super) sent: Vec<Sent>,
    encoders: Vec<Encoder>,
    readers: Vec<DescriptorReader>,
    munger: Munger,
    random: Random,
    start: Instant,
    now: u64,
    waiting: Vec<(u64, usize, Packet)>,
    /// Packets that reached the server: frame, sequence number, and the epoch in which.
    reached: Vec<(usize, u64, usize)>,
    /// A new one begins whenever the subscriber enters an encoding or stops.
    epoch: usize,
    /// Packets lost for good, and those that came after newer ones.
    pub(super) lost: usize,
    pub(super) late: usize,
    /// What the server keeps of each encoding.
    kept: Vec<BTreeMap<u64, (Descriptor, Packet)>>,
    held: Held,
    /// Packets that were held back.
    pub(super) held_back: usize,
    /// Whether the first packet of each picture comes last.
    pub(super) overtaken: bool,
}

impl Rig {
    pub(super) fn new(shape: Shape, encodings: usize, network: Network, seed: u64) -> Self {
        let mut random = Random(seed | 1);
        Self {
            shape,
            network,
            selector: Selector::default(),
            frames: Vec::new(),
            sent: Vec::new(),
            encoders: (0..encodings)
                .map(|encoding| Encoder::new(shape, encoding, &mut random))
                .collect(),
            readers: (0..encodings).map(|_| DescriptorReader::default()).collect(),
            munger: Munger::new(90_000, 60_000, 7),
            random,
            start: Instant::now(),
            now: 0,
            waiting: Vec::new(),
            reached: Vec::new(),
            epoch: 0,
            lost: 0,
            late: 0,
            kept: vec![BTreeMap::new(); encodings],
            held: Held::default(),
            held_back: 0,
            overtaken: false,
        }
    }

    pub(super) fn aim(&mut self, aim: Option<Aim>) {
        self.epoch += usize::from(aim.is_none());
        if aim.is_none() {
            self.held.clear();
        }
        self.selector.aim(aim);
    }

    /// The encoders make so many spatial layers only.
    pub(super) fn limit(&mut self, layers: u8) {
        for encoder in &mut self.encoders {
            encoder.limit(layers);
        }
    }

    /// Lets `pictures` pass; the publisher answers the wish for a keyframe with the next picture.
    pub(super) fn run(&mut self, pictures: usize) {
        for _ in 0..pictures {
            self.step(false);
        }
    }

    /// Lets one picture pass, a key picture if asked or waited for.
    pub(super) fn step(&mut self, key: bool) {
        for encoding in 0..self.encoders.len() {
            let first = self.now == 0;
            let wanted = self.selector.waiting_for() == Some(encoding);
            let mut packets = Vec::new();
            let Self {
                encoders,
                frames,
                random,
                ..
            } = self;
            encoders[encoding].encode(first || key || wanted, frames, random, &mut packets);
            for packet in packets {
                let fate = self.random.below(100);
                let jitter = self.random.below(self.network.jitter + 1);
                let due = if fate < self.network.lost {
                    self.lost += 1;
                    continue;
                } else if fate < self.network.lost + self.network.repaired {
                    self.now + 12 + self.random.below(15)
                } else {
                    self.now + jitter
                };
                self.waiting.push((due, encoding, packet));
            }
        }
        self.now += PICTURE;
        self.waiting.sort_by_key(|(due, ..)| *due);
        let later = self.waiting.partition_point(|(due, ..)| *due < self.now);
        let mut due: Vec<_> = self.waiting.drain(..later).collect();
        if self.overtaken && !due.is_empty() {
            due.rotate_left(1);
        }
        for (_, encoding, packet) in due {
            self.deliver(encoding, packet);
        }
    }

    fn deliver(&mut self, encoding: usize, packet: Packet) {
        let codec = match self.shape.kind {
            Kind::Vp8 => Codec::Vp8,
            Kind::Vp9 { .. } => Codec::Vp9,
            Kind::Described => Codec::Av1,
        };
        let read = self.readers[encoding].read(codec, &packet.payload, packet.descriptor.as_deref());
        // Before its structure has come nothing of a stream can be read.
        let Ok(descriptor) = read else { return };
        let kept = &mut self.kept[encoding];
        self.late += usize::from(
            kept.last_key_value()
                .is_some_and(|(newest, _)| *newest > packet.sequence),
        );
        let source = packet.sequence;
        kept.insert(source, (descriptor, packet));
        self.judge(encoding, source);
    }

    fn judge(&mut self, encoding: usize, source: u64) {
        let Some((descriptor, packet)) = self.kept[encoding].get(&source).cloned() else {
            return;
        };
        let before = self.selector.current();
        let arrival = self.start + Duration::from_millis(self.now * 33 / PICTURE);
        let flows = before.is_some_and(|aim| aim.encoding == encoding);
        if flows && self.held.is_over(source, packet.timestamp) {
            for late in self.held.take() {
                let (descriptor, _) = &self.kept[encoding][&late];
                self.selector.give_up(descriptor, encoding, late);
                self.munger.leave_out_number(late);
            }
        }
        let verdict = self.selector.judge(&descriptor, encoding, source);
        let switched = matches!(verdict, Verdict::Switch { .. });
        self.epoch += usize::from(switched);
        self.reached.push((packet.frame, source, self.epoch));
        let mut again = Vec::new();
        let marker = match verdict {
            Verdict::Hold | Verdict::Drop => {
                let holds = flows && (verdict == Verdict::Hold || self.held.is_of(packet.timestamp));
                if holds && self.held.hold(source, packet.timestamp) {
                    self.held_back += 1;
                } else if flows {
                    self.munger.leave_out(source, &descriptor);
                }
                return;
            }
            Verdict::Forward { marker } => {
                if begins(&descriptor) && self.held.is_of(packet.timestamp) {
                    again = self.held.take();
                }
                marker
            }
            Verdict::Switch { marker } => {
                self.held.clear();
                self.munger
                    .switch(source, packet.timestamp, arrival, None, &descriptor);
                marker
            }
        };
        let targets = self.selector.decode_targets();
        let placed = self
            .munger
            .place(source, packet.timestamp, arrival, &descriptor, targets)
            .expect("what is passed on has a number");
        let mut payload = packet.payload.clone();
        placed.rewrite.apply(&mut payload);
        let mut buffer = [0; 256];
        let descriptor = packet.descriptor.as_ref().map(|raw| {
            let written = placed.rewrite.descriptor(raw, &mut buffer);
            written.expect("a descriptor can be rewritten").to_vec()
        });
        self.sent.push(Sent {
            frame: packet.frame,
            source,
            placed,
            marker: marker.unwrap_or(packet.marker),
            payload,
            descriptor,
            epoch: self.epoch,
        });
        if switched {
            // What came before the beginning of the keyframe it belongs to.
            let behind = self.kept[encoding].range(source + 1..);
            again.extend(behind.map(|(source, _)| *source));
        }
        for source in again {
            self.judge(encoding, source);
        }
    }

    /// Whatever a frame that was sent on needs was sent on too, as far as the server had it by the end of the epoch.
    pub(super) fn check_references(&self) {
        let sent: BTreeSet<(usize, usize)> = self.sent.iter().map(|sent| (sent.frame, sent.epoch)).collect();
        let mut had = BTreeMap::new();
        for (frame, _, epoch) in self.reached.iter().rev() {
            had.insert(*frame, *epoch);
        }
        for (frame, epoch) in &sent {
            for reference in &self.frames[*frame].references {
                let too_late = had.get(reference).is_none_or(|since| since > epoch);
                assert!(
                    sent.contains(&(*reference, *epoch)) || too_late,
                    "frame {frame} {:?} was sent without {reference} {:?}",
                    self.frames[*frame],
                    self.frames[*reference]
                );
            }
        }
    }

    /// Frames are sent on whole: all packets of them that reached the server in the same epoch.
    pub(super) fn check_whole_frames(&self) {
        let frames: BTreeSet<(usize, usize)> =
            self.sent.iter().map(|sent| (sent.frame, sent.epoch)).collect();
        let packets: BTreeSet<(usize, u64)> =
            self.sent.iter().map(|sent| (sent.frame, sent.source)).collect();
        for (frame, source, epoch) in &self.reached {
            assert!(
                packets.contains(&(*frame, *source)) || !frames.contains(&(*frame, *epoch)),
                "packet {source} of frame {frame} {:?} was left out",
                self.frames[*frame]
            );
        }
    }

    /// Sequence numbers are used once, and no more are skipped than the network lost or brought late.
    pub(super) fn check_sequences(&self) {
        let mut sequences: Vec<u64> = self.sent.iter().map(|sent| sent.placed.sequence).collect();
        sequences.sort_unstable();
        let mut holes = 0;
        for pair in sequences.windows(2) {
            assert_ne!(pair[0], pair[1], "a sequence number was used twice");
            holes += (pair[1] - pair[0] - 1) as usize;
        }
        assert!(
            holes <= self.lost + self.late,
            "{holes} holes of {} lost and {} late",
            self.lost,
            self.late
        );
        assert!(sequences.first().is_none_or(|first| *first == 60_000));
    }

    /// Timestamps never go back, within an encoding and from one to the next.
    pub(super) fn check_timestamps(&self) {
        let mut sent: Vec<&Sent> = self.sent.iter().collect();
        sent.sort_by_key(|sent| sent.placed.sequence);
        for pair in sent.windows(2) {
            let step = pair[1].placed.timestamp.wrapping_sub(pair[0].placed.timestamp) as i32;
            assert!(step >= 0, "{:?}", (&pair[0].placed, &pair[1].placed));
        }
    }

    /// With a perfect network every picture ends with a marker, and only there.
    pub(super) fn check_markers(&self) {
        for pair in self.sent.windows(2) {
            let ends = pair[0].placed.timestamp != pair[1].placed.timestamp;
            assert_eq!(
                pair[0].marker, ends,
                "after frame {:?}",
                self.frames[pair[0].frame]
            );
        }
    }

    /// What was sent of the pictures since `from`, but key pictures, is exactly what the aim asks for.
    pub(super) fn check_settled(&self, aim: Aim, from: u64) {
        let sent: BTreeSet<usize> = self.sent.iter().map(|sent| sent.frame).collect();
        for (index, frame) in self.frames.iter().enumerate() {
            if frame.picture < from || frame.key {
                continue;
            }
            let Aim {
                encoding,
                spatial,
                temporal,
            } = aim;
            let top = usize::from(self.shape.spatial - 1).min(spatial);
            let layer = usize::from(frame.layer.spatial);
            let spatially = match self.shape.mode {
                Mode::Full => layer <= top,
                Mode::Key | Mode::Independent => layer == top,
            };
            let due =
                frame.encoding == encoding && spatially && usize::from(frame.layer.temporal) <= temporal;
            assert_eq!(sent.contains(&index), due, "{frame:?} for {aim:?}");
        }
    }
}
