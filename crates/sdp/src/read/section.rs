//! One audio or video section.

use std::collections::BTreeMap;

use sdp_types::Media;
use tertulia_model::{
    Codec, CodecSpec, Direction, EncodingSpec, Extension, ExtensionSpec, Feedback, MediaKind, MediaSpec, Rid,
};

use super::{Attributes, Limits, is_stopped, read_mid};
use crate::SdpError;

pub(super) fn read(
    section: &Media,
    index: usize,
    attributes: &Attributes<'_>,
    limits: &Limits,
) -> Result<MediaSpec, SdpError> {
    let kind = if section.media == "audio" {
        MediaKind::Audio
    } else {
        MediaKind::Video
    };
    if !section.proto.ends_with("RTP/SAVPF") {
        return Err(SdpError::Unsupported("a section without secure RTP and feedback"));
    }
    let direction = attributes.direction();
    let (stream_id, track_id) = read_msid(attributes);
    Ok(MediaSpec {
        mid: read_mid(attributes)?,
        index,
        kind,
        direction,
        stopped: is_stopped(section, attributes),
        codecs: read_codecs(&section.fmt, kind, attributes, limits)?,
        extensions: read_extensions(attributes, limits)?,
        encodings: read_encodings(direction, attributes, limits)?,
        stream_id,
        track_id,
    })
}

/// What `a=rtpmap` says of one payload type.
struct Mapping<'a> {
    name: &'a str,
    clock_rate: u32,
    channels: u8,
}

fn read_codecs(
    formats: &str,
    kind: MediaKind,
    attributes: &Attributes<'_>,
    limits: &Limits,
) -> Result<Vec<CodecSpec>, SdpError> {
    let formats = formats
        .split_ascii_whitespace()
        .map(|text| text.parse::<u8>().ok().filter(|payload_type| *payload_type < 128))
        .collect::<Option<Vec<u8>>>()
        .ok_or(SdpError::Invalid { attribute: "m=" })?;
    bounded(formats.len(), "payload types in one section", limits)?;
    let mappings = read_mappings(attributes);
    let parameters: BTreeMap<u8, &str> = attributes
        .own("fmtp")
        .filter_map(|value| split_payload_type(value, ' '))
        .collect();
    let repairs = read_repairs(&mappings, &parameters);
    let feedback = read_feedback(attributes);
    let mut codecs: Vec<CodecSpec> = Vec::new();
    for payload_type in formats {
        let Some(mapping) = mappings.get(&payload_type) else {
            continue;
        };
        let Some(codec) = Codec::from_mime(mapping.name).filter(|codec| codec.kind() == kind) else {
            continue;
        };
        if codecs.iter().any(|known| known.payload_type == payload_type) {
            continue;
        }
        codecs.push(CodecSpec {
            payload_type,
            codec,
            clock_rate: mapping.clock_rate,
            channels: mapping.channels,
            fmtp: parameters
                .get(&payload_type)
                .map_or_else(String::new, |text| (*text).to_owned()),
            rtx: repairs.get(&payload_type).copied(),
            feedback: feedback
                .iter()
                .filter(|(of, _)| of.is_none_or(|of| of == payload_type))
                .map(|(_, feedback)| *feedback)
                .fold(Vec::new(), |mut list, feedback| {
                    if !list.contains(&feedback) {
                        list.push(feedback);
                    }
                    list
                }),
        });
    }
    Ok(codecs)
}

fn read_mappings<'a>(attributes: &Attributes<'a>) -> BTreeMap<u8, Mapping<'a>> {
    // Static types need no mapping (RFC 3551 §6).
    let mut mappings: BTreeMap<u8, Mapping<'a>> = [(0, "PCMU"), (8, "PCMA")]
        .into_iter()
        .map(|(payload_type, name)| {
            (
                payload_type,
                Mapping {
                    name,
                    clock_rate: 8_000,
                    channels: 1,
                },
            )
        })
        .collect();
    for value in attributes.own("rtpmap") {
        let Some((payload_type, encoding)) = split_payload_type(value, ' ') else {
            continue;
        };
        let mut parts = encoding.split('/');
        let (Some(name), Some(Ok(clock_rate))) = (parts.next(), parts.next().map(str::parse)) else {
            continue;
        };
        let channels = parts
            .next()
            .and_then(|text| text.parse().ok())
            .filter(|count| *count > 0)
            .unwrap_or(1);
        mappings.insert(
            payload_type,
            Mapping {
                name,
                clock_rate,
                channels,
            },
        );
    }
    mappings
}

/// Payload type of the codec to that of its retransmissions (RFC 4588 §8.6).
fn read_repairs(mappings: &BTreeMap<u8, Mapping<'_>>, parameters: &BTreeMap<u8, &str>) -> BTreeMap<u8, u8> {
    let mut repairs = BTreeMap::new();
    for (payload_type, mapping) in mappings {
        if !mapping.name.eq_ignore_ascii_case("rtx") {
            continue;
        }
        let apt = parameters
            .get(payload_type)
            .and_then(|text| text.split(';').find_map(|pair| pair.trim().strip_prefix("apt=")))
            .and_then(|text| text.trim().parse().ok());
        if let Some(apt) = apt {
            repairs.entry(apt).or_insert(*payload_type);
        }
    }
    repairs
}

/// Feedback with the payload type it is of; `None` where it is of all.
fn read_feedback(attributes: &Attributes<'_>) -> Vec<(Option<u8>, Feedback)> {
    attributes
        .own("rtcp-fb")
        .filter_map(|value| {
            let (of, kind) = value.split_once(' ')?;
            let of = match of.trim() {
                "*" => None,
                text => Some(text.parse().ok()?),
            };
            let feedback = match kind.trim() {
                "nack" => Feedback::Nack,
                "nack pli" => Feedback::Pli,
                "ccm fir" => Feedback::Fir,
                "goog-remb" => Feedback::Remb,
                "transport-cc" => Feedback::TransportCc,
                _ => return None,
            };
            Some((of, feedback))
        })
        .collect()
}

fn read_extensions(attributes: &Attributes<'_>, limits: &Limits) -> Result<Vec<ExtensionSpec>, SdpError> {
    let mut extensions: Vec<ExtensionSpec> = Vec::new();
    for (count, value) in attributes.own("extmap").enumerate() {
        bounded(count + 1, "header extensions in one section", limits)?;
        let Some((id, uri)) = value.trim().split_once(' ') else {
            continue;
        };
        // The direction behind the id is the section's in all but name.
        let id = id.split('/').next().unwrap_or(id);
        let uri = uri.split_ascii_whitespace().next().unwrap_or(uri);
        let (Ok(id), Some(extension)) = (id.parse::<u8>(), Extension::from_uri(uri)) else {
            continue;
        };
        let repeats = extensions
            .iter()
            .any(|known| known.id == id || known.extension == extension);
        if id != 0 && !repeats {
            extensions.push(ExtensionSpec { id, extension });
        }
    }
    Ok(extensions)
}

fn read_msid(attributes: &Attributes<'_>) -> (Option<String>, Option<String>) {
    let named = attributes.own("msid").next().map(str::trim);
    // Before unified plan the identifiers stood behind each SSRC.
    let legacy = || {
        attributes
            .own("ssrc")
            .find_map(|value| value.split_once(" msid:").map(|(_, msid)| msid.trim()))
    };
    let Some(text) = named.or_else(legacy) else {
        return (None, None);
    };
    let mut words = text.split_ascii_whitespace();
    let stream = words.next().filter(|word| *word != "-" && word.len() <= 256);
    let track = words.next().filter(|word| word.len() <= 256);
    (stream.map(str::to_owned), track.map(str::to_owned))
}

/// What the writer sends; in a section it only receives on, what it is ready to receive.
fn read_encodings(
    direction: Direction,
    attributes: &Attributes<'_>,
    limits: &Limits,
) -> Result<Vec<EncodingSpec>, SdpError> {
    let rids = read_simulcast(
        if direction.sends() { "send" } else { "recv" },
        attributes,
        limits,
    )?;
    if !rids.is_empty() {
        return Ok(rids
            .into_iter()
            .map(|rid| EncodingSpec {
                rid: Some(rid),
                ..EncodingSpec::default()
            })
            .collect());
    }
    if !direction.sends() {
        return Ok(Vec::new());
    }
    let groups: Vec<(&str, Vec<u32>)> = attributes
        .own("ssrc-group")
        .filter_map(|value| {
            let (semantics, ssrcs) = value.split_once(' ')?;
            let ssrcs = ssrcs
                .split_ascii_whitespace()
                .map(str::parse)
                .collect::<Result<_, _>>()
                .ok()?;
            Some((semantics, ssrcs))
        })
        .collect();
    let mut ssrcs: Vec<u32> = Vec::new();
    for value in attributes.own("ssrc") {
        let text = value.split(' ').next().unwrap_or(value);
        let ssrc = text
            .parse()
            .map_err(|_| SdpError::Invalid { attribute: "a=ssrc" })?;
        if !ssrcs.contains(&ssrc) {
            ssrcs.push(ssrc);
            bounded(ssrcs.len(), "SSRCs in one section", limits)?;
        }
    }
    let simulcast = groups
        .iter()
        .find(|(semantics, _)| *semantics == "SIM")
        .map(|(_, ssrcs)| ssrcs.clone());
    let repair_of = |ssrc: u32| {
        groups
            .iter()
            .find(|(semantics, group)| *semantics == "FID" && group.first() == Some(&ssrc))
            .and_then(|(_, group)| group.get(1).copied())
    };
    let is_secondary = |ssrc: u32| {
        groups
            .iter()
            .any(|(semantics, group)| *semantics != "SIM" && group.iter().skip(1).any(|other| *other == ssrc))
    };
    let primary = simulcast.unwrap_or_else(|| {
        ssrcs
            .iter()
            .copied()
            .filter(|ssrc| !is_secondary(*ssrc))
            .take(1)
            .collect()
    });
    Ok(primary
        .into_iter()
        .map(|ssrc| EncodingSpec {
            ssrc: Some(ssrc),
            rtx_ssrc: repair_of(ssrc),
            rid: None,
        })
        .collect())
}

/// Identifiers of one direction, in the order of `a=simulcast`, first alternatives only (RFC 8853 §5.1).
fn read_simulcast(
    direction: &str,
    attributes: &Attributes<'_>,
    limits: &Limits,
) -> Result<Vec<Rid>, SdpError> {
    let Some(value) = attributes.own("simulcast").next() else {
        return Ok(Vec::new());
    };
    let mut words = value.split_ascii_whitespace();
    let mut list = None;
    while let (Some(word), Some(streams)) = (words.next(), words.next()) {
        if word == direction {
            list = Some(streams);
        }
    }
    let Some(list) = list else {
        return Ok(Vec::new());
    };
    let mut rids = Vec::new();
    for stream in list.split(';') {
        let first = stream.split(',').next().unwrap_or(stream);
        let rid = Rid::parse(first.trim_start_matches('~')).ok_or(SdpError::Invalid {
            attribute: "a=simulcast",
        })?;
        let declared = attributes.own("rid").any(|value| {
            let mut words = value.split_ascii_whitespace();
            words.next() == Some(rid.as_str()) && words.next() == Some(direction)
        });
        if declared && !rids.contains(&rid) {
            rids.push(rid);
            bounded(rids.len(), "simulcast identifiers in one section", limits)?;
        }
    }
    Ok(rids)
}

fn split_payload_type(value: &str, separator: char) -> Option<(u8, &str)> {
    let (payload_type, rest) = value.trim().split_once(separator)?;
    Some((
        payload_type
            .parse()
            .ok()
            .filter(|payload_type| *payload_type < 128)?,
        rest.trim(),
    ))
}

fn bounded(count: usize, what: &'static str, limits: &Limits) -> Result<(), SdpError> {
    if count > limits.per_section {
        Err(SdpError::TooMany {
            what,
            max: limits.per_section,
        })
    } else {
        Ok(())
    }
}
