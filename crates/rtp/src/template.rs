//! The header of a stream we send, built once and patched for each packet.

use tertulia_model::{Extension, Mid};

use crate::extension::{ExtensionIds, Extensions, ONE_BYTE, TWO_BYTE};

const FIXED_LEN: usize = 12;
/// Fixed header, extension header, and in the two-byte form: send time, transport-wide number, section of 16 bytes.
const MOST: usize = FIXED_LEN + 4 + (2 + 3) + (2 + 2) + (2 + 16);

/// The prebuilt header of one stream we send.
///
/// Its constant part has the SSRC, the section's identification, and room for send time and transport-wide sequence
/// number; what differs from packet to packet is appended. The one-byte form of RFC 8285 is used wherever every value
/// fits it. A stream in which the forms mix needs `a=extmap-allow-mixed` (RFC 8285 §4.1.2).
#[derive(Debug, Clone)]
pub struct HeaderTemplate {
    /// Absent where a constant extension has an id beyond 14.
    one_byte: Option<Prebuilt>,
    two_byte: Prebuilt,
    audio_level: u8,
    orientation: u8,
    capture_time: u8,
    playout_delay: u8,
    dependency_descriptor: u8,
}

/// What differs from packet to packet in every header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderFields {
    /// Payload type, 0 to 127.
    pub payload_type: u8,
    /// Marker bit.
    pub marker: bool,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp in units of the payload's clock.
    pub timestamp: u32,
    /// Whether the payload ends in padding.
    pub padding: bool,
    /// Transport-wide sequence number, for a template with room for it.
    pub transport_cc: Option<u16>,
    /// When it is sent, 24 bits, for a template with room for it.
    pub abs_send_time: Option<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Prebuilt {
    bytes: [u8; MOST],
    len: u8,
    /// Offset of the element, zero where there is none.
    transport_cc: u8,
    abs_send_time: u8,
}

impl HeaderTemplate {
    /// Builds the header of the stream `ssrc` for a peer that negotiated `ids`.
    ///
    /// The section's identification, the transport-wide number and the send time are sent only where negotiated.
    pub fn new(
        ssrc: u32,
        mid: Option<&Mid>,
        ids: &ExtensionIds,
        send_transport_cc: bool,
        send_abs_send_time: bool,
    ) -> Self {
        let id = |extension| ids.id(extension);
        let constant = Constant {
            ssrc,
            mid: id(Extension::Mid).zip(mid.map(Mid::as_str)),
            transport_cc: id(Extension::TransportCc).filter(|_| send_transport_cc),
            abs_send_time: id(Extension::AbsSendTime).filter(|_| send_abs_send_time),
        };
        let or_none = |extension| id(extension).unwrap_or_default();
        Self {
            one_byte: constant.fits_one_byte().then(|| constant.build(Form::OneByte)),
            two_byte: constant.build(Form::TwoByte),
            audio_level: or_none(Extension::AudioLevel),
            orientation: or_none(Extension::VideoOrientation),
            capture_time: or_none(Extension::AbsCaptureTime),
            playout_delay: or_none(Extension::PlayoutDelay),
            dependency_descriptor: or_none(Extension::DependencyDescriptor),
        }
    }

    /// Appends a whole header to `out` and gives its length in bytes.
    ///
    /// Of `extensions`, those that describe the medium are sent (level, orientation, capture time, playout delay,
    /// dependency descriptor), where this peer negotiated them; those that describe the hop to us are not.
    pub fn write(&self, out: &mut Vec<u8>, fields: &HeaderFields, extensions: &Extensions<'_>) -> usize {
        let start = out.len();
        let one_byte = self.one_byte.as_ref().filter(|_| self.fits_one_byte(extensions));
        let (form, prebuilt) = match one_byte {
            Some(prebuilt) => (Form::OneByte, prebuilt),
            None => (Form::TwoByte, &self.two_byte),
        };
        let mut header = prebuilt.bytes;
        prebuilt.patch(&mut header, form, fields);
        let constant = header.get(..usize::from(prebuilt.len)).unwrap_or_default();
        out.extend_from_slice(constant);
        self.append(out, form, extensions);
        finish(out, start)
    }

    fn fits_one_byte(&self, extensions: &Extensions<'_>) -> bool {
        let short =
            |id: u8, length: Option<usize>| length.is_none_or(|length| id < 15 && (1..=16).contains(&length));
        short(self.audio_level, extensions.audio_level.map(|_| 1))
            && short(self.orientation, extensions.orientation.map(|_| 1))
            && short(self.capture_time, extensions.capture_time.map(<[u8]>::len))
            && short(self.playout_delay, extensions.playout_delay.map(|_| 3))
            && short(
                self.dependency_descriptor,
                extensions
                    .dependency_descriptor
                    .filter(|_| self.dependency_descriptor != 0)
                    .map(<[u8]>::len),
            )
    }

    fn append(&self, out: &mut Vec<u8>, form: Form, extensions: &Extensions<'_>) {
        if let Some(level) = extensions.audio_level {
            let loudness = level.level.unsigned_abs().min(127);
            element(
                out,
                form,
                self.audio_level,
                &[u8::from(level.voice) << 7 | loudness],
            );
        }
        if let Some(orientation) = extensions.orientation {
            element(out, form, self.orientation, &[orientation]);
        }
        if let Some(time) = extensions.capture_time {
            element(out, form, self.capture_time, time);
        }
        if let Some((least, greatest)) = extensions.playout_delay {
            let [_, a, b, c] = (u32::from(least & 0x0fff) << 12 | u32::from(greatest & 0x0fff)).to_be_bytes();
            element(out, form, self.playout_delay, &[a, b, c]);
        }
        if let Some(descriptor) = extensions.dependency_descriptor {
            element(out, form, self.dependency_descriptor, descriptor);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    OneByte,
    TwoByte,
}

/// Appends one element; nothing where it was not negotiated or is too long for any form.
fn element(out: &mut Vec<u8>, form: Form, id: u8, value: &[u8]) {
    let Ok(length) = u8::try_from(value.len()) else {
        return;
    };
    match form {
        _ if id == 0 => return,
        Form::OneByte => out.push(id << 4 | length.wrapping_sub(1) & 0x0f),
        Form::TwoByte => out.extend_from_slice(&[id, length]),
    }
    out.extend_from_slice(value);
}

/// Pads the extensions to whole words and writes their length, or takes their header away where there are none.
fn finish(out: &mut Vec<u8>, start: usize) -> usize {
    const BLOCK: usize = FIXED_LEN + 4;
    let length = out.len() - start;
    if length <= BLOCK {
        out.truncate(start + FIXED_LEN);
        if let Some(first) = out.get_mut(start) {
            *first &= !0x10;
        }
        return FIXED_LEN;
    }
    let padded = length.next_multiple_of(4);
    out.resize(start + padded, 0);
    let words = u16::try_from((padded - BLOCK) / 4).unwrap_or(u16::MAX);
    if let Some(field) = out.get_mut(start + FIXED_LEN + 2..start + BLOCK) {
        field.copy_from_slice(&words.to_be_bytes());
    }
    padded
}

impl Prebuilt {
    fn patch(&self, header: &mut [u8; MOST], form: Form, fields: &HeaderFields) {
        header[0] = 0x90 | u8::from(fields.padding) << 5;
        header[1] = u8::from(fields.marker) << 7 | fields.payload_type & 0x7f;
        let [s1, s0] = fields.sequence.to_be_bytes();
        header[2] = s1;
        header[3] = s0;
        let [t3, t2, t1, t0] = fields.timestamp.to_be_bytes();
        header[4] = t3;
        header[5] = t2;
        header[6] = t1;
        header[7] = t0;
        let prefix = match form {
            Form::OneByte => 1,
            Form::TwoByte => 2,
        };
        if self.transport_cc != 0 {
            let value = fields.transport_cc.map(u16::to_be_bytes);
            patch_element(header, self.transport_cc, prefix, value);
        }
        if self.abs_send_time != 0 {
            let value = fields.abs_send_time.map(|time| {
                let [_, a, b, c] = time.to_be_bytes();
                [a, b, c]
            });
            patch_element(header, self.abs_send_time, prefix, value);
        }
    }
}

/// Writes the value of an element; without one it becomes padding, which is zero in both forms (RFC 8285 §4.1.1).
fn patch_element<const N: usize>(header: &mut [u8; MOST], at: u8, prefix: usize, value: Option<[u8; N]>) {
    let at = usize::from(at);
    match value {
        Some(value) => {
            if let Some(place) = header.get_mut(at + prefix..at + prefix + N) {
                place.copy_from_slice(&value);
            }
        }
        None => {
            if let Some(place) = header.get_mut(at..at + prefix + N) {
                place.fill(0);
            }
        }
    }
}

struct Constant<'a> {
    ssrc: u32,
    mid: Option<(u8, &'a str)>,
    transport_cc: Option<u8>,
    abs_send_time: Option<u8>,
}

impl Constant<'_> {
    fn fits_one_byte(&self) -> bool {
        let ids = [self.mid.map(|(id, _)| id), self.transport_cc, self.abs_send_time];
        ids.into_iter().flatten().all(|id| id < 15)
    }

    fn build(&self, form: Form) -> Prebuilt {
        let mut bytes = Vec::with_capacity(MOST);
        bytes.extend_from_slice(&[0x90, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend_from_slice(&self.ssrc.to_be_bytes());
        let profile = match form {
            Form::OneByte => ONE_BYTE,
            Form::TwoByte => TWO_BYTE,
        };
        bytes.extend_from_slice(&profile.to_be_bytes());
        bytes.extend_from_slice(&[0, 0]);
        let mut room = |id: Option<u8>, value: &[u8]| {
            let at = u8::try_from(bytes.len()).unwrap_or_default();
            id.map_or(0, |id| {
                element(&mut bytes, form, id, value);
                at
            })
        };
        let abs_send_time = room(self.abs_send_time, &[0; 3]);
        let transport_cc = room(self.transport_cc, &[0; 2]);
        if let Some((id, mid)) = self.mid {
            room(Some(id), mid.as_bytes());
        }
        let mut prebuilt = Prebuilt {
            bytes: [0; MOST],
            len: u8::try_from(bytes.len().min(MOST)).unwrap_or_default(),
            transport_cc,
            abs_send_time,
        };
        prebuilt
            .bytes
            .iter_mut()
            .zip(bytes)
            .for_each(|(place, byte)| *place = byte);
        prebuilt
    }
}

#[cfg(test)]
mod tests;
