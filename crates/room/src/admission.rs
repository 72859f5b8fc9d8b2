//! Who comes in, who waits, and who stays out.

use std::time::{Duration, Instant};

use indexmap::IndexMap;
use tertulia_model::{Identity, ParticipantId};

use crate::limits::{self, within};
use crate::profile::clean_name;
use crate::text::clean_text;
use crate::{
    AccessChange, Actor, Applicant, Audience, BreakoutReport, DepartureReason, Entrance, Event, Now, Origin,
    Refusal, Reply, Right, Rights, Room,
};

/// How long somebody who knocked keeps their place without listening for the answer.
const UNHEARD: Duration = Duration::from_secs(30);

/// How somebody stands before the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// May come in, now and again.
    Admitted,
    /// Waits in the lobby.
    Waiting,
}

/// Somebody in the lobby.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Knocker {
    /// Who.
    pub identity: Identity,
    /// The name they give.
    pub name: String,
    /// Whether they have no account.
    pub guest: bool,
    /// Since when, Unix milliseconds.
    pub since_ms: u64,
    /// Comes from where somebody banned came from.
    pub suspect: bool,
}

/// Whose waiting ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// Everybody in the lobby.
    All,
    /// These; those who wait no more are passed over.
    These(Vec<Identity>),
}

/// How somebody's waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LobbyOutcome {
    /// They may come in.
    Admitted,
    /// They may not.
    Denied,
    /// They went away.
    Gone,
}

/// Somebody banned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ban {
    /// Who.
    pub identity: Identity,
    /// Their name then.
    pub name: String,
    /// When, Unix milliseconds.
    pub at_ms: u64,
}

/// The lobby and what is remembered of those outside.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// Who waits, in order of knocking.
    waiting: IndexMap<Identity, Waiting>,
    /// Who may come in without being asked again, the longest known first, with where they come from.
    admitted: IndexMap<Identity, Option<u64>>,
    /// Who stays out, the longest banned first, with where they came from.
    banned: IndexMap<Identity, (Ban, Option<u64>)>,
}

#[derive(Debug)]
struct Waiting {
    knocker: Knocker,
    network: Option<u64>,
    /// When their place is lost, while they do not listen.
    until: Option<Instant>,
}

impl Gate {
    pub(crate) fn admit(&mut self, identity: &Identity, network: Option<u64>) {
        let waited = self.waiting.shift_remove(identity);
        let network = network.or(waited.and_then(|waiting| waiting.network));
        if let Some(known) = self.admitted.get_mut(identity) {
            *known = network.or(*known);
            return;
        }
        if self.admitted.len() >= limits::REMEMBERED {
            self.admitted.shift_remove_index(0);
        }
        self.admitted.insert(identity.clone(), network);
    }

    pub(crate) fn is_admitted(&self, identity: &Identity) -> bool {
        self.admitted.contains_key(identity)
    }

    pub(crate) fn is_banned(&self, identity: &Identity) -> bool {
        self.banned.contains_key(identity)
    }

    /// Has them asked again.
    pub(crate) fn forget(&mut self, identity: &Identity) {
        self.admitted.shift_remove(identity);
    }

    pub(crate) fn is_waited_at(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.waiting.values().filter_map(|waiting| waiting.until).min()
    }

    pub(crate) fn knockers(&self) -> Vec<Knocker> {
        self.waiting
            .values()
            .map(|waiting| waiting.knocker.clone())
            .collect()
    }

    pub(crate) fn bans(&self) -> Vec<Ban> {
        self.banned.values().map(|(ban, _)| ban.clone()).collect()
    }

    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }
}

impl Room {
    /// Decides about somebody at the door, who waits in the lobby or only asks. Admission holds for the life of the room,
    /// until they are removed.
    pub(crate) fn knock(&mut self, who: Applicant, waits: bool, now: Now) -> Result<Reply, Refusal> {
        let name = clean_name(&who.name)?;
        if let Some(guess) = &who.password {
            within("password", guess.len(), limits::PASSWORD_BYTES)?;
        }
        let admission = self.admission(&who)?;
        self.check_revoked(&who.identity, who.credential_issued_at_ms)?;
        match admission {
            Admission::Admitted => {
                self.gate.admit(&who.identity, who.network);
            }
            Admission::Waiting if !waits || self.gate.waiting.contains_key(&who.identity) => {}
            Admission::Waiting => {
                if self.gate.waiting.len() >= limits::LOBBY {
                    return Err(Refusal::LobbyFull);
                }
                let suspect = self.is_suspect(&who);
                let knocker = Knocker {
                    identity: who.identity.clone(),
                    name,
                    guest: who.origin == Origin::Guest,
                    since_ms: now.unix_ms,
                    suspect,
                };
                let waiting = Waiting {
                    knocker: knocker.clone(),
                    network: who.network,
                    until: now.instant.checked_add(UNHEARD),
                };
                self.gate.waiting.insert(who.identity, waiting);
                self.tell_admitters(Event::Knocked(knocker));
                self.settle_lifetime(now.instant);
            }
        }
        Ok(Reply::Admission(admission))
    }

    /// Whether somebody may come in, must wait, or neither.
    pub(crate) fn admission(&self, who: &Applicant) -> Result<Admission, Refusal> {
        if self.gate.banned.contains_key(&who.identity) {
            return Err(Refusal::Banned);
        }
        if !who.moderates && self.is_unexpected(&who.identity) {
            return Err(Refusal::NotAllowed);
        }
        let rules = &self.settings.rules;
        let kept = self.standings.get(&who.identity);
        let owns = who.origin != Origin::Guest && rules.owner.as_ref() == Some(&who.identity);
        let role = kept.map(|standing| standing.role).or(who.role);
        let hosts = role.is_some_and(|role| Rights::of_role(role).has(Right::EnterFreely));
        let straight = who.entrance == Entrance::Straight && !rules.locked;
        if who.moderates || owns || hosts || straight || self.gate.admitted.contains_key(&who.identity) {
            return Ok(Admission::Admitted);
        }
        if rules.locked {
            return Err(Refusal::Locked);
        }
        if let Some(password) = &rules.password
            && who.origin != Origin::Token
        {
            match &who.password {
                None => return Err(Refusal::PasswordNeeded),
                Some(guess) if !password.is(guess) => return Err(Refusal::WrongPassword),
                Some(_) => {}
            }
        }
        let known = who.origin != Origin::Guest && rules.auto_admit.signed_in;
        let knocks = who.entrance == Entrance::Knock;
        if knocks || (rules.lobby && !known) || self.is_suspect(who) {
            Ok(Admission::Waiting)
        } else {
            Ok(Admission::Admitted)
        }
    }

    /// A guest is nobody in particular, so that a ban holds them only by where they come from; others come from there
    /// too, so that they are not refused but looked at.
    fn is_suspect(&self, who: &Applicant) -> bool {
        let from = |network| {
            self.gate
                .banned
                .values()
                .any(|(_, other)| *other == Some(network))
        };
        who.origin == Origin::Guest && who.network.is_some_and(from)
    }

    /// Notes whether somebody in the lobby listens.
    pub(crate) fn lobby_presence(
        &mut self,
        identity: &Identity,
        here: bool,
        now: Now,
    ) -> Result<Reply, Refusal> {
        if self.gate.banned.contains_key(identity) {
            return Err(Refusal::Banned);
        }
        if self.gate.admitted.contains_key(identity) {
            return Ok(Reply::Admission(Admission::Admitted));
        }
        let waiting = self.gate.waiting.get_mut(identity);
        let waiting = waiting.ok_or(Refusal::NoSuchParticipant)?;
        waiting.until = if here {
            None
        } else {
            now.instant.checked_add(UNHEARD)
        };
        Ok(Reply::Admission(Admission::Waiting))
    }

    pub(crate) fn admit(&mut self, actor: &Actor, who: Chosen, now: Now) -> Result<Reply, Refusal> {
        self.end_waiting(self.name_of(actor), who, LobbyOutcome::Admitted, now)
    }

    pub(crate) fn deny(&mut self, actor: &Actor, who: Chosen, now: Now) -> Result<Reply, Refusal> {
        self.end_waiting(self.name_of(actor), who, LobbyOutcome::Denied, now)
    }

    fn end_waiting(
        &mut self,
        by: Option<Identity>,
        who: Chosen,
        outcome: LobbyOutcome,
        now: Now,
    ) -> Result<Reply, Refusal> {
        let chosen: Vec<Identity> = match who {
            Chosen::All => self.gate.waiting.keys().cloned().collect(),
            Chosen::These(chosen) => {
                within("identities", chosen.len(), limits::LOBBY)?;
                let waits = |identity: &Identity| self.gate.waiting.contains_key(identity);
                chosen.into_iter().filter(waits).collect()
            }
        };
        for identity in &chosen {
            if outcome == LobbyOutcome::Admitted {
                self.gate.admit(identity, None);
                self.revoked.shift_remove(identity);
            } else {
                self.gate.waiting.shift_remove(identity);
            }
            self.send(
                Audience::Waiting(identity.clone()),
                Event::WaitingEnded {
                    identity: identity.clone(),
                    outcome,
                },
            );
        }
        if !chosen.is_empty() {
            self.tell_admitters(Event::LobbyLeft {
                identities: chosen,
                outcome,
                by,
            });
            self.settle_lifetime(now.instant);
        }
        Ok(Reply::Done)
    }

    pub(crate) fn tell_waiting(&mut self, actor: &Actor, text: &str) -> Result<Reply, Refusal> {
        within("text", text.len(), self.settings.chat_text_bytes)?;
        let text = clean_text(text);
        if text.is_empty() {
            return Err(Refusal::Invalid { field: "text" });
        }
        let from = match actor {
            Actor::Participant(id) => self.member(id)?.info.name.clone(),
            Actor::Away(identity) => self.name_for_breakouts(identity).unwrap_or_default(),
            Actor::Admin | Actor::System => String::new(),
        };
        for identity in self.gate.waiting.keys().cloned().collect::<Vec<_>>() {
            let event = Event::LobbyMessage {
                text: text.clone(),
                from: from.clone(),
            };
            self.send(Audience::Waiting(identity), event);
        }
        Ok(Reply::Done)
    }

    /// Lets go those who have not listened for too long.
    pub(crate) fn settle_lobby(&mut self, now: Now) {
        let lost = |waiting: &Waiting| waiting.until.is_some_and(|until| until <= now.instant);
        let gone: Vec<Identity> = self
            .gate
            .waiting
            .iter()
            .filter(|(_, waiting)| lost(waiting))
            .map(|(identity, _)| identity.clone())
            .collect();
        if !gone.is_empty() {
            self.let_go(gone, now);
        }
    }

    /// Takes somebody off the list who does not want to wait any longer.
    pub(crate) fn leave_lobby(&mut self, identity: Identity, now: Now) -> Result<Reply, Refusal> {
        if !self.gate.waiting.contains_key(&identity) {
            return Err(Refusal::NoSuchParticipant);
        }
        self.let_go(vec![identity], now);
        Ok(Reply::Done)
    }

    fn let_go(&mut self, gone: Vec<Identity>, now: Now) {
        for identity in &gone {
            self.gate.waiting.shift_remove(identity);
        }
        self.tell_admitters(Event::LobbyLeft {
            identities: gone,
            outcome: LobbyOutcome::Gone,
            by: None,
        });
        self.settle_lifetime(now.instant);
    }

    /// Keeps somebody out for the life of the room, here or not.
    pub(crate) fn ban(&mut self, actor: &Actor, identity: &Identity, now: Now) -> Result<Reply, Refusal> {
        self.outranked_away(actor, identity)?;
        let here = self.identities.get(identity).cloned();
        if let Some(id) = &here {
            self.require_rank(actor, id)?;
        } else if let (Some(kept), Actor::Participant(asker)) = (self.standings.get(identity), actor)
            && kept.role > self.member(asker)?.info.role
        {
            return Err(Refusal::NotAllowed);
        }
        let (name, network) = match here.as_ref().and_then(|id| self.members.get(id)) {
            Some(member) => (member.info.name.clone(), member.network),
            None => Default::default(),
        };
        let network = network.or(self.gate.admitted.get(identity).copied().flatten());
        if self.gate.banned.len() >= limits::REMEMBERED {
            self.gate.banned.shift_remove_index(0);
        }
        let ban = Ban {
            identity: identity.clone(),
            name,
            at_ms: now.unix_ms,
        };
        self.gate.banned.insert(identity.clone(), (ban.clone(), network));
        self.gate.forget(identity);
        self.standings.shift_remove(identity);
        self.end_waiting(
            self.name_of(actor),
            Chosen::These(vec![identity.clone()]),
            LobbyOutcome::Denied,
            now,
        )?;
        if let Some(id) = here {
            self.depart(&id, DepartureReason::Removed, now);
        }
        self.bar(identity, now);
        self.report(BreakoutReport::Banned(identity.clone()));
        self.tell_hosts(Event::Banned {
            ban,
            by: self.name_of(actor),
        });
        Ok(Reply::Done)
    }

    pub(crate) fn unban(&mut self, actor: &Actor, identity: &Identity) -> Result<Reply, Refusal> {
        let lifted = self.gate.banned.shift_remove(identity);
        let (ban, _) = lifted.ok_or(Refusal::NoSuchParticipant)?;
        self.revoked.shift_remove(identity);
        self.tell_hosts(Event::Unbanned {
            identity: ban.identity,
            by: self.name_of(actor),
        });
        Ok(Reply::Done)
    }

    pub(crate) fn set_access(
        &mut self,
        actor: &Actor,
        change: AccessChange,
        now: Now,
    ) -> Result<Reply, Refusal> {
        if change.max_participants == Some(Some(0)) {
            return Err(Refusal::Invalid { field: "capacity" });
        }
        let rules = &mut self.settings.rules;
        let before = (rules.clone(), self.settings.max_participants);
        rules.locked = change.locked.unwrap_or(rules.locked);
        if let Some(password) = change.password {
            rules.password = password;
        }
        rules.lobby = change.lobby.unwrap_or(rules.lobby);
        rules.auto_admit = change.auto_admit.unwrap_or(rules.auto_admit);
        if let Some(limit) = change.max_participants {
            self.settings.max_participants = match (limit, self.settings.ceiling) {
                (Some(own), Some(most)) => Some(own.min(most)),
                (own, most) => own.or(most),
            };
        }
        let opened = before.0.lobby && !self.settings.rules.lobby;
        if before != (self.settings.rules.clone(), self.settings.max_participants) {
            self.touched = true;
            self.tell_rules(self.name_of(actor));
        }
        if opened {
            let trusted = self
                .gate
                .waiting
                .values()
                .filter(|waiting| !waiting.knocker.suspect);
            let trusted = trusted.map(|waiting| waiting.knocker.identity.clone()).collect();
            self.admit(actor, Chosen::These(trusted), now)?;
        }
        Ok(Reply::Done)
    }

    /// Tells those who may let others in, and observers.
    pub(crate) fn tell_hosts(&mut self, event: Event) {
        let hosts = self.those_with(Right::Admit);
        self.send_some_observed(hosts, event);
    }

    /// Tells those who may let others in, wherever in the meeting they are, and observers.
    fn tell_admitters(&mut self, event: Event) {
        let rules = &self.settings.rules;
        let away = self.breakouts.everybody_away();
        let away = away.filter(|(_, away)| away.rights(rules).has(Right::Admit));
        for identity in away.map(|(identity, _)| identity.clone()).collect::<Vec<_>>() {
            self.send(Audience::Away(identity), event.clone());
        }
        self.tell_hosts(event);
    }

    /// As [`Room::tell_lobby_to`], for somebody in a breakout.
    pub(crate) fn tell_lobby_afar(&mut self, identity: &Identity) {
        let admits = self
            .rights_away(identity)
            .is_ok_and(|rights| rights.has(Right::Admit));
        if admits && self.gate.is_waited_at() {
            let event = Event::Lobby(self.gate.knockers());
            self.send(Audience::Away(identity.clone()), event);
        }
    }

    /// Who waits, as far as somebody in a breakout may know it.
    pub(crate) fn lobby_from_afar(&self, actor: &Actor) -> Vec<Knocker> {
        match actor {
            Actor::Away(identity)
                if self
                    .rights_away(identity)
                    .is_ok_and(|rights| rights.has(Right::Admit)) =>
            {
                self.gate.knockers()
            }
            _ => Vec::new(),
        }
    }

    /// Tells somebody who may let others in from now on who waits.
    pub(crate) fn tell_lobby_to(&mut self, id: &ParticipantId) {
        if self.gate.is_waited_at() {
            let event = Event::Lobby(self.gate.knockers());
            self.send(Audience::One(id.clone()), event);
        }
    }
}
