//! Bytes and wire messages: frames of the signalling connection, the join request in a URL, data packets.
//!
//! Everything here reads input from strangers: lengths are bounded before anything is allocated for them, and every
//! failure is a value.

mod frame;
mod gzip;
mod join_request;
mod packet;
mod twirp;

pub(crate) use frame::{Encoding, decode, encode};
pub(crate) use gzip::{inflate_gzip, inflate_raw};
pub(crate) use join_request::unwrap_join_request;
pub(crate) use packet::{Forced, force_sender};
pub(crate) use twirp::{Format, read_body, write_body};

use livekit_protocol as pb;

/// The greatest signalling message, before and after inflation.
pub(crate) const MAX_SIGNAL_BYTES: usize = 2 * 1024 * 1024;
/// The greatest join request after inflation.
pub(crate) const MAX_JOIN_REQUEST_BYTES: usize = 1024 * 1024;

/// Why input could not be read. Always the peer's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// Not the base64url it should be.
    #[error("not base64url")]
    Base64,
    /// Not the protobuf message it should be.
    #[error("not a valid protobuf message")]
    Protobuf,
    /// Not the JSON message it should be.
    #[error("not a valid JSON message: {0}")]
    Json(String),
    /// Compressed data is broken.
    #[error("broken compressed data")]
    Compression,
    /// Larger than allowed, perhaps only after inflation.
    #[error("larger than {0} bytes")]
    TooLarge(usize),
    /// The message names nothing to do.
    #[error("an empty message")]
    Empty,
    /// A field holds what makes no sense; names the field.
    #[error("invalid {0}")]
    Invalid(&'static str),
}

/// A message to a client, ready to be written in the connection's encoding.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Response(pub(crate) pb::signal_response::Message);

/// A request kept so that its outcome can repeat it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Echo(pub(crate) pb::request_response::Request);
