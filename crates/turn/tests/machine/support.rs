//! A world around the server: sockets that open or not, a clock, and clients that know the protocol.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tertulia_turn::stun::{
    AttributeType, Class, IntegrityAlgorithm, Key, KeyAlgorithm, Message, Method, TransactionId, Writer,
};
use tertulia_turn::{
    Action, Config, Credential, Family, FiveTuple, HEADROOM, RelayId, Secret, Server, TAILROOM, Transport,
};

pub const REALM: &str = "meet.example.org";
pub const UNIX: u64 = 1_700_000_000;
pub const RELAY_V4: &str = "192.0.2.10";
pub const RELAY_V6: &str = "2001:db8::10";
pub const MEDIA_V4: &str = "192.0.2.20:10000";
pub const MEDIA_V6: &str = "[2001:db8::20]:10000";
/// Another one, so that there is more than one peer.
pub const OTHER_V4: &str = "192.0.2.21:10000";

pub fn secret() -> Secret {
    Secret::new(b"north south east west").unwrap()
}

pub fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub struct World {
    pub server: Server,
    pub now: Instant,
    /// Whether a port can be bound.
    pub can_bind: fn(u16) -> bool,
    /// Whether binding is answered at all.
    pub binds: bool,
    pub sockets: BTreeMap<RelayId, (Family, u16)>,
    pub hung_up: Vec<FiveTuple>,
    answers: Vec<(FiveTuple, Vec<u8>)>,
    transactions: u64,
}

impl World {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Config)) -> Self {
        let now = Instant::now();
        let mut config = Config::new(REALM, secret());
        config.relay_v4 = Some(RELAY_V4.parse().unwrap());
        config.relay_v6 = Some(RELAY_V6.parse().unwrap());
        config.ports = 50_000..=50_099;
        for socket in [MEDIA_V4, MEDIA_V6, OTHER_V4] {
            config.peers.allow_socket(address(socket));
        }
        change(&mut config);
        Self {
            server: Server::new(config, [7; 32], now, UNIX).unwrap(),
            now,
            can_bind: |_| true,
            binds: true,
            sockets: BTreeMap::new(),
            hung_up: Vec::new(),
            answers: Vec::new(),
            transactions: 0,
        }
    }

    pub fn advance(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.server.handle_timeout(self.now);
        self.settle();
    }

    /// Does what the server asks for until it asks for nothing more.
    pub fn settle(&mut self) {
        while let Some(action) = self.server.poll_action() {
            match action {
                Action::SendToClient { client, bytes } => self.answers.push((client, bytes)),
                Action::BindRelay { relay, family, port } if self.binds => {
                    let open = (self.can_bind)(port) && !self.sockets.values().any(|s| *s == (family, port));
                    if open {
                        self.sockets.insert(relay, (family, port));
                    }
                    self.server.handle_bound(self.now, relay, open);
                }
                Action::BindRelay { .. } => {}
                Action::CloseRelay { relay } => {
                    self.sockets.remove(&relay);
                }
                Action::CloseClient { client } => self.hung_up.push(client),
            }
        }
    }

    /// Hands in a packet and gives the answer to it.
    pub fn send(&mut self, client: FiveTuple, packet: &[u8]) -> Option<Answer> {
        self.answers.clear();
        assert_eq!(self.server.handle_client(self.now, client, packet), None);
        self.settle();
        assert!(self.answers.len() <= 1, "one answer at most");
        let (to, bytes) = self.answers.pop()?;
        assert_eq!(to, client, "answers go back to where the request came from");
        Some(Answer { bytes })
    }

    pub fn transaction(&mut self) -> TransactionId {
        self.transactions += 1;
        let mut id = [0xa5; 12];
        id[..8].copy_from_slice(&self.transactions.to_be_bytes());
        TransactionId(id)
    }

    /// A peer's packet arrives at a relay.
    pub fn peer_sends(&mut self, relay: RelayId, peer: &str, payload: &[u8]) -> Option<(FiveTuple, Vec<u8>)> {
        let mut buffer = vec![0xee; HEADROOM + payload.len() + TAILROOM];
        let range = HEADROOM..HEADROOM + payload.len();
        buffer[range.clone()].copy_from_slice(payload);
        let sent = self
            .server
            .handle_peer(self.now, relay, address(peer), &mut buffer, range)?;
        Some((sent.client, sent.bytes.to_vec()))
    }

    /// The relay that has this relayed address.
    pub fn relay_at(&self, relayed: SocketAddr) -> RelayId {
        let found = self
            .sockets
            .keys()
            .find(|id| self.server.relayed_address(**id) == Some(relayed));
        *found.expect("the relay is open")
    }
}

/// An answer as it came.
pub struct Answer {
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn message(&self) -> Message<'_> {
        Message::parse(&self.bytes).unwrap()
    }

    /// The error's code, 0 for success.
    pub fn code(&self) -> u16 {
        let message = self.message();
        match message.class() {
            Class::Success => 0,
            Class::Error => message.error_code().unwrap(),
            other => panic!("{other:?} is no answer"),
        }
    }

    pub fn addresses(&self, kind: AttributeType) -> Vec<SocketAddr> {
        let message = self.message();
        let values = message.attributes().filter(|attribute| attribute.kind == kind);
        values
            .map(|attribute| message.address(attribute.value).unwrap())
            .collect()
    }

    pub fn relayed(&self) -> SocketAddr {
        self.addresses(AttributeType::XOR_RELAYED_ADDRESS)[0]
    }

    pub fn lifetime(&self) -> u32 {
        let value = self.message().find(AttributeType::LIFETIME).unwrap();
        u32::from_be_bytes(value.try_into().unwrap())
    }
}

/// A client that authenticates as RFC 8489 §9.2 says.
pub struct Client {
    pub tuple: FiveTuple,
    pub credential: Credential,
    pub nonce: Vec<u8>,
    /// What to make the key with; `None` does as clients of RFC 5389 do.
    pub algorithm: Option<KeyAlgorithm>,
}

impl Client {
    pub fn new(session: &str, source: &str) -> Self {
        Self::over(Transport::Udp, session, source)
    }

    pub fn over(transport: Transport, session: &str, source: &str) -> Self {
        let source = address(source);
        let local = if source.is_ipv4() {
            "192.0.2.10:3478"
        } else {
            "[2001:db8::10]:3478"
        };
        Self {
            tuple: FiveTuple {
                transport,
                source,
                local: address(local),
            },
            credential: secret().issue(session, UNIX + 3600).unwrap(),
            nonce: Vec::new(),
            algorithm: None,
        }
    }

    pub fn key(&self) -> Key {
        let algorithm = self.algorithm.unwrap_or(KeyAlgorithm::Md5);
        Key::long_term(
            algorithm,
            &self.credential.username,
            REALM,
            &self.credential.password,
        )
    }

    /// A signed request.
    pub fn sign(&self, id: TransactionId, method: Method, add: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut writer = Writer::new(Class::Request, method, id);
        add(&mut writer);
        writer
            .attribute(AttributeType::USERNAME, self.credential.username.as_bytes())
            .attribute(AttributeType::REALM, REALM.as_bytes())
            .attribute(AttributeType::NONCE, &self.nonce);
        if let Some(algorithm) = self.algorithm {
            let code = algorithm.code() as u8;
            writer
                .attribute(AttributeType::PASSWORD_ALGORITHMS, &[0, 2, 0, 0, 0, 1, 0, 0])
                .attribute(AttributeType::PASSWORD_ALGORITHM, &[0, code, 0, 0])
                .integrity(IntegrityAlgorithm::Sha256, &self.key());
        } else {
            writer.integrity(IntegrityAlgorithm::Sha1, &self.key());
        }
        writer.finish()
    }

    /// Sends a request; a challenge is answered once.
    pub fn request(&mut self, world: &mut World, method: Method, add: impl Fn(&mut Writer)) -> Answer {
        let answer = self.request_once(world, method, &add);
        if !matches!(answer.code(), 401 | 438) {
            return answer;
        }
        self.request_once(world, method, &add)
    }

    fn request_once(&mut self, world: &mut World, method: Method, add: impl Fn(&mut Writer)) -> Answer {
        let id = world.transaction();
        let packet = if self.nonce.is_empty() {
            let mut writer = Writer::new(Class::Request, method, id);
            add(&mut writer);
            writer.finish()
        } else {
            self.sign(id, method, &add)
        };
        let answer = world.send(self.tuple, &packet).expect("an answer");
        assert_eq!(answer.message().transaction(), id);
        assert_eq!(answer.message().method(), method);
        match answer.message().find(AttributeType::NONCE) {
            Some(nonce) => self.nonce = nonce.to_vec(),
            // RFC 8489 §9.2.4: every answer after authentication is signed, in the way of the request.
            None if answer.code() != 400 && !self.nonce.is_empty() => {
                let newer = self.algorithm.is_some();
                let kind = if newer {
                    IntegrityAlgorithm::Sha256
                } else {
                    IntegrityAlgorithm::Sha1
                };
                assert_eq!(answer.message().integrity(), Some(kind));
                assert!(answer.message().verify(&self.key()));
            }
            None => {}
        }
        answer
    }

    pub fn allocate(&mut self, world: &mut World, add: impl Fn(&mut Writer)) -> Answer {
        self.request(world, Method::ALLOCATE, |writer| {
            writer.attribute(AttributeType::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
            add(writer);
        })
    }

    /// Allocates plainly and gives the relay.
    pub fn relay(&mut self, world: &mut World) -> RelayId {
        let answer = self.allocate(world, |_| {});
        assert_eq!(answer.code(), 0);
        world.relay_at(answer.relayed())
    }

    pub fn refresh(&mut self, world: &mut World, seconds: u32) -> Answer {
        self.request(world, Method::REFRESH, |writer| {
            writer.word(AttributeType::LIFETIME, seconds);
        })
    }

    pub fn permit(&mut self, world: &mut World, peers: &[&str]) -> u16 {
        let answer = self.request(world, Method::CREATE_PERMISSION, |writer| {
            for peer in peers {
                writer.address(AttributeType::XOR_PEER_ADDRESS, address(peer));
            }
        });
        answer.code()
    }

    pub fn bind_channel(&mut self, world: &mut World, number: u16, peer: &str) -> u16 {
        let answer = self.request(world, Method::CHANNEL_BIND, |writer| {
            writer
                .word(AttributeType::CHANNEL_NUMBER, u32::from(number) << 16)
                .address(AttributeType::XOR_PEER_ADDRESS, address(peer));
        });
        answer.code()
    }

    /// Sends a payload in a Send indication; gives the peer and what reaches it.
    pub fn send(
        &self,
        world: &mut World,
        peer: &str,
        payload: &[u8],
    ) -> Option<(RelayId, SocketAddr, Vec<u8>)> {
        let packet = send_indication(peer, payload);
        self.packet(world, &packet)
    }

    pub fn send_on_channel(
        &self,
        world: &mut World,
        number: u16,
        payload: &[u8],
    ) -> Option<(RelayId, SocketAddr, Vec<u8>)> {
        self.packet(world, &channel_data(number, payload))
    }

    fn packet(&self, world: &mut World, packet: &[u8]) -> Option<(RelayId, SocketAddr, Vec<u8>)> {
        let sent = world.server.handle_client(world.now, self.tuple, packet)?;
        let within = packet.as_ptr_range();
        let payload = sent.payload.as_ptr_range();
        assert!(
            within.start <= payload.start && payload.end <= within.end,
            "nothing is copied"
        );
        Some((sent.relay, sent.peer, sent.payload.to_vec()))
    }
}

pub fn send_indication(peer: &str, payload: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new(Class::Indication, Method::SEND, TransactionId([9; 12]));
    writer
        .address(AttributeType::XOR_PEER_ADDRESS, address(peer))
        .attribute(AttributeType::DATA, payload);
    writer.finish()
}

pub fn channel_data(number: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap();
    [&number.to_be_bytes()[..], &length.to_be_bytes(), payload].concat()
}

pub fn family_attribute(writer: &mut Writer, kind: AttributeType, code: u8) {
    writer.attribute(kind, &[code, 0, 0, 0]);
}
