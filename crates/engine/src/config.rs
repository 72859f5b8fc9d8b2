use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tertulia_model::Bitrate;
use tertulia_room::RoomSettings;

/// What the engine needs to know to run.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Number of workers, each a thread with its own UDP port; 1 to 64.
    pub workers: usize,
    /// Address media sockets bind to, for instance `0.0.0.0` or `::`.
    pub bind: IpAddr,
    /// First UDP port; worker `n` takes `udp_port + n`. Zero takes free ports (tests).
    pub udp_port: u16,
    /// Port of ICE over TCP (RFC 6544, we are passive); `None` turns it off, zero takes a free port.
    pub tcp_port: Option<u16>,
    /// Addresses told to clients.
    pub advertised: Vec<AdvertisedAddress>,
    /// Settings of a room nobody configured.
    pub room_defaults: RoomSettings,
    /// Bitrate assumed towards a new subscriber until measured.
    pub initial_bitrate: Bitrate,
    /// How long media may be gone before the participant is.
    pub media_timeout: Duration,
    /// How long a participant may take to connect media after joining. Applies once an offer was made.
    pub connect_timeout: Duration,
}

/// An address told to clients, and the local one its packets arrive at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdvertisedAddress {
    /// What clients are told.
    pub public: IpAddr,
    /// The local interface address behind it; equal to `public` without NAT.
    pub local: IpAddr,
}

/// Why the engine could not start or a room not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A media socket could not be bound.
    #[error("cannot bind the {protocol} media socket {address}")]
    Bind {
        /// `UDP` or `TCP`.
        protocol: &'static str,
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A thread, poll or socket option failed at start.
    #[error("cannot start a media worker")]
    Start(#[source] std::io::Error),
    /// The DTLS certificate could not be made.
    #[error("cannot make the DTLS certificate: {0}")]
    Certificate(String),
    /// The engine is shutting down.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// The configuration makes no sense.
    #[error("invalid engine configuration: {0}")]
    Config(&'static str),
}
