use std::cmp::Reverse;
use std::time::{Duration, Instant};

use tertulia_model::Bitrate;

use crate::forwarder::LayerPoint;

/// A route is not raised again sooner than this after it was lowered. Each lowering that follows within the time given
/// doubles it, up to the most.
const COOL_DOWN: Duration = Duration::from_secs(3);
const MOST_COOL_DOWN: Duration = Duration::from_secs(24);
const FORGIVEN: Duration = Duration::from_secs(40);
/// Raising needs this much more than it costs, in percent.
const MARGIN_PERCENT: u64 = 110;
/// The most important picture is not paused before it costs more than this many times the estimate.
const SPARED: u64 = 3;
/// What a picture is worth by spatial layer, and which part of that its temporal layers give, in percent: a bigger
/// picture is worth less than the pixels it has more, and half the frames are worth more than half.
const SPATIAL_UTILITY: [u64; 3] = [100, 190, 260];
const TEMPORAL_PERCENT: [u64; 4] = [60, 80, 100, 100];

/// One way to serve a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The layers it has.
    pub point: LayerPoint,
    /// What it takes, measured.
    pub bitrate: Bitrate,
}

/// What one route of a subscriber may get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim<K> {
    /// Which route.
    pub route: K,
    /// Higher goes first: screens and pinned pictures above recent speakers above the rest.
    pub priority: u32,
    /// The ways to serve it, cheapest first; none where nothing flows.
    pub choices: Vec<Choice>,
}

/// What a route gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict<K> {
    /// Which route.
    pub route: K,
    /// Layers up to this; `None` is paused.
    pub point: Option<LayerPoint>,
}

/// Shares a subscriber's estimated bitrate among its video routes.
///
/// Every route gets its cheapest choice before any gets a better one, in order of priority. What is left goes to one
/// class of priority after the other, within a class always to the step that is worth most for a bit. What was lowered
/// stays so for a while, and raising needs a margin, so that nothing flaps.
#[derive(Debug)]
pub struct Allocator<K> {
    memory: Vec<Memory<K>>,
}

#[derive(Debug, Clone, Copy)]
struct Memory<K> {
    route: K,
    point: Option<LayerPoint>,
    lowered: Option<Instant>,
    cool_down: Duration,
}

/// A claim while it is served: which of its choices it has.
struct Serving {
    chosen: Option<usize>,
    /// The best point it may reach now without a margin: what it had.
    had: Option<LayerPoint>,
    was_paused: bool,
    cooling: bool,
    done: bool,
}

impl<K> Default for Allocator<K> {
    fn default() -> Self {
        Self { memory: Vec::new() }
    }
}

impl<K: Copy + PartialEq> Allocator<K> {
    /// Shares `budget` among `claims`; verdicts come in order of priority.
    pub fn allocate(&mut self, claims: &mut [Claim<K>], budget: Bitrate, now: Instant) -> Vec<Verdict<K>> {
        claims.sort_by_key(|claim| Reverse(claim.priority));
        self.memory
            .retain(|memory| claims.iter().any(|claim| claim.route == memory.route));
        let mut left = budget.as_bps();
        let mut served: Vec<Serving> = claims.iter().map(|claim| self.begin(claim.route, now)).collect();
        give_cheapest(claims, &mut served, &mut left);
        for class in claims.chunk_by(|one, other| one.priority == other.priority) {
            let begin = claims
                .iter()
                .position(|claim| claim.priority == class[0].priority)
                .unwrap_or(0);
            let served = served.get_mut(begin..begin + class.len()).unwrap_or_default();
            while raise_one(class, served, &mut left) {}
        }
        let verdicts: Vec<Verdict<K>> = claims
            .iter()
            .zip(&served)
            .map(|(claim, serving)| Verdict {
                route: claim.route,
                point: serving.point(claim),
            })
            .collect();
        for (claim, verdict) in claims.iter().zip(&verdicts) {
            self.remember(claim, verdict, now);
        }
        verdicts
    }

    fn begin(&self, route: K, now: Instant) -> Serving {
        let memory = self.memory.iter().find(|memory| memory.route == route);
        Serving {
            chosen: None,
            had: memory.map_or(Some(LayerPoint::TOP), |memory| memory.point),
            was_paused: memory.is_some_and(|memory| memory.point.is_none()),
            cooling: memory.is_some_and(|memory| memory.cools(now)),
            done: false,
        }
    }

    fn remember(&mut self, claim: &Claim<K>, verdict: &Verdict<K>, now: Instant) {
        let Some(memory) = self
            .memory
            .iter_mut()
            .find(|memory| memory.route == verdict.route)
        else {
            self.memory.push(Memory {
                route: verdict.route,
                point: verdict.point,
                lowered: None,
                cool_down: COOL_DOWN,
            });
            return;
        };
        // A publisher that sends less of itself lowers nobody.
        let cheaper = claim
            .choices
            .last()
            .is_some_and(|best| memory.point.is_some_and(|had| best.point < had));
        if verdict.point < memory.point && !cheaper {
            memory.cool_down = match memory.lowered {
                Some(lowered) if now.saturating_duration_since(lowered) < FORGIVEN => {
                    (memory.cool_down * 2).min(MOST_COOL_DOWN)
                }
                _ => COOL_DOWN,
            };
            memory.lowered = Some(now);
        }
        memory.point = verdict.point;
    }
}

impl<K> Memory<K> {
    fn cools(&self, now: Instant) -> bool {
        self.lowered
            .is_some_and(|lowered| now.saturating_duration_since(lowered) < self.cool_down)
    }
}

impl Serving {
    fn point<K>(&self, claim: &Claim<K>) -> Option<LayerPoint> {
        let Some(last) = claim.choices.len().checked_sub(1) else {
            // Nothing flows yet: nothing to save by pausing.
            return Some(LayerPoint::TOP);
        };
        let chosen = self.chosen?;
        // The top granted is open-ended, so that a layer that comes alive is taken at once.
        if chosen == last {
            Some(LayerPoint::TOP)
        } else {
            claim.choices.get(chosen).map(|choice| choice.point)
        }
    }
}

fn give_cheapest<K>(claims: &[Claim<K>], served: &mut [Serving], left: &mut u64) {
    let mut anybody = false;
    for (claim, serving) in claims.iter().zip(served) {
        let Some(cost) = claim.choices.first().map(|choice| choice.bitrate.as_bps()) else {
            continue;
        };
        // An estimate this far below a lone picture is more often wrong than the path is narrow.
        let spared = !anybody && cost / SPARED <= *left;
        if spared || with_margin(cost, serving.was_paused) <= *left {
            *left = left.saturating_sub(cost);
            serving.chosen = Some(0);
            anybody = true;
        }
    }
}

/// Takes the step that is worth most for a bit; false where none can be afforded.
fn raise_one<K>(claims: &[Claim<K>], served: &mut [Serving], left: &mut u64) -> bool {
    let mut best: Option<(usize, u64, u64)> = None;
    for (index, (claim, serving)) in claims.iter().zip(served.iter_mut()).enumerate() {
        let Some((now, next)) = serving
            .chosen
            .filter(|_| !serving.done)
            .and_then(|chosen| Some((claim.choices.get(chosen)?, claim.choices.get(chosen + 1)?)))
        else {
            continue;
        };
        let extra = next.bitrate.as_bps().saturating_sub(now.bitrate.as_bps());
        let raises = serving.had.is_none_or(|had| next.point > had);
        if (raises && serving.cooling) || with_margin(extra, raises) > *left {
            serving.done = true;
            continue;
        }
        let worth = utility(next.point).saturating_sub(utility(now.point)) * 1_000_000 / extra.max(1);
        if best.is_none_or(|(_, most, _)| worth > most) {
            best = Some((index, worth, extra));
        }
    }
    let Some((index, _, extra)) = best else {
        return false;
    };
    *left -= extra.min(*left);
    if let Some(chosen) = served.get_mut(index).and_then(|serving| serving.chosen.as_mut()) {
        *chosen += 1;
    }
    true
}

fn utility(point: LayerPoint) -> u64 {
    let spatial = SPATIAL_UTILITY[point.spatial.min(SPATIAL_UTILITY.len() - 1)];
    spatial * TEMPORAL_PERCENT[point.temporal.min(TEMPORAL_PERCENT.len() - 1)]
}

fn with_margin(cost: u64, raises: bool) -> u64 {
    if raises {
        cost.saturating_mul(MARGIN_PERCENT) / 100
    } else {
        cost
    }
}

#[cfg(test)]
mod tests;
