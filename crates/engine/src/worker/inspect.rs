use std::time::Instant;

use tertulia_model::RoomName;

use super::Worker;
use crate::inspect::{ConnectionView, PeerView, PublishedView, ReceivedView, RoomView};
use crate::message::PeerRole;
use crate::peer::{Peer, Receive};
use crate::room_slot::RoomSlot;

impl Worker {
    /// Looks at every room here, or at one.
    pub(super) fn inspect(&self, only: Option<&RoomName>, now: Instant) -> Vec<RoomView> {
        let slots = self.rooms.iter().map(|(_, slot)| slot);
        slots
            .filter(|slot| only.is_none_or(|only| slot.name == *only))
            .map(|slot| RoomView {
                id: slot.id.clone(),
                name: slot.name.clone(),
                worker: self.index,
                home: slot.home().is_some(),
                peers: slot
                    .peers
                    .values()
                    .map(|peer| self.view(slot, peer, now))
                    .collect(),
            })
            .collect()
    }

    fn view(&self, slot: &RoomSlot, peer: &Peer, now: Instant) -> PeerView {
        let roles = [PeerRole::Primary, PeerRole::Subscriber];
        let connections = roles.into_iter().filter_map(|role| {
            let session = &self.sessions.get(peer.session(role)?)?.session;
            Some(ConnectionView {
                role,
                connected: session.is_connected(),
                path: session
                    .media_path()
                    .map(|path| (path.protocol, path.source, path.destination)),
                rtt: session.rtt(),
            })
        });
        let published = slot.tracks.iter().filter(|(_, bound)| bound.publisher == peer.id);
        PeerView {
            id: peer.id.clone(),
            offered: peer.offered,
            connected: peer.connected,
            lost: peer.lost_since.map(|since| now.saturating_duration_since(since)),
            connections: connections.collect(),
            estimate: peer.path.estimate_bps.map(tertulia_model::Bitrate::from_bps),
            down_loss: peer.path.recent_loss,
            up_loss: peer.path.up_loss,
            publishes: published
                .map(|(track, bound)| PublishedView {
                    track: track.clone(),
                    source: bound.info.source,
                    kind: bound.info.kind,
                    muted: slot.routes.is_muted(bound.primary.key),
                    bound: bound.primary.source.is_some(),
                    layers: slot.routes.layers(bound.primary.key, now),
                })
                .collect(),
            receives: peer
                .receives
                .iter()
                .map(|(track, receive)| received(slot, track.clone(), receive))
                .collect(),
        }
    }
}

fn received(slot: &RoomSlot, track: tertulia_model::TrackId, receive: &Receive) -> ReceivedView {
    let settings = slot.routes.route(receive.route);
    ReceivedView {
        track,
        publisher: receive.publisher.clone(),
        source: receive.source,
        kind: receive.kind,
        bound: receive.bound,
        failed: receive.failed,
        enabled: settings.is_some_and(|settings| settings.enabled),
        max_layer: settings.map_or(0, |settings| settings.max_layer),
        paused: receive.paused,
        layer: slot.routes.current_layer(receive.route),
    }
}
