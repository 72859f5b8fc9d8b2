use std::fmt;

/// Names an attribute (RFC 8489 §18.3, RFC 8656 §18).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributeType(pub u16);

impl AttributeType {
    /// The plain address, of RFC 3489's times.
    pub const MAPPED_ADDRESS: Self = Self(0x0001);
    /// Who asks.
    pub const USERNAME: Self = Self(0x0006);
    /// HMAC-SHA1 over what stands before it.
    pub const MESSAGE_INTEGRITY: Self = Self(0x0008);
    /// Code and reason of a refusal.
    pub const ERROR_CODE: Self = Self(0x0009);
    /// What of a request was not understood.
    pub const UNKNOWN_ATTRIBUTES: Self = Self(0x000a);
    /// The number of a channel.
    pub const CHANNEL_NUMBER: Self = Self(0x000c);
    /// Seconds an allocation lives.
    pub const LIFETIME: Self = Self(0x000d);
    /// A peer's address.
    pub const XOR_PEER_ADDRESS: Self = Self(0x0012);
    /// The payload of Send and Data.
    pub const DATA: Self = Self(0x0013);
    /// The realm a credential belongs to.
    pub const REALM: Self = Self(0x0014);
    /// The server's challenge.
    pub const NONCE: Self = Self(0x0015);
    /// The address peers see.
    pub const XOR_RELAYED_ADDRESS: Self = Self(0x0016);
    /// The family a client wants.
    pub const REQUESTED_ADDRESS_FAMILY: Self = Self(0x0017);
    /// Asks for an even port, and perhaps the next one too.
    pub const EVEN_PORT: Self = Self(0x0018);
    /// The protocol between relay and peer.
    pub const REQUESTED_TRANSPORT: Self = Self(0x0019);
    /// Asks that packets to the peer are not fragmented.
    pub const DONT_FRAGMENT: Self = Self(0x001a);
    /// HMAC-SHA256 over what stands before it.
    pub const MESSAGE_INTEGRITY_SHA256: Self = Self(0x001c);
    /// How the key of the integrity check is made.
    pub const PASSWORD_ALGORITHM: Self = Self(0x001d);
    /// The name, hashed; we do not offer it.
    pub const USERHASH: Self = Self(0x001e);
    /// The address the server sees.
    pub const XOR_MAPPED_ADDRESS: Self = Self(0x0020);
    /// Names a port that was set aside.
    pub const RESERVATION_TOKEN: Self = Self(0x0022);
    /// A second family a client wants.
    pub const ADDITIONAL_ADDRESS_FAMILY: Self = Self(0x8000);
    /// Why a family could not be had.
    pub const ADDRESS_ERROR_CODE: Self = Self(0x8001);
    /// The ways the server makes keys.
    pub const PASSWORD_ALGORITHMS: Self = Self(0x8002);
    /// The vendor's name; we never send it.
    pub const SOFTWARE: Self = Self(0x8022);
    /// CRC-32 over the whole message.
    pub const FINGERPRINT: Self = Self(0x8028);

    /// Whether a receiver that does not know the attribute must refuse the message (RFC 8489 §14).
    pub const fn must_be_understood(self) -> bool {
        self.0 < 0x8000
    }
}

impl fmt::Debug for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AttributeType({:#06x})", self.0)
    }
}

/// One attribute of a message, its padding taken off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attribute<'a> {
    /// The type.
    pub kind: AttributeType,
    /// The value.
    pub value: &'a [u8],
}
