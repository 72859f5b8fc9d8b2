use std::fmt;
use std::time::Duration;

/// What one direction of a network does to packets. The default is a perfect network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conditions {
    /// Time on the way for every packet.
    pub delay: Duration,
    /// Up to this much more, drawn evenly for each packet by itself.
    pub jitter: Duration,
    /// Whether jitter lets packets overtake each other; otherwise a late packet holds those behind it up.
    pub reorder: bool,
    /// Share of packets lost by chance, each by itself; 0 to 1.
    pub loss: f64,
    /// Losses that come together, beside `loss`.
    pub bursts: Option<Bursts>,
    /// Share of packets that arrive twice; 0 to 1.
    pub duplicate: f64,
    /// Bits per second that pass the bottleneck, IP and UDP headers included; `None` for no bottleneck.
    pub rate: Option<u64>,
    /// How much may wait at the bottleneck; what comes on top is dropped.
    pub queue: QueueLimit,
}

/// Loss in bursts after Gilbert and Elliott: a chain of two states with one step for each packet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bursts {
    /// Chance to go from the good state to the bad one; 0 to 1.
    pub begin: f64,
    /// Chance to come back; its inverse is the mean length of a bad spell, in packets.
    pub end: f64,
    /// Share lost in the good state.
    pub good_loss: f64,
    /// Share lost in the bad state.
    pub bad_loss: f64,
}

/// Room at a bottleneck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueLimit {
    /// A packet that would wait longer than this is dropped.
    Time(Duration),
    /// A packet that would make more bytes wait than this is dropped, unless it is alone.
    Bytes(usize),
}

/// The conditions of both directions.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Path {
    /// From the client to the server.
    pub up: Conditions,
    /// From the server to the client.
    pub down: Conditions,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            reorder: true,
            loss: 0.0,
            bursts: None,
            duplicate: 0.0,
            rate: None,
            queue: QueueLimit::Time(Duration::from_millis(300)),
        }
    }
}

impl Conditions {
    /// The same network as a reliable stream meets it: delay, jitter and rate only, in order, nothing dropped.
    #[must_use]
    pub fn reliable(self) -> Self {
        Self {
            reorder: false,
            loss: 0.0,
            bursts: None,
            duplicate: 0.0,
            queue: QueueLimit::Bytes(usize::MAX),
            ..self
        }
    }
}

impl Bursts {
    /// Share of packets lost in the long run.
    pub fn mean_loss(&self) -> f64 {
        let both = self.begin + self.end;
        if both <= 0.0 {
            return self.good_loss;
        }
        (self.begin * self.bad_loss + self.end * self.good_loss) / both
    }
}

/// Writes the conditions as a script would set them.
impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reorder = if self.reorder { "yes" } else { "no" };
        write!(
            f,
            "delay={:?} jitter={:?} reorder={reorder} loss={} ",
            self.delay, self.jitter, self.loss
        )?;
        match self.bursts {
            None => write!(f, "bursts=none ")?,
            Some(bursts) => write!(
                f,
                "bursts={}/{}/{}/{} ",
                bursts.begin, bursts.end, bursts.good_loss, bursts.bad_loss
            )?,
        }
        write!(f, "duplicate={} ", self.duplicate)?;
        match self.rate {
            None => write!(f, "rate=none ")?,
            Some(rate) => write!(f, "rate={rate} ")?,
        }
        match self.queue {
            QueueLimit::Time(time) => write!(f, "queue={time:?}"),
            QueueLimit::Bytes(bytes) => write!(f, "queue={bytes}B"),
        }
    }
}
