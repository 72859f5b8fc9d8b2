//! Load generator and sink: WebRTC clients that publish, receive and measure what a server adds.
//!
//! Every client speaks the server's signalling, connects by ICE and DTLS and sends frames that look like an encoder's.
//! A full client leaves its packets to str0m; a [light] one handles them itself, for a fraction of the cost. Payloads carry a stamp, so that the sink knows without decoding
//! whether a stream is complete, continuous and decodable, and how long each packet was on its way. What is specific
//! to a server stands behind [`signalling::Signalling`]; all servers see the same packets.
//!
//! What it does not do: it encodes and decodes no picture, it judges no picture's quality, and it emulates no network.
//!
//! Invariants: the server's processor time is the scheduler's own accounting of its threads, never wall time; nothing
//! is counted before all clients receive; a datagram the generator itself dropped is shown, because it spoils figures.
//!
//! ```no_run
//! use std::time::Duration;
//! use tertulia_auth::ApiKey;
//! use tertulia_bench::scenario::{Fanout, Target};
//! use tertulia_bench::signalling::{LiveKit, LiveKitPlace};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let place = LiveKitPlace::new("ws://127.0.0.1:7880", ApiKey::new("devkey", "secret")?)?;
//! let lecture = Fanout {
//!     subscribers: 50,
//!     tracks: 1,
//!     shared: false,
//!     rate: 1_000,
//!     burst: 8,
//!     measure: Duration::from_secs(10),
//!     settle: Duration::from_secs(2),
//! };
//! println!("{}", lecture.run::<LiveKit>(Target { place, process: None, light: None }).await?);
//! # Ok(())
//! # }
//! ```

pub mod client;
pub mod error;
pub mod histogram;
pub mod keys;
pub mod light;
pub mod media;
pub mod peer;
pub mod process;
pub mod report;
pub mod scenario;
pub mod server;
pub mod signalling;
pub mod sink;
pub mod turn;
