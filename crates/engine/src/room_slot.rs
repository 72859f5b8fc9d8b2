use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use tertulia_forward::{EncodingSet, Relay, Routes, SpeakerDetector, TrackKey, TrackNumber};
use tertulia_model::{Identity, MediaKind, ParticipantId, RoomId, RoomName, TrackId};
use tertulia_room::{
    Announced, Audience, Event, Matched, Refusal, Reply, Room, RouteChange, Ticket, TrackInfo,
};
use tertulia_session::RxId;
use tokio::sync::{mpsc, oneshot};

use crate::message::PeerEvent;
use crate::peer::Peer;

/// A room on a worker: its model or the way to it, its routes and the peers that carry them out.
pub(crate) struct RoomSlot {
    pub(crate) id: RoomId,
    pub(crate) name: RoomName,
    pub(crate) control: Control,
    /// The room this is a breakout of, and the breakouts it opened.
    pub(crate) parent: Option<RoomName>,
    pub(crate) breakouts: Vec<RoomName>,
    pub(crate) routes: Routes,
    /// What other workers get of the tracks published here.
    pub(crate) relay: Relay,
    pub(crate) speakers: SpeakerDetector<TrackKey>,
    /// Who spoke last, the latest first.
    pub(crate) recent_speakers: Vec<ParticipantId>,
    pub(crate) peers: BTreeMap<ParticipantId, Peer>,
    pub(crate) tracks: BTreeMap<TrackId, BoundTrack>,
    pub(crate) by_number: BTreeMap<TrackNumber, TrackKey>,
    /// How many of the tracks are published on other workers.
    pub(crate) mirrors: usize,
    pub(crate) observers: Vec<mpsc::Sender<Arc<Event>>>,
    pub(crate) followers: Vec<Follower>,
    /// Participants whose queue was full or whose door is gone, to be let go after the turn.
    pub(crate) unreachable: Vec<(ParticipantId, bool)>,
    /// Routes of somebody whose sessions are about to be opened.
    pub(crate) waiting_routes: Vec<RouteChange>,
    pub(crate) next_allocation: Option<Instant>,
    pub(crate) next_report: Option<Instant>,
    /// When other workers are told what flows here.
    pub(crate) next_rates: Option<Instant>,
    /// When other workers are told again what is wanted of them.
    pub(crate) next_demands: Option<Instant>,
    /// When the room must be looked at again, as far as a timer is set.
    pub(crate) scheduled: Option<Instant>,
}

/// Where the room's model is.
pub(crate) enum Control {
    /// Here.
    Home(Box<Home>),
    /// On another worker; here is one of its stages.
    Away(Away),
}

/// A room's model with what only its own worker knows of it.
pub(crate) struct Home {
    pub(crate) room: Room,
    /// Who is hosted on other workers.
    pub(crate) hosted: BTreeMap<ParticipantId, Hosted>,
    /// The workers with a stage of this room.
    pub(crate) stages: BTreeSet<usize>,
    /// Who of the hosted has announced something its stage does not know of yet.
    pub(crate) stale: BTreeSet<ParticipantId>,
    /// Who speaks, by worker.
    pub(crate) voices: BTreeMap<usize, Vec<(ParticipantId, u8)>>,
    /// Number of the track added last; the next one is its backup codec's.
    pub(crate) last_number: u32,
    /// Who waits for what became of a record.
    pub(crate) awaiting: BTreeMap<Ticket, Vec<oneshot::Sender<Result<Reply, Refusal>>>>,
}

/// The way from a stage to its room.
pub(crate) struct Away {
    pub(crate) home: usize,
    /// What those hosted here have announced.
    pub(crate) announced: BTreeMap<ParticipantId, Announced>,
}

/// Somebody hosted on another worker.
pub(crate) struct Hosted {
    pub(crate) worker: usize,
    pub(crate) events: mpsc::Sender<PeerEvent>,
}

/// A page that follows the room as somebody hears it.
pub(crate) struct Follower {
    pub(crate) listener: Listener,
    pub(crate) events: mpsc::Sender<Arc<Event>>,
}

/// As whom somebody follows a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Listener {
    /// A participant.
    Participant(ParticipantId),
    /// Somebody in the lobby.
    Waiting(Identity),
    /// Somebody in one of the room's breakouts.
    Away(Identity),
}

impl Listener {
    /// Whether they are among an audience.
    pub(crate) fn hears(&self, audience: &Audience) -> bool {
        match (self, audience) {
            (Self::Participant(_), Audience::Everybody) => true,
            (Self::Participant(own), Audience::AllBut(but)) => own != but,
            (Self::Participant(own), Audience::One(one)) => own == one,
            (Self::Participant(own), Audience::Some(some)) => some.contains(own),
            (Self::Waiting(own), Audience::Waiting(one)) | (Self::Away(own), Audience::Away(one)) => {
                own == one
            }
            (Self::Participant(_), Audience::Observers | Audience::Waiting(_) | Audience::Away(_))
            | (Self::Waiting(_) | Self::Away(_), _) => false,
        }
    }
}

/// A published track as far as media is concerned.
pub(crate) struct BoundTrack {
    pub(crate) publisher: ParticipantId,
    pub(crate) info: TrackInfo,
    /// Worker that hosts its publisher.
    pub(crate) host: usize,
    pub(crate) primary: Medium,
    /// What is sent for those who cannot decode the primary codec, where such was announced.
    pub(crate) backup: Option<Medium>,
}

/// A track in one codec.
pub(crate) struct Medium {
    pub(crate) key: TrackKey,
    pub(crate) number: TrackNumber,
    /// The publisher's session and what it sends there, once bound.
    pub(crate) source: Option<(usize, RxId)>,
    /// What was last asked of the publisher's worker, where that is another.
    pub(crate) demanded: Option<EncodingSet>,
    /// Whether somebody here is to get it as soon as it flows.
    pub(crate) watched: bool,
}

impl BoundTrack {
    pub(crate) fn media(&self) -> impl Iterator<Item = &Medium> {
        [&self.primary].into_iter().chain(&self.backup)
    }

    pub(crate) fn media_mut(&mut self) -> impl Iterator<Item = &mut Medium> {
        [&mut self.primary].into_iter().chain(&mut self.backup)
    }
}

impl RoomSlot {
    pub(crate) fn new(id: RoomId, name: RoomName, room: Room) -> Self {
        let home = Home {
            room,
            hosted: BTreeMap::new(),
            stages: BTreeSet::new(),
            stale: BTreeSet::new(),
            voices: BTreeMap::new(),
            last_number: 0,
            awaiting: BTreeMap::new(),
        };
        Self::with(id, name, Control::Home(Box::new(home)))
    }

    /// A stage of a room that is on worker `home`.
    pub(crate) fn stage(id: RoomId, name: RoomName, home: usize) -> Self {
        let announced = BTreeMap::new();
        Self::with(id, name, Control::Away(Away { home, announced }))
    }

    fn with(id: RoomId, name: RoomName, control: Control) -> Self {
        Self {
            id,
            name,
            control,
            parent: None,
            breakouts: Vec::new(),
            routes: Routes::default(),
            relay: Relay::default(),
            speakers: SpeakerDetector::default(),
            recent_speakers: Vec::new(),
            peers: BTreeMap::new(),
            tracks: BTreeMap::new(),
            by_number: BTreeMap::new(),
            mirrors: 0,
            observers: Vec::new(),
            followers: Vec::new(),
            unreachable: Vec::new(),
            waiting_routes: Vec::new(),
            next_allocation: None,
            next_report: None,
            next_rates: None,
            next_demands: None,
            scheduled: None,
        }
    }

    pub(crate) fn home(&self) -> Option<&Home> {
        match &self.control {
            Control::Home(home) => Some(home),
            Control::Away(_) => None,
        }
    }

    pub(crate) fn home_mut(&mut self) -> Option<&mut Home> {
        match &mut self.control {
            Control::Home(home) => Some(home),
            Control::Away(_) => None,
        }
    }

    /// The room's model, where it is here.
    pub(crate) fn room(&self) -> Option<&Room> {
        self.home().map(|home| &home.room)
    }

    /// The room's model, where it is here.
    pub(crate) fn room_mut(&mut self) -> Option<&mut Room> {
        self.home_mut().map(|home| &mut home.room)
    }

    /// The worker the room's model is on, where it is another.
    pub(crate) fn away(&self) -> Option<usize> {
        match &self.control {
            Control::Home(_) => None,
            Control::Away(away) => Some(away.home),
        }
    }

    /// The way to a participant's door, wherever it is hosted.
    pub(crate) fn door(&self, who: &ParticipantId) -> Option<&mpsc::Sender<PeerEvent>> {
        let hosted = || Some(&self.home()?.hosted.get(who)?.events);
        self.peers.get(who).map(|peer| &peer.events).or_else(hosted)
    }

    /// Everybody this worker delivers to: those it hosts and, at home, those hosted elsewhere.
    pub(crate) fn everybody(&self) -> Vec<ParticipantId> {
        let hosted = self.home().into_iter().flat_map(|home| home.hosted.keys());
        self.peers.keys().chain(hosted).cloned().collect()
    }

    /// The announced tracks that newly offered sections carry, in the sections' order.
    pub(crate) fn match_sections(
        &self,
        publisher: &ParticipantId,
        sections: &[(MediaKind, Option<&str>)],
    ) -> Vec<Option<Matched>> {
        match &self.control {
            Control::Home(home) => home.room.match_sections(publisher, sections),
            Control::Away(away) => match away.announced.get(publisher) {
                Some(announced) => announced.match_sections(sections),
                None => vec![None; sections.len()],
            },
        }
    }

    /// Makes a place for a track in one codec, published here or on another worker.
    pub(crate) fn add_medium(&mut self, kind: MediaKind, number: TrackNumber, mirror: bool) -> Medium {
        let key = if mirror {
            self.routes.add_mirror(kind)
        } else {
            self.routes.add_track(kind)
        };
        self.by_number.insert(number, key);
        Medium {
            key,
            number,
            source: None,
            demanded: None,
            watched: false,
        }
    }

    /// The track that is sent under a key, and in which codec of it.
    pub(crate) fn track_of(&self, key: TrackKey) -> Option<(&BoundTrack, &Medium)> {
        self.tracks
            .values()
            .find_map(|track| Some((track, track.media().find(|medium| medium.key == key)?)))
    }

    /// Whether packets have brought forward what is due.
    pub(crate) fn is_stirred(&mut self) -> bool {
        let voices = self.speakers.poll_timeout();
        let sooner = voices.is_some_and(|at| self.scheduled.is_none_or(|scheduled| at < scheduled));
        self.routes.take_stirred() || sooner
    }

    /// When something of this room is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let peers = self
            .peers
            .values()
            .flat_map(|peer| [peer.negotiate_at, peer.offer_expected_until, peer.connect_by]);
        peers
            .chain([
                self.room().and_then(Room::poll_timeout),
                self.routes.poll_timeout(),
                self.speakers.poll_timeout(),
                self.next_allocation,
                self.next_report,
                self.next_rates,
                self.next_demands,
            ])
            .flatten()
            .min()
    }
}
