//! A room as its occupants see it (XEP-0045): who is there, under which nickname, and what their presence says.

mod admin;
mod chat;
mod event;
mod join;
mod lobby;
mod presence;
mod written;

pub(crate) use lobby::Lobby;
pub(crate) use presence::{moderates, read_contents, sources};
use written::Written;

use std::collections::BTreeMap;

use tertulia_engine::{PeerEvent, RoomHandle};
use tertulia_model::{Identity, ParticipantId};
use tertulia_room::{Actor, Command, ParticipantInfo, Refusal, Reply};
use tokio::sync::mpsc;

use crate::call::Call;
use crate::client::Client;
use crate::component::Aside;
use crate::jid::{self, Jid};
use crate::state::XmppDoor;

/// A client's stay in a room.
pub(crate) struct Occupancy {
    pub room: RoomHandle,
    /// The room's address as the client writes it.
    pub jid: String,
    pub id: ParticipantId,
    /// The client's own participant, as last told by the room.
    pub info: ParticipantInfo,
    pub nick: String,
    pub events: mpsc::Receiver<PeerEvent>,
    /// Everybody else.
    seats: BTreeMap<Identity, Seat>,
    /// What the client's own presence said last.
    pub(crate) said: Said,
    /// The client's media.
    pub(crate) call: Call,
    /// What it was told of what was written.
    pub(crate) written: Written,
    /// What it was told of the room beside presence.
    pub(crate) aside: Aside,
    /// What the room asks of whoever comes, as the client was told.
    gate: (bool, bool),
}

/// Somebody else in the room.
pub(crate) struct Seat {
    pub info: ParticipantInfo,
    pub nick: String,
    /// Their presence as the client saw it last.
    shown: String,
}

/// What a presence says that the room wants to know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    name: String,
    hand: bool,
    /// Sources with their mute state, by name.
    pub(crate) muted: BTreeMap<String, bool>,
}

impl Occupancy {
    /// The client's own address in the room.
    pub(crate) fn address(&self) -> String {
        format!("{}/{}", self.jid, self.nick)
    }

    /// Everybody else.
    pub(crate) fn others(&self) -> impl Iterator<Item = &Seat> {
        self.seats.values()
    }

    /// Whether nobody else is here.
    pub(crate) fn is_alone(&self) -> bool {
        self.seats.is_empty()
    }

    /// Who has this nickname.
    pub(crate) fn by_nick(&self, nick: &str) -> Option<&Seat> {
        self.seats.values().find(|seat| seat.nick == nick)
    }

    /// The nickname of somebody who is or was here.
    pub(crate) fn nick_of(&self, identity: &Identity) -> String {
        if *identity == self.info.identity {
            return self.nick.clone();
        }
        match self.seats.get(identity) {
            Some(seat) => seat.nick.clone(),
            None => self.free_nick(identity),
        }
    }

    fn free_nick(&self, identity: &Identity) -> String {
        jid::endpoint_id(identity, |nick| nick == self.nick || self.by_nick(nick).is_some())
    }

    /// Gives somebody a place, or what is new about them to the place they have.
    fn sit(&mut self, door: &XmppDoor, info: ParticipantInfo) {
        if let Some(seat) = self.seats.get_mut(&info.identity) {
            seat.info = info;
            return;
        }
        let card = door.card(self.room.id(), &info.identity);
        let nick = match card {
            Some(card) if card.nick != self.nick && self.by_nick(&card.nick).is_none() => card.nick,
            _ => self.free_nick(&info.identity),
        };
        let seat = Seat {
            nick,
            shown: String::new(),
            info: info.clone(),
        };
        self.seats.insert(info.identity, seat);
    }

    /// Asks something of the room in the client's name.
    pub(crate) fn ask(
        &self,
        command: Command,
    ) -> impl Future<Output = Result<Reply, Refusal>> + Send + use<> {
        let (room, actor) = (self.room.clone(), Actor::Participant(self.id.clone()));
        async move { room.command(actor, command).await }
    }
}

impl Client {
    /// The client's room where this address is it.
    pub(crate) fn in_room(&self, jid: &Jid) -> Option<&Occupancy> {
        self.occupancy.as_ref().filter(|own| own.jid == jid.bare())
    }
}
