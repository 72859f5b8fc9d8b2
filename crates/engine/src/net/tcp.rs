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
/// Connections one session may have; beyond it the oldest goes.
const PER_SESSION: usize = 8;
/// Bytes read from one connection before the others get their turn.
const READ_PER_TURN: usize = 128 * 1024;
/// Largest frame taken: what a datagram could be.
const FRAME_LIMIT: usize = 2_048;

/// ICE-TCP connections of one worker: datagrams behind a 16-bit length (RFC 4571).
pub(crate) struct TcpPorts {
    connections: Slab<Connection>,
    by_remote: HashMap<SocketAddr, usize>,
    /// The connections of each session, oldest first.
    by_session: HashMap<usize, VecDeque<usize>>,
    /// Connections with more to read than their turn allowed.
    unread: Vec<usize>,
    first_token: usize,
}

struct Connection {
    stream: TcpStream,
    session: usize,
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
            by_session: HashMap::new(),
            unread: Vec::new(),
            first_token,
        }
    }

    /// Takes over an accepted connection, which lives no longer than the session its first frame names.
    pub(crate) fn add(
        &mut self,
        registry: &Registry,
        stream: std::net::TcpStream,
        remote: SocketAddr,
        local: SocketAddr,
        session: usize,
    ) -> io::Result<()> {
        let own = self.by_session.get(&session);
        if let Some(oldest) = own
            .filter(|own| own.len() >= PER_SESSION)
            .and_then(VecDeque::front)
        {
            self.remove(registry, *oldest);
        }
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
        self.by_session.entry(session).or_default().push_back(entry.key());
        entry.insert(Connection {
            stream,
            session,
            remote,
            local,
            incoming: Vec::new(),
            outgoing: VecDeque::new(),
            writing: false,
        });
        Ok(())
    }

    /// Whether something waits that no readiness event will tell of.
    pub(crate) fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    /// Goes on reading where a turn was too short.
    pub(crate) fn read_on(&mut self, registry: &Registry, frames: &mut Vec<Frame>) {
        for key in std::mem::take(&mut self.unread) {
            self.ready(registry, Token(self.first_token + key), true, false, frames);
        }
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
        let read = if readable {
            connection.read(frames)
        } else {
            Ok(false)
        };
        let result = read.and_then(|more| {
            if readable || writable {
                connection.write(registry, token)?;
            }
            Ok(more)
        });
        match result {
            Ok(true) => self.unread.push(key),
            Ok(false) => {}
            Err(error) => {
                tracing::debug!(kind = ?error.kind(), "an ICE-TCP connection ended");
                self.remove(registry, key);
            }
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

    /// Closes every connection of a session, those it never answered included.
    pub(crate) fn close_session(&mut self, registry: &Registry, session: usize) {
        for key in self.by_session.remove(&session).unwrap_or_default() {
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
        if let Some(own) = self.by_session.get_mut(&connection.session) {
            own.retain(|other| *other != key);
            if own.is_empty() {
                self.by_session.remove(&connection.session);
            }
        }
        if let Err(error) = registry.deregister(&mut connection.stream) {
            tracing::debug!(%error, "an ICE-TCP connection could not be deregistered");
        }
    }
}

impl Connection {
    /// Reads what has arrived; true where there may be more than one turn's worth.
    fn read(&mut self, frames: &mut Vec<Frame>) -> io::Result<bool> {
        let mut buffer = [0; 16 * 1024];
        let mut total = 0;
        while total < READ_PER_TURN {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    total += read;
                    self.incoming.extend_from_slice(&buffer[..read]);
                    self.split(frames)?;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
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

#[cfg(test)]
mod tests {
    use mio::Poll;

    use super::*;

    struct Rig {
        poll: Poll,
        ports: TcpPorts,
        listener: std::net::TcpListener,
    }

    impl Rig {
        fn new() -> Self {
            Self {
                poll: Poll::new().unwrap(),
                ports: TcpPorts::new(2),
                listener: std::net::TcpListener::bind("127.0.0.1:0").unwrap(),
            }
        }

        fn connect(&mut self, session: usize) -> std::net::TcpStream {
            let client = std::net::TcpStream::connect(self.listener.local_addr().unwrap()).unwrap();
            let (stream, remote) = self.listener.accept().unwrap();
            let local = stream.local_addr().unwrap();
            self.ports
                .add(self.poll.registry(), stream, remote, local, session)
                .unwrap();
            client
        }

        fn frames(&mut self) -> Vec<Frame> {
            let mut frames = Vec::new();
            self.ports
                .ready(self.poll.registry(), Token(2), true, false, &mut frames);
            frames
        }
    }

    #[test]
    fn a_session_takes_its_connections_with_it_and_has_a_few_only() {
        let mut rig = Rig::new();
        let mut clients: Vec<_> = (0..PER_SESSION + 1).map(|_| rig.connect(7)).collect();
        let other = rig.connect(8);
        assert_eq!(rig.ports.connections.len(), PER_SESSION + 1);
        assert_eq!(clients[0].read(&mut [0; 1]).unwrap(), 0, "the oldest was closed");
        rig.ports.close_session(rig.poll.registry(), 7);
        assert_eq!(rig.ports.connections.len(), 1);
        assert_eq!(rig.ports.by_remote.len(), 1);
        assert!(
            rig.ports
                .send(rig.poll.registry(), other.local_addr().unwrap(), &[1])
        );
        rig.ports.close_session(rig.poll.registry(), 8);
        assert!(rig.ports.by_session.is_empty() && rig.ports.by_remote.is_empty());
    }

    #[test]
    fn frames_are_cut_where_their_lengths_say_and_a_long_one_ends_the_connection() {
        let mut rig = Rig::new();
        let mut client = rig.connect(0);
        client.write_all(&[0, 2, 1, 2, 0, 0, 0, 3, 9]).unwrap();
        let contents: Vec<_> = rig.frames().into_iter().map(|frame| frame.contents).collect();
        assert_eq!(contents, [vec![1, 2], vec![]]);
        client.write_all(&[8, 7, 0xff, 0xff]).unwrap();
        let contents: Vec<_> = rig.frames().into_iter().map(|frame| frame.contents).collect();
        assert_eq!(contents, [vec![9, 8, 7]]);
        assert!(rig.ports.connections.is_empty());
    }

    #[test]
    fn one_that_never_pauses_is_read_in_turns() {
        let mut rig = Rig::new();
        let mut client = rig.connect(0);
        let sender = std::thread::spawn(move || {
            let mut frame = vec![0; 1_002];
            frame[..2].copy_from_slice(&1_000u16.to_be_bytes());
            for _ in 0..1_000 {
                client.write_all(&frame).unwrap();
            }
            client
        });
        let mut frames = Vec::new();
        while frames.len() < 1_000 {
            let before = frames.len();
            if rig.ports.has_unread() {
                rig.ports.read_on(rig.poll.registry(), &mut frames);
            } else {
                frames.extend(rig.frames());
            }
            assert!((frames.len() - before) * 1_002 <= READ_PER_TURN + 16 * 1024);
        }
        drop(sender.join().unwrap());
    }
}
