//! The UDP relay: each client gets a socket of its own towards the server, and a network of its own.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use slab::Slab;
use socket2::{Domain, Socket, Type};
use tertulia_netsim::{Change, Path, Pipe, Side};

use crate::figures;

/// Clients at once.
const MOST_CLIENTS: usize = 256;
/// A client silent for this long gives its place up when there is no other.
const IDLE: Duration = Duration::from_secs(30);
/// Datagrams taken from one socket before the others get their turn.
const BATCH: usize = 256;
/// Bytes asked of the kernel for each socket; it grants up to its own limit.
const SOCKET_BUFFER: usize = 4 * 1_024 * 1_024;

type Datagram = Box<[u8]>;

struct Client {
    source: SocketAddr,
    /// The port the server sees, which ICE tells the client (as a peer-reflexive candidate).
    relay_port: u16,
    socket: UdpSocket,
    path: Path,
    up: Pipe<Datagram>,
    down: Pipe<Datagram>,
    heard: Instant,
}

/// The relay between all clients and one server.
pub struct UdpRelay {
    listener: UdpSocket,
    listener_token: Token,
    target: SocketAddr,
    /// What a new client gets.
    path: Path,
    seeds: StdRng,
    begun: bool,
    clients: Slab<Client>,
    by_source: HashMap<SocketAddr, usize>,
    first_token: usize,
    /// Sockets with more to read than one batch.
    unread: Vec<Token>,
    buffer: Vec<u8>,
    refused: u64,
    unsent: u64,
    lateness: Lateness,
}

/// How far behind its time the relay sends, which the machine adds to the network.
#[derive(Default)]
struct Lateness {
    packets: u64,
    sum: Duration,
    greatest: Duration,
}

impl UdpRelay {
    /// Listens; sockets of clients get tokens from `first_token` up.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound.
    pub fn bind(
        listen: SocketAddr,
        target: SocketAddr,
        (path, seed): (Path, u64),
        registry: &Registry,
        (listener_token, first_token): (Token, usize),
    ) -> io::Result<Self> {
        let mut listener = socket(listen)?;
        registry.register(&mut listener, listener_token, Interest::READABLE)?;
        Ok(Self {
            listener,
            listener_token,
            target,
            path,
            seeds: StdRng::seed_from_u64(seed),
            begun: false,
            clients: Slab::new(),
            by_source: HashMap::new(),
            first_token,
            unread: Vec::new(),
            buffer: vec![0; 65_536],
            refused: 0,
            unsent: 0,
            lateness: Lateness::default(),
        })
    }

    /// Where clients send to.
    ///
    /// # Errors
    ///
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Whether a client has been heard yet.
    pub fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether a socket holds more than was read in its turn.
    pub fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    /// Reads a socket that may have something.
    pub fn ready(&mut self, token: Token, registry: &Registry, now: Instant) {
        let drained = if token == self.listener_token {
            self.read_clients(registry, now)
        } else {
            self.read_server(token.0.wrapping_sub(self.first_token), now)
        };
        if !drained && !self.unread.contains(&token) {
            self.unread.push(token);
        }
    }

    /// Reads on where a batch was not enough.
    pub fn read_on(&mut self, registry: &Registry, now: Instant) {
        for token in std::mem::take(&mut self.unread) {
            self.ready(token, registry, now);
        }
    }

    /// Sends what has arrived by now.
    pub fn deliver(&mut self, now: Instant) {
        for (_, client) in &mut self.clients {
            while let Some(arrival) = client.up.poll_packet(now) {
                self.lateness.add(now - arrival.due);
                self.unsent += u64::from(client.socket.send(&arrival.packet).is_err());
            }
            while let Some(arrival) = client.down.poll_packet(now) {
                self.lateness.add(now - arrival.due);
                let sent = self.listener.send_to(&arrival.packet, client.source);
                self.unsent += u64::from(sent.is_err());
            }
        }
    }

    /// When something arrives next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.clients
            .iter()
            .flat_map(|(_, client)| [client.up.poll_timeout(), client.down.poll_timeout()])
            .flatten()
            .min()
    }

    /// Changes the network of all clients and of those to come, or of the one that has a port, its own or the one the server sees; gives how many there are.
    pub fn change(&mut self, only: Option<u16>, side: Side, change: &Change, now: Instant) -> usize {
        if only.is_none() {
            side.apply(change, &mut self.path);
        }
        let mut changed = 0;
        for (_, client) in &mut self.clients {
            if only.is_some_and(|port| port != client.source.port() && port != client.relay_port) {
                continue;
            }
            side.apply(change, &mut client.path);
            client.up.change(client.path.up, now);
            client.down.change(client.path.down, now);
            changed += 1;
        }
        changed
    }

    /// The figures of all clients and of the relay itself.
    pub fn stats(&mut self, now: Instant) -> Value {
        let clients: Vec<Value> = self
            .clients
            .iter_mut()
            .map(|(_, client)| {
                json!({
                    "source": client.source.to_string(),
                    "port": client.source.port(),
                    "relay_port": client.relay_port,
                    "up": figures::pipe(&mut client.up, now),
                    "down": figures::pipe(&mut client.down, now),
                })
            })
            .collect();
        json!({
            "clients": clients,
            "refused": self.refused,
            "unsent": self.unsent,
            "late_mean_ms": figures::milliseconds(self.lateness.mean()),
            "late_max_ms": figures::milliseconds(self.lateness.greatest),
        })
    }

    /// Takes what clients sent; `true` when nothing is left.
    fn read_clients(&mut self, registry: &Registry, now: Instant) -> bool {
        for _ in 0..BATCH {
            let (length, source) = match self.listener.recv_from(&mut self.buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                // The kernel reports here what happened to an earlier datagram; this one is still to come.
                Err(_) => continue,
            };
            let Some(key) = self.client(source, registry, now) else {
                self.refused += 1;
                continue;
            };
            if let (Some(client), Some(bytes)) = (self.clients.get_mut(key), self.buffer.get(..length)) {
                client.heard = now;
                client.up.handle_packet(bytes.into(), length, now);
            }
        }
        false
    }

    fn read_server(&mut self, key: usize, now: Instant) -> bool {
        let Some(client) = self.clients.get_mut(key) else {
            return true;
        };
        for _ in 0..BATCH {
            match client.socket.recv(&mut self.buffer) {
                Ok(length) => {
                    if let Some(bytes) = self.buffer.get(..length) {
                        client.down.handle_packet(bytes.into(), length, now);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(_) => {}
            }
        }
        false
    }

    fn client(&mut self, source: SocketAddr, registry: &Registry, now: Instant) -> Option<usize> {
        if let Some(key) = self.by_source.get(&source) {
            return Some(*key);
        }
        if self.clients.len() >= MOST_CLIENTS {
            self.evict(registry, now)?;
        }
        let any = match self.target {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let mut socket = socket(SocketAddr::new(any, 0)).ok()?;
        socket.connect(self.target).ok()?;
        let relay_port = socket.local_addr().ok()?.port();
        let entry = self.clients.vacant_entry();
        let token = Token(self.first_token + entry.key());
        registry.register(&mut socket, token, Interest::READABLE).ok()?;
        // Each direction of each client has chances of its own, the same at every run in the order of their coming.
        let [up, down] = [self.seeds.random(), self.seeds.random()];
        self.begun = true;
        let key = entry.key();
        entry.insert(Client {
            source,
            relay_port,
            socket,
            path: self.path,
            up: Pipe::new(self.path.up, up),
            down: Pipe::new(self.path.down, down),
            heard: now,
        });
        self.by_source.insert(source, key);
        Some(key)
    }

    /// Makes room by letting go of the client silent for longest, if for long enough.
    fn evict(&mut self, registry: &Registry, now: Instant) -> Option<()> {
        let (key, client) = self.clients.iter().min_by_key(|(_, client)| client.heard)?;
        if now.saturating_duration_since(client.heard) < IDLE {
            return None;
        }
        let mut client = self.clients.try_remove(key)?;
        self.by_source.remove(&client.source);
        let _ = registry.deregister(&mut client.socket);
        Some(())
    }
}

impl Lateness {
    fn add(&mut self, late: Duration) {
        self.packets += 1;
        self.sum += late;
        self.greatest = self.greatest.max(late);
    }

    fn mean(&self) -> Duration {
        let nanoseconds = self.sum.as_nanos() / u128::from(self.packets.max(1));
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }
}

/// A socket that holds as much as the kernel grants: what is lost here is not what was asked for.
fn socket(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    let _ = socket.set_recv_buffer_size(SOCKET_BUFFER);
    let _ = socket.set_send_buffer_size(SOCKET_BUFFER);
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(UdpSocket::from_std(socket.into()))
}
