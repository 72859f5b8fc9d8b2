//! The readers of hostile input, for fuzz targets, and what there is to try, for tests. No part of the interface.

use crate::convert::{ApiMethod, Sender, inspect, join_wishes, read_api_call, read_signal, v0_wishes};
use crate::wire::{Encoding, Format, decode};

/// Reads a signalling frame in both encodings.
pub fn signal_request(frame: &[u8]) {
    for encoding in [Encoding::Protobuf, Encoding::Json] {
        if let Ok(message) = decode(encoding, frame) {
            drop(read_signal(message));
        }
    }
}

/// Reads the parameter of the single-connection path.
pub fn join_request(parameter: &str) {
    drop(join_wishes(parameter, ""));
}

/// Reads the parameters of the path with two connections.
pub fn v0_query(query: &str) {
    drop(v0_wishes(query, ""));
}

/// Reads a data packet, and writes it as receivers get it.
pub fn data_packet(bytes: &[u8]) {
    let Ok(packet) = inspect(bytes) else { return };
    for agent in [false, true] {
        let sender = Sender {
            identity: "ana",
            sid: "PA_1",
            hidden: false,
            agent,
        };
        if let Ok(forwarded) = packet.forward(bytes, sender, true, &[]) {
            drop(inspect(&forwarded));
        }
    }
}

/// The methods of the room service.
pub const API_METHODS: &[&str] = ApiMethod::NAMES;

/// Reads a call of the room service.
pub fn api_call(method: &str, json: bool, body: &[u8]) {
    let format = if json { Format::Json } else { Format::Protobuf };
    drop(read_api_call(method, format, body));
}
