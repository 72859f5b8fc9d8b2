//! People whom an application sends with its own join tokens, and the attacks on that (the J-numbers of the attack list).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod support;

use axum::http::StatusCode;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use support::{Asked, House, now};
use tertulia_auth::{Claims, TrustedIssuer, TrustedKeys};
use tertulia_door_web::Trusted;
use tertulia_model::Role;
use tertulia_trust::{Fetcher, KeySource, TrustedParty};

const RSA: &[u8] = include_bytes!("../../auth/src/trusted/testdata/rsa.pem");
const RSA_PUBLIC: &[u8] = include_bytes!("../../auth/src/trusted/testdata/rsa.pub.pem");

async fn house() -> House {
    let names = |name: &str| vec![name.to_owned()];
    let terms = TrustedIssuer::new(
        names("portal"),
        names("jitsi"),
        names("school"),
        TrustedKeys::default(),
    );
    let source = KeySource::Given(TrustedKeys::from_pem(RSA_PUBLIC).unwrap());
    House::trusting(Trusted {
        applications: [TrustedParty::new(terms, source, &Fetcher::new().unwrap())].into(),
        ..Trusted::default()
    })
    .await
}

fn payload() -> Value {
    json!({
        "iss": "portal", "aud": "jitsi", "sub": "school", "room": "Weekly", "exp": now() / 1_000 + 600,
        "context": {
            "user": {"id": "42", "name": "Ana Gil", "moderator": "true"},
            "features": {"recording": false}
        }
    })
}

fn with(field: &str, value: Value) -> Value {
    let mut payload = payload();
    payload[field] = value;
    payload
}

fn signed(payload: &Value) -> String {
    let key = EncodingKey::from_rsa_pem(RSA).unwrap();
    jsonwebtoken::encode(&Header::new(Algorithm::RS256), payload, &key).unwrap()
}

async fn come(house: &House, room: &str, token: &str) -> Asked {
    house
        .join(room, json!({"displayName": "Somebody", "token": token}))
        .await
}

fn claims(house: &House, asked: &Asked) -> Claims {
    let token = asked.json["token"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", asked.json));
    house.keys.verify(token, now()).unwrap().claims
}

fn refused(asked: &Asked, status: StatusCode, what: &str) {
    assert_eq!(asked.status, status, "{what}: {}", asked.json);
    assert_eq!(asked.json.get("token"), None);
}

#[tokio::test]
async fn somebody_comes_as_the_application_describes_them() {
    let house = house().await;
    let came = come(&house, "Weekly", &signed(&payload())).await;
    assert_eq!(came.json["displayName"], "Ana Gil");
    let said = claims(&house, &came);
    assert_eq!(said.own.role, Some(Role::Moderator));
    assert!(!said.own.guest && said.own.account.is_none());
    assert_eq!(said.own.features.get("recording"), Some(&false));

    let again = come(&house, "Weekly", &signed(&payload())).await;
    assert_eq!(again.json["identity"], came.json["identity"], "the same person");
    let mut other = payload();
    other["context"]["user"] = json!({"id": "43"});
    let other = come(&house, "Weekly", &signed(&other)).await;
    assert_ne!(other.json["identity"], came.json["identity"]);
    assert_eq!(other.json["displayName"], "Somebody");
    assert_eq!(
        claims(&house, &other).own.role,
        None,
        "who does not moderate does not"
    );
}

#[tokio::test]
async fn j6_j7_a_token_opens_its_room_and_a_star_alone_means_all() {
    let house = house().await;
    let token = signed(&payload());
    refused(
        &come(&house, "Other", &token).await,
        StatusCode::FORBIDDEN,
        "another room",
    );
    assert_eq!(come(&house, "weekly", &token).await.status, StatusCode::OK);
    let all = signed(&with("room", json!("*")));
    assert_eq!(come(&house, "Other", &all).await.status, StatusCode::OK);
    for pattern in ["Week*", ".*", "**", "Weekly.", "Wееkly"] {
        let asked = come(&house, "Weekly", &signed(&with("room", json!(pattern)))).await;
        assert!(asked.status.is_client_error(), "for {pattern}");
    }
}

#[tokio::test]
async fn j1_to_j5_forged_foreign_and_stale_tokens_are_refused() {
    let house = house().await;
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    let whole = signed(&payload());
    let body = whole.split('.').nth(1).unwrap();
    let by_public_key = jsonwebtoken::encode(
        &Header::new(Algorithm::HS256),
        &payload(),
        &EncodingKey::from_secret(RSA_PUBLIC),
    )
    .unwrap();
    let mut tokens = vec![
        ("J1", format!("{none}.{body}.")),
        ("J2", by_public_key),
        ("cut", whole[..whole.len() - 9].to_owned()),
        ("nonsense", "x".repeat(40_000)),
    ];
    for (number, field, value) in [
        ("J4", "aud", json!("another")),
        ("J4", "aud", json!(["jitsi"])),
        ("J4", "iss", json!("another")),
        ("J4", "sub", json!("elsewhere")),
        ("J5", "exp", json!(now() / 1_000 - 61)),
        ("J5", "exp", json!(-1)),
        ("J5", "exp", json!("soon")),
        ("J5", "nbf", json!(now() / 1_000 + 600)),
    ] {
        tokens.push((number, signed(&with(field, value))));
    }
    let count = tokens.len() as u64;
    for (number, token) in tokens {
        refused(
            &come(&house, "Weekly", &token).await,
            StatusCode::UNAUTHORIZED,
            number,
        );
    }
    assert_eq!(house.api.stats().tokens_refused, count);
}

#[tokio::test]
async fn a_token_that_says_all_rights_gives_no_other() {
    let house = house().await;
    let own = house.token("Weekly", "bot", false);
    let came = come(&house, "Weekly", &own).await;
    assert_eq!(
        claims(&house, &came),
        house.keys.verify(&own, now()).unwrap().claims
    );
    refused(&come(&house, "Other", &own).await, StatusCode::FORBIDDEN, "J7");

    let video = json!({"roomJoin": true, "room": "Weekly", "canPublish": false});
    let token = json!({
        "iss": "portal", "aud": "jitsi", "sub": "watcher", "exp": now() / 1_000 + 600, "video": video,
        "tertulia": {"role": "owner"}
    });
    let came = come(&house, "Weekly", &signed(&token)).await;
    let said = claims(&house, &came);
    assert_eq!(said.video.can_publish, Some(false));
    assert_eq!(
        said.own.role, None,
        "what is decided here alone is not taken from others"
    );
}
