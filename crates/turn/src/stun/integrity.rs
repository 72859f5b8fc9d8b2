//! Keys and check values of MESSAGE-INTEGRITY and MESSAGE-INTEGRITY-SHA256 (RFC 8489 §14.5, §14.6).

use std::fmt;

use aws_lc_rs::{digest, hmac};

/// Names the way a long-term key is made from a password (RFC 8489 §18.5.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum KeyAlgorithm {
    /// MD5, the only one older clients know.
    Md5,
    /// SHA-256.
    Sha256,
}

impl KeyAlgorithm {
    /// The number on the wire.
    pub const fn code(self) -> u16 {
        match self {
            Self::Md5 => 1,
            Self::Sha256 => 2,
        }
    }
}

/// Names one of the two integrity attributes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IntegrityAlgorithm {
    /// MESSAGE-INTEGRITY.
    Sha1,
    /// MESSAGE-INTEGRITY-SHA256, untruncated: no usage of TURN permits to shorten it.
    Sha256,
}

impl IntegrityAlgorithm {
    /// The length of the check value in bytes.
    pub(crate) const fn value_bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    fn algorithm(self) -> hmac::Algorithm {
        match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
        }
    }
}

/// The key of an integrity check.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    bytes: Vec<u8>,
}

impl Key {
    /// The key of the long-term mechanism: a digest of `username:realm:password` (RFC 8489 §9.2.2).
    ///
    /// The three are used as they are: what we issue is ASCII, which the OpaqueString profile leaves alone.
    pub fn long_term(algorithm: KeyAlgorithm, username: &str, realm: &str, password: &str) -> Self {
        let bytes = match algorithm {
            KeyAlgorithm::Md5 => {
                let mut context = md5::Context::new();
                for part in [username, ":", realm, ":", password] {
                    context.consume(part);
                }
                context.finalize().0.to_vec()
            }
            KeyAlgorithm::Sha256 => {
                let mut context = digest::Context::new(&digest::SHA256);
                for part in [username, ":", realm, ":", password] {
                    context.update(part.as_bytes());
                }
                context.finish().as_ref().to_vec()
            }
        };
        Self { bytes }
    }

    /// The key of the short-term mechanism: the password itself (RFC 8489 §9.1.1).
    pub fn short_term(password: &str) -> Self {
        Self {
            bytes: password.as_bytes().to_vec(),
        }
    }

    /// Signs a message: `head` is its first two bytes, `length` what the length field is to say, `rest` what
    /// follows that field up to the attribute.
    pub(super) fn sign(
        &self,
        algorithm: IntegrityAlgorithm,
        head: &[u8],
        length: u16,
        rest: &[u8],
    ) -> hmac::Tag {
        let key = hmac::Key::new(algorithm.algorithm(), &self.bytes);
        let mut context = hmac::Context::with_key(&key);
        context.update(head);
        context.update(&length.to_be_bytes());
        context.update(rest);
        context.sign()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(<redacted>)")
    }
}
