//! How much the way to a peer carries: a send-side estimate after draft-ietf-rmcat-gcc-02 and what libwebrtc is known to
//! do beyond it.
//!
//! [`Estimator`] is told what is sent ([`Estimator::sent`]) and what the peer reports of it
//! ([`Estimator::handle_report`], draft-holmer-rmcat-transport-wide-cc-extensions-01); it gives the estimate, the rate
//! of the pacer, and bursts that look for more ([`Estimator::poll_probe`]). [`Arrivals`] is the other direction: it
//! notes what arrives here and says when the peer is due a report.
//!
//! What the peer says is never believed beyond what was sent to it: growth follows the lesser of what was sent and what
//! is said to have arrived, a burst finds no more than its own rate, and everything stays between [`FLOOR`] and
//! [`CEILING`]. A peer that understates hurts itself alone.
//!
//! Nothing here wakes up while nothing is sent.

mod arrivals;
mod fallback;
mod groups;
mod history;
mod loss;
mod probing;
mod queue;
mod rate;
mod recent;
mod throughput;
mod trend;

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use tertulia_model::Bitrate;
use tertulia_rtp::{StatusRun, TransportFeedback};

use fallback::Fallback;
use groups::Groups;
use history::{History, Report, SentPacket, SentTogether};
use loss::LossControl;
use probing::{Found, Probing, Situation};
use queue::Queue;
use rate::{Observed, RateControl};
use recent::Recent;
use throughput::Throughput;
use trend::{Trend, Usage};

pub(crate) use arrivals::Arrivals;
pub use probing::{Probe, ProbeId};

/// The least estimate: sound and its overhead.
pub(crate) const FLOOR: Bitrate = Bitrate::from_kbps(30);
/// The greatest estimate, whatever a peer says.
pub(crate) const CEILING: Bitrate = Bitrate::from_kbps(100_000);

/// One unit of arrival times in reports (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1.5).
const TICK_US: i64 = 250;
/// Arrival times beyond this are no times; 2^40 ticks are eight years.
const MAX_TICKS: i64 = 1 << 40;
/// Packets of one report that are looked at: more are not remembered.
const MAX_REPORTED: u16 = 8_192;
/// A one-way delay that moves by more than this between two packets is a change of clock.
const CLOCK_JUMP_US: i64 = 10_000_000;
/// Estimates grow no further above what is wanted.
const ABOVE_DESIRED: f64 = 1.5;
/// An estimate above that is kept so long unless it proves true again.
const MEMORY_US: u64 = 30_000_000;
/// Packets leave in bursts up to this multiple of the estimate, so that a key frame is not late.
const PACING: f64 = 2.5;
/// The same while a queue is emptied.
const PACING_DRAINING: f64 = 1.25;
/// Windows of the throughput: the usual one, and one for the moment.
const WINDOW_US: i64 = 500_000;
const MOMENT_US: i64 = 160_000;
/// What may be in flight, as the time it takes to send at the estimate beyond the round trip: a peer may report only
/// every quarter of a second.
const WINDOW_BEYOND_RTT_MS: f64 = 350.0;
const LEAST_WINDOW_BYTES: f64 = 6_000.0;
const LEAST_SHARE: f64 = 0.1;
/// A peer that reported nothing for so long, while packets were on the way, has been out of reach.
const OUT_OF_REACH_US: u64 = 2_000_000;
/// Packets that nothing is reported of for so long, of a peer that reported before, lower the estimate; and again after
/// each such step that nothing is reported in.
const SILENCE_US: u64 = 1_000_000;
const SILENCE_STEP_US: u64 = 500_000;
const SILENCE_SHARE: f64 = 0.7;
/// After so long a peer is taken for one that reports no more: what is in flight is forgotten.
const SILENT_FOR_GOOD_US: u64 = 15_000_000;
/// A queue up to this length is no reason not to probe.
const CALM_QUEUE_MS: f64 = 60.0;
/// After a sudden rise of the delay, less than this share of what is sent must arrive for it to count.
const SUDDEN_SHARE: f64 = 0.75;
const FIRST_RTT_MS: f64 = 100.0;
/// A round trip is not believed to be longer.
const MAX_RTT: Duration = Duration::from_secs(2);

/// What a peer reported that could not be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Unusable {
    /// Packets that were never sent, or too long ago.
    pub(crate) unknown: u64,
    /// Changes of the peer's clock.
    pub(crate) clock_jumps: u64,
}

/// Estimates what the way to one peer carries.
#[derive(Debug)]
pub(crate) struct Estimator {
    start: Instant,
    /// An instant that was asked about, and its microseconds.
    latest: (Instant, u64),
    /// The packets that left last, all at one instant.
    leaving: Option<Leaving>,
    initial_bps: f64,
    desired_bps: f64,
    reference: ReferenceTime,
    history: History,
    groups: Groups,
    trend: Trend,
    queue: Queue,
    arrived: Throughput,
    sent: Throughput,
    most_sent: Recent,
    rate: RateControl,
    loss: LossControl,
    probing: Probing,
    fallback: Fallback,
    least_rtt_ms: Recent,
    reported_rtt: Option<Duration>,
    /// The last difference of the two clocks and the delay, in microseconds.
    delay_us: Option<i64>,
    last_sent_us: Option<u64>,
    last_feedback_us: Option<u64>,
    /// When it was last looked at that nothing is reported.
    looked_us: Option<u64>,
    /// When the rate last proved true.
    proved_us: Option<u64>,
    unusable: Unusable,
}

impl Estimator {
    /// Begins with an estimate that nothing speaks for yet.
    pub(crate) fn new(initial: Bitrate, now: Instant) -> Self {
        let initial_bps = clamp(initial.as_bps() as f64);
        Self {
            start: now,
            latest: (now, 0),
            leaving: None,
            initial_bps,
            desired_bps: initial_bps,
            reference: ReferenceTime::default(),
            history: History::default(),
            groups: Groups::default(),
            trend: Trend::default(),
            queue: Queue::default(),
            arrived: Throughput::default(),
            sent: Throughput::default(),
            most_sent: Recent::greatest(2_000_000),
            rate: RateControl::new(initial_bps),
            loss: LossControl::default(),
            probing: Probing::new(initial_bps),
            fallback: Fallback::default(),
            least_rtt_ms: Recent::least(10_000_000),
            reported_rtt: None,
            delay_us: None,
            last_sent_us: None,
            last_feedback_us: None,
            looked_us: None,
            proved_us: None,
            unusable: Unusable::default(),
        }
    }

    /// Says how much there is to send if the way carries it. Bursts look for this much.
    pub(crate) fn set_desired(&mut self, desired: Bitrate, now: Instant) {
        let desired_bps = clamp(desired.as_bps() as f64);
        let more = desired_bps > 1.1 * self.desired_bps && desired_bps > self.rate.bps();
        self.desired_bps = desired_bps;
        if more {
            self.probing.hasten(self.micros(now));
        }
    }

    /// Begins to note packets that leave at one instant; `probe` names the burst they belong to.
    pub(crate) fn depart(&mut self, now: Instant, probe: Option<ProbeId>) -> Departures<'_> {
        Departures {
            sent_us: self.micros(now),
            estimator: self,
            now,
            probe,
            first: 0,
            bytes: 0,
        }
    }

    /// Notes a packet as it leaves. `transport_cc` is its transport-wide number before it is cut to 16 bits, `bytes` its
    /// whole length; `probe` names the burst it belongs to.
    #[inline]
    pub(crate) fn sent(&mut self, transport_cc: u64, bytes: usize, now: Instant, probe: Option<ProbeId>) {
        self.depart(now, probe).note(transport_cc, bytes);
    }

    /// Counts packets that left at an instant, and what left before.
    fn leave(&mut self, now: Instant, us: u64, first: u16, bytes: u64) {
        match &mut self.leaving {
            Some(leaving) if leaving.at == now => leaving.bytes = leaving.bytes.saturating_add(bytes),
            _ => {
                self.count_leaving();
                self.leaving = Some(Leaving {
                    at: now,
                    us,
                    first,
                    bytes,
                });
                self.last_sent_us = Some(us);
                self.arm(us);
            }
        }
    }

    /// Counts what left last as sent, so that the rate of sending can be told.
    fn count_leaving(&mut self) {
        if let Some(leaving) = &mut self.leaving {
            let bytes = std::mem::take(&mut leaving.bytes);
            let first = std::mem::take(&mut leaving.first);
            if bytes > 0 {
                self.sent.add(leaving.us as i64, first, bytes);
            }
        }
    }

    /// Takes a report of packets. Anyone who lets several peers' reports in here mixes their clocks up.
    pub(crate) fn handle_report(&mut self, report: &TransportFeedback<'_>, now: Instant) {
        let base = self.reference.extend(report.reference_time);
        let absolute = report.runs().map(|run| StatusRun {
            arrival: run.arrival.map(|ticks| base + ticks),
            ..run
        });
        self.handle_feedback(absolute, now);
    }

    /// Takes a report of packets: the 16-bit number of the first of a run, and when they arrived in units of 250 µs of
    /// the peer's clock, or nothing where they did not. The times must go on across reports.
    #[inline(never)]
    pub(crate) fn handle_feedback(&mut self, feedback: impl Iterator<Item = StatusRun>, now: Instant) {
        let now_us = self.micros(now);
        self.note_silence(now_us);
        let mut told = Told::default();
        let mut left = MAX_REPORTED;
        for mut run in feedback {
            run.count = run.count.min(left);
            left -= run.count;
            self.take_run(run, &mut told, now_us);
            if left == 0 {
                break;
            }
        }
        let Told { newest_sent_us, lost } = told;
        if let Some(sent_us) = newest_sent_us {
            let rtt_ms = now_us.saturating_sub(sent_us) as f64 / 1_000.0;
            self.least_rtt_ms.add(rtt_ms, now_us);
            self.last_feedback_us = Some(now_us);
            self.looked_us = None;
        }
        // Also where nothing arrived: that is the worst there is to be told.
        if lost || newest_sent_us.is_some() {
            self.update(now_us);
        }
    }

    /// Takes the share of packets lost, 0 to 1, from a receiver report. Counts only where packets are not reported.
    pub(crate) fn handle_loss(&mut self, share: f64, now: Instant) {
        let now_us = self.micros(now);
        if self.has_feedback(now_us) || !(0.0..=1.0).contains(&share) {
            return;
        }
        let sent_bps = self.sent_bps(now_us);
        let bps = self.fallback.after_loss(share, self.rate.bps(), sent_bps, now_us);
        self.set_within_bounds(bps, now_us);
    }

    /// Takes the peer's own estimate (REMB). It bounds ours; where packets are not reported, it is all there is.
    pub(crate) fn handle_remb(&mut self, remb: Bitrate, now: Instant) {
        let now_us = self.micros(now);
        let rate_bps = self.rate.bps();
        self.fallback
            .note_remb(clamp(remb.as_bps() as f64), rate_bps, now_us);
        if !self.has_feedback(now_us) {
            let sent_bps = self.sent_bps(now_us);
            let bps = self.fallback.after_remb(rate_bps, sent_bps, now_us);
            self.set_within_bounds(bps, now_us);
        }
    }

    /// Takes a round-trip time, as sender and receiver reports give it (RFC 3550 §6.4.1).
    pub(crate) fn handle_rtt(&mut self, rtt: Duration) {
        self.reported_rtt = Some(rtt.min(MAX_RTT));
    }

    /// The way has changed: another pair of addresses. What is known of the old one does not count.
    pub(crate) fn handle_path_change(&mut self, now: Instant) {
        let now_us = self.micros(now);
        self.forget_delays();
        self.loss.restart();
        let bps = self.rate.bps().min(self.initial_bps);
        self.rate = RateControl::new(bps);
        self.probing.restart(bps);
        self.least_rtt_ms.clear();
        self.reported_rtt = None;
        self.proved_us = None;
        self.arm(now_us);
    }

    /// What the way carries now. Less than its capacity while a queue is emptied.
    pub(crate) fn estimate(&self) -> Bitrate {
        bitrate(self.rate.bps() * self.share())
    }

    /// The rate at which packets may leave now.
    pub(crate) fn pacing_rate(&self) -> Bitrate {
        if let Some(probe) = self.probing.active() {
            return probe.rate;
        }
        let share = self.share();
        let multiple = if share < 1.0 { PACING_DRAINING } else { PACING };
        bitrate(multiple * clamp(self.rate.bps() * share))
    }

    /// What is to be sent of a burst now. The same burst is given until its packets have been noted as sent.
    pub(crate) fn poll_probe(&mut self, now: Instant) -> Option<Probe> {
        let now_us = self.micros(now);
        self.latest = (now, now_us);
        if self.probing.is_idle(now_us) {
            return None;
        }
        self.probing.poll(&self.situation(now_us))
    }

    /// When [`Estimator::poll_probe`] may have something, or [`Estimator::handle_timeout`] is due. None while nothing is
    /// sent.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let due_us = self
            .probing
            .poll_timeout()
            .into_iter()
            .chain(self.silence_us())
            .min()?;
        self.start.checked_add(Duration::from_micros(due_us))
    }

    /// Lowers the estimate where the peer should have reported and did not: what is sent may not arrive at all. While
    /// nothing is sent it stays, for then it may be the report of the last packets alone that was lost.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        let now_us = self.micros(now);
        let (Some(due), Some(oldest)) = (self.silence_us(), self.history.oldest_in_flight()) else {
            return;
        };
        if due > now_us {
            return;
        }
        let silent_us = self
            .last_feedback_us
            .map_or(0, |last| now_us.saturating_sub(last));
        if silent_us >= SILENT_FOR_GOOD_US {
            self.history.forget_flight();
            self.forget_delays();
            self.last_feedback_us = None;
            self.looked_us = None;
            return;
        }
        let before = self.looked_us.replace(now_us);
        let since = before.unwrap_or(oldest + SILENCE_STEP_US);
        if self.last_sent_us.is_some_and(|sent| sent > since) {
            self.rate.set(clamp(SILENCE_SHARE * self.rate.bps()), now_us);
            self.probing.note_reduced(now_us);
        }
    }

    /// The round-trip time: as reported, else the least time from a packet to its report.
    pub(crate) fn rtt(&self) -> Option<Duration> {
        let least = || {
            self.least_rtt_ms
                .value()
                .map(|ms| Duration::from_secs_f64(ms / 1_000.0))
        };
        self.reported_rtt.or_else(least)
    }

    /// What was reported and could not be used.
    #[cfg(test)]
    pub(crate) fn unusable(&self) -> Unusable {
        self.unusable
    }

    /// Takes what is said of packets in a row.
    fn take_run(&mut self, run: StatusRun, told: &mut Told, now_us: u64) {
        let mut sequence = run.first;
        let mut left = run.count;
        while left > 0 {
            let mut step = 1;
            // In order and for the first time, as nearly all are.
            let together = run
                .arrival
                .and_then(|ticks| Some((self.history.report_together(sequence, left)?, ticks)));
            if let Some((together, ticks)) = together {
                step = together.packets as u16;
                told.newest_sent_us = told.newest_sent_us.max(Some(together.first.sent_us));
                self.arrived(&together, ticks, false, now_us);
            } else {
                self.take_status(sequence, run.arrival, told, now_us);
            }
            sequence = sequence.wrapping_add(step);
            left = left.saturating_sub(step);
        }
    }

    fn take_status(&mut self, sequence: u16, arrival: Option<i64>, told: &mut Told, now_us: u64) {
        match self.history.report(sequence, arrival.is_some()) {
            Report::Unknown => self.unusable.unknown += 1,
            Report::Known => {}
            Report::Lost(packet) => {
                told.lost = true;
                self.loss.add_lost(packet.sent_us, packet.bytes);
                self.probing.reported(&packet, None, true);
            }
            Report::Received { packet, was_lost } => {
                let Some(ticks) = arrival else { return };
                told.newest_sent_us = told.newest_sent_us.max(Some(packet.sent_us));
                self.arrived(&SentTogether::one(packet), ticks, was_lost, now_us);
            }
        }
    }

    /// `was_lost` is whether an earlier report called it lost; then it is one packet.
    fn arrived(&mut self, together: &SentTogether, ticks: i64, was_lost: bool, now_us: u64) {
        let packet = &together.first;
        let arrival_us = ticks.clamp(-MAX_TICKS, MAX_TICKS) * TICK_US;
        let sent_us = packet.sent_us as i64;
        let delay_us = arrival_us - sent_us;
        let jumped = self
            .delay_us
            .replace(delay_us)
            .is_some_and(|last| (delay_us - last).abs() > CLOCK_JUMP_US);
        if jumped {
            self.unusable.clock_jumps += 1;
            self.forget_delays();
            self.delay_us = Some(delay_us);
        }
        if was_lost {
            self.loss.take_back(packet.bytes);
        } else {
            self.loss
                .add_received(packet.sent_us, together.packets, together.bytes);
        }
        self.arrived.add(arrival_us, packet.bytes, together.bytes);
        self.queue
            .add(delay_us as f64 / 1_000.0, together.packets, now_us);
        self.probing.reported(packet, Some(arrival_us), !was_lost);
        if packet.probe.is_some() {
            // A burst makes a queue of its own, which says nothing of what is sent otherwise.
            self.groups.break_off();
        } else if let Some(delta) = self.groups.add(sent_us, arrival_us) {
            self.trend.add(delta);
        }
    }

    /// Draws the conclusions of a report.
    fn update(&mut self, now_us: u64) {
        self.count_leaving();
        let before_bps = self.rate.bps();
        let most_sent = self.most_sent_bps(now_us);
        let acknowledged_bps = self.arrived.rate(WINDOW_US).map(|bps| bps.min(most_sent));
        let momentary_bps = self.arrived.rate(MOMENT_US).map(|bps| bps.min(most_sent));
        let fell = self.queue.rose_suddenly(now_us)
            && momentary_bps.is_some_and(|bps| bps < SUDDEN_SHARE * self.sent.rate(WINDOW_US).unwrap_or(0.0));
        let usage = if fell { Usage::Over } else { self.trend.usage() };
        self.loss.update(before_bps, now_us);
        if usage == Usage::Over {
            self.queue.drain(now_us);
        }
        self.queue.update(now_us);
        let observed = Observed {
            usage,
            acknowledged_bps,
            momentary_bps,
            queue_ms: self.queue.length_ms(),
            rtt_ms: self.rtt_ms(),
            may_grow: self.share() >= 1.0 && self.loss.is_usual(),
            now_us,
        };
        if self.rate.update(&observed) {
            self.probing.note_reduced(now_us);
        }
        if acknowledged_bps.is_some_and(|bps| bps > 0.7 * self.rate.bps()) {
            self.proved_us = Some(now_us);
        }
        while let Some(found) = self.probing.poll_found(&self.situation(now_us)) {
            self.apply(&found, &observed);
        }
        let mut bps = self.rate.bps();
        bps = bps.min(self.loss.bound_bps().unwrap_or(f64::INFINITY));
        bps = bps.min(self.fallback.remb_bps(now_us).unwrap_or(f64::INFINITY));
        let most = ABOVE_DESIRED * self.desired_bps;
        let remembered = self
            .proved_us
            .is_some_and(|at| now_us.saturating_sub(at) < MEMORY_US);
        bps = bps.min(if remembered { most.max(before_bps) } else { most });
        if bps != self.rate.bps() {
            self.rate.set(clamp(bps), now_us);
        }
    }

    fn arm(&mut self, now_us: u64) {
        if self.rate.bps() < self.desired_bps {
            self.probing.arm(now_us);
        }
    }

    /// Takes what a burst found.
    fn apply(&mut self, found: &Found, observed: &Observed) {
        let now_us = observed.now_us;
        if found.full {
            self.queue.drain(now_us);
        }
        let rate_bps = self.rate.bps();
        if found.bps > rate_bps {
            if observed.usage != Usage::Over {
                let believed = self.rate.believe(found.bps, found.full).max(rate_bps);
                self.loss.note_through(believed, now_us);
                self.rate.set(believed, now_us);
                self.proved_us = Some(now_us);
            }
            return;
        }
        let unproved = observed.acknowledged_bps.is_none_or(|bps| bps < found.bps);
        if found.full && unproved {
            // One burst may have met another's; but before anything else is known, it is the best there is.
            let least = if self.proved_us.is_some() {
                0.85 * rate_bps
            } else {
                0.0
            };
            self.rate.set(found.bps.max(least), now_us);
        } else if found.bps >= 0.9 * rate_bps {
            self.proved_us = Some(now_us);
        }
    }

    /// When it is time to act on what is not reported.
    fn silence_us(&self) -> Option<u64> {
        let last = self.last_feedback_us?;
        let oldest = self.history.oldest_in_flight()?;
        let begins = last.max(oldest) + SILENCE_US;
        Some(match self.looked_us {
            Some(looked) => begins.max(looked + SILENCE_STEP_US),
            None => begins,
        })
    }

    /// After a time without reports the way may be another one.
    fn note_silence(&mut self, now_us: u64) {
        let since = |at: u64| now_us.saturating_sub(at);
        let silent = self
            .last_feedback_us
            .is_some_and(|at| since(at) > OUT_OF_REACH_US);
        let waiting = self
            .history
            .oldest_in_flight()
            .is_some_and(|at| since(at) > OUT_OF_REACH_US);
        if silent && waiting {
            self.forget_delays();
            let rate_bps = self.rate.bps();
            let bps = (rate_bps / 2.0).max(rate_bps.min(self.initial_bps));
            self.rate.set(bps, now_us);
            self.probing.note_reduced(now_us);
        }
    }

    fn forget_delays(&mut self) {
        self.groups = Groups::default();
        self.trend = Trend::default();
        self.queue.restart();
        self.arrived.clear();
        self.delay_us = None;
    }

    /// The share of the rate that may be used: a queue is being emptied, or more is in flight than was reported in time.
    fn share(&self) -> f64 {
        let window_ms = self.rtt_ms() + WINDOW_BEYOND_RTT_MS;
        let window = (self.rate.bps() * window_ms / 8_000.0).max(LEAST_WINDOW_BYTES);
        let in_flight = self.history.in_flight() as f64;
        let flight = match self.last_feedback_us {
            Some(_) if in_flight > window => window / in_flight,
            _ => 1.0,
        };
        self.queue.share().min(flight).max(LEAST_SHARE)
    }

    fn set_within_bounds(&mut self, bps: f64, now_us: u64) {
        let before_bps = self.rate.bps();
        let most = (ABOVE_DESIRED * self.desired_bps).max(before_bps);
        self.rate.set(clamp(bps.min(most)), now_us);
    }

    fn has_feedback(&self, now_us: u64) -> bool {
        self.last_feedback_us
            .is_some_and(|at| now_us.saturating_sub(at) < fallback::REMB_US)
    }

    fn sent_bps(&mut self, now_us: u64) -> f64 {
        self.count_leaving();
        let most = self.most_sent_bps(now_us);
        self.sent.rate(WINDOW_US).unwrap_or(0.0).min(most)
    }

    /// The greatest rate of the last two to four seconds.
    fn most_sent_bps(&mut self, now_us: u64) -> f64 {
        if let Some(bps) = self.sent.rate(WINDOW_US) {
            self.most_sent.add(bps, now_us);
        }
        self.most_sent.value().unwrap_or(0.0)
    }

    fn rtt_ms(&self) -> f64 {
        let reported = self.reported_rtt.map(|rtt| rtt.as_secs_f64() * 1_000.0);
        reported.or(self.least_rtt_ms.value()).unwrap_or(FIRST_RTT_MS)
    }

    fn situation(&self, now_us: u64) -> Situation {
        let reported = self.last_feedback_us.is_none() || self.share() >= 1.0;
        Situation {
            estimate_bps: self.rate.bps(),
            desired_bps: self.desired_bps,
            calm: reported
                && self.trend.usage() == Usage::Normal
                && self.queue.length_ms() < CALM_QUEUE_MS
                && self.loss.is_usual(),
            last_sent_us: self.last_sent_us,
            now_us,
        }
    }

    fn micros(&self, now: Instant) -> u64 {
        if self.latest.0 == now {
            return self.latest.1;
        }
        if let Some(leaving) = self.leaving.filter(|leaving| leaving.at == now) {
            return leaving.us;
        }
        u64::try_from(now.saturating_duration_since(self.start).as_micros()).unwrap_or(u64::MAX)
    }
}

/// Packets as they leave, all at one instant. When it is dropped, they are counted.
pub(crate) struct Departures<'a> {
    estimator: &'a mut Estimator,
    now: Instant,
    sent_us: u64,
    probe: Option<ProbeId>,
    /// Bytes of the first packet, and of all.
    first: u16,
    bytes: u64,
}

impl Departures<'_> {
    /// Notes a packet: its transport-wide number before it is cut to 16 bits, and its whole length.
    #[inline]
    pub(crate) fn note(&mut self, transport_cc: u64, bytes: usize) {
        let bytes = u16::try_from(bytes).unwrap_or(u16::MAX);
        let packet = SentPacket {
            sent_us: self.sent_us,
            bytes,
            probe: self.probe,
        };
        self.estimator.history.sent(transport_cc, packet);
        if self.bytes == 0 {
            self.first = bytes;
        }
        self.bytes = self.bytes.wrapping_add(u64::from(bytes));
        if let Some(id) = self.probe {
            self.estimator.probing.sent(id, self.sent_us, bytes);
            self.estimator.arm(self.sent_us);
        }
    }
}

impl Drop for Departures<'_> {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.estimator
                .leave(self.now, self.sent_us, self.first, self.bytes);
        }
    }
}

/// Packets that left at one instant; those not yet counted as sent have bytes here.
#[derive(Debug, Clone, Copy)]
struct Leaving {
    at: Instant,
    us: u64,
    first: u16,
    bytes: u64,
}

/// What a report says in all.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    newest_sent_us: Option<u64>,
    lost: bool,
}

/// Carries the 24-bit reference time of reports (units of 64 ms) on beyond where it wraps.
#[derive(Debug, Clone, Copy, Default)]
struct ReferenceTime(Option<i64>);

impl ReferenceTime {
    /// Arrival times count from here, in units of 250 µs.
    fn extend(&mut self, reference: i32) -> i64 {
        const WRAP: i64 = 1 << 24;
        let reference = i64::from(reference).rem_euclid(WRAP);
        let extended = match self.0 {
            None => reference,
            Some(last) => {
                let ahead = (reference - last).rem_euclid(WRAP);
                last + if ahead < WRAP / 2 { ahead } else { ahead - WRAP }
            }
        };
        self.0 = Some(extended);
        extended * 256
    }
}

fn clamp(bps: f64) -> f64 {
    bps.clamp(FLOOR.as_bps() as f64, CEILING.as_bps() as f64)
}

fn bitrate(bps: f64) -> Bitrate {
    Bitrate::from_bps(bps.max(FLOOR.as_bps() as f64) as u64)
}
