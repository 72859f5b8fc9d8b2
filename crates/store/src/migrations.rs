//! The tables, one step after the other. A step that has been released is never changed.

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// Steps by version, which is when they were written: year, month, day, number of the day.
#[allow(clippy::inconsistent_digit_grouping, reason = "grouped as a date is")]
const STEPS: [(i64, &str, &str); 9] = [
    (
        2026_11_26_01,
        "chat",
        include_str!("../migrations/2026112601_chat.sql"),
    ),
    (
        2026_11_26_02,
        "audit",
        include_str!("../migrations/2026112602_audit.sql"),
    ),
    (
        2026_11_26_03,
        "files",
        include_str!("../migrations/2026112603_files.sql"),
    ),
    (
        2026_11_26_04,
        "chat_details",
        include_str!("../migrations/2026112604_chat_details.sql"),
    ),
    (
        2026_11_26_05,
        "people",
        include_str!("../migrations/2026112605_people.sql"),
    ),
    (
        2026_11_26_06,
        "polls",
        include_str!("../migrations/2026112606_polls.sql"),
    ),
    (
        2026_11_26_07,
        "board",
        include_str!("../migrations/2026112607_board.sql"),
    ),
    (
        2026_11_27_01,
        "room media",
        include_str!("../migrations/2026112701_room_media.sql"),
    ),
    (
        2026_11_27_02,
        "session_browsers",
        include_str!("../migrations/2026112702_session_browsers.sql"),
    ),
];

pub(crate) fn all() -> Migrator {
    let steps = STEPS.iter().map(|&(version, name, sql)| {
        Migration::new(
            version,
            name.into(),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    });
    Migrator::with_migrations(steps.collect())
}
