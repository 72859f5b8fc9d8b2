use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indexmap::IndexMap;
use tertulia_model::{Identity, ParticipantId};
use tertulia_room::{DepartureReason, ParticipantInfo};

/// In a room with more people than this, news of those who publish nothing waits to be told together.
const SMALL_ROOM: usize = 24;
/// How long such news waits.
const BATCH: Duration = Duration::from_secs(3);

/// Whom the client knows, and what it must be told of them.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    known: BTreeMap<ParticipantId, Known>,
    waiting: IndexMap<ParticipantId, ParticipantInfo>,
    gone: Vec<(ParticipantInfo, DepartureReason)>,
    due: Option<Instant>,
}

#[derive(Debug)]
struct Known {
    identity: Identity,
    version: u32,
}

impl Roster {
    /// The client has been told of `participant` just now.
    pub(crate) fn told(&mut self, participant: &ParticipantInfo) {
        let known = Known {
            identity: participant.identity.clone(),
            version: participant.version,
        };
        self.known.insert(participant.id.clone(), known);
    }

    /// Takes news of somebody who is here. Older than what the client knows: ignored.
    pub(crate) fn changed(&mut self, participant: ParticipantInfo, at_once: bool, now: Instant) {
        if self
            .known
            .get(&participant.id)
            .is_some_and(|known| known.version > participant.version)
        {
            return;
        }
        let at_once = at_once || !participant.tracks.is_empty() || self.known.len() < SMALL_ROOM;
        self.told(&participant);
        self.waiting.insert(participant.id.clone(), participant);
        self.hurry(if at_once { now } else { now + BATCH });
    }

    /// Takes news of somebody who is gone.
    pub(crate) fn left(&mut self, participant: ParticipantInfo, reason: DepartureReason, now: Instant) {
        self.waiting.shift_remove(&participant.id);
        self.known.remove(&participant.id);
        self.gone.push((participant, reason));
        self.hurry(now);
    }

    fn hurry(&mut self, due: Instant) {
        self.due = Some(self.due.map_or(due, |earlier| earlier.min(due)));
    }

    /// When news is to be told next.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Takes all news: who is here, and who is gone.
    pub(crate) fn take(&mut self) -> (Vec<ParticipantInfo>, Vec<(ParticipantInfo, DepartureReason)>) {
        self.due = None;
        let present = std::mem::take(&mut self.waiting).into_values().collect();
        (present, std::mem::take(&mut self.gone))
    }

    /// The identity of a stay.
    pub(crate) fn identity(&self, id: &ParticipantId) -> Option<&Identity> {
        self.known.get(id).map(|known| &known.identity)
    }

    /// The stay of an identity.
    pub(crate) fn id(&self, identity: &Identity) -> Option<&ParticipantId> {
        self.known
            .iter()
            .find(|(_, known)| known.identity == *identity)
            .map(|(id, _)| id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::participant;

    fn crowded(now: Instant) -> Roster {
        let mut roster = Roster::default();
        for number in 0..SMALL_ROOM as u64 {
            roster.changed(participant(&format!("p{number}"), number), true, now);
        }
        roster.take();
        roster
    }

    #[test]
    fn in_a_crowd_news_of_listeners_waits_and_goes_out_together() {
        let now = Instant::now();
        let mut roster = crowded(now);
        roster.changed(participant("ana", 100), false, now);
        roster.changed(participant("bob", 101), false, now);
        assert_eq!(roster.due(), Some(now + BATCH));
        roster.left(participant("ana", 100), DepartureReason::Left, now);
        assert_eq!(roster.due(), Some(now));
        let (present, gone) = roster.take();
        assert_eq!((present.len(), gone.len()), (1, 1));
        assert_eq!(roster.due(), None);
    }

    #[test]
    fn among_few_everything_is_told_at_once() {
        let now = Instant::now();
        let mut roster = Roster::default();
        roster.changed(participant("ana", 1), false, now);
        assert_eq!(roster.due(), Some(now));
    }

    #[test]
    fn old_news_is_ignored() {
        let now = Instant::now();
        let mut roster = Roster::default();
        let newer = ParticipantInfo {
            version: 5,
            ..participant("ana", 1)
        };
        roster.changed(newer.clone(), true, now);
        roster.changed(participant("ana", 1), true, now);
        assert_eq!(roster.take().0, [newer]);
    }
}
