//! What those who lead do with breakouts.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::Rng;
use tertulia_model::Identity;

use super::{Breakout, BreakoutTicket, End, FromParent};
use crate::limits::{self, within};
use crate::standing::is_machine;
use crate::text::{clean_line, clean_text};
use crate::{Actor, Audience, Event, Now, Refusal, Reply, Right, Room};

impl Room {
    pub(super) fn add_breakouts(&mut self, names: Vec<String>) -> Result<Reply, Refusal> {
        if self.settings.rules.parent.is_some() {
            // One level is enough for anybody to know where they are.
            return Err(Refusal::NotAllowed);
        }
        let all = self.breakouts.rooms.len().saturating_add(names.len());
        within("breakouts", all, limits::BREAKOUTS)?;
        let names = names.iter().map(|name| cleaned(name));
        let names: Vec<String> = names.collect::<Result<_, _>>()?;
        if names.is_empty() {
            return Err(Refusal::Invalid { field: "names" });
        }
        for name in names {
            self.breakouts.last_id = self.breakouts.last_id.saturating_add(1);
            self.breakouts.rooms.push(Breakout {
                id: self.breakouts.last_id,
                name,
                live: None,
                help: None,
            });
        }
        self.breakouts.touch();
        Ok(Reply::Done)
    }

    pub(super) fn rename_breakout(&mut self, id: u32, name: &str) -> Result<Reply, Refusal> {
        let name = cleaned(name)?;
        self.breakouts.find_mut(id)?.name = name;
        self.breakouts.touch();
        Ok(Reply::Done)
    }

    pub(super) fn remove_breakout(&mut self, id: u32) -> Result<Reply, Refusal> {
        if let Some(room) = self.breakouts.find(id)?.live.clone() {
            self.tell_breakout(&room, FromParent::Recall);
        }
        let breakouts = &mut self.breakouts;
        breakouts.rooms.retain(|breakout| breakout.id != id);
        breakouts.assigned.retain(|_, (assigned, _)| *assigned != id);
        breakouts.places.retain(|_, place| *place != id);
        if breakouts.rooms.is_empty() {
            breakouts.open = false;
            breakouts.ends = None;
        }
        breakouts.touch();
        Ok(Reply::Done)
    }

    pub(super) fn assign(
        &mut self,
        identities: Vec<Identity>,
        breakout: Option<u32>,
    ) -> Result<Reply, Refusal> {
        within("identities", identities.len(), limits::DESTINATIONS)?;
        if let Some(id) = breakout {
            self.breakouts.find(id)?;
        }
        let mut named = Vec::with_capacity(identities.len());
        for identity in identities {
            let name = self.name_for_breakouts(&identity);
            named.push((identity, name.ok_or(Refusal::NoSuchParticipant)?));
        }
        for (identity, name) in named {
            self.belongs(identity, name, breakout);
        }
        self.breakouts.touch();
        Ok(Reply::Done)
    }

    /// Has somebody belong somewhere, and go there where people are in breakouts now.
    pub(super) fn belongs(&mut self, identity: Identity, name: String, breakout: Option<u32>) {
        let breakouts = &mut self.breakouts;
        match breakout {
            Some(id) => {
                if breakouts.open {
                    breakouts.places.insert(identity.clone(), id);
                }
                breakouts.assigned.insert(identity, (id, name));
            }
            None => {
                breakouts.places.remove(&identity);
                breakouts.assigned.remove(&identity);
            }
        }
    }

    pub(super) fn shuffle(&mut self, all: bool) -> Result<Reply, Refusal> {
        if self.breakouts.rooms.is_empty() {
            return Err(Refusal::NoSuchBreakout);
        }
        let mut people = self.people_to_shuffle();
        let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
        let mut kept = Vec::new();
        if all {
            let leaders: Vec<Identity> = self.breakouts.assigned.keys().cloned().collect();
            for identity in leaders {
                if !self.leads_breakouts(&identity) {
                    self.breakouts.assigned.remove(&identity);
                }
            }
        } else {
            people.retain(|(identity, _)| match self.breakouts.assigned.get(identity) {
                Some((id, _)) => {
                    kept.push(*id);
                    false
                }
                None => true,
            });
        }
        for id in kept {
            *sizes.entry(id).or_default() += 1;
        }
        for place in (1..people.len()).rev() {
            let among = u64::try_from(place).unwrap_or(u64::MAX).saturating_add(1);
            let other = usize::try_from(self.rng.next_u64() % among).unwrap_or(place);
            people.swap(place, other);
        }
        for (identity, name) in people {
            let ids = self.breakouts.rooms.iter().map(|breakout| breakout.id);
            let smallest = ids.min_by_key(|id| (sizes.get(id).copied().unwrap_or(0), *id));
            if let Some(id) = smallest {
                *sizes.entry(id).or_default() += 1;
            }
            self.belongs(identity, name, smallest);
        }
        self.breakouts.touch();
        Ok(Reply::Done)
    }

    /// Everybody here or away who is a person and does not lead.
    fn people_to_shuffle(&self) -> Vec<(Identity, String)> {
        let here = self.members.values().map(|member| &member.info);
        let here = here
            .filter(|info| !info.base.hidden && !is_machine(info.kind, &info.base))
            .filter(|info| !info.rights.has(Right::ManageBreakouts))
            .map(|info| (info.identity.clone(), info.name.clone()));
        let mut people: BTreeMap<Identity, String> = here.collect();
        for (identity, away) in self.breakouts.everybody_away() {
            if !self.leads_breakouts(identity) {
                people.insert(identity.clone(), away.name.clone());
            }
        }
        people.into_iter().collect()
    }

    pub(super) fn set_breakout_options(
        &mut self,
        choose: Option<bool>,
        may_return: Option<bool>,
    ) -> Result<Reply, Refusal> {
        let breakouts = &mut self.breakouts;
        breakouts.choose = choose.unwrap_or(breakouts.choose);
        breakouts.stay = may_return.map_or(breakouts.stay, |may| !may);
        breakouts.touch();
        Ok(Reply::Done)
    }

    pub(super) fn open_breakouts(&mut self, duration: Option<Duration>, now: Now) -> Result<Reply, Refusal> {
        if self.breakouts.rooms.is_empty() {
            return Err(Refusal::NoSuchBreakout);
        }
        let ends = end_after(duration, false, now)?;
        let breakouts = &mut self.breakouts;
        breakouts.ends = ends;
        if !breakouts.open {
            breakouts.open = true;
            let assigned = breakouts.assigned.iter();
            breakouts.places = assigned
                .map(|(identity, (id, _))| (identity.clone(), *id))
                .collect();
        }
        breakouts.touch();
        Ok(Reply::Done)
    }

    pub(super) fn set_breakout_end(
        &mut self,
        duration: Option<Duration>,
        now: Now,
    ) -> Result<Reply, Refusal> {
        self.breakouts.require_open()?;
        self.breakouts.ends = end_after(duration, false, now)?;
        self.breakouts.touch();
        Ok(Reply::Done)
    }

    pub(super) fn close_breakouts(&mut self, grace: Duration, now: Now) -> Result<Reply, Refusal> {
        self.breakouts.require_open()?;
        if grace > limits::BREAKOUT_GRACE {
            return Err(Refusal::Invalid { field: "grace" });
        }
        if grace.is_zero() {
            self.recall(now);
        } else {
            self.breakouts.ends = end_after(Some(grace), true, now)?;
        }
        self.breakouts.touch();
        Ok(Reply::Done)
    }

    /// Calls everybody back at once.
    pub(super) fn recall(&mut self, now: Now) {
        let live = self.breakouts.rooms.iter_mut().filter_map(|breakout| {
            breakout.help = None;
            breakout.live.take()
        });
        for room in live.collect::<Vec<_>>() {
            self.tell_breakout(&room, FromParent::Recall);
        }
        let breakouts = &mut self.breakouts;
        breakouts.open = false;
        breakouts.ends = None;
        breakouts.places.clear();
        breakouts.touch();
        self.expect_back(now);
    }

    pub(super) fn say_to_breakouts(
        &mut self,
        actor: &Actor,
        id: &str,
        text: &str,
        now: Now,
    ) -> Result<Reply, Refusal> {
        let identity = self.name_of(actor).ok_or(Refusal::NotAllowed)?;
        let name = self.name_for_breakouts(&identity).unwrap_or_default();
        self.breakouts.require_open()?;
        within("id", id.len(), limits::ID_BYTES)?;
        within("text", text.len(), self.settings.chat_text_bytes)?;
        if id.is_empty() || id.chars().any(char::is_control) {
            return Err(Refusal::Invalid { field: "id" });
        }
        let text = clean_text(text);
        if text.is_empty() {
            return Err(Refusal::Invalid { field: "text" });
        }
        if let Actor::Participant(asker) = actor {
            self.member_mut(asker)?.buckets.chat.take(now.instant)?;
        }
        let live = self.breakouts.rooms.iter().filter_map(|one| one.live.clone());
        for room in live.collect::<Vec<_>>() {
            let said = FromParent::Say {
                identity: identity.clone(),
                name: name.clone(),
                id: id.to_owned(),
                text: text.clone(),
            };
            self.tell_breakout(&room, said);
        }
        let away: Vec<Identity> = self.breakouts.away.keys().cloned().collect();
        for one in away {
            let event = Event::BreakoutMessage {
                identity: identity.clone(),
                name: name.clone(),
                id: id.to_owned(),
                text: text.clone(),
                at_ms: now.unix_ms,
            };
            self.send(Audience::Away(one), event);
        }
        Ok(Reply::Done)
    }

    pub(super) fn dismiss_help(&mut self, id: u32) -> Result<Reply, Refusal> {
        self.breakouts.find_mut(id)?.help = None;
        self.breakouts.touch();
        Ok(Reply::Done)
    }

    pub(super) fn ticket(&self, identity: &Identity, breakout: &Breakout) -> Option<BreakoutTicket> {
        Some(BreakoutTicket {
            room: breakout.live.clone()?,
            name: self.name_for_breakouts(identity).unwrap_or_default(),
            breakout: breakout.name.clone(),
        })
    }
}

fn cleaned(name: &str) -> Result<String, Refusal> {
    within("name", name.len(), limits::NAME_BYTES)?;
    let name = clean_line(name);
    if name.is_empty() {
        return Err(Refusal::Invalid { field: "name" });
    }
    Ok(name)
}

fn end_after(duration: Option<Duration>, closing: bool, now: Now) -> Result<Option<End>, Refusal> {
    let Some(duration) = duration else { return Ok(None) };
    if duration.is_zero() || duration > limits::TIMER {
        return Err(Refusal::Invalid { field: "duration" });
    }
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    Ok(now.instant.checked_add(duration).map(|at| End {
        at,
        at_ms: now.unix_ms.saturating_add(millis),
        closing,
    }))
}
