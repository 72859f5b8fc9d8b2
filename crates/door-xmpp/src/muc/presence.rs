//! What the presence of an occupant says.

use std::collections::BTreeMap;

use tertulia_model::{MediaKind, Source};
use tertulia_room::{ParticipantInfo, Right, Role, TrackInfo};

use super::{Occupancy, Seat};
use crate::call::MAX_SOURCES;
use crate::client::Client;
use crate::ns;
use crate::state::{Card, XmppDoor};
use crate::xml::Element;

/// Raised hands, with the time of raising.
const HAND: &str = "jitsi_participant_raisedHand";
/// What of a presence is the server's to say.
const OURS: [&str; 9] = [
    "x",
    "identity",
    "permissions",
    "delay",
    "status",
    "versions",
    "conference-properties",
    "jibri-recording-status",
    "occupant-id",
];
/// Elements of a presence that are passed on.
const MAX_CONTENTS: usize = 48;

/// What of a client's presence the others get to see.
pub(super) fn contents(presence: Element) -> Vec<Element> {
    presence
        .into_children()
        .filter(|child| !OURS.contains(&child.name()))
        .take(MAX_CONTENTS)
        .collect()
}

/// Reads everything a presence may say.
pub(crate) fn read_contents(presence: Element) {
    let contents = contents(presence);
    drop((says_hand(&contents), says_name(&contents), says_muted(&contents)));
}

/// Whether a presence says that the hand is up.
pub(super) fn says_hand(contents: &[Element]) -> bool {
    let hand = contents.iter().find(|child| child.name() == HAND);
    hand.is_some_and(|hand| !matches!(hand.content().trim(), "" | "0" | "false"))
}

/// The name a presence gives.
pub(super) fn says_name(contents: &[Element]) -> Option<String> {
    let nick = contents.iter().find(|child| child.is("nick", ns::NICK))?;
    Some(nick.content())
}

/// What a presence says of the sources of its endpoint: which are muted.
pub(super) fn says_muted(contents: &[Element]) -> BTreeMap<String, bool> {
    let info = contents.iter().find(|child| child.name() == "SourceInfo");
    let read = info.and_then(|info| serde_json::from_str::<serde_json::Value>(&info.content()).ok());
    let Some(serde_json::Value::Object(sources)) = read else {
        return BTreeMap::new();
    };
    let muted = |state: &serde_json::Value| state.get("muted").and_then(serde_json::Value::as_bool);
    sources
        .into_iter()
        .take(MAX_SOURCES)
        .map(|(name, state)| (name, muted(&state).unwrap_or(false)))
        .collect()
}

/// The tracks somebody publishes with the names they have as sources: an endpoint, a kind and a number. Those of our
/// own clients are called what their publisher calls them.
pub(crate) fn sources<'a>(nick: &str, tracks: &'a [TrackInfo]) -> Vec<(String, &'a TrackInfo)> {
    let mut further = [2, 2];
    let name = |track: &TrackInfo, further: &mut [u32; 2]| {
        let own = track.name.strip_prefix(nick).is_some_and(|rest| {
            let number = rest.strip_prefix("-a").or_else(|| rest.strip_prefix("-v"));
            number.is_some_and(|number| {
                (1..=3).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
            })
        });
        if own {
            return track.name.clone();
        }
        let (letter, place) = match track.kind {
            MediaKind::Audio => ('a', 0),
            MediaKind::Video => ('v', 1),
        };
        let number = match track.source {
            Source::Microphone | Source::Camera => 0,
            Source::ScreenShare | Source::ScreenShareAudio => 1,
            Source::Unknown => {
                further[place] += 1;
                further[place] - 1
            }
        };
        format!("{nick}-{letter}{number}")
    };
    tracks
        .iter()
        .map(|track| (name(track, &mut further), track))
        .collect()
}

/// What the presence of somebody who came by another door carries.
fn foreign(nick: &str, info: &ParticipantInfo) -> Vec<Element> {
    let named = sources(nick, &info.tracks);
    let muted = |kind: MediaKind| {
        let mut own = named.iter().filter(|(_, track)| track.kind == kind);
        own.all(|(_, track)| track.muted).to_string()
    };
    let entry = |(name, track): &(String, &TrackInfo)| {
        let mut state = serde_json::json!({ "muted": track.muted });
        if track.source == Source::ScreenShare
            && let Some(state) = state.as_object_mut()
        {
            state.insert("videoType".to_owned(), "desktop".into());
        }
        (name.clone(), state)
    };
    let info_text = serde_json::Value::Object(named.iter().map(entry).collect()).to_string();
    vec![
        Element::new("nick", ns::NICK).text(info.name.clone()),
        Element::new("stats-id", ns::CLIENT).text(nick),
        Element::new("SourceInfo", ns::CLIENT).text(info_text),
        Element::new("audiomuted", ns::JITMEET_AUDIO).text(muted(MediaKind::Audio)),
        Element::new("videomuted", ns::JITMEET_VIDEO).text(muted(MediaKind::Video)),
        Element::new("jitsi_participant_codecList", ns::CLIENT).text("vp8,h264,vp9,av1"),
    ]
}

/// Affiliation and role of somebody with these rights.
fn standing(info: &ParticipantInfo) -> (&'static str, &'static str) {
    match info.role {
        Role::Owner | Role::Moderator => ("owner", "moderator"),
        _ if info.permission.room_admin => ("owner", "moderator"),
        Role::Viewer => ("none", "visitor"),
        Role::Participant | Role::Presenter => ("none", "participant"),
    }
}

/// Whether somebody is a moderator to these clients.
pub(crate) fn moderates(info: &ParticipantInfo) -> bool {
    standing(info).1 == "moderator"
}

fn item(info: &ParticipantInfo, jid: &str) -> Element {
    let (affiliation, role) = standing(info);
    Element::new("item", ns::MUC_USER)
        .attr("affiliation", affiliation)
        .attr("role", role)
        .attr("jid", jid)
}

/// A status of a presence or a message of a room.
pub(super) fn status(code: &'static str) -> Element {
    Element::new("status", ns::MUC_USER).attr("code", code)
}

impl Seat {
    /// The address the client is told for this occupant.
    pub(crate) fn jid(&self, card: Option<&Card>, domain: &str) -> String {
        match card {
            Some(card) => card.jid.clone(),
            None => format!("{}@{domain}/web", self.nick),
        }
    }
}

impl Occupancy {
    /// The presence of somebody else as it is now; `None` where the client knows it already.
    pub(super) fn presence_of(&mut self, door: &XmppDoor, who: &tertulia_model::Identity) -> Option<Element> {
        let seat = self.seats.get_mut(who)?;
        let card = door.card(self.room.id(), who);
        let contents = match &card {
            Some(card) => card
                .contents
                .iter()
                .filter(|child| child.name() != HAND)
                .cloned()
                .collect(),
            None => foreign(&seat.nick, &seat.info),
        };
        // What is not said stays as it was told before: a hand that is down is a time of zero.
        let raised_at_ms = seat.info.hand_raised_at_ms.unwrap_or(0);
        let hand = Element::new(HAND, ns::CLIENT).text(raised_at_ms.to_string());
        let jid = seat.jid(card.as_ref(), &door.config().domain);
        let presence = Element::new("presence", ns::CLIENT)
            .attr("from", format!("{}/{}", self.jid, seat.nick))
            .with(contents)
            .child(hand)
            .child(Element::new("x", ns::MUC_USER).child(item(&seat.info, &jid)));
        let text = presence.write();
        if seat.shown == text {
            return None;
        }
        seat.shown = text;
        Some(presence)
    }

    /// The client's own presence as it comes back.
    pub(super) fn own_presence(&self, client: &Client) -> Element {
        let card = client.door.card(self.room.id(), &self.info.identity);
        let contents = card.map(|card| card.contents.to_vec()).unwrap_or_default();
        let own = Element::new("x", ns::MUC_USER)
            .child(item(&self.info, &client.jid.to_string()))
            .child(status("100"))
            .child(status("110"));
        Element::new("presence", ns::CLIENT)
            .attr("from", self.address())
            .with(contents)
            .child(self.permissions(client))
            .child(own)
    }

    /// What the client's interface is to offer beyond what every participant has.
    fn permissions(&self, client: &Client) -> Element {
        let rights = self.info.rights;
        let granted = |name: &str| {
            let features = &client.credential.features;
            features
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, on)| *on)
        };
        let can = [
            ("livestreaming", false),
            ("recording", false),
            ("transcription", false),
            ("outbound-call", false),
            ("sip-outbound-call", false),
            ("file-upload", false),
            ("flip", false),
            ("create-polls", rights.has(Right::ManagePolls)),
            ("send-groupchat", rights.has(Right::Chat)),
        ];
        let entries = can.into_iter().map(|(name, can)| {
            Element::new("p", ns::JITMEET)
                .attr("name", name)
                .attr("val", (can && granted(name).unwrap_or(true)).to_string())
        });
        Element::new("permissions", ns::JITMEET).with(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_time_raises_a_hand() {
        let check = |text: &str, up| {
            let presence = Element::parse(text).unwrap();
            assert_eq!(says_hand(&contents(presence)), up, "for {text}");
        };
        check("<presence/>", false);
        check("<presence><jitsi_participant_raisedHand/></presence>", false);
        check(
            "<presence><jitsi_participant_raisedHand>1700000000000</jitsi_participant_raisedHand></presence>",
            true,
        );
    }

    #[test]
    fn nobody_writes_what_is_the_servers_to_say() {
        let presence = Element::parse(
            "<presence xmlns='jabber:client'><x xmlns='http://jabber.org/protocol/muc#user'/><identity/><nick \
             xmlns='http://jabber.org/protocol/nick'>Ana</nick><permissions/></presence>",
        )
        .unwrap();
        let kept = contents(presence);
        assert_eq!(kept.len(), 1);
        assert_eq!(says_name(&kept).as_deref(), Some("Ana"));
    }
}
