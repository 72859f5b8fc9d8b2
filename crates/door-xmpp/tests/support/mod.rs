//! A door on a real engine and a real socket, and a client that speaks the wire as a Jitsi client does.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops where its scene cannot be set"
)]

pub mod drawer;
#[path = "../../../engine/tests/support/house.rs"]
pub mod house;
#[path = "../../../door-livekit/tests/support/peer.rs"]
pub mod livekit;
pub mod peer;
#[path = "../../../door-livekit/tests/support/tokens.rs"]
pub mod tokens;
#[path = "../../../door-livekit/tests/support/wire.rs"]
pub mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, SinkExt, StreamExt};
use tertulia_door_livekit::LiveKitDoor;
use tertulia_door_xmpp::{DoorConfig, XmppDoor, router};
use tertulia_engine::{Engine, EngineConfig, Joined, RoomHandle};
use tertulia_model::RoomName;
use tertulia_room::NewParticipant;
use tertulia_store::Store;
use tertulia_trust::{JoinTokens, TrustedParty};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

pub use tokens::{keys, now_ms};

pub const DOMAIN: &str = "meet.jitsi";

/// How long anything expected may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A door that serves on a free port.
pub struct House {
    pub door: XmppDoor,
    pub engine: Engine,
    pub address: SocketAddr,
}

impl House {
    pub async fn open() -> Self {
        Self::open_with(DoorConfig::default()).await
    }

    pub async fn open_with(config: DoorConfig) -> Self {
        Self::build(config, Vec::new(), None).await
    }

    /// A house that takes tokens of applications.
    pub async fn trusting(config: DoorConfig, parties: Vec<TrustedParty>) -> Self {
        Self::build(config, parties, None).await
    }

    /// A house whose rooms are somebody's.
    pub async fn kept(store: Store) -> Self {
        Self::build(DoorConfig::default(), Vec::new(), Some(store)).await
    }

    async fn build(config: DoorConfig, parties: Vec<TrustedParty>, store: Option<Store>) -> Self {
        let engine = Engine::start(EngineConfig {
            workers: 2,
            ..house::settings()
        })
        .unwrap();
        let tokens = JoinTokens::new(Arc::new(keys()), parties);
        let door = match store {
            Some(store) => XmppDoor::kept(engine.clone(), tokens, config, store),
            None => XmppDoor::start(engine.clone(), tokens, config),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let livekit = LiveKitDoor::start(
            engine.clone(),
            keys(),
            tertulia_door_livekit::DoorConfig::default(),
        )
        .unwrap();
        let routes = router(door.clone()).merge(tertulia_door_livekit::router(livekit));
        let routes = routes.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self {
            door,
            engine,
            address,
        }
    }

    /// A connection that has said nothing yet.
    pub async fn connect(&self, query: &str) -> Client {
        self.connect_over("http", query).await
    }

    /// As [`House::connect`], over what the server says that the client came by.
    pub async fn connect_over(&self, scheme: &str, query: &str) -> Client {
        let url = format!("ws://{}/xmpp-websocket?room=weekly{query}", self.address);
        let mut request = url.into_client_request().unwrap();
        request
            .headers_mut()
            .insert("sec-websocket-protocol", "xmpp".parse().unwrap());
        request
            .headers_mut()
            .insert("x-forwarded-proto", scheme.parse().unwrap());
        let (socket, response) = connect_async(request).await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], "xmpp");
        Client {
            socket,
            jid: String::new(),
            ids: 0,
        }
    }

    /// A client with an address.
    pub async fn client(&self, query: &str) -> Client {
        let mut client = self.connect(query).await;
        client.authenticate().await;
        client.bind().await;
        client
    }

    /// A client in the room `weekly`, past everything a newcomer is told.
    pub async fn join(&self, name: &str) -> Client {
        let mut client = self.client("").await;
        client.join("weekly", name).await;
        client
    }

    /// Somebody who comes by another door.
    pub async fn stranger(&self, identity: &str) -> (RoomHandle, Joined) {
        let name = RoomName::parse("Weekly").unwrap();
        let room = self.engine.open_room(&name, None).await.unwrap();
        let who = NewParticipant {
            name: identity.to_uppercase(),
            credential_issued_at_ms: now_ms(),
            role: Some(tertulia_model::Role::Moderator),
            ..house::newcomer(identity)
        };
        let joined = room.join(who, house::one_connection()).await.unwrap();
        (room, joined)
    }

    /// The room `weekly`, which is open.
    pub fn room(&self) -> RoomHandle {
        self.engine
            .find_room(&RoomName::parse("weekly").unwrap())
            .unwrap()
    }

    /// Asks over plain HTTP. Gives the status line and the body.
    pub async fn http(&self, request: &str) -> (String, String) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        tokio::time::timeout(PATIENCE, socket.read_to_string(&mut answer))
            .await
            .unwrap()
            .unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().to_owned(), body.to_owned())
    }
}

/// A token of our own.
pub fn token(identity: &str, room: &str) -> String {
    tokens::signed(&tokens::claims(identity, room), now_ms())
}

/// The value of the first attribute of that name in a frame.
pub fn attribute(text: &str, name: &str) -> String {
    let (_, rest) = text.split_once(&format!(" {name}=\"")).unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

/// One stream.
pub struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Its whole address, once it has one.
    pub jid: String,
    ids: u32,
}

impl Client {
    pub async fn send(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// Sends what the server may have stopped to read by then.
    pub async fn send_in_vain(&mut self, text: &str) {
        let _broken = self.socket.send(Message::text(text)).await;
    }

    /// The next frame; `None` when the server has closed.
    pub async fn next(&mut self) -> Option<String> {
        let next = async {
            loop {
                match self.socket.next().await? {
                    Ok(Message::Text(text)) => return Some(text.to_string()),
                    Ok(Message::Close(_)) | Err(_) => return None,
                    Ok(_) => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, next)
            .await
            .expect("the server said nothing in time")
    }

    /// What has come already, without waiting.
    pub fn poll(&mut self) -> Option<String> {
        match self.socket.next().now_or_never()?? {
            Ok(Message::Text(text)) => Some(text.to_string()),
            _ => None,
        }
    }

    /// Reads on until a frame has all of these in it.
    pub async fn expect(&mut self, parts: &[&str]) -> String {
        let mut passed = Vec::new();
        loop {
            let Some(text) = self.next().await else {
                panic!("closed before {parts:?}; passed {passed:#?}");
            };
            if parts.iter().all(|part| text.contains(part)) {
                return text;
            }
            passed.push(text);
        }
    }

    /// Sends a request and gives its answer.
    pub async fn ask(&mut self, kind: &str, to: &str, contents: &str) -> String {
        self.ids += 1;
        let id = format!("ask-{}", self.ids);
        self.send(&format!(
            "<iq xmlns='jabber:client' type='{kind}' id='{id}' to='{to}'>{contents}</iq>"
        ))
        .await;
        self.expect(&[&format!("id=\"{id}\"")]).await
    }

    pub async fn open(&mut self) -> String {
        self.send(&format!(
            "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='{DOMAIN}' version='1.0'/>"
        ))
        .await;
        self.expect(&["<open ", "urn:ietf:params:xml:ns:xmpp-framing"])
            .await;
        self.expect(&["<stream:features"]).await
    }

    pub async fn authenticate(&mut self) {
        let features = self.open().await;
        assert!(
            features.contains("<mechanism>ANONYMOUS</mechanism>"),
            "{features}"
        );
        assert!(!features.contains("PLAIN"), "{features}");
        self.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>")
            .await;
        self.expect(&["<success "]).await;
        let features = self.open().await;
        assert!(
            features.contains("<bind ") && features.contains("urn:xmpp:sm:3"),
            "{features}"
        );
    }

    pub async fn bind(&mut self) {
        self.send("<iq xmlns='jabber:client' id='_bind' type='set'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
            .await;
        let bound = self.expect(&["id=\"_bind\"", "type=\"result\""]).await;
        let (_, rest) = bound.split_once("<jid>").unwrap();
        self.jid = rest.split_once("</jid>").unwrap().0.to_owned();
    }

    /// The id clients take for themselves.
    pub fn nick(&self) -> String {
        self.jid[..8].to_owned()
    }

    /// Joins and reads to the end of what a newcomer is told. Gives it all.
    pub async fn join(&mut self, room: &str, name: &str) -> Vec<String> {
        self.send_join(room, name, "").await;
        let mut told = Vec::new();
        loop {
            let text = self.next().await.expect("closed while joining");
            assert!(!text.contains("type=\"error\""), "{text}");
            let last = text.contains("<subject");
            told.push(text);
            if last {
                return told;
            }
        }
    }

    pub async fn send_join(&mut self, room: &str, name: &str, inside: &str) {
        let nick = self.nick();
        self.send(&format!(
            "<presence xmlns='jabber:client' to='{room}@conference.{DOMAIN}/{nick}'><x \
             xmlns='http://jabber.org/protocol/muc'>{inside}</x><stats-id>Veronica-io0</stats-id><SourceInfo>{{}}\
             </SourceInfo><jitsi_participant_codecList>vp9,vp8,h264</jitsi_participant_codecList><nick \
             xmlns='http://jabber.org/protocol/nick'>{name}</nick></presence>"
        ))
        .await;
    }

    /// Says something new about itself.
    pub async fn say_anew(&mut self, contents: &str) {
        let nick = self.nick();
        self.send(&format!(
            "<presence xmlns='jabber:client' to='weekly@conference.{DOMAIN}/{nick}'>{contents}</presence>"
        ))
        .await;
    }

    /// Breaks the connection without a goodbye.
    pub fn cut(self) {
        drop(self.socket);
    }
}
