use std::fmt;
use std::sync::Arc;

macro_rules! prefixed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The prefix every id of this kind carries; client SDKs test for it.
            pub const PREFIX: &'static str = $prefix;

            /// Builds the id from 64 random bits, which the caller supplies.
            pub fn from_random(bits: u64) -> Self {
                Self(format!(concat!($prefix, "{}"), Base62(bits)).into())
            }

            /// Reads an id received from outside.
            ///
            /// Gives `None` where the prefix is wrong, the rest is not 1 to 64 ASCII letters, digits, `-` or `_`.
            pub fn parse(text: &str) -> Option<Self> {
                let rest = text.strip_prefix($prefix)?;
                let valid = (1..=64).contains(&rest.len())
                    && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
                valid.then(|| Self(text.into()))
            }

            /// The whole id, prefix included.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

prefixed_id!(
    /// Names one life of a room: a room that ends and is opened again gets another.
    RoomId,
    "RM_"
);
prefixed_id!(
    /// Names one stay of a participant in a room; a full reconnect gets another, a resume keeps it.
    ParticipantId,
    "PA_"
);
prefixed_id!(
    /// Names one published track.
    TrackId,
    "TR_"
);

struct Base62(u64);

impl fmt::Display for Base62 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut left = self.0;
        // 62^11 > 2^64: eleven digits hold any value.
        for _ in 0..11 {
            let digit = DIGITS[(left % 62) as usize];
            write!(f, "{}", char::from(digit))?;
            left /= 62;
        }
        Ok(())
    }
}

/// Who somebody is in a room: chosen by whoever signed their token, unique in the room, 1 to 256 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity(Arc<str>);

/// Why a text is not an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// No characters.
    #[error("the identity is empty")]
    Empty,
    /// More than 256 bytes.
    #[error("the identity has more than 256 bytes")]
    TooLong,
    /// A control character.
    #[error("the identity has a control character")]
    ControlCharacter,
}

impl Identity {
    /// The greatest length in bytes.
    pub const MAX_BYTES: usize = 256;

    /// Checks `text`.
    ///
    /// # Errors
    /// One of [`IdentityError`].
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        if text.is_empty() {
            return Err(IdentityError::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(IdentityError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(IdentityError::ControlCharacter);
        }
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({:?})", &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip_and_keep_their_prefix() {
        for bits in [0, 1, 61, 62, u64::MAX] {
            let id = TrackId::from_random(bits);
            assert!(id.as_str().starts_with("TR_"));
            assert_eq!(TrackId::parse(id.as_str()), Some(id));
        }
        assert_ne!(TrackId::from_random(1), TrackId::from_random(u64::MAX));
    }

    #[test]
    fn foreign_ids_are_refused() {
        for text in [
            "",
            "TR_",
            "PA_x",
            "TR_a b",
            "TR_a\n",
            &format!("TR_{}", "x".repeat(65)),
        ] {
            assert_eq!(TrackId::parse(text), None, "for {text:?}");
        }
    }

    #[test]
    fn identities_are_bounded() {
        assert!(Identity::parse("ana@example.org").is_ok());
        assert_eq!(Identity::parse(""), Err(IdentityError::Empty));
        assert_eq!(Identity::parse(&"x".repeat(257)), Err(IdentityError::TooLong));
        assert_eq!(Identity::parse("a\u{7}"), Err(IdentityError::ControlCharacter));
    }
}
