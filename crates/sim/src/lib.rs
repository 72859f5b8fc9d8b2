//! Whole rooms in virtual time: the room model, the routes and the sessions of the server, with peers on str0m at the
//! other ends of lossy links.
//!
//! The peers negotiate through SDP text with an implementation that is not ours, send sound and simulcast pictures
//! whose every frame is marked, and check what they receive as a decoder would. It does not simulate sockets, threads
//! or doors: those are tried with real clients.
//!
//! Invariants: no real time passes and no socket is opened; losses, delays and what peers do follow the seed. (Keys
//! and identifiers made inside the WebRTC library do not; nothing here depends on them.)
//!
//! ```no_run
//! use std::time::Duration;
//! use tertulia_sim::{Link, Sim};
//!
//! let mut sim = Sim::new(7);
//! let ana = sim.join("ana", Link::good());
//! let ben = sim.join("ben", Link { loss: 0.03, ..Link::good() });
//! sim.publish_camera(ana);
//! sim.run(Duration::from_secs(5));
//! assert!(sim.pictures_shown(ben, ana, Duration::from_secs(2)) > 10);
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a simulation fails by panicking, as a test does"
)]

mod link;
mod media;
mod peer;
mod server;
mod sim;

pub use link::Link;
pub use media::{Heard, Shown};
pub use server::Signal;
pub use sim::{PeerKey, Sim};
pub use tertulia_netsim::{Bursts, Change, Conditions, Path, QueueLimit, Script, Side};
