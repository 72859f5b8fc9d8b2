//! What a client asks over its signalling connection, in no protocol's words.
//!
//! [`crate::convert`] fills these from wire messages, so that the operations never see a wire type.

use indexmap::IndexMap;
use tertulia_engine::PeerRole;
use tertulia_model::{Candidate, Identity, Layer, ParticipantId, TrackId, VideoSize};
use tertulia_room::{AudioFeatures, NewTrack, TrackSettings};

use crate::wire::Echo;

/// An offer or answer as text, with the number that pairs the two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Description {
    pub sdp: String,
    pub id: u32,
}

/// Somebody whom a publisher names in its permissions, by stay or by identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    Id(ParticipantId),
    Identity(Identity),
}

/// One entry of a publisher's permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedPermission {
    pub who: Named,
    pub all_tracks: bool,
    pub tracks: Vec<TrackId>,
}

/// What a client believes after it resumed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SyncState {
    /// Tracks it publishes; `None` for one whose id it does not tell.
    pub published: Vec<Option<TrackId>>,
    /// Tracks it subscribed or unsubscribed against the default, and which of both.
    pub subscription: Option<(Vec<TrackId>, bool)>,
    /// Tracks it has switched off.
    pub disabled: Vec<TrackId>,
    /// Per publisher, the last reliable message it has seen.
    pub received: Vec<(String, u32)>,
}

/// A condition a client wants to see, to test itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// It is told for so many seconds that it speaks.
    Speaking(u64),
    /// The node dies: no goodbye, and nobody remembers it.
    NodeFailure,
    /// It is asked to resume.
    Migration,
    /// The server leaves.
    ServerLeave,
    /// It is asked to connect afresh.
    FullReconnect,
    /// Its next resume is cut after the first messages.
    CutOnResume,
    /// Its next resumes are cut before any message.
    CutOnResumeSilently,
    /// Its media connection restarts.
    RestartMedia,
    /// A condition this server does not simulate.
    Unsupported,
}

/// A change of the own participant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SelfUpdate {
    pub request_id: u32,
    pub name: Option<String>,
    pub metadata: Option<String>,
    pub attributes: IndexMap<String, String>,
}

/// One thing a client asks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Signal {
    Offer(Description),
    Answer(Description),
    /// A candidate for one of its connections; `None` ends them.
    Trickle(PeerRole, Option<Candidate>),
    Publish(Box<NewTrack>, Echo),
    Mute {
        track: TrackId,
        muted: bool,
        echo: Echo,
    },
    Subscribe {
        tracks: Vec<TrackId>,
        on: bool,
    },
    TrackSettings {
        tracks: Vec<TrackId>,
        settings: TrackSettings,
    },
    UpdateTrack {
        track: TrackId,
        size: Option<VideoSize>,
        layers: Option<Vec<Layer>>,
        audio: Option<AudioFeatures>,
        echo: Option<Echo>,
    },
    Permissions {
        all_participants: bool,
        permissions: Vec<NamedPermission>,
    },
    Sync(SyncState),
    Simulate(Scenario),
    /// The old ping: its time in milliseconds.
    Ping(i64),
    /// The new ping: its time in milliseconds.
    PingRequest {
        timestamp_ms: i64,
    },
    UpdateSelf(SelfUpdate, Echo),
    Leave,
    /// Wants to publish or withdraw a data track, which this server does not carry.
    DataTrack(Echo),
    /// Wants to store or read a data blob, which this server does not keep.
    DataBlob {
        request_id: u32,
    },
    /// Nothing to do (subscriptions of data tracks, which nobody publishes here).
    Ignored,
}

/// Why a request was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestOutcome {
    Done,
    NotFound,
    NotAllowed,
    LimitExceeded,
    UnsupportedType,
    Invalid,
    Failed,
}

/// What a client shall do when the server says goodbye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeaveAction {
    /// Stay away.
    Disconnect,
    /// Reconnect to the same stay.
    Resume,
    /// Come again afresh.
    Reconnect,
}
