use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use bytes::Bytes;
use tertulia_model::{
    Candidate, ClientFamily, Identity, Mid, ParticipantId, PeerSpec, RoomId, RoomName, TrackId,
};
use tertulia_room::{
    Actor, Admission, Command, Event, History, NewParticipant, ParticipantInfo, Refusal, Reply, RoomInfo,
    RoomSettings, RoomSnapshot, Settlement, Ticket,
};
use tokio::sync::{mpsc, oneshot};

use crate::handshake::Errand;
use crate::inspect::RoomView;
use crate::net::datagrams::Datagrams;
use crate::spread::{Relaying, ToHome, ToStage};

/// Whether a participant has one peer connection or two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerMode {
    /// One connection both ways; the client alone makes offers.
    Single,
    /// One connection the client publishes on and offers for, and one we offer for and it subscribes on.
    Dual,
}

/// Which of a participant's connections is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerRole {
    /// The single one, or the publishing one of two.
    Primary,
    /// The subscribing one of two.
    Subscriber,
}

/// What a door knows about the client's media.
#[derive(Debug, Clone)]
pub struct MediaSetup {
    /// One connection or two.
    pub mode: PeerMode,
    /// Which implementation.
    pub family: ClientFamily,
    /// Whether to answer as an ICE-lite agent.
    pub ice_lite: bool,
}

/// The data channels a participant and the server share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChannelLabel {
    /// `_reliable`: ordered and retransmitted.
    Reliable,
    /// `_lossy`: neither.
    Lossy,
    /// `_data_track`: unordered frames.
    DataTrack,
}

impl ChannelLabel {
    /// All of them.
    pub const ALL: [ChannelLabel; 3] = [Self::Reliable, Self::Lossy, Self::DataTrack];

    /// The channel's label on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reliable => "_reliable",
            Self::Lossy => "_lossy",
            Self::DataTrack => "_data_track",
        }
    }

    /// Reads a label.
    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == label)
    }
}

/// How a media connection changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionChange {
    /// Connected for the first time.
    Connected,
    /// Nothing arrives any more; it may come back.
    Lost,
    /// It came back.
    Recovered,
    /// It did not come back in time. The participant is about to be removed.
    Failed,
}

/// What one participant's door receives.
#[derive(Debug, Clone)]
pub enum PeerEvent {
    /// Something happened in the room.
    Room(Arc<Event>),
    /// Our offer for the subscribing connection, with the track of each section we send on.
    Offer {
        /// The description.
        spec: Box<PeerSpec>,
        /// Complete map of sections to tracks.
        bindings: Vec<(Mid, TrackId)>,
    },
    /// Single mode: ask the client for a new offer with this many more receiving sections; zero and zero ask for a
    /// new offer only.
    SectionsNeeded {
        /// More audio sections.
        audio: usize,
        /// More video sections.
        video: usize,
    },
    /// A message on a data channel.
    Channel {
        /// Which channel.
        label: ChannelLabel,
        /// The message.
        contents: Bytes,
    },
    /// A data channel is open in both directions.
    ChannelOpen {
        /// Which channel.
        label: ChannelLabel,
    },
    /// The media connection changed.
    Connection(ConnectionChange),
}

/// The answer to an offer.
#[derive(Debug, Clone)]
pub struct Negotiated {
    /// Our description.
    pub answer: PeerSpec,
    /// Complete map of sections to the tracks we send on them.
    pub bindings: Vec<(Mid, TrackId)>,
}

/// Why a description was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NegotiationFailure {
    /// The participant or its room is gone.
    #[error("the participant is not in the room")]
    Gone,
    /// The description makes no sense here; the peer's fault.
    #[error("description refused: {0}")]
    Refused(String),
}

/// Where datagrams come from that a worker did not receive itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Another worker behind the same port.
    Worker(usize),
    /// The TURN server: their sources are relayed addresses.
    Turn,
}

/// What a worker is told.
pub(crate) enum ToWorker {
    OpenRoom {
        id: RoomId,
        name: RoomName,
        settings: RoomSettings,
        seed: [u8; 32],
        /// What the room begins with, where rooms are kept; `None` inside where that is not known.
        kept: Option<Option<Box<History>>>,
        done: oneshot::Sender<()>,
    },
    Command {
        room: RoomId,
        actor: Actor,
        command: Command,
        reply: oneshot::Sender<Result<Reply, Refusal>>,
    },
    Join {
        room: RoomId,
        who: Box<NewParticipant>,
        media: MediaSetup,
        events: mpsc::Sender<PeerEvent>,
        /// Also told: the worker that hosts the newcomer.
        reply: oneshot::Sender<Result<(Reply, usize), Refusal>>,
    },
    Offer {
        room: RoomId,
        who: ParticipantId,
        offer: Box<PeerSpec>,
        reply: oneshot::Sender<Result<Negotiated, NegotiationFailure>>,
    },
    Introduce {
        room: RoomId,
        who: ParticipantId,
        reply: oneshot::Sender<PeerSpec>,
    },
    Answer {
        room: RoomId,
        who: ParticipantId,
        answer: Box<PeerSpec>,
        reply: oneshot::Sender<Result<(), NegotiationFailure>>,
    },
    Candidate {
        room: RoomId,
        who: ParticipantId,
        role: PeerRole,
        candidate: Candidate,
    },
    RestartSubscriber {
        room: RoomId,
        who: ParticipantId,
    },
    SendChannel {
        room: RoomId,
        who: ParticipantId,
        label: ChannelLabel,
        contents: Bytes,
    },
    Observe {
        room: RoomId,
        events: mpsc::Sender<Arc<Event>>,
        reply: oneshot::Sender<RoomSnapshot>,
    },
    /// Follow a room as a participant hears it.
    Follow {
        room: RoomId,
        who: ParticipantId,
        events: mpsc::Sender<Arc<Event>>,
        reply: oneshot::Sender<Result<RoomSnapshot, Refusal>>,
    },
    /// Follow a room from one of its breakouts.
    FollowAway {
        room: RoomId,
        who: Identity,
        events: mpsc::Sender<Arc<Event>>,
        reply: oneshot::Sender<Result<Reply, Refusal>>,
    },
    /// Follow a room from its lobby.
    Wait {
        room: RoomId,
        who: Identity,
        events: mpsc::Sender<Arc<Event>>,
        reply: oneshot::Sender<Result<Admission, Refusal>>,
    },
    ListRooms {
        reply: oneshot::Sender<Vec<RoomInfo>>,
    },
    Inspect {
        room: Option<RoomName>,
        reply: oneshot::Sender<Vec<RoomView>>,
    },
    TcpStream {
        stream: TcpStream,
        remote: SocketAddr,
        local: SocketAddr,
        first_frame: Vec<u8>,
    },
    /// Datagrams for sessions here.
    Datagrams {
        from: Origin,
        batch: Datagrams,
    },
    /// A session on another worker has proved to be behind an address whose datagrams arrive here.
    Steer {
        source: SocketAddr,
        worker: usize,
    },
    /// What became of a record.
    Settled {
        room: RoomId,
        ticket: Ticket,
        settlement: Settlement,
    },
    /// A handshake is back.
    Handshake(Errand),
    /// What a room's home says to its stage here.
    Stage {
        room: RoomId,
        message: ToStage,
    },
    /// What a stage says to its room here.
    Home {
        room: RoomId,
        from: usize,
        message: ToHome,
    },
    /// Media of a room that is on several workers.
    Relay(Relaying),
    /// Another worker's thread has ended.
    WorkerLost {
        index: usize,
    },
    Shutdown {
        done: oneshot::Sender<()>,
    },
    Stop,
    /// Panics in a room's turn.
    #[cfg(test)]
    Panic {
        room: RoomId,
    },
}

/// Splits what [`tertulia_room::Room`] answers to a join.
pub(crate) fn joined(reply: Reply) -> Option<(ParticipantInfo, Vec<ParticipantInfo>, RoomInfo)> {
    match reply {
        Reply::Joined {
            participant,
            others,
            room,
        } => Some((*participant, others, *room)),
        _ => None,
    }
}
