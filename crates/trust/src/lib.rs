//! Whom the operator trusts to say who somebody is, beside the server itself: applications that sign join tokens, and the
//! provider people sign in at (OpenID Connect). This crate fetches their keys, keeps them fresh, and asks the provider;
//! what a token says is read by `auth`, and what comes of it is decided in `people` and `room`.
//!
//! It knows no door and no account. Invariants: nothing a token says is ever fetched, only what the operator configured
//! and what the configured provider says of itself; no redirect is followed; every answer is bounded in time and length;
//! keys that are known stay in use while their issuer cannot be reached; secrets and tokens are never logged.
//!
//! ```no_run
//! # async fn example(keys: std::sync::Arc<tertulia_auth::ApiKeys>, token: &str) -> Result<(), Box<dyn std::error::Error>> {
//! use tertulia_auth::{TrustedIssuer, TrustedKeys};
//! use tertulia_trust::{Fetcher, JoinTokens, KeySource, TrustedParty};
//!
//! let terms = TrustedIssuer::new(vec!["portal".into()], vec!["jitsi".into()], vec![], TrustedKeys::default());
//! let source = KeySource::url("https://portal.example.org/jwks.json")?;
//! let tokens = JoinTokens::new(keys, vec![TrustedParty::new(terms, source, &Fetcher::new()?)]);
//! tokens.verify(token, 1_790_000_000_000).await?;
//! # Ok(())
//! # }
//! ```

mod cached;
mod fetch;
mod join;
mod keys;
mod provider;

pub use cached::Care;
pub use fetch::{FetchError, Fetcher};
pub use join::{Bearer, JoinTokens, TrustedParty};
pub use keys::{KeySource, SourceError};
pub use provider::{Asking, Provider, ProviderError, ProviderSettings};
