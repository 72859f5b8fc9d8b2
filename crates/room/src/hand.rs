//! Raised hands and reactions.

use tertulia_model::ParticipantId;

use crate::chat::check_reaction;
use crate::{Audience, Event, Now, Reaction, Refusal, Reply, Room};

impl Room {
    pub(crate) fn set_hand(&mut self, who: &ParticipantId, raised: bool, now: Now) -> Result<Reply, Refusal> {
        let member = self.members.get_mut(who).ok_or(Refusal::NoSuchParticipant)?;
        if member.info.hand_raised_at_ms.is_some() == raised {
            return Ok(Reply::Done);
        }
        member.buckets.hands.take(now.instant)?;
        if raised {
            // Distinct times keep the order for whoever sorts by them.
            let raised_at_ms = now.unix_ms.max(self.last_hand_ms.saturating_add(1));
            self.last_hand_ms = raised_at_ms;
            member.info.hand_raised_at_ms = Some(raised_at_ms);
            let (identity, name) = (member.info.identity.clone(), member.info.name.clone());
            self.hands.push(who.clone());
            let event = Event::Hand {
                identity,
                name,
                raised_at_ms: Some(raised_at_ms),
                at_ms: now.unix_ms,
            };
            self.send(Audience::Everybody, event);
        } else {
            self.lower_hand(who, now.unix_ms);
        }
        self.announce(who);
        Ok(Reply::Done)
    }

    /// Lowers somebody's hand if it is up; announcing the participant is left to the caller.
    pub(crate) fn lower_hand(&mut self, who: &ParticipantId, at_ms: u64) {
        self.hands.retain(|id| id != who);
        let Some(member) = self.members.get_mut(who) else {
            return;
        };
        if member.info.hand_raised_at_ms.take().is_some() {
            let (identity, name) = (member.info.identity.clone(), member.info.name.clone());
            self.send(
                Audience::Everybody,
                Event::Hand {
                    identity,
                    name,
                    raised_at_ms: None,
                    at_ms,
                },
            );
        }
    }

    pub(crate) fn react(&mut self, who: &ParticipantId, kind: String, now: Now) -> Result<Reply, Refusal> {
        let member = self.members.get_mut(who).ok_or(Refusal::NoSuchParticipant)?;
        check_reaction(&kind)?;
        member.buckets.reactions.take(now.instant)?;
        let identity = member.info.identity.clone();
        self.send(
            Audience::Everybody,
            Event::Reaction(Reaction {
                identity,
                kind,
                at_ms: now.unix_ms,
            }),
        );
        Ok(Reply::Done)
    }
}
