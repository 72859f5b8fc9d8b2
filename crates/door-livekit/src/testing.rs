//! Values the unit tests share.

use indexmap::IndexMap;
use tertulia_model::{Identity, ParticipantId, RoomId, RoomName};
use tertulia_room::{ParticipantInfo, ParticipantKind, ParticipantState, Permission, Rights, Role, RoomInfo};

pub(crate) fn participant(identity: &str, number: u64) -> ParticipantInfo {
    ParticipantInfo {
        id: ParticipantId::from_random(number),
        identity: Identity::parse(identity).unwrap(),
        name: identity.to_owned(),
        state: ParticipantState::Active,
        kind: ParticipantKind::Standard,
        metadata: String::new(),
        attributes: IndexMap::new(),
        permission: Permission::ordinary(),
        base: Permission::ordinary(),
        role: Role::Participant,
        rights: Rights::of_role(Role::Participant),
        tracks: Vec::new(),
        joined_at_ms: 1_790_000_000_000,
        version: 1,
        hand_raised_at_ms: None,
        client_protocol: 0,
        capabilities: Vec::new(),
    }
}

pub(crate) fn room(name: &str) -> RoomInfo {
    RoomInfo {
        id: RoomId::from_random(1),
        name: RoomName::parse(name).unwrap(),
        metadata: String::new(),
        participants: 1,
        viewers: 0,
        publishers: 0,
        max_participants: None,
        created_at_ms: 1_790_000_000_000,
        recording: false,
        empty_timeout_s: 300,
        departure_timeout_s: 20,
    }
}
