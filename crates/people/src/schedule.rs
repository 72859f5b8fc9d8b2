//! When a room meets, and the same as an iCalendar file (RFC 5545).

mod calendar;

use crate::FieldError;

pub use calendar::Event;

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;
/// Latest time that is taken: the end of the year 2999.
const LATEST_MS: u64 = 32_503_680_000_000;
/// Longest meeting: a week.
const LONGEST_MIN: u32 = 7 * 24 * 60;

/// When a room meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// When the (first) meeting begins, Unix milliseconds.
    pub starts_at_ms: u64,
    /// How long it lasts, in minutes.
    pub duration_min: u32,
    /// How it comes again.
    pub repeat: Option<Repeat>,
}

/// How a meeting comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeat {
    /// How often.
    pub every: Recurrence,
    /// The last time it may begin, Unix milliseconds; absent for ever.
    pub until_ms: Option<u64>,
}

/// How often a meeting comes again, at the same time of day in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recurrence {
    /// Every day.
    Daily,
    /// Monday to Friday.
    Weekdays,
    /// Every week.
    Weekly,
    /// Every second week.
    Fortnightly,
    /// On the same day of every month.
    Monthly,
}

impl Recurrence {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Daily,
        Self::Weekdays,
        Self::Weekly,
        Self::Fortnightly,
        Self::Monthly,
    ];

    /// The name it is kept under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekdays => "weekdays",
            Self::Weekly => "weekly",
            Self::Fortnightly => "fortnightly",
            Self::Monthly => "monthly",
        }
    }

    /// The one of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|recurrence| recurrence.name() == name)
    }
}

impl Schedule {
    pub(crate) fn check(&self) -> Result<(), FieldError> {
        if self.starts_at_ms > LATEST_MS {
            return Err(FieldError::Invalid("schedule.startsAt"));
        }
        if !(1..=LONGEST_MIN).contains(&self.duration_min) {
            return Err(FieldError::Invalid("schedule.durationMin"));
        }
        let until = self.repeat.as_ref().and_then(|repeat| repeat.until_ms);
        if until.is_some_and(|until| until < self.starts_at_ms || until > LATEST_MS) {
            return Err(FieldError::Invalid("schedule.until"));
        }
        Ok(())
    }

    fn ends_at_ms(&self) -> u64 {
        self.starts_at_ms
            .saturating_add(u64::from(self.duration_min).saturating_mul(MINUTE_MS))
    }
}
