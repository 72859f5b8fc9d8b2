//! What a relay needs of the routes: what waits to be distributed, what is asked of a track, and what flows of it.

use std::time::Instant;

use tertulia_model::MediaKind;

use super::{Routes, TICK, TrackKey, TrackSlot, class};
use crate::published::{Encoding, LAYERS, LayerRates, Published};
use crate::relay::EncodingSet;
use crate::ring::Stored;

/// A packet that waits to be distributed.
pub(crate) struct Waiting<'a> {
    pub(crate) layer: usize,
    pub(crate) sequence: u64,
    pub(crate) stored: &'a Stored,
    pub(crate) encoding: &'a Encoding,
}

impl Routes {
    /// Adds a track whose packets are relayed from where its publisher is. They were policed there.
    pub fn add_mirror(&mut self, kind: MediaKind) -> TrackKey {
        TrackKey(self.tracks.insert(TrackSlot {
            published: Published::mirror(kind),
            routes: Vec::new(),
            pending: Vec::new(),
            relayed: EncodingSet::default(),
        }) as u32)
    }

    /// The encodings of a track that its subscribers here get or wait for; `None` where it has none.
    pub fn wanted(&self, track: TrackKey) -> Option<EncodingSet> {
        let slot = self.tracks.get(track.0 as usize)?;
        if slot.routes.is_empty() {
            return None;
        }
        let mut wanted = EncodingSet::default();
        let routes = slot
            .routes
            .iter()
            .filter_map(|key| self.routes.get(*key as usize));
        for route in routes {
            for layer in (0..LAYERS).filter(|layer| route.forwarder.looks_at(*layer)) {
                wanted.insert(layer);
            }
        }
        Some(wanted)
    }

    /// Somebody elsewhere needs a keyframe of an encoding.
    pub fn want_keyframe(&mut self, track: TrackKey, layer: usize, now: Instant) {
        let Some(slot) = self.tracks.get_mut(track.0 as usize) else {
            return;
        };
        if slot.published.kind == MediaKind::Video
            && let Some(encoding) = slot.published.encodings.get_mut(layer)
        {
            encoding.throttle.want(now);
        }
    }

    /// What flows of a mirrored track where its publisher is.
    pub fn note_rates(&mut self, track: TrackKey, rates: &LayerRates, now: Instant) {
        if let Some(slot) = self.tracks.get_mut(track.0 as usize) {
            slot.published.note_rates(rates, now);
            self.flowed = Some(now);
            self.next_tick.get_or_insert(now + TICK);
        }
    }

    pub(crate) fn rates(&self, track: TrackKey, now: Instant) -> Option<LayerRates> {
        Some(self.tracks.get(track.0 as usize)?.published.rates(now))
    }

    /// Notes which encodings are relayed.
    pub(crate) fn set_relayed(&mut self, track: TrackKey, encodings: EncodingSet) {
        if let Some(slot) = self.tracks.get_mut(track.0 as usize) {
            slot.relayed = encodings;
        }
    }

    /// The tracks with packets of a kind that wait to be distributed.
    pub(crate) fn waiting_tracks(&self, kind: MediaKind) -> impl Iterator<Item = TrackKey> {
        self.pending
            .get(class(kind))
            .into_iter()
            .flatten()
            .map(|key| TrackKey(*key))
    }

    /// The packets of a track that wait to be distributed, oldest first.
    pub(crate) fn waiting_packets(&self, track: TrackKey) -> impl Iterator<Item = Waiting<'_>> {
        let slot = self.tracks.get(track.0 as usize);
        slot.into_iter().flat_map(|slot| {
            slot.pending.iter().filter_map(|(layer, sequence)| {
                let (layer, sequence) = (usize::from(*layer), *sequence);
                let encoding = slot.published.encodings.get(layer)?;
                Some(Waiting {
                    layer,
                    sequence,
                    stored: encoding.ring.find(sequence)?,
                    encoding,
                })
            })
        })
    }
}
