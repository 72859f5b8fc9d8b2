//! Breakout rooms over the API and the engine's own rooms: people are sent, come in with what they are given, hear the
//! main room from inside, and are called back.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod support;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use support::{Asked, House, Stream, now};
use tertulia_room::Origin;

struct Meeting {
    house: House,
    /// The first guest, who moderates.
    host: String,
    ana: String,
}

impl Meeting {
    /// A host and Ana, who belongs in the first of two open breakouts.
    async fn new() -> Self {
        let (house, host, ana) = House::weekly().await;
        let meeting = Self { house, host, ana };
        meeting
            .lead(Method::POST, "", json!({"names": ["Red", "Blue"]}))
            .await;
        let assignment = json!({"identities": ["ana"], "breakout": 1});
        meeting.lead(Method::PUT, "/assignments", assignment).await;
        meeting.lead(Method::POST, "/open", json!({})).await;
        meeting
    }

    async fn ask(&self, room: &str, token: &str, method: Method, path: &str, body: Value) -> Asked {
        let body = (!body.is_null()).then(|| body.to_string());
        let room = room.replace('~', "%7E");
        let path = format!("/api/v1/rooms/{room}/breakouts{path}");
        self.house.send(method, &path, Some(token), body.as_deref()).await
    }

    async fn lead(&self, method: Method, path: &str, body: Value) {
        let asked = self.ask("Weekly", &self.host, method, path, body).await;
        assert_eq!(asked.status, StatusCode::NO_CONTENT, "{path}: {}", asked.json);
    }

    /// Goes from the main room to where they are sent. Gives the room and the token for it.
    async fn follow(&self, token: &str, identity: &str) -> (String, String) {
        let asked = self
            .ask("Weekly", token, Method::POST, "/enter", Value::Null)
            .await;
        assert_eq!(asked.status, StatusCode::OK, "{}", asked.json);
        assert_eq!(asked.json["identity"], identity);
        let room = asked.json["room"].as_str().unwrap().to_owned();
        let leave = "/api/v1/rooms/Weekly/leave";
        let left = self.house.send(Method::POST, leave, Some(token), None).await;
        assert_eq!(left.status, StatusCode::NO_CONTENT);
        self.house.enter_as(&room, identity, Origin::Guest).await;
        (room, asked.json["token"].as_str().unwrap().to_owned())
    }
}

/// The next view of all breakouts that is as wanted.
async fn until_view(stream: &mut Stream, wanted: impl Fn(&Value) -> bool) -> Value {
    loop {
        let view = stream.until("breakout_rooms").await.data;
        if wanted(&view) {
            return view;
        }
    }
}

#[tokio::test]
async fn people_are_sent_hear_the_main_room_and_are_called_back() {
    let meeting = Meeting::new().await;
    let mut main = meeting.house.stream("Weekly", &meeting.ana).await;
    let state = main.next().await.data;
    assert_eq!(state["breakouts"]["place"], 1);
    assert_eq!(state["breakoutRooms"], Value::Null, "for those who lead");
    assert_eq!(state["mainRoom"], Value::Null);
    let mut host = meeting.house.stream("Weekly", &meeting.host).await;
    assert_eq!(
        host.next().await.data["breakoutRooms"]["rooms"][1]["name"],
        "Blue"
    );

    let (room, token) = meeting.follow(&meeting.ana, "ana").await;
    assert!(room.starts_with("Weekly~"), "{room}");
    let mut ana = meeting.house.stream(&room, &token).await;
    let state = ana.next().await.data;
    assert_eq!(state["mainRoom"], "Weekly");
    assert_eq!(state["breakouts"]["place"], 1);
    assert_eq!(state["own"]["role"], "participant");
    until_view(&mut host, |view| view["rooms"][0]["here"][0]["identity"] == "ana").await;

    let help = json!({"on": true});
    let called = meeting.ask(&room, &token, Method::PUT, "/help", help).await;
    assert_eq!(called.status, StatusCode::NO_CONTENT, "{}", called.json);
    let view = until_view(&mut host, |view| !view["rooms"][0]["help"].is_null()).await;
    assert_eq!(view["rooms"][0]["help"]["name"], "ana");
    assert_eq!(ana.until("breakouts").await.data["helpCalled"], true);

    let said = json!({"id": "m1", "text": "Two minutes more"});
    meeting.lead(Method::POST, "/message", said).await;
    assert_eq!(
        ana.until("breakout_message").await.data["text"],
        "Two minutes more"
    );

    let end = json!({"durationMs": 120_000});
    meeting.lead(Method::PUT, "/end", end).await;
    assert!(ana.until("breakouts").await.data["endsAt"].as_u64().unwrap() > now());
    meeting.lead(Method::POST, "/close", json!({"graceMs": 0})).await;
    let place = ana.until("breakouts").await.data;
    assert_eq!((&place["open"], &place["place"]), (&json!(false), &Value::Null));
    let gone = meeting
        .ask("Weekly", &meeting.ana, Method::POST, "/enter", Value::Null)
        .await;
    assert_eq!(gone.json["error"]["code"], "breakouts_closed");
    meeting.house.enter("Weekly", "ana").await;
}

#[tokio::test]
async fn nobody_opens_or_enters_a_breakout_by_its_name() {
    let meeting = Meeting::new().await;
    let (room, token) = meeting.follow(&meeting.ana, "ana").await;
    let knock = json!({"displayName": "Eve"});
    let asked = meeting.house.join(&room.replace('~', "%7E"), knock).await;
    assert_eq!(
        (asked.status, asked.json["error"]["code"].as_str()),
        (StatusCode::FORBIDDEN, Some("forbidden"))
    );
    assert!(meeting.house.try_enter(&room, "eve", now()).await.is_err());
    // R10: from a breakout nothing of the main room or of another breakout can be read or done.
    let chat = "/api/v1/rooms/Weekly/chat";
    let read = meeting.house.send(Method::GET, chat, Some(&token), None).await;
    assert_eq!(read.status, StatusCode::FORBIDDEN);
    let shuffle = json!({"all": true});
    let tried = meeting
        .ask(&room, &token, Method::POST, "/shuffle", shuffle)
        .await;
    assert_eq!(tried.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_host_visits_leads_from_there_and_the_end_for_all_ends_breakouts() {
    let meeting = Meeting::new().await;
    let (room, token) = meeting.follow(&meeting.ana, "ana").await;
    meeting.lead(Method::PUT, "/place", json!({"breakout": 1})).await;
    let (visited, hosting) = meeting.follow(&meeting.host, "host").await;
    assert_eq!(visited, room);
    let mut host = meeting.house.stream(&room, &hosting).await;
    let state = host.next().await.data;
    assert_eq!(state["own"]["role"], "moderator");
    assert_eq!(state["breakoutRooms"]["rooms"][0]["name"], "Red");
    let move_on = json!({"identities": ["ana"], "breakout": 2});
    let moved = meeting
        .ask(&room, &hosting, Method::PUT, "/assignments", move_on)
        .await;
    assert_eq!(moved.status, StatusCode::NO_CONTENT, "{}", moved.json);
    let mut ana = meeting.house.stream(&room, &token).await;
    assert_eq!(ana.next().await.data["breakouts"]["place"], 2);
    meeting.house.end("Weekly").await;
    assert_eq!(ana.until("ended").await.data["reason"], "ended");
}
