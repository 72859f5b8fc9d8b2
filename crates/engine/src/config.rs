use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tertulia_model::{Bitrate, TransportProtocol};
use tertulia_room::RoomSettings;
use tertulia_session::LocalCandidate;

use crate::net::udp::reachable;
use crate::reach::Reach;

/// What the engine needs to know to run.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Number of workers, each a thread with its own UDP port; 1 to 64.
    pub workers: usize,
    /// Address media sockets bind to, for instance `0.0.0.0` or `::`.
    pub bind: IpAddr,
    /// First UDP port; worker `n` takes `udp_port + n`, unless they share one. Zero takes free ports (tests).
    pub udp_port: u16,
    /// Port of ICE over TCP (RFC 6544, we are passive); `None` turns it off, zero takes a free port.
    pub tcp_port: Option<u16>,
    /// The ways to us beside the plain ports.
    pub reach: Reach,
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
    /// When a room's participants are hosted on other workers than its own.
    pub spread: Spread,
}

/// When a room begins to have participants hosted on other workers: both must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    /// So many are hosted on the room's own worker. Below that a relay costs more than it spares.
    pub participants: usize,
    /// The room's own worker has so many sessions more than the one with the fewest.
    pub sessions: usize,
}

impl Default for Spread {
    fn default() -> Self {
        Self {
            participants: 20,
            sessions: 50,
        }
    }
}

/// An address told to clients, and the local one its packets arrive at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdvertisedAddress {
    /// What clients are told.
    pub public: IpAddr,
    /// The local interface address behind it; equal to `public` without NAT.
    pub local: IpAddr,
    /// UDP port clients are told for the first worker, worker `n` has `n` more unless all share one; `None` for the
    /// bound ones.
    pub udp_port: Option<u16>,
    /// TCP port clients are told; `None` for the bound one.
    pub tcp_port: Option<u16>,
}

impl EngineConfig {
    /// What worker `index` listens on, and what clients are told of it.
    pub(crate) fn candidates(
        &self,
        index: usize,
        udp_port: u16,
        tcp_port: Option<u16>,
    ) -> Result<Vec<LocalCandidate>, EngineError> {
        let mut candidates = Vec::new();
        for address in &self.advertised {
            if !reachable(self.bind, address.local) {
                continue;
            }
            let candidate = |port, told, protocol| LocalCandidate {
                addr: SocketAddr::new(address.local, port),
                protocol,
                advertised: SocketAddr::new(address.public, told),
            };
            let told = match address.udp_port {
                None => udp_port,
                Some(shared) if self.reach.single_port => shared,
                Some(first) => u16::try_from(index)
                    .ok()
                    .and_then(|index| first.checked_add(index))
                    .ok_or(EngineError::Config("the advertised UDP ports exceed 65535"))?,
            };
            candidates.push(candidate(udp_port, told, TransportProtocol::Udp));
            candidates.extend(
                tcp_port
                    .map(|port| candidate(port, address.tcp_port.unwrap_or(port), TransportProtocol::Tcp)),
            );
        }
        if candidates.is_empty() {
            return Err(EngineError::Config(
                "no advertised address can be reached through the bind address",
            ));
        }
        Ok(candidates)
    }
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
    /// The TURN server cannot be set up as configured.
    #[error("cannot set up the TURN server: {0}")]
    Turn(String),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn config(udp_port: Option<u16>) -> EngineConfig {
        EngineConfig {
            workers: 2,
            bind: IpAddr::from([0, 0, 0, 0]),
            udp_port: 7882,
            tcp_port: None,
            reach: Reach::default(),
            advertised: vec![AdvertisedAddress {
                public: IpAddr::from([203, 0, 113, 7]),
                local: IpAddr::from([10, 0, 0, 5]),
                udp_port,
                tcp_port: None,
            }],
            room_defaults: RoomSettings {
                max_participants: None,
                ceiling: None,
                empty_timeout: Duration::ZERO,
                departure_timeout: Duration::ZERO,
                metadata: String::new(),
                chat_history: 0,
                chat_text_bytes: 0,
                rules: tertulia_room::RoomRules::default(),
            },
            initial_bitrate: Bitrate::ZERO,
            media_timeout: Duration::ZERO,
            connect_timeout: Duration::ZERO,
            spread: Spread::default(),
        }
    }

    #[track_caller]
    fn check(udp_port: Option<u16>, worker: usize, expected: &[(&str, &str)]) {
        let made = config(udp_port).candidates(worker, 7883, Some(7881)).unwrap();
        let texts: Vec<(String, String)> = made
            .iter()
            .map(|candidate| (candidate.addr.to_string(), candidate.advertised.to_string()))
            .collect();
        let texts: Vec<(&str, &str)> = texts.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn a_translation_may_change_the_udp_port_of_each_worker() {
        let tcp = ("10.0.0.5:7881", "203.0.113.7:7881");
        check(None, 1, &[("10.0.0.5:7883", "203.0.113.7:7883"), tcp]);
        check(Some(443), 0, &[("10.0.0.5:7883", "203.0.113.7:443"), tcp]);
        check(Some(443), 1, &[("10.0.0.5:7883", "203.0.113.7:444"), tcp]);
    }

    #[test]
    fn what_cannot_be_told_or_reached_is_an_error() {
        assert!(config(Some(65_535)).candidates(1, 7883, None).is_err());
        let elsewhere = EngineConfig {
            bind: IpAddr::from([127, 0, 0, 1]),
            ..config(None)
        };
        assert!(elsewhere.candidates(0, 7882, None).is_err());
    }
}
