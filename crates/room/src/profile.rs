//! What people say of themselves, and what moderators make of their rights.

use indexmap::IndexMap;
use tertulia_model::{Identity, ParticipantId};

use crate::limits::{self, within};
use crate::presence::gone;
use crate::text::clean_line;
use crate::{
    Actor, Audience, DepartureReason, Event, Now, ParticipantInfo, Permission, Refusal, Reply, Role, Room,
};

/// New name, new metadata, changed attributes.
pub(crate) type ProfileChange = (Option<String>, Option<String>, IndexMap<String, String>);

impl Room {
    pub(crate) fn update_self(
        &mut self,
        id: &ParticipantId,
        name: Option<String>,
        metadata: Option<String>,
        attributes: IndexMap<String, String>,
        now: Now,
    ) -> Result<Reply, Refusal> {
        let member = self.member_mut(id)?;
        if !member.info.permission.can_update_own_metadata {
            return Err(Refusal::NotAllowed);
        }
        member.buckets.changes.take(now.instant)?;
        let changed = changed_profile(&member.info, (name, metadata, attributes))?;
        if let Some(changed) = changed {
            member.info = changed;
            self.announce(id);
        }
        Ok(Reply::Done)
    }

    pub(crate) fn update_participant(
        &mut self,
        actor: &Actor,
        identity: &Identity,
        profile: ProfileChange,
        permission: Option<Permission>,
        now: Now,
    ) -> Result<Reply, Refusal> {
        let id = self.find(identity)?;
        self.require_rank(actor, &id)?;
        let member = self.member(&id)?;
        if let Some(new) = &permission {
            within("sources", new.publish_sources.len(), limits::TRACKS)?;
            if let Actor::Participant(moderator) = actor {
                let own = &self.member(moderator)?.info.base;
                check_grantable(own, &member.info.base, new)?;
            }
        }
        let profile = changed_profile(&member.info, profile)?;
        let rights_change = permission.is_some_and(|new| self.set_base(&id, new, now));
        if let Some(changed) = &profile
            && let Ok(member) = self.member_mut(&id)
        {
            member.info.name.clone_from(&changed.name);
            member.info.metadata.clone_from(&changed.metadata);
            member.info.attributes.clone_from(&changed.attributes);
        }
        if rights_change || profile.is_some() {
            self.announce(&id);
        }
        Ok(Reply::Participant(Box::new(self.member(&id)?.info.clone())))
    }

    pub(crate) fn set_room_metadata(&mut self, metadata: String) -> Result<Reply, Refusal> {
        check_metadata(&metadata)?;
        self.settings.metadata = metadata;
        self.touched = true;
        Ok(Reply::Room(Box::new(self.info())))
    }

    /// Puts other permissions in place of the token's. Says whether anything changed.
    fn set_base(&mut self, id: &ParticipantId, new: Permission, now: Now) -> bool {
        let Some(member) = self.members.get_mut(id) else {
            return false;
        };
        let old = std::mem::replace(&mut member.info.base, new.clone());
        if old == new {
            return false;
        }
        if new.room_admin {
            member.standing.role = member.standing.role.max(Role::Moderator);
        } else if old.room_admin && member.standing.role == Role::Moderator {
            member.standing.role = Role::Participant;
        }
        self.settle_rights(id, now);
        self.settle_moderation(now.instant);
        true
    }

    /// Gives somebody other permissions and takes at once what they no longer allow. Says whether anything changed;
    /// announcing the participant is left to the caller.
    pub(crate) fn set_permission(&mut self, id: &ParticipantId, new: Permission, now: Now) -> bool {
        let Some(member) = self.members.get_mut(id) else {
            return false;
        };
        if member.info.permission == new {
            return false;
        }
        let old = std::mem::replace(&mut member.info.permission, new.clone());
        let own_tracks = member.tracks.clone();
        self.send(Audience::One(id.clone()), Event::PermissionChanged(new.clone()));

        for track in own_tracks {
            let source = self.tracks.get(&track).map(|publication| publication.info.source);
            if source.is_some_and(|source| new.hidden || !new.allows_source(source)) {
                self.unpublish_quietly(&track);
            }
        }
        if new.hidden != old.hidden {
            self.change_visibility(id, new.hidden);
        }
        self.reconcile_subscriber(id, now.instant);
        self.settle_lifetime(now.instant);
        self.touched = true;
        true
    }

    /// To everybody else, hiding is leaving and showing oneself is coming.
    fn change_visibility(&mut self, id: &ParticipantId, hidden: bool) {
        let Some(member) = self.members.get_mut(id) else {
            return;
        };
        let event = if hidden {
            let mut last = member.info.clone();
            gone(&mut last);
            member.info.version = last.version;
            Event::ParticipantLeft(last, DepartureReason::Left)
        } else {
            Event::ParticipantJoined(member.info.clone())
        };
        self.speaking.shift_remove(id);
        let others: Vec<ParticipantId> = self
            .members
            .keys()
            .filter(|other| *other != id)
            .cloned()
            .collect();
        if !others.is_empty() {
            self.send(Audience::Some(others), event);
        }
    }
}

/// Cleans and bounds a display name.
pub(crate) fn clean_name(name: &str) -> Result<String, Refusal> {
    within("name", name.len(), limits::NAME_BYTES)?;
    Ok(clean_line(name))
}

pub(crate) fn check_metadata(metadata: &str) -> Result<(), Refusal> {
    within("metadata", metadata.len(), limits::METADATA_BYTES)
}

/// The attributes after a change: an empty value deletes its key.
pub(crate) fn merged_attributes(
    old: &IndexMap<String, String>,
    changes: IndexMap<String, String>,
) -> Result<IndexMap<String, String>, Refusal> {
    let size = |attributes: &IndexMap<String, String>| {
        attributes
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum::<usize>()
    };
    within("attributes", size(&changes), limits::ATTRIBUTES_BYTES)?;
    if changes.keys().any(String::is_empty) {
        return Err(Refusal::Invalid { field: "attributes" });
    }
    let mut merged = old.clone();
    for (key, value) in changes {
        if value.is_empty() {
            merged.shift_remove(&key);
        } else {
            merged.insert(key, value);
        }
    }
    within("attributes", size(&merged), limits::ATTRIBUTES_BYTES)?;
    Ok(merged)
}

/// The participant after the change, or `None` where it changes nothing.
fn changed_profile(
    info: &ParticipantInfo,
    (name, metadata, attributes): ProfileChange,
) -> Result<Option<ParticipantInfo>, Refusal> {
    let name = name.as_deref().map(clean_name).transpose()?;
    if let Some(metadata) = &metadata {
        check_metadata(metadata)?;
    }
    let attributes = merged_attributes(&info.attributes, attributes)?;
    let name = name.filter(|name| *name != info.name);
    let metadata = metadata.filter(|metadata| *metadata != info.metadata);
    if name.is_none() && metadata.is_none() && attributes == info.attributes {
        return Ok(None);
    }
    let mut changed = info.clone();
    if let Some(name) = name {
        changed.name = name;
    }
    if let Some(metadata) = metadata {
        changed.metadata = metadata;
    }
    changed.attributes = attributes;
    Ok(Some(changed))
}

/// A moderator in the room gives nobody, themselves included, a privilege they do not hold.
fn check_grantable(own: &Permission, old: &Permission, new: &Permission) -> Result<(), Refusal> {
    let privileges: [fn(&Permission) -> bool; 5] = [
        |permission| permission.room_admin,
        |permission| permission.hidden,
        |permission| permission.recorder,
        |permission| permission.agent,
        |permission| permission.can_subscribe_metrics,
    ];
    let raised = |held: fn(&Permission) -> bool| held(new) && !held(old) && !held(own);
    if privileges.into_iter().any(raised) {
        Err(Refusal::NotAllowed)
    } else {
        Ok(())
    }
}
