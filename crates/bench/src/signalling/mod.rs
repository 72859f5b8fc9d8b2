//! What differs from server to server: how a client joins, offers and says what it wants to see.
//!
//! Media is the same for all, so that servers can be compared: a server needs one implementation of [`Signalling`]
//! and nothing else. Usually the client is the one who offers.

mod janus;
mod livekit;

use std::net::IpAddr;

pub use janus::{Janus, JanusPlace};
pub use livekit::{LiveKit, LiveKitPlace};

use crate::error::ClientError;

/// One client's conversation with a server.
pub trait Signalling: Sized + Send + 'static {
    /// Where the server is and what opens its door.
    type Place: Clone + Send + Sync + 'static;

    /// Whether a client joins with an offer, of sections to receive on and of data channels. Otherwise the offer that
    /// [`Signalling::join`] is given is empty, and the first comes with what it publishes, or from the server.
    const JOINS_WITH_OFFER: bool;

    /// Local address from which the server is reached.
    fn local_address(place: &Self::Place) -> impl Future<Output = Result<IpAddr, ClientError>> + Send;

    /// Joins with a first offer.
    fn join(
        place: &Self::Place,
        who: &Who,
        offer: String,
    ) -> impl Future<Output = Result<Self, ClientError>> + Send;

    /// Asks the server for something; never waits.
    ///
    /// # Errors
    /// When the connection is gone or does not keep up.
    fn request(&mut self, request: Request) -> Result<(), ClientError>;

    /// Waits for the next thing the server says; `None` when it has closed the connection. May be dropped and
    /// called again without loss.
    fn next(&mut self) -> impl Future<Output = Option<Signal>> + Send;

    /// Has the room's state told to somebody who is in it, as to a page that opens. Gives its size in bytes; `None` where the
    /// server has nothing of the kind.
    fn read_state(
        _place: &Self::Place,
        _who: &Who,
    ) -> impl Future<Output = Result<Option<usize>, ClientError>> + Send {
        std::future::ready(Ok(None))
    }

    /// Says good-bye and closes the connection.
    fn leave(self) -> impl Future<Output = ()> + Send;
}

/// Who joins what.
#[derive(Debug, Clone)]
pub struct Who {
    /// Name of the room.
    pub room: String,
    /// The client's identity.
    pub identity: String,
    /// Whether everything published is received without asking.
    pub subscribe: bool,
    /// Whether the server is told that sizes on screen follow.
    pub adaptive: bool,
}

/// What a client asks for.
#[derive(Debug, Clone)]
pub enum Request {
    /// Announces a track that the next offer will carry.
    Publish(LocalTrack),
    /// A new offer.
    Offer(String),
    /// The answer to the server's newest offer.
    Answer(String),
    /// A remote video is shown at this size.
    Show {
        /// The server's id of the track.
        track: String,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
}

/// A track of our own.
#[derive(Debug, Clone)]
pub struct LocalTrack {
    /// Our id of it: the track id in the offer.
    pub id: String,
    /// Simulcast layers with rid, width, height and bits per second, lowest first; empty for audio.
    pub layers: Vec<(&'static str, u16, u16, u32)>,
    /// Whether audio is sent redundantly.
    pub red: bool,
}

/// What a server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// The answer to the newest offer.
    Answer(String),
    /// An offer of the server's.
    Offer(String),
    /// The next offer should have this many more sections to receive on; zero asks for an offer alone.
    SectionsNeeded {
        /// For audio.
        audio: u32,
        /// For video.
        video: u32,
    },
    /// One of our tracks may be offered.
    Published {
        /// Our id.
        id: String,
        /// The server's id.
        track: String,
    },
    /// Tracks somebody else publishes.
    Tracks {
        /// Who.
        identity: String,
        /// The server's ids of the videos.
        videos: Vec<String>,
    },
    /// Somebody wants these layers of our track, and no others.
    Layers {
        /// The server's id.
        track: String,
        /// Names of the wanted layers.
        rids: Vec<String>,
    },
    /// The stay is over.
    Ended(String),
}
