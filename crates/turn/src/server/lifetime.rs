//! The end of things: by time, by their owner, by the session's end.

use std::time::Instant;

use super::{Relay, Server, Token};
use crate::allocation::State;
use crate::limiter::network_of;
use crate::{Action, RelayId};

/// Names what ends at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    Allocation(usize),
    Reservation(Token),
}

impl Server {
    pub(super) fn expire(&mut self, now: Instant) {
        self.revoked.expire(now);
        while let Some((at, due)) = self.due.first().copied()
            && at <= now
        {
            self.due.remove(&(at, due));
            match due {
                Due::Allocation(index) => self.close_allocation(index, true),
                Due::Reservation(token) => self.end_reservation(&token),
            }
        }
    }

    pub(super) fn end_session(&mut self, now: Instant, session: &str) {
        self.revoked
            .insert(session, now + self.config.max_credential_lifetime);
        let Some(share) = self.by_session.get(session) else {
            return;
        };
        let (allocations, reservations) = (share.allocations.clone(), share.reservations.clone());
        for index in allocations {
            self.close_allocation(index, true);
        }
        for token in reservations {
            self.end_reservation(&token);
        }
    }

    pub(super) fn set_expiry(&mut self, index: usize, expires: Instant) {
        let Some(allocation) = self.allocations.get_mut(index) else {
            return;
        };
        self.due.remove(&(allocation.expires, Due::Allocation(index)));
        allocation.expires = expires;
        self.due.insert((expires, Due::Allocation(index)));
    }

    /// Ends an allocation; `hang_up` says whether a client's connection goes with it.
    pub(super) fn close_allocation(&mut self, index: usize, hang_up: bool) {
        let Some(allocation) = self.allocations.try_remove(index) else {
            return;
        };
        let client = allocation.client;
        self.by_client.remove(&client);
        self.due.remove(&(allocation.expires, Due::Allocation(index)));
        if let Some(share) = self.by_session.get_mut(&allocation.session) {
            share.allocations.retain(|other| *other != index);
        }
        self.forget_empty_share(&allocation.session);
        let network = network_of(client.source.ip());
        if let Some(count) = self.by_network.get_mut(&network) {
            *count -= 1;
            if *count == 0 {
                self.by_network.remove(&network);
            }
        }
        let pending = match &allocation.state {
            State::Binding(pending) => pending.next(),
            State::Active { .. } => {
                self.stats.closed += 1;
                None
            }
        };
        for relay in allocation.relays.iter().chain(pending) {
            self.close_relay(relay);
        }
        if hang_up && client.transport.is_stream() {
            self.actions.push_back(Action::CloseClient { client });
        }
    }

    pub(super) fn close_relay(&mut self, id: RelayId) {
        if let Some(relay) = self.take_relay(id) {
            self.ports(relay.family).give_back(relay.port);
        }
    }

    /// Forgets a relay without giving its port back.
    pub(super) fn take_relay(&mut self, id: RelayId) -> Option<Relay> {
        self.relay(id)?;
        let relay = self.relays.try_remove(id.index as usize)?;
        self.config.peers.close_relay(relay.address);
        self.actions.push_back(Action::CloseRelay { relay: id });
        Some(relay)
    }

    fn end_reservation(&mut self, token: &Token) {
        if let Some(relay) = self.forget_reservation(token) {
            self.close_relay(relay);
        }
    }

    /// Forgets a reservation and gives its relay.
    pub(super) fn forget_reservation(&mut self, token: &Token) -> Option<RelayId> {
        let reservation = self.reservations.remove(token)?;
        self.due.remove(&(reservation.expires, Due::Reservation(*token)));
        if let Some(share) = self.by_session.get_mut(&reservation.session) {
            share.reservations.retain(|other| other != token);
        }
        self.forget_empty_share(&reservation.session);
        Some(reservation.relay)
    }

    fn forget_empty_share(&mut self, session: &str) {
        let empty = |share: &super::Share| share.allocations.is_empty() && share.reservations.is_empty();
        if self.by_session.get(session).is_some_and(empty) {
            self.by_session.remove(session);
        }
    }
}
