//! What moderators ask of a room.

use tertulia_model::{Identity, Source};
use tertulia_room::{AccessChange, Command, Password, Reply, Role, RoomSnapshot};

use super::Occupancy;
use crate::client::{Client, Refused};
use crate::jid::Jid;
use crate::ns;
use crate::stanza::{self, Condition, submitted};
use crate::state::XmppDoor;
use crate::xml::Element;

/// The switch of the lobby in a room's form.
const MEMBERS_ONLY: &str = "muc#roomconfig_membersonly";
/// The switch of the password.
const PROTECTED: &str = "muc#roomconfig_passwordprotectedroom";
/// The password.
const SECRET: &str = "muc#roomconfig_roomsecret";

impl Client {
    fn occupied(&self) -> Result<&Occupancy, Refused> {
        self.occupancy
            .as_ref()
            .ok_or_else(|| Condition::NotAcceptable.into())
    }

    /// The form of the room's settings.
    pub(crate) async fn room_form(&mut self) -> Result<Element, Refused> {
        let own = self.occupied()?;
        let snapshot = match own.ask(Command::ReadSnapshot).await? {
            Reply::Snapshot(snapshot) => snapshot,
            _ => return Err(Condition::ServiceUnavailable.into()),
        };
        Ok(Element::new("query", ns::MUC_OWNER).child(form(&snapshot)))
    }

    /// Takes the form back. Passwords are set by it, and never shown.
    pub(crate) async fn configure(&mut self, query: &Element) -> Result<(), Refused> {
        let own = self.occupied()?;
        let form = query.find("x", ns::DATA_FORMS).ok_or(Condition::BadRequest)?;
        if form.get("type") == Some("cancel") {
            return Ok(());
        }
        let is_on = |text: String| matches!(text.as_str(), "1" | "true");
        let secret = submitted(form, SECRET);
        let password = match (submitted(form, PROTECTED).map(is_on), secret) {
            (Some(false), _) => Some(None),
            (_, Some(secret)) if secret.is_empty() => Some(None),
            (_, Some(secret)) => Some(Some(Password::new(&secret)?)),
            (_, None) => None,
        };
        let change = AccessChange {
            password,
            lobby: submitted(form, MEMBERS_ONLY).map(is_on),
            ..AccessChange::default()
        };
        if change != AccessChange::default() {
            own.ask(Command::SetAccess(change)).await?;
        }
        Ok(())
    }

    /// Removes people, or gives them a role.
    pub(crate) async fn administer(&mut self, query: &Element) -> Result<(), Refused> {
        let own = self.occupied()?;
        let items: Vec<&Element> = query
            .children()
            .filter(|item| item.is("item", ns::MUC_ADMIN))
            .collect();
        if items.is_empty() {
            return Err(Condition::BadRequest.into());
        }
        for item in items {
            let who = named(&self.door, own, item).ok_or(Condition::ItemNotFound)?;
            let command = match (item.get("role"), item.get("affiliation")) {
                (Some("none"), _) => Command::Remove {
                    identity: who,
                    revoke: false,
                },
                (_, Some("outcast")) => Command::Ban { identity: who },
                (_, Some("owner" | "admin")) | (Some("moderator"), _) => Command::SetRole {
                    identity: who,
                    role: Role::Moderator,
                },
                (_, Some("member" | "none")) | (Some("participant"), _) => Command::SetRole {
                    identity: who,
                    role: Role::Participant,
                },
                _ => return Err(Condition::BadRequest.into()),
            };
            own.ask(command).await?;
        }
        Ok(())
    }

    /// Mutes somebody else. Nobody opens what is theirs to open.
    pub(crate) async fn mute(&mut self, asked: &Element) -> Result<(), Refused> {
        let own = self.occupied()?;
        let source = [
            (ns::JITMEET_AUDIO, Source::Microphone),
            (ns::JITMEET_VIDEO, Source::Camera),
            (ns::JITMEET_DESKTOP, Source::ScreenShare),
        ]
        .into_iter()
        .find(|(namespace, _)| asked.is_in(namespace))
        .map(|(_, source)| source)
        .ok_or(Condition::BadRequest)?;
        if asked.content().trim() != "true" {
            return Err(Condition::NotAllowed.into());
        }
        let target = asked
            .get("jid")
            .and_then(Jid::parse)
            .ok_or(Condition::BadRequest)?;
        if target.bare() != own.jid {
            return Err(Condition::ItemNotFound.into());
        }
        let seat = own.by_nick(&target.resource).ok_or(Condition::ItemNotFound)?;
        let identity = seat.info.identity.clone();
        own.ask(Command::MuteSource { identity, source }).await?;
        Ok(())
    }
}

/// Whom an item speaks of, by nickname or by address.
fn named(door: &XmppDoor, own: &Occupancy, item: &Element) -> Option<Identity> {
    if let Some(nick) = item.get("nick") {
        return own.by_nick(nick).map(|seat| seat.info.identity.clone());
    }
    let bare = Jid::parse(item.get("jid")?)?.bare();
    let mut seats = own.seats.values();
    seats
        .find(|seat| {
            let card = door.card(own.room.id(), &seat.info.identity);
            let address = seat.jid(card.as_ref(), &door.config().domain);
            Jid::parse(&address).is_some_and(|jid| jid.bare() == bare)
        })
        .map(|seat| seat.info.identity.clone())
}

fn form(snapshot: &RoomSnapshot) -> Element {
    let flag = |on: bool| if on { "1" } else { "0" };
    let rules = &snapshot.rules;
    let whois = stanza::field("muc#roomconfig_whois", "list-single", "anyone");
    stanza::form("form", ns::MUC_ROOM_CONFIG)
        .child(stanza::field(
            PROTECTED,
            "boolean",
            flag(rules.password.is_some()),
        ))
        .child(stanza::field(SECRET, "text-private", ""))
        .child(stanza::field(MEMBERS_ONLY, "boolean", flag(rules.lobby)))
        .child(whois)
}
