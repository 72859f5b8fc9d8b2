//! Which way a packet goes on: to our own media, to another relay, to a relay's socket, or to a client.

use std::net::SocketAddr;
use std::time::Instant;

use tertulia_turn::{Action, FiveTuple, HEADROOM, RelayId, SendFromRelay, Transport};

use super::thread::TurnThread;
use crate::demux::{stun_request_ufrag, worker_of};
use crate::message::{Origin, ToWorker};
use crate::stats::Counters;

impl TurnThread {
    /// Takes a packet from a client.
    pub(super) fn client_packet(&mut self, client: FiveTuple, packet: &[u8], now: Instant) {
        match self.server.handle_client(now, client, packet) {
            Some(sent) => self.send_to_peer(&sent, now),
            None => self.act(now),
        }
    }

    /// Takes a payload of our own media for a relayed address.
    pub(super) fn media_datagram(
        &mut self,
        source: SocketAddr,
        relayed: SocketAddr,
        payload: &[u8],
        now: Instant,
    ) {
        let relay = self.relays.at(relayed);
        if let (Some(relay), Some(peer)) = (relay, self.told.get(&source).copied()) {
            self.send_to_client(relay, peer, payload, now);
        }
    }

    fn send_to_peer(&mut self, sent: &SendFromRelay<'_>, now: Instant) {
        let Some(relayed) = self.server.relayed_address(sent.relay) else {
            return;
        };
        if let Some(media) = self.media.get(&sent.peer).copied() {
            let worker = if self.shared.config.reach.single_port {
                match stun_request_ufrag(sent.payload) {
                    Some(ufrag) => worker_of(ufrag),
                    None => self.steering.find(relayed),
                }
            } else {
                Some(media.worker)
            };
            self.send_to_worker(worker, relayed, media.local, sent.payload);
        } else if let Some(other) = self.relays.at(sent.peer) {
            self.send_to_client(other, relayed, sent.payload, now);
        } else {
            self.relays.send(sent.relay, sent.peer, sent.payload);
        }
    }

    fn send_to_worker(
        &mut self,
        worker: Option<usize>,
        source: SocketAddr,
        destination: SocketAddr,
        payload: &[u8],
    ) {
        let Some((worker, batch)) = worker.and_then(|worker| Some((worker, self.out.get_mut(worker)?)))
        else {
            return Counters::up(&self.shared.counters.datagrams_unknown);
        };
        batch.push(source, destination, payload);
        if batch.is_full() {
            self.send_batch(worker);
        }
    }

    fn send_batch(&mut self, worker: usize) {
        let Some(batch) = self.out.get_mut(worker).map(std::mem::take) else {
            return;
        };
        let count = batch.len() as u64;
        let message = ToWorker::Datagrams {
            from: Origin::Turn,
            batch,
        };
        let sent = self
            .shared
            .worker(worker)
            .is_some_and(|link| link.try_send(message));
        if !sent {
            Counters::add(&self.shared.counters.turn_dropped, count);
        }
    }

    /// Passes a peer's payload on to the client a relay belongs to.
    fn send_to_client(&mut self, relay: RelayId, peer: SocketAddr, payload: &[u8], now: Instant) {
        let range = HEADROOM..HEADROOM + payload.len();
        let Some(space) = self.buffer.get_mut(range.clone()) else {
            return;
        };
        space.copy_from_slice(payload);
        self.wrap_and_send(relay, peer, range, now);
    }

    /// Passes on what lies in the buffer.
    pub(super) fn wrap_and_send(
        &mut self,
        relay: RelayId,
        peer: SocketAddr,
        payload: std::ops::Range<usize>,
        now: Instant,
    ) {
        let mut buffer = std::mem::take(&mut self.buffer);
        if let Some(sent) = self.server.handle_peer(now, relay, peer, &mut buffer, payload) {
            self.send(sent.client, sent.bytes);
        }
        self.buffer = buffer;
    }

    fn send(&mut self, client: FiveTuple, bytes: &[u8]) {
        let sent = match client.transport {
            Transport::Udp => {
                let port = self
                    .ports
                    .iter_mut()
                    .find(|port| port.port() == client.local.port());
                let found = port.is_some();
                if let Some(port) = port {
                    port.send(client.local.ip(), client.source, bytes);
                }
                found
            }
            Transport::Tcp | Transport::Tls => self.connections.send(client, bytes),
        };
        if !sent {
            Counters::up(&self.shared.counters.turn_dropped);
        }
    }

    /// Does what the server wants done.
    pub(super) fn act(&mut self, now: Instant) {
        while let Some(action) = self.server.poll_action() {
            match action {
                Action::SendToClient { client, bytes } => self.send(client, &bytes),
                Action::BindRelay { relay, family, port } => {
                    let address = self.server.relayed_address(relay);
                    let opened = address.is_some_and(|address| {
                        self.relays.open(
                            relay,
                            address,
                            family,
                            port,
                            self.relays_at.as_deref(),
                            self.poll.registry(),
                        )
                    });
                    if let (true, Some(address)) = (opened, address) {
                        self.relayed.insert(address);
                    }
                    self.server.handle_bound(now, relay, opened);
                }
                Action::CloseRelay { relay } => {
                    if let Some(address) = self.relays.close(relay, self.poll.registry()) {
                        self.relayed.remove(address);
                    }
                }
                Action::CloseClient { client } => self.connections.hang_up(client),
            }
        }
    }

    /// Sends what a turn has gathered.
    pub(super) fn send_all(&mut self) {
        for worker in 0..self.out.len() {
            if self.out.get(worker).is_some_and(|batch| !batch.is_empty()) {
                self.send_batch(worker);
            }
        }
        let counters = &self.shared.counters;
        for port in &mut self.ports {
            port.flush();
            for (counter, value) in [
                (&counters.datagrams_sent, &mut port.sent),
                (&counters.bytes_sent, &mut port.sent_bytes),
                (&counters.datagrams_dropped, &mut port.dropped),
            ] {
                if *value > 0 {
                    Counters::add(counter, std::mem::take(value));
                }
            }
        }
    }
}
