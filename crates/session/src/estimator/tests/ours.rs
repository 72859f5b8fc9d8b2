//! Our own ends: the estimator with a pacer as the engine has one, and the recorder of arrivals.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tertulia_model::Bitrate;
use tertulia_rtp::{Rtcp, rtcp_packets};

use super::scene::Ends;
use crate::estimator::{Arrivals, Estimator, ProbeId};

/// The engine's pacer and train builder wakes this often.
const TICK: Duration = Duration::from_millis(2);
/// What waits longer is dropped.
const STALE: Duration = Duration::from_millis(400);
const PADDING_BYTES: usize = 1_200;

pub(super) enum Datagram {
    Packet { sequence: u16, bytes: usize },
    Report(Vec<u8>),
}

pub(super) struct Ours {
    pub(super) estimator: Estimator,
    arrivals: Arrivals,
    sequence: u64,
    /// Bits that may leave; below zero after a packet that was larger than that.
    budget: f64,
    paced_at: Instant,
    sound: VecDeque<usize>,
    video: VecDeque<(Instant, usize)>,
    pub(super) probes: usize,
    probing: bool,
    next_tick: Instant,
    /// No reports come back.
    pub(super) deaf: bool,
}

impl Ours {
    pub(super) fn new(initial_bps: f64, desired_bps: f64, now: Instant) -> Self {
        let mut estimator = Estimator::new(Bitrate::from_bps(initial_bps as u64), now);
        estimator.set_desired(Bitrate::from_bps(desired_bps as u64), now);
        Self {
            estimator,
            arrivals: Arrivals::new(now),
            sequence: 0,
            budget: 0.0,
            paced_at: now,
            sound: VecDeque::new(),
            video: VecDeque::new(),
            probes: 0,
            probing: false,
            next_tick: now,
            deaf: false,
        }
    }

    fn send(&mut self, bytes: usize, probe: Option<ProbeId>, now: Instant, out: &mut Vec<(usize, Datagram)>) {
        self.sequence += 1;
        self.estimator.sent(self.sequence, bytes, now, probe);
        let sequence = self.sequence as u16;
        out.push((bytes, Datagram::Packet { sequence, bytes }));
    }

    fn pace(&mut self, now: Instant, out: &mut Vec<(usize, Datagram)>) {
        self.video.retain(|(at, _)| now.duration_since(*at) < STALE);
        let mut probe = self.estimator.poll_probe(now);
        let rate = self.estimator.pacing_rate().as_bps() as f64;
        let passed = now.duration_since(self.paced_at).min(TICK * 2);
        self.paced_at = now;
        self.budget = (self.budget + rate * passed.as_secs_f64()).min(rate * TICK.as_secs_f64());
        while self.budget > 0.0 {
            let bytes = match (self.video.pop_front(), probe) {
                (Some((_, bytes)), _) => bytes,
                (None, Some(probe)) => (probe.bytes / probe.packets.max(1)).clamp(100, PADDING_BYTES),
                (None, None) => break,
            };
            self.budget -= bytes as f64 * 8.0;
            self.send(bytes, probe.map(|probe| probe.id), now, out);
            probe = self.estimator.poll_probe(now);
        }
        self.probes += usize::from(probe.is_some() && !self.probing);
        self.probing = probe.is_some();
    }
}

impl Ends for Ours {
    type Datagram = Datagram;

    fn write(&mut self, bytes: usize, sound: bool, now: Instant) {
        if sound {
            self.sound.push_back(bytes);
        } else {
            self.video.push_back((now, bytes));
        }
    }

    fn turn(
        &mut self,
        now: Instant,
        forward: &mut Vec<(usize, Datagram)>,
        back: &mut Vec<Datagram>,
    ) -> Instant {
        if now >= self.next_tick {
            self.next_tick = now + TICK;
            self.pace(now, forward);
        }
        while let Some(bytes) = self.sound.pop_front() {
            self.send(bytes, None, now, forward);
        }
        let mut report = Vec::new();
        while self.arrivals.write_report(1, 2, now, &mut report) {
            back.push(Datagram::Report(std::mem::take(&mut report)));
        }
        let busy = !self.video.is_empty() || self.probing;
        let pacer = busy.then_some(self.next_tick);
        let probe = self.estimator.poll_timeout().map(|at| at.max(self.next_tick));
        [pacer, probe, self.arrivals.poll_timeout()]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(now + Duration::from_secs(1))
    }

    fn deliver_forward(&mut self, datagram: Datagram, now: Instant) {
        if let Datagram::Packet { sequence, bytes } = datagram {
            self.arrivals.record(sequence, bytes, now);
        }
    }

    fn deliver_back(&mut self, datagram: Datagram, now: Instant) {
        if self.deaf {
            return;
        }
        if let Datagram::Report(compound) = datagram {
            for packet in rtcp_packets(&compound) {
                let Rtcp::TransportFeedback(report) = packet else {
                    panic!("{packet:?}");
                };
                self.estimator.handle_report(&report, now);
            }
        }
    }

    fn estimate_bps(&self) -> f64 {
        self.estimator.estimate().as_bps() as f64
    }
}
