//! What a publisher sends: layers, rates and sizes.

use std::time::Duration;

use super::vp8::Vp8Descriptor;

/// Largest payload put into one packet, descriptor included.
pub const MAX_PAYLOAD: usize = 1_200;

/// One simulcast layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerProfile {
    /// RTP stream id (RFC 8851).
    pub rid: &'static str,
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
    /// Bytes of a frame that is not a key frame.
    pub frame_bytes: usize,
    /// How many times larger a key frame is.
    pub key_factor: usize,
}

/// A video track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoProfile {
    /// Layers, lowest first. One layer alone is sent without simulcast.
    pub layers: Vec<LayerProfile>,
    /// Time between frames.
    pub interval: Duration,
}

impl VideoProfile {
    /// A camera at 720p30 with three layers of 150, 500 and 1,700 kbit/s, as browsers send it.
    pub fn camera() -> Self {
        const FRAMES_PER_SECOND: u32 = 30;
        let layer = |rid, width, height, kbps: usize| LayerProfile {
            rid,
            width,
            height,
            frame_bytes: kbps * 1_000 / 8 / FRAMES_PER_SECOND as usize,
            key_factor: 4,
        };
        Self {
            layers: vec![
                layer("q", 320, 180, 150),
                layer("h", 640, 360, 500),
                layer("f", 1280, 720, 1_700),
            ],
            interval: Duration::from_secs(1) / FRAMES_PER_SECOND,
        }
    }

    /// One layer of full packets, `burst` of them together, `packets_per_second` altogether.
    pub fn packets(packets_per_second: u32, burst: u32) -> Self {
        let burst = burst.max(1);
        Self {
            layers: vec![LayerProfile {
                rid: "f",
                width: 1280,
                height: 720,
                frame_bytes: (MAX_PAYLOAD - Vp8Descriptor::LENGTH) * burst as usize,
                key_factor: 1,
            }],
            interval: Duration::from_secs(1) * burst / packets_per_second.max(1),
        }
    }
}

/// An Opus track: a packet every 20 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioProfile {
    /// Bytes of an Opus packet.
    pub packet_bytes: usize,
    /// Whether each packet repeats the one before it (RFC 2198).
    pub red: bool,
}

impl AudioProfile {
    /// Speech at 32 kbit/s.
    pub fn speech(red: bool) -> Self {
        Self {
            packet_bytes: 80,
            red,
        }
    }
}

/// Lengths of the payloads a frame of `bytes` is cut into: as few as fit, equal to within one byte, as browsers do.
/// `overhead` of each is the descriptor's.
pub fn cut(bytes: usize, overhead: usize) -> impl Iterator<Item = usize> {
    let room = MAX_PAYLOAD.saturating_sub(overhead).max(1);
    let bytes = bytes.max(1);
    let count = bytes.div_ceil(room);
    let (each, longer) = (bytes / count, bytes % count);
    (0..count).map(move |index| each + usize::from(index < longer) + overhead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_cut_evenly_into_packets_that_fit() {
        for bytes in [1, 1_193, 1_194, 1_195, 7_083, 28_332] {
            let lengths: Vec<usize> = cut(bytes, 6).collect();
            assert_eq!(lengths.iter().map(|length| length - 6).sum::<usize>(), bytes);
            assert!(lengths.iter().all(|length| *length <= MAX_PAYLOAD));
            let (shortest, longest) = (lengths.iter().min().unwrap(), lengths.iter().max().unwrap());
            assert!(longest - shortest <= 1, "{lengths:?}");
        }
    }

    #[test]
    fn the_camera_sends_what_its_name_says() {
        let camera = VideoProfile::camera();
        let bits: usize = camera.layers.iter().map(|layer| layer.frame_bytes * 8 * 30).sum();
        assert!((2_300_000..=2_350_000).contains(&bits), "{bits}");
    }

    #[test]
    fn a_packet_profile_keeps_rate_and_burst() {
        let profile = VideoProfile::packets(1_000, 8);
        assert_eq!(profile.interval, Duration::from_millis(8));
        let lengths: Vec<usize> = cut(profile.layers[0].frame_bytes, Vp8Descriptor::LENGTH).collect();
        assert_eq!(lengths, [MAX_PAYLOAD; 8]);
    }
}
