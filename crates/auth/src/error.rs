/// Why a token is refused. Every case but [`AuthError::Signing`] is the bearer's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// Longer than [`crate::MAX_TOKEN_BYTES`].
    #[error("the token is too long")]
    TooLong,
    /// Not a JSON web token, or its claims have the wrong shape.
    #[error("the token is malformed")]
    Malformed,
    /// Signed with an algorithm that is not its key's, or not at all.
    #[error("the token's algorithm is not accepted")]
    Algorithm,
    /// Its header tries to choose a key or an encoding.
    #[error("the token's header names a key")]
    Header,
    /// Issued by a key this server does not have.
    #[error("the token's issuer is unknown")]
    UnknownIssuer,
    /// None of the issuer's keys fits; it may have taken a new one into use.
    #[error("the token's key is unknown")]
    UnknownKey,
    /// The signature does not match.
    #[error("the token's signature is wrong")]
    Signature,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Meant for another service.
    #[error("the token is meant for another audience")]
    Audience,
    /// A claim has a value that makes no sense; names the claim.
    #[error("the token's claim {0} is invalid")]
    Claim(&'static str),
    /// It carries storage credentials, which a participant could read.
    #[error("the token carries storage credentials")]
    StorageCredentials,
    /// The server could not sign.
    #[error("signing failed")]
    Signing,
}

/// Why an API key or a set of keys cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The id is empty, longer than 128 bytes, or has characters other than letters, digits, `-`, `_` and `.`.
    #[error("an API key id has 1 to 128 letters, digits, `-`, `_` or `.`")]
    Id,
    /// The secret is empty.
    #[error("the secret of API key {0} is empty")]
    EmptySecret(String),
    /// Two keys have the same id.
    #[error("API key {0} is given twice")]
    Duplicate(String),
    /// A public key is not a PEM of an RSA key of 2048 to 8192 bits or of an elliptic curve key on P-256.
    #[error("the public key is not a PEM of an RSA or P-256 key")]
    Pem,
    /// Not a JSON Web Key Set, longer than a megabyte, or with more keys than are kept.
    #[error("this is not a JSON Web Key Set that can be used")]
    KeySet,
    /// There is no key at all.
    #[error("no API key is given")]
    None,
}
