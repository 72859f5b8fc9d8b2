//! The store through its public face, on both databases.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test says by failing what is wrong"
)]

mod audit;
mod chat;
mod files;
mod meeting;
mod opening;
mod people;
mod support;
