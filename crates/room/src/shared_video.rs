//! A video that everybody watches together from where it lies: one leads, the room knows where it stands.
//!
//! The room carries no picture of it. It says which address, whether it runs and where it is; clients fetch it themselves.

use tertulia_model::{Identity, ParticipantId};

use crate::limits::within;
use crate::{Actor, Audience, Event, Now, Refusal, Reply, Right, Room, limits};

/// A video that everybody watches together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedVideo {
    /// Where it lies.
    pub url: String,
    /// Who leads it.
    pub by: Identity,
    /// Whether it runs.
    pub playing: bool,
    /// Where it stood at `at_ms`, in milliseconds from its beginning.
    pub position_ms: u64,
    /// When that was said, Unix milliseconds.
    pub at_ms: u64,
}

impl SharedVideo {
    /// Where it stands at `now_ms`, in milliseconds from its beginning.
    pub fn position_at(&self, now_ms: u64) -> u64 {
        let run = if self.playing {
            now_ms.saturating_sub(self.at_ms)
        } else {
            0
        };
        self.position_ms.saturating_add(run)
    }
}

impl Room {
    /// Shows everybody a video, which the asker leads, or none any more. Whoever leads one ends it, and those who may present;
    /// they may also show another in its place.
    pub(crate) fn share_video(
        &mut self,
        actor: &Actor,
        url: Option<String>,
        now: Now,
    ) -> Result<Reply, Refusal> {
        let by = self.name_of(actor);
        let presents = match actor {
            Actor::Participant(who) => self.member(who)?.info.rights.has(Right::Present),
            Actor::Admin | Actor::System => true,
            Actor::Away(_) => false,
        };
        if let Some(shared) = &self.shared_video
            && !presents
            && Some(&shared.by) != by.as_ref()
        {
            return Err(Refusal::NotAllowed);
        }
        let new = match (url, by) {
            (None, _) => None,
            (Some(_), None) => return Err(Refusal::NotAllowed),
            (Some(url), Some(by)) => {
                within("url", url.len(), limits::URL_BYTES)?;
                if url.is_empty() || url.chars().any(|c| c.is_control() || c.is_whitespace()) {
                    return Err(Refusal::Invalid { field: "url" });
                }
                Some(SharedVideo {
                    url,
                    by,
                    playing: false,
                    position_ms: 0,
                    at_ms: now.unix_ms,
                })
            }
        };
        if new.is_some() || self.shared_video.is_some() {
            self.set_shared_video(new);
        }
        Ok(Reply::Done)
    }

    /// Plays, pauses or moves the shared video; its leader only.
    pub(crate) fn steer_video(
        &mut self,
        who: &ParticipantId,
        playing: bool,
        position_ms: u64,
        now: Now,
    ) -> Result<Reply, Refusal> {
        let member = self.member_mut(who)?;
        member.buckets.changes.take(now.instant)?;
        let identity = member.info.identity.clone();
        let Some(shared) = self.shared_video.clone() else {
            // It has ended meanwhile.
            return Ok(Reply::Done);
        };
        if shared.by != identity {
            return Err(Refusal::NotAllowed);
        }
        self.set_shared_video(Some(SharedVideo {
            playing,
            position_ms,
            at_ms: now.unix_ms,
            ..shared
        }));
        Ok(Reply::Done)
    }

    /// Ends the video of somebody who goes, or may share nothing any more.
    pub(crate) fn end_video_of(&mut self, identity: &Identity) {
        if self
            .shared_video
            .as_ref()
            .is_some_and(|shared| shared.by == *identity)
        {
            self.set_shared_video(None);
        }
    }

    fn set_shared_video(&mut self, new: Option<SharedVideo>) {
        self.shared_video.clone_from(&new);
        self.send(Audience::Everybody, Event::VideoShared(new));
    }
}
