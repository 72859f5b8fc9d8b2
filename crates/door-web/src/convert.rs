//! Between the room's words and the API's.

use tertulia_room::{DepartureReason, RoomSnapshot};

use crate::wire;

pub fn chat(message: &tertulia_room::ChatMessage) -> wire::ChatMessage {
    wire::ChatMessage {
        seq: message.seq,
        id: message.id.clone(),
        identity: message.identity.as_str().to_owned(),
        name: message.name.clone(),
        text: message.text.clone(),
        at: message.at_ms,
        file: message.file.as_ref().map(|file| wire::ChatFile {
            id: file.id.clone(),
            name: file.name.clone(),
            kind: file.kind.clone(),
            size: file.bytes,
        }),
    }
}

/// The first event of a stream; `newest` bounds the chat in it.
pub fn state(seq: u64, snapshot: &RoomSnapshot, newest: usize) -> wire::StateEvent {
    let skip = snapshot.chat.len().saturating_sub(newest);
    wire::StateEvent {
        seq,
        chat: snapshot.chat.iter().skip(skip).map(chat).collect(),
        hands: snapshot
            .hands
            .iter()
            .map(|hand| wire::RaisedHand {
                identity: hand.identity.as_str().to_owned(),
                raised_at: hand.raised_at_ms,
            })
            .collect(),
        room: wire::StateRoom {
            name: snapshot.room.name.as_str().to_owned(),
            started_at: snapshot.room.created_at_ms,
        },
    }
}

/// What a departure means for the stream of whoever departed; `None` when they may well be back.
pub fn ended(reason: DepartureReason) -> Option<wire::EndedReason> {
    match reason {
        DepartureReason::Removed => Some(wire::EndedReason::Removed),
        DepartureReason::RoomEnded => Some(wire::EndedReason::Ended),
        DepartureReason::ServerShutdown => Some(wire::EndedReason::ServerShutdown),
        DepartureReason::Left
        | DepartureReason::DuplicateIdentity
        | DepartureReason::SignalLost
        | DepartureReason::MediaLost
        | DepartureReason::JoinTimeout
        | DepartureReason::StateMismatch
        | DepartureReason::Misbehaved => None,
    }
}
