//! The model of a network: what happens to packets between two ends, decided by a seed.
//!
//! A [`Pipe`] is one direction. It loses packets (by chance or in bursts), lets them wait at a bottleneck, delays,
//! reorders and doubles them as its [`Conditions`] say, and these may change at any time: by hand or by a [`Script`].
//! The model has no clock and no socket: `crates/sim` drives it in virtual time, the program `tertulia-netsim` in
//! real time between real sockets. It does not model what routers do to marked packets (ECN) nor active queues.
//!
//! Invariants: the same seed and the same packets at the same times meet the same fate; what chance does to a packet
//! does not depend on how wide the bottleneck is; a pipe holds a bounded number of packets.
//!
//! ```
//! use std::time::{Duration, Instant};
//! use tertulia_netsim::{Conditions, Pipe};
//!
//! let start = Instant::now();
//! let conditions: Conditions = "delay=50ms rate=1M".parse()?;
//! let mut pipe = Pipe::new(conditions, 7);
//! pipe.handle_packet("hello", 1_222, start);
//! // 10 ms at the bottleneck (with 28 bytes of headers), then 50 ms on the way.
//! let due = pipe.poll_timeout().unwrap_or(start);
//! assert_eq!(due - start, Duration::from_millis(60));
//! assert_eq!(pipe.poll_packet(due).map(|arrival| arrival.packet), Some("hello"));
//! # Ok::<(), tertulia_netsim::ScriptError>(())
//! ```

mod conditions;
mod pipe;
mod script;

pub use conditions::{Bursts, Conditions, Path, QueueLimit};
pub use pipe::{Arrival, Pipe, PipeStats};
pub use script::{Change, Script, ScriptError, Side, Step, directed};
