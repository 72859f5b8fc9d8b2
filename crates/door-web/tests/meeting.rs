//! Moderation, lobby, chat and polls over the API: what people get, and what those without the right get.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod support;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use support::{Asked, House};
use tertulia_room::Origin;

const ROOM: &str = "/api/v1/rooms/Weekly";

struct Meeting {
    house: House,
    /// The first guest, who moderates.
    host: String,
    ana: String,
}

impl Meeting {
    async fn new() -> Self {
        let (house, host, ana) = House::weekly().await;
        Self { house, host, ana }
    }

    async fn ask(&self, token: &str, method: Method, path: &str, body: Value) -> Asked {
        let body = (!body.is_null()).then(|| body.to_string());
        let path = format!("{ROOM}/{path}");
        self.house.send(method, &path, Some(token), body.as_deref()).await
    }

    /// Asks as the host, who may.
    async fn lead(&self, method: Method, path: &str, body: Value) -> Value {
        let asked = self.ask(&self.host, method, path, body).await;
        assert!(
            asked.status.is_success(),
            "{path}: {} {}",
            asked.status,
            asked.json
        );
        asked.json
    }

    async fn knock(&self, name: &str, more: Value) -> Asked {
        let mut body = json!({"displayName": name});
        if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
            body.extend(more);
        }
        self.house.join("Weekly", body).await
    }
}

fn code(asked: &Asked) -> &str {
    asked.json["error"]["code"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn the_first_guest_moderates_and_the_stream_says_so() {
    let meeting = Meeting::new().await;
    let state = meeting
        .house
        .stream("Weekly", &meeting.host)
        .await
        .next()
        .await
        .data;
    assert_eq!(state["own"]["role"], "moderator");
    let mut ana = meeting.house.stream("Weekly", &meeting.ana).await;
    assert_eq!(ana.next().await.data["own"]["role"], "participant");
    meeting
        .lead(Method::PUT, "participants/ana/role", json!({"role": "presenter"}))
        .await;
    let own = ana.until("own").await.data;
    assert_eq!(own["role"], "presenter");
    assert!(own["rights"].as_array().unwrap().contains(&json!("manage_polls")));
    let told = ana.until("standing").await.data;
    assert_eq!((&told["identity"], &told["by"]), (&json!("ana"), &json!("host")));
}

/// R6: everything a moderator does, tried by a guest.
#[tokio::test]
async fn nobody_without_the_right_leads_a_meeting() {
    let meeting = Meeting::new().await;
    for (method, path, body) in [
        (Method::PATCH, "access", json!({"locked": true})),
        (Method::PATCH, "rules", json!({"switchOff": ["chat"]})),
        (Method::PUT, "participants/ana/role", json!({"role": "owner"})),
        (
            Method::PATCH,
            "participants/ana/rights",
            json!({"grant": ["mute"]}),
        ),
        (Method::POST, "participants/host/remove", json!({})),
        (Method::POST, "participants/host/remove", json!({"ban": true})),
        (
            Method::POST,
            "participants/host/mute",
            json!({"source": "microphone"}),
        ),
        (
            Method::POST,
            "participants/host/ask-unmute",
            json!({"source": "camera"}),
        ),
        (Method::DELETE, "bans/x", Value::Null),
        (Method::POST, "mute-all", json!({"source": "microphone"})),
        (Method::POST, "hands/lower", json!({})),
        (Method::POST, "floor", json!({"identity": "ana"})),
        (Method::PUT, "spotlight", json!({"identities": ["ana"]})),
        (Method::PUT, "follow-me", json!({"layout": "grid"})),
        (Method::PUT, "timer", json!({"durationMs": 1000})),
        (
            Method::POST,
            "polls",
            json!({"question": "?", "options": ["a", "b"]}),
        ),
        (Method::POST, "lobby/admit", json!({})),
        (Method::POST, "lobby/deny", json!({})),
        (Method::POST, "lobby/message", json!({"text": "hi"})),
        (Method::GET, "attendance.csv", Value::Null),
        (Method::POST, "end", Value::Null),
    ] {
        let asked = meeting.ask(&meeting.ana, method, path, body.clone()).await;
        assert_eq!(
            (asked.status, code(&asked)),
            (StatusCode::FORBIDDEN, "forbidden"),
            "for {path} {body}"
        );
    }
}

#[tokio::test]
async fn a_guest_waits_in_the_lobby_and_comes_in_with_what_it_gives() {
    let meeting = Meeting::new().await;
    meeting
        .lead(Method::PATCH, "access", json!({"lobby": true}))
        .await;
    let mut host = meeting.house.stream("Weekly", &meeting.host).await;
    host.next().await;
    let asked = meeting.knock("Bea", json!({})).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED);
    let (token, identity) = (
        asked.json["lobbyToken"].as_str().unwrap(),
        &asked.json["identity"],
    );
    assert_eq!(host.until("knock").await.data["identity"], *identity);
    let mut lobby = meeting
        .house
        .stream_of("/api/v1/rooms/Weekly/lobby/events", token)
        .await;
    assert_eq!(lobby.next().await.kind, "waiting");
    meeting
        .lead(Method::POST, "lobby/message", json!({"text": "Two minutes."}))
        .await;
    assert_eq!(
        lobby.next().await.data,
        json!({"text": "Two minutes.", "from": "host"})
    );
    meeting
        .lead(Method::POST, "lobby/admit", json!({"identities": [identity]}))
        .await;
    let admitted = lobby.next().await;
    assert_eq!(
        (admitted.kind.as_str(), &admitted.data["identity"]),
        ("admitted", identity)
    );
    assert!(lobby.is_over().await);
    let grant = meeting
        .house
        .keys
        .verify(admitted.data["token"].as_str().unwrap(), support::now());
    assert!(grant.unwrap().claims.video.room_join);
    assert_eq!(host.until("lobby_left").await.data["outcome"], "admitted");
}

/// R3.
#[tokio::test]
async fn the_lobbys_token_opens_nothing_but_the_lobby() {
    let meeting = Meeting::new().await;
    meeting
        .lead(
            Method::PATCH,
            "access",
            json!({"lobby": true, "password": "sesame"}),
        )
        .await;
    let asked = meeting.knock("Bea", json!({"password": "sesame"})).await;
    let token = asked.json["lobbyToken"].as_str().unwrap().to_owned();
    for (method, path) in [
        (Method::GET, "chat"),
        (Method::GET, "events"),
        (Method::GET, "participants"),
    ] {
        let asked = meeting.ask(&token, method, path, Value::Null).await;
        assert_eq!(
            (asked.status, code(&asked)),
            (StatusCode::FORBIDDEN, "forbidden"),
            "for {path}"
        );
    }
    // Nor does a participant's token open the lobby, nor another room's lobby this one.
    let asked = meeting
        .ask(&meeting.ana, Method::GET, "lobby/events", Value::Null)
        .await;
    assert_eq!(asked.status, StatusCode::FORBIDDEN);
    let elsewhere = meeting
        .house
        .send(
            Method::GET,
            "/api/v1/rooms/Other/lobby/events",
            Some(&token),
            None,
        )
        .await;
    assert_eq!(elsewhere.status, StatusCode::FORBIDDEN);
    let state = meeting
        .house
        .stream("Weekly", &meeting.ana)
        .await
        .next()
        .await
        .data;
    assert_eq!(state["rules"]["password"], true);
    assert!(!state.to_string().contains("sesame"));
    assert_eq!(state["lobby"], json!([]));
    // What it can give up is its own place, once and for all; elsewhere it gives up nothing.
    let leave = |room| format!("/api/v1/rooms/{room}/leave");
    let elsewhere = meeting
        .house
        .send(Method::POST, &leave("Other"), Some(&token), None)
        .await;
    assert_eq!(elsewhere.status, StatusCode::FORBIDDEN);
    let left = meeting.ask(&token, Method::POST, "leave", Value::Null).await;
    assert_eq!(left.status, StatusCode::NO_CONTENT);
    let place = meeting
        .ask(&token, Method::GET, "lobby/events", Value::Null)
        .await;
    assert_eq!(place.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn two_hundred_in_the_lobby_are_admitted_at_once() {
    let meeting = Meeting::new().await;
    meeting
        .lead(Method::PATCH, "access", json!({"lobby": true}))
        .await;
    let mut waiting = Vec::new();
    for number in 0..200 {
        let from = meeting
            .house
            .from(&format!("10.0.{}.{}", number / 100, number % 100));
        let asked = from
            .join("Weekly", json!({"displayName": format!("G {number}")}))
            .await;
        let token = asked.json["lobbyToken"].as_str().unwrap().to_owned();
        let mut stream = from.stream_of("/api/v1/rooms/Weekly/lobby/events", &token).await;
        assert_eq!(stream.next().await.kind, "waiting");
        waiting.push(stream);
    }
    meeting.lead(Method::POST, "lobby/admit", json!({})).await;
    for mut stream in waiting {
        let admitted = stream.next().await;
        assert_eq!(admitted.kind, "admitted");
        let identity = admitted.data["identity"].as_str().unwrap().to_owned();
        meeting.house.enter_as("Weekly", &identity, Origin::Guest).await;
    }
    let people = meeting.lead(Method::GET, "participants", Value::Null).await;
    assert_eq!(people["participants"].as_array().unwrap().len(), 202);
}

#[tokio::test]
async fn a_locked_room_and_a_password_say_what_they_want() {
    let meeting = Meeting::new().await;
    meeting
        .lead(Method::PATCH, "access", json!({"password": "sesame"}))
        .await;
    assert_eq!(code(&meeting.knock("Bea", json!({})).await), "password_needed");
    assert_eq!(
        code(&meeting.knock("Bea", json!({"password": "x"})).await),
        "wrong_password"
    );
    assert_eq!(
        meeting.knock("Bea", json!({"password": "sesame"})).await.status,
        StatusCode::OK
    );
    meeting
        .lead(Method::PATCH, "access", json!({"password": "", "locked": true}))
        .await;
    assert_eq!(code(&meeting.knock("Bea", json!({})).await), "locked");
}

/// J14.
#[tokio::test]
async fn passwords_are_guessed_so_often_and_no_more_from_wherever() {
    let meeting = Meeting::new().await;
    meeting
        .lead(Method::PATCH, "access", json!({"password": "sesame"}))
        .await;
    let mut refused = false;
    for number in 0..200 {
        let from = meeting
            .house
            .from(&format!("10.1.{}.{}", number / 100, number % 100));
        let asked = from
            .join("Weekly", json!({"displayName": "Mal", "password": "x"}))
            .await;
        refused |= asked.status == StatusCode::TOO_MANY_REQUESTS;
    }
    assert!(refused);
}

#[tokio::test]
async fn somebody_banned_is_told_so_and_strangers_from_there_wait() {
    let meeting = Meeting::new().await;
    let from = meeting.house.from("198.51.100.7");
    let mal = from.join("Weekly", json!({"displayName": "Mal"})).await.json;
    let identity = mal["identity"].as_str().unwrap();
    meeting.house.enter_as("Weekly", identity, Origin::Guest).await;
    meeting
        .lead(
            Method::POST,
            &format!("participants/{identity}/remove"),
            json!({"ban": true}),
        )
        .await;
    let back = json!({"displayName": "Mal", "previousToken": mal["token"]});
    assert_eq!(code(&from.join("Weekly", back).await), "banned");
    assert_eq!(
        from.join("Weekly", json!({"displayName": "Lam"})).await.status,
        StatusCode::ACCEPTED
    );
    assert_eq!(meeting.knock("Bea", json!({})).await.status, StatusCode::OK);
}

#[tokio::test]
async fn private_messages_replies_edits_and_reactions_reach_whom_they_concern() {
    let meeting = Meeting::new().await;
    let bea = meeting.house.enter_as("Weekly", "bea", Origin::Guest).await;
    let mut streams = Vec::new();
    for token in [&meeting.host, &meeting.ana, &bea] {
        let mut stream = meeting.house.stream("Weekly", token).await;
        stream.next().await;
        streams.push(stream);
    }
    let chat = json!({"id": "1", "text": "psst", "to": "bea"});
    let whispered = meeting.ask(&meeting.ana, Method::POST, "chat", chat).await;
    assert_eq!(
        (whispered.status, &whispered.json["to"]),
        (StatusCode::CREATED, &json!("bea"))
    );
    let said = meeting
        .ask(
            &meeting.ana,
            Method::POST,
            "chat",
            json!({"id": "2", "text": "hello"}),
        )
        .await
        .json;
    let seq = said["seq"].as_u64().unwrap();
    let answer = json!({"id": "1", "text": "hi", "replyTo": seq});
    assert_eq!(
        meeting.ask(&bea, Method::POST, "chat", answer).await.json["replyTo"],
        seq
    );
    meeting
        .ask(
            &meeting.ana,
            Method::PATCH,
            &format!("chat/{seq}"),
            json!({"text": "hello all"}),
        )
        .await;
    meeting
        .ask(
            &bea,
            Method::PUT,
            &format!("chat/{seq}/reactions/heart"),
            Value::Null,
        )
        .await;
    meeting
        .lead(Method::DELETE, &format!("chat/{seq}"), Value::Null)
        .await;
    let mut heard = Vec::new();
    for stream in &mut streams {
        let mut kinds = Vec::new();
        loop {
            let event = stream.next().await;
            kinds.push((
                event.kind.clone(),
                event.data["text"].as_str().unwrap_or_default().to_owned(),
            ));
            if event.data["deleted"] == true {
                break;
            }
        }
        heard.push(kinds);
    }
    let texts = |kinds: &[(String, String)]| kinds.iter().map(|(_, text)| text.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&heard[0]), ["hello", "hi", "hello all", "hello all", ""]);
    assert_eq!(heard[1], heard[2]);
    assert_eq!(texts(&heard[1])[0], "psst");
    let page = meeting
        .ask(&meeting.host, Method::GET, "chat", Value::Null)
        .await
        .json;
    assert!(!page.to_string().contains("psst"));
}

#[tokio::test]
async fn a_poll_is_made_voted_in_and_closed() {
    let meeting = Meeting::new().await;
    let mut ana = meeting.house.stream("Weekly", &meeting.ana).await;
    ana.next().await;
    let poll = meeting
        .lead(
            Method::POST,
            "polls",
            json!({"question": "Tea?", "options": ["Yes", "No"]}),
        )
        .await;
    assert_eq!(ana.until("poll").await.data["question"], "Tea?");
    let vote = meeting
        .ask(&meeting.ana, Method::PUT, "polls/1/vote", json!({"choices": [0]}))
        .await;
    assert_eq!(
        (vote.status, &vote.json["counts"]),
        (StatusCode::OK, &json!([1, 0]))
    );
    assert_eq!(ana.until("poll").await.data["votes"], 1);
    meeting.lead(Method::POST, "polls/1/close", Value::Null).await;
    assert!(ana.until("poll").await.data["closedAt"].is_u64());
    let late = meeting
        .ask(&meeting.ana, Method::PUT, "polls/1/vote", json!({"choices": [1]}))
        .await;
    assert_eq!((late.status, code(&late)), (StatusCode::CONFLICT, "poll_closed"));
    let mut again = meeting.house.stream("Weekly", &meeting.ana).await;
    let state = again.next().await.data;
    assert_eq!(
        (&state["polls"][0]["id"], &state["votes"][0]["choices"]),
        (&poll["id"], &json!([0]))
    );
}

#[tokio::test]
async fn attendance_is_a_table_for_moderators() {
    let meeting = Meeting::new().await;
    let asked = meeting
        .ask(&meeting.host, Method::GET, "attendance.csv", Value::Null)
        .await;
    assert_eq!(asked.status, StatusCode::OK);
    assert_eq!(asked.headers["content-type"], "text/csv; charset=utf-8");
    assert!(
        asked.headers["content-disposition"]
            .to_str()
            .unwrap()
            .starts_with("attachment")
    );
}

#[tokio::test]
async fn what_is_switched_off_is_off_and_the_rules_say_so() {
    let meeting = Meeting::new().await;
    let mut ana = meeting.house.stream("Weekly", &meeting.ana).await;
    ana.next().await;
    let change = json!({"switchOff": ["chat"], "startAudioMuted": true, "media": {"maxHeight": 360, "videoCodecs": ["vp9"]}});
    meeting.lead(Method::PATCH, "rules", change).await;
    let rules = ana.until("rules").await.data;
    assert_eq!(rules["switchedOff"], json!(["chat"]));
    assert_eq!(
        rules["media"],
        json!({"maxHeight": 360, "maxFps": null, "videoCodecs": ["vp9"]})
    );
    let own = ana.until("own").await.data;
    assert!(!own["rights"].as_array().unwrap().contains(&json!("chat")));
    assert_eq!(
        meeting.house.say(&meeting.ana, "1", "hi").await.status,
        StatusCode::FORBIDDEN
    );
    for nonsense in [
        json!({"switchOff": ["mute"]}),
        json!({"switchOff": ["nothing"]}),
        json!({"unknown": 1}),
        json!({"media": {"videoCodecs": ["divx"]}}),
        json!({"media": {"maxHeight": 0}}),
    ] {
        let asked = meeting
            .ask(&meeting.host, Method::PATCH, "rules", nonsense.clone())
            .await;
        assert_eq!(asked.status, StatusCode::BAD_REQUEST, "for {nonsense}");
    }
}
