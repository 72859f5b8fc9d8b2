//! What the door answers over plain HTTP: validation, refusals, CORS, and the room service.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops where its scene cannot be set"
)]

mod support;

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode, header};
use livekit_protocol as pb;
use prost::Message as _;
use serde_json::{Value, json};
use support::{House, admin_token, token};
use tertulia_door_livekit::{DoorConfig, router};
use tertulia_model::RoomName;
use tower::ServiceExt as _;

async fn get(house: &House, path: &str, token: &str) -> Response<Body> {
    let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
    router(house.door.clone())
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap()
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap()
}

async fn call(house: &House, method: &str, token: &str, body: &Value) -> (StatusCode, Value) {
    let request = Request::post(format!("/twirp/livekit.RoomService/{method}"))
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    let response = router(house.door.clone()).oneshot(request).await.unwrap();
    let status = response.status();
    (status, serde_json::from_str(&text(response).await).unwrap())
}

fn allows_any_origin(response: &Response<Body>) -> bool {
    response
        .headers()
        .get(header::ACCESS_CONTROL_ALLOW_ORIGIN)
        .is_some_and(|origin| origin == "*")
}

#[tokio::test]
async fn every_answer_can_be_read_from_any_origin() {
    let house = House::open().await;
    for (path, status) in [
        ("/rtc/validate", StatusCode::OK),
        ("/rtc/v1/validate", StatusCode::BAD_REQUEST),
        ("/rtc/v9/validate", StatusCode::NOT_FOUND),
        ("/rtc", StatusCode::NOT_FOUND),
        ("/rtc/v1", StatusCode::NOT_FOUND),
        ("//rtc/validate", StatusCode::OK),
        ("/twirp/nonsense", StatusCode::NOT_FOUND),
    ] {
        let response = get(&house, path, &token("ana", |_| {})).await;
        assert!(allows_any_origin(&response), "{path} cannot be read");
        assert_eq!(response.status(), status, "for {path}");
    }
    let preflight = Request::options("/twirp/livekit.RoomService/ListRooms")
        .header(header::ORIGIN, "https://elsewhere.example")
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization")
        .body(Body::empty())
        .unwrap();
    let response = router(house.door.clone()).oneshot(preflight).await.unwrap();
    assert!(response.status().is_success() && allows_any_origin(&response));
}

#[tokio::test]
async fn tokens_are_checked_and_the_header_goes_before_the_query() {
    let house = House::open().await;
    let good = token("ana", |_| {});
    let refused = |claims: fn(&mut tertulia_auth::Claims)| token("ana", claims);
    for (token, status) in [
        (good.clone(), StatusCode::OK),
        (String::new(), StatusCode::UNAUTHORIZED),
        ("nonsense".to_owned(), StatusCode::UNAUTHORIZED),
        (format!("{good}x"), StatusCode::UNAUTHORIZED),
        (
            refused(|claims| claims.video.room_join = false),
            StatusCode::UNAUTHORIZED,
        ),
        (
            refused(|claims| claims.video.room = None),
            StatusCode::BAD_REQUEST,
        ),
        (refused(|claims| claims.identity = None), StatusCode::BAD_REQUEST),
    ] {
        let response = get(&house, "/rtc/validate", &token).await;
        assert_eq!(response.status(), status, "for {token:.20}");
    }
    let body = get(&house, "/rtc/validate", &good).await;
    assert_eq!(text(body).await, "success");
    let overruled = get(&house, &format!("/rtc/validate?access_token={good}"), "nonsense").await;
    assert_eq!(overruled.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn rooms_that_may_not_be_opened_are_not() {
    let config = DoorConfig {
        reserved_rooms: vec!["WEEKLY".into()],
        ..DoorConfig::default()
    };
    let house = House::open_with(config).await;
    assert_eq!(
        get(&house, "/rtc/validate", &token("ana", |_| {})).await.status(),
        StatusCode::FORBIDDEN
    );

    let house = House::open_with(DoorConfig {
        create_rooms: false,
        ..DoorConfig::default()
    })
    .await;
    let missing = get(&house, "/rtc/validate", &token("ana", |_| {})).await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    assert!(text(missing).await.contains("requested room does not exist"));
}

#[tokio::test]
async fn a_token_of_ours_says_itself_whether_it_opens_the_room() {
    for create_rooms in [true, false] {
        let house = House::open_with(DoorConfig {
            create_rooms,
            ..DoorConfig::default()
        })
        .await;
        for (opens, expected) in [(Some(true), true), (Some(false), false), (None, create_rooms)] {
            let token = token("ana", |claims| claims.own.opens = opens);
            let asked = get(&house, "/rtc/validate", &token).await;
            assert_eq!(asked.status().is_success(), expected, "{create_rooms} {opens:?}");
        }
    }
}

#[tokio::test]
async fn oversized_and_broken_join_requests_are_refused() {
    let house = House::open().await;
    for parameter in ["%%%", "AAAA", "_____"] {
        let path = format!("/rtc/v1/validate?join_request={parameter}");
        assert_eq!(
            get(&house, &path, &token("ana", |_| {})).await.status(),
            StatusCode::BAD_REQUEST
        );
    }
}

#[tokio::test]
async fn a_room_is_created_listed_described_and_ended_over_the_api() {
    let house = House::open().await;
    let admin = admin_token();
    let (status, room) = call(
        &house,
        "CreateRoom",
        &admin,
        &json!({"name": "weekly", "maxParticipants": 5}),
    )
    .await;
    assert_eq!(
        (status, &room["name"], &room["maxParticipants"]),
        (StatusCode::OK, &json!("weekly"), &json!(5))
    );
    let (_, rooms) = call(&house, "ListRooms", &admin, &json!({})).await;
    assert_eq!(rooms["rooms"][0]["name"], "weekly");
    let (_, room) = call(
        &house,
        "UpdateRoomMetadata",
        &admin,
        &json!({"room": "weekly", "metadata": "m"}),
    )
    .await;
    assert_eq!(room["metadata"], "m");
    assert_eq!(
        call(&house, "DeleteRoom", &admin, &json!({"room": "weekly"}))
            .await
            .0,
        StatusCode::OK
    );
    let (status, error) = call(&house, "DeleteRoom", &admin, &json!({"room": "nowhere"})).await;
    assert_eq!(
        (status, &error["code"]),
        (StatusCode::NOT_FOUND, &json!("not_found"))
    );
}

#[tokio::test]
async fn participants_are_listed_changed_and_removed_over_the_api() {
    let house = House::open().await;
    let admin = admin_token();
    let (mut ana, _) = house.join("ana").await;
    let (_, listed) = call(&house, "ListParticipants", &admin, &json!({"room": "weekly"})).await;
    assert_eq!(listed["participants"][0]["identity"], "ana");

    let update = json!({"room": "weekly", "identity": "ana", "name": "Ana María", "attributes": {"a": "1"},
        "permission": {"canSubscribe": true, "canPublishData": true}});
    let (status, changed) = call(&house, "UpdateParticipant", &admin, &update).await;
    assert_eq!((status, &changed["name"]), (StatusCode::OK, &json!("Ana María")));
    let seen = ana.expect_participant(|own| own.name == "Ana María").await;
    assert!(!seen.permission.unwrap().can_publish);

    let whom = json!({"room": "weekly", "identity": "ana"});
    assert_eq!(
        call(&house, "RemoveParticipant", &admin, &whom).await.0,
        StatusCode::OK
    );
    assert_eq!(
        ana.expect_leave().await.reason(),
        pb::DisconnectReason::ParticipantRemoved
    );
    let (status, error) = call(&house, "GetParticipant", &admin, &whom).await;
    assert_eq!(
        (status, &error["code"]),
        (StatusCode::NOT_FOUND, &json!("not_found"))
    );
}

#[tokio::test]
async fn rights_are_checked_for_the_room_they_name() {
    let house = House::open().await;
    let participant = token("ana", |_| {});
    let elsewhere = token("ana", |claims| {
        claims.video.room_admin = true;
        claims.video.room = RoomName::parse("other").ok();
    });
    for (method, body) in [
        ("CreateRoom", json!({"name": "weekly"})),
        ("ListRooms", json!({})),
        ("DeleteRoom", json!({"room": "weekly"})),
        ("ListParticipants", json!({"room": "weekly"})),
        ("RemoveParticipant", json!({"room": "weekly", "identity": "bob"})),
        ("SendData", json!({"room": "weekly", "data": "aGk="})),
        (
            "MoveParticipant",
            json!({"room": "weekly", "identity": "bob", "destinationRoom": "x"}),
        ),
    ] {
        for token in [&participant, &elsewhere] {
            let (status, error) = call(&house, method, token, &body).await;
            assert_eq!(
                (status, &error["code"]),
                (StatusCode::FORBIDDEN, &json!("permission_denied")),
                "{method}"
            );
        }
        let (status, error) = call(&house, method, "nonsense", &body).await;
        assert_eq!(
            (status, &error["code"]),
            (StatusCode::UNAUTHORIZED, &json!("unauthenticated"))
        );
    }
}

#[tokio::test]
async fn moving_and_forwarding_are_refused_by_type() {
    let house = House::open().await;
    for method in ["MoveParticipant", "ForwardParticipant"] {
        let body = json!({"room": "weekly", "identity": "ana", "destinationRoom": "x"});
        let (status, error) = call(&house, method, &admin_token(), &body).await;
        assert_eq!(
            (status, &error["code"]),
            (StatusCode::NOT_IMPLEMENTED, &json!("unimplemented"))
        );
    }
}

#[tokio::test]
async fn bodies_that_are_broken_or_too_large_get_typed_errors() {
    let house = House::open().await;
    let send = async |content_type: &str, body: Vec<u8>| {
        let request = Request::post("/twirp/livekit.RoomService/SendData")
            .header(header::AUTHORIZATION, format!("Bearer {}", admin_token()))
            .header(header::CONTENT_TYPE, content_type)
            .body(Body::from(body))
            .unwrap();
        let response = router(house.door.clone()).oneshot(request).await.unwrap();
        let error: Value = serde_json::from_str(&text(response).await).unwrap();
        error["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(send("application/json", b"{".to_vec()).await, "malformed");
    assert_eq!(
        send("application/json", br#"{"room":"a","room":"b"}"#.to_vec()).await,
        "malformed"
    );
    assert_eq!(
        send("application/json", br#"{"room":"a/b"}"#.to_vec()).await,
        "invalid_argument"
    );
    assert_eq!(send("application/protobuf", vec![0xff; 9]).await, "malformed");
    assert_eq!(send("text/plain", vec![]).await, "bad_route");
    assert_eq!(
        send("application/protobuf", vec![0; 3 << 20]).await,
        "resource_exhausted"
    );
}

#[tokio::test]
async fn callers_in_protobuf_are_answered_in_protobuf() {
    let house = House::open().await;
    let request = Request::post("/twirp/livekit.RoomService/CreateRoom")
        .header(header::AUTHORIZATION, format!("Bearer {}", admin_token()))
        .header(header::CONTENT_TYPE, "application/protobuf")
        .body(Body::from(
            pb::CreateRoomRequest {
                name: "weekly".into(),
                ..Default::default()
            }
            .encode_to_vec(),
        ))
        .unwrap();
    let response = router(house.door.clone()).oneshot(request).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/protobuf");
    let room = pb::Room::decode(to_bytes(response.into_body(), 1 << 20).await.unwrap()).unwrap();
    assert!(room.name == "weekly" && room.sid.starts_with("RM_"));
}
