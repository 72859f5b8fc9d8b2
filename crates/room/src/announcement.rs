//! What a peer says of a track it is about to publish, checked before anything is made of it.

use std::collections::BTreeSet;

use tertulia_model::{Layer, MediaKind, Quality, Source, TrackId, VideoSize};

use crate::limits::{self, within};
use crate::text::clean_line;
use crate::{NewTrack, Refusal, SimulcastCodec, TrackInfo};

/// Checks and bounds what a peer announces.
pub(crate) fn checked(mut new: NewTrack) -> Result<NewTrack, Refusal> {
    let fits = match new.source {
        Source::Camera | Source::ScreenShare => new.kind == MediaKind::Video,
        Source::Microphone | Source::ScreenShareAudio => new.kind == MediaKind::Audio,
        Source::Unknown => true,
    };
    if !fits {
        return Err(Refusal::Invalid { field: "source" });
    }
    check_cid(&new.cid)?;
    if new.cid.is_empty() {
        return Err(Refusal::Invalid { field: "cid" });
    }
    within("name", new.name.len(), limits::NAME_BYTES)?;
    within("stream", new.stream.len(), limits::ID_BYTES)?;
    within("codecs", new.codecs.len(), limits::CODECS)?;
    within(
        "packet trailer features",
        new.packet_trailer_features.len(),
        limits::TRAILER_FEATURES,
    )?;
    new.name = clean_line(&new.name);
    // The stream name becomes a word of an `msid` attribute, behind a bar.
    new.stream = new
        .stream
        .chars()
        .map(|c| if c.is_ascii_graphic() && c != '|' { c } else { '-' })
        .collect();
    new.layers = checked_layers(new.kind, new.layers)?;
    let kind = new.kind;
    new.codecs = new
        .codecs
        .into_iter()
        .map(|codec| checked_codec(kind, codec))
        .collect::<Result<_, _>>()?;
    if kind == MediaKind::Audio {
        new.size = VideoSize::default();
    }
    Ok(new)
}

fn checked_codec(kind: MediaKind, mut codec: SimulcastCodec) -> Result<SimulcastCodec, Refusal> {
    if codec.codec.kind() != kind {
        return Err(Refusal::UnsupportedType);
    }
    check_cid(&codec.cid)?;
    codec.layers = checked_layers(kind, codec.layers)?;
    Ok(codec)
}

fn check_cid(cid: &str) -> Result<(), Refusal> {
    within("cid", cid.len(), limits::ID_BYTES)?;
    if cid.chars().any(char::is_control) {
        Err(Refusal::Invalid { field: "cid" })
    } else {
        Ok(())
    }
}

/// Layers lowest first, one a quality; audio has none.
pub(crate) fn checked_layers(kind: MediaKind, mut layers: Vec<Layer>) -> Result<Vec<Layer>, Refusal> {
    if kind == MediaKind::Audio {
        return Ok(Vec::new());
    }
    within("layers", layers.len(), limits::LAYERS)?;
    layers.sort_by_key(|layer| layer.quality);
    let distinct: BTreeSet<Quality> = layers.iter().map(|layer| layer.quality).collect();
    if distinct.len() < layers.len() {
        Err(Refusal::Invalid { field: "layers" })
    } else {
        Ok(layers)
    }
}

pub(crate) fn track_info(id: TrackId, new: NewTrack) -> TrackInfo {
    let stream = match (new.stream.is_empty(), new.source) {
        (false, _) => new.stream,
        (true, Source::Camera | Source::Microphone) => "camera".to_owned(),
        (true, Source::ScreenShare | Source::ScreenShareAudio) => "screen".to_owned(),
        // Tracks nobody said belong together are not held in sync.
        (true, Source::Unknown) => id.as_str().to_owned(),
    };
    let layers = match new.codecs.first() {
        Some(primary) if new.layers.is_empty() => primary.layers.clone(),
        _ => new.layers,
    };
    TrackInfo {
        id,
        kind: new.kind,
        source: new.source,
        name: new.name,
        muted: new.muted,
        size: new.size,
        simulcast: layers.len() > 1,
        layers,
        codec: None,
        codecs: new.codecs,
        red: new.red,
        stream,
        encryption: new.encryption,
        audio: new.audio,
        backup_codec_policy: new.backup_codec_policy,
        packet_trailer_features: new.packet_trailer_features,
    }
}
