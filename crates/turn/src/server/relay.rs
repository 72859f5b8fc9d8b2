//! Payloads between client and peer (RFC 8656 §11, §12). Nothing here allocates.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Instant;

use rand::Rng as _;

use super::Server;
use crate::allocation::{Allocation, State};
use crate::channel_data::{self, CHANNEL_HEADER_BYTES};
use crate::stun::{
    AttributeType, Family, HEADER_BYTES, Message, TransactionId, data_header, padded, xor_address,
};
use crate::{FiveTuple, RelayId, SendFromRelay, SendToClient};

impl Server {
    /// Takes a peer's packet, which lies at `payload` in `buffer` with [`crate::HEADROOM`] bytes before and
    /// [`crate::TAILROOM`] behind it, and makes it into a message for the client, in place.
    pub fn handle_peer<'p>(
        &mut self,
        now: Instant,
        relay: RelayId,
        peer: SocketAddr,
        buffer: &'p mut [u8],
        payload: Range<usize>,
    ) -> Option<SendToClient<'p>> {
        // Flow label and scope say nothing about who a peer is.
        let peer = SocketAddr::new(peer.ip(), peer.port());
        let length = payload.len();
        let (client, range) = self.wrap(now, relay, peer, buffer, payload).or_else(|| {
            self.stats.unsolicited += 1;
            None
        })?;
        self.stats.to_clients.count(length);
        let bytes = buffer.get(range)?;
        Some(SendToClient { client, bytes })
    }

    pub(super) fn channel_data<'p>(
        &mut self,
        now: Instant,
        client: FiveTuple,
        packet: &'p [u8],
    ) -> Option<SendFromRelay<'p>> {
        let Some((number, payload)) = channel_data::parse(packet) else {
            self.stats.malformed += 1;
            return None;
        };
        let Some((relay, peer)) = self.channel_target(now, client, number) else {
            self.stats.unsolicited += 1;
            return None;
        };
        self.stats.to_peers.count(payload.len());
        Some(SendFromRelay {
            relay,
            peer,
            payload,
            dont_fragment: false,
        })
    }

    pub(super) fn send_indication<'p>(
        &mut self,
        now: Instant,
        client: FiveTuple,
        message: &Message<'p>,
    ) -> Option<SendFromRelay<'p>> {
        let mut peer = None;
        let mut payload = None;
        let mut dont_fragment = false;
        for attribute in message.attributes() {
            match attribute.kind {
                AttributeType::XOR_PEER_ADDRESS => {
                    peer = peer.or_else(|| message.address(attribute.value));
                }
                AttributeType::DATA => payload = payload.or(Some(attribute.value)),
                AttributeType::DONT_FRAGMENT => dont_fragment = true,
                _ => {}
            }
            // An indication with something unknown in it is dropped (RFC 8489 §6.3.2).
            if !self.understands(attribute.kind) {
                self.stats.malformed += 1;
                return None;
            }
        }
        let (Some(peer), Some(payload)) = (peer, payload) else {
            self.stats.malformed += 1;
            return None;
        };
        let Some(relay) = self.send_target(now, client, peer) else {
            self.stats.unsolicited += 1;
            return None;
        };
        self.stats.to_peers.count(payload.len());
        Some(SendFromRelay {
            relay,
            peer,
            payload,
            dont_fragment,
        })
    }

    fn channel_target(
        &mut self,
        now: Instant,
        client: FiveTuple,
        number: u16,
    ) -> Option<(RelayId, SocketAddr)> {
        let index = *self.by_client.get(&client)?;
        let allocation = self
            .allocations
            .get_mut(index)
            .filter(|allocation| is_open(allocation, now))?;
        let channel = allocation.channels.by_number(number, now)?;
        // What was permitted when the channel was bound may have been taken back since.
        let peers = &self.config.peers;
        if channel.permitted_at != peers.revision() {
            if !peers.permits(channel.peer) {
                self.stats.forbidden_peers += 1;
                return None;
            }
            channel.permitted_at = peers.revision();
        }
        let peer = channel.peer;
        let relay = allocation.relays.of(Family::of(peer.ip()))?;
        allocation
            .permissions
            .holds(peer.ip(), now)
            .then_some((relay, peer))
    }

    fn send_target(&mut self, now: Instant, client: FiveTuple, peer: SocketAddr) -> Option<RelayId> {
        let index = *self.by_client.get(&client)?;
        let allocation = self
            .allocations
            .get(index)
            .filter(|allocation| is_open(allocation, now))?;
        let relay = allocation.relays.of(Family::of(peer.ip()))?;
        if !allocation.permissions.holds(peer.ip(), now) {
            return None;
        }
        if !self.config.peers.permits(peer) {
            self.stats.forbidden_peers += 1;
            return None;
        }
        Some(relay)
    }

    /// Puts a header before the payload and says who gets which part of the buffer.
    fn wrap(
        &mut self,
        now: Instant,
        id: RelayId,
        peer: SocketAddr,
        buffer: &mut [u8],
        payload: Range<usize>,
    ) -> Option<(FiveTuple, Range<usize>)> {
        let index = self.relay(id)?.allocation?;
        let allocation = self
            .allocations
            .get_mut(index)
            .filter(|allocation| is_open(allocation, now))?;
        if !allocation.permissions.holds(peer.ip(), now) {
            return None;
        }
        let client = allocation.client;
        let length = payload.len();
        let peers = &self.config.peers;
        let channel = allocation.channels.by_peer(peer, now);
        let known = channel
            .as_ref()
            .is_some_and(|channel| channel.permitted_at == peers.revision());
        if !known && !peers.permits(peer) {
            self.stats.forbidden_peers += 1;
            return None;
        }
        if let Some(channel) = channel {
            channel.permitted_at = peers.revision();
            let header = channel_data::header(channel.number, u16::try_from(length).ok()?);
            let start = payload.start.checked_sub(CHANNEL_HEADER_BYTES)?;
            put(buffer, start, &header)?;
            // On a stream the next frame begins at a whole word (RFC 8656 §12.5).
            let end = if client.transport.is_stream() {
                pad(buffer, &payload)?
            } else {
                payload.end
            };
            return Some((client, start..end));
        }
        let mut transaction = TransactionId([0; 12]);
        self.random.fill_bytes(&mut transaction.0);
        let (address, address_bytes) = xor_address(peer, transaction);
        let address = address.get(..address_bytes)?;
        let attributes = 4 + address_bytes + 4 + padded(length);
        let start = payload.start.checked_sub(HEADER_BYTES + 4 + address_bytes + 4)?;
        let header = data_header(transaction, u16::try_from(attributes).ok()?);
        let at = put(buffer, start, &header)?;
        let at = put_attribute_head(buffer, at, AttributeType::XOR_PEER_ADDRESS, address_bytes)?;
        let at = put(buffer, at, address)?;
        put_attribute_head(buffer, at, AttributeType::DATA, length)?;
        let end = pad(buffer, &payload)?;
        Some((client, start..end))
    }
}

fn is_open(allocation: &Allocation, now: Instant) -> bool {
    allocation.expires > now && matches!(allocation.state, State::Active { .. })
}

/// Writes bytes at a place and gives the place behind them.
fn put(buffer: &mut [u8], at: usize, bytes: &[u8]) -> Option<usize> {
    let end = at.checked_add(bytes.len())?;
    buffer.get_mut(at..end)?.copy_from_slice(bytes);
    Some(end)
}

fn put_attribute_head(buffer: &mut [u8], at: usize, kind: AttributeType, length: usize) -> Option<usize> {
    let at = put(buffer, at, &kind.0.to_be_bytes())?;
    put(buffer, at, &u16::try_from(length).ok()?.to_be_bytes())
}

/// Fills the payload's last word with zeros and gives the place behind it.
fn pad(buffer: &mut [u8], payload: &Range<usize>) -> Option<usize> {
    let end = payload.start + padded(payload.len());
    buffer.get_mut(payload.end..end)?.fill(0);
    Some(end)
}
