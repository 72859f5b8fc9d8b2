//! What the workers of one room say to each other where it spans several.
//!
//! The room's model is on its home worker; the media of a participant is on the worker that hosts it, on a stage of the
//! room. The home is told facts and tells route changes; these messages are kept until there is room for them. What
//! stages say to each other about media may be lost: packets as on any network, demand because it is said again.

use std::sync::Arc;

use tertulia_forward::{Burst, EncodingSet, TrackNumber, TrackRates};
use tertulia_model::{ParticipantId, RoomId, RoomName};
use tertulia_room::{Actor, Announced, Command, RouteChange, TrackInfo};
use tokio::sync::mpsc;

use crate::message::{MediaSetup, PeerEvent};

/// What a room's home tells one of its stages.
pub(crate) enum ToStage {
    /// Somebody of the room will be hosted here.
    Open { name: RoomName, home: usize },
    /// Host this participant.
    Host {
        who: ParticipantId,
        media: MediaSetup,
        events: mpsc::Sender<PeerEvent>,
        /// Sessions the home has added to this worker's load for it.
        reserved: usize,
    },
    /// A track exists.
    Added {
        number: TrackNumber,
        /// Worker that hosts its publisher.
        host: usize,
        publisher: ParticipantId,
        track: Box<TrackInfo>,
    },
    /// Anything else that changes.
    Change(RouteChange),
    /// What somebody hosted here has announced.
    Announced {
        who: ParticipantId,
        announced: Announced,
    },
    /// Who spoke last, the latest first.
    Speakers(Vec<ParticipantId>),
    /// Nothing of the room is wanted here any more.
    Close,
}

/// What a stage tells its room's home.
pub(crate) enum ToHome {
    /// A fact, or that somebody is to leave.
    Command { actor: Actor, command: Command },
    /// Who speaks of those hosted there, loudest first.
    Speakers(Vec<(ParticipantId, u8)>),
    /// The stage is gone, and everybody it hosted.
    Lost,
}

/// What stages say to each other about media.
pub(crate) enum Relaying {
    /// Packets of several rooms.
    Bursts(Vec<(RoomId, Arc<Burst>)>),
    /// What a worker wants of tracks published here.
    Demands {
        room: RoomId,
        from: usize,
        demands: Vec<(TrackNumber, Option<EncodingSet>)>,
    },
    /// A keyframe is needed.
    Keyframe {
        room: RoomId,
        number: TrackNumber,
        layer: usize,
    },
    /// What flows of the tracks that were asked for.
    Rates { room: RoomId, rates: Vec<TrackRates> },
}
