//! Received RTCP: reports, requests and feedback.

use std::time::Instant;

use tertulia_model::Bitrate;
use tertulia_rtp::{ReportBlock, Rtcp, SenderInfo, TransportFeedback, rtcp_packets};

use super::packet::MediaEvent;
use super::received::Role;
use super::{MAX_RTT, Media};
use crate::media::reception::round_trip;

/// An estimate is told where it has changed by more than this part of itself.
const TOLD_CHANGE: u64 = 50;
/// Packets asked for that are told on at a time.
const MAX_ASKED: usize = 256;
/// Events that wait to be polled; beyond, they are dropped.
const MAX_EVENTS: usize = 512;

impl Media {
    /// Opens a compound RTCP packet in place and acts on it; `false` where it is no part of the conversation.
    pub(crate) fn receive_rtcp(&mut self, datagram: &mut [u8], now: Instant) -> bool {
        let Some(keys) = &mut self.keys else {
            self.drops.unauthentic += 1;
            return false;
        };
        let length = match keys.receiver.unprotect_rtcp(datagram) {
            Ok(length) => length,
            Err(error) => {
                self.count(error);
                return false;
            }
        };
        for packet in rtcp_packets(datagram.get(..length).unwrap_or_default()) {
            match packet {
                Rtcp::SenderReport { info, blocks } => {
                    self.take_sender_info(&info, now);
                    blocks.for_each(|block| self.take_block(&block, now));
                }
                Rtcp::ReceiverReport { blocks, .. } => {
                    blocks.for_each(|block| self.take_block(&block, now));
                }
                Rtcp::Nack { media, sequences, .. } => self.take_nack(media, sequences),
                Rtcp::Pli { media, .. } => self.ask_keyframe(media, None),
                Rtcp::Fir { entries, .. } => {
                    entries.for_each(|entry| self.ask_keyframe(entry.ssrc, Some(entry.number)));
                }
                Rtcp::Remb { bitrate_bps, .. } => {
                    // Where the peer reports arrivals, our estimate knows better.
                    if !self.headers.transport_cc {
                        self.estimator.handle_remb(Bitrate::from_bps(bitrate_bps), now);
                        self.tell_estimate();
                    }
                }
                Rtcp::TransportFeedback(feedback) => self.take_feedback(&feedback, now),
                Rtcp::Bye { ssrcs, .. } => ssrcs.for_each(|ssrc| self.take_bye(ssrc)),
                Rtcp::SourceDescription(_) | Rtcp::Unknown { .. } => {}
                Rtcp::Malformed => self.drops.malformed += 1,
            }
        }
        true
    }

    fn take_sender_info(&mut self, info: &SenderInfo, now: Instant) {
        if let Some((slot, Role::Main)) = self.received.find(info.ssrc)
            && let Some(stream) = self.received.stream_mut(slot)
        {
            stream.reception.note_sender(info.ntp, info.rtp_timestamp, now);
        }
    }

    fn take_block(&mut self, block: &ReportBlock, now: Instant) {
        let Some(stream) = self
            .sent
            .slot_of_ssrc(block.ssrc)
            .and_then(|slot| self.sent.stream_mut(slot))
        else {
            return;
        };
        stream.acknowledge(block.ssrc, &self.headers);
        if stream.main.ssrc != block.ssrc {
            return;
        }
        let share = f64::from(block.fraction_lost) / 256.0;
        let loss = share as f32;
        stream.loss = Some(stream.loss.map_or(loss, |known| known.max(loss)));
        let rtt = stream
            .quoted(block.last_sender_report)
            .and_then(|at| round_trip(at, block.delay_since_last, now))
            .map(|rtt| rtt.min(MAX_RTT));
        if let Some(rtt) = rtt {
            stream.rtt = Some(rtt);
            self.rtt = Some(rtt);
            self.estimator.handle_rtt(rtt);
        }
        if !self.headers.transport_cc {
            self.estimator.handle_loss(share, now);
            self.tell_estimate();
        }
        self.begin_counting(now);
    }

    fn take_nack(&mut self, media: u32, sequences: impl Iterator<Item = u16>) {
        let Some(stream) = self.sent_main(media).filter(|stream| stream.repair.is_some()) else {
            return;
        };
        let tx = stream.tx;
        let sequences: Vec<u16> = sequences.take(MAX_ASKED).collect();
        self.tell(MediaEvent::Nack { tx, sequences });
    }

    /// `number` is that of a full intra request, which may be the same request again.
    fn ask_keyframe(&mut self, media: u32, number: Option<u8>) {
        let Some(stream) = self.sent_main(media) else {
            return;
        };
        let repeated = number.is_some() && stream.last_fir == number;
        stream.last_fir = number.or(stream.last_fir);
        if repeated || std::mem::replace(&mut stream.keyframe_asked, true) {
            return;
        }
        let tx = stream.tx;
        if !self.tell(MediaEvent::KeyframeRequested { tx })
            && let Some(stream) = self.sent_main(media)
        {
            stream.keyframe_asked = false;
        }
    }

    fn take_feedback(&mut self, feedback: &TransportFeedback<'_>, now: Instant) {
        self.estimator.handle_report(feedback, now);
        self.tell_estimate();
    }

    fn take_bye(&mut self, ssrc: u32) {
        if let Some((slot, Role::Main)) = self.received.find(ssrc)
            && let Some(stream) = self.received.stream_mut(slot)
        {
            stream.gaps.give_up();
        }
    }

    fn sent_main(&mut self, ssrc: u32) -> Option<&mut super::sent::Stream> {
        let slot = self.sent.slot_of_ssrc(ssrc)?;
        self.sent
            .stream_mut(slot)
            .filter(|stream| stream.main.ssrc == ssrc)
    }

    /// Tells what the path is believed to carry, where that has changed enough to matter.
    pub(super) fn tell_estimate(&mut self) {
        let estimate = self.estimator.estimate();
        let told = self.told_estimate.as_bps();
        if estimate.as_bps().abs_diff(told) > told / TOLD_CHANGE {
            self.told_estimate = estimate;
            // Only the newest matters.
            self.events
                .retain(|event| !matches!(event, MediaEvent::EstimatedBitrate(_)));
            self.events.push_back(MediaEvent::EstimatedBitrate(estimate));
        }
    }

    /// Keeps something to be told; `false` where too much waits already.
    pub(super) fn tell(&mut self, event: MediaEvent) -> bool {
        if self.events.len() >= MAX_EVENTS {
            self.drops.events += 1;
            return false;
        }
        self.events.push_back(event);
        true
    }
}
