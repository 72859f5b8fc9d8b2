//! What a client sends and receives, as one description for the engine: a section for each of its sources, and sections
//! to receive on. The client itself never sees these sections; it knows streams.

use std::collections::BTreeMap;

use tertulia_engine::Negotiated;
use tertulia_model::{
    Bitrate, Codec, CodecSpec, Direction, EncodingSpec, Extension, ExtensionSpec, Feedback, Layer, MediaKind,
    MediaSpec, Mid, PeerSpec, Quality, Rid, Source, TrackId, VideoSize,
};
use tertulia_room::{AudioFeatures, NewTrack, Permission, TrackEncryption, TrackInfo};

use super::jingle::{Accepted, ClientSource};

/// Most sections of one client, so that the engine takes them.
const MAX_SECTIONS: usize = 190;
/// Most sources of one client.
pub(crate) const MAX_SOURCES: usize = 20;
/// Names of layers, lowest first.
const RIDS: [&str; 3] = ["q", "h", "f"];

/// A client's side of its connection.
pub(crate) struct Media {
    /// Transport of the client; its sections are ours.
    client: PeerSpec,
    sections: Vec<Section>,
    sources: BTreeMap<String, Published>,
    /// What the client receives: SSRC and that of repairs, by track.
    streams: BTreeMap<TrackId, (u32, Option<u32>)>,
    next_mid: u32,
}

struct Published {
    source: ClientSource,
    track: Option<TrackId>,
    /// Whether it is muted, as far as that was said.
    muted: Option<bool>,
}

struct Section {
    mid: Mid,
    kind: MediaKind,
    role: Role,
}

/// What a section is for.
enum Role {
    /// Carries a source of the client.
    Source(String),
    /// Takes what the client is to receive.
    Slot,
    /// Is over; its place may be taken.
    Over,
}

impl Media {
    pub(crate) fn new(accepted: Accepted) -> Self {
        let mut media = Self {
            client: accepted.transport,
            sections: Vec::new(),
            sources: BTreeMap::new(),
            streams: BTreeMap::new(),
            next_mid: 0,
        };
        media.add_sources(accepted.sources);
        media
    }

    /// Takes sources of the client; those of the same name replace what was there.
    pub(crate) fn add_sources(&mut self, sources: Vec<ClientSource>) {
        for source in sources {
            if self.sources.len() < MAX_SOURCES || self.sources.contains_key(&source.name) {
                let before = self.sources.remove(&source.name);
                let (track, muted) = before.map_or((None, None), |known| (known.track, known.muted));
                let name = source.name.clone();
                self.sources.insert(name, Published { source, track, muted });
            }
        }
    }

    /// Forgets the sources that have one of these SSRCs. Gives the tracks they were.
    pub(crate) fn remove_sources(&mut self, ssrcs: &[u32]) -> Vec<TrackId> {
        let mut gone = Vec::new();
        self.sources.retain(|_, known| {
            let stays = !known
                .source
                .encodings
                .iter()
                .any(|(ssrc, _)| ssrcs.contains(ssrc));
            if !stays {
                gone.extend(known.track.take());
            }
            stays
        });
        self.close_sections();
        gone
    }

    /// A track of the client is gone. Gives what it was.
    pub(crate) fn withdrawn(&mut self, track: &TrackId) -> Option<Source> {
        let known = self.by_track(track)?;
        known.track = None;
        // It becomes a track again when the client opens it.
        known.muted = Some(true);
        let source = source_of(&known.source);
        self.close_sections();
        Some(source)
    }

    /// A track of the client was muted for it. Gives what it is.
    pub(crate) fn muted_by_room(&mut self, track: &TrackId) -> Option<Source> {
        let known = self.by_track(track)?;
        known.muted = Some(true);
        Some(source_of(&known.source))
    }

    fn by_track(&mut self, track: &TrackId) -> Option<&mut Published> {
        let mut known = self.sources.values_mut();
        known.find(|known| known.track.as_ref() == Some(track))
    }

    /// Tracks whose mute state is not what the client says, with what it is from now on.
    pub(crate) fn mute_as_said(&mut self, said: &BTreeMap<String, bool>) -> Vec<(TrackId, bool)> {
        let mut changes = Vec::new();
        for (name, muted) in said {
            if let Some(known) = self.sources.get_mut(name)
                && let Some(track) = &known.track
                && known.muted != Some(*muted)
            {
                known.muted = Some(*muted);
                changes.push((track.clone(), *muted));
            }
        }
        changes
    }

    /// Whether the client has opened a source that is no track.
    pub(crate) fn waits_open(&self, said: &BTreeMap<String, bool>) -> bool {
        let opened = |name: &String| said.get(name) == Some(&false);
        let mut known = self.sources.iter();
        known.any(|(name, known)| known.track.is_none() && opened(name))
    }

    /// Ends the sections whose sources are no tracks any more.
    fn close_sections(&mut self) {
        for section in &mut self.sections {
            if let Role::Source(name) = &section.role {
                let live = self.sources.get(name).is_some_and(|known| known.track.is_some());
                if !live {
                    section.role = Role::Over;
                }
            }
        }
    }

    /// Sources that are no tracks yet and may become some, as they are announced.
    pub(crate) fn unpublished(
        &self,
        permission: &Permission,
        muted: &BTreeMap<String, bool>,
    ) -> Vec<(String, NewTrack)> {
        self.sources
            .iter()
            .filter(|(_, known)| known.track.is_none() && permission.allows_source(source_of(&known.source)))
            .filter(|(name, known)| known.muted != Some(true) || muted.get(*name) == Some(&false))
            .map(|(name, known)| {
                let muted = muted.get(name).copied().unwrap_or(false);
                (name.clone(), new_track(&known.source, muted))
            })
            .collect()
    }

    /// A source has become a track.
    pub(crate) fn published(&mut self, name: &str, track: &TrackInfo) {
        let Some(known) = self.sources.get_mut(name) else {
            return;
        };
        known.track = Some(track.id.clone());
        known.muted = Some(track.muted);
        let kind = known.source.kind;
        self.add_section(kind, Role::Source(name.to_owned()));
    }

    /// Tracks of the client with the names of their sources.
    pub(crate) fn tracks(&self) -> impl Iterator<Item = (&str, &TrackId)> {
        self.sources
            .iter()
            .filter_map(|(name, known)| Some((name.as_str(), known.track.as_ref()?)))
    }

    pub(crate) fn source_of(&self, track: &TrackId) -> Option<&str> {
        self.tracks()
            .find(|(_, known)| *known == track)
            .map(|(name, _)| name)
    }

    /// Whether a source waits to become a track.
    pub(crate) fn has_unpublished(&self) -> bool {
        self.sources.values().any(|known| known.track.is_none())
    }

    /// Makes room to receive on, as far as there may be.
    pub(crate) fn add_slots(&mut self, kind: MediaKind, count: usize) {
        for _ in 0..count {
            self.add_section(kind, Role::Slot);
        }
    }

    fn add_section(&mut self, kind: MediaKind, role: Role) {
        let Some(mid) = Mid::parse(&format!("m{}", self.next_mid)) else {
            return;
        };
        let section = Section { mid, kind, role };
        let over = |known: &&mut Section| matches!(known.role, Role::Over);
        if let Some(place) = self.sections.iter_mut().find(over) {
            *place = section;
        } else if self.sections.len() < MAX_SECTIONS {
            self.sections.push(section);
        } else {
            tracing::debug!("a client has as many sections as there may be");
            return;
        }
        self.next_mid += 1;
    }

    /// The client's description of itself.
    pub(crate) fn describe(&self) -> PeerSpec {
        let section = |(index, section): (usize, &Section)| {
            let source = match &section.role {
                Role::Source(name) => self.sources.get(name).map(|known| &known.source),
                Role::Slot | Role::Over => None,
            };
            MediaSpec {
                mid: section.mid.clone(),
                index,
                kind: section.kind,
                direction: match section.role {
                    Role::Source(_) => Direction::SendOnly,
                    Role::Slot => Direction::RecvOnly,
                    Role::Over => Direction::Inactive,
                },
                stopped: matches!(section.role, Role::Over),
                codecs: codecs(section.kind),
                extensions: extensions(section.kind),
                encodings: source.map(encodings).unwrap_or_default(),
                stream_id: source.map(|source| source.name.clone()),
                track_id: source.map(|source| source.name.clone()),
            }
        };
        PeerSpec {
            media: self.sections.iter().enumerate().map(section).collect(),
            ..self.client.clone()
        }
    }

    /// Takes what the engine sends from now on.
    pub(crate) fn take_answer(&mut self, negotiated: &Negotiated) {
        let stream = |mid: &Mid| {
            let mut sections = negotiated.answer.media.iter();
            let section = sections.find(|section| section.mid == *mid && section.direction.sends())?;
            let encoding = section.encodings.first()?;
            Some((encoding.ssrc?, encoding.rtx_ssrc))
        };
        self.streams = negotiated
            .bindings
            .iter()
            .filter_map(|(mid, track)| Some((track.clone(), stream(mid)?)))
            .collect();
    }

    /// What the client receives.
    pub(crate) fn streams(&self) -> &BTreeMap<TrackId, (u32, Option<u32>)> {
        &self.streams
    }
}

fn source_of(source: &ClientSource) -> Source {
    match (source.kind, source.screen) {
        (MediaKind::Audio, false) => Source::Microphone,
        (MediaKind::Audio, true) => Source::ScreenShareAudio,
        (MediaKind::Video, false) => Source::Camera,
        (MediaKind::Video, true) => Source::ScreenShare,
    }
}

fn new_track(source: &ClientSource, muted: bool) -> NewTrack {
    let video = source.kind == MediaKind::Video;
    let full = if source.screen {
        (1_920, 1_080)
    } else {
        (1_280, 720)
    };
    let size = |below: usize| VideoSize {
        width: full.0 >> below,
        height: full.1 >> below,
    };
    let count = source.encodings.len();
    // Clients halve from the highest down; the lowest names of layers are those that are missing.
    let layers = source
        .encodings
        .iter()
        .enumerate()
        .map(|(place, (ssrc, _))| Layer {
            quality: Quality::from_index(place + 3 - count.min(3)),
            size: size(count - 1 - place),
            bitrate: Bitrate::from_kbps(200 << (2 * (place + 3 - count.min(3)))),
            ssrc: *ssrc,
        });
    NewTrack {
        cid: source.name.clone(),
        existing: None,
        kind: source.kind,
        source: source_of(source),
        name: source.name.clone(),
        muted,
        size: if video { size(0) } else { VideoSize::default() },
        layers: if video { layers.collect() } else { Vec::new() },
        codecs: Vec::new(),
        red: false,
        stream: String::new(),
        encryption: TrackEncryption::None,
        audio: AudioFeatures::default(),
        backup_codec_policy: 0,
        packet_trailer_features: Vec::new(),
    }
}

fn encodings(source: &ClientSource) -> Vec<EncodingSpec> {
    let count = source.encodings.len();
    let rid = |place: usize| {
        let name = RIDS.get(place + RIDS.len() - count.min(RIDS.len()))?;
        (count > 1).then(|| Rid::parse(name)).flatten()
    };
    source
        .encodings
        .iter()
        .enumerate()
        .map(|(place, (ssrc, rtx))| EncodingSpec {
            ssrc: Some(*ssrc),
            rtx_ssrc: *rtx,
            rid: rid(place),
        })
        .collect()
}

/// What every client is offered, and takes.
pub(crate) fn codecs(kind: MediaKind) -> Vec<CodecSpec> {
    match kind {
        MediaKind::Audio => vec![CodecSpec {
            payload_type: 111,
            codec: Codec::Opus,
            clock_rate: 48_000,
            channels: 2,
            fmtp: "minptime=10;useinbandfec=1".to_owned(),
            rtx: None,
            feedback: vec![Feedback::TransportCc],
        }],
        // Clients change the codec of a stream in its midst, where they are offered several.
        MediaKind::Video => vec![CodecSpec {
            payload_type: 100,
            codec: Codec::Vp8,
            clock_rate: 90_000,
            channels: 1,
            fmtp: String::new(),
            rtx: Some(96),
            feedback: vec![
                Feedback::Fir,
                Feedback::Nack,
                Feedback::Pli,
                Feedback::TransportCc,
            ],
        }],
    }
}

/// Header extensions. None names a section: clients number theirs themselves, and drop what is named otherwise.
pub(crate) fn extensions(kind: MediaKind) -> Vec<ExtensionSpec> {
    let own = match kind {
        MediaKind::Audio => ExtensionSpec {
            id: 1,
            extension: Extension::AudioLevel,
        },
        MediaKind::Video => ExtensionSpec {
            id: 13,
            extension: Extension::VideoOrientation,
        },
    };
    let reported = ExtensionSpec {
        id: 5,
        extension: Extension::TransportCc,
    };
    vec![own, reported]
}
