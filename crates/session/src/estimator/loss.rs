//! How much of what is lost is lost because too much is sent.
//!
//! Radio links lose packets at any rate, a full way loses what is above its capacity. Both are told apart by how loss
//! went with the rate: each model of the way (it loses the share `h` of all packets, and everything above `capacity`)
//! is judged by how likely it makes the losses of the last few seconds, and the best of them bounds the rate. Where the
//! models do not differ, the higher capacity is believed, as libwebrtc does.

use super::FLOOR;

/// A spell is this long at least, and of so many packets.
const SPELL_US: u64 = 250_000;
const SPELL_PACKETS: u32 = 20;
/// Spells that are remembered.
const SPELLS: usize = 24;
/// Weight of a spell compared with the one after it.
const FADING: f64 = 0.93;
/// Loss that is not looked into.
const NEGLIGIBLE: f64 = 0.02;
/// Shares that a way may lose at any rate.
const INHERENT: [f64; 8] = [0.001, 0.01, 0.02, 0.04, 0.06, 0.09, 0.12, 0.15];
/// Capacities that are considered, as multiples of what arrived lately.
const CAPACITIES: [f64; 5] = [0.9, 0.95, 1.0, 1.05, 1.1];
/// How much likelier (as a logarithm) a limited way must be than an unlimited one.
const DOUBT: f64 = 3.0;
/// Loss above this is not answered by patience, whatever its cause.
const INTOLERABLE: f64 = 0.2;
/// Growth of the bound with each spell in which nothing more than usual was lost.
const GROWTH: f64 = 1.03;
/// A bound stands at least so long.
const HOLD_US: u64 = 1_000_000;
const MAX_HOLD_US: u64 = 16_000_000;

/// A while in which packets were counted.
#[derive(Debug, Clone, Copy, Default)]
struct Spell {
    packets: u32,
    lost: u32,
    bytes: u64,
    lost_bytes: u64,
    first_us: Option<u64>,
    last_us: u64,
}

impl Spell {
    fn add(&mut self, sent_us: u64, packets: u32, bytes: u64) {
        if self.first_us.is_none() {
            self.first_us = Some(sent_us);
        }
        self.last_us = self.last_us.max(sent_us);
        self.packets += packets;
        self.bytes += bytes;
    }

    fn span_us(&self) -> u64 {
        self.last_us.saturating_sub(self.first_us.unwrap_or(self.last_us))
    }

    fn sent_bps(&self) -> f64 {
        self.bytes as f64 * 8e6 / self.span_us().max(1) as f64
    }

    fn arrived_bps(&self) -> f64 {
        (self.bytes - self.lost_bytes) as f64 * 8e6 / self.span_us().max(1) as f64
    }

    fn share(&self) -> f64 {
        f64::from(self.lost) / f64::from(self.packets.max(1))
    }
}

/// Bounds the rate by loss.
#[derive(Debug, Default)]
pub(super) struct LossControl {
    current: Spell,
    /// A ring of the spells before.
    spells: [Spell; SPELLS],
    next: usize,
    inherent: f64,
    lately: f64,
    bound_bps: Option<f64>,
    bounded_us: u64,
    hold_us: u64,
}

impl LossControl {
    /// Notes packets sent at one time that are reported for the first time, and received.
    pub(super) fn add_received(&mut self, sent_us: u64, packets: u32, bytes: u64) {
        self.current.add(sent_us, packets, bytes);
    }

    /// Notes a packet that is reported for the first time, and lost.
    pub(super) fn add_lost(&mut self, sent_us: u64, bytes: u16) {
        self.current.add(sent_us, 1, u64::from(bytes));
        self.current.lost += 1;
        self.current.lost_bytes += u64::from(bytes);
    }

    /// Takes back a loss: the packet came late.
    pub(super) fn take_back(&mut self, bytes: u16) {
        self.current.lost = self.current.lost.saturating_sub(1);
        self.current.lost_bytes = self.current.lost_bytes.saturating_sub(u64::from(bytes));
    }

    /// Ends the spell where it is long enough. `estimate_bps` is what is believed for other reasons.
    pub(super) fn update(&mut self, estimate_bps: f64, now_us: u64) {
        if self.current.span_us() < SPELL_US || self.current.packets < SPELL_PACKETS {
            return;
        }
        let spell = std::mem::take(&mut self.current);
        if let Some(slot) = self.spells.get_mut(self.next) {
            *slot = spell;
        }
        self.next = (self.next + 1) % SPELLS;
        let change = spell.share() - self.lately;
        // What is over is forgotten sooner than what begins is believed.
        self.lately += if change < 0.0 { 0.5 } else { 0.3 } * change;
        self.judge(&spell, estimate_bps, now_us);
    }

    /// The most that loss allows.
    pub(super) fn bound_bps(&self) -> Option<f64> {
        self.bound_bps
    }

    /// A burst of this rate got through.
    pub(super) fn note_through(&mut self, bps: f64, now_us: u64) {
        let held = now_us.saturating_sub(self.bounded_us) < self.hold_us;
        self.bound_bps = self
            .bound_bps
            .map(|bound| if held { bound } else { bound.max(bps) });
    }

    /// Whether what is lost now is no more than what the way loses at any rate.
    pub(super) fn is_usual(&self) -> bool {
        self.lately < NEGLIGIBLE || self.lately < self.inherent + 0.05
    }

    /// The way has changed.
    pub(super) fn restart(&mut self) {
        *self = Self::default();
    }

    fn judge(&mut self, spell: &Spell, estimate_bps: f64, now_us: u64) {
        let capacity = (spell.share() > NEGLIGIBLE)
            .then(|| self.likeliest_capacity(spell.arrived_bps()))
            .flatten();
        match (capacity, self.bound_bps) {
            (Some(capacity), bound) => {
                // From nothing, nothing would grow again.
                let capacity = capacity.max(FLOOR.as_bps() as f64);
                self.hold_us = match now_us.saturating_sub(self.bounded_us) {
                    _ if bound.is_none() => HOLD_US,
                    // Still the same trouble: nothing has been tried since.
                    since if since < self.hold_us => self.hold_us,
                    // What was tried did not go well.
                    since if since < 2 * self.hold_us => (self.hold_us * 2).min(MAX_HOLD_US),
                    _ => HOLD_US,
                };
                self.bound_bps = Some(bound.map_or(capacity, |bound| bound.min(capacity)));
                self.bounded_us = now_us;
            }
            (None, Some(bound)) if now_us.saturating_sub(self.bounded_us) >= self.hold_us => {
                let grown = bound * GROWTH;
                // Far above what is believed, a bound says nothing any more.
                self.bound_bps = (grown < 1.5 * estimate_bps).then_some(grown);
            }
            (None, _) => {}
        }
    }

    /// The capacity of the model that explains the spells best; `None` where that is a way without a limit.
    fn likeliest_capacity(&mut self, arrived_bps: f64) -> Option<f64> {
        let (unlimited, inherent) = self.likeliest_inherent(f64::INFINITY);
        let limited = CAPACITIES
            .iter()
            .map(|multiple| multiple * arrived_bps)
            .map(|capacity| (self.likeliest_inherent(capacity), capacity))
            .max_by(|one, other| one.0.0.total_cmp(&other.0.0));
        let intolerable = self.lately > INTOLERABLE;
        match limited {
            Some(((likelihood, inherent), capacity)) if likelihood > unlimited + DOUBT || intolerable => {
                self.inherent = inherent;
                Some(if intolerable {
                    capacity.min(arrived_bps)
                } else {
                    capacity
                })
            }
            _ => {
                self.inherent = inherent;
                None
            }
        }
    }

    /// The share lost at any rate that explains the spells best, given a capacity, and how well (as a logarithm).
    fn likeliest_inherent(&self, capacity_bps: f64) -> (f64, f64) {
        let judged = INHERENT.map(|inherent| (self.likelihood(capacity_bps, inherent), inherent));
        judged
            .into_iter()
            .max_by(|one, other| one.0.total_cmp(&other.0))
            .unwrap_or_default()
    }

    fn likelihood(&self, capacity_bps: f64, inherent: f64) -> f64 {
        let (newer, older) = self.spells.split_at(self.next);
        let mut weight = 1.0;
        let mut sum = 0.0;
        for spell in newer.iter().rev().chain(older.iter().rev()) {
            if spell.packets == 0 {
                break;
            }
            let above = (1.0 - capacity_bps / spell.sent_bps()).max(0.0);
            let share = (inherent + (1.0 - inherent) * above).clamp(0.001, 0.999);
            let arrived = f64::from(spell.packets - spell.lost);
            sum += weight * (f64::from(spell.lost) * share.ln() + arrived * (1.0 - share).ln());
            weight *= FADING;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One spell of 1,000-byte packets at a rate, of which a share is lost.
    fn spell(loss: &mut LossControl, now_us: &mut u64, bps: f64, share: f64) {
        let step_us = (8_000.0 / bps * 1e6) as u64;
        let packets = 300_000 / step_us + 1;
        let mut owed = 0.0;
        for _ in 0..packets {
            owed += share;
            let lost = owed >= 1.0;
            if lost {
                owed -= 1.0;
            }
            if lost {
                loss.add_lost(*now_us, 1_000);
            } else {
                loss.add_received(*now_us, 1, 1_000);
            }
            *now_us += step_us;
        }
        loss.update(bps, *now_us);
    }

    #[test]
    fn loss_that_does_not_go_with_the_rate_bounds_nothing() {
        for share in [0.03, 0.05, 0.1] {
            let (mut loss, mut now) = (LossControl::default(), 0);
            for step in 0..40 {
                spell(&mut loss, &mut now, 500e3 + f64::from(step) * 50e3, share);
            }
            assert_eq!(loss.bound_bps(), None, "{share}");
            assert!(loss.is_usual(), "{share}");
        }
    }

    #[test]
    fn loss_that_begins_above_a_rate_bounds_it_there() {
        let (mut loss, mut now) = (LossControl::default(), 0);
        for step in 0..14 {
            let bps = 500e3 + f64::from(step) * 50e3;
            spell(&mut loss, &mut now, bps, (1.0 - 1e6 / bps).max(0.0));
        }
        let bound = loss.bound_bps().unwrap();
        assert!((0.85e6..1.1e6).contains(&bound), "{bound}");
    }

    #[test]
    fn loss_of_a_third_is_answered_whatever_its_cause() {
        let (mut loss, mut now) = (LossControl::default(), 0);
        for _ in 0..20 {
            spell(&mut loss, &mut now, 1e6, 0.33);
        }
        let bound = loss.bound_bps().unwrap();
        assert!((0.5e6..0.75e6).contains(&bound), "{bound}");
    }

    #[test]
    fn a_bound_is_lifted_when_the_loss_is_over() {
        let (mut loss, mut now) = (LossControl::default(), 0);
        for _ in 0..10 {
            spell(&mut loss, &mut now, 1e6, 0.5);
        }
        assert!(loss.bound_bps().is_some());
        for _ in 0..200 {
            spell(&mut loss, &mut now, 0.4e6, 0.0);
        }
        assert_eq!(loss.bound_bps(), None);
    }
}
