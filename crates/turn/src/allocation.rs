//! What the server remembers for one client that has authenticated.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use crate::limiter::Cell;
use crate::server::Pending;
use crate::stun::{Family, TransactionId};
use crate::{FiveTuple, RelayId};

/// The most permissions, and the most channels, of one allocation; a client has one per remote candidate.
pub(crate) const MAX_PER_ALLOCATION: usize = 64;

/// A client's relayed addresses and what they are used for (RFC 8656 §3.2).
#[derive(Debug)]
pub(crate) struct Allocation {
    pub(crate) client: FiveTuple,
    pub(crate) username: Box<str>,
    pub(crate) session: Box<str>,
    pub(crate) expires: Instant,
    pub(crate) relays: Relays,
    pub(crate) permissions: Permissions,
    pub(crate) channels: Channels,
    pub(crate) state: State,
    /// How often the client may send requests.
    pub(crate) requests: Cell,
}

/// Says whether an allocation's sockets are open.
#[derive(Debug)]
pub(crate) enum State {
    /// Not yet.
    Binding(Box<Pending>),
    /// They are, and the client has been told so.
    Active {
        /// The request that was granted, and the answer, for when it is asked again.
        transaction: TransactionId,
        answer: Vec<u8>,
    },
}

/// The relays of an allocation, one of a family at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Relays {
    v4: Option<RelayId>,
    v6: Option<RelayId>,
}

impl Relays {
    pub(crate) fn of(&self, family: Family) -> Option<RelayId> {
        match family {
            Family::V4 => self.v4,
            Family::V6 => self.v6,
        }
    }

    pub(crate) fn set(&mut self, family: Family, relay: Option<RelayId>) {
        match family {
            Family::V4 => self.v4 = relay,
            Family::V6 => self.v6 = relay,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = RelayId> + use<> {
        self.v4.into_iter().chain(self.v6)
    }
}

/// The peers whose packets pass, by address alone (RFC 8656 §9).
#[derive(Debug, Default)]
pub(crate) struct Permissions(Vec<Permission>);

#[derive(Debug)]
struct Permission {
    address: IpAddr,
    expires: Instant,
}

impl Permissions {
    pub(crate) fn holds(&self, address: IpAddr, now: Instant) -> bool {
        self.0
            .iter()
            .any(|permission| permission.address == address && permission.expires > now)
    }

    /// Whether all of `addresses` can be given permissions.
    pub(crate) fn has_room(&mut self, addresses: &[IpAddr], now: Instant) -> bool {
        self.0.retain(|permission| permission.expires > now);
        let new = addresses
            .iter()
            .filter(|address| !self.holds(**address, now))
            .count();
        self.0.len() + new <= MAX_PER_ALLOCATION
    }

    pub(crate) fn install(&mut self, address: IpAddr, expires: Instant) {
        match self.0.iter_mut().find(|permission| permission.address == address) {
            Some(permission) => permission.expires = expires,
            None => self.0.push(Permission { address, expires }),
        }
    }
}

/// The channels: numbers for peers' sockets (RFC 8656 §12).
#[derive(Debug, Default)]
pub(crate) struct Channels(Vec<Channel>);

/// One number's peer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Channel {
    pub(crate) number: u16,
    pub(crate) peer: SocketAddr,
    pub(crate) expires: Instant,
    /// The revision of [`crate::Peers`] that last permitted the peer.
    pub(crate) permitted_at: u64,
}

impl Channels {
    pub(crate) fn by_number(&mut self, number: u16, now: Instant) -> Option<&mut Channel> {
        self.0
            .iter_mut()
            .find(|channel| channel.number == number && channel.expires > now)
    }

    pub(crate) fn by_peer(&mut self, peer: SocketAddr, now: Instant) -> Option<&mut Channel> {
        self.0
            .iter_mut()
            .find(|channel| channel.peer == peer && channel.expires > now)
    }

    /// Binds or prolongs; `false` where there is no room. The caller has checked that nothing contradicts.
    pub(crate) fn bind(&mut self, channel: Channel, now: Instant) -> bool {
        self.0
            .retain(|old| old.expires > now && old.number != channel.number);
        let room = self.0.len() < MAX_PER_ALLOCATION;
        if room {
            self.0.push(channel);
        }
        room
    }
}
