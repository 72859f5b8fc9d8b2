use std::collections::BTreeMap;
use std::time::Instant;

use rand::SeedableRng;
use rand::rngs::StdRng;
use tertulia_model::{Bitrate, Candidate, Codec, IceCredentials, MediaKind, Mid, Rid};

use crate::candidate::MAX_REMOTE_CANDIDATES;
use crate::channel::Channels;
use crate::negotiation::{MAX_SECTIONS, Offerer};
use crate::section::{Section, Sending, Slot, Stream};
use crate::transport::Transport;
use crate::{AudioOptions, ChannelError, RxId, RxSection, SessionConfig, TxId, TxState, TxWish};

/// Something we want to send.
#[derive(Debug)]
pub(crate) struct Tx {
    pub(crate) wish: TxWish,
    /// The peer takes none of its codecs.
    pub(crate) unsupported: bool,
}

/// One peer connection.
pub struct Session {
    pub(crate) config: SessionConfig,
    pub(crate) ice: IceCredentials,
    pub(crate) rng: StdRng,
    pub(crate) now: Instant,
    /// Built with the first description, so that payload types and extension ids follow the peer's.
    pub(crate) transport: Option<Box<Transport>>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) txs: BTreeMap<TxId, Tx>,
    next_tx: u32,
    pub(crate) next_rx: u32,
    pub(crate) preferences: BTreeMap<Mid, Vec<Codec>>,
    pub(crate) audio_options: BTreeMap<Mid, AudioOptions>,
    /// Candidates that came before a description.
    pub(crate) early_candidates: Vec<Candidate>,
    pub(crate) channels: Channels,
    pub(crate) offerer: Option<Offerer>,
    pub(crate) outstanding: bool,
    pub(crate) wants_restart: bool,
    /// Credentials of an offered restart, in force with the answer.
    pub(crate) offered_ice: Option<IceCredentials>,
    /// What we would like to send, once something is to be sent.
    pub(crate) desired: Bitrate,
    pub(crate) sends: bool,
    /// Something changed: time must pass before output is polled.
    pub(crate) stirred: bool,
    pub(crate) passes: u32,
    pub(crate) state: State,
    pub(crate) ice_lost: bool,
    pub(crate) dropped_datagrams: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Connecting,
    Connected,
    /// What remains to be said is drained.
    Closing,
    Closed,
}

impl Session {
    /// Makes a session that has not heard of its peer yet.
    pub fn new(config: SessionConfig, now: Instant) -> Self {
        Self {
            ice: config.ice.clone(),
            rng: StdRng::from_seed(config.seed),
            config,
            now,
            transport: None,
            slots: Vec::new(),
            txs: BTreeMap::new(),
            next_tx: 0,
            next_rx: 0,
            preferences: BTreeMap::new(),
            audio_options: BTreeMap::new(),
            early_candidates: Vec::new(),
            channels: Channels::default(),
            offerer: None,
            outstanding: false,
            wants_restart: false,
            offered_ice: None,
            desired: Bitrate::ZERO,
            sends: false,
            stirred: false,
            passes: 0,
            state: State::Connecting,
            ice_lost: false,
            dropped_datagrams: 0,
        }
    }

    /// Our ICE user name fragment in force. All of a session's begin with the configured one.
    pub fn local_ufrag(&self) -> &str {
        &self.ice.ufrag
    }

    /// Whether ICE and DTLS stand.
    pub fn is_connected(&self) -> bool {
        self.state == State::Connected && !self.ice_lost
    }

    /// Whether the session is over, or about to be.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closing | State::Closed)
    }

    /// Datagrams that were no part of the conversation.
    pub fn dropped_datagrams(&self) -> u64 {
        let media = self.transport.as_ref().map(|transport| transport.media.drops());
        self.dropped_datagrams + media.map_or(0, |drops| drops.total())
    }

    /// Takes a candidate of the peer, before or after its description. Host names, TCP and what exceeds 64 are
    /// left out.
    pub fn add_remote_candidate(&mut self, candidate: &Candidate, now: Instant) {
        self.advance(now);
        match &mut self.transport {
            Some(transport) if transport.remote_ice().is_some() => transport.add_remote_candidate(candidate),
            _ if self.early_candidates.len() < MAX_REMOTE_CANDIDATES => {
                self.early_candidates.push(candidate.clone());
            }
            _ => {}
        }
        self.stirred = true;
    }

    /// Wishes an ICE restart with the next offer of ours, which also replaces an offer that waits for its answer.
    pub fn restart_ice(&mut self) {
        self.wants_restart = true;
    }

    /// Whether a new description would say something new: something waits for a section, a section's sender went, a
    /// data channel wants its section, or an ICE restart is wished.
    pub fn negotiation_needed(&self) -> bool {
        let leaving = self
            .sections()
            .any(|section| matches!(section.sending, Sending::Leaving));
        let placeable = [MediaKind::Audio, MediaKind::Video].into_iter().any(|kind| {
            let (waiting, free) = (self.waiting_count(kind), self.free_count(kind));
            waiting > 0 && (free > 0 || self.room_for_sections() > 0)
        });
        let data = !self.channels.is_empty() && !self.slots.iter().any(|slot| matches!(slot, Slot::Data(_)));
        leaving || placeable || self.wants_restart || (data && self.offerer != Some(Offerer::Peer))
    }

    /// How many wait for a section of this kind.
    fn waiting_count(&self, kind: MediaKind) -> usize {
        let waits =
            |(id, tx): &(&TxId, &Tx)| tx.wish.kind == kind && !tx.unsupported && self.stream(**id).is_none();
        self.txs.iter().filter(waits).count()
    }

    /// How many sections of this kind the peer receives on and nothing is sent on.
    fn free_count(&self, kind: MediaKind) -> usize {
        let is_free = |section: &&Section| {
            section.kind == kind
                && !section.stopped
                && (section.peer_receives || self.offerer == Some(Offerer::We))
                && matches!(section.sending, Sending::Free)
                && !section
                    .receiving
                    .as_ref()
                    .is_some_and(|receiving| receiving.active)
        };
        self.sections().filter(is_free).count()
    }

    /// How many sections a description may still gain.
    fn room_for_sections(&self) -> usize {
        MAX_SECTIONS.saturating_sub(self.slots.len().max(1))
    }

    /// Wants to send something. It is bound to a section in the next answer or offer.
    pub fn add_tx(&mut self, wish: TxWish) -> TxId {
        let id = TxId(self.next_tx);
        self.next_tx += 1;
        self.txs.insert(
            id,
            Tx {
                wish,
                unsupported: false,
            },
        );
        id
    }

    /// Changes the codecs something may be sent in. What is bound stays as it was negotiated; what the peer took none
    /// of is tried again. Gives whether these are others than before.
    pub fn set_tx_codecs(&mut self, tx: TxId, codecs: &[Codec]) -> bool {
        let known = self.txs.get_mut(&tx).filter(|known| known.wish.codecs != codecs);
        let Some(known) = known else { return false };
        known.wish.codecs = codecs.to_vec();
        known.unsupported = false;
        true
    }

    /// Stops sending something; its section says inactive in the next description and is free after that.
    pub fn remove_tx(&mut self, tx: TxId) {
        self.txs.remove(&tx);
        let Some((section, ssrc)) = self.sections_mut().find_map(|section| match &section.sending {
            Sending::Bound(stream) if stream.tx == tx => {
                let ssrc = stream.ssrc;
                Some((section, ssrc))
            }
            _ => None,
        }) else {
            return;
        };
        section.sending = Sending::Leaving;
        section.offered_inactive = false;
        if let Some(transport) = &mut self.transport {
            transport.media.remove_sent(ssrc);
        }
        self.stirred = true;
    }

    fn stream(&self, tx: TxId) -> Option<(&Section, &Stream)> {
        self.sections().find_map(|section| match &section.sending {
            Sending::Bound(stream) if stream.tx == tx => Some((section, stream)),
            _ => None,
        })
    }

    /// How far something has come; `None` for what was never added or is removed.
    pub fn tx_state(&self, tx: TxId) -> Option<TxState> {
        let known = self.txs.get(&tx)?;
        Some(match self.stream(tx) {
            Some((section, stream)) if stream.agreed => TxState::Bound(section.mid.clone()),
            _ if known.unsupported => TxState::Unsupported,
            _ => TxState::Waiting,
        })
    }

    /// The section something is sent on.
    pub fn tx_bound(&self, tx: TxId) -> Option<&Mid> {
        self.stream(tx)
            .filter(|(_, stream)| stream.agreed)
            .map(|(section, _)| &section.mid)
    }

    /// This receiver's payload type for a codec of something we send.
    pub fn tx_payload_type(&self, tx: TxId, codec: Codec) -> Option<u8> {
        let (_, stream) = self.stream(tx).filter(|(_, stream)| stream.agreed)?;
        stream
            .codecs
            .iter()
            .find(|known| known.codec == codec)
            .map(|known| known.payload_type)
    }

    /// Further sections the peer must offer before all is bound, audio and video: what waits, less the sections that
    /// are free, and never more than a description holds. For a peer that offers.
    pub fn unbound(&self) -> (usize, usize) {
        let missing = |kind| self.waiting_count(kind).saturating_sub(self.free_count(kind));
        let audio = missing(MediaKind::Audio).min(self.room_for_sections());
        let video = missing(MediaKind::Video).min(self.room_for_sections() - audio);
        (audio, video)
    }

    /// Everything we send: section and track id.
    pub fn bindings(&self) -> Vec<(Mid, String)> {
        self.sections()
            .filter_map(|section| match &section.sending {
                Sending::Bound(stream) => {
                    let wish = &self.txs.get(&stream.tx)?.wish;
                    Some((section.mid.clone(), wish.track_id.clone()))
                }
                _ => None,
            })
            .collect()
    }

    /// Everything the peer sends or has sent, in the order of sections.
    pub fn rx_sections(&self) -> Vec<RxSection> {
        self.sections()
            .filter_map(|section| {
                let receiving = section.receiving.as_ref()?;
                Some(RxSection {
                    rx: receiving.rx,
                    mid: section.mid.clone(),
                    kind: section.kind,
                    track_id: receiving.track_id.clone(),
                    stream_id: receiving.stream_id.clone(),
                    codecs: section.codecs.iter().map(|codec| codec.codec).collect(),
                    rids: receiving.rids.clone(),
                    active: receiving.active,
                })
            })
            .collect()
    }

    /// Orders and limits what a section the peer sends on is answered with, from the next answer on; all codecs where
    /// none of these was offered.
    pub fn prefer_codecs(&mut self, mid: &Mid, codecs: &[Codec]) {
        if self.preferences.len() >= MAX_SECTIONS {
            self.forget_strangers();
        }
        self.preferences.insert(mid.clone(), codecs.to_vec());
    }

    /// Says how a section the peer sends sound on is to be encoded, from the next answer on.
    pub fn prefer_audio(&mut self, mid: &Mid, options: AudioOptions) {
        if self.audio_options.len() >= MAX_SECTIONS {
            self.forget_strangers();
        }
        self.audio_options.insert(mid.clone(), options);
    }

    /// Forgets what was preferred for sections of offers that were refused.
    fn forget_strangers(&mut self) {
        let known: Vec<Mid> = self.sections().map(|section| section.mid.clone()).collect();
        self.preferences.retain(|mid, _| known.contains(mid));
        self.audio_options.retain(|mid, _| known.contains(mid));
    }

    /// Asks the peer for a key frame of one encoding; `false` where nothing of it has arrived.
    pub fn request_keyframe(&mut self, rx: RxId, rid: Option<&Rid>) -> bool {
        let Some(mid) = self
            .sections()
            .find(|section| {
                section
                    .receiving
                    .as_ref()
                    .is_some_and(|known| known.rx == rx && known.active)
            })
            .map(|section| section.mid.clone())
        else {
            return false;
        };
        self.stirred = true;
        self.transport
            .as_mut()
            .is_some_and(|transport| transport.media.request_keyframe(&mid, rid))
    }

    /// Says how much we would like to send, which bounds what the estimator probes for. Nothing is probed for before
    /// something is bound.
    pub fn set_desired_bitrate(&mut self, desired: Bitrate) {
        self.desired = desired;
        if let Some(transport) = self.transport.as_mut().filter(|_| self.sends) {
            transport.media.set_desired_bitrate(desired, self.now);
            self.stirred = true;
        }
    }

    /// Opens a data channel of ours, as soon as the peer agrees to data channels.
    pub fn open_channel(&mut self, label: &str, ordered: bool, max_retransmits: Option<u16>) {
        self.channels.want(label, ordered, max_retransmits);
        let negotiated = self
            .slots
            .iter()
            .any(|slot| matches!(slot, Slot::Data(data) if !data.stopped));
        if let Some(transport) = self
            .transport
            .as_mut()
            .filter(|_| negotiated && !self.outstanding)
        {
            self.channels.create(&mut transport.path);
            self.stirred = true;
        }
    }

    /// Whether a data channel of that label is open.
    pub fn channel_open(&self, label: &str) -> bool {
        self.channels.is_open(label)
    }

    /// Sends a binary message; `false` where too much waits to be sent already.
    ///
    /// # Errors
    ///
    /// Where there is no such channel, the message is longer than 64 000 bytes, or the association failed.
    pub fn send_channel(&mut self, label: &str, contents: &[u8]) -> Result<bool, ChannelError> {
        let id = self.channels.target(label, contents.len())?;
        let transport = self.transport.as_mut().ok_or(ChannelError::NotOpen)?;
        transport
            .path
            .send_message(id, contents)
            .ok_or(ChannelError::Association)
    }

    /// Says goodbye; [`SessionEvent::Closed`](crate::SessionEvent::Closed) follows what remains to be sent.
    pub fn close(&mut self) {
        if self.is_closed() {
            return;
        }
        self.state = State::Closing;
        if let Some(transport) = &mut self.transport {
            transport.media.close();
            transport.path.close();
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("ufrag", &self.ice.ufrag)
            .field("state", &self.state)
            .field("sections", &self.slots.len())
            .finish_non_exhaustive()
    }
}
