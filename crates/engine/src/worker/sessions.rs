use std::cmp::Reverse;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::Instant;

use tertulia_forward::TrackKey;
use tertulia_model::{ClientFamily, Codec, IceCredentials, ParticipantId, TrackId, TransportProtocol};
use tertulia_session::{Input, Output, RxId, Session, SessionConfig, SessionError, TxId};

use super::{Timer, Worker};
use crate::demux::{UFRAG_RANDOM, is_stun_success, ufrag};
use crate::message::{ChannelLabel, MediaSetup, PeerRole};
use crate::stats::Counters;

/// A session on its worker.
pub(super) struct SessionSlot {
    pub(super) session: Session,
    pub(super) room: usize,
    pub(super) participant: ParticipantId,
    pub(super) role: PeerRole,
    /// What arrives on it, by what it is bound to.
    pub(super) received: Vec<ReceivedTrack>,
    /// What still arrives of tracks the room has withdrawn; bound to nothing until its section ends.
    pub(super) retired: Vec<RxId>,
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
    /// Simulcast identifiers, lowest first; empty for one encoding.
    pub(super) rids: Vec<tertulia_model::Rid>,
}

/// What packets to one subscriber's section are sent on.
pub(super) struct Sink {
    pub(super) session: usize,
    pub(super) tx: TxId,
    /// Payload types of this receiver.
    pub(super) payload_types: Vec<(Codec, u8)>,
}

impl SessionSlot {
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
            seed: rand::random(),
        };
        let session = Session::new(config, now);
        let key = self.sessions.insert(SessionSlot {
            session,
            room,
            participant: participant.clone(),
            role,
            received: Vec::new(),
            retired: Vec::new(),
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
        self.dirty.retain(|dirty| *dirty != key);
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

    pub(super) fn session_input(&mut self, key: usize, input: Input<'_>, now: Instant) {
        self.with_session(key, now, |session| session.handle_input(input, now));
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
            self.session_input(key, Input::Timeout, now);
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

    fn drain_session(&mut self, key: usize, now: Instant) {
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
                    if slot.scheduled.is_none_or(|scheduled| at < scheduled) {
                        slot.scheduled = Some(at);
                        self.timers.push(Reverse((at, Timer::Session(key))));
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
        if !self.demux.learn(protocol, address, key, now) || slot.remotes.contains(&(protocol, address)) {
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
