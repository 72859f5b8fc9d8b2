//! The estimator on a simulated way.

mod liars;
mod link;
mod ours;
mod scene;
mod theirs;
mod traces;

use std::time::Instant;

#[allow(
    clippy::disallowed_methods,
    reason = "an instant can only be had from the clock; from here on it is virtual"
)]
fn start() -> Instant {
    Instant::now()
}
