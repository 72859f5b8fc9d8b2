use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mio::{Events, Poll};
use tertulia_turn::{FiveTuple, HEADROOM, Server, TAILROOM, Transport};
use tokio::sync::mpsc;

use super::connections::Connections;
use super::setup::{FIRST_RELAY, Media, OWN, TurnStart, WAKE};
use super::sockets::Relays;
use super::{Relayed, ToTurn};
use crate::config::EngineError;
use crate::demux::Steering;
use crate::handle::Shared;
use crate::net::datagrams::Datagrams;
use crate::net::udp::{Inbound, UdpPort};

/// Messages taken before sockets get their turn again.
const MAIL_PER_TURN: usize = 64;
/// Receive batches before mail gets its turn.
const BATCHES_PER_TURN: usize = 8;
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How often the server is told what time it is in the world.
const CLOCK: Duration = Duration::from_secs(10);

/// Gives the server its thread.
pub(crate) fn spawn(start: TurnStart, shared: Arc<Shared>) -> Result<(), EngineError> {
    std::thread::Builder::new()
        .name("turn".to_owned())
        .spawn(move || {
            let thread = TurnThread::new(start, shared);
            if catch_unwind(AssertUnwindSafe(|| thread.run())).is_err() {
                tracing::error!("the TURN server panicked; whoever is relayed must come another way");
            }
        })
        .map(drop)
        .map_err(EngineError::Start)
}

pub(super) struct TurnThread {
    pub(super) shared: Arc<Shared>,
    pub(super) poll: Poll,
    mailbox: mpsc::Receiver<ToTurn>,
    pub(super) server: Server,
    pub(super) ports: Vec<UdpPort>,
    has_own: bool,
    pub(super) media: HashMap<SocketAddr, Media>,
    /// Back from the local addresses to those clients know.
    pub(super) told: HashMap<SocketAddr, SocketAddr>,
    pub(super) steering: Steering,
    pub(super) relayed: Arc<Relayed>,
    pub(super) relays: Relays,
    pub(super) relays_at: Option<Vec<IpAddr>>,
    pub(super) connections: Connections,
    /// For the workers, gathered over a turn.
    pub(super) out: Vec<Datagrams>,
    /// A payload with room for what is put around it.
    pub(super) buffer: Vec<u8>,
    clock_due: Instant,
}

impl TurnThread {
    fn new(start: TurnStart, shared: Arc<Shared>) -> Self {
        let told = start
            .media
            .iter()
            .map(|(told, media)| (media.local, *told))
            .collect();
        let out = (0..shared.worker_count()).map(|_| Datagrams::default()).collect();
        Self {
            shared,
            poll: start.poll,
            mailbox: start.mailbox,
            server: start.server,
            ports: start.ports,
            has_own: start.has_own,
            media: start.media,
            told,
            steering: Steering::default(),
            relayed: start.link.relayed.clone(),
            relays: Relays::default(),
            relays_at: start.relays_at,
            connections: Connections::default(),
            out,
            buffer: vec![0; HEADROOM + usize::from(u16::MAX) + TAILROOM],
            clock_due: Instant::now() + CLOCK,
        }
    }

    fn run(mut self) {
        let mut events = Events::with_capacity(256);
        let mut inbound = Inbound::new();
        let mut own_waiting = self.has_own;
        loop {
            let now = Instant::now();
            let sleep = if own_waiting || !self.mailbox.is_empty() || self.relays.has_unread() {
                Duration::ZERO
            } else {
                self.sleep(now)
            };
            if let Err(error) = self.poll.poll(&mut events, Some(sleep))
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "the TURN server cannot wait for its sockets");
                return;
            }
            let now = Instant::now();
            self.tell_time(now);
            for event in &events {
                match event.token() {
                    WAKE => {}
                    OWN => own_waiting = true,
                    token => self.relays.ready(token.0.saturating_sub(FIRST_RELAY)),
                }
            }
            if own_waiting {
                own_waiting = self.receive_own(&mut inbound, now);
            }
            self.receive_peers(now);
            if !self.read_mail(now) {
                return;
            }
            self.server.handle_timeout(now);
            self.act(now);
            self.send_all();
            self.count();
        }
    }

    fn sleep(&self, now: Instant) -> Duration {
        let due = self.server.poll_timeout();
        due.map_or(LONGEST_SLEEP, |at| at.saturating_duration_since(now))
            .min(LONGEST_SLEEP)
    }

    fn tell_time(&mut self, now: Instant) {
        if now >= self.clock_due {
            self.clock_due = now + CLOCK;
            let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.server.set_unix_time(now, unix.as_secs());
        }
    }

    /// Receives what waits on the server's own port; true where there may be more.
    fn receive_own(&mut self, inbound: &mut Inbound, now: Instant) -> bool {
        for _ in 0..BATCHES_PER_TURN {
            let Some(own) = self.ports.last() else {
                return false;
            };
            let local = own.local();
            let more = match own.receive(inbound) {
                Ok(more) => more,
                Err(error) => {
                    tracing::trace!(kind = ?error.kind(), "receive error");
                    continue;
                }
            };
            for datagram in inbound.datagrams(local) {
                self.client_datagram(datagram.source, datagram.destination, datagram.contents, now);
            }
            if !more {
                return false;
            }
        }
        true
    }

    pub(super) fn client_datagram(
        &mut self,
        source: SocketAddr,
        local: SocketAddr,
        packet: &[u8],
        now: Instant,
    ) {
        let client = FiveTuple {
            transport: Transport::Udp,
            source,
            local,
        };
        self.client_packet(client, packet, now);
    }

    /// Handles waiting messages; false when it is time to end.
    fn read_mail(&mut self, now: Instant) -> bool {
        for _ in 0..MAIL_PER_TURN {
            let message = match self.mailbox.try_recv() {
                Ok(message) => message,
                Err(mpsc::error::TryRecvError::Empty) => return true,
                Err(mpsc::error::TryRecvError::Disconnected) => return false,
            };
            match message {
                ToTurn::Clients(mut batch) => {
                    for (source, local, packet) in batch.iter_mut() {
                        self.client_datagram(source, local, packet, now);
                    }
                }
                ToTurn::Peers(mut batch) => {
                    for (source, relayed, payload) in batch.iter_mut() {
                        self.media_datagram(source, relayed, payload, now);
                    }
                }
                ToTurn::Steer { source, worker } => {
                    self.steering.learn(source, worker, now);
                }
                ToTurn::Open {
                    connection,
                    client,
                    out,
                    established,
                } => self.connections.open(connection, client, out, established),
                ToTurn::Data { connection, bytes } => self.connection_data(connection, &bytes, now),
                ToTurn::Gone { connection } => {
                    if let Some(client) = self.connections.close(connection) {
                        self.server.handle_disconnect(client);
                        self.act(now);
                    }
                }
                ToTurn::Revoke { session } => {
                    self.server.revoke(now, &session);
                    self.act(now);
                }
                ToTurn::Stop => return false,
            }
        }
        true
    }

    fn count(&self) {
        let counters = &self.shared.counters;
        let (stats, held) = (self.server.stats(), self.server.held());
        for (counter, value) in [
            (&counters.turn_allocations, held.allocations as u64),
            (&counters.turn_connections, self.connections.len() as u64),
            (&counters.turn_bindings, stats.bindings),
            (&counters.turn_challenges, stats.challenges),
            (&counters.turn_refusals, stats.refusals),
            (&counters.turn_bad_credentials, stats.bad_credentials),
            (&counters.turn_forbidden_peers, stats.forbidden_peers),
            (&counters.turn_allocations_opened, stats.opened),
            (&counters.turn_limited, stats.limited),
            (&counters.turn_malformed, stats.malformed),
            (&counters.turn_unsolicited, stats.unsolicited),
            (&counters.turn_packets_to_peers, stats.to_peers.packets),
            (&counters.turn_bytes_to_peers, stats.to_peers.bytes),
            (&counters.turn_packets_to_clients, stats.to_clients.packets),
            (&counters.turn_bytes_to_clients, stats.to_clients.bytes),
        ] {
            counter.store(value, Ordering::Relaxed);
        }
    }
}
