//! Marked sound and pictures, and a reader that judges them as a decoder would.

use std::collections::BTreeMap;
use std::time::Instant;

/// Pictures a second of every layer.
pub(crate) const FRAMES_PER_SECOND: u32 = 10;
/// Packets of one picture, by layer.
pub(crate) const PACKETS: [u8; 3] = [1, 2, 4];
const PACKET_BYTES: usize = 900;

/// One packet of a picture: a VP8 payload descriptor with 15-bit picture id, TL0PICIDX and TID (RFC 7741 §4.2), the
/// first byte of the frame, and our marks.
pub(crate) fn picture_packet(layer: u8, frame: u32, keyframe: bool, index: u8) -> Vec<u8> {
    let first = index == 0;
    // Every layer numbers its pictures by itself, as libwebrtc does.
    let picture_id = (frame + u32::from(layer) * 9_000) & 0x7fff;
    let [high, low] = u16::try_from(picture_id).unwrap().to_be_bytes();
    let mut bytes = vec![
        if first { 0x90 } else { 0x80 },
        0xe0,
        0x80 | high,
        low,
        frame.to_be_bytes()[3],
        0x20,
    ];
    bytes.push(u8::from(!keyframe));
    bytes.extend([layer, index, PACKETS[usize::from(layer)], u8::from(keyframe)]);
    bytes.extend(frame.to_be_bytes());
    bytes.resize(PACKET_BYTES, 0xab);
    bytes
}

/// A picture as it came together.
#[derive(Debug, Clone)]
struct Picture {
    layer: u8,
    frame: u32,
    keyframe: bool,
    wanted: u8,
    have: Vec<u8>,
    complete_at: Option<Instant>,
    timestamp: u64,
}

/// What was received of one video track.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    pictures: BTreeMap<u64, Picture>,
    last_id: Option<u64>,
    /// Packets that came twice under one number, or whose marks contradict each other.
    pub contradictions: usize,
    sequences: BTreeMap<u64, (u64, u8)>,
}

impl Shown {
    pub(crate) fn take(&mut self, payload: &[u8], sequence: u64, timestamp: u64, now: Instant) {
        let [
            _,
            _,
            high,
            low,
            _,
            _,
            _,
            layer,
            index,
            wanted,
            keyframe,
            a,
            b,
            c,
            d,
            ..,
        ] = *payload
        else {
            self.contradictions += 1;
            return;
        };
        let id = self.extend(u16::from_be_bytes([high & 0x7f, low]));
        let frame = u32::from_be_bytes([a, b, c, d]);
        if self
            .sequences
            .insert(sequence, (id, index))
            .is_some_and(|before| before != (id, index))
        {
            self.contradictions += 1;
        }
        let picture = self.pictures.entry(id).or_insert(Picture {
            layer,
            frame,
            keyframe: keyframe == 1,
            wanted,
            have: Vec::new(),
            complete_at: None,
            timestamp,
        });
        if (picture.layer, picture.frame, picture.timestamp) != (layer, frame, timestamp) {
            self.contradictions += 1;
            return;
        }
        if !picture.have.contains(&index) {
            picture.have.push(index);
        }
        if picture.have.len() == usize::from(picture.wanted) && picture.complete_at.is_none() {
            picture.complete_at = Some(now);
        }
    }

    fn extend(&mut self, id: u16) -> u64 {
        let id = u64::from(id);
        let Some(last) = self.last_id else {
            // Room below, for packets that come late.
            let first = id + (1 << 15);
            self.last_id = Some(first);
            return first;
        };
        let mut extended = (last & !0x7fff) | id;
        if extended + (1 << 14) < last {
            extended += 1 << 15;
        } else if extended > last + (1 << 14) {
            extended -= 1 << 15;
        }
        self.last_id = Some(last.max(extended));
        extended
    }

    /// Pictures a decoder could show: whole, and either a key frame or the next of the same layer after one it could
    /// show.
    fn decodable(&self) -> Vec<(u64, &Picture)> {
        let mut shown: Vec<(u64, &Picture)> = Vec::new();
        for (id, picture) in &self.pictures {
            if picture.complete_at.is_none() {
                continue;
            }
            let follows = shown.last().is_some_and(|(before, last)| {
                before + 1 == *id && last.layer == picture.layer && last.frame + 1 == picture.frame
            });
            if picture.keyframe || follows {
                shown.push((*id, picture));
            }
        }
        shown
    }

    /// Pictures shown since an instant.
    pub fn since(&self, from: Instant) -> usize {
        self.decodable()
            .iter()
            .filter(|(_, picture)| picture.complete_at.is_some_and(|at| at >= from))
            .count()
    }

    /// The layer of the last picture shown, 0 to 2.
    pub fn layer(&self) -> Option<u8> {
        self.decodable().last().map(|(_, picture)| picture.layer)
    }

    /// How often the layer of what was shown changed.
    pub fn layer_changes(&self) -> usize {
        self.decodable()
            .windows(2)
            .filter(|pair| pair[0].1.layer != pair[1].1.layer)
            .count()
    }

    /// Whether the newest picture cannot be shown, so that a decoder would ask for a key frame.
    pub(crate) fn is_stuck(&self) -> bool {
        let mut expected: Option<(u64, u8, u32)> = None;
        for (id, picture) in self.pictures.iter().rev() {
            let follows = expected.is_none_or(|(next, layer, frame)| {
                id + 1 == next && picture.layer == layer && picture.frame + 1 == frame
            });
            if expected.is_none() && picture.complete_at.is_none() {
                // It may still be coming together.
                continue;
            }
            if !follows || picture.complete_at.is_none() {
                return true;
            }
            if picture.keyframe {
                return false;
            }
            expected = Some((*id, picture.layer, picture.frame));
        }
        !self.pictures.is_empty()
    }

    /// Whether timestamps rise with picture ids.
    pub fn is_in_order(&self) -> bool {
        let times: Vec<u64> = self
            .decodable()
            .iter()
            .map(|(_, picture)| picture.timestamp)
            .collect();
        times.windows(2).all(|pair| pair[0] < pair[1])
    }

    /// Numbers missing between the first and the last packet received.
    pub fn missing_packets(&self) -> u64 {
        match (self.sequences.first_key_value(), self.sequences.last_key_value()) {
            (Some((first, _)), Some((last, _))) => last - first + 1 - self.sequences.len() as u64,
            _ => 0,
        }
    }
}

/// What was received of one audio track.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    packets: BTreeMap<u64, Instant>,
}

impl Heard {
    pub(crate) fn take(&mut self, sequence: u64, now: Instant) {
        self.packets.entry(sequence).or_insert(now);
    }

    /// Packets heard since an instant.
    pub fn since(&self, from: Instant) -> usize {
        self.packets.values().filter(|at| **at >= from).count()
    }
}
