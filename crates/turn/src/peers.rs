//! Whom the relays may talk to.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use thiserror::Error;

use crate::network::{Network, is_never_a_peer, is_special};

/// Says why a network cannot be opened to the relays.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error("{0:?} reaches this host, its link, many hosts at once, or IPv4 addresses in disguise")]
pub struct NetworkError(pub Network);

/// The peers that relays exchange packets with: the exact sockets named here and the server's own relayed addresses,
/// nothing else unless it is asked for.
///
/// An address of this host is never more than its named sockets, however wide the rest is opened.
#[derive(Debug, Clone, Default)]
pub struct Peers {
    sockets: BTreeSet<SocketAddr>,
    relayed: BTreeSet<SocketAddr>,
    host: BTreeSet<IpAddr>,
    networks: Vec<Network>,
    public: bool,
    /// Grows whenever something that was permitted no longer is.
    revision: u64,
}

impl Peers {
    /// Permits one socket: one of our own media addresses, or that of another node.
    pub fn allow_socket(&mut self, socket: SocketAddr) {
        self.sockets.insert(canonical(socket));
    }

    /// Takes a socket's permission back.
    pub fn forbid_socket(&mut self, socket: SocketAddr) {
        if self.sockets.remove(&canonical(socket)) {
            self.revision += 1;
        }
    }

    /// Names an address of this host, so that a wider permission does not reach its other services.
    pub fn protect(&mut self, address: IpAddr) {
        self.host.insert(address.to_canonical());
        self.revision += 1;
    }

    /// Permits every socket of a network, private ones included.
    ///
    /// # Errors
    /// [`NetworkError`] for networks that are never a peer's.
    pub fn allow_network(&mut self, network: Network) -> Result<(), NetworkError> {
        if is_never_a_peer(&network) {
            return Err(NetworkError(network));
        }
        self.networks.push(network);
        Ok(())
    }

    /// Permits every public address, as a general TURN server does; see [`is_special`].
    pub fn allow_public(&mut self) {
        self.public = true;
    }

    /// Whether packets may be exchanged with `peer`.
    pub fn permits(&self, peer: SocketAddr) -> bool {
        let named = self.sockets.contains(&peer) || self.relayed.contains(&peer);
        (named || self.widened(peer.ip())) && peer.port() != 0
    }

    /// Whether there is any port at `address` with which packets may be exchanged.
    pub fn permits_some_port(&self, address: IpAddr) -> bool {
        self.is_own(address) || self.widened(address)
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn open_relay(&mut self, relayed: SocketAddr) {
        self.relayed.insert(relayed);
    }

    pub(crate) fn close_relay(&mut self, relayed: SocketAddr) {
        if self.relayed.remove(&relayed) {
            self.revision += 1;
        }
    }

    fn widened(&self, address: IpAddr) -> bool {
        if self.host.contains(&address) || self.is_own(address) {
            return false;
        }
        self.networks.iter().any(|network| network.contains(address)) || self.public && !is_special(address)
    }

    /// Whether the address is one we know sockets of: its other ports are ours too.
    fn is_own(&self, address: IpAddr) -> bool {
        let from = SocketAddr::new(address, 0);
        let to = SocketAddr::new(address, u16::MAX);
        [&self.sockets, &self.relayed]
            .iter()
            .any(|sockets| sockets.range(from..=to).next().is_some())
    }
}

/// IPv4 addresses are kept as such, never written as IPv6 ones: what is disguised so is nobody we named.
fn canonical(socket: SocketAddr) -> SocketAddr {
    SocketAddr::new(socket.ip().to_canonical(), socket.port())
}
