//! From a token to a participant who is in the room now.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tertulia_auth::{Grant, OwnClaims};
use tertulia_engine::RoomHandle;
use tertulia_model::{Identity, ParticipantId, RoomId, RoomName};
use tertulia_room::{Actor, Command, Refusal, Reply};

use crate::error::ApiError;
use crate::state::{Api, unix_ms};
use crate::stats::up;
use crate::wire::ErrorCode;

/// Participants remembered at most; beyond it all are forgotten and looked up again.
const MAX_REMEMBERED: usize = 50_000;

/// Which stay an identity has in a room, remembered so that not every request lists the room.
#[derive(Default)]
pub struct Present {
    stays: Mutex<HashMap<(RoomId, Identity), ParticipantId>>,
}

/// Somebody whose token opens a room.
#[derive(Debug)]
pub struct Holder {
    pub room: RoomName,
    pub identity: Identity,
    pub name: String,
    pub own: OwnClaims,
    pub issued_at_ms: u64,
}

impl Api {
    /// Checks that `token` opens `room` for somebody.
    pub(crate) fn holder(&self, token: Option<&str>, room: RoomName) -> Result<Holder, ApiError> {
        let refused = |code, message: &dyn std::fmt::Display| {
            up(&self.inner.counters.tokens_refused);
            ApiError::new(code, message)
        };
        let token = token.ok_or_else(|| refused(ErrorCode::Unauthorized, &"a token is needed"))?;
        let Grant {
            claims, issued_at_ms, ..
        } = self
            .inner
            .keys
            .verify(token, unix_ms())
            .map_err(|error| refused(ErrorCode::Unauthorized, &error))?;
        if !claims.video.room_join || claims.video.room.as_ref() != Some(&room) {
            return Err(refused(ErrorCode::Forbidden, &"the token is for another room"));
        }
        let identity = claims
            .identity
            .ok_or_else(|| refused(ErrorCode::Unauthorized, &"the token names nobody"))?;
        Ok(Holder {
            room,
            identity,
            name: claims.name,
            own: claims.own,
            issued_at_ms,
        })
    }

    /// Does what the bearer of a token asks of their room, as often as participants may.
    pub(crate) async fn act(
        &self,
        token: Option<&str>,
        room: RoomName,
        command: Command,
    ) -> Result<Reply, ApiError> {
        let holder = self.holder(token, room)?;
        self.limit_action(holder.room.key(), holder.identity.as_str())?;
        self.command(&holder, command).await
    }

    /// Does what the bearer of a token asks of their meeting as a whole, from the main room or from one of its breakouts.
    pub(crate) async fn act_on_meeting(
        &self,
        token: Option<&str>,
        room: RoomName,
        command: Command,
    ) -> Result<Reply, ApiError> {
        let holder = self.holder(token, room)?;
        self.limit_action(holder.room.key(), holder.identity.as_str())?;
        match &holder.own.parent {
            None => self.command(&holder, command).await,
            Some(parent) => {
                let main = self.main_room(parent)?;
                Ok(main.command(Actor::Away(holder.identity), command).await?)
            }
        }
    }

    pub(crate) fn main_room(&self, name: &RoomName) -> Result<RoomHandle, ApiError> {
        let main = self.inner.engine.find_room(name);
        main.ok_or_else(|| ApiError::new(ErrorCode::NotFound, "the main room is not open"))
    }

    /// Does what a participant asks of their room.
    pub(crate) async fn command(&self, holder: &Holder, command: Command) -> Result<Reply, ApiError> {
        let handle = self
            .inner
            .engine
            .find_room(&holder.room)
            .ok_or_else(|| ApiError::new(ErrorCode::NotFound, "the room is not open"))?;
        if let Some(stay) = self.inner.present.remembered(handle.id(), &holder.identity) {
            match handle.command(Actor::Participant(stay), command.clone()).await {
                // They may have come back under another id.
                Err(Refusal::NoSuchParticipant) => self.inner.present.forget(handle.id(), &holder.identity),
                done => return Ok(done?),
            }
        }
        let stay = self.inner.present.look_up(&handle, &holder.identity).await?;
        let stay = stay.ok_or_else(|| ApiError::new(ErrorCode::Forbidden, "you are not in the room"))?;
        Ok(handle.command(Actor::Participant(stay), command).await?)
    }
}

impl Present {
    /// Asks the room for the stay of `identity`.
    pub async fn look_up(
        &self,
        handle: &RoomHandle,
        identity: &Identity,
    ) -> Result<Option<ParticipantId>, ApiError> {
        let find = Command::FindParticipant {
            identity: identity.clone(),
        };
        let found = match handle.command(Actor::Admin, find).await {
            Ok(Reply::Participant(participant)) => Some(participant),
            Ok(_) => return Err(ApiError::new(ErrorCode::Internal, "the room gave nobody")),
            Err(Refusal::NoSuchParticipant) => None,
            Err(refusal) => return Err(refusal.into()),
        };
        if let Some(participant) = &found {
            let mut stays = self.lock();
            if stays.len() >= MAX_REMEMBERED {
                stays.clear();
            }
            stays.insert((handle.id().clone(), identity.clone()), participant.id.clone());
        }
        Ok(found.map(|participant| participant.id))
    }

    fn remembered(&self, room: &RoomId, identity: &Identity) -> Option<ParticipantId> {
        self.lock().get(&(room.clone(), identity.clone())).cloned()
    }

    fn forget(&self, room: &RoomId, identity: &Identity) {
        self.lock().remove(&(room.clone(), identity.clone()));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(RoomId, Identity), ParticipantId>> {
        self.stays.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
