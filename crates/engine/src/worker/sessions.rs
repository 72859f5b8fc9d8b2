use std::cmp::Reverse;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tertulia_forward::{Pacer, TrackKey};
use tertulia_model::{ClientFamily, Codec, IceCredentials, ParticipantId, Rid, TrackId, TransportProtocol};
use tertulia_session::{Output, RxId, Session, SessionConfig, SessionError, TxId};

use super::{Timer, Worker};
use crate::demux::{UFRAG_RANDOM, is_stun_success, ufrag};
use crate::handshake::Errand;
use crate::message::{ChannelLabel, MediaSetup, PeerRole};
use crate::stats::Counters;

/// A timer further off than this is looked at again when media flows.
const FAR: Duration = Duration::from_millis(250);

/// A session on its worker.
pub(super) struct SessionSlot {
    pub(super) session: Session,
    /// Its number for life.
    serial: u64,
    pub(super) room: usize,
    pub(super) participant: ParticipantId,
    pub(super) role: PeerRole,
    /// What arrives on it, by what it is bound to.
    pub(super) received: Vec<ReceivedTrack>,
    /// What still arrives of tracks the room has withdrawn; bound to nothing until its section ends.
    pub(super) retired: Vec<RxId>,
    /// What goes to it, in its time.
    pub(super) pacer: Pacer,
    /// Whether its pacer is to be served.
    pub(super) queued: bool,
    dirty: bool,
    /// Instant of the timer that is set for it.
    scheduled: Option<Instant>,
    ufrag: String,
    remotes: Vec<(TransportProtocol, SocketAddr)>,
}

/// A published track as it arrives on a session.
pub(super) struct ReceivedTrack {
    pub(super) rx: RxId,
    pub(super) track: TrackId,
    pub(super) key: TrackKey,
    pub(super) encodings: Encodings,
}

/// The simulcast encodings of a section and the layer each of them is.
pub(super) struct Encodings {
    /// In the order the peer named them; empty for one encoding.
    rids: Vec<Rid>,
    layers: Vec<usize>,
}

impl Encodings {
    /// Tells layers by the names LiveKit clients use, else by their place in the list.
    pub(super) fn new(rids: Vec<Rid>) -> Self {
        let named = |rid: &Rid| match rid.as_str() {
            "q" => Some(0),
            "h" => Some(1),
            "f" => Some(2),
            _ => None,
        };
        let layers = rids
            .iter()
            .enumerate()
            .map(|(place, rid)| named(rid).unwrap_or(place.min(2)))
            .collect();
        Self { rids, layers }
    }

    /// The layer of a packet by the place of its rid.
    pub(super) fn layer_of(&self, rid: Option<u8>) -> usize {
        rid.and_then(|rid| self.layers.get(usize::from(rid)))
            .copied()
            .unwrap_or(0)
    }

    /// The rid of a layer; `None` where the section has one encoding only.
    pub(super) fn rid_of(&self, layer: usize) -> Option<&Rid> {
        let place = self.layers.iter().position(|known| *known == layer);
        self.rids.get(place.unwrap_or(0))
    }
}

/// What packets to one subscriber's section are sent on.
pub(super) struct Sink {
    pub(super) session: usize,
    pub(super) tx: TxId,
    /// Payload types of this receiver.
    pub(super) payload_types: Vec<(Codec, u8)>,
}

impl Sink {
    pub(super) fn payload_type(&self, codec: Codec) -> Option<u8> {
        self.payload_types
            .iter()
            .find(|(known, _)| *known == codec)
            .map(|(_, payload_type)| *payload_type)
    }
}

impl SessionSlot {
    /// Whether no timer of the session is near that would see to its reports.
    pub(super) fn is_untimed(&self, now: Instant) -> bool {
        self.scheduled.is_none_or(|at| at > now + FAR)
    }

    /// Whether what arrives is bound to a track, or to none on purpose.
    pub(super) fn is_settled(&self, rx: RxId) -> bool {
        self.retired.contains(&rx) || self.received.iter().any(|received| received.rx == rx)
    }
}

impl Worker {
    pub(super) fn open_session(
        &mut self,
        room: usize,
        participant: &ParticipantId,
        role: PeerRole,
        media: &MediaSetup,
        now: Instant,
    ) -> usize {
        let ufrag = ufrag(self.index, &random_ice_chars(UFRAG_RANDOM));
        let config = SessionConfig {
            ice: IceCredentials {
                ufrag: ufrag.clone(),
                pwd: random_ice_chars(24),
            },
            certificate: self.certificate.clone(),
            ice_lite: media.ice_lite && media.family != ClientFamily::Gecko,
            local_candidates: self.candidates.clone(),
            fallback_family: media.family,
            initial_bitrate: self.shared.config.initial_bitrate,
            offload_handshakes: true,
            seed: rand::random(),
        };
        let session = Session::new(config, now);
        self.serial += 1;
        let key = self.sessions.insert(SessionSlot {
            session,
            serial: self.serial,
            room,
            participant: participant.clone(),
            role,
            received: Vec::new(),
            retired: Vec::new(),
            pacer: Pacer::default(),
            queued: false,
            dirty: false,
            scheduled: None,
            ufrag: ufrag.clone(),
            remotes: Vec::new(),
        });
        self.demux.add_ufrag(&ufrag, key);
        self.load.fetch_add(1, Ordering::Relaxed);
        Counters::up(&self.shared.counters.sessions);
        if role == PeerRole::Subscriber {
            for label in ChannelLabel::ALL {
                let ordered = label == ChannelLabel::Reliable;
                let retransmits = (!ordered).then_some(0);
                self.sessions[key]
                    .session
                    .open_channel(label.as_str(), ordered, retransmits);
            }
        }
        self.touch(key);
        key
    }

    pub(super) fn close_session(&mut self, key: usize, now: Instant) {
        if !self.sessions.contains(key) {
            return;
        }
        // A session that is closed because it panicked may do so again.
        if catch_unwind(AssertUnwindSafe(|| self.say_farewell(key, now))).is_err() {
            tracing::error!("a session panicked while it was closed");
        }
        let slot = self.sessions.remove(key);
        self.demux.forget_ufrag(&slot.ufrag);
        for (protocol, remote) in slot.remotes {
            self.demux.forget_address(protocol, remote, key);
        }
        self.tcp.close_session(self.poll.registry(), key);
        for list in [&mut self.dirty, &mut self.sending, &mut self.waiting] {
            list.retain(|listed| *listed != key);
        }
        self.load.fetch_sub(1, Ordering::Relaxed);
        Counters::down(&self.shared.counters.sessions);
        tracing::trace!(at = ?now, "session closed");
    }

    /// What a session still wants to say goes out before it is dropped.
    fn say_farewell(&mut self, key: usize, now: Instant) {
        self.sessions[key].session.close();
        loop {
            match self.sessions[key].session.poll_output() {
                Ok(Output::Transmit {
                    protocol,
                    source,
                    destination,
                    contents,
                }) => self.transmit(key, protocol, source, destination, &contents, now),
                Ok(Output::Event(_)) => {}
                Ok(Output::Timeout(_)) | Err(_) => return,
            }
        }
    }

    /// Closes whatever is left of a room that ended in disorder: its key will be another room's.
    pub(super) fn close_leftovers(&mut self, room: usize, now: Instant) {
        let left: Vec<usize> = self
            .sessions
            .iter()
            .filter(|(_, slot)| slot.room == room)
            .map(|(key, _)| key)
            .collect();
        for key in left {
            self.close_session(key, now);
        }
        let sessions = &self.sessions;
        self.sinks.retain(|_, sink| sessions.contains(sink.session));
    }

    /// Marks a session whose output must be drained before the turn ends.
    pub(super) fn touch(&mut self, key: usize) {
        if let Some(slot) = self.sessions.get_mut(key)
            && !slot.dirty
        {
            slot.dirty = true;
            self.dirty.push(key);
        }
    }

    /// Does something with a session outside its room's turn. An error or a panic lets its participant go.
    pub(super) fn with_session(
        &mut self,
        key: usize,
        now: Instant,
        act: impl FnOnce(&mut Session) -> Result<(), SessionError>,
    ) {
        let Some(slot) = self.sessions.get_mut(key) else {
            return;
        };
        match catch_unwind(AssertUnwindSafe(|| act(&mut slot.session))) {
            Ok(Ok(())) => self.touch(key),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a session ends");
                self.session_failed(key, now);
            }
            Err(_) => {
                tracing::error!("a session panicked; its participant is let go");
                self.session_failed(key, now);
            }
        }
    }

    pub(super) fn session_timeout(&mut self, key: usize, at: Instant, now: Instant) {
        let Some(slot) = self.sessions.get_mut(key) else {
            return;
        };
        if slot.scheduled == Some(at) {
            slot.scheduled = None;
            self.with_session(key, now, |session| session.handle_timeout(now));
        }
    }

    /// Drains every session that was touched, and those their packets touch.
    pub(super) fn drain(&mut self, now: Instant) {
        while let Some(key) = self.dirty.pop() {
            if let Some(slot) = self.sessions.get_mut(key) {
                slot.dirty = false;
                self.drain_session(key, now);
            }
        }
    }

    /// Takes a handshake back; its session may be gone by now.
    pub(super) fn take_back(&mut self, errand: Errand, now: Instant) {
        let ours = |slot: &SessionSlot| slot.serial == errand.serial;
        if self.sessions.get(errand.session).is_some_and(ours) {
            self.with_session(errand.session, now, |session| {
                session.give_back(*errand.handshake, now);
                Ok(())
            });
        }
    }

    /// Sends a session's handshake off, where it has come to need one.
    fn offload_handshake(&mut self, key: usize, now: Instant) {
        let Some(slot) = self.sessions.get_mut(key) else {
            return;
        };
        let Some(handshake) = slot.session.take_handshake() else {
            return;
        };
        let errand = Errand {
            worker: self.index,
            session: key,
            serial: slot.serial,
            handshake: Box::new(handshake),
        };
        if let Err(mut handshake) = self.handshakes.send(errand) {
            self.with_session(key, now, |session| {
                handshake.run(now);
                session.give_back(*handshake, now);
                Ok(())
            });
        }
    }

    fn drain_session(&mut self, key: usize, now: Instant) {
        self.offload_handshake(key, now);
        loop {
            let Some(slot) = self.sessions.get_mut(key) else {
                return;
            };
            let output = match catch_unwind(AssertUnwindSafe(|| slot.session.poll_output())) {
                Ok(Ok(output)) => output,
                Ok(Err(error)) => {
                    tracing::debug!(%error, "a session ends");
                    return self.session_failed(key, now);
                }
                Err(_) => {
                    tracing::error!("a session panicked; its participant is let go");
                    return self.session_failed(key, now);
                }
            };
            match output {
                Output::Timeout(at) => {
                    let probes = slot.session.pacing(now).probe.is_some();
                    if slot.scheduled.is_none_or(|scheduled| at < scheduled) {
                        slot.scheduled = Some(at);
                        self.timers.push(Reverse((at, Timer::Session(key))));
                    }
                    if probes {
                        self.await_tick(key, now);
                    }
                    return;
                }
                Output::Transmit {
                    protocol,
                    source,
                    destination,
                    contents,
                } => {
                    self.transmit(key, protocol, source, destination, &contents, now);
                }
                Output::Event(event) => {
                    let room = slot.room;
                    let handled = catch_unwind(AssertUnwindSafe(|| self.session_event(key, event, now)));
                    if handled.is_err() {
                        self.room_panicked(room, now);
                    }
                }
            }
        }
    }

    fn transmit(
        &mut self,
        key: usize,
        protocol: TransportProtocol,
        source: SocketAddr,
        destination: SocketAddr,
        contents: &[u8],
        now: Instant,
    ) {
        if is_stun_success(contents) {
            self.learn(key, protocol, destination, now);
        }
        match protocol {
            TransportProtocol::Udp if self.detours.is_relayed(destination) => {
                self.send_relayed(source, destination, contents);
            }
            TransportProtocol::Udp => self.udp.send(source.ip(), destination, contents),
            TransportProtocol::Tcp => {
                if !self.tcp.send(self.poll.registry(), destination, contents) {
                    Counters::up(&self.shared.counters.datagrams_dropped);
                }
            }
        }
    }

    /// The session vouches for this address: it answered an authenticated request from it.
    fn learn(&mut self, key: usize, protocol: TransportProtocol, address: SocketAddr, now: Instant) {
        /// Addresses remembered for one session; the oldest goes first.
        const REMOTES: usize = 32;
        let Some(slot) = self.sessions.get_mut(key) else {
            return;
        };
        if !self.demux.learn(protocol, address, key, now) {
            return;
        }
        self.detours.proved(address, self.index);
        if slot.remotes.contains(&(protocol, address)) {
            return;
        }
        if slot.remotes.len() == REMOTES {
            let (protocol, oldest) = slot.remotes.remove(0);
            self.demux.forget_address(protocol, oldest, key);
        }
        slot.remotes.push((protocol, address));
    }
}

fn random_ice_chars(count: usize) -> String {
    const CHARS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    (0..count)
        .map(|_| char::from(CHARS[usize::from(rand::random::<u8>() & 63)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rids_name_layers_by_their_name_or_place() {
        let encodings =
            |rids: &[&str]| Encodings::new(rids.iter().filter_map(|rid| Rid::parse(rid)).collect());
        let livekit = encodings(&["q", "h", "f"]);
        assert_eq!([0, 1, 2].map(|place| livekit.layer_of(Some(place))), [0, 1, 2]);
        let reversed = encodings(&["f", "h", "q"]);
        assert_eq!([0, 1, 2].map(|place| reversed.layer_of(Some(place))), [2, 1, 0]);
        assert_eq!(reversed.rid_of(0).map(Rid::as_str), Some("q"));
        let others = encodings(&["lo", "hi"]);
        assert_eq!(others.layer_of(Some(1)), 1);
        assert_eq!(others.rid_of(1).map(Rid::as_str), Some("hi"));
        let single = encodings(&[]);
        assert_eq!((single.layer_of(None), single.rid_of(0)), (0, None));
        assert_eq!(livekit.layer_of(Some(9)), 0);
    }
}
