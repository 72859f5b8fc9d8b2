//! Coming into a room, saying something new about oneself, and going.

use indexmap::IndexMap;
use tertulia_engine::{Joined, MediaSetup, PeerMode, RoomHandle};
use tertulia_model::{ClientFamily, RoomName};
use tertulia_room::{
    Actor, Admission, Applicant, Command, DepartureReason, NewParticipant, ParticipantKind, Refusal, Reply,
};

use super::presence::{contents, says_hand, says_muted, says_name, status};
use super::{Occupancy, Said};
use crate::call::Call;
use crate::client::{Client, Refused};
use crate::component::{Aside, Component};
use crate::entry::Judged;
use crate::focus;
use crate::jid::{self, Jid};
use crate::ns;
use crate::stanza::{self, Condition};
use crate::state::{Card, Note};
use crate::stats::Counters;
use crate::xml::Element;

/// How often a room is opened that ends between two calls.
const ATTEMPTS: usize = 3;

impl Client {
    pub(crate) async fn on_presence(&mut self, presence: Element) {
        let Some(to) = presence.get("to") else {
            // To everybody who knows us, and that is nobody.
            return;
        };
        let to = Jid::parse(to);
        let lobby = Component::Lobby.address(&self.door.config().domain);
        if let Some(to) = to.as_ref().filter(|to| to.domain == lobby) {
            return match presence.get("type") {
                None => {
                    if let Err(refused) = self.come_to_lobby(to, presence.clone()).await {
                        self.refuse(&presence, &refused);
                    }
                }
                Some("unavailable") => self.go_from_lobby(to).await,
                _ => {}
            };
        }
        let is_room = |to: &Jid| to.domain == self.door.config().rooms() || self.is_breakout(to);
        let Some(to) = to.filter(is_room) else {
            return self.refuse(&presence, &Condition::ServiceUnavailable.into());
        };
        match presence.get("type") {
            None if self.in_room(&to).is_some() => {
                if let Err(refused) = self.say_anew(&to, presence.clone()).await {
                    self.refuse(&presence, &refused);
                }
            }
            None => {
                if let Err(refused) = self.come(&to, presence.clone()).await {
                    Counters::up(&self.door.counters().joins_refused);
                    if refused.0 == Condition::RegistrationRequired {
                        let waits = format!("{}@{lobby}", to.local);
                        let lobby = Element::new("lobbyroom", ns::JITMEET).text(waits);
                        self.send(stanza::error_with(&presence, refused.0, &refused.1, [lobby]));
                    } else {
                        self.send(stanza::error(&presence, refused.0, &refused.1));
                    }
                }
            }
            Some("unavailable") if self.in_room(&to).is_some() => self.go(false).await,
            _ => {}
        }
    }

    async fn come(&mut self, to: &Jid, presence: Element) -> Result<(), Refused> {
        let name = to.room().ok_or(Condition::ItemNotFound)?;
        // Clients take the first digits of their address; nobody is called focus.
        if !jid::is_endpoint_id(&to.resource) {
            return Err(Refused(
                Condition::NotAcceptable,
                "a nickname has eight hexadecimal digits".to_owned(),
            ));
        }
        // Who comes into a breakout is decided by its main room.
        let breakout = self.is_breakout(to);
        if breakout {
            self.breakout_at(to)?;
        } else {
            if !self.credential.covers(&name) {
                return Err(Refused(
                    Condition::NotAllowed,
                    "the token is for another room".to_owned(),
                ));
            }
            self.door.limit_join(self.source)?;
        }
        if self.occupancy.is_some() {
            self.go(breakout).await;
        }
        let entry = presence.find("x", ns::MUC);
        let password = entry
            .and_then(|entry| entry.find("password", ns::MUC))
            .map(Element::content);
        let contents = contents(presence);
        let said = Said {
            name: says_name(&contents).unwrap_or_else(|| self.credential.name.clone()),
            hand: false,
            muted: says_muted(&contents),
        };
        let card = Card {
            nick: to.resource.clone(),
            jid: self.jid.to_string(),
            contents: contents.into(),
            mailbox: self.mailbox.clone(),
        };
        let (room, joined) = if breakout {
            self.enter_breakout(to, &said.name, &card).await?
        } else {
            self.enter(&name, &said, password, &card).await?
        };
        Counters::up(&self.door.counters().joins);
        tracing::info!(participant = %joined.participant.id, room = %room.id(), "joined");
        let room = room.for_participant(&joined);
        let Joined {
            participant,
            others,
            events,
            ..
        } = joined;
        let mut own = Occupancy {
            room,
            jid: to.bare(),
            id: participant.id.clone(),
            info: participant,
            nick: to.resource.clone(),
            events,
            seats: Default::default(),
            said,
            call: Call::new(),
            written: Default::default(),
            aside: Aside::default(),
            gate: (false, false),
        };
        for other in others {
            own.sit(&self.door, other);
        }
        self.occupancy = Some(own);
        self.settle_parting(None).await;
        if !breakout {
            self.begin_meeting();
        }
        self.welcome().await;
        self.tell_aside().await;
        self.ask_features();
        Ok(())
    }

    /// Begins another stay in the same room in place of the one there is; false where that may not be.
    pub(crate) async fn stay_anew(&mut self) -> bool {
        let Some(own) = &self.occupancy else { return false };
        let (name, said) = (own.room.name().clone(), own.said.clone());
        let Some(card) = self.door.card(own.room.id(), &self.identity) else {
            return false;
        };
        let (room, joined) = match self.enter(&name, &said, None, &card).await {
            Ok(entered) => entered,
            Err(Refused(_, text)) => {
                tracing::info!(text, "a client could not begin again");
                self.put_out(DepartureReason::MediaLost);
                return false;
            }
        };
        self.bridge = None;
        let door = self.door.clone();
        let Some(own) = &mut self.occupancy else {
            return false;
        };
        own.room = room.for_participant(&joined);
        own.id = joined.participant.id.clone();
        own.info = joined.participant;
        own.events = joined.events;
        own.call = Call::new();
        own.seats
            .retain(|identity, _| joined.others.iter().any(|other| other.identity == *identity));
        for other in joined.others {
            own.sit(&door, other);
        }
        true
    }

    /// Joins, opening the room where it is not open. The card is there before anybody can hear of its owner.
    async fn enter(
        &mut self,
        name: &RoomName,
        said: &Said,
        password: Option<String>,
        card: &Card,
    ) -> Result<(RoomHandle, Joined), Refused> {
        self.judge_entry(name, password.as_deref()).await?;
        let mut attempt = 0;
        loop {
            let opened = self.door.engine().open_room(name, None).await;
            let room = opened.map_err(|_| Condition::ServiceUnavailable)?;
            let entered = match self.knock(&room, said, password.clone()).await {
                Ok(()) if self.door.put_card(room.id(), &self.identity, card.clone()) => {
                    room.join(self.newcomer(&said.name), media()).await
                }
                Ok(()) => return Err(Condition::Conflict.into()),
                Err(refusal) => Err(refusal),
            };
            match entered {
                Ok(joined) => return Ok((room, joined)),
                Err(refusal) => {
                    self.door.drop_card(room.id(), &self.identity, &card.jid);
                    if refusal == Refusal::RoomEnded && attempt < ATTEMPTS {
                        attempt += 1;
                        continue;
                    }
                    tracing::debug!(%refusal, "a client could not join");
                    return Err(refusal.into());
                }
            }
        }
    }

    /// Joins a breakout, whose main room has it expect the client as what it is in the meeting.
    pub(crate) async fn join_expected(
        &mut self,
        room: &RoomHandle,
        name: String,
        card: &Card,
    ) -> Result<Joined, Refused> {
        self.judged = Judged::default();
        if !self.door.put_card(room.id(), &self.identity, card.clone()) {
            return Err(Condition::Conflict.into());
        }
        let joined = room.join(self.newcomer(&name), media()).await;
        joined.map_err(|refusal| {
            self.door.drop_card(room.id(), &self.identity, &card.jid);
            refusal.into()
        })
    }

    /// Asks to come in. Whoever is to wait does so once they come to the lobby, and is shown to nobody before.
    async fn knock(
        &mut self,
        room: &RoomHandle,
        said: &Said,
        password: Option<String>,
    ) -> Result<(), Refusal> {
        let applicant = self.applicant(said.name.clone(), password);
        let knocked = room
            .command(Actor::System, Command::AskEntry(Box::new(applicant)))
            .await?;
        if matches!(knocked, Reply::Admission(Admission::Admitted)) {
            Ok(())
        } else {
            Err(Refusal::LobbyNeeded)
        }
    }

    /// Whom the room judges before it lets them in.
    pub(super) fn applicant(&self, name: String, password: Option<String>) -> Applicant {
        Applicant {
            identity: self.identity.clone(),
            name,
            origin: self.credential.origin,
            role: self.judged.role,
            entrance: self.judged.entrance,
            moderates: self.credential.permission.room_admin,
            password,
            network: self.network,
            credential_issued_at_ms: self.credential.issued_at_ms,
        }
    }

    fn newcomer(&self, name: &str) -> NewParticipant {
        NewParticipant {
            identity: self.identity.clone(),
            name: name.to_owned(),
            kind: ParticipantKind::Standard,
            metadata: String::new(),
            attributes: IndexMap::new(),
            permission: self.credential.permission.clone(),
            auto_subscribe: true,
            client_protocol: 0,
            capabilities: Vec::new(),
            credential_issued_at_ms: self.credential.issued_at_ms,
            origin: self.credential.origin,
            role: self.judged.role,
            entrance: self.judged.entrance,
            network: self.network,
        }
    }

    /// Tells a newcomer who is there, in the order clients rely on: the focus, the others, themselves, what was said.
    async fn welcome(&mut self) {
        let Some(own) = &self.occupancy else { return };
        let focus = focus::presence(self.door.config(), &own.jid);
        let others: Vec<_> = own.seats.keys().cloned().collect();
        self.send(focus);
        for other in &others {
            self.show(other);
        }
        self.show_own();
        self.tell_history().await;
        self.tell_subject();
    }

    /// Sends the client its own presence.
    pub(super) fn show_own(&mut self) {
        let Some(own) = &self.occupancy else { return };
        let presence = own.own_presence(self);
        self.send(presence);
    }

    /// Sends the presence of somebody else where it is new to the client.
    pub(crate) fn show(&mut self, who: &tertulia_model::Identity) {
        let door = self.door.clone();
        let Some(own) = &mut self.occupancy else { return };
        if let Some(presence) = own.presence_of(&door, who) {
            self.send(presence);
        }
    }

    /// Looks at everybody's presence, where news was missed.
    pub(crate) fn look_again(&mut self) {
        let Some(own) = &self.occupancy else { return };
        let everybody: Vec<_> = own.seats.keys().cloned().collect();
        for who in &everybody {
            self.show(who);
        }
    }

    /// Takes what the client says anew about itself: to our own clients as it is, to the room what it understands.
    async fn say_anew(&mut self, to: &Jid, presence: Element) -> Result<(), Refused> {
        let Some(own) = &mut self.occupancy else {
            return Ok(());
        };
        if to.resource != own.nick {
            return Err(Refused(
                Condition::NotAllowed,
                "nicknames are not changed".to_owned(),
            ));
        }
        let contents = contents(presence);
        let said = Said {
            name: says_name(&contents).unwrap_or_else(|| own.said.name.clone()),
            hand: says_hand(&contents),
            muted: says_muted(&contents),
        };
        let card = Card {
            nick: own.nick.clone(),
            jid: self.jid.to_string(),
            contents: contents.into(),
            mailbox: self.mailbox.clone(),
        };
        self.door.put_card(own.room.id(), &self.identity, card);
        let before = std::mem::replace(&mut own.said, said.clone());
        if said.name != before.name {
            let rename = own.ask(Command::UpdateSelf {
                name: Some(said.name.clone()),
                metadata: None,
                attributes: IndexMap::new(),
            });
            rename.await?;
        }
        if said.hand != before.hand {
            own.ask(Command::SetHand { raised: said.hand }).await?;
        }
        let opened = own.call.mute_as_said(&said.muted);
        for (track, muted) in opened.changes {
            let Some(own) = &self.occupancy else { return Ok(()) };
            let id = track.clone();
            if let Err(refusal) = own.ask(Command::SetMuted { track: id, muted }).await {
                tracing::debug!(%refusal, "a source stays as it is");
                self.close_source(&track);
            }
        }
        if opened.waiting {
            self.negotiate().await;
        }
        let Some(own) = &self.occupancy else { return Ok(()) };
        for seat in own.seats.values() {
            if let Some(card) = self.door.card(own.room.id(), &seat.info.identity) {
                card.mailbox.tell(Note::Card(self.identity.clone()));
            }
        }
        self.show_own();
        Ok(())
    }

    /// Takes the client out of its room and says so. Its place is held where it `moves` or may.
    async fn go(&mut self, moves: bool) {
        let gone = if moves || self.may_move() {
            self.part().await
        } else {
            self.leave_room().await
        };
        let Some(gone) = gone else { return };
        let item = Element::new("item", ns::MUC_USER)
            .attr("affiliation", "none")
            .attr("role", "none");
        let own = Element::new("x", ns::MUC_USER).child(item).child(status("110"));
        let presence = Element::new("presence", ns::CLIENT)
            .attr("type", "unavailable")
            .attr("from", gone)
            .child(own);
        self.send(presence);
    }

    /// Takes the client out of its room. Gives the address it had there.
    pub(crate) async fn leave_room(&mut self) -> Option<String> {
        let own = self.occupancy.take()?;
        self.bridge = None;
        self.knockers.clear();
        self.meeting = None;
        self.depart(&own, DepartureReason::Left).await;
        Some(own.address())
    }

    /// Leaves a room for good.
    pub(crate) async fn depart(&mut self, own: &Occupancy, reason: DepartureReason) {
        self.door
            .drop_card(own.room.id(), &self.identity, &self.jid.to_string());
        if let Err(refusal) = own.ask(Command::Leave { reason }).await {
            tracing::debug!(participant = %own.id, %refusal, "already out of the room");
        }
    }
}

/// What the engine is told of these clients.
fn media() -> MediaSetup {
    MediaSetup {
        mode: PeerMode::Single,
        family: ClientFamily::Invited,
        ice_lite: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_have_the_conditions_clients_look_for() {
        let condition = |refusal: Refusal| Refused::from(refusal).0;
        assert_eq!(condition(Refusal::PasswordNeeded), Condition::NotAuthorized);
        assert_eq!(condition(Refusal::LobbyNeeded), Condition::RegistrationRequired);
        assert_eq!(condition(Refusal::RoomFull), Condition::ServiceUnavailable);
        assert_eq!(condition(Refusal::Banned), Condition::NotAllowed);
        let error = stanza::error(
            &Element::new("presence", ns::CLIENT),
            Condition::NotAuthorized,
            "",
        );
        assert_eq!(error.get("type"), Some("error"));
    }
}
