//! Between the protocol's messages and ours.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use livekit_protocol as pb;
use pb::signal_response::Message as Down;
use prost::Message as _;

use super::super::{LocalTrack, Signal, Who};
use crate::error::ClientError;

/// The newest version of the protocol we speak.
const PROTOCOL: i32 = 17;

/// Names of the layers by quality, lowest first.
const RIDS: [&str; 3] = ["q", "h", "f"];

/// The parameter of the connection's address, before base64.
pub fn join_request(who: &Who, sdp: String) -> Result<Vec<u8>, ClientError> {
    let request = pb::JoinRequest {
        client_info: Some(pb::ClientInfo {
            sdk: pb::client_info::Sdk::Rust.into(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: PROTOCOL,
            os: std::env::consts::OS.to_owned(),
            ..pb::ClientInfo::default()
        }),
        connection_settings: Some(pb::ConnectionSettings {
            auto_subscribe: who.subscribe,
            adaptive_stream: who.adaptive,
            ..pb::ConnectionSettings::default()
        }),
        publisher_offer: Some(offer(sdp, 1)),
        ..pb::JoinRequest::default()
    };
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&request.encode_to_vec())?;
    let wrapped = pb::WrappedJoinRequest {
        compression: pb::wrapped_join_request::Compression::Gzip.into(),
        join_request: encoder.finish()?,
    };
    Ok(wrapped.encode_to_vec())
}

/// An offer with its number.
pub fn offer(sdp: String, id: u32) -> pb::SessionDescription {
    pb::SessionDescription {
        r#type: "offer".to_owned(),
        sdp,
        id,
        ..pb::SessionDescription::default()
    }
}

/// The announcement of a track.
pub fn add_track(track: &LocalTrack) -> pb::AddTrackRequest {
    let layers: Vec<pb::VideoLayer> = (track.layers.iter().enumerate())
        .map(|(index, (rid, width, height, bitrate))| pb::VideoLayer {
            quality: if track.layers.len() == 1 {
                pb::VideoQuality::High.into()
            } else {
                i32::try_from(index).unwrap_or(0)
            },
            width: u32::from(*width),
            height: u32::from(*height),
            bitrate: *bitrate,
            spatial_layer: i32::try_from(index).unwrap_or(0),
            rid: (*rid).to_owned(),
            ..pb::VideoLayer::default()
        })
        .collect();
    let largest = layers.last().map_or((0, 0), |layer| (layer.width, layer.height));
    let video = !layers.is_empty();
    let simulcast_codecs = video.then(|| pb::SimulcastCodec {
        codec: "vp8".to_owned(),
        cid: track.id.clone(),
        layers: layers.clone(),
        ..pb::SimulcastCodec::default()
    });
    pb::AddTrackRequest {
        cid: track.id.clone(),
        r#type: if video {
            pb::TrackType::Video.into()
        } else {
            pb::TrackType::Audio.into()
        },
        source: if video {
            pb::TrackSource::Camera.into()
        } else {
            pb::TrackSource::Microphone.into()
        },
        width: largest.0,
        height: largest.1,
        layers,
        simulcast_codecs: simulcast_codecs.into_iter().collect(),
        disable_red: !track.red,
        ..pb::AddTrackRequest::default()
    }
}

/// What a message means to a client called `own`.
pub fn signals(message: Down, own: &str) -> Vec<Signal> {
    match message {
        Down::Answer(answer) => vec![Signal::Answer(answer.sdp)],
        Down::MediaSectionsRequirement(wish) => {
            vec![Signal::SectionsNeeded {
                audio: wish.num_audios,
                video: wish.num_videos,
            }]
        }
        Down::TrackPublished(published) => {
            let track = published.track.map(|track| track.sid).unwrap_or_default();
            vec![Signal::Published {
                id: published.cid,
                track,
            }]
        }
        Down::Update(update) => update
            .participants
            .iter()
            .filter(|other| other.identity != own)
            .map(tracks)
            .collect(),
        Down::SubscribedQualityUpdate(update) => layers(update).into_iter().collect(),
        Down::Leave(leave) => vec![Signal::Ended(reason(&leave))],
        _ => Vec::new(),
    }
}

/// Somebody's videos.
pub fn tracks(participant: &pb::ParticipantInfo) -> Signal {
    let videos = participant
        .tracks
        .iter()
        .filter(|track| track.r#type() == pb::TrackType::Video);
    Signal::Tracks {
        identity: participant.identity.clone(),
        videos: videos.map(|track| track.sid.clone()).collect(),
    }
}

/// Why the server ends the stay.
pub fn reason(leave: &pb::LeaveRequest) -> String {
    leave.reason().as_str_name().to_owned()
}

fn layers(update: pb::SubscribedQualityUpdate) -> Option<Signal> {
    let codec = update
        .subscribed_codecs
        .into_iter()
        .find(|codec| codec.codec.eq_ignore_ascii_case("vp8"));
    let codec = codec?;
    let wanted = codec.qualities.iter().filter(|quality| quality.enabled);
    let rids = wanted.filter_map(|wanted| RIDS.get(usize::try_from(wanted.quality).ok()?));
    Some(Signal::Layers {
        track: update.track_sid,
        rids: rids.map(|rid| (*rid).to_owned()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_is_announced_with_its_layers() {
        let request = add_track(&LocalTrack {
            id: "cam".to_owned(),
            layers: vec![("q", 320, 180, 150_000), ("f", 1280, 720, 1_700_000)],
            red: false,
        });
        assert_eq!(request.r#type(), pb::TrackType::Video);
        assert_eq!((request.width, request.height), (1280, 720));
        let layers: Vec<(i32, &str)> = request
            .layers
            .iter()
            .map(|layer| (layer.quality, layer.rid.as_str()))
            .collect();
        assert_eq!(layers, [(0, "q"), (1, "f")]);
        assert_eq!(request.simulcast_codecs[0].cid, "cam");
    }

    #[test]
    fn wanted_layers_are_those_of_our_codec() {
        let quality = |quality: i32, enabled| pb::SubscribedQuality { quality, enabled };
        let qualities = vec![quality(0, true), quality(1, false), quality(2, true)];
        let update = |codec: &str| pb::SubscribedQualityUpdate {
            track_sid: "TR_1".to_owned(),
            subscribed_codecs: vec![pb::SubscribedCodec {
                codec: codec.to_owned(),
                qualities: qualities.clone(),
            }],
            ..pb::SubscribedQualityUpdate::default()
        };
        let rids = vec!["q".to_owned(), "f".to_owned()];
        assert_eq!(
            layers(update("vp8")),
            Some(Signal::Layers {
                track: "TR_1".to_owned(),
                rids
            })
        );
        assert_eq!(layers(update("av1")), None);
    }

    #[test]
    fn own_updates_are_passed_over() {
        let participant = |identity: &str| pb::ParticipantInfo {
            identity: identity.to_owned(),
            tracks: vec![pb::TrackInfo {
                sid: "TR_v".to_owned(),
                r#type: pb::TrackType::Video.into(),
                ..pb::TrackInfo::default()
            }],
            ..pb::ParticipantInfo::default()
        };
        let update = pb::ParticipantUpdate {
            participants: vec![participant("me"), participant("you")],
        };
        let expected = Signal::Tracks {
            identity: "you".to_owned(),
            videos: vec!["TR_v".to_owned()],
        };
        assert_eq!(signals(Down::Update(update), "me"), [expected]);
    }
}
