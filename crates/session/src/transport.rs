//! What a session stands on: the way to the peer and the media that go over it, with what negotiation must know of
//! both.

use std::time::Instant;

use rand::RngExt;
use rand::rngs::StdRng;
use tertulia_model::{Candidate, Fingerprint, IceCredentials};

use crate::media::Media;
use crate::path::Path;
use crate::table::Tables;
use crate::{MediaPath, NegotiationError, SessionConfig};

/// Bytes of the name we have in source descriptions, random like that of a browser (RFC 7022 §4.2).
const CNAME_LEN: usize = 12;

/// The two, with what was told of the peer.
pub(crate) struct Transport {
    pub(crate) path: Path,
    pub(crate) media: Media,
    pub(crate) tables: Tables,
    fingerprint: Fingerprint,
    remote_ice: Option<IceCredentials>,
    pub(crate) remote_fingerprint: Option<Fingerprint>,
}

impl Transport {
    /// Builds it; `controlling` is whether our agent nominates (the offerer does, RFC 8445 §6.1.1).
    pub(crate) fn build(
        config: &SessionConfig,
        ice: &IceCredentials,
        tables: Tables,
        controlling: bool,
        rng: &mut StdRng,
        now: Instant,
    ) -> Result<Self, NegotiationError> {
        let path = Path::new(config, ice, controlling, (rng.random(), rng.random()), now)
            .map_err(NegotiationError::Transport)?;
        let cname: String = (0..CNAME_LEN)
            .map(|_| format!("{:02x}", rng.random::<u8>()))
            .collect();
        // What wall clock there is belongs to the packets that are passed on.
        let media = Media::new(
            &tables,
            &cname,
            config.initial_bitrate,
            rng.random(),
            rng.random(),
            now,
        );
        Ok(Self {
            path,
            media,
            tables,
            fingerprint: config.certificate.identity.fingerprint().clone(),
            remote_ice: None,
            remote_fingerprint: None,
        })
    }

    /// Fingerprint of our certificate.
    pub(crate) fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// The peer's ICE credentials in force.
    pub(crate) fn remote_ice(&self) -> Option<&IceCredentials> {
        self.remote_ice.as_ref()
    }

    /// Takes the peer's ICE credentials.
    pub(crate) fn set_remote_ice(&mut self, ice: &IceCredentials) {
        self.remote_ice = Some(ice.clone());
        self.path.set_remote_ice(ice);
    }

    /// Starts a new ICE generation with our new credentials; the old path carries on until a new one is nominated.
    pub(crate) fn restart_ice(&mut self, ice: &IceCredentials) {
        self.path.restart_ice(ice);
    }

    /// Takes one of the peer's candidates, if it is of use and not one too many.
    pub(crate) fn add_remote_candidate(&mut self, candidate: &Candidate) {
        self.path.add_remote_candidate(candidate);
    }

    /// Waits for the peer's handshake under this fingerprint. We are always the server.
    pub(crate) fn start_dtls(&mut self, fingerprint: &Fingerprint) {
        if self.remote_fingerprint.is_none() {
            self.remote_fingerprint = Some(fingerprint.clone());
            self.path.start_dtls(fingerprint);
        }
    }

    /// Waits for the peer's SCTP association.
    pub(crate) fn start_sctp(&mut self) {
        self.path.start_sctp();
    }

    /// When time should pass at the latest.
    pub(crate) fn timeout(&self) -> Option<Instant> {
        // What media have to say waits for a way to say it.
        let media = self.path.media_path().and_then(|_| self.media.poll_timeout());
        self.path.timeout().into_iter().chain(media).min()
    }

    /// Gives what media have to say to the peer by themselves, where there is a way to say it.
    pub(crate) fn poll_rtcp(&mut self, now: Instant) -> Option<(MediaPath, Vec<u8>)> {
        let path = self.path.media_path()?;
        let mut contents = Vec::new();
        self.media
            .poll_rtcp(now, &mut contents)
            .then_some((path, contents))
    }
}
