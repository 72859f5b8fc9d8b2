use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde::de::DeserializeOwned;

use crate::wire::{IssuerPayload, NumericDate, Payload};
use crate::{ApiKey, ApiKeys, AuthError, Claims};

/// Longer tokens are refused unread.
pub const MAX_TOKEN_BYTES: usize = 32 * 1024;

/// How far two clocks may be apart.
const LEEWAY_MS: u64 = 60_000;

/// When a token is issued and when it ends, in Unix milliseconds (tokens carry whole seconds).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// Not valid before.
    pub issued_at_ms: u64,
    /// Not valid after.
    pub expires_at_ms: u64,
}

/// A verified token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Id of the API key that issued it.
    pub key_id: String,
    /// What it says.
    pub claims: Claims,
    /// Unix milliseconds of its issue (`iat`, else `nbf`); zero where it does not say.
    pub issued_at_ms: u64,
    /// Unix milliseconds of its expiry.
    pub expires_at_ms: u64,
}

impl ApiKeys {
    /// Verifies a token at `now_unix_ms`, with a minute's leeway for clocks that differ.
    ///
    /// # Errors
    /// Any [`AuthError`] but [`AuthError::Signing`].
    pub fn verify(&self, token: &str, now_unix_ms: u64) -> Result<Grant, AuthError> {
        self.verify_lately_expired(token, now_unix_ms, Duration::ZERO)
    }

    /// Like [`ApiKeys::verify`], but accepts a token that expired at most `grace` ago.
    ///
    /// # Errors
    /// As [`ApiKeys::verify`].
    pub fn verify_lately_expired(
        &self,
        token: &str,
        now_unix_ms: u64,
        grace: Duration,
    ) -> Result<Grant, AuthError> {
        check_length(token)?;
        let header = plain_header(token)?;
        if header.alg != Algorithm::HS256 {
            return Err(AuthError::Algorithm);
        }
        if header.kid.is_some() {
            return Err(AuthError::Header);
        }
        let issuer: IssuerPayload =
            jsonwebtoken::dangerous::insecure_decode_claims(token).map_err(|_| AuthError::Malformed)?;
        let key = issuer
            .iss
            .as_deref()
            .and_then(|id| self.find(id))
            .ok_or(AuthError::UnknownIssuer)?;
        let payload: Payload = checked_signature(token, Algorithm::HS256, &key.decoding())?;

        if payload.aud.is_some() {
            return Err(AuthError::Audience);
        }
        let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        let expires_at_ms = check_dates(payload.exp, payload.nbf, now_unix_ms, grace_ms)?;
        let issued_at_ms = payload.iat.or(payload.nbf).map_or(0, NumericDate::as_ms);
        Ok(Grant {
            key_id: key.id().to_owned(),
            issued_at_ms,
            expires_at_ms,
            claims: payload.into_claims()?,
        })
    }

    /// Signs claims with the first key.
    ///
    /// # Errors
    /// [`AuthError::Signing`].
    pub fn sign(&self, claims: &Claims, validity: Validity) -> Result<String, AuthError> {
        self.first().sign(claims, validity)
    }
}

impl ApiKey {
    /// Signs claims with this key.
    ///
    /// # Errors
    /// [`AuthError::Signing`].
    pub fn sign(&self, claims: &Claims, validity: Validity) -> Result<String, AuthError> {
        let issued = NumericDate::from_ms(validity.issued_at_ms);
        let expires = NumericDate::from_ms(validity.expires_at_ms);
        let payload = Payload::new(claims, self.id(), issued, expires);
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &payload, &self.encoding())
            .map_err(|_| AuthError::Signing)
    }
}

/// Refuses what is too long to be looked at.
pub(crate) fn check_length(token: &str) -> Result<(), AuthError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(AuthError::TooLong);
    }
    Ok(())
}

/// Reads the header, which may name type, algorithm and key id, and nothing that brings a key or changes the encoding.
/// Thumbprints of certificates, which AD FS writes beside the id, are not looked at.
/// Whether the algorithm is the key's is for the caller to check.
pub(crate) fn plain_header(token: &str) -> Result<Header, AuthError> {
    let header = jsonwebtoken::decode_header(token).map_err(|error| match error.kind() {
        // The algorithm is an enum there; a name outside it, "none" included, is a JSON error.
        ErrorKind::Json(_) | ErrorKind::InvalidAlgorithmName => AuthError::Algorithm,
        _ => AuthError::Malformed,
    })?;
    let plain = Header {
        typ: header.typ.clone(),
        kid: header.kid.clone(),
        x5t: header.x5t.clone(),
        x5t_s256: header.x5t_s256.clone(),
        ..Header::new(header.alg)
    };
    if header != plain {
        return Err(AuthError::Header);
    }
    Ok(header)
}

/// Checks expiry, which every token must have, and beginning. Gives the expiry in Unix milliseconds.
pub(crate) fn check_dates(
    exp: Option<NumericDate>,
    nbf: Option<NumericDate>,
    now_unix_ms: u64,
    grace_ms: u64,
) -> Result<u64, AuthError> {
    let expires_at_ms = exp.ok_or(AuthError::Claim("exp"))?.as_ms();
    if expires_at_ms.saturating_add(LEEWAY_MS).saturating_add(grace_ms) < now_unix_ms {
        return Err(AuthError::Expired);
    }
    if nbf.is_some_and(|nbf| nbf.as_ms() > now_unix_ms.saturating_add(LEEWAY_MS)) {
        return Err(AuthError::NotYetValid);
    }
    Ok(expires_at_ms)
}

/// Checks the signature under one algorithm and gives the claims.
pub(crate) fn checked_signature<T: DeserializeOwned>(
    token: &str,
    algorithm: Algorithm,
    key: &DecodingKey,
) -> Result<T, AuthError> {
    // Dates and audience are checked by the caller: the crate would read the clock.
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    jsonwebtoken::decode(token, key, &validation)
        .map(|data| data.claims)
        .map_err(|error| match error.kind() {
            ErrorKind::InvalidSignature => AuthError::Signature,
            ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => AuthError::Algorithm,
            _ => AuthError::Malformed,
        })
}

#[cfg(test)]
mod tests;
