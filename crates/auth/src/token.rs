use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation};

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
        if token.len() > MAX_TOKEN_BYTES {
            return Err(AuthError::TooLong);
        }
        check_header(token)?;
        let issuer: IssuerPayload =
            jsonwebtoken::dangerous::insecure_decode_claims(token).map_err(|_| AuthError::Malformed)?;
        let key = issuer
            .iss
            .as_deref()
            .and_then(|id| self.find(id))
            .ok_or(AuthError::UnknownIssuer)?;
        let payload = verify_signature(token, key)?;

        if payload.aud.is_some() {
            return Err(AuthError::Audience);
        }
        let expires_at_ms = payload.exp.ok_or(AuthError::Claim("exp"))?.as_ms();
        let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        if expires_at_ms.saturating_add(LEEWAY_MS).saturating_add(grace_ms) < now_unix_ms {
            return Err(AuthError::Expired);
        }
        if payload
            .nbf
            .is_some_and(|nbf| nbf.as_ms() > now_unix_ms.saturating_add(LEEWAY_MS))
        {
            return Err(AuthError::NotYetValid);
        }
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

/// Refuses any algorithm but HS256, and any header that would choose a key or change the encoding.
fn check_header(token: &str) -> Result<(), AuthError> {
    let header = jsonwebtoken::decode_header(token).map_err(|error| match error.kind() {
        // The algorithm is an enum there; a name outside it, "none" included, is a JSON error.
        ErrorKind::Json(_) | ErrorKind::InvalidAlgorithmName => AuthError::Algorithm,
        _ => AuthError::Malformed,
    })?;
    if header.alg != Algorithm::HS256 {
        return Err(AuthError::Algorithm);
    }
    let plain = Header {
        typ: header.typ.clone(),
        ..Header::new(Algorithm::HS256)
    };
    if header != plain {
        return Err(AuthError::Header);
    }
    Ok(())
}

fn verify_signature(token: &str, key: &ApiKey) -> Result<Payload, AuthError> {
    // Dates and audience are checked by the caller: the crate would read the clock.
    let mut validation = Validation::new(Algorithm::HS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    jsonwebtoken::decode(token, &key.decoding(), &validation)
        .map(|data| data.claims)
        .map_err(|error| match error.kind() {
            ErrorKind::InvalidSignature => AuthError::Signature,
            ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => AuthError::Algorithm,
            _ => AuthError::Malformed,
        })
}

#[cfg(test)]
mod tests;
