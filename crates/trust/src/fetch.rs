use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Url};

/// How long an answer may take, to its last byte.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Why something could not be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// There was no answer, or not in time.
    #[error("there was no answer")]
    Unreachable(#[source] reqwest::Error),
    /// The answer says that it did not go well. Redirects are among these: none is followed.
    #[error("the answer's status is {0}")]
    Status(u16),
    /// The answer is longer than it may be.
    #[error("the answer is too long")]
    TooLong,
    /// The answer is not what it should be.
    #[error("the answer cannot be used: {0}")]
    Unusable(String),
    /// It was tried a moment ago in vain.
    #[error("it was tried a moment ago in vain")]
    JustTried,
    /// A file could not be read.
    #[error("the file cannot be read")]
    File(#[source] std::io::Error),
}

/// Fetches documents over HTTP.
#[derive(Debug, Clone)]
pub struct Fetcher {
    client: reqwest::Client,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Fetcher {
    /// Makes one.
    ///
    /// # Errors
    /// [`FetchError::Unreachable`] where TLS cannot be set up.
    pub fn new() -> Result<Self, FetchError> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(Policy::none())
            .build()
            .map_err(FetchError::Unreachable)?;
        Ok(Self { client })
    }

    /// Begins a request for a JSON document.
    pub(crate) fn get(&self, url: &Url) -> RequestBuilder {
        self.client.get(url.clone()).header("accept", "application/json")
    }

    /// Begins a request that sends a form.
    pub(crate) fn post(&self, url: &Url, form: String) -> RequestBuilder {
        self.client
            .post(url.clone())
            .header("accept", "application/json")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
    }

    /// Fetches a document of at most `longest` bytes.
    pub(crate) async fn document(&self, url: &Url, longest: usize) -> Result<Vec<u8>, FetchError> {
        match ask(self.get(url), longest).await? {
            Answer { status: 200, body } => Ok(body),
            Answer { status, .. } => Err(FetchError::Status(status)),
        }
    }
}

/// Sends a request and reads at most `longest` bytes of the answer.
pub(crate) async fn ask(request: RequestBuilder, longest: usize) -> Result<Answer, FetchError> {
    // Errors of the client carry the address, in which there may be something to keep to ourselves.
    let failed = |error: reqwest::Error| FetchError::Unreachable(error.without_url());
    let mut response = request.send().await.map_err(failed)?;
    let status = response.status().as_u16();
    let told = response.content_length().unwrap_or_default();
    if usize::try_from(told).is_ok_and(|told| told > longest) {
        return Err(FetchError::TooLong);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > longest {
            return Err(FetchError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, body })
}

/// Reads an address to fetch from: over HTTPS, or over HTTP on this machine.
pub(crate) fn address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let safe = url.scheme() == "https" || (url.scheme() == "http" && here);
    (safe && url.has_host() && url.username().is_empty() && url.password().is_none()).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_nobody_listens_in_on_are_fetched_from() {
        for text in [
            "https://id.example.org/x",
            "http://localhost:1/x",
            "http://127.0.0.1/",
            "http://[::1]:2/",
        ] {
            assert!(address(text).is_some(), "for {text}");
        }
        for text in [
            "",
            "id.example.org",
            "http://id.example.org/",
            "http://169.254.169.254/",
            "http://localhost.example.org/",
            "file:///etc/passwd",
            "https://user:word@id.example.org/",
            "data:,{}",
        ] {
            assert!(address(text).is_none(), "for {text}");
        }
    }
}
