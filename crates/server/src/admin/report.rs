use serde::{Deserialize, Serialize};

/// The rooms of a server, as `/debug` shows them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Report {
    pub version: String,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    pub rooms: Vec<Room>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Room {
    pub name: String,
    pub id: String,
    pub participants: Vec<Participant>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Participant {
    pub id: String,
    pub identity: String,
    pub name: String,
    /// The media worker that carries them.
    pub worker: usize,
    /// Whether their client has made an offer.
    pub offered: bool,
    /// Whether media has connected.
    pub connected: bool,
    /// How long nothing has arrived from them, where media is gone.
    pub lost_ms: Option<u64>,
    pub connections: Vec<Connection>,
    /// What the path towards them is estimated to carry.
    pub estimate_bps: Option<u64>,
    /// Share of packets lost towards them, 0 to 1.
    pub down_loss: f32,
    /// Share of packets lost from them, 0 to 1.
    pub up_loss: f32,
    pub publishes: Vec<Published>,
    pub receives: Vec<Received>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Connection {
    /// `primary` or `subscriber`.
    pub role: String,
    pub connected: bool,
    /// `udp` or `tcp`; none where media goes nowhere.
    pub protocol: Option<String>,
    pub local: Option<String>,
    pub remote: Option<String>,
    pub rtt_ms: Option<u64>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Published {
    pub track: String,
    pub source: String,
    pub kind: String,
    pub codec: Option<String>,
    pub muted: bool,
    /// Whether it was found in their connection.
    pub bound: bool,
    /// What flows of each layer, lowest first; none where nothing does.
    pub layers_bps: Vec<Option<u64>>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Received {
    pub track: String,
    /// The publisher's identity.
    pub publisher: String,
    pub source: String,
    pub kind: String,
    /// Whether its section is negotiated.
    pub bound: bool,
    /// Whether there is no codec in common.
    pub failed: bool,
    /// Whether their client wants it now.
    pub enabled: bool,
    pub max_layer: usize,
    /// Whether it is held back because the path carries no more.
    pub paused: bool,
    /// The layer sent now; none before its first keyframe.
    pub layer: Option<usize>,
}
