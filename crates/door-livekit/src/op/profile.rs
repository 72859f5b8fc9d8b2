use tertulia_room::{Command, Refusal};

use crate::connection::Participant;
use crate::convert::HAND_ATTRIBUTE;
use crate::signal::{RequestOutcome, SelfUpdate};
use crate::wire::Echo;

impl Participant {
    /// Changes the participant's own name, metadata and attributes; the attribute of the hand raises or lowers it.
    pub(crate) async fn update_self(&mut self, update: SelfUpdate, echo: Echo) {
        let request_id = update.request_id;
        match self.apply_update(update).await {
            Ok(()) => self.outcome(request_id, RequestOutcome::Done, "", Some(echo)),
            Err(refusal) => self.refused(request_id, &refusal, Some(echo)),
        }
    }

    async fn apply_update(&mut self, mut update: SelfUpdate) -> Result<(), Refusal> {
        let hand = update.attributes.shift_remove(HAND_ATTRIBUTE);
        // SDKs repeat the name and metadata they know with every change of an attribute.
        let name = update.name.filter(|name| *name != self.info.name);
        let metadata = update.metadata.filter(|metadata| *metadata != self.info.metadata);
        let nothing_else = name.is_none() && metadata.is_none() && update.attributes.is_empty();
        if !(hand.is_some() && nothing_else) {
            let attributes = update.attributes;
            self.ask(Command::UpdateSelf {
                name,
                metadata,
                attributes,
            })
            .await?;
        }
        if let Some(hand) = hand {
            self.ask(Command::SetHand {
                raised: !hand.is_empty(),
            })
            .await?;
        }
        Ok(())
    }
}
