//! Keys of somebody else's: what an application or an identity provider signs join tokens with.

use std::fmt;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::token::{check_length, checked_signature, plain_header};
use crate::{AuthError, KeyError};

/// Longer key sets are refused unread.
pub const MAX_KEY_SET_BYTES: usize = 1024 * 1024;
/// Keys kept of one issuer.
const MAX_KEYS: usize = 64;
/// Keys of one algorithm tried for a token that names none, as during a rotation of secrets.
const MAX_TRIED: usize = 4;
/// Longer key ids are no ids.
const MAX_KEY_ID_BYTES: usize = 256;
/// RSA moduli in bytes: 2048 to 8192 bits.
const RSA_MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;
/// What stands around the modulus in DER: two headers, a sign byte, the exponent 65537.
const RSA_FRAME_BYTES: usize = 14;

/// Keys that verify an issuer's tokens, each bound to the one algorithm it is for.
#[derive(Clone, Default)]
pub struct TrustedKeys {
    keys: Vec<TrustedKey>,
}

#[derive(Clone)]
struct TrustedKey {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

/// A key set as it is published. Keys of kinds that are not known are passed over, as RFC 7517 §5 asks.
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

impl TrustedKeys {
    /// A secret shared with the issuer (HS256).
    ///
    /// # Errors
    /// [`KeyError::EmptySecret`].
    pub fn from_secret(secret: &str) -> Result<Self, KeyError> {
        if secret.is_empty() {
            return Err(KeyError::EmptySecret("of join tokens".to_owned()));
        }
        Ok(Self::one(
            Algorithm::HS256,
            DecodingKey::from_secret(secret.as_bytes()),
        ))
    }

    /// A public key as PEM: RSA (RS256) or P-256 (ES256).
    ///
    /// # Errors
    /// [`KeyError::Pem`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        if pem.len() > MAX_KEY_SET_BYTES {
            return Err(KeyError::Pem);
        }
        if let Ok(key) = DecodingKey::from_rsa_pem(pem) {
            let DecodingKeyKind::SecretOrDer(der) = key.kind() else {
                return Err(KeyError::Pem);
            };
            // PKCS #1: the modulus, and some bytes for the exponent and what frames both.
            if !RSA_MODULUS_BYTES.contains(&der.len().saturating_sub(RSA_FRAME_BYTES)) {
                return Err(KeyError::Pem);
            }
            return Ok(Self::one(Algorithm::RS256, key));
        }
        let key = DecodingKey::from_ec_pem(pem).map_err(|_| KeyError::Pem)?;
        Ok(Self::one(Algorithm::ES256, key))
    }

    /// A JSON Web Key Set (RFC 7517). Only RSA and P-256 keys for signatures are taken; a secret in a set that was
    /// published is no secret.
    ///
    /// # Errors
    /// [`KeyError::KeySet`] where it is no set or too large, [`KeyError::None`] where no key in it can be used.
    pub fn from_key_set(json: &[u8]) -> Result<Self, KeyError> {
        if json.len() > MAX_KEY_SET_BYTES {
            return Err(KeyError::KeySet);
        }
        let set: KeySet = serde_json::from_slice(json).map_err(|_| KeyError::KeySet)?;
        if set.keys.len() > MAX_KEYS {
            return Err(KeyError::KeySet);
        }
        let keys: Vec<TrustedKey> = set.keys.into_iter().filter_map(usable).collect();
        if keys.is_empty() {
            return Err(KeyError::None);
        }
        Ok(Self { keys })
    }

    /// These keys and `other`'s.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.keys.extend(other.keys);
        self.keys.truncate(MAX_KEYS);
        self
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    fn one(algorithm: Algorithm, key: DecodingKey) -> Self {
        let id = None;
        Self {
            keys: vec![TrustedKey { id, algorithm, key }],
        }
    }

    /// The claims of a token that one of these keys signed. Nothing else of it has been checked.
    pub(crate) fn signed<T: DeserializeOwned>(&self, token: &str) -> Result<T, AuthError> {
        check_length(token)?;
        let header = plain_header(token)?;
        let id = header.kid.as_deref();
        if id.is_some_and(|id| id.len() > MAX_KEY_ID_BYTES) {
            return Err(AuthError::Header);
        }
        if !self.is_empty() && !self.knows(header.alg) {
            return Err(AuthError::Algorithm);
        }
        let mut refusal = AuthError::UnknownKey;
        for key in self.candidates(header.alg, id) {
            match checked_signature(token, header.alg, key) {
                Ok(claims) => return Ok(claims),
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    /// Whether any key is for `algorithm`.
    fn knows(&self, algorithm: Algorithm) -> bool {
        self.keys.iter().any(|key| key.algorithm == algorithm)
    }

    /// The keys that a token with this header may be signed with. The header's id chooses among keys that are here;
    /// it is never looked up anywhere.
    fn candidates<'a>(
        &'a self,
        algorithm: Algorithm,
        id: Option<&'a str>,
    ) -> impl Iterator<Item = &'a DecodingKey> {
        self.keys
            .iter()
            .filter(move |key| key.algorithm == algorithm)
            .filter(move |key| match (id, key.id.as_deref()) {
                (Some(wanted), Some(own)) => wanted == own,
                _ => true,
            })
            .take(MAX_TRIED)
            .map(|key| &key.key)
    }
}

impl fmt::Debug for TrustedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrustedKeys({})", self.keys.len())
    }
}

fn usable(value: serde_json::Value) -> Option<TrustedKey> {
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let (algorithm, named) = match &jwk.algorithm {
        AlgorithmParameters::RSA(rsa) => {
            // Base64 of the modulus: four characters for three bytes.
            if !RSA_MODULUS_BYTES.contains(&(rsa.n.len() * 3 / 4)) {
                return None;
            }
            (Algorithm::RS256, KeyAlgorithm::RS256)
        }
        AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        _ => return None,
    };
    if jwk.common.key_algorithm.is_some_and(|given| given != named) {
        return None;
    }
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    let id = jwk.common.key_id.filter(|id| id.len() <= MAX_KEY_ID_BYTES);
    Some(TrustedKey { id, algorithm, key })
}
