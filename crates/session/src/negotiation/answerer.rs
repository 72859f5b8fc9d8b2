//! The peer offers, we answer: the only connection of a client that has one, and the publishing one of two.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use tertulia_model::{
    ClientFamily, Codec, CodecSpec, DataSpec, Direction, DtlsRole, EncodingSpec, Feedback, MediaSpec,
    PeerSpec, Rid,
};

use super::{ANNOUNCED_MESSAGE_SIZE, Offerer, SCTP_PORT, validate};
use crate::section::{DataSlot, Receiving, Section, Sending, Slot, Stream};
use crate::session::{Session, Tx};
use crate::table::Tables;
use crate::transport::Transport;
use crate::{AudioOptions, NegotiationError, RxId, TxId};

impl Session {
    /// Takes an offer and gives the answer, its sections in the same order.
    ///
    /// A changed user name fragment restarts ICE with new credentials of ours. Sections the peer only receives on are
    /// bound to what waits to be sent, each to one thing of its kind; a section whose sender went says inactive once
    /// before it is bound again.
    ///
    /// # Errors
    ///
    /// Where the offer is malformed or does not continue the session; nothing has changed then.
    pub fn accept_offer(&mut self, offer: &PeerSpec, now: Instant) -> Result<PeerSpec, NegotiationError> {
        self.check_open()?;
        validate::description(offer)?;
        validate::continuation(offer, &self.slots)?;
        if let Some(known) = self
            .transport
            .as_ref()
            .and_then(|transport| transport.remote_fingerprint.as_ref())
            && *known != offer.fingerprint
        {
            return Err(NegotiationError::FingerprintChanged);
        }
        self.settle_offerer(Offerer::Peer)?;
        self.advance(now);
        if self.transport.is_none() {
            let tables = Tables::new(&offer.media, self.config.fallback_family);
            // The offerer nominates, unless it cannot (RFC 8445 §6.1.1). Whoever we invited is no offerer.
            let invited = self.config.fallback_family == ClientFamily::Invited;
            let controlling = (offer.ice_lite || invited) && !self.config.ice_lite;
            self.transport = Some(Box::new(Transport::build(
                &self.config,
                &self.ice,
                tables,
                controlling,
                &mut self.rng,
                now,
            )?));
        }
        self.take_ice(offer);
        if let Some(transport) = &mut self.transport {
            transport.start_dtls(&offer.fingerprint);
        }
        self.take_candidates(offer);
        self.take_sections(offer);
        self.bind_waiting(offer);
        let answer = self.answer(offer)?;
        self.stirred = true;
        Ok(answer)
    }

    fn take_ice(&mut self, offer: &PeerSpec) {
        let changed = self
            .transport
            .as_ref()
            .and_then(|transport| transport.remote_ice())
            .is_some_and(|known| *known != offer.ice);
        if changed {
            self.ice = self.next_ice();
        }
        let Some(transport) = &mut self.transport else {
            return;
        };
        if changed {
            transport.restart_ice(&self.ice);
            self.early_candidates.clear();
        }
        transport.set_remote_ice(&offer.ice);
    }

    fn take_sections(&mut self, offer: &PeerSpec) {
        let count = offer.media.len() + usize::from(offer.data.is_some());
        for index in 0..count {
            if let Some(spec) = offer.media.iter().find(|section| section.index == index) {
                self.take_media(index, spec);
            } else if let Some(data) = offer.data.as_ref().filter(|data| data.index == index) {
                let slot = Slot::Data(DataSlot {
                    mid: data.mid.clone(),
                    stopped: data.stopped,
                });
                self.put_slot(index, slot);
                if let Some(transport) = self.transport.as_mut().filter(|_| !data.stopped) {
                    transport.start_sctp();
                    self.channels.create(&mut transport.path);
                }
            }
        }
    }

    fn put_slot(&mut self, index: usize, slot: Slot) {
        if let Some(place) = self.slots.get_mut(index) {
            *place = slot;
        } else {
            self.slots.push(slot);
        }
    }

    fn take_media(&mut self, index: usize, spec: &MediaSpec) {
        let known = matches!(self.slots.get(index), Some(Slot::Media(section)) if section.mid == spec.mid);
        if !known {
            self.put_slot(index, Slot::Media(Section::new(spec.mid.clone(), spec.kind)));
        }
        let Some(tables) = self.transport.as_ref().map(|transport| &transport.tables) else {
            return;
        };
        let codecs = tables.accept_codecs(spec);
        let extensions = tables.accept_extensions(spec);
        let was_stopped = self.section_at(index).is_some_and(|section| section.stopped);
        if spec.stopped || codecs.is_empty() || was_stopped {
            self.stop_section(index);
            return;
        }
        let options = self.audio_options.get(&spec.mid).copied();
        let preferred = self.preferences.get(&spec.mid).cloned().unwrap_or_default();
        if let Some(section) = self.section_at(index) {
            section.codecs = if spec.direction.sends() {
                limit(codecs, &preferred)
            } else {
                codecs
            };
            if let Some(options) = options {
                for codec in section
                    .codecs
                    .iter_mut()
                    .filter(|codec| codec.codec == Codec::Opus)
                {
                    codec.fmtp = opus_parameters(&codec.fmtp, options);
                }
            }
            section.extensions = extensions;
            section.peer_receives = spec.direction.receives();
        }
        if spec.direction.sends() {
            self.start_receiving(index, spec);
        } else {
            self.stop_receiving(index);
        }
        self.declare_section(index, &[]);
        if !spec.direction.receives() {
            self.unbind(index);
        }
    }

    fn declare_section(&mut self, index: usize, rids: &[Rid]) {
        let Some(Slot::Media(section)) = self.slots.get_mut(index) else {
            return;
        };
        if let Some(transport) = self.transport.as_mut().filter(|_| !section.declared) {
            transport.media.declare(&section.mid, section.kind, rids);
            section.declared = true;
        }
    }

    fn start_receiving(&mut self, index: usize, spec: &MediaSpec) {
        let rids: Vec<Rid> = spec
            .encodings
            .iter()
            .filter_map(|encoding| encoding.rid.clone())
            .collect();
        let continues = self
            .section_at(index)
            .and_then(|section| section.receiving.as_ref())
            .is_some_and(|known| known.active && known.track_id == spec.track_id && known.rids == rids);
        if !continues {
            self.stop_receiving(index);
            // A section is known to the transport with its encodings; it is made anew when they change.
            let idle = self
                .section_at(index)
                .is_some_and(|section| matches!(section.sending, Sending::Free));
            if let (Some(Slot::Media(section)), Some(transport), true) =
                (self.slots.get_mut(index), &mut self.transport, idle)
                && std::mem::take(&mut section.declared)
            {
                transport.media.forget(&section.mid);
            }
            let rx = RxId(self.next_rx);
            self.next_rx += 1;
            if let Some(section) = self.section_at(index) {
                section.receiving = Some(Receiving {
                    rx,
                    track_id: spec.track_id.clone(),
                    stream_id: spec.stream_id.clone(),
                    rids: rids.clone(),
                    ssrcs: BTreeSet::new(),
                    active: true,
                });
            }
            self.declare_section(index, &rids);
            if let Some(transport) = &mut self.transport {
                transport.media.receive_as(&spec.mid, Some(rx));
            }
        }
        self.expect_ssrcs(index, spec);
    }

    /// Streams with tags are found by them; the others by the SSRC told.
    fn expect_ssrcs(&mut self, index: usize, spec: &MediaSpec) {
        let (Some(Slot::Media(section)), Some(transport)) = (self.slots.get_mut(index), &mut self.transport)
        else {
            return;
        };
        let nack = section
            .codecs
            .iter()
            .any(|codec| codec.feedback.contains(&Feedback::Nack));
        let Some(receiving) = &mut section.receiving else {
            return;
        };
        let told: BTreeSet<u32> = spec
            .encodings
            .iter()
            .filter_map(|encoding| encoding.ssrc)
            .collect();
        let gone: Vec<u32> = receiving.ssrcs.difference(&told).copied().collect();
        if !gone.is_empty() {
            transport
                .media
                .forget_received(&section.mid, gone.iter().copied(), &[]);
        }
        for encoding in &spec.encodings {
            if let Some(ssrc) = encoding.ssrc {
                transport.media.expect_ssrc(
                    &section.mid,
                    ssrc,
                    encoding.rtx_ssrc,
                    encoding.rid.as_ref(),
                    nack,
                );
            }
        }
        receiving.ssrcs = told;
    }

    fn stop_receiving(&mut self, index: usize) {
        let (Some(Slot::Media(section)), Some(transport)) = (self.slots.get_mut(index), &mut self.transport)
        else {
            return;
        };
        let Some(receiving) = section.receiving.as_mut().filter(|receiving| receiving.active) else {
            return;
        };
        receiving.active = false;
        let ssrcs = std::mem::take(&mut receiving.ssrcs).into_iter();
        transport
            .media
            .forget_received(&section.mid, ssrcs, &receiving.rids);
        transport.media.receive_as(&section.mid, None);
    }

    /// The peer no longer receives there: what was sent waits for another section.
    fn unbind(&mut self, index: usize) {
        let (Some(Slot::Media(section)), Some(transport)) = (self.slots.get_mut(index), &mut self.transport)
        else {
            return;
        };
        if let Sending::Bound(stream) = &section.sending {
            transport.media.remove_sent(stream.ssrc);
            section.sending = Sending::Leaving;
        }
    }

    fn bind_waiting(&mut self, offer: &PeerSpec) {
        for tx in self.waiting() {
            let Some(wish) = self.txs.get(&tx).map(|tx| tx.wish.clone()) else {
                continue;
            };
            let mut seen_codecs = false;
            let place = offer.media.iter().find_map(|spec| {
                let Some(Slot::Media(section)) = self.slots.get(spec.index) else {
                    return None;
                };
                let fits = section.kind == wish.kind && !section.stopped && spec.direction.receives();
                if !fits {
                    return None;
                }
                let codecs = choose(&section.codecs, &wish.codecs);
                seen_codecs |= codecs.is_empty();
                // Its own sound or picture has its own section: a sending one is not bound, so that stopping it does
                // not stop what we send.
                let free = matches!(section.sending, Sending::Free) && !spec.direction.sends();
                (free && !codecs.is_empty()).then_some((spec.index, codecs))
            });
            match place {
                Some((index, codecs)) => {
                    self.bind(index, tx, codecs);
                    self.send_begins();
                }
                None if seen_codecs => {
                    if let Some(tx) = self.txs.get_mut(&tx) {
                        tx.unsupported = true;
                    }
                }
                None => {}
            }
        }
    }

    fn bind(&mut self, index: usize, tx: TxId, codecs: Vec<CodecSpec>) {
        let ssrc = self.new_ssrc();
        let repairs = codecs.iter().any(|codec| codec.rtx.is_some());
        let rtx_ssrc = repairs.then(|| self.new_ssrc()).filter(|rtx| *rtx != ssrc);
        let (Some(Slot::Media(section)), Some(transport)) = (self.slots.get_mut(index), &mut self.transport)
        else {
            return;
        };
        transport
            .media
            .declare_sent(tx, &section.mid, ssrc, rtx_ssrc, &codecs);
        section.sending = Sending::Bound(Stream {
            tx,
            ssrc,
            rtx_ssrc,
            codecs,
            agreed: true,
        });
    }

    fn answer(&mut self, offer: &PeerSpec) -> Result<PeerSpec, NegotiationError> {
        let Some(transport) = &self.transport else {
            return Err(NegotiationError::WrongState);
        };
        let sends_transport_cc = transport.tables.sends_transport_cc;
        let mut answer = self.describe(transport.fingerprint(), DtlsRole::Server);
        let mut offered: Vec<&MediaSpec> = offer.media.iter().collect();
        offered.sort_by_key(|spec| spec.index);
        for spec in offered {
            let Some(Slot::Media(section)) = self.slots.get_mut(spec.index) else {
                continue;
            };
            let media = answer_media(section, spec, &self.txs, sends_transport_cc);
            answer.media.push(media);
            // The peer is told with this answer.
            if matches!(section.sending, Sending::Leaving) {
                section.sending = Sending::Free;
            }
        }
        answer.data = offer.data.as_ref().map(|data| DataSpec {
            mid: data.mid.clone(),
            index: data.index,
            port: SCTP_PORT,
            max_message_size: ANNOUNCED_MESSAGE_SIZE,
            stopped: data.stopped,
        });
        Ok(answer)
    }
}

fn answer_media(
    section: &Section,
    spec: &MediaSpec,
    txs: &BTreeMap<TxId, Tx>,
    sends_transport_cc: bool,
) -> MediaSpec {
    let receives = section.receiving.as_ref().filter(|receiving| receiving.active);
    let stream = match &section.sending {
        Sending::Bound(stream) => Some(stream),
        _ => None,
    };
    let direction = match (stream.is_some(), receives.is_some()) {
        _ if section.stopped => Direction::Inactive,
        (true, true) => Direction::SendRecv,
        (true, false) => Direction::SendOnly,
        (false, true) => Direction::RecvOnly,
        (false, false) => Direction::Inactive,
    };
    let wish = stream.and_then(|stream| txs.get(&stream.tx)).map(|tx| &tx.wish);
    let mut codecs = match stream {
        Some(stream) if receives.is_none() => stream.codecs.clone(),
        _ => section.codecs.clone(),
    };
    if stream.is_some() && !sends_transport_cc {
        for codec in &mut codecs {
            codec
                .feedback
                .retain(|feedback| *feedback != Feedback::TransportCc);
        }
    }
    let encodings = match (stream, receives) {
        (Some(stream), _) => {
            vec![EncodingSpec {
                ssrc: Some(stream.ssrc),
                rtx_ssrc: stream.rtx_ssrc,
                rid: None,
            }]
        }
        // Where we do not send, the encodings are those we are ready to receive.
        (None, Some(receiving)) => receiving
            .rids
            .iter()
            .map(|rid| EncodingSpec {
                rid: Some(rid.clone()),
                ..EncodingSpec::default()
            })
            .collect(),
        (None, None) => Vec::new(),
    };
    MediaSpec {
        mid: section.mid.clone(),
        index: spec.index,
        kind: section.kind,
        direction,
        stopped: section.stopped,
        codecs: if codecs.is_empty() {
            spec.codecs.clone()
        } else {
            codecs
        },
        extensions: section.extensions.clone(),
        encodings,
        stream_id: wish.map(|wish| wish.stream_id.clone()),
        track_id: wish.map(|wish| wish.track_id.clone()),
    }
}

/// The preferred ones in that order, or all where none of them is there. Opus follows RED, which cannot be without.
fn limit(codecs: Vec<CodecSpec>, preferred: &[Codec]) -> Vec<CodecSpec> {
    let mut limited = choose(&codecs, preferred);
    let red_alone = limited.iter().any(|codec| codec.codec == Codec::Red)
        && limited.iter().all(|codec| codec.codec != Codec::Opus);
    if red_alone {
        limited.extend(codecs.iter().filter(|codec| codec.codec == Codec::Opus).cloned());
    }
    if limited.is_empty() { codecs } else { limited }
}

/// Those of `codecs` that are `wanted`, in the wanted order.
fn choose(codecs: &[CodecSpec], wanted: &[Codec]) -> Vec<CodecSpec> {
    wanted
        .iter()
        .filter_map(|wanted| codecs.iter().find(|codec| codec.codec == *wanted))
        .cloned()
        .collect()
}

/// The offered parameters with ours in place of those that ask the encoder for something.
fn opus_parameters(offered: &str, options: AudioOptions) -> String {
    const OURS: [&str; 4] = ["stereo", "sprop-stereo", "usedtx", "maxaveragebitrate"];
    let kept = offered.split(';').map(str::trim).filter(|pair| {
        let name = pair.split('=').next().unwrap_or(pair);
        !name.is_empty() && !OURS.contains(&name)
    });
    let asked = [
        (options.stereo, "stereo=1"),
        (options.stereo, "maxaveragebitrate=510000"),
        (options.dtx, "usedtx=1"),
    ];
    kept.chain(
        asked
            .into_iter()
            .filter(|(wanted, _)| *wanted)
            .map(|(_, pair)| pair),
    )
    .collect::<Vec<_>>()
    .join(";")
}
