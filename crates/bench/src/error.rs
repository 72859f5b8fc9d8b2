//! Why a measurement could not be made.

use std::io;

/// Why a client could not do its part.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The server's address is none we can use.
    #[error("`{0}` is no ws:// address of a server")]
    Address(String),
    /// No token could be made.
    #[error("cannot sign a token")]
    Token(#[source] tertulia_auth::AuthError),
    /// The server does not take the connection.
    #[error("cannot open the signalling connection")]
    Connect(#[source] Box<tokio_tungstenite::tungstenite::Error>),
    /// The server refuses, or breaks the protocol.
    #[error("signalling: {0}")]
    Signalling(String),
    /// The server ended the stay.
    #[error("the server ended the stay: {0}")]
    Ended(String),
    /// The conversation about media failed.
    #[error("WebRTC")]
    Rtc(#[from] str0m::RtcError),
    /// The server's description cannot be read.
    #[error("the server's description: {0}")]
    Description(String),
    /// The local candidate is refused.
    #[error("candidate: {0}")]
    Candidate(String),
    /// No certificate could be made.
    #[error("no certificate")]
    Certificate,
    /// The connection is there, but not the keys of its media.
    #[error("the handshake left no SRTP keys that are understood")]
    Keys,
    /// A socket failed.
    #[error("socket")]
    Io(#[from] io::Error),
    /// Something did not happen in time.
    #[error("{0} did not happen within {1} s")]
    TooLate(&'static str, u64),
}

/// Why a scenario gave no figures.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// A client failed.
    #[error("client {0}")]
    Client(u32, #[source] ClientError),
    /// A client's task broke down.
    #[error("a client's task broke down")]
    Task(#[source] tokio::task::JoinError),
    /// The measured server could not be started, watched or stopped.
    #[error("the measured server: {0}")]
    Server(String),
    /// A file could not be read or written.
    #[error("{0}")]
    File(String, #[source] io::Error),
    /// The kernel refuses what the floor is measured with.
    #[error("the floor could not be measured")]
    Floor(#[source] io::Error),
    /// API key or room name are not acceptable.
    #[error("{0}")]
    Argument(String),
}
