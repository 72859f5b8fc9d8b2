//! Tests through one harness, [`Stage`]: a room with a clock, and the doors and the forwarding engine as they would
//! understand what it says.

mod board;
mod breakouts;
mod chat;
mod data;
mod dynacast;
mod gates;
mod moderation;
mod permissions;
mod polls;
mod presence;
mod publish;
mod random;
mod report;
mod rights;
mod shared_video;
mod stage;
mod steps;
mod subscribe;
