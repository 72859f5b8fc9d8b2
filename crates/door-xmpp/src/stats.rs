use std::sync::atomic::{AtomicU64, Ordering};

tertulia_engine::counters! {
    /// What the door has counted since its start.
    DoorStats {
        /// Streams bound to an address.
        streams,
        /// Streams that ended before, by what their client sent, left unsaid or may not.
        streams_refused,
        /// Streams that came back.
        resumes,
        /// Attempts to come back to a stream that is unknown or somebody else's.
        resumes_refused,
        /// Stanzas received.
        stanzas,
        /// Of these, stanzas answered with an error.
        stanzas_refused,
        /// Connections closed because they sent too much.
        flooded,
        /// Streams given up because their client did not read.
        slow_consumers,
        /// Participants let into rooms.
        joins,
        /// Attempts to join that were refused.
        joins_refused,
    }
}

impl Counters {
    pub(crate) fn up(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
