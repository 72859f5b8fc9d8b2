//! What a room wants done in other rooms: its breakouts, or the room it is a breakout of.

use tertulia_room::{Actor, BreakoutReport, Command, Errand, Fact, FromParent, RoomSettings};
use tokio::sync::oneshot;

use super::Worker;
use crate::message::ToWorker;
use crate::room_slot::RoomSlot;
use tertulia_model::RoomName;

impl Worker {
    pub(super) fn run_errand(&mut self, key: usize, errand: Errand) {
        match errand {
            Errand::Open { room, settings } => {
                if let Some(slot) = self.rooms.get_mut(key) {
                    slot.breakouts.push(room.clone());
                }
                self.open_breakout(room, *settings);
            }
            Errand::Ask { room, command } => self.ask_room(&room, *command),
        }
    }

    /// Opens a room under a name that was never used, so that nothing is kept of it yet.
    fn open_breakout(&mut self, name: RoomName, settings: RoomSettings) {
        let (name, entry) = self.shared.place(&name);
        let (done, _) = oneshot::channel();
        let open = ToWorker::OpenRoom {
            id: entry.id,
            name,
            settings,
            seed: rand::random(),
            kept: self.shared.keeper.is_some().then(|| Some(Box::default())),
            done,
        };
        self.post(entry.worker, open);
    }

    fn ask_room(&mut self, room: &RoomName, command: Command) {
        let Some(entry) = self.shared.find(room) else {
            tracing::debug!("a room another speaks to is gone");
            return;
        };
        let (reply, _) = oneshot::channel();
        let ask = ToWorker::Command {
            room: entry.id,
            actor: Actor::System,
            command,
            reply,
        };
        self.post(entry.worker, ask);
    }

    /// Tells those who depend on a room that it is gone, whatever ended it: a room that panicked tells nobody itself.
    pub(super) fn close_family(&mut self, slot: &RoomSlot) {
        if self.shared.stopping() {
            // Every room hears of that by itself.
            return;
        }
        for breakout in &slot.breakouts {
            self.ask_room(breakout, Command::FromParent(FromParent::End));
        }
        if let Some(parent) = &slot.parent {
            let over = Fact::Breakout {
                room: slot.name.clone(),
                report: BreakoutReport::Over,
            };
            self.ask_room(parent, Command::Fact(over));
        }
    }
}
