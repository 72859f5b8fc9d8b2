//! The one place where wire messages meet the house's own types, in both directions.
//!
//! Reading is strict (a value that makes no sense is an error naming its field) and bounded; writing cannot fail.

mod api;
mod data;
mod join;
mod participant;
mod request;
mod response;
mod room;
mod track;
mod webhook;

pub(crate) use api::{ApiAnswer, ApiCall, ApiMethod, read_api_call, write_api_answer};
pub(crate) use data::{
    ChatPart, Inspected, MAX_CHAT_BYTES, Payload, Sender, chat_packets, inspect, rpc_request, user_packet,
};
pub(crate) use join::{JoinAnswer, Wishes, join_wishes, reconnected, v0_wishes};
pub(crate) use participant::HAND_ATTRIBUTE;
pub(crate) use request::{echo_of, read_signal};
pub(crate) use response::*;
pub(crate) use webhook::{WebhookMessage, WebhookRoom, webhook_body};

use tertulia_model::TrackId;

use crate::wire::WireError;

/// The most entries any list in a request may have.
const MAX_LIST: usize = 10_000;
/// The most layers or codecs of one track.
const MAX_LAYERS: usize = 16;

/// Reads track ids, which are few and well formed.
fn track_ids<'a>(texts: impl IntoIterator<Item = &'a String>) -> Result<Vec<TrackId>, WireError> {
    let mut ids = Vec::new();
    for text in texts {
        if ids.len() == MAX_LIST {
            return Err(WireError::TooLarge(MAX_LIST));
        }
        ids.push(TrackId::parse(text).ok_or(WireError::Invalid("track_sid"))?);
    }
    Ok(ids)
}

fn track_id(text: &str) -> Result<TrackId, WireError> {
    TrackId::parse(text).ok_or(WireError::Invalid("track_sid"))
}

/// Milliseconds as the wire's signed numbers have them.
fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}
