use std::time::Instant;

use crate::Refusal;

/// How fast something may be done: at once, and then over time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    /// Tokens a full bucket holds.
    pub(crate) burst: u32,
    /// Tokens that come back every second.
    pub(crate) per_second: u32,
}

/// A token bucket.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    rate: Rate,
    milli_tokens: u64,
    filled_at: Instant,
}

impl Bucket {
    pub(crate) fn full(rate: Rate, now: Instant) -> Self {
        Self {
            rate,
            milli_tokens: u64::from(rate.burst) * 1_000,
            filled_at: now,
        }
    }

    /// Takes one token, or refuses.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Refusal> {
        let elapsed = now.saturating_duration_since(self.filled_at);
        let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        if elapsed_ms > 0 {
            let gained = elapsed_ms.saturating_mul(u64::from(self.rate.per_second));
            let capacity = u64::from(self.rate.burst) * 1_000;
            self.milli_tokens = self.milli_tokens.saturating_add(gained).min(capacity);
            self.filled_at = now;
        }
        let left = self.milli_tokens.checked_sub(1_000).ok_or(Refusal::TooMany)?;
        self.milli_tokens = left;
        Ok(())
    }
}

/// What one participant may do how fast (reactions and hands reach everybody, so a flood costs everybody).
#[derive(Debug, Clone)]
pub(crate) struct Buckets {
    pub(crate) chat: Bucket,
    pub(crate) reactions: Bucket,
    pub(crate) hands: Bucket,
    /// Changes of the whiteboard, which those who watch it hear of.
    pub(crate) strokes: Bucket,
    /// Whatever else is told to the whole room: publishing, muting, own name and attributes.
    pub(crate) changes: Bucket,
}

impl Buckets {
    pub(crate) fn full(now: Instant) -> Self {
        let bucket = |burst, per_second| Bucket::full(Rate { burst, per_second }, now);
        Self {
            chat: bucket(10, 2),
            reactions: bucket(10, 3),
            hands: bucket(6, 1),
            strokes: bucket(60, 30),
            changes: bucket(200, 20),
        }
    }
}
