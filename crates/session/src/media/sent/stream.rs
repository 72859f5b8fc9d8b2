//! One stream we send, with its retransmissions.

use std::time::{Duration, Instant};

use tertulia_model::{CodecSpec, Mid};
use tertulia_rtp::{HeaderTemplate, SendWindow, SenderInfo, SrtpSender};

use super::Headers;
use crate::TxId;
use crate::media::clock::{self, Clock, middle};

/// How long the clock of whoever made the packets is waited for before ours stands in. Audio of libwebrtc reports every
/// five seconds, and a receiver that synchronised by one clock takes the jump to another badly.
const CLOCK_WAIT: Duration = Duration::from_secs(6);
/// Reports of ours that a peer's may still quote.
const QUOTABLE: usize = 4;
/// Bytes of repairs that may be sent at once, and before anything was sent.
const MAX_REPAIR_CREDIT: usize = 256 * 1024;
const FIRST_REPAIR_CREDIT: usize = 32 * 1024;

/// Something we send.
#[derive(Debug)]
pub(in crate::media) struct Stream {
    pub(in crate::media) tx: TxId,
    pub(in crate::media) main: Channel,
    pub(in crate::media) repair: Option<Repair>,
    codecs: Vec<SentCodec>,
    mid: Mid,
    packets: u32,
    octets: u32,
    /// Packets at the time of the last report.
    reported: u32,
    last: Option<Last>,
    began: Option<Instant>,
    source_clock: Option<(u64, u32)>,
    /// Middle of the NTP time of our last reports, and when they were sent.
    reports: [Option<(u32, Instant)>; QUOTABLE],
    /// Bytes of repairs that may be sent: as many as were sent without.
    repair_credit: usize,
    pub(in crate::media) rtt: Option<Duration>,
    /// Part of the packets the peer lost, 0 to 1, since it was last told on.
    pub(in crate::media) loss: Option<f32>,
    /// A request for a key frame waits to be told on.
    pub(in crate::media) keyframe_asked: bool,
    /// Number of the last full intra request (RFC 5104 §4.3.1.2).
    pub(in crate::media) last_fir: Option<u8>,
}

/// One SSRC of ours.
#[derive(Debug)]
pub(in crate::media) struct Channel {
    pub(in crate::media) ssrc: u32,
    pub(in crate::media) template: HeaderTemplate,
    /// Absent until there are keys, or where the SSRC was used before.
    pub(in crate::media) window: Option<SendWindow>,
    acknowledged: bool,
}

/// Where retransmissions go (RFC 4588).
#[derive(Debug)]
pub(in crate::media) struct Repair {
    pub(in crate::media) channel: Channel,
    pub(in crate::media) next: u64,
}

/// A payload type we send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct SentCodec {
    pub(in crate::media) payload_type: u8,
    pub(in crate::media) rtx: Option<u8>,
    pub(in crate::media) rate: u32,
}

/// What was sent at one instant.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::media) struct Sent {
    pub(in crate::media) packets: u32,
    /// Bytes of payload.
    pub(in crate::media) octets: usize,
    /// Of the last packet.
    pub(in crate::media) timestamp: u32,
    /// NTP and RTP time of the last report of whoever made the packets, if known.
    pub(in crate::media) source_clock: Option<(u64, u32)>,
}

/// The last packet sent.
#[derive(Debug, Clone, Copy)]
struct Last {
    timestamp: u32,
    at: Instant,
    codec: SentCodec,
}

impl Stream {
    pub(super) fn new(tx: TxId, mid: &Mid, ssrc: u32, repair: Option<(u32, u64)>, headers: &Headers) -> Self {
        Self {
            tx,
            main: Channel::new(ssrc, mid, headers),
            repair: repair.map(|(ssrc, next)| Repair {
                channel: Channel::new(ssrc, mid, headers),
                next,
            }),
            codecs: Vec::new(),
            mid: mid.clone(),
            packets: 0,
            octets: 0,
            reported: 0,
            last: None,
            began: None,
            source_clock: None,
            reports: [None; QUOTABLE],
            repair_credit: FIRST_REPAIR_CREDIT,
            rtt: None,
            loss: None,
            keyframe_asked: false,
            last_fir: None,
        }
    }

    pub(in crate::media) fn set_codecs(&mut self, codecs: &[CodecSpec]) {
        self.codecs = codecs
            .iter()
            .map(|codec| SentCodec {
                payload_type: codec.payload_type,
                rtx: codec.rtx,
                rate: codec.clock_rate.max(1),
            })
            .collect();
    }

    /// Takes what is needed to protect packets from the keys.
    pub(in crate::media) fn take_windows(&mut self, keys: &mut SrtpSender) {
        let repair = self.repair.as_mut().map(|repair| &mut repair.channel);
        for channel in [Some(&mut self.main), repair].into_iter().flatten() {
            if channel.window.is_none() {
                channel.window = keys.window(channel.ssrc);
            }
        }
    }

    /// Whether the peer has agreed to it.
    pub(in crate::media) fn is_agreed(&self) -> bool {
        !self.codecs.is_empty()
    }

    #[inline]
    pub(in crate::media) fn codec(&self, payload_type: u8) -> Option<SentCodec> {
        self.codecs
            .iter()
            .find(|codec| codec.payload_type == payload_type)
            .copied()
    }

    /// Payload type and timestamp for what repeats nothing; none where there are no retransmissions.
    pub(in crate::media) fn padding(&self) -> Option<(u8, u32)> {
        let last = self.last.filter(|last| last.codec.rtx.is_some());
        let codec = last.map(|last| last.codec);
        let codec = codec.or_else(|| self.codecs.iter().find(|codec| codec.rtx.is_some()).copied());
        Some((codec?.rtx?, last.map_or(0, |last| last.timestamp)))
    }

    /// The peer has heard this SSRC, so it knows the section of it and need not be told again.
    pub(in crate::media) fn acknowledge(&mut self, ssrc: u32, headers: &Headers) {
        let repair = self.repair.as_mut().map(|repair| &mut repair.channel);
        for channel in [Some(&mut self.main), repair].into_iter().flatten() {
            if channel.ssrc == ssrc && !channel.acknowledged {
                channel.acknowledged = true;
                channel.template = headers.template(ssrc, None);
            }
        }
    }

    /// Counts packets of the medium itself.
    pub(in crate::media) fn note_sent(&mut self, codec: SentCodec, sent: &Sent, now: Instant) {
        self.packets = self.packets.wrapping_add(sent.packets);
        self.octets = self.octets.wrapping_add(sent.octets as u32);
        self.began.get_or_insert(now);
        self.last = Some(Last {
            timestamp: sent.timestamp,
            at: now,
            codec,
        });
        self.source_clock = sent.source_clock.or(self.source_clock);
        self.repair_credit = self
            .repair_credit
            .saturating_add(sent.octets)
            .min(MAX_REPAIR_CREDIT);
    }

    /// Takes the bytes of a repair from what may be sent of them; `false` where that is too little: the path is then
    /// full, not lossy.
    pub(in crate::media) fn spend_on_repair(&mut self, octets: usize) -> bool {
        match self.repair_credit.checked_sub(octets) {
            Some(left) => {
                self.repair_credit = left;
                true
            }
            None => false,
        }
    }

    /// Whether something was sent since the last report.
    pub(in crate::media) fn flows(&self) -> bool {
        self.packets != self.reported
    }

    /// Ends an interval of reporting; `None` where nothing was sent or its clock is still waited for.
    pub(in crate::media) fn report(&mut self, now: Instant, ours: &Clock) -> Option<SenderInfo> {
        if !self.flows() {
            return None;
        }
        self.reported = self.packets;
        let last = self.last?;
        let since = now.saturating_duration_since(last.at);
        let rtp_timestamp = last
            .timestamp
            .wrapping_add(clock::duration_to_units(since, last.codec.rate));
        let ntp = match self.source_clock {
            Some((ntp, rtp)) => {
                let ahead = rtp_timestamp.wrapping_sub(rtp) as i32;
                ntp.wrapping_add_signed(clock::units_to_ntp(ahead, last.codec.rate))
            }
            None if now.saturating_duration_since(self.began?) < CLOCK_WAIT => return None,
            None => ours.ntp(now),
        };
        self.reports.rotate_right(1);
        if let Some(newest) = self.reports.first_mut() {
            *newest = Some((middle(ntp), now));
        }
        Some(SenderInfo {
            ssrc: self.main.ssrc,
            ntp,
            rtp_timestamp,
            packets: self.packets,
            octets: self.octets,
        })
    }

    /// When the report was sent that the peer quotes.
    pub(in crate::media) fn quoted(&self, middle: u32) -> Option<Instant> {
        self.reports
            .iter()
            .flatten()
            .find(|(quotable, _)| *quotable == middle)
            .map(|(_, at)| *at)
    }

    pub(super) fn is_on(&self, mid: &Mid) -> bool {
        self.mid == *mid
    }
}

impl Channel {
    fn new(ssrc: u32, mid: &Mid, headers: &Headers) -> Self {
        Self {
            ssrc,
            template: headers.template(ssrc, Some(mid)),
            window: None,
            acknowledged: false,
        }
    }
}
