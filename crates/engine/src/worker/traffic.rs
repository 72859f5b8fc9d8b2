use std::time::Instant;

use bytes::Bytes;
use tertulia_room::{Actor, Command, DepartureReason, Fact};
use tertulia_session::SessionEvent;

use super::{Worker, room_now};
use crate::message::{ChannelLabel, ConnectionChange, PeerEvent, PeerRole};
use crate::spread::{Relaying, ToHome};
use crate::stats::Counters;

impl Worker {
    pub(super) fn session_event(&mut self, key: usize, event: SessionEvent, now: Instant) {
        match event {
            SessionEvent::Nack { tx, sequences } => self.repair(key, tx, &sequences, now),
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
            SessionEvent::EstimatedBitrate(estimate) => self.estimate_changed(key, estimate, now),
            SessionEvent::TxFeedback {
                fraction_lost, rtt, ..
            } => self.with_path(key, |path| {
                path.down_loss = path.down_loss.max(fraction_lost);
                path.recent_loss += (fraction_lost - path.recent_loss) / 4.0;
                path.rtt_ms = rtt.map_or(path.rtt_ms, |rtt| rtt.as_secs_f32() * 1_000.0);
            }),
            SessionEvent::RxStats(stats) => self.with_path(key, |path| {
                path.up_loss = path.up_loss.max(stats.fraction_lost.unwrap_or(0.0));
            }),
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
        self.tell_demands(room_key, false, now);
        let Some(room) = self.rooms.get_mut(room_key) else {
            return;
        };
        let mut requests = Vec::new();
        room.routes.keyframe_requests(now, &mut requests);
        let mut sources = Vec::new();
        let mut elsewhere = Vec::new();
        for request in requests {
            match room.track_of(request.track) {
                Some((track, medium)) if track.host != self.index => {
                    let (room, number, layer) = (room.id.clone(), medium.number, request.layer);
                    elsewhere.push((track.host, Relaying::Keyframe { room, number, layer }));
                }
                Some((_, medium)) => sources.extend(medium.source.map(|source| (source, request.layer))),
                None => {}
            }
        }
        for (host, request) in elsewhere {
            self.post_media(host, request);
        }
        for ((session, rx), layer) in sources {
            let Some(slot) = self.sessions.get_mut(session) else {
                continue;
            };
            let received = slot.received.iter().find(|received| received.rx == rx);
            let rid = received
                .and_then(|received| received.encodings.rid_of(layer))
                .cloned();
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
                worker.begin_pictures_afresh(room_key, &who, now);
            });
        }
        self.schedule_room(room_key, now);
    }

    /// After a connection stands, pictures must begin afresh.
    pub(super) fn begin_pictures_afresh(
        &mut self,
        room_key: usize,
        who: &tertulia_model::ParticipantId,
        now: Instant,
    ) {
        let Some(room) = self.rooms.get_mut(room_key) else {
            return;
        };
        let Some(peer) = room.peers.get(who) else { return };
        for receive in peer.receives.values().filter(|receive| receive.bound) {
            room.routes.begin_afresh(receive.route, now);
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
        let actor = Actor::Participant(who.clone());
        self.turn(room_key, now, |worker| {
            let reason = DepartureReason::MediaLost;
            worker.room_command(room_key, &actor, Command::Leave { reason }, now);
        });
        if self.rooms.get(room_key).is_some_and(|slot| slot.away().is_some()) {
            // The room hears of it later; by then the session's key may be another's.
            self.remove_peer(room_key, &who, now);
        }
        // Where the room did not know its participant, nobody else closes it.
        self.close_session(key, now);
    }

    /// Gives the room a fact. A fact the room refuses is about somebody who has just left, which is no fault.
    pub(super) fn fact(&mut self, room_key: usize, fact: Fact, now: Instant) {
        self.room_command(room_key, &Actor::System, Command::Fact(fact), now);
    }

    /// Gives the room, wherever it is, a command whose refusal only means that its subject is gone already.
    pub(super) fn room_command(&mut self, room_key: usize, actor: &Actor, command: Command, now: Instant) {
        let Some(slot) = self.rooms.get_mut(room_key) else {
            return;
        };
        if let Some(home) = slot.away() {
            let (id, actor) = (slot.id.clone(), actor.clone());
            return self.tell_home(home, &id, ToHome::Command { actor, command });
        }
        let Some(room) = slot.room_mut() else { return };
        if let Err(refusal) = room.handle(actor, command, room_now(now)) {
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
