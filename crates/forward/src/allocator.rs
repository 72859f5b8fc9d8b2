use std::time::{Duration, Instant};

use tertulia_model::Bitrate;

/// A route is not raised again sooner than this after it was lowered.
const COOL_DOWN: Duration = Duration::from_secs(3);
/// Raising needs this much more than it costs, in percent.
const MARGIN_PERCENT: u64 = 110;

/// The most important picture is not paused before it costs more than this many times the estimate.
const SPARED: u64 = 3;

/// What one route of a subscriber would cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim<K> {
    /// Which route.
    pub route: K,
    /// Higher first; screens above pinned above speakers above the rest.
    pub priority: u32,
    /// Highest layer wanted.
    pub max_layer: usize,
    /// Measured bitrate of each layer, the lowest first; `None` for a layer that does not flow.
    pub layers: [Option<Bitrate>; 3],
}

/// What a route gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict<K> {
    /// Which route.
    pub route: K,
    /// Layers up to this; `None` is paused.
    pub layer: Option<usize>,
}

/// Shares a subscriber's estimated bitrate among its video routes.
///
/// Every route gets its lowest layer before any gets a better one, both in order of priority. What was lowered stays
/// so for a while, and raising needs a margin, so that nothing flaps.
#[derive(Debug)]
pub struct Allocator<K> {
    memory: Vec<Memory<K>>,
}

#[derive(Debug, Clone, Copy)]
struct Memory<K> {
    route: K,
    layer: Option<usize>,
    lowered: Option<Instant>,
}

impl<K> Default for Allocator<K> {
    fn default() -> Self {
        Self { memory: Vec::new() }
    }
}

impl<K: Copy + PartialEq> Allocator<K> {
    /// Shares `budget` among `claims`; verdicts come in order of priority.
    pub fn allocate(&mut self, claims: &mut [Claim<K>], budget: Bitrate, now: Instant) -> Vec<Verdict<K>> {
        claims.sort_by_key(|claim| std::cmp::Reverse(claim.priority));
        self.memory
            .retain(|memory| claims.iter().any(|claim| claim.route == memory.route));
        let mut left = budget.as_bps();
        let mut verdicts: Vec<Verdict<K>> = Vec::with_capacity(claims.len());
        for claim in claims.iter() {
            let Some((layer, cost)) = cheapest(claim) else {
                // Nothing flows yet: nothing to save by pausing.
                verdicts.push(Verdict {
                    route: claim.route,
                    layer: Some(2),
                });
                continue;
            };
            let was_paused = self
                .remembered(claim.route)
                .is_some_and(|memory| memory.layer.is_none());
            // An estimate this far below a lone picture is more often wrong than the path is narrow.
            let spared = verdicts.iter().all(|verdict| verdict.layer.is_none()) && cost / SPARED <= left;
            let affordable = spared || with_margin(cost, was_paused) <= left;
            if affordable {
                left = left.saturating_sub(cost);
            }
            verdicts.push(Verdict {
                route: claim.route,
                layer: affordable.then_some(layer),
            });
        }
        for (claim, verdict) in claims.iter().zip(&mut verdicts) {
            let (Some(base), Some(mut cost)) = (verdict.layer, cheapest(claim).map(|(_, cost)| cost)) else {
                continue;
            };
            let memory = self.remembered(claim.route);
            for layer in base + 1..=claim.max_layer.min(2) {
                let Some(bitrate) = claim.layers[layer].map(Bitrate::as_bps) else {
                    continue;
                };
                let extra = bitrate.saturating_sub(cost);
                let raises = memory.is_some_and(|memory| memory.layer.is_some_and(|before| layer > before));
                let cooling = raises
                    && memory
                        .and_then(|memory| memory.lowered)
                        .is_some_and(|lowered| now.saturating_duration_since(lowered) < COOL_DOWN);
                if cooling || with_margin(extra, raises) > left {
                    break;
                }
                left -= extra;
                cost = bitrate;
                verdict.layer = Some(layer);
            }
            // The top granted is open-ended, so that a layer that comes alive is taken at once.
            if verdict.layer >= highest(claim) && claim.layers.iter().any(Option::is_some) {
                verdict.layer = Some(verdict.layer.map_or(2, |layer| layer.max(claim.max_layer)));
            }
        }
        for verdict in &verdicts {
            self.remember(verdict, now);
        }
        verdicts
    }

    fn remembered(&self, route: K) -> Option<Memory<K>> {
        self.memory.iter().find(|memory| memory.route == route).copied()
    }

    fn remember(&mut self, verdict: &Verdict<K>, now: Instant) {
        let Some(memory) = self
            .memory
            .iter_mut()
            .find(|memory| memory.route == verdict.route)
        else {
            self.memory.push(Memory {
                route: verdict.route,
                layer: verdict.layer,
                lowered: None,
            });
            return;
        };
        if verdict.layer < memory.layer {
            memory.lowered = Some(now);
        }
        memory.layer = verdict.layer;
    }
}

fn cheapest<K>(claim: &Claim<K>) -> Option<(usize, u64)> {
    claim
        .layers
        .iter()
        .enumerate()
        .find_map(|(layer, bitrate)| bitrate.map(|bitrate| (layer, bitrate.as_bps())))
}

fn highest<K>(claim: &Claim<K>) -> Option<usize> {
    (0..=claim.max_layer.min(2))
        .rev()
        .find(|layer| claim.layers[*layer].is_some())
}

fn with_margin(cost: u64, raises: bool) -> u64 {
    if raises {
        cost.saturating_mul(MARGIN_PERCENT) / 100
    } else {
        cost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(route: u8, priority: u32, kbps: [u64; 3]) -> Claim<u8> {
        let layers = kbps.map(|kbps| (kbps > 0).then(|| Bitrate::from_kbps(kbps)));
        Claim {
            route,
            priority,
            max_layer: 2,
            layers,
        }
    }

    fn check(claims: &[Claim<u8>], kbps: u64, expected: &[(u8, Option<usize>)]) {
        let verdicts =
            Allocator::default().allocate(&mut claims.to_vec(), Bitrate::from_kbps(kbps), Instant::now());
        let got: Vec<_> = verdicts
            .iter()
            .map(|verdict| (verdict.route, verdict.layer))
            .collect();
        assert_eq!(got, expected, "with {kbps} kbit/s");
    }

    #[test]
    fn everybody_gets_a_small_picture_before_anybody_gets_a_big_one() {
        let claims = [claim(1, 0, [150, 500, 1_700]), claim(2, 9, [150, 500, 1_700])];
        check(&claims, 10_000, &[(2, Some(2)), (1, Some(2))]);
        check(&claims, 2_000, &[(2, Some(2)), (1, Some(0))]);
        check(&claims, 700, &[(2, Some(1)), (1, Some(0))]);
        check(&claims, 200, &[(2, Some(0)), (1, None)]);
        check(&claims, 100, &[(2, Some(0)), (1, None)]);
        check(&claims, 40, &[(2, None), (1, None)]);
    }

    #[test]
    fn a_track_without_packets_is_not_paused() {
        check(&[claim(1, 0, [0, 0, 0])], 50, &[(1, Some(2))]);
    }

    #[test]
    fn what_was_lowered_waits_before_it_rises() {
        let start = Instant::now();
        let mut allocator = Allocator::default();
        let mut layer = |kbps, seconds| {
            let mut claims = [claim(1, 0, [150, 500, 1_700])];
            let now = start + Duration::from_secs(seconds);
            allocator.allocate(&mut claims, Bitrate::from_kbps(kbps), now)[0].layer
        };
        assert_eq!(layer(3_000, 0), Some(2));
        assert_eq!(layer(600, 1), Some(1));
        assert_eq!(layer(3_000, 2), Some(1), "too soon");
        assert_eq!(layer(3_000, 5), Some(2));
    }
}
