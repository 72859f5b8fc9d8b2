//! Sockets of one worker.

pub(crate) mod tcp;
pub(crate) mod udp;
