//! Payload types and header-extension ids of one session: fixed by the peer's first offer, completed from what its
//! browser family is known to use.

use std::collections::BTreeMap;

use tertulia_model::{Codec, CodecSpec, Extension, ExtensionSpec, Feedback, MediaKind, MediaSpec};

use crate::ClientFamily;

/// Highest id of a one-byte header extension (RFC 8285 §4.2).
const MAX_EXTENSION_ID: u8 = 14;

/// What a session may receive and send, by payload type and extension id.
#[derive(Debug, Clone)]
pub(crate) struct Tables {
    codecs: BTreeMap<u8, CodecSpec>,
    extensions: BTreeMap<Extension, u8>,
    /// Whether packets we send carry the transport-wide sequence number. Only where the peer reports it for sound as
    /// well as for picture: the number is common to both, and a hole reads as loss.
    pub(crate) sends_transport_cc: bool,
}

impl Tables {
    /// Takes what the sections name, then fills in `family`'s defaults.
    pub(crate) fn new(media: &[MediaSpec], family: ClientFamily) -> Self {
        let mut tables = Self {
            codecs: BTreeMap::new(),
            extensions: BTreeMap::new(),
            sends_transport_cc: false,
        };
        for section in media.iter().filter(|section| !section.stopped) {
            for codec in best_variants(&section.codecs) {
                tables.insert_codec(codec);
            }
            for spec in &section.extensions {
                tables.insert_extension(*spec);
            }
        }
        tables.sends_transport_cc = [MediaKind::Audio, MediaKind::Video]
            .into_iter()
            .all(|kind| reports_transport_cc(media, kind).unwrap_or(true));
        for codec in default_codecs(family) {
            let known = tables.codecs.values().any(|known| known.codec == codec.codec);
            if !known {
                tables.insert_codec(&codec);
            }
        }
        for (extension, id) in default_extensions(family) {
            tables.insert_extension(ExtensionSpec {
                id: *id,
                extension: *extension,
            });
        }
        tables
    }

    fn insert_codec(&mut self, codec: &CodecSpec) {
        if !is_usable_payload_type(codec.payload_type) || self.is_taken(codec.payload_type) {
            return;
        }
        let mut codec = codec.clone();
        codec.rtx = codec.rtx.filter(|rtx| {
            codec.codec.kind() == MediaKind::Video
                && is_usable_payload_type(*rtx)
                && *rtx != codec.payload_type
                && !self.is_taken(*rtx)
        });
        self.codecs.insert(codec.payload_type, codec);
    }

    fn is_taken(&self, payload_type: u8) -> bool {
        self.codecs.contains_key(&payload_type)
            || self.codecs.values().any(|codec| codec.rtx == Some(payload_type))
    }

    fn insert_extension(&mut self, spec: ExtensionSpec) {
        let usable = (1..=MAX_EXTENSION_ID).contains(&spec.id)
            && !self.extensions.contains_key(&spec.extension)
            && self.extensions.values().all(|id| *id != spec.id);
        if usable {
            self.extensions.insert(spec.extension, spec.id);
        }
    }

    /// All payload types.
    pub(crate) fn codecs(&self) -> impl Iterator<Item = &CodecSpec> {
        self.codecs.values()
    }

    /// All extensions with their ids.
    pub(crate) fn extensions(&self) -> impl Iterator<Item = (Extension, u8)> {
        self.extensions.iter().map(|(extension, id)| (*extension, *id))
    }

    /// What of the offered codecs can be used, one payload type a codec, in the offered order.
    pub(crate) fn accept_codecs(&self, section: &MediaSpec) -> Vec<CodecSpec> {
        let transport_cc = self.accepts_extension(section, Extension::TransportCc);
        best_variants(&section.codecs)
            .into_iter()
            .filter(|codec| codec.codec.kind() == section.kind)
            .filter_map(|offered| {
                let known = self.codecs.get(&offered.payload_type)?;
                let same = known.codec == offered.codec
                    && known.clock_rate == offered.clock_rate
                    && known.channels == offered.channels;
                if !same {
                    return None;
                }
                let mut accepted = offered.clone();
                accepted.rtx = offered.rtx.filter(|rtx| known.rtx == Some(*rtx));
                accepted.feedback = accept_feedback(offered, transport_cc);
                Some(accepted)
            })
            .collect()
    }

    /// What of the offered extensions can be used.
    pub(crate) fn accept_extensions(&self, section: &MediaSpec) -> Vec<ExtensionSpec> {
        section
            .extensions
            .iter()
            .filter(|spec| self.extensions.get(&spec.extension) == Some(&spec.id))
            .copied()
            .collect()
    }

    fn accepts_extension(&self, section: &MediaSpec, extension: Extension) -> bool {
        let id = self.extensions.get(&extension);
        section
            .extensions
            .iter()
            .any(|spec| spec.extension == extension && id == Some(&spec.id))
    }

    /// What we offer for a section that sends in one of `codecs`, best first.
    pub(crate) fn offer_codecs(&self, codecs: &[Codec]) -> Vec<CodecSpec> {
        codecs
            .iter()
            .filter_map(|codec| self.codecs.values().find(|known| known.codec == *codec))
            .cloned()
            .map(|mut codec| {
                if !self.sends_transport_cc {
                    codec
                        .feedback
                        .retain(|feedback| *feedback != Feedback::TransportCc);
                }
                codec
            })
            .collect()
    }

    /// What we offer to send in header extensions.
    pub(crate) fn offer_extensions(&self, kind: MediaKind) -> Vec<ExtensionSpec> {
        let mut offered: Vec<ExtensionSpec> = self
            .extensions
            .iter()
            .filter(|(extension, _)| match extension {
                Extension::AudioLevel => kind == MediaKind::Audio,
                Extension::VideoOrientation | Extension::PlayoutDelay | Extension::DependencyDescriptor => {
                    kind == MediaKind::Video
                }
                Extension::TransportCc => self.sends_transport_cc,
                Extension::RtpStreamId | Extension::RepairedRtpStreamId => false,
                Extension::AbsSendTime | Extension::AbsCaptureTime | Extension::Mid => true,
            })
            .map(|(extension, id)| ExtensionSpec {
                id: *id,
                extension: *extension,
            })
            .collect();
        offered.sort_by_key(|spec| spec.id);
        offered
    }
}

/// `None` where the offer has no section of that kind.
fn reports_transport_cc(media: &[MediaSpec], kind: MediaKind) -> Option<bool> {
    let mut sections = media
        .iter()
        .filter(|section| section.kind == kind && !section.stopped)
        .peekable();
    sections.peek()?;
    Some(sections.all(|section| {
        let extension = section
            .extensions
            .iter()
            .any(|spec| spec.extension == Extension::TransportCc);
        let feedback = section
            .codecs
            .iter()
            .any(|codec| codec.feedback.contains(&Feedback::TransportCc));
        extension && feedback
    }))
}

/// Payload types 64 to 95 collide with RTCP (RFC 5761 §4).
fn is_usable_payload_type(payload_type: u8) -> bool {
    payload_type < 64 || (96..128).contains(&payload_type)
}

/// One payload type a codec: the variant that every receiver decodes, in the order the codecs first occur.
fn best_variants(codecs: &[CodecSpec]) -> Vec<&CodecSpec> {
    let mut best: Vec<(&CodecSpec, u8)> = Vec::new();
    for codec in codecs {
        let rank = variant_rank(codec);
        if rank == 0 {
            continue;
        }
        match best.iter_mut().find(|(other, _)| other.codec == codec.codec) {
            Some(entry) if entry.1 < rank => *entry = (codec, rank),
            Some(_) => {}
            None => best.push((codec, rank)),
        }
    }
    best.into_iter().map(|(codec, _)| codec).collect()
}

/// How widely a variant is understood; zero where it is of no use.
fn variant_rank(codec: &CodecSpec) -> u8 {
    if codec.clock_rate != codec.codec.clock_rate() {
        return 0;
    }
    let parameter = |name: &str| parameter(&codec.fmtp, name);
    match codec.codec {
        Codec::Opus | Codec::Red => u8::from(codec.channels == 2),
        Codec::Pcmu | Codec::Pcma => u8::from(codec.channels == 1),
        Codec::Vp8 | Codec::H265 => 1,
        Codec::Vp9 => u8::from(matches!(parameter("profile-id"), None | Some("0"))),
        Codec::Av1 => u8::from(matches!(parameter("profile"), None | Some("0"))),
        Codec::H264 => {
            // RFC 6184 §8.1: without a profile it is baseline; packetization mode 0 carries no fragments.
            let profile = parameter("profile-level-id")
                .unwrap_or("42000a")
                .to_ascii_lowercase();
            let profile_rank = match profile.get(..4) {
                Some("42e0") => 3,
                Some(text) if text.starts_with("42") => 2,
                _ => 0,
            };
            match (profile_rank, parameter("packetization-mode")) {
                (0, _) => 0,
                (rank, Some("1")) => rank + 2,
                (rank, _) => rank - 1,
            }
        }
    }
}

fn parameter<'a>(fmtp: &'a str, name: &str) -> Option<&'a str> {
    fmtp.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

fn accept_feedback(codec: &CodecSpec, transport_cc: bool) -> Vec<Feedback> {
    let offers = |feedback| codec.feedback.contains(&feedback);
    let transport_cc = transport_cc && offers(Feedback::TransportCc);
    codec
        .feedback
        .iter()
        .copied()
        .filter(|feedback| match feedback {
            // Redundant audio repairs itself, and its payload cannot be asked for again under the Opus type.
            Feedback::Nack => codec.codec != Codec::Red,
            Feedback::Pli | Feedback::Fir => codec.codec.kind() == MediaKind::Video,
            Feedback::TransportCc => transport_cc,
            Feedback::Remb => codec.codec.kind() == MediaKind::Video && !transport_cc,
        })
        .collect()
}

/// What Chromium 156 and Firefox 153 offer of themselves.
fn default_codecs(family: ClientFamily) -> Vec<CodecSpec> {
    const H264: &str = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";
    match family {
        ClientFamily::WebRtc => vec![
            audio(111, Codec::Opus, "minptime=10;useinbandfec=1"),
            audio(63, Codec::Red, "111/111"),
            audio(0, Codec::Pcmu, ""),
            audio(8, Codec::Pcma, ""),
            video(96, 97, Codec::Vp8, ""),
            video(108, 109, Codec::H264, H264),
            video(45, 46, Codec::Av1, "level-idx=5;profile=0;tier=0"),
            video(98, 99, Codec::Vp9, "profile-id=0"),
        ],
        ClientFamily::Invited => Vec::new(),
        ClientFamily::Gecko => vec![
            audio(109, Codec::Opus, "maxplaybackrate=48000;stereo=1;useinbandfec=1"),
            audio(0, Codec::Pcmu, ""),
            audio(8, Codec::Pcma, ""),
            video(120, 124, Codec::Vp8, "max-fs=12288;max-fr=60"),
            video(121, 125, Codec::Vp9, "max-fs=12288;max-fr=60"),
            video(99, 100, Codec::Av1, ""),
            video(126, 127, Codec::H264, H264),
        ],
    }
}

fn audio(payload_type: u8, codec: Codec, fmtp: &str) -> CodecSpec {
    let feedback = match codec {
        Codec::Red => vec![Feedback::TransportCc],
        _ => vec![Feedback::TransportCc, Feedback::Nack],
    };
    CodecSpec {
        payload_type,
        codec,
        clock_rate: codec.clock_rate(),
        channels: if matches!(codec, Codec::Opus | Codec::Red) {
            2
        } else {
            1
        },
        fmtp: fmtp.to_owned(),
        rtx: None,
        feedback,
    }
}

fn video(payload_type: u8, rtx: u8, codec: Codec, fmtp: &str) -> CodecSpec {
    CodecSpec {
        payload_type,
        codec,
        clock_rate: codec.clock_rate(),
        channels: 1,
        fmtp: fmtp.to_owned(),
        rtx: Some(rtx),
        feedback: vec![
            Feedback::Nack,
            Feedback::Pli,
            Feedback::Fir,
            Feedback::Remb,
            Feedback::TransportCc,
        ],
    }
}

fn default_extensions(family: ClientFamily) -> &'static [(Extension, u8)] {
    match family {
        ClientFamily::WebRtc => &[
            (Extension::AudioLevel, 1),
            (Extension::AbsSendTime, 2),
            (Extension::TransportCc, 3),
            (Extension::Mid, 4),
            (Extension::PlayoutDelay, 5),
            (Extension::RtpStreamId, 10),
            (Extension::RepairedRtpStreamId, 11),
            (Extension::DependencyDescriptor, 12),
            (Extension::VideoOrientation, 13),
        ],
        ClientFamily::Invited => &[],
        ClientFamily::Gecko => &[
            (Extension::AudioLevel, 1),
            (Extension::Mid, 3),
            (Extension::AbsSendTime, 4),
            (Extension::PlayoutDelay, 6),
            (Extension::TransportCc, 7),
            (Extension::DependencyDescriptor, 8),
            (Extension::RtpStreamId, 9),
            (Extension::RepairedRtpStreamId, 10),
        ],
    }
}
