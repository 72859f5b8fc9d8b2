//! Text to description.

mod candidate;
mod section;

use sdp_types::{Attribute, Media, Session};
use tertulia_model::{Candidate, DataSpec, Direction, DtlsRole, Fingerprint, IceCredentials, Mid, PeerSpec};

use crate::SdpError;

pub use candidate::parse_candidate;

/// How much of everything a description may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of text.
    pub bytes: usize,
    /// Lines.
    pub lines: usize,
    /// Sections.
    pub sections: usize,
    /// Candidates kept; what exceeds them is left out.
    pub candidates: usize,
    /// Codecs, extensions, SSRCs and simulcast identifiers of one section, each.
    pub per_section: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 1024 * 1024,
            lines: 40_000,
            sections: 200,
            candidates: 64,
            per_section: 128,
        }
    }
}

/// Longest line looked at; longer ones can only be nonsense.
const MAX_LINE: usize = 4_096;

/// Reads a description within the usual [`Limits`].
///
/// # Errors
///
/// Where the text is no WebRTC description or exceeds the limits.
pub fn parse(text: &str) -> Result<PeerSpec, SdpError> {
    parse_within(text, &Limits::default())
}

/// Reads a description.
///
/// # Errors
///
/// Where the text is no WebRTC description or exceeds `limits`.
pub fn parse_within(text: &str, limits: &Limits) -> Result<PeerSpec, SdpError> {
    check_size(text, limits)?;
    let session = Session::parse(text.as_bytes()).map_err(|error| SdpError::Syntax(error.to_string()))?;
    if session.medias.is_empty() {
        return Err(SdpError::Missing("a media section"));
    }
    let common = Attributes {
        own: &session.attributes,
        inherited: &[],
    };
    let mut media = Vec::new();
    let mut data = None;
    for (index, section) in session.medias.iter().enumerate() {
        let attributes = Attributes {
            own: &section.attributes,
            inherited: &session.attributes,
        };
        match section.media.as_str() {
            "audio" | "video" => media.push(section::read(section, index, &attributes, limits)?),
            "application" if data.is_none() => data = Some(read_data(section, index, &attributes)?),
            "application" => {
                return Err(SdpError::TooMany {
                    what: "data-channel sections",
                    max: 1,
                });
            }
            _ => {
                return Err(SdpError::Unsupported(
                    "a section that is neither audio, video nor data channels",
                ));
            }
        }
    }
    // One transport carries all sections (RFC 9143): the section that leads the bundle describes it.
    let leading = leading_section(&session, &common);
    let transport = Attributes {
        own: leading.map_or(&[], |section| section.attributes.as_slice()),
        inherited: &session.attributes,
    };
    Ok(PeerSpec {
        ice: read_ice(&transport)?,
        ice_lite: common.has("ice-lite"),
        candidates: read_candidates(&transport, limits),
        fingerprint: read_fingerprint(&transport)?,
        dtls_role: read_role(&transport)?,
        media,
        data,
    })
}

fn check_size(text: &str, limits: &Limits) -> Result<(), SdpError> {
    if text.len() > limits.bytes {
        return Err(SdpError::TooLong { max: limits.bytes });
    }
    let mut sections = 0;
    for (number, line) in text.lines().enumerate() {
        if number >= limits.lines {
            return Err(SdpError::TooMany {
                what: "lines",
                max: limits.lines,
            });
        }
        if line.len() > MAX_LINE {
            return Err(SdpError::TooLong { max: MAX_LINE });
        }
        sections += usize::from(line.starts_with("m="));
        if sections > limits.sections {
            return Err(SdpError::TooMany {
                what: "sections",
                max: limits.sections,
            });
        }
    }
    Ok(())
}

/// Attributes of a section, then those of the whole description.
struct Attributes<'a> {
    own: &'a [Attribute],
    inherited: &'a [Attribute],
}

impl<'a> Attributes<'a> {
    /// Values of the section's own attributes of a name.
    fn own(&self, name: &'static str) -> impl Iterator<Item = &'a str> + use<'a> {
        let own = self.own;
        own.iter()
            .filter(move |attribute| attribute.attribute == name)
            .filter_map(|attribute| attribute.value.as_deref())
    }

    /// The value that holds: the section's, else the description's.
    fn find(&self, name: &'static str) -> Option<&'a str> {
        self.own(name).next().or_else(|| {
            let inherited = Attributes {
                own: self.inherited,
                inherited: &[],
            };
            inherited.own(name).next()
        })
    }

    fn has(&self, name: &str) -> bool {
        self.own.iter().any(|attribute| attribute.attribute == name)
    }

    fn direction(&self) -> Direction {
        let named = |attributes: &[Attribute]| {
            attributes
                .iter()
                .find_map(|attribute| match attribute.attribute.as_str() {
                    "sendrecv" => Some(Direction::SendRecv),
                    "sendonly" => Some(Direction::SendOnly),
                    "recvonly" => Some(Direction::RecvOnly),
                    "inactive" => Some(Direction::Inactive),
                    _ => None,
                })
        };
        named(self.own)
            .or_else(|| named(self.inherited))
            .unwrap_or(Direction::SendRecv)
    }
}

fn leading_section<'a>(session: &'a Session, common: &Attributes<'_>) -> Option<&'a Media> {
    let lead = common
        .own("group")
        .find_map(|group| group.strip_prefix("BUNDLE "))
        .and_then(|mids| mids.split_ascii_whitespace().next());
    let tagged = |media: &&Media| {
        media
            .attributes
            .iter()
            .any(|attribute| attribute.attribute == "mid" && attribute.value.as_deref() == lead)
    };
    session
        .medias
        .iter()
        .find(tagged)
        .filter(|_| lead.is_some())
        .or_else(|| session.medias.iter().find(|media| media.port != 0))
        .or_else(|| session.medias.first())
}

fn read_mid(attributes: &Attributes<'_>) -> Result<Mid, SdpError> {
    let text = attributes.own("mid").next().ok_or(SdpError::Missing("a=mid"))?;
    Mid::parse(text.trim()).ok_or(SdpError::Invalid { attribute: "a=mid" })
}

/// Port zero stops a section, except where it only says that the bundle carries it (RFC 9143 §6).
fn is_stopped(section: &Media, attributes: &Attributes<'_>) -> bool {
    section.port == 0 && !attributes.has("bundle-only")
}

fn read_data(section: &Media, index: usize, attributes: &Attributes<'_>) -> Result<DataSpec, SdpError> {
    if !section.proto.ends_with("DTLS/SCTP") {
        return Err(SdpError::Unsupported(
            "an application section that is not data channels",
        ));
    }
    let port = match attributes.own("sctp-port").next() {
        Some(text) => text.trim().parse().map_err(|_| SdpError::Invalid {
            attribute: "a=sctp-port",
        })?,
        None => 5_000,
    };
    let max_message_size = match attributes.own("max-message-size").next() {
        Some(text) => {
            let size: u64 = text.trim().parse().map_err(|_| SdpError::Invalid {
                attribute: "a=max-message-size",
            })?;
            // Zero stands for any size, absence for 64 KiB (RFC 8841 §6).
            if size == 0 {
                u32::MAX
            } else {
                u32::try_from(size).unwrap_or(u32::MAX)
            }
        }
        None => 65_536,
    };
    Ok(DataSpec {
        mid: read_mid(attributes)?,
        index,
        port,
        max_message_size,
        stopped: is_stopped(section, attributes),
    })
}

fn read_ice(attributes: &Attributes<'_>) -> Result<IceCredentials, SdpError> {
    let ufrag = attributes
        .find("ice-ufrag")
        .ok_or(SdpError::Missing("a=ice-ufrag"))?
        .trim();
    let pwd = attributes
        .find("ice-pwd")
        .ok_or(SdpError::Missing("a=ice-pwd"))?
        .trim();
    if !(4..=256).contains(&ufrag.len()) {
        return Err(SdpError::Invalid {
            attribute: "a=ice-ufrag",
        });
    }
    if !(22..=256).contains(&pwd.len()) {
        return Err(SdpError::Invalid {
            attribute: "a=ice-pwd",
        });
    }
    Ok(IceCredentials {
        ufrag: ufrag.to_owned(),
        pwd: pwd.to_owned(),
    })
}

fn read_candidates(attributes: &Attributes<'_>, limits: &Limits) -> Vec<Candidate> {
    attributes
        .own("candidate")
        .filter_map(|text| parse_candidate(text).ok())
        // The second component is RTCP of peers that might not multiplex it; all ours do.
        .filter(|candidate| candidate.text.split_ascii_whitespace().nth(1) == Some("1"))
        .take(limits.candidates)
        .collect()
}

fn read_fingerprint(attributes: &Attributes<'_>) -> Result<Fingerprint, SdpError> {
    let invalid = SdpError::Invalid {
        attribute: "a=fingerprint",
    };
    let mut texts: Vec<&str> = attributes.own("fingerprint").collect();
    if texts.is_empty() {
        texts = Attributes {
            own: attributes.inherited,
            inherited: &[],
        }
        .own("fingerprint")
        .collect();
    }
    if texts.is_empty() {
        return Err(SdpError::Missing("a=fingerprint"));
    }
    let mut known = Vec::new();
    for text in texts.into_iter().take(8) {
        let (hash, digest) = text.trim().split_once(' ').ok_or_else(|| invalid.clone())?;
        let hash = hash.to_ascii_lowercase();
        let length = match hash.as_str() {
            "sha-256" => 32,
            "sha-1" => 20,
            _ => continue,
        };
        let bytes = digest
            .trim()
            .split(':')
            .map(|pair| u8::from_str_radix(pair, 16).ok().filter(|_| pair.len() == 2))
            .collect::<Option<Vec<u8>>>()
            .filter(|bytes| bytes.len() == length)
            .ok_or_else(|| invalid.clone())?;
        known.push(Fingerprint { hash, bytes });
    }
    // The stronger first (RFC 8122 §5.1).
    known.sort_by_key(|fingerprint| fingerprint.hash != "sha-256");
    known
        .into_iter()
        .next()
        .ok_or(SdpError::Unsupported("the hash of a=fingerprint"))
}

fn read_role(attributes: &Attributes<'_>) -> Result<DtlsRole, SdpError> {
    match attributes.find("setup").map(str::trim) {
        // RFC 8842 §5.1: an offer without the attribute leaves the choice.
        Some("actpass") | None => Ok(DtlsRole::Either),
        Some("active") => Ok(DtlsRole::Client),
        Some("passive") => Ok(DtlsRole::Server),
        Some(_) => Err(SdpError::Invalid { attribute: "a=setup" }),
    }
}
