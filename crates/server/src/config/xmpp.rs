//! Settings of the XMPP door.

use std::path::PathBuf;

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
        /// A directory with a build of Jitsi Meet's web app, the one with `index.html` in it. Rooms are then shown with it in
        /// place of our own app, and its page is given our `config.js`.
        meet_dir: Option<PathBuf> = None,
    }
}
