//! Following a room: as a participant, from one of its breakouts, from its lobby, or as an observer.

use std::sync::Arc;

use tertulia_model::{Identity, ParticipantId};
use tertulia_room::{Admission, BreakoutPlace, BreakoutsView, Event, Knocker, Refusal, Reply, RoomSnapshot};
use tokio::sync::{mpsc, oneshot};

use super::{OBSERVER_QUEUE, RoomHandle};
use crate::message::ToWorker;

/// Events one follower of a room may have waiting.
const FOLLOWER_QUEUE: usize = 1_024;
/// Events somebody in the lobby may have waiting.
const LOBBY_QUEUE: usize = 32;

/// A room's state and what happens from then on, without a gap.
pub struct Observation {
    /// The state.
    pub snapshot: RoomSnapshot,
    /// Everything after it. Closed when the room ends or the reader is too slow.
    pub events: mpsc::Receiver<Arc<Event>>,
}

/// What somebody in a breakout knows of the main room, and what they hear of it from then on.
pub struct AwayObservation {
    /// What breakouts are to them.
    pub place: BreakoutPlace,
    /// All of them, where they lead.
    pub all: Option<BreakoutsView>,
    /// Who waits in the lobby, where they may let them in.
    pub lobby: Vec<Knocker>,
    /// What they are told. Closed when the room ends or the reader is too slow.
    pub events: mpsc::Receiver<Arc<Event>>,
}

/// Somebody's place in the lobby.
pub struct Waiting {
    /// Whether they are let in already.
    pub admission: Admission,
    /// What they are told. Closed when the room ends.
    pub events: mpsc::Receiver<Arc<Event>>,
}

impl RoomHandle {
    /// Reads the room's state as a participant may know it, and follows what that participant hears of the room's life
    /// after it; media and data are left out. Closed when they are gone or the reader is too slow.
    ///
    /// # Errors
    /// [`Refusal::NoSuchParticipant`] where they are not here, [`Refusal::RoomEnded`].
    pub async fn follow(&self, who: &ParticipantId) -> Result<Observation, Refusal> {
        let (events, queue) = mpsc::channel(FOLLOWER_QUEUE);
        let (reply, answer) = oneshot::channel();
        self.link
            .send(ToWorker::Follow {
                room: self.id.clone(),
                who: who.clone(),
                events,
                reply,
            })
            .await;
        let snapshot = answer.await.unwrap_or(Err(Refusal::RoomEnded))?;
        Ok(Observation {
            snapshot,
            events: queue,
        })
    }

    /// Reads what breakouts are to somebody in one of them, and follows what they are told of it from this room.
    ///
    /// # Errors
    /// [`Refusal::NoSuchParticipant`] where they are in none, [`Refusal::RoomEnded`].
    pub async fn follow_away(&self, who: &Identity) -> Result<AwayObservation, Refusal> {
        let (events, queue) = mpsc::channel(FOLLOWER_QUEUE);
        let (reply, answer) = oneshot::channel();
        self.link
            .send(ToWorker::FollowAway {
                room: self.id.clone(),
                who: who.clone(),
                events,
                reply,
            })
            .await;
        let reply = answer.await.unwrap_or(Err(Refusal::RoomEnded))?;
        let Reply::Breakouts { place, all, lobby } = reply else {
            return Err(Refusal::RoomEnded);
        };
        Ok(AwayObservation {
            place: *place,
            all: all.map(|all| *all),
            lobby,
            events: queue,
        })
    }

    /// Follows what somebody in the lobby is told. Whoever stops to listen says so with [`tertulia_room::Command::LobbyPresence`].
    ///
    /// # Errors
    /// [`Refusal::NoSuchParticipant`] where they do not wait, [`Refusal::RoomEnded`].
    pub async fn wait_in_lobby(&self, who: &Identity) -> Result<Waiting, Refusal> {
        let (events, queue) = mpsc::channel(LOBBY_QUEUE);
        let (reply, answer) = oneshot::channel();
        self.link
            .send(ToWorker::Wait {
                room: self.id.clone(),
                who: who.clone(),
                events,
                reply,
            })
            .await;
        let admission = answer.await.unwrap_or(Err(Refusal::RoomEnded))?;
        Ok(Waiting {
            admission,
            events: queue,
        })
    }

    /// Reads the room's state and follows what happens after it.
    ///
    /// # Errors
    /// [`Refusal::RoomEnded`].
    pub async fn observe(&self) -> Result<Observation, Refusal> {
        let (events, queue) = mpsc::channel(OBSERVER_QUEUE);
        let (reply, answer) = oneshot::channel();
        self.link
            .send(ToWorker::Observe {
                room: self.id.clone(),
                events,
                reply,
            })
            .await;
        let snapshot = answer.await.map_err(|_| Refusal::RoomEnded)?;
        Ok(Observation {
            snapshot,
            events: queue,
        })
    }
}
