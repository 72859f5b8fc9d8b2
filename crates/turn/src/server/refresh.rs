//! Refresh: longer, or over (RFC 8656 §8.2).

use std::time::{Duration, Instant};

use super::allocate::granted_lifetime;
use super::answer::{Asked, Refusal};
use super::{Server, wish};
use crate::Action;
use crate::stun::{AttributeType, Message};

impl Server {
    pub(super) fn refresh(
        &mut self,
        now: Instant,
        asked: &Asked,
        message: &Message<'_>,
        index: usize,
    ) -> Result<Action, Refusal> {
        let seconds = wish::lifetime(message)?;
        let family =
            wish::family(message, AttributeType::REQUESTED_ADDRESS_FAMILY).map_err(
                |refusal| match refusal {
                    Refusal::FamilyNotSupported => Refusal::PeerFamilyMismatch,
                    other => other,
                },
            )?;
        let relays = self
            .allocations
            .get(index)
            .map(|allocation| allocation.relays)
            .unwrap_or_default();
        if family.is_some_and(|family| relays.of(family).is_none()) {
            return Err(Refusal::PeerFamilyMismatch);
        }
        let lifetime = if seconds == Some(0) {
            Duration::ZERO
        } else {
            granted_lifetime(seconds)
        };
        match family.and_then(|family| Some((family, relays.of(family)?))) {
            _ if !lifetime.is_zero() => self.set_expiry(index, now + lifetime),
            // One of two families ends; the other goes on.
            Some((family, relay)) if relays.iter().count() > 1 => {
                self.close_relay(relay);
                if let Some(allocation) = self.allocations.get_mut(index) {
                    allocation.relays.set(family, None);
                }
            }
            _ => self.close_allocation(index, false),
        }
        let mut answer = asked.success();
        answer.word(AttributeType::LIFETIME, lifetime.as_secs() as u32);
        Ok(asked.seal(answer))
    }
}
