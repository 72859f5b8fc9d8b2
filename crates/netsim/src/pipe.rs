use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::conditions::{Bursts, Conditions, QueueLimit};

#[cfg(test)]
mod tests;

/// Bytes of the IPv4 and UDP headers around every packet (RFC 791, RFC 768).
const HEADERS: usize = 28;
/// Packets a pipe holds at most, waiting or on the way.
const MOST_HELD: usize = 20_000;

/// One direction of a network, with packets of any kind in it.
#[derive(Debug)]
pub struct Pipe<P> {
    conditions: Conditions,
    rng: StdRng,
    in_burst: bool,
    /// What waits at the bottleneck; the first is being sent.
    queue: VecDeque<Queued<P>>,
    queued_bytes: usize,
    /// When the first of the queue will have been sent.
    first_sent: Option<Instant>,
    /// What has passed the bottleneck, by when it arrives and then by when it was taken in.
    under_way: BTreeMap<(Instant, u64), Travelling<P>>,
    entered: u64,
    placed: u64,
    newest_arrival: Option<Instant>,
    newest_delivered: u64,
    recent_wait: Duration,
    stats: PipeStats,
}

/// A packet at the far end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival<P> {
    /// The packet.
    pub packet: P,
    /// When it was due there; not after the moment it was asked for.
    pub due: Instant,
}

/// What a pipe has done since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PipeStats {
    /// Packets that were given to it.
    pub offered: u64,
    /// Their bytes, without headers.
    pub offered_bytes: u64,
    /// Packets lost by chance.
    pub lost: u64,
    /// Packets for which there was no room at the bottleneck.
    pub dropped: u64,
    /// Packets that were doubled.
    pub duplicated: u64,
    /// Packets that came out, the doubled ones twice.
    pub delivered: u64,
    /// Their bytes, without headers.
    pub delivered_bytes: u64,
    /// Packets that came out after one that had entered later.
    pub reordered: u64,
    /// Longest time a packet waited at the bottleneck before it was sent.
    pub longest_wait: Duration,
}

#[derive(Debug)]
struct Queued<P> {
    packet: P,
    bytes: usize,
    entered: Instant,
    order: u64,
    dice: Dice,
}

#[derive(Debug)]
struct Travelling<P> {
    packet: P,
    bytes: usize,
    order: u64,
}

/// All that chance has to say about one packet, drawn when it enters so that nothing else shifts later draws.
#[derive(Debug, Clone, Copy)]
struct Dice {
    loss: f64,
    spell: f64,
    burst_loss: f64,
    jitter: f64,
    copy: f64,
    copy_jitter: f64,
}

impl Dice {
    fn roll(rng: &mut StdRng) -> Self {
        Self {
            loss: rng.random(),
            spell: rng.random(),
            burst_loss: rng.random(),
            jitter: rng.random(),
            copy: rng.random(),
            copy_jitter: rng.random(),
        }
    }
}

impl<P: Clone> Pipe<P> {
    /// An empty pipe whose chance follows `seed`.
    pub fn new(conditions: Conditions, seed: u64) -> Self {
        Self {
            conditions,
            rng: StdRng::seed_from_u64(seed),
            in_burst: false,
            queue: VecDeque::new(),
            queued_bytes: 0,
            first_sent: None,
            under_way: BTreeMap::new(),
            entered: 0,
            placed: 0,
            newest_arrival: None,
            newest_delivered: 0,
            recent_wait: Duration::ZERO,
            stats: PipeStats::default(),
        }
    }

    /// What the pipe does at present.
    pub fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// Changes what the pipe does. What waits at the bottleneck meets the new rate; what is on the way arrives as planned.
    pub fn change(&mut self, conditions: Conditions, now: Instant) {
        self.advance(now);
        let before = self.conditions.rate;
        self.conditions = conditions;
        let Some(sent) = self.first_sent else { return };
        if before == conditions.rate {
            return;
        }
        let left = sent
            .saturating_duration_since(now)
            .as_nanos()
            .saturating_mul(u128::from(before.unwrap_or(1)));
        let first = match conditions.rate {
            None => now,
            Some(rate) => now + nanoseconds(left / u128::from(rate.max(1))),
        };
        self.first_sent = Some(first);
        self.advance(now);
    }

    /// Takes a packet of so many bytes (without headers).
    pub fn handle_packet(&mut self, packet: P, bytes: usize, now: Instant) {
        self.advance(now);
        self.stats.offered += 1;
        self.stats.offered_bytes += bytes as u64;
        self.entered += 1;
        let dice = Dice::roll(&mut self.rng);
        if self.is_lost(&dice) {
            self.stats.lost += 1;
            return;
        }
        if self.queue.len() + self.under_way.len() >= MOST_HELD || !self.has_room(bytes, now) {
            self.stats.dropped += 1;
            return;
        }
        let queued = Queued {
            packet,
            bytes,
            entered: now,
            order: self.entered,
            dice,
        };
        let Some(rate) = self.conditions.rate else {
            self.depart(queued, now);
            return;
        };
        if self.queue.is_empty() {
            self.first_sent = Some(now + sending_time(bytes, rate));
        }
        self.queued_bytes += bytes + HEADERS;
        self.queue.push_back(queued);
    }

    /// The earliest time at which [`Pipe::poll_packet`] may have something; `None` while the pipe is empty.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let arrival = self.under_way.first_key_value().map(|((due, _), _)| *due);
        let queued = self.first_sent.map(|sent| sent + self.conditions.delay);
        [arrival, queued].into_iter().flatten().min()
    }

    /// Gives the next packet that has arrived by now.
    pub fn poll_packet(&mut self, now: Instant) -> Option<Arrival<P>> {
        self.advance(now);
        let first = self.under_way.first_entry()?;
        let due = first.key().0;
        if due > now {
            return None;
        }
        let Travelling { packet, bytes, order } = first.remove();
        self.stats.delivered += 1;
        self.stats.delivered_bytes += bytes as u64;
        if order < self.newest_delivered {
            self.stats.reordered += 1;
        }
        self.newest_delivered = self.newest_delivered.max(order);
        Some(Arrival { packet, due })
    }

    /// How long a packet that came now would wait before it is sent.
    pub fn wait(&mut self, now: Instant) -> Duration {
        self.advance(now);
        let (Some(sent), Some(rate), Some(first)) =
            (self.first_sent, self.conditions.rate, self.queue.front())
        else {
            return Duration::ZERO;
        };
        let behind = self.queued_bytes.saturating_sub(first.bytes + HEADERS);
        sent.saturating_duration_since(now) + bits_time(behind, rate)
    }

    /// Bytes that the pipe holds at the bottleneck, headers included.
    pub fn queued_bytes(&mut self, now: Instant) -> usize {
        self.advance(now);
        self.queued_bytes
    }

    /// What the pipe has done until now.
    pub fn stats(&mut self, now: Instant) -> PipeStats {
        self.advance(now);
        self.stats
    }

    /// The longest wait of a packet at the bottleneck since this was asked last, or of the queue as it stands.
    pub fn take_recent_wait(&mut self, now: Instant) -> Duration {
        let present = self.wait(now);
        std::mem::take(&mut self.recent_wait).max(present)
    }

    fn is_lost(&mut self, dice: &Dice) -> bool {
        let alone = dice.loss < self.conditions.loss;
        let Some(Bursts {
            begin,
            end,
            good_loss,
            bad_loss,
        }) = self.conditions.bursts
        else {
            self.in_burst = false;
            return alone;
        };
        let turn = if self.in_burst { end } else { begin };
        if dice.spell < turn {
            self.in_burst = !self.in_burst;
        }
        let share = if self.in_burst { bad_loss } else { good_loss };
        alone || dice.burst_loss < share
    }

    fn has_room(&mut self, bytes: usize, now: Instant) -> bool {
        if self.conditions.rate.is_none() || self.queue.is_empty() {
            return true;
        }
        match self.conditions.queue {
            QueueLimit::Time(most) => self.wait(now) <= most,
            QueueLimit::Bytes(most) => self.queued_bytes + bytes + HEADERS <= most,
        }
    }

    /// Lets everything pass the bottleneck that has done so by now.
    fn advance(&mut self, now: Instant) {
        while let Some(sent) = self.first_sent.filter(|sent| *sent <= now) {
            let Some(first) = self.queue.pop_front() else {
                self.first_sent = None;
                return;
            };
            self.queued_bytes = self.queued_bytes.saturating_sub(first.bytes + HEADERS);
            let rate = self.conditions.rate;
            self.first_sent = self
                .queue
                .front()
                .map(|next| rate.map_or(sent, |rate| sent + sending_time(next.bytes, rate)));
            self.depart(first, sent);
        }
    }

    fn depart(&mut self, queued: Queued<P>, sent: Instant) {
        let Queued {
            packet,
            bytes,
            entered,
            order,
            dice,
        } = queued;
        let sending = self
            .conditions
            .rate
            .map_or(Duration::ZERO, |rate| sending_time(bytes, rate));
        let wait = sent.saturating_duration_since(entered).saturating_sub(sending);
        self.stats.longest_wait = self.stats.longest_wait.max(wait);
        self.recent_wait = self.recent_wait.max(wait);
        let copy = (dice.copy < self.conditions.duplicate).then(|| packet.clone());
        let original = Travelling { packet, bytes, order };
        self.place(original, sent, dice.jitter);
        if let Some(packet) = copy {
            self.stats.duplicated += 1;
            self.place(Travelling { packet, bytes, order }, sent, dice.copy_jitter);
        }
    }

    fn place(&mut self, travelling: Travelling<P>, sent: Instant, jitter: f64) {
        let mut due = sent + self.conditions.delay + self.conditions.jitter.mul_f64(jitter);
        if !self.conditions.reorder {
            due = self.newest_arrival.map_or(due, |newest| newest.max(due));
        }
        self.newest_arrival = self.newest_arrival.max(Some(due));
        self.placed += 1;
        self.under_way.insert((due, self.placed), travelling);
    }
}

fn sending_time(bytes: usize, rate: u64) -> Duration {
    bits_time(bytes + HEADERS, rate)
}

fn bits_time(bytes: usize, rate: u64) -> Duration {
    nanoseconds(bytes as u128 * 8 * 1_000_000_000 / u128::from(rate.max(1)))
}

fn nanoseconds(count: u128) -> Duration {
    Duration::from_nanos(u64::try_from(count).unwrap_or(u64::MAX / 4))
}
