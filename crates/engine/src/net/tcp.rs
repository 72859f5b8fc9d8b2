use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::SocketAddr;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use slab::Slab;

/// Bytes waiting for a slow connection before media for it is dropped.
const WRITE_LIMIT: usize = 512 * 1024;
/// Connections one worker carries.
const CONNECTIONS: usize = 4_096;
/// Largest frame taken: what a datagram could be.
const FRAME_LIMIT: usize = 2_048;

/// ICE-TCP connections of one worker: datagrams behind a 16-bit length (RFC 4571).
pub(crate) struct TcpPorts {
    connections: Slab<Connection>,
    by_remote: HashMap<SocketAddr, usize>,
    first_token: usize,
}

struct Connection {
    stream: TcpStream,
    remote: SocketAddr,
    local: SocketAddr,
    incoming: Vec<u8>,
    outgoing: VecDeque<u8>,
    writing: bool,
}

/// A frame as received.
pub(crate) struct Frame {
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) contents: Vec<u8>,
}

impl TcpPorts {
    pub(crate) fn new(first_token: usize) -> Self {
        Self {
            connections: Slab::new(),
            by_remote: HashMap::new(),
            first_token,
        }
    }

    /// Takes over an accepted connection; gives back its first frame.
    pub(crate) fn add(
        &mut self,
        registry: &Registry,
        stream: std::net::TcpStream,
        remote: SocketAddr,
        local: SocketAddr,
        first_frame: Vec<u8>,
    ) -> io::Result<Frame> {
        if self.connections.len() >= CONNECTIONS {
            return Err(io::Error::other("too many connections"));
        }
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        let entry = self.connections.vacant_entry();
        registry.register(
            &mut stream,
            Token(self.first_token + entry.key()),
            Interest::READABLE,
        )?;
        self.by_remote.insert(remote, entry.key());
        entry.insert(Connection {
            stream,
            remote,
            local,
            incoming: Vec::new(),
            outgoing: VecDeque::new(),
            writing: false,
        });
        Ok(Frame {
            source: remote,
            destination: local,
            contents: first_frame,
        })
    }

    /// Handles readiness of a connection; complete frames are appended to `frames`.
    pub(crate) fn ready(
        &mut self,
        registry: &Registry,
        token: Token,
        readable: bool,
        writable: bool,
        frames: &mut Vec<Frame>,
    ) {
        let Some(key) = token.0.checked_sub(self.first_token) else {
            return;
        };
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let result = match (readable, writable) {
            (true, _) => connection
                .read(frames)
                .and_then(|()| connection.write(registry, token)),
            (false, true) => connection.write(registry, token),
            (false, false) => Ok(()),
        };
        if let Err(error) = result {
            tracing::debug!(kind = ?error.kind(), "an ICE-TCP connection ended");
            self.remove(registry, key);
        }
    }

    /// Queues a frame for the connection to `remote`; false where there is none or it is too slow.
    pub(crate) fn send(&mut self, registry: &Registry, remote: SocketAddr, contents: &[u8]) -> bool {
        let Some(key) = self.by_remote.get(&remote).copied() else {
            return false;
        };
        let Some(connection) = self.connections.get_mut(key) else {
            return false;
        };
        let Ok(length) = u16::try_from(contents.len()) else {
            return false;
        };
        if connection.outgoing.len() + contents.len() > WRITE_LIMIT {
            return false;
        }
        connection.outgoing.extend(length.to_be_bytes());
        connection.outgoing.extend(contents);
        if let Err(error) = connection.write(registry, Token(self.first_token + key)) {
            tracing::debug!(kind = ?error.kind(), "an ICE-TCP connection ended");
            self.remove(registry, key);
            return false;
        }
        true
    }

    /// Closes the connection to `remote`, if any.
    pub(crate) fn close(&mut self, registry: &Registry, remote: SocketAddr) {
        if let Some(key) = self.by_remote.get(&remote).copied() {
            self.remove(registry, key);
        }
    }

    fn remove(&mut self, registry: &Registry, key: usize) {
        let Some(mut connection) = self.connections.try_remove(key) else {
            return;
        };
        if self.by_remote.get(&connection.remote) == Some(&key) {
            self.by_remote.remove(&connection.remote);
        }
        if let Err(error) = registry.deregister(&mut connection.stream) {
            tracing::debug!(%error, "an ICE-TCP connection could not be deregistered");
        }
    }
}

impl Connection {
    fn read(&mut self, frames: &mut Vec<Frame>) -> io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    self.incoming.extend_from_slice(&buffer[..read]);
                    self.split(frames)?;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn split(&mut self, frames: &mut Vec<Frame>) -> io::Result<()> {
        let mut rest = &self.incoming[..];
        while let [high, low, body @ ..] = rest {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            if length > FRAME_LIMIT {
                return Err(io::Error::other("frame too long"));
            }
            let Some(contents) = body.get(..length) else { break };
            frames.push(Frame {
                source: self.remote,
                destination: self.local,
                contents: contents.to_vec(),
            });
            rest = &body[length..];
        }
        let used = self.incoming.len() - rest.len();
        self.incoming.drain(..used);
        Ok(())
    }

    fn write(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        while !self.outgoing.is_empty() {
            let (head, _) = self.outgoing.as_slices();
            match self.stream.write(head) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.outgoing.drain(..written);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let waiting = !self.outgoing.is_empty();
        if waiting != self.writing {
            self.writing = waiting;
            let interest = if waiting {
                Interest::READABLE | Interest::WRITABLE
            } else {
                Interest::READABLE
            };
            registry.reregister(&mut self.stream, token, interest)?;
        }
        Ok(())
    }
}
