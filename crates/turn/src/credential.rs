//! Credentials that need no list: the name says until when and for which session, the password is its signature.
//!
//! The form is that of the "REST API for access to TURN services", so an external server that shares the secret
//! takes them too.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

/// Says why a secret or a session cannot be used.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialError {
    /// A secret is shorter than [`Secret::MIN_BYTES`].
    #[error("the secret is shorter than {} bytes", Secret::MIN_BYTES)]
    ShortSecret,
    /// A session's name is empty, longer than 128 bytes, or not visible ASCII.
    #[error("a session is 1 to {MAX_SESSION_BYTES} visible ASCII characters")]
    Session,
}

/// The longest name of a session.
const MAX_SESSION_BYTES: usize = 128;

/// The most digits of an expiry: seconds until the year 33,000.
const MAX_EXPIRY_DIGITS: usize = 12;

/// The secret that server and issuer share.
#[derive(Clone)]
pub struct Secret {
    key: hmac::Key,
}

impl Secret {
    /// The fewest bytes of a secret.
    pub const MIN_BYTES: usize = 16;

    /// Keeps a secret.
    ///
    /// # Errors
    /// [`CredentialError::ShortSecret`].
    pub fn new(secret: &[u8]) -> Result<Self, CredentialError> {
        if secret.len() < Self::MIN_BYTES {
            return Err(CredentialError::ShortSecret);
        }
        Ok(Self {
            key: hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret),
        })
    }

    /// Makes the credential of a session; it can open allocations until `expires_at` (Unix seconds).
    ///
    /// # Errors
    /// [`CredentialError::Session`].
    pub fn issue(&self, session: &str, expires_at: u64) -> Result<Credential, CredentialError> {
        if !is_session(session) {
            return Err(CredentialError::Session);
        }
        let username = format!("{expires_at}:{session}");
        let password = self.password(&username);
        Ok(Credential { username, password })
    }

    /// The password that belongs to a name.
    pub(crate) fn password(&self, username: &str) -> String {
        STANDARD.encode(hmac::sign(&self.key, username.as_bytes()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(<redacted>)")
    }
}

/// What a client is given to authenticate with.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// `expiry:session`.
    pub username: String,
    /// The name's signature, in Base64.
    pub password: String,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("username", &self.username)
            .field("password", &"<redacted>")
            .finish()
    }
}

/// A name's two parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Username<'a> {
    /// Unix seconds.
    pub(crate) expires_at: u64,
    pub(crate) session: &'a str,
}

impl<'a> Username<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (expiry, session) = text.split_once(':')?;
        let digits = expiry.len() <= MAX_EXPIRY_DIGITS && expiry.bytes().all(|b| b.is_ascii_digit());
        if !digits || !is_session(session) {
            return None;
        }
        Some(Self {
            expires_at: expiry.parse().ok()?,
            session,
        })
    }
}

fn is_session(text: &str) -> bool {
    (1..=MAX_SESSION_BYTES).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Secret {
        Secret::new(b"north south east west").unwrap()
    }

    #[test]
    fn the_password_is_the_signature_of_the_name() {
        let credential = secret().issue("PA_ana", 1_700_000_000).unwrap();
        assert_eq!(credential.username, "1700000000:PA_ana");
        // From `openssl dgst -sha1 -hmac`, as external servers compute it.
        assert_eq!(credential.password, "lHLxRbnkGkplGmw8CDnKrCv6aiY=");
        assert_eq!(
            Username::parse(&credential.username),
            Some(Username {
                expires_at: 1_700_000_000,
                session: "PA_ana"
            })
        );
    }

    #[test]
    fn odd_names_are_refused() {
        let long = format!("1:{}", "x".repeat(129));
        for name in [
            "",
            ":",
            "1:",
            ":a",
            "x:a",
            "-1:a",
            "+1:a",
            "1",
            "1:a b",
            "1:ä",
            "1:a\0",
            "1234567890123:a",
            &long,
        ] {
            assert_eq!(Username::parse(name), None, "{name:?}");
        }
        assert_eq!(secret().issue("", 1), Err(CredentialError::Session));
        assert_eq!(secret().issue("a\nb", 1), Err(CredentialError::Session));
    }

    #[test]
    fn nothing_secret_is_shown() {
        let credential = secret().issue("PA_ana", 1).unwrap();
        let shown = format!("{:?} {credential:?}", secret());
        assert!(!shown.contains(&credential.password) && !shown.contains("north"));
        assert_eq!(Secret::new(b"short").unwrap_err(), CredentialError::ShortSecret);
    }
}
