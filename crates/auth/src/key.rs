use std::fmt;

use jsonwebtoken::{DecodingKey, EncodingKey};

use crate::KeyError;

/// An API key: an id that stands in the token's `iss`, and the secret it is signed with.
#[derive(Clone)]
pub struct ApiKey {
    id: String,
    secret: String,
}

impl ApiKey {
    /// Secrets shorter than this many bytes are fit for development only.
    pub const STRONG_SECRET_BYTES: usize = 32;

    /// Checks and keeps a pair.
    ///
    /// # Errors
    /// [`KeyError::Id`] or [`KeyError::EmptySecret`].
    pub fn new(id: &str, secret: &str) -> Result<Self, KeyError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if !(1..=128).contains(&id.len()) || !id.bytes().all(allowed) {
            return Err(KeyError::Id);
        }
        if secret.is_empty() {
            return Err(KeyError::EmptySecret(id.to_owned()));
        }
        Ok(Self {
            id: id.to_owned(),
            secret: secret.to_owned(),
        })
    }

    /// The id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether the secret is long enough for production, and not one that manuals print.
    pub fn is_strong(&self) -> bool {
        const PRINTED: [&str; 6] = ["secret", "devkey", "example", "changeme", "change-me", "replace"];
        let lower = self.secret.to_ascii_lowercase();
        let first = lower.bytes().next();
        self.secret.len() >= Self::STRONG_SECRET_BYTES
            && !lower.bytes().all(|b| Some(b) == first)
            && !PRINTED.iter().any(|word| lower.contains(word))
    }

    pub(crate) fn decoding(&self) -> DecodingKey {
        DecodingKey::from_secret(self.secret.as_bytes())
    }

    pub(crate) fn encoding(&self) -> EncodingKey {
        EncodingKey::from_secret(self.secret.as_bytes())
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey")
            .field("id", &self.id)
            .field("secret", &"<redacted>")
            .finish()
    }
}

/// The server's API keys: at least one, with distinct ids. The first one signs the server's own tokens.
#[derive(Debug, Clone)]
pub struct ApiKeys {
    first: ApiKey,
    others: Vec<ApiKey>,
}

impl ApiKeys {
    /// Keeps `keys` in their order.
    ///
    /// # Errors
    /// [`KeyError::None`] or [`KeyError::Duplicate`].
    pub fn new(keys: Vec<ApiKey>) -> Result<Self, KeyError> {
        for (index, key) in keys.iter().enumerate() {
            if keys.iter().take(index).any(|other| other.id == key.id) {
                return Err(KeyError::Duplicate(key.id.clone()));
            }
        }
        let mut keys = keys.into_iter();
        let first = keys.next().ok_or(KeyError::None)?;
        Ok(Self {
            first,
            others: keys.collect(),
        })
    }

    /// The key that signs the server's own tokens.
    pub fn first(&self) -> &ApiKey {
        &self.first
    }

    /// The key called `id`.
    pub fn find(&self, id: &str) -> Option<&ApiKey> {
        self.iter().find(|key| key.id == id)
    }

    /// The same keys with the one called `id` in front; `None` where there is no such key.
    pub fn with_first(&self, id: &str) -> Option<Self> {
        let first = self.find(id)?.clone();
        let others = self.iter().filter(|key| key.id != id).cloned().collect();
        Some(Self { first, others })
    }

    /// All keys in order.
    pub fn iter(&self) -> impl Iterator<Item = &ApiKey> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_shows_no_secret() {
        let key = ApiKey::new("k", "hush-hush").unwrap();
        assert!(!format!("{key:?}").contains("hush"));
    }

    #[test]
    fn ids_are_plain_and_distinct() {
        for id in ["", "a b", "../etc", "ключ", &"x".repeat(129)] {
            assert_eq!(ApiKey::new(id, "s").unwrap_err(), KeyError::Id, "for {id:?}");
        }
        let key = ApiKey::new("k", "s").unwrap();
        assert_eq!(
            ApiKeys::new(vec![key.clone(), key]).unwrap_err(),
            KeyError::Duplicate("k".into())
        );
        assert_eq!(ApiKeys::new(vec![]).unwrap_err(), KeyError::None);
    }

    #[test]
    fn another_key_can_be_put_in_front() {
        let keys = ["a", "b", "c"].map(|id| ApiKey::new(id, "s").unwrap());
        let keys = ApiKeys::new(keys.to_vec()).unwrap().with_first("b").unwrap();
        assert_eq!(keys.iter().map(ApiKey::id).collect::<Vec<_>>(), ["b", "a", "c"]);
        assert!(keys.with_first("d").is_none());
    }

    #[test]
    fn short_and_printed_secrets_are_weak() {
        for secret in [
            "secret",
            &"x".repeat(31),
            &"x".repeat(64),
            "this-is-a-secret-of-more-than-32-bytes",
        ] {
            assert!(!ApiKey::new("k", secret).unwrap().is_strong(), "for {secret:?}");
        }
        assert!(
            ApiKey::new("k", "h8Zk3vQpL0mX7cRt2yWn5bJd9fGs4aUe")
                .unwrap()
                .is_strong()
        );
    }
}
