//! Choosing which of a track's layers a subscriber gets.

pub(crate) mod simulcast;
