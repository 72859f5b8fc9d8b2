//! What is said in a room.

use tertulia_model::Timestamp;
use tertulia_room::{ChatInput, ChatMessage, Command, Reply, Right};

use crate::client::{Client, Refused};
use crate::focus;
use crate::jid::Jid;
use crate::ns;
use crate::stanza::Condition;
use crate::state::Note;
use crate::xml::Element;

/// Messages told to a newcomer.
const HISTORY: usize = 50;

impl Client {
    pub(crate) async fn on_message(&mut self, message: Element) {
        if message.get("type") == Some("error") {
            return;
        }
        if let Err(refused) = self.take_message(&message).await {
            self.refuse(&message, &refused);
        }
    }

    async fn take_message(&mut self, message: &Element) -> Result<(), Refused> {
        let to = message
            .get("to")
            .and_then(Jid::parse)
            .ok_or(Condition::BadRequest)?;
        if let Some(component) = self.component(&to) {
            return self.take_component(component, message).await;
        }
        let Some(own) = self.in_room(&to) else {
            return Err(Condition::NotAcceptable.into());
        };
        let invite = message
            .find("x", ns::MUC_USER)
            .and_then(|x| x.find("invite", ns::MUC_USER));
        if let Some(invited) = invite.and_then(|invite| invite.get("to")) {
            return self.admit(invited).await;
        }
        let body = message.find("body", ns::CLIENT).map(Element::content);
        let group = message.get("type") == Some("groupchat");
        if group != to.resource.is_empty() {
            return Err(Condition::BadRequest.into());
        }
        let recipient = match to.resource.as_str() {
            "" => None,
            focus::NICK => return Err(Condition::ServiceUnavailable.into()),
            nick => {
                let seat = own.by_nick(nick).ok_or(Condition::ItemNotFound)?;
                Some(seat.info.identity.clone())
            }
        };
        if message.find("subject", ns::CLIENT).is_some() && body.is_none() {
            // What the room is called is decided by its name.
            return Err(Condition::Forbidden.into());
        }
        let Some(text) = body else {
            return self.pass_message(message, recipient.as_ref());
        };
        let id = match message.get("id") {
            Some(id) if !id.is_empty() => id.to_owned(),
            _ => format!("{:016x}", rand::random::<u64>()),
        };
        let said = own.ask(Command::Chat(ChatInput {
            id,
            text,
            to: recipient,
            reply_to: None,
        }));
        said.await?;
        Ok(())
    }

    /// Passes on a message without words, which means something to clients of this kind alone.
    fn pass_message(&self, message: &Element, to: Option<&tertulia_model::Identity>) -> Result<(), Refused> {
        let Some(own) = &self.occupancy else { return Ok(()) };
        if !own.info.rights.has(Right::SendData) {
            return Err(Condition::Forbidden.into());
        }
        let reached = own
            .seats
            .values()
            .map(|seat| &seat.info.identity)
            .filter(|identity| to.is_none_or(|to| to == *identity))
            // Everybody hears what is said to all, who says it too.
            .chain(to.is_none().then_some(&self.identity));
        for identity in reached {
            if let Some(card) = self.door.card(own.room.id(), identity) {
                let mut copy = message.clone();
                copy.set("from", own.address());
                copy.set("to", card.jid);
                card.mailbox.tell(Note::Stanza(Box::new(copy)));
            }
        }
        Ok(())
    }

    /// Tells the client what somebody said.
    pub(super) fn deliver_chat(&mut self, message: &ChatMessage) {
        let Some(own) = &self.occupancy else { return };
        // Who writes to one person shows it without being told.
        if message.to.is_some() && message.identity == self.identity {
            return;
        }
        let stanza = self.chat_stanza(message, &own.nick_of(&message.identity));
        self.send(stanza);
    }

    fn chat_stanza(&self, message: &ChatMessage, nick: &str) -> Element {
        let room = self.occupancy.as_ref().map_or("", |own| own.jid.as_str());
        Element::new("message", ns::CLIENT)
            .attr("type", if message.to.is_some() { "chat" } else { "groupchat" })
            .attr("from", format!("{room}/{nick}"))
            .attr("id", message.id.clone())
            .child(Element::new("body", ns::CLIENT).text(message.text.clone()))
            .child(Element::new("nick", ns::NICK).text(message.name.clone()))
    }

    /// Tells a newcomer what was said before.
    pub(super) async fn tell_history(&mut self) {
        let Some(own) = &self.occupancy else { return };
        let read = own.ask(Command::ReadChat {
            before: None,
            limit: HISTORY,
        });
        let messages = match read.await {
            Ok(Reply::ChatHistory(messages, _)) => messages,
            Ok(_) => return,
            Err(refusal) => return tracing::debug!(%refusal, "no history is told"),
        };
        let Some(own) = &self.occupancy else { return };
        let told: Vec<Element> = messages
            .iter()
            .filter(|message| !message.deleted && message.to.is_none())
            .map(|message| {
                let delay = Element::new("delay", ns::DELAY)
                    .attr("stamp", Timestamp(message.at_ms).to_string())
                    .attr("from", own.jid.clone());
                self.chat_stanza(message, &own.nick_of(&message.identity))
                    .child(delay)
            })
            .collect();
        for message in told {
            self.send(message);
        }
    }

    /// Ends what a newcomer is told.
    pub(super) fn tell_subject(&mut self) {
        let Some(own) = &self.occupancy else { return };
        let subject = Element::new("message", ns::CLIENT)
            .attr("type", "groupchat")
            .attr("from", own.jid.clone())
            .child(Element::new("subject", ns::CLIENT));
        self.send(subject);
    }
}
