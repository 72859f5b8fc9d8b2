//! What an Allocate request asks for (RFC 8656 §7.2).

use super::Token;
use super::answer::Refusal;
use crate::stun::{AttributeType, Family, Message};

/// UDP's number, the only protocol between relay and peer (RFC 8656 §18.8).
const UDP: u8 = 17;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) relay: RelayWish,
    /// Seconds, if the client said so.
    pub(super) lifetime: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RelayWish {
    /// A new socket.
    One { family: Family, port: PortWish },
    /// One of each family, or as many as can be had.
    Both { port: PortWish },
    /// The socket set aside under this name.
    Reserved(Token),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PortWish {
    Any,
    Even,
    /// Even, and the next one set aside.
    EvenAndNext,
}

impl Wish {
    pub(super) fn parse(message: &Message<'_>) -> Result<Self, Refusal> {
        match message.find(AttributeType::REQUESTED_TRANSPORT) {
            Some([UDP, _, _, _]) => {}
            Some([_, _, _, _]) => return Err(Refusal::UnsupportedTransport),
            _ => return Err(Refusal::BadRequest),
        }
        let lifetime = lifetime(message)?;
        let family = family(message, AttributeType::REQUESTED_ADDRESS_FAMILY)?;
        let additional = family_or_bad(message)?;
        let port = match message.find(AttributeType::EVEN_PORT) {
            None => None,
            Some([flags]) if flags & 0x80 != 0 => Some(PortWish::EvenAndNext),
            Some([_]) => Some(PortWish::Even),
            Some(_) => return Err(Refusal::BadRequest),
        };
        let relay = match (
            message.find(AttributeType::RESERVATION_TOKEN),
            family,
            additional,
            port,
        ) {
            (Some(token), None, None, None) => {
                RelayWish::Reserved(token.try_into().map_err(|_| Refusal::BadRequest)?)
            }
            (None, None, Some(Family::V6), None) => RelayWish::Both { port: PortWish::Any },
            (None, None, Some(Family::V6), Some(PortWish::Even)) => RelayWish::Both { port: PortWish::Even },
            (None, family, None, port) => RelayWish::One {
                family: family.unwrap_or(Family::V4),
                port: port.unwrap_or(PortWish::Any),
            },
            // What excludes one another stands together, or the additional family is not IPv6.
            _ => return Err(Refusal::BadRequest),
        };
        Ok(Self { relay, lifetime })
    }
}

/// LIFETIME in seconds (RFC 8656 §18.2).
pub(super) fn lifetime(message: &Message<'_>) -> Result<Option<u32>, Refusal> {
    let Some(value) = message.find(AttributeType::LIFETIME) else {
        return Ok(None);
    };
    let bytes: [u8; 4] = value.try_into().map_err(|_| Refusal::BadRequest)?;
    Ok(Some(u32::from_be_bytes(bytes)))
}

/// REQUESTED-ADDRESS-FAMILY or its sibling; an unknown family is not supported (RFC 8656 §18.6).
pub(super) fn family(message: &Message<'_>, kind: AttributeType) -> Result<Option<Family>, Refusal> {
    match message.find(kind) {
        None => Ok(None),
        Some([code, _, _, _]) => match Family::from_code(*code) {
            Some(family) => Ok(Some(family)),
            None => Err(Refusal::FamilyNotSupported),
        },
        Some(_) => Err(Refusal::BadRequest),
    }
}

/// ADDITIONAL-ADDRESS-FAMILY, of which any other value than IPv6 is a bad request (RFC 8656 §7.2).
fn family_or_bad(message: &Message<'_>) -> Result<Option<Family>, Refusal> {
    family(message, AttributeType::ADDITIONAL_ADDRESS_FAMILY).map_err(|_| Refusal::BadRequest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stun::{Class, Method, TransactionId, Writer};

    type Attributes<'a> = &'a [(AttributeType, &'a [u8])];

    const UDP_TRANSPORT: (AttributeType, &[u8]) = (AttributeType::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
    const V4: &[u8] = &[1, 0, 0, 0];
    const V6: &[u8] = &[2, 0, 0, 0];

    fn check(attributes: Attributes<'_>, expected: Result<RelayWish, Refusal>) {
        let mut writer = Writer::new(Class::Request, Method::ALLOCATE, TransactionId([1; 12]));
        for (kind, value) in attributes {
            writer.attribute(*kind, value);
        }
        let packet = writer.finish();
        let wish = Wish::parse(&Message::parse(&packet).unwrap());
        assert_eq!(wish.map(|wish| wish.relay), expected, "{attributes:02x?}");
    }

    fn one(family: Family, port: PortWish) -> Result<RelayWish, Refusal> {
        Ok(RelayWish::One { family, port })
    }

    #[test]
    fn what_may_be_asked_for() {
        use AttributeType as A;
        check(&[UDP_TRANSPORT], one(Family::V4, PortWish::Any));
        check(
            &[UDP_TRANSPORT, (A::REQUESTED_ADDRESS_FAMILY, V6)],
            one(Family::V6, PortWish::Any),
        );
        check(
            &[UDP_TRANSPORT, (A::EVEN_PORT, &[0])],
            one(Family::V4, PortWish::Even),
        );
        let pair = [
            UDP_TRANSPORT,
            (A::EVEN_PORT, &[0x80][..]),
            (A::REQUESTED_ADDRESS_FAMILY, V6),
        ];
        check(&pair, one(Family::V6, PortWish::EvenAndNext));
        let both = |port| Ok(RelayWish::Both { port });
        check(
            &[UDP_TRANSPORT, (A::ADDITIONAL_ADDRESS_FAMILY, V6)],
            both(PortWish::Any),
        );
        let even = [
            UDP_TRANSPORT,
            (A::EVEN_PORT, &[0][..]),
            (A::ADDITIONAL_ADDRESS_FAMILY, V6),
        ];
        check(&even, both(PortWish::Even));
        check(
            &[UDP_TRANSPORT, (A::RESERVATION_TOKEN, &[7; 8])],
            Ok(RelayWish::Reserved([7; 8])),
        );
    }

    #[test]
    fn what_excludes_one_another_is_refused() {
        use AttributeType as A;
        let token = (A::RESERVATION_TOKEN, &[7; 8][..]);
        let pair = (A::EVEN_PORT, &[0x80][..]);
        let bad: &[Attributes<'_>] = &[
            &[],
            &[(A::REQUESTED_TRANSPORT, &[17])],
            &[UDP_TRANSPORT, token, pair],
            &[UDP_TRANSPORT, token, (A::REQUESTED_ADDRESS_FAMILY, V4)],
            &[UDP_TRANSPORT, token, (A::ADDITIONAL_ADDRESS_FAMILY, V6)],
            &[UDP_TRANSPORT, (A::RESERVATION_TOKEN, &[7; 7])],
            &[UDP_TRANSPORT, pair, (A::ADDITIONAL_ADDRESS_FAMILY, V6)],
            &[UDP_TRANSPORT, (A::ADDITIONAL_ADDRESS_FAMILY, V4)],
            &[UDP_TRANSPORT, (A::ADDITIONAL_ADDRESS_FAMILY, &[9, 0, 0, 0])],
            &[
                UDP_TRANSPORT,
                (A::REQUESTED_ADDRESS_FAMILY, V4),
                (A::ADDITIONAL_ADDRESS_FAMILY, V6),
            ],
            &[UDP_TRANSPORT, (A::EVEN_PORT, &[])],
            &[UDP_TRANSPORT, (A::LIFETIME, &[1])],
            &[UDP_TRANSPORT, (A::REQUESTED_ADDRESS_FAMILY, &[1])],
        ];
        for attributes in bad {
            check(attributes, Err(Refusal::BadRequest));
        }
        check(
            &[UDP_TRANSPORT, (A::REQUESTED_ADDRESS_FAMILY, &[9, 0, 0, 0])],
            Err(Refusal::FamilyNotSupported),
        );
        // N2: TCP towards the peer (RFC 6062).
        check(
            &[(A::REQUESTED_TRANSPORT, &[6, 0, 0, 0])],
            Err(Refusal::UnsupportedTransport),
        );
    }
}
