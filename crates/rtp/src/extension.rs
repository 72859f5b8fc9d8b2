//! Header extensions (RFC 8285) in the one-byte and the two-byte form.

use tertulia_model::Extension;

use crate::header::{ExtensionBlock, RtpHeader};

/// Profile of the one-byte form (RFC 8285 §4.2).
pub(crate) const ONE_BYTE: u16 = 0xbede;
/// Profile of the two-byte form (RFC 8285 §4.3); the low four bits are the application's.
pub(crate) const TWO_BYTE: u16 = 0x1000;

const KINDS: usize = Extension::ALL.len();

/// The extension ids one peer has negotiated for a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionIds {
    /// The id of each extension, in the order of [`Extension::ALL`]; zero where it is not negotiated.
    ids: [u8; KINDS],
    /// The extension of each id that the one-byte form can carry.
    short: [Option<Extension>; 16],
}

/// How loud a packet of sound is (RFC 6464).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioLevel {
    /// In dBov, −127 (silence) to 0.
    pub level: i8,
    /// Whether the sender takes it for speech.
    pub voice: bool,
}

/// What the header extensions of one packet say; absent where the packet has none or one of impossible length.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extensions<'a> {
    /// Loudness of this packet.
    pub audio_level: Option<AudioLevel>,
    /// Coordination of video orientation, one byte as sent (3GPP TS 26.114 §7.4.5).
    pub orientation: Option<u8>,
    /// Absolute capture time as sent, 8 bytes, or 16 with the estimated clock offset.
    pub capture_time: Option<&'a [u8]>,
    /// Least and greatest playout delay, each in units of 10 ms, 0 to 4095.
    pub playout_delay: Option<(u16, u16)>,
    /// AV1 dependency descriptor as sent, 3 to 255 bytes.
    pub dependency_descriptor: Option<&'a [u8]>,
    /// Identification of the section (RFC 8843), not empty.
    pub mid: Option<&'a [u8]>,
    /// Identification of a simulcast encoding (RFC 8852), not empty.
    pub rid: Option<&'a [u8]>,
    /// The encoding that this retransmission repairs (RFC 8852), not empty.
    pub repaired_rid: Option<&'a [u8]>,
    /// Transport-wide sequence number.
    pub transport_cc: Option<u16>,
    /// When it was sent, 24 bits: 6 of seconds, 18 of fraction.
    pub abs_send_time: Option<u32>,
}

impl ExtensionIds {
    /// Takes the negotiated pairs; an id of zero and whatever repeats an earlier id or extension is left out.
    pub fn new(specs: impl Iterator<Item = (Extension, u8)>) -> Self {
        let mut this = Self {
            ids: [0; KINDS],
            short: [None; 16],
        };
        for (extension, id) in specs {
            if id == 0 || this.extension(id).is_some() {
                continue;
            }
            let Some(slot) = this.ids.get_mut(extension as usize) else {
                continue;
            };
            if *slot != 0 {
                continue;
            }
            *slot = id;
            if let Some(short) = this.short.get_mut(usize::from(id)) {
                *short = Some(extension);
            }
        }
        this
    }

    /// The id of an extension, 1 to 255, where it was negotiated.
    pub fn id(&self, extension: Extension) -> Option<u8> {
        self.ids.get(extension as usize).copied().filter(|id| *id != 0)
    }

    /// Reads what the extensions of `packet` say; `header` must have been read from it.
    ///
    /// Reading ends at the first element that does not fit; where an extension is repeated, the last one counts.
    pub fn read<'a>(&self, header: &RtpHeader, packet: &'a [u8]) -> Extensions<'a> {
        let mut found = Extensions::default();
        if let Some(block) = header.extension {
            for (id, value) in elements(block, packet) {
                if let Some(extension) = self.extension(id) {
                    found.take(extension, value);
                }
            }
        }
        found
    }

    fn extension(&self, id: u8) -> Option<Extension> {
        if let Some(short) = self.short.get(usize::from(id)) {
            return *short;
        }
        let position = self.ids.iter().position(|known| *known == id)?;
        Extension::ALL.get(position).copied()
    }
}

impl<'a> Extensions<'a> {
    /// Whether there are any that describe the medium, not the hop.
    #[inline]
    pub fn describe_medium(&self) -> bool {
        self.audio_level.is_some()
            || self.orientation.is_some()
            || self.capture_time.is_some()
            || self.playout_delay.is_some()
            || self.dependency_descriptor.is_some()
    }

    fn take(&mut self, extension: Extension, value: &'a [u8]) {
        match extension {
            Extension::AudioLevel => {
                self.audio_level = value.first().map(|byte| AudioLevel {
                    level: -i8::try_from(byte & 0x7f).unwrap_or(i8::MAX),
                    voice: byte & 0x80 != 0,
                });
            }
            Extension::AbsSendTime => {
                if let [a, b, c] = *value {
                    self.abs_send_time = Some(u32::from_be_bytes([0, a, b, c]));
                }
            }
            Extension::AbsCaptureTime => {
                if matches!(value.len(), 8 | 16) {
                    self.capture_time = Some(value);
                }
            }
            Extension::TransportCc => {
                // The second version of the extension has a feedback request behind the number.
                if let [high, low, ..] = *value {
                    self.transport_cc = Some(u16::from_be_bytes([high, low]));
                }
            }
            Extension::Mid => self.mid = not_empty(value),
            Extension::RtpStreamId => self.rid = not_empty(value),
            Extension::RepairedRtpStreamId => self.repaired_rid = not_empty(value),
            Extension::VideoOrientation => self.orientation = value.first().copied(),
            Extension::PlayoutDelay => {
                if let [a, b, c] = *value {
                    let least = u16::from_be_bytes([a, b]) >> 4;
                    let greatest = u16::from_be_bytes([b, c]) & 0x0fff;
                    self.playout_delay = Some((least, greatest));
                }
            }
            Extension::DependencyDescriptor => {
                if value.len() >= 3 {
                    self.dependency_descriptor = Some(value);
                }
            }
        }
    }
}

fn not_empty(value: &[u8]) -> Option<&[u8]> {
    (!value.is_empty()).then_some(value)
}

/// The elements of an extension block as (id, value), up to the first that does not fit.
fn elements(block: ExtensionBlock, packet: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let two_byte = block.profile & 0xfff0 == TWO_BYTE;
    let known = two_byte || block.profile == ONE_BYTE;
    let mut rest = packet
        .get(block.start..block.end)
        .filter(|_| known)
        .unwrap_or_default();
    std::iter::from_fn(move || {
        loop {
            let (first, after) = rest.split_first()?;
            // The id of zero is a byte of padding in both forms.
            let (id, length, after) = if two_byte {
                if *first == 0 {
                    rest = after;
                    continue;
                }
                let (length, after) = after.split_first()?;
                (*first, usize::from(*length), after)
            } else {
                if first >> 4 == 0 {
                    rest = after;
                    continue;
                }
                // RFC 8285 §4.2: reading ends at the reserved id.
                if first >> 4 == 15 {
                    return None;
                }
                (first >> 4, usize::from(first & 0x0f) + 1, after)
            };
            let (value, after) = after.split_at_checked(length)?;
            rest = after;
            return Some((id, value));
        }
    })
}

#[cfg(test)]
mod tests;
