//! Identity tokens of OpenID Connect: who somebody is, as their provider says (OpenID Connect Core 1.0 §3.1.3.7).

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::token::check_dates;
use crate::trusted::payload;
use crate::wire::NumericDate;
use crate::{AuthError, TrustedKeys};

/// Longest `sub` (OpenID Connect Core 1.0 §2).
const MAX_SUBJECT_BYTES: usize = 255;

/// What an identity token must say.
#[derive(Debug, Clone, Copy)]
pub struct IdTokenTerms<'a> {
    /// Who issues it (`iss`), to the letter.
    pub issuer: &'a str,
    /// Whom it is for (`aud`).
    pub client: &'a str,
    /// What was sent along with the wish to sign in (`nonce`).
    pub nonce: &'a str,
}

/// What a provider says of somebody. Never formatted.
#[derive(Clone, PartialEq)]
pub struct IdClaims {
    subject: String,
    all: Map<String, Value>,
}

/// A field given twice is an error.
#[derive(Deserialize)]
struct Registered {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Audience>,
    azp: Option<String>,
    exp: Option<NumericDate>,
    nbf: Option<NumericDate>,
    iat: Option<NumericDate>,
    nonce: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    /// Whether it is for `client`; for others too only where `party` says that `client` asked.
    fn is(&self, client: &str, party: Option<&str>) -> bool {
        let named = match self {
            Self::One(name) => name == client,
            Self::Many(names) => {
                let alone = names.len() == 1 || party.is_some();
                alone && names.iter().any(|name| name == client)
            }
        };
        named && party.is_none_or(|party| party == client)
    }
}

impl TrustedKeys {
    /// Verifies an identity token at `now_unix_ms`, with a minute's leeway for clocks that differ.
    ///
    /// # Errors
    /// Any [`AuthError`] but [`AuthError::Signing`]. [`AuthError::UnknownKey`] is a reason to read the provider's keys again.
    pub fn verify_id_token(
        &self,
        token: &str,
        terms: IdTokenTerms<'_>,
        now_unix_ms: u64,
    ) -> Result<IdClaims, AuthError> {
        let registered: Registered = self.signed(token)?;
        if registered.iss.as_deref() != Some(terms.issuer) {
            return Err(AuthError::UnknownIssuer);
        }
        let party = registered.azp.as_deref();
        if !registered.aud.is_some_and(|all| all.is(terms.client, party)) {
            return Err(AuthError::Audience);
        }
        check_dates(registered.exp, registered.nbf, now_unix_ms, 0)?;
        if registered.iat.is_none() {
            return Err(AuthError::Claim("iat"));
        }
        if registered.nonce.as_deref() != Some(terms.nonce) {
            return Err(AuthError::Claim("nonce"));
        }
        let subject = registered
            .sub
            .filter(|sub| !sub.is_empty() && sub.len() <= MAX_SUBJECT_BYTES)
            .ok_or(AuthError::Claim("sub"))?;
        Ok(IdClaims {
            subject,
            all: payload(token)?,
        })
    }
}

impl IdClaims {
    /// Who it is at the provider (`sub`).
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// These claims and those of the provider's user information, which is JSON. What the token says goes first.
    ///
    /// # Errors
    /// [`AuthError::Malformed`], and [`AuthError::Claim`] where it speaks of somebody else (OpenID Connect Core 1.0 §5.3.2).
    pub fn and(mut self, user_information: &[u8]) -> Result<Self, AuthError> {
        let more: Map<String, Value> =
            serde_json::from_slice(user_information).map_err(|_| AuthError::Malformed)?;
        if more.get("sub").and_then(Value::as_str) != Some(&self.subject) {
            return Err(AuthError::Claim("sub"));
        }
        for (name, value) in more {
            self.all.entry(name).or_insert(value);
        }
        Ok(self)
    }

    /// A claim that is a text and not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.all
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    }

    /// Whether a claim is true.
    pub fn is(&self, name: &str) -> bool {
        // Some providers write their switches as texts.
        matches!(self.all.get(name), Some(Value::Bool(true)))
            || self.text(name).is_some_and(|text| text == "true")
    }

    /// Whether a claim is `wanted`, or a list in which it stands. `claim` is its name, or a path with dots into objects, as in
    /// `realm_access.roles`.
    pub fn holds(&self, claim: &str, wanted: &str) -> bool {
        match self.find(claim) {
            Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(wanted)),
            Some(Value::String(one)) => one == wanted,
            Some(Value::Bool(on)) => on.to_string() == wanted,
            _ => false,
        }
    }

    /// Whether there is such a claim, read as [`IdClaims::holds`] reads it.
    pub fn has(&self, claim: &str) -> bool {
        self.find(claim).is_some()
    }

    fn find(&self, claim: &str) -> Option<&Value> {
        self.all.get(claim).or_else(|| {
            let mut steps = claim.split('.');
            let first = self.all.get(steps.next()?)?;
            steps.try_fold(first, |value, step| value.get(step))
        })
    }
}

impl fmt::Debug for IdClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

#[cfg(test)]
mod tests;
