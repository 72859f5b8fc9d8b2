use std::net::SocketAddr;

use aws_lc_rs::constant_time;
use thiserror::Error;

use super::fingerprint::fingerprint;
use super::integrity::{IntegrityAlgorithm, Key};
use super::{
    Attribute, AttributeType, Class, HEADER_BYTES, MAGIC_COOKIE, Method, TransactionId, address,
    class_and_method, padded,
};

/// The most attributes a message may have; the longest request of a client has a dozen.
const MAX_ATTRIBUTES: usize = 64;

/// Says what is wrong with a message.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseError {
    /// No header: too short, other first bits, or no magic cookie.
    #[error("not a STUN message")]
    NotStun,
    /// The length field and the packet differ, or the field is no multiple of four.
    #[error("the length field does not fit the packet")]
    Length,
    /// An attribute reaches beyond the message, or one has a length its type does not allow.
    #[error("an attribute has a wrong length")]
    AttributeLength,
    /// More than 64 attributes.
    #[error("too many attributes")]
    TooManyAttributes,
    /// MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256 or FINGERPRINT stands twice or in the wrong order.
    #[error("the check values stand in the wrong order")]
    Order,
    /// FINGERPRINT does not match.
    #[error("the fingerprint does not match")]
    Fingerprint,
}

/// A whole message, borrowed from its packet.
///
/// Its attributes all lie within the packet. Those behind an integrity attribute are not shown, as nobody signed them
/// (RFC 8489 §14.5).
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    class: Class,
    method: Method,
    transaction: TransactionId,
    /// Where the attributes that may be used end.
    attributes_end: usize,
    sha1_at: Option<usize>,
    sha256_at: Option<usize>,
    has_fingerprint: bool,
}

impl<'a> Message<'a> {
    /// Reads a message that fills `bytes`.
    ///
    /// # Errors
    /// Any [`ParseError`]; what carries a wrong fingerprint is an error too.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let (header, _) = bytes
            .split_first_chunk::<HEADER_BYTES>()
            .ok_or(ParseError::NotStun)?;
        let [t0, t1, l0, l1, c0, c1, c2, c3, transaction @ ..] = *header;
        let message_type = u16::from_be_bytes([t0, t1]);
        if message_type & 0xc000 != 0 || u32::from_be_bytes([c0, c1, c2, c3]) != MAGIC_COOKIE {
            return Err(ParseError::NotStun);
        }
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        if length % 4 != 0 || HEADER_BYTES + length != bytes.len() {
            return Err(ParseError::Length);
        }
        let (class, method) = class_and_method(message_type);
        let mut message = Self {
            bytes,
            class,
            method,
            transaction: TransactionId(transaction),
            attributes_end: bytes.len(),
            sha1_at: None,
            sha256_at: None,
            has_fingerprint: false,
        };
        message.walk()?;
        Ok(message)
    }

    /// The class.
    pub fn class(&self) -> Class {
        self.class
    }

    /// The method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The transaction.
    pub fn transaction(&self) -> TransactionId {
        self.transaction
    }

    /// Whether the message carries a FINGERPRINT (which then matches).
    pub fn has_fingerprint(&self) -> bool {
        self.has_fingerprint
    }

    /// The integrity attribute that counts, if there is one: the stronger of two (RFC 8489 §9.2.4).
    pub fn integrity(&self) -> Option<IntegrityAlgorithm> {
        let sha256 = self.sha256_at.map(|_| IntegrityAlgorithm::Sha256);
        sha256.or(self.sha1_at.map(|_| IntegrityAlgorithm::Sha1))
    }

    /// Whether the integrity attribute that counts was made with `key`; `false` where there is none.
    pub fn verify(&self, key: &Key) -> bool {
        let Some(algorithm) = self.integrity() else {
            return false;
        };
        let at = match algorithm {
            IntegrityAlgorithm::Sha1 => self.sha1_at,
            IntegrityAlgorithm::Sha256 => self.sha256_at,
        };
        let Some(at) = at else { return false };
        // The length field counts up to the end of this attribute, whatever follows (RFC 8489 §14.5).
        let length = at - HEADER_BYTES + 4 + algorithm.value_bytes();
        let signed = u16::try_from(length)
            .ok()
            .zip(self.bytes.get(..2))
            .zip(self.bytes.get(4..at));
        let value = self.bytes.get(at + 4..at + 4 + algorithm.value_bytes());
        let (Some(((length, head), rest)), Some(value)) = (signed, value) else {
            return false;
        };
        let expected = key.sign(algorithm, head, length, rest);
        constant_time::verify_slices_are_equal(expected.as_ref(), value).is_ok()
    }

    /// The attributes that may be used, in order.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        let mut rest = self
            .bytes
            .get(HEADER_BYTES..self.attributes_end)
            .unwrap_or_default();
        std::iter::from_fn(move || {
            let (attribute, after) = next_attribute(rest)?;
            rest = after;
            Some(attribute)
        })
    }

    /// The value of the first attribute of this type; only the first counts (RFC 8489 §14).
    pub fn find(&self, kind: AttributeType) -> Option<&'a [u8]> {
        self.attributes()
            .find(|attribute| attribute.kind == kind)
            .map(|attribute| attribute.value)
    }

    /// The text of an attribute; `None` where it is missing or no UTF-8.
    pub fn text(&self, kind: AttributeType) -> Option<&'a str> {
        self.find(kind).and_then(|value| str::from_utf8(value).ok())
    }

    /// Reads an address out of the value of one of this message's XOR-… attributes.
    pub fn address(&self, value: &[u8]) -> Option<SocketAddr> {
        address::read(value, self.transaction)
    }

    /// The code of ERROR-CODE (RFC 8489 §14.8), 300–699.
    pub fn error_code(&self) -> Option<u16> {
        let [_, _, class, number, ..] = *self.find(AttributeType::ERROR_CODE)? else {
            return None;
        };
        Some(u16::from(class & 7) * 100 + u16::from(number))
    }

    /// Checks every attribute's place once, so that later walks cannot fail.
    fn walk(&mut self) -> Result<(), ParseError> {
        let mut rest = self.bytes.get(HEADER_BYTES..).unwrap_or_default();
        let mut signed = false;
        for _ in 0..=MAX_ATTRIBUTES {
            if rest.is_empty() {
                return Ok(());
            }
            if self.has_fingerprint {
                return Err(ParseError::Order);
            }
            let at = self.bytes.len() - rest.len();
            let (attribute, after) = next_attribute(rest).ok_or(ParseError::AttributeLength)?;
            match attribute.kind {
                AttributeType::MESSAGE_INTEGRITY => {
                    if self.sha1_at.is_some() || self.sha256_at.is_some() {
                        return Err(ParseError::Order);
                    }
                    if attribute.value.len() != IntegrityAlgorithm::Sha1.value_bytes() {
                        return Err(ParseError::AttributeLength);
                    }
                    self.sha1_at = Some(at);
                }
                AttributeType::MESSAGE_INTEGRITY_SHA256 => {
                    if self.sha256_at.is_some() {
                        return Err(ParseError::Order);
                    }
                    if attribute.value.len() != IntegrityAlgorithm::Sha256.value_bytes() {
                        return Err(ParseError::AttributeLength);
                    }
                    self.sha256_at = Some(at);
                }
                AttributeType::FINGERPRINT => {
                    self.check_fingerprint(at, attribute.value)?;
                    self.has_fingerprint = true;
                }
                _ => {
                    rest = after;
                    continue;
                }
            }
            if !signed {
                self.attributes_end = at;
                signed = true;
            }
            rest = after;
        }
        Err(ParseError::TooManyAttributes)
    }

    fn check_fingerprint(&self, at: usize, value: &[u8]) -> Result<(), ParseError> {
        let value: [u8; 4] = value.try_into().map_err(|_| ParseError::AttributeLength)?;
        let before = self.bytes.get(..at).ok_or(ParseError::AttributeLength)?;
        if fingerprint(before) == u32::from_be_bytes(value) {
            Ok(())
        } else {
            Err(ParseError::Fingerprint)
        }
    }
}

fn next_attribute(bytes: &[u8]) -> Option<(Attribute<'_>, &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<4>()?;
    let [k0, k1, l0, l1] = *header;
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    let attribute = Attribute {
        kind: AttributeType(u16::from_be_bytes([k0, k1])),
        value: rest.get(..length)?,
    };
    Some((attribute, rest.get(padded(length)..)?))
}
