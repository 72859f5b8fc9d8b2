use std::time::Duration;

use tertulia_engine::RateLimit;
use tertulia_people::RoomPolicy;

/// What the door needs to know beside the engine and the keys.
#[derive(Debug, Clone)]
pub struct DoorConfig {
    /// The XMPP domain clients are told; rooms are at `conference.` and the focus at `focus.` in front of it.
    pub domain: String,
    /// Whether somebody without a token comes in.
    pub guests: bool,
    /// Who opens rooms that nobody owns.
    pub policy: RoomPolicy,
    /// How long a client whose connection broke may come back to the same stay.
    pub resume_window: Duration,
    /// How many stanzas a client may send a second, after a burst of five times as many.
    pub stanzas_per_second: u32,
    /// Whether clients reach the server over TLS, whatever a proxy in front of it says.
    pub secure: bool,
    /// Rooms one source may ask to come into.
    pub joins: RateLimit,
    /// Streams held at once, those that wait to be resumed counted.
    pub streams: usize,
}

impl Default for DoorConfig {
    fn default() -> Self {
        Self {
            domain: "meet.jitsi".to_owned(),
            guests: true,
            policy: RoomPolicy::default(),
            resume_window: Duration::from_secs(60),
            stanzas_per_second: 100,
            secure: false,
            joins: RateLimit {
                burst: 30,
                per_minute: 60,
            },
            streams: 10_000,
        }
    }
}

impl DoorConfig {
    /// Where rooms are.
    pub(crate) fn rooms(&self) -> String {
        format!("conference.{}", self.domain)
    }

    /// Where conferences are asked for.
    pub(crate) fn focus(&self) -> String {
        format!("focus.{}", self.domain)
    }

    /// Who the focus of every room is.
    pub(crate) fn focus_user(&self) -> String {
        format!("focus@auth.{}", self.domain)
    }
}
