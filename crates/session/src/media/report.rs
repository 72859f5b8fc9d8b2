//! RTCP of ours: reports, requests and feedback, and the counts told to the owner of the session.

use std::time::{Duration, Instant};

use rand::RngExt;
use tertulia_rtp::{
    ReportBlock, write_bye, write_nack, write_pli, write_receiver_report, write_sdes_cname,
    write_sender_report,
};

use super::packet::{MediaEvent, StreamStats};
use super::{DEFAULT_RTT, Media};

/// Greatest compound before it is protected.
const MAX_COMPOUND: usize = 1_160;
/// Greatest packet of transport feedback.
const MAX_FEEDBACK: usize = 1_000;
/// A sender report or receiver report without blocks, and a block (RFC 3550 §6.4).
const REPORT: usize = 28;
const BLOCK: usize = 24;
/// A source description beside the name in it.
const DESCRIPTION: usize = 14;
/// Most report blocks of one packet (RFC 3550 §6.4.1).
const MAX_BLOCKS: usize = 31;
/// Most SSRCs of one farewell (RFC 3550 §6.6).
const MAX_LEAVING: usize = 31;
/// Between two reports of one stream, in milliseconds; varied so that sessions do not report together (RFC 3550 §6.3.5).
const REPORT_MS: std::ops::Range<u64> = 750..1_250;
/// How often counts are told.
const STATS_INTERVAL: Duration = Duration::from_secs(2);

impl Media {
    /// Appends the next compound RTCP packet that is due, protected; `false` where none is. To be called until then,
    /// whenever the instant of [`Media::poll_timeout`] has come.
    pub(crate) fn poll_rtcp(&mut self, now: Instant, out: &mut Vec<u8>) -> bool {
        self.tell_counts(now);
        self.estimator.handle_timeout(now);
        self.tell_estimate();
        let start = out.len();
        if self.keys.is_none() {
            self.timers = Default::default();
            return false;
        }
        if self.leaving.is_some() {
            self.write_farewell(out);
        } else {
            self.write_reports(now, start, out);
            self.write_keyframe_requests(start, out);
            self.write_nacks(now, start, out);
            self.write_feedback(now, start, out);
        }
        if out.len() == start {
            return false;
        }
        let Some(keys) = &mut self.keys else {
            return false;
        };
        keys.sender.protect_rtcp(out, start).is_ok()
    }

    /// Plans reports and counts, as something flows.
    #[inline]
    pub(super) fn begin_reporting(&mut self, now: Instant) {
        if self.timers.report_at.is_none() || self.timers.stats_at.is_none() {
            self.plan_reports(now);
        }
    }

    fn plan_reports(&mut self, now: Instant) {
        if self.timers.report_at.is_none() {
            self.timers.report_at = Some(now + self.report_interval());
        }
        self.begin_counting(now);
    }

    pub(super) fn begin_counting(&mut self, now: Instant) {
        if self.timers.stats_at.is_none() {
            self.timers.stats_at = Some(now + STATS_INTERVAL);
        }
    }

    fn report_interval(&mut self) -> Duration {
        Duration::from_millis(self.rng.random_range(REPORT_MS))
    }

    /// Sender reports and receiver reports of what flows. Where they do not fit, the rest stays due.
    fn write_reports(&mut self, now: Instant, start: usize, out: &mut Vec<u8>) {
        if self.timers.report_at.is_none_or(|at| at > now) {
            return;
        }
        let mut flowed = false;
        let mut complete = true;
        let mut named = Vec::new();
        let description = DESCRIPTION + self.cname.len().min(255);
        // What is left for reports, when the packets to follow have their source descriptions.
        let room = |out: &Vec<u8>, named: &Vec<u32>| {
            let used = out.len() - start + (named.len() + 1) * description;
            MAX_COMPOUND.saturating_sub(used)
        };
        for stream in self.sent.iter_mut().filter(|stream| stream.flows()) {
            flowed = true;
            if room(out, &named) < REPORT {
                complete = false;
                break;
            }
            if let Some(info) = stream.report(now, &self.clock) {
                write_sender_report(out, &info, &[]);
                named.push(info.ssrc);
            }
        }
        let most = room(out, &named).saturating_sub(REPORT) / BLOCK;
        let mut blocks = Vec::new();
        for stream in self.received.iter_mut().filter(|stream| stream.reception.flows()) {
            flowed = true;
            let Some(main) = &stream.main else {
                continue;
            };
            if blocks.len() >= most.min(MAX_BLOCKS) {
                complete = false;
                break;
            }
            let Some(report) = stream.reception.report(now) else {
                continue;
            };
            blocks.push(ReportBlock {
                ssrc: main.ssrc,
                fraction_lost: report.fraction_lost,
                cumulative_lost: report.cumulative_lost,
                highest_sequence: report.highest,
                jitter: report.jitter,
                last_sender_report: report.last_report,
                delay_since_last: report.delay,
            });
        }
        if !blocks.is_empty() {
            write_receiver_report(out, self.own_ssrc, &blocks);
            named.push(self.own_ssrc);
        }
        for ssrc in named {
            write_sdes_cname(out, ssrc, &self.cname);
        }
        if complete {
            self.timers.report_at = flowed.then(|| now + self.report_interval());
        }
    }

    fn write_keyframe_requests(&mut self, start: usize, out: &mut Vec<u8>) {
        if self.timers.keyframe_at.is_none() {
            return;
        }
        for stream in self.received.iter_mut().filter(|stream| stream.wants_keyframe) {
            if out.len() - start + 12 > MAX_COMPOUND {
                return;
            }
            stream.wants_keyframe = false;
            if let Some(main) = &stream.main {
                write_pli(out, self.own_ssrc, main.ssrc);
            }
        }
        self.timers.keyframe_at = None;
    }

    fn write_nacks(&mut self, now: Instant, start: usize, out: &mut Vec<u8>) {
        if self.timers.nack_at.is_none_or(|at| at > now) {
            return;
        }
        let rtt = self.round_trip().unwrap_or(DEFAULT_RTT);
        let mut numbers = Vec::new();
        let mut next_at: Option<Instant> = None;
        for stream in self.received.iter_mut() {
            let longest = 12 + 4 * stream.gaps.missing();
            match &stream.main {
                Some(main) if out.len() - start + longest <= MAX_COMPOUND => {
                    numbers.clear();
                    stream.gaps.ask(now, rtt, &mut numbers);
                    write_nack(out, self.own_ssrc, main.ssrc, &numbers);
                }
                Some(_) => {}
                None => stream.gaps.give_up(),
            }
            let at = stream.gaps.next_at();
            next_at = [next_at, at].into_iter().flatten().min();
        }
        self.timers.nack_at = next_at;
    }

    /// When packets with a transport-wide number arrived. What one packet does not hold follows in another.
    fn write_feedback(&mut self, now: Instant, start: usize, out: &mut Vec<u8>) {
        let media = self.received.any_ssrc();
        while out.len() - start + MAX_FEEDBACK <= MAX_COMPOUND {
            if !self.arrivals.write_report(self.own_ssrc, media, now, out) {
                return;
            }
        }
    }

    fn write_farewell(&mut self, out: &mut Vec<u8>) {
        let Some(leaving) = &mut self.leaving else {
            return;
        };
        let count = leaving.len().min(MAX_LEAVING);
        let ssrcs: Vec<u32> = leaving.drain(..count).collect();
        if !ssrcs.is_empty() {
            write_receiver_report(out, self.own_ssrc, &[]);
            write_bye(out, &ssrcs);
        }
    }

    /// Tells what was received and what the peer reported, where something was.
    fn tell_counts(&mut self, now: Instant) {
        if self.timers.stats_at.is_none_or(|at| at > now) {
            return;
        }
        let rtt = self.round_trip();
        let mut told = Vec::new();
        for stream in self.sent.iter_mut() {
            if let Some(fraction_lost) = stream.loss.take() {
                told.push(MediaEvent::TxFeedback {
                    tx: stream.tx,
                    fraction_lost,
                    rtt: stream.rtt.or(rtt),
                });
            }
        }
        let mut flowed = !told.is_empty();
        for slot in 0..self.received.slots() {
            let Some(stream) = self.received.stream_mut(slot) else {
                continue;
            };
            let Some(fraction_lost) = stream.reception.count() else {
                continue;
            };
            flowed = true;
            let (section, rid) = (stream.section, stream.rid);
            let (packets, bytes) = (stream.reception.packets(), stream.reception.bytes());
            let jitter = stream.reception.jitter();
            if let Some(rx) = self.received.rx(section) {
                told.push(MediaEvent::RxStats(StreamStats {
                    rx,
                    rid,
                    packets,
                    bytes,
                    fraction_lost: Some(fraction_lost),
                    jitter,
                    rtt,
                }));
            }
        }
        for event in told {
            self.tell(event);
        }
        self.timers.stats_at = flowed.then(|| now + STATS_INTERVAL);
    }
}
