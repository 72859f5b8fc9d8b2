//! Datagrams that change threads: for the TURN server, from it, and for sessions of other workers behind one port.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use tertulia_model::{ParticipantId, TransportProtocol};

use super::Worker;
use crate::demux::{stun_request_ufrag, worker_of};
use crate::handle::Shared;
use crate::message::{Origin, ToWorker};
use crate::net::datagrams::Datagrams;
use crate::stats::Counters;
use crate::turn::{ToTurn, TurnLink};

/// Words that must not be lost, kept for a TURN server that does not listen; beyond it the oldest go, and the
/// credentials they end live as long as they were made for.
const MOST_WORDS: usize = 65_536;

/// What is gathered over a turn for other threads.
pub(super) struct Detours {
    turn: Option<TurnLink>,
    clients: Datagrams,
    relayed: Datagrams,
    /// For the TURN server, in order.
    words: VecDeque<ToTurn>,
    /// By worker.
    others: Vec<Datagrams>,
    /// Sources handed over this turn, and by whom: they are told when a session proves to hold one.
    strangers: Vec<(SocketAddr, Origin)>,
    /// What they are told.
    proofs: Vec<(Origin, SocketAddr)>,
}

impl Detours {
    pub(super) fn new(workers: usize, turn: Option<TurnLink>) -> Self {
        Self {
            turn,
            clients: Datagrams::default(),
            relayed: Datagrams::default(),
            words: VecDeque::new(),
            others: (0..workers).map(|_| Datagrams::default()).collect(),
            strangers: Vec::new(),
            proofs: Vec::new(),
        }
    }

    /// Whether a datagram from a media port is for the TURN server. Sound and pictures are told by their first byte.
    pub(super) fn takes(&self, contents: &[u8]) -> bool {
        let may_be = contents
            .first()
            .is_some_and(|first| matches!(first, 0x00..=0x03 | 0x40..=0x7f));
        may_be && self.turn.is_some() && tertulia_turn::is_for_server(contents)
    }

    /// Whether what is for an address goes to the TURN server.
    pub(super) fn is_relayed(&self, address: SocketAddr) -> bool {
        self.turn
            .as_ref()
            .is_some_and(|turn| turn.relayed.contains(address))
    }

    /// Sends a relayed address a datagram.
    pub(super) fn push_relayed(
        &mut self,
        source: SocketAddr,
        destination: SocketAddr,
        contents: &[u8],
        shared: &Shared,
    ) {
        self.relayed.push(source, destination, contents);
        if self.relayed.is_full() {
            self.send_relayed(shared);
        }
    }

    /// Takes a credential back whose participant has left.
    pub(super) fn revoke(&mut self, who: &ParticipantId) {
        if self.turn.is_some() {
            self.say(ToTurn::Revoke {
                session: who.as_str().to_owned(),
            });
        }
    }

    /// Notes that a session here proved to hold an address, for whoever handed its datagrams over.
    pub(super) fn proved(&mut self, source: SocketAddr, worker: usize) {
        let by = self.strangers.iter().find(|(stranger, _)| *stranger == source);
        match by.map(|(_, origin)| *origin) {
            Some(Origin::Turn) => self.say(ToTurn::Steer { source, worker }),
            Some(origin) => self.proofs.push((origin, source)),
            None => {}
        }
    }

    /// Whether something waits that must not be lost.
    pub(super) fn has_words(&self) -> bool {
        !self.words.is_empty()
    }

    fn say(&mut self, word: ToTurn) {
        if self.words.len() >= MOST_WORDS {
            self.words.pop_front();
        }
        self.words.push_back(word);
    }

    fn send_clients(&mut self, shared: &Shared) {
        let batch = std::mem::take(&mut self.clients);
        self.send(batch, ToTurn::Clients, shared);
    }

    fn send_relayed(&mut self, shared: &Shared) {
        let batch = std::mem::take(&mut self.relayed);
        self.send(batch, ToTurn::Peers, shared);
    }

    fn send(&self, batch: Datagrams, message: impl FnOnce(Datagrams) -> ToTurn, shared: &Shared) {
        if batch.is_empty() {
            return;
        }
        let count = batch.len() as u64;
        let refused = self.turn.as_ref().and_then(|turn| turn.give(message(batch)));
        if refused.is_some() {
            Counters::add(&shared.counters.turn_dropped, count);
        }
    }

    fn send_words(&mut self) {
        let Some(turn) = &self.turn else { return };
        while let Some(word) = self.words.pop_front() {
            if let Some(word) = turn.give(word) {
                self.words.push_front(word);
                return;
            }
        }
    }
}

impl Worker {
    /// Gives the TURN server what a client sent it.
    pub(super) fn send_to_turn(&mut self, source: SocketAddr, destination: SocketAddr, contents: &[u8]) {
        self.detours.clients.push(source, destination, contents);
        if self.detours.clients.is_full() {
            self.detours.send_clients(&self.shared);
        }
    }

    pub(super) fn send_relayed(&mut self, source: SocketAddr, destination: SocketAddr, contents: &[u8]) {
        self.detours
            .push_relayed(source, destination, contents, &self.shared);
    }

    /// Gives a datagram to the worker whose session it is for, where all share one port.
    pub(super) fn hand_over(
        &mut self,
        protocol: TransportProtocol,
        source: SocketAddr,
        destination: SocketAddr,
        contents: &[u8],
    ) {
        let shared_port = protocol == TransportProtocol::Udp && self.shared.config.reach.single_port;
        let worker = match stun_request_ufrag(contents) {
            _ if !shared_port => None,
            Some(ufrag) => worker_of(ufrag),
            None => self.steering.find(source),
        };
        let worker = worker.filter(|worker| *worker != self.index);
        let Some((worker, batch)) = worker.and_then(|worker| {
            let batch = self.detours.others.get_mut(worker)?;
            Some((worker, batch))
        }) else {
            return Counters::up(&self.shared.counters.datagrams_unknown);
        };
        batch.push(source, destination, contents);
        if batch.is_full() {
            self.send_to_worker(worker);
        }
    }

    fn send_to_worker(&mut self, worker: usize) {
        let Some(batch) = self.detours.others.get_mut(worker).map(std::mem::take) else {
            return;
        };
        let count = batch.len() as u64;
        let from = Origin::Worker(self.index);
        let counters = &self.shared.counters;
        Counters::add(&counters.datagrams_handed_over, count);
        let message = ToWorker::Datagrams { from, batch };
        let sent = self
            .shared
            .worker(worker)
            .is_some_and(|link| link.try_send(message));
        if !sent {
            Counters::add(&counters.handovers_dropped, count);
        }
    }

    /// Takes datagrams that reached another thread.
    pub(super) fn handed_over(&mut self, from: Origin, batch: &mut Datagrams, now: Instant) {
        let protocol = TransportProtocol::Udp;
        for (source, destination, contents) in batch.iter_mut() {
            let Some(key) = self.demux.find(protocol, source, contents) else {
                Counters::up(&self.shared.counters.datagrams_unknown);
                continue;
            };
            let steered = self.shared.config.reach.single_port && stun_request_ufrag(contents).is_some();
            if steered {
                self.detours.strangers.push((source, from));
            }
            self.session_datagram(key, protocol, source, destination, contents, now);
        }
    }

    /// Sends what a turn has gathered for other threads.
    pub(super) fn send_detours(&mut self) {
        self.detours.strangers.clear();
        for (origin, source) in std::mem::take(&mut self.detours.proofs) {
            if let Origin::Worker(other) = origin {
                let worker = self.index;
                self.post(other, ToWorker::Steer { source, worker });
            }
        }
        for worker in 0..self.detours.others.len() {
            if self
                .detours
                .others
                .get(worker)
                .is_some_and(|batch| !batch.is_empty())
            {
                self.send_to_worker(worker);
            }
        }
        self.detours.send_clients(&self.shared);
        self.detours.send_relayed(&self.shared);
        self.detours.send_words();
    }
}
