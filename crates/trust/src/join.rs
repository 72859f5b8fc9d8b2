use std::sync::Arc;

use tertulia_auth::{ApiKeys, AuthError, Grant, TrustedGrant, TrustedIssuer, TrustedKeys};

use crate::cached::Care;
use crate::keys::Keys;
use crate::{Fetcher, KeySource};

/// Somebody whose join tokens are taken beside the server's own.
#[derive(Debug)]
pub struct TrustedParty {
    terms: TrustedIssuer,
    keys: Keys,
}

impl TrustedParty {
    /// Trusts tokens on these terms, signed with keys from `source`. Keys in the terms are not used.
    pub fn new(terms: TrustedIssuer, source: KeySource, fetcher: &Fetcher) -> Self {
        Self::cared_for(terms, source, fetcher, Care::default())
    }

    /// As [`TrustedParty::new`], with keys read as often as `care` says.
    pub fn cared_for(terms: TrustedIssuer, source: KeySource, fetcher: &Fetcher, care: Care) -> Self {
        let keys = Keys::new(source, fetcher.clone(), care);
        Self { terms, keys }
    }

    async fn verify(&self, token: &str, now_ms: u64) -> Result<TrustedGrant, AuthError> {
        let judge = |keys: &TrustedKeys| self.terms.verify_with(keys, token, now_ms);
        // Whoever asks is told no more than that the key is not here; why it is not stands in the log.
        let known = self.keys.current().await.map_err(|_| AuthError::UnknownKey)?;
        match judge(&known) {
            Err(AuthError::UnknownKey) => match self.keys.again().await {
                Some(news) => judge(&news),
                None => Err(AuthError::UnknownKey),
            },
            judged => judged,
        }
    }
}

/// A join token that has been verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bearer {
    /// Of one of the server's own keys.
    Own(Box<Grant>),
    /// Of somebody trusted.
    Trusted(TrustedGrant),
}

/// Verifies join tokens, whoever of those the operator trusts issued them. Every door that takes tokens asks here; cheap
/// to clone.
#[derive(Debug, Clone)]
pub struct JoinTokens {
    own: Arc<ApiKeys>,
    parties: Arc<[TrustedParty]>,
}

impl JoinTokens {
    /// Takes tokens of the server's own keys and of `parties`.
    pub fn new(own: Arc<ApiKeys>, parties: impl Into<Arc<[TrustedParty]>>) -> Self {
        Self {
            own,
            parties: parties.into(),
        }
    }

    /// Verifies a token at `now_ms`, in Unix milliseconds. Where it names a key of an issuer that is not here, the issuer's keys
    /// are read again first, though not more than now and then.
    ///
    /// # Errors
    /// Any [`AuthError`] but [`AuthError::Signing`].
    pub async fn verify(&self, token: &str, now_ms: u64) -> Result<Bearer, AuthError> {
        let mut refusal = match self.own.verify(token, now_ms) {
            Ok(grant) => return Ok(Bearer::Own(Box::new(grant))),
            Err(error) => error,
        };
        // What is told of a token is what whoever it came from would say of it.
        let mut known = !matches!(
            refusal,
            AuthError::UnknownIssuer | AuthError::Algorithm | AuthError::Header
        );
        for party in self.parties.iter() {
            match party.verify(token, now_ms).await {
                Ok(grant) => return Ok(Bearer::Trusted(grant)),
                Err(error) => {
                    let theirs = !matches!(
                        error,
                        AuthError::UnknownIssuer | AuthError::UnknownKey | AuthError::Signature
                    );
                    if theirs || !known {
                        refusal = error;
                    }
                    known |= theirs;
                }
            }
        }
        Err(refusal)
    }
}
