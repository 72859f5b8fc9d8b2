//! TCP passages: delay, jitter and rate only. What a network loses, TCP's own repair would bring again.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr};
use std::time::Instant;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use slab::Slab;
use tertulia_netsim::{Change, Path, Pipe, Side};

use crate::args::Passage;

/// Connections at once, over all passages.
const MOST_CONNECTIONS: usize = 256;
/// Bytes one direction holds before it stops reading.
const MOST_HELD: usize = 1_024 * 1_024;
/// Bytes that travel as one, like a segment.
const SEGMENT: usize = 1_400;

/// All passages and their connections.
pub struct TcpRelay {
    passages: Vec<(TcpListener, SocketAddr)>,
    connections: Slab<Connection>,
    path: Path,
    first_token: usize,
}

struct Connection {
    ends: [TcpStream; 2],
    flows: [Flow; 2],
}

/// One direction of a connection.
struct Flow {
    pipe: Pipe<Box<[u8]>>,
    held: usize,
    /// What has arrived and could not be written yet.
    rest: Vec<u8>,
    readable: bool,
    /// The source has said all; an empty segment under way carries that on.
    said_all: bool,
    ended: bool,
}

impl TcpRelay {
    /// Listens on every passage; tokens are taken from `first_token` up.
    ///
    /// # Errors
    ///
    /// When an address cannot be bound.
    pub fn bind(
        passages: &[Passage],
        path: Path,
        registry: &Registry,
        first_token: usize,
    ) -> io::Result<Self> {
        let passages = passages
            .iter()
            .enumerate()
            .map(|(index, passage)| {
                let mut listener = TcpListener::bind(passage.listen)?;
                registry.register(&mut listener, Token(first_token + index), Interest::READABLE)?;
                Ok((listener, passage.target))
            })
            .collect::<io::Result<_>>()?;
        Ok(Self {
            passages,
            connections: Slab::new(),
            path,
            first_token,
        })
    }

    /// Where the passages listen, in the order they were asked for.
    ///
    /// # Errors
    ///
    /// When the system does not tell.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.passages
            .iter()
            .map(|(listener, _)| listener.local_addr())
            .collect()
    }

    /// Takes note that a socket may be read or written.
    pub fn ready(&mut self, token: Token, registry: &Registry, now: Instant) {
        let index = token.0.wrapping_sub(self.first_token);
        if index < self.passages.len() {
            self.accept(index, registry);
            return;
        }
        let index = index - self.passages.len();
        if let Some(connection) = self.connections.get_mut(index / 2)
            && let Some(flow) = connection.flows.get_mut(index % 2)
        {
            flow.readable = true;
            connection.read(now);
        }
    }

    /// Writes what has arrived by now, and reads on where that made room.
    pub fn deliver(&mut self, now: Instant) {
        self.connections.retain(|_, connection| {
            connection.read(now);
            connection.write(now)
        });
    }

    /// When something arrives next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.connections
            .iter()
            .flat_map(|(_, connection)| {
                connection
                    .flows
                    .iter()
                    .filter_map(|flow| flow.pipe.poll_timeout())
            })
            .min()
    }

    /// Changes the network of all connections.
    pub fn change(&mut self, side: Side, change: &Change, now: Instant) {
        side.apply(change, &mut self.path);
        for (_, connection) in &mut self.connections {
            let [up, down] = &mut connection.flows;
            up.pipe.change(self.path.up.reliable(), now);
            down.pipe.change(self.path.down.reliable(), now);
        }
    }

    fn accept(&mut self, passage: usize, registry: &Registry) {
        let Some((listener, target)) = self.passages.get(passage) else {
            return;
        };
        // Whatever else `accept` says is about one connection that is gone already.
        while let Ok((client, _)) = listener.accept() {
            if self.connections.len() >= MOST_CONNECTIONS {
                continue;
            }
            let Ok(server) = TcpStream::connect(*target) else {
                continue;
            };
            let entry = self.connections.vacant_entry();
            let token = self.first_token + self.passages.len() + 2 * entry.key();
            let mut ends = [client, server];
            let registered = ends.iter_mut().enumerate().try_for_each(|(side, end)| {
                let _ = end.set_nodelay(true);
                registry.register(end, Token(token + side), Interest::READABLE | Interest::WRITABLE)
            });
            if registered.is_ok() {
                let flow = |conditions| Flow {
                    // Nothing is left to chance here but jitter, and it needs no seed of its own.
                    pipe: Pipe::new(conditions, token as u64),
                    held: 0,
                    rest: Vec::new(),
                    readable: true,
                    said_all: false,
                    ended: false,
                };
                entry.insert(Connection {
                    ends,
                    flows: [flow(self.path.up.reliable()), flow(self.path.down.reliable())],
                });
            }
        }
    }
}

impl Connection {
    fn read(&mut self, now: Instant) {
        for (flow, end) in self.flows.iter_mut().zip(&mut self.ends) {
            let mut buffer = [0; SEGMENT];
            while flow.readable && !flow.said_all && flow.held < MOST_HELD {
                let length = match end.read(&mut buffer) {
                    Ok(length) => length,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error)
                        if matches!(
                            error.kind(),
                            io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected
                        ) =>
                    {
                        flow.readable = false;
                        break;
                    }
                    Err(_) => 0,
                };
                flow.said_all = length == 0;
                flow.held += length;
                let segment = buffer.get(..length).unwrap_or_default();
                flow.pipe.handle_packet(segment.into(), length, now);
            }
        }
    }

    /// Gives whether the connection goes on.
    fn write(&mut self, now: Instant) -> bool {
        let [client, server] = &mut self.ends;
        let [up, down] = &mut self.flows;
        let alive = up.write(server, now) && down.write(client, now);
        alive && !(up.ended && down.ended)
    }
}

impl Flow {
    fn write(&mut self, end: &mut TcpStream, now: Instant) -> bool {
        loop {
            if self.rest.is_empty() {
                let Some(arrival) = self.pipe.poll_packet(now) else {
                    return true;
                };
                self.held = self.held.saturating_sub(arrival.packet.len());
                if arrival.packet.is_empty() {
                    self.ended = true;
                    return end.shutdown(Shutdown::Write).is_ok();
                }
                self.rest = arrival.packet.into();
            }
            match end.write(&self.rest) {
                Ok(written) => drop(self.rest.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected
                    );
                }
            }
        }
    }
}
