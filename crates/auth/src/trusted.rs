use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::jitsi::JitsiPayload;
use crate::token::check_dates;
use crate::wire::{NumericDate, Payload};
use crate::{AuthError, Grant, JitsiClaims, TrustedKeys};

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

    /// Verifies a token at `now_unix_ms`, with a minute's leeway for clocks that differ.
    ///
    /// # Errors
    /// Any [`AuthError`] but [`AuthError::Signing`]. [`AuthError::UnknownKey`] is a reason to read the issuer's keys
    /// again, though not more than now and then: anybody can cause it.
    pub fn verify(&self, token: &str, now_unix_ms: u64) -> Result<TrustedGrant, AuthError> {
        self.verify_with(&self.keys, token, now_unix_ms)
    }

    /// As [`TrustedIssuer::verify`], with the keys the issuer has now.
    ///
    /// # Errors
    /// As [`TrustedIssuer::verify`].
    pub fn verify_with(
        &self,
        keys: &TrustedKeys,
        token: &str,
        now_unix_ms: u64,
    ) -> Result<TrustedGrant, AuthError> {
        let registered: Registered = keys.signed(token)?;

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
}

/// Reads the claims of a token whose signature has been checked.
pub(crate) fn payload<T: serde::de::DeserializeOwned>(token: &str) -> Result<T, AuthError> {
    jsonwebtoken::dangerous::insecure_decode_claims(token).map_err(|_| AuthError::Malformed)
}

#[cfg(test)]
mod tests;
