use indexmap::IndexMap;
use livekit_protocol as pb;
use tertulia_room::{
    ConnectionQuality, DepartureReason, ParticipantInfo, ParticipantKind, ParticipantState, Permission, Role,
};

use super::signed;
use super::track::{known, source, source_number, track_info};
use crate::wire::WireError;

/// The attribute under which a raised hand shows: the time of raising in Unix milliseconds.
pub(crate) const HAND_ATTRIBUTE: &str = "tertulia.hand";

/// The attribute under which a role shows that is not that of an ordinary participant.
pub(crate) const ROLE_ATTRIBUTE: &str = "tertulia.role";

/// Writes a participant as others see them.
pub(super) fn participant_info(participant: &ParticipantInfo) -> pb::ParticipantInfo {
    pb::ParticipantInfo {
        sid: participant.id.to_string(),
        identity: participant.identity.to_string(),
        state: match participant.state {
            ParticipantState::Joined => pb::participant_info::State::Joined,
            ParticipantState::Active => pb::participant_info::State::Active,
            ParticipantState::Disconnected => pb::participant_info::State::Disconnected,
        }
        .into(),
        tracks: participant.tracks.iter().map(track_info).collect(),
        metadata: participant.metadata.clone(),
        joined_at: signed(participant.joined_at_ms / 1_000),
        joined_at_ms: signed(participant.joined_at_ms),
        name: participant.name.clone(),
        version: participant.version,
        permission: Some(permission(&participant.permission)),
        region: String::new(),
        is_publisher: !participant.tracks.is_empty(),
        kind: match participant.kind {
            ParticipantKind::Standard => pb::participant_info::Kind::Standard,
            ParticipantKind::Ingress => pb::participant_info::Kind::Ingress,
            ParticipantKind::Egress => pb::participant_info::Kind::Egress,
            ParticipantKind::Sip => pb::participant_info::Kind::Sip,
            ParticipantKind::Agent => pb::participant_info::Kind::Agent,
        }
        .into(),
        attributes: attributes(participant).into_iter().collect(),
        disconnect_reason: pb::DisconnectReason::UnknownReason.into(),
        kind_details: Vec::new(),
        data_tracks: Vec::new(),
        client_protocol: participant.client_protocol,
        capabilities: participant
            .capabilities
            .iter()
            .copied()
            .filter(|number| known::<pb::client_info::Capability>(*number) != 0)
            .collect(),
    }
}

/// The participant's attributes with the raised hand and the role among them.
fn attributes(participant: &ParticipantInfo) -> IndexMap<String, String> {
    let mut attributes = participant.attributes.clone();
    match participant.hand_raised_at_ms {
        Some(at) => attributes.insert(HAND_ATTRIBUTE.to_owned(), at.to_string()),
        None => attributes.shift_remove(HAND_ATTRIBUTE),
    };
    match participant.role {
        Role::Participant => attributes.shift_remove(ROLE_ATTRIBUTE),
        role => attributes.insert(ROLE_ATTRIBUTE.to_owned(), role.name().to_owned()),
    };
    attributes
}

/// Writes the rights of a participant.
#[expect(deprecated, reason = "older clients still read the fields")]
fn permission(permission: &Permission) -> pb::ParticipantPermission {
    pb::ParticipantPermission {
        can_subscribe: permission.can_subscribe,
        can_publish: permission.can_publish,
        can_publish_data: permission.can_publish_data,
        can_publish_sources: permission
            .publish_sources
            .iter()
            .map(|source| source_number(*source).into())
            .collect(),
        hidden: permission.hidden,
        recorder: permission.recorder,
        can_update_metadata: permission.can_update_own_metadata,
        agent: permission.agent,
        can_subscribe_metrics: permission.can_subscribe_metrics,
        can_manage_agent_session: false,
    }
}

/// Reads rights. The wire has no word for the right to administer: `room_admin` is kept by whoever asks.
#[expect(deprecated, reason = "older callers still write the fields")]
pub(crate) fn permission_of(
    wire: &pb::ParticipantPermission,
    room_admin: bool,
) -> Result<Permission, WireError> {
    if wire.can_publish_sources.len() > 16 {
        return Err(WireError::Invalid("can_publish_sources"));
    }
    let mut publish_sources = Vec::new();
    for number in &wire.can_publish_sources {
        publish_sources.push(source(*number)?);
    }
    Ok(Permission {
        can_subscribe: wire.can_subscribe,
        can_publish: wire.can_publish,
        can_publish_data: wire.can_publish_data,
        publish_sources,
        can_update_own_metadata: wire.can_update_metadata,
        hidden: wire.hidden,
        recorder: wire.recorder,
        agent: wire.agent,
        can_subscribe_metrics: wire.can_subscribe_metrics,
        room_admin,
    })
}

pub(super) fn disconnect_reason(reason: DepartureReason) -> pb::DisconnectReason {
    match reason {
        DepartureReason::Left => pb::DisconnectReason::ClientInitiated,
        DepartureReason::DuplicateIdentity => pb::DisconnectReason::DuplicateIdentity,
        DepartureReason::Removed => pb::DisconnectReason::ParticipantRemoved,
        DepartureReason::RoomEnded => pb::DisconnectReason::RoomDeleted,
        DepartureReason::ServerShutdown => pb::DisconnectReason::ServerShutdown,
        DepartureReason::SignalLost => pb::DisconnectReason::SignalClose,
        DepartureReason::MediaLost => pb::DisconnectReason::MediaFailure,
        DepartureReason::JoinTimeout => pb::DisconnectReason::ConnectionTimeout,
        DepartureReason::StateMismatch => pb::DisconnectReason::StateMismatch,
        DepartureReason::Moved => pb::DisconnectReason::Migration,
        DepartureReason::Misbehaved => pb::DisconnectReason::UnknownReason,
    }
}

pub(super) fn connection_quality(quality: ConnectionQuality) -> pb::ConnectionQuality {
    match quality {
        ConnectionQuality::Lost => pb::ConnectionQuality::Lost,
        ConnectionQuality::Poor => pb::ConnectionQuality::Poor,
        ConnectionQuality::Good => pb::ConnectionQuality::Good,
        ConnectionQuality::Excellent => pb::ConnectionQuality::Excellent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::participant;

    #[test]
    fn a_raised_hand_shows_as_an_attribute_that_nobody_can_forge() {
        let mut ana = participant("ana", 1);
        ana.attributes
            .insert(HAND_ATTRIBUTE.to_owned(), "forged".to_owned());
        assert_eq!(participant_info(&ana).attributes.get(HAND_ATTRIBUTE), None);
        ana.hand_raised_at_ms = Some(1_234);
        assert_eq!(
            participant_info(&ana).attributes.get(HAND_ATTRIBUTE),
            Some(&"1234".to_owned())
        );
    }

    #[test]
    fn a_role_shows_as_an_attribute_that_nobody_can_forge() {
        let mut ana = participant("ana", 1);
        ana.attributes
            .insert(ROLE_ATTRIBUTE.to_owned(), "owner".to_owned());
        assert_eq!(participant_info(&ana).attributes.get(ROLE_ATTRIBUTE), None);
        ana.role = Role::Moderator;
        assert_eq!(
            participant_info(&ana).attributes.get(ROLE_ATTRIBUTE),
            Some(&"moderator".to_owned())
        );
    }

    #[test]
    fn capabilities_and_client_protocol_are_mirrored() {
        let mut ana = participant("ana", 1);
        ana.client_protocol = 2;
        ana.capabilities = vec![1, 2, 4_000];
        let wire = participant_info(&ana);
        assert_eq!((wire.client_protocol, wire.capabilities), (2, vec![1, 2]));
    }

    #[test]
    fn rights_survive_a_round_trip_but_never_bring_administration() {
        let rights = Permission {
            room_admin: true,
            recorder: true,
            ..Permission::ordinary()
        };
        let back = permission_of(&permission(&rights), false).unwrap();
        assert_eq!(
            back,
            Permission {
                room_admin: false,
                ..rights
            }
        );
    }
}
