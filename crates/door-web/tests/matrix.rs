//! Every command this API has, tried with every role and every right by itself, against the one table the room decides
//! by (`docs/permissions.md` is made from the same).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod support;

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, Response, StatusCode};
use serde_json::{Value, json};
use support::House;
use tertulia_door_web::{PeopleSettings, openapi_json};
use tertulia_model::Identity;
use tertulia_room::{Act, BreakoutCommand, Command, Need, Origin, Right, Rights, Role};

/// One thing to ask, right in form, so that nothing but the right can be missing.
struct Row {
    /// What of the table it is.
    act: Act,
    /// What it needs besides, as the table's last column says.
    besides: Option<Right>,
    method: Method,
    /// Below the room, as the description of the API has it. What is in braces, [`Scene::path`] fills in.
    path: &'static str,
    body: Value,
}

fn row(act: Act, method: Method, path: &'static str, body: Value) -> Row {
    Row {
        act,
        besides: None,
        method,
        path,
        body,
    }
}

fn rows() -> Vec<Row> {
    use Method as M;
    let bo = json!({"identity": "bo"});
    let microphone = json!({"source": "microphone"});
    let message = |id: &str| json!({"id": id, "text": "hello"});
    let element = json!({"id": "a", "type": "line", "version": 1, "versionNonce": 1});
    let poll = json!({"question": "Tea?", "options": ["yes", "no"]});
    let file = json!({"name": "notes.txt", "size": 5});
    let none = Value::Null;
    let mut rows = vec![
        row(Act::ReadSnapshot, M::GET, "events", none.clone()),
        row(Act::ListParticipants, M::GET, "participants", none.clone()),
        row(Act::Leave, M::POST, "leave", none.clone()),
        row(Act::ReadChat, M::GET, "chat", none.clone()),
        row(Act::ReadChat, M::GET, "chat/search?q=hello", none.clone()),
        row(Act::ReadChat, M::GET, "chat/export?format=text", none.clone()),
        row(Act::Chat, M::POST, "chat", message("m1")),
        row(
            Act::PrivateChat,
            M::POST,
            "chat",
            json!({"id": "m2", "text": "hello", "to": "bo"}),
        ),
        row(Act::EditChat, M::PATCH, "chat/{own}", json!({"text": "changed"})),
        row(Act::DeleteChat, M::DELETE, "chat/{own}", none.clone()),
        row(
            Act::ReactToChat,
            M::PUT,
            "chat/{seq}/reactions/{kind}",
            none.clone(),
        ),
        row(
            Act::ReactToChat,
            M::DELETE,
            "chat/{seq}/reactions/{kind}",
            none.clone(),
        ),
        row(Act::Chat, M::POST, "files", file),
        row(Act::Chat, M::GET, "files/{begun}", none.clone()),
        row(Act::Chat, M::PATCH, "files/{begun}", json!("hello")),
        row(Act::Chat, M::DELETE, "files/{begun}", none.clone()),
        row(Act::Chat, M::POST, "files/{file}/share", json!({"id": "m4"})),
        row(Act::ReadChat, M::POST, "files/{file}/link", none.clone()),
        row(Act::RaiseHand, M::PUT, "hand", json!({"raised": true})),
        row(Act::React, M::POST, "reactions", json!({"kind": "clap"})),
        row(Act::CreatePoll, M::POST, "polls", poll),
        row(Act::Vote, M::PUT, "polls/{poll}/vote", json!({"choices": [1]})),
        row(Act::ClosePoll, M::POST, "polls/{poll}/close", none.clone()),
        row(Act::ClosePoll, M::DELETE, "polls/{poll}", none.clone()),
        row(Act::WatchBoard, M::POST, "board/watch", none.clone()),
        row(Act::WatchBoard, M::DELETE, "board/watch", none.clone()),
        row(
            Act::Draw,
            M::POST,
            "board/elements",
            json!({"epoch": 0, "elements": [element]}),
        ),
        row(Act::ShowBoard, M::PUT, "board/shown", json!({"shown": true})),
        row(Act::ClearBoard, M::DELETE, "board", none.clone()),
        row(
            Act::ShareVideo,
            M::PUT,
            "shared-video",
            json!({"url": "https://media.example.org/a.webm"}),
        ),
        row(Act::ShareVideo, M::DELETE, "shared-video", none.clone()),
        row(
            Act::SteerVideo,
            M::PATCH,
            "shared-video",
            json!({"playing": true, "positionMs": 0}),
        ),
        row(Act::Spotlight, M::PUT, "spotlight", json!({"identities": ["bo"]})),
        row(Act::FollowMe, M::PUT, "follow-me", json!({"layout": "grid"})),
        row(
            Act::SetTimer,
            M::PUT,
            "timer",
            json!({"durationMs": 60_000, "title": "Tea"}),
        ),
        row(
            Act::MuteTrack,
            M::POST,
            "participants/{identity}/mute",
            microphone.clone(),
        ),
        row(Act::MuteAll, M::POST, "mute-all", microphone.clone()),
        row(
            Act::AskUnmute,
            M::POST,
            "participants/{identity}/ask-unmute",
            microphone,
        ),
        row(Act::Remove, M::POST, "participants/{identity}/remove", json!({})),
        row(
            Act::Ban,
            M::POST,
            "participants/{identity}/remove",
            json!({"ban": true}),
        ),
        row(Act::Ban, M::DELETE, "bans/{banned}", none.clone()),
        row(Act::Admit, M::POST, "lobby/admit", json!({})),
        row(Act::Admit, M::POST, "lobby/deny", json!({})),
        row(Act::Admit, M::POST, "lobby/message", json!({"text": "soon"})),
        row(Act::SetAccess, M::PATCH, "access", json!({"lobby": true})),
        row(Act::SetRules, M::PATCH, "rules", json!({"startAudioMuted": true})),
        row(
            Act::SetRole,
            M::PUT,
            "participants/{identity}/role",
            json!({"role": "viewer"}),
        ),
        row(
            Act::SetRights,
            M::PATCH,
            "participants/{identity}/rights",
            json!({"revoke": ["chat"]}),
        ),
        row(Act::LowerHand, M::POST, "hands/lower", bo.clone()),
        row(Act::GiveFloor, M::POST, "floor", bo),
        row(Act::ReadBreakouts, M::GET, "breakouts", none.clone()),
        row(
            Act::ManageBreakouts,
            M::POST,
            "breakouts",
            json!({"names": ["Red"]}),
        ),
        row(
            Act::ManageBreakouts,
            M::PATCH,
            "breakouts",
            json!({"choose": true}),
        ),
        row(
            Act::ManageBreakouts,
            M::PATCH,
            "breakouts/{breakout}",
            json!({"name": "Red"}),
        ),
        row(
            Act::ManageBreakouts,
            M::DELETE,
            "breakouts/{breakout}",
            none.clone(),
        ),
        row(
            Act::ManageBreakouts,
            M::DELETE,
            "breakouts/{breakout}/help",
            none.clone(),
        ),
        row(
            Act::ManageBreakouts,
            M::PUT,
            "breakouts/assignments",
            json!({"identities": ["bo"], "breakout": 1}),
        ),
        row(
            Act::ManageBreakouts,
            M::POST,
            "breakouts/shuffle",
            json!({"all": true}),
        ),
        row(Act::ManageBreakouts, M::POST, "breakouts/open", json!({})),
        row(
            Act::ManageBreakouts,
            M::PUT,
            "breakouts/end",
            json!({"durationMs": 60_000}),
        ),
        row(
            Act::ManageBreakouts,
            M::POST,
            "breakouts/close",
            json!({"graceMs": 1_000}),
        ),
        row(Act::TellBreakouts, M::POST, "breakouts/message", message("m3")),
        row(
            Act::GoToBreakout,
            M::PUT,
            "breakouts/place",
            json!({"breakout": null}),
        ),
        row(Act::CallForHelp, M::PUT, "breakouts/help", json!({"on": false})),
        row(Act::ReadReport, M::GET, "attendance.csv", none.clone()),
        row(Act::End, M::POST, "end", none.clone()),
    ];
    rows.push(Row {
        besides: Some(Right::ManageChat),
        ..row(Act::DeleteChat, M::DELETE, "chat/{seq}", none.clone())
    });
    rows.push(Row {
        besides: Some(Right::ManageBreakouts),
        ..row(
            Act::GoToBreakout,
            M::PUT,
            "breakouts/place",
            json!({"breakout": 1}),
        )
    });
    rows
}

/// What of the table has no command here: what the server alone does, and what goes through the LiveKit door.
const NOT_HERE: [Act; 18] = [
    Act::Join,
    Act::Knock,
    Act::WaitInLobby,
    Act::TellFact,
    Act::EnterBreakout,
    Act::LeadBreakout,
    Act::Subscribe,
    Act::PublishMicrophone,
    Act::PublishCamera,
    Act::PublishScreen,
    Act::PublishOther,
    Act::ChangeTrack,
    Act::AllowSubscribers,
    Act::UpdateSelf,
    Act::SendData,
    Act::SetMetadata,
    Act::UpdateParticipant,
    Act::UpdateSubscriptions,
];

/// Below a room, but asked from outside it: by whoever wants to come in, waits, or is sent to a breakout.
const FROM_OUTSIDE: [(&str, &str); 4] = [
    ("get", ""),
    ("post", "join"),
    ("get", "lobby/events"),
    ("post", "breakouts/enter"),
];

/// As whom something is asked.
#[derive(Debug, Clone, Copy)]
enum As {
    Role(Role),
    /// An owner without this right.
    Without(Right),
    /// A viewer with this right as well.
    With(Right),
}

impl As {
    fn rights(self) -> Rights {
        match self {
            Self::Role(role) => Rights::of_role(role),
            Self::Without(right) => Rights::of_role(Role::Owner).without(Rights::of(&[right])),
            Self::With(right) => Rights::of_role(Role::Viewer).with(Rights::of(&[right])),
        }
    }
}

/// A meeting in which Ann asks.
struct Scene {
    house: House,
    room: String,
    ann: String,
    begun: String,
    file: String,
}

impl Scene {
    async fn new(house: &House, room: String, who: As, row: &Row) -> Self {
        let ann = house.enter_as(&room, "ann", Origin::Account).await;
        let bo = house.enter_as(&room, "bo", Origin::Guest).await;
        let mut scene = Self {
            house: house.clone(),
            room,
            ann,
            begun: String::new(),
            file: String::new(),
        };
        scene.furnish(&bo, row).await;
        let (ann, bo) = (identity("ann"), identity("bo"));
        let (role, grant, revoke) = match who {
            As::Role(role) => (role, Rights::NONE, Rights::NONE),
            As::Without(right) => (Role::Owner, Rights::NONE, Rights::of(&[right])),
            As::With(right) => {
                // Nobody acts upon somebody of a higher role, whatever their rights.
                scene
                    .rule(Command::SetRole {
                        identity: bo,
                        role: Role::Viewer,
                    })
                    .await;
                (Role::Viewer, Rights::of(&[right]), Rights::NONE)
            }
        };
        scene
            .rule(Command::SetRole {
                identity: ann.clone(),
                role,
            })
            .await;
        scene
            .rule(Command::SetRights {
                identity: ann,
                grant,
                revoke,
            })
            .await;
        scene
    }

    /// Has there be what the row asks about.
    async fn furnish(&mut self, bo: &str, row: &Row) {
        for breakouts in [
            BreakoutCommand::Add {
                names: vec!["Blue".to_owned()],
            },
            BreakoutCommand::Open { duration: None },
        ] {
            self.rule(Command::Breakout(breakouts)).await;
        }
        if row.path.starts_with("chat/") {
            self.ask(bo, Method::POST, "chat", &json!({"id": "b1", "text": "mine"}))
                .await;
            let ann = self.ann.clone();
            self.ask(&ann, Method::POST, "chat", &json!({"id": "a1", "text": "mine"}))
                .await;
        }
        if row.path.starts_with("polls/") {
            let ann = self.ann.clone();
            let poll = json!({"question": "Tea?", "options": ["yes", "no"]});
            self.ask(&ann, Method::POST, "polls", &poll).await;
        }
        if row.path.starts_with("bans/") {
            self.rule(Command::Ban {
                identity: identity("zoe"),
            })
            .await;
        }
        if row.path.starts_with("files/") {
            self.begun = self.give_file().await;
            self.file = self.give_file().await;
            let path = format!("files/{}", self.file);
            let ann = self.ann.clone();
            self.ask(&ann, Method::PATCH, &path, &json!("hello")).await;
        }
    }

    async fn give_file(&self) -> String {
        let asked = self
            .ask(
                &self.ann,
                Method::POST,
                "files",
                &json!({"name": "notes.txt", "size": 7}),
            )
            .await;
        asked["id"].as_str().unwrap().to_owned()
    }

    async fn rule(&self, command: Command) {
        self.house.command(&self.room, command).await;
    }

    /// Asks for what the scene needs.
    async fn ask(&self, token: &str, method: Method, path: &str, body: &Value) -> Value {
        let path = format!("/api/v1/rooms/{}/{path}", self.room);
        let asked = self
            .house
            .send(method, &path, Some(token), Some(&body.to_string()))
            .await;
        assert!(
            asked.status.is_success(),
            "{path}: {} {}",
            asked.status,
            asked.json
        );
        asked.json
    }

    fn path(&self, row: &Row) -> String {
        let mut path = row.path.to_owned();
        for (name, value) in [
            ("{own}", "2"),
            ("{seq}", "1"),
            ("{kind}", "clap"),
            ("{poll}", "1"),
            ("{identity}", "bo"),
            ("{banned}", "zoe"),
            ("{breakout}", "1"),
            ("{begun}", &self.begun),
            ("{file}", &self.file),
        ] {
            path = path.replace(name, value);
        }
        format!("/api/v1/rooms/{}/{path}", self.room)
    }

    async fn try_row(&self, row: &Row, token: Option<&str>) -> Response<Body> {
        let body = (!row.body.is_null()).then(|| row.body.to_string());
        self.house
            .answer(row.method.clone(), &self.path(row), token, body.as_deref())
            .await
    }
}

fn identity(name: &str) -> Identity {
    Identity::parse(name).unwrap()
}

async fn code(answer: Response<Body>) -> String {
    let bytes = axum::body::to_bytes(answer.into_body(), 10_000).await.unwrap();
    let json: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    json["error"]["code"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn every_command_with_every_role_and_right_is_judged_as_the_table_says() {
    let house = House::with_people(PeopleSettings::default()).await;
    let mut tried = 0;
    for row in rows() {
        let needed = match row.act.need() {
            Need::Own(right) | Need::Right(right) => Some(right),
            Need::System | Need::Presence => row.besides,
        };
        let alone = needed.map(|right| [As::Without(right), As::With(right)]);
        for who in Role::ALL
            .map(As::Role)
            .into_iter()
            .chain(alone.into_iter().flatten())
        {
            tried += 1;
            let scene = Scene::new(&house, format!("r{tried}"), who, &row).await;
            let answer = scene.try_row(&row, Some(&scene.ann)).await;
            let rights = who.rights();
            let may = row.act.need().is_met_by(rights) && row.besides.is_none_or(|right| rights.has(right));
            let what = format!("{who:?}: {} {} {}", row.method, row.path, answer.status());
            if may {
                assert!(answer.status().is_success(), "may: {what} {}", code(answer).await);
            } else {
                assert_eq!(answer.status(), StatusCode::FORBIDDEN, "may not: {what}");
                assert_eq!(code(answer).await, "forbidden", "{what}");
            }
        }
    }
}

/// J7, R3: somebody without a token, with that of another room, and somebody who is not there or waits.
#[tokio::test]
async fn nobody_outside_the_room_asks_anything_of_it() {
    let house = House::with_people(PeopleSettings::default()).await;
    for (number, row) in rows().into_iter().enumerate() {
        let scene = Scene::new(&house, format!("r{number}"), As::Role(Role::Owner), &row).await;
        let elsewhere = house.token("elsewhere", "ann", true);
        let absent = house.token(&scene.room, "zoe", true);
        let waits = house.lobby_token(&scene.room, "zoe");
        // A stream waits for whoever is on the way, and a leave is for those who wait, too.
        let patient = matches!(row.path, "events" | "leave");
        let mut tokens = vec![
            (None, StatusCode::UNAUTHORIZED),
            (Some(&elsewhere), StatusCode::FORBIDDEN),
        ];
        if !patient {
            tokens.extend([&absent, &waits].map(|token| (Some(token), StatusCode::FORBIDDEN)));
        }
        for (token, expected) in tokens {
            let answer = scene.try_row(&row, token.map(String::as_str)).await;
            assert_eq!(answer.status(), expected, "{} {}", row.method, row.path);
        }
    }
}

/// A command that is added to the API without a row here, or an act that is added to the table, is missed.
#[test]
fn every_command_of_the_api_and_every_act_of_the_table_is_tried() {
    let document: Value = serde_json::from_str(&openapi_json().unwrap()).unwrap();
    let mut described = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let Some(below) = path.strip_prefix("/api/v1/rooms/{room}") else {
            continue;
        };
        for method in operations.as_object().unwrap().keys() {
            described.insert((method.clone(), below.trim_start_matches('/').to_owned()));
        }
    }
    let mut known: BTreeSet<(String, String)> = FROM_OUTSIDE
        .map(|(method, path)| (method.to_owned(), path.to_owned()))
        .into();
    for row in rows() {
        let path = row.path.split('?').next().unwrap();
        let path = path
            .replace("{own}", "{seq}")
            .replace("{begun}", "{file}")
            .replace("{banned}", "{identity}");
        known.insert((row.method.as_str().to_lowercase(), path));
    }
    assert_eq!(known, described);

    let mut acts: Vec<Act> = rows().iter().map(|row| row.act).collect();
    acts.sort_unstable();
    acts.dedup();
    acts.extend(NOT_HERE);
    acts.sort_unstable();
    assert_eq!(acts, Act::ALL, "each act once: tried here, or named as not here");
}
