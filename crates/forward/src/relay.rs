//! A track on its way to another worker.
//!
//! Demand is soft state: whoever wants a track says so again and again, and one who falls silent gets nothing any more.
//! So neither a lost message nor a lost worker needs a word of its own.

use std::ops::Range;
use std::time::{Duration, Instant};

use tertulia_model::{Codec, MediaKind};
use tertulia_rtp::{AudioLevel, Extensions};

use crate::published::{Incoming, LAYERS, LayerRates, SenderClock};
use crate::routes::{Routes, TrackKey};

/// How long a demand counts.
const PATIENCE: Duration = Duration::from_secs(4);
/// Destinations are told apart by the bits of a word.
const DESTINATIONS: u8 = 64;

/// Where packets are relayed to: 0 to 63.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Destination(u8);

impl Destination {
    /// The destination of that index; `None` from 64 on.
    pub fn new(index: usize) -> Option<Self> {
        u8::try_from(index)
            .ok()
            .filter(|index| *index < DESTINATIONS)
            .map(Self)
    }

    /// Its index.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    fn bit(self) -> u64 {
        1 << self.0
    }
}

/// The number a track has on all workers of its room, never given twice in the room's life: a key may be another
/// track's by the time a packet arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackNumber(pub u32);

/// Some of the simulcast encodings of a track.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EncodingSet(u8);

impl EncodingSet {
    /// Adds an encoding; one there cannot be is left out.
    pub fn insert(&mut self, encoding: usize) {
        if encoding < LAYERS {
            self.0 |= 1 << encoding;
        }
    }

    /// Whether it has an encoding.
    pub fn contains(self, encoding: usize) -> bool {
        encoding < LAYERS && self.0 & (1 << encoding) != 0
    }

    /// Whether it has none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What flows of one track, for those who get only some of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrackRates {
    /// Which track.
    pub number: TrackNumber,
    /// What flows.
    pub rates: LayerRates,
}

/// Which encodings of which tracks other workers get.
#[derive(Debug, Default)]
pub struct Relay {
    tracks: Vec<Relayed>,
}

#[derive(Debug)]
struct Relayed {
    track: TrackKey,
    number: TrackNumber,
    demands: Vec<Demand>,
}

#[derive(Debug)]
struct Demand {
    destination: Destination,
    encodings: EncodingSet,
    until: Instant,
}

impl Relayed {
    fn union(&self) -> EncodingSet {
        let encodings = self.demands.iter().map(|demand| demand.encodings);
        encodings.fold(EncodingSet::default(), EncodingSet::union)
    }

    /// Who gets packets of an encoding.
    fn receivers(&self, encoding: usize) -> u64 {
        self.demands
            .iter()
            .filter(|demand| demand.encodings.contains(encoding))
            .fold(0, |all, demand| all | demand.destination.bit())
    }
}

impl Relay {
    /// Whether nobody wants anything.
    pub fn is_empty(&self) -> bool {
        self.tracks.is_empty()
    }

    /// Notes what a destination wants of a track from now on, for a few seconds. An empty set asks to be told what
    /// flows; `None` asks for nothing.
    pub fn demand(
        &mut self,
        routes: &mut Routes,
        destination: Destination,
        track: (TrackKey, TrackNumber),
        wanted: Option<EncodingSet>,
        now: Instant,
    ) {
        let (track, number) = track;
        let place = self.tracks.iter().position(|relayed| relayed.track == track);
        let relayed = match (place, wanted) {
            (Some(place), _) => self.tracks.get_mut(place),
            (None, None) => return,
            (None, Some(_)) => {
                self.tracks.push(Relayed {
                    track,
                    number,
                    demands: Vec::new(),
                });
                self.tracks.last_mut()
            }
        };
        let Some(relayed) = relayed else { return };
        relayed.demands.retain(|demand| demand.destination != destination);
        relayed.demands.extend(wanted.map(|encodings| Demand {
            destination,
            encodings,
            until: now + PATIENCE,
        }));
        routes.set_relayed(track, relayed.union());
        self.tracks.retain(|relayed| !relayed.demands.is_empty());
    }

    /// Forgets a track that is gone.
    pub fn forget(&mut self, track: TrackKey) {
        self.tracks.retain(|relayed| relayed.track != track);
    }

    /// Drops the demands that were not said again in time.
    pub fn expire(&mut self, routes: &mut Routes, now: Instant) {
        for relayed in &mut self.tracks {
            let before = relayed.demands.len();
            relayed.demands.retain(|demand| demand.until > now);
            if relayed.demands.len() < before {
                routes.set_relayed(relayed.track, relayed.union());
            }
        }
        self.tracks.retain(|relayed| !relayed.demands.is_empty());
    }

    /// Copies the packets of a kind that wait to be distributed and that somebody elsewhere wants, once for all who
    /// do. Call it before [`Routes::distribute`].
    pub fn collect(&self, routes: &Routes, kind: MediaKind) -> Option<Burst> {
        let mut burst = Burst::default();
        for track in routes.waiting_tracks(kind) {
            let Some(relayed) = self.tracks.iter().find(|relayed| relayed.track == track) else {
                continue;
            };
            for waiting in routes.waiting_packets(track) {
                let receivers = relayed.receivers(waiting.layer);
                if receivers == 0 {
                    continue;
                }
                let stored = waiting.stored;
                burst.push(
                    relayed.number,
                    receivers,
                    &Incoming {
                        layer: waiting.layer,
                        codec: stored.codec,
                        sequence: waiting.sequence,
                        timestamp: stored.timestamp,
                        marker: stored.marker,
                        arrival: stored.arrival,
                        payload: stored.payload(),
                        ext: stored.extensions(),
                        clock: waiting.encoding.clock,
                    },
                );
            }
        }
        (!burst.packets.is_empty()).then_some(burst)
    }

    /// What flows of the tracks that a destination wants something of.
    pub fn rates(&self, routes: &Routes, destination: Destination, now: Instant) -> Vec<TrackRates> {
        let wants = |relayed: &&Relayed| {
            relayed
                .demands
                .iter()
                .any(|demand| demand.destination == destination)
        };
        self.tracks
            .iter()
            .filter(wants)
            .filter_map(|relayed| {
                Some(TrackRates {
                    number: relayed.number,
                    rates: routes.rates(relayed.track, now)?,
                })
            })
            .collect()
    }

    /// Everybody who wants something, each once.
    pub fn destinations(&self) -> impl Iterator<Item = Destination> + use<> {
        let demands = self.tracks.iter().flat_map(|relayed| &relayed.demands);
        bits(demands.fold(0, |all, demand| all | demand.destination.bit()))
    }
}

/// Packets on their way to other workers, in the order they arrived; shared by all who get any of them.
#[derive(Debug, Default)]
pub struct Burst {
    packets: Vec<RelayedPacket>,
    /// Payloads, dependency descriptors and capture times, one after the other.
    bytes: Vec<u8>,
    receivers: u64,
}

#[derive(Debug)]
struct RelayedPacket {
    number: TrackNumber,
    receivers: u64,
    layer: u8,
    codec: Codec,
    sequence: u64,
    timestamp: u32,
    marker: bool,
    arrival: Instant,
    clock: Option<SenderClock>,
    audio_level: Option<AudioLevel>,
    orientation: Option<u8>,
    playout_delay: Option<(u16, u16)>,
    payload: Range<usize>,
    descriptor: Option<Range<usize>>,
    capture_time: Option<Range<usize>>,
}

impl Burst {
    fn push(&mut self, number: TrackNumber, receivers: u64, packet: &Incoming<'_>) {
        self.receivers |= receivers;
        let payload = self.append(packet.payload);
        let descriptor = packet.ext.dependency_descriptor.map(|bytes| self.append(bytes));
        let capture_time = packet.ext.capture_time.map(|bytes| self.append(bytes));
        self.packets.push(RelayedPacket {
            number,
            receivers,
            layer: packet.layer as u8,
            codec: packet.codec,
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            marker: packet.marker,
            arrival: packet.arrival,
            clock: packet.clock,
            audio_level: packet.ext.audio_level,
            orientation: packet.ext.orientation,
            playout_delay: packet.ext.playout_delay,
            payload,
            descriptor,
            capture_time,
        });
    }

    fn append(&mut self, bytes: &[u8]) -> Range<usize> {
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        begin..self.bytes.len()
    }

    /// Everybody who gets something of it.
    pub fn destinations(&self) -> impl Iterator<Item = Destination> + use<> {
        bits(self.receivers)
    }

    /// The packets a destination gets, with their tracks.
    pub fn packets(&self, to: Destination) -> impl Iterator<Item = (TrackNumber, Incoming<'_>)> {
        self.packets
            .iter()
            .filter(move |packet| packet.receivers & to.bit() != 0)
            .map(|packet| (packet.number, self.incoming(packet)))
    }

    fn incoming(&self, packet: &RelayedPacket) -> Incoming<'_> {
        let bytes = |range: &Range<usize>| self.bytes.get(range.clone()).unwrap_or_default();
        Incoming {
            layer: usize::from(packet.layer),
            codec: packet.codec,
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            marker: packet.marker,
            arrival: packet.arrival,
            payload: bytes(&packet.payload),
            ext: Extensions {
                audio_level: packet.audio_level,
                orientation: packet.orientation,
                playout_delay: packet.playout_delay,
                capture_time: packet.capture_time.as_ref().map(bytes),
                dependency_descriptor: packet.descriptor.as_ref().map(bytes),
                ..Extensions::default()
            },
            clock: packet.clock,
        }
    }
}

fn bits(mut word: u64) -> impl Iterator<Item = Destination> {
    std::iter::from_fn(move || {
        let lowest = (word != 0).then(|| word.trailing_zeros() as u8)?;
        word &= word - 1;
        Some(Destination(lowest))
    })
}

#[cfg(test)]
mod tests;
