//! What passes between the server and the sockets that its owner holds.

use std::hash::{Hash, Hasher};
use std::net::{IpAddr, SocketAddr};

use crate::Family;

/// Names the way between client and server (RFC 8656 §3.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A connection without encryption.
    Tcp,
    /// A connection with TLS, which its owner has already taken off.
    Tls,
}

impl Transport {
    /// Whether messages arrive on a byte stream: framed, padded, from an address that a handshake has proven.
    pub const fn is_stream(self) -> bool {
        matches!(self, Self::Tcp | Self::Tls)
    }
}

/// Identifies a client, and with it its allocation (RFC 8656 §3.2): transport and both addresses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct FiveTuple {
    /// How the client's packets come.
    pub transport: Transport,
    /// Where they come from.
    pub source: SocketAddr,
    /// Where they arrive; answers leave from there.
    pub local: SocketAddr,
}

/// In whole words, since it is done for every packet.
impl Hash for FiveTuple {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for (socket, extra) in [(self.source, self.transport as u64), (self.local, 0)] {
            let port = u64::from(socket.port()) << 8 | extra;
            match socket.ip() {
                IpAddr::V4(address) => state.write_u64(u64::from(address.to_bits()) << 24 | port),
                IpAddr::V6(address) => {
                    state.write_u128(address.to_bits());
                    state.write_u64(port);
                }
            }
        }
    }
}

/// Names a relay socket for as long as it exists; no later one is named the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RelayId {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

/// Says what the owner of the sockets is to do, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Send an answer, from `client.local` to `client.source`.
    SendToClient {
        /// The client.
        client: FiveTuple,
        /// A whole message; on a stream it needs no more framing.
        bytes: Vec<u8>,
    },
    /// Open a UDP socket for a relayed address and say with [`crate::Server::handle_bound`] how it went.
    BindRelay {
        /// The name the socket is to have.
        relay: RelayId,
        /// The family; an IPv6 socket takes no IPv4 traffic.
        family: Family,
        /// The port.
        port: u16,
    },
    /// Close a relay's socket, if there is one: also where binding is still under way, or failed.
    CloseRelay {
        /// The socket's name.
        relay: RelayId,
    },
    /// Close a client's connection: its allocation has ended. Only for TCP and TLS.
    CloseClient {
        /// The client.
        client: FiveTuple,
    },
}

/// A client's payload on its way to a peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SendFromRelay<'p> {
    /// The socket to send from.
    pub relay: RelayId,
    /// Where to.
    pub peer: SocketAddr,
    /// The payload, within the packet that was handed in.
    pub payload: &'p [u8],
    /// Whether the client asked for the Don't Fragment bit (RFC 8656 §15).
    pub dont_fragment: bool,
}

/// A peer's payload on its way to a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SendToClient<'p> {
    /// The client.
    pub client: FiveTuple,
    /// A whole message, within the buffer that was handed in.
    pub bytes: &'p [u8],
}

/// What a peer's packet needs before its payload in the buffer handed to [`crate::Server::handle_peer`]: the header of
/// a Data indication, an IPv6 address and the head of the payload's attribute.
pub const HEADROOM: usize = 20 + 24 + 4;

/// What it needs after the payload: padding.
pub const TAILROOM: usize = 3;
