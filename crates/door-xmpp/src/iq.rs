//! Requests: who is asked what.

use crate::client::{Client, Refused};
use crate::component::Component;
use crate::jid::Jid;
use crate::stanza::{self, Condition};
use crate::state::Note;
use crate::xml::Element;
use crate::{disco, focus, ns};

impl Client {
    /// Answers a request, or passes it to the occupant it is for.
    pub(crate) async fn on_iq(&mut self, iq: Element) {
        let to = match iq.get("to") {
            None => None,
            Some(text) => match Jid::parse(text) {
                Some(jid) => Some(jid),
                None => return self.refuse(&iq, &Condition::BadRequest.into()),
            },
        };
        if let Some(to) = to.as_ref().filter(|to| self.is_occupant_address(to)) {
            return self.pass_on(iq, to);
        }
        if !matches!(iq.get("type"), Some("get" | "set")) {
            // The answer to something of ours.
            if iq.get("type") == Some("error") {
                tracing::debug!("a client could not do what it was asked");
            }
            return self.take_features(&iq).await;
        }
        match self.answer(&iq, to.as_ref()).await {
            Ok(answer) => {
                self.send(answer);
                self.do_due().await;
            }
            Err(refused) => self.refuse(&iq, &refused),
        }
    }

    async fn answer(&mut self, iq: &Element, to: Option<&Jid>) -> Result<Element, Refused> {
        let asked = iq.children().next().ok_or(Condition::BadRequest)?;
        let gets = iq.get("type") == Some("get");
        let config = self.door.config();
        let (rooms, focus) = (config.rooms(), config.focus());
        let with = |child: Element| stanza::result(iq).child(child);
        if gets && asked.is("ping", ns::PING) {
            return Ok(stanza::result(iq));
        }
        let Some(to) = to.filter(|to| to.bare() != self.jid.bare() && to.bare() != config.domain) else {
            return match asked {
                _ if gets && asked.is("query", ns::DISCO_INFO) => Ok(with(disco::server(&config.domain))),
                _ if gets && asked.is("query", ns::DISCO_ITEMS) => {
                    Ok(with(Element::new("query", ns::DISCO_ITEMS)))
                }
                _ if gets && asked.name() == "services" => Ok(with(self.services(asked))),
                // Older clients ask for it though it means nothing any more (RFC 6121 Appendix E).
                _ if asked.is("session", ns::SESSION) => Ok(stanza::result(iq)),
                _ => Err(Condition::ServiceUnavailable.into()),
            };
        };
        if to.domain == focus && to.local.is_empty() {
            return match asked {
                _ if asked.is("conference", ns::FOCUS) => self.conference(iq, asked).await,
                _ if asked.is("logout", ns::FOCUS) => {
                    self.end_session_of(asked.get("session-id").unwrap_or_default());
                    Ok(with(Element::new("logout", ns::FOCUS)))
                }
                _ if gets && asked.is("query", ns::DISCO_INFO) => Ok(with(disco::focus())),
                _ => Err(Condition::ServiceUnavailable.into()),
            };
        }
        if to.domain == Component::Lobby.address(&config.domain) {
            return match asked {
                _ if gets && asked.is("query", ns::DISCO_INFO) => Ok(with(disco::lobby())),
                _ if asked.is("query", ns::MUC_ADMIN) && !gets => {
                    self.deny(asked).await?;
                    Ok(stanza::result(iq))
                }
                _ => Err(Condition::ServiceUnavailable.into()),
            };
        }
        let breakouts = Component::Breakouts.address(&config.domain);
        if to.domain == breakouts && to.local.is_empty() && gets && asked.is("query", ns::DISCO_INFO) {
            return Ok(with(disco::breakouts()));
        }
        if to.domain != rooms && self.in_room(to).is_none() {
            return Err(Condition::ServiceUnavailable.into());
        }
        if to.local.is_empty() {
            return match asked {
                _ if gets && asked.is("query", ns::DISCO_INFO) => Ok(with(disco::rooms())),
                // Rooms are found by those who know their names.
                _ => Err(Condition::ServiceUnavailable.into()),
            };
        }
        if to.resource == focus::NICK {
            return self.ask_focus(iq, asked).await;
        }
        if !to.resource.is_empty() {
            return Err(Condition::ItemNotFound.into());
        }
        match asked {
            _ if gets && asked.is("query", ns::DISCO_INFO) => Ok(with(self.room_info(to).await?)),
            _ if asked.is("query", ns::MUC_OWNER) && gets => Ok(with(self.room_form().await?)),
            _ if asked.is("query", ns::MUC_OWNER) => {
                self.configure(asked).await?;
                Ok(stanza::result(iq))
            }
            _ if asked.is("query", ns::MUC_ADMIN) && !gets => {
                self.administer(asked).await?;
                Ok(stanza::result(iq))
            }
            _ => Err(Condition::ServiceUnavailable.into()),
        }
    }

    /// What the focus of a room is asked by somebody in it.
    async fn ask_focus(&mut self, iq: &Element, asked: &Element) -> Result<Element, Refused> {
        if self.occupancy.is_none() {
            return Err(Condition::NotAcceptable.into());
        }
        if asked.name() == "mute" {
            self.mute(asked).await?;
            return Ok(stanza::result(iq));
        }
        if asked.is("jingle", ns::JINGLE) {
            return self.take_jingle(iq, asked);
        }
        if asked.is("query", ns::DISCO_INFO) {
            return Ok(stanza::result(iq).child(disco::focus()));
        }
        Err(Condition::ServiceUnavailable.into())
    }

    /// Whether it is the address of an occupant of the client's own room, the focus not counted.
    fn is_occupant_address(&self, to: &Jid) -> bool {
        let own = self.occupancy.as_ref();
        own.is_some_and(|own| own.jid == to.bare()) && !to.resource.is_empty() && to.resource != focus::NICK
    }

    /// Passes a request or an answer to another client of ours in the same room. Sessions between two are theirs alone.
    fn pass_on(&mut self, iq: Element, to: &Jid) {
        let asks = matches!(iq.get("type"), Some("get" | "set"));
        let Some(own) = &self.occupancy else { return };
        let card = own.by_nick(&to.resource).map(|seat| {
            let card = self.door.card(own.room.id(), &seat.info.identity);
            (card, own.address())
        });
        let passed = match card {
            Some((Some(card), from)) => {
                let mut copy = iq.clone();
                copy.set("from", from);
                copy.set("to", card.jid);
                card.mailbox.tell(Note::Stanza(Box::new(copy)))
            }
            Some((None, _)) if asks && iq.find("query", ns::DISCO_INFO).is_some() => {
                let answer = stanza::result(&iq).child(disco::occupant());
                return self.send(answer);
            }
            _ => false,
        };
        if !passed && asks {
            self.refuse(&iq, &Condition::ServiceUnavailable.into());
        }
    }
}
