use std::path::{Path, PathBuf};
use std::sync::Arc;

use reqwest::Url;
use tertulia_auth::{KeyError, MAX_KEY_SET_BYTES, TrustedKeys};

use crate::cached::{Cached, Care};
use crate::fetch::address;
use crate::{FetchError, Fetcher};

/// Where an issuer's keys come from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// They are given once and for all.
    Given(TrustedKeys),
    /// A file: a public key as PEM or a JSON Web Key Set. It is read again now and then.
    File(PathBuf),
    /// A JSON Web Key Set that the issuer publishes.
    Published(Url),
}

/// Why an address cannot be one of keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address that starts with https://")]
pub struct SourceError(pub String);

impl KeySource {
    /// A key set at an address, over HTTPS or on this machine.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn url(text: &str) -> Result<Self, SourceError> {
        let url = address(text).ok_or_else(|| SourceError(text.to_owned()))?;
        Ok(Self::Published(url))
    }
}

/// An issuer's keys, kept fresh.
#[derive(Debug)]
pub(crate) struct Keys {
    source: KeySource,
    fetcher: Fetcher,
    cached: Cached<TrustedKeys>,
}

impl Keys {
    pub(crate) fn new(source: KeySource, fetcher: Fetcher, care: Care) -> Self {
        Self {
            source,
            fetcher,
            cached: Cached::new("an issuer's keys", care),
        }
    }

    /// The keys there are now.
    pub(crate) async fn current(&self) -> Result<Arc<TrustedKeys>, FetchError> {
        self.cached.current(self.read()).await
    }

    /// The keys after a token named one that is not here; `None` where there is no news.
    pub(crate) async fn again(&self) -> Option<Arc<TrustedKeys>> {
        if let KeySource::Given(_) = self.source {
            return None;
        }
        self.cached.again(self.read()).await
    }

    async fn read(&self) -> Result<TrustedKeys, FetchError> {
        let unusable = |error: KeyError| FetchError::Unusable(error.to_string());
        match &self.source {
            KeySource::Given(keys) => Ok(keys.clone()),
            KeySource::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || of_file(&path)).await;
                read.map_err(|error| FetchError::File(std::io::Error::other(error)))?
            }
            KeySource::Published(url) => {
                let set = self.fetcher.document(url, MAX_KEY_SET_BYTES).await?;
                TrustedKeys::from_key_set(&set).map_err(unusable)
            }
        }
    }
}

fn of_file(path: &Path) -> Result<TrustedKeys, FetchError> {
    let text = std::fs::read(path).map_err(FetchError::File)?;
    let is_set = text.trim_ascii_start().starts_with(b"{");
    let keys = if is_set {
        TrustedKeys::from_key_set(&text)
    } else {
        TrustedKeys::from_pem(&text)
    };
    keys.map_err(|error| FetchError::Unusable(error.to_string()))
}
