use std::time::Duration;

use tertulia_netsim::{Conditions, Path, QueueLimit};

/// What lies between a peer and the server, the same both ways; for more than this take a [`Path`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Link {
    /// One way.
    pub latency: Duration,
    /// Up to this much more, each packet by itself.
    pub jitter: Duration,
    /// Share of packets lost, 0 to 1.
    pub loss: f64,
    /// Bits per second from the server to the peer; `None` for no bound.
    pub rate: Option<u64>,
}

/// How long a packet may wait at a bottleneck before it is dropped.
const MAX_QUEUE: Duration = Duration::from_millis(300);

impl Link {
    /// A good path: 20 ms one way, nothing lost.
    pub fn good() -> Self {
        Self {
            latency: Duration::from_millis(20),
            jitter: Duration::ZERO,
            loss: 0.0,
            rate: None,
        }
    }
}

impl From<Link> for Path {
    fn from(link: Link) -> Self {
        let up = Conditions {
            delay: link.latency,
            jitter: link.jitter,
            loss: link.loss,
            queue: QueueLimit::Time(MAX_QUEUE),
            ..Conditions::default()
        };
        let down = Conditions {
            rate: link.rate,
            ..up
        };
        Self { up, down }
    }
}
