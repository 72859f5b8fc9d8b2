//! Settings of the XMPP door.

use super::section::section;

section! {
    /// Jitsi clients, which speak XMPP. A preview: it is off unless it is switched on.
    pub struct Xmpp {
        /// Whether they are let in.
        enabled: bool = false,
        /// The XMPP domain they are told. It need not be a name anybody can resolve.
        domain: String = "meet.jitsi".to_owned(),
        /// How long a client whose connection broke may come back to the same stay, in seconds.
        resume_window_s: u64 = 60,
        /// Stanzas a client may send a second, after a burst of five times as many.
        stanzas_per_second: u32 = 100,
        /// Streams held at once.
        streams: usize = 10_000,
    }
}
