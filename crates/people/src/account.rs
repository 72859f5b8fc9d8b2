use std::fmt;

use crate::text::line;
use crate::{FieldError, PasswordHash};

/// Names an account for good; the login name may change.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(String);

impl AccountId {
    const PREFIX: &'static str = "AC_";

    /// Builds the id from 128 random bits, which the caller supplies.
    pub fn from_random(bits: u128) -> Self {
        Self(format!("{}{bits:032x}", Self::PREFIX))
    }

    /// Reads an id that was written down.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(Self::PREFIX)?;
        let plain = rest.len() == 32
            && rest
                .bytes()
                .all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
        plain.then(|| Self(text.to_owned()))
    }

    /// The whole id, prefix included.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What somebody signs in with: 1 to 64 ASCII letters, digits and `. _ - + @`, beginning with a letter or digit, in
/// lower case, so that no two names look alike.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoginName(String);

impl LoginName {
    /// The greatest length.
    pub const MAX_CHARS: usize = 64;

    /// Checks `text`.
    ///
    /// # Errors
    /// [`FieldError`] for `name`.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(FieldError::Empty("name"));
        }
        if text.len() > Self::MAX_CHARS {
            return Err(FieldError::TooLong("name"));
        }
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-+@".contains(&b);
        let begins = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        if !begins || !text.bytes().all(allowed) {
            return Err(FieldError::Invalid("name"));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// Makes a name out of what an identity provider says, dropping what a name may not have; `None` where nothing
    /// is left.
    pub fn approximate(text: &str) -> Option<Self> {
        let kept: String = text
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || "._-+@".contains(*c))
            .skip_while(|c| !c.is_ascii_alphanumeric())
            .take(Self::MAX_CHARS - 8)
            .collect();
        Self::parse(&kept).ok()
    }

    /// This name with a number behind it, for when it is taken.
    #[must_use]
    pub fn numbered(&self, number: u32) -> Self {
        let room = Self::MAX_CHARS - 8;
        let stem: String = self.0.chars().take(room).collect();
        Self(format!("{stem}-{number}"))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for LoginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// Who somebody is at an identity provider: the pair that OpenID Connect promises never to give to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalIdentity {
    /// The provider (`iss`).
    pub issuer: String,
    /// The person there (`sub`).
    pub subject: String,
}

/// A person known to this server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// For good.
    pub id: AccountId,
    /// What they sign in with.
    pub login: LoginName,
    /// What others see.
    pub display_name: String,
    /// Where they can be reached; shown to nobody else.
    pub email: Option<String>,
    /// May manage accounts and everybody's rooms.
    pub admin: bool,
    /// May not sign in.
    pub disabled: bool,
    /// Absent for those who sign in at an identity provider only.
    pub password: Option<PasswordHash>,
    /// Who they are at the identity provider.
    pub external: Option<ExternalIdentity>,
    /// Unix milliseconds.
    pub created_at_ms: u64,
}

/// Checks a display name.
///
/// # Errors
/// [`FieldError`] for `displayName`.
pub fn display_name(text: &str) -> Result<String, FieldError> {
    line("displayName", text)
}

/// Checks the shape of an e-mail address; empty means none.
///
/// # Errors
/// [`FieldError`] for `email`.
pub fn email(text: &str) -> Result<Option<String>, FieldError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() > 254 {
        return Err(FieldError::TooLong("email"));
    }
    let plausible = text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && domain.len() > 2 && domain.contains('.') && !domain.contains('@')
    });
    let odd = |c: char| c.is_control() || c.is_whitespace() || "<>,;:\\\"()[]".contains(c);
    if !plausible || text.chars().any(odd) {
        return Err(FieldError::Invalid("email"));
    }
    Ok(Some(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_names_are_plain_and_of_one_case() {
        assert_eq!(LoginName::parse(" Ana.Gil ").unwrap().as_str(), "ana.gil");
        assert_eq!(
            LoginName::parse("ana@example.org").unwrap().as_str(),
            "ana@example.org"
        );
        for text in [
            "",
            " ",
            ".ana",
            "a b",
            "ána",
            "a/b",
            "а",
            &"x".repeat(65),
            "a\u{0}",
        ] {
            assert!(LoginName::parse(text).is_err(), "for {text:?}");
        }
    }

    #[test]
    fn a_providers_name_is_bent_into_shape() {
        assert_eq!(
            LoginName::approximate("  _Ána María (x)").unwrap().as_str(),
            "namarax"
        );
        assert!(LoginName::approximate("漢字").is_none());
        let long = LoginName::approximate(&"x".repeat(500)).unwrap();
        assert!(LoginName::parse(long.numbered(u32::from(u16::MAX)).as_str()).is_ok());
        assert_eq!(LoginName::parse("ana").unwrap().numbered(2).as_str(), "ana-2");
    }

    #[test]
    fn ids_are_read_back_and_nothing_else() {
        let id = AccountId::from_random(7);
        assert_eq!(AccountId::parse(id.as_str()), Some(id));
        for text in [
            "",
            "AC_",
            "AC_xyz",
            "RM_00000000000000000000000000000007",
            "AC_0000000000000000000000000000000G",
        ] {
            assert!(AccountId::parse(text).is_none(), "for {text:?}");
        }
    }

    #[test]
    fn addresses_have_the_shape_of_addresses() {
        assert_eq!(email("  "), Ok(None));
        assert_eq!(email("ana@example.org"), Ok(Some("ana@example.org".into())));
        for text in [
            "ana",
            "@example.org",
            "ana@",
            "a@b",
            "a b@example.org",
            "a@b.c>",
            "a@b@c.de",
            "a\r\n@example.org",
        ] {
            assert!(email(text).is_err(), "for {text:?}");
        }
    }
}
