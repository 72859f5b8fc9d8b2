//! A provider of identities on this machine, which does as the test tells it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tertulia_door_web::{IdentityProvider, ProviderTerms};
use tertulia_trust::{Fetcher, Provider, ProviderSettings};
use tokio::net::TcpListener;

use super::now;

const RSA: &[u8] = include_bytes!("../../../auth/src/trusted/testdata/rsa.pem");
const CLIENT: &str = "tertulia";
/// With signs that mean something in a form and in a header.
const SECRET: &str = "s3cret:+&%";
const HOME: &str = "https://meet.example.org";

/// A provider, and what it is told to do.
#[derive(Clone)]
pub struct FakeProvider {
    pub origin: String,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    /// Codes given and not yet redeemed, with the challenge and what their identity token says.
    codes: HashMap<String, (String, Value)>,
    given: u32,
    user_information: Value,
    names_itself: bool,
}

impl FakeProvider {
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Self {
            origin: format!("http://{}", listener.local_addr().unwrap()),
            inner: Arc::default(),
        };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .route("/me", get(user_information))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    /// Trusts this provider, on terms that the test may change.
    pub fn trusted(&self, change: impl FnOnce(&mut ProviderTerms)) -> IdentityProvider {
        let mut terms = ProviderTerms {
            name: "School".to_owned(),
            secure: true,
            home: format!("{HOME}/"),
            domains: Vec::new(),
            admin: None,
            makes_accounts: true,
            signs_out: false,
        };
        change(&mut terms);
        let settings = ProviderSettings {
            issuer: self.origin.clone(),
            client_id: CLIENT.to_owned(),
            client_secret: SECRET.to_owned(),
            scopes: vec!["profile".to_owned(), "email".to_owned()],
            redirect_uri: format!("{HOME}/api/v1/provider/answer"),
            wanted_claim: terms.admin.as_ref().map(|(claim, _)| claim.clone()),
        };
        IdentityProvider {
            provider: Provider::new(settings, Fetcher::new().unwrap()).unwrap(),
            terms,
        }
    }

    /// What an identity token of this provider says of somebody who was sent here with this nonce.
    pub fn says(&self, nonce: &str, subject: &str) -> Value {
        json!({
            "iss": self.origin, "aud": CLIENT, "sub": subject, "nonce": nonce,
            "iat": now() / 1_000, "exp": now() / 1_000 + 300
        })
    }

    /// Lets somebody in: a code for whoever shows what `challenge` was made of.
    pub fn code(&self, challenge: &str, token: Value) -> String {
        let mut inner = self.inner.lock().unwrap();
        inner.given += 1;
        let code = format!("code-{}", inner.given);
        inner.codes.insert(code.clone(), (challenge.to_owned(), token));
        code
    }

    /// What it answers to who has an access token.
    pub fn knows(&self, information: Value) {
        self.inner.lock().unwrap().user_information = information;
    }

    /// From now on it promises to name itself in its answers.
    pub fn names_itself(&self) {
        self.inner.lock().unwrap().names_itself = true;
    }
}

async fn metadata(State(provider): State<FakeProvider>) -> Json<Value> {
    let origin = &provider.origin;
    Json(json!({
        "issuer": origin,
        "authorization_endpoint": format!("{origin}/authorize?theme=plain"),
        "token_endpoint": format!("{origin}/token"),
        "jwks_uri": format!("{origin}/keys"),
        "userinfo_endpoint": format!("{origin}/me"),
        "end_session_endpoint": format!("{origin}/end"),
        "authorization_response_iss_parameter_supported": provider.inner.lock().unwrap().names_itself,
    }))
}

async fn keys() -> Json<Value> {
    let key = EncodingKey::from_rsa_pem(RSA).unwrap();
    let mut jwk =
        serde_json::to_value(jsonwebtoken::jwk::Jwk::from_encoding_key(&key, Algorithm::RS256).unwrap())
            .unwrap();
    jwk["kid"] = json!("k");
    Json(json!({ "keys": [jwk] }))
}

async fn token(
    State(provider): State<FakeProvider>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let refused = |error: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    let client = STANDARD.encode(format!("{CLIENT}:s3cret%3A%2B%26%25"));
    if headers["authorization"] != format!("Basic {client}") {
        return refused("invalid_client");
    }
    let given = form
        .get("code")
        .and_then(|code| provider.inner.lock().unwrap().codes.remove(code));
    let Some((challenge, says)) = given else {
        return refused("invalid_grant");
    };
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, form["code_verifier"].as_bytes());
    let right = URL_SAFE_NO_PAD.encode(digest.as_ref()) == challenge
        && form["grant_type"] == "authorization_code"
        && form["redirect_uri"] == format!("{HOME}/api/v1/provider/answer");
    if !right {
        return refused("invalid_grant");
    }
    let header = Header {
        kid: Some("k".to_owned()),
        ..Header::new(Algorithm::RS256)
    };
    let key = EncodingKey::from_rsa_pem(RSA).unwrap();
    let id_token = jsonwebtoken::encode(&header, &says, &key).unwrap();
    Json(json!({"id_token": id_token, "access_token": "access", "token_type": "Bearer"})).into_response()
}

async fn user_information(State(provider): State<FakeProvider>, headers: HeaderMap) -> Response {
    if headers["authorization"] != "Bearer access" {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    Json(provider.inner.lock().unwrap().user_information.clone()).into_response()
}
