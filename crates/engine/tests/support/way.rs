//! How a client's packets travel: straight, or through the TURN server by UDP or over a stream.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tertulia_engine::{IceServer, Reach, TurnConfig};
use tertulia_turn::stun::{
    AttributeType, Class, IntegrityAlgorithm, Key, KeyAlgorithm, Message, Method, TransactionId, Writer,
};
use tertulia_turn::{Framer, Secret};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PATIENCE: Duration = Duration::from_secs(20);

/// Our own TURN server, with a UDP port of its own.
pub fn relaying(single_port: bool) -> Reach {
    Reach {
        single_port,
        turn: Some(TurnConfig {
            realm: "tertulia.test".to_owned(),
            host: None,
            secrets: vec![Secret::new(b"north-south-east-west").unwrap()],
            credential_lifetime: Duration::from_secs(600),
            udp_port: Some(0),
            urls: Vec::new(),
            wider: None,
        }),
        ice_servers: Vec::new(),
    }
}

pub enum Way {
    /// A socket, and where the client believes to be.
    Straight(UdpSocket, SocketAddr),
    Relayed(Box<Relay>),
}

impl Way {
    pub async fn straight() -> Self {
        Self::over(UdpSocket::bind((LOOPBACK, 0)).await.unwrap()).await
    }

    pub async fn over(socket: UdpSocket) -> Self {
        let address = socket.local_addr().unwrap();
        // What is tried on a socket nobody has waited for is not sent.
        socket.writable().await.unwrap();
        Self::Straight(socket, address)
    }

    /// Goes on from another address without noticing, as when a router in between changes.
    pub async fn roam(&mut self, to: UdpSocket) {
        to.writable().await.unwrap();
        if let Self::Straight(socket, _) = self {
            *socket = to;
        }
    }

    /// Where the client is seen.
    pub fn address(&self) -> SocketAddr {
        match self {
            Self::Straight(_, address) => *address,
            Self::Relayed(relay) => relay.relayed,
        }
    }

    pub fn send(&mut self, contents: &[u8], destination: SocketAddr) {
        // A full socket buffer loses a packet, as networks do.
        match self {
            Self::Straight(socket, _) => drop(socket.try_send_to(contents, destination)),
            Self::Relayed(relay) => relay.send(contents, destination),
        }
    }

    pub fn receive(&mut self) -> Option<(Vec<u8>, SocketAddr)> {
        match self {
            Self::Straight(socket, _) => {
                let mut buffer = vec![0; 2_000];
                let (length, source) = socket.try_recv_from(&mut buffer).ok()?;
                buffer.truncate(length);
                Some((buffer, source))
            }
            Self::Relayed(relay) => relay.receive(),
        }
    }
}

/// The way to the server itself.
pub enum Link {
    Udp(UdpSocket),
    Stream {
        out: mpsc::UnboundedSender<Vec<u8>>,
        frames: mpsc::UnboundedReceiver<Vec<u8>>,
    },
}

impl Link {
    pub async fn udp(server: SocketAddr) -> Self {
        let any: SocketAddr = if server.is_ipv4() {
            "127.0.0.1:0"
        } else {
            "[::1]:0"
        }
        .parse()
        .unwrap();
        let socket = UdpSocket::bind(any).await.unwrap();
        socket.connect(server).await.unwrap();
        // What is tried on a socket nobody has waited for is not sent.
        socket.writable().await.unwrap();
        Self::Udp(socket)
    }

    pub fn stream(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Self {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let (out, mut waiting) = mpsc::unbounded_channel::<Vec<u8>>();
        let (frame, frames) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(bytes) = waiting.recv().await {
                if writer.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            // The other half keeps the stream; this ends it.
            let _ = writer.shutdown().await;
        });
        tokio::spawn(async move {
            let mut framer = Framer::new();
            framer.set_limit(Framer::DATA_LIMIT);
            let mut buffer = vec![0; 4_096];
            while let Ok(length @ 1..) = reader.read(&mut buffer).await {
                framer.push(&buffer[..length]);
                while let Some(found) = framer.next_frame().unwrap() {
                    if frame.send(found.to_vec()).is_err() {
                        return;
                    }
                }
            }
        });
        Self::Stream { out, frames }
    }

    pub fn send(&self, bytes: Vec<u8>) {
        match self {
            Self::Udp(socket) => drop(socket.try_send(&bytes)),
            Self::Stream { out, .. } => drop(out.send(bytes)),
        }
    }

    fn try_receive(&mut self) -> Option<Vec<u8>> {
        match self {
            Self::Udp(socket) => {
                let mut buffer = vec![0; 4_096];
                let length = socket.try_recv(&mut buffer).ok()?;
                buffer.truncate(length);
                Some(buffer)
            }
            Self::Stream { frames, .. } => frames.try_recv().ok(),
        }
    }

    /// What comes next; `None` once the server has closed the stream, or where nothing comes.
    pub async fn receive(&mut self) -> Option<Vec<u8>> {
        let next = async {
            match self {
                Self::Udp(socket) => {
                    let mut buffer = vec![0; 4_096];
                    let length = socket.recv(&mut buffer).await?;
                    buffer.truncate(length);
                    Ok(buffer)
                }
                Self::Stream { frames, .. } => {
                    let closed = || io::Error::from(io::ErrorKind::UnexpectedEof);
                    frames.recv().await.ok_or_else(closed)
                }
            }
        };
        tokio::time::timeout(PATIENCE, next).await.ok()?.ok()
    }
}

/// An allocation, used with indications.
pub struct Relay {
    pub link: Link,
    pub relayed: SocketAddr,
    transactions: u32,
}

impl Relay {
    /// Gets a relay and a permission for our own media; the error is the code that refused it.
    pub async fn open(mut link: Link, server: &IceServer, media: IpAddr) -> Result<Self, u16> {
        let mut client = Requests {
            link: &mut link,
            server,
            realm: String::new(),
            nonce: Vec::new(),
            transactions: 0,
        };
        let challenge = client.ask(Method::ALLOCATE, |request| {
            request.word(AttributeType::REQUESTED_TRANSPORT, 17 << 24);
        });
        assert_eq!(challenge.await, Err(401));
        let answer = client
            .ask(Method::ALLOCATE, |request| {
                request.word(AttributeType::REQUESTED_TRANSPORT, 17 << 24);
            })
            .await?;
        let answer = Message::parse(&answer).unwrap();
        let relayed = answer.find(AttributeType::XOR_RELAYED_ADDRESS).unwrap();
        let relayed = answer.address(relayed).unwrap();
        client
            .ask(Method::CREATE_PERMISSION, |request| {
                request.address(AttributeType::XOR_PEER_ADDRESS, SocketAddr::new(media, 0));
            })
            .await?;
        Ok(Self {
            link,
            relayed,
            transactions: 1_000,
        })
    }

    fn send(&mut self, contents: &[u8], destination: SocketAddr) {
        self.transactions += 1;
        let mut writer = Writer::new(Class::Indication, Method::SEND, transaction(self.transactions));
        writer.address(AttributeType::XOR_PEER_ADDRESS, destination);
        writer.attribute(AttributeType::DATA, contents);
        self.link.send(writer.finish());
    }

    fn receive(&mut self) -> Option<(Vec<u8>, SocketAddr)> {
        let bytes = self.link.try_receive()?;
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(
            (message.class(), message.method()),
            (Class::Indication, Method::DATA)
        );
        let peer = message.find(AttributeType::XOR_PEER_ADDRESS).unwrap();
        let data = message.find(AttributeType::DATA).unwrap();
        Some((data.to_vec(), message.address(peer).unwrap()))
    }
}

fn transaction(number: u32) -> TransactionId {
    let mut id = [7; 12];
    id[..4].copy_from_slice(&number.to_be_bytes());
    TransactionId(id)
}

struct Requests<'a> {
    link: &'a mut Link,
    server: &'a IceServer,
    realm: String,
    nonce: Vec<u8>,
    transactions: u32,
}

impl Requests<'_> {
    async fn ask(&mut self, method: Method, fill: impl FnOnce(&mut Writer)) -> Result<Vec<u8>, u16> {
        self.transactions += 1;
        let id = transaction(self.transactions);
        let mut writer = Writer::new(Class::Request, method, id);
        fill(&mut writer);
        if !self.nonce.is_empty() {
            let IceServer {
                username, credential, ..
            } = self.server;
            let key = Key::long_term(KeyAlgorithm::Md5, username, &self.realm, credential);
            writer.attribute(AttributeType::USERNAME, username.as_bytes());
            writer.attribute(AttributeType::REALM, self.realm.as_bytes());
            writer.attribute(AttributeType::NONCE, &self.nonce);
            writer.integrity(IntegrityAlgorithm::Sha1, &key);
        }
        self.link.send(writer.finish());
        let bytes = self.link.receive().await.expect("an answer");
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.transaction(), id);
        if let Some(nonce) = message.find(AttributeType::NONCE) {
            self.nonce = nonce.to_vec();
            message
                .text(AttributeType::REALM)
                .unwrap()
                .clone_into(&mut self.realm);
        }
        match message.error_code() {
            Some(code) => Err(code),
            None => Ok(bytes),
        }
    }
}

/// The address in a URL such as `turn:127.0.0.1:3478?transport=udp`.
pub fn server_address(server: &IceServer, transport: &str) -> SocketAddr {
    let url = server.urls.iter().find(|url| url.ends_with(transport)).unwrap();
    let (_, rest) = url.split_once(':').unwrap();
    rest.split('?').next().unwrap().parse().unwrap()
}
