//! Packets of ours: written, protected and accounted for.

use std::time::Instant;

use tertulia_rtp::{Extensions, HeaderFields, Rewrite, SrtpSender};

use super::sent::Channel;
use super::{Media, TxPacket};
use crate::estimator::ProbeId;
use crate::{SendError, TxId};

/// Greatest payload sent; with header, extensions and authentication tag it stays within 1 500 bytes.
const MAX_PAYLOAD: usize = 1_400;
/// Padding counts itself in one byte (RFC 3550 §5.1).
const MAX_PADDING: usize = 255;
const PADDING: [u8; MAX_PADDING] = [0; MAX_PADDING];
/// Longest dependency descriptor sent.
const MAX_DESCRIPTOR: usize = 256;

/// One packet before it is protected.
struct Plain<'a> {
    fields: HeaderFields,
    sequence: u64,
    /// What stands before the payload: of a repair, the number of the packet it repeats.
    prefix: &'a [u8],
    payload: &'a [u8],
    rewrite: &'a Rewrite,
    ext: &'a Extensions<'a>,
}

impl Media {
    /// Appends a protected packet to `out` and gives its length.
    ///
    /// # Errors
    /// Where the packet cannot go out; `out` is as it was.
    pub(crate) fn seal(
        &mut self,
        tx: TxId,
        packet: &TxPacket<'_>,
        out: &mut Vec<u8>,
        now: Instant,
    ) -> Result<usize, SendError> {
        check_length(packet)?;
        let keys = self.keys.as_ref().ok_or(SendError::Unbound)?;
        let slot = self.sent.slot(tx).ok_or(SendError::Unbound)?;
        let stream = self.sent.stream_mut(slot).ok_or(SendError::Unbound)?;
        if !stream.is_agreed() {
            return Err(SendError::Unbound);
        }
        let codec = stream.codec(packet.payload_type).ok_or(SendError::PayloadType)?;
        let plain = Plain {
            fields: HeaderFields {
                payload_type: packet.payload_type,
                marker: packet.marker,
                sequence: packet.sequence as u16,
                timestamp: packet.timestamp,
                padding: false,
                transport_cc: Some(self.next_transport_cc as u16),
                abs_send_time: Some(self.clock.abs_send_time(now)),
            },
            sequence: packet.sequence,
            prefix: &[],
            payload: packet.payload,
            rewrite: &packet.rewrite,
            ext: &packet.ext,
        };
        let length = stream.main.protect(&keys.sender, &plain, out)?;
        let octets = packet.payload.len();
        stream.note_sent(codec, packet.timestamp, octets, packet.sender_clock, now);
        if codec.rtx.is_some() && stream.repair.is_some() {
            self.sent.note_padded(slot);
        }
        self.note_sent(length, self.probe, now);
        self.begin_reporting(now);
        Ok(length)
    }

    /// Appends a packet sent before once more, as a retransmission with its own SSRC, payload type and sequence number
    /// (RFC 4588), and gives its length.
    ///
    /// # Errors
    /// Where the packet cannot go out; [`SendError::Full`] where repairs would outweigh what is sent without.
    pub(crate) fn seal_repair(
        &mut self,
        tx: TxId,
        packet: &TxPacket<'_>,
        out: &mut Vec<u8>,
        now: Instant,
    ) -> Result<usize, SendError> {
        check_length(packet)?;
        let keys = self.keys.as_ref().ok_or(SendError::Unbound)?;
        let slot = self.sent.slot(tx).ok_or(SendError::Unbound)?;
        let stream = self.sent.stream_mut(slot).ok_or(SendError::Unbound)?;
        if !stream.is_agreed() {
            return Err(SendError::Unbound);
        }
        let codec = stream.codec(packet.payload_type).ok_or(SendError::PayloadType)?;
        let payload_type = codec.rtx.ok_or(SendError::PayloadType)?;
        if stream.repair.is_none() {
            return Err(SendError::Unbound);
        }
        if !stream.spend_on_repair(packet.payload.len()) {
            return Err(SendError::Full);
        }
        let repair = stream.repair.as_mut().ok_or(SendError::Unbound)?;
        let plain = Plain {
            fields: HeaderFields {
                payload_type,
                marker: packet.marker,
                sequence: repair.next as u16,
                timestamp: packet.timestamp,
                padding: false,
                transport_cc: Some(self.next_transport_cc as u16),
                abs_send_time: Some(self.clock.abs_send_time(now)),
            },
            sequence: repair.next,
            prefix: &(packet.sequence as u16).to_be_bytes(),
            payload: packet.payload,
            rewrite: &packet.rewrite,
            ext: &packet.ext,
        };
        let length = repair.channel.protect(&keys.sender, &plain, out)?;
        repair.next += 1;
        self.note_sent(length, self.probe, now);
        Ok(length)
    }

    /// Appends a packet of up to `bytes` (at most 255) of padding alone, for `probe` or to fill the path, and gives its
    /// length. It goes among the retransmissions of the video last sent.
    ///
    /// # Errors
    /// [`SendError::Unbound`] where no stream has retransmissions.
    pub(crate) fn seal_padding(
        &mut self,
        bytes: usize,
        probe: Option<ProbeId>,
        out: &mut Vec<u8>,
        now: Instant,
    ) -> Result<usize, SendError> {
        let keys = self.keys.as_ref().ok_or(SendError::Unbound)?;
        let slot = self.sent.padded().ok_or(SendError::Unbound)?;
        let stream = self.sent.stream_mut(slot).ok_or(SendError::Unbound)?;
        let (payload_type, timestamp) = stream.padding().ok_or(SendError::Unbound)?;
        let repair = stream.repair.as_mut().ok_or(SendError::Unbound)?;
        let count = bytes.clamp(1, MAX_PADDING);
        let last = [count as u8];
        let plain = Plain {
            fields: HeaderFields {
                payload_type,
                marker: false,
                sequence: repair.next as u16,
                timestamp,
                padding: true,
                transport_cc: Some(self.next_transport_cc as u16),
                abs_send_time: Some(self.clock.abs_send_time(now)),
            },
            sequence: repair.next,
            prefix: PADDING.get(..count - 1).unwrap_or_default(),
            payload: &last,
            rewrite: &Rewrite::None,
            ext: &Extensions::default(),
        };
        let length = repair.channel.protect(&keys.sender, &plain, out)?;
        repair.next += 1;
        self.note_sent(length, probe, now);
        Ok(length)
    }

    #[inline]
    fn note_sent(&mut self, length: usize, probe: Option<ProbeId>, now: Instant) {
        if self.headers.transport_cc {
            self.estimator.sent(self.next_transport_cc, length, now, probe);
            self.next_transport_cc += 1;
        }
    }
}

impl Channel {
    fn protect(
        &mut self,
        keys: &SrtpSender,
        plain: &Plain<'_>,
        out: &mut Vec<u8>,
    ) -> Result<usize, SendError> {
        let window = self.window.as_mut().ok_or(SendError::Unbound)?;
        let admitted = window.admit(plain.sequence).ok_or(SendError::Sequence)?;
        let start = out.len();
        let header_len = match plain.ext.dependency_descriptor {
            None => self.template.write(out, &plain.fields, plain.ext),
            Some(raw) => self.write_described(plain, raw, out),
        };
        if !plain.prefix.is_empty() {
            out.extend_from_slice(plain.prefix);
        }
        let payload_start = out.len();
        out.extend_from_slice(plain.payload);
        if let Some(payload) = out.get_mut(payload_start..) {
            plain.rewrite.apply(payload);
        }
        keys.protect(out, start, header_len, admitted)
            .map_err(|_| SendError::Sequence)?;
        Ok(out.len() - start)
    }

    /// Writes the header of a packet whose dependency descriptor changes.
    fn write_described(&self, plain: &Plain<'_>, raw: &[u8], out: &mut Vec<u8>) -> usize {
        let mut buffer = [0; MAX_DESCRIPTOR];
        let ext = Extensions {
            dependency_descriptor: plain.rewrite.descriptor(raw, &mut buffer),
            ..*plain.ext
        };
        self.template.write(out, &plain.fields, &ext)
    }
}

fn check_length(packet: &TxPacket<'_>) -> Result<(), SendError> {
    if (1..=MAX_PAYLOAD).contains(&packet.payload.len()) {
        Ok(())
    } else {
        Err(SendError::TooLong)
    }
}
