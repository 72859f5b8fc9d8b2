//! The real binary on a real disk, asked through its real doors.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod chat;
mod files;
mod kill;
mod lobby;
mod meeting;
mod relay;
mod secrets;
mod support;
mod traces;
