//! The bytes of STUN (RFC 8489): a strict reader that borrows, and a writer.

mod address;
mod attribute;
mod fingerprint;
mod integrity;
mod message;
#[cfg(test)]
mod tests;
mod writer;

use std::fmt;
use std::net::SocketAddr;

use address::MAX_ADDRESS_BYTES;

pub use attribute::{Attribute, AttributeType};
pub use integrity::{IntegrityAlgorithm, Key, KeyAlgorithm};
pub use message::{Message, ParseError};
pub use writer::Writer;

pub use address::Family;

/// The second word of every message (RFC 8489 §5).
pub const MAGIC_COOKIE: u32 = 0x2112_a442;

/// The length of a message's header in bytes (RFC 8489 §5).
pub const HEADER_BYTES: usize = 20;

/// Tells answers to one request from answers to another (RFC 8489 §5).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TransactionId(pub [u8; 12]);

/// Names one of the four classes of messages (RFC 8489 §5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Wants an answer.
    Request,
    /// Wants none.
    Indication,
    /// Answers a request that was granted.
    Success,
    /// Answers a request that was refused.
    Error,
}

/// Names a method (12 bits; RFC 8489 §18.2, RFC 8656 §17, RFC 6062 §6.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Method(pub u16);

impl Method {
    /// Asks where a packet comes from.
    pub const BINDING: Self = Self(0x001);
    /// Asks for a relayed address.
    pub const ALLOCATE: Self = Self(0x003);
    /// Prolongs an allocation, or ends it.
    pub const REFRESH: Self = Self(0x004);
    /// Carries a payload to a peer.
    pub const SEND: Self = Self(0x006);
    /// Carries a payload from a peer.
    pub const DATA: Self = Self(0x007);
    /// Lets a peer's packets through.
    pub const CREATE_PERMISSION: Self = Self(0x008);
    /// Gives a peer a channel number.
    pub const CHANNEL_BIND: Self = Self(0x009);
    /// Opens a TCP connection to a peer (RFC 6062).
    pub const CONNECT: Self = Self(0x00a);
    /// Joins a TCP connection to an allocation (RFC 6062).
    pub const CONNECTION_BIND: Self = Self(0x00b);
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Method({:#05x})", self.0)
    }
}

/// Joins class and method to the message type: the class's bits stand at 4 and 8, among the method's (RFC 8489 §5).
const fn message_type(class: Class, method: Method) -> u16 {
    let bits = match class {
        Class::Request => 0,
        Class::Indication => 0x010,
        Class::Success => 0x100,
        Class::Error => 0x110,
    };
    let m = method.0;
    bits | (m & 0x00f) | (m & 0x070) << 1 | (m & 0xf80) << 2
}

const fn class_and_method(message_type: u16) -> (Class, Method) {
    let class = match message_type & 0x110 {
        0 => Class::Request,
        0x010 => Class::Indication,
        0x100 => Class::Success,
        _ => Class::Error,
    };
    let t = message_type;
    let method = (t & 0x00f) | (t >> 1 & 0x070) | (t >> 2 & 0xf80);
    (class, Method(method))
}

/// Rounds a length up to whole words, as attributes and framed channel data are padded.
pub(crate) const fn padded(length: usize) -> usize {
    length.saturating_add(3) & !3
}

/// The header of a Data indication.
pub(crate) fn data_header(transaction: TransactionId, length: u16) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    let [t0, t1, l0, l1, c0, c1, c2, c3, id @ ..] = &mut header;
    [*t0, *t1] = message_type(Class::Indication, Method::DATA).to_be_bytes();
    [*l0, *l1] = length.to_be_bytes();
    [*c0, *c1, *c2, *c3] = MAGIC_COOKIE.to_be_bytes();
    *id = transaction.0;
    header
}

/// The value of an XOR-… address attribute, and how many of its bytes count.
pub(crate) fn xor_address(
    address: SocketAddr,
    transaction: TransactionId,
) -> ([u8; MAX_ADDRESS_BYTES], usize) {
    let mut value = [0; MAX_ADDRESS_BYTES];
    let length = address::write(address, transaction, &mut value);
    (value, length)
}
