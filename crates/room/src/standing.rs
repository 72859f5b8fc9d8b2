//! What somebody is and may do in this room, and who moderates when nobody does.

use std::time::{Duration, Instant};

use tertulia_model::{Identity, ParticipantId, Source};

use crate::limits;
use crate::member::Member;
use crate::{
    Actor, Audience, BreakoutReport, Event, NewParticipant, Now, Origin, ParticipantKind, Permission,
    Refusal, Reply, Right, Rights, Role, Room, RoomRules,
};

/// How long a room that moderates itself waits for its moderators to come back before another takes their place; a
/// page that is reloaded is back sooner.
pub(crate) const SUCCESSION_DELAY: Duration = Duration::from_secs(30);

/// Somebody's role with what was granted to them and taken from them besides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// The role.
    pub role: Role,
    /// Rights beyond the role, which switches do not touch.
    pub granted: Rights,
    /// Rights of the role they do not have.
    pub revoked: Rights,
}

impl Standing {
    pub(crate) fn of(role: Role) -> Self {
        Self {
            role,
            ..Self::default()
        }
    }

    /// What they may do in a room with these switches, whatever their token says.
    fn rights(self, switched_off: Rights) -> Rights {
        let own = Rights::of_role(self.role)
            .with(self.granted)
            .without(self.revoked);
        if own.has(Right::SpeakFreely) {
            own
        } else {
            own.without(switched_off.without(self.granted))
        }
    }
}

/// The rights that a token's permissions leave.
fn within_token(rights: Rights, base: &Permission) -> Rights {
    let mut kept = rights;
    let mut take = |lost: &[Right]| kept = kept.without(Rights::of(lost));
    if !base.can_publish_data || base.hidden {
        take(&[
            Right::Chat,
            Right::PrivateChat,
            Right::RaiseHand,
            Right::React,
            Right::Vote,
            Right::ManagePolls,
        ]);
    }
    if !base.can_publish_data {
        take(&[Right::SendData]);
    }
    for (source, right) in [
        (Source::Microphone, Right::Microphone),
        (Source::Camera, Right::Camera),
        (Source::ScreenShare, Right::ShareScreen),
    ] {
        if base.hidden || !base.allows_source(source) {
            take(&[right]);
        }
    }
    kept
}

fn right_for(source: Source) -> Rights {
    match source {
        Source::Camera => Rights::of(&[Right::Camera]),
        Source::Microphone => Rights::of(&[Right::Microphone]),
        Source::ScreenShare | Source::ScreenShareAudio => Rights::of(&[Right::ShareScreen]),
        // It could be any of them.
        Source::Unknown => Rights::of(&[Right::Camera, Right::Microphone, Right::ShareScreen]),
    }
}

/// A token's permissions as far as standing and switches leave them: what the doors and the routes go by.
fn effective(base: &Permission, rights: Rights, unseen: bool) -> Permission {
    const SOURCES: [Source; 5] = [
        Source::Camera,
        Source::Microphone,
        Source::ScreenShare,
        Source::ScreenShareAudio,
        Source::Unknown,
    ];
    let mut now = base.clone();
    now.hidden |= unseen;
    now.can_publish_data &= rights.has(Right::SendData);
    if base.can_publish && !rights.include(right_for(Source::Unknown)) {
        let listed: &[Source] = if base.publish_sources.is_empty() {
            &SOURCES
        } else {
            &base.publish_sources
        };
        let allowed = |source: &Source| rights.include(right_for(*source));
        let left: Vec<Source> = listed.iter().copied().filter(allowed).collect();
        now.can_publish = !left.is_empty();
        if now.can_publish {
            now.publish_sources = left;
        }
    }
    now
}

/// What somebody is shown to be and may do.
pub(crate) fn rights_and_permission(
    standing: Standing,
    base: &Permission,
    rules: &RoomRules,
) -> (Rights, Permission) {
    let rights = standing.rights(rules.switched_off);
    let unseen = rules.webinar && standing.role == Role::Viewer;
    (within_token(rights, base), effective(base, rights, unseen))
}

impl Room {
    /// What a newcomer is.
    pub(crate) fn standing_of(&self, who: &NewParticipant) -> Standing {
        let told = if who.permission.room_admin {
            Role::Moderator
        } else {
            Role::Viewer
        };
        let owns = who.origin != Origin::Guest && self.settings.rules.owner.as_ref() == Some(&who.identity);
        if owns {
            return Standing::of(Role::Owner);
        }
        if let Some(kept) = self.standings.get(&who.identity) {
            let most = if who.origin == Origin::Guest {
                Role::Moderator
            } else {
                Role::Owner
            };
            return Standing {
                role: kept.role.max(told).min(most),
                ..*kept
            };
        }
        let usual = if is_machine(who.kind, &who.permission) || who.permission.hidden {
            Role::Participant
        } else if self.settings.rules.webinar {
            Role::Viewer
        } else {
            self.settings.rules.default_role
        };
        // Taking part is what everybody does whom the room does not make a viewer.
        let named = who.role.filter(|role| *role != Role::Participant);
        let role = named.unwrap_or(usual).max(told);
        let first = !self.was_moderated && self.may_moderate(who.origin, who.kind, &who.permission);
        Standing::of(if first { role.max(Role::Moderator) } else { role })
    }

    /// Whether somebody may come to moderate without being named: a person whom this server itself knows, and in an
    /// owned room no guest.
    fn may_moderate(&self, origin: Origin, kind: ParticipantKind, base: &Permission) -> bool {
        let rules = &self.settings.rules;
        let known = match origin {
            Origin::Guest => rules.owner.is_none() && rules.guests_moderate,
            Origin::Account => true,
            Origin::Token => false,
        };
        rules.self_moderating && known && !is_machine(kind, base) && !base.hidden
    }

    pub(crate) fn set_role(
        &mut self,
        actor: &Actor,
        identity: &Identity,
        role: Role,
        now: Now,
    ) -> Result<Reply, Refusal> {
        let id = self.find(identity)?;
        self.require_rank(actor, &id)?;
        if let Actor::Participant(asker) = actor
            && self.member(asker)?.info.role < role
        {
            return Err(Refusal::NotAllowed);
        }
        let target = self.member(&id)?;
        let machine = is_machine(target.info.kind, &target.info.base) && role > Role::Presenter;
        let guest = target.origin == Origin::Guest && role == Role::Owner;
        if machine || guest {
            return Err(Refusal::NotAllowed);
        }
        let member = self.member_mut(&id)?;
        if member.info.role == role {
            return Ok(Reply::Participant(Box::new(member.info.clone())));
        }
        if role < Role::Moderator {
            // The role goes before what the token said of it.
            member.info.base.room_admin = false;
        }
        member.standing = Standing::of(role);
        self.standing_changed(&id, self.name_of(actor), now);
        Ok(Reply::Participant(Box::new(self.member(&id)?.info.clone())))
    }

    pub(crate) fn set_rights(
        &mut self,
        actor: &Actor,
        identity: &Identity,
        grant: Rights,
        revoke: Rights,
        now: Now,
    ) -> Result<Reply, Refusal> {
        let id = self.find(identity)?;
        self.require_rank(actor, &id)?;
        if !grant.common(revoke).is_empty() {
            return Err(Refusal::Invalid { field: "rights" });
        }
        if let Actor::Participant(asker) = actor {
            let held = Rights::of_role(self.member(asker)?.info.role);
            if !held.include(grant.with(revoke)) {
                return Err(Refusal::NotAllowed);
            }
        }
        let member = self.member_mut(&id)?;
        let before = member.standing;
        member.standing.granted = before.granted.with(grant).without(revoke);
        member.standing.revoked = before.revoked.with(revoke).without(grant);
        if member.standing != before {
            self.standing_changed(&id, self.name_of(actor), now);
        }
        Ok(Reply::Participant(Box::new(self.member(&id)?.info.clone())))
    }

    /// Nobody acts upon somebody of a higher role.
    pub(crate) fn require_rank(&self, actor: &Actor, target: &ParticipantId) -> Result<(), Refusal> {
        let asker = match actor {
            Actor::Participant(asker) => asker,
            Actor::Away(_) => return Err(Refusal::NotAllowed),
            Actor::Admin | Actor::System => return Ok(()),
        };
        if self.member(target)?.info.role > self.member(asker)?.info.role {
            Err(Refusal::NotAllowed)
        } else {
            Ok(())
        }
    }

    /// Whether `identity` is in a breakout, and not of a higher role than whoever acts upon them.
    pub(crate) fn outranked_away(&self, actor: &Actor, identity: &Identity) -> Result<bool, Refusal> {
        let Some(away) = self.breakouts.away(identity) else {
            return Ok(false);
        };
        match actor {
            Actor::Participant(asker) if away.standing.role > self.member(asker)?.info.role => {
                Err(Refusal::NotAllowed)
            }
            _ => Ok(true),
        }
    }

    /// Who asks, for those who are told; nobody where the operator's application or the server does.
    pub(crate) fn name_of(&self, actor: &Actor) -> Option<Identity> {
        match actor {
            Actor::Participant(id) => Some(self.members.get(id)?.info.identity.clone()),
            Actor::Away(identity) => Some(identity.clone()),
            Actor::Admin | Actor::System => None,
        }
    }

    /// Remembers somebody's new standing, tells of it and brings their rights up to date.
    pub(crate) fn standing_changed(&mut self, id: &ParticipantId, by: Option<Identity>, now: Now) {
        let Some(member) = self.members.get(id) else {
            return;
        };
        let (identity, standing) = (member.info.identity.clone(), member.standing);
        self.remember_standing(identity.clone(), standing);
        self.report(BreakoutReport::Stands(identity.clone(), standing));
        self.settle_rights(id, now);
        self.announce(id);
        self.send(
            Audience::Everybody,
            Event::StandingChanged {
                identity,
                standing,
                by,
            },
        );
        self.settle_moderation(now.instant);
    }

    pub(crate) fn remember_standing(&mut self, identity: Identity, standing: Standing) {
        self.standings.shift_remove(&identity);
        if self.standings.len() >= limits::REMEMBERED {
            self.standings.shift_remove_index(0);
        }
        self.standings.insert(identity, standing);
    }

    /// Works out anew what somebody may do, and takes at once what they may no longer. Says whether anything changed;
    /// announcing the participant is left to the caller.
    pub(crate) fn settle_rights(&mut self, id: &ParticipantId, now: Now) -> bool {
        let Some(member) = self.members.get_mut(id) else {
            return false;
        };
        let (rights, permission) =
            rights_and_permission(member.standing, &member.info.base, &self.settings.rules);
        let before = (member.info.role, member.info.rights);
        member.info.role = member.standing.role;
        member.info.rights = rights;
        let admits = rights.has(Right::Admit) && !before.1.has(Right::Admit);
        if rights.has(Right::ManageBreakouts) && !before.1.has(Right::ManageBreakouts) {
            self.breakouts.tell_leaders_again();
        }
        let changed = self.set_permission(id, permission, now);
        if !rights.has(Right::RaiseHand) {
            self.lower_hand(id, now.unix_ms);
        }
        if !rights.has(Right::ShareScreen)
            && let Some(identity) = self.members.get(id).map(|member| member.info.identity.clone())
        {
            self.end_video_of(&identity);
        }
        if admits {
            self.tell_lobby_to(id);
        }
        changed || before != (self.members.get(id).map_or(before.0, |m| m.info.role), rights)
    }

    /// As [`Room::settle_rights`] for everybody, with announcements.
    pub(crate) fn settle_all_rights(&mut self, now: Now) {
        let everybody: Vec<ParticipantId> = self.members.keys().cloned().collect();
        for id in everybody {
            if self.settle_rights(&id, now) {
                self.announce(&id);
            }
        }
    }

    /// Starts or stops the wait for somebody to take the moderators' place.
    pub(crate) fn settle_moderation(&mut self, now: Instant) {
        if self
            .members
            .values()
            .any(|member| member.info.role >= Role::Moderator && !member.info.base.hidden)
            || self
                .breakouts
                .everybody_away()
                .any(|(_, away)| away.standing.role >= Role::Moderator)
        {
            self.was_moderated = true;
            self.succeed_at = None;
        } else if self.members.values().any(|member| self.could_succeed(member)) || self.heir_away().is_some()
        {
            let due = now.checked_add(SUCCESSION_DELAY);
            self.succeed_at = self.succeed_at.or(due);
        } else {
            self.succeed_at = None;
        }
    }

    /// Makes whoever has been here longest, of those who may, moderator.
    pub(crate) fn succeed(&mut self, now: Now) {
        self.succeed_at = None;
        let heir = self.members.values().find(|member| self.could_succeed(member));
        let Some(id) = heir.map(|member| member.info.id.clone()) else {
            if let Some(identity) = self.heir_away() {
                self.promote_away(&identity, Role::Moderator, now);
            }
            return;
        };
        if let Some(member) = self.members.get_mut(&id) {
            member.standing.role = Role::Moderator;
            self.standing_changed(&id, None, now);
        }
    }

    fn could_succeed(&self, member: &Member) -> bool {
        member.info.role >= Role::Participant
            && member.info.role < Role::Moderator
            && self.may_moderate(member.origin, member.info.kind, &member.info.base)
    }

    /// Where nobody is left in the main room, somebody in a breakout leads.
    fn heir_away(&self) -> Option<Identity> {
        let able = self.breakouts.everybody_away().find(|(_, away)| {
            let (origin, kind, base) = away.vouched();
            away.is_ordinary() && self.may_moderate(origin, kind, base)
        });
        able.map(|(identity, _)| identity.clone())
    }

    /// Everybody here with a right.
    pub(crate) fn those_with(&self, right: Right) -> Vec<ParticipantId> {
        let able = self
            .members
            .iter()
            .filter(|(_, member)| member.info.rights.has(right));
        able.map(|(id, _)| id.clone()).collect()
    }
}

/// Whether it is a program or a device rather than a person.
pub(crate) fn is_machine(kind: ParticipantKind, base: &Permission) -> bool {
    kind != ParticipantKind::Standard || base.recorder || base.agent
}
