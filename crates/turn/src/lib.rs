//! A STUN and TURN server as a value: no sockets, no clock, no randomness but its seed.
//!
//! It speaks RFC 8489 and RFC 8656 with clients over UDP, TCP and TLS, and relays UDP over IPv4 and IPv6. Packets and
//! the time go in; [`Action`]s come out, and payloads come back at once, within the packet they came in.
//!
//! It relays to nobody but the sockets named in [`Peers`] and its own relayed addresses unless that is widened; it
//! accepts no other credential than the time-limited ones of [`Secret::issue`]; it makes no TCP connections to peers
//! (RFC 6062) and passes on no ICMP. Where it differs from the standards is written down in `docs/protocols/turn.md`.
//!
//! Invariants: who has not authenticated leaves no state behind; an answer to a stranger has at most four times the
//! bytes of its request; payloads are passed on without allocating; every list has a bound.
//!
//! ```
//! use std::time::Instant;
//! use tertulia_turn::{Action, Config, FiveTuple, Secret, Server, Transport};
//! use tertulia_turn::stun::{AttributeType, Class, Message, Method, TransactionId, Writer};
//!
//! let config = Config::new("meet.example.org", Secret::new(b"a long and random secret").unwrap());
//! let now = Instant::now();
//! let mut server = Server::new(config, [7; 32], now, 1_700_000_000).unwrap();
//! let client = FiveTuple {
//!     transport: Transport::Udp,
//!     source: "198.51.100.7:4000".parse().unwrap(),
//!     local: "192.0.2.1:3478".parse().unwrap(),
//! };
//! let request = Writer::new(Class::Request, Method::BINDING, TransactionId([1; 12])).finish();
//! assert!(server.handle_client(now, client, &request).is_none());
//! let Some(Action::SendToClient { bytes, .. }) = server.poll_action() else { panic!() };
//! let answer = Message::parse(&bytes).unwrap();
//! let mapped = answer.find(AttributeType::XOR_MAPPED_ADDRESS).unwrap();
//! assert_eq!(answer.address(mapped), Some(client.source));
//! ```

#![cfg_attr(test, allow(clippy::disallowed_methods))] // Tests begin their virtual time at some instant.

mod allocation;
mod channel_data;
mod config;
mod credential;
mod frame;
mod limiter;
mod network;
mod nonce;
mod peers;
mod ports;
mod server;
mod stats;
pub mod stun;
#[cfg(test)]
mod tests;
mod wire;

pub use channel_data::CHANNEL_NUMBERS;
pub use config::{Config, ConfigError, Limits};
pub use credential::{Credential, CredentialError, Secret};
pub use frame::{FrameError, Framer};
pub use limiter::Rate;
pub use network::{Network, is_special};
pub use peers::{NetworkError, Peers};
pub use server::{Server, is_for_server};
pub use stats::{Held, Stats, Traffic};
pub use stun::Family;
pub use wire::{Action, FiveTuple, HEADROOM, RelayId, SendFromRelay, SendToClient, TAILROOM, Transport};
