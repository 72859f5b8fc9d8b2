//! Announcing tracks, binding them to media, muting and withdrawing them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use rand::Rng;
use tertulia_model::{Codec, Identity, Layer, MediaKind, ParticipantId, Quality, Source, TrackId, VideoSize};

use crate::dynacast::Demand;
use crate::limits::{self, within};
use crate::publication::{Awaiting, Publication};
use crate::text::clean_line;
use crate::{
    Audience, AudioFeatures, Event, NewTrack, Now, Refusal, Reply, Room, RouteChange, SimulcastCodec,
    TrackInfo, TrackState,
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
        let own = self.members.get(publisher)?.tracks.iter();
        let waiting = || {
            own.clone()
                .filter_map(|id| self.tracks.get(id).map(|publication| (id, publication)))
                .flat_map(|(id, publication)| {
                    let of_kind = publication.info.kind == kind;
                    publication
                        .awaiting
                        .iter()
                        .filter(move |_| of_kind)
                        .map(move |awaited| (id, awaited))
                })
        };
        let named = track_id.and_then(|track_id| {
            waiting().find(|(_, awaited)| awaited.cids.iter().any(|cid| cid == track_id))
        });
        let found = named.or_else(|| waiting().min_by_key(|(_, awaited)| awaited.ticket));
        found.map(|(id, _)| id.clone())
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

        let id = self.fresh_track_id();
        let mut cids = vec![new.cid.clone()];
        cids.extend(
            new.codecs
                .iter()
                .map(|codec| codec.cid.clone())
                .filter(|cid| !cid.is_empty()),
        );
        let cid = new.cid.clone();
        let info = track_info(id.clone(), new);
        let publication = Publication {
            publisher: who.clone(),
            info: info.clone(),
            state: TrackState::Pending,
            awaiting: VecDeque::from([Awaiting {
                ticket: self.take_ticket(),
                cids,
            }]),
            routes: BTreeMap::new(),
            paused: BTreeSet::new(),
            needing_backup: BTreeSet::new(),
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
        let cid = new.cid;
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
            }
        }
        publication
            .awaiting
            .retain(|awaited| !awaited.cids.contains(&cid));
        publication.awaiting.push_back(Awaiting {
            ticket,
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
        publication.awaiting.pop_front();
        let backup = publication.state == TrackState::Live
            && publication.info.codecs.iter().any(|known| known.codec == codec)
            && publication.info.codec != Some(codec);
        if backup {
            self.settle_demand(id, now);
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

    pub(crate) fn mute_own(
        &mut self,
        who: &ParticipantId,
        id: &TrackId,
        muted: bool,
        now: Now,
    ) -> Result<Reply, Refusal> {
        self.own_track(who, id)?;
        self.member_mut(who)?.buckets.changes.take(now.instant)?;
        self.set_muted(id, muted);
        Ok(Reply::Done)
    }

    /// A moderator silences somebody; nobody but its owner opens a microphone or a camera.
    pub(crate) fn mute_other(
        &mut self,
        identity: &Identity,
        id: &TrackId,
        muted: bool,
    ) -> Result<Reply, Refusal> {
        if !muted {
            return Err(Refusal::NotAllowed);
        }
        let who = self.find(identity)?;
        self.own_track(&who, id)?;
        if self.set_muted(id, muted) {
            self.send(
                Audience::One(who.clone()),
                Event::MuteRequested {
                    track: id.clone(),
                    muted,
                },
            );
        }
        let info = self.own_track(&who, id)?.info.clone();
        Ok(Reply::Track(Box::new(info)))
    }

    fn set_muted(&mut self, id: &TrackId, muted: bool) -> bool {
        let Some(publication) = self.tracks.get_mut(id) else {
            return false;
        };
        if publication.info.muted == muted {
            return false;
        }
        publication.info.muted = muted;
        self.track_changed(id);
        true
    }

    pub(crate) fn update_track(
        &mut self,
        who: &ParticipantId,
        id: &TrackId,
        size: Option<VideoSize>,
        layers: Option<Vec<Layer>>,
        audio: Option<AudioFeatures>,
        now: Now,
    ) -> Result<Reply, Refusal> {
        let kind = self.own_track(who, id)?.info.kind;
        let layers = layers.map(|layers| checked_layers(kind, layers)).transpose()?;
        self.member_mut(who)?.buckets.changes.take(now.instant)?;
        let info = &mut self.own_track(who, id)?.info;
        let before = info.clone();
        if let Some(size) = size.filter(|_| kind == MediaKind::Video) {
            info.size = size;
        }
        if let Some(layers) = layers {
            info.layers = layers;
        }
        if let Some(audio) = audio.filter(|_| kind == MediaKind::Audio) {
            info.audio = audio;
        }
        if *info != before {
            self.track_changed(id);
            self.reconcile_track(id, now.instant);
        }
        Ok(Reply::Done)
    }

    /// Tells the forwarding engine and, where the track is live, everybody.
    fn track_changed(&mut self, id: &TrackId) {
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

    fn own_track(&mut self, who: &ParticipantId, id: &TrackId) -> Result<&mut Publication, Refusal> {
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

/// Checks and bounds what a peer announces.
fn checked(mut new: NewTrack) -> Result<NewTrack, Refusal> {
    let fits = match new.source {
        Source::Camera | Source::ScreenShare => new.kind == MediaKind::Video,
        Source::Microphone | Source::ScreenShareAudio => new.kind == MediaKind::Audio,
        Source::Unknown => true,
    };
    if !fits {
        return Err(Refusal::Invalid { field: "source" });
    }
    check_cid(&new.cid)?;
    if new.cid.is_empty() {
        return Err(Refusal::Invalid { field: "cid" });
    }
    within("name", new.name.len(), limits::NAME_BYTES)?;
    within("stream", new.stream.len(), limits::ID_BYTES)?;
    within("codecs", new.codecs.len(), limits::CODECS)?;
    within(
        "packet trailer features",
        new.packet_trailer_features.len(),
        limits::TRAILER_FEATURES,
    )?;
    new.name = clean_line(&new.name);
    // The stream name becomes a word of an `msid` attribute, behind a bar.
    new.stream = new
        .stream
        .chars()
        .map(|c| if c.is_ascii_graphic() && c != '|' { c } else { '-' })
        .collect();
    new.layers = checked_layers(new.kind, new.layers)?;
    let kind = new.kind;
    new.codecs = new
        .codecs
        .into_iter()
        .map(|codec| checked_codec(kind, codec))
        .collect::<Result<_, _>>()?;
    if kind == MediaKind::Audio {
        new.size = VideoSize::default();
    }
    Ok(new)
}

fn checked_codec(kind: MediaKind, mut codec: SimulcastCodec) -> Result<SimulcastCodec, Refusal> {
    if codec.codec.kind() != kind {
        return Err(Refusal::UnsupportedType);
    }
    check_cid(&codec.cid)?;
    codec.layers = checked_layers(kind, codec.layers)?;
    Ok(codec)
}

fn check_cid(cid: &str) -> Result<(), Refusal> {
    within("cid", cid.len(), limits::ID_BYTES)?;
    if cid.chars().any(char::is_control) {
        Err(Refusal::Invalid { field: "cid" })
    } else {
        Ok(())
    }
}

/// Layers lowest first, one a quality; audio has none.
fn checked_layers(kind: MediaKind, mut layers: Vec<Layer>) -> Result<Vec<Layer>, Refusal> {
    if kind == MediaKind::Audio {
        return Ok(Vec::new());
    }
    within("layers", layers.len(), limits::LAYERS)?;
    layers.sort_by_key(|layer| layer.quality);
    let distinct: BTreeSet<Quality> = layers.iter().map(|layer| layer.quality).collect();
    if distinct.len() < layers.len() {
        Err(Refusal::Invalid { field: "layers" })
    } else {
        Ok(layers)
    }
}

fn track_info(id: TrackId, new: NewTrack) -> TrackInfo {
    let stream = match (new.stream.is_empty(), new.source) {
        (false, _) => new.stream,
        (true, Source::Camera | Source::Microphone) => "camera".to_owned(),
        (true, Source::ScreenShare | Source::ScreenShareAudio) => "screen".to_owned(),
        // Tracks nobody said belong together are not held in sync.
        (true, Source::Unknown) => id.as_str().to_owned(),
    };
    let layers = match new.codecs.first() {
        Some(primary) if new.layers.is_empty() => primary.layers.clone(),
        _ => new.layers,
    };
    TrackInfo {
        id,
        kind: new.kind,
        source: new.source,
        name: new.name,
        muted: new.muted,
        size: new.size,
        simulcast: layers.len() > 1,
        layers,
        codec: None,
        codecs: new.codecs,
        red: new.red,
        stream,
        encryption: new.encryption,
        audio: new.audio,
        backup_codec_policy: new.backup_codec_policy,
        packet_trailer_features: new.packet_trailer_features,
    }
}
