use std::collections::HashMap;

use livekit_protocol as pb;
use pb::signal_response::Message;
use tertulia_model::{Mid, ParticipantId, TrackId};
use tertulia_room::{
    CodecQualities, DepartureReason, ParticipantInfo, QualityReport, RoomInfo, Speaker, TrackInfo,
};

use super::participant::{connection_quality, disconnect_reason, participant_info};
use super::room::room_info;
use super::track::{quality_number, track_info};
use crate::signal::{LeaveAction, RequestOutcome};
use crate::wire::{Echo, Response};

/// The first signal protocol in which a leave message carries an action.
const LEAVE_ACTIONS: i32 = 13;
/// The first signal protocol that wants an answer to requests that succeeded, too.
const SUCCESS_ANSWERS: i32 = 15;

pub(crate) fn answer(sdp: String, id: u32, bindings: &[(Mid, TrackId)]) -> Response {
    Response(Message::Answer(description("answer", sdp, id, bindings)))
}

pub(crate) fn offer(sdp: String, id: u32, bindings: &[(Mid, TrackId)]) -> Response {
    Response(Message::Offer(description("offer", sdp, id, bindings)))
}

fn description(kind: &str, sdp: String, id: u32, bindings: &[(Mid, TrackId)]) -> pb::SessionDescription {
    let mid_to_track_id: HashMap<String, String> = bindings
        .iter()
        .map(|(mid, track)| (mid.to_string(), track.to_string()))
        .collect();
    pb::SessionDescription {
        r#type: kind.to_owned(),
        sdp,
        id,
        mid_to_track_id,
    }
}

pub(crate) fn media_sections(audio: usize, video: usize) -> Response {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Response(Message::MediaSectionsRequirement(pb::MediaSectionsRequirement {
        num_audios: count(audio),
        num_videos: count(video),
    }))
}

/// Writes participants as they are now; `gone` names those who left, with the reason.
pub(crate) fn participants(
    present: &[ParticipantInfo],
    gone: &[(ParticipantInfo, DepartureReason)],
) -> Response {
    let left = gone.iter().map(|(participant, reason)| pb::ParticipantInfo {
        state: pb::participant_info::State::Disconnected.into(),
        tracks: Vec::new(),
        disconnect_reason: disconnect_reason(*reason).into(),
        ..participant_info(participant)
    });
    let participants = left.chain(present.iter().map(participant_info)).collect();
    Response(Message::Update(pb::ParticipantUpdate { participants }))
}

pub(crate) fn track_published(cid: String, track: &TrackInfo) -> Response {
    Response(Message::TrackPublished(pb::TrackPublishedResponse {
        cid,
        track: Some(track_info(track)),
    }))
}

pub(crate) fn track_unpublished(track: &TrackId) -> Response {
    Response(Message::TrackUnpublished(pb::TrackUnpublishedResponse {
        track_sid: track.to_string(),
    }))
}

pub(crate) fn track_subscribed(track: &TrackId) -> Response {
    Response(Message::TrackSubscribed(pb::TrackSubscribed {
        track_sid: track.to_string(),
    }))
}

pub(crate) fn mute(track: &TrackId, muted: bool) -> Response {
    Response(Message::Mute(pb::MuteTrackRequest {
        sid: track.to_string(),
        muted,
    }))
}

pub(crate) fn room(room: &RoomInfo) -> Response {
    Response(Message::RoomUpdate(pb::RoomUpdate {
        room: Some(room_info(room)),
    }))
}

pub(crate) fn speakers(speakers: &[Speaker]) -> Response {
    let speakers = speakers
        .iter()
        .map(|speaker| pb::SpeakerInfo {
            sid: speaker.participant.to_string(),
            level: f32::from(speaker.level.min(127)) / 127.0,
            active: speaker.active,
        })
        .collect();
    Response(Message::SpeakersChanged(pb::SpeakersChanged { speakers }))
}

pub(crate) fn qualities(reports: &[QualityReport]) -> Response {
    let updates = reports
        .iter()
        .map(|report| pb::ConnectionQualityInfo {
            participant_sid: report.participant.to_string(),
            quality: connection_quality(report.quality).into(),
            score: report.score,
        })
        .collect();
    Response(Message::ConnectionQuality(pb::ConnectionQualityUpdate {
        updates,
    }))
}

#[expect(deprecated, reason = "clients older than protocol 9 read the field")]
pub(crate) fn qualities_wanted(track: &TrackId, codecs: &[CodecQualities]) -> Response {
    let wanted = |codec: &CodecQualities| {
        tertulia_model::Quality::ALL
            .into_iter()
            .map(|quality| pb::SubscribedQuality {
                quality: quality_number(quality).into(),
                enabled: codec.wanted[quality.index()],
            })
            .collect::<Vec<_>>()
    };
    Response(Message::SubscribedQualityUpdate(pb::SubscribedQualityUpdate {
        track_sid: track.to_string(),
        subscribed_qualities: codecs.first().map(wanted).unwrap_or_default(),
        subscribed_codecs: codecs
            .iter()
            .map(|codec| pb::SubscribedCodec {
                codec: codec.codec.subtype().to_ascii_lowercase(),
                qualities: wanted(codec),
            })
            .collect(),
    }))
}

pub(crate) fn stream_state(publisher: &ParticipantId, track: &TrackId, paused: bool) -> Response {
    let state = if paused {
        pb::StreamState::Paused
    } else {
        pb::StreamState::Active
    };
    Response(Message::StreamStateUpdate(pb::StreamStateUpdate {
        stream_states: vec![pb::StreamStateInfo {
            participant_sid: publisher.to_string(),
            track_sid: track.to_string(),
            state: state.into(),
        }],
    }))
}

pub(crate) fn subscription_allowed(publisher: &ParticipantId, track: &TrackId, allowed: bool) -> Response {
    Response(Message::SubscriptionPermissionUpdate(
        pb::SubscriptionPermissionUpdate {
            participant_sid: publisher.to_string(),
            track_sid: track.to_string(),
            allowed,
        },
    ))
}

pub(crate) fn subscription_failed(track: &TrackId, codec_unsupported: bool) -> Response {
    let error = if codec_unsupported {
        pb::SubscriptionError::SeCodecUnsupported
    } else {
        pb::SubscriptionError::SeTrackNotfound
    };
    Response(Message::SubscriptionResponse(pb::SubscriptionResponse {
        track_sid: track.to_string(),
        err: error.into(),
    }))
}

pub(crate) fn refresh_token(token: String) -> Response {
    Response(Message::RefreshToken(token))
}

/// Answers the old ping with the server's time in milliseconds.
pub(crate) fn pong(now_ms: u64) -> Response {
    Response(Message::Pong(super::signed(now_ms)))
}

pub(crate) fn pong_response(last_ping_ms: i64, now_ms: u64) -> Response {
    Response(Message::PongResp(pb::Pong {
        last_ping_timestamp: last_ping_ms,
        timestamp: super::signed(now_ms),
    }))
}

/// Says goodbye in the way the client's protocol knows. `None` where it has no word for a resume.
pub(crate) fn leave(reason: DepartureReason, action: LeaveAction, protocol: i32) -> Option<Response> {
    if protocol < LEAVE_ACTIONS && action == LeaveAction::Resume {
        return None;
    }
    let wire_action = match action {
        LeaveAction::Disconnect => pb::leave_request::Action::Disconnect,
        LeaveAction::Resume => pb::leave_request::Action::Resume,
        LeaveAction::Reconnect => pb::leave_request::Action::Reconnect,
    };
    Some(Response(Message::Leave(pb::LeaveRequest {
        can_reconnect: action == LeaveAction::Reconnect,
        reason: disconnect_reason(reason).into(),
        action: wire_action.into(),
        regions: None,
    })))
}

/// Says that the participant could not be let in at all.
pub(crate) fn join_failure() -> Response {
    Response(Message::Leave(pb::LeaveRequest {
        can_reconnect: false,
        reason: pb::DisconnectReason::JoinFailure.into(),
        action: pb::leave_request::Action::Disconnect.into(),
        regions: None,
    }))
}

/// Tells how a request went; `None` where the client's protocol does not want to know.
pub(crate) fn request_outcome(
    request_id: u32,
    outcome: RequestOutcome,
    message: String,
    echo: Option<Echo>,
    protocol: i32,
) -> Option<Response> {
    use pb::request_response::Reason;
    if outcome == RequestOutcome::Done && protocol < SUCCESS_ANSWERS {
        return None;
    }
    let reason = match outcome {
        RequestOutcome::Done => Reason::Ok,
        RequestOutcome::NotFound => Reason::NotFound,
        RequestOutcome::NotAllowed => Reason::NotAllowed,
        RequestOutcome::LimitExceeded => Reason::LimitExceeded,
        RequestOutcome::UnsupportedType => Reason::UnsupportedType,
        RequestOutcome::Invalid => Reason::InvalidRequest,
        RequestOutcome::Failed => Reason::UnclassifiedError,
    };
    Some(Response(Message::RequestResponse(pb::RequestResponse {
        request_id,
        reason: reason.into(),
        message,
        request: echo.map(|echo| echo.0),
    })))
}

impl Response {
    /// Whether the message still matters to a client whose signalling was away when it was written. The rest is
    /// either told again on resume or stale by then.
    pub(crate) fn outlives_connection(&self) -> bool {
        matches!(
            self.0,
            Message::TrackPublished(_)
                | Message::TrackUnpublished(_)
                | Message::TrackSubscribed(_)
                | Message::Mute(_)
                | Message::RequestResponse(_)
                | Message::SubscriptionResponse(_)
                | Message::SubscriptionPermissionUpdate(_)
                | Message::SubscribedQualityUpdate(_)
                | Message::StreamStateUpdate(_)
        )
    }
}

#[cfg(test)]
mod tests {
    use tertulia_model::Codec;

    use super::*;
    use crate::testing::participant;

    #[test]
    fn wanted_qualities_name_codecs_in_lower_case_without_their_kind() {
        let Some(track) = TrackId::parse("TR_1") else {
            panic!()
        };
        let codecs = [CodecQualities {
            codec: Codec::Vp8,
            wanted: [true, true, false],
        }];
        let Response(Message::SubscribedQualityUpdate(update)) = qualities_wanted(&track, &codecs) else {
            panic!()
        };
        assert_eq!(update.subscribed_codecs[0].codec, "vp8");
        let enabled: Vec<bool> = update.subscribed_codecs[0]
            .qualities
            .iter()
            .map(|q| q.enabled)
            .collect();
        assert_eq!(enabled, [true, true, false]);
    }

    #[test]
    fn old_clients_get_a_flag_instead_of_an_action() {
        assert_eq!(leave(DepartureReason::MediaLost, LeaveAction::Resume, 12), None);
        let Some(Response(Message::Leave(old))) =
            leave(DepartureReason::StateMismatch, LeaveAction::Reconnect, 12)
        else {
            panic!()
        };
        assert!(old.can_reconnect);
        assert_eq!(old.action, i32::from(pb::leave_request::Action::Reconnect));
    }

    #[test]
    fn successes_are_told_to_clients_that_want_them() {
        let outcome = |protocol| request_outcome(3, RequestOutcome::Done, String::new(), None, protocol);
        assert_eq!(outcome(14), None);
        let Some(Response(Message::RequestResponse(response))) = outcome(15) else {
            panic!()
        };
        assert_eq!((response.request_id, response.reason), (3, 0));
    }

    #[test]
    fn those_who_left_come_before_those_who_are_there() {
        let gone = [(participant("ana", 4), DepartureReason::DuplicateIdentity)];
        let Response(Message::Update(update)) = participants(&[participant("ana", 1)], &gone) else {
            panic!()
        };
        let states: Vec<i32> = update.participants.iter().map(|p| p.state).collect();
        assert_eq!(states, [3, 2]);
        assert_eq!(update.participants[0].disconnect_reason, 2);
    }
}
