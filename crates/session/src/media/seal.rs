//! Packets of ours: written, protected and accounted for.

use std::fmt;
use std::time::Instant;

use tertulia_rtp::{Extensions, HeaderFields, Rewrite, SrtpSender, TrainHeader};

use super::sent::{Channel, Sent, SentCodec, Stream};
use super::{Media, TxPacket};
use crate::estimator::{Departures, ProbeId};
use crate::{SendError, TxId};

/// Greatest payload sent; with header, extensions and authentication tag it stays within 1 500 bytes.
const MAX_PAYLOAD: usize = 1_400;
/// Padding counts itself in one byte (RFC 3550 §5.1).
const MAX_PADDING: usize = 255;
const PADDING: [u8; MAX_PADDING] = [0; MAX_PADDING];
/// Longest dependency descriptor sent.
const MAX_DESCRIPTOR: usize = 256;
/// Bytes in which there is room for any packet sealed: payload, header with all its extensions, and tag.
pub const MAX_SEALED: usize = 2_048;

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
    /// What seals packets of one stream and payload type that leave now.
    ///
    /// # Errors
    /// Where none can go out.
    pub(crate) fn sealer(
        &mut self,
        tx: TxId,
        payload_type: u8,
        now: Instant,
    ) -> Result<Sealer<'_>, SendError> {
        if self.keys.is_none() {
            return Err(SendError::Unbound);
        }
        let slot = self.sent.slot(tx).ok_or(SendError::Unbound)?;
        let stream = self.sent.stream_mut(slot).ok_or(SendError::Unbound)?;
        if !stream.is_agreed() {
            return Err(SendError::Unbound);
        }
        let codec = stream.codec(payload_type).ok_or(SendError::PayloadType)?;
        if codec.rtx.is_some() && stream.repair.is_some() {
            self.sent.note_padded(slot);
        }
        self.begin_reporting(now);
        let keys = self.keys.as_ref().ok_or(SendError::Unbound)?;
        let stream = self.sent.stream_mut(slot).ok_or(SendError::Unbound)?;
        let abs_send_time = self.clock.abs_send_time(now);
        Ok(Sealer {
            keys: &keys.sender,
            header: stream.main.template.train(codec.payload_type, abs_send_time),
            stream,
            codec,
            sent: Sent::default(),
            numbering: self
                .headers
                .transport_cc
                .then(|| self.estimator.depart(now, self.probe)),
            next_transport_cc: &mut self.next_transport_cc,
            abs_send_time,
            described: &mut self.described,
            now,
        })
    }

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
        let mut sealer = self.sealer(tx, packet.payload_type, now)?;
        let start = out.len();
        out.resize(start + MAX_SEALED, 0);
        let sealed = sealer.seal(packet, out.get_mut(start..).unwrap_or_default());
        out.truncate(start + sealed.unwrap_or_default());
        sealed
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

    fn note_sent(&mut self, length: usize, probe: Option<ProbeId>, now: Instant) {
        if self.headers.transport_cc {
            self.estimator.sent(self.next_transport_cc, length, now, probe);
            self.next_transport_cc += 1;
        }
    }
}

/// Seals packets of one stream that leave together: what is the same for all of them is looked up once, and counted once
/// when it is dropped.
///
/// Comes from [`Session::sealer`](crate::Session::sealer).
pub struct Sealer<'a> {
    keys: &'a SrtpSender,
    header: TrainHeader,
    stream: &'a mut Stream,
    codec: SentCodec,
    /// What it has sealed.
    sent: Sent,
    /// Told of packets with transport-wide numbers, where they have them.
    numbering: Option<Departures<'a>>,
    next_transport_cc: &'a mut u64,
    abs_send_time: u32,
    /// Where headers with extensions of their own are put together.
    described: &'a mut Vec<u8>,
    now: Instant,
}

impl Sealer<'_> {
    /// Writes a protected packet to the beginning of `room` and gives its length; the payload type is the sealer's,
    /// whatever the packet says. In [`MAX_SEALED`] bytes there is room for any.
    ///
    /// # Errors
    /// Where the packet cannot go out; what is in `room` then is nothing to send.
    #[inline]
    pub fn seal(&mut self, packet: &TxPacket<'_>, room: &mut [u8]) -> Result<usize, SendError> {
        check_length(packet)?;
        let window = self.stream.main.window.as_mut().ok_or(SendError::Unbound)?;
        let admitted = window.admit(packet.sequence).ok_or(SendError::Sequence)?;
        let header_len = if packet.ext.describe_medium() {
            // A copy, so that the packet itself need not be in memory for all others.
            let described = *packet;
            self.write_described(&described, room)
        } else {
            let (sequence, number) = (packet.sequence as u16, *self.next_transport_cc as u16);
            self.header
                .write(room, packet.marker, sequence, packet.timestamp, number)
        };
        let length = self
            .keys
            .seal(
                room,
                header_len.ok_or(SendError::TooLong)?,
                packet.payload,
                &packet.rewrite,
                admitted,
            )
            .map_err(|_| SendError::TooLong)?;
        self.sent.packets = self.sent.packets.wrapping_add(1);
        self.sent.octets = self.sent.octets.wrapping_add(packet.payload.len());
        self.sent.timestamp = packet.timestamp;
        if packet.sender_clock.is_some() {
            self.sent.source_clock = packet.sender_clock;
        }
        if let Some(departures) = &mut self.numbering {
            departures.note(*self.next_transport_cc, length);
            *self.next_transport_cc = self.next_transport_cc.wrapping_add(1);
        }
        Ok(length)
    }

    /// Writes the header of a packet that has extensions of its own.
    #[inline(never)]
    fn write_described(&mut self, packet: &TxPacket<'_>, room: &mut [u8]) -> Option<usize> {
        let fields = HeaderFields {
            payload_type: self.codec.payload_type,
            marker: packet.marker,
            sequence: packet.sequence as u16,
            timestamp: packet.timestamp,
            padding: false,
            transport_cc: Some(*self.next_transport_cc as u16),
            abs_send_time: Some(self.abs_send_time),
        };
        let mut buffer = [0; MAX_DESCRIPTOR];
        let ext = Extensions {
            dependency_descriptor: packet
                .ext
                .dependency_descriptor
                .and_then(|raw| packet.rewrite.descriptor(raw, &mut buffer)),
            ..packet.ext
        };
        self.described.clear();
        let length = self.stream.main.template.write(self.described, &fields, &ext);
        room.get_mut(..length)?.copy_from_slice(self.described);
        Some(length)
    }
}

impl Drop for Sealer<'_> {
    fn drop(&mut self) {
        if self.sent.packets > 0 {
            self.stream.note_sent(self.codec, &self.sent, self.now);
        }
    }
}

impl fmt::Debug for Sealer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer")
            .field("codec", &self.codec)
            .finish_non_exhaustive()
    }
}

impl Channel {
    /// Protects what is sent now and then.
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
    #[inline(never)]
    fn write_described(&self, plain: &Plain<'_>, raw: &[u8], out: &mut Vec<u8>) -> usize {
        let mut buffer = [0; MAX_DESCRIPTOR];
        let ext = Extensions {
            dependency_descriptor: plain.rewrite.descriptor(raw, &mut buffer),
            ..*plain.ext
        };
        self.template.write(out, &plain.fields, &ext)
    }
}

#[inline]
fn check_length(packet: &TxPacket<'_>) -> Result<(), SendError> {
    if (1..=MAX_PAYLOAD).contains(&packet.payload.len()) {
        Ok(())
    } else {
        Err(SendError::TooLong)
    }
}
