//! Breakout rooms as their main room knows them: which there are, who belongs where, and who is away in one.
//!
//! A breakout is a room of its own. The main room alone decides who is to be where (their *place*), lets nobody into
//! a breakout but by telling it first, and asks for what is to be done in other rooms with [`Errand`]s. A breakout only
//! reports who came and went (`child`).

mod away;
mod child;
mod command;
mod lead;
mod tell;
mod view;

use std::collections::BTreeMap;
use std::time::Instant;

use tertulia_model::{Identity, RoomName};

use crate::{Actor, Now, Refusal, Reply, Right, Rights, Room};

pub(crate) use away::Away;
pub(crate) use child::Recall;
pub use command::{BreakoutCommand, BreakoutReport, BreakoutTicket, Errand, FromParent};
pub use view::{BreakoutName, BreakoutPerson, BreakoutPlace, BreakoutView, BreakoutsView, HelpCall};

/// All that a main room knows of its breakouts.
#[derive(Debug, Default)]
pub(crate) struct Breakouts {
    /// In the order they were made.
    rooms: Vec<Breakout>,
    last_id: u32,
    /// Whether people are in them.
    open: bool,
    /// Whether everybody may choose one.
    choose: bool,
    /// Whether nobody but those who lead goes back before the end.
    stay: bool,
    ends: Option<End>,
    /// Who belongs where, and the name they had; they need not be here.
    assigned: BTreeMap<Identity, (u32, String)>,
    /// Who is to be in a breakout now. Everybody else is to be here.
    places: BTreeMap<Identity, u32>,
    /// Who is in a breakout, or on the way.
    away: BTreeMap<Identity, Away>,
    /// What everybody was told last, where that is more than nothing.
    told: BTreeMap<Identity, BreakoutPlace>,
    /// Somebody's own view may have changed.
    people_touched: bool,
    /// The view of those who lead has changed.
    leaders_touched: bool,
    /// Those who lead are not told again before.
    leaders_next: Option<Instant>,
}

/// One breakout.
#[derive(Debug)]
struct Breakout {
    id: u32,
    name: String,
    /// The room people are in, from the first who enters until it is over.
    live: Option<RoomName>,
    help: Option<HelpCall>,
}

/// When everybody is called back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct End {
    at: Instant,
    at_ms: u64,
    /// Those who lead have closed the breakouts; else it is the time set before.
    closing: bool,
}

impl Breakouts {
    fn find(&self, id: u32) -> Result<&Breakout, Refusal> {
        let found = self.rooms.iter().find(|breakout| breakout.id == id);
        found.ok_or(Refusal::NoSuchBreakout)
    }

    fn find_mut(&mut self, id: u32) -> Result<&mut Breakout, Refusal> {
        let found = self.rooms.iter_mut().find(|breakout| breakout.id == id);
        found.ok_or(Refusal::NoSuchBreakout)
    }

    fn require_open(&self) -> Result<(), Refusal> {
        if self.open {
            Ok(())
        } else {
            Err(Refusal::BreakoutsClosed)
        }
    }

    /// Both views are to be told anew.
    fn touch(&mut self) {
        self.people_touched = true;
        self.leaders_touched = true;
    }

    pub(crate) fn away(&self, identity: &Identity) -> Option<&Away> {
        self.away.get(identity)
    }

    pub(crate) fn everybody_away(&self) -> impl Iterator<Item = (&Identity, &Away)> {
        self.away.iter()
    }

    pub(crate) fn is_anybody_away(&self) -> bool {
        !self.away.is_empty()
    }

    /// Those who lead changed, so that somebody may not have been told.
    pub(crate) fn tell_leaders_again(&mut self) {
        self.leaders_touched |= !self.rooms.is_empty();
    }
}

impl Room {
    pub(crate) fn handle_breakouts(
        &mut self,
        actor: &Actor,
        command: BreakoutCommand,
        now: Now,
    ) -> Result<Reply, Refusal> {
        match command {
            BreakoutCommand::Add { names } => self.add_breakouts(names),
            BreakoutCommand::Rename { breakout, name } => self.rename_breakout(breakout, &name),
            BreakoutCommand::Remove { breakout } => self.remove_breakout(breakout),
            BreakoutCommand::Assign { identities, breakout } => self.assign(identities, breakout),
            BreakoutCommand::Shuffle { all } => self.shuffle(all),
            BreakoutCommand::SetOptions { choose, may_return } => {
                self.set_breakout_options(choose, may_return)
            }
            BreakoutCommand::Open { duration } => self.open_breakouts(duration, now),
            BreakoutCommand::SetEnd { duration } => self.set_breakout_end(duration, now),
            BreakoutCommand::Close { grace } => self.close_breakouts(grace, now),
            BreakoutCommand::Say { id, text } => self.say_to_breakouts(actor, &id, &text, now),
            BreakoutCommand::Dismiss { breakout } => self.dismiss_help(breakout),
            BreakoutCommand::Go { breakout } => self.go_to_breakout(actor, breakout),
            BreakoutCommand::CallForHelp { on } => self.call_for_help(actor, on, now),
            BreakoutCommand::Enter {
                identity,
                credential_issued_at_ms,
            } => self.enter_breakout(&identity, credential_issued_at_ms, now),
            BreakoutCommand::Read => self.read_breakouts(actor),
        }
    }

    /// Does what is due: calls everybody back, and lets go those who came nowhere.
    pub(crate) fn settle_breakouts(&mut self, now: Now) {
        if self.breakouts.ends.is_some_and(|end| end.at <= now.instant) {
            self.recall(now);
        }
        self.settle_away(now);
        self.settle_recall(now);
    }

    pub(crate) fn breakouts_timeout(&self) -> Option<Instant> {
        let breakouts = &self.breakouts;
        let away = breakouts.away.values().filter_map(Away::poll_timeout).min();
        let tell = breakouts.leaders_next.filter(|_| breakouts.leaders_touched);
        let ends = breakouts.ends.map(|end| end.at);
        [ends, away, tell, self.recalled_at()].into_iter().flatten().min()
    }

    /// What somebody who is away may do in the meeting.
    pub(crate) fn rights_away(&self, identity: &Identity) -> Result<Rights, Refusal> {
        let away = self.breakouts.away(identity).ok_or(Refusal::NoSuchParticipant)?;
        Ok(away.rights(&self.settings.rules))
    }

    /// Whether somebody, here or away, leads the breakouts.
    fn leads_breakouts(&self, identity: &Identity) -> bool {
        let here = self.participant_by_identity(identity).map(|info| info.rights);
        let rights = here.or_else(|| self.rights_away(identity).ok());
        rights.is_some_and(|rights| rights.has(Right::ManageBreakouts))
    }

    /// The name of somebody here, away or assigned.
    pub(crate) fn name_for_breakouts(&self, identity: &Identity) -> Option<String> {
        let here = self.participant_by_identity(identity).map(|info| &info.name);
        let away = || self.breakouts.away(identity).map(|away| &away.name);
        let assigned = || self.breakouts.assigned.get(identity).map(|(_, name)| name);
        here.or_else(away).or_else(assigned).cloned()
    }
}
