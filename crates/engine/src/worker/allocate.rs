//! Who gets which layers: each subscriber's estimate shared among its pictures, after its sound.

use std::time::Instant;

use tertulia_forward::{Choice, Claim, LayerPoint, RouteKey, RouteSettings, Routes};
use tertulia_model::{Bitrate, MediaKind, ParticipantId};
use tertulia_room::Fact;

use super::Worker;
use crate::peer::{Peer, Receive};

/// What a layer is taken to cost until it was measured, by layer.
const ASSUMED: [Bitrate; 3] = [
    Bitrate::from_kbps(200),
    Bitrate::from_kbps(700),
    Bitrate::from_kbps(2_500),
];
/// Pictures of this many who spoke last go before the rest.
pub(crate) const RECENT_SPEAKERS: usize = 3;
/// Room for sound, repairs and the next step up that the estimator may probe for.
const HEADROOM: Bitrate = Bitrate::from_kbps(300);
/// Loss from which plain sound is sent with redundancy to who reads it, and below which it is not any more.
const REDUNDANCY_FROM: f32 = 0.02;
const REDUNDANCY_UNTIL: f32 = 0.005;

/// What a subscriber's pictures come to.
struct Demand {
    claims: Vec<Claim<RouteKey>>,
    sound: Bitrate,
    wanted: Bitrate,
}

impl Worker {
    /// Shares everybody's estimate.
    pub(super) fn allocate_all(&mut self, key: usize, now: Instant) {
        let Some(slot) = self.rooms.get(key) else {
            return;
        };
        let everybody: Vec<ParticipantId> = slot
            .peers
            .values()
            .filter(|peer| !peer.receives.is_empty())
            .map(|peer| peer.id.clone())
            .collect();
        for who in everybody {
            self.allocate(key, &who, now);
        }
    }

    /// Shares one subscriber's estimate.
    pub(super) fn allocate(&mut self, key: usize, who: &ParticipantId, now: Instant) {
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        let Some(peer) = slot.peers.get_mut(who) else {
            return;
        };
        let mut demand = demand_of(peer, &slot.routes, &slot.recent_speakers, now);
        if demand.claims.is_empty() && !peer.path.desires {
            return;
        }
        peer.path.desires = !demand.claims.is_empty();
        for receive in peer
            .receives
            .values()
            .filter(|receive| receive.kind == MediaKind::Audio)
        {
            if let Some(before) = slot.routes.route(receive.route) {
                let wants_red = before.accepts_red && receive.wants_red;
                slot.routes
                    .set_route(receive.route, RouteSettings { wants_red, ..before }, now);
            }
        }
        let mut facts = Vec::new();
        if let Some(estimate) = peer.path.estimate_bps {
            let budget = Bitrate::from_bps(estimate).saturating_sub(demand.sound);
            for verdict in peer.allocator.allocate(&mut demand.claims, budget, now) {
                slot.routes.grant(verdict.route, verdict.point, now);
                let receive = peer
                    .receives
                    .iter_mut()
                    .find(|(_, receive)| receive.route == verdict.route);
                let Some((track, receive)) = receive else { continue };
                if receive.paused != verdict.point.is_none() {
                    receive.paused = verdict.point.is_none();
                    facts.push(Fact::StreamState {
                        subscriber: peer.id.clone(),
                        track: track.clone(),
                        paused: receive.paused,
                    });
                }
            }
        }
        let session = peer.downlink();
        if let Some(slot) = self.sessions.get_mut(session) {
            let wanted = Bitrate::from_bps(demand.wanted.as_bps() * 5 / 4);
            slot.session
                .set_desired_bitrate(wanted.saturating_add(demand.sound).saturating_add(HEADROOM));
            self.touch(session);
        }
        for fact in facts {
            self.fact(key, fact, now);
        }
        self.ask_for_keyframes(key, now);
    }

    /// A subscriber's estimate changed. One that fell is acted on at once, before its queue grows.
    pub(super) fn estimate_changed(&mut self, session: usize, estimate: Bitrate, now: Instant) {
        let Some(slot) = self.sessions.get(session) else {
            return;
        };
        let (room, who) = (slot.room, slot.participant.clone());
        let Some(peer) = self.rooms.get_mut(room).and_then(|room| room.peers.get_mut(&who)) else {
            return;
        };
        if peer.downlink() != session {
            return;
        }
        let before = peer.path.estimate_bps.replace(estimate.as_bps());
        if before.is_none_or(|before| estimate.as_bps() < before) {
            self.allocate(room, &who, now);
            self.schedule_room(room, now);
        }
    }
}

fn demand_of(peer: &mut Peer, routes: &Routes, speakers: &[ParticipantId], now: Instant) -> Demand {
    let lossy = peer.path.recent_loss;
    let mut demand = Demand {
        claims: Vec::new(),
        sound: Bitrate::ZERO,
        wanted: Bitrate::ZERO,
    };
    for receive in peer.receives.values_mut() {
        let Some(settings) = routes.route(receive.route) else {
            continue;
        };
        if !settings.ready || !settings.enabled || !routes.is_open(receive.route) {
            continue;
        }
        if receive.kind == MediaKind::Audio {
            let sound = routes.bitrate(receive.route, LayerPoint::TOP_OF_ONE, now);
            demand.sound = demand.sound.saturating_add(sound.unwrap_or_default());
            receive.wants_red = match lossy {
                loss if loss > REDUNDANCY_FROM => true,
                loss if loss < REDUNDANCY_UNTIL => false,
                _ => receive.wants_red,
            };
            continue;
        }
        let choices = choices(routes, receive, settings, now);
        let best = choices.last().map(|choice| choice.bitrate);
        let layer = settings.max_layer.min(ASSUMED.len() - 1);
        demand.wanted = demand
            .wanted
            .saturating_add(best.unwrap_or(ASSUMED[layer]).max(ASSUMED[layer]));
        demand.claims.push(Claim {
            route: receive.route,
            priority: receive.rank(speakers),
            choices,
        });
    }
    demand
}

/// The ways to serve a route, cheapest first: of each layer its temporal layers, as far as each costs more than the one
/// before.
fn choices(routes: &Routes, receive: &Receive, settings: RouteSettings, now: Instant) -> Vec<Choice> {
    let mut choices: Vec<Choice> = Vec::new();
    for spatial in 0..=settings.max_layer.min(LayerPoint::TOP.spatial) {
        for temporal in 0..=settings.max_temporal.min(LayerPoint::TOP.temporal) {
            let point = LayerPoint { spatial, temporal };
            let Some(bitrate) = routes.bitrate(receive.route, point, now) else {
                continue;
            };
            let last = choices.last();
            if last.is_none_or(|last| bitrate > last.bitrate) {
                choices.push(Choice { point, bitrate });
            } else if let Some(last) = choices.last_mut().filter(|last| bitrate == last.bitrate) {
                // The same packets: the higher name of them.
                last.point = point;
            }
        }
    }
    choices
}
