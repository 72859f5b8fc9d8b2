//! A source, two ends and a link between them, in virtual time; and what is to be said of how that went.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::link::{Conditions, Link};

/// Payload of one packet of the source, with its headers.
const PACKET_BYTES: usize = 1_200;
const FRAME: Duration = Duration::from_micros(33_333);
const SOUND: Duration = Duration::from_millis(20);
const SOUND_BYTES: usize = 120;
const SAMPLE: Duration = Duration::from_millis(100);
/// A layer is entered so long after it was chosen: a key frame has to come.
const SWITCH: Duration = Duration::from_millis(200);

/// A sender with its pacer and its estimator, and a receiver that reports.
pub(super) trait Ends {
    type Datagram;

    /// Hands a packet of this length to the pacer.
    fn write(&mut self, bytes: usize, sound: bool, now: Instant);
    /// Does what is due; adds what leaves either end, with its length. Gives the next time something is due.
    fn turn(
        &mut self,
        now: Instant,
        forward: &mut Vec<(usize, Self::Datagram)>,
        back: &mut Vec<Self::Datagram>,
    ) -> Instant;
    fn deliver_forward(&mut self, datagram: Self::Datagram, now: Instant);
    fn deliver_back(&mut self, datagram: Self::Datagram, now: Instant);
    fn estimate_bps(&self) -> f64;
}

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    /// An encoder that follows the estimate, up to this rate.
    Encoder(f64),
    /// One of three layers: 150, 500 or 1,700 kbit/s.
    Layers,
}

const LAYERS: [f64; 3] = [150e3, 500e3, 1_700e3];

impl Source {
    pub(super) fn desired_bps(self) -> f64 {
        match self {
            Source::Encoder(most) => most,
            Source::Layers => 1_800e3,
        }
    }
}

/// A while on the link.
#[derive(Debug, Clone)]
pub(super) struct Script {
    pub(super) source: Source,
    pub(super) start: Conditions,
    /// Later conditions, by when they begin.
    pub(super) changes: Vec<(f64, Conditions)>,
    pub(super) seconds: f64,
    pub(super) seed: u64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) second: f64,
    pub(super) free_bps: f64,
    pub(super) estimate_bps: f64,
    pub(super) arrived_bps: f64,
    pub(super) queue_ms: f64,
}

/// What happened, ten times a second.
#[derive(Debug)]
pub(super) struct Course(pub(super) Vec<Sample>);

impl Course {
    pub(super) fn between(&self, from: f64, to: f64) -> impl Iterator<Item = &Sample> {
        self.0
            .iter()
            .filter(move |sample| (from..=to).contains(&sample.second))
    }

    /// Seconds from a moment until the estimate is at least this.
    pub(super) fn time_to_reach(&self, bps: f64, from: f64) -> Option<f64> {
        let reached = self
            .between(from, f64::INFINITY)
            .find(|sample| sample.estimate_bps >= bps)?;
        Some(reached.second - from)
    }

    /// The share of what the way had free that arrived.
    pub(super) fn utilisation(&self, from: f64, to: f64) -> f64 {
        let sum = |of: fn(&Sample) -> f64| self.between(from, to).map(of).sum::<f64>();
        sum(|sample| sample.arrived_bps) / sum(|sample| sample.free_bps)
    }

    pub(super) fn mean_queue_ms(&self, from: f64, to: f64) -> f64 {
        let count = self.between(from, to).count().max(1) as f64;
        self.between(from, to).map(|sample| sample.queue_ms).sum::<f64>() / count
    }
}

/// The source's own state.
struct Writer {
    source: Source,
    rng: SmallRng,
    next_frame: Instant,
    next_sound: Instant,
    layer: usize,
    wish: Option<(usize, Instant)>,
}

impl Writer {
    fn write<E: Ends>(&mut self, ends: &mut E, now: Instant) {
        while self.next_sound <= now {
            self.next_sound += SOUND;
            ends.write(SOUND_BYTES, true, now);
        }
        while self.next_frame <= now {
            self.next_frame += FRAME;
            let bps = self.bps(ends.estimate_bps(), now);
            let mean = bps * FRAME.as_secs_f64() / 8.0;
            let mut bytes = (mean * self.rng.random_range(0.75..1.25)) as usize;
            while bytes > 0 {
                let packet = bytes.min(PACKET_BYTES);
                ends.write(packet.max(100), false, now);
                bytes -= packet;
            }
        }
    }

    fn bps(&mut self, estimate_bps: f64, now: Instant) -> f64 {
        let video = (estimate_bps - 50e3).max(0.0);
        match self.source {
            Source::Encoder(most) => video.min(most - 50e3),
            Source::Layers => {
                let fits = LAYERS.iter().take_while(|layer| **layer <= video).count();
                let chosen = fits.max(1) - 1;
                if chosen != self.layer && self.wish.is_none_or(|(wish, _)| wish != chosen) {
                    self.wish = Some((chosen, now + SWITCH));
                }
                if let Some((wish, at)) = self.wish
                    && at <= now
                {
                    self.layer = wish;
                    self.wish = None;
                }
                LAYERS[self.layer]
            }
        }
    }
}

/// Runs a script from a moment at which both ends are ready.
pub(super) fn run<E: Ends>(script: &Script, ends: &mut E, start: Instant) -> Course {
    let mut link = Link::new(script.start, script.seed);
    let mut back_way: VecDeque<(Instant, E::Datagram)> = VecDeque::new();
    let mut changes: VecDeque<_> = script.changes.iter().copied().collect();
    let mut writer = Writer {
        source: script.source,
        rng: SmallRng::seed_from_u64(script.seed ^ 0x5eed),
        next_frame: start,
        next_sound: start,
        layer: 0,
        wish: None,
    };
    let end = start + Duration::from_secs_f64(script.seconds);
    let mut now = start;
    let mut next_sample = start + SAMPLE;
    let (mut samples, mut arrived_bytes, mut delay_ms) = (Vec::new(), 0, script.start.delay_ms);
    let (mut forward, mut back) = (Vec::new(), Vec::new());
    while now < end {
        let now_us = now.duration_since(start).as_micros() as u64;
        while let Some((_, conditions)) = changes.pop_front_if(|(at, _)| *at * 1e6 <= now_us as f64) {
            delay_ms = conditions.delay_ms;
            link.change(conditions, now_us);
        }
        writer.write(ends, now);
        while let Some((_, (bytes, datagram))) = link.poll(now_us) {
            arrived_bytes += bytes;
            ends.deliver_forward(datagram, now);
        }
        while let Some((_, datagram)) = back_way.pop_front_if(|(at, _)| *at <= now) {
            ends.deliver_back(datagram, now);
        }
        let wake = ends.turn(now, &mut forward, &mut back);
        for (bytes, datagram) in forward.drain(..) {
            link.send(bytes, (bytes, datagram), now_us);
        }
        let way_back = Duration::from_secs_f64(delay_ms / 1e3);
        back_way.extend(back.drain(..).map(|datagram| (now + way_back, datagram)));
        if now >= next_sample {
            samples.push(Sample {
                second: now.duration_since(start).as_secs_f64(),
                free_bps: link.free_bps(),
                estimate_bps: ends.estimate_bps(),
                arrived_bps: arrived_bytes as f64 * 8.0 / SAMPLE.as_secs_f64(),
                queue_ms: link.queue_ms(),
            });
            arrived_bytes = 0;
            next_sample += SAMPLE;
        }
        let arrival = link.next_us().map(|at| start + Duration::from_micros(at));
        let report = back_way.front().map(|(at, _)| *at);
        let change = changes
            .front()
            .map(|(at, _)| start + Duration::from_secs_f64(*at));
        let next = [wake, writer.next_frame, writer.next_sound, next_sample]
            .into_iter()
            .chain(arrival)
            .chain(report)
            .chain(change)
            .min()
            .unwrap_or(end);
        now = next.max(now + Duration::from_micros(50));
    }
    Course(samples)
}
