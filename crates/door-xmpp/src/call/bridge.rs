//! The bridge channel: JSON over a WebSocket of its own, as clients speak with their bridge.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};
use tertulia_model::{MediaKind, ParticipantId, Quality, TrackId};
use tertulia_room::{
    CodecQualities, Command, ConnectionQuality, QualityReport, Reaction, Right, Speaker, TrackSettings,
};

use super::constraints::{Constraints, Picture, ReceiverVideoConstraints};
use crate::client::Client;
use crate::link::{Heard, Link};
use crate::muc::sources;
use crate::state::Note;

/// Speakers before the last one that clients are told of.
const PREVIOUS_SPEAKERS: usize = 10;
/// Deepest message read; serde's own limit lies at 128.
const MAX_MESSAGE_BYTES: usize = 64 * 1024;
/// Names of reactions, theirs and ours.
const REACTIONS: [(&str, &str); 5] = [
    ("like", "thumbs_up"),
    ("clap", "clap"),
    ("love", "heart"),
    ("laugh", "laugh"),
    ("surprised", "surprised"),
];

/// What is known over the bridge channel, whether it is connected or not.
#[derive(Default)]
pub(crate) struct Bridge {
    constraints: Constraints,
    /// How the room was told each picture is wanted.
    applied: BTreeMap<TrackId, TrackSettings>,
    /// Pictures that are not sent for want of bandwidth.
    paused: BTreeSet<TrackId>,
    /// Who spoke, the last first, by endpoint.
    speakers: VecDeque<String>,
    /// Of whom nothing arrives, by endpoint.
    lost: BTreeSet<String>,
    /// How high each source of the client is wanted.
    demands: BTreeMap<String, u32>,
}

impl Bridge {
    /// Forgets somebody who is gone.
    pub(crate) fn forget(&mut self, nick: &str) {
        self.lost.remove(nick);
    }

    pub(super) fn is_forwarded(&self, track: &TrackId) -> bool {
        let hidden = self.applied.get(track).is_some_and(|settings| settings.disabled);
        !hidden && !self.paused.contains(track)
    }
}

impl Client {
    /// Takes a bridge channel that was opened, in place of the one before, and says what it should know.
    pub(crate) fn open_bridge(&mut self, link: Link) {
        if self.occupancy.as_ref().is_none_or(|own| !own.call.has_session()) {
            return;
        }
        self.bridge = Some(link);
        self.say_bridge(&json!({ "colibriClass": "ServerHello", "version": env!("CARGO_PKG_VERSION") }));
        self.tell_maps();
        self.tell_forwarded(true);
        let Some(own) = &self.occupancy else { return };
        let demands = own.call.bridge.demands.clone();
        let lost = own.call.bridge.lost.clone();
        self.tell_dominant();
        for (name, height) in &demands {
            self.tell_demand(name, *height);
        }
        for nick in &lost {
            self.tell_connectivity(nick, false);
        }
    }

    /// Sends a message down the bridge channel, if it is open.
    pub(crate) fn say_bridge(&mut self, message: &Value) {
        if let Some(link) = &mut self.bridge {
            link.push(message.to_string());
        }
    }

    /// Takes what comes over the bridge channel. Nothing of it ends the stream.
    pub(crate) async fn on_bridge(&mut self, heard: Heard) {
        match heard {
            Heard::Nothing => {}
            Heard::Closed | Heard::Flood => self.bridge = None,
            Heard::Text(text) if text.len() > MAX_MESSAGE_BYTES => self.bridge = None,
            Heard::Text(text) => match serde_json::from_str::<Value>(&text) {
                Ok(message) => self.take_bridge(message).await,
                Err(error) => tracing::debug!(%error, "a bridge message is no JSON"),
            },
        }
    }

    async fn take_bridge(&mut self, mut message: Value) {
        let Some(own) = &mut self.occupancy else { return };
        match message
            .get("colibriClass")
            .and_then(Value::as_str)
            .unwrap_or_default()
        {
            "ClientHello" => {
                let hello = json!({ "colibriClass": "ServerHello", "version": env!("CARGO_PKG_VERSION") });
                self.say_bridge(&hello);
            }
            "ReceiverVideoConstraints" => match ReceiverVideoConstraints::deserialize_from(message) {
                Ok(wanted) => {
                    own.call.bridge.constraints.take(wanted);
                    self.settle_constraints().await;
                }
                Err(error) => tracing::debug!(%error, "constraints make no sense"),
            },
            "LastNChangedEvent" => {
                let last_n = message.get("lastN").cloned().unwrap_or_default();
                if let Ok(wanted) = ReceiverVideoConstraints::deserialize_from(json!({ "lastN": last_n })) {
                    own.call.bridge.constraints.take(wanted);
                    self.settle_constraints().await;
                }
            }
            "EndpointMessage" => {
                if !own.info.rights.has(Right::SendData) {
                    return;
                }
                let reactions = reactions(&message);
                let to = message
                    .get("to")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned();
                if let Some(message) = message.as_object_mut() {
                    message.insert("from".to_owned(), own.nick.clone().into());
                }
                for kind in reactions {
                    if let Err(refusal) = own.ask(Command::React { kind }).await {
                        return tracing::debug!(%refusal, "a reaction is refused");
                    }
                }
                self.pass_bridge(&message, &to);
            }
            "EndpointStats" => {
                if let Some(message) = message.as_object_mut() {
                    message.insert("from".to_owned(), own.nick.clone().into());
                }
                self.pass_bridge(&message, "");
            }
            // What a source shows is told in presence; sound is always sent.
            "SourceVideoTypeMessage" | "ReceiverAudioSubscription" => {}
            other => {
                tracing::debug!(class = %other.chars().take(64).collect::<String>(), "a bridge message is not known")
            }
        }
    }

    /// Passes a message to the other clients of this kind, or to one.
    fn pass_bridge(&self, message: &Value, to: &str) {
        let Some(own) = &self.occupancy else { return };
        let text = message.to_string();
        for seat in own.others().filter(|seat| to.is_empty() || seat.nick == to) {
            if let Some(card) = self.door.card(own.room.id(), &seat.info.identity) {
                card.mailbox.tell(Note::Bridge(text.clone()));
            }
        }
    }

    /// Wishes of the client that changed, or that speak of what is new, are told to the room.
    pub(crate) async fn settle_constraints(&mut self) {
        let Some(own) = &mut self.occupancy else { return };
        let speakers = own.call.bridge.speakers.clone();
        let mut pictures = Vec::new();
        for seat in own.others() {
            let spoke = speakers.iter().position(|nick| *nick == seat.nick);
            for (name, track) in sources(&seat.nick, &seat.info.tracks) {
                if track.kind == MediaKind::Video {
                    let track = track.id.clone();
                    pictures.push(Picture { track, name, spoke });
                }
            }
        }
        let bridge = &mut own.call.bridge;
        bridge
            .paused
            .retain(|track| pictures.iter().any(|picture| picture.track == *track));
        let wanted = bridge.constraints.settings(&pictures);
        let changed: Vec<(TrackId, TrackSettings)> = wanted
            .iter()
            .filter(|(track, settings)| bridge.applied.get(track) != Some(settings))
            .cloned()
            .collect();
        bridge.applied = wanted.into_iter().collect();
        for (track, settings) in changed {
            let tracks = vec![track];
            if let Err(refusal) = own.ask(Command::SetTrackSettings { tracks, settings }).await {
                tracing::debug!(%refusal, "a wish is refused");
            }
        }
        self.tell_forwarded(false);
    }

    /// A picture is not sent for want of bandwidth, or is again.
    pub(crate) fn see_paused(&mut self, track: &TrackId, paused: bool) {
        let Some(own) = &mut self.occupancy else { return };
        if paused {
            own.call.bridge.paused.insert(track.clone());
        } else {
            own.call.bridge.paused.remove(track);
        }
        self.tell_forwarded(false);
    }

    /// Tells the client how high a source of its own is wanted.
    pub(crate) fn see_demand(&mut self, track: &TrackId, codecs: &[CodecQualities]) {
        let Some(own) = &mut self.occupancy else { return };
        let Some(name) = own.call.source_of(track).map(ToOwned::to_owned) else {
            return;
        };
        let highest = Quality::ALL
            .into_iter()
            .rev()
            .find(|quality| codecs.iter().any(|codec| codec.wanted[quality.index()]));
        let height = match highest {
            None => 0,
            Some(Quality::Low) => 180,
            Some(Quality::Medium) => 360,
            Some(Quality::High) => 2_160,
        };
        own.call.bridge.demands.insert(name.clone(), height);
        self.tell_demand(&name, height);
    }

    fn tell_demand(&mut self, name: &str, height: u32) {
        self.say_bridge(
            &json!({ "colibriClass": "SenderSourceConstraints", "sourceName": name, "maxHeight": height }),
        );
    }

    /// Notes who speaks loudest.
    pub(crate) fn see_speakers(&mut self, speakers: &[Speaker]) {
        let Some(own) = &mut self.occupancy else { return };
        let active = speakers.iter().filter(|speaker| speaker.active);
        let Some(loudest) = active.max_by_key(|speaker| speaker.level) else {
            return;
        };
        let Some(nick) = own.nick_of_stay(&loudest.participant) else {
            return;
        };
        let known = &mut own.call.bridge.speakers;
        if known.front() == Some(&nick) {
            return;
        }
        known.retain(|other| *other != nick);
        known.push_front(nick);
        known.truncate(PREVIOUS_SPEAKERS + 1);
        self.tell_dominant();
    }

    /// Notes of whom nothing arrives any more, and of whom again.
    pub(crate) fn see_quality(&mut self, reports: &[QualityReport]) {
        for report in reports {
            let Some(own) = &mut self.occupancy else { return };
            let Some(nick) = own.nick_of_stay(&report.participant) else {
                continue;
            };
            let lost = &mut own.call.bridge.lost;
            let active = report.quality != ConnectionQuality::Lost;
            let news = if active {
                lost.remove(&nick)
            } else {
                lost.insert(nick.clone())
            };
            if news {
                self.tell_connectivity(&nick, active);
            }
        }
    }

    fn tell_connectivity(&mut self, nick: &str, active: bool) {
        // Clients compare it with a text.
        self.say_bridge(&json!({
            "colibriClass": "EndpointConnectivityStatusChangeEvent",
            "endpoint": nick,
            "active": active.to_string(),
        }));
    }

    fn tell_dominant(&mut self) {
        let Some(own) = &self.occupancy else { return };
        let mut speakers = own.call.bridge.speakers.iter();
        let Some(dominant) = speakers.next() else { return };
        let previous: Vec<&String> = speakers.collect();
        let message = json!({
            "colibriClass": "DominantSpeakerEndpointChangeEvent",
            "dominantSpeakerEndpoint": dominant,
            "previousSpeakers": previous,
            "silence": false,
        });
        self.say_bridge(&message);
    }

    /// Shows the client the reaction of somebody who came by another door.
    pub(crate) fn see_reaction(&mut self, reaction: &Reaction) {
        let Some(own) = &self.occupancy else { return };
        let theirs = REACTIONS.iter().find(|(_, ours)| *ours == reaction.kind);
        let by_card = self.door.card(own.room.id(), &reaction.identity).is_some();
        let (Some((name, _)), false) = (theirs, by_card) else {
            return;
        };
        let Some(seat) = own.others().find(|seat| seat.info.identity == reaction.identity) else {
            return;
        };
        let message = json!({
            "colibriClass": "EndpointMessage",
            "from": seat.nick,
            "msgPayload": { "name": "endpoint-reaction", "reactions": [name], "timestamp": reaction.at_ms },
        });
        self.say_bridge(&message);
    }
}

impl super::Call {
    fn has_session(&self) -> bool {
        self.session.is_some()
    }
}

impl crate::muc::Occupancy {
    /// The endpoint of a stay.
    fn nick_of_stay(&self, id: &ParticipantId) -> Option<String> {
        if *id == self.id {
            return Some(self.nick.clone());
        }
        let mut others = self.others();
        others
            .find(|seat| seat.info.id == *id)
            .map(|seat| seat.nick.clone())
    }
}

impl ReceiverVideoConstraints {
    fn deserialize_from(message: Value) -> Result<Self, serde_json::Error> {
        serde_json::from_value(message)
    }
}

/// The reactions a message carries, by our names, each once.
fn reactions(message: &Value) -> BTreeSet<String> {
    let payload = message.get("msgPayload");
    let is_reaction = payload
        .and_then(|payload| payload.get("name"))
        .and_then(Value::as_str);
    if is_reaction != Some("endpoint-reaction") {
        return BTreeSet::new();
    }
    let named = payload
        .and_then(|payload| payload.get("reactions"))
        .and_then(Value::as_array);
    named
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter_map(|name| REACTIONS.iter().find(|(theirs, _)| *theirs == name))
        .map(|(_, ours)| (*ours).to_owned())
        .collect()
}
