//! The server as its owner sees it: packets, actions and a clock that is moved by hand.

// Virtual time begins at some instant; what a helper cannot have is a failed test.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::expect_used)]

mod allocate;
mod attacks;
mod credentials;
mod hostile;
mod limits;
mod permit;
mod refresh;
mod relay;
mod support;
