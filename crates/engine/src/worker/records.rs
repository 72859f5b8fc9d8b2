//! What a room wants kept: out to the keeper, and back.

use tertulia_room::{Room, Settlement, Ticket};
use tokio::sync::mpsc::error::TrySendError;

use super::Worker;
use super::mailbox::answer;
use crate::keeping::{Keep, Receipt};
use crate::stats::Counters;

impl Worker {
    /// Hands on what the room wants kept. What finds no room in the queue is refused at once.
    pub(super) fn give_records(&mut self, key: usize) {
        let mut refused = Vec::new();
        {
            let Some(slot) = self.rooms.get_mut(key) else {
                return;
            };
            let (id, name) = (slot.id.clone(), slot.name.clone());
            let link = self.shared.worker(self.index);
            while let Some((ticket, record)) = slot.room_mut().and_then(Room::poll_record) {
                let (Some(keeper), Some(link)) = (&self.shared.keeper, link) else {
                    refused.extend(ticket);
                    continue;
                };
                let receipt = Receipt::new(link, &id, ticket);
                let keep = Keep::Record {
                    room: name.clone(),
                    record,
                    receipt,
                };
                match keeper.try_send(keep) {
                    Ok(()) => Counters::up(&self.shared.counters.records),
                    Err(TrySendError::Full(keep) | TrySendError::Closed(keep)) => {
                        Counters::up(&self.shared.counters.records_refused);
                        refused.extend(ticket);
                        if let Keep::Record { receipt, .. } = keep {
                            receipt.forgive();
                        }
                    }
                }
            }
        }
        if !refused.is_empty() {
            tracing::warn!(count = refused.len(), "too much waits to be kept; refused");
        }
        for ticket in refused {
            self.settle(key, ticket, Settlement::Failed);
        }
    }

    /// Has the room act on what became of a record, and answers who asked for it.
    pub(super) fn settle(&mut self, key: usize, ticket: Ticket, settlement: Settlement) {
        if settlement == Settlement::Failed {
            Counters::up(&self.shared.counters.records_failed);
        }
        let Some(home) = self.rooms.get_mut(key).and_then(|slot| slot.home_mut()) else {
            return;
        };
        let outcome = home.room.settle(ticket, settlement);
        for reply in home.awaiting.remove(&ticket).unwrap_or_default() {
            answer(reply, outcome.clone());
        }
    }
}
