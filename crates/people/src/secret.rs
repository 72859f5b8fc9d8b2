//! Secrets we hand out: who shows one is who it was given to. At rest there is only the hash, so that whoever reads
//! the store cannot come in.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

/// Characters of 32 bytes in base64 without padding.
const TOKEN_CHARS: usize = 43;

/// A secret of 256 bits, as text for a cookie or an address.
#[derive(Clone)]
pub struct SecretToken(Zeroizing<String>);

impl SecretToken {
    /// Builds one from random bytes, which the caller supplies.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Reads one that somebody shows; `None` where it cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        (text.len() == TOKEN_CHARS && text.bytes().all(plain)).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The secret, for the one it is given to.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub fn digest(&self) -> SecretDigest {
        let hash = digest(&SHA256, self.0.as_bytes());
        SecretDigest(URL_SAFE_NO_PAD.encode(hash.as_ref()))
    }
}

impl fmt::Debug for SecretToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// The SHA-256 of a [`SecretToken`], as text. Looking one up by equality tells nobody anything: they would have to find
/// a text with a given hash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretDigest(String);

impl SecretDigest {
    /// Takes a digest that was kept.
    pub fn from_kept(text: String) -> Self {
        Self(text)
    }

    /// The text that is kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_not_what_is_shown() {
        let token = SecretToken::from_random([7; 32]);
        let again = SecretToken::parse(token.expose()).unwrap();
        assert_eq!(again.digest(), token.digest());
        assert_ne!(token.digest().as_str(), token.expose());
        assert_ne!(SecretToken::from_random([8; 32]).digest(), token.digest());
        assert_eq!(format!("{token:?}"), "<redacted>");
    }

    #[test]
    fn other_texts_are_no_secrets() {
        for text in [
            "",
            "x",
            &"x".repeat(42),
            &"x".repeat(44),
            &"ß".repeat(43),
            &"=".repeat(43),
            &"x".repeat(1_000_000),
        ] {
            assert!(SecretToken::parse(text).is_none(), "for {text:.50}");
        }
    }
}
