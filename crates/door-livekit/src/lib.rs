//! The LiveKit door: signalling over WebSocket (`/rtc`, `/rtc/v1`), the room service over Twirp, and webhooks, so that
//! unmodified LiveKit SDKs and server SDKs meet on Tertulia.
//!
//! A client's token becomes a grant (`auth`), its messages become commands, and a room's events become messages again.
//! Each participant has one task, which outlives its WebSocket: a client that loses the network comes back to the
//! same task within the resume window. `docs/protocols/livekit.md` says which part of the protocol is spoken.
//!
//! What it does not do: decide rights (`room`), carry media (`engine`), read SDP (`sdp`).
//!
//! Invariants: wire types appear in `convert` and `wire` only; whatever a client sends, the answer is a typed refusal
//! to that client alone; the sender of a data packet is written by the server; every queue is bounded, and a client
//! that does not read is disconnected; tokens and names are never logged.
//!
//! ```no_run
//! # async fn example(engine: tertulia_engine::Engine, keys: tertulia_auth::ApiKeys) -> Result<(), Box<dyn std::error::Error>> {
//! use tertulia_door_livekit::{DoorConfig, LiveKitDoor, router};
//! let door = LiveKitDoor::start(engine, keys, DoorConfig::default())?;
//! let routes: axum::Router = router(door.clone());
//! // … serve the routes until the engine has shut down …
//! door.closed().await;
//! # Ok(()) }
//! ```

mod api;
mod config;
mod connection;
mod convert;
mod entry;
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod op;
mod signal;
mod state;
mod stats;
mod webhook;
mod wire;

#[cfg(test)]
mod testing;

pub use config::DoorConfig;
pub use http::router;
pub use state::{DoorError, LiveKitDoor};
pub use stats::DoorStats;
