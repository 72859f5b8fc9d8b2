use std::sync::Arc;
use std::time::Instant;

use tertulia_forward::{LayerPoint, RouteSettings, SinkId, TrackNumber};
use tertulia_model::{ParticipantId, Source, TrackId};
use tertulia_room::{
    Actor, Audience, Command, Delivery, DepartureReason, Event, Room, RouteChange, TrackInfo, Wanted,
};
use tertulia_session::TxWish;
use tokio::sync::mpsc;

use super::sessions::Sink;
use super::{Worker, codecs, room_now};
use crate::message::PeerEvent;
use crate::peer::Receive;
use crate::room_slot::{BoundTrack, Control, Listener, RoomSlot};
use crate::spread::ToStage;
use crate::stats::Counters;

/// Routes that share one negotiation wait this long for each other.
pub(super) const GATHER: std::time::Duration = std::time::Duration::from_millis(20);

impl RoomSlot {
    /// Sends an event to one participant's door; one that does not keep up is let go after the turn.
    pub(crate) fn tell(&mut self, who: &ParticipantId, event: PeerEvent) {
        let Some(door) = self.door(who) else { return };
        match door.try_send(event) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => self.unreachable.push((who.clone(), true)),
            Err(mpsc::error::TrySendError::Closed(_)) => self.unreachable.push((who.clone(), false)),
        }
    }

    fn deliver(&mut self, delivery: &Delivery, except: Option<&ParticipantId>) {
        let everybody: Vec<ParticipantId>;
        let audience: &[ParticipantId] = match &delivery.to {
            Audience::One(who) => std::slice::from_ref(who),
            Audience::Some(some) => some,
            Audience::Everybody | Audience::AllBut(_) => {
                everybody = self.everybody();
                &everybody
            }
            Audience::Observers | Audience::Waiting(_) | Audience::Away(_) => &[],
        };
        for who in audience {
            let left_out = matches!(&delivery.to, Audience::AllBut(but) if but == who) || except == Some(who);
            if !left_out {
                self.tell(who, PeerEvent::Room(delivery.event.clone()));
            }
        }
        if is_followed(&delivery.event) {
            self.tell_followers(delivery);
        }
        if is_observed(delivery) {
            self.observers
                .retain(|observer| observer.try_send(delivery.event.clone()).is_ok());
        }
    }
}

impl RoomSlot {
    fn tell_followers(&mut self, delivery: &Delivery) {
        // Somebody who is gone hears that as the last thing; somebody who hides is not gone.
        let gone = match &*delivery.event {
            Event::ParticipantLeft(info, _) => {
                let is_here = self
                    .room()
                    .is_some_and(|room| room.participant(&info.id).is_some());
                (!is_here).then(|| Listener::Participant(info.id.clone()))
            }
            _ => None,
        };
        self.followers.retain(|follower| {
            let leaves = gone.as_ref() == Some(&follower.listener);
            let told = !(leaves || follower.listener.hears(&delivery.to))
                || follower.events.try_send(delivery.event.clone()).is_ok();
            told && !leaves
        });
    }
}

impl Worker {
    /// Carries out what the room decided, until nothing is left.
    pub(super) fn pump(&mut self, key: usize, now: Instant) {
        self.pump_excluding(key, None, now);
    }

    /// As [`Worker::pump`], before `newcomer` has its queue.
    pub(super) fn pump_without(&mut self, key: usize, newcomer: &ParticipantId, now: Instant) {
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        let mut deliveries = Vec::new();
        while let Some(delivery) = slot.room_mut().and_then(Room::poll_delivery) {
            deliveries.push(delivery);
        }
        for delivery in &deliveries {
            self.deliver(key, delivery, Some(newcomer));
        }
        // Routes of the newcomer wait until it has its sessions; those of the one it replaced do not.
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        let mut changes = Vec::new();
        while let Some(change) = slot.room_mut().and_then(Room::poll_route) {
            changes.push(change);
        }
        let (later, first): (Vec<_>, Vec<_>) = changes.into_iter().partition(
            |change| matches!(change, RouteChange::Route { subscriber, .. } if subscriber == newcomer),
        );
        for change in first {
            self.change_route(key, change, now);
        }
        if let Some(slot) = self.rooms.get_mut(key) {
            slot.waiting_routes = later;
        }
    }

    fn pump_excluding(&mut self, key: usize, except: Option<&ParticipantId>, now: Instant) {
        loop {
            let Some(slot) = self.rooms.get_mut(key) else {
                return;
            };
            for change in std::mem::take(&mut slot.waiting_routes) {
                self.change_route(key, change, now);
            }
            let Some(slot) = self.rooms.get_mut(key) else {
                return;
            };
            if let Some(delivery) = slot.room_mut().and_then(Room::poll_delivery) {
                self.deliver(key, &delivery, except);
            } else if let Some(change) = slot.room_mut().and_then(Room::poll_route) {
                self.change_route(key, change, now);
            } else if let Some(errand) = slot.room_mut().and_then(Room::poll_errand) {
                self.run_errand(key, errand);
            } else if let Some((who, slow)) = slot.unreachable.pop() {
                self.let_go(key, &who, slow, now);
            } else {
                break;
            }
        }
        self.tell_announced(key);
        self.give_records(key);
        let ended = |slot: &RoomSlot| slot.room().is_some_and(Room::is_ended);
        if self.rooms.get(key).is_some_and(ended) {
            self.remove_room(key, now);
        }
    }

    fn deliver(&mut self, key: usize, delivery: &Delivery, except: Option<&ParticipantId>) {
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        slot.deliver(delivery, except);
        if is_observed(delivery) {
            self.shared.tell_observers(&slot.name, &slot.id, &delivery.event);
        }
    }

    fn let_go(&mut self, key: usize, who: &ParticipantId, slow: bool, now: Instant) {
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        if slot.door(who).is_none() {
            return;
        }
        let reason = if slow {
            DepartureReason::Misbehaved
        } else {
            DepartureReason::SignalLost
        };
        if slow {
            Counters::up(&self.shared.counters.slow_consumers);
            tracing::warn!(participant = %who, "a participant reads too slowly and is let go");
        }
        let actor = Actor::Participant(who.clone());
        let Some(room) = slot.room_mut() else {
            return self.room_command(key, &actor, Command::Leave { reason }, now);
        };
        if let Err(refusal) = room.handle(&actor, Command::Leave { reason }, room_now(now)) {
            tracing::debug!(%refusal, "an unreachable participant had left");
            self.remove_peer(key, who, now);
        }
    }

    /// Carries out what the room decided, here and on the room's other workers.
    pub(super) fn change_route(&mut self, key: usize, change: RouteChange, now: Instant) {
        let spread = self
            .rooms
            .get(key)
            .and_then(RoomSlot::home)
            .is_some_and(|home| !home.stages.is_empty());
        let told = spread.then(|| change.clone());
        self.change_route_here(key, change, now);
        if let Some(change) = told {
            self.tell_change(key, change);
        }
    }

    fn change_route_here(&mut self, key: usize, change: RouteChange, now: Instant) {
        match change {
            RouteChange::TrackAdded { publisher, track } => {
                if let Some(place) = self.place_track(key, &publisher) {
                    self.add_track(key, publisher, track, place, now);
                }
            }
            RouteChange::TrackChanged { track, .. } => {
                let Some(slot) = self.rooms.get_mut(key) else {
                    return;
                };
                let id = track.id.clone();
                if let Some(bound) = slot.tracks.get_mut(&id) {
                    bound.info = track;
                    self.add_backup(key, &id);
                    self.mute(key, &id, now);
                    self.offer_codecs(key, &id, now);
                    self.ask_for_keyframes(key, now);
                }
            }
            RouteChange::TrackRemoved { track, .. } => self.remove_track(key, &track, now),
            RouteChange::Route {
                subscriber,
                publisher,
                track,
                source,
                wanted,
            } => {
                self.route(key, &subscriber, &publisher, &track, source, wanted, now);
            }
            RouteChange::Unroute { subscriber, track } => self.unroute(key, &subscriber, &track, now),
            RouteChange::ParticipantRemoved { participant } => self.remove_peer(key, &participant, now),
        }
    }

    /// A new track's number, and the worker that hosts its publisher.
    fn place_track(&mut self, key: usize, publisher: &ParticipantId) -> Option<(TrackNumber, usize)> {
        let home = self.rooms.get_mut(key)?.home_mut()?;
        home.last_number = home.last_number.checked_add(2)?;
        let host = home.hosted.get(publisher).map(|hosted| hosted.worker);
        Some((TrackNumber(home.last_number), host.unwrap_or(self.index)))
    }

    pub(super) fn add_track(
        &mut self,
        key: usize,
        publisher: ParticipantId,
        info: TrackInfo,
        (number, host): (TrackNumber, usize),
        now: Instant,
    ) {
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        if slot.tracks.contains_key(&info.id) {
            return;
        }
        let mirror = host != self.index;
        slot.mirrors += usize::from(mirror);
        let primary = slot.add_medium(info.kind, number, mirror);
        let id = info.id.clone();
        slot.tracks.insert(
            id.clone(),
            BoundTrack {
                publisher,
                info,
                host,
                primary,
                backup: None,
            },
        );
        self.add_backup(key, &id);
        self.mute(key, &id, now);
    }

    /// Makes a place for a track's backup codec, where one was announced.
    fn add_backup(&mut self, key: usize, track: &TrackId) {
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        let announced = slot
            .tracks
            .get(track)
            .filter(|bound| bound.backup.is_none() && bound.info.backup_codec().is_some());
        let Some(bound) = announced else { return };
        let number = TrackNumber(bound.primary.number.0 | 1);
        let (kind, mirror) = (bound.info.kind, bound.host != self.index);
        let backup = slot.add_medium(kind, number, mirror);
        if let Some(bound) = slot.tracks.get_mut(track) {
            bound.backup = Some(backup);
        }
    }

    /// Passes nothing of a track on while it is muted.
    fn mute(&mut self, key: usize, track: &TrackId, now: Instant) {
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        if let Some(bound) = slot.tracks.get(track) {
            for medium in bound.media() {
                slot.routes.set_muted(medium.key, bound.info.muted, now);
            }
        }
    }

    fn remove_track(&mut self, key: usize, track: &TrackId, now: Instant) {
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        let subscribers: Vec<ParticipantId> = slot
            .peers
            .values()
            .filter(|peer| peer.receives.contains_key(track))
            .map(|peer| peer.id.clone())
            .collect();
        for subscriber in subscribers {
            self.unroute(key, &subscriber, track, now);
        }
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        let Some(bound) = slot.tracks.remove(track) else {
            return;
        };
        if bound.host != self.index {
            slot.mirrors -= 1;
        }
        slot.speakers.forget(&bound.primary.key);
        for medium in bound.media() {
            slot.routes.remove_track(medium.key);
            slot.relay.forget(medium.key);
            slot.by_number.remove(&medium.number);
            if let Some((session, rx)) = medium.source
                && let Some(session) = self.sessions.get_mut(session)
            {
                session.received.retain(|received| received.rx != rx);
                session.retired.push(rx);
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one route change")]
    fn route(
        &mut self,
        key: usize,
        subscriber: &ParticipantId,
        publisher: &ParticipantId,
        track: &TrackId,
        source: Source,
        wanted: Wanted,
        now: Instant,
    ) {
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        let Some(bound) = slot.tracks.get(track) else {
            return;
        };
        let info = &bound.info;
        let Some(peer) = slot.peers.get_mut(subscriber) else {
            return;
        };
        if let Some(receive) = peer.receives.get_mut(track) {
            receive.asked = wanted.priority;
            receive.follows = wanted.backup;
            if receive.bound {
                codecs::choose(receive, bound, &self.sinks, &mut slot.routes, now);
            }
            if let Some(before) = slot.routes.route(receive.route) {
                let settings = RouteSettings {
                    enabled: wanted.enabled,
                    max_layer: wanted.max_quality.index(),
                    ..before
                };
                slot.routes.set_route(receive.route, settings, now);
            }
            self.ask_for_keyframes(key, now);
            return;
        }
        let session = peer.downlink();
        let wish = TxWish {
            kind: info.kind,
            codecs: codecs::wished(info),
            stream_id: format!("{publisher}|{}", info.stream),
            track_id: track.to_string(),
        };
        let Some(session_slot) = self.sessions.get_mut(session) else {
            return;
        };
        let tx = session_slot.session.add_tx(wish);
        let sink = self.sinks.insert(Sink {
            session,
            tx,
            payload_types: Vec::new(),
        });
        let settings = RouteSettings {
            ready: false,
            enabled: wanted.enabled,
            max_layer: wanted.max_quality.index(),
            max_temporal: LayerPoint::TOP.temporal,
            accepts_red: false,
            wants_red: false,
        };
        let Some(route) = slot.routes.add_route(
            bound.primary.key,
            SinkId(sink as u32),
            settings,
            rand::random(),
            now,
        ) else {
            self.sinks.remove(sink);
            return;
        };
        let receive = Receive {
            tx,
            route,
            sink,
            kind: info.kind,
            source,
            publisher: publisher.clone(),
            asked: wanted.priority,
            follows: wanted.backup,
            wants_red: false,
            bound: false,
            failed: false,
            paused: false,
        };
        peer.receives.insert(track.clone(), receive);
        peer.want_negotiation(now + GATHER);
        self.touch(session);
    }

    fn unroute(&mut self, key: usize, subscriber: &ParticipantId, track: &TrackId, now: Instant) {
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        let Some(peer) = slot.peers.get_mut(subscriber) else {
            return;
        };
        let Some(receive) = peer.receives.remove(track) else {
            return;
        };
        slot.routes.remove_route(receive.route);
        self.sinks.try_remove(receive.sink);
        let session = peer.downlink();
        peer.want_negotiation(now + GATHER);
        if let Some(slot) = self.sessions.get_mut(session) {
            slot.pacer.forget(SinkId(receive.sink as u32));
            slot.session.remove_tx(receive.tx);
            self.touch(session);
        }
    }

    pub(super) fn remove_peer(&mut self, key: usize, who: &ParticipantId, now: Instant) {
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        let own: Vec<TrackId> = slot
            .tracks
            .iter()
            .filter(|(_, bound)| bound.publisher == *who)
            .map(|(track, _)| track.clone())
            .collect();
        for track in own {
            self.remove_track(key, &track, now);
        }
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        let counted = match &mut slot.control {
            Control::Home(home) => home.hosted.remove(who).is_some() || slot.peers.contains_key(who),
            Control::Away(away) => {
                away.announced.remove(who);
                false
            }
        };
        if counted {
            Counters::down(&self.shared.counters.participants);
            self.detours.revoke(who);
        }
        let Some(peer) = slot.peers.remove(who) else {
            return;
        };
        for receive in peer.receives.values() {
            slot.routes.remove_route(receive.route);
            self.sinks.try_remove(receive.sink);
        }
        for session in peer.sessions() {
            self.close_session(session, now);
        }
    }

    /// Ends a room from outside its model: everybody is told, and nothing is asked of the room any more.
    pub(super) fn drop_room(&mut self, key: usize, reason: DepartureReason, now: Instant) {
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        let Some(room) = slot.room().map(Room::info) else {
            // Of a stage its home has the last word.
            return self.remove_room(key, now);
        };
        let expelled = Arc::new(Event::Expelled(reason));
        let ended = Arc::new(Event::RoomEnded { room, reason });
        for who in &slot.everybody() {
            slot.tell(who, PeerEvent::Room(expelled.clone()));
        }
        slot.observers
            .retain(|observer| observer.try_send(ended.clone()).is_ok());
        self.shared.tell_observers(&slot.name, &slot.id, &ended);
        self.remove_room(key, now);
    }

    pub(super) fn remove_room(&mut self, key: usize, now: Instant) {
        let Some(slot) = self.rooms.get(key) else { return };
        for who in slot.everybody() {
            self.remove_peer(key, &who, now);
        }
        let slot = self.rooms.remove(key);
        self.forget_room(&slot);
    }

    /// Takes a room that is over out of every register.
    pub(super) fn forget_room(&mut self, slot: &RoomSlot) {
        self.rooms_by_id.remove(&slot.id);
        let Some(home) = slot.home() else { return };
        for worker in &home.stages {
            self.tell_stage(*worker, &slot.id, ToStage::Close);
        }
        self.shared.forget_room(&slot.name, &slot.id);
        self.close_family(slot);
        Counters::down(&self.shared.counters.rooms);
    }
}

/// Whether followers are told: of the room's life, not of its media and data, which their owners get elsewhere and
/// more often than a page can read.
fn is_followed(event: &Event) -> bool {
    !matches!(
        event,
        Event::Data { .. }
            | Event::TrackPublished { .. }
            | Event::TrackStarted(..)
            | Event::TrackUnpublished(..)
            | Event::TrackSubscribed(_)
            | Event::SpeakersChanged(_)
            | Event::QualityChanged(_)
            | Event::QualitiesWanted { .. }
            | Event::StreamState { .. }
            | Event::SubscriptionAllowed { .. }
            | Event::SubscriptionFailed { .. }
    )
}

/// Whether observers are told. They follow the room, not its conversation: participants send data as fast as they
/// like, and a reader that lags is dropped.
fn is_observed(delivery: &Delivery) -> bool {
    let to_all = matches!(
        delivery.to,
        Audience::Everybody | Audience::AllBut(_) | Audience::Observers
    );
    to_all && !matches!(*delivery.event, Event::Data { .. })
}
