//! Figures as JSON.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tertulia_netsim::Pipe;

/// What one direction of one client did. `recent_wait_ms` is the longest since it was last told.
pub fn pipe<P: Clone>(pipe: &mut Pipe<P>, now: Instant) -> Value {
    let stats = pipe.stats(now);
    json!({
        "conditions": pipe.conditions().to_string(),
        "offered": stats.offered,
        "offered_bytes": stats.offered_bytes,
        "delivered": stats.delivered,
        "delivered_bytes": stats.delivered_bytes,
        "lost": stats.lost,
        "dropped": stats.dropped,
        "duplicated": stats.duplicated,
        "reordered": stats.reordered,
        "queued_bytes": pipe.queued_bytes(now),
        "wait_ms": milliseconds(pipe.wait(now)),
        "recent_wait_ms": milliseconds(pipe.take_recent_wait(now)),
        "longest_wait_ms": milliseconds(stats.longest_wait),
    })
}

/// Milliseconds with microseconds behind the point.
pub fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1_000.0
}
