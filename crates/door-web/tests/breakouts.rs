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

#[tokio::test]
async fn a_host_in_a_breakout_hears_who_knocks_and_lets_them_in() {
    let meeting = Meeting::new().await;
    let access = "/api/v1/rooms/Weekly/access";
    let lobby = Some(r#"{"lobby": true}"#);
    let set = meeting
        .house
        .send(Method::PATCH, access, Some(&meeting.host), lobby)
        .await;
    assert_eq!(set.status, StatusCode::NO_CONTENT, "{}", set.json);
    let knock = async |name: &str| {
        let asked = meeting.house.join("Weekly", json!({"displayName": name})).await;
        assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.json);
        asked.json["lobbyToken"].as_str().unwrap().to_owned()
    };
    let bea = knock("Bea").await;
    meeting.lead(Method::PUT, "/place", json!({"breakout": 2})).await;
    let (host_room, host) = meeting.follow(&meeting.host, "host").await;
    let (ana_room, ana) = meeting.follow(&meeting.ana, "ana").await;

    let mut hears = meeting.house.stream(&host_room, &host).await;
    assert_eq!(
        hears.next().await.data["lobby"][0]["name"],
        "Bea",
        "who knocked before"
    );
    let mut other = meeting.house.stream(&ana_room, &ana).await;
    assert_eq!(
        other.next().await.data["lobby"],
        json!([]),
        "for those who may let in"
    );
    let cleo = knock("Cleo").await;
    assert_eq!(hears.until("knock").await.data["name"], "Cleo");

    let ask = async |room: &str, token: &str, what: &str, body: Value| {
        let path = format!("/api/v1/rooms/{}/lobby/{what}", room.replace('~', "%7E"));
        let asked = meeting
            .house
            .send(Method::POST, &path, Some(token), Some(&body.to_string()))
            .await;
        asked.status
    };
    assert_eq!(
        ask(&ana_room, &ana, "admit", json!({})).await,
        StatusCode::FORBIDDEN
    );
    let lobby = "/api/v1/rooms/Weekly/lobby/events";
    let mut waits = meeting.house.stream_of(lobby, &bea).await;
    assert_eq!(waits.next().await.kind, "waiting");
    assert_eq!(
        ask(&host_room, &host, "message", json!({"text": "soon"})).await,
        StatusCode::NO_CONTENT
    );
    let told = waits.until("message").await.data;
    assert_eq!((&told["text"], &told["from"]), (&json!("soon"), &json!("host")));
    assert_eq!(
        ask(&host_room, &host, "admit", json!({})).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(waits.until("admitted").await.data["displayName"], "Bea");
    let mut waits = meeting.house.stream_of(lobby, &cleo).await;
    assert_eq!(waits.next().await.kind, "admitted");
    let left = hears.until("lobby_left").await.data;
    assert_eq!(left["identities"].as_array().unwrap().len(), 2);
}

/// R10: the token of a breakout opens nothing of the main room or of another breakout.
#[tokio::test]
async fn r10_nobody_in_a_breakout_reaches_another_room_of_the_meeting() {
    let meeting = Meeting::new().await;
    meeting.lead(Method::PUT, "/place", json!({"breakout": 2})).await;
    let (other_room, _) = meeting.follow(&meeting.host, "host").await;
    let (_, ana) = meeting.follow(&meeting.ana, "ana").await;
    for room in ["Weekly", &other_room] {
        let room = room.replace('~', "%7E");
        for (method, path, body) in [
            (Method::GET, "chat", None),
            (Method::POST, "chat", Some(r#"{"id": "m1", "text": "hello"}"#)),
            (Method::GET, "participants", None),
            (Method::GET, "events", None),
            (Method::PUT, "hand", Some(r#"{"raised": true}"#)),
            (Method::POST, "reactions", Some(r#"{"kind": "clap"}"#)),
        ] {
            let path = format!("/api/v1/rooms/{room}/{path}");
            let asked = meeting.house.send(method, &path, Some(&ana), body).await;
            assert_eq!(asked.status, StatusCode::FORBIDDEN, "{path}: {}", asked.json);
        }
    }
    // Where she came from she is not any more, and where she was not sent she is not let in.
    let entered = meeting
        .ask(&other_room, &ana, Method::POST, "/enter", Value::Null)
        .await;
    assert_eq!(entered.status, StatusCode::FORBIDDEN, "{}", entered.json);
    let chat = "/api/v1/rooms/Weekly/chat";
    let asked = meeting
        .house
        .send(Method::GET, chat, Some(&meeting.ana), None)
        .await;
    assert_eq!(asked.status, StatusCode::FORBIDDEN, "{}", asked.json);
    assert!(meeting.house.try_enter(&other_room, "ana", now()).await.is_err());
}
