//! Join tokens of an issuer who publishes its keys, against a server of its own on this machine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use tertulia_auth::{ApiKey, ApiKeys, AuthError, TrustedGrant, TrustedIssuer, TrustedKeys};
use tertulia_trust::{Bearer, Care, Fetcher, JoinTokens, KeySource, TrustedParty};
use tokio::net::TcpListener;

const RSA: &[u8] = include_bytes!("../../auth/src/trusted/testdata/rsa.pem");
const EC: &[u8] = include_bytes!("../../auth/src/trusted/testdata/ec.pem");
const EC_PUBLIC: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../auth/src/trusted/testdata/ec.pub.pem"
);
const NOW: u64 = 1_790_000_000_000;

/// What the issuer answers when asked for its keys.
#[derive(Clone)]
enum Answer {
    Keys(Vec<(&'static str, Algorithm)>),
    Endless,
    Elsewhere,
    Broken,
}

#[derive(Clone)]
struct Issuer {
    answer: Arc<Mutex<Answer>>,
    asked: Arc<AtomicU32>,
    led_astray: Arc<AtomicU32>,
    url: String,
}

impl Issuer {
    async fn open(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let issuer = Self {
            answer: Arc::new(Mutex::new(answer)),
            asked: Arc::default(),
            led_astray: Arc::default(),
            url,
        };
        let router = Router::new()
            .route("/jwks", get(published))
            .route("/elsewhere", get(astray))
            .with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        issuer
    }

    fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }

    fn tokens(&self, care: Care) -> JoinTokens {
        tokens(KeySource::url(&format!("{}/jwks", self.url)).unwrap(), care)
    }
}

async fn published(State(issuer): State<Issuer>) -> Response {
    issuer.asked.fetch_add(1, Ordering::Relaxed);
    let answer = issuer.answer.lock().unwrap().clone();
    match answer {
        Answer::Keys(keys) => {
            let keys: Vec<_> = keys
                .into_iter()
                .map(|(id, algorithm)| jwk(id, algorithm))
                .collect();
            json!({ "keys": keys }).to_string().into_response()
        }
        Answer::Endless => "x".repeat(50 << 20).into_response(),
        Answer::Elsewhere => {
            let there = format!("{}/elsewhere", issuer.url);
            (StatusCode::FOUND, [(LOCATION, there)]).into_response()
        }
        Answer::Broken => StatusCode::BAD_GATEWAY.into_response(),
    }
}

async fn astray(State(issuer): State<Issuer>) -> String {
    issuer.led_astray.fetch_add(1, Ordering::Relaxed);
    json!({ "keys": [jwk("a", Algorithm::RS256)] }).to_string()
}

fn key(algorithm: Algorithm) -> EncodingKey {
    match algorithm {
        Algorithm::ES256 => EncodingKey::from_ec_pem(EC).unwrap(),
        _ => EncodingKey::from_rsa_pem(RSA).unwrap(),
    }
}

fn jwk(id: &str, algorithm: Algorithm) -> serde_json::Value {
    let jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&key(algorithm), algorithm).unwrap();
    let mut jwk = serde_json::to_value(jwk).unwrap();
    jwk["kid"] = json!(id);
    jwk
}

fn tokens(source: KeySource, care: Care) -> JoinTokens {
    let own = ApiKey::new("own", "h8Zk3vQpL0mX7cRt2yWn5bJd9fGs4aUe").unwrap();
    let names = |name: &str| vec![name.to_owned()];
    let terms = TrustedIssuer::new(
        names("portal"),
        names("jitsi"),
        Vec::new(),
        TrustedKeys::default(),
    );
    let party = TrustedParty::cared_for(terms, source, &Fetcher::new().unwrap(), care);
    JoinTokens::new(Arc::new(ApiKeys::new(vec![own]).unwrap()), vec![party])
}

fn token(id: &str, algorithm: Algorithm) -> String {
    let header = Header {
        kid: Some(id.to_owned()),
        ..Header::new(algorithm)
    };
    let payload = json!({
        "iss": "portal", "aud": "jitsi", "sub": "*", "room": "*", "exp": NOW / 1_000 + 600,
        "context": {"user": {"id": "42", "name": "Ana"}}
    });
    jsonwebtoken::encode(&header, &payload, &key(algorithm)).unwrap()
}

async fn check(tokens: &JoinTokens, token: &str) -> Result<(), AuthError> {
    match tokens.verify(token, NOW).await? {
        Bearer::Trusted(TrustedGrant::Jitsi(grant)) => {
            assert_eq!(grant.claims.user.name.as_deref(), Some("Ana"));
            Ok(())
        }
        other => panic!("{other:?}"),
    }
}

/// Everything is old at once, and nothing need be waited for.
const ALWAYS: Care = Care {
    fresh: Duration::ZERO,
    pause: Duration::ZERO,
};
const ON_NEED: Care = Care {
    fresh: Duration::from_secs(3_600),
    pause: Duration::ZERO,
};

#[tokio::test]
async fn an_issuer_takes_a_new_key_into_use() {
    let issuer = Issuer::open(Answer::Keys(vec![("a", Algorithm::RS256)])).await;
    let tokens = issuer.tokens(ON_NEED);
    for _ in 0..5 {
        check(&tokens, &token("a", Algorithm::RS256)).await.unwrap();
    }
    assert_eq!(issuer.asked(), 1, "keys are kept");
    issuer.answers(Answer::Keys(vec![("b", Algorithm::RS256)]));
    check(&tokens, &token("b", Algorithm::RS256)).await.unwrap();
    assert_eq!(issuer.asked(), 2, "an unknown key has them read again");
    let withdrawn = check(&tokens, &token("a", Algorithm::RS256)).await;
    assert_eq!(withdrawn, Err(AuthError::UnknownKey));
}

#[tokio::test]
async fn j3_unknown_keys_do_not_make_us_ask_the_issuer_each_time() {
    let issuer = Issuer::open(Answer::Keys(vec![("a", Algorithm::RS256)])).await;
    let tokens = issuer.tokens(Care::default());
    check(&tokens, &token("a", Algorithm::RS256)).await.unwrap();
    for id in ["../../etc/passwd", "' OR 1=1", "http://169.254.169.254/"] {
        for _ in 0..20 {
            let refused = check(&tokens, &token(id, Algorithm::RS256)).await;
            assert_eq!(refused, Err(AuthError::UnknownKey), "for {id}");
        }
    }
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn j13_a_flapping_issuer_costs_nothing_but_news() {
    let issuer = Issuer::open(Answer::Keys(vec![("a", Algorithm::RS256)])).await;
    let tokens = issuer.tokens(ALWAYS);
    let known = token("a", Algorithm::RS256);
    check(&tokens, &known).await.unwrap();
    for answer in [
        Answer::Endless,
        Answer::Elsewhere,
        Answer::Broken,
        Answer::Keys(Vec::new()),
    ] {
        issuer.answers(answer);
        check(&tokens, &known).await.unwrap();
    }
    assert_eq!(issuer.asked(), 5, "each was asked for");
    assert_eq!(
        issuer.led_astray.load(Ordering::Relaxed),
        0,
        "no redirect is followed"
    );
}

#[tokio::test]
async fn j13_without_any_keys_nobody_comes_in() {
    for answer in [Answer::Endless, Answer::Elsewhere, Answer::Broken] {
        let issuer = Issuer::open(answer).await;
        let refused = check(&issuer.tokens(ALWAYS), &token("a", Algorithm::RS256)).await;
        assert_eq!(refused, Err(AuthError::UnknownKey));
    }
}

#[tokio::test]
async fn keys_in_a_file_are_a_pem_or_a_set() {
    let pem = tokens(KeySource::File(EC_PUBLIC.into()), ALWAYS);
    check(&pem, &token("any", Algorithm::ES256)).await.unwrap();
    assert_eq!(
        check(&pem, &token("any", Algorithm::RS256)).await,
        Err(AuthError::Algorithm)
    );

    let path = std::env::temp_dir().join(format!("tertulia-trust-{}.json", std::process::id()));
    std::fs::write(&path, json!({ "keys": [jwk("f", Algorithm::RS256)] }).to_string()).unwrap();
    let set = tokens(KeySource::File(path.clone()), ALWAYS);
    check(&set, &token("f", Algorithm::RS256)).await.unwrap();
    std::fs::remove_file(&path).unwrap();
    check(&set, &token("f", Algorithm::RS256)).await.unwrap();
}
