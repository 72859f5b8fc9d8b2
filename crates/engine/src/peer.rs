use std::collections::BTreeMap;
use std::time::Instant;

use tertulia_forward::{Allocator, RouteKey};
use tertulia_model::{MediaKind, ParticipantId, Source, TrackId};
use tertulia_session::TxId;
use tokio::sync::mpsc;

use crate::message::{PeerEvent, PeerRole};

/// A participant as its worker knows it: the way to its door, its sessions and what it receives.
pub(crate) struct Peer {
    pub(crate) id: ParticipantId,
    pub(crate) events: mpsc::Sender<PeerEvent>,
    /// Key of the session the client publishes on (or its only one).
    pub(crate) primary: usize,
    /// Key of the session the client subscribes on, in dual mode.
    pub(crate) subscriber: Option<usize>,
    /// What it receives, by track.
    pub(crate) receives: BTreeMap<TrackId, Receive>,
    /// Whether the client has made an offer.
    pub(crate) offered: bool,
    /// When to ask for or make the next offer.
    pub(crate) negotiate_at: Option<Instant>,
    /// Until when a requested offer is waited for.
    pub(crate) offer_expected_until: Option<Instant>,
    /// Whether the next offer of the subscribing connection restarts ICE.
    pub(crate) restart: bool,
    pub(crate) connected: bool,
    /// Since when media is gone.
    pub(crate) lost_since: Option<Instant>,
    /// Until when media must have connected, once an offer was made.
    pub(crate) connect_by: Option<Instant>,
    pub(crate) allocator: Allocator<RouteKey>,
    pub(crate) path: PathState,
}

/// One track a peer receives.
pub(crate) struct Receive {
    pub(crate) tx: TxId,
    pub(crate) route: RouteKey,
    pub(crate) sink: usize,
    pub(crate) kind: MediaKind,
    pub(crate) source: Source,
    /// Whose it is.
    pub(crate) publisher: ParticipantId,
    /// What the subscriber asks for it; higher goes first.
    pub(crate) asked: u32,
    /// Whether it is to get the backup codec, though the primary might do.
    pub(crate) follows: bool,
    /// Whether plain sound goes with redundancy.
    pub(crate) wants_red: bool,
    pub(crate) bound: bool,
    pub(crate) failed: bool,
    pub(crate) paused: bool,
}

impl Receive {
    /// Its place when bitrate is shared: what the subscriber asks for, then screens, then who spoke lately, then the
    /// rest.
    pub(crate) fn rank(&self, recent_speakers: &[ParticipantId]) -> u32 {
        let by_source = match self.source {
            Source::ScreenShare | Source::ScreenShareAudio => 2,
            _ => u32::from(recent_speakers.contains(&self.publisher)),
        };
        self.asked.min(u32::from(u16::MAX)) * 4 + by_source
    }
}

/// What is measured of a peer's paths since the last report.
#[derive(Debug, Default)]
pub(crate) struct PathState {
    pub(crate) estimate_bps: Option<u64>,
    /// Whether anything was desired at the last allocation.
    pub(crate) desires: bool,
    /// Loss towards it, smoothed.
    pub(crate) recent_loss: f32,
    pub(crate) down_loss: f32,
    pub(crate) up_loss: f32,
    pub(crate) rtt_ms: f32,
    pub(crate) told: Option<tertulia_room::ConnectionQuality>,
}

impl Peer {
    /// Key of the session this peer receives media on.
    pub(crate) fn downlink(&self) -> usize {
        self.subscriber.unwrap_or(self.primary)
    }

    pub(crate) fn session(&self, role: PeerRole) -> Option<usize> {
        match role {
            PeerRole::Primary => Some(self.primary),
            PeerRole::Subscriber => self.subscriber,
        }
    }

    pub(crate) fn sessions(&self) -> impl Iterator<Item = usize> + use<> {
        [Some(self.primary), self.subscriber].into_iter().flatten()
    }
}
