use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use str0m::config::{CryptoProvider, DtlsCert};
use tertulia_model::{Bitrate, ClientFamily, IceCredentials, TransportProtocol};

use crate::error::CertificateError;

/// What a session starts from.
#[derive(Debug, Clone)]
pub struct SessionConfig {
    /// Our ICE credentials. After an ICE restart the new user name fragment begins with this one, so that whatever
    /// it carries (for instance the worker) stays readable.
    pub ice: IceCredentials,
    /// Certificate and cipher suites, made once per server.
    pub certificate: Arc<Certificate>,
    /// Whether our agent is ICE-lite; a full agent is the default everywhere.
    pub ice_lite: bool,
    /// Our host candidates, all of them.
    pub local_candidates: Vec<LocalCandidate>,
    /// Payload types and extension ids to take where the peer's first offer names none.
    pub fallback_family: ClientFamily,
    /// Where bandwidth estimation begins.
    pub initial_bitrate: Bitrate,
    /// Source of SSRCs and of the credentials of ICE restarts.
    pub seed: [u8; 32],
}

/// One host candidate of ours.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LocalCandidate {
    /// The address datagrams arrive at, as [`Input::Datagram`](crate::Input::Datagram) names it.
    pub addr: SocketAddr,
    /// UDP, or TCP where we are passive.
    pub protocol: TransportProtocol,
    /// The address told to the peer; differs behind one-to-one NAT.
    pub advertised: SocketAddr,
}

impl fmt::Debug for LocalCandidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "LocalCandidate({:?}, port {})",
            self.protocol,
            self.advertised.port()
        )
    }
}

/// A DTLS certificate with the cryptography it is used with.
pub struct Certificate {
    pub(crate) certificate: DtlsCert,
    pub(crate) provider: Arc<CryptoProvider>,
}

impl Certificate {
    /// Makes a self-signed certificate.
    ///
    /// # Errors
    ///
    /// When the cryptographic library fails.
    pub fn generate() -> Result<Self, CertificateError> {
        let provider = Arc::new(str0m::crypto::from_feature_flags());
        let certificate = provider
            .dtls_provider
            .generate_certificate()
            .ok_or_else(|| CertificateError("no certificate".to_owned()))?;
        Ok(Self {
            certificate,
            provider,
        })
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").finish_non_exhaustive()
    }
}
