//! The way out: stored packets to the subscribers' queues, from there sealed into trains.
//!
//! Sound leaves at the end of the batch it came with. Pictures are gathered for a tick, which is at once the pacer's
//! clock and what makes trains of them; subscribers are served one after the other, each with all that is due, so that
//! one key schedule and one destination are hot at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use tertulia_forward::{Due, Outgoing, Routes};
use tertulia_model::{Codec, MediaKind, TransportProtocol};
use tertulia_session::{ProbeId, SendError, Session, TxPacket};

use super::Worker;
use super::sessions::Sink;
use crate::stats::Counters;

/// From tick to tick while pictures flow: how long they are gathered, and the pacers' clock.
const TICK: Duration = Duration::from_millis(2);
/// The first after a pause are gathered for less: what arrives together is there by then, and nothing else is due.
const FIRST_TICK: Duration = Duration::from_millis(1);
/// After so long without a tick, nothing flows.
const PAUSE: Duration = Duration::from_millis(4);

/// When pictures are distributed and pacers served.
#[derive(Debug, Default)]
pub(super) struct Tick {
    next: Option<Instant>,
    last: Option<Instant>,
}

impl Tick {
    /// Plans the next one, where none is. It counts from the last, so that a tick with much to do delays none.
    fn plan(&mut self, now: Instant) {
        let flowing = self
            .last
            .filter(|last| now.saturating_duration_since(*last) < PAUSE);
        self.next
            .get_or_insert(flowing.map_or(now + FIRST_TICK, |last| last + TICK));
    }

    /// Whether its time has come; then it is over.
    fn take(&mut self, now: Instant) -> bool {
        let due = self.next.is_some_and(|at| at <= now);
        if due {
            self.next = None;
            self.last = Some(now);
        }
        due
    }

    /// When the next one is.
    pub(super) fn next(&self) -> Option<Instant> {
        self.next
    }
}

/// Rooms with packets that wait to be distributed.
#[derive(Debug, Default)]
pub(super) struct Pending {
    sound: Vec<usize>,
    pictures: Vec<usize>,
}

impl Pending {
    fn of(&mut self, kind: MediaKind) -> &mut Vec<usize> {
        match kind {
            MediaKind::Audio => &mut self.sound,
            MediaKind::Video => &mut self.pictures,
        }
    }
}

impl Worker {
    /// Notes that a room has packets to distribute.
    pub(super) fn room_pending(&mut self, room: usize, kind: MediaKind, now: Instant) {
        let pending = self.pending.of(kind);
        if pending.last() != Some(&room) && !pending.contains(&room) {
            pending.push(room);
        }
        if kind == MediaKind::Video {
            self.tick.plan(now);
        }
    }

    /// Sends the sound that has arrived, and whatever else may leave when its tick has come.
    pub(super) fn send_media(&mut self, now: Instant) {
        self.distribute(MediaKind::Audio, now);
        if self.tick.take(now) {
            self.distribute(MediaKind::Video, now);
            let mut waiting = std::mem::take(&mut self.waiting);
            self.sending.append(&mut waiting);
            self.waiting = waiting;
        }
        let mut sending = std::mem::take(&mut self.sending);
        for key in sending.drain(..) {
            self.serve(key, now);
        }
        self.sending = sending;
        if !self.waiting.is_empty() {
            self.tick.plan(now);
        }
    }

    fn distribute(&mut self, kind: MediaKind, now: Instant) {
        let mut rooms = std::mem::take(self.pending.of(kind));
        for room in rooms.drain(..) {
            let done = catch_unwind(AssertUnwindSafe(|| self.distribute_room(room, kind, now)));
            if done.is_err() {
                self.room_panicked(room, now);
            }
        }
        *self.pending.of(kind) = rooms;
    }

    fn distribute_room(&mut self, key: usize, kind: MediaKind, now: Instant) {
        let Some(room) = self.rooms.get_mut(key) else {
            return;
        };
        if !room.relay.is_empty() {
            self.bursts.extend(room.collect(kind));
        }
        let (sinks, sessions) = (&self.sinks, &mut self.sessions);
        let (sending, tally) = (&mut self.sending, &mut self.tally);
        room.routes.distribute(kind, now, |outgoing| {
            let subscriber = sinks.get(outgoing.sink.0 as usize).map(|sink| sink.session);
            let Some((subscriber, slot)) =
                subscriber.and_then(|subscriber| Some((subscriber, sessions.get_mut(subscriber)?)))
            else {
                return;
            };
            tally.forwarded += 1;
            slot.pacer.push(outgoing, now);
            if !slot.queued {
                slot.queued = true;
                sending.push(subscriber);
            }
        });
        // Looking for what is due goes over all peers and tracks, so that it is done only where it has changed.
        if room.is_stirred() {
            room.start_ticking(now);
            self.schedule_room(key, now);
        }
    }

    /// Queues what a subscriber asked for again.
    pub(super) fn repair(&mut self, key: usize, tx: tertulia_session::TxId, sequences: &[u16], now: Instant) {
        let Some(slot) = self.sessions.get_mut(key) else {
            return;
        };
        let Some(room) = self.rooms.get_mut(slot.room) else {
            return;
        };
        let receive = room
            .peers
            .get(&slot.participant)
            .and_then(|peer| peer.receives.values().find(|receive| receive.tx == tx));
        let Some(route) = receive.map(|receive| receive.route) else {
            return;
        };
        let pacer = &mut slot.pacer;
        let rtt = slot.session.rtt().unwrap_or_default();
        room.routes
            .repair(route, sequences, rtt, now, |outgoing| pacer.push_repair(outgoing));
        if slot.pacer.is_waiting() {
            self.await_tick(key, now);
        }
    }

    /// Serves a subscriber again with the next tick.
    pub(super) fn await_tick(&mut self, key: usize, now: Instant) {
        let Some(slot) = self.sessions.get_mut(key) else {
            return;
        };
        if !slot.queued {
            slot.queued = true;
            self.waiting.push(key);
            self.tick.plan(now);
        }
    }

    /// Sends what a subscriber's pacer allows. A panic lets its participant go.
    fn serve(&mut self, key: usize, now: Instant) {
        let served = catch_unwind(AssertUnwindSafe(|| self.serve_session(key, now)));
        if served.is_err() {
            tracing::error!("a session panicked; its participant is let go");
            self.udp.abandon();
            self.session_failed(key, now);
        }
    }

    fn serve_session(&mut self, key: usize, now: Instant) {
        let Some(slot) = self.sessions.get_mut(key) else {
            return;
        };
        slot.queued = false;
        let Some(path) = slot.session.media_path() else {
            slot.pacer.clear();
            return;
        };
        let Some(room) = self.rooms.get(slot.room) else {
            return;
        };
        let pacing = slot.session.pacing(now);
        slot.pacer.set_rate(Some(pacing.rate));
        slot.pacer.set_probe(pacing.probe.map_or(0, |probe| probe.bytes));
        let mut egress = Egress {
            probe: pacing.probe.map(|probe| probe.id),
            routes: &room.routes,
            sinks: &self.sinks,
            scratch: &mut self.scratch,
            now,
        };
        let relayed = path.protocol == TransportProtocol::Udp && self.detours.is_relayed(path.destination);
        while let Some(due) = slot.pacer.poll(now) {
            let sent = match path.protocol {
                TransportProtocol::Udp if relayed => {
                    self.frame.clear();
                    egress.seal(&mut slot.session, &due, &mut self.frame).map(|()| {
                        self.detours
                            .push_relayed(path.source, path.destination, &self.frame, &self.shared);
                    })
                }
                TransportProtocol::Udp => self.udp.write(path.source.ip(), path.destination, |out| {
                    egress.seal(&mut slot.session, &due, out)
                }),
                TransportProtocol::Tcp => {
                    self.frame.clear();
                    egress.seal(&mut slot.session, &due, &mut self.frame).map(|()| {
                        if !self.tcp.send(self.poll.registry(), path.destination, &self.frame) {
                            Counters::up(&self.shared.counters.datagrams_dropped);
                        }
                    })
                }
            };
            match sent {
                Ok(()) => {}
                Err(Unsent::Gone) => self.tally.unsent += 1,
                Err(Unsent::Refused(error)) => {
                    self.tally.unsent += 1;
                    tracing::trace!(%error, "a packet was not sent");
                }
            }
        }
        self.udp.flush();
        let (waits, overflowed) = (slot.pacer.is_waiting(), slot.pacer.take_overflow());
        // The session's own timers: reports begin with the first packet.
        let untimed = slot.is_untimed(now);
        if waits {
            self.await_tick(key, now);
        }
        if overflowed {
            self.want_pictures_afresh(key, now);
        }
        if untimed {
            self.touch(key);
        }
    }

    /// After queued pictures were thrown away, they begin again at keyframes.
    fn want_pictures_afresh(&mut self, key: usize, now: Instant) {
        let Some(slot) = self.sessions.get(key) else {
            return;
        };
        let (room, who) = (slot.room, slot.participant.clone());
        self.begin_pictures_afresh(room, &who, now);
        self.schedule_room(room, now);
    }
}

/// Why a packet was not sent.
enum Unsent {
    /// It waited so long that its publisher's newer packets took its place, or its route is gone.
    Gone,
    /// The session does not send it.
    Refused(SendError),
}

impl From<SendError> for Unsent {
    fn from(error: SendError) -> Self {
        Self::Refused(error)
    }
}

/// What sealing one subscriber's packets needs of the others' state.
struct Egress<'a> {
    routes: &'a Routes,
    sinks: &'a slab::Slab<Sink>,
    scratch: &'a mut Vec<u8>,
    probe: Option<ProbeId>,
    now: Instant,
}

impl Egress<'_> {
    fn seal(&mut self, session: &mut Session, due: &Due, out: &mut Vec<u8>) -> Result<(), Unsent> {
        match due {
            Due::Media(outgoing) => self.seal_packet(session, outgoing, false, out),
            Due::Repair(outgoing) => self.seal_packet(session, outgoing, true, out),
            Due::Padding(bytes) => {
                session.seal_padding(*bytes, self.probe, out, self.now)?;
                Ok(())
            }
        }
    }

    fn seal_packet(
        &mut self,
        session: &mut Session,
        outgoing: &Outgoing,
        repair: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), Unsent> {
        let sink = self.sinks.get(outgoing.sink.0 as usize).ok_or(Unsent::Gone)?;
        let payload_type = sink.payload_type(outgoing.codec).ok_or(SendError::PayloadType)?;
        let opus = sink.payload_type(Codec::Opus).unwrap_or_default();
        let stored = self.routes.stored(outgoing).ok_or(Unsent::Gone)?;
        let payload = self
            .routes
            .payload(outgoing, stored, opus, self.scratch)
            .ok_or(Unsent::Gone)?;
        let packet = TxPacket {
            payload_type,
            sequence: outgoing.sequence,
            timestamp: outgoing.timestamp,
            marker: outgoing.marker,
            payload,
            rewrite: outgoing.rewrite,
            ext: stored.extensions(),
            sender_clock: self.routes.sender_clock(outgoing, stored),
        };
        if repair {
            session.seal_repair(sink.tx, &packet, out, self.now)?;
        } else {
            session.seal(sink.tx, &packet, out, self.now)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_flows_is_gathered_longer_than_the_first_after_a_pause() {
        let start = Instant::now();
        let at = |us| start + Duration::from_micros(us);
        let mut tick = Tick::default();
        tick.plan(at(0));
        tick.plan(at(700));
        assert_eq!(tick.next(), Some(at(1_000)));
        assert!(!tick.take(at(999)));
        assert!(tick.take(at(1_000)));
        assert!(!tick.take(at(1_000)));
        tick.plan(at(1_200));
        assert_eq!(tick.next(), Some(at(3_000)));
        assert!(tick.take(at(3_100)));
        // The turn took long: the next is due already.
        tick.plan(at(6_900));
        assert_eq!(tick.next(), Some(at(5_100)));
        assert!(tick.take(at(6_900)));
        tick.plan(at(11_000));
        assert_eq!(tick.next(), Some(at(12_000)));
    }
}
