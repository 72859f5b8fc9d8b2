//! The way in: datagrams to their sessions, media into the rings of its room.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use tertulia_forward::{Incoming, Intake, SenderClock};
use tertulia_model::TransportProtocol;
use tertulia_session::RxPacket;

use super::{BATCHES_PER_TURN, Worker};
use crate::net::udp::Inbound;

impl Worker {
    /// Receives what waits on the UDP socket; true where there may be more.
    pub(super) fn receive(&mut self, inbound: &mut Inbound, now: Instant) -> bool {
        for _ in 0..BATCHES_PER_TURN {
            let more = match self.udp.receive(inbound) {
                Ok(more) => more,
                Err(error) => {
                    // An ICMP error of an earlier send surfaces here; the socket itself is well.
                    tracing::trace!(kind = ?error.kind(), "receive error");
                    continue;
                }
            };
            for datagram in inbound.datagrams(self.udp.local()) {
                let (source, destination) = (datagram.source, datagram.destination);
                self.handle_datagram(
                    TransportProtocol::Udp,
                    source,
                    destination,
                    datagram.contents,
                    now,
                );
            }
            if !more {
                return false;
            }
        }
        true
    }

    pub(super) fn receive_frames(&mut self, now: Instant) {
        for mut frame in std::mem::take(&mut self.frames) {
            let protocol = TransportProtocol::Tcp;
            self.handle_datagram(
                protocol,
                frame.source,
                frame.destination,
                &mut frame.contents,
                now,
            );
        }
    }

    pub(super) fn handle_datagram(
        &mut self,
        protocol: TransportProtocol,
        source: SocketAddr,
        destination: SocketAddr,
        contents: &mut [u8],
        now: Instant,
    ) {
        if protocol == TransportProtocol::Udp && self.detours.takes(contents) {
            return self.send_to_turn(source, destination, contents);
        }
        match self.demux.find(protocol, source, contents) {
            Some(key) => self.session_datagram(key, protocol, source, destination, contents, now),
            None => self.hand_over(protocol, source, destination, contents),
        }
    }

    /// Gives a session a datagram. An error or a panic lets its participant go.
    pub(super) fn session_datagram(
        &mut self,
        key: usize,
        protocol: TransportProtocol,
        source: SocketAddr,
        destination: SocketAddr,
        contents: &mut [u8],
        now: Instant,
    ) {
        let Some(slot) = self.sessions.get_mut(key) else {
            return;
        };
        let session = &mut slot.session;
        let received = catch_unwind(AssertUnwindSafe(move || {
            let contents = contents;
            session.receive(protocol, source, destination, contents, now)
        }));
        match received {
            Ok(Ok(Some(packet))) => {
                self.touch(key);
                self.take_media(key, &packet, now);
            }
            Ok(Ok(None)) => self.touch(key),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a session ends");
                self.session_failed(key, now);
            }
            Err(_) => {
                tracing::error!("a session panicked; its participant is let go");
                self.session_failed(key, now);
            }
        }
    }

    /// Keeps a packet in its room's rings; its subscribers get it when the room is distributed.
    fn take_media(&mut self, key: usize, packet: &RxPacket<'_>, now: Instant) {
        let Some(slot) = self.sessions.get(key) else {
            return;
        };
        let room_key = slot.room;
        let Some(received) = slot.received.iter().find(|received| received.rx == packet.rx) else {
            return;
        };
        let Some(room) = self.rooms.get_mut(room_key) else {
            return;
        };
        self.tally.received += 1;
        self.tally.received_bytes += packet.payload.len() as u64;
        // Who is muted does not speak, whatever they send.
        if let Some(level) = packet.ext.audio_level
            && !room.routes.is_muted(received.key)
        {
            room.speakers.note(&received.key, level.level, now);
        }
        let incoming = Incoming {
            layer: received.encodings.layer_of(packet.rid),
            codec: packet.codec,
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            marker: packet.marker,
            arrival: packet.arrival,
            payload: packet.payload,
            ext: packet.ext,
            clock: packet.sender_clock.map(|(ntp, rtp)| SenderClock { ntp, rtp }),
        };
        let track = received.key;
        let taken = catch_unwind(AssertUnwindSafe(|| room.routes.handle_packet(track, &incoming)));
        match taken {
            Ok(Intake::Pending) => self.room_pending(room_key, packet.codec.kind(), now),
            Ok(Intake::Ignored) => {}
            Ok(Intake::Malformed) => self.tally.malformed += 1,
            Ok(Intake::Policed) => self.tally.policed += 1,
            Err(_) => self.room_panicked(room_key, now),
        }
    }
}
