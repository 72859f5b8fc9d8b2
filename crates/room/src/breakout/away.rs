//! Those who are in a breakout or on the way: what the main room knows of them, and their coming and going.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use rand::Rng;
use tertulia_model::{Identity, RoomName};

use super::{BreakoutPerson, BreakoutReport, Errand, FromParent, HelpCall};
use crate::standing::{is_machine, rights_and_permission};
use crate::{
    Actor, Command, DepartureReason, Now, Origin, ParticipantKind, Permission, Refusal, Reply, Rights, Role,
    Room, RoomRules, RoomSettings, Standing,
};

/// How long somebody who was let into a breakout has to arrive, or to come back after they were lost.
const ARRIVAL: Duration = Duration::from_secs(60);
/// The room's name in that of a breakout, at most.
const NAME_CHARS: usize = 100;
/// How long a breakout stays that nobody entered.
const UNENTERED: Duration = Duration::from_secs(60);

/// Somebody in a breakout, or on the way.
#[derive(Debug)]
pub(crate) struct Away {
    pub(crate) name: String,
    pub(crate) standing: Standing,
    base: Permission,
    kind: ParticipantKind,
    origin: Origin,
    /// The breakout they were let into last, and the room it was then.
    breakout: u32,
    room: RoomName,
    /// Since when they are there, Unix milliseconds; `None` while they are not.
    here_since_ms: Option<u64>,
    /// When they are given up, while they are not there.
    until: Option<Instant>,
}

impl Away {
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.until
    }

    pub(super) fn is_in(&self, breakout: u32) -> bool {
        self.breakout == breakout && self.here_since_ms.is_some()
    }

    pub(crate) fn rights(&self, rules: &RoomRules) -> Rights {
        rights_and_permission(self.standing, &self.base, rules).0
    }

    /// Whether they may come to lead where nobody else does; see [`Room::could_succeed`].
    pub(crate) fn is_ordinary(&self) -> bool {
        self.standing.role >= Role::Participant
            && self.standing.role < Role::Moderator
            && !is_machine(self.kind, &self.base)
    }

    pub(crate) fn vouched(&self) -> (Origin, ParticipantKind, &Permission) {
        (self.origin, self.kind, &self.base)
    }
}

impl Room {
    /// Lets somebody into the breakout they are to be in, and opens it where it is not.
    pub(super) fn enter_breakout(
        &mut self,
        identity: &Identity,
        credential_issued_at_ms: u64,
        now: Now,
    ) -> Result<Reply, Refusal> {
        if self.gate.is_banned(identity) {
            return Err(Refusal::Banned);
        }
        self.check_revoked(identity, credential_issued_at_ms)?;
        self.breakouts.require_open()?;
        let place = self.breakouts.places.get(identity).copied();
        let id = place.ok_or(Refusal::NoSuchBreakout)?;
        self.breakouts.find(id)?;
        if !self.identities.contains_key(identity) && self.breakouts.away(identity).is_none() {
            return Err(Refusal::NoSuchParticipant);
        }
        let until = now.instant.checked_add(ARRIVAL);
        let room = match &self.breakouts.find(id)?.live {
            Some(room) => room.clone(),
            None => self.open_breakout(id)?,
        };
        self.note_absence(identity, now);
        if let Some(member) = self
            .identities
            .get(identity)
            .and_then(|stay| self.members.get(stay))
        {
            let away = Away {
                name: member.info.name.clone(),
                standing: member.standing,
                base: member.info.base.clone(),
                kind: member.info.kind,
                origin: member.origin,
                breakout: id,
                room: room.clone(),
                here_since_ms: None,
                until,
            };
            self.breakouts.away.insert(identity.clone(), away);
        } else if let Some(away) = self.breakouts.away.get_mut(identity) {
            away.breakout = id;
            away.room = room.clone();
            away.until = until;
        }
        if let Some(away) = self.breakouts.away(identity) {
            let expect = FromParent::Expect {
                identity: identity.clone(),
                standing: away.standing,
            };
            self.tell_breakout(&room, expect);
        }
        self.settle_lifetime(now.instant);
        self.breakouts.leaders_touched = true;
        let ticket = self.ticket(identity, self.breakouts.find(id)?);
        Ok(Reply::BreakoutTicket(Box::new(
            ticket.ok_or(Refusal::NoSuchBreakout)?,
        )))
    }

    fn open_breakout(&mut self, id: u32) -> Result<RoomName, Refusal> {
        // Nobody guesses 64 random bits, and whoever knows them is still not let in unless expected.
        let mut name: String = self.name.as_str().chars().take(NAME_CHARS).collect();
        let bits = self.rng.next_u64();
        write!(name, "~{bits:016x}").map_err(|_| Refusal::Invalid { field: "name" })?;
        let room = RoomName::parse(&name).map_err(|_| Refusal::Invalid { field: "name" })?;
        let settings = RoomSettings {
            max_participants: None,
            empty_timeout: UNENTERED,
            metadata: String::new(),
            rules: RoomRules {
                self_moderating: false,
                locked: false,
                password: None,
                lobby: false,
                start_audio_muted: false,
                start_video_muted: false,
                webinar: false,
                parent: Some(self.name.clone()),
                ..self.settings.rules.clone()
            },
            ..self.settings.clone()
        };
        self.errand(Errand::Open {
            room: room.clone(),
            settings: Box::new(settings),
        });
        self.breakouts.find_mut(id)?.live = Some(room.clone());
        Ok(room)
    }

    pub(super) fn tell_breakout(&mut self, room: &RoomName, what: FromParent) {
        self.errand(Errand::Ask {
            room: room.clone(),
            command: Box::new(Command::FromParent(what)),
        });
    }

    /// Notes where the asker wants to be.
    pub(super) fn go_to_breakout(&mut self, actor: &Actor, breakout: Option<u32>) -> Result<Reply, Refusal> {
        let identity = self.name_of(actor).ok_or(Refusal::NotAllowed)?;
        let leads = self.leads_breakouts(&identity);
        match breakout {
            None => {
                if !self.breakouts.places.contains_key(&identity) {
                    return Ok(Reply::Done);
                }
                if self.breakouts.stay && !leads {
                    return Err(Refusal::NotAllowed);
                }
                self.breakouts.places.remove(&identity);
            }
            Some(id) => {
                self.breakouts.require_open()?;
                self.breakouts.find(id)?;
                let assigned = self.breakouts.assigned.get(&identity).map(|(id, _)| *id);
                if !(leads || self.breakouts.choose || assigned == Some(id)) {
                    return Err(Refusal::NotAllowed);
                }
                if !leads {
                    let name = self.name_for_breakouts(&identity).unwrap_or_default();
                    self.breakouts.assigned.insert(identity.clone(), (id, name));
                }
                self.breakouts.places.insert(identity, id);
            }
        }
        self.breakouts.touch();
        Ok(Reply::Done)
    }

    pub(super) fn call_for_help(&mut self, actor: &Actor, on: bool, now: Now) -> Result<Reply, Refusal> {
        let identity = self.name_of(actor).ok_or(Refusal::NotAllowed)?;
        let Some(id) = self.breakouts.places.get(&identity).copied() else {
            return if on {
                Err(Refusal::NoSuchBreakout)
            } else {
                Ok(Reply::Done)
            };
        };
        let name = self.name_for_breakouts(&identity).unwrap_or_default();
        let breakout = self.breakouts.find_mut(id)?;
        if !on {
            breakout.help = None;
        } else if breakout.help.is_none() {
            breakout.help = Some(HelpCall {
                person: BreakoutPerson { identity, name },
                at_ms: now.unix_ms,
            });
        }
        self.breakouts.touch();
        Ok(Reply::Done)
    }

    /// Takes what a breakout reports.
    pub(crate) fn hear_breakout(
        &mut self,
        room: &RoomName,
        report: BreakoutReport,
        now: Now,
    ) -> Result<(), Refusal> {
        let known = self
            .breakouts
            .rooms
            .iter()
            .find(|breakout| breakout.live.as_ref() == Some(room))
            .map(|breakout| breakout.id);
        match report {
            BreakoutReport::Came(identity) => {
                let Some(id) = known else { return Ok(()) };
                let leads = self.leads_breakouts(&identity);
                if let Some(away) = self.breakouts.away.get_mut(&identity)
                    && away.room == *room
                {
                    away.here_since_ms = Some(now.unix_ms);
                    away.until = None;
                }
                if leads && let Ok(breakout) = self.breakouts.find_mut(id) {
                    breakout.help = None;
                }
                self.breakouts.touch();
            }
            BreakoutReport::Went(identity, reason) => {
                if self
                    .breakouts
                    .away(&identity)
                    .is_none_or(|away| away.room != *room)
                {
                    return Ok(());
                }
                self.note_absence(&identity, now);
                if reason == DepartureReason::Left {
                    self.breakouts.away.remove(&identity);
                    self.settle_moderation(now.instant);
                    self.settle_lifetime(now.instant);
                } else if let Some(away) = self.breakouts.away.get_mut(&identity) {
                    away.until = now.instant.checked_add(ARRIVAL);
                }
                self.breakouts.touch();
            }
            BreakoutReport::Stands(identity, standing) => {
                if let Some(away) = self.breakouts.away.get_mut(&identity) {
                    away.standing = standing;
                    self.remember_standing(identity.clone(), standing);
                    self.tell_lobby_afar(&identity);
                    self.settle_moderation(now.instant);
                    self.breakouts.touch();
                }
            }
            BreakoutReport::Removed(identity) => {
                self.bar(&identity, now);
                self.revoke(&identity, now);
                self.gate.forget(&identity);
                self.standings.shift_remove(&identity);
            }
            BreakoutReport::Banned(identity) => {
                self.ban(&Actor::System, &identity, now)?;
            }
            BreakoutReport::Over => {
                let Some(id) = known else { return Ok(()) };
                if let Ok(breakout) = self.breakouts.find_mut(id) {
                    breakout.live = None;
                    breakout.help = None;
                }
                let lost = self.breakouts.away.iter().filter(|(_, away)| away.room == *room);
                let lost: Vec<Identity> = lost.map(|(identity, _)| identity.clone()).collect();
                for identity in lost {
                    self.note_absence(&identity, now);
                    if let Some(away) = self.breakouts.away.get_mut(&identity) {
                        away.until = now.instant.checked_add(ARRIVAL);
                    }
                }
                self.breakouts.touch();
            }
        }
        Ok(())
    }

    /// Those who are away have to come back.
    pub(super) fn expect_back(&mut self, now: Now) {
        for away in self.breakouts.away.values_mut() {
            away.until = away.until.or(now.instant.checked_add(ARRIVAL));
        }
    }

    /// Gives up those who arrived nowhere.
    pub(super) fn settle_away(&mut self, now: Now) {
        let due = |away: &Away| away.until.is_some_and(|until| until <= now.instant);
        let lost = self.breakouts.away.iter().filter(|(_, away)| due(away));
        let lost: Vec<Identity> = lost.map(|(identity, _)| identity.clone()).collect();
        for identity in lost {
            self.came_back(&identity, now);
        }
    }

    /// Somebody is not in a breakout any more.
    pub(crate) fn came_back(&mut self, identity: &Identity, now: Now) {
        self.note_absence(identity, now);
        if self.breakouts.away.remove(identity).is_some() {
            self.settle_moderation(now.instant);
            self.settle_lifetime(now.instant);
            self.breakouts.touch();
        }
    }

    /// Takes somebody who is no longer of the meeting out of whatever breakout they are in. Says whether they were in one.
    pub(crate) fn bar(&mut self, identity: &Identity, now: Now) -> bool {
        self.breakouts.places.remove(identity);
        self.breakouts.assigned.remove(identity);
        let Some(away) = self.breakouts.away(identity) else {
            return false;
        };
        let room = away.room.clone();
        let put_out = FromParent::PutOut {
            identity: identity.clone(),
        };
        self.tell_breakout(&room, put_out);
        self.came_back(identity, now);
        true
    }

    /// Makes somebody away what they are to be, there too.
    pub(crate) fn promote_away(&mut self, identity: &Identity, role: Role, now: Now) {
        let Some(away) = self.breakouts.away.get_mut(identity) else {
            return;
        };
        away.standing.role = role;
        let (standing, room) = (away.standing, away.room.clone());
        self.remember_standing(identity.clone(), standing);
        let expect = FromParent::Expect {
            identity: identity.clone(),
            standing,
        };
        self.tell_breakout(&room, expect);
        self.tell_lobby_afar(identity);
        self.settle_moderation(now.instant);
        self.breakouts.touch();
    }

    /// The time somebody spent in a breakout is time in the meeting.
    fn note_absence(&mut self, identity: &Identity, now: Now) {
        if let Some(away) = self.breakouts.away.get_mut(identity)
            && let Some(since) = away.here_since_ms.take()
        {
            let stay = now.unix_ms.saturating_sub(since);
            self.register.stayed(identity, stay, now);
        }
    }
}
