use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::watch;

use super::Certificate;

/// The certificate served now; cheap to clone. Connections that are open keep the one they began with.
#[derive(Clone)]
pub struct Current(Arc<watch::Sender<Option<Certificate>>>);

impl Default for Current {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl Current {
    /// Serves another from here on.
    pub fn set(&self, certificate: Certificate) {
        self.0.send_replace(Some(certificate));
    }

    /// What is served; `None` while there is nothing yet.
    pub fn get(&self) -> Option<Certificate> {
        self.0.borrow().clone()
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Current")
            .field(&self.get().map(|certificate| certificate.facts().clone()))
            .finish()
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.get().map(|certificate| certificate.key())
    }
}

/// What a certificate authority is told when it asks whether a name is ours; cheap to clone.
#[derive(Clone, Default)]
pub struct Challenges(Arc<RwLock<Answers>>);

#[derive(Default)]
struct Answers {
    /// Token to key authorization (RFC 8555, section 8.3).
    http: HashMap<String, String>,
    /// Name to a certificate that carries the proof (RFC 8737).
    tls: HashMap<String, Arc<CertifiedKey>>,
}

impl Challenges {
    /// Answers for `token` over HTTP.
    pub fn answer_http(&self, token: &str, authorization: &str) {
        self.change(|answers| {
            answers.http.insert(token.to_owned(), authorization.to_owned());
        });
    }

    /// Answers for `name` in a TLS handshake.
    pub fn answer_tls(&self, name: &str, key: Arc<CertifiedKey>) {
        self.change(|answers| {
            answers.tls.insert(name.to_ascii_lowercase(), key);
        });
    }

    /// Forgets all answers: the order is over.
    pub fn clear(&self) {
        self.change(|answers| *answers = Answers::default());
    }

    /// What to answer for `token` over HTTP.
    pub fn http(&self, token: &str) -> Option<String> {
        let answers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        answers.http.get(token).cloned()
    }

    fn change(&self, change: impl FnOnce(&mut Answers)) {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl fmt::Debug for Challenges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenges")
    }
}

impl ResolvesServerCert for Challenges {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name()?.to_ascii_lowercase();
        let answers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        answers.tls.get(&name).cloned()
    }
}
