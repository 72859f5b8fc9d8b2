//! CreatePermission and ChannelBind: whose packets pass (RFC 8656 §10.2, §12.2).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::Server;
use super::answer::{Asked, Refusal};
use crate::Action;
use crate::allocation::{Channel, MAX_PER_ALLOCATION, Relays};
use crate::channel_data::CHANNEL_NUMBERS;
use crate::stun::{AttributeType, Family, Message};

/// How long a permission lasts (RFC 8656 §9).
const PERMISSION_LIFETIME: Duration = Duration::from_secs(300);

/// How long a channel lasts (RFC 8656 §12).
const CHANNEL_LIFETIME: Duration = Duration::from_secs(600);

impl Server {
    /// Gives permissions to all peers named, or to none.
    pub(super) fn create_permission(
        &mut self,
        now: Instant,
        asked: &Asked,
        message: &Message<'_>,
        index: usize,
    ) -> Result<Action, Refusal> {
        let relays = self
            .allocations
            .get(index)
            .map(|allocation| allocation.relays)
            .unwrap_or_default();
        let mut peers = Vec::new();
        for attribute in message.attributes() {
            if attribute.kind != AttributeType::XOR_PEER_ADDRESS {
                continue;
            }
            let peer = message.address(attribute.value).ok_or(Refusal::BadRequest)?;
            if peers.len() >= MAX_PER_ALLOCATION {
                return Err(Refusal::InsufficientCapacity);
            }
            self.check_peer(relays, peer)?;
            peers.push(peer.ip());
        }
        if peers.is_empty() {
            return Err(Refusal::BadRequest);
        }
        let allocation = self
            .allocations
            .get_mut(index)
            .ok_or(Refusal::AllocationMismatch)?;
        if !allocation.permissions.has_room(&peers, now) {
            return Err(Refusal::InsufficientCapacity);
        }
        for peer in peers {
            allocation.permissions.install(peer, now + PERMISSION_LIFETIME);
        }
        Ok(asked.seal(asked.success()))
    }

    /// Gives a peer a number, and a permission with it.
    pub(super) fn channel_bind(
        &mut self,
        now: Instant,
        asked: &Asked,
        message: &Message<'_>,
        index: usize,
    ) -> Result<Action, Refusal> {
        let number = match message.find(AttributeType::CHANNEL_NUMBER) {
            Some([high, low, _, _]) => u16::from_be_bytes([*high, *low]),
            _ => return Err(Refusal::BadRequest),
        };
        let peer = message
            .find(AttributeType::XOR_PEER_ADDRESS)
            .and_then(|value| message.address(value));
        let peer = peer.ok_or(Refusal::BadRequest)?;
        if !CHANNEL_NUMBERS.contains(&number) {
            return Err(Refusal::BadRequest);
        }
        let relays = self
            .allocations
            .get(index)
            .map(|allocation| allocation.relays)
            .unwrap_or_default();
        self.check_peer(relays, peer)?;
        if peer.port() == 0 {
            return Err(Refusal::Forbidden);
        }
        let permitted_at = self.config.peers.revision();
        let allocation = self
            .allocations
            .get_mut(index)
            .ok_or(Refusal::AllocationMismatch)?;
        let by_number = allocation
            .channels
            .by_number(number, now)
            .is_some_and(|other| other.peer != peer);
        let by_peer = allocation
            .channels
            .by_peer(peer, now)
            .is_some_and(|other| other.number != number);
        if by_number || by_peer {
            return Err(Refusal::BadRequest);
        }
        let channel = Channel {
            number,
            peer,
            expires: now + CHANNEL_LIFETIME,
            permitted_at,
        };
        if !allocation.permissions.has_room(&[peer.ip()], now) || !allocation.channels.bind(channel, now) {
            return Err(Refusal::InsufficientCapacity);
        }
        allocation
            .permissions
            .install(peer.ip(), now + PERMISSION_LIFETIME);
        Ok(asked.seal(asked.success()))
    }

    /// Whether an allocation may have to do with a peer.
    ///
    /// A permission holds for every port of an address, so a request may leave the port open with 0. Where it names
    /// one, that one must be permitted: browsers always name it, and a probe of our own ports learns nothing.
    fn check_peer(&mut self, relays: Relays, peer: SocketAddr) -> Result<(), Refusal> {
        if relays.of(Family::of(peer.ip())).is_none() {
            return Err(Refusal::PeerFamilyMismatch);
        }
        let peers = &self.config.peers;
        let permitted = if peer.port() == 0 {
            peers.permits_some_port(peer.ip())
        } else {
            peers.permits(peer)
        };
        if permitted {
            return Ok(());
        }
        self.stats.forbidden_peers += 1;
        Err(Refusal::Forbidden)
    }
}
