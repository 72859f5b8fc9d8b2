//! The LiveKit protocol's single connection mode (`/rtc/v1`), as its clients speak it.

mod convert;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::{SinkExt as _, StreamExt as _};
use livekit_protocol as pb;
use pb::signal_request::Message as Up;
use pb::signal_response::Message as Down;
use prost::Message as _;
use tertulia_auth::{ApiKey, Claims, Validity, VideoGrant};
use tertulia_model::{Identity, RoomName};
use tokio::net::{TcpStream, UdpSocket, lookup_host};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::{Request, Signal, Signalling, Who};
use crate::error::ClientError;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Messages that may wait in either direction.
const QUEUE: usize = 1_024;
/// How long the server may take for its first message.
const JOIN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a good-bye may take.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(2);

/// A server that speaks LiveKit, and the key pair that signs our tokens.
#[derive(Debug, Clone)]
pub struct LiveKitPlace {
    url: String,
    key: ApiKey,
}

impl LiveKitPlace {
    /// `url` is the server's base address, `ws://host:port` or `http://host:port`.
    ///
    /// # Errors
    /// [`ClientError::Address`].
    pub fn new(url: &str, key: ApiKey) -> Result<Self, ClientError> {
        let rest = url.strip_prefix("ws://").or_else(|| url.strip_prefix("http://"));
        let host = rest
            .map(|rest| rest.trim_end_matches('/'))
            .filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| ClientError::Address(url.to_owned()))?;
        Ok(Self {
            url: format!("ws://{host}"),
            key,
        })
    }

    fn token(&self, who: &Who) -> Result<String, ClientError> {
        let room = RoomName::parse(&who.room).map_err(|error| ClientError::Signalling(error.to_string()))?;
        let identity =
            Identity::parse(&who.identity).map_err(|error| ClientError::Signalling(error.to_string()))?;
        let claims = Claims {
            identity: Some(identity),
            name: who.identity.clone(),
            video: VideoGrant {
                room_join: true,
                room: Some(room),
                ..VideoGrant::default()
            },
            ..Claims::default()
        };
        let issued_at_ms = unix_ms();
        let validity = Validity {
            issued_at_ms,
            expires_at_ms: issued_at_ms + 3_600_000,
        };
        self.key.sign(&claims, validity).map_err(ClientError::Token)
    }
}

/// A joined client.
#[derive(Debug)]
pub struct LiveKit {
    requests: mpsc::Sender<pb::SignalRequest>,
    signals: mpsc::Receiver<Signal>,
    offers: u32,
    pump: JoinHandle<()>,
}

impl Signalling for LiveKit {
    type Place = LiveKitPlace;

    const JOINS_WITH_OFFER: bool = true;

    async fn local_address(place: &LiveKitPlace) -> Result<IpAddr, ClientError> {
        let host = place.url.trim_start_matches("ws://");
        let host = host.split('/').next().unwrap_or(host);
        let with_port = if host.contains(':') {
            host.to_owned()
        } else {
            format!("{host}:80")
        };
        let server = lookup_host(with_port).await?.next();
        let server = server.ok_or_else(|| ClientError::Address(place.url.clone()))?;
        let any: SocketAddr = if server.is_ipv4() {
            SocketAddr::from(([0, 0, 0, 0], 0))
        } else {
            SocketAddr::from(([0_u16; 8], 0))
        };
        let probe = UdpSocket::bind(any).await?;
        probe.connect(server).await?;
        Ok(probe.local_addr()?.ip())
    }

    async fn join(place: &LiveKitPlace, who: &Who, offer: String) -> Result<Self, ClientError> {
        let parameter = URL_SAFE_NO_PAD.encode(convert::join_request(who, offer)?);
        let url = format!("{}/rtc/v1?join_request={parameter}", place.url);
        let mut request = url
            .into_client_request()
            .map_err(|error| ClientError::Connect(Box::new(error)))?;
        let bearer = HeaderValue::from_str(&format!("Bearer {}", place.token(who)?));
        let bearer =
            bearer.map_err(|_| ClientError::Signalling("the token is no header value".to_owned()))?;
        request.headers_mut().insert("Authorization", bearer);
        let connected = tokio_tungstenite::connect_async_with_config(request, None, true).await;
        let (mut socket, _) = connected.map_err(|error| ClientError::Connect(Box::new(error)))?;

        let first = tokio::time::timeout(JOIN_TIMEOUT, receive(&mut socket)).await;
        let first = first.map_err(|_| ClientError::TooLate("the join response", JOIN_TIMEOUT.as_secs()))?;
        let joined = match first {
            Some(Down::Join(joined)) => joined,
            Some(Down::Leave(leave)) => return Err(ClientError::Ended(convert::reason(&leave))),
            Some(_) => {
                return Err(ClientError::Signalling(
                    "the first message is no join response".to_owned(),
                ));
            }
            None => {
                return Err(ClientError::Signalling(
                    "closed before the join response".to_owned(),
                ));
            }
        };
        let (request_sender, request_receiver) = mpsc::channel(QUEUE);
        let (signal_sender, signals) = mpsc::channel(QUEUE);
        let ping = Duration::from_secs(u64::try_from(joined.ping_interval).unwrap_or(0).max(1));
        let own = joined
            .participant
            .as_ref()
            .map(|own| own.identity.clone())
            .unwrap_or_default();
        let others = joined.other_participants.iter().map(convert::tracks).collect();
        let pump = Pump {
            socket,
            own,
            requests: request_receiver,
            signals: signal_sender,
            ping,
        };
        let pump = tokio::spawn(pump.run(others));
        Ok(Self {
            requests: request_sender,
            signals,
            offers: 1,
            pump,
        })
    }

    /// The first event of the stream that pages of the web app follow.
    async fn read_state(place: &LiveKitPlace, who: &Who) -> Result<Option<usize>, ClientError> {
        let unread = |error: reqwest::Error| ClientError::Signalling(error.to_string());
        let base = place.url.replacen("ws://", "http://", 1);
        let room = who.room.replace(' ', "%20");
        let mut answer = reqwest::Client::new()
            .get(format!("{base}/api/v1/rooms/{room}/events"))
            .bearer_auth(place.token(who)?)
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(unread)?;
        let mut told = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(unread)? {
            told.extend_from_slice(&piece);
            if told.ends_with(b"\n\n") {
                return Ok(Some(told.len()));
            }
        }
        Ok(None)
    }

    fn request(&mut self, request: Request) -> Result<(), ClientError> {
        let message = match request {
            Request::Publish(track) => Up::AddTrack(convert::add_track(&track)),
            Request::Offer(sdp) => {
                self.offers += 1;
                Up::Offer(convert::offer(sdp, self.offers))
            }
            // In this mode the server never offers.
            Request::Answer(_) => return Ok(()),
            Request::Show { track, width, height } => Up::TrackSetting(pb::UpdateTrackSettings {
                track_sids: vec![track],
                width,
                height,
                quality: pb::VideoQuality::High.into(),
                ..pb::UpdateTrackSettings::default()
            }),
        };
        self.send(message)
    }

    async fn next(&mut self) -> Option<Signal> {
        self.signals.recv().await
    }

    async fn leave(mut self) {
        let leave = pb::LeaveRequest {
            reason: pb::DisconnectReason::ClientInitiated.into(),
            ..pb::LeaveRequest::default()
        };
        let sent = self.send(Up::Leave(leave));
        // Without these the pump sends what is left and ends.
        drop((self.requests, self.signals));
        if sent.is_err() || tokio::time::timeout(LEAVE_TIMEOUT, &mut self.pump).await.is_err() {
            self.pump.abort();
        }
    }
}

impl LiveKit {
    fn send(&mut self, message: Up) -> Result<(), ClientError> {
        let sent = self.requests.try_send(pb::SignalRequest {
            message: Some(message),
        });
        sent.map_err(|_| ClientError::Signalling("the connection does not keep up, or is gone".to_owned()))
    }
}

/// Carries messages between the socket and a client, and keeps the connection alive.
struct Pump {
    socket: Socket,
    own: String,
    requests: mpsc::Receiver<pb::SignalRequest>,
    signals: mpsc::Sender<Signal>,
    ping: Duration,
}

impl Pump {
    async fn run(mut self, others: Vec<Signal>) {
        for tracks in others {
            if self.signals.send(tracks).await.is_err() {
                return;
            }
        }
        let mut ping = tokio::time::interval(self.ping);
        loop {
            tokio::select! {
                message = receive(&mut self.socket) => {
                    let Some(message) = message else { break };
                    for signal in convert::signals(message, &self.own) {
                        if self.signals.send(signal).await.is_err() {
                            break;
                        }
                    }
                }
                request = self.requests.recv() => {
                    let Some(request) = request else { break };
                    if !self.send(&request).await {
                        break;
                    }
                }
                _ = ping.tick() => {
                    let timestamp = i64::try_from(unix_ms()).unwrap_or(0);
                    let request = Up::PingReq(pb::Ping { timestamp, rtt: 0 });
                    if !self.send(&pb::SignalRequest { message: Some(request) }).await {
                        break;
                    }
                }
            }
        }
        if let Err(error) = self.socket.close(None).await {
            tracing::trace!(%error, "the signalling connection was closed already");
        }
    }

    async fn send(&mut self, request: &pb::SignalRequest) -> bool {
        self.socket
            .send(Message::Binary(request.encode_to_vec().into()))
            .await
            .is_ok()
    }
}

/// Waits for the next message of the protocol; `None` when the connection ends. May be dropped without loss.
async fn receive(socket: &mut Socket) -> Option<Down> {
    loop {
        match socket.next().await? {
            Ok(Message::Binary(bytes)) => match pb::SignalResponse::decode(bytes) {
                Ok(response) => {
                    if let Some(message) = response.message {
                        return Some(message);
                    }
                }
                Err(error) => tracing::warn!(%error, "a message that cannot be read"),
            },
            Ok(Message::Close(_)) => return None,
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(%error, "the signalling connection broke");
                return None;
            }
        }
    }
}

fn unix_ms() -> u64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
