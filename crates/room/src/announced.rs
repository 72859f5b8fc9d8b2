//! What a publisher has announced, for whoever negotiates its media elsewhere.

use tertulia_model::{Codec, MediaKind, ParticipantId, TrackId};

use crate::Room;

/// The tracks of one publisher as its media sections are matched with them. It stands for the room where that is on
/// another worker.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Announced {
    /// What no section is bound to yet, the longest waiting first.
    waiting: Vec<Waiting>,
    /// The publisher's own ids of what is bound.
    bound_cids: Vec<String>,
}

/// What a newly offered section carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// Which track.
    pub track: TrackId,
    /// The codec it was announced in; `None` where none was named.
    pub codec: Option<Codec>,
}

#[derive(Debug, Clone, PartialEq)]
struct Waiting {
    ticket: u64,
    track: TrackId,
    kind: MediaKind,
    codec: Option<Codec>,
    cids: Vec<String>,
}

impl Announced {
    /// As [`Room::match_sections`].
    pub fn match_sections(&self, sections: &[(MediaKind, Option<&str>)]) -> Vec<Option<Matched>> {
        let mut waiting: Vec<&Waiting> = self.waiting.iter().collect();
        let mut take = |fits: &dyn Fn(&Waiting) -> bool| {
            let position = waiting.iter().position(|awaited| fits(awaited))?;
            let found = waiting.remove(position);
            Some(Matched {
                track: found.track.clone(),
                codec: found.codec,
            })
        };
        let mut matches: Vec<Option<Matched>> = sections
            .iter()
            .map(|(kind, track_id)| {
                let track_id = (*track_id)?;
                take(&|awaited| awaited.kind == *kind && awaited.cids.iter().any(|cid| cid == track_id))
            })
            .collect();
        for ((kind, track_id), found) in sections.iter().zip(&mut matches) {
            let bound = track_id.is_some_and(|id| self.bound_cids.iter().any(|cid| cid == id));
            if found.is_none() && !bound {
                *found = take(&|awaited| awaited.kind == *kind);
            }
        }
        matches
    }
}

impl Room {
    /// What somebody has announced.
    pub fn announced(&self, publisher: &ParticipantId) -> Announced {
        let own = self
            .members
            .get(publisher)
            .map(|member| member.tracks.as_slice())
            .unwrap_or_default();
        let mut announced = Announced::default();
        for (id, publication) in own.iter().filter_map(|id| Some((id, self.tracks.get(id)?))) {
            announced
                .waiting
                .extend(publication.awaiting.iter().map(|awaited| Waiting {
                    ticket: awaited.ticket,
                    track: id.clone(),
                    kind: publication.info.kind,
                    codec: awaited.codec,
                    cids: awaited.cids.clone(),
                }));
            announced
                .bound_cids
                .extend(publication.bound_cids.iter().cloned());
        }
        announced.waiting.sort_by_key(|awaited| awaited.ticket);
        announced
    }
}
