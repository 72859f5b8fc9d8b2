//! A client of a TURN server over UDP: an allocation, one channel, and nothing more. It blocks, and refreshes nothing, so
//! that it lives for as long as a measurement.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tertulia_turn::stun::{
    AttributeType, Class, IntegrityAlgorithm, Key, KeyAlgorithm, Message, Method, TransactionId, Writer,
};
use tertulia_turn::{Credential, Secret};

/// The channel every client binds.
const CHANNEL: u16 = 0x4000;
/// UDP as the transport of an allocation (RFC 8656, section 18.7).
const UDP: u32 = 17 << 24;
/// How long an answer may take, and how often a request is made.
const PATIENCE: Duration = Duration::from_millis(500);
const ATTEMPTS: usize = 20;
/// How long a credential is valid.
const VALID: Duration = Duration::from_secs(600);

/// An allocation of ours.
#[derive(Debug)]
pub struct Allocation {
    /// Connected to the server.
    pub socket: UdpSocket,
    /// The address at which peers reach us.
    pub relayed: SocketAddr,
    credential: Credential,
    realm: String,
    nonce: Vec<u8>,
    requests: u32,
}

impl Allocation {
    /// Gets one from the server at `server`, which takes credentials of `secret`.
    ///
    /// # Errors
    /// When the server refuses, does not answer, or answers nonsense.
    pub fn open(from: IpAddr, server: SocketAddr, secret: &Secret, who: &str) -> io::Result<Self> {
        let unix = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_err(io::Error::other)?;
        let credential = secret
            .issue(who, (unix + VALID).as_secs())
            .map_err(io::Error::other)?;
        let socket = UdpSocket::bind((from, 0))?;
        socket.connect(server)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let mut own = Self {
            socket,
            relayed: server,
            credential,
            realm: String::new(),
            nonce: Vec::new(),
            requests: 0,
        };
        let allocate = |request: &mut Writer| {
            request.word(AttributeType::REQUESTED_TRANSPORT, UDP);
        };
        // Without a nonce it can only be refused, and the refusal has one.
        let _challenge = own.ask(Method::ALLOCATE, &allocate)?;
        let answer = own.ask(Method::ALLOCATE, &allocate)?;
        let answer = parsed(&answer)?;
        if let Some(code) = answer.error_code() {
            return Err(io::Error::other(format!("an allocation is refused with {code}")));
        }
        own.relayed = answer
            .find(AttributeType::XOR_RELAYED_ADDRESS)
            .and_then(|relayed| answer.address(relayed))
            .ok_or_else(|| io::Error::other("an allocation has no address"))?;
        Ok(own)
    }

    /// Binds the channel to a peer.
    ///
    /// # Errors
    /// As [`Allocation::open`].
    pub fn bind(&mut self, peer: SocketAddr) -> io::Result<()> {
        let answer = self.ask(Method::CHANNEL_BIND, &|request| {
            request.word(AttributeType::CHANNEL_NUMBER, u32::from(CHANNEL) << 16);
            request.address(AttributeType::XOR_PEER_ADDRESS, peer);
        })?;
        match parsed(&answer)?.error_code() {
            Some(code) => Err(io::Error::other(format!("a channel is refused with {code}"))),
            None => Ok(()),
        }
    }

    fn ask(&mut self, method: Method, fill: &dyn Fn(&mut Writer)) -> io::Result<Vec<u8>> {
        self.requests += 1;
        let mut id = [3; 12];
        id[..4].copy_from_slice(&self.requests.to_be_bytes());
        let id = TransactionId(id);
        let mut request = Writer::new(Class::Request, method, id);
        fill(&mut request);
        if !self.nonce.is_empty() {
            let Credential { username, password } = &self.credential;
            let key = Key::long_term(KeyAlgorithm::Md5, username, &self.realm, password);
            request.attribute(AttributeType::USERNAME, username.as_bytes());
            request.attribute(AttributeType::REALM, self.realm.as_bytes());
            request.attribute(AttributeType::NONCE, &self.nonce);
            request.integrity(IntegrityAlgorithm::Sha1, &key);
        }
        let request = request.finish();
        let mut buffer = vec![0; 2_048];
        for _ in 0..ATTEMPTS {
            self.socket.send(&request)?;
            let length = match self.socket.recv(&mut buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                // Its HTTP answers a little earlier than its media port.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    std::thread::sleep(PATIENCE);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let answer = parsed(&buffer[..length])?;
            if answer.transaction() != id {
                continue;
            }
            if let Some(nonce) = answer.find(AttributeType::NONCE) {
                self.nonce = nonce.to_vec();
                answer
                    .text(AttributeType::REALM)
                    .ok_or_else(|| io::Error::other("a challenge has no realm"))?
                    .clone_into(&mut self.realm);
            }
            buffer.truncate(length);
            return Ok(buffer);
        }
        Err(io::ErrorKind::TimedOut.into())
    }
}

fn parsed(bytes: &[u8]) -> io::Result<Message<'_>> {
    Message::parse(bytes).map_err(io::Error::other)
}

/// Writes the header of channel data whose payload has `length` bytes.
pub fn channel_header(length: u16) -> [u8; 4] {
    let [n0, n1] = CHANNEL.to_be_bytes();
    let [l0, l1] = length.to_be_bytes();
    [n0, n1, l0, l1]
}
