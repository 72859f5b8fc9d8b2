//! A stage: the media of those participants of a room that are hosted here while the room is elsewhere.

use std::sync::atomic::Ordering;
use std::time::Instant;

use tertulia_model::{ParticipantId, RoomId};
use tertulia_room::Fact;

use super::Worker;
use crate::room_slot::{Control, RoomSlot};
use crate::spread::{ToHome, ToStage};

impl Worker {
    /// Does what a room's home says.
    pub(super) fn hear_home(&mut self, room: &RoomId, message: ToStage, now: Instant) {
        if let ToStage::Host { reserved, .. } = &message {
            // The sessions count by themselves once they are opened, and not where there is no stage any more.
            self.load.fetch_sub(*reserved, Ordering::Relaxed);
        }
        if let ToStage::Open { name, home } = message {
            if !self.rooms_by_id.contains_key(room) {
                let slot = RoomSlot::stage(room.clone(), name, home);
                let key = self.rooms.insert(slot);
                self.rooms_by_id.insert(room.clone(), key);
            }
            return;
        }
        let Some(key) = self.rooms_by_id.get(room).copied() else {
            return;
        };
        match message {
            ToStage::Close => self.close_stage(key, now),
            message => self.turn(key, now, |worker| worker.perform(key, message, now)),
        }
    }

    fn perform(&mut self, key: usize, message: ToStage, now: Instant) {
        match message {
            ToStage::Host {
                who, media, events, ..
            } => self.host(key, who, &media, events, now),
            ToStage::Added {
                number,
                host,
                publisher,
                track,
            } => self.add_track(key, publisher, *track, (number, host), now),
            ToStage::Change(change) => self.change_route(key, change, now),
            ToStage::Announced { who, announced } => {
                if let Some(slot) = self.rooms.get_mut(key)
                    && let Control::Away(away) = &mut slot.control
                {
                    away.announced.insert(who.clone(), announced);
                }
                self.bind_received(key, &who, now);
            }
            ToStage::Speakers(speakers) => {
                if let Some(slot) = self.rooms.get_mut(key) {
                    slot.recent_speakers = speakers;
                }
            }
            ToStage::Open { .. } | ToStage::Close => {}
        }
    }

    /// Takes a stage down.
    pub(super) fn close_stage(&mut self, key: usize, now: Instant) {
        self.turn(key, now, |worker| worker.remove_room(key, now));
    }

    /// Takes in who speaks on a worker: at home the voices of all workers make one list, elsewhere home is told.
    pub(super) fn hear_speakers(
        &mut self,
        key: usize,
        worker: usize,
        speakers: Vec<(ParticipantId, u8)>,
        now: Instant,
    ) {
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        let id = slot.id.clone();
        if let Some(home) = slot.away() {
            return self.tell_home(home, &id, ToHome::Speakers(speakers));
        }
        let Some(home) = slot.home_mut() else { return };
        home.voices.insert(worker, speakers);
        let mut all: Vec<_> = home.voices.values().flatten().cloned().collect();
        if home.voices.len() > 1 {
            all.sort_by_key(|(_, level)| std::cmp::Reverse(*level));
        }
        home.voices.retain(|_, speakers| !speakers.is_empty());
        let stages: Vec<usize> = home.stages.iter().copied().collect();
        let before = slot.recent_speakers.clone();
        slot.remember_speakers(&all);
        let recent = slot.recent_speakers.clone();
        if recent != before {
            for stage in stages {
                self.tell_stage(stage, &id, ToStage::Speakers(recent.clone()));
            }
        }
        self.fact(key, Fact::Speakers(all), now);
    }
}
