use std::time::{Duration, Instant};

use tertulia_forward::{Loudness, TrackKey};
use tertulia_model::ParticipantId;
use tertulia_room::{Actor, Command, ConnectionQuality, DepartureReason, Fact};

use super::allocate::RECENT_SPEAKERS;
use super::{Worker, room_now};
use crate::message::{ConnectionChange, PeerEvent};
use crate::peer::PathState;
use crate::room_slot::RoomSlot;
use crate::stats::Counters;

/// How often bitrates are shared out where no estimate fell.
const ALLOCATION: Duration = Duration::from_millis(500);
/// How often connection quality is judged.
const REPORT: Duration = Duration::from_secs(5);
impl RoomSlot {
    /// Whose the loud tracks are, loudest first; who publishes several counts once.
    fn speakers_of(&self, speaking: Vec<Loudness<TrackKey>>) -> Vec<(ParticipantId, u8)> {
        let mut speakers: Vec<(ParticipantId, u8)> = Vec::new();
        for loudness in speaking {
            let track = self.track_of(loudness.who);
            let Some(publisher) = track.map(|(track, _)| &track.publisher) else {
                continue;
            };
            if speakers.iter().all(|(known, _)| known != publisher) {
                speakers.push((publisher.clone(), loudness.level));
            }
        }
        speakers
    }

    /// Moves those who speak to the front of the recent speakers.
    pub(super) fn remember_speakers(&mut self, speakers: &[(ParticipantId, u8)]) {
        for (who, _) in speakers.iter().rev() {
            self.recent_speakers.retain(|known| known != who);
            self.recent_speakers.insert(0, who.clone());
        }
        self.recent_speakers.truncate(RECENT_SPEAKERS);
    }

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
        if let Some(room) = slot.room_mut() {
            room.handle_timeout(room_now(now));
        }
        slot.routes.handle_timeout(now);
        if let Some(speaking) = slot.speakers.judge(now) {
            let speakers = slot.speakers_of(speaking);
            self.hear_speakers(key, self.index, speakers, now);
        }
        self.pump(key, now);
        self.negotiate(key, now);
        self.expire(key, now);
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        if slot.next_allocation.is_some_and(|at| at <= now) {
            // What nobody sends needs no sharing out; the next packet starts it again.
            let flows = !slot.peers.is_empty() && slot.routes.is_flowing(now);
            slot.next_allocation = flows.then(|| now + ALLOCATION);
            self.follow_backups(key, now);
            self.allocate_all(key, now);
        }
        self.report(key, now);
        self.relay_timeout(key, now);
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
