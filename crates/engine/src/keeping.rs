//! The way of records to whoever keeps them.
//!
//! A worker never waits for a disk. What a room says must be kept goes into a bounded queue; whoever answers a command
//! waits for the [`Receipt`], media goes on meanwhile, and the room acts when the worker hears that it is kept. A full
//! queue refuses what would have to wait in it.

use tertulia_model::{RoomId, RoomName};
use tertulia_room::{History, Record, RoomSettings, Settlement, Ticket};
use tokio::sync::{mpsc, oneshot};

use crate::handle::WorkerLink;
use crate::message::ToWorker;

/// Where records go. The queue's reader keeps them in their order; its length is the server's choice.
pub type Keeper = mpsc::Sender<Keep>;

/// What a room that opens begins with.
#[derive(Debug, Clone, PartialEq)]
pub struct Beginning {
    /// What was said in it before.
    pub history: History,
    /// Its settings: those it was to be opened with, with what its owner decided, if somebody owns it.
    pub settings: RoomSettings,
}

/// What is asked of the reader of the records.
#[derive(Debug)]
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly all are records; a box for each would cost more"
)]
pub enum Keep {
    /// Give what a room that opens begins with. Everything queued before it counts.
    Open {
        /// Which room.
        room: RoomName,
        /// What whoever opens it wants it to be.
        settings: Box<RoomSettings>,
        /// Where the answer goes; dropped where it is not known.
        beginning: oneshot::Sender<Beginning>,
    },
    /// Keep this.
    Record {
        /// Of which room.
        room: RoomName,
        /// What.
        record: Record,
        /// To say what became of it.
        receipt: Receipt,
    },
}

/// Tells the room what became of a record. One that is dropped says that it was not kept.
#[derive(Debug)]
pub struct Receipt {
    owed: Option<Owed>,
}

#[derive(Debug)]
struct Owed {
    link: WorkerLink,
    room: RoomId,
    ticket: Ticket,
}

impl Receipt {
    pub(crate) fn new(link: &WorkerLink, room: &RoomId, ticket: Option<Ticket>) -> Self {
        let owed = ticket.map(|ticket| Owed {
            link: link.clone(),
            room: room.clone(),
            ticket,
        });
        Self { owed }
    }

    /// Says it. Waits while the worker's queue is full.
    pub async fn settle(mut self, settlement: Settlement) {
        if let Some(owed) = self.owed.take() {
            let (link, message) = owed.told(settlement);
            link.send(message).await;
        }
    }

    /// A receipt nobody waits for any more.
    pub(crate) fn forgive(mut self) {
        self.owed = None;
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        if let Some(owed) = self.owed.take() {
            let (link, message) = owed.told(Settlement::Failed);
            if !link.try_send(message) {
                tracing::error!("a room could not be told that a record was not kept");
            }
        }
    }
}

impl Owed {
    fn told(self, settlement: Settlement) -> (WorkerLink, ToWorker) {
        let message = ToWorker::Settled {
            room: self.room,
            ticket: self.ticket,
            settlement,
        };
        (self.link, message)
    }
}
