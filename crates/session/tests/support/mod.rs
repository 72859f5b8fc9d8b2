//! Two ends in memory, in virtual time: a session, and a client made of the library's own peer connection.
#![allow(dead_code, reason = "each test file uses its part")]

mod client;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tertulia_model::{Bitrate, Codec, IceCredentials, Rid, TransportProtocol};
use tertulia_rtp::{Extensions, Rewrite};
use tertulia_session::{
    Certificate, ClientFamily, LocalCandidate, Output, RxId, RxPacket, SendError, Session, SessionConfig,
    SessionEvent, TxId, TxPacket,
};

pub use client::Client;
#[allow(unused_imports, reason = "each test file uses its part")]
pub use client::rid;

pub const SERVER: &str = "192.0.2.1:7882";
const LATENCY: Duration = Duration::from_millis(10);

#[allow(
    clippy::disallowed_methods,
    reason = "an instant can only be had from the clock; from here on it is virtual"
)]
pub fn start() -> Instant {
    Instant::now()
}

pub fn config(family: ClientFamily) -> SessionConfig {
    let addr: SocketAddr = SERVER.parse().unwrap();
    SessionConfig {
        ice: IceCredentials {
            ufrag: "w0serv".into(),
            pwd: "0123456789abcdef01234567".into(),
        },
        certificate: Arc::new(Certificate::generate().unwrap()),
        ice_lite: false,
        local_candidates: vec![LocalCandidate {
            addr,
            protocol: TransportProtocol::Udp,
            advertised: addr,
        }],
        fallback_family: family,
        initial_bitrate: Bitrate::from_kbps(1_500),
        offload_handshakes: false,
        seed: [3; 32],
    }
}

/// A packet to send.
pub fn packet(payload_type: u8, sequence: u64, payload: &[u8]) -> TxPacket<'_> {
    TxPacket {
        payload_type,
        sequence,
        timestamp: 90_000 + u32::try_from(sequence).unwrap() * 3_000,
        marker: true,
        payload,
        rewrite: Rewrite::None,
        ext: Extensions::default(),
        sender_clock: None,
    }
}

/// What is kept of a packet the session received.
#[derive(Debug, Clone)]
pub struct Received {
    pub rx: RxId,
    pub rid: Option<Rid>,
    pub payload_type: u8,
    pub codec: Codec,
    pub sequence: u64,
    pub payload: Vec<u8>,
    pub audio_level: Option<i8>,
    pub voice: Option<bool>,
    pub orientation: Option<u8>,
}

/// A packet as it was sent.
struct Stored {
    tx: TxId,
    payload_type: u8,
    sequence: u64,
    timestamp: u32,
    payload: Vec<u8>,
}

/// Which media packets are lost.
pub type Loss = Box<dyn FnMut(&[u8]) -> bool>;

/// A session and its client with a link between them.
pub struct Pair {
    pub now: Instant,
    pub session: Session,
    pub client: Client,
    /// Losses towards the session, and from it.
    pub lose_up: Loss,
    pub lose_down: Loss,
    /// What else is lost towards the session, and from it.
    pub filter_up: Loss,
    pub filter_down: Loss,
    /// Nothing passes at all.
    pub cut: bool,
    /// How the two talk, and where the session hears.
    pub protocol: TransportProtocol,
    pub local: SocketAddr,
    pub events: Vec<SessionEvent>,
    pub received: Vec<Received>,
    /// What was sent and may be asked for again.
    store: Vec<Stored>,
    up: VecDeque<(Instant, SocketAddr, Vec<u8>)>,
    down: VecDeque<(Instant, SocketAddr, Vec<u8>)>,
}

impl Pair {
    pub fn new() -> Self {
        Self::with(config(ClientFamily::WebRtc))
    }

    pub fn with(config: SessionConfig) -> Self {
        let now = start();
        let local = config.local_candidates[0].addr;
        Self {
            now,
            session: Session::new(config, now),
            client: Client::new(now),
            lose_up: Box::new(|_| false),
            lose_down: Box::new(|_| false),
            filter_up: Box::new(|_| false),
            filter_down: Box::new(|_| false),
            cut: false,
            protocol: TransportProtocol::Udp,
            local,
            events: Vec::new(),
            received: Vec::new(),
            store: Vec::new(),
            up: VecDeque::new(),
            down: VecDeque::new(),
        }
    }

    /// The client offers, the session answers.
    pub fn negotiate(&mut self) -> tertulia_model::PeerSpec {
        let offer = self.client.offer();
        let answer = self.session.accept_offer(&offer, self.now).unwrap();
        self.client.accept_answer(&answer);
        answer
    }

    /// The session offers, the client answers.
    pub fn negotiate_down(&mut self) -> tertulia_model::PeerSpec {
        let offer = self
            .session
            .create_offer(self.now)
            .unwrap()
            .expect("an offer is due");
        let answer = self.client.accept_offer(&offer);
        self.session.accept_answer(&answer, self.now).unwrap();
        offer
    }

    pub fn connect(&mut self) {
        assert!(
            self.run_until(Duration::from_secs(10), |pair| pair.session.is_connected()
                && pair.client.connected)
        );
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Duration) {
        self.run_until(time, |_| false);
    }

    /// Lets time pass until something holds; `false` where it never did.
    pub fn run_until(&mut self, time: Duration, mut holds: impl FnMut(&Self) -> bool) -> bool {
        let end = self.now + time;
        loop {
            let wake = self.drain();
            if holds(self) {
                return true;
            }
            if self.now >= end {
                return false;
            }
            let arrivals = self
                .up
                .front()
                .into_iter()
                .chain(self.down.front())
                .map(|(at, ..)| *at);
            let next = arrivals.chain([wake, end]).min().unwrap_or(end);
            self.now = next.max(self.now + Duration::from_micros(100));
            self.deliver();
        }
    }

    /// What the client sends in the next half second, all at once.
    pub fn client_burst(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        let end = self.now + Duration::from_millis(500);
        let mut burst = Vec::new();
        while self.now < end {
            self.now += Duration::from_millis(2);
            self.client.timeout(self.now);
            burst.extend(self.client.drain().1);
        }
        burst
    }

    fn drain(&mut self) -> Instant {
        let session_wake = loop {
            match self.session.poll_output().expect("the session goes on") {
                Output::Timeout(at) => break at,
                Output::Transmit {
                    destination,
                    contents,
                    ..
                } => {
                    let lost =
                        (is_media(&contents) && (self.lose_down)(&contents)) || (self.filter_down)(&contents);
                    if !lost && !self.cut && destination == self.client.addr {
                        self.down.push_back((self.now + LATENCY, destination, contents));
                    }
                }
                Output::Event(SessionEvent::Nack { tx, sequences }) => self.repair(tx, &sequences),
                Output::Event(event) => self.events.push(event),
            }
        };
        let (client_wake, sent) = self.client.drain();
        for (source, contents) in sent {
            let lost =
                self.cut || (is_media(&contents) && (self.lose_up)(&contents)) || (self.filter_up)(&contents);
            if !lost {
                self.up.push_back((self.now + LATENCY, source, contents));
            }
        }
        session_wake.min(client_wake)
    }

    fn deliver(&mut self) {
        let server: SocketAddr = SERVER.parse().unwrap();
        while self.up.front().is_some_and(|(at, ..)| *at <= self.now) {
            let (_, source, contents) = self.up.pop_front().unwrap();
            self.take(source, contents);
            self.drain();
        }
        while self.down.front().is_some_and(|(at, ..)| *at <= self.now) {
            let (_, destination, contents) = self.down.pop_front().unwrap();
            if destination == self.client.addr {
                self.client.receive(server, &contents, self.now);
            }
            self.drain();
        }
        self.session.handle_timeout(self.now).unwrap();
        self.probe();
        self.client.timeout(self.now);
    }

    /// Gives the session a datagram.
    pub fn take(&mut self, source: SocketAddr, mut contents: Vec<u8>) {
        let (protocol, destination) = (self.protocol, self.local);
        let taken = self
            .session
            .receive(protocol, source, destination, &mut contents, self.now);
        let Some(packet) = taken.unwrap() else {
            return;
        };
        let RxPacket { rx, rid, .. } = packet;
        let (payload_type, codec, sequence) = (packet.payload_type, packet.codec, packet.sequence);
        let (level, orientation) = (packet.ext.audio_level, packet.ext.orientation);
        let payload = packet.payload.to_vec();
        let sections = self.session.rx_sections();
        let section = sections.iter().find(|section| section.rx == rx).unwrap();
        self.received.push(Received {
            rx,
            rid: rid.map(|index| section.rids[usize::from(index)].clone()),
            payload_type,
            codec,
            sequence,
            payload,
            audio_level: level.map(|level| level.level),
            voice: level.map(|level| level.voice),
            orientation,
        });
    }

    /// Whether a message still passes over the client's first channel.
    pub fn works(&mut self) -> bool {
        self.run_until(Duration::from_secs(1), |pair| !pair.client.open.is_empty());
        let before = self.events.len();
        assert!(self.client.send_message("_reliable", b"still there?"));
        self.run_until(Duration::from_secs(3), |pair| {
            let mut new = pair.events.iter().skip(before);
            new.any(|event| matches!(event, SessionEvent::ChannelData { .. }))
        })
    }

    /// Counts the datagrams the session has to send now to that address.
    pub fn sent_to(&mut self, wanted: SocketAddr) -> usize {
        let mut count = 0;
        loop {
            match self.session.poll_output().unwrap() {
                Output::Timeout(_) => return count,
                Output::Transmit { destination, .. } => count += usize::from(destination == wanted),
                Output::Event(event) => self.events.push(event),
            }
        }
    }

    /// Has the session protect a packet, and sends it.
    pub fn send(&mut self, tx: TxId, packet: &TxPacket<'_>) -> Result<(), SendError> {
        let mut sealed = Vec::new();
        self.session.seal(tx, packet, &mut sealed, self.now)?;
        self.store.push(Stored {
            tx,
            payload_type: packet.payload_type,
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            payload: packet.payload.to_vec(),
        });
        self.post(sealed);
        Ok(())
    }

    /// Sends again what the client asks for.
    fn repair(&mut self, tx: TxId, sequences: &[u16]) {
        for sequence in sequences {
            let stored = self.store.iter().rev();
            let mut stored =
                stored.filter(|stored| stored.tx == tx && stored.sequence & 0xffff == u64::from(*sequence));
            let Some(stored) = stored.next() else {
                continue;
            };
            let mut again = packet(stored.payload_type, stored.sequence, &stored.payload);
            again.timestamp = stored.timestamp;
            let mut sealed = Vec::new();
            self.session
                .seal_repair(tx, &again, &mut sealed, self.now)
                .unwrap();
            self.post(sealed);
        }
    }

    /// Sends padding where the path is to be measured.
    fn probe(&mut self) {
        let Some(probe) = self.session.pacing(self.now).probe else {
            return;
        };
        for _ in 0..probe.packets {
            let mut sealed = Vec::new();
            let bytes = probe.bytes / probe.packets;
            if self
                .session
                .seal_padding(bytes, Some(probe.id), &mut sealed, self.now)
                .is_err()
            {
                return;
            }
            self.post(sealed);
        }
    }

    fn post(&mut self, contents: Vec<u8>) {
        let path = self.session.media_path().expect("there is a path");
        let lost = is_media(&contents) && (self.lose_down)(&contents);
        if !lost && !self.cut && path.destination == self.client.addr {
            self.down
                .push_back((self.now + LATENCY, path.destination, contents));
        }
    }
}

/// RTP, not RTCP, STUN or DTLS (RFC 7983, RFC 5761 §4).
pub fn is_media(contents: &[u8]) -> bool {
    matches!(contents, [first, second, ..] if (128..=191).contains(first) && !(192..=223).contains(second))
}

/// RFC 7983 §7.
pub fn is_dtls(contents: &[u8]) -> bool {
    contents.first().is_some_and(|first| (20..=63).contains(first))
}

/// An address nobody has.
pub fn stranger(number: u32) -> SocketAddr {
    let [_, b, c, d] = number.to_be_bytes();
    SocketAddr::from(([203, b, c, d], 9_000))
}
