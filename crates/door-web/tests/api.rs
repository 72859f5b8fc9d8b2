//! The API over a real engine, without a network: what clients get, and what hostile ones get.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use futures_util::stream;
use serde_json::{Value, json};
use support::{Asked, House};
use tertulia_room::{Command, Refusal};

const SMILE: &str = "👩‍💻";

fn code(asked: &Asked) -> &str {
    asked.json["error"]["code"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn the_configuration_tells_limits_and_reactions() {
    let asked = House::new().get("/api/v1/config").await;
    assert_eq!(asked.status, StatusCode::OK);
    assert_eq!(
        asked.json["limits"],
        json!({"roomName": 128, "displayName": 128, "chatText": 4000, "fileBytes": 0})
    );
    assert_eq!(asked.json["reactions"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn a_guest_gets_a_token_for_a_room_nobody_opened() {
    let house = House::new();
    let asked = house
        .join("Weekly", json!({"displayName": format!(" Ana  {SMILE} ")}))
        .await;
    assert_eq!(asked.status, StatusCode::OK);
    assert_eq!(asked.json["displayName"], format!("Ana {SMILE}"));
    let grant = house
        .keys
        .verify(asked.json["token"].as_str().unwrap(), support::now())
        .unwrap();
    assert_eq!(grant.claims.identity.unwrap().as_str(), asked.json["identity"]);
    assert!(
        grant.claims.video.room_join && !grant.claims.video.room_admin && !grant.claims.video.room_create
    );
    let facts = house.get("/api/v1/rooms/Weekly").await.json;
    assert_eq!(
        (&facts["exists"], &facts["participants"]),
        (&json!(false), &json!(0))
    );
}

#[tokio::test]
async fn a_previous_token_keeps_who_somebody_is_in_that_room_alone() {
    let house = House::new();
    let first = house.join("Weekly", json!({"displayName": "Ana"})).await.json;
    let again = |room, token: Value| {
        let house = &house;
        async move {
            house
                .join(room, json!({"displayName": "Ana", "previousToken": token}))
                .await
                .json
        }
    };
    assert_eq!(
        again("WEEKLY", first["token"].clone()).await["identity"],
        first["identity"]
    );
    assert_ne!(
        again("Other", first["token"].clone()).await["identity"],
        first["identity"]
    );
    assert_ne!(
        again("Weekly", json!("nonsense")).await["identity"],
        first["identity"]
    );
    assert_ne!(again("Weekly", Value::Null).await["identity"], first["identity"]);
    let foreign = house.token("Weekly", "director", false);
    assert_ne!(again("Weekly", json!(foreign)).await["identity"], "director");
}

#[tokio::test]
async fn a_renewed_token_is_as_old_as_the_first() {
    let house = House::new();
    let first = house.join("Weekly", json!({"displayName": "Ana"})).await.json;
    let issued = |answer: &Value| {
        house
            .keys
            .verify(answer["token"].as_str().unwrap(), support::now())
            .unwrap()
            .issued_at_ms
    };
    let old = house.guest_token_issued(
        "Weekly",
        first["identity"].as_str().unwrap(),
        support::now() - 3_600_000,
    );
    let again = house
        .join("Weekly", json!({"displayName": "Ana", "previousToken": old}))
        .await
        .json;
    assert_eq!(again["identity"], first["identity"]);
    assert!(issued(&again) < issued(&first) - 3_000_000);
    house.enter("Weekly", again["identity"].as_str().unwrap()).await;
    house.remove("Weekly", again["identity"].as_str().unwrap()).await;
    let back = house
        .try_enter("Weekly", again["identity"].as_str().unwrap(), issued(&again))
        .await;
    assert_eq!(back, Err(Refusal::Removed));
    assert!(again["expiresAt"].as_u64() >= first["expiresAt"].as_u64());
}

#[tokio::test]
async fn names_that_cannot_be_rooms_are_refused() {
    let house = House::new();
    for (path, expected) in [
        ("api", "reserved_room_name"),
        ("RTC", "reserved_room_name"),
        ("favicon.ico", "reserved_room_name"),
        ("a%2Fb", "invalid_room_name"),
        ("..", "invalid_room_name"),
        ("%20", "invalid_room_name"),
        ("%FF", "invalid_room_name"),
        ("a%00b", "invalid_room_name"),
        (&"x".repeat(129), "invalid_room_name"),
    ] {
        let asked = house.join(path, json!({"displayName": "Ana"})).await;
        assert_eq!(
            (asked.status, code(&asked)),
            (StatusCode::BAD_REQUEST, expected),
            "for {path:.40}"
        );
    }
}

#[tokio::test]
async fn bodies_that_are_not_what_was_asked_for_are_refused() {
    let house = House::new();
    for (body, expected) in [
        ("", "invalid_request"),
        ("{", "invalid_request"),
        ("[]", "invalid_request"),
        ("{}", "invalid_request"),
        (r#"{"displayName":1}"#, "invalid_request"),
        (r#"{"displayName":"a","displayName":"b"}"#, "invalid_request"),
        (r#"{"displayName":" "}"#, "invalid_display_name"),
        (r#"{"displayName":"a\u202eb"}"#, "invalid_display_name"),
        (&"[".repeat(10_000), "invalid_request"),
        (
            &format!(r#"{{"displayName":"{}"}}"#, "x".repeat(200)),
            "invalid_display_name",
        ),
    ] {
        let asked = house
            .send(Method::POST, "/api/v1/rooms/r/join", None, Some(body))
            .await;
        assert_eq!(
            (asked.status, code(&asked)),
            (StatusCode::BAD_REQUEST, expected),
            "for {body:.60}"
        );
    }
    let huge = format!(r#"{{"displayName":"{}"}}"#, "x".repeat(10_000_000));
    let asked = house
        .send(Method::POST, "/api/v1/rooms/r/join", None, Some(&huge))
        .await;
    assert_eq!(
        (asked.status, code(&asked)),
        (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large")
    );
}

/// A body that says nothing of its length and does not end.
#[tokio::test]
async fn w13_an_endless_body_is_cut_off() {
    let house = House::new();
    let taken = Arc::new(AtomicUsize::new(0));
    let count = taken.clone();
    let endless = stream::repeat_with(move || {
        count.fetch_add(1_000, Ordering::Relaxed);
        Ok::<_, std::io::Error>(vec![b' '; 1_000])
    });
    let asked = house.pour("/api/v1/rooms/r/join", endless).await;
    assert_eq!(
        (asked.status, code(&asked)),
        (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large")
    );
    assert!(
        taken.load(Ordering::Relaxed) < 200_000,
        "{taken:?} bytes were read"
    );
}

#[tokio::test]
async fn every_error_has_a_reference_and_none_is_kept_by_caches() {
    let house = House::new();
    for (method, path, status) in [
        (Method::GET, "/api", StatusCode::NOT_FOUND),
        (Method::GET, "/api/v2/config", StatusCode::NOT_FOUND),
        (Method::DELETE, "/api/v1/config", StatusCode::METHOD_NOT_ALLOWED),
        (
            Method::GET,
            "/api/v1/rooms/r/join",
            StatusCode::METHOD_NOT_ALLOWED,
        ),
        (Method::GET, "/api/v1/rooms/r/chat", StatusCode::UNAUTHORIZED),
    ] {
        let asked = house.send(method, path, None, None).await;
        assert_eq!(asked.status, status, "for {path}");
        assert_eq!(asked.json["error"]["reference"].as_str().unwrap().len(), 9);
        assert_eq!(asked.headers["cache-control"], "no-store");
        assert!(!asked.headers.contains_key("access-control-allow-origin"));
    }
}

#[tokio::test]
async fn whoever_asks_too_often_waits() {
    let house = House::new();
    let mut refused = None;
    for _ in 0..200 {
        let asked = house.join("Weekly", json!({"displayName": "Ana"})).await;
        if asked.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(asked);
            break;
        }
    }
    let refused = refused.expect("the limit is reached");
    assert_eq!(code(&refused), "too_many_requests");
    assert!(
        refused.headers["retry-after"]
            .to_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
            >= 1
    );
    let elsewhere = house
        .from("192.0.2.99")
        .join("Weekly", json!({"displayName": "Bea"}))
        .await;
    assert_eq!(elsewhere.status, StatusCode::OK);
}

#[tokio::test]
async fn a_token_opens_its_own_room_while_its_bearer_is_in_it() {
    let house = House::new();
    let path = "/api/v1/rooms/Weekly/chat";
    let ana = house.enter("Weekly", "ana").await;
    let outsider = house.token("Weekly", "outsider", true);
    let elsewhere = house.enter("Other", "ana").await;
    for (token, status, expected) in [
        (None, StatusCode::UNAUTHORIZED, "unauthorized"),
        (Some("nonsense"), StatusCode::UNAUTHORIZED, "unauthorized"),
        (Some(elsewhere.as_str()), StatusCode::FORBIDDEN, "forbidden"),
        (Some(outsider.as_str()), StatusCode::FORBIDDEN, "forbidden"),
        (Some(ana.as_str()), StatusCode::OK, ""),
    ] {
        let asked = house.send(Method::GET, path, token, None).await;
        assert_eq!((asked.status, code(&asked)), (status, expected));
    }
    let closed = house.token("Nobody here", "ana", true);
    let asked = house
        .send(
            Method::GET,
            "/api/v1/rooms/Nobody%20here/chat",
            Some(&closed),
            None,
        )
        .await;
    assert_eq!((asked.status, code(&asked)), (StatusCode::NOT_FOUND, "not_found"));
}

#[tokio::test]
async fn chat_is_kept_once_and_read_back() {
    let house = House::new();
    let ana = house.enter("Weekly", "ana").await;
    let path = "/api/v1/rooms/Weekly/chat";
    let first = house.say(&ana, "m-1", "hello").await;
    assert_eq!(first.status, StatusCode::CREATED);
    assert_eq!(
        (&first.json["seq"], &first.json["identity"]),
        (&json!(1), &json!("ana"))
    );
    assert_eq!(house.say(&ana, "m-1", "hello").await.json, first.json);
    for index in 2..=4 {
        house.say(&ana, &format!("m-{index}"), "more").await;
    }
    let page = house
        .send(Method::GET, &format!("{path}?limit=2"), Some(&ana), None)
        .await
        .json;
    let seqs: Vec<_> = page["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["seq"].clone())
        .collect();
    assert_eq!((seqs, &page["more"]), (vec![json!(3), json!(4)], &json!(true)));
    let older = house
        .send(Method::GET, &format!("{path}?before=3"), Some(&ana), None)
        .await
        .json;
    assert_eq!(
        (older["messages"].as_array().unwrap().len(), &older["more"]),
        (2, &json!(false))
    );
}

#[tokio::test]
async fn chat_that_makes_no_sense_is_refused_and_floods_are_stopped() {
    let house = House::new();
    let ana = house.enter("Weekly", "ana").await;
    for (id, text) in [
        ("", "x"),
        ("a b", "x"),
        ("m", ""),
        ("m", " \n "),
        ("m", &"x".repeat(4_001) as &str),
    ] {
        assert_eq!(
            code(&house.say(&ana, id, text).await),
            "invalid_request",
            "for {id:?} {text:.10?}"
        );
    }
    assert_eq!(
        house.say(&ana, "m", &"я".repeat(4_000)).await.status,
        StatusCode::CREATED
    );
    let mut last = StatusCode::CREATED;
    for index in 0..20 {
        last = house.say(&ana, &format!("f-{index}"), "flood").await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn hands_reactions_and_leaving_reach_the_stream() {
    let house = House::new();
    let ana = house.enter("Weekly", "ana").await;
    let bea = house.enter("Weekly", "bea").await;
    house.say(&bea, "m-1", "before").await;
    let mut stream = house.stream("Weekly", &ana).await;
    let state = stream.next().await;
    assert_eq!((state.kind.as_str(), state.id), ("state", 1));
    assert_eq!(state.data["chat"][0]["text"], "before");
    assert_eq!(state.data["room"]["name"], "Weekly");

    let put = |path: &'static str, body: Value, method: Method| {
        let (house, bea) = (&house, bea.as_str());
        async move {
            house
                .send(method, path, Some(bea), Some(&body.to_string()))
                .await
                .status
        }
    };
    let none = StatusCode::NO_CONTENT;
    assert_eq!(
        put("/api/v1/rooms/Weekly/hand", json!({"raised": true}), Method::PUT).await,
        none
    );
    assert_eq!(
        put(
            "/api/v1/rooms/Weekly/reactions",
            json!({"kind": "clap"}),
            Method::POST
        )
        .await,
        none
    );
    let bad = put(
        "/api/v1/rooms/Weekly/reactions",
        json!({"kind": "<script>"}),
        Method::POST,
    )
    .await;
    assert_eq!(bad, StatusCode::BAD_REQUEST);
    house.say(&bea, "m-2", "after").await;

    for (id, kind) in [(2, "hand"), (3, "reaction"), (4, "chat")] {
        let event = stream.next().await;
        assert_eq!(
            (event.kind.as_str(), event.id, &event.data["identity"]),
            (kind, id, &json!("bea"))
        );
    }
    let late = house.stream("Weekly", &ana).await.next().await;
    assert_eq!(late.data["hands"][0]["identity"], "bea");

    let left = house
        .send(
            Method::POST,
            &format!("/api/v1/rooms/Weekly/leave?token={ana}"),
            None,
            None,
        )
        .await;
    assert_eq!(left.status, none);
    assert!(stream.is_over().await);
}

/// The project's figure for what a page of somebody who comes late to five hundred is told; of twenty the one that was
/// disturbed least by what else the machine does.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_page_among_five_hundred_is_told_the_room_in_time() {
    let house = House::new();
    for number in 0..500 {
        house.enter("Weekly", &format!("someone-{number}")).await;
    }
    for number in 0..200 {
        // As many messages as the first event has at most, each by somebody else.
        let writer = house.token("Weekly", &format!("someone-{number}"), true);
        let said = house
            .say(
                &writer,
                &format!("m{number}"),
                "What everybody says in their turn.",
            )
            .await;
        assert_eq!(said.status, StatusCode::CREATED);
        let hand = house
            .send(
                Method::PUT,
                "/api/v1/rooms/Weekly/hand",
                Some(&writer),
                Some(r#"{"raised": true}"#),
            )
            .await;
        assert_eq!(hand.status, StatusCode::NO_CONTENT);
    }
    let mut took = Vec::new();
    for number in 300..320 {
        let late = house.token("Weekly", &format!("someone-{number}"), true);
        let began = Instant::now();
        let state = house.stream("Weekly", &late).await.next().await;
        took.push(began.elapsed());
        assert_eq!(state.kind, "state");
        assert_eq!(state.data["hands"].as_array().unwrap().len(), 200);
    }
    took.sort_unstable();
    assert!(took[0] < Duration::from_millis(50), "{took:?}");
}

#[tokio::test]
async fn a_stream_waits_for_somebody_on_the_way_and_for_nobody_else() {
    let house = House::new();
    let _bea = house.enter("Weekly", "bea").await;
    let ana = house.token("Weekly", "ana", true);
    let (mut stream, _) = tokio::join!(house.stream("Weekly", &ana), house.enter("Weekly", "ana"));
    assert_eq!(stream.next().await.kind, "state");
}

#[tokio::test]
async fn a_stream_waits_for_a_room_that_is_about_to_open() {
    let house = House::new();
    let ana = house.token("Weekly", "ana", true);
    let (mut stream, _) = tokio::join!(house.stream("Weekly", &ana), house.enter("Weekly", "ana"));
    assert_eq!(stream.next().await.kind, "state");
}

#[tokio::test]
async fn removal_and_the_end_are_told_and_final() {
    let house = House::new();
    let ana = house.enter("Weekly", "ana").await;
    let bea = house.enter("Weekly", "bea").await;
    let (mut hers, mut others) = (
        house.stream("Weekly", &ana).await,
        house.stream("Weekly", &bea).await,
    );
    assert_eq!(
        (hers.next().await.kind, others.next().await.kind),
        ("state".into(), "state".into())
    );
    house.remove("Weekly", "ana").await;
    let ended = hers.next().await;
    assert_eq!(
        (ended.kind.as_str(), &ended.data["reason"]),
        ("ended", &json!("removed"))
    );
    assert!(hers.is_over().await);
    assert_eq!(
        house.say(&ana, "m", "still here?").await.status,
        StatusCode::FORBIDDEN
    );

    house.end("Weekly").await;
    let ended = others.until("ended").await;
    assert_eq!(
        (ended.kind.as_str(), &ended.data["reason"]),
        ("ended", &json!("ended"))
    );
    assert!(others.is_over().await);
}

#[tokio::test]
async fn a_reader_that_does_not_read_is_let_go() {
    let house = House::new();
    let ana = house.enter("Weekly", "ana").await;
    let mut stream = house.stream("Weekly", &ana).await;
    assert_eq!(stream.next().await.kind, "state");
    for index in 0..5_000 {
        house
            .command(
                "Weekly",
                Command::SetRoomMetadata {
                    metadata: index.to_string(),
                },
            )
            .await;
    }
    stream.drain().await;
    assert_eq!(
        (house.api.stats().slow_streams, house.api.stats().streams),
        (1, 0)
    );
}

#[tokio::test]
async fn one_person_has_so_many_streams_and_no_more() {
    let house = House::new();
    let ana = house.enter("Weekly", "ana").await;
    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(house.stream("Weekly", &ana).await);
    }
    let path = "/api/v1/rooms/Weekly/events";
    let refused = house.send(Method::GET, path, Some(&ana), None).await;
    assert_eq!(
        (refused.status, code(&refused)),
        (StatusCode::TOO_MANY_REQUESTS, "too_many_requests")
    );
    open.pop();
    assert_eq!(house.stream("Weekly", &ana).await.next().await.kind, "state");
}

#[tokio::test]
async fn shutting_down_is_told() {
    let house = House::new();
    let ana = house.enter("Weekly", "ana").await;
    let mut stream = house.stream("Weekly", &ana).await;
    assert_eq!(stream.next().await.kind, "state");
    house.engine.shutdown(Duration::from_secs(5)).await;
    assert_eq!(stream.next().await.data["reason"], "server_shutdown");
}

#[tokio::test]
async fn a_full_room_says_so_but_lets_its_people_back() {
    let house = House::with_capacity(1);
    let ana = house.join("Weekly", json!({"displayName": "Ana"})).await.json;
    house.enter("Weekly", ana["identity"].as_str().unwrap()).await;
    let asked = house.join("Weekly", json!({"displayName": "Bea"})).await;
    assert_eq!((asked.status, code(&asked)), (StatusCode::CONFLICT, "room_full"));
    let back = house
        .join(
            "Weekly",
            json!({"displayName": "Ana", "previousToken": ana["token"]}),
        )
        .await;
    assert_eq!(back.status, StatusCode::OK);
    let facts = house.get("/api/v1/rooms/weekly").await.json;
    assert_eq!(
        (&facts["name"], &facts["participants"], &facts["capacity"]),
        (&json!("Weekly"), &json!(1), &json!(1))
    );
}

#[tokio::test]
async fn a_closed_house_gives_tokens_to_nobody() {
    let asked = House::closed()
        .join("Weekly", json!({"displayName": "Ana"}))
        .await;
    assert_eq!((asked.status, code(&asked)), (StatusCode::FORBIDDEN, "forbidden"));
}
