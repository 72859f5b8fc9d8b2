//! The way out: stored packets to the subscribers' queues, from there sealed into trains.
//!
//! Sound leaves at the end of the batch it came with. Pictures are gathered for a tick, which is at once the pacer's
//! clock and what makes trains of them; subscribers are served one after the other, each with all that is due, so that
//! one key schedule and one destination are hot at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use mio::Registry;
use tertulia_forward::{Due, Kept, KeptPacket, Outgoing, Routes};
use tertulia_model::{Codec, MediaKind, TransportProtocol};
use tertulia_session::{MAX_SEALED, MediaPath, ProbeId, Sealer, SendError, Session, TxPacket};

use super::Worker;
use super::detour::Detours;
use super::sessions::Sink;
use crate::handle::Shared;
use crate::net::tcp::TcpPorts;
use crate::net::udp::UdpPort;
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
            tally.forwarded += outgoing.count() as u64;
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
            aside: &mut self.aside,
            now,
        };
        let mut wire = Wire {
            relayed: path.protocol == TransportProtocol::Udp && self.detours.is_relayed(path.destination),
            path,
            udp: &mut self.udp,
            tcp: &mut self.tcp,
            registry: self.poll.registry(),
            detours: &mut self.detours,
            frame: &mut self.frame,
            shared: &self.shared,
        };
        let mut unsent = 0;
        let mut note = |sent: Result<(), Unsent>| {
            if let Err(error) = sent {
                unsent += 1;
                if let Unsent::Refused(error) = error {
                    tracing::trace!(%error, "a packet was not sent");
                }
            }
        };
        let mut next = slot.pacer.poll(now);
        while let Some(due) = next {
            let first = match due {
                Due::Media(first) => first,
                Due::Repair(packets) => {
                    for packet in packets.packets() {
                        note(wire.write(|room| egress.seal_repair(&mut slot.session, &packet, room)));
                    }
                    next = slot.pacer.poll(now);
                    continue;
                }
                Due::Padding(bytes) => {
                    note(wire.write(|room| egress.seal_padding(&mut slot.session, bytes, room)));
                    next = slot.pacer.poll(now);
                    continue;
                }
            };
            let mut stream = egress.stream(&mut slot.session, first);
            let of_stream = (first.sink, first.codec);
            while let Some(Due::Media(packets)) = next
                && (packets.sink, packets.codec) == of_stream
            {
                match (&mut stream, egress.routes.kept(packets)) {
                    (Ok(stream), Some(kept)) => {
                        for one in kept.packets(packets) {
                            note(wire.write(|room| egress.seal(stream, kept, packets, one, room)));
                        }
                    }
                    (Err(unsent), _) => packets.packets().for_each(|_| note(Err(*unsent))),
                    (Ok(_), None) => packets.packets().for_each(|_| note(Err(Unsent::Gone))),
                }
                next = slot.pacer.poll(now);
            }
        }
        self.tally.unsent += unsent;
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

/// How datagrams leave for one subscriber.
struct Wire<'a> {
    path: MediaPath,
    /// Whether they go through a relay of ours.
    relayed: bool,
    udp: &'a mut UdpPort,
    tcp: &'a mut TcpPorts,
    registry: &'a Registry,
    detours: &'a mut Detours,
    frame: &'a mut Vec<u8>,
    shared: &'a Shared,
}

impl Wire<'_> {
    /// Sends what `seal` writes, and gives the length of.
    #[inline]
    fn write(&mut self, seal: impl FnOnce(&mut [u8]) -> Result<usize, Unsent>) -> Result<(), Unsent> {
        let MediaPath {
            source, destination, ..
        } = self.path;
        if self.path.protocol == TransportProtocol::Udp && !self.relayed {
            return self.udp.write(source.ip(), destination, seal);
        }
        self.frame.resize(MAX_SEALED, 0);
        let length = seal(self.frame)?;
        self.frame.truncate(length);
        if self.relayed {
            self.detours
                .push_relayed(source, destination, self.frame, self.shared);
        } else if !self.tcp.send(self.registry, destination, self.frame) {
            Counters::up(&self.shared.counters.datagrams_dropped);
        }
        Ok(())
    }
}

/// Why a packet was not sent.
#[derive(Clone, Copy)]
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
    /// Where repairs and padding are sealed.
    aside: &'a mut Vec<u8>,
    probe: Option<ProbeId>,
    now: Instant,
}

/// A stream that packets are sealed on, one after the other.
struct Stream<'a> {
    sealer: Sealer<'a>,
    types: PayloadTypes,
}

/// The payload types of a packet for one subscriber.
#[derive(Clone, Copy)]
struct PayloadTypes {
    own: u8,
    /// Of the sound in what is made redundant.
    opus: u8,
}

impl PayloadTypes {
    fn of(sink: &Sink, outgoing: &Outgoing) -> Result<Self, Unsent> {
        Ok(Self {
            own: sink.payload_type(outgoing.codec).ok_or(SendError::PayloadType)?,
            opus: sink.payload_type(Codec::Opus).unwrap_or_default(),
        })
    }
}

impl Egress<'_> {
    /// The stream a packet is sent on.
    fn stream<'s>(&self, session: &'s mut Session, outgoing: &Outgoing) -> Result<Stream<'s>, Unsent> {
        let sink = self.sinks.get(outgoing.sink.0 as usize).ok_or(Unsent::Gone)?;
        let types = PayloadTypes::of(sink, outgoing)?;
        let sealer = session.sealer(sink.tx, types.own, self.now)?;
        Ok(Stream { sealer, types })
    }

    #[inline]
    fn seal(
        &mut self,
        stream: &mut Stream<'_>,
        kept: Kept<'_>,
        outgoing: &Outgoing,
        one: KeptPacket<'_>,
        room: &mut [u8],
    ) -> Result<usize, Unsent> {
        let packet = packet(kept, self.scratch, outgoing, one, stream.types)?;
        Ok(stream.sealer.seal(&packet, room)?)
    }

    fn seal_repair(
        &mut self,
        session: &mut Session,
        outgoing: &Outgoing,
        room: &mut [u8],
    ) -> Result<usize, Unsent> {
        let sink = self.sinks.get(outgoing.sink.0 as usize).ok_or(Unsent::Gone)?;
        let types = PayloadTypes::of(sink, outgoing)?;
        let kept = self.routes.kept(outgoing).ok_or(Unsent::Gone)?;
        let one = kept.packets(outgoing).next().ok_or(Unsent::Gone)?;
        let packet = packet(kept, self.scratch, outgoing, one, types)?;
        self.aside.clear();
        session.seal_repair(sink.tx, &packet, self.aside, self.now)?;
        self.copy_aside(room)
    }

    fn seal_padding(
        &mut self,
        session: &mut Session,
        bytes: usize,
        room: &mut [u8],
    ) -> Result<usize, Unsent> {
        self.aside.clear();
        session.seal_padding(bytes, self.probe, self.aside, self.now)?;
        self.copy_aside(room)
    }

    fn copy_aside(&self, room: &mut [u8]) -> Result<usize, Unsent> {
        let length = self.aside.len();
        let room = room.get_mut(..length).ok_or(SendError::TooLong)?;
        room.copy_from_slice(self.aside);
        Ok(length)
    }
}

/// One of the outgoing packets, as it is sent.
#[inline]
fn packet<'a>(
    kept: Kept<'a>,
    scratch: &'a mut Vec<u8>,
    outgoing: &Outgoing,
    one: KeptPacket<'a>,
    types: PayloadTypes,
) -> Result<TxPacket<'a>, Unsent> {
    let stored = one.stored.ok_or(Unsent::Gone)?;
    let payload = kept
        .payload(outgoing, stored, types.opus, scratch)
        .ok_or(Unsent::Gone)?;
    Ok(TxPacket {
        payload_type: types.own,
        sequence: one.sequence,
        timestamp: outgoing.timestamp,
        marker: one.marker,
        payload,
        rewrite: outgoing.rewrite,
        ext: stored.extensions(),
        sender_clock: kept.sender_clock(outgoing, stored),
    })
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
