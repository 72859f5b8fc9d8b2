//! Webhooks as a receiver sees them: what they tell, how they are signed, and that they come again after a failure.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops where its scene cannot be set"
)]

mod support;

use std::time::Duration;

use aws_lc_rs::digest;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use support::{Client, House, keys, token};
use tertulia_door_livekit::DoorConfig;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

struct Delivery {
    headers: HeaderMap,
    body: Bytes,
}

impl Delivery {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Accepts webhooks, the first `failures` of them with an error.
async fn receiver(failures: usize) -> (String, mpsc::Receiver<Delivery>) {
    #[derive(Clone)]
    struct Inbox {
        deliveries: mpsc::Sender<Delivery>,
        failures: std::sync::Arc<std::sync::atomic::AtomicUsize>,
    }
    async fn take(State(inbox): State<Inbox>, headers: HeaderMap, body: Bytes) -> StatusCode {
        let failed = inbox.failures.fetch_update(
            std::sync::atomic::Ordering::SeqCst,
            std::sync::atomic::Ordering::SeqCst,
            |left| left.checked_sub(1),
        );
        inbox.deliveries.send(Delivery { headers, body }).await.unwrap();
        if failed.is_ok() {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            StatusCode::OK
        }
    }
    let (deliveries, received) = mpsc::channel(64);
    let failures = std::sync::Arc::new(failures.into());
    let routes = Router::new()
        .route("/hook", post(take))
        .with_state(Inbox { deliveries, failures });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (url, received)
}

async fn next(received: &mut mpsc::Receiver<Delivery>) -> Delivery {
    tokio::time::timeout(Duration::from_secs(10), received.recv())
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn a_rooms_story_is_told_in_order_and_signed() {
    let (url, mut received) = receiver(0).await;
    let house = House::open_with(DoorConfig {
        webhook_urls: vec![url],
        ..DoorConfig::default()
    })
    .await;
    let (mut ana, _) = house.join("ana").await;
    ana.send(livekit_protocol::signal_request::Message::Leave(
        Default::default(),
    ))
    .await;
    ana.closed().await;

    let mut events = Vec::new();
    for _ in 0..3 {
        let delivery = next(&mut received).await;
        assert_eq!(delivery.headers[header::CONTENT_TYPE], "application/webhook+json");
        let signature = delivery.headers[header::AUTHORIZATION].to_str().unwrap();
        let json = delivery.json();
        let created_ms = json["createdAt"].as_str().unwrap().parse::<u64>().unwrap() * 1_000;
        let grant = keys().verify(signature, created_ms).unwrap();
        let sha256 = STANDARD.encode(digest::digest(&digest::SHA256, &delivery.body));
        assert_eq!(grant.claims.sha256, Some(sha256));
        assert_eq!(json["room"]["name"], "weekly");
        events.push(json["event"].as_str().unwrap().to_owned());
    }
    assert_eq!(
        events,
        [
            "room_started",
            "participant_joined",
            "participant_connection_aborted"
        ]
    );
}

#[tokio::test]
async fn a_webhook_that_failed_comes_again_and_is_the_same() {
    let (url, mut received) = receiver(1).await;
    let house = House::open_with(DoorConfig {
        webhook_urls: vec![url],
        ..DoorConfig::default()
    })
    .await;
    let _ana = Client::connect(&house.v0(&token("ana", |_| {}), "")).await;
    let (first, again) = (next(&mut received).await, next(&mut received).await);
    assert_eq!(first.body, again.body);
    assert_eq!(next(&mut received).await.json()["event"], "participant_joined");
}

#[tokio::test]
async fn the_last_webhooks_are_delivered_before_the_door_is_closed() {
    let (url, mut received) = receiver(0).await;
    let house = House::open_with(DoorConfig {
        webhook_urls: vec![url],
        ..DoorConfig::default()
    })
    .await;
    let (_ana, _) = house.join("ana").await;
    house.engine.shutdown(Duration::from_secs(5)).await;
    tokio::time::timeout(Duration::from_secs(10), house.door.closed())
        .await
        .unwrap();
    let mut last = String::new();
    while let Ok(delivery) = received.try_recv() {
        last = delivery.json()["event"].as_str().unwrap().to_owned();
    }
    assert_eq!(last, "room_finished");
}

#[tokio::test]
async fn only_web_addresses_are_receivers() {
    for url in ["", "ftp://example.org/", "file:///etc/passwd", "example.org"] {
        let house = House::open().await;
        let config = DoorConfig {
            webhook_urls: vec![url.to_owned()],
            ..DoorConfig::default()
        };
        let refused = tertulia_door_livekit::LiveKitDoor::start(house.engine, keys(), config);
        assert!(refused.is_err(), "for {url:?}");
    }
}
