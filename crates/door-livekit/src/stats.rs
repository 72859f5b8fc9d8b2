use std::sync::atomic::{AtomicU64, Ordering};

tertulia_engine::counters! {
    /// What the door has counted since its start.
    DoorStats {
        /// Connections refused before or while joining: token, room or request were wrong.
        entries_refused,
        /// Participants let in.
        joins,
        /// Signalling connections that came back to their stay.
        resumes,
        /// Attempts to come back to a stay that is unknown.
        resumes_refused,
        /// Signalling messages received.
        signals,
        /// Of these, messages that could not be read or made no sense.
        signals_refused,
        /// Connections closed because they sent too many messages.
        flooded,
        /// Connections closed because they did not read.
        slow_consumers,
        /// Data packets that could not be read or may not be sent.
        data_refused,
        /// Calls of the room service.
        api_calls,
        /// Of these, calls answered with an error.
        api_errors,
        /// Webhooks delivered.
        webhooks_sent,
        /// Webhooks given up.
        webhooks_lost,
    }
}

impl Counters {
    pub(crate) fn up(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
