//! Sources of packets: a camera that obeys key frame requests, and a microphone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngExt;
use rand::rngs::StdRng;

use super::profile::{AudioProfile, VideoProfile, cut};
use super::stamp::Stamp;
use super::vp8::{PICTURE_IDS, Vp8Descriptor, write_frame_header};

/// A packet to send.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Place of the layer in the profile; zero for audio.
    pub layer: usize,
    /// Extended sequence number.
    pub sequence: u64,
    /// RTP time.
    pub timestamp: u32,
    /// Marker bit.
    pub marker: bool,
    /// Whether the payload is redundant audio (RFC 2198).
    pub red: bool,
    /// Level in −dBov and whether it is a voice, for audio.
    pub level: Option<(i8, bool)>,
    /// Payload.
    pub payload: Arc<[u8]>,
}

/// A schedule of equal steps that never drifts: a step that comes late does not move the next.
#[derive(Debug, Clone, Copy)]
struct Beat {
    next: Instant,
    interval: Duration,
}

impl Beat {
    /// Moves on; after a gap of more than a second it takes up the time of day.
    fn advance(&mut self, now: Instant) {
        self.next += self.interval;
        if now.saturating_duration_since(self.next) > Duration::from_secs(1) {
            self.next = now + self.interval;
        }
    }
}

/// Cameras are not in step: each begins by so much later at most, within the time of one picture.
const MOST_PHASE: Duration = Duration::from_millis(100);

struct Layer {
    sequence: u64,
    timestamp: u32,
    picture_id: u16,
    tl0_pic_idx: u8,
    frame: u32,
    key_wanted: bool,
    active: bool,
}

/// What a track sends.
pub enum Source {
    /// A microphone.
    Audio(AudioSource),
    /// A camera.
    Video(VideoSource),
}

impl Source {
    /// Whether it is a camera.
    pub fn is_video(&self) -> bool {
        matches!(self, Self::Video(_))
    }

    /// Puts the first packet off until `start`.
    pub fn begin(&mut self, start: Instant) {
        match self {
            Self::Audio(source) => source.beat.next = start,
            Self::Video(source) => source.beat.next = start + source.phase,
        }
    }

    /// When it has packets next.
    pub fn due(&self) -> Instant {
        match self {
            Self::Audio(source) => source.beat.next,
            Self::Video(source) => source.due(),
        }
    }

    /// Time between what it sends together.
    pub fn interval(&self) -> Duration {
        match self {
            Self::Audio(source) => source.beat.interval,
            Self::Video(source) => source.beat.interval,
        }
    }

    /// Makes what is due, appended to `out`; `now_ns` is stamped on it.
    pub fn make(&mut self, now: Instant, now_ns: u64, out: &mut Vec<Outgoing>) {
        match self {
            Self::Audio(source) => source.make(now, now_ns, out),
            Self::Video(source) => source.make(now, now_ns, out),
        }
    }

    /// As [`VideoSource::request_key_frame`]; sound has none.
    pub fn request_key_frame(&mut self, rid: Option<&str>) {
        if let Self::Video(source) = self {
            source.request_key_frame(rid);
        }
    }

    /// As [`VideoSource::set_active`]; sound has no layers.
    pub fn set_active(&mut self, rids: &[String]) {
        if let Self::Video(source) = self {
            source.set_active(rids);
        }
    }

    /// Key frames made so far.
    pub fn key_frames(&self) -> u64 {
        match self {
            Self::Audio(_) => 0,
            Self::Video(source) => source.key_frames(),
        }
    }
}

/// A video track: every beat one frame of each active layer.
pub struct VideoSource {
    source: u32,
    profile: VideoProfile,
    beat: Beat,
    layers: Vec<Layer>,
    key_frames: u64,
    phase: Duration,
}

impl VideoSource {
    /// Begins at `start`, with a key frame on each layer. Sequence numbers, times and picture ids begin anywhere.
    pub fn new(source: u32, profile: VideoProfile, start: Instant, random: &mut StdRng) -> Self {
        let layers = (profile.layers.iter())
            .map(|_| Layer {
                sequence: random.random_range(0..u64::from(u16::MAX)),
                timestamp: random.random(),
                picture_id: random.random_range(0..PICTURE_IDS),
                tl0_pic_idx: random.random(),
                frame: 0,
                key_wanted: true,
                active: true,
            })
            .collect();
        let beat = Beat {
            next: start,
            interval: profile.interval,
        };
        let phase = profile.interval.min(MOST_PHASE).mul_f64(random.random());
        Self {
            source,
            profile,
            beat,
            layers,
            key_frames: 0,
            phase,
        }
    }

    /// When the next frame is due.
    pub fn due(&self) -> Instant {
        self.beat.next
    }

    /// Key frames made so far.
    pub fn key_frames(&self) -> u64 {
        self.key_frames
    }

    /// Makes the next frame of the layer called `rid` a key frame; without a name, of all layers.
    pub fn request_key_frame(&mut self, rid: Option<&str>) {
        for (layer, profile) in self.layers.iter_mut().zip(&self.profile.layers) {
            layer.key_wanted |= rid.is_none_or(|rid| rid == profile.rid);
        }
    }

    /// Sends the named layers alone; one that resumes begins with a key frame.
    pub fn set_active(&mut self, rids: &[String]) {
        for (layer, profile) in self.layers.iter_mut().zip(&self.profile.layers) {
            let active = rids.iter().any(|rid| rid == profile.rid);
            layer.key_wanted |= active && !layer.active;
            layer.active = active;
        }
    }

    /// Makes the frame that is due, as packets appended to `out`; `now_ns` is stamped on them.
    pub fn make(&mut self, now: Instant, now_ns: u64, out: &mut Vec<Outgoing>) {
        self.beat.advance(now);
        let ticks =
            u32::try_from(self.profile.interval.as_nanos() * 90_000 / 1_000_000_000).unwrap_or(u32::MAX);
        for (index, (layer, profile)) in self.layers.iter_mut().zip(&self.profile.layers).enumerate() {
            layer.timestamp = layer.timestamp.wrapping_add(ticks);
            if !layer.active {
                continue;
            }
            let key = std::mem::take(&mut layer.key_wanted);
            self.key_frames += u64::from(key);
            let bytes = profile.frame_bytes * if key { profile.key_factor } else { 1 };
            let mut lengths = cut(bytes, Vp8Descriptor::LENGTH).enumerate().peekable();
            while let Some((packet, length)) = lengths.next() {
                let descriptor = Vp8Descriptor {
                    start: packet == 0,
                    picture_id: layer.picture_id,
                    tl0_pic_idx: layer.tl0_pic_idx,
                    temporal_id: 0,
                };
                let mut payload = vec![0x5A; length.max(Vp8Descriptor::LENGTH + 10 + Stamp::LENGTH)];
                payload[..Vp8Descriptor::LENGTH].copy_from_slice(&descriptor.write());
                if packet == 0 {
                    let frame = &mut payload[Vp8Descriptor::LENGTH..];
                    write_frame_header(frame, key, profile.width, profile.height);
                }
                let stamp = Stamp {
                    source: self.source,
                    layer: u8::try_from(index).unwrap_or(u8::MAX),
                    key,
                    packet: u16::try_from(packet).unwrap_or(u16::MAX),
                    frame: layer.frame,
                    sent_ns: now_ns,
                };
                stamp.write(&mut payload);
                out.push(Outgoing {
                    layer: index,
                    sequence: layer.sequence,
                    timestamp: layer.timestamp,
                    marker: lengths.peek().is_none(),
                    red: false,
                    level: None,
                    payload: payload.into(),
                });
                layer.sequence += 1;
            }
            layer.frame = layer.frame.wrapping_add(1);
            layer.picture_id = (layer.picture_id + 1) % PICTURE_IDS;
            layer.tl0_pic_idx = layer.tl0_pic_idx.wrapping_add(1);
        }
    }
}

/// How long each client of a meeting speaks before the next one does.
const TURN: Duration = Duration::from_secs(4);

/// An audio track: a packet every 20 ms. Clients take turns to speak.
pub struct AudioSource {
    source: u32,
    speakers: u32,
    profile: AudioProfile,
    beat: Beat,
    sequence: u64,
    timestamp: u32,
    frame: u32,
    previous: Option<Vec<u8>>,
}

/// Opus' payload type inside redundant audio.
const OPUS: u8 = 111;

impl AudioSource {
    /// Begins at `start`; `speakers` is how many clients take turns.
    pub fn new(
        source: u32,
        speakers: u32,
        profile: AudioProfile,
        start: Instant,
        random: &mut StdRng,
    ) -> Self {
        Self {
            source,
            speakers: speakers.max(1),
            profile,
            beat: Beat {
                next: start,
                interval: Duration::from_millis(20),
            },
            sequence: random.random_range(0..u64::from(u16::MAX)),
            timestamp: random.random(),
            frame: 0,
            previous: None,
        }
    }

    /// Makes the packet that is due, appended to `out`; `now_ns` is stamped on it and decides whose turn it is.
    pub fn make(&mut self, now: Instant, now_ns: u64, out: &mut Vec<Outgoing>) {
        /// A full-band CELT frame of 20 ms, mono (RFC 6716 §3.1).
        const TOC: u8 = 0xF8;
        const SAMPLES: u32 = 960;
        self.beat.advance(now);
        let mut opus = vec![0x3C; self.profile.packet_bytes.max(1 + Stamp::LENGTH)];
        opus[0] = TOC;
        let stamp = Stamp {
            source: self.source,
            layer: 0,
            key: false,
            packet: 0,
            frame: self.frame,
            sent_ns: now_ns,
        };
        stamp.write(&mut opus);
        let previous = self.previous.replace(opus.clone()).filter(|_| self.profile.red);
        let payload = previous.map_or_else(|| opus.clone(), |previous| redundant(&previous, &opus, SAMPLES));
        let turn = Duration::from_nanos(now_ns).as_secs() / TURN.as_secs() % u64::from(self.speakers);
        let speaks = turn == u64::from(self.source % self.speakers);
        out.push(Outgoing {
            layer: 0,
            sequence: self.sequence,
            timestamp: self.timestamp,
            marker: false,
            red: payload.len() != opus.len(),
            level: Some(if speaks { (-25, true) } else { (-90, false) }),
            payload: payload.into(),
        });
        self.sequence += 1;
        self.timestamp = self.timestamp.wrapping_add(SAMPLES);
        self.frame = self.frame.wrapping_add(1);
    }
}

/// Wraps `primary` with the packet before it (RFC 2198 §3).
fn redundant(previous: &[u8], primary: &[u8], offset: u32) -> Vec<u8> {
    let length = u32::try_from(previous.len()).unwrap_or(0) & 0x3FF;
    let block = (u32::from(0x80 | OPUS) << 24) | ((offset & 0x3FFF) << 10) | length;
    let mut payload = block.to_be_bytes().to_vec();
    payload.push(OPUS);
    payload.extend_from_slice(previous);
    payload.extend_from_slice(primary);
    payload
}

#[cfg(test)]
mod tests;
