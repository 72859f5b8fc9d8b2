//! The services beside a room that clients write messages to: moderation of sound and pictures, polls, what is known of a
//! room, and its end. What they say comes as JSON from the same address.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tertulia_model::{Identity, Source};
use tertulia_room::{
    Actor, Command, NewPoll, Poll, Reply, Right, Rights, RoomRules, RoomSnapshot, RulesChange,
};

use crate::client::{Client, Refused};
use crate::jid::Jid;
use crate::muc::{Seat, moderates};
use crate::ns;
use crate::stanza::Condition;
use crate::xml::Element;

/// A service clients find in the discovery of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Component {
    AvModeration,
    Breakouts,
    EndConference,
    Lobby,
    Polls,
    RoomMetadata,
    SpeakerStats,
}

impl Component {
    pub(crate) const ALL: [Self; 7] = [
        Self::AvModeration,
        Self::Breakouts,
        Self::EndConference,
        Self::Lobby,
        Self::Polls,
        Self::RoomMetadata,
        Self::SpeakerStats,
    ];

    /// What clients know it as.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::AvModeration => "av_moderation",
            Self::Breakouts => "breakout_rooms",
            Self::EndConference => "end_conference",
            Self::Lobby => "lobbyrooms",
            Self::Polls => "polls",
            Self::RoomMetadata => "room_metadata",
            Self::SpeakerStats => "speakerstats",
        }
    }

    /// Where it is. What comes from another address clients drop.
    pub(crate) fn address(self, domain: &str) -> String {
        let name = match self {
            Self::AvModeration => "avmoderation",
            Self::Breakouts => "breakout",
            Self::EndConference => "endconference",
            Self::Lobby => "lobby",
            Self::Polls => "polls",
            Self::RoomMetadata => "metadata",
            Self::SpeakerStats => "speakerstats",
        };
        format!("{name}.{domain}")
    }

    fn at(address: &str, domain: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|known| known.address(domain) == address)
    }
}

/// What is moderated, by the names clients have for it.
const MEDIA: [(&str, Right, Source); 3] = [
    ("audio", Right::Microphone, Source::Microphone),
    ("video", Right::Camera, Source::Camera),
    ("desktop", Right::ShareScreen, Source::ScreenShare),
];

/// What a client was told of its room beside presence.
#[derive(Debug, Default)]
pub(crate) struct Aside {
    /// Switched off for whoever does not speak freely, in the order of [`MEDIA`].
    moderated: [bool; 3],
    /// Who may speak and show all the same, as a moderator was told, in the same order.
    allowed: [BTreeSet<String>; 3],
    /// Begins muted: microphones, cameras.
    start_muted: Option<(bool, bool)>,
    /// The votes told of each poll.
    polls: BTreeMap<u64, Vec<(Identity, Vec<usize>)>>,
    /// Polls of the client's own, by the ids it gave them.
    own_polls: BTreeMap<u64, String>,
}

impl Client {
    /// The component a message is for.
    pub(crate) fn component(&self, to: &Jid) -> Option<Component> {
        Component::at(&to.bare(), &self.door.config().domain)
    }

    /// Does what a component is told.
    pub(crate) async fn take_component(
        &mut self,
        component: Component,
        message: &Element,
    ) -> Result<(), Refused> {
        let asked = message.children().next().ok_or(Condition::BadRequest)?;
        let Some(own) = &self.occupancy else {
            return Err(Condition::NotAcceptable.into());
        };
        match component {
            Component::EndConference => {
                own.ask(Command::End).await?;
                Ok(())
            }
            Component::AvModeration => self.moderate(asked).await,
            Component::Breakouts => self.take_breakouts(asked).await,
            Component::RoomMetadata => self.set_metadata(&asked.content()).await,
            Component::Polls => self.take_poll(&asked.content()).await,
            // Who speaks is heard here, and not taken from clients.
            Component::SpeakerStats => Ok(()),
            Component::Lobby => Err(Condition::ServiceUnavailable.into()),
        }
    }

    async fn moderate(&mut self, asked: &Element) -> Result<(), Refused> {
        let Some(own) = &self.occupancy else { return Ok(()) };
        let media = asked.get("mediaType").unwrap_or_default();
        let known = MEDIA.iter().find(|(name, ..)| *name == media);
        let (_, right, source) = known.ok_or(Condition::BadRequest)?;
        let rights = Rights::of(&[*right]);
        let named = |jid: &str| {
            let jid = Jid::parse(jid)?;
            Some(own.by_nick(&jid.resource)?.info.identity.clone())
        };
        let command = if let Some(jid) = asked.get("jidToWhitelist") {
            Command::AskUnmute {
                identity: named(jid).ok_or(Condition::ItemNotFound)?,
                source: *source,
            }
        } else if let Some(jid) = asked.get("jidToBlacklist") {
            Command::SetRights {
                identity: named(jid).ok_or(Condition::ItemNotFound)?,
                grant: Rights::NONE,
                revoke: rights,
            }
        } else if matches!(asked.get("enable"), Some("true")) {
            Command::SetRules(RulesChange {
                switch_off: rights,
                ..RulesChange::default()
            })
        } else {
            Command::SetRules(RulesChange {
                switch_on: rights,
                ..RulesChange::default()
            })
        };
        own.ask(command).await?;
        Ok(())
    }

    async fn set_metadata(&mut self, text: &str) -> Result<(), Refused> {
        let Some(own) = &self.occupancy else { return Ok(()) };
        let asked: Value = serde_json::from_str(text).map_err(|_| Condition::BadRequest)?;
        if asked["key"] != "startMuted" {
            return Err(Condition::ServiceUnavailable.into());
        }
        let flag = |name: &str| asked["data"][name].as_bool();
        own.ask(Command::SetRules(RulesChange {
            start_audio_muted: flag("audio"),
            start_video_muted: flag("video"),
            ..RulesChange::default()
        }))
        .await?;
        Ok(())
    }

    async fn take_poll(&mut self, text: &str) -> Result<(), Refused> {
        let Some(own) = &mut self.occupancy else {
            return Ok(());
        };
        let asked: Value = serde_json::from_str(text).map_err(|_| Condition::BadRequest)?;
        let id = asked["pollId"].as_str().unwrap_or_default().to_owned();
        let answers = asked["answers"].as_array().ok_or(Condition::BadRequest)?;
        match asked["command"].as_str() {
            Some("new-poll") => {
                let option = |answer: &Value| {
                    let text = answer.as_str().or_else(|| answer["name"].as_str());
                    text.map(ToOwned::to_owned)
                };
                let options: Option<Vec<String>> = answers.iter().map(option).collect();
                let poll = NewPoll {
                    question: asked["question"].as_str().unwrap_or_default().to_owned(),
                    options: options.ok_or(Condition::BadRequest)?,
                    multiple: true,
                    anonymous: false,
                    secret_until_closed: false,
                };
                if let Reply::Poll(poll) = own.ask(Command::CreatePoll(poll)).await? {
                    own.aside.own_polls.insert(poll.id, id);
                }
                Ok(())
            }
            Some("answer-poll") => {
                let mut mine = own.aside.own_polls.iter();
                let named = mine.find(|(_, known)| **known == id).map(|(number, _)| *number);
                let poll = named.or_else(|| id.parse().ok()).ok_or(Condition::ItemNotFound)?;
                let chosen = answers
                    .iter()
                    .enumerate()
                    .filter(|(_, answer)| answer.as_bool() == Some(true));
                let choices = chosen.map(|(place, _)| place).collect();
                own.ask(Command::Vote { poll, choices }).await?;
                Ok(())
            }
            _ => Err(Condition::BadRequest.into()),
        }
    }

    /// Says something in a component's name.
    pub(crate) fn say_component(&mut self, component: Component, message: &Value) {
        let json = Element::new("json-message", ns::JITMEET).text(message.to_string());
        let stanza = Element::new("message", ns::CLIENT)
            .attr("from", component.address(&self.door.config().domain))
            .child(json);
        self.send(stanza);
    }

    /// Tells a newcomer what is so already.
    pub(crate) async fn tell_aside(&mut self) {
        let Some(own) = &self.occupancy else { return };
        let snapshot = match own.ask(Command::ReadSnapshot).await {
            Ok(Reply::Snapshot(snapshot)) => snapshot,
            Ok(_) => return,
            Err(refusal) => return tracing::debug!(%refusal, "a newcomer is not told of the room"),
        };
        let RoomSnapshot {
            rules,
            polls,
            lobby,
            breakout_place,
            breakouts,
            ..
        } = *snapshot;
        self.tell_rules(&rules, None);
        self.see_knockers(&lobby);
        self.tell_old_polls(&polls);
        self.read_breakouts(breakout_place, breakouts);
        self.tell_speaking().await;
    }

    /// Tells somebody who may know it how long everybody has spoken.
    async fn tell_speaking(&mut self) {
        let Some(own) = &self.occupancy else { return };
        if !own.info.rights.has(Right::ReadReport) {
            return;
        }
        // Clients ask for it whenever they come, which is not worth noting down each time.
        let read = own.room.command(Actor::System, Command::ReadAttendance).await;
        let attendance = match read {
            Ok(Reply::Attendance(attendance)) => attendance,
            Ok(_) => return,
            Err(refusal) => return tracing::debug!(%refusal, "who spoke is not told"),
        };
        let Some(own) = &self.occupancy else { return };
        let users: serde_json::Map<String, Value> = attendance
            .iter()
            .filter(|one| one.spoke_ms > 0)
            .map(|one| {
                let spoke = json!({
                    "displayName": one.name,
                    "totalDominantSpeakerTime": one.spoke_ms,
                });
                (own.nick_of(&one.identity), spoke)
            })
            .collect();
        if !users.is_empty() {
            let message = json!({ "type": "speakerstats", "users": users });
            self.say_component(Component::SpeakerStats, &message);
        }
    }

    /// Tells what changed of what the room allows.
    pub(crate) fn tell_rules(&mut self, rules: &RoomRules, by: Option<&Identity>) {
        let Some(own) = &mut self.occupancy else { return };
        let actor = by.map(|by| format!("{}/{}", own.jid, own.nick_of(by)));
        let room = own.jid.clone();
        let moderated = MEDIA.map(|(_, right, _)| rules.switched_off.has(right));
        let before = std::mem::replace(&mut own.aside.moderated, moderated);
        let muted = (rules.start_audio_muted, rules.start_video_muted);
        let told = own.aside.start_muted.replace(muted);
        for (place, (media, ..)) in MEDIA.iter().enumerate() {
            if before[place] != moderated[place] {
                let change = json!({
                    "type": "av_moderation",
                    "enabled": moderated[place],
                    "mediaType": media,
                    "actor": actor,
                    "room": room,
                });
                self.say_component(Component::AvModeration, &change);
            }
        }
        if told != Some(muted) {
            let metadata = json!({
                "type": "room_metadata",
                "metadata": { "startMuted": { "audio": muted.0, "video": muted.1 } },
            });
            self.say_component(Component::RoomMetadata, &metadata);
        }
        self.tell_allowed();
    }

    /// Tells a moderator who may do what is switched off for others.
    pub(crate) fn tell_allowed(&mut self) {
        for (place, (media, right, _)) in MEDIA.iter().enumerate() {
            let Some(own) = &mut self.occupancy else { return };
            if !moderates(&own.info) || !own.aside.moderated[place] {
                continue;
            }
            let may = |seat: &&Seat| !moderates(&seat.info) && seat.info.rights.has(*right);
            let now: BTreeSet<String> = own
                .others()
                .filter(may)
                .map(|seat| format!("{}/{}", own.jid, seat.nick))
                .collect();
            let before = std::mem::replace(&mut own.aside.allowed[place], now.clone());
            let stayed: Vec<&String> = before.intersection(&now).collect();
            // A list is told for whom it lost or for whom it gained.
            let lost = (stayed.len() < before.len()).then(|| {
                json!({
                    "type": "av_moderation",
                    "removed": true,
                    "mediaType": media,
                    "whitelists": { *media: stayed },
                })
            });
            let gained = (stayed.len() < now.len()).then(
                || json!({ "type": "av_moderation", "mediaType": media, "whitelists": { *media: now } }),
            );
            for list in [lost, gained].into_iter().flatten() {
                self.say_component(Component::AvModeration, &list);
            }
        }
    }

    /// Tells the client what it may do now and might not before, or the other way round.
    pub(crate) fn tell_approval(&mut self, before: Rights, now: Rights) {
        for (place, (media, right, _)) in MEDIA.iter().enumerate() {
            let Some(own) = &self.occupancy else { return };
            let (could, can) = (before.has(*right), now.has(*right));
            if !own.aside.moderated[place] || could == can {
                continue;
            }
            let key = if can { "approved" } else { "removed" };
            let approval = json!({ "type": "av_moderation", key: true, "mediaType": media, "room": own.jid });
            self.say_component(Component::AvModeration, &approval);
        }
    }

    fn tell_old_polls(&mut self, polls: &[Poll]) {
        let Some(own) = &mut self.occupancy else { return };
        let nick = |who: &Identity| own.nick_of(who);
        let told: Vec<Value> = polls
            .iter()
            .map(|poll| {
                let options = poll.options.iter().enumerate().map(|(place, name)| {
                    let chose = poll
                        .ballots
                        .iter()
                        .filter(|(_, choices)| choices.contains(&place));
                    let voters: Vec<String> = chose.map(|(who, _)| nick(who)).collect();
                    json!({ "name": name, "voters": voters })
                });
                json!({
                    "pollId": poll.id.to_string(),
                    "senderId": poll.by.as_ref().map(nick),
                    "question": poll.question,
                    "answers": options.collect::<Vec<_>>(),
                })
            })
            .collect();
        let known = polls.iter().map(|poll| (poll.id, poll.ballots.clone())).collect();
        own.aside.polls = known;
        if !told.is_empty() {
            let message = json!({ "type": "polls", "command": "old-polls", "polls": told });
            self.say_component(Component::Polls, &message);
        }
    }

    /// Tells of a poll that was made, and of votes that are new.
    pub(crate) fn tell_poll(&mut self, poll: &Poll) {
        let Some(own) = &mut self.occupancy else { return };
        let id = own.aside.own_polls.get(&poll.id).cloned();
        let id = id.unwrap_or_else(|| poll.id.to_string());
        let known = own.aside.polls.insert(poll.id, poll.ballots.clone());
        let mut messages = Vec::new();
        if known.is_none() {
            let options: Vec<Value> = poll.options.iter().map(|name| json!({ "name": name })).collect();
            messages.push(json!({
                "type": "polls",
                "command": "new-poll",
                "pollId": id,
                "question": poll.question,
                "answers": options,
                "senderId": poll.by.as_ref().map(|by| own.nick_of(by)),
            }));
        }
        let known = known.unwrap_or_default();
        for ballot in poll.ballots.iter().filter(|ballot| !known.contains(ballot)) {
            let (who, choices) = ballot;
            let answers: Vec<bool> = (0..poll.options.len())
                .map(|place| choices.contains(&place))
                .collect();
            messages.push(json!({
                "type": "polls",
                "command": "answer-poll",
                "pollId": id,
                "answers": answers,
                "senderId": own.nick_of(who),
            }));
        }
        for message in messages {
            self.say_component(Component::Polls, &message);
        }
    }
}
