use std::time::Instant;

use tertulia_engine::{NegotiationFailure, PeerMode, PeerRole};
use tertulia_model::{Candidate, Mid, PeerSpec, TrackId};
use tertulia_room::DepartureReason;
use tertulia_sdp::{Kind, Origin};

use crate::connection::{Bucket, Flow, Participant};
use crate::convert;
use crate::signal::{Description, LeaveAction};
use crate::stats::Counters;

/// How many descriptions a client may send a second, and for how many seconds at once.
const DESCRIPTIONS_PER_SECOND: u32 = 10;
const DESCRIPTIONS_BURST_S: u32 = 5;

/// Where the conversation about media stands.
#[derive(Debug)]
pub(crate) struct Negotiation {
    /// Descriptions cost more than other messages to read.
    bucket: Bucket,
    /// Number of our last offer.
    offer_id: u32,
    /// Whether its answer is still to come.
    outstanding: bool,
    /// Number of the description written last; every one is newer than the one before.
    version: u64,
}

impl Negotiation {
    pub(crate) fn new(now: Instant) -> Self {
        let bucket = Bucket::new(DESCRIPTIONS_PER_SECOND, DESCRIPTIONS_BURST_S, now);
        Self {
            bucket,
            offer_id: 0,
            outstanding: false,
            version: 0,
        }
    }

    /// The number of an offer of ours.
    fn next_offer(&mut self) -> u32 {
        self.offer_id = self.offer_id.wrapping_add(1);
        self.outstanding = true;
        self.offer_id
    }

    /// Whether an answer with this number is the one waited for. Clients before protocol 9 number nothing.
    fn take_answer(&mut self, id: u32) -> bool {
        let expected = self.outstanding && (id == self.offer_id || id == 0);
        if expected {
            self.outstanding = false;
        }
        expected
    }

    fn origin(&mut self, session: u64) -> Origin {
        self.version += 1;
        Origin {
            session,
            version: self.version,
        }
    }

    /// Whatever offer was on its way when signalling broke is void.
    pub(crate) fn reset(&mut self) {
        self.outstanding = false;
    }
}

impl Participant {
    /// Answers an offer for the single or the publishing connection.
    pub(crate) async fn on_offer(&mut self, offer: Description) -> Flow {
        if !self.negotiation.bucket.take(1, Instant::now()) {
            return self.refuse_description("too many descriptions").await;
        }
        let spec = match tertulia_sdp::parse(&offer.sdp) {
            Ok(spec) => spec,
            Err(error) => return self.refuse_description(&error.to_string()).await,
        };
        match self.room.offer(&self.id, spec).await {
            Ok(negotiated) => {
                let origin = self.negotiation.origin(self.room_info.created_at_ms);
                let sdp = tertulia_sdp::write(&negotiated.answer, Kind::Answer, origin);
                // The publishing connection of two carries nothing to the client.
                let bindings = match self.mode {
                    PeerMode::Single => &negotiated.bindings[..],
                    PeerMode::Dual => &[],
                };
                self.send(convert::answer(sdp, offer.id, bindings));
                Flow::Stay
            }
            Err(NegotiationFailure::Gone) => Flow::Stay,
            Err(failure) => self.refuse_description(&failure.to_string()).await,
        }
    }

    /// Sends our offer for the subscribing connection.
    pub(crate) fn send_offer(&mut self, spec: PeerSpec, bindings: &[(Mid, TrackId)]) -> Flow {
        let id = self.negotiation.next_offer();
        let origin = self.negotiation.origin(self.room_info.created_at_ms);
        let sdp = tertulia_sdp::write(&spec, Kind::Offer, origin);
        self.send(convert::offer(sdp, id, bindings));
        Flow::Stay
    }

    /// Takes the answer to our offer.
    pub(crate) async fn on_answer(&mut self, answer: Description) -> Flow {
        if !self.negotiation.take_answer(answer.id) {
            tracing::debug!(participant = %self.id, id = answer.id, "an answer to no offer is ignored");
            return Flow::Stay;
        }
        let spec = match tertulia_sdp::parse(&answer.sdp) {
            Ok(spec) => spec,
            Err(error) => return self.refuse_description(&error.to_string()).await,
        };
        match self.room.answer(&self.id, spec).await {
            Ok(()) | Err(NegotiationFailure::Gone) => Flow::Stay,
            Err(failure) => self.refuse_description(&failure.to_string()).await,
        }
    }

    pub(crate) fn on_candidate(&mut self, role: PeerRole, candidate: Option<Candidate>) {
        let Some(candidate) = candidate else { return };
        if self.mode == PeerMode::Single && role == PeerRole::Subscriber {
            return;
        }
        if !self.room.candidate(&self.id, role, candidate) {
            tracing::warn!(participant = %self.id, "a candidate was dropped: the media worker is overloaded");
        }
    }

    /// A description that cannot be followed leaves the two sides apart: the client must begin afresh.
    async fn refuse_description(&mut self, why: &str) -> Flow {
        Counters::up(&self.door.counters().signals_refused);
        tracing::info!(participant = %self.id, why, "session description refused");
        let leave = convert::leave(
            DepartureReason::StateMismatch,
            LeaveAction::Reconnect,
            self.protocol,
        );
        self.send_all(leave);
        self.leave(DepartureReason::StateMismatch).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_to_the_last_offer_counts() {
        let mut negotiation = Negotiation::new(Instant::now());
        assert!(!negotiation.take_answer(0));
        negotiation.next_offer();
        let id = negotiation.next_offer();
        assert!(!negotiation.take_answer(id - 1));
        assert!(negotiation.take_answer(id));
        assert!(!negotiation.take_answer(id));
    }
}
