//! What is said in a room.

use tertulia_model::{Identity, Timestamp};
use tertulia_room::{ChatInput, ChatMessage, Command, Reply, Right};

use super::written::{Change, reaction};
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
        if let Some(x) = message.find("x", ns::MUC_USER) {
            let invites = x.children().filter(|child| child.is("invite", ns::MUC_USER));
            let invited: Vec<&str> = invites.filter_map(|invite| invite.get("to")).collect();
            if !invited.is_empty() {
                return self.admit(&invited).await;
            }
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
        // The words that go with it are for those who do not understand it.
        if let Some(retracted) = message.find("retract", ns::RETRACT) {
            let seq = own.written.seq(retracted.get("id").unwrap_or_default());
            let seq = seq.ok_or(Condition::ItemNotFound)?;
            own.ask(Command::DeleteChat { seq }).await?;
            return Ok(());
        }
        if let Some(reactions) = message.find("reactions", ns::REACTIONS) {
            return self.take_reactions(message, reactions, recipient.as_ref()).await;
        }
        let Some(text) = body else {
            return self.pass_message(message, recipient.as_ref());
        };
        // Clients write an answer without a namespace of its own, and with the id where an address should be.
        let answered = message.children().find(|child| child.name() == "reply");
        let answered = answered.and_then(|reply| reply.get("id").or(reply.get("to")));
        let id = match message.get("id") {
            Some(id) if !id.is_empty() => id.to_owned(),
            _ => format!("{:016x}", rand::random::<u64>()),
        };
        let said = own.ask(Command::Chat(ChatInput {
            id,
            text,
            to: recipient,
            reply_to: answered.and_then(|id| own.written.seq(id)),
        }));
        if let (Reply::Chat(message), Some(own)) = (said.await?, &mut self.occupancy) {
            own.written.note(&message);
        }
        Ok(())
    }

    /// Takes reactions to a message: those the room knows are the room's, others pass between clients of this kind.
    async fn take_reactions(
        &mut self,
        message: &Element,
        reactions: &Element,
        recipient: Option<&Identity>,
    ) -> Result<(), Refused> {
        let Some(own) = &self.occupancy else { return Ok(()) };
        let written = reactions
            .children()
            .filter(|child| child.is("reaction", ns::REACTIONS));
        let kinds: Option<Vec<&str>> = written.map(|child| reaction(&child.content())).collect();
        let Some(kinds) = kinds else {
            return self.pass_message(message, recipient);
        };
        let seq = own.written.seq(reactions.get("id").unwrap_or_default());
        let seq = seq.ok_or(Condition::ItemNotFound)?;
        for kind in kinds {
            let kind = kind.to_owned();
            own.ask(Command::ReactToChat { seq, kind, on: true }).await?;
        }
        Ok(())
    }

    /// Passes on a message without words, which means something to clients of this kind alone.
    fn pass_message(&self, message: &Element, to: Option<&Identity>) -> Result<(), Refused> {
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
        let Some(own) = &mut self.occupancy else { return };
        own.written.note(message);
        let nick = own.nick_of(&message.identity);
        // Who writes to one person shows it without being told.
        if message.to.is_some() && message.identity == self.identity {
            return;
        }
        let stanza = self.chat_stanza(message, &nick);
        self.send(stanza);
    }

    /// Tells the client what became of a message.
    pub(super) fn tell_chat_change(&mut self, message: &ChatMessage) {
        let Some(own) = &mut self.occupancy else { return };
        for change in own.written.changed(message) {
            self.tell_change_of(message, change);
        }
    }

    fn tell_change_of(&mut self, message: &ChatMessage, change: Change) {
        let Some(own) = &self.occupancy else { return };
        let kind = if message.to.is_some() { "chat" } else { "groupchat" };
        let from = |who: &Identity| {
            let nick = own.nick_of(who);
            Element::new("message", ns::CLIENT)
                .attr("type", kind)
                .attr("from", format!("{}/{nick}", own.jid))
        };
        let retraction = |id: String| {
            let retract = Element::new("retract", ns::RETRACT).attr("id", id);
            from(&message.identity).child(retract)
        };
        let stanzas = match change {
            Change::Deleted { id } => vec![retraction(id)],
            Change::Replaced { old, new } => {
                let mut anew = self.chat_stanza(message, &own.nick_of(&message.identity));
                anew.set("id", new);
                vec![retraction(old), anew]
            }
            Change::Reacted { id, by, emoji } => {
                let reaction = Element::new("reaction", ns::REACTIONS).text(emoji);
                let reactions = Element::new("reactions", ns::REACTIONS).attr("id", id);
                vec![from(&by).child(reactions.child(reaction))]
            }
        };
        for stanza in stanzas {
            self.send(stanza);
        }
    }

    fn chat_stanza(&self, message: &ChatMessage, nick: &str) -> Element {
        let own = self.occupancy.as_ref();
        let room = own.map_or("", |own| own.jid.as_str());
        let answered = message
            .reply_to
            .and_then(|seq| own?.written.id(seq))
            .map(|id| Element::new("reply", ns::REPLY).attr("id", id).attr("to", id));
        Element::new("message", ns::CLIENT)
            .attr("type", if message.to.is_some() { "chat" } else { "groupchat" })
            .attr("from", format!("{room}/{nick}"))
            .attr("id", message.id.clone())
            .child(Element::new("body", ns::CLIENT).text(message.text.clone()))
            .child(Element::new("nick", ns::NICK).text(message.name.clone()))
            .with(answered)
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
        let Some(own) = &mut self.occupancy else { return };
        let told = || {
            messages
                .iter()
                .filter(|message| !message.deleted && message.to.is_none())
        };
        told().for_each(|message| own.written.note(message));
        let Some(own) = &self.occupancy else { return };
        let told: Vec<Element> = told()
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
