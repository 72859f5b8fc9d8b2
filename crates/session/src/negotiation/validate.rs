//! What a peer's description must be before anything is done with it.

use std::collections::BTreeSet;

use tertulia_model::{DtlsRole, Fingerprint, IceCredentials, MediaSpec, Mid, PeerSpec};

use crate::NegotiationError;
use crate::section::Slot;

/// Greatest number of sections of a session, as many as a room has tracks for one receiver.
pub(crate) const MAX_SECTIONS: usize = 200;
/// Greatest number of simulcast encodings of one section.
const MAX_ENCODINGS: usize = 6;

/// Checks a description by itself.
pub(super) fn description(spec: &PeerSpec) -> Result<(), NegotiationError> {
    ice(&spec.ice)?;
    fingerprint(&spec.fingerprint)?;
    if spec.dtls_role == DtlsRole::Server {
        return Err(NegotiationError::DtlsRole);
    }
    let indices: BTreeSet<usize> = spec
        .media
        .iter()
        .map(|section| section.index)
        .chain(spec.data.iter().map(|data| data.index))
        .collect();
    let count = spec.media.len() + usize::from(spec.data.is_some());
    if count > MAX_SECTIONS {
        return Err(NegotiationError::TooManySections { max: MAX_SECTIONS });
    }
    if count == 0 || indices.len() != count || indices.last() != Some(&(count - 1)) {
        return Err(NegotiationError::SectionOrder);
    }
    let mut mids = BTreeSet::new();
    for tag in spec
        .media
        .iter()
        .map(|section| &section.mid)
        .chain(spec.data.iter().map(|data| &data.mid))
    {
        mid(tag)?;
        if !mids.insert(tag.as_str()) {
            return Err(NegotiationError::DuplicateMid(tag.to_string()));
        }
    }
    let mut ssrcs = BTreeSet::new();
    for section in &spec.media {
        encodings(section, &mut ssrcs)?;
    }
    Ok(())
}

/// Checks that a description continues what was negotiated.
pub(super) fn continuation(spec: &PeerSpec, slots: &[Slot]) -> Result<(), NegotiationError> {
    for (index, slot) in slots.iter().enumerate() {
        let changed = NegotiationError::SectionChanged(index);
        let media = spec.media.iter().find(|section| section.index == index);
        let data = spec.data.as_ref().filter(|data| data.index == index);
        match slot {
            Slot::Media(known) => match (media, data) {
                // A stopped place may be taken anew (RFC 8829 §5.2.2).
                (Some(_), _) | (_, Some(_)) if known.stopped => {}
                (Some(section), _) if section.mid == known.mid && section.kind == known.kind => {}
                _ => return Err(changed),
            },
            Slot::Data(known) => match (media, data) {
                (Some(_), _) | (_, Some(_)) if known.stopped => {}
                (_, Some(data)) if data.mid == known.mid => {}
                _ => return Err(changed),
            },
        }
        // A tag lives in one place.
        let elsewhere = spec
            .media
            .iter()
            .any(|section| section.index != index && section.mid == *slot.mid());
        if elsewhere && !slot.is_stopped() {
            return Err(changed);
        }
    }
    Ok(())
}

fn ice(ice: &IceCredentials) -> Result<(), NegotiationError> {
    let is_ice_text = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
    };
    // libwebrtc under test and Gecko keep to ice-chars; some SDKs write '-' and '_'.
    let lenient = |text: &str| is_ice_text(&text.replace(['-', '_', '=', '.'], "+"));
    let valid = (4..=256).contains(&ice.ufrag.len())
        && (22..=256).contains(&ice.pwd.len())
        && lenient(&ice.ufrag)
        && lenient(&ice.pwd);
    if valid {
        Ok(())
    } else {
        Err(NegotiationError::IceCredentials)
    }
}

fn fingerprint(fingerprint: &Fingerprint) -> Result<(), NegotiationError> {
    let length = match fingerprint.hash.as_str() {
        "sha-256" => 32,
        "sha-1" => 20,
        _ => return Err(NegotiationError::Fingerprint),
    };
    if fingerprint.bytes.len() == length {
        Ok(())
    } else {
        Err(NegotiationError::Fingerprint)
    }
}

/// The transport writes tags into header extensions with other characters replaced, so two could become one.
fn mid(mid: &Mid) -> Result<(), NegotiationError> {
    if mid
        .as_str()
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        Ok(())
    } else {
        Err(NegotiationError::UnsupportedMid(mid.to_string()))
    }
}

fn encodings(section: &MediaSpec, ssrcs: &mut BTreeSet<u32>) -> Result<(), NegotiationError> {
    if section.stopped || !section.direction.sends() {
        return Ok(());
    }
    if section.encodings.len() > MAX_ENCODINGS {
        return Err(NegotiationError::TooManyEncodings { max: MAX_ENCODINGS });
    }
    for encoding in &section.encodings {
        if let Some(rid) = &encoding.rid {
            let text = rid.as_str();
            if text.len() > 8 || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return Err(NegotiationError::UnsupportedRid(text.to_owned()));
            }
        }
        for ssrc in [encoding.ssrc, encoding.rtx_ssrc].into_iter().flatten() {
            if ssrc == 0 || !ssrcs.insert(ssrc) {
                return Err(NegotiationError::InvalidSsrc(ssrc));
            }
        }
    }
    Ok(())
}
