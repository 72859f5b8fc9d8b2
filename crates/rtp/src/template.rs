//! The header of a stream we send, built once and patched for each packet.

use tertulia_model::{Extension, Mid};

use crate::extension::{AudioLevel, ExtensionIds, Extensions, ONE_BYTE, TWO_BYTE};

const FIXED_LEN: usize = 12;
/// Fixed header and the header of the extensions.
const BLOCK: usize = FIXED_LEN + 4;
/// Beside them in the two-byte form: send time, transport-wide number, section of 16 bytes; in whole words.
const MOST: usize = (BLOCK + (2 + 3) + (2 + 2) + (2 + 16)).next_multiple_of(4);
/// The same and in the one-byte form level, orientation, capture time and playout delay.
const ROOM: usize = (MOST + (1 + 1) + (1 + 1) + (1 + 16) + (1 + 3)).next_multiple_of(4);

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
    /// Whether no extension that describes the medium, the descriptor apart, has an id beyond 14.
    short_ids: bool,
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

/// The header of packets of one stream that leave together and have no extensions of their own: all is written but
/// what differs from packet to packet. Comes from [`HeaderTemplate::train`].
#[derive(Debug, Clone, Copy)]
pub struct TrainHeader {
    bytes: [u8; MOST],
    len: usize,
    /// Offset of the transport-wide number, zero where there is none.
    transport_cc: usize,
}

impl TrainHeader {
    /// Writes a whole header to the beginning of `room` and gives its length; `None` where that is too short.
    /// `transport_cc` is left out where it was not negotiated.
    #[inline]
    pub fn write(
        &mut self,
        room: &mut [u8],
        marker: bool,
        sequence: u16,
        timestamp: u32,
        transport_cc: u16,
    ) -> Option<usize> {
        let bytes = &mut self.bytes;
        bytes[1] = u8::from(marker) << 7 | bytes[1] & 0x7f;
        let [s1, s0] = sequence.to_be_bytes();
        let [t3, t2, t1, t0] = timestamp.to_be_bytes();
        [bytes[2], bytes[3]] = [s1, s0];
        [bytes[4], bytes[5], bytes[6], bytes[7]] = [t3, t2, t1, t0];
        if self.transport_cc != 0
            && let Some(place) = bytes
                .get_mut(self.transport_cc..)
                .and_then(<[u8]>::first_chunk_mut)
        {
            *place = transport_cc.to_be_bytes();
        }
        // All of it, so that the length to copy is known; the payload comes over what is too much.
        *room.first_chunk_mut()? = *bytes;
        Some(self.len)
    }
}

/// A header without what differs from packet to packet; its extensions are neither padded nor counted yet.
#[derive(Debug, Clone, Copy)]
struct Prebuilt {
    bytes: [u8; MOST],
    len: u8,
    /// Offset of the element's value, zero where there is none.
    transport_cc: u8,
    abs_send_time: u8,
    /// Bytes an element has before its value.
    prefix: u8,
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
        let described = [
            Extension::AudioLevel,
            Extension::VideoOrientation,
            Extension::AbsCaptureTime,
            Extension::PlayoutDelay,
        ];
        Self {
            short_ids: described.into_iter().all(|extension| or_none(extension) < 15),
            one_byte: constant.fits_one_byte().then(|| constant.build(Form::OneByte)),
            two_byte: constant.build(Form::TwoByte),
            audio_level: or_none(Extension::AudioLevel),
            orientation: or_none(Extension::VideoOrientation),
            capture_time: or_none(Extension::AbsCaptureTime),
            playout_delay: or_none(Extension::PlayoutDelay),
            dependency_descriptor: or_none(Extension::DependencyDescriptor),
        }
    }

    /// Prepares the headers of packets that leave together.
    pub fn train(&self, payload_type: u8, abs_send_time: u32) -> TrainHeader {
        let prebuilt = self.one_byte.as_ref().unwrap_or(&self.two_byte);
        let mut bytes = prebuilt.bytes;
        let fields = HeaderFields {
            payload_type,
            marker: false,
            sequence: 0,
            timestamp: 0,
            padding: false,
            transport_cc: Some(0),
            abs_send_time: Some(abs_send_time),
        };
        prebuilt.patch(&mut bytes, &fields);
        TrainHeader {
            len: close(&mut bytes, usize::from(prebuilt.len)),
            bytes,
            transport_cc: usize::from(prebuilt.transport_cc),
        }
    }

    /// Appends a whole header to `out` and gives its length in bytes.
    ///
    /// Of `extensions`, those that describe the medium are sent (level, orientation, capture time, playout delay,
    /// dependency descriptor), where this peer negotiated them; those that describe the hop to us are not.
    #[inline]
    pub fn write(&self, out: &mut Vec<u8>, fields: &HeaderFields, extensions: &Extensions<'_>) -> usize {
        match self.short_form(extensions) {
            Some(prebuilt) => {
                let (header, length) = self.build_short(prebuilt, fields, extensions);
                out.extend_from_slice(header.get(..length).unwrap_or_default());
                length
            }
            None => self.write_any(out, fields, extensions),
        }
    }

    /// The form whose greatest length is known, where these extensions have it.
    #[inline]
    fn short_form(&self, extensions: &Extensions<'_>) -> Option<&Prebuilt> {
        let descriptor = extensions.dependency_descriptor.is_some() && self.dependency_descriptor != 0;
        let long = extensions
            .capture_time
            .is_some_and(|time| !(1..=16).contains(&time.len()));
        self.one_byte
            .as_ref()
            .filter(|_| self.short_ids && !descriptor && !long)
    }

    /// Builds a header of the short form, and its length.
    #[inline]
    fn build_short(
        &self,
        prebuilt: &Prebuilt,
        fields: &HeaderFields,
        extensions: &Extensions<'_>,
    ) -> ([u8; ROOM], usize) {
        let mut header = [0; ROOM];
        if let Some(constant) = header.first_chunk_mut::<MOST>() {
            *constant = prebuilt.bytes;
            prebuilt.patch(constant, fields);
        }
        let mut at = usize::from(prebuilt.len);
        if extensions.describe_medium() {
            at = self.put_medium(&mut header, at, extensions);
        }
        let whole = close(&mut header, at);
        (header, whole)
    }

    /// Puts what describes the medium behind the constant part and gives where it ends.
    #[inline]
    fn put_medium(&self, header: &mut [u8; ROOM], at: usize, extensions: &Extensions<'_>) -> usize {
        let mut end = at;
        let mut put = |id: u8, value: &[u8]| {
            let place = header
                .get_mut(end..)
                .and_then(|rest| rest.get_mut(..=value.len()));
            if let Some([first, place @ ..]) = place.filter(|_| id != 0) {
                *first = id << 4 | (value.len() as u8).wrapping_sub(1) & 0x0f;
                place.copy_from_slice(value);
                end += 1 + value.len();
            }
        };
        if let Some(level) = extensions.audio_level {
            put(self.audio_level, &level_byte(level));
        }
        if let Some(orientation) = extensions.orientation {
            put(self.orientation, &[orientation]);
        }
        if let Some(time) = extensions.capture_time {
            put(self.capture_time, time);
        }
        if let Some(delay) = extensions.playout_delay {
            put(self.playout_delay, &delay_bytes(delay));
        }
        end
    }

    fn write_any(&self, out: &mut Vec<u8>, fields: &HeaderFields, extensions: &Extensions<'_>) -> usize {
        let start = out.len();
        let one_byte = self.one_byte.as_ref().filter(|_| self.fits_one_byte(extensions));
        let (form, prebuilt) = match one_byte {
            Some(prebuilt) => (Form::OneByte, prebuilt),
            None => (Form::TwoByte, &self.two_byte),
        };
        let mut header = prebuilt.bytes;
        prebuilt.patch(&mut header, fields);
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
            element(out, form, self.audio_level, &level_byte(level));
        }
        if let Some(orientation) = extensions.orientation {
            element(out, form, self.orientation, &[orientation]);
        }
        if let Some(time) = extensions.capture_time {
            element(out, form, self.capture_time, time);
        }
        if let Some(delay) = extensions.playout_delay {
            element(out, form, self.playout_delay, &delay_bytes(delay));
        }
        if let Some(descriptor) = extensions.dependency_descriptor {
            element(out, form, self.dependency_descriptor, descriptor);
        }
    }
}

/// RFC 6464 §3.
fn level_byte(level: AudioLevel) -> [u8; 1] {
    [u8::from(level.voice) << 7 | level.level.unsigned_abs().min(127)]
}

/// Least and greatest delay in twelve bits each.
fn delay_bytes((least, greatest): (u16, u16)) -> [u8; 3] {
    let [_, a, b, c] = (u32::from(least & 0x0fff) << 12 | u32::from(greatest & 0x0fff)).to_be_bytes();
    [a, b, c]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    OneByte,
    TwoByte,
}

impl Form {
    fn profile(self) -> u16 {
        match self {
            Self::OneByte => ONE_BYTE,
            Self::TwoByte => TWO_BYTE,
        }
    }
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

/// As [`finish`], where what follows the header's end at `at` is zero; gives the header's length.
#[inline]
fn close<const N: usize>(header: &mut [u8; N], at: usize) -> usize {
    let whole = if at <= BLOCK {
        header[0] &= !0x10;
        FIXED_LEN
    } else {
        at.next_multiple_of(4)
    };
    let [w1, w0] = ((whole.saturating_sub(BLOCK) / 4) as u16).to_be_bytes();
    [header[FIXED_LEN + 2], header[FIXED_LEN + 3]] = [w1, w0];
    whole
}

/// Pads the extensions to whole words and writes their length, or takes their header away where there are none.
fn finish(out: &mut Vec<u8>, start: usize) -> usize {
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
    #[inline]
    fn patch(&self, header: &mut [u8; MOST], fields: &HeaderFields) {
        header[0] |= u8::from(fields.padding) << 5;
        header[1] = u8::from(fields.marker) << 7 | fields.payload_type & 0x7f;
        let [s1, s0] = fields.sequence.to_be_bytes();
        let [t3, t2, t1, t0] = fields.timestamp.to_be_bytes();
        [header[2], header[3]] = [s1, s0];
        [header[4], header[5], header[6], header[7]] = [t3, t2, t1, t0];
        if self.transport_cc != 0 {
            let value = fields.transport_cc.map(u16::to_be_bytes);
            self.patch_element(header, self.transport_cc, value);
        }
        if self.abs_send_time != 0 {
            let value = fields.abs_send_time.map(|time| {
                let [_, a, b, c] = time.to_be_bytes();
                [a, b, c]
            });
            self.patch_element(header, self.abs_send_time, value);
        }
    }

    /// Writes the value of an element; without one it becomes padding, which is zero in both forms (RFC 8285 §4.1.1).
    #[inline]
    fn patch_element<const N: usize>(&self, header: &mut [u8; MOST], at: u8, value: Option<[u8; N]>) {
        let at = usize::from(at);
        let place = header.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<N>);
        match (value, place) {
            (Some(value), Some(place)) => *place = value,
            _ => self.take_out::<N>(header, at),
        }
    }

    #[cold]
    fn take_out<const N: usize>(&self, header: &mut [u8; MOST], at: usize) {
        if let Some(place) = header.get_mut(at - usize::from(self.prefix)..at + N) {
            place.fill(0);
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
        bytes.extend_from_slice(&form.profile().to_be_bytes());
        bytes.extend_from_slice(&[0, 0]);
        let prefix = match form {
            Form::OneByte => 1,
            Form::TwoByte => 2,
        };
        let mut room = |id: Option<u8>, value: &[u8]| {
            let at = bytes.len() + prefix;
            id.map_or(0, |id| {
                element(&mut bytes, form, id, value);
                short(at)
            })
        };
        let abs_send_time = room(self.abs_send_time, &[0; 3]);
        let transport_cc = room(self.transport_cc, &[0; 2]);
        if let Some((id, mid)) = self.mid {
            room(Some(id), mid.as_bytes());
        }
        let mut prebuilt = Prebuilt {
            bytes: [0; MOST],
            len: short(bytes.len()),
            transport_cc,
            abs_send_time,
            prefix: short(prefix),
        };
        prebuilt
            .bytes
            .iter_mut()
            .zip(bytes)
            .for_each(|(place, byte)| *place = byte);
        prebuilt
    }
}

/// An offset or a length within a prebuilt header.
fn short(offset: usize) -> u8 {
    u8::try_from(offset.min(MOST)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
