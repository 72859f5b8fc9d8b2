//! The media path of the simulated server: what arrives into the rings, what leaves through the pacers.

use std::time::Instant;

use tertulia_forward::{Due, Incoming, Outgoing, Routes};
use tertulia_model::{Codec, MediaKind, ParticipantId};
use tertulia_session::{RxPacket, SendError, Session, TxId, TxPacket};

use super::{Server, Sink, TICK};

impl Server {
    pub(super) fn repair(&mut self, who: &ParticipantId, tx: TxId, sequences: &[u16], now: Instant) {
        let Some(seat) = self.seats.get_mut(who) else {
            return;
        };
        let Some(receive) = seat.receives.values().find(|receive| receive.tx == tx) else {
            return;
        };
        let (pacer, rtt) = (&mut seat.pacer, seat.session.rtt().unwrap_or_default());
        self.routes
            .repair(receive.route, sequences, rtt, now, |outgoing| {
                pacer.push_repair(outgoing)
            });
        self.tick_at.get_or_insert(now + TICK);
    }

    pub(super) fn take_media(&mut self, who: &ParticipantId, packet: &RxPacket<'_>, now: Instant) {
        let Some(received) = self.seats[who]
            .received
            .iter()
            .find(|received| received.rx == packet.rx)
        else {
            return;
        };
        let incoming = Incoming {
            layer: packet.rid.map_or(0, usize::from),
            codec: packet.codec,
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            marker: packet.marker,
            arrival: packet.arrival,
            payload: packet.payload,
            ext: packet.ext,
            clock: None,
        };
        self.routes.handle_packet(received.key, &incoming);
        match packet.codec.kind() {
            MediaKind::Audio => {
                self.distribute(MediaKind::Audio, now);
                self.serve_all(now);
            }
            MediaKind::Video => {
                self.tick_at.get_or_insert(now + TICK);
            }
        }
    }

    /// Puts what has arrived into the subscribers' queues.
    pub(super) fn distribute(&mut self, kind: MediaKind, now: Instant) {
        let (sinks, seats) = (&self.sinks, &mut self.seats);
        self.routes.distribute(kind, now, |outgoing| {
            let sink = sinks.get(outgoing.sink.0 as usize);
            if let Some(seat) = sink.and_then(|sink| seats.get_mut(&sink.who)) {
                seat.pacer.push(outgoing, now);
            }
        });
    }

    /// Sends what the pacers allow.
    pub(super) fn serve_all(&mut self, now: Instant) {
        let mut scratch = Vec::new();
        for seat in self.seats.values_mut() {
            if !seat.pacer.is_waiting() {
                continue;
            }
            let Some(path) = seat.session.media_path() else {
                seat.pacer.clear();
                continue;
            };
            let pacing = seat.session.pacing(now);
            seat.pacer.set_rate(Some(pacing.rate));
            seat.pacer.set_probe(pacing.probe.map_or(0, |probe| probe.bytes));
            while let Some(due) = seat.pacer.poll(now) {
                let packets = match due {
                    Due::Padding(bytes) => {
                        let mut sealed = Vec::new();
                        let probe = pacing.probe.map(|probe| probe.id);
                        // It may be refused: no section has a repair stream.
                        if seat.session.seal_padding(bytes, probe, &mut sealed, now).is_ok() {
                            self.transmits.push((path.destination, sealed));
                        }
                        continue;
                    }
                    Due::Media(packets) | Due::Repair(packets) => packets,
                };
                let sink = &self.sinks[packets.sink.0 as usize];
                let repair = matches!(due, Due::Repair(_));
                for packet in packets.packets() {
                    let mut sealed = Vec::new();
                    let sent = seal(
                        &self.routes,
                        sink,
                        &mut seat.session,
                        &packet,
                        repair,
                        &mut scratch,
                        &mut sealed,
                        now,
                    );
                    match sent {
                        Ok(true) => self.transmits.push((path.destination, sealed)),
                        // It waited longer than its publisher's ring keeps it.
                        Ok(false) | Err(SendError::Full) => {}
                        Err(error) if !repair => panic!("what is routed can be sent, but {error}"),
                        // A repair may be refused: its section has no repair stream.
                        Err(_) => {}
                    }
                }
            }
            if seat.pacer.take_overflow() {
                for receive in seat.receives.values() {
                    self.routes.begin_afresh(receive.route, now);
                }
            }
            if seat.pacer.is_waiting() {
                self.tick_at.get_or_insert(now + TICK);
            }
            // Its reports' timers begin with the first packet.
            seat.wake = seat.wake.min(now + TICK);
        }
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "the server's parts are borrowed one by one"
)]
fn seal(
    routes: &Routes,
    sink: &Sink,
    session: &mut Session,
    outgoing: &Outgoing,
    repair: bool,
    scratch: &mut Vec<u8>,
    sealed: &mut Vec<u8>,
    now: Instant,
) -> Result<bool, SendError> {
    let payload_type = |codec| {
        let known = sink.payload_types.iter().find(|(known, _)| *known == codec);
        known.map(|(_, payload_type)| *payload_type)
    };
    let opus = payload_type(Codec::Opus).unwrap_or_default();
    let Some(kept) = routes.kept(outgoing) else {
        return Ok(false);
    };
    let Some(stored) = kept.stored(outgoing) else {
        return Ok(false);
    };
    let Some(payload) = kept.payload(outgoing, stored, opus, scratch) else {
        return Ok(false);
    };
    let packet = TxPacket {
        payload_type: payload_type(outgoing.codec).ok_or(SendError::PayloadType)?,
        sequence: outgoing.sequence,
        timestamp: outgoing.timestamp,
        marker: outgoing.marker,
        payload,
        rewrite: outgoing.rewrite,
        ext: stored.extensions(),
        sender_clock: kept.sender_clock(outgoing, stored),
    };
    if repair {
        session.seal_repair(sink.tx, &packet, sealed, now)?;
    } else {
        session.seal(sink.tx, &packet, sealed, now)?;
    }
    Ok(true)
}
