use indexmap::IndexMap;
use livekit_protocol as pb;
use pb::request_response::Request;
use pb::signal_request::Message;
use serde::Deserialize;
use tertulia_engine::PeerRole;
use tertulia_model::{Candidate, Identity, ParticipantId, VideoSize};
use tertulia_room::TrackSettings;

use super::track::{audio_features, layers, new_track, quality};
use super::{MAX_LIST, track_id, track_ids};
use crate::signal::{Description, Named, NamedPermission, Scenario, SelfUpdate, Signal, SyncState};
use crate::wire::{Echo, WireError};

/// The longest session description.
const MAX_SDP_BYTES: usize = 1024 * 1024;
/// The longest candidate with its JSON around it.
const MAX_CANDIDATE_BYTES: usize = 4 * 1024;

/// Reads one request of a client.
pub(crate) fn read_signal(message: Message) -> Result<Signal, WireError> {
    Ok(match message {
        Message::Offer(description) => Signal::Offer(read_description(description)?),
        Message::Answer(description) => Signal::Answer(read_description(description)?),
        Message::Trickle(trickle) => read_trickle(&trickle)?,
        Message::AddTrack(request) => {
            let track = Box::new(new_track(&request)?);
            Signal::Publish(track, Echo(Request::AddTrack(request)))
        }
        Message::Mute(request) => Signal::Mute {
            track: track_id(&request.sid)?,
            muted: request.muted,
            echo: Echo(Request::Mute(request)),
        },
        Message::Subscription(update) => {
            let (tracks, on) = read_subscription(&update)?;
            Signal::Subscribe { tracks, on }
        }
        Message::TrackSetting(settings) => Signal::TrackSettings {
            tracks: track_ids(&settings.track_sids)?,
            settings: read_settings(&settings)?,
        },
        Message::Leave(_) => Signal::Leave,
        #[expect(deprecated, reason = "older clients still send it")]
        Message::UpdateLayers(update) => Signal::UpdateTrack {
            track: track_id(&update.track_sid)?,
            size: None,
            layers: Some(layers(&update.layers)?),
            audio: None,
            echo: None,
        },
        Message::UpdateAudioTrack(update) => Signal::UpdateTrack {
            track: track_id(&update.track_sid)?,
            size: None,
            layers: None,
            audio: Some(audio_features(&update.features)?),
            echo: Some(Echo(Request::UpdateAudioTrack(update))),
        },
        Message::UpdateVideoTrack(update) => Signal::UpdateTrack {
            track: track_id(&update.track_sid)?,
            size: Some(VideoSize {
                width: update.width,
                height: update.height,
            }),
            layers: None,
            audio: None,
            echo: Some(Echo(Request::UpdateVideoTrack(update))),
        },
        Message::SubscriptionPermission(permission) => read_permissions(&permission)?,
        Message::SyncState(state) => Signal::Sync(read_sync_state(&state)?),
        Message::Simulate(simulate) => Signal::Simulate(read_scenario(&simulate)),
        Message::Ping(timestamp_ms) => Signal::Ping(timestamp_ms),
        Message::PingReq(ping) => Signal::PingRequest {
            timestamp_ms: ping.timestamp,
        },
        Message::UpdateMetadata(update) => {
            let read = SelfUpdate {
                request_id: update.request_id,
                name: some_text(&update.name),
                metadata: some_text(&update.metadata),
                attributes: sorted(&update.attributes),
            };
            Signal::UpdateSelf(read, Echo(Request::UpdateMetadata(update)))
        }
        Message::PublishDataTrackRequest(request) => {
            Signal::DataTrack(Echo(Request::PublishDataTrack(request)))
        }
        Message::UnpublishDataTrackRequest(request) => {
            Signal::DataTrack(Echo(Request::UnpublishDataTrack(request)))
        }
        Message::UpdateDataSubscription(_) => Signal::Ignored,
        Message::StoreDataBlobRequest(request) => Signal::DataBlob {
            request_id: request.request_id,
        },
        Message::GetDataBlobRequest(request) => Signal::DataBlob {
            request_id: request.request_id,
        },
    })
}

/// Reads the id that an error response to `message` must carry, for messages too broken to become a [`Signal`].
pub(crate) fn echo_of(message: &Message) -> Option<Echo> {
    let request = match message.clone() {
        Message::AddTrack(request) => Request::AddTrack(request),
        Message::Mute(request) => Request::Mute(request),
        Message::UpdateAudioTrack(request) => Request::UpdateAudioTrack(request),
        Message::UpdateVideoTrack(request) => Request::UpdateVideoTrack(request),
        Message::Trickle(request) => Request::Trickle(request),
        _ => return None,
    };
    Some(Echo(request))
}

pub(super) fn some_text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// Wire maps have no order; ours have the keys' order, so that every run is the same.
pub(super) fn sorted(map: &std::collections::HashMap<String, String>) -> IndexMap<String, String> {
    let mut sorted: IndexMap<String, String> = map
        .iter()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    sorted.sort_keys();
    sorted
}

pub(super) fn read_description(description: pb::SessionDescription) -> Result<Description, WireError> {
    if description.sdp.len() > MAX_SDP_BYTES {
        return Err(WireError::TooLarge(MAX_SDP_BYTES));
    }
    Ok(Description {
        sdp: description.sdp,
        id: description.id,
    })
}

/// The JSON a browser writes for a candidate; other members say nothing the server needs.
#[derive(Deserialize)]
struct CandidateInit {
    #[serde(default)]
    candidate: String,
}

fn read_trickle(trickle: &pb::TrickleRequest) -> Result<Signal, WireError> {
    let role = match pb::SignalTarget::try_from(trickle.target) {
        Ok(pb::SignalTarget::Publisher) => PeerRole::Primary,
        Ok(pb::SignalTarget::Subscriber) => PeerRole::Subscriber,
        Err(_) => return Err(WireError::Invalid("target")),
    };
    if trickle.candidate_init.len() > MAX_CANDIDATE_BYTES {
        return Err(WireError::TooLarge(MAX_CANDIDATE_BYTES));
    }
    if trickle.candidate_init.is_empty() {
        return Ok(Signal::Trickle(role, None));
    }
    let init: CandidateInit =
        serde_json::from_str(&trickle.candidate_init).map_err(|error| WireError::Json(error.to_string()))?;
    Ok(Signal::Trickle(role, read_candidate(&init.candidate)?))
}

/// Reads a candidate; `None` for the empty one that ends them.
fn read_candidate(text: &str) -> Result<Option<Candidate>, WireError> {
    let text = text.trim();
    let value = text.strip_prefix("a=").unwrap_or(text);
    let value = value.strip_prefix("candidate:").unwrap_or(value);
    if value.is_empty() {
        return Ok(None);
    }
    tertulia_sdp::parse_candidate(value)
        .map(Some)
        .map_err(|_| WireError::Invalid("candidate"))
}

fn read_subscription(
    update: &pb::UpdateSubscription,
) -> Result<(Vec<tertulia_model::TrackId>, bool), WireError> {
    let of_participants = update
        .participant_tracks
        .iter()
        .flat_map(|tracks| &tracks.track_sids);
    Ok((
        track_ids(update.track_sids.iter().chain(of_participants))?,
        update.subscribe,
    ))
}

fn read_settings(settings: &pb::UpdateTrackSettings) -> Result<TrackSettings, WireError> {
    let size = VideoSize {
        width: settings.width,
        height: settings.height,
    };
    let sized = size.area() > 0;
    let wanted = quality(settings.quality)?;
    Ok(TrackSettings {
        disabled: settings.disabled || (wanted.is_none() && !sized),
        // The wire cannot leave the quality out: its zero means "low", unless a size says more.
        quality: if sized { None } else { wanted },
        size: sized.then_some(size),
        fps: (settings.fps > 0).then_some(settings.fps),
        // On the wire 1 is the highest; in the room more is higher, and 0 is unset in both.
        priority: if settings.priority == 0 {
            0
        } else {
            u32::MAX - settings.priority
        },
    })
}

fn read_permissions(permission: &pb::SubscriptionPermission) -> Result<Signal, WireError> {
    if permission.track_permissions.len() > MAX_LIST {
        return Err(WireError::TooLarge(MAX_LIST));
    }
    let mut permissions = Vec::new();
    for entry in &permission.track_permissions {
        let who = if entry.participant_identity.is_empty() {
            Named::Id(
                ParticipantId::parse(&entry.participant_sid).ok_or(WireError::Invalid("participant_sid"))?,
            )
        } else {
            let identity = Identity::parse(&entry.participant_identity);
            Named::Identity(identity.map_err(|_| WireError::Invalid("participant_identity"))?)
        };
        let tracks = track_ids(&entry.track_sids)?;
        permissions.push(NamedPermission {
            who,
            all_tracks: entry.all_tracks,
            tracks,
        });
    }
    Ok(Signal::Permissions {
        all_participants: permission.all_participants,
        permissions,
    })
}

pub(super) fn read_sync_state(state: &pb::SyncState) -> Result<SyncState, WireError> {
    if state.publish_tracks.len() > MAX_LIST || state.datachannel_receive_states.len() > MAX_LIST {
        return Err(WireError::TooLarge(MAX_LIST));
    }
    let published = state
        .publish_tracks
        .iter()
        .map(|published| {
            published
                .track
                .as_ref()
                .map(|track| track_id(&track.sid))
                .transpose()
        })
        .collect::<Result<_, _>>()?;
    let received = state
        .datachannel_receive_states
        .iter()
        .map(|received| (received.publisher_sid.clone(), received.last_seq))
        .collect();
    Ok(SyncState {
        published,
        subscription: state.subscription.as_ref().map(read_subscription).transpose()?,
        disabled: track_ids(&state.track_sids_disabled)?,
        received,
    })
}

fn read_scenario(simulate: &pb::SimulateScenario) -> Scenario {
    use pb::simulate_scenario::Scenario as Wire;
    match simulate.scenario {
        Some(Wire::SpeakerUpdate(seconds)) => Scenario::Speaking(u64::try_from(seconds).unwrap_or(0)),
        Some(Wire::NodeFailure(_)) => Scenario::NodeFailure,
        Some(Wire::Migration(_)) => Scenario::Migration,
        Some(Wire::ServerLeave(_)) => Scenario::ServerLeave,
        Some(Wire::SwitchCandidateProtocol(_)) => Scenario::RestartMedia,
        Some(Wire::DisconnectSignalOnResume(_)) => Scenario::CutOnResume,
        Some(Wire::DisconnectSignalOnResumeNoMessages(_)) => Scenario::CutOnResumeSilently,
        Some(Wire::LeaveRequestFullReconnect(_)) => Scenario::FullReconnect,
        Some(Wire::SubscriberBandwidth(_)) | None => Scenario::Unsupported,
    }
}

#[cfg(test)]
mod tests {
    use tertulia_model::Quality;

    use super::*;

    fn trickle(init: &str, target: i32) -> Result<Signal, WireError> {
        read_signal(Message::Trickle(pb::TrickleRequest {
            candidate_init: init.to_owned(),
            target,
            r#final: false,
        }))
    }

    #[test]
    fn candidates_are_read_from_a_browsers_json() {
        let init = r#"{"candidate":"candidate:1 1 udp 2122260223 192.0.2.1 50000 typ host generation 0","sdpMid":"0","sdpMLineIndex":0}"#;
        let Ok(Signal::Trickle(PeerRole::Subscriber, Some(candidate))) = trickle(init, 1) else {
            panic!("not read")
        };
        assert_eq!(candidate.address, "192.0.2.1:50000".parse().ok());
        assert_eq!(
            trickle(r#"{"candidate":""}"#, 0),
            Ok(Signal::Trickle(PeerRole::Primary, None))
        );
        assert_eq!(trickle("", 0), Ok(Signal::Trickle(PeerRole::Primary, None)));
    }

    #[test]
    fn broken_candidates_are_refused() {
        assert!(trickle("{", 0).is_err());
        assert!(trickle(r#"{"candidate":"candidate:nonsense"}"#, 0).is_err());
        assert_eq!(trickle("{}", 7), Err(WireError::Invalid("target")));
        assert!(trickle(&"x".repeat(MAX_CANDIDATE_BYTES + 1), 0).is_err());
    }

    fn settings(change: impl FnOnce(&mut pb::UpdateTrackSettings)) -> TrackSettings {
        let mut wire = pb::UpdateTrackSettings {
            track_sids: vec!["TR_1".into()],
            ..Default::default()
        };
        change(&mut wire);
        match read_signal(Message::TrackSetting(wire)) {
            Ok(Signal::TrackSettings { settings, .. }) => settings,
            other => panic!("read as {other:?}"),
        }
    }

    #[test]
    fn a_shown_size_goes_before_a_quality() {
        assert_eq!(settings(|w| w.quality = 1).quality, Some(Quality::Medium));
        let sized = settings(|w| (w.width, w.height) = (640, 360));
        assert_eq!(
            (sized.quality, sized.size),
            (
                None,
                Some(VideoSize {
                    width: 640,
                    height: 360
                })
            )
        );
        assert!(settings(|w| w.quality = 3).disabled);
        assert!(settings(|w| w.priority = 1).priority > settings(|w| w.priority = 2).priority);
    }

    #[test]
    fn lists_of_ids_are_checked() {
        let update = |sid: &str| {
            read_signal(Message::Subscription(pb::UpdateSubscription {
                track_sids: vec![sid.to_owned()],
                subscribe: true,
                participant_tracks: vec![],
            }))
        };
        assert!(update("TR_x").is_ok());
        assert_eq!(update("PA_x"), Err(WireError::Invalid("track_sid")));
        let many = read_signal(Message::Subscription(pb::UpdateSubscription {
            track_sids: vec!["TR_x".to_owned(); MAX_LIST + 1],
            ..Default::default()
        }));
        assert_eq!(many, Err(WireError::TooLarge(MAX_LIST)));
    }

    #[test]
    fn oversized_descriptions_are_refused() {
        let offer = pb::SessionDescription {
            sdp: "v".repeat(MAX_SDP_BYTES + 1),
            ..Default::default()
        };
        assert_eq!(
            read_signal(Message::Offer(offer)),
            Err(WireError::TooLarge(MAX_SDP_BYTES))
        );
    }

    #[test]
    fn every_message_with_absent_fields_is_answered() {
        let empty = [
            Message::Offer(Default::default()),
            Message::Answer(Default::default()),
            Message::Trickle(Default::default()),
            Message::AddTrack(Default::default()),
            Message::Mute(Default::default()),
            Message::Subscription(Default::default()),
            Message::TrackSetting(Default::default()),
            Message::Leave(Default::default()),
            Message::SubscriptionPermission(pb::SubscriptionPermission {
                track_permissions: vec![Default::default()],
                ..Default::default()
            }),
            Message::SyncState(pb::SyncState {
                publish_tracks: vec![Default::default()],
                ..Default::default()
            }),
            Message::Simulate(Default::default()),
            Message::UpdateMetadata(Default::default()),
            Message::UpdateAudioTrack(Default::default()),
            Message::UpdateVideoTrack(Default::default()),
            Message::PublishDataTrackRequest(Default::default()),
            Message::UpdateDataSubscription(Default::default()),
            Message::StoreDataBlobRequest(Default::default()),
        ];
        for message in empty {
            let _ = read_signal(message);
        }
    }
}
