//! Addresses hidden from middleboxes by exclusive-or with the cookie and the transaction (RFC 8489 §14.2).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{MAGIC_COOKIE, TransactionId};

/// Names an address family.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of an address.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// The family's number in attributes (RFC 8489 §14.1, RFC 8656 §18.6).
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::V4 => 1,
            Self::V6 => 2,
        }
    }

    pub(crate) const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::V4),
            2 => Some(Self::V6),
            _ => None,
        }
    }
}

/// The longest value of an address attribute: that of an IPv6 address.
pub(crate) const MAX_ADDRESS_BYTES: usize = 20;

/// Reads the value of an XOR-… address attribute.
pub(crate) fn read(value: &[u8], transaction: TransactionId) -> Option<SocketAddr> {
    let [_, family, port @ ..] = value else {
        return None;
    };
    let (port, address) = port.split_first_chunk::<2>()?;
    let port = u16::from_be_bytes(*port) ^ port_mask();
    let address = match Family::from_code(*family)? {
        Family::V4 => {
            let bytes: [u8; 4] = address.try_into().ok()?;
            IpAddr::V4(Ipv4Addr::from_bits(u32::from_be_bytes(bytes) ^ MAGIC_COOKIE))
        }
        Family::V6 => {
            let bytes: [u8; 16] = address.try_into().ok()?;
            IpAddr::V6(Ipv6Addr::from_bits(
                u128::from_be_bytes(bytes) ^ address_mask(transaction),
            ))
        }
    };
    Some(SocketAddr::new(address, port))
}

/// Writes the value of an XOR-… address attribute into `out` and returns its length.
pub(crate) fn write(
    address: SocketAddr,
    transaction: TransactionId,
    out: &mut [u8; MAX_ADDRESS_BYTES],
) -> usize {
    let [_, family, port_high, port_low, rest @ ..] = out;
    *family = Family::of(address.ip()).code();
    [*port_high, *port_low] = (address.port() ^ port_mask()).to_be_bytes();
    match address.ip() {
        IpAddr::V4(address) => {
            let [a, b, c, d, ..] = rest;
            [*a, *b, *c, *d] = (address.to_bits() ^ MAGIC_COOKIE).to_be_bytes();
            8
        }
        IpAddr::V6(address) => {
            *rest = (address.to_bits() ^ address_mask(transaction)).to_be_bytes();
            MAX_ADDRESS_BYTES
        }
    }
}

const fn port_mask() -> u16 {
    (MAGIC_COOKIE >> 16) as u16
}

fn address_mask(transaction: TransactionId) -> u128 {
    let low = transaction
        .0
        .iter()
        .fold(0_u128, |mask, byte| mask << 8 | u128::from(*byte));
    u128::from(MAGIC_COOKIE) << 96 | low
}
