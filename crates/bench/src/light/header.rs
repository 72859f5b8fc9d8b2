//! Headers of what a light client sends (RFC 3550 §5.1, RFC 8285 §4.2).

use tertulia_model::Extension;

/// The header of one stream: a constant part, patched for each packet.
///
/// It is written here rather than with the server's own template, so that a fault of one does not hide in the other.
#[derive(Debug, Clone)]
pub(super) struct Header {
    bytes: Vec<u8>,
    transport_cc: Option<usize>,
    level: Option<usize>,
}

/// What differs from packet to packet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    pub(super) payload_type: u8,
    pub(super) marker: bool,
    pub(super) sequence: u16,
    pub(super) timestamp: u32,
    pub(super) transport_cc: u16,
    /// Level in dBov, −127 to 0, and whether it is a voice.
    pub(super) level: Option<(i8, bool)>,
}

impl Header {
    /// Ids of 15 and more and values longer than 16 bytes are left out: they need the longer form.
    pub(super) fn new(ids: &[(Extension, u8)], ssrc: u32, mid: &str, rid: Option<&str>, audio: bool) -> Self {
        let mut bytes = vec![0x90, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend_from_slice(&ssrc.to_be_bytes());
        bytes.extend_from_slice(&[0xBE, 0xDE, 0, 0]);
        let start = bytes.len();
        let mut element = |extension: Extension, value: &[u8]| {
            let id = ids
                .iter()
                .find(|(known, _)| *known == extension)
                .map(|(_, id)| *id)?;
            let length = u8::try_from(value.len())
                .ok()
                .filter(|length| (1..=16).contains(length))?;
            if !(1..15).contains(&id) {
                return None;
            }
            bytes.push((id << 4) | (length - 1));
            bytes.extend_from_slice(value);
            Some(bytes.len() - value.len())
        };
        element(Extension::Mid, mid.as_bytes());
        if let Some(rid) = rid {
            element(Extension::RtpStreamId, rid.as_bytes());
        }
        let transport_cc = element(Extension::TransportCc, &[0; 2]);
        let level = if audio {
            element(Extension::AudioLevel, &[0])
        } else {
            None
        };
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        let words = u16::try_from((bytes.len() - start) / 4).unwrap_or(0);
        bytes[start - 2..start].copy_from_slice(&words.to_be_bytes());
        Self {
            bytes,
            transport_cc,
            level,
        }
    }

    /// Appends the header of a packet and gives its length.
    pub(super) fn write(&self, out: &mut Vec<u8>, fields: Fields) -> usize {
        let start = out.len();
        out.extend_from_slice(&self.bytes);
        let header = &mut out[start..];
        header[1] = (u8::from(fields.marker) << 7) | (fields.payload_type & 0x7F);
        header[2..4].copy_from_slice(&fields.sequence.to_be_bytes());
        header[4..8].copy_from_slice(&fields.timestamp.to_be_bytes());
        if let Some(at) = self.transport_cc {
            header[at..at + 2].copy_from_slice(&fields.transport_cc.to_be_bytes());
        }
        if let (Some(at), Some((level, voice))) = (self.level, fields.level) {
            header[at] = (u8::from(voice) << 7) | level.unsigned_abs().min(127);
        }
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use tertulia_rtp::{ExtensionIds, RtpHeader};

    use super::*;

    #[test]
    fn headers_read_back() {
        let ids = [
            (Extension::Mid, 4),
            (Extension::RtpStreamId, 10),
            (Extension::TransportCc, 3),
            (Extension::AudioLevel, 1),
            (Extension::AbsSendTime, 2),
        ];
        let header = Header::new(&ids, 7, "12", Some("h"), true);
        let mut out = vec![9];
        let fields = Fields {
            payload_type: 96,
            marker: true,
            sequence: 65_535,
            timestamp: 1 << 31,
            transport_cc: 513,
            level: Some((-30, true)),
        };
        let length = header.write(&mut out, fields);
        out.extend_from_slice(&[1, 2, 3]);
        let packet = &out[1..];
        let read = RtpHeader::parse(packet).unwrap();
        assert_eq!((read.header_len, read.payload_len, read.ssrc), (length, 3, 7));
        assert_eq!(
            (read.payload_type, read.marker, read.sequence),
            (96, true, 65_535)
        );
        assert_eq!(read.timestamp, 1 << 31);
        let extensions = ExtensionIds::new(ids.into_iter()).read(&read, packet);
        assert_eq!(
            (extensions.mid, extensions.rid),
            (Some(&b"12"[..]), Some(&b"h"[..]))
        );
        assert_eq!(extensions.transport_cc, Some(513));
        let level = extensions.audio_level.unwrap();
        assert_eq!((level.level, level.voice), (-30, true));
    }
}
