//! Settings of the XMPP door.

use super::Secret;
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
        /// The application whose tokens in Jitsi's form are taken, by its name (`iss`). Empty: none are. Tokens of the
        /// server's own API keys always are.
        jwt_issuer: String = String::new(),
        /// What these tokens say of whom they are for (`aud`).
        jwt_audience: String = "jitsi".to_owned(),
        /// The secret they are signed with (HS256).
        jwt_secret: Secret = Secret::default(),
    }
}
