//! The lobby of a room, which is a room of its own to these clients: those who wait are in it, and those who may let
//! them in come to see them.

use std::collections::BTreeMap;
use std::sync::Arc;

use tertulia_engine::RoomHandle;
use tertulia_model::Identity;
use tertulia_room::{Actor, Admission, Chosen, Command, Event, Knocker, LobbyOutcome, Right};
use tokio::sync::mpsc;

use super::presence::{contents, says_name, status};
use crate::client::{Client, Refused};
use crate::jid::{self, Jid};
use crate::ns;
use crate::stanza::Condition;
use crate::xml::Element;

/// A client's place in a lobby.
pub(crate) enum Lobby {
    /// It waits.
    Waiting(Waiting),
    /// It sees who waits, by nickname.
    Hosting {
        jid: String,
        nick: String,
        knockers: BTreeMap<Identity, String>,
    },
}

pub(crate) struct Waiting {
    room: RoomHandle,
    /// The room's address, not the lobby's.
    room_jid: String,
    jid: String,
    nick: String,
    pub events: mpsc::Receiver<Arc<Event>>,
}

fn occupant(room: &str, nick: &str, jid: &str, own: bool, gone: bool) -> Element {
    let item = Element::new("item", ns::MUC_USER)
        .attr("affiliation", "none")
        .attr("role", if gone { "none" } else { "participant" })
        .attr("jid", jid);
    let mut x = Element::new("x", ns::MUC_USER).child(item);
    if own {
        x = x.child(status("110"));
    }
    let presence = Element::new("presence", ns::CLIENT)
        .attr("from", format!("{room}/{nick}"))
        .attr_opt("type", gone.then_some("unavailable"));
    presence.child(x)
}

impl Client {
    /// Comes into a lobby, or says something anew there.
    pub(crate) async fn come_to_lobby(&mut self, to: &Jid, presence: Element) -> Result<(), Refused> {
        if !jid::is_endpoint_id(&to.resource) {
            return Err(Condition::NotAcceptable.into());
        }
        let name = to.room().ok_or(Condition::ItemNotFound)?;
        if !self.credential.covers(&name) {
            return Err(Condition::NotAllowed.into());
        }
        let hosts = self
            .occupancy
            .as_ref()
            .is_some_and(|own| *own.room.name() == name);
        if hosts {
            return self.host(to);
        }
        let room = self
            .door
            .engine()
            .find_room(&name)
            .ok_or(Condition::ItemNotFound)?;
        self.door.limit_join(self.source)?;
        self.judge_entry(&name, None).await?;
        let said = says_name(&contents(presence)).unwrap_or_else(|| self.credential.name.clone());
        let applicant = self.applicant(said, None);
        room.command(Actor::System, Command::Knock(Box::new(applicant)))
            .await?;
        let room_jid = format!("{}@{}", to.local, self.door.config().rooms());
        let Ok(waiting) = room.wait_in_lobby(&self.identity).await else {
            // There is nothing to wait for.
            return {
                self.invite_in(&room_jid);
                Ok(())
            };
        };
        let own = occupant(&to.bare(), &to.resource, &self.jid.to_string(), true, false);
        self.send(own);
        if waiting.admission == Admission::Admitted {
            self.invite_in(&room_jid);
            return Ok(());
        }
        self.lobby = Some(Lobby::Waiting(Waiting {
            room,
            room_jid,
            jid: to.bare(),
            nick: to.resource.clone(),
            events: waiting.events,
        }));
        Ok(())
    }

    /// Comes to see who waits.
    fn host(&mut self, to: &Jid) -> Result<(), Refused> {
        let rights = self.occupancy.as_ref().map(|own| own.info.rights);
        if !rights.is_some_and(|rights| rights.has(Right::Admit)) {
            return Err(Condition::Forbidden.into());
        }
        let known = match self.lobby.take() {
            Some(Lobby::Hosting { knockers, .. }) => knockers,
            _ => BTreeMap::new(),
        };
        let (jid, nick) = (to.bare(), to.resource.clone());
        self.send(occupant(&jid, &nick, &self.jid.to_string(), true, false));
        self.lobby = Some(Lobby::Hosting {
            jid,
            nick,
            knockers: known,
        });
        let waiting = std::mem::take(&mut self.knockers);
        for knocker in &waiting {
            self.see_knocker(knocker);
        }
        self.knockers = waiting;
        Ok(())
    }

    /// Notes who waits, and shows them to a client that looks.
    pub(crate) fn see_knockers(&mut self, waiting: &[Knocker]) {
        for knocker in waiting {
            if self
                .knockers
                .iter()
                .all(|known| known.identity != knocker.identity)
            {
                self.knockers.push(knocker.clone());
            }
            self.see_knocker(knocker);
        }
    }

    fn see_knocker(&mut self, knocker: &Knocker) {
        let domain = self.door.config().domain.clone();
        let Some(Lobby::Hosting { jid, nick, knockers }) = &mut self.lobby else {
            return;
        };
        let taken = |id: &str| id == nick || knockers.values().any(|known| known == id);
        let own = knocker.identity.as_str();
        // Our own clients have their ids in their addresses.
        let id = match knockers.get(&knocker.identity) {
            Some(known) => known.clone(),
            None if own
                .get(..8)
                .is_some_and(|id| jid::is_endpoint_id(id) && !taken(id)) =>
            {
                own[..8].to_owned()
            }
            None => jid::endpoint_id(&knocker.identity, taken),
        };
        knockers.insert(knocker.identity.clone(), id.clone());
        let name = Element::new("nick", ns::NICK).text(knocker.name.clone());
        let presence = occupant(jid, &id, &format!("{id}@{domain}/lobby"), false, false).child(name);
        self.send(presence);
    }

    /// Those who wait no more go out of sight.
    pub(crate) fn see_lobby_left(&mut self, gone: &[Identity]) {
        self.knockers.retain(|known| !gone.contains(&known.identity));
        let domain = self.door.config().domain.clone();
        let Some(Lobby::Hosting { jid, knockers, .. }) = &mut self.lobby else {
            return;
        };
        let left: Vec<Element> = gone
            .iter()
            .filter_map(|identity| knockers.remove(identity))
            .map(|id| occupant(jid, &id, &format!("{id}@{domain}/lobby"), false, true))
            .collect();
        for presence in left {
            self.send(presence);
        }
    }

    /// Whom a moderator speaks of who waits.
    fn waiting(&self, id: &str) -> Option<Identity> {
        let Some(Lobby::Hosting { knockers, .. }) = &self.lobby else {
            return None;
        };
        let mut known = knockers.iter();
        known
            .find(|(_, known)| *known == id)
            .map(|(identity, _)| identity.clone())
    }

    /// Lets those in who were invited by a moderator in the room.
    pub(crate) async fn admit(&mut self, invited: &[&str]) -> Result<(), Refused> {
        let known = |invited: &&str| self.waiting(&Jid::parse(invited)?.local);
        let who = invited.iter().filter_map(known).collect();
        self.judge(who, true).await
    }

    /// Sends somebody away whom a moderator removed from the lobby.
    pub(crate) async fn deny(&mut self, query: &Element) -> Result<(), Refused> {
        let item = query.find("item", ns::MUC_ADMIN).ok_or(Condition::BadRequest)?;
        let who = item.get("nick").and_then(|nick| self.waiting(nick));
        self.judge(who.into_iter().collect(), false).await
    }

    async fn judge(&mut self, who: Vec<Identity>, admitted: bool) -> Result<(), Refused> {
        let Some(own) = &self.occupancy else {
            return Err(Condition::NotAcceptable.into());
        };
        if who.is_empty() {
            return Err(Condition::ItemNotFound.into());
        }
        let who = Chosen::These(who);
        let command = if admitted {
            Command::Admit { who }
        } else {
            Command::Deny { who }
        };
        own.ask(command).await?;
        Ok(())
    }

    /// Tells a client that waited that it may come.
    fn invite_in(&mut self, room: &str) {
        let invite = Element::new("invite", ns::MUC_USER).attr("from", room);
        let message = Element::new("message", ns::CLIENT)
            .attr("from", room)
            .child(Element::new("x", ns::MUC_USER).child(invite));
        self.send(message);
    }

    /// What a client that waits is told.
    pub(crate) fn on_lobby_event(&mut self, event: Option<Arc<Event>>) {
        let Some(Lobby::Waiting(waiting)) = &self.lobby else {
            return;
        };
        let (jid, nick, room) = (
            waiting.jid.clone(),
            waiting.nick.clone(),
            waiting.room_jid.clone(),
        );
        let own = self.jid.to_string();
        match event.as_deref() {
            Some(Event::WaitingEnded { outcome, .. }) => {
                self.lobby = None;
                match outcome {
                    LobbyOutcome::Admitted => self.invite_in(&room),
                    LobbyOutcome::Denied | LobbyOutcome::Gone => {
                        let x = Element::new("x", ns::MUC_USER)
                            .child(
                                Element::new("item", ns::MUC_USER)
                                    .attr("affiliation", "none")
                                    .attr("role", "none"),
                            )
                            .child(status("110"))
                            .child(status("307"));
                        let presence = Element::new("presence", ns::CLIENT)
                            .attr("type", "unavailable")
                            .attr("from", format!("{jid}/{nick}"))
                            .child(x);
                        self.send(presence);
                    }
                }
            }
            Some(Event::LobbyMessage { text, from }) => {
                let message = Element::new("message", ns::CLIENT)
                    .attr("type", "groupchat")
                    .attr("from", jid)
                    .child(Element::new("body", ns::CLIENT).text(text.clone()))
                    .child(Element::new("nick", ns::NICK).text(from.clone()));
                self.send(message);
            }
            Some(_) => {}
            None => {
                self.lobby = None;
                self.send(occupant(&jid, &nick, &own, true, true));
            }
        }
    }

    /// Goes out of a lobby as the client asks. Whoever was let in is out of it by then, and waits for the answer all the same.
    pub(crate) async fn go_from_lobby(&mut self, to: &Jid) {
        if self.lobby.is_some() {
            return self.leave_lobby().await;
        }
        let own = self.jid.to_string();
        self.send(occupant(&to.bare(), &to.resource, &own, true, true));
    }

    /// Goes out of a lobby.
    pub(crate) async fn leave_lobby(&mut self) {
        let Some(lobby) = self.lobby.take() else { return };
        let (jid, nick) = match lobby {
            Lobby::Hosting { jid, nick, .. } => (jid, nick),
            Lobby::Waiting(waiting) => {
                let here = Command::LobbyPresence {
                    identity: self.identity.clone(),
                    here: false,
                };
                if let Err(refusal) = waiting.room.command(Actor::System, here).await {
                    tracing::debug!(%refusal, "nobody was waiting");
                }
                (waiting.jid, waiting.nick)
            }
        };
        let own = self.jid.to_string();
        self.send(occupant(&jid, &nick, &own, true, true));
    }
}
