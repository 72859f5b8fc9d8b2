//! Allocate: sockets for a client (RFC 8656 §7.2).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::Rng as _;

use super::answer::{Asked, Refusal};
use super::authenticate::Holder;
use super::lifetime::Due;
use super::wish::{PortWish, RelayWish, Wish};
use super::{DEFAULT_LIFETIME, MAX_LIFETIME, Relay, Reservation, Server, Token, visible};
use crate::allocation::{Allocation, Channels, Permissions, Relays, State};
use crate::limiter::{Cell, network_of};
use crate::stun::{AttributeType, Family, Message};
use crate::{Action, RelayId};

/// How long a port stays set aside (RFC 8656 §18.10).
const RESERVATION_LIFETIME: Duration = Duration::from_secs(30);

/// How long the owner of the sockets may take to bind one.
const BIND_PATIENCE: Duration = Duration::from_secs(10);

/// How many ports are tried when others on this host use some of ours.
const BIND_ATTEMPTS: u8 = 16;

/// An allocation whose sockets are being opened.
#[derive(Debug)]
pub(crate) struct Pending {
    asked: Asked,
    lifetime: Duration,
    port: PortWish,
    /// The socket to be set aside for a later allocation.
    next: Option<RelayId>,
    attempts_left: u8,
    /// What could not be had, and why.
    failed: Vec<(Family, Refusal)>,
}

impl Pending {
    pub(super) fn next(&self) -> Option<RelayId> {
        self.next
    }
}

impl Server {
    pub(super) fn allocate(
        &mut self,
        now: Instant,
        asked: Asked,
        message: &Message<'_>,
        holder: Holder<'_>,
        existing: Option<usize>,
    ) {
        if let Some(allocation) = existing.and_then(|index| self.allocations.get(index)) {
            match &allocation.state {
                // The answer was lost, so it is given again (RFC 8656 §7.2).
                State::Active { transaction, answer } if *transaction == asked.transaction => {
                    let again = Action::SendToClient {
                        client: asked.client,
                        bytes: answer.clone(),
                    };
                    self.actions.push_back(again);
                }
                State::Binding(pending) if pending.asked.transaction == asked.transaction => {}
                _ => self.refuse(&asked, Refusal::AllocationMismatch),
            }
            return;
        }
        let wish = Wish::parse(message).and_then(|wish| self.within_quotas(&asked, holder, wish));
        let outcome = wish.and_then(|wish| self.open(now, &asked, holder, wish));
        if let Err(refusal) = outcome {
            self.refuse(&asked, refusal);
        }
    }

    /// Takes note of how a relay's socket could be opened, and tries another port where it could not.
    pub(super) fn bound(&mut self, now: Instant, id: RelayId, open: bool) {
        let Some(relay) = self.relay_mut(id) else { return };
        let Some(index) = relay.allocation else { return };
        if open {
            relay.bound = true;
            let address = relay.address;
            self.config.peers.open_relay(address);
        } else {
            self.try_another_port(index, id);
        }
        self.settle(now, index);
    }

    fn within_quotas(&self, asked: &Asked, holder: Holder<'_>, wish: Wish) -> Result<Wish, Refusal> {
        let limits = &self.config.limits;
        let share = self.by_session.get(holder.session);
        let held = share.map_or(0, |share| share.allocations.len() + share.reservations.len());
        // A reserved port has been counted already.
        let more = match wish.relay {
            RelayWish::Reserved(_) => 0,
            RelayWish::One {
                port: PortWish::EvenAndNext,
                ..
            } => 2,
            _ => 1,
        };
        let network = self.by_network.get(&network_of(asked.client.source.ip()));
        let network = network.copied().unwrap_or_default();
        if held + more > limits.allocations_per_session || network >= limits.allocations_per_network {
            return Err(Refusal::QuotaReached);
        }
        if self.allocations.len() >= limits.allocations {
            return Err(Refusal::InsufficientCapacity);
        }
        Ok(wish)
    }

    fn open(&mut self, now: Instant, asked: &Asked, holder: Holder<'_>, wish: Wish) -> Result<(), Refusal> {
        let (families, port): (&[Family], _) = match wish.relay {
            RelayWish::One { family, port } => {
                let _ = self.relay_ip(family).ok_or(Refusal::FamilyNotSupported)?;
                (
                    if family == Family::V4 {
                        &[Family::V4]
                    } else {
                        &[Family::V6]
                    },
                    port,
                )
            }
            RelayWish::Both { port } => (&[Family::V4, Family::V6], port),
            RelayWish::Reserved(_) => (&[], PortWish::Any),
        };
        let reserved = match wish.relay {
            RelayWish::Reserved(token) => Some(self.redeem(&token, holder.session)?),
            _ => None,
        };
        let lifetime = granted_lifetime(wish.lifetime);
        let pending = Pending {
            asked: asked.clone(),
            lifetime,
            port,
            next: None,
            attempts_left: BIND_ATTEMPTS,
            failed: Vec::new(),
        };
        let index = self.allocations.insert(Allocation {
            client: asked.client,
            username: holder.username.into(),
            session: holder.session.into(),
            expires: now + BIND_PATIENCE,
            relays: Relays::default(),
            permissions: Permissions::default(),
            channels: Channels::default(),
            state: State::Binding(Box::new(pending)),
            requests: Cell::default(),
        });
        self.by_client.insert(asked.client, index);
        self.due.insert((now + BIND_PATIENCE, Due::Allocation(index)));
        let share = self.by_session.entry(holder.session.into()).or_default();
        share.allocations.push(index);
        *self
            .by_network
            .entry(network_of(asked.client.source.ip()))
            .or_default() += 1;
        if let Some(id) = reserved {
            self.adopt(index, id);
        }
        for family in families {
            self.start_binding(index, *family, port);
        }
        self.settle(now, index);
        Ok(())
    }

    /// Takes the socket out of its reservation.
    fn redeem(&mut self, token: &Token, session: &str) -> Result<RelayId, Refusal> {
        let owned = self
            .reservations
            .get(token)
            .is_some_and(|reservation| *reservation.session == *session);
        if !owned {
            return Err(Refusal::InsufficientCapacity);
        }
        self.forget_reservation(token)
            .ok_or(Refusal::InsufficientCapacity)
    }

    fn adopt(&mut self, index: usize, id: RelayId) {
        let Some(relay) = self.relay_mut(id) else { return };
        relay.allocation = Some(index);
        let family = relay.family;
        if let Some(allocation) = self.allocations.get_mut(index) {
            allocation.relays.set(family, Some(id));
        }
    }

    fn start_binding(&mut self, index: usize, family: Family, wish: PortWish) {
        let random = self.random.next_u32();
        let ports = self.ports(family);
        let port = match wish {
            PortWish::Any => ports.take(random),
            PortWish::Even => ports.take_even(random, false),
            PortWish::EvenAndNext => ports.take_even(random, true),
        };
        let address = self.relay_ip(family).ok_or(Refusal::FamilyNotSupported);
        let found = address.and_then(|address| Ok((address, port.ok_or(Refusal::InsufficientCapacity)?)));
        let (address, port) = match found {
            Ok(found) => found,
            Err(refusal) => {
                if let Some(port) = port {
                    self.ports(family).give_back(port);
                }
                self.note_failure(index, family, refusal);
                return;
            }
        };
        let id = self.new_relay(index, family, (address, port).into());
        let next = (wish == PortWish::EvenAndNext)
            .then(|| self.new_relay(index, family, (address, port.saturating_add(1)).into()));
        if let Some(allocation) = self.allocations.get_mut(index) {
            allocation.relays.set(family, Some(id));
            if let State::Binding(pending) = &mut allocation.state {
                pending.next = next;
            }
        }
    }

    fn new_relay(&mut self, index: usize, family: Family, address: SocketAddr) -> RelayId {
        self.relay_generation = self.relay_generation.wrapping_add(1);
        let entry = self.relays.vacant_entry();
        let id = RelayId {
            index: entry.key() as u32,
            generation: self.relay_generation,
        };
        entry.insert(Relay {
            generation: id.generation,
            allocation: Some(index),
            family,
            port: address.port(),
            address,
            bound: false,
        });
        self.actions.push_back(Action::BindRelay {
            relay: id,
            family,
            port: address.port(),
        });
        id
    }

    /// Replaces a relay whose port somebody else on this host has. The port is given back only afterwards, so that it
    /// is not the next one tried.
    fn try_another_port(&mut self, index: usize, id: RelayId) {
        let Some(family) = self.relay(id).map(|relay| relay.family) else {
            return;
        };
        let Some(allocation) = self.allocations.get_mut(index) else {
            return;
        };
        let State::Binding(pending) = &mut allocation.state else {
            return;
        };
        pending.attempts_left = pending.attempts_left.saturating_sub(1);
        let (again, wish) = (pending.attempts_left > 0, pending.port);
        let next = pending.next.take();
        let first = allocation.relays.of(family);
        allocation.relays.set(family, None);
        let mut ports = Vec::new();
        for relay in first.into_iter().chain(next) {
            ports.extend(self.take_relay(relay).map(|relay| relay.port));
        }
        if again {
            self.start_binding(index, family, wish);
        } else {
            self.note_failure(index, family, Refusal::InsufficientCapacity);
        }
        for port in ports {
            self.ports(family).give_back(port);
        }
    }

    fn note_failure(&mut self, index: usize, family: Family, refusal: Refusal) {
        if let Some(Allocation {
            state: State::Binding(pending),
            ..
        }) = self.allocations.get_mut(index)
        {
            pending.failed.push((family, refusal));
        }
    }

    /// Answers once every socket is open, or none can be.
    fn settle(&mut self, now: Instant, index: usize) {
        let Some(allocation) = self.allocations.get(index) else {
            return;
        };
        let State::Binding(pending) = &allocation.state else {
            return;
        };
        let mut relays = allocation.relays.iter().chain(pending.next);
        if relays.any(|id| self.relay(id).is_none_or(|relay| !relay.bound)) {
            return;
        }
        if allocation.relays == Relays::default() {
            let refusal = pending
                .failed
                .first()
                .map_or(Refusal::InsufficientCapacity, |(_, why)| *why);
            let asked = pending.asked.clone();
            self.close_allocation(index, false);
            self.refuse(&asked, refusal);
            return;
        }
        let session = allocation.session.clone();
        let token = pending.next.map(|next| self.reserve(now, next, session));
        self.grant(now, index, token);
    }

    /// Sets a relay's socket aside.
    fn reserve(&mut self, now: Instant, relay: RelayId, session: Box<str>) -> Token {
        let mut token = Token::default();
        self.random.fill_bytes(&mut token);
        if let Some(relay) = self.relay_mut(relay) {
            relay.allocation = None;
        }
        let expires = now + RESERVATION_LIFETIME;
        self.due.insert((expires, Due::Reservation(token)));
        let share = self.by_session.entry(session.clone()).or_default();
        share.reservations.push(token);
        self.reservations.insert(
            token,
            Reservation {
                relay,
                session,
                expires,
            },
        );
        token
    }

    fn grant(&mut self, now: Instant, index: usize, token: Option<Token>) {
        let Some(allocation) = self.allocations.get(index) else {
            return;
        };
        let State::Binding(pending) = &allocation.state else {
            return;
        };
        let (asked, lifetime) = (&pending.asked, pending.lifetime);
        let mut answer = asked.success();
        for address in allocation
            .relays
            .iter()
            .filter_map(|relay| self.relayed_address(relay))
        {
            answer.address(AttributeType::XOR_RELAYED_ADDRESS, address);
        }
        answer.word(AttributeType::LIFETIME, lifetime.as_secs() as u32);
        if let Some(token) = token {
            answer.attribute(AttributeType::RESERVATION_TOKEN, &token);
        }
        answer.address(AttributeType::XOR_MAPPED_ADDRESS, visible(asked.client.source));
        for (family, why) in &pending.failed {
            let code = why.code();
            let mut value = vec![family.code(), 0, (code / 100) as u8, (code % 100) as u8];
            value.extend_from_slice(why.reason().as_bytes());
            answer.attribute(AttributeType::ADDRESS_ERROR_CODE, &value);
        }
        let transaction = asked.transaction;
        let action = asked.seal(answer);
        self.set_expiry(index, now + lifetime);
        if let (Some(allocation), Action::SendToClient { bytes, .. }) =
            (self.allocations.get_mut(index), &action)
        {
            allocation.state = State::Active {
                transaction,
                answer: bytes.clone(),
            };
        }
        self.stats.opened += 1;
        self.actions.push_back(action);
    }
}

/// The lifetime an allocation gets: what was asked for, within ten minutes and an hour (RFC 8656 §7.2).
pub(super) fn granted_lifetime(asked: Option<u32>) -> Duration {
    let asked = asked.map_or(DEFAULT_LIFETIME, |seconds| Duration::from_secs(seconds.into()));
    asked.clamp(DEFAULT_LIFETIME, MAX_LIFETIME)
}
