//! Who receives what, and how large: the only place that adds and removes routes.

use std::time::Instant;

use tertulia_model::{Layer, MediaKind, ParticipantId, Quality, Source, TrackId, VideoSize};

use crate::limits::{self, within};
use crate::member::Listeners;
use crate::{
    Audience, Event, MediaLimits, PublisherPermission, Refusal, Reply, Room, RouteChange, TrackInfo,
    TrackSettings, TrackState, Wanted,
};

impl Room {
    pub(crate) fn subscribe(
        &mut self,
        who: &ParticipantId,
        tracks: Vec<TrackId>,
        on: bool,
        now: Instant,
    ) -> Result<Reply, Refusal> {
        within("tracks", tracks.len(), limits::TRACKS_NAMED)?;
        if on && !self.member(who)?.info.permission.can_subscribe {
            return Err(Refusal::NotAllowed);
        }
        let mut unknown = Vec::new();
        for track in tracks {
            if !self.offers_to(&track, who) {
                unknown.push(track);
                continue;
            }
            self.member_mut(who)?
                .subscriptions
                .entry(track.clone())
                .or_default()
                .on = Some(on);
            self.reconcile(&track, who);
            self.settle_demand(&track, now);
        }
        if on && !unknown.is_empty() {
            Ok(Reply::NotSubscribed(unknown))
        } else {
            Ok(Reply::Done)
        }
    }

    pub(crate) fn set_track_settings(
        &mut self,
        who: &ParticipantId,
        tracks: &[TrackId],
        settings: TrackSettings,
        now: Instant,
    ) -> Result<Reply, Refusal> {
        within("tracks", tracks.len(), limits::TRACKS_NAMED)?;
        for track in tracks {
            // A track that has just gone is no mistake of the subscriber.
            if self.offers_to(track, who) {
                self.member_mut(who)?
                    .subscriptions
                    .entry(track.clone())
                    .or_default()
                    .settings = settings;
                self.reconcile(track, who);
                self.settle_demand(track, now);
            }
        }
        Ok(Reply::Done)
    }

    pub(crate) fn set_publisher_permissions(
        &mut self,
        who: &ParticipantId,
        all_participants: bool,
        permissions: Vec<PublisherPermission>,
        now: Instant,
    ) -> Result<Reply, Refusal> {
        within("permissions", permissions.len(), limits::PUBLISHER_PERMISSIONS)?;
        for permission in &permissions {
            within("tracks", permission.tracks.len(), limits::TRACKS)?;
        }
        let member = self.member_mut(who)?;
        member.listeners = if all_participants {
            Listeners::Everybody
        } else {
            Listeners::from_permissions(permissions)
        };
        for track in member.tracks.clone() {
            self.reconcile_track(&track, now);
        }
        Ok(Reply::Done)
    }

    /// Whether `who` may know of `track` as something to subscribe to.
    fn offers_to(&self, track: &TrackId, who: &ParticipantId) -> bool {
        let found = self.tracks.get(track);
        found
            .is_some_and(|publication| publication.state == TrackState::Live && publication.publisher != *who)
    }

    /// Brings the routes of one track up to date for everybody.
    pub(crate) fn reconcile_track(&mut self, track: &TrackId, now: Instant) {
        let everybody: Vec<ParticipantId> = self.members.keys().cloned().collect();
        for subscriber in everybody {
            self.reconcile(track, &subscriber);
        }
        self.settle_demand(track, now);
    }

    /// Brings the routes of every track up to date for one subscriber.
    pub(crate) fn reconcile_subscriber(&mut self, subscriber: &ParticipantId, now: Instant) {
        let tracks: Vec<TrackId> = self.tracks.keys().cloned().collect();
        for track in tracks {
            self.reconcile(&track, subscriber);
            self.settle_demand(&track, now);
        }
    }

    /// Takes a subscriber who goes out of every track.
    pub(crate) fn drop_subscriptions(&mut self, subscriber: &ParticipantId, now: Instant) {
        let mut left = Vec::new();
        for (track, publication) in &mut self.tracks {
            publication.paused.remove(subscriber);
            publication.needing_backup.remove(subscriber);
            publication.unable.remove(subscriber);
            if publication.routes.remove(subscriber).is_some() {
                left.push(track.clone());
            }
        }
        for track in left {
            self.route(RouteChange::Unroute {
                subscriber: subscriber.clone(),
                track: track.clone(),
            });
            self.settle_demand(&track, now);
        }
    }

    /// Makes the route of one track to one subscriber what rights and wishes say.
    fn reconcile(&mut self, track: &TrackId, subscriber: &ParticipantId) {
        let Some(publication) = self.tracks.get(track) else {
            return;
        };
        let Some(publisher) = self.members.get(&publication.publisher) else {
            return;
        };
        let Some(member) = self.members.get(subscriber) else {
            return;
        };
        let wished = publication.state == TrackState::Live
            && publication.publisher != *subscriber
            && member.wishes(track);
        let allowed = publisher.listeners.allow(&member.info.identity, track);
        let limits = &self.settings.rules.media;
        let wanted = (wished && allowed).then(|| Wanted {
            backup: publication.regressed,
            ..wanted(&publication.info, member.settings(track), limits)
        });
        let publisher = publication.publisher.clone();

        if wished {
            self.tell_allowed(subscriber, &publisher, track, allowed);
        }
        let Some(publication) = self.tracks.get_mut(track) else {
            return;
        };
        let before = publication.routes.get(subscriber).copied();
        let source = publication.info.source;
        match (before, wanted) {
            (before, Some(wanted)) if before != Some(wanted) => {
                publication.routes.insert(subscriber.clone(), wanted);
                let (subscriber, track) = (subscriber.clone(), track.clone());
                self.route(RouteChange::Route {
                    subscriber,
                    publisher,
                    track,
                    source,
                    wanted,
                });
            }
            (Some(_), None) => {
                publication.routes.remove(subscriber);
                publication.paused.remove(subscriber);
                publication.needing_backup.remove(subscriber);
                publication.unable.remove(subscriber);
                self.route(RouteChange::Unroute {
                    subscriber: subscriber.clone(),
                    track: track.clone(),
                });
            }
            _ => {}
        }
    }

    /// Tells a subscriber that wishes for a track when its publisher's word on it changes.
    fn tell_allowed(
        &mut self,
        subscriber: &ParticipantId,
        publisher: &ParticipantId,
        track: &TrackId,
        allowed: bool,
    ) {
        let Some(member) = self.members.get_mut(subscriber) else {
            return;
        };
        let denied = member
            .subscriptions
            .get(track)
            .is_some_and(|subscription| subscription.told_denied);
        if denied != allowed {
            return;
        }
        member.subscriptions.entry(track.clone()).or_default().told_denied = !allowed;
        let event = Event::SubscriptionAllowed {
            publisher: publisher.clone(),
            track: track.clone(),
            allowed,
        };
        self.send(Audience::One(subscriber.clone()), event);
    }

    pub(crate) fn stream_state(
        &mut self,
        subscriber: &ParticipantId,
        track: &TrackId,
        paused: bool,
    ) -> Result<(), Refusal> {
        let publication = self.tracks.get_mut(track).ok_or(Refusal::NoSuchTrack)?;
        if !publication.routes.contains_key(subscriber) {
            return Err(Refusal::NoSuchParticipant);
        }
        let changed = if paused {
            publication.paused.insert(subscriber.clone())
        } else {
            publication.paused.remove(subscriber)
        };
        if changed {
            let publisher = publication.publisher.clone();
            let event = Event::StreamState {
                publisher,
                track: track.clone(),
                paused,
            };
            self.send(Audience::One(subscriber.clone()), event);
        }
        Ok(())
    }

    /// A subscriber that cannot decode the primary codec makes the backup wanted, and where the publisher's policy is to
    /// encode once, the others get it too.
    pub(crate) fn backup_needed(
        &mut self,
        subscriber: &ParticipantId,
        track: &TrackId,
        now: Instant,
    ) -> Result<(), Refusal> {
        let publication = self.tracks.get_mut(track).ok_or(Refusal::NoSuchTrack)?;
        if !publication.routes.contains_key(subscriber) {
            return Err(Refusal::NoSuchParticipant);
        }
        publication.unable.remove(subscriber);
        publication.needing_backup.insert(subscriber.clone());
        self.regress(track, now);
        Ok(())
    }

    /// A subscriber can decode nothing of a track.
    pub(crate) fn codec_unsupported(
        &mut self,
        subscriber: &ParticipantId,
        track: &TrackId,
        now: Instant,
    ) -> Result<(), Refusal> {
        let publication = self.tracks.get_mut(track).ok_or(Refusal::NoSuchTrack)?;
        if !publication.routes.contains_key(subscriber) {
            return Err(Refusal::NoSuchParticipant);
        }
        publication.needing_backup.remove(subscriber);
        if publication.unable.insert(subscriber.clone()) {
            let event = Event::SubscriptionFailed {
                track: track.clone(),
                codec_unsupported: true,
            };
            self.send(Audience::One(subscriber.clone()), event);
        }
        self.settle_demand(track, now);
        Ok(())
    }

    pub(crate) fn subscribed(&mut self, subscriber: &ParticipantId, track: &TrackId) -> Result<(), Refusal> {
        let publication = self.tracks.get_mut(track).ok_or(Refusal::NoSuchTrack)?;
        if !publication.routes.contains_key(subscriber) {
            return Err(Refusal::NoSuchParticipant);
        }
        if !publication.told_subscribed {
            publication.told_subscribed = true;
            let publisher = publication.publisher.clone();
            self.send(Audience::One(publisher), Event::TrackSubscribed(track.clone()));
        }
        Ok(())
    }
}

/// What a subscriber gets of a track by its settings.
fn wanted(track: &TrackInfo, settings: TrackSettings, limits: &MediaLimits) -> Wanted {
    let limited = track.source == Source::Camera;
    let max_height = limits.max_height.filter(|_| limited).unwrap_or(u32::MAX);
    let layers = allowed_layers(&track.layers, max_height);
    let size = settings.size.filter(|size| size.width > 0 && size.height > 0);
    let max_quality = match (track.kind, size) {
        (MediaKind::Audio, _) => Quality::High,
        (MediaKind::Video, Some(size)) => quality_covering(layers, size),
        (MediaKind::Video, None) => quality_up_to(layers, settings.quality.unwrap_or(Quality::High)),
    };
    Wanted {
        enabled: !settings.disabled,
        max_quality,
        max_fps: [
            settings.fps.filter(|fps| *fps > 0),
            limits.max_fps.filter(|_| limited),
        ]
        .into_iter()
        .flatten()
        .min(),
        size,
        priority: settings.priority,
        backup: false,
    }
}

/// The layers whose short side is within the room's limit; the lowest where none is.
fn allowed_layers(layers: &[Layer], max_height: u32) -> &[Layer] {
    let fits = |layer: &Layer| layer.size.width.min(layer.size.height) <= max_height;
    let fitting = layers.iter().take_while(|layer| fits(layer)).count();
    &layers[..fitting.max(1).min(layers.len())]
}

/// The smallest layer that fills `shown` without being enlarged; the largest where none does.
fn quality_covering(layers: &[Layer], shown: VideoSize) -> Quality {
    let covering = layers.iter().find(|layer| covers(layer.size, shown));
    covering
        .or(layers.last())
        .map_or(Quality::High, |layer| layer.quality)
}

/// Long side against long side, so that a phone turned upright needs no other layer. Publishers round scaled sizes,
/// hence the two pixels.
fn covers(layer: VideoSize, shown: VideoSize) -> bool {
    let sides = |size: VideoSize| (size.width.min(size.height), size.width.max(size.height));
    let (short, long) = sides(layer);
    let (shown_short, shown_long) = sides(shown);
    short.saturating_add(2) >= shown_short && long.saturating_add(2) >= shown_long
}

/// The highest announced quality up to `limit`; the lowest there is where all are higher.
fn quality_up_to(layers: &[Layer], limit: Quality) -> Quality {
    let fitting = layers.iter().rev().find(|layer| layer.quality <= limit);
    fitting.or(layers.first()).map_or(limit, |layer| layer.quality)
}
