//! From a message to the one who answers it: rates, authentication, what is understood.

use std::time::Instant;

use super::answer::{Asked, Refusal};
use super::authenticate::Holder;
use super::{Server, visible};
use crate::allocation::State;
use crate::stun::{AttributeType, Message, Method};
use crate::{Action, FiveTuple};

impl Server {
    /// Answers where a request comes from; needs no credential (RFC 8489 §6.3.1).
    pub(super) fn binding(&mut self, now: Instant, client: FiveTuple, message: &Message<'_>) {
        if !self.admit(now, client, None, false) {
            return;
        }
        let asked = Asked::of(client, message);
        if let Some(unknown) = self.unknown_attributes(&asked, message) {
            self.actions.push_back(unknown);
            return;
        }
        let mut answer = asked.success();
        answer.address(AttributeType::XOR_MAPPED_ADDRESS, visible(client.source));
        self.stats.bindings += 1;
        self.actions.push_back(asked.seal(answer));
    }

    /// Takes a request of TURN through authentication to the one who answers it.
    pub(super) fn request(&mut self, now: Instant, client: FiveTuple, message: &Message<'_>) {
        let existing = self.by_client.get(&client).copied();
        let nonce = message.find(AttributeType::NONCE);
        let fresh = nonce.is_some_and(|nonce| self.nonces.verify(now, client, nonce));
        if !self.admit(now, client, existing, fresh) {
            return;
        }
        let mut asked = Asked::of(client, message);
        let holder = match self.authenticate(now, &mut asked, message, existing, fresh) {
            Ok(holder) => holder,
            Err(answer) => {
                self.actions.push_back(answer);
                return;
            }
        };
        if let Some(unknown) = self.unknown_attributes(&asked, message) {
            self.actions.push_back(unknown);
            return;
        }
        if message.method() == Method::ALLOCATE {
            self.allocate(now, asked, message, holder, existing);
            return;
        }
        let outcome = existing
            .ok_or(Refusal::AllocationMismatch)
            .and_then(|index| self.change(now, &asked, message, holder, index));
        match outcome {
            Ok(answer) => self.actions.push_back(answer),
            Err(refusal) => self.refuse(&asked, refusal),
        }
    }

    /// Answers a request about an allocation that exists.
    fn change(
        &mut self,
        now: Instant,
        asked: &Asked,
        message: &Message<'_>,
        holder: Holder<'_>,
        index: usize,
    ) -> Result<Action, Refusal> {
        let allocation = self.allocations.get(index).ok_or(Refusal::AllocationMismatch)?;
        if matches!(allocation.state, State::Binding(_)) {
            return Err(Refusal::AllocationMismatch);
        }
        if *allocation.username != *holder.username {
            return Err(Refusal::WrongCredentials);
        }
        match message.method() {
            Method::REFRESH => self.refresh(now, asked, message, index),
            Method::CREATE_PERMISSION => self.create_permission(now, asked, message, index),
            Method::CHANNEL_BIND => self.channel_bind(now, asked, message, index),
            // Connections to peers (RFC 6062) are not for media.
            _ => Err(Refusal::Forbidden),
        }
    }

    pub(super) fn refuse(&mut self, asked: &Asked, refusal: Refusal) {
        self.stats.refusals += 1;
        self.actions.push_back(asked.seal(asked.error(refusal)));
    }

    /// Refuses what a request contains and we do not know (RFC 8489 §6.3.1).
    fn unknown_attributes(&mut self, asked: &Asked, message: &Message<'_>) -> Option<Action> {
        let mut list = Vec::new();
        for attribute in message
            .attributes()
            .filter(|attribute| !self.understands(attribute.kind))
        {
            // A list longer than this helps nobody and would be an amplifier.
            if list.len() < 16 {
                list.extend_from_slice(&attribute.kind.0.to_be_bytes());
            }
        }
        if list.is_empty() {
            return None;
        }
        self.stats.refusals += 1;
        let mut answer = asked.error(Refusal::UnknownAttribute);
        answer.attribute(AttributeType::UNKNOWN_ATTRIBUTES, &list);
        Some(asked.seal(answer))
    }

    pub(super) fn understands(&self, kind: AttributeType) -> bool {
        let can_fragment = kind != AttributeType::DONT_FRAGMENT || self.config.dont_fragment;
        !kind.must_be_understood() || UNDERSTOOD.contains(&kind) && can_fragment
    }

    /// Whether a request is within the rates of whoever sent it.
    fn admit(&mut self, now: Instant, client: FiveTuple, existing: Option<usize>, fresh_nonce: bool) -> bool {
        let now_ns = now.saturating_duration_since(self.started).as_nanos() as u64;
        let source = client.source.ip();
        let rate = self.config.limits.per_allocation;
        let admitted = match existing.and_then(|index| self.allocations.get_mut(index)) {
            Some(allocation) => allocation.requests.admit(now_ns, rate),
            None if fresh_nonce || client.transport.is_stream() => self.proven.admit(now_ns, source),
            None => self.unproven.admit(now_ns, source),
        };
        self.stats.limited += u64::from(!admitted);
        admitted
    }
}

/// Attributes a request may contain that would have to be refused if we did not know them.
const UNDERSTOOD: [AttributeType; 15] = [
    AttributeType::USERNAME,
    AttributeType::MESSAGE_INTEGRITY,
    AttributeType::MESSAGE_INTEGRITY_SHA256,
    AttributeType::REALM,
    AttributeType::NONCE,
    AttributeType::PASSWORD_ALGORITHM,
    AttributeType::CHANNEL_NUMBER,
    AttributeType::LIFETIME,
    AttributeType::XOR_PEER_ADDRESS,
    AttributeType::DATA,
    AttributeType::REQUESTED_ADDRESS_FAMILY,
    AttributeType::EVEN_PORT,
    AttributeType::REQUESTED_TRANSPORT,
    AttributeType::DONT_FRAGMENT,
    AttributeType::RESERVATION_TOKEN,
];
