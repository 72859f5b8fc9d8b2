//! Packets of a track that subscribers are served with together: found once for all of them.

use crate::alike::{Alike, follows};
use crate::published::Published;
use crate::ring::Stored;

/// Packets that subscribers are served with together.
pub(super) const BURST: usize = 8;

/// Up to [`BURST`] packets that wait, in the order they came.
pub(super) struct Burst<'a> {
    packets: [&'a Stored; BURST],
    layers: [u8; BURST],
    /// The place among what waited.
    places: [u8; BURST],
    /// So many from here on are alike.
    alike: [u8; BURST],
    /// Payload bytes of one of these, about.
    sizes: [u16; BURST],
    count: usize,
}

impl<'a> Burst<'a> {
    /// Finds the packets of one track by layer and number; `None` where none is kept any more.
    pub(super) fn find(published: &'a Published, waiting: &[(u8, u64)]) -> Option<Self> {
        let found = waiting
            .iter()
            .zip(0_u8..)
            .filter_map(|((layer, sequence), place)| {
                let encoding = published.encodings.get(usize::from(*layer))?;
                Some((encoding.ring.find(*sequence)?, *layer, place))
            });
        let mut burst: Option<Self> = None;
        for (stored, layer, place) in found.take(BURST) {
            let burst = burst.get_or_insert(Self {
                packets: [stored; BURST],
                layers: [layer; BURST],
                places: [place; BURST],
                alike: [1; BURST],
                sizes: [0; BURST],
                count: 0,
            });
            let at = burst.count % BURST;
            burst.packets[at] = stored;
            burst.layers[at] = layer;
            burst.places[at] = place;
            burst.count += 1;
        }
        if let Some(burst) = &mut burst {
            burst.compare();
        }
        burst
    }

    /// Finds out which of them are alike.
    fn compare(&mut self) {
        let mut bytes = 0;
        for at in (0..self.count).rev() {
            let next = at + 1;
            let goes_on = next < self.count
                && self.layers[at] == self.layers[next]
                && follows(self.packets[at], self.packets[next]);
            if goes_on {
                self.alike[at] = self.alike[next] + 1;
            } else {
                bytes = 0;
            }
            bytes += self.packets[at].payload().len();
            self.sizes[at] = (bytes / usize::from(self.alike[at])) as u16;
        }
    }

    /// Its packets.
    #[inline]
    pub(super) fn packets(&self) -> &[&'a Stored] {
        self.packets.get(..self.count).unwrap_or_default()
    }

    /// The encoding of a packet.
    #[inline]
    pub(super) fn layer(&self, at: usize) -> usize {
        self.layers.get(at).copied().map_or(0, usize::from)
    }

    /// The place of a packet among what waited.
    pub(super) fn place(&self, at: usize) -> usize {
        self.places.get(at).copied().map_or(0, usize::from)
    }

    /// A packet and those behind it that are alike.
    #[inline]
    pub(super) fn alike(&self, at: usize) -> Option<Alike<'_>> {
        let count = usize::from(*self.alike.get(at)?);
        let packets = self.packets().get(at..)?.get(..count)?;
        Some(Alike::new(packets, *self.sizes.get(at)?))
    }
}

#[cfg(test)]
mod tests;
