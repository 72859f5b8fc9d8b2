//! The server: its state, its doors, and who gets which message.

mod allocate;
mod answer;
mod authenticate;
mod lifetime;
mod permit;
mod refresh;
mod relay;
mod request;
mod revoked;
mod wish;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use foldhash::fast::FixedState;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use slab::Slab;

pub(crate) use allocate::Pending;

use crate::allocation::Allocation;
use crate::channel_data::is_channel_data;
use crate::limiter::NetworkLimiter;
use crate::nonce::Nonces;
use crate::ports::Ports;
use crate::stun::{AttributeType, Class, Family, Message, Method};
use crate::{Action, Config, ConfigError, FiveTuple, Framer, Held, Peers, RelayId, SendFromRelay, Stats};
use lifetime::Due;
use revoked::Revoked;

/// A STUN and TURN server without sockets and without a clock.
///
/// Every mutation is followed by taking all that [`Self::poll_action`] has; the queue is bounded by what one call can
/// cause: an answer, and for each allocation that ends three actions.
#[derive(Debug)]
pub struct Server {
    config: Config,
    nonces: Nonces,
    random: StdRng,
    /// A moment and the Unix seconds it was.
    clock: (Instant, u64),
    started: Instant,

    allocations: Slab<Allocation>,
    by_client: HashMap<FiveTuple, usize, FixedState>,
    by_session: BTreeMap<Box<str>, Share>,
    by_network: BTreeMap<u64, usize>,
    relays: Slab<Relay>,
    relay_generation: u32,
    reservations: BTreeMap<Token, Reservation>,
    revoked: Revoked,
    v4_ports: Ports,
    v6_ports: Ports,

    due: BTreeSet<(Instant, Due)>,
    unproven: NetworkLimiter,
    proven: NetworkLimiter,
    actions: VecDeque<Action>,
    stats: Stats,
}

/// What one session holds.
#[derive(Debug, Default)]
struct Share {
    allocations: Vec<usize>,
    reservations: Vec<Token>,
}

/// Names a reserved port (RFC 8656 §18.10).
type Token = [u8; 8];

#[derive(Debug)]
struct Reservation {
    relay: RelayId,
    session: Box<str>,
    expires: Instant,
}

#[derive(Debug)]
struct Relay {
    generation: u32,
    /// The allocation; `None` for a port that is set aside.
    allocation: Option<usize>,
    family: Family,
    port: u16,
    address: SocketAddr,
    bound: bool,
}

impl Server {
    /// Starts a server. `seed` must be unpredictable: nonces, tokens and the choice of ports come from it.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn new(config: Config, seed: [u8; 32], now: Instant, unix_seconds: u64) -> Result<Self, ConfigError> {
        config.check()?;
        let mut random = StdRng::from_seed(seed);
        let mut nonce_key = [0; 32];
        random.fill_bytes(&mut nonce_key);
        let mut seeds = || random.next_u64();
        let unproven = NetworkLimiter::new(config.limits.unproven, [seeds(), seeds()]);
        let proven = NetworkLimiter::new(config.limits.proven, [seeds(), seeds()]);
        let by_client = HashMap::with_hasher(FixedState::with_seed(seeds()));
        Ok(Self {
            nonces: Nonces::new(&nonce_key, now),
            random,
            clock: (now, unix_seconds),
            started: now,
            allocations: Slab::new(),
            by_client,
            by_session: BTreeMap::new(),
            by_network: BTreeMap::new(),
            relays: Slab::new(),
            relay_generation: 0,
            reservations: BTreeMap::new(),
            revoked: Revoked::default(),
            v4_ports: Ports::new(&config.ports),
            v6_ports: Ports::new(&config.ports),
            due: BTreeSet::new(),
            unproven,
            proven,
            actions: VecDeque::new(),
            stats: Stats::default(),
            config,
        })
    }

    /// Says what time it is in the world, to judge credentials by; between calls the monotonic clock goes on from here.
    pub fn set_unix_time(&mut self, now: Instant, unix_seconds: u64) {
        self.clock = (now, unix_seconds);
    }

    /// Whom relays may talk to; a change takes effect with the next packet.
    pub fn peers_mut(&mut self) -> &mut Peers {
        &mut self.config.peers
    }

    /// Takes a packet, or one frame of a stream, from a client. A payload for a peer comes back at once, within the
    /// packet; everything else waits in [`Self::poll_action`].
    pub fn handle_client<'p>(
        &mut self,
        now: Instant,
        client: FiveTuple,
        packet: &'p [u8],
    ) -> Option<SendFromRelay<'p>> {
        if packet.first().copied().is_some_and(is_channel_data) {
            return self.channel_data(now, client, packet);
        }
        let Ok(message) = Message::parse(packet) else {
            self.stats.malformed += 1;
            return None;
        };
        match (message.class(), message.method()) {
            (Class::Indication, Method::SEND) => return self.send_indication(now, client, &message),
            (Class::Request, Method::BINDING) => self.binding(now, client, &message),
            (Class::Request, method) if METHODS.contains(&method) => self.request(now, client, &message),
            // Nothing else is for a server; of unknown methods RFC 8489 §6.3 says to be silent.
            _ => {}
        }
        None
    }

    /// Says whether the socket of a [`Action::BindRelay`] is open.
    pub fn handle_bound(&mut self, now: Instant, relay: RelayId, open: bool) {
        self.bound(now, relay, open);
    }

    /// Says that a client's connection is closed; its allocation ends.
    pub fn handle_disconnect(&mut self, client: FiveTuple) {
        if let Some(&index) = self.by_client.get(&client) {
            self.close_allocation(index, false);
        }
    }

    /// Ends what has expired.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.expire(now);
    }

    /// The next moment at which [`Self::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let due = self.due.first().map(|(at, _)| *at);
        due.into_iter().chain(self.revoked.next_expiry()).min()
    }

    /// What the owner of the sockets is to do next.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Ends all a session has here, and takes its credential no more. A session's name must not be used again.
    pub fn revoke(&mut self, now: Instant, session: &str) {
        self.end_session(now, session);
    }

    /// How long a frame of this client may be; for [`Framer::set_limit`].
    pub fn frame_limit(&self, client: FiveTuple) -> usize {
        if self.by_client.contains_key(&client) {
            Framer::DATA_LIMIT
        } else {
            Framer::CONTROL_LIMIT
        }
    }

    /// The address under which peers see a relay; `None` once it is closed.
    pub fn relayed_address(&self, relay: RelayId) -> Option<SocketAddr> {
        self.relay(relay).map(|relay| relay.address)
    }

    /// Counters since the start.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// What is held at the moment.
    pub fn held(&self) -> Held {
        Held {
            allocations: self.allocations.len(),
            relays: self.relays.len(),
            reservations: self.reservations.len(),
            revoked: self.revoked.len(),
            free_ports: (self.v4_ports.free() + self.v6_ports.free()) as usize,
            actions: self.actions.len(),
        }
    }

    fn relay(&self, id: RelayId) -> Option<&Relay> {
        let relay = self.relays.get(id.index as usize)?;
        (relay.generation == id.generation).then_some(relay)
    }

    fn relay_mut(&mut self, id: RelayId) -> Option<&mut Relay> {
        let relay = self.relays.get_mut(id.index as usize)?;
        (relay.generation == id.generation).then_some(relay)
    }

    fn ports(&mut self, family: Family) -> &mut Ports {
        match family {
            Family::V4 => &mut self.v4_ports,
            Family::V6 => &mut self.v6_ports,
        }
    }

    fn relay_ip(&self, family: Family) -> Option<IpAddr> {
        match family {
            Family::V4 => self.config.relay_v4.map(IpAddr::V4),
            Family::V6 => self.config.relay_v6.map(IpAddr::V6),
        }
    }

    fn unix_seconds(&self, now: Instant) -> u64 {
        let (then, seconds) = self.clock;
        seconds.saturating_add(now.saturating_duration_since(then).as_secs())
    }
}

/// Whether a packet on a port shared with ICE is for the server: channel data, TURN, or a Binding request without a
/// name (ICE's checks carry one). What is no STUN message is not.
pub fn is_for_server(packet: &[u8]) -> bool {
    if packet.first().copied().is_some_and(is_channel_data) {
        return true;
    }
    let Ok(message) = Message::parse(packet) else {
        return false;
    };
    match (message.class(), message.method()) {
        (Class::Request, Method::BINDING) => message.find(AttributeType::USERNAME).is_none(),
        (Class::Request, method) => METHODS.contains(&method),
        (Class::Indication, method) => method == Method::SEND,
        _ => false,
    }
}

/// A client's address as it sees itself: an IPv4 address that arrived at an IPv6 socket is an IPv4 address.
fn visible(source: SocketAddr) -> SocketAddr {
    SocketAddr::new(source.ip().to_canonical(), source.port())
}

/// The lifetime of an allocation that asks for none, and the shortest (RFC 8656 §3.2).
const DEFAULT_LIFETIME: Duration = Duration::from_secs(600);

/// The longest lifetime that is granted (RFC 8656 §7.2 suggests an hour).
const MAX_LIFETIME: Duration = Duration::from_secs(3600);

/// Requests that need a credential.
const METHODS: [Method; 6] = [
    Method::ALLOCATE,
    Method::REFRESH,
    Method::CREATE_PERMISSION,
    Method::CHANNEL_BIND,
    Method::CONNECT,
    Method::CONNECTION_BIND,
];
