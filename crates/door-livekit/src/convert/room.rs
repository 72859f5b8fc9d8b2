use livekit_protocol as pb;
use tertulia_model::Codec;
use tertulia_room::RoomInfo;

use super::signed;

/// What clients may publish, in the order offered to them. RTX goes with each video codec and is not named.
const PUBLISHABLE: [Codec; 6] = [
    Codec::Opus,
    Codec::Red,
    Codec::Vp8,
    Codec::H264,
    Codec::Vp9,
    Codec::Av1,
];

/// Writes the list of codecs a client may publish.
pub(super) fn enabled_codecs() -> Vec<pb::Codec> {
    PUBLISHABLE
        .into_iter()
        .map(|codec| pb::Codec {
            mime: codec.mime().to_owned(),
            fmtp_line: String::new(),
        })
        .collect()
}

/// Writes a room.
pub(super) fn room_info(room: &RoomInfo) -> pb::Room {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    pb::Room {
        sid: room.id.to_string(),
        name: room.name.to_string(),
        empty_timeout: room.empty_timeout_s,
        departure_timeout: room.departure_timeout_s,
        max_participants: room.max_participants.map_or(0, count),
        creation_time: signed(room.created_at_ms / 1_000),
        creation_time_ms: signed(room.created_at_ms),
        turn_password: String::new(),
        enabled_codecs: enabled_codecs(),
        metadata: room.metadata.clone(),
        num_participants: count(room.participants),
        num_publishers: count(room.publishers),
        active_recording: room.recording,
        version: None,
    }
}
