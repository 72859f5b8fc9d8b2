//! The TURN server under a story read from the input.

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use tertulia_turn::stun::{
    AttributeType, Class, IntegrityAlgorithm, Key, KeyAlgorithm, Message, Method, TransactionId, Writer,
};
use tertulia_turn::{
    Action, Config, Credential, FiveTuple, Framer, HEADROOM, Held, RelayId, Secret, Server, TAILROOM,
    Transport,
};

const REALM: &str = "fuzz.example";
const UNIX: u64 = 1_700_000_000;
const MEDIA: &str = "192.0.2.20:10000";

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Messages: what is read stays within the packet, and can be written again and read the same.
pub fn stun_message(data: &[u8]) {
    let Ok(message) = Message::parse(data) else { return };
    let key = Key::short_term("fuzz");
    let _ = (message.verify(&key), message.error_code());
    let mut writer = Writer::new(message.class(), message.method(), message.transaction());
    for attribute in message.attributes() {
        let _ = message.address(attribute.value);
        writer.attribute(attribute.kind, attribute.value);
    }
    writer.integrity(IntegrityAlgorithm::Sha1, &key);
    let written = writer.finish();
    let again = Message::parse(&written).expect("what we write can be read");
    assert!(again.verify(&key));
    assert!(again.attributes().eq(message.attributes()));
}

/// Streams: cut anywhere, the same frames come out, and no more is held than one message may have.
pub fn turn_stream(data: &[u8]) {
    let Some((cut, stream)) = data.split_first() else {
        return;
    };
    let whole = frames(stream, stream.len().max(1));
    let cut = frames(stream, usize::from(*cut).max(1));
    assert_eq!(whole, cut);
}

fn frames(stream: &[u8], piece: usize) -> Vec<Vec<u8>> {
    let mut framer = Framer::new();
    let mut frames = Vec::new();
    for piece in stream.chunks(piece) {
        framer.push(piece);
        loop {
            match framer.next_frame() {
                Ok(Some(frame)) => frames.push(frame.to_vec()),
                Ok(None) => break,
                Err(_) => return frames,
            }
        }
        assert!(framer.pending() < Framer::CONTROL_LIMIT);
    }
    frames
}

/// The server: each step is a byte that chooses, a byte of length, and that many bytes.
pub fn turn_server(data: &[u8]) {
    let mut story = Story::new();
    let empty = story.server.held();
    let mut rest = data;
    for _ in 0..64 {
        let [step, length, after @ ..] = rest else { break };
        let (bytes, after) = after.split_at(usize::from(*length).min(after.len()));
        rest = after;
        story.step(*step, bytes);
    }
    story.now += Duration::from_secs(25 * 3600);
    story.server.handle_timeout(story.now);
    story.settle();
    assert_eq!(story.server.held(), empty, "everything ends");
}

struct Story {
    server: Server,
    now: Instant,
    relays: Vec<RelayId>,
    nonces: [Vec<u8>; 2],
    binds: bool,
}

impl Story {
    fn new() -> Self {
        let mut config = Config::new(REALM, secret());
        config.relay_v4 = Some([192, 0, 2, 10].into());
        config.relay_v6 = Some("2001:db8::10".parse().expect("an address"));
        config.ports = 50_000..=50_015;
        config.dont_fragment = true;
        config.peers.allow_socket(peer());
        Self {
            server: Server::new(config, [1; 32], *START, UNIX).expect("a configuration"),
            now: *START,
            relays: Vec::new(),
            nonces: [Vec::new(), Vec::new()],
            binds: true,
        }
    }

    fn step(&mut self, step: u8, bytes: &[u8]) {
        let who = usize::from(step & 1);
        let client = client(who);
        match step >> 1 & 7 {
            0 => self.packet(client, bytes),
            1..=3 => {
                let signed = self.sign(who, bytes);
                self.packet(client, &signed);
            }
            4 => self.from_peer(bytes),
            5 => {
                let seconds = bytes.first().copied().unwrap_or_default();
                self.now += Duration::from_secs(u64::from(seconds) * 4);
                self.server.handle_timeout(self.now);
            }
            6 => self.server.handle_disconnect(client),
            _ => self.binds = step & 0x10 == 0,
        }
        self.settle();
        let Held {
            relays, free_ports, ..
        } = self.server.held();
        assert_eq!(relays, self.relays.len());
        assert_eq!(relays + free_ports, 32, "no port is lost");
    }

    fn packet(&mut self, client: FiveTuple, packet: &[u8]) {
        if let Some(sent) = self.server.handle_client(self.now, client, packet) {
            assert_eq!(sent.peer, peer(), "only a permitted peer is reached");
            assert!(self.relays.contains(&sent.relay));
        }
    }

    fn from_peer(&mut self, bytes: &[u8]) {
        let Some(relay) = self.relays.first().copied() else {
            return;
        };
        let mut buffer = vec![0; HEADROOM + bytes.len() + TAILROOM];
        let payload = HEADROOM..HEADROOM + bytes.len();
        buffer[payload.clone()].copy_from_slice(bytes);
        let _ = self
            .server
            .handle_peer(self.now, relay, peer(), &mut buffer, payload);
    }

    /// A request with right credentials: the input chooses the method and gives the attributes.
    fn sign(&self, who: usize, bytes: &[u8]) -> Vec<u8> {
        const METHODS: [Method; 5] = [
            Method::ALLOCATE,
            Method::REFRESH,
            Method::CREATE_PERMISSION,
            Method::CHANNEL_BIND,
            Method::CONNECT,
        ];
        let (choice, mut rest) = bytes.split_first().unwrap_or((&0, &[]));
        let method = METHODS[usize::from(*choice) % METHODS.len()];
        let mut writer = Writer::new(Class::Request, method, TransactionId([*choice; 12]));
        if method == Method::ALLOCATE && choice & 0x80 == 0 {
            writer.attribute(AttributeType::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
        }
        if choice & 0x40 != 0 {
            writer.address(AttributeType::XOR_PEER_ADDRESS, peer());
        }
        while let [k0, k1, length, after @ ..] = rest {
            let (value, after) = after.split_at(usize::from(*length).min(after.len()));
            writer.attribute(AttributeType(u16::from_be_bytes([*k0, *k1])), value);
            rest = after;
        }
        let Credential { username, password } = credential(who);
        let key = Key::long_term(KeyAlgorithm::Md5, &username, REALM, &password);
        writer
            .attribute(AttributeType::USERNAME, username.as_bytes())
            .attribute(AttributeType::REALM, REALM.as_bytes())
            .attribute(AttributeType::NONCE, &self.nonces[who])
            .integrity(IntegrityAlgorithm::Sha1, &key);
        writer.finish()
    }

    fn settle(&mut self) {
        while let Some(action) = self.server.poll_action() {
            match action {
                Action::SendToClient { client, bytes } => {
                    let message = Message::parse(&bytes).expect("what we write can be read");
                    if let Some(nonce) = message.find(AttributeType::NONCE) {
                        self.nonces[usize::from(client.transport == Transport::Tcp)] = nonce.to_vec();
                    }
                }
                Action::BindRelay { relay, .. } => {
                    if self.binds {
                        self.relays.push(relay);
                    }
                    self.server.handle_bound(self.now, relay, self.binds);
                }
                Action::CloseRelay { relay } => self.relays.retain(|open| *open != relay),
                Action::CloseClient { .. } => {}
            }
        }
    }
}

fn secret() -> Secret {
    Secret::new(b"a secret of at least thirty-two bytes").expect("long enough")
}

fn credential(who: usize) -> Credential {
    secret()
        .issue(&format!("PA_{who}"), UNIX + 3600)
        .expect("a session")
}

fn peer() -> SocketAddr {
    MEDIA.parse().expect("an address")
}

fn client(who: usize) -> FiveTuple {
    FiveTuple {
        transport: if who == 0 { Transport::Udp } else { Transport::Tcp },
        source: ([198, 51, 100, 7], 4000).into(),
        local: ([192, 0, 2, 10], 3478).into(),
    }
}

/// Messages of every kind.
pub fn message_seeds() -> Vec<Vec<u8>> {
    let id = TransactionId([9; 12]);
    let key = Key::short_term("fuzz");
    let mut binding = Writer::new(Class::Request, Method::BINDING, id);
    binding.fingerprint();
    let mut send = Writer::new(Class::Indication, Method::SEND, id);
    send.address(AttributeType::XOR_PEER_ADDRESS, peer())
        .attribute(AttributeType::DATA, b"hello");
    let mut refused = Writer::new(Class::Error, Method::ALLOCATE, id);
    refused
        .error_code(438, "Stale Nonce")
        .attribute(AttributeType::REALM, REALM.as_bytes())
        .integrity(IntegrityAlgorithm::Sha1, &key)
        .integrity(IntegrityAlgorithm::Sha256, &key)
        .fingerprint();
    [binding, send, refused].map(Writer::finish).to_vec()
}

/// Frames one after the other, behind the size of the pieces they arrive in.
pub fn stream_seeds() -> Vec<Vec<u8>> {
    let channel_data = [0x40, 1, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0].to_vec();
    let mut stream = message_seeds();
    stream.insert(1, channel_data);
    vec![[&[7], stream.concat().as_slice()].concat()]
}

/// Two stories: each client is challenged, allocates, and has a channel or a permission.
pub fn story_seeds() -> Vec<Vec<u8>> {
    let step = |choice: u8, bytes: &[u8]| [&[choice, bytes.len() as u8], bytes].concat();
    let story = |who: u8| {
        let signed = |bytes: &[u8]| step(2 | who, bytes);
        let pair = [0, 0, 0x18, 1, 0x80];
        let channel = [0x44, 0, 0x0c, 4, 0x40, 0, 0, 0];
        [
            signed(&[0]),
            signed(&pair),
            signed(&channel),
            signed(&[0x43]),
            step(who, &[0x40, 0, 0, 2, 7, 7]),
            step(who, &message_seeds()[1]),
            step(8, b"from the peer"),
            step(10, &[100]),
            signed(&[1, 0, 0x0d, 4, 0, 0, 0, 0]),
            step(12 | who, &[]),
        ]
        .concat()
    };
    vec![story(0), story(1)]
}
