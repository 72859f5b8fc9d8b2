//! Passwords of accounts and rooms: which are taken, and their Argon2id hashes.
//!
//! Hashing takes tens of milliseconds and megabytes on purpose. Callers run it beside the threads that serve others and
//! bound how many run at once.

use std::fmt;

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use crate::{LoginName, PasswordError};

/// Shortest password of an account, in characters.
pub const MIN_PASSWORD_CHARS: usize = 10;
/// Longest password, in bytes.
pub const MAX_PASSWORD_BYTES: usize = 1_024;

/// Guessed first, whatever their length.
const FAMOUS: [&str; 20] = [
    "1234567890",
    "0123456789",
    "12345678901",
    "123456789012",
    "0987654321",
    "password12",
    "password123",
    "password1234",
    "passwordpassword",
    "qwertyuiop",
    "qwertyuiop123",
    "1q2w3e4r5t",
    "1q2w3e4r5t6y",
    "letmein123",
    "iloveyou123",
    "administrator",
    "changeme123",
    "welcome123",
    "contraseña",
    "tertulia123",
];

/// How much work a hash is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Default for HashCost {
    /// What OWASP's password storage cheat sheet asks of Argon2id at least: 19 MiB, two passes, one lane.
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            passes: 2,
        }
    }
}

/// A password as typed, normalised so that every keyboard types the same one (RFC 8265 §4.2 asks for NFC); wiped when
/// dropped.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes a password to be compared.
    ///
    /// # Errors
    /// [`PasswordError::TooLong`].
    pub fn new(text: &str) -> Result<Self, PasswordError> {
        if text.len() > MAX_PASSWORD_BYTES {
            return Err(PasswordError::TooLong);
        }
        Ok(Self(Zeroizing::new(text.nfc().collect())))
    }

    /// Whether an account may have it.
    ///
    /// # Errors
    /// [`PasswordError::TooShort`] or [`PasswordError::TooEasy`].
    pub fn check_for_account(&self, login: &LoginName) -> Result<(), PasswordError> {
        if self.0.chars().count() < MIN_PASSWORD_CHARS {
            return Err(PasswordError::TooShort);
        }
        let lower = self.0.to_lowercase();
        let first = lower.chars().next();
        let own = lower == login.as_str() || lower == login.as_str().repeat(2);
        if own || lower.chars().all(|c| Some(c) == first) || FAMOUS.contains(&lower.as_str()) {
            return Err(PasswordError::TooEasy);
        }
        Ok(())
    }

    /// Whether a room may have it: anything but nothing, since it is told to many.
    ///
    /// # Errors
    /// [`PasswordError::TooShort`].
    pub fn check_for_room(&self) -> Result<(), PasswordError> {
        if self.0.trim().is_empty() {
            return Err(PasswordError::TooShort);
        }
        Ok(())
    }

    /// Hashes it with 128 random bits, which the caller supplies.
    ///
    /// # Errors
    /// [`PasswordError::Hashing`].
    pub fn hash(&self, salt: u128, cost: HashCost) -> Result<PasswordHash, PasswordError> {
        let params =
            Params::new(cost.memory_kib, cost.passes, 1, None).map_err(|_| PasswordError::Hashing)?;
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash: Phc = hasher
            .hash_password_with_salt(self.0.as_bytes(), &salt.to_be_bytes())
            .map_err(|_| PasswordError::Hashing)?;
        Ok(PasswordHash(hash.to_string()))
    }

    /// Whether `hash` is of this password. A hash that cannot be read is of none.
    pub fn matches(&self, hash: &PasswordHash) -> bool {
        let Ok(phc) = Phc::new(&hash.0) else {
            return false;
        };
        // The work is what the hash says; nobody but us writes hashes.
        let verifier = Argon2::default();
        PasswordVerifier::<Phc>::verify_password(&verifier, self.0.as_bytes(), &phc).is_ok()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// An Argon2id hash in the form of the PHC string format.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Takes a hash that was kept.
    pub fn from_kept(text: String) -> Self {
        Self(text)
    }

    /// The hash, for keeping it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: HashCost = HashCost {
        memory_kib: 8,
        passes: 1,
    };

    fn password(text: &str) -> Password {
        Password::new(text).unwrap()
    }

    #[test]
    fn a_hash_is_of_its_password_alone() {
        let hash = password("correct horse battery").hash(7, CHEAP).unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
        assert!(password("correct horse battery").matches(&hash));
        assert!(!password("correct horse batterY").matches(&hash));
        let other = password("correct horse battery").hash(8, CHEAP).unwrap();
        assert_ne!(hash, other, "salts differ");
        assert!(!password("x").matches(&PasswordHash::from_kept("nonsense".into())));
    }

    #[test]
    fn two_keyboards_type_the_same_password() {
        let hash = password("contrase\u{f1}a larga").hash(1, CHEAP).unwrap();
        assert!(password("contrasen\u{303}a larga").matches(&hash));
    }

    #[test]
    fn easy_passwords_are_refused() {
        let ana = LoginName::parse("ana.gil.de.la.torre").unwrap();
        let check = |text: &str| password(text).check_for_account(&ana);
        assert_eq!(check("nine char"), Err(PasswordError::TooShort));
        for text in ["aaaaaaaaaaaa", "Password123", "ANA.gil.de.la.torre", "qwertyuiop"] {
            assert_eq!(check(text), Err(PasswordError::TooEasy), "for {text}");
        }
        assert_eq!(check("a long walk home"), Ok(()));
        assert_eq!(
            Password::new(&"x".repeat(1_025)).err(),
            Some(PasswordError::TooLong)
        );
        assert_eq!(password("  ").check_for_room(), Err(PasswordError::TooShort));
        assert_eq!(password("77").check_for_room(), Ok(()));
    }

    #[test]
    fn nothing_is_shown() {
        let secret = password("hush hush hush");
        let hash = secret.hash(1, CHEAP).unwrap();
        assert_eq!(format!("{secret:?} {hash:?}"), "<redacted> <redacted>");
    }
}
