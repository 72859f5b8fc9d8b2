use bytes::Bytes;
use indexmap::IndexMap;
use livekit_protocol as pb;
use tertulia_model::{Identity, RoomName, TrackId};
use tertulia_room::{ParticipantInfo, Permission, RoomInfo, TrackInfo};

use super::participant::{participant_info, permission_of};
use super::request::{some_text, sorted};
use super::room::room_info;
use super::track::track_info;
use super::{MAX_LIST, track_id, track_ids};
use crate::wire::{Format, WireError, read_body, write_body};

/// One call of the room service.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ApiCall {
    CreateRoom {
        room: RoomName,
        empty_timeout_s: u32,
        departure_timeout_s: u32,
        max_participants: u32,
        metadata: String,
    },
    ListRooms {
        names: Vec<RoomName>,
    },
    DeleteRoom {
        room: RoomName,
    },
    ListParticipants {
        room: RoomName,
    },
    GetParticipant {
        room: RoomName,
        identity: Identity,
    },
    RemoveParticipant {
        room: RoomName,
        identity: Identity,
    },
    MuteTrack {
        room: RoomName,
        identity: Identity,
        track: TrackId,
        muted: bool,
    },
    UpdateParticipant {
        room: RoomName,
        identity: Identity,
        name: Option<String>,
        metadata: Option<String>,
        attributes: IndexMap<String, String>,
        permission: Option<Permission>,
    },
    UpdateSubscriptions {
        room: RoomName,
        identity: Identity,
        tracks: Vec<TrackId>,
        on: bool,
    },
    SendData {
        room: RoomName,
        data: Vec<u8>,
        reliable: bool,
        destinations: Vec<String>,
        destination_sids: Vec<String>,
        topic: Option<String>,
        nonce: Vec<u8>,
    },
    UpdateRoomMetadata {
        room: RoomName,
        metadata: String,
    },
    PerformRpc {
        room: RoomName,
        destination: Identity,
        method: String,
        payload: String,
        timeout_ms: u32,
    },
    /// `ForwardParticipant` and `MoveParticipant`.
    Unsupported {
        room: RoomName,
    },
}

/// What a call answers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ApiAnswer {
    Room(RoomInfo),
    Rooms(Vec<RoomInfo>),
    Participant(ParticipantInfo),
    Participants(Vec<ParticipantInfo>),
    Track(TrackInfo),
    RoomDeleted,
    ParticipantRemoved,
    SubscriptionsUpdated,
    DataSent,
    RpcPerformed(String),
}

macro_rules! methods {
    ($($method:ident)*) => {
        /// The methods of the room service.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum ApiMethod { $($method),* }

        impl ApiMethod {
            /// Their names, all of them.
            pub(crate) const NAMES: &[&str] = &[$(stringify!($method)),*];

            fn parse(name: &str) -> Option<Self> {
                match name {
                    $(stringify!($method) => Some(Self::$method),)*
                    _ => None,
                }
            }
        }
    };
}

methods! {
    CreateRoom ListRooms DeleteRoom ListParticipants GetParticipant RemoveParticipant MutePublishedTrack UpdateParticipant
    UpdateSubscriptions SendData UpdateRoomMetadata PerformRpc ForwardParticipant MoveParticipant
}

/// Reads a call; `Ok(None)` for a method the service does not have.
pub(crate) fn read_api_call(method: &str, format: Format, body: &[u8]) -> Result<Option<ApiCall>, WireError> {
    let Some(method) = ApiMethod::parse(method) else {
        return Ok(None);
    };
    Ok(Some(match method {
        ApiMethod::CreateRoom => {
            let request: pb::CreateRoomRequest = read_body(format, body)?;
            ApiCall::CreateRoom {
                room: room_name(&request.name, "name")?,
                empty_timeout_s: request.empty_timeout,
                departure_timeout_s: request.departure_timeout,
                max_participants: request.max_participants,
                metadata: request.metadata,
            }
        }
        ApiMethod::ListRooms => {
            let request: pb::ListRoomsRequest = read_body(format, body)?;
            if request.names.len() > MAX_LIST {
                return Err(WireError::TooLarge(MAX_LIST));
            }
            let names = request
                .names
                .iter()
                .map(|name| room_name(name, "names"))
                .collect::<Result<_, _>>()?;
            ApiCall::ListRooms { names }
        }
        ApiMethod::DeleteRoom => {
            let request: pb::DeleteRoomRequest = read_body(format, body)?;
            ApiCall::DeleteRoom {
                room: room_name(&request.room, "room")?,
            }
        }
        ApiMethod::ListParticipants => {
            let request: pb::ListParticipantsRequest = read_body(format, body)?;
            ApiCall::ListParticipants {
                room: room_name(&request.room, "room")?,
            }
        }
        ApiMethod::GetParticipant => {
            let (room, identity) = room_and_identity(format, body)?;
            ApiCall::GetParticipant { room, identity }
        }
        ApiMethod::RemoveParticipant => {
            let (room, identity) = room_and_identity(format, body)?;
            ApiCall::RemoveParticipant { room, identity }
        }
        ApiMethod::MutePublishedTrack => {
            let request: pb::MuteRoomTrackRequest = read_body(format, body)?;
            ApiCall::MuteTrack {
                room: room_name(&request.room, "room")?,
                identity: identity(&request.identity)?,
                track: track_id(&request.track_sid)?,
                muted: request.muted,
            }
        }
        ApiMethod::UpdateParticipant => {
            let request: pb::UpdateParticipantRequest = read_body(format, body)?;
            ApiCall::UpdateParticipant {
                room: room_name(&request.room, "room")?,
                identity: identity(&request.identity)?,
                name: some_text(&request.name),
                metadata: some_text(&request.metadata),
                attributes: sorted(&request.attributes),
                permission: request
                    .permission
                    .as_ref()
                    .map(|permission| permission_of(permission, false))
                    .transpose()?,
            }
        }
        ApiMethod::UpdateSubscriptions => {
            let request: pb::UpdateSubscriptionsRequest = read_body(format, body)?;
            let of_participants = request
                .participant_tracks
                .iter()
                .flat_map(|tracks| &tracks.track_sids);
            ApiCall::UpdateSubscriptions {
                room: room_name(&request.room, "room")?,
                identity: identity(&request.identity)?,
                tracks: track_ids(request.track_sids.iter().chain(of_participants))?,
                on: request.subscribe,
            }
        }
        ApiMethod::SendData => read_send_data(read_body(format, body)?)?,
        ApiMethod::UpdateRoomMetadata => {
            let request: pb::UpdateRoomMetadataRequest = read_body(format, body)?;
            ApiCall::UpdateRoomMetadata {
                room: room_name(&request.room, "room")?,
                metadata: request.metadata,
            }
        }
        ApiMethod::PerformRpc => {
            let request: pb::PerformRpcRequest = read_body(format, body)?;
            ApiCall::PerformRpc {
                room: room_name(&request.room, "room")?,
                destination: identity(&request.destination_identity)?,
                method: request.method,
                payload: request.payload,
                timeout_ms: request.response_timeout_ms,
            }
        }
        ApiMethod::ForwardParticipant => {
            let request: pb::ForwardParticipantRequest = read_body(format, body)?;
            ApiCall::Unsupported {
                room: room_name(&request.room, "room")?,
            }
        }
        ApiMethod::MoveParticipant => {
            let request: pb::MoveParticipantRequest = read_body(format, body)?;
            ApiCall::Unsupported {
                room: room_name(&request.room, "room")?,
            }
        }
    }))
}

#[expect(deprecated, reason = "older callers still write the field")]
fn read_send_data(request: pb::SendDataRequest) -> Result<ApiCall, WireError> {
    let kind = pb::data_packet::Kind::try_from(request.kind).map_err(|_| WireError::Invalid("kind"))?;
    if request.destination_identities.len() > MAX_LIST || request.destination_sids.len() > MAX_LIST {
        return Err(WireError::TooLarge(MAX_LIST));
    }
    if !matches!(request.nonce.len(), 0 | 16) {
        return Err(WireError::Invalid("nonce"));
    }
    Ok(ApiCall::SendData {
        room: room_name(&request.room, "room")?,
        data: request.data,
        reliable: kind == pb::data_packet::Kind::Reliable,
        destinations: request.destination_identities,
        destination_sids: request.destination_sids,
        topic: request.topic,
        nonce: request.nonce,
    })
}

fn room_and_identity(format: Format, body: &[u8]) -> Result<(RoomName, Identity), WireError> {
    let request: pb::RoomParticipantIdentity = read_body(format, body)?;
    Ok((room_name(&request.room, "room")?, identity(&request.identity)?))
}

fn room_name(text: &str, field: &'static str) -> Result<RoomName, WireError> {
    RoomName::parse(text).map_err(|_| WireError::Invalid(field))
}

fn identity(text: &str) -> Result<Identity, WireError> {
    Identity::parse(text).map_err(|_| WireError::Invalid("identity"))
}

/// Writes an answer.
pub(crate) fn write_api_answer(format: Format, answer: &ApiAnswer) -> Result<Bytes, WireError> {
    match answer {
        ApiAnswer::Room(room) => write_body(format, &room_info(room)),
        ApiAnswer::Rooms(rooms) => write_body(
            format,
            &pb::ListRoomsResponse {
                rooms: rooms.iter().map(room_info).collect(),
            },
        ),
        ApiAnswer::Participant(participant) => write_body(format, &participant_info(participant)),
        ApiAnswer::Participants(participants) => {
            let participants = participants.iter().map(participant_info).collect();
            write_body(format, &pb::ListParticipantsResponse { participants })
        }
        ApiAnswer::Track(track) => write_body(
            format,
            &pb::MuteRoomTrackResponse {
                track: Some(track_info(track)),
            },
        ),
        ApiAnswer::RoomDeleted => write_body(format, &pb::DeleteRoomResponse {}),
        ApiAnswer::ParticipantRemoved => write_body(format, &pb::RemoveParticipantResponse {}),
        ApiAnswer::SubscriptionsUpdated => write_body(format, &pb::UpdateSubscriptionsResponse {}),
        ApiAnswer::DataSent => write_body(format, &pb::SendDataResponse {}),
        ApiAnswer::RpcPerformed(payload) => write_body(
            format,
            &pb::PerformRpcResponse {
                payload: payload.clone(),
            },
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::room;

    #[test]
    fn every_method_is_known_and_empty_requests_are_refused_by_field() {
        for method in ApiMethod::NAMES {
            for (format, body) in [(Format::Json, &b"{}"[..]), (Format::Protobuf, b"")] {
                match read_api_call(method, format, body) {
                    Ok(Some(ApiCall::ListRooms { .. })) | Err(WireError::Invalid(_)) => {}
                    other => panic!("{method} reads an empty request as {other:?}"),
                }
            }
        }
        assert_eq!(read_api_call("Nonsense", Format::Json, b"{}"), Ok(None));
    }

    #[test]
    fn room_names_are_read_the_one_way() {
        let call = read_api_call("DeleteRoom", Format::Json, r#"{"room":"  Ｗeekly "}"#.as_bytes());
        assert_eq!(
            call,
            Ok(Some(ApiCall::DeleteRoom {
                room: RoomName::parse("weekly").unwrap()
            }))
        );
        let slash = read_api_call("DeleteRoom", Format::Json, br#"{"room":"a/b"}"#);
        assert_eq!(slash, Err(WireError::Invalid("room")));
    }

    #[test]
    fn rights_given_over_the_api_never_include_administration() {
        let body = br#"{"room":"r","identity":"i","permission":{"canPublish":true,"recorder":true}}"#;
        let Ok(Some(ApiCall::UpdateParticipant {
            permission: Some(permission),
            ..
        })) = read_api_call("UpdateParticipant", Format::Json, body)
        else {
            panic!()
        };
        assert!(permission.can_publish && !permission.can_subscribe && !permission.room_admin);
    }

    #[test]
    fn answers_are_written_in_the_callers_format() {
        let json = write_api_answer(Format::Json, &ApiAnswer::Room(room("weekly"))).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(json["name"], "weekly");
        assert_eq!(
            &write_api_answer(Format::Json, &ApiAnswer::DataSent).unwrap()[..],
            b"{}"
        );
        assert!(
            write_api_answer(Format::Protobuf, &ApiAnswer::DataSent)
                .unwrap()
                .is_empty()
        );
    }
}
