use livekit_protocol as pb;
use tertulia_model::{Bitrate, Codec, Layer, MediaKind, Quality, Source, TrackId, VideoSize};
use tertulia_room::{AudioFeatures, NewTrack, SimulcastCodec, TrackEncryption, TrackInfo};

use super::MAX_LAYERS;
use crate::wire::WireError;

/// Reads the announcement of a track.
#[expect(deprecated, reason = "older clients still write the fields")]
pub(super) fn new_track(request: &pb::AddTrackRequest) -> Result<NewTrack, WireError> {
    let kind = match pb::TrackType::try_from(request.r#type) {
        Ok(pb::TrackType::Audio) => MediaKind::Audio,
        Ok(pb::TrackType::Video) => MediaKind::Video,
        Ok(pb::TrackType::Data) | Err(_) => return Err(WireError::Invalid("type")),
    };
    if request.simulcast_codecs.len() > MAX_LAYERS {
        return Err(WireError::Invalid("simulcast_codecs"));
    }
    let mut codecs = Vec::new();
    for codec in &request.simulcast_codecs {
        // Clients leave the name empty for "whatever is negotiated".
        if codec.codec.is_empty() {
            continue;
        }
        codecs.push(SimulcastCodec {
            codec: Codec::from_mime(&codec.codec)
                .filter(|known| known.kind() == kind)
                .ok_or(WireError::Invalid("codec"))?,
            cid: codec.cid.clone(),
            layers: layers(&codec.layers)?,
        });
    }
    let existing = match request.sid.as_str() {
        "" => None,
        sid => Some(TrackId::parse(sid).ok_or(WireError::Invalid("sid"))?),
    };
    let mut audio = audio_features(&request.audio_features)?;
    audio.stereo |= request.stereo;
    audio.no_dtx |= request.disable_dtx;
    Ok(NewTrack {
        cid: request.cid.clone(),
        existing,
        kind,
        source: source(request.source)?,
        name: request.name.clone(),
        muted: request.muted,
        size: VideoSize {
            width: request.width,
            height: request.height,
        },
        layers: layers(&request.layers)?,
        codecs,
        red: kind == MediaKind::Audio && !request.disable_red,
        stream: request.stream.clone(),
        encryption: encryption(request.encryption)?,
        audio,
        backup_codec_policy: request.backup_codec_policy,
        packet_trailer_features: request
            .packet_trailer_features
            .iter()
            .copied()
            .take(MAX_LAYERS)
            .collect(),
    })
}

/// Writes a track as its publisher and its subscribers see it.
#[expect(deprecated, reason = "older clients still read the fields")]
pub(super) fn track_info(track: &TrackInfo) -> pb::TrackInfo {
    let mime_type = track
        .codec
        .or_else(|| track.codecs.first().map(|codec| codec.codec))
        .map_or_else(String::new, |codec| codec.mime().to_owned());
    let audio = track.kind == MediaKind::Audio;
    pb::TrackInfo {
        sid: track.id.to_string(),
        r#type: match track.kind {
            MediaKind::Audio => pb::TrackType::Audio,
            MediaKind::Video => pb::TrackType::Video,
        }
        .into(),
        name: track.name.clone(),
        muted: track.muted,
        width: track.size.width,
        height: track.size.height,
        simulcast: track.simulcast,
        disable_dtx: audio && track.audio.no_dtx,
        source: source_number(track.source).into(),
        layers: track.layers.iter().enumerate().map(wire_layer).collect(),
        mime_type,
        mid: String::new(),
        codecs: track.codecs.iter().map(codec_info).collect(),
        stereo: audio && track.audio.stereo,
        disable_red: audio && !track.red,
        encryption: match track.encryption {
            TrackEncryption::None => pb::encryption::Type::None,
            TrackEncryption::Gcm => pb::encryption::Type::Gcm,
            TrackEncryption::Custom => pb::encryption::Type::Custom,
        }
        .into(),
        stream: track.stream.clone(),
        version: None,
        audio_features: audio_feature_numbers(track.audio),
        backup_codec_policy: known::<pb::BackupCodecPolicy>(track.backup_codec_policy),
        packet_trailer_features: track
            .packet_trailer_features
            .iter()
            .copied()
            .filter(|number| pb::PacketTrailerFeature::try_from(*number).is_ok())
            .collect(),
    }
}

/// Keeps a mirrored number only where this version of the wire knows it: JSON cannot carry others.
pub(super) fn known<E: TryFrom<i32>>(number: i32) -> i32 {
    if E::try_from(number).is_ok() { number } else { 0 }
}

fn codec_info(codec: &SimulcastCodec) -> pb::SimulcastCodecInfo {
    let mode = match codec.codec {
        Codec::Vp9 | Codec::Av1 if codec.layers.len() > 1 => {
            pb::video_layer::Mode::MultipleSpatialLayersPerStream
        }
        _ => pb::video_layer::Mode::OneSpatialLayerPerStream,
    };
    pb::SimulcastCodecInfo {
        mime_type: codec.codec.mime().to_owned(),
        mid: String::new(),
        cid: codec.cid.clone(),
        layers: codec.layers.iter().enumerate().map(wire_layer).collect(),
        video_layer_mode: mode.into(),
        sdp_cid: String::new(),
    }
}

fn wire_layer((index, layer): (usize, &Layer)) -> pb::VideoLayer {
    const RIDS: [&str; 3] = ["q", "h", "f"];
    pb::VideoLayer {
        quality: quality_number(layer.quality).into(),
        width: layer.size.width,
        height: layer.size.height,
        bitrate: u32::try_from(layer.bitrate.as_bps()).unwrap_or(u32::MAX),
        ssrc: layer.ssrc,
        spatial_layer: i32::try_from(index).unwrap_or(0),
        rid: RIDS.get(index).copied().unwrap_or_default().to_owned(),
        repair_ssrc: 0,
    }
}

/// Reads layers and puts them lowest first.
pub(super) fn layers(wire: &[pb::VideoLayer]) -> Result<Vec<Layer>, WireError> {
    if wire.len() > MAX_LAYERS {
        return Err(WireError::Invalid("layers"));
    }
    let mut layers = Vec::new();
    for layer in wire {
        let Some(quality) = quality(layer.quality)? else {
            continue;
        };
        layers.push(Layer {
            quality,
            size: VideoSize {
                width: layer.width,
                height: layer.height,
            },
            bitrate: Bitrate::from_bps(u64::from(layer.bitrate)),
            ssrc: layer.ssrc,
        });
    }
    layers.sort_by_key(|layer| layer.quality);
    Ok(layers)
}

/// Reads a quality; `None` means switched off.
pub(super) fn quality(number: i32) -> Result<Option<Quality>, WireError> {
    match pb::VideoQuality::try_from(number) {
        Ok(pb::VideoQuality::Low) => Ok(Some(Quality::Low)),
        Ok(pb::VideoQuality::Medium) => Ok(Some(Quality::Medium)),
        Ok(pb::VideoQuality::High) => Ok(Some(Quality::High)),
        Ok(pb::VideoQuality::Off) => Ok(None),
        Err(_) => Err(WireError::Invalid("quality")),
    }
}

pub(super) fn quality_number(quality: Quality) -> pb::VideoQuality {
    match quality {
        Quality::Low => pb::VideoQuality::Low,
        Quality::Medium => pb::VideoQuality::Medium,
        Quality::High => pb::VideoQuality::High,
    }
}

pub(super) fn source(number: i32) -> Result<Source, WireError> {
    match pb::TrackSource::try_from(number) {
        Ok(pb::TrackSource::Unknown) => Ok(Source::Unknown),
        Ok(pb::TrackSource::Camera) => Ok(Source::Camera),
        Ok(pb::TrackSource::Microphone) => Ok(Source::Microphone),
        Ok(pb::TrackSource::ScreenShare) => Ok(Source::ScreenShare),
        Ok(pb::TrackSource::ScreenShareAudio) => Ok(Source::ScreenShareAudio),
        Err(_) => Err(WireError::Invalid("source")),
    }
}

pub(super) fn source_number(source: Source) -> pb::TrackSource {
    match source {
        Source::Unknown => pb::TrackSource::Unknown,
        Source::Camera => pb::TrackSource::Camera,
        Source::Microphone => pb::TrackSource::Microphone,
        Source::ScreenShare => pb::TrackSource::ScreenShare,
        Source::ScreenShareAudio => pb::TrackSource::ScreenShareAudio,
    }
}

fn encryption(number: i32) -> Result<TrackEncryption, WireError> {
    match pb::encryption::Type::try_from(number) {
        Ok(pb::encryption::Type::None) => Ok(TrackEncryption::None),
        Ok(pb::encryption::Type::Gcm) => Ok(TrackEncryption::Gcm),
        Ok(pb::encryption::Type::Custom) => Ok(TrackEncryption::Custom),
        Err(_) => Err(WireError::Invalid("encryption")),
    }
}

pub(super) fn audio_features(numbers: &[i32]) -> Result<AudioFeatures, WireError> {
    use pb::AudioTrackFeature as Wire;
    if numbers.len() > MAX_LAYERS {
        return Err(WireError::Invalid("audio_features"));
    }
    let mut features = AudioFeatures::default();
    for number in numbers {
        let flag = match Wire::try_from(*number) {
            Ok(Wire::TfStereo) => &mut features.stereo,
            Ok(Wire::TfNoDtx) => &mut features.no_dtx,
            Ok(Wire::TfAutoGainControl) => &mut features.auto_gain_control,
            Ok(Wire::TfEchoCancellation) => &mut features.echo_cancellation,
            Ok(Wire::TfNoiseSuppression) => &mut features.noise_suppression,
            Ok(Wire::TfEnhancedNoiseCancellation) => &mut features.enhanced_noise_cancellation,
            Ok(Wire::TfPreconnectBuffer) => &mut features.preconnect_buffer,
            // A feature of later versions says nothing here.
            Err(_) => continue,
        };
        *flag = true;
    }
    Ok(features)
}

fn audio_feature_numbers(features: AudioFeatures) -> Vec<i32> {
    use pb::AudioTrackFeature as Wire;
    [
        (features.stereo, Wire::TfStereo),
        (features.no_dtx, Wire::TfNoDtx),
        (features.auto_gain_control, Wire::TfAutoGainControl),
        (features.echo_cancellation, Wire::TfEchoCancellation),
        (features.noise_suppression, Wire::TfNoiseSuppression),
        (
            features.enhanced_noise_cancellation,
            Wire::TfEnhancedNoiseCancellation,
        ),
        (features.preconnect_buffer, Wire::TfPreconnectBuffer),
    ]
    .into_iter()
    .filter(|(on, _)| *on)
    .map(|(_, number)| number.into())
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera() -> pb::AddTrackRequest {
        pb::AddTrackRequest {
            cid: "c1".into(),
            r#type: pb::TrackType::Video.into(),
            source: pb::TrackSource::Camera.into(),
            width: 1280,
            height: 720,
            layers: vec![
                pb::VideoLayer {
                    quality: 2,
                    width: 1280,
                    height: 720,
                    ..Default::default()
                },
                pb::VideoLayer {
                    quality: 0,
                    width: 320,
                    height: 180,
                    ..Default::default()
                },
            ],
            simulcast_codecs: vec![
                pb::SimulcastCodec {
                    codec: "vp9".into(),
                    cid: "c1".into(),
                    ..Default::default()
                },
                pb::SimulcastCodec {
                    codec: "video/VP8".into(),
                    ..Default::default()
                },
            ],
            ..Default::default()
        }
    }

    #[test]
    fn an_announcement_is_read_whole() {
        let track = new_track(&camera()).unwrap();
        assert_eq!((track.kind, track.source), (MediaKind::Video, Source::Camera));
        assert_eq!(
            track.layers.iter().map(|l| l.quality).collect::<Vec<_>>(),
            [Quality::Low, Quality::High]
        );
        assert_eq!(
            track.codecs.iter().map(|c| c.codec).collect::<Vec<_>>(),
            [Codec::Vp9, Codec::Vp8]
        );
        assert!(!track.red);
    }

    #[test]
    fn announcements_that_make_no_sense_name_the_field() {
        fn check(change: impl FnOnce(&mut pb::AddTrackRequest), field: &'static str) {
            let mut request = camera();
            change(&mut request);
            assert_eq!(new_track(&request).unwrap_err(), WireError::Invalid(field));
        }
        check(|r| r.r#type = 2, "type");
        check(|r| r.r#type = 77, "type");
        check(|r| r.source = -1, "source");
        check(|r| r.encryption = 9, "encryption");
        check(|r| r.sid = "../etc".into(), "sid");
        check(
            |r| {
                r.layers = vec![pb::VideoLayer {
                    quality: 50,
                    ..Default::default()
                }]
            },
            "quality",
        );
        check(|r| r.layers = vec![pb::VideoLayer::default(); 1000], "layers");
        check(
            |r| r.simulcast_codecs = vec![pb::SimulcastCodec::default(); 1000],
            "simulcast_codecs",
        );
        check(|r| r.simulcast_codecs[0].codec = "opus".into(), "codec");
        check(|r| r.simulcast_codecs[0].codec = "theora".into(), "codec");
    }

    #[test]
    #[expect(deprecated, reason = "older clients still write the field")]
    fn audio_flags_come_from_either_form() {
        let request = pb::AddTrackRequest {
            disable_dtx: true,
            audio_features: vec![pb::AudioTrackFeature::TfStereo.into(), 99],
            ..Default::default()
        };
        let track = new_track(&request).unwrap();
        assert!(track.audio.stereo && track.audio.no_dtx && track.red);
        assert_eq!(
            audio_features(&audio_feature_numbers(track.audio)).unwrap(),
            track.audio
        );
    }
}
