//! A room's home where others host some of its participants.

use std::sync::atomic::Ordering;
use std::time::Instant;

use tertulia_model::{ParticipantId, RoomId};
use tertulia_room::{Actor, Command, DepartureReason, Fact, RouteChange};
use tokio::sync::mpsc;

use super::Worker;
use crate::message::{ConnectionChange, MediaSetup, PeerEvent, PeerMode};
use crate::room_slot::Hosted;
use crate::spread::{ToHome, ToStage};
use crate::stats::Counters;

impl Worker {
    /// Where the room's next participant is hosted: here, unless many are and another worker has far less to do.
    pub(super) fn host_for(&self, key: usize) -> usize {
        let spread = self.shared.config.spread;
        let here = self.rooms.get(key).map_or(0, |slot| slot.peers.len());
        if here < spread.participants {
            return self.index;
        }
        let own = self.load.load(Ordering::Relaxed);
        match self.shared.least_loaded() {
            Some((other, load)) if own >= load.saturating_add(spread.sessions) => other,
            _ => self.index,
        }
    }

    /// Has somebody hosted on another worker.
    pub(super) fn host_elsewhere(
        &mut self,
        key: usize,
        worker: usize,
        who: ParticipantId,
        media: MediaSetup,
        events: mpsc::Sender<PeerEvent>,
    ) {
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        let (id, name) = (slot.id.clone(), slot.name.clone());
        let Some(home) = slot.home_mut() else { return };
        let fresh = home.stages.insert(worker);
        let hosted = Hosted {
            worker,
            events: events.clone(),
        };
        home.hosted.insert(who.clone(), hosted);
        if fresh {
            let home = self.index;
            self.open_stage(key, worker, ToStage::Open { name, home });
        }
        let reserved = match media.mode {
            PeerMode::Single => 1,
            PeerMode::Dual => 2,
        };
        // Those who join before the worker has opened the sessions are placed with them in mind.
        if let Some(link) = self.shared.worker(worker) {
            link.reserve(reserved);
        }
        let message = ToStage::Host {
            who,
            media,
            events,
            reserved,
        };
        self.tell_stage(worker, &id, message);
        Counters::up(&self.shared.counters.hosted_elsewhere);
    }

    /// Opens a stage and tells it all there is.
    fn open_stage(&mut self, key: usize, worker: usize, open: ToStage) {
        let Some(slot) = self.rooms.get(key) else { return };
        let id = slot.id.clone();
        let added = slot.tracks.values().map(|bound| ToStage::Added {
            number: bound.primary.number,
            host: bound.host,
            publisher: bound.publisher.clone(),
            track: Box::new(bound.info.clone()),
        });
        let mut messages: Vec<ToStage> = added.collect();
        messages.push(ToStage::Speakers(slot.recent_speakers.clone()));
        self.tell_stage(worker, &id, open);
        for message in messages {
            self.tell_stage(worker, &id, message);
        }
    }

    /// Passes a change on to the stages it concerns.
    pub(super) fn tell_change(&mut self, key: usize, change: RouteChange) {
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        let id = slot.id.clone();
        let added = match &change {
            RouteChange::TrackAdded { track, .. } => {
                let Some(bound) = slot.tracks.get(&track.id) else {
                    return;
                };
                Some((bound.primary.number, bound.host))
            }
            _ => None,
        };
        let Some(home) = slot.home_mut() else { return };
        let to: Vec<usize> = match &change {
            RouteChange::Route { subscriber, .. } | RouteChange::Unroute { subscriber, .. } => {
                let hosted = home.hosted.get(subscriber);
                hosted.map(|hosted| hosted.worker).into_iter().collect()
            }
            _ => home.stages.iter().copied().collect(),
        };
        if let RouteChange::TrackAdded { publisher, .. }
        | RouteChange::TrackChanged { publisher, .. }
        | RouteChange::TrackRemoved { publisher, .. } = &change
            && home.hosted.contains_key(publisher)
        {
            home.stale.insert(publisher.clone());
        }
        for worker in to {
            let message = match (&change, added) {
                (RouteChange::TrackAdded { publisher, track }, Some((number, host))) => ToStage::Added {
                    number,
                    host,
                    publisher: publisher.clone(),
                    track: Box::new(track.clone()),
                },
                (other, _) => ToStage::Change(other.clone()),
            };
            self.tell_stage(worker, &id, message);
        }
    }

    /// Tells the stages what those they host have announced since.
    pub(super) fn tell_announced(&mut self, key: usize) {
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        let id = slot.id.clone();
        let Some(home) = slot.home_mut() else { return };
        let mut told = Vec::new();
        for who in std::mem::take(&mut home.stale) {
            if let Some(hosted) = home.hosted.get(&who) {
                let announced = home.room.announced(&who);
                told.push((hosted.worker, ToStage::Announced { who, announced }));
            }
        }
        for (worker, message) in told {
            self.tell_stage(worker, &id, message);
        }
    }

    /// Hears one of a room's stages.
    pub(super) fn hear_stage(&mut self, room: &RoomId, from: usize, message: ToHome, now: Instant) {
        let Some(key) = self.rooms_by_id.get(room).copied() else {
            return;
        };
        self.turn(key, now, |worker| match message {
            ToHome::Command { actor, command } => {
                worker.note_bound(key, &command);
                worker.room_command(key, &actor, command, now);
            }
            ToHome::Speakers(speakers) => worker.hear_speakers(key, from, speakers, now),
            ToHome::Lost => worker.stage_lost(key, from, now),
        });
    }

    /// A track that is bound awaits its section no more.
    fn note_bound(&mut self, key: usize, command: &Command) {
        let Command::Fact(Fact::TrackBound { track, .. }) = command else {
            return;
        };
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        let publisher = slot.tracks.get(track).map(|bound| bound.publisher.clone());
        if let (Some(publisher), Some(home)) = (publisher, slot.home_mut()) {
            home.stale.insert(publisher);
        }
    }

    /// Lets go everybody a stage hosted that is no more.
    fn stage_lost(&mut self, key: usize, worker: usize, now: Instant) {
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        let Some(home) = slot.home_mut() else { return };
        if !home.stages.remove(&worker) {
            return;
        }
        let hosted = home.hosted.iter().filter(|(_, hosted)| hosted.worker == worker);
        let lost: Vec<ParticipantId> = hosted.map(|(who, _)| who.clone()).collect();
        for who in lost {
            if let Some(slot) = self.rooms.get_mut(key) {
                slot.tell(&who, PeerEvent::Connection(ConnectionChange::Failed));
            }
            let reason = DepartureReason::MediaLost;
            self.room_command(key, &Actor::Participant(who), Command::Leave { reason }, now);
        }
        self.hear_speakers(key, worker, Vec::new(), now);
    }

    /// Lets go what a worker hosted whose thread has ended, and what depended on it.
    pub(super) fn worker_lost(&mut self, worker: usize, now: Instant) {
        let keys: Vec<usize> = self.rooms.iter().map(|(key, _)| key).collect();
        for key in keys {
            let Some(slot) = self.rooms.get(key) else { continue };
            match slot.away() {
                None => self.turn(key, now, |this| this.stage_lost(key, worker, now)),
                Some(home) if home == worker => self.close_stage(key, now),
                Some(_) => {}
            }
        }
    }
}
