//! Received packets: from the datagram to its place in a stream.

use std::time::Instant;

use tertulia_rtp::{Extensions, Opened, RtpHeader, SrtpError};

use super::payload::PayloadType;
use super::received::Role;
use super::{Keys, Media};
use crate::RxPacket;

/// A packet after it was opened, with the slot of its stream.
struct Plain<'a, 'h> {
    header: &'h RtpHeader,
    sequence: u64,
    payload: &'a [u8],
    payload_type: PayloadType,
    ext: Extensions<'a>,
    slot: usize,
    now: Instant,
}

impl Media {
    /// Opens an RTP packet in place and puts it where it belongs; `None` where it is no part of the conversation, was
    /// there before, is a retransmission of nothing, or is received by nobody.
    ///
    /// A packet of padding alone comes with an empty payload, since its number must not be missed.
    pub(crate) fn receive_rtp<'a>(&mut self, datagram: &'a mut [u8], now: Instant) -> Option<RxPacket<'a>> {
        let Some(header) = RtpHeader::parse(datagram) else {
            self.drops.malformed += 1;
            return None;
        };
        let Some(keys) = &self.keys else {
            self.drops.unauthentic += 1;
            return None;
        };
        let opened = match self.received.find(header.ssrc) {
            Some((slot, role)) => {
                let stream = self.received.stream_mut(slot)?;
                let source = stream.source(role).as_mut()?;
                keys.receiver
                    .unprotect(datagram, &header, &mut source.window)
                    .map(|opened| (opened, Some((slot, role))))
            }
            None if header.ssrc == 0 => keys
                .receiver
                .unprotect(datagram, &header, &mut self.probes)
                .map(|opened| (opened, None)),
            None => return self.receive_unknown(datagram, &header, now),
        };
        match opened {
            Ok((opened, place)) => self.take(datagram, &header, opened, place, now),
            Err(error) => {
                self.count(error);
                None
            }
        }
    }

    /// A packet of an SSRC not heard before, which its tags may explain.
    fn receive_unknown<'a>(
        &mut self,
        datagram: &'a mut [u8],
        header: &RtpHeader,
        now: Instant,
    ) -> Option<RxPacket<'a>> {
        let Some(payload) = self.payload_types.find(header.payload_type) else {
            self.drops.unknown_payload += 1;
            return None;
        };
        let judged = self
            .received
            .judge(&self.headers.ids.read(header, datagram), payload);
        let Some(place) = judged else {
            self.drops.unknown_ssrc += 1;
            return None;
        };
        let Keys { receiver, .. } = self.keys.as_ref()?;
        let mut window = self.received.window(header.ssrc);
        match receiver.unprotect(datagram, header, &mut window) {
            Ok(opened) => {
                let asks = payload.repairable;
                let slot = self.received.latch(place, header.ssrc, window, asks);
                self.take(datagram, header, opened, Some((slot, place.role())), now)
            }
            Err(error) => {
                self.count(error);
                None
            }
        }
    }

    /// An authentic packet.
    fn take<'a>(
        &mut self,
        packet: &'a [u8],
        header: &RtpHeader,
        opened: Opened,
        place: Option<(usize, Role)>,
        now: Instant,
    ) -> Option<RxPacket<'a>> {
        let ext = self.headers.ids.read(header, packet);
        if let Some(number) = ext.transport_cc {
            self.arrivals.record(number, packet.len(), now);
        }
        let (slot, role) = place?;
        self.begin_reporting(now);
        let payload = packet.get(header.header_len..opened.payload_end)?;
        let Some(payload_type) = self.payload_types.find(header.payload_type) else {
            self.drops.unknown_payload += 1;
            return None;
        };
        let plain = Plain {
            header,
            sequence: opened.index,
            payload,
            payload_type,
            ext,
            slot,
            now,
        };
        match role {
            Role::Main => self.take_main(plain),
            Role::Repair => self.take_repair(plain),
        }
    }

    fn take_main<'a>(&mut self, plain: Plain<'a, '_>) -> Option<RxPacket<'a>> {
        let stream = self.received.stream_mut(plain.slot)?;
        stream.reception.note(
            plain.sequence,
            plain.header.timestamp,
            plain.payload.len(),
            plain.payload_type.rate,
            plain.now,
        );
        let is_new = stream.gaps.note(plain.sequence, stream.asks, plain.now);
        self.plan_nack(plain.slot);
        // Retransmissions have an SSRC of their own.
        if plain.payload_type.repair {
            self.drops.unknown_payload += 1;
            return None;
        }
        if is_new { self.give(plain) } else { None }
    }

    /// A retransmission: the number of the packet it repeats, then its payload (RFC 4588 §4).
    fn take_repair<'a>(&mut self, mut plain: Plain<'a, '_>) -> Option<RxPacket<'a>> {
        // Padding goes under the payload type of either, and repeats nothing.
        if plain.payload.is_empty() {
            return None;
        }
        if !plain.payload_type.repair {
            self.drops.unknown_payload += 1;
            return None;
        }
        let Some((number, payload)) = plain.payload.split_first_chunk::<2>() else {
            self.drops.malformed += 1;
            return None;
        };
        let stream = self.received.stream_mut(plain.slot)?;
        let sequence = stream.gaps.extend(u16::from_be_bytes(*number))?;
        if !stream.gaps.note(sequence, stream.asks, plain.now) {
            return None;
        }
        stream.reception.note_repair(payload.len());
        self.plan_nack(plain.slot);
        plain.sequence = sequence;
        plain.payload = payload;
        self.give(plain)
    }

    fn give<'a>(&self, plain: Plain<'a, '_>) -> Option<RxPacket<'a>> {
        let stream = self.received.stream(plain.slot)?;
        Some(RxPacket {
            rx: self.received.rx(stream.section)?,
            rid: stream.rid,
            ssrc: stream.main.as_ref()?.ssrc,
            payload_type: plain.payload_type.main,
            codec: plain.payload_type.codec,
            sequence: plain.sequence,
            timestamp: plain.header.timestamp,
            marker: plain.header.marker,
            arrival: plain.now,
            payload: plain.payload,
            ext: plain.ext,
            sender_clock: stream.reception.sender(),
        })
    }

    /// Lets the session's deadline follow a stream's.
    fn plan_nack(&mut self, slot: usize) {
        let next_at = self
            .received
            .stream(slot)
            .and_then(|stream| stream.gaps.next_at());
        if let Some(next_at) = next_at {
            self.timers.nack_at = Some(self.timers.nack_at.map_or(next_at, |at| at.min(next_at)));
        }
    }

    pub(super) fn count(&mut self, error: SrtpError) {
        match error {
            SrtpError::Replayed | SrtpError::TooOld => self.drops.replayed += 1,
            SrtpError::Truncated | SrtpError::Padding => self.drops.malformed += 1,
            _ => self.drops.unauthentic += 1,
        }
    }
}
