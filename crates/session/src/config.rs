use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use tertulia_model::{Bitrate, ClientFamily, IceCredentials, TransportProtocol};

use crate::error::CertificateError;
use crate::path::Identity;

/// What a session starts from.
#[derive(Debug, Clone)]
pub struct SessionConfig {
    /// Our ICE credentials. After an ICE restart the new user name fragment begins with this one, so that whatever
    /// it carries (for instance the worker) stays readable.
    pub ice: IceCredentials,
    /// Our certificate, made once per server.
    pub certificate: Arc<Certificate>,
    /// Whether our agent is ICE-lite; a full agent is the default everywhere.
    pub ice_lite: bool,
    /// Our host candidates, all of them.
    pub local_candidates: Vec<LocalCandidate>,
    /// Payload types and extension ids to take where the peer's first offer names none.
    pub fallback_family: ClientFamily,
    /// Where bandwidth estimation begins.
    pub initial_bitrate: Bitrate,
    /// Whether DTLS handshakes are computed elsewhere, by way of
    /// [`Session::take_handshake`](crate::Session::take_handshake); otherwise they are where their datagrams are taken.
    pub offload_handshakes: bool,
    /// Source of SSRCs and of the credentials of ICE restarts.
    pub seed: [u8; 32],
}

/// One host candidate of ours.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LocalCandidate {
    /// The address datagrams arrive at, as [`Session::receive`](crate::Session::receive) is told it.
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

/// A DTLS certificate with its key.
pub struct Certificate {
    pub(crate) identity: Arc<Identity>,
}

impl Certificate {
    /// Makes a self-signed certificate.
    ///
    /// # Errors
    ///
    /// When the cryptographic library fails.
    pub fn generate() -> Result<Self, CertificateError> {
        Ok(Self {
            identity: Arc::new(Identity::generate()?),
        })
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").finish_non_exhaustive()
    }
}
