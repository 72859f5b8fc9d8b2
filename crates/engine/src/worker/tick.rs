use std::time::{Duration, Instant};

use tertulia_forward::Claim;
use tertulia_model::{Bitrate, MediaKind, ParticipantId};
use tertulia_room::{Actor, Command, ConnectionQuality, DepartureReason, Fact};

use super::{Worker, room_now};
use crate::message::{ConnectionChange, PeerEvent};
use crate::peer::PathState;
use crate::room_slot::RoomSlot;
use crate::stats::Counters;

/// How often bitrates are shared out.
const ALLOCATION: Duration = Duration::from_millis(500);
/// How often connection quality is judged.
const REPORT: Duration = Duration::from_secs(5);
/// What a layer is taken to cost until it was measured, by layer.
const ASSUMED: [Bitrate; 3] = [
    Bitrate::from_kbps(200),
    Bitrate::from_kbps(700),
    Bitrate::from_kbps(2_500),
];

impl RoomSlot {
    /// Starts the periodic judgements of a room somebody is in.
    pub(crate) fn start_ticking(&mut self, now: Instant) {
        self.next_allocation.get_or_insert(now + ALLOCATION);
        self.next_report.get_or_insert(now + REPORT);
    }
}

impl Worker {
    /// Does what is due in a room.
    pub(super) fn room_timeout(&mut self, key: usize, now: Instant) {
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        slot.room.handle_timeout(room_now(now));
        slot.routes.handle_timeout(now);
        if let Some(speaking) = slot.speakers.judge(now) {
            let speakers = speaking
                .into_iter()
                .map(|loudness| (loudness.who, loudness.level))
                .collect();
            self.fact(key, Fact::Speakers(speakers), now);
        }
        self.pump(key, now);
        self.negotiate(key, now);
        self.expire(key, now);
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        if slot.next_allocation.is_some_and(|at| at <= now) {
            slot.next_allocation = (!slot.peers.is_empty()).then(|| now + ALLOCATION);
            self.allocate(key, now);
        }
        self.report(key, now);
        self.ask_for_keyframes(key, now);
    }

    /// Lets go whoever has not connected, or lost media, for too long, or has no door any more. (A door that gave up
    /// before its answer never says so, and in a quiet room nothing else would notice.)
    fn expire(&mut self, key: usize, now: Instant) {
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        let deserted = slot.peers.values().filter(|peer| peer.events.is_closed());
        slot.unreachable
            .extend(deserted.map(|peer| (peer.id.clone(), false)));
        let expired: Vec<(ParticipantId, bool)> = slot
            .peers
            .values_mut()
            .filter(|peer| peer.connect_by.is_some_and(|by| by <= now))
            .map(|peer| {
                peer.connect_by = None;
                (peer.id.clone(), peer.connected)
            })
            .collect();
        for (who, had_connected) in expired {
            Counters::up(&self.shared.counters.connections_failed);
            if let Some(slot) = self.rooms.get_mut(key) {
                slot.tell(&who, PeerEvent::Connection(ConnectionChange::Failed));
            }
            let reason = if had_connected {
                DepartureReason::MediaLost
            } else {
                DepartureReason::JoinTimeout
            };
            self.room_command(key, &Actor::Participant(who), Command::Leave { reason }, now);
        }
    }

    /// Shares each subscriber's estimated bitrate among its pictures.
    fn allocate(&mut self, key: usize, now: Instant) {
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        let mut facts = Vec::new();
        let mut desired = Vec::new();
        for peer in slot.peers.values_mut() {
            let mut claims = Vec::new();
            let mut wanted = Bitrate::ZERO;
            for (track, receive) in &peer.receives {
                let video = slot
                    .room
                    .track(track)
                    .is_some_and(|(_, info)| info.kind == MediaKind::Video && !info.muted);
                let Some(settings) = slot.routes.route(receive.route) else {
                    continue;
                };
                if !video || !settings.ready || !settings.enabled {
                    continue;
                }
                let layers = slot.routes.layer_bitrates(receive.route, now);
                let best = (0..=settings.max_layer)
                    .rev()
                    .find_map(|layer| layers[layer].map(|rate| (layer, rate)));
                let cost = best.map_or(ASSUMED[settings.max_layer], |(layer, rate)| {
                    rate.max(ASSUMED[layer])
                });
                wanted = wanted.saturating_add(cost);
                claims.push(Claim {
                    route: receive.route,
                    priority: receive.priority,
                    max_layer: settings.max_layer,
                    layers,
                });
            }
            desired.push((peer.downlink(), wanted));
            let Some(estimate) = peer.path.estimate_bps else {
                continue;
            };
            for verdict in peer
                .allocator
                .allocate(&mut claims, Bitrate::from_bps(estimate), now)
            {
                slot.routes.grant(verdict.route, verdict.layer, now);
                let receive = peer
                    .receives
                    .iter_mut()
                    .find(|(_, receive)| receive.route == verdict.route);
                let Some((track, receive)) = receive else { continue };
                if receive.paused != verdict.layer.is_none() {
                    receive.paused = verdict.layer.is_none();
                    facts.push(Fact::StreamState {
                        subscriber: peer.id.clone(),
                        track: track.clone(),
                        paused: receive.paused,
                    });
                }
            }
        }
        for (session, wanted) in desired {
            if let Some(slot) = self.sessions.get_mut(session) {
                // Room for sound, retransmissions and the next step up.
                let wanted = Bitrate::from_bps(wanted.as_bps() * 5 / 4 + 300_000);
                slot.session.set_desired_bitrate(wanted);
                self.touch(session);
            }
        }
        for fact in facts {
            self.fact(key, fact, now);
        }
    }

    /// Tells the room how good everybody's connection is.
    fn report(&mut self, key: usize, now: Instant) {
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        if slot.next_report.is_none_or(|at| at > now) {
            return;
        }
        slot.next_report = (!slot.peers.is_empty()).then(|| now + REPORT);
        let reports: Vec<_> = slot
            .peers
            .values_mut()
            .filter(|peer| peer.connected)
            .map(|peer| {
                let (quality, score) = judge(&peer.path, peer.lost_since.is_some());
                peer.path.told = Some(quality);
                (peer.path.down_loss, peer.path.up_loss) = (0.0, 0.0);
                (peer.id.clone(), quality, score)
            })
            .collect();
        if !reports.is_empty() {
            self.fact(key, Fact::Quality(reports), now);
        }
    }
}

/// Judges a path by its worst direction. `Lost` is never said while signalling lives: clients take it for an order to
/// reconnect.
fn judge(path: &PathState, media_lost: bool) -> (ConnectionQuality, f32) {
    let loss_penalty = path.down_loss.max(path.up_loss) * 20.0;
    let delay_penalty = (path.rtt_ms - 250.0).max(0.0) / 250.0;
    let score = if media_lost {
        1.0
    } else {
        (5.0 - loss_penalty - delay_penalty).clamp(1.0, 5.0)
    };
    let quality = match score {
        score if score >= 4.2 => ConnectionQuality::Excellent,
        score if score >= 3.0 => ConnectionQuality::Good,
        _ => ConnectionQuality::Poor,
    };
    (quality, score)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_and_delay_lower_the_verdict_but_never_to_lost() {
        let path = |loss, rtt_ms| PathState {
            down_loss: loss,
            rtt_ms,
            ..PathState::default()
        };
        assert_eq!(judge(&path(0.0, 40.0), false).0, ConnectionQuality::Excellent);
        assert_eq!(judge(&path(0.06, 40.0), false).0, ConnectionQuality::Good);
        assert_eq!(judge(&path(0.2, 40.0), false).0, ConnectionQuality::Poor);
        assert_eq!(judge(&path(0.0, 900.0), false).0, ConnectionQuality::Poor);
        assert_eq!(judge(&path(1.0, 5_000.0), true).0, ConnectionQuality::Poor);
    }
}
