use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use tertulia_forward::{Routes, SpeakerDetector, TrackKey};
use tertulia_model::{ParticipantId, RoomId, RoomName, TrackId};
use tertulia_room::{Event, Room, RouteChange};
use tertulia_session::RxId;
use tokio::sync::mpsc;

use crate::peer::Peer;

/// A room on its worker: the model, its routes and the peers that carry them out.
pub(crate) struct RoomSlot {
    pub(crate) id: RoomId,
    pub(crate) name: RoomName,
    pub(crate) room: Room,
    pub(crate) routes: Routes,
    pub(crate) speakers: SpeakerDetector<ParticipantId>,
    pub(crate) peers: BTreeMap<ParticipantId, Peer>,
    pub(crate) tracks: BTreeMap<TrackId, BoundTrack>,
    pub(crate) observers: Vec<mpsc::Sender<Arc<Event>>>,
    /// Participants whose queue was full or whose door is gone, to be let go after the turn.
    pub(crate) unreachable: Vec<(ParticipantId, bool)>,
    /// Routes of somebody whose sessions are about to be opened.
    pub(crate) waiting_routes: Vec<RouteChange>,
    pub(crate) next_allocation: Option<Instant>,
    pub(crate) next_report: Option<Instant>,
    /// When the room must be looked at again, as far as a timer is set.
    pub(crate) scheduled: Option<Instant>,
}

/// A published track as far as media is concerned.
pub(crate) struct BoundTrack {
    pub(crate) key: TrackKey,
    pub(crate) publisher: ParticipantId,
    /// The publisher's session and what it sends there, once bound.
    pub(crate) source: Option<(usize, RxId)>,
}

impl RoomSlot {
    pub(crate) fn new(id: RoomId, name: RoomName, room: Room) -> Self {
        Self {
            id,
            name,
            room,
            routes: Routes::default(),
            speakers: SpeakerDetector::default(),
            peers: BTreeMap::new(),
            tracks: BTreeMap::new(),
            observers: Vec::new(),
            unreachable: Vec::new(),
            waiting_routes: Vec::new(),
            next_allocation: None,
            next_report: None,
            scheduled: None,
        }
    }

    /// When something of this room is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let peers = self
            .peers
            .values()
            .flat_map(|peer| [peer.negotiate_at, peer.offer_expected_until, peer.connect_by]);
        peers
            .chain([
                self.room.poll_timeout(),
                self.routes.poll_timeout(),
                self.speakers.poll_timeout(),
                self.next_allocation,
                self.next_report,
            ])
            .flatten()
            .min()
    }
}
