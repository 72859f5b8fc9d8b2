//! A bottleneck in virtual time: a rate, a queue that drops at its tail, a delay, jitter, loss and other traffic.

use std::collections::VecDeque;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

/// How packets are lost beside those the queue has no room for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Loss {
    Random(f64),
    /// Gilbert and Elliott: chances of turning bad and good with each packet; all are lost while bad.
    Bursts {
        to_bad: f64,
        to_good: f64,
    },
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Conditions {
    pub(super) bps: f64,
    /// Room in the queue, as the time it takes to empty it.
    pub(super) queue_ms: f64,
    pub(super) delay_ms: f64,
    /// The delay varies by up to this; order is kept.
    pub(super) jitter_ms: f64,
    /// The share of packets that others overtake: they take [`OVERTAKEN_US`] longer.
    pub(super) overtaken: f64,
    pub(super) loss: Loss,
    /// What others send through the same queue, evenly.
    pub(super) cross_bps: f64,
}

impl Conditions {
    /// A calm way with 25 ms of delay and room for 500 ms.
    pub(super) fn calm(bps: f64) -> Self {
        Self {
            bps,
            queue_ms: 500.0,
            delay_ms: 25.0,
            jitter_ms: 0.0,
            overtaken: 0.0,
            loss: Loss::Random(0.0),
            cross_bps: 0.0,
        }
    }
}

const CROSS_BYTES: usize = 1_200;
const OVERTAKEN_US: u64 = 20_000;

/// A packet of ours, or of others.
struct Queued<T> {
    bits: f64,
    item: Option<T>,
}

pub(super) struct Link<T> {
    conditions: Conditions,
    rng: SmallRng,
    bad: bool,
    queue: VecDeque<Queued<T>>,
    queued_bits: f64,
    /// Up to where the queue has been served.
    served_us: f64,
    next_cross_us: f64,
    /// In the order of arrival.
    on_the_way: VecDeque<(u64, T)>,
    /// When the last of those arrives that keep their order.
    in_order_until_us: u64,
}

impl<T> Link<T> {
    pub(super) fn new(conditions: Conditions, seed: u64) -> Self {
        Self {
            conditions,
            rng: SmallRng::seed_from_u64(seed),
            bad: false,
            queue: VecDeque::new(),
            queued_bits: 0.0,
            served_us: 0.0,
            next_cross_us: 0.0,
            on_the_way: VecDeque::new(),
            in_order_until_us: 0,
        }
    }

    pub(super) fn change(&mut self, conditions: Conditions, now_us: u64) {
        self.serve(now_us);
        self.conditions = conditions;
        self.next_cross_us = self.next_cross_us.max(now_us as f64);
    }

    pub(super) fn send(&mut self, bytes: usize, item: T, now_us: u64) {
        self.serve(now_us);
        if !self.is_lost() {
            self.enqueue(bytes, Some(item));
        }
    }

    /// The next packet that has arrived by now, with when it did.
    pub(super) fn poll(&mut self, now_us: u64) -> Option<(u64, T)> {
        self.serve(now_us);
        self.on_the_way.pop_front_if(|(at, _)| *at <= now_us)
    }

    /// When the next packet arrives, as far as is known.
    pub(super) fn next_us(&self) -> Option<u64> {
        let arriving = self.on_the_way.front().map(|(at, _)| *at);
        let leaving = self.queue.front().map(|queued| {
            let left_us = queued.bits / self.conditions.bps * 1e6;
            (self.served_us + left_us).ceil() as u64
        });
        arriving.into_iter().chain(leaving).min()
    }

    pub(super) fn queue_ms(&self) -> f64 {
        self.queued_bits / self.conditions.bps * 1e3
    }

    /// What is left of the rate beside others.
    pub(super) fn free_bps(&self) -> f64 {
        self.conditions.bps - self.conditions.cross_bps
    }

    fn enqueue(&mut self, bytes: usize, item: Option<T>) {
        let bits = bytes as f64 * 8.0;
        let room = self.conditions.bps * self.conditions.queue_ms / 1e3;
        // One packet always finds room.
        if self.queue.is_empty() || self.queued_bits + bits <= room {
            self.queued_bits += bits;
            self.queue.push_back(Queued { bits, item });
        }
    }

    fn serve(&mut self, now_us: u64) {
        let now = now_us as f64;
        loop {
            let crossing = self.conditions.cross_bps > 0.0 && self.next_cross_us <= now;
            let until = if crossing { self.next_cross_us } else { now };
            self.serve_queue(until);
            if !crossing {
                return;
            }
            self.enqueue(CROSS_BYTES, None);
            let gap_us = CROSS_BYTES as f64 * 8e6 / self.conditions.cross_bps;
            // Not quite even, so that the two flows do not lock into step.
            self.next_cross_us += gap_us * self.rng.random_range(0.8..1.2);
        }
    }

    fn serve_queue(&mut self, until_us: f64) {
        let per_us = self.conditions.bps / 1e6;
        while let Some(front) = self.queue.front_mut() {
            let possible = (until_us - self.served_us).max(0.0) * per_us;
            if possible < front.bits {
                front.bits -= possible;
                self.queued_bits -= possible;
                break;
            }
            self.served_us += front.bits / per_us;
            self.queued_bits -= front.bits;
            if let Some(item) = self.queue.pop_front().and_then(|queued| queued.item) {
                let jitter_us = self.rng.random_range(0.0..=self.conditions.jitter_ms) * 1e3;
                let at = self.served_us + self.conditions.delay_ms * 1e3 + jitter_us;
                self.in_order_until_us = self.in_order_until_us.max(at as u64);
                self.carry(item);
            }
        }
        self.served_us = self.served_us.max(until_us);
    }

    fn carry(&mut self, item: T) {
        let overtaken = self.conditions.overtaken > 0.0 && self.rng.random_bool(self.conditions.overtaken);
        let extra_us = if overtaken { OVERTAKEN_US } else { 0 };
        let at = self.in_order_until_us + extra_us;
        let place = self.on_the_way.partition_point(|(other, _)| *other <= at);
        self.on_the_way.insert(place, (at, item));
    }

    fn is_lost(&mut self) -> bool {
        match self.conditions.loss {
            Loss::Random(share) => self.rng.random_bool(share),
            Loss::Bursts { to_bad, to_good } => {
                let turn = if self.bad { to_good } else { to_bad };
                self.bad ^= self.rng.random_bool(turn);
                self.bad
            }
        }
    }
}
