//! Media between the stages of one room.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tertulia_forward::{Burst, Destination, EncodingSet, Intake, TrackKey, TrackNumber, TrackRates};
use tertulia_model::{MediaKind, RoomId};

use super::Worker;
use crate::room_slot::RoomSlot;
use crate::spread::Relaying;

/// How often other workers are told what flows of the tracks they want.
const RATES: Duration = Duration::from_millis(250);
/// How often they are told what is wanted of theirs, should a message have been lost.
const DEMANDS: Duration = Duration::from_secs(1);

impl RoomSlot {
    /// The key of a track by its number.
    fn numbered(&self, number: TrackNumber) -> Option<TrackKey> {
        self.by_number.get(&number).copied()
    }

    /// Copies what waits to be distributed and is wanted elsewhere.
    pub(super) fn collect(&self, kind: MediaKind) -> Option<(RoomId, Arc<Burst>)> {
        let burst = self.relay.collect(&self.routes, kind)?;
        Some((self.id.clone(), Arc::new(burst)))
    }
}

impl Worker {
    /// Hands the other workers the packets of this turn, each worker all of them at once.
    pub(super) fn send_bursts(&mut self) {
        if self.bursts.is_empty() {
            return;
        }
        let mut by_worker: BTreeMap<usize, Vec<(RoomId, Arc<Burst>)>> = BTreeMap::new();
        for (room, burst) in self.bursts.drain(..) {
            for destination in burst.destinations() {
                let bursts = by_worker.entry(destination.index()).or_default();
                bursts.push((room.clone(), burst.clone()));
            }
        }
        for (worker, bursts) in by_worker {
            self.post_media(worker, Relaying::Bursts(bursts));
        }
    }

    pub(super) fn hear_relay(&mut self, message: Relaying, now: Instant) {
        match message {
            Relaying::Bursts(bursts) => {
                for (room, burst) in bursts {
                    self.take_burst(&room, &burst, now);
                }
            }
            Relaying::Demands { room, from, demands } => self.take_demands(&room, from, demands, now),
            Relaying::Keyframe { room, number, layer } => {
                self.with_stage(&room, now, |worker, key| {
                    if let Some(slot) = worker.rooms.get_mut(key)
                        && let Some(track) = slot.numbered(number)
                    {
                        slot.routes.want_keyframe(track, layer, now);
                    }
                    worker.ask_for_keyframes(key, now);
                });
            }
            Relaying::Rates { room, rates } => self.with_stage(&room, now, |worker, key| {
                let Some(slot) = worker.rooms.get_mut(key) else {
                    return;
                };
                for TrackRates { number, rates } in rates {
                    if let Some(track) = slot.numbered(number) {
                        slot.routes.note_rates(track, &rates, now);
                    }
                }
            }),
        }
    }

    /// Does something with a room's media; a panic in it ends what is here of the room.
    fn with_stage(&mut self, room: &RoomId, now: Instant, act: impl FnOnce(&mut Self, usize)) {
        let Some(key) = self.rooms_by_id.get(room).copied() else {
            return;
        };
        if catch_unwind(AssertUnwindSafe(|| act(self, key))).is_err() {
            self.room_panicked(key, now);
        }
        self.schedule_room(key, now);
    }

    /// Keeps relayed packets as if they had arrived here.
    fn take_burst(&mut self, room: &RoomId, burst: &Burst, now: Instant) {
        let Some(here) = Destination::new(self.index) else {
            return;
        };
        self.with_stage(room, now, |worker, key| {
            let Some(slot) = worker.rooms.get_mut(key) else {
                return;
            };
            let mut pending: [Option<MediaKind>; 2] = [None, None];
            for (number, packet) in burst.packets(here) {
                let Some(track) = slot.by_number.get(&number) else {
                    continue;
                };
                worker.tally.relayed += 1;
                if slot.routes.handle_packet(*track, &packet) == Intake::Pending {
                    match packet.codec.kind() {
                        kind @ MediaKind::Audio => pending[0] = Some(kind),
                        kind @ MediaKind::Video => pending[1] = Some(kind),
                    }
                }
            }
            for kind in pending.into_iter().flatten() {
                worker.room_pending(key, kind, now);
            }
        });
    }

    fn take_demands(
        &mut self,
        room: &RoomId,
        from: usize,
        demands: Vec<(TrackNumber, Option<EncodingSet>)>,
        now: Instant,
    ) {
        let Some(destination) = Destination::new(from) else {
            return;
        };
        self.with_stage(room, now, |worker, key| {
            let Some(slot) = worker.rooms.get_mut(key) else {
                return;
            };
            for (number, wanted) in demands {
                if let Some(track) = slot.numbered(number) {
                    let track = (track, number);
                    slot.relay
                        .demand(&mut slot.routes, destination, track, wanted, now);
                }
            }
            if !slot.relay.is_empty() {
                slot.next_rates.get_or_insert(now);
            }
        });
    }

    /// Tells other workers what is due: what flows here, and what is wanted of them.
    pub(super) fn relay_timeout(&mut self, key: usize, now: Instant) {
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        if slot.next_rates.is_some_and(|at| at <= now) {
            slot.relay.expire(&mut slot.routes, now);
            slot.next_rates = (!slot.relay.is_empty()).then(|| now + RATES);
            let id = slot.id.clone();
            let told: Vec<(Destination, Vec<TrackRates>)> = slot
                .relay
                .destinations()
                .map(|destination| (destination, slot.relay.rates(&slot.routes, destination, now)))
                .collect();
            for (destination, rates) in told {
                let room = id.clone();
                self.post_media(destination.index(), Relaying::Rates { room, rates });
            }
        }
        let again = self
            .rooms
            .get(key)
            .is_some_and(|slot| slot.next_demands.is_some_and(|at| at <= now));
        if again {
            self.tell_demands(key, true, now);
        }
    }

    /// Tells the workers that host publishers what is wanted of their tracks here, where that has changed.
    pub(super) fn tell_demands(&mut self, key: usize, again: bool, now: Instant) {
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        if slot.mirrors == 0 {
            slot.next_demands = None;
            return;
        }
        let mut by_host: BTreeMap<usize, Vec<(TrackNumber, Option<EncodingSet>)>> = BTreeMap::new();
        let mut any = false;
        for bound in slot.tracks.values_mut().filter(|bound| bound.host != self.index) {
            let host = bound.host;
            for medium in bound.media_mut() {
                let watched = medium.watched.then(EncodingSet::default);
                let wanted = slot.routes.wanted(medium.key).or(watched);
                any |= wanted.is_some();
                if wanted != medium.demanded || (again && wanted.is_some()) {
                    medium.demanded = wanted;
                    by_host.entry(host).or_default().push((medium.number, wanted));
                }
            }
        }
        slot.next_demands = match slot.next_demands.filter(|_| !again) {
            _ if !any => None,
            Some(set) => Some(set),
            None => Some(now + DEMANDS),
        };
        let (id, from) = (slot.id.clone(), self.index);
        for (host, demands) in by_host {
            let room = id.clone();
            self.post_media(host, Relaying::Demands { room, from, demands });
        }
    }
}
