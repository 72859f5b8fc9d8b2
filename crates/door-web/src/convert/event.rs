use serde::Serialize;
use serde_json::Value;
use tertulia_room::Event;

use super::{
    ban, board, board_shown, breakouts, chat, follow_me, knocker, name_of, poll, rights, role, room, rules,
    shared_video, source, texts, timer,
};
use crate::wire;

/// An event of the room as an event of the stream; `None` for what the stream does not tell.
pub fn event(event: &Event) -> Option<(&'static str, serde_json::Result<Value>)> {
    Some(match event {
        Event::Chat(message) => told("chat", chat(message)),
        Event::ChatChanged(message) => told("chat_changed", chat(message)),
        Event::Hand {
            identity,
            name,
            raised_at_ms,
            at_ms,
        } => told(
            "hand",
            wire::HandEvent {
                identity: identity.as_str().to_owned(),
                name: name.clone(),
                raised: raised_at_ms.is_some(),
                at: *at_ms,
            },
        ),
        Event::Reaction(reaction) => told(
            "reaction",
            wire::ReactionEvent {
                identity: reaction.identity.as_str().to_owned(),
                kind: reaction.kind.clone(),
                at: reaction.at_ms,
            },
        ),
        Event::RoomChanged(info) => told("room", room(info)),
        Event::RulesChanged {
            rules: now,
            max_participants,
            by,
        } => told(
            "rules",
            wire::RulesEvent {
                rules: rules(now, *max_participants),
                by: name_of(by.as_ref()),
            },
        ),
        Event::StandingChanged {
            identity,
            standing,
            by,
        } => told(
            "standing",
            wire::StandingEvent {
                identity: identity.as_str().to_owned(),
                role: role(standing.role),
                granted: rights(standing.granted),
                revoked: rights(standing.revoked),
                by: name_of(by.as_ref()),
            },
        ),
        Event::UnmuteAsked { source: asked, by } => told(
            "unmute_asked",
            wire::UnmuteAskedEvent {
                source: source(*asked)?,
                by: name_of(by.as_ref()),
            },
        ),
        Event::FloorGiven { identity, by } => told(
            "floor",
            wire::FloorEvent {
                identity: identity.as_str().to_owned(),
                by: name_of(by.as_ref()),
            },
        ),
        Event::Spotlight { identities, by } => told(
            "spotlight",
            wire::SpotlightEvent {
                identities: texts(identities),
                by: name_of(by.as_ref()),
            },
        ),
        Event::FollowMe(led) => told("follow_me", led.as_ref().map(follow_me)),
        Event::TimerChanged(now) => told("timer", now.as_ref().map(timer)),
        Event::VideoShared(now) => told("shared_video", now.as_ref().map(shared_video)),
        Event::PollChanged(changed) => told("poll", poll(changed)),
        Event::PollDeleted { id, by } => told(
            "poll_deleted",
            wire::PollDeletedEvent {
                id: *id,
                by: name_of(by.as_ref()),
            },
        ),
        Event::BoardShown { on, by } => told("board_shown", board_shown(*on, by.as_ref())),
        Event::Drawn { epoch, elements } => ("board", board(*epoch, elements).and_then(serde_json::to_value)),
        Event::BoardCleared { epoch, by } => told(
            "board_cleared",
            wire::BoardClearedEvent {
                epoch: *epoch,
                by: name_of(by.as_ref()),
            },
        ),
        Event::Knocked(new) => told("knock", knocker(new)),
        Event::Lobby(all) => told(
            "lobby",
            wire::LobbyEvent {
                waiting: all.iter().map(knocker).collect(),
            },
        ),
        Event::LobbyLeft {
            identities,
            outcome,
            by,
        } => told(
            "lobby_left",
            wire::LobbyLeftEvent {
                identities: texts(identities),
                outcome: outcome_of(*outcome),
                by: name_of(by.as_ref()),
            },
        ),
        Event::Banned { ban: banned, .. } => told("ban", ban(banned)),
        Event::Unbanned { identity, .. } => told(
            "unban",
            wire::UnbanEvent {
                identity: identity.as_str().to_owned(),
            },
        ),
        Event::BreakoutPlace(place) => told("breakouts", breakouts::place(place)),
        Event::Breakouts(all) => told("breakout_rooms", breakouts::all(all)),
        Event::BreakoutMessage {
            identity,
            name,
            id,
            text,
            at_ms,
        } => told(
            "breakout_message",
            wire::BreakoutMessageEvent {
                identity: identity.as_str().to_owned(),
                name: name.clone(),
                id: id.clone(),
                text: text.clone(),
                at: *at_ms,
            },
        ),
        _ => return None,
    })
}

fn outcome_of(outcome: tertulia_room::LobbyOutcome) -> wire::LobbyOutcome {
    match outcome {
        tertulia_room::LobbyOutcome::Admitted => wire::LobbyOutcome::Admitted,
        tertulia_room::LobbyOutcome::Denied => wire::LobbyOutcome::Denied,
        tertulia_room::LobbyOutcome::Gone => wire::LobbyOutcome::Gone,
    }
}

fn told(kind: &'static str, data: impl Serialize) -> (&'static str, serde_json::Result<Value>) {
    (kind, serde_json::to_value(data))
}
