//! We offer, the peer answers: the receiving connection of a client that has two.

use std::time::Instant;

use tertulia_model::{
    CodecSpec, DataSpec, Direction, DtlsRole, EncodingSpec, MediaKind, MediaSpec, Mid, PeerSpec,
};

use super::validate::MAX_SECTIONS;
use super::{ANNOUNCED_MESSAGE_SIZE, Offerer, SCTP_PORT, validate};
use crate::section::{DataSlot, Section, Sending, Slot, Stream};
use crate::session::Session;
use crate::table::Tables;
use crate::transport::Transport;
use crate::{NegotiationError, TxId};

impl Session {
    /// Makes an offer of what is to be sent; `None` while one waits for its answer or where nothing has changed.
    ///
    /// A wished ICE restart ([`Session::restart_ice`]) goes out at once, in place of an offer that waits.
    ///
    /// # Errors
    ///
    /// Where the peer is the one who offers, or our transport cannot be built.
    pub fn create_offer(&mut self, now: Instant) -> Result<Option<PeerSpec>, NegotiationError> {
        self.check_open()?;
        self.settle_offerer(Offerer::We)?;
        if (self.outstanding && !self.wants_restart) || !self.negotiation_needed() {
            return Ok(None);
        }
        self.advance(now);
        if self.transport.is_none() {
            let tables = Tables::new(&[], self.config.fallback_family);
            let controlling = !self.config.ice_lite;
            self.transport = Some(Box::new(Transport::build(
                &self.config,
                &self.ice,
                tables,
                controlling,
                &mut self.rng,
                now,
            )?));
        }
        let restarts = self.wants_restart
            && self
                .transport
                .as_ref()
                .is_some_and(|transport| transport.remote_ice().is_some());
        self.wants_restart = false;
        if restarts {
            self.offered_ice = Some(self.next_ice());
        }
        self.place_waiting();
        self.place_data();
        if self.slots.is_empty() {
            return Ok(None);
        }
        let offer = self.offer()?;
        self.outstanding = true;
        self.stirred = true;
        Ok(Some(offer))
    }

    /// Takes the answer to the offer that waits.
    ///
    /// # Errors
    ///
    /// Where none waits, or the answer is malformed or of other sections; nothing has changed then.
    pub fn accept_answer(&mut self, answer: &PeerSpec, now: Instant) -> Result<(), NegotiationError> {
        self.check_open()?;
        if self.offerer != Some(Offerer::We) || !self.outstanding {
            return Err(NegotiationError::WrongState);
        }
        validate::description(answer)?;
        self.check_answer(answer)?;
        self.advance(now);
        let known = self
            .transport
            .as_ref()
            .and_then(|transport| transport.remote_ice().cloned());
        let changed = known.is_some_and(|known| known != answer.ice);
        let offered_ice = self.offered_ice.take();
        if let (true, Some(ice)) = (changed, offered_ice) {
            self.ice = ice;
            if let Some(transport) = &mut self.transport {
                transport.restart_ice(&self.ice);
            }
            self.early_candidates.clear();
        }
        if let Some(transport) = &mut self.transport {
            transport.set_remote_ice(&answer.ice);
            transport.start_dtls(&answer.fingerprint);
            if answer.data.as_ref().is_some_and(|data| !data.stopped) {
                transport.start_sctp();
                self.channels.create(&mut transport.path);
            }
        }
        self.take_candidates(answer);
        for spec in &answer.media {
            self.settle_section(spec);
        }
        if self
            .sections()
            .any(|section| matches!(&section.sending, Sending::Bound(stream) if stream.agreed))
        {
            self.send_begins();
        }
        self.outstanding = false;
        self.stirred = true;
        Ok(())
    }

    fn check_answer(&self, answer: &PeerSpec) -> Result<(), NegotiationError> {
        if answer.media.len() + usize::from(answer.data.is_some()) != self.slots.len() {
            return Err(NegotiationError::SectionChanged(self.slots.len()));
        }
        for (index, slot) in self.slots.iter().enumerate() {
            let same = match slot {
                Slot::Media(section) => answer
                    .media
                    .iter()
                    .any(|spec| spec.index == index && spec.mid == section.mid && spec.kind == section.kind),
                Slot::Data(data) => answer
                    .data
                    .as_ref()
                    .is_some_and(|spec| spec.index == index && spec.mid == data.mid),
            };
            if !same {
                return Err(NegotiationError::SectionChanged(index));
            }
        }
        let Some(transport) = &self.transport else {
            return Err(NegotiationError::WrongState);
        };
        if transport
            .remote_fingerprint
            .as_ref()
            .is_some_and(|known| *known != answer.fingerprint)
        {
            return Err(NegotiationError::FingerprintChanged);
        }
        // New credentials without a restart of ours are none of the answerer's business (RFC 8839 §4.4.1.1.1).
        let changed = transport.remote_ice().is_some_and(|known| *known != answer.ice);
        if changed && self.offered_ice.is_none() {
            return Err(NegotiationError::IceCredentials);
        }
        Ok(())
    }

    fn settle_section(&mut self, spec: &MediaSpec) {
        let (Some(Slot::Media(section)), Some(transport)) =
            (self.slots.get_mut(spec.index), &mut self.transport)
        else {
            return;
        };
        section.peer_receives = spec.direction.receives();
        if section.offered_inactive && matches!(section.sending, Sending::Leaving) {
            section.sending = Sending::Free;
        }
        let (tx, refused) = match &mut section.sending {
            Sending::Bound(stream) if !section.offered_inactive => {
                stream.codecs = agreed_codecs(&stream.codecs, &spec.codecs);
                stream.agreed = !spec.stopped && spec.direction.receives() && !stream.codecs.is_empty();
                transport.media.declare_sent(
                    stream.tx,
                    &section.mid,
                    stream.ssrc,
                    stream.rtx_ssrc,
                    &stream.codecs,
                );
                (Some(stream.tx), !stream.agreed)
            }
            _ => (None, false),
        };
        if let (Some(tx), true) = (tx, refused) {
            self.release(spec.index);
            if let Some(tx) = self.txs.get_mut(&tx) {
                tx.unsupported = true;
            }
        }
        if spec.stopped {
            self.stop_section(spec.index);
        }
    }

    fn release(&mut self, index: usize) {
        let (Some(Slot::Media(section)), Some(transport)) = (self.slots.get_mut(index), &mut self.transport)
        else {
            return;
        };
        if let Sending::Bound(stream) = &section.sending {
            transport.media.remove_sent(stream.ssrc);
            section.sending = Sending::Leaving;
            section.offered_inactive = false;
        }
    }

    fn place_waiting(&mut self) {
        for tx in self.waiting() {
            let Some(wish) = self.txs.get(&tx).map(|tx| tx.wish.clone()) else {
                continue;
            };
            let codecs = match &self.transport {
                Some(transport) => transport.tables.offer_codecs(&wish.codecs),
                None => Vec::new(),
            };
            if codecs.is_empty() {
                if let Some(tx) = self.txs.get_mut(&tx) {
                    tx.unsupported = true;
                }
                continue;
            }
            let free = self.slots.iter().position(|slot| match slot {
                Slot::Media(section) => {
                    section.kind == wish.kind && !section.stopped && matches!(section.sending, Sending::Free)
                }
                Slot::Data(_) => false,
            });
            let index = match free {
                Some(index) => index,
                None if self.slots.len() < MAX_SECTIONS => match self.new_section(wish.kind) {
                    Some(index) => index,
                    None => continue,
                },
                None => continue,
            };
            self.place(index, tx, codecs);
        }
    }

    fn new_section(&mut self, kind: MediaKind) -> Option<usize> {
        let index = self.slots.len();
        let mut section = Section::new(Mid::parse(&index.to_string())?, kind);
        if let Some(transport) = &mut self.transport {
            transport.media.declare(&section.mid, kind, &[]);
            section.declared = true;
            section.extensions = transport.tables.offer_extensions(kind);
        }
        self.slots.push(Slot::Media(section));
        Some(index)
    }

    fn place(&mut self, index: usize, tx: TxId, codecs: Vec<CodecSpec>) {
        let ssrc = self.new_ssrc();
        let repairs = codecs.iter().any(|codec| codec.rtx.is_some());
        let rtx_ssrc = repairs.then(|| self.new_ssrc()).filter(|rtx| *rtx != ssrc);
        let (Some(Slot::Media(section)), Some(transport)) = (self.slots.get_mut(index), &mut self.transport)
        else {
            return;
        };
        // Nothing may be sent before the peer has agreed.
        transport
            .media
            .declare_sent(tx, &section.mid, ssrc, rtx_ssrc, &[]);
        section.codecs = codecs.clone();
        section.sending = Sending::Bound(Stream {
            tx,
            ssrc,
            rtx_ssrc,
            codecs,
            agreed: false,
        });
    }

    fn place_data(&mut self) {
        let known = self.slots.iter().any(|slot| matches!(slot, Slot::Data(_)));
        if known || self.channels.is_empty() {
            return;
        }
        if let Some(mid) = Mid::parse(&self.slots.len().to_string()) {
            self.slots.push(Slot::Data(DataSlot { mid, stopped: false }));
        }
    }

    fn offer(&mut self) -> Result<PeerSpec, NegotiationError> {
        let Some(transport) = &self.transport else {
            return Err(NegotiationError::WrongState);
        };
        let mut offer = self.describe(transport.fingerprint(), DtlsRole::Either);
        if let Some(ice) = &self.offered_ice {
            offer.ice = ice.clone();
        }
        for (index, slot) in self.slots.iter_mut().enumerate() {
            match slot {
                Slot::Media(section) => {
                    let stream = match &section.sending {
                        Sending::Bound(stream) => Some(stream),
                        _ => None,
                    };
                    section.offered_inactive = stream.is_none();
                    let wish = stream
                        .and_then(|stream| self.txs.get(&stream.tx))
                        .map(|tx| &tx.wish);
                    offer.media.push(MediaSpec {
                        mid: section.mid.clone(),
                        index,
                        kind: section.kind,
                        direction: if stream.is_some() {
                            Direction::SendOnly
                        } else {
                            Direction::Inactive
                        },
                        stopped: section.stopped,
                        codecs: stream.map_or_else(|| section.codecs.clone(), |stream| stream.codecs.clone()),
                        extensions: section.extensions.clone(),
                        encodings: stream
                            .map(|stream| EncodingSpec {
                                ssrc: Some(stream.ssrc),
                                rtx_ssrc: stream.rtx_ssrc,
                                rid: None,
                            })
                            .into_iter()
                            .collect(),
                        stream_id: wish.map(|wish| wish.stream_id.clone()),
                        track_id: wish.map(|wish| wish.track_id.clone()),
                    });
                }
                Slot::Data(data) => {
                    offer.data = Some(DataSpec {
                        mid: data.mid.clone(),
                        index,
                        port: SCTP_PORT,
                        max_message_size: ANNOUNCED_MESSAGE_SIZE,
                        stopped: data.stopped,
                    });
                }
            }
        }
        Ok(offer)
    }
}

/// Those of ours that the peer named, in our order, with retransmission where it named that too.
fn agreed_codecs(ours: &[CodecSpec], theirs: &[CodecSpec]) -> Vec<CodecSpec> {
    ours.iter()
        .filter_map(|codec| {
            let named = theirs
                .iter()
                .find(|named| named.payload_type == codec.payload_type && named.codec == codec.codec)?;
            let mut agreed = codec.clone();
            agreed.rtx = codec.rtx.filter(|rtx| named.rtx == Some(*rtx));
            Some(agreed)
        })
        .collect()
}
