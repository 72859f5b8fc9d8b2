use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use quinn_udp::RecvMeta;
use tertulia_forward::{Incoming, SenderClock};
use tertulia_model::{Rid, TransportProtocol};
use tertulia_room::{Actor, Command, DepartureReason, Fact};
use tertulia_session::{Input, RxPacket, SessionEvent, TxPacket};

use super::{BATCHES_PER_TURN, Worker, room_now};
use crate::message::{ChannelLabel, ConnectionChange, PeerEvent, PeerRole};
use crate::stats::Counters;

/// Seconds from the NTP epoch (1900) to the Unix epoch.
const NTP_TO_UNIX: u64 = 2_208_988_800;

impl Worker {
    /// Receives what waits on the UDP socket; true where there may be more.
    pub(super) fn receive(&mut self, metas: &mut [RecvMeta], now: Instant) -> bool {
        // The datagrams of a batch are collected first, since handling them needs the whole worker.
        let mut batch: Vec<(std::net::SocketAddr, std::net::SocketAddr, Vec<u8>)> = Vec::new();
        for _ in 0..BATCHES_PER_TURN {
            let received = self.udp.receive(metas, |datagram| {
                batch.push((datagram.source, datagram.destination, datagram.contents.to_vec()));
            });
            match received {
                Ok(true) => {}
                Ok(false) => return false,
                Err(error) => {
                    // An ICMP error of an earlier send surfaces here; the socket itself is well.
                    tracing::trace!(kind = ?error.kind(), "receive error");
                    continue;
                }
            }
            for (source, destination, contents) in batch.drain(..) {
                self.handle_datagram(TransportProtocol::Udp, source, destination, &contents, now);
            }
            self.drain(now);
        }
        true
    }

    pub(super) fn receive_frames(&mut self, now: Instant) {
        for frame in std::mem::take(&mut self.frames) {
            self.handle_datagram(
                TransportProtocol::Tcp,
                frame.source,
                frame.destination,
                &frame.contents,
                now,
            );
            self.drain(now);
        }
    }

    fn handle_datagram(
        &mut self,
        protocol: TransportProtocol,
        source: std::net::SocketAddr,
        destination: std::net::SocketAddr,
        contents: &[u8],
        now: Instant,
    ) {
        let Some(key) = self.demux.find(protocol, source, contents) else {
            Counters::up(&self.shared.counters.datagrams_unknown);
            return;
        };
        self.session_input(
            key,
            Input::Datagram {
                protocol,
                source,
                destination,
                contents,
            },
            now,
        );
    }

    pub(super) fn session_event(&mut self, key: usize, event: SessionEvent, now: Instant) {
        match event {
            SessionEvent::Rtp(packet) => self.forward(key, packet, now),
            SessionEvent::KeyframeRequested { tx } => self.subscriber_wants_keyframe(key, tx, now),
            SessionEvent::Connected => self.connection_changed(key, ConnectionChange::Connected, now),
            SessionEvent::IceDisconnected | SessionEvent::Closed => {
                self.connection_changed(key, ConnectionChange::Lost, now);
            }
            SessionEvent::IceReconnected => self.connection_changed(key, ConnectionChange::Recovered, now),
            SessionEvent::ChannelOpened { label } => {
                if let Some(label) = ChannelLabel::from_label(&label) {
                    self.tell(key, PeerEvent::ChannelOpen { label });
                }
            }
            SessionEvent::ChannelData { label, contents } => {
                if let Some(label) = ChannelLabel::from_label(&label) {
                    self.tell(
                        key,
                        PeerEvent::Channel {
                            label,
                            contents: Bytes::from(contents),
                        },
                    );
                }
            }
            SessionEvent::ChannelClosed { .. } => {}
            SessionEvent::EstimatedBitrate(estimate) => {
                self.with_path(key, |path| path.estimate_bps = Some(estimate.as_bps()));
            }
            SessionEvent::TxFeedback {
                fraction_lost, rtt, ..
            } => self.with_path(key, |path| {
                path.down_loss = path.down_loss.max(fraction_lost);
                path.rtt_ms = rtt.map_or(path.rtt_ms, |rtt| rtt.as_secs_f32() * 1_000.0);
            }),
            SessionEvent::RxStats(stats) => self.with_path(key, |path| {
                path.up_loss = path.up_loss.max(stats.fraction_lost.unwrap_or(0.0));
            }),
        }
    }

    /// The packet path: one published packet to each subscriber's session.
    fn forward(&mut self, key: usize, packet: RxPacket, now: Instant) {
        let Some(slot) = self.sessions.get(key) else {
            return;
        };
        let Some(received) = slot.received.iter().find(|received| received.rx == packet.rx) else {
            return;
        };
        let Some(room) = self.rooms.get_mut(slot.room) else {
            return;
        };
        let counters = &self.shared.counters;
        Counters::up(&counters.packets_received);
        Counters::add(&counters.bytes_received, packet.payload.len() as u64);
        // Who is muted does not speak, whatever they send.
        if let Some(level) = packet.audio_level
            && !room.routes.is_muted(received.key)
        {
            room.speakers.note(&slot.participant, level, now);
        }
        let incoming = Incoming {
            layer: layer_of(packet.rid.as_ref(), &received.rids),
            codec: packet.codec,
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            marker: packet.marker,
            arrival: packet.arrival,
            payload: &packet.payload,
            clock: packet.sender_clock.and_then(sender_clock),
        };
        let room_key = slot.room;
        self.outgoing.clear();
        if !room
            .routes
            .handle_packet(received.key, &incoming, &mut self.outgoing)
        {
            Counters::up(&counters.packets_policed);
        }
        let due = room
            .routes
            .poll_timeout()
            .into_iter()
            .chain(room.speakers.poll_timeout())
            .min();
        let must_schedule = due.is_some_and(|due| room.scheduled.is_none_or(|scheduled| due < scheduled));
        Counters::add(&counters.packets_forwarded, self.outgoing.len() as u64);
        let mut outgoings = std::mem::take(&mut self.outgoing);
        for outgoing in outgoings.drain(..) {
            let Some(sink) = self.sinks.get(outgoing.sink.0 as usize) else {
                continue;
            };
            let Some((_, payload_type)) = sink
                .payload_types
                .iter()
                .find(|(codec, _)| *codec == outgoing.codec)
            else {
                continue;
            };
            let sent = TxPacket {
                payload_type: *payload_type,
                sequence: outgoing.sequence,
                timestamp: outgoing.timestamp,
                marker: outgoing.marker,
                payload: outgoing.payload,
                vp8: outgoing.vp8,
                audio_level: packet.audio_level,
                voice: packet.voice,
                ext: packet.ext.clone(),
                retransmittable: outgoing.codec.kind() == tertulia_model::MediaKind::Video,
                arrival: packet.arrival,
            };
            let (subscriber, tx) = (sink.session, sink.tx);
            if let Some(slot) = self.sessions.get_mut(subscriber) {
                if let Err(error) = slot.session.send(tx, sent, now) {
                    tracing::trace!(%error, "a packet was not sent");
                }
                self.touch(subscriber);
            }
        }
        self.outgoing = outgoings;
        if must_schedule {
            self.schedule_room(room_key, now);
        }
    }

    fn subscriber_wants_keyframe(&mut self, key: usize, tx: tertulia_session::TxId, now: Instant) {
        let Some(slot) = self.sessions.get(key) else {
            return;
        };
        let room_key = slot.room;
        let Some(room) = self.rooms.get_mut(room_key) else {
            return;
        };
        let Some(peer) = room.peers.get(&slot.participant) else {
            return;
        };
        let Some(receive) = peer.receives.values().find(|receive| receive.tx == tx) else {
            return;
        };
        room.routes.keyframe_wanted(receive.route, now);
        self.ask_for_keyframes(room_key, now);
        self.schedule_room(room_key, now);
    }

    /// Passes on the keyframe requests that are due.
    pub(super) fn ask_for_keyframes(&mut self, room_key: usize, now: Instant) {
        let Some(room) = self.rooms.get_mut(room_key) else {
            return;
        };
        let mut requests = Vec::new();
        room.routes.keyframe_requests(now, &mut requests);
        let tracks = &room.tracks;
        let sources: Vec<_> = requests
            .iter()
            .filter_map(|request| {
                let track = tracks.values().find(|track| track.key == request.track)?;
                Some((track.source?, request.layer))
            })
            .collect();
        for ((session, rx), layer) in sources {
            let Some(slot) = self.sessions.get_mut(session) else {
                continue;
            };
            let received = slot.received.iter().find(|received| received.rx == rx);
            let rid = received.and_then(|received| rid_of(layer, &received.rids));
            if slot.session.request_keyframe(rx, rid.as_ref()) {
                Counters::up(&self.shared.counters.keyframes_requested);
            }
            self.touch(session);
        }
    }

    fn connection_changed(&mut self, key: usize, change: ConnectionChange, now: Instant) {
        let Some(slot) = self.sessions.get(key) else {
            return;
        };
        let (room_key, who) = (slot.room, slot.participant.clone());
        let primary = slot.role == PeerRole::Primary;
        let Some(room) = self.rooms.get_mut(room_key) else {
            return;
        };
        let Some(peer) = room.peers.get_mut(&who) else {
            return;
        };
        let first = !peer.connected;
        match change {
            ConnectionChange::Connected | ConnectionChange::Recovered => {
                peer.connected = true;
                peer.connect_by = None;
                peer.lost_since = None;
            }
            ConnectionChange::Lost => {
                // A publishing connection of two that nothing is published on may rest.
                let resting = primary && peer.subscriber.is_some() && self.sessions[key].received.is_empty();
                if resting || !peer.connected || peer.lost_since.is_some() {
                    return;
                }
                peer.lost_since = Some(now);
                peer.connect_by = Some(now + self.shared.config.media_timeout);
            }
            ConnectionChange::Failed => {}
        }
        let told = match change {
            ConnectionChange::Connected if !first => ConnectionChange::Recovered,
            other => other,
        };
        self.tell(key, PeerEvent::Connection(told));
        if matches!(change, ConnectionChange::Connected | ConnectionChange::Recovered) {
            Counters::up(&self.shared.counters.connections);
            self.turn(room_key, now, |worker| {
                worker.fact(
                    room_key,
                    Fact::Connected {
                        participant: who.clone(),
                    },
                    now,
                );
                worker.want_keyframes_for(room_key, &who, now);
            });
        }
        self.schedule_room(room_key, now);
    }

    /// After a connection stands, pictures must begin afresh.
    fn want_keyframes_for(&mut self, room_key: usize, who: &tertulia_model::ParticipantId, now: Instant) {
        let Some(room) = self.rooms.get_mut(room_key) else {
            return;
        };
        let Some(peer) = room.peers.get(who) else { return };
        for receive in peer.receives.values().filter(|receive| receive.bound) {
            room.routes.keyframe_wanted(receive.route, now);
        }
        self.ask_for_keyframes(room_key, now);
    }

    /// A session that cannot go on takes its participant with it; the client joins afresh.
    pub(super) fn session_failed(&mut self, key: usize, now: Instant) {
        let Some(slot) = self.sessions.get(key) else {
            return;
        };
        let (room_key, who) = (slot.room, slot.participant.clone());
        Counters::up(&self.shared.counters.session_errors);
        self.tell(key, PeerEvent::Connection(ConnectionChange::Failed));
        let actor = Actor::Participant(who);
        self.turn(room_key, now, |worker| {
            let reason = DepartureReason::MediaLost;
            worker.room_command(room_key, &actor, Command::Leave { reason }, now);
        });
        // Where the room did not know its participant, nobody else closes it.
        self.close_session(key, now);
    }

    /// Gives the room a fact. A fact the room refuses is about somebody who has just left, which is no fault.
    pub(super) fn fact(&mut self, room_key: usize, fact: Fact, now: Instant) {
        self.room_command(room_key, &Actor::System, Command::Fact(fact), now);
    }

    /// Gives the room a command whose refusal only means that its subject is gone already.
    pub(super) fn room_command(&mut self, room_key: usize, actor: &Actor, command: Command, now: Instant) {
        let Some(room) = self.rooms.get_mut(room_key) else {
            return;
        };
        if let Err(refusal) = room.room.handle(actor, command, room_now(now)) {
            tracing::debug!(%refusal, "the room had no use for this");
        }
    }

    /// Sends an event to the door of a session's participant.
    pub(super) fn tell(&mut self, key: usize, event: PeerEvent) {
        let Some(slot) = self.sessions.get(key) else {
            return;
        };
        let Some(room) = self.rooms.get_mut(slot.room) else {
            return;
        };
        let who = slot.participant.clone();
        room.tell(&who, event);
    }

    fn with_path(&mut self, key: usize, change: impl FnOnce(&mut crate::peer::PathState)) {
        let Some(slot) = self.sessions.get(key) else {
            return;
        };
        let Some(room) = self.rooms.get_mut(slot.room) else {
            return;
        };
        if let Some(peer) = room.peers.get_mut(&slot.participant) {
            change(&mut peer.path);
        }
    }
}

/// The layer a rid names: the names LiveKit clients use, else the place in the list.
fn layer_of(rid: Option<&Rid>, rids: &[Rid]) -> usize {
    let Some(rid) = rid else { return 0 };
    match rid.as_str() {
        "q" => 0,
        "h" => 1,
        "f" => 2,
        _ => rids.iter().position(|known| known == rid).unwrap_or(0).min(2),
    }
}

/// The rid of a layer; `None` where the section has one encoding only.
fn rid_of(layer: usize, rids: &[Rid]) -> Option<Rid> {
    rids.iter()
        .find(|rid| layer_of(Some(rid), rids) == layer)
        .or(rids.first())
        .cloned()
}

fn sender_clock((time, rtp): (SystemTime, u32)) -> Option<SenderClock> {
    let since_unix = time.duration_since(UNIX_EPOCH).ok()?;
    let seconds = since_unix.as_secs() + NTP_TO_UNIX;
    let fraction = (u64::from(since_unix.subsec_nanos()) << 32) / 1_000_000_000;
    Some(SenderClock {
        ntp: seconds << 32 | fraction,
        rtp,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rids_name_layers_by_their_name_or_place() {
        let rids: Vec<Rid> = ["q", "h", "f"].iter().filter_map(|rid| Rid::parse(rid)).collect();
        assert_eq!(
            rids.iter()
                .map(|rid| layer_of(Some(rid), &rids))
                .collect::<Vec<_>>(),
            [0, 1, 2]
        );
        let others: Vec<Rid> = ["lo", "hi"].iter().filter_map(|rid| Rid::parse(rid)).collect();
        assert_eq!(layer_of(others.get(1), &others), 1);
        assert_eq!(rid_of(1, &others), others.get(1).cloned());
        assert_eq!(rid_of(0, &[]), None);
        assert_eq!(rid_of(2, &rids[..2]), rids.first().cloned());
    }
}
