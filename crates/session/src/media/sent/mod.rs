//! What we send: streams by what the owner of the session calls them, and by SSRC.

mod stream;

use tertulia_model::Mid;
use tertulia_rtp::{ExtensionIds, HeaderTemplate, SrtpSender};

use super::lookup::Lookup;
use super::received::put;
use crate::TxId;

pub(super) use stream::{Channel, Sent, SentCodec, Stream};

/// What the headers of all our streams have in common.
#[derive(Debug)]
pub(super) struct Headers {
    pub(super) ids: ExtensionIds,
    pub(super) transport_cc: bool,
}

impl Headers {
    fn template(&self, ssrc: u32, mid: Option<&Mid>) -> HeaderTemplate {
        HeaderTemplate::new(ssrc, mid, &self.ids, self.transport_cc, true)
    }
}

/// All that we send, or may.
#[derive(Debug)]
pub(super) struct SentStreams {
    streams: Vec<Option<Stream>>,
    by_tx: Lookup,
    by_ssrc: Lookup,
    /// The last stream with retransmissions that something was sent on.
    padded: Option<usize>,
}

impl SentStreams {
    pub(super) fn new(seed: u32) -> Self {
        Self {
            streams: Vec::new(),
            by_tx: Lookup::new(seed),
            by_ssrc: Lookup::new(seed),
            padded: None,
        }
    }

    /// The stream of that name on that section, made known if it is not; `repair` has the SSRC of its retransmissions
    /// and their first sequence number.
    pub(super) fn declare(
        &mut self,
        tx: TxId,
        mid: &Mid,
        ssrc: u32,
        repair: Option<(u32, u64)>,
        headers: &Headers,
    ) -> Option<&mut Stream> {
        if let Some(slot) = self.slot(tx) {
            let stream = self.stream_mut(slot)?;
            if stream.is_on(mid) && stream.main.ssrc == ssrc {
                return self.stream_mut(slot);
            }
            self.remove_slot(slot);
        }
        self.remove(ssrc);
        let slot = put(&mut self.streams, Stream::new(tx, mid, ssrc, repair, headers));
        let value = u16::try_from(slot).ok()?;
        self.by_tx.insert(tx.0, value);
        self.by_ssrc.insert(ssrc, value);
        if let Some((repair, _)) = repair {
            self.by_ssrc.insert(repair, value);
        }
        self.stream_mut(slot)
    }

    pub(super) fn remove(&mut self, ssrc: u32) {
        if let Some(slot) = self.slot_of_ssrc(ssrc) {
            self.remove_slot(slot);
        }
    }

    /// Stops what is sent on a section.
    pub(super) fn forget(&mut self, mid: &Mid) {
        for slot in 0..self.streams.len() {
            let there = self.streams.get(slot).and_then(Option::as_ref);
            if there.is_some_and(|stream| stream.is_on(mid)) {
                self.remove_slot(slot);
            }
        }
    }

    pub(super) fn take_windows(&mut self, keys: &mut SrtpSender) {
        for stream in self.streams.iter_mut().flatten() {
            stream.take_windows(keys);
        }
    }

    #[inline]
    pub(super) fn slot(&self, tx: TxId) -> Option<usize> {
        self.by_tx.find(tx.0).map(usize::from)
    }

    pub(super) fn slot_of_ssrc(&self, ssrc: u32) -> Option<usize> {
        self.by_ssrc.find(ssrc).map(usize::from)
    }

    #[inline]
    pub(super) fn stream_mut(&mut self, slot: usize) -> Option<&mut Stream> {
        self.streams.get_mut(slot)?.as_mut()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Stream> {
        self.streams.iter_mut().flatten()
    }

    pub(super) fn slots(&self) -> usize {
        self.streams.len()
    }

    /// Every SSRC of ours.
    pub(super) fn ssrcs(&self) -> impl Iterator<Item = u32> {
        self.streams.iter().flatten().flat_map(|stream| {
            let repair = stream.repair.as_ref().map(|repair| repair.channel.ssrc);
            [Some(stream.main.ssrc), repair].into_iter().flatten()
        })
    }

    /// Notes that something was sent which padding may follow.
    pub(super) fn note_padded(&mut self, slot: usize) {
        self.padded = Some(slot);
    }

    /// The stream whose retransmissions carry padding.
    pub(super) fn padded(&self) -> Option<usize> {
        let takes = |slot: usize| {
            let stream = self.streams.get(slot).and_then(Option::as_ref);
            stream.is_some_and(|stream| stream.repair.is_some() && stream.padding().is_some())
        };
        self.padded
            .filter(|slot| takes(*slot))
            .or_else(|| (0..self.streams.len()).find(|slot| takes(*slot)))
    }

    fn remove_slot(&mut self, slot: usize) {
        let Some(stream) = self.streams.get_mut(slot).and_then(Option::take) else {
            return;
        };
        self.by_tx.remove(stream.tx.0);
        self.by_ssrc.remove(stream.main.ssrc);
        if let Some(repair) = stream.repair {
            self.by_ssrc.remove(repair.channel.ssrc);
        }
    }
}
