//! The whiteboard: what people draw together, kept with the room.
//!
//! What an element looks like is the clients' business. The room knows of each its version, and of two versions of one
//! element keeps the later, by the rule all clients follow: the higher version, and between two equal ones the lower
//! nonce. So everybody ends with the same board in whatever order they hear of changes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indexmap::{IndexMap, IndexSet};
use tertulia_model::{Identity, ParticipantId};

use crate::limits::{self, within};
use crate::{Actor, Audience, Event, Now, Record, Refusal, Reply, Room};

/// A line under a pen changes many times a second; those who watch are told together, so often at most.
const TELLING: Duration = Duration::from_millis(60);

/// One element of the whiteboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardElement {
    /// Its id, as the client that made it chose.
    pub id: String,
    /// Rises with every change.
    pub version: u64,
    /// Between two changes of the same version the lower counts.
    pub nonce: u64,
    /// Whether it was deleted; others still have to hear of it.
    pub deleted: bool,
    /// The element in the clients' own words.
    pub body: Arc<str>,
}

impl BoardElement {
    /// Whether this takes the place of `other`.
    fn supersedes(&self, other: &Self) -> bool {
        (self.version, std::cmp::Reverse(self.nonce)) > (other.version, std::cmp::Reverse(other.nonce))
    }
}

/// The whiteboard as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Drawing {
    /// Which board it is: another once it was cleared. 0 for the first.
    pub epoch: u64,
    /// Its elements; how they lie above one another is in their bodies.
    pub elements: Vec<BoardElement>,
}

/// Changes to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// Of which board.
    pub epoch: u64,
    /// Elements as they are now.
    pub elements: Vec<BoardElement>,
    /// When.
    pub at: Now,
}

#[derive(Debug, Default)]
pub(crate) struct Board {
    epoch: u64,
    elements: IndexMap<String, BoardElement>,
    bytes: usize,
    /// Who put it on everybody's screen, while it is there.
    shown_by: Option<Option<Identity>>,
    watchers: BTreeSet<ParticipantId>,
    /// Elements nobody was told of yet, and when they are told.
    untold: IndexSet<String>,
    tell_at: Option<Instant>,
}

impl Board {
    pub(crate) fn restore(&mut self, drawing: Drawing) {
        self.epoch = drawing.epoch;
        for element in drawing.elements {
            self.put(element);
        }
    }

    pub(crate) fn shown_by(&self) -> Option<&Option<Identity>> {
        self.shown_by.as_ref()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.tell_at
    }

    pub(crate) fn forget_watcher(&mut self, who: &ParticipantId) {
        self.watchers.remove(who);
    }

    fn drawing(&self) -> Drawing {
        Drawing {
            epoch: self.epoch,
            elements: self.elements.values().cloned().collect(),
        }
    }

    /// Puts an element in its place, unless a later version stands there; says whether it did.
    fn put(&mut self, element: BoardElement) -> bool {
        let stood = self.elements.get(&element.id);
        if stood.is_some_and(|stood| !element.supersedes(stood)) {
            return false;
        }
        let before = stood.map_or(0, |stood| stood.body.len());
        self.bytes = self
            .bytes
            .saturating_sub(before)
            .saturating_add(element.body.len());
        self.elements.insert(element.id.clone(), element);
        true
    }
}

impl Room {
    /// Has everybody see the whiteboard, or no more. Whoever showed it may take it away, and those who may present.
    pub(crate) fn show_board(&mut self, actor: &Actor, on: bool) -> Result<Reply, Refusal> {
        let by = self.name_of(actor);
        if !on && let Some(shown_by) = &self.board.shown_by {
            let presents = match actor {
                Actor::Participant(who) => self.member(who)?.info.rights.has(crate::Right::Present),
                Actor::Admin | Actor::System => true,
                Actor::Away(_) => false,
            };
            if !presents && *shown_by != by {
                return Err(Refusal::NotAllowed);
            }
        }
        if on != self.board.shown_by.is_some() {
            self.board.shown_by = on.then(|| by.clone());
            self.send(Audience::Everybody, Event::BoardShown { on, by });
        }
        Ok(Reply::Done)
    }

    /// Gives the board as it stands, and from then on every change, until `on` is false.
    pub(crate) fn watch_board(&mut self, who: &ParticipantId, on: bool, now: Now) -> Result<Reply, Refusal> {
        self.member_mut(who)?.buckets.changes.take(now.instant)?;
        if !on {
            self.board.forget_watcher(who);
            return Ok(Reply::Done);
        }
        self.board.watchers.insert(who.clone());
        Ok(Reply::Board(self.board.drawing()))
    }

    /// Changes elements of the board.
    pub(crate) fn draw(
        &mut self,
        who: &ParticipantId,
        epoch: u64,
        elements: Vec<BoardElement>,
        now: Now,
    ) -> Result<Reply, Refusal> {
        within("elements", elements.len(), limits::BOARD_CHANGES)?;
        if epoch != self.board.epoch {
            return Err(Refusal::BoardCleared);
        }
        let (mut more, mut bytes) = (0_usize, self.board.bytes);
        for element in &elements {
            within("id", element.id.len(), limits::ELEMENT_ID_BYTES)?;
            within("element", element.body.len(), limits::ELEMENT_BYTES)?;
            if element.id.is_empty() {
                return Err(Refusal::Invalid { field: "id" });
            }
            let stood = self.board.elements.get(&element.id);
            more += usize::from(stood.is_none());
            bytes = bytes
                .saturating_sub(stood.map_or(0, |stood| stood.body.len()))
                .saturating_add(element.body.len());
        }
        within("board", self.board.elements.len() + more, limits::BOARD_ELEMENTS)?;
        // What makes it smaller is welcome even then.
        if bytes > self.board.bytes {
            within("board", bytes, limits::BOARD_BYTES)?;
        }
        self.member_mut(who)?.buckets.strokes.take(now.instant)?;
        self.keep_and_act(Record::Drawn(Drawn {
            epoch,
            elements,
            at: now,
        }))
    }

    /// Those who watch hear of changes once they stand.
    pub(crate) fn drawn(&mut self, drawn: Drawn) -> Result<Reply, Refusal> {
        if drawn.epoch != self.board.epoch {
            return Err(Refusal::BoardCleared);
        }
        for element in drawn.elements {
            let id = element.id.clone();
            if self.board.put(element) {
                self.board.untold.insert(id);
            }
        }
        if !self.board.untold.is_empty() {
            let due = drawn.at.instant.checked_add(TELLING);
            self.board.tell_at = self.board.tell_at.or(due);
        }
        Ok(Reply::Done)
    }

    /// Begins a new board.
    pub(crate) fn clear_board(&mut self, actor: &Actor, now: Now) -> Result<Reply, Refusal> {
        // Rises even where two clear it in the same millisecond.
        let epoch = now.unix_ms.max(self.board.epoch.saturating_add(1));
        let by = self.name_of(actor);
        self.keep_and_act(Record::BoardCleared { epoch, by })
    }

    /// Everybody who watches begins anew.
    pub(crate) fn board_cleared(&mut self, epoch: u64, by: Option<Identity>) -> Reply {
        self.board.epoch = epoch;
        self.board.elements.clear();
        self.board.bytes = 0;
        self.board.untold.clear();
        self.board.tell_at = None;
        self.tell_watchers(Event::BoardCleared { epoch, by });
        Reply::Done
    }

    /// Tells of what was drawn since.
    pub(crate) fn settle_board(&mut self, now: Instant) {
        if self.board.tell_at.is_none_or(|at| at > now) {
            return;
        }
        self.board.tell_at = None;
        let untold = std::mem::take(&mut self.board.untold);
        let elements = untold
            .iter()
            .filter_map(|id| self.board.elements.get(id).cloned());
        let event = Event::Drawn {
            epoch: self.board.epoch,
            elements: elements.collect(),
        };
        self.tell_watchers(event);
    }

    fn tell_watchers(&mut self, event: Event) {
        if !self.board.watchers.is_empty() {
            let watchers = self.board.watchers.iter().cloned().collect();
            self.send(Audience::Some(watchers), event);
        }
    }
}
