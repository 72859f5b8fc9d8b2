//! Coming, going, and the end of the room.

use std::time::Instant;

use rand::Rng;
use tertulia_model::{Identity, ParticipantId, TrackId};

use crate::limits::{self, within};
use crate::member::Member;
use crate::profile::{check_metadata, clean_name, merged_attributes};
use crate::standing::{is_machine, rights_and_permission};
use crate::{
    Actor, Admission, Applicant, Audience, BreakoutReport, DepartureReason, Event, NewParticipant, Now,
    Origin, ParticipantInfo, ParticipantState, Record, Refusal, Reply, Right, Role, Room, RouteChange,
};

impl Room {
    pub(crate) fn join(&mut self, mut who: NewParticipant, now: Now) -> Result<Reply, Refusal> {
        self.check_revoked(&who.identity, who.credential_issued_at_ms)?;
        if self.gate_for(&who)? == Admission::Waiting {
            return Err(Refusal::LobbyNeeded);
        }
        let name = clean_name(&who.name)?;
        check_metadata(&who.metadata)?;
        let attributes = merged_attributes(&Default::default(), std::mem::take(&mut who.attributes))?;
        within("capabilities", who.capabilities.len(), limits::CAPABILITIES)?;
        within("sources", who.permission.publish_sources.len(), limits::TRACKS)?;
        if !who.permission.hidden {
            self.check_capacity(&who.identity)?;
        }

        self.came_back(&who.identity, now);
        if let Some(former) = self.identities.get(&who.identity).cloned() {
            self.depart(&former, DepartureReason::DuplicateIdentity, now);
        }
        self.gate.admit(&who.identity, who.network);
        let standing = self.standing_of(&who);
        let (rights, permission) = rights_and_permission(standing, &who.permission, &self.settings.rules);
        let id = self.fresh_participant_id();
        let info = ParticipantInfo {
            id: id.clone(),
            identity: who.identity,
            name,
            state: ParticipantState::Joined,
            kind: who.kind,
            metadata: who.metadata,
            attributes,
            permission,
            base: who.permission,
            role: standing.role,
            rights,
            tracks: Vec::new(),
            joined_at_ms: now.unix_ms,
            version: 1,
            hand_raised_at_ms: None,
            client_protocol: who.client_protocol,
            capabilities: who.capabilities,
        };
        let others = self.visible_others(&id);
        self.identities.insert(info.identity.clone(), id.clone());
        self.members.insert(
            id.clone(),
            Member::new(
                info.clone(),
                standing,
                (who.origin, who.network),
                who.auto_subscribe,
                now.instant,
            ),
        );
        if !info.permission.hidden || self.settings.rules.webinar {
            self.register.came(&info, now);
        }
        if standing.role == Role::Moderator {
            self.standings.entry(info.identity.clone()).or_insert(standing);
        }
        self.settle_moderation(now.instant);
        self.settle_lifetime(now.instant);
        self.touched = true;
        if !self.started {
            self.start();
        }
        let audience = if info.permission.hidden {
            Audience::Observers
        } else {
            Audience::AllBut(id.clone())
        };
        self.send(audience, Event::ParticipantJoined(info.clone()));
        self.report_coming(&info);
        self.reconcile_subscriber(&id, now.instant);
        Ok(Reply::Joined {
            participant: Box::new(info),
            others,
            room: Box::new(self.info()),
        })
    }

    /// Takes somebody out, with their tracks, their subscriptions and their hand.
    pub(crate) fn depart(&mut self, id: &ParticipantId, reason: DepartureReason, now: Now) {
        if reason != DepartureReason::Left {
            self.send(Audience::One(id.clone()), Event::Expelled(reason));
        }
        for track in self
            .members
            .get(id)
            .map(|member| member.tracks.clone())
            .unwrap_or_default()
        {
            self.withdraw(&track, Audience::Observers);
        }
        self.drop_subscriptions(id, now.instant);
        self.lower_hand(id, now.unix_ms);
        self.note_speech(id, false, now);
        let Some(mut member) = self.members.shift_remove(id) else {
            return;
        };
        self.identities.remove(&member.info.identity);
        self.speaking.shift_remove(id);
        self.register.left(&member.info, now);
        if reason != DepartureReason::DuplicateIdentity {
            self.unshow(&member.info.identity);
            self.board.forget_watcher(id);
        }
        self.report_going(&member.info, reason);
        gone(&mut member.info);
        let audience = if member.info.permission.hidden {
            Audience::Observers
        } else {
            Audience::AllBut(id.clone())
        };
        self.send(audience, Event::ParticipantLeft(member.info, reason));
        self.route(RouteChange::ParticipantRemoved {
            participant: id.clone(),
        });
        self.settle_moderation(now.instant);
        self.settle_lifetime(now.instant);
        self.touched = true;
    }

    /// Removes somebody. A revocation holds even for somebody who has just gone, so that they do not slip back in.
    pub(crate) fn remove(
        &mut self,
        actor: &Actor,
        identity: &Identity,
        revoke: bool,
        now: Now,
    ) -> Result<Reply, Refusal> {
        if let Some(here) = self.identities.get(identity) {
            self.require_rank(actor, here)?;
        }
        let away = self.outranked_away(actor, identity)?;
        if revoke {
            self.revoke(identity, now);
        }
        self.gate.forget(identity);
        if away && self.bar(identity, now) {
            return Ok(Reply::Done);
        }
        let id = self.find(identity)?;
        self.standings.shift_remove(identity);
        self.depart(&id, DepartureReason::Removed, now);
        self.bar(identity, now);
        self.report(BreakoutReport::Removed(identity.clone()));
        Ok(Reply::Done)
    }

    /// Refuses credentials issued until now.
    pub(crate) fn revoke(&mut self, identity: &Identity, now: Now) {
        self.revoked.shift_remove(identity);
        if self.revoked.len() >= limits::REVOCATIONS {
            self.revoked.shift_remove_index(0);
        }
        self.revoked.insert(identity.clone(), now.unix_ms);
    }

    /// Ends the room for everybody at once.
    pub(crate) fn end(&mut self, reason: DepartureReason, now: Now) {
        let everybody: Vec<ParticipantId> = self.members.keys().cloned().collect();
        if !everybody.is_empty() {
            self.send(Audience::Some(everybody), Event::Expelled(reason));
        }
        for knocker in self.gate.knockers() {
            let ended = Event::Expelled(reason);
            self.send(Audience::Waiting(knocker.identity), ended);
        }
        self.gate.clear();
        let tracks: Vec<TrackId> = self.tracks.keys().cloned().collect();
        for track in tracks {
            self.withdraw(&track, Audience::Observers);
        }
        let last = self.info();
        for (id, mut member) in std::mem::take(&mut self.members) {
            gone(&mut member.info);
            self.send(Audience::Observers, Event::ParticipantLeft(member.info, reason));
            self.route(RouteChange::ParticipantRemoved { participant: id });
        }
        self.identities.clear();
        self.hands.clear();
        self.speaking.clear();
        self.downgrades.clear();
        self.close_at = None;
        self.succeed_at = None;
        self.ended = true;
        self.send(Audience::Observers, Event::RoomEnded { room: last, reason });
        // What a shutdown interrupts goes on after the restart.
        if matches!(reason, DepartureReason::RoomEnded | DepartureReason::Moved) {
            self.note(Record::Ended { at_ms: now.unix_ms });
        }
    }

    pub(crate) fn connected(&mut self, id: &ParticipantId) -> Result<(), Refusal> {
        let member = self.member_mut(id)?;
        if member.info.state == ParticipantState::Active {
            return Ok(());
        }
        member.info.state = ParticipantState::Active;
        self.announce(id);
        self.tell_speakers_to(id);
        Ok(())
    }

    pub(crate) fn list_participants(&self, actor: &Actor) -> Reply {
        let seen = self.members.values().filter(|member| self.sees(actor, member));
        Reply::Participants(seen.map(|member| member.info.clone()).collect())
    }

    pub(crate) fn find_participant(&self, actor: &Actor, identity: &Identity) -> Result<Reply, Refusal> {
        let member = self.member(&self.find(identity)?)?;
        if !self.sees(actor, member) {
            return Err(Refusal::NoSuchParticipant);
        }
        Ok(Reply::Participant(Box::new(member.info.clone())))
    }

    fn sees(&self, actor: &Actor, member: &Member) -> bool {
        match actor {
            Actor::Admin | Actor::System => true,
            Actor::Away(_) => false,
            Actor::Participant(own) => {
                let manages = |own| {
                    self.members
                        .get(own)
                        .map(|m| m.info.rights.has(Right::ManageRights))
                };
                // Viewers of a webinar are hidden by the room, not by their token.
                !member.info.permission.hidden
                    || member.info.id == *own
                    || (!member.info.base.hidden && manages(own) == Some(true))
            }
        }
    }

    pub(crate) fn visible_others(&self, id: &ParticipantId) -> Vec<ParticipantInfo> {
        self.participants()
            .filter(|info| !info.permission.hidden && info.id != *id)
            .cloned()
            .collect()
    }

    /// Starts or stops the clock that ends a room nobody needs any more.
    pub(crate) fn settle_lifetime(&mut self, now: Instant) {
        let needed = self.gate.is_waited_at() || self.breakouts.is_anybody_away();
        if needed || self.members.values().any(Member::keeps_room_open) {
            self.close_at = None;
        } else if self.close_at.is_none() {
            self.close_at = now.checked_add(self.settings.departure_timeout);
        }
    }

    fn gate_for(&self, who: &NewParticipant) -> Result<Admission, Refusal> {
        if is_machine(who.kind, &who.permission) && who.origin == Origin::Token {
            return Ok(Admission::Admitted);
        }
        self.admission(&Applicant {
            identity: who.identity.clone(),
            name: String::new(),
            origin: who.origin,
            role: who.role,
            entrance: who.entrance,
            moderates: who.permission.room_admin,
            password: None,
            network: who.network,
            credential_issued_at_ms: who.credential_issued_at_ms,
        })
    }

    /// Refuses a credential issued before its holder was removed.
    pub(crate) fn check_revoked(&self, identity: &Identity, issued_at_ms: u64) -> Result<(), Refusal> {
        match self.revoked.get(identity) {
            Some(since) if issued_at_ms <= *since => Err(Refusal::Removed),
            _ => Ok(()),
        }
    }

    fn check_capacity(&self, newcomer: &Identity) -> Result<(), Refusal> {
        let Some(limit) = self.settings.max_participants else {
            return Ok(());
        };
        let others = self
            .members
            .values()
            .filter(|member| !member.info.base.hidden && member.info.identity != *newcomer)
            .count();
        // Those in breakouts come back.
        let away = self.breakouts.everybody_away();
        let away =
            away.filter(|(identity, _)| *identity != newcomer && !self.identities.contains_key(*identity));
        if others.saturating_add(away.count()) >= limit {
            Err(Refusal::RoomFull)
        } else {
            Ok(())
        }
    }

    fn fresh_participant_id(&mut self) -> ParticipantId {
        loop {
            let id = ParticipantId::from_random(self.rng.next_u64());
            if !self.members.contains_key(&id) {
                return id;
            }
        }
    }
}

/// Makes of somebody's state what those who stay are told last.
pub(crate) fn gone(info: &mut ParticipantInfo) {
    info.state = ParticipantState::Disconnected;
    info.tracks.clear();
    info.hand_raised_at_ms = None;
    info.version = info.version.saturating_add(1);
}
