//! Judges what a client receives: is it complete, continuous and decodable, and how long was it on its way?

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::histogram::Histogram;
use crate::media::{PICTURE_IDS, Stamp, Vp8Descriptor};

/// A received packet, as far as it is judged.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// Extended sequence number.
    pub sequence: u64,
    /// RTP time.
    pub timestamp: u32,
    /// Marker bit.
    pub marker: bool,
    /// Whether the track is video.
    pub video: bool,
    /// Payload.
    pub payload: &'a [u8],
    /// When it was read from the socket, in nanoseconds of the generator's clock.
    pub at_ns: u64,
}

impl Arrival<'_> {
    /// Whether a key frame begins with it.
    pub fn begins_key_frame(&self) -> bool {
        self.video && Stamp::read(self.payload).is_some_and(|stamp| stamp.key && stamp.packet == 0)
    }
}

/// What was received, of one track or of many.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Counts {
    /// Media packets, repairs included.
    pub packets: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
    /// Packets that never came.
    pub lost: u64,
    /// Packets that came after a negative acknowledgement; light clients alone know.
    pub repaired: u64,
    /// Whole frames of video that a decoder could show.
    pub frames: u64,
    /// Key frames among them.
    pub key_frames: u64,
    /// Changes of simulcast layer.
    pub switches: u64,
    /// Changes of layer without a key frame, and frames whose reference was left out.
    pub broken: u64,
    /// Picture ids or base layer indices that did not follow one another.
    pub descriptor_faults: u64,
    /// RTP times that did not rise, or that differed within a frame.
    pub timestamp_faults: u64,
    /// Packets that carried no stamp.
    pub foreign: u64,
    /// Packets of each simulcast layer, lowest first.
    pub layers: [u64; 3],
}

impl Counts {
    /// Adds another's counts.
    pub fn add(&mut self, other: &Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
        self.lost += other.lost;
        self.repaired += other.repaired;
        self.frames += other.frames;
        self.key_frames += other.key_frames;
        self.switches += other.switches;
        self.broken += other.broken;
        self.descriptor_faults += other.descriptor_faults;
        self.timestamp_faults += other.timestamp_faults;
        self.foreign += other.foreign;
        for (mine, theirs) in self.layers.iter_mut().zip(other.layers) {
            *mine += theirs;
        }
    }

    /// Faults of the server, apart from loss.
    pub fn faults(&self) -> u64 {
        self.broken + self.descriptor_faults + self.timestamp_faults + self.foreign
    }
}

/// All tracks one client receives, by whatever tells them apart on the wire.
#[derive(Debug, Default)]
pub struct Sink {
    tracks: BTreeMap<u32, Track>,
    counts: Counts,
    audio: Histogram,
    video: Histogram,
}

/// What a sink has seen since it was last emptied.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Sums over all tracks.
    pub counts: Counts,
    /// Tracks that received anything.
    pub tracks: usize,
    /// Time on the way, of audio.
    pub audio: Histogram,
    /// Time on the way, of video.
    pub video: Histogram,
}

impl Sink {
    /// Takes a packet of the stream `ssrc`; true where a decoder would now ask for a key frame.
    pub fn accept(&mut self, ssrc: u32, arrival: &Arrival<'_>) -> bool {
        let stamp = Stamp::read(arrival.payload);
        if let Some(stamp) = stamp {
            let way = Duration::from_nanos(arrival.at_ns.saturating_sub(stamp.sent_ns));
            let histogram = if arrival.video {
                &mut self.video
            } else {
                &mut self.audio
            };
            histogram.record(way);
        }
        let track = self.tracks.entry(ssrc).or_default();
        track.accept(arrival, stamp, &mut self.counts);
        std::mem::take(&mut track.asks)
    }

    /// Gives what was seen and begins anew; what makes streams continuous is kept.
    pub fn take(&mut self) -> Seen {
        let tracks = self
            .tracks
            .values_mut()
            .map(|track| usize::from(std::mem::take(&mut track.fresh)))
            .sum();
        Seen {
            counts: std::mem::take(&mut self.counts),
            tracks,
            audio: std::mem::take(&mut self.audio),
            video: std::mem::take(&mut self.video),
        }
    }
}

/// A packet that waits for those before it.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    timestamp: u32,
    marker: bool,
    descriptor: Option<Vp8Descriptor>,
    stamp: Option<Stamp>,
}

/// How many packets may wait behind a gap before it is taken for a loss.
const PATIENCE: usize = 200;

#[derive(Debug, Default)]
struct Track {
    next: Option<u64>,
    waiting: BTreeMap<u64, Waiting>,
    /// The last packet taken in order.
    last: Option<Waiting>,
    /// Whether a decoder has what the next frame refers to.
    decodable: bool,
    after_loss: bool,
    /// Whether what came last left a decoder without a reference.
    asks: bool,
    fresh: bool,
}

impl Track {
    fn accept(&mut self, arrival: &Arrival<'_>, stamp: Option<Stamp>, counts: &mut Counts) {
        self.fresh = true;
        counts.packets += 1;
        counts.bytes += arrival.payload.len() as u64;
        let waiting = Waiting {
            timestamp: arrival.timestamp,
            marker: arrival.marker,
            descriptor: arrival
                .video
                .then(|| Vp8Descriptor::read(arrival.payload))
                .flatten(),
            stamp,
        };
        let next = *self.next.get_or_insert(arrival.sequence);
        if arrival.sequence >= next {
            self.waiting.insert(arrival.sequence, waiting);
        }
        self.drain(arrival.video, counts);
    }

    fn drain(&mut self, video: bool, counts: &mut Counts) {
        while let (Some(next), Some((sequence, _))) = (self.next, self.waiting.first_key_value()) {
            if *sequence != next {
                if self.waiting.len() <= PATIENCE {
                    return;
                }
                counts.lost += sequence - next;
                self.after_loss = true;
                self.decodable = false;
                self.asks = video;
            }
            let Some((sequence, packet)) = self.waiting.pop_first() else {
                return;
            };
            self.next = Some(sequence + 1);
            if video {
                self.judge(packet, counts);
            } else if packet.stamp.is_none() {
                counts.foreign += 1;
            }
            self.last = Some(packet);
            self.after_loss = false;
        }
    }

    /// Judges a video packet that comes right after `self.last`, or after a loss.
    fn judge(&mut self, packet: Waiting, counts: &mut Counts) {
        let (Some(stamp), Some(descriptor)) = (packet.stamp, packet.descriptor) else {
            counts.foreign += 1;
            return;
        };
        if let Some(place) = counts.layers.get_mut(usize::from(stamp.layer)) {
            *place += 1;
        }
        let begins = stamp.packet == 0;
        if begins && stamp.key {
            self.decodable = true;
            counts.key_frames += 1;
        }
        if let Some(last) = self.last.filter(|_| !self.after_loss) {
            self.compare(last, &packet, stamp, descriptor, counts);
        }
        if packet.marker && self.decodable {
            counts.frames += 1;
        }
    }

    fn compare(
        &mut self,
        last: Waiting,
        packet: &Waiting,
        stamp: Stamp,
        descriptor: Vp8Descriptor,
        counts: &mut Counts,
    ) {
        let (Some(last_stamp), Some(last_descriptor)) = (last.stamp, last.descriptor) else {
            return;
        };
        let begins = stamp.packet == 0;
        let same_layer = stamp.layer == last_stamp.layer;
        counts.switches += u64::from(!same_layer);
        // A key frame may cut off the frame before it, which a decoder then leaves out.
        let follows = if begins {
            stamp.key || (last.marker && same_layer && stamp.frame == last_stamp.frame.wrapping_add(1))
        } else {
            same_layer && stamp.frame == last_stamp.frame && stamp.packet == last_stamp.packet + 1
        };
        if !follows && self.decodable {
            counts.broken += 1;
            self.decodable = false;
            self.asks = true;
        }
        let step = u16::from(begins);
        let id_follows = descriptor.picture_id == (last_descriptor.picture_id + step) % PICTURE_IDS;
        let tl0_step = u8::from(begins);
        let tl0_follows = descriptor.tl0_pic_idx == last_descriptor.tl0_pic_idx.wrapping_add(tl0_step);
        counts.descriptor_faults += u64::from(!id_follows || !tl0_follows || descriptor.start != begins);
        let elapsed = packet.timestamp.wrapping_sub(last.timestamp);
        let time_follows = if begins {
            (1..1 << 31).contains(&elapsed)
        } else {
            elapsed == 0
        };
        counts.timestamp_faults += u64::from(!time_follows);
    }
}

#[cfg(test)]
mod tests;
