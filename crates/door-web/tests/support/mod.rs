//! A house with an engine and the API, asked without a network.

#![allow(dead_code, reason = "each test file uses its own part")]

#[path = "../../../store/tests/kept/drawer.rs"]
mod drawer;
#[path = "../../../engine/tests/support/house.rs"]
pub mod house;
pub mod provider;
#[path = "../../../door-livekit/tests/support/tokens.rs"]
pub mod tokens;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, Response, StatusCode, header};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tertulia_auth::ApiKeys;
use tertulia_door_web::{Api, ApiSettings, IdentityProvider, PeopleSettings, Shelf, Trusted, router};
use tertulia_engine::Engine;
use tertulia_model::{Identity, RoomName};
use tertulia_people::{Account, AccountId, HashCost, LoginName, Password};
use tertulia_room::{Actor, Command, NewParticipant, Origin, Refusal};
use tertulia_store::{Blobs, Store};
use tower::ServiceExt as _;

use drawer::Drawer;

pub use tokens::now_ms as now;

#[derive(Clone)]
pub struct House {
    pub engine: Engine,
    pub keys: Arc<ApiKeys>,
    pub api: Api,
    router: Router,
    source: SocketAddr,
    /// The cookie of a browser, and where its page came from.
    cookie: Option<String>,
    origin: Option<String>,
    shelf: Option<Arc<Drawer>>,
}

/// Cheap, so that tests do not spend their time on it.
pub const CHEAP: HashCost = HashCost {
    memory_kib: 8,
    passes: 1,
};

pub struct Asked {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub json: Value,
}

impl House {
    pub fn new() -> Self {
        Self::build(None, ApiSettings::default(), None, Trusted::default())
    }

    /// A house that keeps accounts.
    pub async fn with_people(people: PeopleSettings) -> Self {
        let settings = ApiSettings {
            people,
            video_origins: vec!["https://media.example.org".to_owned()],
            ..ApiSettings::default()
        };
        Self::build(None, settings, Some(Drawer::open().await), Trusted::default())
    }

    /// A house that keeps accounts, of people whom a provider knows.
    pub async fn with_provider(provider: IdentityProvider) -> Self {
        Self::trusting(Trusted {
            provider: Some(provider),
            ..Trusted::default()
        })
        .await
    }

    /// A house that keeps accounts and trusts others.
    pub async fn trusting(trusted: Trusted) -> Self {
        let drawer = Drawer::open().await;
        Self::build(None, ApiSettings::default(), Some(drawer), trusted)
    }

    pub fn store(&self) -> &Store {
        &self.shelf.as_ref().unwrap().store
    }

    /// Makes an account whose password is its name four times.
    pub async fn account(&self, login: &str, admin: bool) -> Account {
        let password = Password::new(&login.repeat(4)).unwrap();
        let account = Account {
            id: AccountId::from_random(rand::random()),
            login: LoginName::parse(login).unwrap(),
            display_name: login.to_owned(),
            email: None,
            admin,
            disabled: false,
            password: Some(password.hash(1, CHEAP).unwrap()),
            external: None,
            created_at_ms: now(),
        };
        self.store().add_account(&account).await.unwrap();
        account
    }

    /// The house as a browser sees it in which this account is signed in.
    pub async fn signed_in(&self, login: &str) -> Self {
        let body = json!({"login": login, "password": login.repeat(4)}).to_string();
        let asked = self
            .send(Method::POST, "/api/v1/session", None, Some(&body))
            .await;
        assert_eq!(asked.status, StatusCode::OK, "{}", asked.json);
        self.with_cookie(&asked)
    }

    /// The house as a browser sees it that got this answer.
    pub fn with_cookie(&self, asked: &Asked) -> Self {
        let set = asked.headers[header::SET_COOKIE].to_str().unwrap();
        Self {
            cookie: set.split(';').next().map(str::to_owned),
            ..self.clone()
        }
    }

    /// The house as a page of this origin sees it.
    pub fn on_page(&self, origin: &str) -> Self {
        Self {
            origin: Some(origin.to_owned()),
            ..self.clone()
        }
    }

    pub fn with_capacity(participants: usize) -> Self {
        Self::build(
            Some(participants),
            ApiSettings::default(),
            None,
            Trusted::default(),
        )
    }

    pub fn closed() -> Self {
        Self::build(
            None,
            ApiSettings {
                open: false,
                ..ApiSettings::default()
            },
            None,
            Trusted::default(),
        )
    }

    fn build(
        max_participants: Option<usize>,
        settings: ApiSettings,
        drawer: Option<Drawer>,
        trusted: Trusted,
    ) -> Self {
        let mut config = house::settings();
        config.room_defaults.max_participants = max_participants;
        let engine = Engine::start(config).unwrap();
        let keys = Arc::new(tokens::keys());
        let api = match &drawer {
            Some(drawer) => {
                let shelf = Shelf {
                    store: drawer.store.clone(),
                    blobs: Blobs::open(&drawer.folder).unwrap(),
                };
                Api::kept(engine.clone(), keys.clone(), settings, shelf, trusted)
            }
            None => Api::new(engine.clone(), keys.clone(), settings),
        };
        let router = router(api.clone());
        Self {
            engine,
            keys,
            api,
            router,
            source: SocketAddr::from(([192, 0, 2, 1], 4_000)),
            cookie: None,
            origin: None,
            shelf: drawer.map(Arc::new),
        }
    }

    /// The same house asked from another address.
    pub fn from(&self, source: &str) -> Self {
        Self {
            source: SocketAddr::new(source.parse().unwrap(), 4_000),
            ..self.clone()
        }
    }

    pub async fn get(&self, path: &str) -> Asked {
        self.send(Method::GET, path, None, None).await
    }

    /// An answer that is no JSON.
    pub async fn text(&self, path: &str) -> String {
        let request = self.request(Method::GET, path, None, None);
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let bytes = axum::body::to_bytes(response.into_body(), 1_000_000)
            .await
            .unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    pub async fn join(&self, room: &str, body: Value) -> Asked {
        let path = format!("/api/v1/rooms/{room}/join");
        self.send(Method::POST, &path, None, Some(&body.to_string()))
            .await
    }

    pub async fn say(&self, token: &str, id: &str, text: &str) -> Asked {
        let body = json!({"id": id, "text": text}).to_string();
        self.send(
            Method::POST,
            "/api/v1/rooms/Weekly/chat",
            Some(token),
            Some(&body),
        )
        .await
    }

    pub async fn send(&self, method: Method, path: &str, token: Option<&str>, body: Option<&str>) -> Asked {
        asked(self.answer(method, path, token, body).await).await
    }

    /// Asks with a JSON body that comes piece by piece.
    pub async fn pour<S>(&self, path: &str, pieces: S) -> Asked
    where
        S: futures_util::Stream<Item = std::io::Result<Vec<u8>>> + Send + 'static,
    {
        let mut request = self.request(Method::POST, path, None, Some(""));
        *request.body_mut() = Body::from_stream(pieces);
        asked(self.router.clone().oneshot(request).await.unwrap()).await
    }

    /// An answer whose body is not read: some go on for as long as somebody listens.
    pub async fn answer(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&str>,
    ) -> Response<Body> {
        let request = self.request(method, path, token, body);
        self.router.clone().oneshot(request).await.unwrap()
    }

    fn request(&self, method: Method, path: &str, token: Option<&str>, body: Option<&str>) -> Request<Body> {
        let mut request = Request::builder()
            .method(&method)
            .uri(path)
            .header(header::HOST, "meet.example.org")
            .extension(ConnectInfo(self.source));
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        if let Some(origin) = &self.origin {
            request = request.header(header::ORIGIN, origin);
        }
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if method == Method::PATCH {
            // What is given to a file begins at its beginning.
            request = request.header("upload-offset", 0);
        }
        request
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_owned())))
            .unwrap()
    }

    pub fn token(&self, room: &str, identity: &str, guest: bool) -> String {
        self.signed(room, identity, guest, now())
    }

    /// The token of a guest who waits in the lobby.
    pub fn lobby_token(&self, room: &str, identity: &str) -> String {
        let mut claims = tokens::claims(identity, room);
        claims.own.guest = true;
        claims.video.room_join = false;
        tokens::signed(&claims, now())
    }

    pub fn guest_token_issued(&self, room: &str, identity: &str, at: u64) -> String {
        self.signed(room, identity, true, at)
    }

    fn signed(&self, room: &str, identity: &str, guest: bool, issued_at_ms: u64) -> String {
        let mut claims = tokens::claims(identity, room);
        claims.own.guest = guest;
        tokens::signed(&claims, issued_at_ms)
    }

    /// Brings somebody into a room as the signalling would, and gives their token. They stay until they leave.
    pub async fn enter(&self, room: &str, identity: &str) -> String {
        self.try_enter(room, identity, now()).await.unwrap();
        self.token(room, identity, true)
    }

    /// As [`House::enter`], with a credential issued then.
    pub async fn try_enter(
        &self,
        room: &str,
        identity: &str,
        credential_issued_at_ms: u64,
    ) -> Result<(), Refusal> {
        self.bring_in(room, identity, credential_issued_at_ms, Origin::Token)
            .await
    }

    /// One with a meeting in the room `Weekly`, and the tokens of its two guests: the host, who came first and moderates,
    /// and Ana.
    pub async fn weekly() -> (Self, String, String) {
        let house = Self::new();
        let host = house.enter_as("Weekly", "host", Origin::Guest).await;
        let ana = house.enter_as("Weekly", "ana", Origin::Guest).await;
        (house, host, ana)
    }

    /// As [`House::enter`], vouched for by that.
    pub async fn enter_as(&self, room: &str, identity: &str, origin: Origin) -> String {
        self.bring_in(room, identity, now(), origin).await.unwrap();
        self.token(room, identity, true)
    }

    async fn bring_in(
        &self,
        room: &str,
        identity: &str,
        credential_issued_at_ms: u64,
        origin: Origin,
    ) -> Result<(), Refusal> {
        let name = RoomName::parse(room).unwrap();
        let who = NewParticipant {
            credential_issued_at_ms,
            origin,
            ..house::newcomer(identity)
        };
        let handle = self.engine.open_room(&name, None).await.unwrap();
        let joined = handle.join(who, house::one_connection()).await?;
        // Nobody reads this queue, but it must not close: that would end the stay.
        tokio::spawn(async move {
            let mut events = joined.events;
            while events.recv().await.is_some() {}
        });
        Ok(())
    }

    pub async fn remove(&self, room: &str, identity: &str) {
        let identity = Identity::parse(identity).unwrap();
        self.command(
            room,
            Command::Remove {
                identity,
                revoke: true,
            },
        )
        .await;
    }

    pub async fn end(&self, room: &str) {
        self.command(room, Command::End).await;
    }

    pub async fn command(&self, room: &str, command: Command) {
        let handle = self.engine.find_room(&RoomName::parse(room).unwrap()).unwrap();
        handle.command(Actor::Admin, command).await.unwrap();
    }

    pub async fn stream(&self, room: &str, token: &str) -> Stream {
        self.stream_of(&format!("/api/v1/rooms/{room}/events"), token)
            .await
    }

    pub async fn stream_of(&self, path: &str, token: &str) -> Stream {
        let request = self.request(Method::GET, path, Some(token), None);
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Stream {
            body: response.into_body().into_data_stream(),
            text: String::new(),
        }
    }
}

async fn asked(response: Response<Body>) -> Asked {
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, 1_000_000).await.unwrap();
    let json = serde_json::from_slice(&bytes).unwrap_or_default();
    Asked {
        status: parts.status,
        headers: parts.headers,
        json,
    }
}

pub struct Stream {
    body: BodyDataStream,
    text: String,
}

#[derive(Debug)]
pub struct StreamEvent {
    pub kind: String,
    pub id: u64,
    pub data: Value,
}

impl Stream {
    pub async fn next(&mut self) -> StreamEvent {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let prefix = format!("{name}: ");
                    block
                        .lines()
                        .find_map(|line| line.strip_prefix(&prefix))
                        .unwrap_or_default()
                };
                let event = StreamEvent {
                    kind: field("event").to_owned(),
                    id: field("id").parse().unwrap(),
                    data: serde_json::from_str(field("data")).unwrap(),
                };
                self.text = rest.to_owned();
                return event;
            }
            let more = tokio::time::timeout(Duration::from_secs(10), self.body.next()).await;
            let bytes = more
                .expect("an event in time")
                .expect("the stream goes on")
                .unwrap();
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    /// The next event of that kind; others are passed over.
    pub async fn until(&mut self, kind: &str) -> StreamEvent {
        loop {
            let event = self.next().await;
            if event.kind == kind {
                return event;
            }
        }
    }

    /// Reads whatever comes until nothing does.
    pub async fn drain(&mut self) {
        loop {
            let more = tokio::time::timeout(Duration::from_secs(10), self.body.next()).await;
            if more.expect("an end in time").is_none() {
                return;
            }
        }
    }

    /// Whether nothing comes any more.
    pub async fn is_over(&mut self) -> bool {
        let more = tokio::time::timeout(Duration::from_secs(10), self.body.next()).await;
        self.text.is_empty() && more.expect("an end in time").is_none()
    }
}
