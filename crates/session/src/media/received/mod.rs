//! What a peer sends: sections, encodings, and which SSRC is which.

mod stream;

use std::collections::VecDeque;

use tertulia_model::{MediaKind, Mid, Rid};
use tertulia_rtp::{Extensions, ReceiveWindow};

use super::lookup::Lookup;
use super::payload::PayloadType;
use crate::RxId;

pub(super) use stream::{Role, Source, Stream};

/// Most encodings of one section.
const MAX_ENCODINGS: usize = 20;
/// SSRCs no longer in use that are remembered, so that one that comes back goes on in its rollover and a replay of it
/// is told.
const MAX_FORMER: usize = 20;

/// All that a peer sends, or may.
#[derive(Debug)]
pub(super) struct ReceivedStreams {
    sections: Vec<Option<Section>>,
    streams: Vec<Option<Stream>>,
    /// From an SSRC to twice the slot of its stream, plus one where it carries repairs.
    by_ssrc: Lookup,
    former: VecDeque<Source>,
}

#[derive(Debug)]
struct Section {
    mid: Mid,
    kind: MediaKind,
    rids: Vec<Rid>,
    rx: Option<RxId>,
}

/// Where a packet of an unknown SSRC says that it belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    section: usize,
    rid: Option<u8>,
    role: Role,
}

impl Place {
    pub(super) fn role(self) -> Role {
        self.role
    }
}

impl ReceivedStreams {
    pub(super) fn new(seed: u32) -> Self {
        Self {
            sections: Vec::new(),
            streams: Vec::new(),
            by_ssrc: Lookup::new(seed),
            former: VecDeque::new(),
        }
    }

    pub(super) fn declare(&mut self, mid: &Mid, kind: MediaKind, rids: &[Rid]) {
        if self.section(mid).is_some() {
            return;
        }
        let section = Section {
            mid: mid.clone(),
            kind,
            rids: rids.iter().take(MAX_ENCODINGS).cloned().collect(),
            rx: None,
        };
        put(&mut self.sections, section);
    }

    pub(super) fn receive_as(&mut self, mid: &Mid, rx: Option<RxId>) {
        if let Some(section) = self
            .section(mid)
            .and_then(|at| self.sections.get_mut(at)?.as_mut())
        {
            section.rx = rx;
        }
    }

    pub(super) fn forget(&mut self, mid: &Mid) {
        let Some(at) = self.section(mid) else {
            return;
        };
        self.forget_streams(|stream| stream.section == at);
        if let Some(section) = self.sections.get_mut(at) {
            *section = None;
        }
    }

    /// Forgets the streams of a section that have one of these SSRCs, and those found by these tags or by none.
    pub(super) fn forget_received(&mut self, mid: &Mid, ssrcs: &[u32], rids: &[Rid]) {
        let Some(at) = self.section(mid) else {
            return;
        };
        let rids: Vec<u8> = rids
            .iter()
            .filter_map(|rid| self.rid(at, rid.as_str().as_bytes()))
            .collect();
        self.forget_streams(|stream| {
            let named = stream
                .main
                .as_ref()
                .is_some_and(|main| ssrcs.contains(&main.ssrc));
            let found = match stream.rid {
                Some(rid) => rids.contains(&rid),
                None => !stream.told,
            };
            stream.section == at && (named || found)
        });
    }

    /// Takes what the peer's description says of an SSRC.
    pub(super) fn expect(&mut self, mid: &Mid, ssrc: u32, rtx: Option<u32>, rid: Option<&Rid>, asks: bool) {
        let Some(section) = self.section(mid) else {
            return;
        };
        let rid = match rid {
            Some(rid) => match self.rid(section, rid.as_str().as_bytes()) {
                Some(rid) => Some(rid),
                None => return,
            },
            None => None,
        };
        let known = self.find(ssrc).filter(|(slot, role)| {
            let there = |stream: &Stream| stream.section == section && stream.rid == rid;
            *role == Role::Main && self.stream(*slot).is_some_and(there)
        });
        let slot = match known {
            Some((slot, _)) => Some(slot),
            None => {
                self.release(ssrc);
                let slot = put(&mut self.streams, Stream::new(section, rid));
                let source = self.recall(ssrc);
                self.place(slot, Role::Main, source);
                Some(slot)
            }
        };
        let Some(slot) = slot else {
            return;
        };
        if let Some(stream) = self.stream_mut(slot) {
            stream.asks = asks;
            stream.told = true;
        }
        let same = |stream: &Stream| stream.repair.as_ref().map(|repair| repair.ssrc) == rtx;
        if let Some(rtx) = rtx
            && !self.stream(slot).is_some_and(same)
        {
            self.release(rtx);
            let source = self.recall(rtx);
            self.place(slot, Role::Repair, source);
        }
    }

    /// The stream an SSRC belongs to.
    pub(super) fn find(&self, ssrc: u32) -> Option<(usize, Role)> {
        let found = self.by_ssrc.find(ssrc)?;
        let role = if found & 1 == 0 { Role::Main } else { Role::Repair };
        Some((usize::from(found >> 1), role))
    }

    pub(super) fn stream(&self, slot: usize) -> Option<&Stream> {
        self.streams.get(slot)?.as_ref()
    }

    pub(super) fn stream_mut(&mut self, slot: usize) -> Option<&mut Stream> {
        self.streams.get_mut(slot)?.as_mut()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Stream> {
        self.streams.iter_mut().flatten()
    }

    pub(super) fn slots(&self) -> usize {
        self.streams.len()
    }

    /// What packets of a section are given as.
    pub(super) fn rx(&self, section: usize) -> Option<RxId> {
        self.sections.get(section)?.as_ref()?.rx
    }

    /// Section and encoding of an SSRC.
    pub(super) fn received_as(&self, ssrc: u32) -> Option<(&Mid, Option<&Rid>)> {
        let (slot, _) = self.find(ssrc)?;
        let stream = self.stream(slot)?;
        let section = self.sections.get(stream.section)?.as_ref()?;
        let rid = stream.rid.and_then(|rid| section.rids.get(usize::from(rid)));
        Some((&section.mid, rid))
    }

    /// The stream of an encoding, once its SSRC is known.
    pub(super) fn encoding_mut(&mut self, mid: &Mid, rid: Option<&Rid>) -> Option<&mut Stream> {
        let section = self.section(mid)?;
        let rid = match rid {
            Some(rid) => Some(self.rid(section, rid.as_str().as_bytes())?),
            None => None,
        };
        self.iter_mut()
            .find(|stream| stream.section == section && stream.rid == rid && stream.main.is_some())
    }

    /// Any SSRC of the peer, for feedback that is about none in particular.
    pub(super) fn any_ssrc(&self) -> u32 {
        self.streams
            .iter()
            .flatten()
            .find_map(|stream| stream.main.as_ref().map(|main| main.ssrc))
            .unwrap_or(0)
    }

    /// Where an unknown SSRC belongs by the tags of a packet of it (RFC 8843 §9.2, RFC 8852); `None` where they name
    /// nothing that was negotiated.
    pub(super) fn judge(&self, ext: &Extensions<'_>, payload: PayloadType) -> Option<Place> {
        let mid = ext.mid?;
        let of_kind =
            |known: &Section| known.mid.as_str().as_bytes() == mid && known.kind == payload.codec.kind();
        let section = self
            .sections
            .iter()
            .position(|known| known.as_ref().is_some_and(of_kind))?;
        let has_rids = !self.sections.get(section)?.as_ref()?.rids.is_empty();
        let (rid, repairs) = match (ext.rid, ext.repaired_rid) {
            (Some(rid), _) => (Some(self.rid(section, rid)?), false),
            (None, Some(rid)) => (Some(self.rid(section, rid)?), true),
            (None, None) if has_rids => return None,
            (None, None) => (None, false),
        };
        let role = if repairs || payload.repair {
            Role::Repair
        } else {
            Role::Main
        };
        Some(Place { section, rid, role })
    }

    /// What is remembered of an SSRC that is not in use; nothing, for one never heard of.
    pub(super) fn window(&self, ssrc: u32) -> ReceiveWindow {
        self.former
            .iter()
            .find(|source| source.ssrc == ssrc)
            .map(|source| source.window.clone())
            .unwrap_or_default()
    }

    /// Lets an authentic packet's SSRC be what its tags say, in place of the one that was. Gives the stream's slot.
    pub(super) fn latch(&mut self, place: Place, ssrc: u32, window: ReceiveWindow, asks: bool) -> usize {
        self.former.retain(|source| source.ssrc != ssrc);
        let known = self.streams.iter().position(|stream| {
            stream
                .as_ref()
                .is_some_and(|stream| stream.section == place.section && stream.rid == place.rid)
        });
        let slot = known.unwrap_or_else(|| put(&mut self.streams, Stream::new(place.section, place.rid)));
        if let (Role::Main, Some(stream)) = (place.role, self.stream_mut(slot)) {
            stream.asks = asks;
            stream.told = false;
        }
        self.place(slot, place.role, Source { ssrc, window });
        slot
    }

    /// SSRCs remembered, used or not.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.by_ssrc.len() + self.former.len()
    }

    fn section(&self, mid: &Mid) -> Option<usize> {
        self.sections
            .iter()
            .position(|section| section.as_ref().is_some_and(|section| section.mid == *mid))
    }

    fn rid(&self, section: usize, rid: &[u8]) -> Option<u8> {
        let rids = &self.sections.get(section)?.as_ref()?.rids;
        let at = rids.iter().position(|known| known.as_str().as_bytes() == rid)?;
        u8::try_from(at).ok()
    }

    /// Puts a source into a stream; the one that was there becomes a former one.
    fn place(&mut self, slot: usize, role: Role, source: Source) {
        let Some(stream) = self.streams.get_mut(slot).and_then(Option::as_mut) else {
            return;
        };
        let Ok(value) = u16::try_from(slot * 2 + usize::from(role == Role::Repair)) else {
            return;
        };
        let ssrc = source.ssrc;
        let before = stream.source(role).replace(source);
        if role == Role::Main && before.is_some() {
            stream.begin_anew();
        }
        if let Some(before) = before {
            self.retire(before);
        }
        self.by_ssrc.insert(ssrc, value);
    }

    /// Takes an SSRC from the stream that has it.
    fn release(&mut self, ssrc: u32) {
        let Some((slot, role)) = self.find(ssrc) else {
            return;
        };
        let source = self
            .stream_mut(slot)
            .and_then(|stream| stream.source(role).take());
        if let Some(source) = source {
            self.retire(source);
        }
        let empty = |stream: &Stream| stream.main.is_none() && stream.repair.is_none();
        if self.stream(slot).is_some_and(empty)
            && let Some(place) = self.streams.get_mut(slot)
        {
            *place = None;
        }
    }

    fn recall(&mut self, ssrc: u32) -> Source {
        let window = self.window(ssrc);
        self.former.retain(|source| source.ssrc != ssrc);
        Source { ssrc, window }
    }

    fn retire(&mut self, source: Source) {
        self.by_ssrc.remove(source.ssrc);
        // What nothing authentic came of needs no remembering.
        if source.window.newest().is_none() {
            return;
        }
        if self.former.len() >= MAX_FORMER {
            self.former.pop_front();
        }
        self.former.push_back(source);
    }

    fn forget_streams(&mut self, gone: impl Fn(&Stream) -> bool) {
        for slot in 0..self.streams.len() {
            let Some(place) = self.streams.get_mut(slot) else {
                continue;
            };
            if !place.as_ref().is_some_and(&gone) {
                continue;
            }
            let Some(stream) = place.take() else {
                continue;
            };
            for source in [stream.main, stream.repair].into_iter().flatten() {
                self.retire(source);
            }
        }
    }
}

/// Puts something into the first free slot.
pub(super) fn put<T>(slots: &mut Vec<Option<T>>, new: T) -> usize {
    match slots.iter().position(Option::is_none) {
        Some(free) => {
            if let Some(place) = slots.get_mut(free) {
                *place = Some(new);
            }
            free
        }
        None => {
            slots.push(Some(new));
            slots.len() - 1
        }
    }
}
