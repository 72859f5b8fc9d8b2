//! Tracks of a client, from their source to the section that sends them.

use std::time::Instant;

use rand::rngs::StdRng;

use super::Plan;
use crate::media::{AudioSource, Source, VideoProfile, VideoSource};
use crate::peer::{Offered, Sending};
use crate::signalling::LocalTrack;

/// A track of ours.
pub(super) struct Track {
    pub(super) source: Option<Source>,
    pub(super) local: LocalTrack,
    /// The server's id, once it has taken the announcement.
    pub(super) published: Option<String>,
    /// Where it is sent, once the server has answered.
    pub(super) to: Option<Sending>,
    pub(super) offered: Option<Sending>,
}

pub(super) fn tracks(plan: &Plan, began: Instant, random: &mut StdRng) -> Vec<Track> {
    let track = |source, id, layers, red| Track {
        source: Some(source),
        local: LocalTrack { id, layers, red },
        published: None,
        to: None,
        offered: None,
    };
    let mut tracks = Vec::new();
    for (number, profile) in plan.videos.iter().enumerate() {
        let id = format!("camera-{}-{number}", plan.index);
        let layers = layers(profile);
        let source = VideoSource::new(plan.index, profile.clone(), began, random);
        tracks.push(track(Source::Video(source), id, layers, false));
    }
    if let Some(profile) = plan.audio {
        let source = AudioSource::new(plan.index, plan.speakers, profile, began, random);
        let id = format!("microphone-{}", plan.index);
        tracks.push(track(Source::Audio(source), id, Vec::new(), profile.red));
    }
    tracks
}

fn layers(profile: &VideoProfile) -> Vec<(&'static str, u16, u16, u32)> {
    let bits = |bytes: usize| {
        let bits = bytes as f64 * 8.0 / profile.interval.as_secs_f64();
        bits as u32
    };
    let layers = profile.layers.iter();
    layers
        .map(|layer| (layer.rid, layer.width, layer.height, bits(layer.frame_bytes)))
        .collect()
}

pub(super) fn offered(track: &LocalTrack) -> Offered {
    Offered {
        id: track.id.clone(),
        video: !track.layers.is_empty(),
        rids: track.layers.iter().map(|(rid, ..)| *rid).collect(),
    }
}
