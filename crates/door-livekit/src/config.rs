use std::time::Duration;

/// What the door needs to know beside the engine and the keys.
#[derive(Debug, Clone)]
pub struct DoorConfig {
    /// Whether media answers as an ICE-lite agent where the client bears it.
    pub ice_lite: bool,
    /// Whether joining opens a room that is not there.
    pub create_rooms: bool,
    /// Whom webhooks go to. Empty: none are sent.
    pub webhook_urls: Vec<String>,
    /// How long a participant whose signalling broke may come back to the same stay.
    pub resume_window: Duration,
    /// How many signalling messages a client may send a second, after a burst of five times as many.
    pub signals_per_second: u32,
    /// Room names nobody may open, compared as room names are.
    pub reserved_rooms: Vec<String>,
}

impl Default for DoorConfig {
    fn default() -> Self {
        Self {
            ice_lite: false,
            create_rooms: true,
            webhook_urls: Vec::new(),
            resume_window: Duration::from_secs(20),
            signals_per_second: 100,
            reserved_rooms: Vec::new(),
        }
    }
}
