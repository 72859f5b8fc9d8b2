//! Data messages: who may send, who receives, and in whose name.

use tertulia_model::ParticipantId;

use crate::limits::{self, within};
use crate::{Actor, Audience, DataMessage, Event, Refusal, Reply, Room};

impl Room {
    pub(crate) fn send_data(&mut self, actor: &Actor, mut message: DataMessage) -> Result<Reply, Refusal> {
        let from = match actor {
            Actor::Participant(id) => Some(id),
            Actor::Away(_) | Actor::Admin | Actor::System => None,
        };
        if let Some(id) = from
            && !self.member(id)?.info.permission.can_publish_data
        {
            return Err(Refusal::NotAllowed);
        }
        within("destinations", message.destinations.len(), limits::DESTINATIONS)?;
        within("topic", message.topic.len(), limits::TOPIC_BYTES)?;
        within("payload", message.payload.len(), limits::DATA_BYTES)?;
        // What a resumed client sends again is taken as done.
        if let Some(id) = from
            && message.reliable
            && message.sequence != 0
        {
            let member = self.member_mut(id)?;
            if message.sequence <= member.last_sequence {
                return Ok(Reply::Done);
            }
            member.last_sequence = message.sequence;
        }

        // A hidden sender stays unnamed.
        let named = from
            .and_then(|id| self.members.get(id))
            .filter(|sender| !sender.info.permission.hidden);
        message.sender = named.map(|sender| sender.info.identity.clone());
        let named = named.map(|sender| sender.info.id.clone());
        let audience = match from {
            _ if message.metrics || !message.destinations.is_empty() => {
                let receivers = self.receivers(&message, from);
                if receivers.is_empty() {
                    return Ok(Reply::Done);
                }
                Audience::Some(receivers)
            }
            Some(id) => Audience::AllBut(id.clone()),
            None => Audience::Everybody,
        };
        self.send(audience, Event::Data { from: named, message });
        Ok(Reply::Done)
    }

    /// Those named who are here and may have it; never the sender.
    fn receivers(&self, message: &DataMessage, from: Option<&ParticipantId>) -> Vec<ParticipantId> {
        let mut receivers: Vec<ParticipantId> = if message.destinations.is_empty() {
            self.members.keys().cloned().collect()
        } else {
            let named = message.destinations.iter();
            named
                .filter_map(|identity| self.identities.get(identity))
                .cloned()
                .collect()
        };
        receivers.retain(|id| {
            let may_have = |id| {
                let member = self.members.get(id);
                member.is_some_and(|member| !message.metrics || member.info.permission.can_subscribe_metrics)
            };
            Some(id) != from && may_have(id)
        });
        receivers.sort();
        receivers.dedup();
        receivers
    }

    /// The highest sequence number of reliable data received from somebody, which a resumed client replays from;
    /// 0 for none.
    pub fn last_sequence(&self, id: &ParticipantId) -> u32 {
        self.members.get(id).map_or(0, |member| member.last_sequence)
    }
}
