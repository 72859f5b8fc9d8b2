use livekit_protocol as pb;
use tertulia_model::RoomName;
use tertulia_room::{DepartureReason, ParticipantInfo, RoomInfo, TrackInfo};

use super::participant::{disconnect_reason, participant_info};
use super::room::room_info;
use super::signed;
use super::track::track_info;
use crate::wire::WireError;

/// Something a webhook tells.
#[derive(Debug, Clone)]
pub(crate) struct WebhookMessage<'a> {
    pub event: &'static str,
    /// Unique, so that receivers can tell a retry from another event.
    pub id: String,
    pub created_at_ms: u64,
    pub room: WebhookRoom<'a>,
    pub participant: Option<(&'a ParticipantInfo, Option<DepartureReason>)>,
    pub track: Option<&'a TrackInfo>,
    /// Why the room ended, for the event that says so.
    pub ended: Option<DepartureReason>,
}

/// The room an event belongs to: whole where it is known, else by its names.
#[derive(Debug, Clone)]
pub(crate) enum WebhookRoom<'a> {
    Whole(&'a RoomInfo),
    Named(&'a RoomName, String),
}

/// Writes the body of a webhook.
pub(crate) fn webhook_body(message: &WebhookMessage<'_>) -> Result<Vec<u8>, WireError> {
    let room = match &message.room {
        WebhookRoom::Whole(room) => room_info(room),
        WebhookRoom::Named(name, sid) => pb::Room {
            name: name.to_string(),
            sid: sid.clone(),
            ..Default::default()
        },
    };
    let participant = message.participant.as_ref().map(|(participant, left)| {
        let mut wire = participant_info(participant);
        if let Some(reason) = left {
            wire.state = pb::participant_info::State::Disconnected.into();
            wire.disconnect_reason = disconnect_reason(*reason).into();
        }
        wire
    });
    let end_reason = match message.ended {
        None => pb::RoomEndReason::RoomEndUnknown,
        Some(DepartureReason::RoomEnded) => pb::RoomEndReason::RoomEndApiDelete,
        Some(DepartureReason::ServerShutdown) => pb::RoomEndReason::RoomEndServerShutdown,
        Some(_) => pb::RoomEndReason::RoomEndIdleTimeout,
    };
    let event = pb::WebhookEvent {
        event: message.event.to_owned(),
        room: Some(room),
        participant,
        track: message.track.map(track_info),
        id: message.id.clone(),
        created_at: signed(message.created_at_ms / 1_000),
        room_end_reason: end_reason.into(),
        ..Default::default()
    };
    serde_json::to_vec(&event).map_err(|error| WireError::Json(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{participant, room};

    #[test]
    fn the_body_is_the_json_server_sdks_expect() {
        let (room, ana) = (room("weekly"), participant("ana", 1));
        let body = webhook_body(&WebhookMessage {
            event: "participant_left",
            id: "EV_1".into(),
            created_at_ms: 1_790_000_000_000,
            room: WebhookRoom::Whole(&room),
            participant: Some((&ana, Some(DepartureReason::Left))),
            track: None,
            ended: None,
        })
        .unwrap();
        let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(json["event"], "participant_left");
        assert_eq!(json["room"]["name"], "weekly");
        assert_eq!(json["participant"]["identity"], "ana");
        assert_eq!(json["participant"]["state"], "DISCONNECTED");
        assert_eq!(json["participant"]["disconnectReason"], "CLIENT_INITIATED");
        assert_eq!(json["createdAt"], "1790000000");
    }
}
