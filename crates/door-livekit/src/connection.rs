//! One participant's task: it begins with the first WebSocket and ends when the participant has left, while the
//! sockets in between may come and go.

mod bucket;
mod link;
mod participant;
mod roster;

pub(crate) use bucket::Bucket;
pub(crate) use participant::{Flow, Participant};

use axum::extract::ws::WebSocket;
use tertulia_room::{DepartureReason, Refusal};
use tokio::sync::mpsc;

use crate::convert;
use crate::entry::Entry;
use crate::signal::LeaveAction;
use crate::state::{LiveKitDoor, Stay};
use crate::stats::Counters;
use crate::wire::Response;
use link::Link;

/// Sockets that may wait for a participant's task; a client has one at a time.
const ATTACHMENTS: usize = 4;

/// A socket that came back to its participant, with what came along.
pub(crate) struct Attachment {
    pub socket: WebSocket,
    pub entry: Entry,
}

impl Attachment {
    /// Tells a client that the stay it comes back to is over or was never its own.
    async fn refuse(self: Box<Self>, door: &LiveKitDoor) {
        Counters::up(&door.counters().resumes_refused);
        let protocol = self.entry.wishes.protocol;
        let mismatch = convert::leave(DepartureReason::StateMismatch, LeaveAction::Reconnect, protocol);
        goodbye(door, self.socket, mismatch).await;
    }
}

/// Serves one upgraded socket until its participant has left, or hands it to the participant's task.
pub(crate) async fn serve(door: LiveKitDoor, entry: Entry, socket: WebSocket) {
    let Some(id) = entry.wishes.resumes.clone() else {
        return join(door, entry, socket).await;
    };
    let stay = id.and_then(|id| door.find_stay(&id, &entry.room, &entry.identity));
    let attachment = Box::new(Attachment { socket, entry });
    let refused = match stay {
        Some(stay) => stay.attach.send(attachment).await.err().map(|unsent| unsent.0),
        None => Some(attachment),
    };
    if let Some(refused) = refused {
        refused.refuse(&door).await;
    }
}

async fn join(door: LiveKitDoor, entry: Entry, socket: WebSocket) {
    let settings = entry.settings(door.engine().room_defaults());
    let media = entry.media(door.config().ice_lite);
    let mut attempt = 0;
    let (room, joined) = loop {
        let opened = door.engine().open_room(&entry.room, settings.clone()).await;
        let Ok(room) = opened else {
            let closing = convert::leave(
                DepartureReason::ServerShutdown,
                LeaveAction::Reconnect,
                entry.wishes.protocol,
            );
            return goodbye(&door, socket, closing).await;
        };
        match room.join(entry.newcomer(), media.clone()).await {
            Ok(joined) => break (room, joined),
            // The room ended between the two calls; the next one opens it again.
            Err(Refusal::RoomEnded) if attempt < 3 => attempt += 1,
            Err(refusal) => {
                tracing::debug!(%refusal, "a participant could not join");
                Counters::up(&door.counters().entries_refused);
                let answer = match refusal {
                    Refusal::Removed | Refusal::Banned => convert::leave(
                        DepartureReason::Removed,
                        LeaveAction::Disconnect,
                        entry.wishes.protocol,
                    ),
                    _ => Some(convert::join_failure()),
                };
                return goodbye(&door, socket, answer).await;
            }
        }
    };

    Counters::up(&door.counters().joins);
    let (attach, attachments) = mpsc::channel(ATTACHMENTS);
    let id = joined.participant.id.clone();
    let stay = Stay {
        room: room.name().clone(),
        identity: entry.identity.clone(),
        attach,
    };
    door.remember_stay(id, stay);
    let link = Link::new(socket, door.config().signals_per_second);
    Participant::new(door.clone(), room, joined, entry, link)
        .run(attachments)
        .await;
}

/// Says one thing over a socket that belongs to no participant, and closes it.
async fn goodbye(door: &LiveKitDoor, socket: WebSocket, answer: Option<Response>) {
    let mut link = Link::new(socket, door.config().signals_per_second);
    if let Some(answer) = answer {
        link.push(answer);
    }
    link.finish().await;
}
