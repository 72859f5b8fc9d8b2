//! The XMPP door: what Jitsi clients find where they expect Prosody, Jicofo and the bridge.
//!
//! A stream over WebSocket (RFC 7395) or plain requests (XEP-0124) with an anonymous login, a token in its address or an account's
//! password, rooms as multi-user chats with
//! an occupant called `focus`, and the components the clients ask. Each client has one task, which outlives its
//! WebSocket where the client may resume (XEP-0198). `docs/protocols/xmpp.md` says which part of the protocol is spoken.
//!
//! What it does not do: decide rights (`room`), carry media (`engine`).
//!
//! Invariants: the sender of a stanza is written by the server; what a client sends is bounded in size, depth and number
//! before anything is done with it, and answered to that client alone when it is refused; every queue is bounded, and a
//! client that does not read is let go; a stream is resumed by who began it and nobody else; tokens, names and
//! passwords are never logged.
//!
//! ```no_run
//! # async fn example(engine: tertulia_engine::Engine, tokens: tertulia_trust::JoinTokens) {
//! use tertulia_door_xmpp::{DoorConfig, XmppDoor, router};
//! let door = XmppDoor::start(engine, tokens, DoorConfig::default());
//! let routes: axum::Router = router(door.clone());
//! // … serve the routes until the engine has shut down …
//! door.closed().await;
//! # }
//! ```

mod account;
mod bosh;
mod breakout;
mod call;
mod client;
mod component;
mod config;
mod credential;
mod disco;
mod entry;
mod focus;
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod iq;
mod jid;
mod link;
mod muc;
mod ns;
mod page;
mod sm;
mod stanza;
mod state;
mod stats;
mod stream;
mod xml;

pub use config::DoorConfig;
pub use http::{private_router, router};
pub use page::client_config;
pub use state::XmppDoor;
pub use stats::DoorStats;
