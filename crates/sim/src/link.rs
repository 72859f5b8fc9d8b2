use std::time::{Duration, Instant};

use rand::RngExt;
use rand::rngs::StdRng;

/// What lies between a peer and the server, the same both ways.
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

/// One direction of a link.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pipe {
    link: Link,
    rate: Option<u64>,
    free_at: Option<Instant>,
}

impl Pipe {
    pub(crate) fn up(link: Link) -> Self {
        Self {
            link,
            rate: None,
            free_at: None,
        }
    }

    pub(crate) fn down(link: Link) -> Self {
        Self {
            link,
            rate: link.rate,
            free_at: None,
        }
    }

    /// When a packet arrives; `None` where it is lost.
    pub(crate) fn arrival(&mut self, bytes: usize, now: Instant, rng: &mut StdRng) -> Option<Instant> {
        if rng.random::<f64>() < self.link.loss {
            return None;
        }
        let mut sent = now;
        if let Some(rate) = self.rate {
            let begins = self.free_at.unwrap_or(now).max(now);
            if begins - now > MAX_QUEUE {
                return None;
            }
            let bits = (bytes as u64 + 28) * 8;
            sent = begins + Duration::from_nanos(bits * 1_000_000_000 / rate.max(1));
            self.free_at = Some(sent);
        }
        let jitter = self.link.jitter.mul_f64(rng.random::<f64>());
        Some(sent + self.link.latency + jitter)
    }
}
