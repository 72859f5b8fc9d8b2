//! From a peer's description to ours.

mod answerer;
mod offerer;
mod validate;

pub(crate) use validate::MAX_SECTIONS;

use rand::RngExt;
use tertulia_model::{DtlsRole, Fingerprint, IceCredentials, PeerSpec};

use crate::candidate;
use crate::section::{Section, Sending, Slot};
use crate::session::Session;
use crate::{NegotiationError, TxId};

/// Greatest data-channel message we announce to take; clients clamp to it.
const ANNOUNCED_MESSAGE_SIZE: u32 = 64_000;
/// SCTP port of data channels (RFC 8841 §5).
const SCTP_PORT: u16 = 5_000;
/// Letters of an ICE password and of what a restart adds to the user name fragment.
const ICE_CHARS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Which side makes the offers of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offerer {
    Peer,
    We,
}

impl Session {
    /// Describes where we are and how we are known, without sections, for a peer that is to speak after us.
    pub fn introduction(&self) -> PeerSpec {
        self.describe(self.config.certificate.identity.fingerprint(), DtlsRole::Either)
    }

    /// A description of ours without sections.
    fn describe(&self, fingerprint: &Fingerprint, dtls_role: DtlsRole) -> PeerSpec {
        PeerSpec {
            ice: self.ice.clone(),
            ice_lite: self.config.ice_lite,
            candidates: candidate::describe(&self.config.local_candidates),
            fingerprint: fingerprint.clone(),
            dtls_role,
            media: Vec::new(),
            data: None,
        }
    }

    /// Credentials for the next ICE generation: the configured user name fragment with something new behind it.
    fn next_ice(&mut self) -> IceCredentials {
        let suffix = self.ice_text(4);
        IceCredentials {
            ufrag: format!("{}{suffix}", self.config.ice.ufrag),
            pwd: self.ice_text(24),
        }
    }

    fn ice_text(&mut self, length: usize) -> String {
        (0..length)
            .map(|_| char::from(ICE_CHARS[self.rng.random_range(0..ICE_CHARS.len())]))
            .collect()
    }

    /// An SSRC that is not in use on this session.
    fn new_ssrc(&mut self) -> u32 {
        loop {
            let ssrc: u32 = self.rng.random();
            let used = self.sections().any(|section| match &section.sending {
                Sending::Bound(stream) => stream.ssrc == ssrc || stream.rtx_ssrc == Some(ssrc),
                _ => false,
            });
            let receives = self
                .transport
                .as_ref()
                .is_some_and(|transport| transport.media.received_as(ssrc).is_some());
            if ssrc != 0 && !used && !receives {
                return ssrc;
            }
        }
    }

    pub(crate) fn sections(&self) -> impl Iterator<Item = &Section> {
        self.slots.iter().filter_map(|slot| match slot {
            Slot::Media(section) => Some(section),
            Slot::Data(_) => None,
        })
    }

    pub(crate) fn sections_mut(&mut self) -> impl Iterator<Item = &mut Section> {
        self.slots.iter_mut().filter_map(|slot| match slot {
            Slot::Media(section) => Some(section),
            Slot::Data(_) => None,
        })
    }

    fn section_at(&mut self, index: usize) -> Option<&mut Section> {
        match self.slots.get_mut(index) {
            Some(Slot::Media(section)) => Some(section),
            _ => None,
        }
    }

    /// What waits for a section, oldest first.
    fn waiting(&self) -> Vec<TxId> {
        let bound: Vec<TxId> = self
            .sections()
            .filter_map(|section| match &section.sending {
                Sending::Bound(stream) => Some(stream.tx),
                _ => None,
            })
            .collect();
        self.txs
            .iter()
            .filter(|(id, tx)| !tx.unsupported && !bound.contains(id))
            .map(|(id, _)| *id)
            .collect()
    }

    /// Something is bound: from here on the estimator probes, at first as far as it may begin.
    fn send_begins(&mut self) {
        if std::mem::replace(&mut self.sends, true) {
            return;
        }
        if let Some(transport) = &mut self.transport {
            transport
                .media
                .set_desired_bitrate(self.desired.max(self.config.initial_bitrate), self.now);
        }
    }

    /// Ends the use of a section for good.
    fn stop_section(&mut self, index: usize) {
        let Some(section) = self.section_at(index) else {
            return;
        };
        section.stopped = true;
        section.sending = Sending::Free;
        section.codecs.clear();
        let mid = section.mid.clone();
        let declared = std::mem::take(&mut section.declared);
        if let Some(receiving) = &mut section.receiving {
            receiving.active = false;
        }
        if let Some(transport) = self.transport.as_mut().filter(|_| declared) {
            transport.media.forget(&mid);
        }
    }

    fn check_open(&self) -> Result<(), NegotiationError> {
        if self.is_closed() {
            Err(NegotiationError::Closed)
        } else {
            Ok(())
        }
    }

    fn settle_offerer(&mut self, offerer: Offerer) -> Result<(), NegotiationError> {
        match self.offerer {
            Some(settled) if settled != offerer => Err(NegotiationError::WrongState),
            _ => {
                self.offerer = Some(offerer);
                Ok(())
            }
        }
    }

    /// Takes the peer's candidates of a description, then those that came before it.
    fn take_candidates(&mut self, spec: &PeerSpec) {
        let Some(transport) = &mut self.transport else {
            return;
        };
        let early = std::mem::take(&mut self.early_candidates);
        for candidate in spec.candidates.iter().chain(&early) {
            transport.add_remote_candidate(candidate);
        }
    }
}
