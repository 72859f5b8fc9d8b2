//! The smallest shell around the server: UDP and TCP sockets on one address, one thread, no TLS.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream, UdpSocket};
use mio::{Events, Interest, Poll, Token, Waker};
use tertulia_turn::{
    Action, Config, Family, FiveTuple, Framer, HEADROOM, RelayId, Server, Stats, TAILROOM, Transport,
};

const UDP: Token = Token(0);
const TCP: Token = Token(1);
const WAKE: Token = Token(2);
const FIRST: usize = 3;

const BUFFER_BYTES: usize = HEADROOM + 65_536 + TAILROOM;

/// What a connection may have unsent before it is cut off.
const MAX_UNSENT: usize = 1 << 20;

/// A server on its own thread; it ends when this is dropped.
pub struct Driver {
    pub address: SocketAddr,
    stop: Arc<AtomicBool>,
    waker: Waker,
    thread: Option<JoinHandle<Stats>>,
}

impl Driver {
    /// Starts a server that listens on a free port of `ip`.
    pub fn start(ip: IpAddr, config: Config, unix_seconds: u64) -> io::Result<Self> {
        let poll = Poll::new()?;
        let (udp, tcp) = listen(ip)?;
        let address = udp.local_addr()?;
        let waker = Waker::new(poll.registry(), WAKE)?;
        let stop = Arc::new(AtomicBool::new(false));
        let seed = std::array::from_fn(|i| (address.port() as u8).wrapping_mul(31).wrapping_add(i as u8));
        let server = Server::new(config, seed, Instant::now(), unix_seconds).map_err(io::Error::other)?;
        let shell = Shell {
            poll,
            server,
            address,
            udp,
            tcp,
            relays: BTreeMap::new(),
            by_relay: BTreeMap::new(),
            connections: BTreeMap::new(),
            by_client: BTreeMap::new(),
            next: FIRST,
        };
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || shell.run(&stopped));
        Ok(Self {
            address,
            stop,
            waker,
            thread: Some(thread),
        })
    }

    /// Ends the server and gives its counters.
    pub fn stop(mut self) -> Stats {
        self.join().expect("the thread is joined once")
    }

    fn join(&mut self) -> Option<Stats> {
        self.stop.store(true, Ordering::Relaxed);
        self.waker.wake().ok()?;
        self.thread.take()?.join().ok()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.join();
    }
}

struct Shell {
    poll: Poll,
    server: Server,
    address: SocketAddr,
    udp: UdpSocket,
    tcp: TcpListener,
    relays: BTreeMap<usize, (RelayId, UdpSocket)>,
    by_relay: BTreeMap<RelayId, usize>,
    connections: BTreeMap<usize, Connection>,
    by_client: BTreeMap<FiveTuple, usize>,
    next: usize,
}

struct Connection {
    client: FiveTuple,
    stream: TcpStream,
    framer: Framer,
    unsent: Vec<u8>,
}

impl Shell {
    fn run(mut self, stop: &AtomicBool) -> Stats {
        let mut events = Events::with_capacity(256);
        let mut buffer = vec![0; BUFFER_BYTES];
        let both = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        registry.register(&mut self.udp, UDP, Interest::READABLE).unwrap();
        registry.register(&mut self.tcp, TCP, Interest::READABLE).unwrap();
        while !stop.load(Ordering::Relaxed) {
            let due = self
                .server
                .poll_timeout()
                .map(|at| at.saturating_duration_since(Instant::now()));
            match self.poll.poll(&mut events, due.or(Some(Duration::from_secs(5)))) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result.unwrap(),
            }
            self.server.handle_timeout(Instant::now());
            self.act();
            for event in &events {
                match event.token() {
                    UDP => self.read_clients(&mut buffer),
                    TCP => self.accept(both),
                    WAKE => {}
                    Token(index) if self.relays.contains_key(&index) => self.read_peers(index, &mut buffer),
                    Token(index) => self.serve(index, &mut buffer),
                }
            }
        }
        self.server.stats()
    }

    fn act(&mut self) {
        while let Some(action) = self.server.poll_action() {
            match action {
                Action::SendToClient { client, bytes } => self.send_to_client(client, &bytes),
                Action::BindRelay { relay, family, port } => {
                    let ip = match (self.address.is_ipv4(), family) {
                        (_, Family::V4) => IpAddr::V4(Ipv4Addr::LOCALHOST),
                        (_, Family::V6) => IpAddr::V6(Ipv6Addr::LOCALHOST),
                    };
                    let socket = UdpSocket::bind(SocketAddr::new(ip, port));
                    let open = socket.is_ok();
                    if let Ok(mut socket) = socket {
                        let token = Token(self.next);
                        self.poll
                            .registry()
                            .register(&mut socket, token, Interest::READABLE)
                            .unwrap();
                        self.relays.insert(self.next, (relay, socket));
                        self.by_relay.insert(relay, self.next);
                        self.next += 1;
                    }
                    self.server.handle_bound(Instant::now(), relay, open);
                }
                Action::CloseRelay { relay } => {
                    if let Some(index) = self.by_relay.remove(&relay) {
                        self.relays.remove(&index);
                    }
                }
                Action::CloseClient { client } => {
                    if let Some(index) = self.by_client.remove(&client) {
                        self.connections.remove(&index);
                    }
                }
            }
        }
    }

    fn read_clients(&mut self, buffer: &mut [u8]) {
        let now = Instant::now();
        while let Ok((length, source)) = self.udp.recv_from(buffer) {
            let client = FiveTuple {
                transport: Transport::Udp,
                source,
                local: self.address,
            };
            self.handle_client(now, client, &buffer[..length]);
        }
    }

    fn handle_client(&mut self, now: Instant, client: FiveTuple, packet: &[u8]) {
        if let Some(sent) = self.server.handle_client(now, client, packet) {
            let relay = self
                .by_relay
                .get(&sent.relay)
                .and_then(|index| self.relays.get(index));
            if let Some((_, socket)) = relay {
                let _ = socket.send_to(sent.payload, sent.peer);
            }
        } else {
            self.act();
        }
    }

    fn read_peers(&mut self, index: usize, buffer: &mut [u8]) {
        let now = Instant::now();
        loop {
            let Some((relay, socket)) = self.relays.get(&index) else {
                return;
            };
            let relay = *relay;
            let space = buffer.len() - TAILROOM;
            let Ok((length, peer)) = socket.recv_from(&mut buffer[HEADROOM..space]) else {
                return;
            };
            let payload = HEADROOM..HEADROOM + length;
            let Some(sent) = self.server.handle_peer(now, relay, peer, buffer, payload) else {
                continue;
            };
            if sent.client.transport == Transport::Udp {
                let _ = self.udp.send_to(sent.bytes, sent.client.source);
            } else {
                let (client, bytes) = (sent.client, sent.bytes.to_vec());
                self.send_to_client(client, &bytes);
            }
        }
    }

    fn send_to_client(&mut self, client: FiveTuple, bytes: &[u8]) {
        if client.transport == Transport::Udp {
            let _ = self.udp.send_to(bytes, client.source);
            return;
        }
        let Some(index) = self.by_client.get(&client) else {
            return;
        };
        let Some(connection) = self.connections.get_mut(index) else {
            return;
        };
        connection.unsent.extend_from_slice(bytes);
        if connection.flush().is_err() {
            self.hang_up(*index);
        }
    }

    fn accept(&mut self, interest: Interest) {
        while let Ok((mut stream, source)) = self.tcp.accept() {
            let index = self.next;
            self.next += 1;
            let client = FiveTuple {
                transport: Transport::Tcp,
                source,
                local: self.address,
            };
            self.poll
                .registry()
                .register(&mut stream, Token(index), interest)
                .unwrap();
            self.by_client.insert(client, index);
            let connection = Connection {
                client,
                stream,
                framer: Framer::new(),
                unsent: Vec::new(),
            };
            self.connections.insert(index, connection);
        }
    }

    fn serve(&mut self, index: usize, buffer: &mut [u8]) {
        loop {
            let Some(connection) = self.connections.get_mut(&index) else {
                return;
            };
            let read = connection.flush().and_then(|()| connection.stream.read(buffer));
            let length = match read {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Ok(length) if length > 0 => length,
                _ => return self.hang_up(index),
            };
            connection.framer.push(&buffer[..length]);
            let client = connection.client;
            loop {
                let limit = self.server.frame_limit(client);
                let Some(connection) = self.connections.get_mut(&index) else {
                    return;
                };
                connection.framer.set_limit(limit);
                let frame = match connection.framer.next_frame() {
                    Ok(Some(frame)) => frame.to_vec(),
                    Ok(None) => break,
                    Err(_) => return self.hang_up(index),
                };
                self.handle_client(Instant::now(), client, &frame);
            }
        }
    }

    fn hang_up(&mut self, index: usize) {
        if let Some(connection) = self.connections.remove(&index) {
            self.by_client.remove(&connection.client);
            self.server.handle_disconnect(connection.client);
            self.act();
        }
    }
}

impl Connection {
    fn flush(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(length) => drop(self.unsent.drain(..length)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        if self.unsent.len() > MAX_UNSENT {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        Ok(())
    }
}

/// Both sockets on one port that the system chose.
fn listen(ip: IpAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let mut tries = 0;
    loop {
        let tcp = TcpListener::bind(SocketAddr::new(ip, 0))?;
        match UdpSocket::bind(tcp.local_addr()?) {
            Ok(udp) => return Ok((udp, tcp)),
            Err(error) if tries == 20 => return Err(error),
            Err(_) => tries += 1,
        }
    }
}
