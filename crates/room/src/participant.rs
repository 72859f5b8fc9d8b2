use indexmap::IndexMap;
use tertulia_model::{Identity, ParticipantId};

use crate::{Permission, Rights, Role, TrackInfo};

/// What kind of participant this is. None of them takes a special path through the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParticipantKind {
    /// A person in an app or a browser.
    Standard,
    /// An encoder.
    Ingress,
    /// A recorder.
    Egress,
    /// A telephone.
    Sip,
    /// A program that takes part.
    Agent,
}

/// How far a participant's media connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParticipantState {
    /// Joined the room, media not connected yet.
    Joined,
    /// Media connected.
    Active,
    /// Gone.
    Disconnected,
}

/// How good somebody's connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConnectionQuality {
    /// Nothing arrives.
    Lost,
    /// Heavy loss or delay.
    Poor,
    /// Usable with flaws.
    Good,
    /// No flaw worth telling.
    Excellent,
}

/// A participant as others may see them.
#[derive(Debug, Clone, PartialEq)]
pub struct ParticipantInfo {
    /// Id of this stay.
    pub id: ParticipantId,
    /// Who it is.
    pub identity: Identity,
    /// Display name.
    pub name: String,
    /// State of the media connection.
    pub state: ParticipantState,
    /// Kind.
    pub kind: ParticipantKind,
    /// Free text set by the token, the API or the participant.
    pub metadata: String,
    /// Free key-value pairs.
    pub attributes: IndexMap<String, String>,
    /// What the token's permissions allow as far as role and switches leave them.
    pub permission: Permission,
    /// What the token allows, or moderators made of it: what a renewed token says.
    pub base: Permission,
    /// Role in the room.
    pub role: Role,
    /// What they may do now.
    pub rights: Rights,
    /// Published tracks, live ones only, in order of publication.
    pub tracks: Vec<TrackInfo>,
    /// When they joined, milliseconds since the Unix epoch.
    pub joined_at_ms: u64,
    /// Rises with every change of this value.
    pub version: u32,
    /// Position in the queue of raised hands, with the time of raising (Unix milliseconds).
    pub hand_raised_at_ms: Option<u64>,
    /// Opaque capability number of the client, mirrored to peers.
    pub client_protocol: i32,
    /// Opaque capability numbers of the client, mirrored to peers.
    pub capabilities: Vec<i32>,
}
