use std::net::SocketAddr;

use super::fingerprint::fingerprint;
use super::integrity::{IntegrityAlgorithm, Key};
use super::{AttributeType, Class, HEADER_BYTES, MAGIC_COOKIE, Method, TransactionId, message_type};

/// Writes a message, attribute by attribute; the length field is right after each of them.
#[derive(Debug, Clone)]
pub struct Writer {
    bytes: Vec<u8>,
    transaction: TransactionId,
}

impl Writer {
    /// Starts a message.
    pub fn new(class: Class, method: Method, transaction: TransactionId) -> Self {
        let mut bytes = Vec::with_capacity(160);
        bytes.extend_from_slice(&message_type(class, method).to_be_bytes());
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&MAGIC_COOKIE.to_be_bytes());
        bytes.extend_from_slice(&transaction.0);
        Self { bytes, transaction }
    }

    /// Adds an attribute, padded with zeros. A message that would grow beyond 65,535 bytes stays as it is.
    pub fn attribute(&mut self, kind: AttributeType, value: &[u8]) -> &mut Self {
        let grown = self.bytes.len() - HEADER_BYTES + 4 + super::padded(value.len());
        let (Ok(length), true) = (u16::try_from(value.len()), grown <= usize::from(u16::MAX)) else {
            return self;
        };
        self.bytes.extend_from_slice(&kind.0.to_be_bytes());
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(value);
        self.bytes.resize(HEADER_BYTES + grown, 0);
        self.set_length(grown);
        self
    }

    /// Adds an attribute of one word.
    pub fn word(&mut self, kind: AttributeType, value: u32) -> &mut Self {
        self.attribute(kind, &value.to_be_bytes())
    }

    /// Adds an XOR-… address attribute (RFC 8489 §14.2).
    pub fn address(&mut self, kind: AttributeType, address: SocketAddr) -> &mut Self {
        let (value, length) = super::xor_address(address, self.transaction);
        self.attribute(kind, value.get(..length).unwrap_or_default())
    }

    /// Adds ERROR-CODE (RFC 8489 §14.8); `code` is 300–699.
    pub fn error_code(&mut self, code: u16, reason: &str) -> &mut Self {
        let mut value = vec![0, 0, (code / 100) as u8, (code % 100) as u8];
        value.extend_from_slice(reason.as_bytes());
        self.attribute(AttributeType::ERROR_CODE, &value)
    }

    /// Adds the integrity attribute of `algorithm`.
    pub fn integrity(&mut self, algorithm: IntegrityAlgorithm, key: &Key) -> &mut Self {
        let kind = match algorithm {
            IntegrityAlgorithm::Sha1 => AttributeType::MESSAGE_INTEGRITY,
            IntegrityAlgorithm::Sha256 => AttributeType::MESSAGE_INTEGRITY_SHA256,
        };
        let length = self.bytes.len() - HEADER_BYTES + 4 + algorithm.value_bytes();
        let length = u16::try_from(length).unwrap_or(u16::MAX);
        let head = self.bytes.get(..2).unwrap_or_default();
        let rest = self.bytes.get(4..).unwrap_or_default();
        let tag = key.sign(algorithm, head, length, rest);
        self.attribute(kind, tag.as_ref())
    }

    /// Adds FINGERPRINT, which must come last.
    pub fn fingerprint(&mut self) -> &mut Self {
        self.set_length(self.bytes.len() - HEADER_BYTES + 8);
        let value = fingerprint(&self.bytes);
        self.word(AttributeType::FINGERPRINT, value)
    }

    /// Hands out the message.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    fn set_length(&mut self, length: usize) {
        let field = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
        if let Some(place) = self.bytes.get_mut(2..4) {
            place.copy_from_slice(&field);
        }
    }
}
