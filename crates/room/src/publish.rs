//! Announcing tracks, binding them to media, muting and withdrawing them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use rand::Rng;
use tertulia_model::{Codec, MediaKind, ParticipantId, TrackId};

use crate::announcement::{checked, track_info};
use crate::dynacast::{Demand, policy};
use crate::limits::{self, within};
use crate::publication::{Awaiting, Publication};
use crate::{
    Audience, Event, Matched, NewTrack, Now, Refusal, Reply, Room, RouteChange, TrackInfo, TrackState,
};

impl Room {
    /// The announced track that a newly offered section carries: the one announced with this `track_id`, else the one
    /// of this kind that waits longest (Firefox invents the track id of an `msid`).
    pub fn match_pending(
        &self,
        publisher: &ParticipantId,
        kind: MediaKind,
        track_id: Option<&str>,
    ) -> Option<TrackId> {
        let matched = self.match_sections(publisher, &[(kind, track_id)]).pop();
        Some(matched.flatten()?.track)
    }

    /// As [`Room::match_pending`] for all newly offered sections of one offer, in their order: those whose ids were
    /// announced find their tracks first, so that no other section takes these. Sections whose id is that of a track
    /// already live match nothing.
    pub fn match_sections(
        &self,
        publisher: &ParticipantId,
        sections: &[(MediaKind, Option<&str>)],
    ) -> Vec<Option<Matched>> {
        self.announced(publisher).match_sections(sections)
    }

    /// A track, pending or live, and who publishes it.
    pub fn track(&self, id: &TrackId) -> Option<(&ParticipantId, &TrackInfo)> {
        self.tracks
            .get(id)
            .map(|publication| (&publication.publisher, &publication.info))
    }

    pub(crate) fn publish(&mut self, who: &ParticipantId, new: NewTrack, now: Now) -> Result<Reply, Refusal> {
        let member = self.member(who)?;
        if member.info.permission.hidden || !member.info.permission.allows_source(new.source) {
            return Err(Refusal::NotAllowed);
        }
        let new = checked(new)?;
        self.member_mut(who)?.buckets.changes.take(now.instant)?;
        if let Some(existing) = new.existing.clone() {
            return self.publish_backup(who, &existing, new, now.instant);
        }
        let member = self.member(who)?;
        let pending = || {
            let own = member.tracks.iter().filter_map(|id| self.tracks.get(id));
            own.filter(|publication| publication.state == TrackState::Pending)
        };
        // A client that asks again before its offer arrived gets the same track.
        let same = pending().find(|publication| {
            publication.info.kind == new.kind
                && publication
                    .awaiting
                    .iter()
                    .any(|awaited| awaited.cids.first() == Some(&new.cid))
        });
        if let Some(publication) = same {
            let track = publication.info.clone();
            self.tell_published(who, new.cid, track.clone());
            return Ok(Reply::Track(Box::new(track)));
        }
        within("pending tracks", pending().count() + 1, limits::PENDING_TRACKS)?;
        within("tracks", member.tracks.len() + 1, limits::TRACKS)?;

        let silenced = self.starts_muted(who, new.source, new.kind) && !new.muted;
        let new = NewTrack {
            muted: new.muted || silenced,
            ..new
        };
        let id = self.fresh_track_id();
        let mut cids = vec![new.cid.clone()];
        cids.extend(
            new.codecs
                .iter()
                .map(|codec| codec.cid.clone())
                .filter(|cid| !cid.is_empty()),
        );
        let cid = new.cid.clone();
        let codec = new.codecs.first().map(|codec| codec.codec);
        let info = track_info(id.clone(), new);
        let publication = Publication {
            publisher: who.clone(),
            info: info.clone(),
            state: TrackState::Pending,
            awaiting: VecDeque::from([Awaiting {
                ticket: self.take_ticket(),
                codec,
                cids,
            }]),
            bound_cids: Vec::new(),
            routes: BTreeMap::new(),
            paused: BTreeSet::new(),
            needing_backup: BTreeSet::new(),
            unable: BTreeSet::new(),
            backup_live: false,
            regressed: false,
            demand: Demand::default(),
            told_subscribed: false,
        };
        self.tracks.insert(id.clone(), publication);
        self.member_mut(who)?.tracks.push(id);
        self.route(RouteChange::TrackAdded {
            publisher: who.clone(),
            track: info.clone(),
        });
        self.tell_published(who, cid, info.clone());
        if silenced {
            let track = info.id.clone();
            let event = Event::MuteRequested { track, muted: true };
            self.send(Audience::One(who.clone()), event);
        }
        Ok(Reply::Track(Box::new(info)))
    }

    /// Adds a codec to a track already announced.
    fn publish_backup(
        &mut self,
        who: &ParticipantId,
        id: &TrackId,
        new: NewTrack,
        now: Instant,
    ) -> Result<Reply, Refusal> {
        let ticket = self.take_ticket();
        let publication = self.own_track(who, id)?;
        if publication.info.kind != new.kind {
            return Err(Refusal::UnsupportedType);
        }
        let Some(mut added) = new.codecs.into_iter().next() else {
            return Err(Refusal::Invalid { field: "codecs" });
        };
        added.cid.clone_from(&new.cid);
        if added.layers.is_empty() {
            added.layers = new.layers;
        }
        let (cid, codec) = (new.cid, added.codec);
        let others = publication
            .awaiting
            .iter()
            .filter(|awaited| !awaited.cids.contains(&cid))
            .count();
        within("pending tracks", others + 1, limits::CODECS)?;
        match publication
            .info
            .codecs
            .iter_mut()
            .find(|codec| codec.codec == added.codec)
        {
            Some(known) => *known = added,
            None => {
                within("codecs", publication.info.codecs.len() + 1, limits::CODECS)?;
                publication.info.codecs.push(added);
                // Those who receive it have negotiated without this codec: they cannot follow.
                publication.info.backup_codec_policy = policy::NEVER;
            }
        }
        publication
            .awaiting
            .retain(|awaited| !awaited.cids.contains(&cid));
        publication.awaiting.push_back(Awaiting {
            ticket,
            codec: Some(codec),
            cids: vec![cid.clone()],
        });
        let info = publication.info.clone();
        self.tell_published(who, cid, info.clone());
        self.track_changed(id);
        self.settle_demand(id, now);
        Ok(Reply::Track(Box::new(info)))
    }

    pub(crate) fn track_bound(
        &mut self,
        id: &TrackId,
        codec: Codec,
        simulcast: bool,
        red: bool,
        now: Instant,
    ) -> Result<(), Refusal> {
        let publication = self.tracks.get_mut(id).ok_or(Refusal::NoSuchTrack)?;
        if codec.kind() != publication.info.kind {
            return Err(Refusal::UnsupportedType);
        }
        if let Some(awaited) = publication.awaiting.pop_front() {
            publication.bound_cids.extend(awaited.cids);
        }
        let backup = publication.state == TrackState::Live && publication.backup_codec() == Some(codec);
        if backup {
            publication.backup_live = true;
            self.regress(id, now);
            return Ok(());
        }
        let before = publication.info.clone();
        let went_live = publication.state == TrackState::Pending;
        publication.info.codec = Some(codec);
        publication.info.simulcast = simulcast;
        publication.info.red = red;
        publication.state = TrackState::Live;
        if went_live {
            publication.demand = Demand::begin(now);
        } else if publication.info == before {
            return Ok(());
        }
        let publisher = publication.publisher.clone();
        let info = publication.info.clone();
        self.track_changed(id);
        if went_live {
            self.touched = true;
            if let Some(identity) = self
                .members
                .get(&publisher)
                .map(|member| member.info.identity.clone())
            {
                self.send(Audience::Observers, Event::TrackStarted(identity, info));
            }
        }
        self.reconcile_track(id, now);
        Ok(())
    }

    pub(crate) fn unpublish_own(&mut self, who: &ParticipantId, id: &TrackId) -> Result<Reply, Refusal> {
        self.own_track(who, id)?;
        self.unpublish(id);
        Ok(Reply::Done)
    }

    /// Withdraws a track and announces its publisher without it.
    pub(crate) fn unpublish(&mut self, id: &TrackId) {
        let live = self
            .tracks
            .get(id)
            .filter(|publication| publication.state == TrackState::Live);
        let publisher = live.map(|publication| publication.publisher.clone());
        self.unpublish_quietly(id);
        if let Some(publisher) = publisher {
            self.announce(&publisher);
        }
    }

    /// Withdraws a track; announcing its publisher is left to the caller.
    pub(crate) fn unpublish_quietly(&mut self, id: &TrackId) {
        let Some(publication) = self.tracks.get(id) else {
            return;
        };
        let publisher = Audience::One(publication.publisher.clone());
        self.withdraw(id, publisher);
    }

    /// Takes a track out of the room and of the routes. `told` hears of it, observers do where it was live.
    pub(crate) fn withdraw(&mut self, id: &TrackId, told: Audience) {
        let Some(publication) = self.tracks.remove(id) else {
            return;
        };
        for member in self.members.values_mut() {
            member.subscriptions.remove(id);
        }
        if let Some(at) = publication.demand.downgrade_at {
            self.downgrades.remove(&(at, id.clone()));
        }
        let publisher = publication.publisher;
        if let Some(member) = self.members.get_mut(&publisher) {
            member.tracks.retain(|own| own != id);
            let identity = member.info.identity.clone();
            let gone = Event::TrackUnpublished(identity, id.clone());
            if told != Audience::Observers {
                self.send(told, gone.clone());
            }
            if publication.state == TrackState::Live {
                self.send(Audience::Observers, gone);
            }
        }
        self.refresh_tracks(&publisher);
        self.touched = true;
        self.route(RouteChange::TrackRemoved {
            publisher,
            track: id.clone(),
        });
    }

    /// Tells the forwarding engine and, where the track is live, everybody.
    pub(crate) fn track_changed(&mut self, id: &TrackId) {
        let Some(publication) = self.tracks.get(id) else {
            return;
        };
        let publisher = publication.publisher.clone();
        let track = publication.info.clone();
        let live = publication.state == TrackState::Live;
        self.route(RouteChange::TrackChanged {
            publisher: publisher.clone(),
            track,
        });
        if live {
            self.refresh_tracks(&publisher);
            self.announce(&publisher);
        }
    }

    fn refresh_tracks(&mut self, publisher: &ParticipantId) {
        let Some(member) = self.members.get_mut(publisher) else {
            return;
        };
        let own = member.tracks.iter().filter_map(|id| self.tracks.get(id));
        let live = own.filter(|publication| publication.state == TrackState::Live);
        member.info.tracks = live.map(|publication| publication.info.clone()).collect();
    }

    pub(crate) fn own_track(
        &mut self,
        who: &ParticipantId,
        id: &TrackId,
    ) -> Result<&mut Publication, Refusal> {
        let found = self
            .tracks
            .get_mut(id)
            .filter(|publication| publication.publisher == *who);
        found.ok_or(Refusal::NoSuchTrack)
    }

    fn tell_published(&mut self, who: &ParticipantId, cid: String, track: TrackInfo) {
        self.send(Audience::One(who.clone()), Event::TrackPublished { cid, track });
    }

    fn take_ticket(&mut self) -> u64 {
        self.next_ticket += 1;
        self.next_ticket
    }

    fn fresh_track_id(&mut self) -> TrackId {
        loop {
            let id = TrackId::from_random(self.rng.next_u64());
            if !self.tracks.contains_key(&id) {
                return id;
            }
        }
    }
}
