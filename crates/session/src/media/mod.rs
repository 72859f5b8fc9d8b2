//! RTP and RTCP of one session: which packet belongs to what, opening and sealing, repairs both ways, reports and
//! feedback.
//!
//! [`Media`] has no queue of packets: what is received is given at once, in the buffer it came in, and what is sent is
//! appended to the caller's. Neither allocates. What it has to say to the peer by itself is RTCP, drawn by
//! [`Media::poll_rtcp`]; a session in which nothing flows says nothing and has no deadline.
//!
//! It does not decide what is forwarded: layers, pauses, pacing and the store of packets for repairs are elsewhere.
//!
//! Invariants:
//!
//! - What an unauthentic packet says changes nothing but a counter.
//! - No packet index is protected twice: the windows of [`tertulia_rtp::SrtpSender`] own them.
//! - State is bounded by what was negotiated, and by constants where the peer alone decides.

mod clock;
mod feedback;
mod gaps;
mod lookup;
mod packet;
mod payload;
mod receive;
mod received;
mod reception;
mod report;
mod seal;
mod sent;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tertulia_model::{Bitrate, CodecSpec, MediaKind, Mid, Rid};
use tertulia_rtp::{ExtensionIds, ReceiveWindow, SrtpError, SrtpProfile, SrtpReceiver, SrtpSender};
use thiserror::Error;

use crate::estimator::{Arrivals, Estimator, Probe, ProbeId};
use crate::table::Tables;
use crate::{RxId, TxId};

use clock::Clock;
use payload::PayloadTypes;
use received::ReceivedStreams;
use sent::{Headers, SentStreams};

pub use packet::TxPacket;
pub(crate) use packet::{Drops, MediaEvent, StreamStats};
pub use seal::{MAX_SEALED, Sealer};

/// Round trip taken for granted before one is measured.
const DEFAULT_RTT: Duration = Duration::from_millis(100);
/// Longest round trip believed, whatever a peer reports.
const MAX_RTT: Duration = Duration::from_secs(2);

/// All RTP and RTCP of one session.
pub(crate) struct Media {
    payload_types: PayloadTypes,
    headers: Headers,
    keys: Option<Keys>,
    received: ReceivedStreams,
    /// Packets of SSRC zero, with which libwebrtc probes the path before it has media.
    probes: ReceiveWindow,
    arrivals: Arrivals,
    sent: SentStreams,
    next_transport_cc: u64,
    estimator: Estimator,
    /// The estimate that was last told.
    told_estimate: Bitrate,
    clock: Clock,
    started: Instant,
    rng: StdRng,
    cname: Box<str>,
    /// SSRC under which we report where we speak for no stream of ours.
    own_ssrc: u32,
    /// Round trip by the last report that quotes one of ours, and by the path.
    rtt: Option<Duration>,
    path_rtt: Option<Duration>,
    /// The burst in force that measures the path; whatever is sent is part of it.
    probe: Option<ProbeId>,
    timers: Timers,
    /// SSRCs to say farewell for.
    leaving: Option<Vec<u32>>,
    events: VecDeque<MediaEvent>,
    drops: Drops,
    /// Room for headers that are put together.
    described: Vec<u8>,
}

struct Keys {
    sender: SrtpSender,
    receiver: SrtpReceiver,
}

/// What is due when; nothing where nothing flows.
#[derive(Debug, Default)]
struct Timers {
    report_at: Option<Instant>,
    stats_at: Option<Instant>,
    /// Lost packets are asked for.
    nack_at: Option<Instant>,
    /// A key frame is to be asked for at once.
    keyframe_at: Option<Instant>,
}

/// Why keys were not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum KeysError {
    /// They are not as long as the profile says.
    #[error("keying material does not fit the profile")]
    Material(#[source] SrtpError),
    /// There are keys already; the same ones taken anew would use indices twice.
    #[error("keys are set already")]
    Again,
}

impl Media {
    /// Makes the media of a session.
    ///
    /// `cname` names us in source descriptions. `seed` decides what is left to chance and must be unknown to the peer.
    /// `ntp` is the wall clock at `now` as an NTP timestamp; any value serves where it is not known, since only
    /// differences are used.
    pub(crate) fn new(
        tables: &Tables,
        cname: &str,
        initial: Bitrate,
        seed: [u8; 32],
        ntp: u64,
        now: Instant,
    ) -> Self {
        let mut rng = StdRng::from_seed(seed);
        Self {
            payload_types: PayloadTypes::new(tables),
            headers: Headers {
                ids: ExtensionIds::new(tables.extensions()),
                transport_cc: tables.sends_transport_cc,
            },
            keys: None,
            received: ReceivedStreams::new(rng.random()),
            probes: ReceiveWindow::default(),
            arrivals: Arrivals::new(now),
            sent: SentStreams::new(rng.random()),
            next_transport_cc: 0,
            estimator: Estimator::new(initial, now),
            told_estimate: Bitrate::ZERO,
            clock: Clock::new(now, ntp),
            started: now,
            own_ssrc: rng.random_range(1..=u32::MAX),
            rng,
            cname: cname.into(),
            rtt: None,
            path_rtt: None,
            probe: None,
            timers: Timers::default(),
            leaving: None,
            events: VecDeque::new(),
            drops: Drops::default(),
            described: Vec::new(),
        }
    }

    /// Takes the keys of the DTLS association: keys of client and server, then their salts (RFC 5764 §4.2).
    ///
    /// # Errors
    /// Where the material is of another length, or there are keys already.
    pub(crate) fn set_keys(
        &mut self,
        profile: SrtpProfile,
        keying: &[u8],
        we_are_server: bool,
    ) -> Result<(), KeysError> {
        if self.keys.is_some() {
            return Err(KeysError::Again);
        }
        let wrong = KeysError::Material(SrtpError::KeyLength);
        let (client_key, rest) = keying.split_at_checked(profile.key_len()).ok_or(wrong)?;
        let (server_key, rest) = rest.split_at_checked(profile.key_len()).ok_or(wrong)?;
        let (client_salt, rest) = rest.split_at_checked(profile.salt_len()).ok_or(wrong)?;
        let server_salt = rest.get(..profile.salt_len()).ok_or(wrong)?;
        let (client, server) = ((client_key, client_salt), (server_key, server_salt));
        let (ours, theirs) = if we_are_server {
            (server, client)
        } else {
            (client, server)
        };
        let mut sender = SrtpSender::new(profile, ours.0, ours.1).map_err(KeysError::Material)?;
        let receiver = SrtpReceiver::new(profile, theirs.0, theirs.1).map_err(KeysError::Material)?;
        self.sent.take_windows(&mut sender);
        self.keys = Some(Keys { sender, receiver });
        Ok(())
    }

    /// Makes a section known, with the simulcast encodings the peer may send on it; none stands for a single one.
    /// Nothing changes where it is known.
    pub(crate) fn declare(&mut self, mid: &Mid, kind: MediaKind, rids: &[Rid]) {
        self.received.declare(mid, kind, rids);
    }

    /// Says what packets of a section are given as; without, they are accounted for and dropped.
    pub(crate) fn receive_as(&mut self, mid: &Mid, rx: Option<RxId>) {
        self.received.receive_as(mid, rx);
    }

    /// Forgets a section with everything sent on it either way. Of the peer's SSRCs only what tells replays stays.
    pub(crate) fn forget(&mut self, mid: &Mid) {
        self.received.forget(mid);
        self.sent.forget(mid);
    }

    /// Expects a stream by its SSRC on a declared section; `nack` is whether lost packets are asked for.
    pub(crate) fn expect_ssrc(
        &mut self,
        mid: &Mid,
        ssrc: u32,
        rtx: Option<u32>,
        rid: Option<&Rid>,
        nack: bool,
    ) {
        self.received.expect(mid, ssrc, rtx, rid, nack);
    }

    /// Forgets streams of a section: those of the named SSRCs, and those found by these tags or by none.
    pub(crate) fn forget_received(&mut self, mid: &Mid, ssrcs: impl Iterator<Item = u32>, rids: &[Rid]) {
        let ssrcs: Vec<u32> = ssrcs.collect();
        self.received.forget_received(mid, &ssrcs, rids);
    }

    /// Section and encoding of a received SSRC.
    pub(crate) fn received_as(&self, ssrc: u32) -> Option<(&Mid, Option<&Rid>)> {
        self.received.received_as(ssrc)
    }

    /// Asks the peer for a key frame with the next RTCP; `false` where the encoding's SSRC is not known yet.
    pub(crate) fn request_keyframe(&mut self, mid: &Mid, rid: Option<&Rid>) -> bool {
        let Some(stream) = self.received.encoding_mut(mid, rid) else {
            return false;
        };
        stream.wants_keyframe = true;
        self.timers.keyframe_at = Some(self.started);
        true
    }

    /// Declares a stream of ours. Until it has codecs nothing can be sent on it: where the peer is yet to agree,
    /// it is declared without, and with the agreed ones when it has.
    ///
    /// An SSRC must never have been declared before on this session; nothing can be sent on one that was.
    pub(crate) fn declare_sent(
        &mut self,
        tx: TxId,
        mid: &Mid,
        ssrc: u32,
        rtx: Option<u32>,
        codecs: &[CodecSpec],
    ) {
        // A first number below half the space, so that no rollover comes before the receiver knows the stream.
        let first: u16 = self.rng.random_range(0..1 << 15);
        let repair = rtx.map(|rtx| (rtx, u64::from(first)));
        let Some(stream) = self.sent.declare(tx, mid, ssrc, repair, &self.headers) else {
            return;
        };
        stream.set_codecs(codecs);
        if let Some(keys) = &mut self.keys {
            stream.take_windows(&mut keys.sender);
        }
    }

    /// Stops a stream of ours.
    pub(crate) fn remove_sent(&mut self, ssrc: u32) {
        self.sent.remove(ssrc);
    }

    /// Tells the estimator how much we would like to send.
    pub(crate) fn set_desired_bitrate(&mut self, desired: Bitrate, now: Instant) {
        self.estimator.set_desired(desired, now);
    }

    /// Another pair of addresses is used: nothing measured on the old one counts.
    pub(crate) fn handle_path_change(&mut self, now: Instant) {
        self.estimator.handle_path_change(now);
        self.rtt = None;
        self.path_rtt = None;
    }

    /// Takes the round trip the path itself measured, for want of a better one.
    pub(crate) fn set_path_rtt(&mut self, rtt: Duration) {
        self.path_rtt = Some(rtt.min(MAX_RTT));
    }

    /// Says farewell for all streams of ours with the next RTCP; nothing else is said after that.
    pub(crate) fn close(&mut self) {
        if self.leaving.is_none() {
            self.leaving = Some(self.sent.ssrcs().collect());
        }
    }

    /// What happened, oldest first.
    pub(crate) fn poll_event(&mut self) -> Option<MediaEvent> {
        let event = self.events.pop_front()?;
        if let MediaEvent::KeyframeRequested { tx } = event
            && let Some(stream) = self.sent.slot(tx).and_then(|slot| self.sent.stream_mut(slot))
        {
            stream.keyframe_asked = false;
        }
        Some(event)
    }

    /// Whether something is to be told.
    pub(crate) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// When [`Media::poll_rtcp`] has something to do; never, where nothing flows.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        if let Some(leaving) = &self.leaving {
            return (!leaving.is_empty()).then_some(self.started);
        }
        let timers = &self.timers;
        [
            timers.report_at,
            timers.stats_at,
            timers.nack_at,
            timers.keyframe_at,
            self.arrivals.poll_timeout(),
            self.estimator.poll_timeout(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// How fast packets may leave, and the burst in force that is to measure the path.
    pub(crate) fn pacing(&mut self, now: Instant) -> (Bitrate, Option<Probe>) {
        let probe = self.estimator.poll_probe(now);
        self.probe = probe.map(|probe| probe.id);
        (self.estimator.pacing_rate(), probe)
    }

    /// Whether packets can be protected.
    pub(crate) fn has_keys(&self) -> bool {
        self.keys.is_some()
    }

    /// Packets that were no part of the conversation.
    pub(crate) fn drops(&self) -> Drops {
        self.drops
    }

    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.rtt.or(self.estimator.rtt()).or(self.path_rtt)
    }
}

impl std::fmt::Debug for Media {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Media")
            .field("keys", &self.keys.is_some())
            .field("received", &self.received.slots())
            .field("sent", &self.sent.slots())
            .finish_non_exhaustive()
    }
}
