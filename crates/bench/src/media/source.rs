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

struct Layer {
    sequence: u64,
    timestamp: u32,
    picture_id: u16,
    tl0_pic_idx: u8,
    frame: u32,
    key_wanted: bool,
    active: bool,
}

/// A video track: every beat one frame of each active layer.
pub struct VideoSource {
    source: u32,
    profile: VideoProfile,
    beat: Beat,
    layers: Vec<Layer>,
    key_frames: u64,
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
        Self {
            source,
            profile,
            beat,
            layers,
            key_frames: 0,
        }
    }

    /// Puts the first frame off until `start`.
    pub fn begin(&mut self, start: Instant) {
        self.beat.next = start;
    }

    /// When the next frame is due.
    pub fn due(&self) -> Instant {
        self.beat.next
    }

    /// What is sent.
    pub fn profile(&self) -> &VideoProfile {
        &self.profile
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

    /// Puts the first packet off until `start`.
    pub fn begin(&mut self, start: Instant) {
        self.beat.next = start;
    }

    /// When the next packet is due.
    pub fn due(&self) -> Instant {
        self.beat.next
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
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn video() -> (VideoSource, Instant) {
        let start = Instant::now();
        let random = &mut StdRng::seed_from_u64(1);
        (VideoSource::new(3, VideoProfile::camera(), start, random), start)
    }

    fn frame(source: &mut VideoSource) -> Vec<Outgoing> {
        let mut out = Vec::new();
        source.make(source.due(), 42, &mut out);
        out
    }

    fn keys(packets: &[Outgoing]) -> Vec<usize> {
        (packets.iter())
            .filter(|packet| Stamp::read(&packet.payload).is_some_and(|stamp| stamp.key && stamp.packet == 0))
            .map(|packet| packet.layer)
            .collect()
    }

    #[test]
    fn a_camera_begins_with_key_frames_and_gives_more_when_asked() {
        let (mut source, _) = video();
        assert_eq!(keys(&frame(&mut source)), [0, 1, 2]);
        assert_eq!(keys(&frame(&mut source)), [0; 0]);
        source.request_key_frame(Some("h"));
        assert_eq!(keys(&frame(&mut source)), [1]);
        source.request_key_frame(None);
        assert_eq!(keys(&frame(&mut source)), [0, 1, 2]);
        assert_eq!(source.key_frames(), 7);
    }

    #[test]
    fn a_layer_that_resumes_begins_with_a_key_frame() {
        let (mut source, _) = video();
        frame(&mut source);
        source.set_active(&["q".to_owned()]);
        assert!(frame(&mut source).iter().all(|packet| packet.layer == 0));
        source.set_active(&["q".to_owned(), "f".to_owned()]);
        assert_eq!(keys(&frame(&mut source)), [2]);
    }

    #[test]
    fn each_layer_counts_on_its_own_and_marks_the_last_packet() {
        let (mut source, _) = video();
        let (first, second) = (frame(&mut source), frame(&mut source));
        for layer in 0..3 {
            let of = |packets: &[Outgoing]| -> Vec<Outgoing> {
                packets
                    .iter()
                    .filter(|packet| packet.layer == layer)
                    .cloned()
                    .collect()
            };
            let (first, second) = (of(&first), of(&second));
            let sequences: Vec<u64> = first
                .iter()
                .chain(&second)
                .map(|packet| packet.sequence)
                .collect();
            assert!(sequences.windows(2).all(|pair| pair[1] == pair[0] + 1));
            for packets in [&first, &second] {
                let (last, others) = packets.split_last().unwrap();
                assert!(last.marker && others.iter().all(|packet| !packet.marker));
            }
            assert_eq!(second[0].timestamp.wrapping_sub(first[0].timestamp), 2_999);
            let id = |packets: &[Outgoing]| Vp8Descriptor::read(&packets[0].payload).unwrap().picture_id;
            assert_eq!((id(&first) + 1) % PICTURE_IDS, id(&second));
        }
    }

    #[test]
    fn redundant_audio_ends_with_the_primary_packet() {
        let start = Instant::now();
        let random = &mut StdRng::seed_from_u64(1);
        let mut source = AudioSource::new(0, 2, AudioProfile::speech(true), start, random);
        let mut out = Vec::new();
        for _ in 0..2 {
            source.make(source.due(), 1, &mut out);
        }
        assert!(!out[0].red && out[1].red);
        assert_eq!(out[1].payload.len(), 4 + 1 + 2 * 80);
        assert_eq!(out[1].payload[5..85], out[0].payload[..]);
        assert_eq!(Stamp::read(&out[1].payload).map(|stamp| stamp.frame), Some(1));
    }

    #[test]
    fn clients_take_turns_to_speak() {
        let start = Instant::now();
        let random = &mut StdRng::seed_from_u64(1);
        let mut out = Vec::new();
        for index in 0..2 {
            let mut source = AudioSource::new(index, 2, AudioProfile::speech(false), start, random);
            source.make(start, 5_000_000_000, &mut out);
        }
        let voices: Vec<bool> = out.iter().map(|packet| packet.level.unwrap().1).collect();
        assert_eq!(voices, [false, true]);
    }

    #[test]
    fn a_late_beat_does_not_move_the_next() {
        let start = Instant::now();
        let interval = Duration::from_millis(20);
        let mut beat = Beat {
            next: start,
            interval,
        };
        beat.advance(start + Duration::from_millis(15));
        assert_eq!(beat.next, start + interval);
        beat.advance(start + Duration::from_secs(9));
        assert_eq!(beat.next, start + Duration::from_secs(9) + interval);
    }
}
