use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::time::Instant;

use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use slab::Slab;
use socket2::{Domain, Protocol, Socket, Type};
use tertulia_turn::{Family, HEADROOM, RelayId, TAILROOM};

use super::setup::FIRST_RELAY;
use super::thread::TurnThread;

/// Datagrams taken from one relay's socket before the others get their turn.
const PER_TURN: usize = 64;

/// The open relays, and their sockets where they have any.
#[derive(Default)]
pub(super) struct Relays {
    by_address: HashMap<SocketAddr, RelayId>,
    by_id: HashMap<RelayId, Open>,
    sockets: Slab<(RelayId, UdpSocket)>,
    /// Sockets with more to read than their turn allowed.
    unread: Vec<usize>,
}

struct Open {
    address: SocketAddr,
    socket: Option<usize>,
}

impl Relays {
    /// The relay with this address.
    pub(super) fn at(&self, address: SocketAddr) -> Option<RelayId> {
        self.by_address.get(&address).copied()
    }

    /// Opens a relay, with a socket at the place for its family where relays have sockets; false where there is none
    /// to be had.
    pub(super) fn open(
        &mut self,
        relay: RelayId,
        address: SocketAddr,
        family: Family,
        port: u16,
        at: Option<&[IpAddr]>,
        registry: &Registry,
    ) -> bool {
        let mut socket = None;
        if let Some(places) = at {
            let ip = places.iter().find(|ip| Family::of(**ip) == family);
            match ip.map(|ip| self.bind(relay, SocketAddr::new(*ip, port), registry)) {
                Some(Ok(key)) => socket = Some(key),
                Some(Err(error)) => {
                    tracing::debug!(%error, "a relay's socket could not be opened");
                    return false;
                }
                None => return false,
            }
        }
        self.by_address.insert(address, relay);
        self.by_id.insert(relay, Open { address, socket });
        true
    }

    fn bind(&mut self, relay: RelayId, address: SocketAddr, registry: &Registry) -> io::Result<usize> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        let mut socket = UdpSocket::from_std(socket.into());
        let entry = self.sockets.vacant_entry();
        let key = entry.key();
        registry.register(&mut socket, Token(FIRST_RELAY + key), Interest::READABLE)?;
        entry.insert((relay, socket));
        Ok(key)
    }

    /// Closes a relay; gives the address it had.
    pub(super) fn close(&mut self, relay: RelayId, registry: &Registry) -> Option<SocketAddr> {
        let open = self.by_id.remove(&relay)?;
        if self.by_address.get(&open.address) == Some(&relay) {
            self.by_address.remove(&open.address);
        }
        let socket = open.socket.and_then(|key| self.sockets.try_remove(key));
        if let Some((_, mut socket)) = socket
            && let Err(error) = registry.deregister(&mut socket)
        {
            tracing::debug!(%error, "a relay's socket could not be deregistered");
        }
        Some(open.address)
    }

    /// Sends from a relay's socket. What the kernel has no room for is lost, as on any network.
    pub(super) fn send(&self, relay: RelayId, peer: SocketAddr, payload: &[u8]) {
        let socket = self.by_id.get(&relay).and_then(|open| open.socket);
        let Some((_, socket)) = socket.and_then(|key| self.sockets.get(key)) else {
            return;
        };
        if let Err(error) = socket.send_to(payload, peer) {
            tracing::trace!(kind = ?error.kind(), "a relayed datagram was not sent");
        }
    }

    pub(super) fn ready(&mut self, key: usize) {
        if !self.unread.contains(&key) {
            self.unread.push(key);
        }
    }

    pub(super) fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }
}

impl TurnThread {
    /// Passes on what peers have sent to the relays' sockets.
    pub(super) fn receive_peers(&mut self, now: Instant) {
        for key in std::mem::take(&mut self.relays.unread) {
            let mut more = true;
            for _ in 0..PER_TURN {
                let Some((relay, peer, payload)) = self.receive_peer(key) else {
                    more = false;
                    break;
                };
                self.wrap_and_send(relay, peer, payload, now);
            }
            if more {
                self.relays.ready(key);
            }
        }
    }

    fn receive_peer(&mut self, key: usize) -> Option<(RelayId, SocketAddr, Range<usize>)> {
        let (relay, socket) = self.relays.sockets.get(key)?;
        let end = self.buffer.len() - TAILROOM;
        let space = self.buffer.get_mut(HEADROOM..end)?;
        loop {
            match socket.recv_from(space) {
                Ok((length, peer)) => return Some((*relay, peer, HEADROOM..HEADROOM + length)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                // An ICMP error of an earlier send surfaces here; the socket itself is well.
                Err(error) => tracing::trace!(kind = ?error.kind(), "receive error"),
            }
        }
    }
}
