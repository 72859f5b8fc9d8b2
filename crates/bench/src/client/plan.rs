//! What a client is to do, and what it reports.

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use crate::light::Field;
use crate::media::{AudioProfile, VideoProfile};
use crate::peer::Identity;
use crate::signalling::Who;
use crate::sink::Seen;

/// What a client does.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Number of the client.
    pub index: u32,
    /// Who it is and where it goes.
    pub who: Who,
    /// Clients that take turns to speak.
    pub speakers: u32,
    /// Audio it publishes.
    pub audio: Option<AudioProfile>,
    /// Videos it publishes, each a track.
    pub videos: Vec<VideoProfile>,
    /// What it watches.
    pub layout: Layout,
    /// Whether its tracks stay silent.
    pub silent: bool,
    /// What it leaves after; `None` stays until the end.
    pub until: Option<Until>,
    /// Whether it stops layers that nobody watches, if the server says so.
    pub dynacast: bool,
    /// Seed of sequence numbers, times and ids.
    pub seed: u64,
}

/// What a client that only passes by waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Its media connection.
    Connected,
    /// The first packet of somebody.
    Packet,
    /// A key frame of somebody that begins.
    KeyFrame,
}

/// How large remote videos are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// Nothing is said to the server.
    Unsaid,
    /// All at 640×360.
    Grid,
    /// One at 1280×720, the others at 320×180.
    Speaker {
        /// Identity of the large one.
        large: String,
    },
}

impl Layout {
    pub(super) fn size(&self, identity: &str) -> Option<(u32, u32)> {
        match self {
            Self::Unsaid => None,
            Self::Grid => Some((640, 360)),
            Self::Speaker { large } if large == identity => Some((1280, 720)),
            Self::Speaker { .. } => Some((320, 180)),
        }
    }
}

/// What all clients are to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Join, publish and receive, without counting.
    Settle,
    /// Count.
    Measure,
    /// Count no more.
    Rest,
    /// Leave.
    Stop,
}

/// How long a client's joining took, from the moment its token was made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Joining {
    /// Until the server let it in.
    pub joined: Option<Duration>,
    /// Until media could flow.
    pub connected: Option<Duration>,
    /// Until the first packet of somebody came.
    pub first_packet: Option<Duration>,
    /// Until the first key frame of somebody began.
    pub first_key_frame: Option<Duration>,
}

/// What a client did and saw.
#[derive(Debug, Clone)]
pub struct ClientReport {
    /// Its joining.
    pub joining: Joining,
    /// What it received in the measured time.
    pub seen: Seen,
    /// Media packets it sent in the measured time.
    pub sent: u64,
    /// Key frames it made altogether.
    pub key_frames: u64,
    /// Datagrams its own socket did not take: a measurement with any of them says little.
    pub unsent: u64,
    /// Offers it made.
    pub offers: u32,
}

/// What a scenario hears from its clients while they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Milestone {
    /// Media may flow.
    Connected(u32),
    /// The first packet of somebody came.
    FirstPacket(u32),
}

/// What clients of a scenario share.
#[derive(Clone)]
pub struct Stage {
    /// Zero of all stamps.
    pub epoch: Instant,
    /// What to do.
    pub phase: watch::Receiver<Phase>,
    /// Where milestones go.
    pub milestones: mpsc::UnboundedSender<Milestone>,
    /// The certificate all use.
    pub identity: Identity,
    /// Where media of light clients is handled; `None` leaves all of it to str0m.
    pub field: Option<Field>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speaker_layout_shows_one_large_and_the_others_small() {
        let layout = Layout::Speaker {
            large: "b".to_owned(),
        };
        assert_eq!(layout.size("b"), Some((1280, 720)));
        assert_eq!(layout.size("a"), Some((320, 180)));
        assert_eq!(Layout::Grid.size("a"), Some((640, 360)));
        assert_eq!(Layout::Unsaid.size("a"), None);
    }
}
