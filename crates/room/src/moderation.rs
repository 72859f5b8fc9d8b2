//! What moderators and presenters do to the room: switches, muting everybody, the floor, the spotlight, the layout.

use std::time::Duration;

use tertulia_model::{Identity, MediaKind, ParticipantId, Source, TrackId};

use crate::limits::{self, within};
use crate::text::clean_line;
use crate::{
    Actor, Audience, Event, FollowMe, Now, Refusal, Reply, Right, Rights, Role, Room, RulesChange, Timer,
};

impl Room {
    pub(crate) fn set_rules(
        &mut self,
        actor: &Actor,
        change: RulesChange,
        now: Now,
    ) -> Result<Reply, Refusal> {
        let switchable = Rights::switchable();
        if !switchable.include(change.switch_off.with(change.switch_on))
            || !change.switch_off.common(change.switch_on).is_empty()
        {
            return Err(Refusal::Invalid { field: "switches" });
        }
        if change.default_role.is_some_and(|role| role > Role::Presenter) {
            return Err(Refusal::NotAllowed);
        }
        if let Some(media) = &change.media {
            media.checked()?;
        }
        let rules = &mut self.settings.rules;
        let before = rules.clone();
        rules.switched_off = rules
            .switched_off
            .with(change.switch_off)
            .without(change.switch_on);
        rules.start_audio_muted = change.start_audio_muted.unwrap_or(rules.start_audio_muted);
        rules.start_video_muted = change.start_video_muted.unwrap_or(rules.start_video_muted);
        rules.default_role = change.default_role.unwrap_or(rules.default_role);
        rules.webinar = change.webinar.unwrap_or(rules.webinar);
        if let Some(media) = change.media {
            rules.media = media;
        }
        let media_changed = rules.media != before.media;
        let members = self.members.values_mut().map(|member| &mut member.standing);
        for standing in members.chain(self.standings.values_mut()) {
            standing.granted = standing.granted.without(change.switch_off);
        }
        if self.settings.rules != before {
            self.touched = true;
            self.tell_rules(self.name_of(actor));
        }
        self.settle_all_rights(now);
        if media_changed {
            let tracks: Vec<TrackId> = self.tracks.keys().cloned().collect();
            for track in tracks {
                self.reconcile_track(&track, now.instant);
            }
        }
        Ok(Reply::Done)
    }

    pub(crate) fn tell_rules(&mut self, by: Option<Identity>) {
        let event = Event::RulesChanged {
            rules: Box::new(self.settings.rules.clone()),
            max_participants: self.settings.max_participants,
            by,
        };
        self.send(Audience::Everybody, event);
    }

    /// Mutes everybody's tracks of a source but the asker's and those of `except`; screens are stopped.
    pub(crate) fn mute_all(
        &mut self,
        actor: &Actor,
        source: Source,
        except: &[Identity],
    ) -> Result<Reply, Refusal> {
        within("identities", except.len(), limits::DESTINATIONS)?;
        let asker = match actor {
            Actor::Participant(id) => Some(id),
            Actor::Away(_) | Actor::Admin | Actor::System => None,
        };
        let spared = |id: &ParticipantId| {
            let member = self.members.get(id);
            Some(id) == asker || member.is_some_and(|member| except.contains(&member.info.identity))
        };
        let concerned = self.publishing(source, |id| !spared(id));
        self.quiet(source, concerned);
        Ok(Reply::Done)
    }

    /// Mutes somebody's tracks of a source.
    pub(crate) fn mute_source(&mut self, identity: &Identity, source: Source) -> Result<Reply, Refusal> {
        let who = self.find(identity)?;
        let concerned = self.publishing(source, |id| *id == who);
        self.quiet(source, concerned);
        Ok(Reply::Done)
    }

    fn publishing(
        &self,
        source: Source,
        concerned: impl Fn(&ParticipantId) -> bool,
    ) -> Vec<(ParticipantId, TrackId)> {
        self.tracks
            .iter()
            .filter(|(_, publication)| publication.info.source == source && concerned(&publication.publisher))
            .map(|(track, publication)| (publication.publisher.clone(), track.clone()))
            .collect()
    }

    fn quiet(&mut self, source: Source, concerned: Vec<(ParticipantId, TrackId)>) {
        for (who, track) in concerned {
            if matches!(source, Source::ScreenShare | Source::ScreenShareAudio) {
                self.unpublish(&track);
            } else {
                self.silence(&who, &track);
            }
        }
    }

    /// Asks somebody to open their microphone, camera or screen, and lets them where that is switched off.
    pub(crate) fn ask_unmute(
        &mut self,
        actor: &Actor,
        identity: &Identity,
        source: Source,
        now: Now,
    ) -> Result<Reply, Refusal> {
        let id = self.find(identity)?;
        self.let_speak(&id, source, self.name_of(actor), now)?;
        Ok(Reply::Done)
    }

    fn let_speak(
        &mut self,
        id: &ParticipantId,
        source: Source,
        by: Option<Identity>,
        now: Now,
    ) -> Result<(), Refusal> {
        let right = match source {
            Source::Microphone => Right::Microphone,
            Source::Camera => Right::Camera,
            Source::ScreenShare | Source::ScreenShareAudio => Right::ShareScreen,
            Source::Unknown => return Err(Refusal::Invalid { field: "source" }),
        };
        let member = self.member_mut(id)?;
        if !member.info.rights.has(right) {
            if member.standing.role == Role::Viewer {
                // Whoever has the floor is seen.
                member.standing.role = Role::Participant;
            }
            member.standing.granted = member.standing.granted.with(Rights::of(&[right]));
            member.standing.revoked = member.standing.revoked.without(Rights::of(&[right]));
            self.standing_changed(id, by.clone(), now);
        }
        self.send(Audience::One(id.clone()), Event::UnmuteAsked { source, by });
        Ok(())
    }

    /// Lowers somebody's hand, or all.
    pub(crate) fn lower_hands(&mut self, identity: Option<&Identity>, now: Now) -> Result<Reply, Refusal> {
        let whose = match identity {
            Some(identity) => vec![self.find(identity)?],
            None => self.hands.clone(),
        };
        for id in whose {
            if self.hands.contains(&id) {
                self.lower_hand(&id, now.unix_ms);
                self.announce(&id);
            }
        }
        Ok(Reply::Done)
    }

    /// Gives the floor to somebody, or to whoever is first in the queue.
    pub(crate) fn give_floor(
        &mut self,
        actor: &Actor,
        identity: Option<&Identity>,
        now: Now,
    ) -> Result<Reply, Refusal> {
        let id = match identity {
            Some(identity) => self.find(identity)?,
            None => self.hands.first().cloned().ok_or(Refusal::NoSuchParticipant)?,
        };
        if self.hands.contains(&id) {
            self.lower_hand(&id, now.unix_ms);
            self.announce(&id);
        }
        let by = self.name_of(actor);
        self.let_speak(&id, Source::Microphone, by.clone(), now)?;
        let identity = self.member(&id)?.info.identity.clone();
        self.send(Audience::Everybody, Event::FloorGiven { identity, by });
        Ok(Reply::Participant(Box::new(self.member(&id)?.info.clone())))
    }

    pub(crate) fn spotlight(&mut self, actor: &Actor, identities: Vec<Identity>) -> Result<Reply, Refusal> {
        within("identities", identities.len(), limits::SPOTLIGHT)?;
        let mut seen = Vec::new();
        for identity in identities {
            self.find(&identity)?;
            if !seen.contains(&identity) {
                seen.push(identity);
            }
        }
        if seen != self.spotlight {
            self.spotlight = seen;
            self.tell_spotlight(self.name_of(actor));
        }
        Ok(Reply::Done)
    }

    fn tell_spotlight(&mut self, by: Option<Identity>) {
        let identities = self.spotlight.clone();
        self.send(Audience::Everybody, Event::Spotlight { identities, by });
    }

    /// Has everybody's layout follow the asker's, or nobody's.
    pub(crate) fn follow_me(
        &mut self,
        who: &ParticipantId,
        layout: Option<String>,
        now: Now,
    ) -> Result<Reply, Refusal> {
        if let Some(layout) = &layout {
            within("layout", layout.len(), limits::LAYOUT_BYTES)?;
        }
        let member = self.member_mut(who)?;
        member.buckets.changes.take(now.instant)?;
        let identity = member.info.identity.clone();
        let new = layout.map(|layout| FollowMe { identity, layout });
        if new != self.follow_me {
            self.follow_me.clone_from(&new);
            self.send(Audience::Everybody, Event::FollowMe(new));
        }
        Ok(Reply::Done)
    }

    /// Starts a countdown, or stops it.
    pub(crate) fn set_timer(
        &mut self,
        actor: &Actor,
        duration: Option<Duration>,
        title: &str,
        now: Now,
    ) -> Result<Reply, Refusal> {
        within("title", title.len(), limits::NAME_BYTES)?;
        if duration.is_some_and(|duration| duration.is_zero() || duration > limits::TIMER) {
            return Err(Refusal::Invalid { field: "duration" });
        }
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.timer = duration.map(|duration| Timer {
            title: clean_line(title),
            duration_ms: millis(duration),
            ends_at_ms: now.unix_ms.saturating_add(millis(duration)),
            by: self.name_of(actor),
        });
        self.send(Audience::Everybody, Event::TimerChanged(self.timer.clone()));
        Ok(Reply::Done)
    }

    /// Takes somebody who goes out of what everybody is shown.
    pub(crate) fn unshow(&mut self, identity: &Identity) {
        if self.spotlight.contains(identity) {
            self.spotlight.retain(|shown| shown != identity);
            self.tell_spotlight(None);
        }
        if self
            .follow_me
            .as_ref()
            .is_some_and(|led| led.identity == *identity)
        {
            self.follow_me = None;
            self.send(Audience::Everybody, Event::FollowMe(None));
        }
        self.end_video_of(identity);
    }

    /// Whether a new track starts muted by the room's rules; each kind once a stay.
    pub(crate) fn starts_muted(&mut self, who: &ParticipantId, source: Source, kind: MediaKind) -> bool {
        let rules = &self.settings.rules;
        let (wanted, first): (bool, fn(&mut crate::member::Member) -> &mut bool) = match (source, kind) {
            (Source::Microphone, MediaKind::Audio) => (rules.start_audio_muted, |m| &mut m.began_audio),
            (Source::Camera, MediaKind::Video) => (rules.start_video_muted, |m| &mut m.began_video),
            _ => return false,
        };
        let Some(member) = self.members.get_mut(who) else {
            return false;
        };
        let first_time = !std::mem::replace(first(member), true);
        wanted && first_time && !member.info.rights.has(Right::SpeakFreely)
    }
}
