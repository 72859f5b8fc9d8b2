use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mio::{Interest, Poll, Token, Waker};
use tertulia_model::TransportProtocol;
use tertulia_session::LocalCandidate;
use tertulia_turn::{Config, Server};
use tokio::sync::mpsc;

use super::{MAILBOX, Relayed, ToTurn, TurnLink};
use crate::config::{EngineConfig, EngineError};
use crate::net::udp::UdpPort;
use crate::reach::TurnConfig;

pub(super) const WAKE: Token = Token(0);
pub(super) const OWN: Token = Token(1);
pub(super) const FIRST_RELAY: usize = 2;

/// Ports of relays without sockets. They lie below those that systems give to outgoing sockets, so that no client on
/// this host can be taken for a relay.
const SOCKETLESS: RangeInclusive<u16> = 20_000..=32_767;

/// How much later than its own clock says a credential may end: whole seconds are counted from different beginnings,
/// and whoever else signs with the secret has a clock of his own.
const CLOCK_SLACK: Duration = Duration::from_secs(60);

/// What the server needs to know of a worker's sockets.
pub(crate) struct MediaPort {
    pub(crate) worker: usize,
    pub(crate) udp: UdpPort,
    pub(crate) candidates: Vec<LocalCandidate>,
}

/// One of our media sockets as a peer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Media {
    pub(super) worker: usize,
    /// The address our sessions know it by.
    pub(super) local: SocketAddr,
}

/// A TURN server that has its sockets but not its thread.
pub(crate) struct TurnStart {
    pub(super) poll: Poll,
    pub(super) mailbox: mpsc::Receiver<ToTurn>,
    pub(super) server: Server,
    /// The sockets answers leave from; the server's own is the last, if there is one.
    pub(super) ports: Vec<UdpPort>,
    pub(super) has_own: bool,
    /// By the address clients know.
    pub(super) media: HashMap<SocketAddr, Media>,
    /// Where relays' sockets are bound; `None` where relays have none.
    pub(super) relays_at: Option<Vec<IpAddr>>,
    pub(super) link: TurnLink,
}

impl TurnStart {
    pub(crate) fn bind(
        config: &EngineConfig,
        turn: &TurnConfig,
        media_ports: Vec<MediaPort>,
    ) -> Result<Self, EngineError> {
        let wrong = |error: &dyn std::fmt::Display| EngineError::Turn(error.to_string());
        let secret = turn
            .secrets
            .first()
            .ok_or(EngineError::Config("a TURN server needs a secret"))?;
        let mut ours = Config::new(&turn.realm, secret.clone());
        ours.secrets.clone_from(&turn.secrets);
        ours.max_credential_lifetime = turn.credential_lifetime + CLOCK_SLACK;
        let (v4, v6) = (public_v4(config), public_v6(config));
        ours.relay_v4 = v4.map(|(public, _)| public);
        ours.relay_v6 = v6.map(|(public, _)| public);
        ours.ports = SOCKETLESS;
        let mut relays_at = None;
        if let Some(wider) = &turn.wider {
            ours.ports = wider.ports.clone();
            if wider.public {
                ours.peers.allow_public();
            }
            for network in &wider.networks {
                ours.peers
                    .allow_network(*network)
                    .map_err(|error| wrong(&error))?;
            }
            for socket in &wider.sockets {
                ours.peers.allow_socket(*socket);
            }
            for address in &wider.protected {
                ours.peers.protect(*address);
            }
            relays_at = Some(
                v4.map(|(_, at)| at)
                    .into_iter()
                    .chain(v6.map(|(_, at)| at))
                    .collect(),
            );
        }
        let mut media = HashMap::new();
        for port in &media_ports {
            let udp = |candidate: &&LocalCandidate| candidate.protocol == TransportProtocol::Udp;
            for candidate in port.candidates.iter().filter(udp) {
                // One peer for each local address, behind which all workers may be: what answers must come from the
                // address that was asked, and the local one does not tell which that was.
                if media.values().any(|media: &Media| media.local == candidate.addr) {
                    continue;
                }
                ours.peers.allow_socket(candidate.advertised);
                media.entry(candidate.advertised).or_insert(Media {
                    worker: port.worker,
                    local: candidate.addr,
                });
            }
        }
        let relayed = Arc::new(Relayed::new(ours.relay_v4, ours.relay_v6));
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let server = Server::new(ours, rand::random(), Instant::now(), unix.as_secs())
            .map_err(|error| wrong(&error))?;

        let poll = Poll::new().map_err(EngineError::Start)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE).map_err(EngineError::Start)?);
        let mut ports: Vec<UdpPort> = Vec::new();
        for port in media_ports {
            // Behind one shared port all sockets send alike.
            if ports.iter().all(|known| known.port() != port.udp.port()) {
                ports.push(port.udp);
            }
        }
        if let Some(port) = turn.udp_port {
            let address = SocketAddr::new(config.bind, port);
            let failed = |source| EngineError::Bind {
                protocol: "UDP",
                address,
                source,
            };
            let mut own = UdpPort::bind(address).map_err(failed)?;
            poll.registry()
                .register(own.socket(), OWN, Interest::READABLE)
                .map_err(EngineError::Start)?;
            ports.push(own);
        }
        let (queue, mailbox) = mpsc::channel(MAILBOX);
        Ok(Self {
            poll,
            mailbox,
            server,
            has_own: turn.udp_port.is_some(),
            ports,
            media,
            relays_at,
            link: TurnLink {
                queue,
                waker,
                relayed,
            },
        })
    }

    pub(crate) fn link(&self) -> TurnLink {
        self.link.clone()
    }

    /// The port of its own, where it has one.
    pub(crate) fn own_port(&self) -> Option<u16> {
        self.ports.last().filter(|_| self.has_own).map(UdpPort::port)
    }
}

/// The first advertised address of IPv4, and the local one behind it.
fn public_v4(config: &EngineConfig) -> Option<(Ipv4Addr, IpAddr)> {
    config.advertised.iter().find_map(|told| match told.public {
        IpAddr::V4(public) => Some((public, told.local)),
        IpAddr::V6(_) => None,
    })
}

fn public_v6(config: &EngineConfig) -> Option<(Ipv6Addr, IpAddr)> {
    config.advertised.iter().find_map(|told| match told.public {
        IpAddr::V6(public) => Some((public, told.local)),
        IpAddr::V4(_) => None,
    })
}
