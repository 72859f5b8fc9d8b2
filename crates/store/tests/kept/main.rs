//! The store through its public face, on both databases.

mod audit;
mod chat;
mod files;
mod opening;
mod support;
