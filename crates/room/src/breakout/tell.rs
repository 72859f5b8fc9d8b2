//! Who is told what of breakouts: everybody their own place, those who lead all of it.

use std::time::Duration;

use tertulia_model::{Identity, ParticipantId};

use super::{Away, BreakoutName, BreakoutPerson, BreakoutPlace, BreakoutView, BreakoutsView};
use crate::{Actor, Audience, Event, Now, Refusal, Reply, Right, Room};

/// A hundred people who go to their breakouts at once are told of in a few events.
const LEADERS_GAP: Duration = Duration::from_millis(250);

impl Room {
    /// What breakouts are to somebody.
    pub(crate) fn breakout_place(&self, identity: &Identity) -> BreakoutPlace {
        let breakouts = &self.breakouts;
        if breakouts.rooms.is_empty() {
            return BreakoutPlace::default();
        }
        let leads = self.leads_breakouts(identity);
        let place = breakouts.places.get(identity).copied();
        let assigned = breakouts.assigned.get(identity).map(|(id, _)| *id);
        let knows = |id: u32| leads || breakouts.choose || place == Some(id) || assigned == Some(id);
        let rooms = breakouts.rooms.iter().filter(|breakout| knows(breakout.id));
        BreakoutPlace {
            open: breakouts.open,
            choose: breakouts.choose,
            may_return: leads || !breakouts.stay,
            place,
            assigned,
            // Who goes to whom is told only those who choose by it.
            rooms: rooms
                .map(|breakout| BreakoutName {
                    id: breakout.id,
                    name: breakout.name.clone(),
                    people: if breakouts.choose {
                        self.people_in(breakout.id).count()
                    } else {
                        0
                    },
                })
                .collect(),
            ends_at_ms: breakouts.ends.map(|end| end.at_ms),
            closing: breakouts.ends.is_some_and(|end| end.closing),
            help_called: place
                .and_then(|id| breakouts.find(id).ok())
                .is_some_and(|breakout| breakout.help.is_some()),
        }
    }

    /// All breakouts.
    pub(crate) fn breakouts_view(&self) -> BreakoutsView {
        let breakouts = &self.breakouts;
        let view = |breakout: &super::Breakout| BreakoutView {
            id: breakout.id,
            name: breakout.name.clone(),
            assigned: breakouts
                .assigned
                .iter()
                .filter(|(_, (id, _))| *id == breakout.id)
                .map(|(identity, (_, name))| BreakoutPerson {
                    identity: identity.clone(),
                    name: name.clone(),
                })
                .collect(),
            here: self
                .people_in(breakout.id)
                .map(|(identity, away)| BreakoutPerson {
                    identity: identity.clone(),
                    name: away.name.clone(),
                })
                .collect(),
            help: breakout.help.clone(),
        };
        BreakoutsView {
            open: breakouts.open,
            choose: breakouts.choose,
            may_return: !breakouts.stay,
            ends_at_ms: breakouts.ends.map(|end| end.at_ms),
            closing: breakouts.ends.is_some_and(|end| end.closing),
            rooms: breakouts.rooms.iter().map(view).collect(),
        }
    }

    fn people_in(&self, id: u32) -> impl Iterator<Item = (&Identity, &Away)> {
        self.breakouts
            .everybody_away()
            .filter(move |(_, away)| away.is_in(id))
    }

    /// The views of somebody here or away.
    pub(crate) fn breakout_views(&self, identity: &Identity) -> (BreakoutPlace, Option<BreakoutsView>) {
        let all = self.leads_breakouts(identity).then(|| self.breakouts_view());
        (self.breakout_place(identity), all)
    }

    pub(super) fn read_breakouts(&self, actor: &Actor) -> Result<Reply, Refusal> {
        let (place, all) = match self.name_of(actor) {
            Some(identity) => self.breakout_views(&identity),
            None => (BreakoutPlace::default(), Some(self.breakouts_view())),
        };
        Ok(Reply::Breakouts {
            place: Box::new(place),
            all: all.map(Box::new),
            lobby: self.lobby_from_afar(actor),
        })
    }

    /// Tells what has changed since it was told last.
    pub(crate) fn tell_breakouts(&mut self, now: Now) {
        if std::mem::take(&mut self.breakouts.people_touched) {
            self.tell_places();
        }
        let due = self.breakouts.leaders_next.is_none_or(|at| at <= now.instant);
        if self.breakouts.leaders_touched && due {
            self.breakouts.leaders_touched = false;
            self.breakouts.leaders_next = now.instant.checked_add(LEADERS_GAP);
            self.tell_leaders();
        }
    }

    fn tell_places(&mut self) {
        let here = self.members.values();
        let here = here.map(|member| (member.info.identity.clone(), Some(member.info.id.clone())));
        let away = self
            .breakouts
            .away
            .keys()
            .cloned()
            .map(|identity| (identity, None));
        let people: Vec<(Identity, Option<ParticipantId>)> = here.chain(away).collect();
        let mut told = std::mem::take(&mut self.breakouts.told);
        let mut telling = std::collections::BTreeMap::new();
        for (identity, stay) in people {
            let place = self.breakout_place(&identity);
            let nothing = BreakoutPlace::default();
            let known = telling.get(&identity).or(told.get(&identity)).unwrap_or(&nothing);
            // Somebody on the way hears it in both rooms.
            if *known != place || telling.contains_key(&identity) {
                let to = match stay {
                    Some(stay) => Audience::One(stay),
                    None => Audience::Away(identity.clone()),
                };
                self.send(to, Event::BreakoutPlace(Box::new(place.clone())));
            }
            telling.insert(identity, place);
        }
        told.clear();
        self.breakouts.told = telling;
    }

    fn tell_leaders(&mut self) {
        let here = self.those_with(Right::ManageBreakouts);
        let away: Vec<Identity> = self
            .breakouts
            .everybody_away()
            .filter(|(_, away)| away.rights(&self.settings.rules).has(Right::ManageBreakouts))
            .map(|(identity, _)| identity.clone())
            .collect();
        let view = self.breakouts_view();
        if !here.is_empty() {
            self.send(Audience::Some(here), Event::Breakouts(Box::new(view.clone())));
        }
        for identity in away {
            let event = Event::Breakouts(Box::new(view.clone()));
            self.send(Audience::Away(identity), event);
        }
    }
}
