//! Every command this API has, tried with every role, against the one table the room decides by (`docs/permissions.md` is
//! made from the same).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod support;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use support::House;
use tertulia_model::Identity;
use tertulia_room::{Act, BreakoutCommand, Command, Origin, Rights, Role};

/// What is asked, and what of the table it is. Each is right in form, so that nothing but the right can be missing.
fn commands() -> Vec<(Act, Method, &'static str, Value)> {
    use Method as M;
    let bo = json!({"identity": "bo"});
    let microphone = json!({"source": "microphone"});
    vec![
        (Act::ListParticipants, M::GET, "participants", Value::Null),
        (Act::ReadChat, M::GET, "chat", Value::Null),
        (Act::Chat, M::POST, "chat", json!({"id": "m1", "text": "hello"})),
        (
            Act::PrivateChat,
            M::POST,
            "chat",
            json!({"id": "m2", "text": "hello", "to": "bo"}),
        ),
        (Act::RaiseHand, M::PUT, "hand", json!({"raised": true})),
        (Act::React, M::POST, "reactions", json!({"kind": "clap"})),
        (
            Act::CreatePoll,
            M::POST,
            "polls",
            json!({"question": "Tea?", "options": ["yes", "no"]}),
        ),
        (Act::WatchBoard, M::POST, "board/watch", Value::Null),
        (
            Act::Draw,
            M::POST,
            "board/elements",
            json!({"epoch": 0, "elements": [{"id": "a", "type": "line", "version": 1, "versionNonce": 1}]}),
        ),
        (Act::ShowBoard, M::PUT, "board/shown", json!({"shown": true})),
        (Act::ClearBoard, M::DELETE, "board", Value::Null),
        (Act::Spotlight, M::PUT, "spotlight", json!({"identities": ["bo"]})),
        (Act::FollowMe, M::PUT, "follow-me", json!({"layout": "grid"})),
        (
            Act::SetTimer,
            M::PUT,
            "timer",
            json!({"durationMs": 60_000, "title": "Tea"}),
        ),
        (
            Act::MuteTrack,
            M::POST,
            "participants/bo/mute",
            microphone.clone(),
        ),
        (Act::MuteAll, M::POST, "mute-all", microphone.clone()),
        (Act::AskUnmute, M::POST, "participants/bo/ask-unmute", microphone),
        (Act::Remove, M::POST, "participants/bo/remove", json!({})),
        (Act::Admit, M::POST, "lobby/admit", json!({})),
        (Act::Admit, M::POST, "lobby/deny", json!({})),
        (Act::Admit, M::POST, "lobby/message", json!({"text": "soon"})),
        (Act::SetAccess, M::PATCH, "access", json!({"lobby": true})),
        (Act::SetRules, M::PATCH, "rules", json!({"startAudioMuted": true})),
        (
            Act::SetRole,
            M::PUT,
            "participants/bo/role",
            json!({"role": "viewer"}),
        ),
        (
            Act::SetRights,
            M::PATCH,
            "participants/bo/rights",
            json!({"revoke": ["chat"]}),
        ),
        (Act::LowerHand, M::POST, "hands/lower", bo.clone()),
        (Act::GiveFloor, M::POST, "floor", bo),
        (Act::ReadBreakouts, M::GET, "breakouts", Value::Null),
        (
            Act::ManageBreakouts,
            M::POST,
            "breakouts",
            json!({"names": ["Red"]}),
        ),
        (
            Act::ManageBreakouts,
            M::PATCH,
            "breakouts",
            json!({"choose": true}),
        ),
        (
            Act::ManageBreakouts,
            M::PATCH,
            "breakouts/1",
            json!({"name": "Red"}),
        ),
        (Act::ManageBreakouts, M::DELETE, "breakouts/1", Value::Null),
        (Act::ManageBreakouts, M::DELETE, "breakouts/1/help", Value::Null),
        (
            Act::ManageBreakouts,
            M::PUT,
            "breakouts/assignments",
            json!({"identities": ["bo"], "breakout": 1}),
        ),
        (
            Act::ManageBreakouts,
            M::POST,
            "breakouts/shuffle",
            json!({"all": true}),
        ),
        (Act::ManageBreakouts, M::POST, "breakouts/open", json!({})),
        (
            Act::ManageBreakouts,
            M::PUT,
            "breakouts/end",
            json!({"durationMs": 60_000}),
        ),
        (
            Act::ManageBreakouts,
            M::POST,
            "breakouts/close",
            json!({"graceMs": 1_000}),
        ),
        (
            Act::TellBreakouts,
            M::POST,
            "breakouts/message",
            json!({"id": "m3", "text": "hello"}),
        ),
        (
            Act::GoToBreakout,
            M::PUT,
            "breakouts/place",
            json!({"breakout": null}),
        ),
        (Act::CallForHelp, M::PUT, "breakouts/help", json!({"on": false})),
        (Act::ReadReport, M::GET, "attendance.csv", Value::Null),
        (Act::End, M::POST, "end", Value::Null),
    ]
}

#[tokio::test]
async fn every_command_with_every_role_is_judged_as_the_table_says() {
    let house = House::new();
    let mut tried = 0;
    for role in Role::ALL {
        for (act, method, path, body) in commands() {
            tried += 1;
            let room = format!("r{tried}");
            let ann = house.enter_as(&room, "ann", Origin::Account).await;
            house.enter_as(&room, "bo", Origin::Guest).await;
            let identity = Identity::parse("ann").unwrap();
            for breakouts in [
                BreakoutCommand::Add {
                    names: vec!["Blue".to_owned()],
                },
                BreakoutCommand::Open { duration: None },
            ] {
                house.command(&room, Command::Breakout(breakouts)).await;
            }
            house.command(&room, Command::SetRole { identity, role }).await;
            let text = (!body.is_null()).then(|| body.to_string());
            let path = format!("/api/v1/rooms/{room}/{path}");
            let asked = house
                .send(method.clone(), &path, Some(&ann), text.as_deref())
                .await;
            let may = act.need().is_met_by(Rights::of_role(role));
            let what = format!("{role:?}: {method} {path} {}: {}", asked.status, asked.json);
            if may {
                assert!(asked.status.is_success(), "may: {what}");
            } else {
                assert_eq!(asked.status, StatusCode::FORBIDDEN, "may not: {what}");
                assert_eq!(asked.json["error"]["code"], "forbidden", "{what}");
            }
        }
    }
    assert_eq!(tried, Role::ALL.len() * commands().len());
}
