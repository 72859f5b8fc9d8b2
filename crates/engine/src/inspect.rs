//! What somebody who looks for a fault wants to see: rooms, who is in them, over what, and at which rates.

use std::net::SocketAddr;
use std::time::Duration;

use tertulia_model::{
    Bitrate, MediaKind, ParticipantId, RoomId, RoomName, Source, TrackId, TransportProtocol,
};

use crate::message::PeerRole;

/// One room as one worker sees it. A room that is spread has a view for each worker; they have its id in common.
#[derive(Debug, Clone)]
pub struct RoomView {
    /// The room's life.
    pub id: RoomId,
    /// Its name.
    pub name: RoomName,
    /// The worker that looked.
    pub worker: usize,
    /// Whether the room's model is there.
    pub home: bool,
    /// Who is hosted there, ordered by id.
    pub peers: Vec<PeerView>,
}

/// A participant's media.
#[derive(Debug, Clone)]
pub struct PeerView {
    /// Who.
    pub id: ParticipantId,
    /// Whether the client has made an offer.
    pub offered: bool,
    /// Whether media has connected.
    pub connected: bool,
    /// How long nothing has arrived, where media is gone.
    pub lost: Option<Duration>,
    /// Its peer connections: one, or two.
    pub connections: Vec<ConnectionView>,
    /// What the path towards it is estimated to carry; `None` before it was measured.
    pub estimate: Option<Bitrate>,
    /// Share of packets towards it that are lost, 0 to 1.
    pub down_loss: f32,
    /// Share of packets from it that are lost, 0 to 1.
    pub up_loss: f32,
    /// What it publishes.
    pub publishes: Vec<PublishedView>,
    /// What it receives.
    pub receives: Vec<ReceivedView>,
}

/// One peer connection.
#[derive(Debug, Clone)]
pub struct ConnectionView {
    /// Which of them.
    pub role: PeerRole,
    /// Whether ICE and DTLS are done.
    pub connected: bool,
    /// Over what media goes, with our address and the peer's; `None` where it goes nowhere.
    pub path: Option<(TransportProtocol, SocketAddr, SocketAddr)>,
    /// Round-trip time, once measured.
    pub rtt: Option<Duration>,
}

/// A published track.
#[derive(Debug, Clone)]
pub struct PublishedView {
    /// The track.
    pub track: TrackId,
    /// What it shows.
    pub source: Source,
    /// Sound or picture.
    pub kind: MediaKind,
    /// Whether its publisher has muted it.
    pub muted: bool,
    /// Whether it was found in the publisher's connection.
    pub bound: bool,
    /// What flows of each layer, lowest first; `None` where nothing does.
    pub layers: Vec<Option<Bitrate>>,
}

/// A track as a subscriber gets it.
#[derive(Debug, Clone)]
pub struct ReceivedView {
    /// The track.
    pub track: TrackId,
    /// Whose it is.
    pub publisher: ParticipantId,
    /// What it shows.
    pub source: Source,
    /// Sound or picture.
    pub kind: MediaKind,
    /// Whether its section is negotiated.
    pub bound: bool,
    /// Whether the subscriber cannot take it, for want of a codec in common.
    pub failed: bool,
    /// Whether the subscriber wants it now.
    pub enabled: bool,
    /// Highest layer it wants.
    pub max_layer: usize,
    /// Whether it is held back because the path carries no more.
    pub paused: bool,
    /// The layer sent now; `None` before its first keyframe.
    pub layer: Option<usize>,
}
