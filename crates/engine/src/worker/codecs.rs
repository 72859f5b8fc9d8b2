//! Which of a track's codecs each subscriber gets.

use std::time::Instant;

use slab::Slab;
use tertulia_forward::Routes;
use tertulia_model::{Codec, MediaKind, ParticipantId, TrackId};
use tertulia_room::TrackInfo;

use super::Worker;
use super::pump::GATHER;
use super::sessions::Sink;
use crate::peer::Receive;
use crate::room_slot::BoundTrack;

/// The codecs a subscriber may get a track in, best first.
pub(super) fn wished(track: &TrackInfo) -> Vec<Codec> {
    match (track.kind, track.codec) {
        (MediaKind::Audio, Some(Codec::Opus | Codec::Red) | None) if track.red => {
            vec![Codec::Red, Codec::Opus]
        }
        (MediaKind::Audio, Some(Codec::Red) | None) => vec![Codec::Opus],
        (_, Some(codec)) => [codec].into_iter().chain(track.backup_codec()).collect(),
        (MediaKind::Video, None) => vec![Codec::Vp8],
    }
}

/// Serves a subscriber from the codec that it can decode and is to have. Gives whether it can decode the backup only.
pub(super) fn choose(
    receive: &Receive,
    bound: &BoundTrack,
    sinks: &Slab<Sink>,
    routes: &mut Routes,
    now: Instant,
) -> bool {
    let (Some(sink), Some(backup)) = (sinks.get(receive.sink), &bound.backup) else {
        return false;
    };
    let takes = |codec: Option<Codec>| codec.is_some_and(|codec| sink.payload_type(codec).is_some());
    if !takes(bound.info.backup_codec()) {
        return false;
    }
    let only = !takes(bound.info.codec);
    // Who has a picture keeps it until the other is there.
    let better = || routes.is_alive(backup.key, now) || !routes.is_alive(bound.primary.key, now);
    if only || (receive.follows && better()) {
        routes.move_route(receive.route, backup.key, now);
    }
    only
}

impl Worker {
    /// Moves those to the backup codec who are to have it, as soon as it flows.
    pub(super) fn follow_backups(&mut self, key: usize, now: Instant) {
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        for peer in slot.peers.values() {
            let following = peer
                .receives
                .iter()
                .filter(|(_, receive)| receive.follows && receive.bound);
            for (track, receive) in following {
                let Some(bound) = slot.tracks.get_mut(track) else {
                    continue;
                };
                choose(receive, bound, &self.sinks, &mut slot.routes, now);
                let served = slot.routes.track_of(receive.route);
                if let Some(backup) = bound.backup.as_mut() {
                    backup.watched |= served != Some(backup.key);
                }
            }
        }
    }

    /// Has those who could decode nothing of a track asked again, where it has other codecs now.
    pub(super) fn offer_codecs(&mut self, key: usize, track: &TrackId, now: Instant) {
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        let Some(bound) = slot.tracks.get(track) else {
            return;
        };
        let codecs = wished(&bound.info);
        let mut asked: Vec<ParticipantId> = Vec::new();
        for peer in slot.peers.values_mut() {
            let session = peer.downlink();
            let Some(receive) = peer.receives.get_mut(track).filter(|receive| receive.failed) else {
                continue;
            };
            let Some(session) = self.sessions.get_mut(session) else {
                continue;
            };
            if session.session.set_tx_codecs(receive.tx, &codecs) {
                receive.failed = false;
                asked.push(peer.id.clone());
            }
        }
        for who in asked {
            if let Some(peer) = slot.peers.get_mut(&who) {
                peer.want_negotiation(now + GATHER);
            }
        }
    }
}
