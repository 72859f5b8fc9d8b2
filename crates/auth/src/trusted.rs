use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::jitsi::JitsiPayload;
use crate::token::{check_dates, check_length, checked_signature, plain_header};
use crate::wire::{NumericDate, Payload};
use crate::{AuthError, Grant, JitsiClaims, TrustedKeys};

/// Longer key ids in a header are refused.
const MAX_KEY_ID_BYTES: usize = 256;

/// Whose join tokens are taken besides those of the server's own API keys: one application, or one identity provider,
/// known by its names and keys.
#[derive(Debug, Clone)]
pub struct TrustedIssuer {
    names: Vec<String>,
    audiences: Vec<String>,
    tenants: Vec<String>,
    keys: TrustedKeys,
}

/// A verified token of a [`TrustedIssuer`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustedGrant {
    /// In LiveKit's form.
    LiveKit(Box<Grant>),
    /// In Jitsi's form.
    Jitsi(Box<JitsiGrant>),
}

/// A verified token in Jitsi's form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JitsiGrant {
    /// Who issued it (`iss`).
    pub issuer: String,
    /// What it says.
    pub claims: JitsiClaims,
    /// Unix milliseconds of its issue (`iat`, else `nbf`); zero where it does not say.
    pub issued_at_ms: u64,
    /// Unix milliseconds of its expiry.
    pub expires_at_ms: u64,
}

/// What both forms have, and what tells them apart.
#[derive(Deserialize)]
struct Registered {
    iss: Option<String>,
    aud: Option<String>,
    exp: Option<NumericDate>,
    nbf: Option<NumericDate>,
    iat: Option<NumericDate>,
    video: Option<IgnoredAny>,
    context: Option<IgnoredAny>,
    room: Option<IgnoredAny>,
}

impl TrustedIssuer {
    /// Trusts tokens that carry one of `names` as `iss`, one of `audiences` as `aud`, and in Jitsi's form one of
    /// `tenants` as `sub`, if any is listed; signed with one of `keys`.
    pub fn new(names: Vec<String>, audiences: Vec<String>, tenants: Vec<String>, keys: TrustedKeys) -> Self {
        Self {
            names,
            audiences,
            tenants,
            keys,
        }
    }

    /// The same issuer with other keys.
    #[must_use]
    pub fn with_keys(&self, keys: TrustedKeys) -> Self {
        Self { keys, ..self.clone() }
    }

    /// Verifies a token at `now_unix_ms`, with a minute's leeway for clocks that differ.
    ///
    /// # Errors
    /// Any [`AuthError`] but [`AuthError::Signing`]. [`AuthError::UnknownKey`] is a reason to read the issuer's keys
    /// again, though not more than now and then: anybody can cause it.
    pub fn verify(&self, token: &str, now_unix_ms: u64) -> Result<TrustedGrant, AuthError> {
        check_length(token)?;
        let header = plain_header(token)?;
        if header
            .kid
            .as_deref()
            .is_some_and(|id| id.len() > MAX_KEY_ID_BYTES)
        {
            return Err(AuthError::Header);
        }
        if !self.keys.is_empty() && !self.keys.knows(header.alg) {
            return Err(AuthError::Algorithm);
        }
        let registered = self.signed(token, header.alg, header.kid.as_deref())?;

        let issuer = registered
            .iss
            .filter(|name| self.names.contains(name))
            .ok_or(AuthError::UnknownIssuer)?;
        if !registered.aud.is_some_and(|name| self.audiences.contains(&name)) {
            return Err(AuthError::Audience);
        }
        let expires_at_ms = check_dates(registered.exp, registered.nbf, now_unix_ms, 0)?;
        let issued_at_ms = registered.iat.or(registered.nbf).map_or(0, NumericDate::as_ms);

        let in_jitsi_form = registered.context.is_some() || registered.room.is_some();
        if registered.video.is_some() {
            if in_jitsi_form {
                // Two readers could take it for two things.
                return Err(AuthError::Malformed);
            }
            let mut claims = payload::<Payload>(token)?.into_claims()?;
            // What these say is decided here alone.
            claims.own = crate::OwnClaims::default();
            return Ok(TrustedGrant::LiveKit(Box::new(Grant {
                key_id: issuer,
                claims,
                issued_at_ms,
                expires_at_ms,
            })));
        }
        let claims = payload::<JitsiPayload>(token)?.into_claims()?;
        let tenant = claims.tenant.as_ref();
        if !self.tenants.is_empty() && !tenant.is_some_and(|name| self.tenants.contains(name)) {
            return Err(AuthError::Claim("sub"));
        }
        Ok(TrustedGrant::Jitsi(Box::new(JitsiGrant {
            issuer,
            claims,
            issued_at_ms,
            expires_at_ms,
        })))
    }

    /// The registered claims, once one of the keys fits.
    fn signed(
        &self,
        token: &str,
        algorithm: jsonwebtoken::Algorithm,
        key_id: Option<&str>,
    ) -> Result<Registered, AuthError> {
        let mut refusal = AuthError::UnknownKey;
        for key in self.keys.candidates(algorithm, key_id) {
            match checked_signature(token, algorithm, key) {
                Ok(registered) => return Ok(registered),
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }
}

/// Reads the claims of a token whose signature has been checked.
fn payload<T: serde::de::DeserializeOwned>(token: &str) -> Result<T, AuthError> {
    jsonwebtoken::dangerous::insecure_decode_claims(token).map_err(|_| AuthError::Malformed)
}

#[cfg(test)]
mod tests;
