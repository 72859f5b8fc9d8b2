//! Two ends in memory, in virtual time: a session, and a client made of the library's own peer connection.
#![allow(dead_code, reason = "each test file uses its part")]

mod client;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tertulia_model::{Bitrate, IceCredentials, TransportProtocol};
use tertulia_session::{
    Certificate, ClientFamily, Input, LocalCandidate, Output, RxPacket, Session, SessionConfig, SessionEvent,
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
        seed: [3; 32],
    }
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
    /// Nothing passes at all.
    pub cut: bool,
    pub events: Vec<SessionEvent>,
    pub received: Vec<RxPacket>,
    up: VecDeque<(Instant, SocketAddr, Vec<u8>)>,
    down: VecDeque<(Instant, SocketAddr, Vec<u8>)>,
}

impl Pair {
    pub fn new() -> Self {
        Self::with(config(ClientFamily::WebRtc))
    }

    pub fn with(config: SessionConfig) -> Self {
        let now = start();
        Self {
            now,
            session: Session::new(config, now),
            client: Client::new(now),
            lose_up: Box::new(|_| false),
            lose_down: Box::new(|_| false),
            cut: false,
            events: Vec::new(),
            received: Vec::new(),
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
                    let lost = is_media(&contents) && (self.lose_down)(&contents);
                    if !lost && !self.cut && destination == self.client.addr {
                        self.down.push_back((self.now + LATENCY, destination, contents));
                    }
                }
                Output::Event(SessionEvent::Rtp(packet)) => self.received.push(packet),
                Output::Event(event) => self.events.push(event),
            }
        };
        let (client_wake, sent) = self.client.drain();
        for (source, contents) in sent {
            let lost = self.cut || (is_media(&contents) && (self.lose_up)(&contents));
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
            let input = Input::Datagram {
                protocol: TransportProtocol::Udp,
                source,
                destination: server,
                contents: &contents,
            };
            self.session.handle_input(input, self.now).unwrap();
            self.drain();
        }
        while self.down.front().is_some_and(|(at, ..)| *at <= self.now) {
            let (_, destination, contents) = self.down.pop_front().unwrap();
            if destination == self.client.addr {
                self.client.receive(server, &contents, self.now);
            }
            self.drain();
        }
        self.session.handle_input(Input::Timeout, self.now).unwrap();
        self.client.timeout(self.now);
    }
}

/// RTP, not RTCP, STUN or DTLS (RFC 7983, RFC 5761 §4).
fn is_media(contents: &[u8]) -> bool {
    matches!(contents, [first, second, ..] if (128..=191).contains(first) && !(192..=223).contains(second))
}
