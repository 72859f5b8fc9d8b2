//! A door on a real engine and a real socket, and a client that speaks the wire as an SDK does.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops where its scene cannot be set"
)]

#[path = "../../../engine/tests/support/house.rs"]
pub mod house;
pub mod peer;
pub mod tokens;
pub mod wire;

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use futures_util::{SinkExt, StreamExt};
use livekit_protocol as pb;
use pb::signal_request::Message as Request;
use pb::signal_response::Message as Response;
use prost::Message as _;
use tertulia_auth::Claims;
use tertulia_door_livekit::{DoorConfig, LiveKitDoor, router};
use tertulia_engine::{Engine, EngineConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

pub use tokens::keys;

/// How long anything expected may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A door that serves on a free port.
pub struct House {
    pub door: LiveKitDoor,
    pub engine: Engine,
    pub address: SocketAddr,
}

impl House {
    pub async fn open() -> Self {
        Self::open_with(DoorConfig::default()).await
    }

    pub async fn open_with(config: DoorConfig) -> Self {
        let engine = Engine::start(EngineConfig {
            workers: 2,
            // The second of a room is hosted on the other worker, so that stories of several are told across both.
            spread: tertulia_engine::Spread {
                participants: 1,
                sessions: 1,
            },
            ..house::settings()
        })
        .unwrap();
        let door = LiveKitDoor::start(engine.clone(), keys(), config).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = router(door.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self {
            door,
            engine,
            address,
        }
    }

    /// Joins by `/rtc/v1` and takes the first message.
    pub async fn join(&self, identity: &str) -> (Client, pb::JoinResponse) {
        let mut client =
            Client::connect(&self.v1(&token(identity, |_| {}), pb::JoinRequest::default())).await;
        let join = client.expect(|message| match message {
            Response::Join(join) => Some(join),
            other => panic!("the first message is {other:?}"),
        });
        let join = join.await;
        (client, join)
    }

    pub fn v1(&self, token: &str, request: pb::JoinRequest) -> String {
        let request = pb::JoinRequest {
            client_info: Some(request.client_info.unwrap_or(pb::ClientInfo {
                protocol: 17,
                ..Default::default()
            })),
            connection_settings: Some(request.connection_settings.unwrap_or(pb::ConnectionSettings {
                auto_subscribe: true,
                ..Default::default()
            })),
            ..request
        };
        let wrapped = pb::WrappedJoinRequest {
            compression: 0,
            join_request: request.encode_to_vec(),
        };
        let parameter = URL_SAFE.encode(wrapped.encode_to_vec());
        format!(
            "ws://{}/rtc/v1?access_token={token}&join_request={parameter}",
            self.address
        )
    }

    pub fn v0(&self, token: &str, more: &str) -> String {
        format!(
            "ws://{}/rtc?access_token={token}&protocol=16&sdk=go&version=2{more}",
            self.address
        )
    }
}

/// A token for the room `weekly`.
pub fn token(identity: &str, change: impl FnOnce(&mut Claims)) -> String {
    let mut claims = tokens::claims(identity, "weekly");
    change(&mut claims);
    tokens::signed(&claims, tokens::now_ms())
}

/// A token that administers the room `weekly` and may create and list rooms.
pub fn admin_token() -> String {
    token("", |claims| {
        claims.video.room_join = false;
        claims.video.room_admin = true;
        claims.video.room_create = true;
        claims.video.room_list = true;
    })
}

/// A signalling client.
pub struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    json: bool,
}

impl Client {
    pub async fn connect(url: &str) -> Self {
        let (socket, _) = connect_async(url).await.unwrap();
        Self { socket, json: false }
    }

    pub async fn send(&mut self, message: Request) {
        let bytes = pb::SignalRequest {
            message: Some(message),
        }
        .encode_to_vec();
        self.send_raw(Message::binary(bytes)).await;
    }

    /// Sends a text frame; from now on answers are JSON.
    pub async fn send_json(&mut self, text: &str) {
        self.json = true;
        self.send_raw(Message::text(text)).await;
    }

    pub async fn send_raw(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    /// The next signalling message; `None` when the server has closed.
    pub async fn next(&mut self) -> Option<Response> {
        let next = async {
            loop {
                match self.socket.next().await? {
                    Ok(Message::Binary(bytes)) => {
                        return pb::SignalResponse::decode(bytes).unwrap().message;
                    }
                    Ok(Message::Text(text)) => {
                        let response: pb::SignalResponse = serde_json::from_str(&text).unwrap();
                        return response.message;
                    }
                    Ok(Message::Close(_)) | Err(_) => return None,
                    Ok(_) => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, next)
            .await
            .expect("the server said nothing in time")
    }

    /// Reads on until a message is picked.
    pub async fn expect<T>(&mut self, mut pick: impl FnMut(Response) -> Option<T>) -> T {
        loop {
            let message = self.next().await.expect("the server closed the connection");
            if let Some(picked) = pick(message) {
                return picked;
            }
        }
    }

    /// Reads on until somebody's update is picked.
    pub async fn expect_participant(
        &mut self,
        pick: impl Fn(&pb::ParticipantInfo) -> bool,
    ) -> pb::ParticipantInfo {
        self.expect(|message| match message {
            Response::Update(update) => update
                .participants
                .into_iter()
                .find(|participant| pick(participant)),
            _ => None,
        })
        .await
    }

    pub async fn expect_leave(&mut self) -> pb::LeaveRequest {
        self.expect(|message| match message {
            Response::Leave(leave) => Some(leave),
            _ => None,
        })
        .await
    }

    pub async fn expect_outcome(&mut self) -> pb::RequestResponse {
        self.expect(|message| match message {
            Response::RequestResponse(response) => Some(response),
            _ => None,
        })
        .await
    }

    /// Breaks the connection without a goodbye.
    pub fn cut(self) {
        drop(self.socket);
    }

    /// Waits until the server closes.
    pub async fn closed(&mut self) {
        while self.next().await.is_some() {}
    }
}

pub fn microphone(cid: &str) -> Request {
    Request::AddTrack(pb::AddTrackRequest {
        cid: cid.to_owned(),
        name: "mic".to_owned(),
        r#type: pb::TrackType::Audio.into(),
        source: pb::TrackSource::Microphone.into(),
        ..Default::default()
    })
}
