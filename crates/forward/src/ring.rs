use std::time::{Duration, Instant};

use tertulia_model::{Codec, MediaKind};
use tertulia_rtp::{AudioLevel, Descriptor, Extensions};

use crate::published::Incoming;

/// Slots a ring begins with, and the most it grows to. A layer of 4 Mbit/s sends about 400 packets a second.
const FIRST_SLOTS: usize = 32;
const MOST_SLOTS_VIDEO: usize = 2_048;
const MOST_SLOTS_AUDIO: usize = 128;
/// A ring grows rather than forget a packet younger than this: longer than one may wait for a pacer, and than a receiver
/// asks for what it misses.
const KEEP: Duration = Duration::from_millis(2_000);
/// Longest absolute capture time (with clock offset).
const CAPTURE_TIME: usize = 16;

/// A packet as its publisher sent it, decrypted; kept for all subscribers together.
#[derive(Debug)]
pub struct Stored {
    /// Extended sequence number; meaningless while empty.
    sequence: u64,
    filled: bool,
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    pub(crate) codec: Codec,
    pub(crate) arrival: Instant,
    pub(crate) info: Descriptor,
    has_extensions: bool,
    audio_level: Option<AudioLevel>,
    orientation: Option<u8>,
    playout_delay: Option<(u16, u16)>,
    capture_time: [u8; CAPTURE_TIME],
    capture_time_len: usize,
    /// The payload, then the dependency descriptor.
    bytes: Vec<u8>,
    payload_len: usize,
}

impl Stored {
    fn empty(now: Instant) -> Self {
        Self {
            sequence: 0,
            filled: false,
            timestamp: 0,
            marker: false,
            codec: Codec::Opus,
            arrival: now,
            info: Descriptor::default(),
            has_extensions: false,
            audio_level: None,
            orientation: None,
            playout_delay: None,
            capture_time: [0; CAPTURE_TIME],
            capture_time_len: 0,
            bytes: Vec::new(),
            payload_len: 0,
        }
    }

    fn fill(&mut self, packet: &Incoming<'_>, info: Descriptor) {
        self.sequence = packet.sequence;
        self.filled = true;
        self.timestamp = packet.timestamp;
        self.marker = packet.marker;
        self.codec = packet.codec;
        self.arrival = packet.arrival;
        self.info = info;
        self.audio_level = packet.ext.audio_level;
        self.orientation = packet.ext.orientation;
        self.playout_delay = packet.ext.playout_delay;
        self.capture_time_len = 0;
        if let Some(time) = packet.ext.capture_time
            && let Some(kept) = self.capture_time.get_mut(..time.len())
        {
            kept.copy_from_slice(time);
            self.capture_time_len = time.len();
        }
        self.bytes.clear();
        self.bytes.extend_from_slice(packet.payload);
        self.payload_len = packet.payload.len();
        if let Some(descriptor) = packet.ext.dependency_descriptor {
            self.bytes.extend_from_slice(descriptor);
        }
        self.has_extensions = self.audio_level.is_some()
            || self.orientation.is_some()
            || self.playout_delay.is_some()
            || self.capture_time_len > 0
            || self.bytes.len() > self.payload_len;
    }

    /// Its extended sequence number.
    #[inline]
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The payload as received.
    #[inline]
    pub fn payload(&self) -> &[u8] {
        self.bytes.get(..self.payload_len).unwrap_or_default()
    }

    /// The header extensions that are passed on.
    #[inline]
    pub fn extensions(&self) -> Extensions<'_> {
        if !self.has_extensions {
            return Extensions::default();
        }
        self.kept_extensions()
    }

    fn kept_extensions(&self) -> Extensions<'_> {
        let descriptor = self.bytes.get(self.payload_len..).unwrap_or_default();
        Extensions {
            audio_level: self.audio_level,
            orientation: self.orientation,
            playout_delay: self.playout_delay,
            capture_time: self
                .capture_time
                .get(..self.capture_time_len)
                .filter(|time| !time.is_empty()),
            dependency_descriptor: (!descriptor.is_empty()).then_some(descriptor),
            ..Extensions::default()
        }
    }
}

/// The latest packets of one published layer, found by their extended sequence number.
///
/// It grows until it holds two seconds of what arrives and allocates nothing from then on. All subscribers read from it,
/// also what they ask for again.
#[derive(Debug)]
pub(crate) struct Ring {
    slots: Vec<Stored>,
    newest: u64,
    most: usize,
}

impl Ring {
    pub(crate) fn new(kind: MediaKind) -> Self {
        Self {
            slots: Vec::new(),
            newest: 0,
            most: match kind {
                MediaKind::Audio => MOST_SLOTS_AUDIO,
                MediaKind::Video => MOST_SLOTS_VIDEO,
            },
        }
    }

    /// Keeps a packet; false for one that is kept already or older than what took its place.
    pub(crate) fn insert(&mut self, packet: &Incoming<'_>, info: Descriptor) -> bool {
        if self.slots.is_empty() {
            self.slots
                .resize_with(FIRST_SLOTS, || Stored::empty(packet.arrival));
        }
        while self.must_grow(packet) {
            self.grow(packet.arrival);
        }
        let Some(slot) = self.slot_mut(packet.sequence) else {
            return false;
        };
        if slot.filled && slot.sequence >= packet.sequence {
            return false;
        }
        slot.fill(packet, info);
        self.newest = self.newest.max(packet.sequence);
        true
    }

    /// The highest sequence number ever kept.
    pub(crate) fn newest(&self) -> u64 {
        self.newest
    }

    /// The packet of that number, if it is still kept.
    #[inline]
    pub(crate) fn find(&self, sequence: u64) -> Option<&Stored> {
        let index = sequence as usize & self.slots.len().wrapping_sub(1);
        self.slots
            .get(index)
            .filter(|slot| slot.filled && slot.sequence == sequence)
    }

    fn slot_mut(&mut self, sequence: u64) -> Option<&mut Stored> {
        let index = sequence as usize & self.slots.len().wrapping_sub(1);
        self.slots.get_mut(index)
    }

    fn must_grow(&mut self, packet: &Incoming<'_>) -> bool {
        if self.slots.len() >= self.most {
            return false;
        }
        self.slot_mut(packet.sequence).is_some_and(|slot| {
            slot.filled
                && slot.sequence < packet.sequence
                && packet.arrival.saturating_duration_since(slot.arrival) < KEEP
        })
    }

    /// Doubles the slots; every packet keeps its place by its number.
    fn grow(&mut self, now: Instant) {
        let doubled = self.slots.len() * 2;
        let before = std::mem::take(&mut self.slots);
        self.slots.resize_with(doubled, || Stored::empty(now));
        for packet in before.into_iter().filter(|packet| packet.filled) {
            let sequence = packet.sequence;
            if let Some(slot) = self.slot_mut(sequence) {
                *slot = packet;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(ring: &mut Ring, sequence: u64, at: Instant, payload: &[u8]) -> bool {
        let packet = Incoming {
            layer: 0,
            codec: Codec::Vp8,
            sequence,
            timestamp: 0,
            marker: false,
            arrival: at,
            payload,
            ext: Extensions::default(),
            clock: None,
        };
        ring.insert(&packet, Descriptor::default())
    }

    #[test]
    fn two_seconds_of_packets_are_kept_and_no_more_than_that_is_allocated() {
        let start = Instant::now();
        let mut ring = Ring::new(MediaKind::Video);
        for sequence in 0..3_000 {
            let at = start + Duration::from_millis(4 * sequence);
            assert!(insert(&mut ring, sequence, at, &sequence.to_be_bytes()));
        }
        assert_eq!(ring.slots.len(), 512);
        let kept = ring.find(2_999 - 500).unwrap();
        assert_eq!(kept.payload(), 2_499_u64.to_be_bytes());
        assert!(ring.find(2_999 - 512).is_none());
    }

    #[test]
    fn a_packet_is_kept_once_and_an_old_one_takes_no_place() {
        let start = Instant::now();
        let mut ring = Ring::new(MediaKind::Audio);
        assert!(insert(&mut ring, 100, start, &[1]));
        assert!(!insert(&mut ring, 100, start, &[2]));
        assert_eq!(ring.find(100).unwrap().payload(), [1]);
        let later = start + Duration::from_secs(10);
        assert!(insert(&mut ring, 100 + 4_096, later, &[3]));
        assert!(!insert(&mut ring, 100, later, &[1]));
        assert!(ring.find(100).is_none());
        assert!(ring.find(0).is_none());
    }

    #[test]
    fn a_ring_does_not_grow_beyond_its_bound() {
        let start = Instant::now();
        let mut ring = Ring::new(MediaKind::Video);
        for sequence in 0..10_000 {
            insert(&mut ring, sequence, start, &[0]);
        }
        assert_eq!(ring.slots.len(), MOST_SLOTS_VIDEO);
    }
}
