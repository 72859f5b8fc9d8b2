//! What a participant's task does for each thing its client asks and each thing that happens in the room.

mod chat;
pub(crate) mod data;
mod event;
mod join;
pub(crate) mod negotiate;
mod profile;
mod publish;
pub(crate) mod resume;
mod simulate;
mod subscribe;

use tertulia_room::{DepartureReason, Refusal};

use crate::connection::{Flow, Participant};
use crate::convert;
use crate::signal::{RequestOutcome, Signal};
use crate::state::unix_ms;
use crate::stats::Counters;
use crate::wire::{Echo, WireError};

impl Participant {
    pub(crate) async fn on_signal(&mut self, signal: Signal) -> Flow {
        match signal {
            Signal::Offer(description) => return self.on_offer(description).await,
            Signal::Answer(description) => return self.on_answer(description).await,
            Signal::Trickle(role, candidate) => self.on_candidate(role, candidate),
            Signal::Publish(track, echo) => self.publish(*track, echo).await,
            Signal::Mute { track, muted, echo } => self.set_muted(track, muted, echo).await,
            Signal::UpdateTrack {
                track,
                size,
                layers,
                audio,
                echo,
            } => {
                self.update_track(track, size, layers, audio, echo).await;
            }
            Signal::Subscribe { tracks, on } => self.subscribe(tracks, on).await,
            Signal::TrackSettings { tracks, settings } => self.set_track_settings(tracks, settings).await,
            Signal::Permissions {
                all_participants,
                permissions,
            } => {
                self.set_permissions(all_participants, permissions).await;
            }
            Signal::Sync(state) => return self.sync(state).await,
            Signal::Simulate(scenario) => return self.simulate(scenario).await,
            Signal::Ping(_) => self.send(convert::pong(unix_ms())),
            Signal::PingRequest { timestamp_ms } => {
                self.send(convert::pong_response(timestamp_ms, unix_ms()));
            }
            Signal::UpdateSelf(update, echo) => self.update_self(update, echo).await,
            Signal::Leave => return self.leave(DepartureReason::Left).await,
            Signal::DataTrack(echo) => {
                let text = "data tracks are not supported";
                self.outcome(0, RequestOutcome::NotAllowed, text, Some(echo));
            }
            Signal::DataBlob { request_id } => {
                let text = "data blobs are not supported";
                self.outcome(request_id, RequestOutcome::NotAllowed, text, None);
            }
            Signal::Ignored => {}
        }
        Flow::Stay
    }

    /// Answers a message that could not be read, to this client alone.
    pub(crate) fn refuse_signal(&mut self, error: &WireError, echo: Option<Echo>) -> Flow {
        Counters::up(&self.door.counters().signals_refused);
        tracing::debug!(participant = %self.id, %error, "signalling message refused");
        self.outcome(0, RequestOutcome::Invalid, &error.to_string(), echo);
        Flow::Stay
    }

    /// Tells the client how its request went.
    pub(crate) fn outcome(
        &mut self,
        request_id: u32,
        outcome: RequestOutcome,
        message: &str,
        echo: Option<Echo>,
    ) {
        let response = convert::request_outcome(request_id, outcome, message.to_owned(), echo, self.protocol);
        self.send_all(response);
    }

    /// Tells the client that the room refused its request.
    pub(crate) fn refused(&mut self, request_id: u32, refusal: &Refusal, echo: Option<Echo>) {
        Counters::up(&self.door.counters().signals_refused);
        let outcome = match refusal {
            Refusal::NotAllowed | Refusal::Removed | Refusal::Banned | Refusal::PollClosed => {
                RequestOutcome::NotAllowed
            }
            Refusal::NoSuchParticipant
            | Refusal::NoSuchTrack
            | Refusal::NoSuchMessage
            | Refusal::NoSuchPoll => RequestOutcome::NotFound,
            Refusal::RoomFull | Refusal::LimitExceeded { .. } | Refusal::TooMany => {
                RequestOutcome::LimitExceeded
            }
            Refusal::UnsupportedType => RequestOutcome::UnsupportedType,
            Refusal::Invalid { .. } => RequestOutcome::Invalid,
            _ => RequestOutcome::Failed,
        };
        self.outcome(request_id, outcome, &refusal.to_string(), echo);
    }
}
