use std::time::Instant;

use tertulia_model::{Candidate, Identity, ParticipantId, PeerSpec, RoomId};
use tertulia_room::{Actor, Admission, Command, NewParticipant, Refusal, Reply, Room, RoomSnapshot};
use tokio::sync::{mpsc, oneshot};

use super::{MAIL_PER_TURN, Worker, room_now};
use crate::message::{MediaSetup, Negotiated, NegotiationFailure, PeerEvent, PeerMode, PeerRole, ToWorker};
use crate::peer::{PathState, Peer};
use crate::room_slot::{Follower, Listener, RoomSlot};
use crate::stats::Counters;
use tertulia_model::TransportProtocol;

impl Worker {
    /// Handles waiting messages, as many as fit between packets.
    pub(super) fn read_mail(&mut self, now: Instant) {
        for _ in 0..MAIL_PER_TURN {
            match self.mailbox.try_recv() {
                Ok(message) => self.handle_message(message, now),
                Err(mpsc::error::TryRecvError::Empty) => return,
                Err(mpsc::error::TryRecvError::Disconnected) => {
                    self.stopping = true;
                    return;
                }
            }
            self.drain(now);
        }
    }

    fn handle_message(&mut self, message: ToWorker, now: Instant) {
        if let Some(worker) = self.host_of(&message) {
            return self.post(worker, message);
        }
        match message {
            ToWorker::OpenRoom {
                id,
                name,
                settings,
                seed,
                kept,
                done,
            } => {
                // Several doors may ask for the same opening; the first one's settings count.
                if self.rooms_by_id.contains_key(&id) {
                    return answer(done, ());
                }
                if !self.shared.begin_room(&name, &id) {
                    return;
                }
                let parent = settings.rules.parent.clone();
                let mut room = Room::new(id.clone(), name.clone(), settings, seed, room_now(now));
                if let Some(history) = kept {
                    room.keep(history.map(|history| *history));
                }
                let mut slot = RoomSlot::new(id.clone(), name, room);
                slot.parent = parent;
                let key = self.rooms.insert(slot);
                self.rooms_by_id.insert(id, key);
                Counters::up(&self.shared.counters.rooms);
                Counters::up(&self.shared.counters.rooms_opened);
                self.turn(key, now, |_| ());
                answer(done, ());
            }
            ToWorker::Command {
                room,
                actor,
                command,
                reply,
            } => self.command(&room, &actor, command, reply, now),
            ToWorker::Join {
                room,
                who,
                media,
                events,
                reply,
            } => self.join(&room, who, media, events, reply, now),
            ToWorker::Offer {
                room,
                who,
                offer,
                reply,
            } => {
                let outcome = self.in_room(&room, now, |worker, key| {
                    worker.handle_offer(key, &who, &offer, now)
                });
                answer(reply, outcome.unwrap_or(Err(NegotiationFailure::Gone)));
            }
            ToWorker::Introduce { room, who, reply } => {
                let key = self.peer(&room, &who).map(|peer| peer.primary);
                if let Some(slot) = key.and_then(|key| self.sessions.get(key)) {
                    answer(reply, slot.session.introduction());
                }
            }
            ToWorker::Answer {
                room,
                who,
                answer: description,
                reply,
            } => {
                let outcome = self.in_room(&room, now, |worker, key| {
                    worker.handle_answer(key, &who, &description, now)
                });
                answer(reply, outcome.unwrap_or(Err(NegotiationFailure::Gone)));
            }
            ToWorker::Candidate {
                room,
                who,
                role,
                candidate,
            } => self.candidate(&room, &who, role, &candidate, now),
            ToWorker::RestartSubscriber { room, who } => {
                self.in_room(&room, now, |worker, key| {
                    worker.restart_subscriber(key, &who, now)
                });
            }
            ToWorker::SendChannel {
                room,
                who,
                label,
                contents,
            } => {
                let session = self.peer(&room, &who).map(Peer::downlink);
                let Some(key) = session else { return };
                let mut dropped = false;
                self.with_session(key, now, |session| {
                    match session.send_channel(label.as_str(), &contents) {
                        Ok(sent) => dropped = !sent,
                        Err(error) => {
                            dropped = true;
                            tracing::debug!(%error, "a data message was not sent");
                        }
                    }
                    Ok(())
                });
                if dropped {
                    Counters::up(&self.shared.counters.messages_dropped);
                }
            }
            ToWorker::Observe { room, events, reply } => self.observe(&room, events, reply, now),
            ToWorker::Follow {
                room,
                who,
                events,
                reply,
            } => self.follow(&room, who, events, reply, now),
            ToWorker::FollowAway {
                room,
                who,
                events,
                reply,
            } => self.follow_away(&room, who, events, reply, now),
            ToWorker::Wait {
                room,
                who,
                events,
                reply,
            } => self.wait_in_lobby(&room, who, events, reply, now),
            ToWorker::ListRooms { reply } => {
                let rooms = self.rooms.iter().filter_map(|(_, slot)| slot.room());
                answer(reply, rooms.map(Room::info).collect());
            }
            ToWorker::Inspect { room, reply } => answer(reply, self.inspect(room.as_ref(), now)),
            ToWorker::TcpStream {
                stream,
                remote,
                local,
                mut first_frame,
            } => {
                let protocol = TransportProtocol::Tcp;
                let Some(key) = self.demux.find(protocol, remote, &first_frame) else {
                    Counters::up(&self.shared.counters.tcp_refused);
                    return;
                };
                if let Err(error) = self.tcp.add(self.poll.registry(), stream, remote, local, key) {
                    tracing::debug!(%error, "an ICE-TCP connection could not be taken over");
                    Counters::up(&self.shared.counters.tcp_refused);
                    return;
                }
                self.session_datagram(key, protocol, remote, local, &mut first_frame, now);
            }
            ToWorker::Datagrams { from, mut batch } => self.handed_over(from, &mut batch, now),
            ToWorker::Steer { source, worker } => {
                self.steering.learn(source, worker, now);
            }
            ToWorker::Settled {
                room,
                ticket,
                settlement,
            } => {
                self.in_room(&room, now, |worker, key| worker.settle(key, ticket, settlement));
            }
            ToWorker::Handshake(errand) => self.take_back(errand, now),
            ToWorker::Stage { room, message } => self.hear_home(&room, message, now),
            ToWorker::Home { room, from, message } => self.hear_stage(&room, from, message, now),
            ToWorker::Relay(message) => self.hear_relay(message, now),
            ToWorker::WorkerLost { index } => self.worker_lost(index, now),
            ToWorker::Shutdown { done } => {
                let homes = self.rooms.iter().filter(|(_, slot)| slot.away().is_none());
                let keys: Vec<usize> = homes.map(|(key, _)| key).collect();
                for key in keys {
                    // The room tells everybody that the server stops.
                    self.turn(key, now, |worker| {
                        worker.room_command(key, &Actor::System, Command::End, now)
                    });
                }
                self.drain(now);
                self.udp.flush();
                answer(done, ());
            }
            ToWorker::Stop => self.stopping = true,
            #[cfg(test)]
            ToWorker::Panic { room } => {
                self.in_room(&room, now, |_, _| panic!("as asked"));
            }
        }
    }

    fn command(
        &mut self,
        room: &RoomId,
        actor: &Actor,
        command: Command,
        reply: oneshot::Sender<Result<Reply, Refusal>>,
        now: Instant,
    ) {
        let publishes = matches!(command, Command::Publish(_));
        let mut reply = Some(reply);
        let outcome = self.in_room(room, now, |worker, key| {
            let slot = &mut worker.rooms[key];
            let room = slot.room_mut().ok_or(Refusal::RoomEnded)?;
            let outcome = room.handle(actor, command, room_now(now));
            if let (Ok(Reply::Pending(ticket)), Some(home)) = (&outcome, slot.home_mut()) {
                home.awaiting.entry(*ticket).or_default().extend(reply.take());
            }
            if let (true, Actor::Participant(who), Ok(_)) = (publishes, actor, &outcome) {
                worker.pump(key, now);
                worker.bind_received(key, who, now);
            }
            outcome
        });
        if let Some(reply) = reply {
            answer(reply, outcome.unwrap_or(Err(Refusal::RoomEnded)));
        }
    }

    fn join(
        &mut self,
        room: &RoomId,
        who: Box<NewParticipant>,
        media: MediaSetup,
        events: mpsc::Sender<PeerEvent>,
        reply: oneshot::Sender<Result<(Reply, usize), Refusal>>,
        now: Instant,
    ) {
        let outcome = self.in_room(room, now, |worker, key| {
            let room = worker.rooms[key].room_mut().ok_or(Refusal::RoomEnded)?;
            let joined = room.handle(&Actor::System, Command::Join(who), room_now(now))?;
            let Reply::Joined { participant, .. } = &joined else {
                return Err(Refusal::RoomEnded);
            };
            let id = participant.id.clone();
            // Whoever this one replaced is told and let go before anything is sent to the newcomer.
            worker.pump_without(key, &id, now);
            let host = worker.host_for(key);
            if host == worker.index {
                worker.host(key, id, &media, events, now);
            } else {
                worker.host_elsewhere(key, host, id, media, events);
            }
            Counters::up(&worker.shared.counters.joins);
            Counters::up(&worker.shared.counters.participants);
            Ok((joined, host))
        });
        answer(reply, outcome.unwrap_or(Err(Refusal::RoomEnded)));
    }

    /// Opens somebody's sessions.
    pub(super) fn host(
        &mut self,
        key: usize,
        id: ParticipantId,
        media: &MediaSetup,
        events: mpsc::Sender<PeerEvent>,
        now: Instant,
    ) {
        let primary = self.open_session(key, &id, PeerRole::Primary, media, now);
        let subscriber = (media.mode == PeerMode::Dual)
            .then(|| self.open_session(key, &id, PeerRole::Subscriber, media, now));
        let negotiate_at = subscriber.map(|_| now);
        let peer = Peer {
            id: id.clone(),
            events,
            primary,
            subscriber,
            receives: Default::default(),
            offered: false,
            negotiate_at,
            offer_expected_until: None,
            restart: false,
            connected: false,
            lost_since: None,
            connect_by: None,
            allocator: Default::default(),
            path: PathState::default(),
        };
        if let Some(slot) = self.rooms.get_mut(key) {
            slot.peers.insert(id, peer);
            slot.start_ticking(now);
        }
    }

    fn candidate(
        &mut self,
        room: &RoomId,
        who: &ParticipantId,
        role: PeerRole,
        candidate: &Candidate,
        now: Instant,
    ) {
        let session = self.peer(room, who).and_then(|peer| peer.session(role));
        let Some(key) = session else { return };
        self.with_session(key, now, |session| {
            session.add_remote_candidate(candidate, now);
            Ok(())
        });
    }

    fn observe(
        &mut self,
        room: &RoomId,
        events: mpsc::Sender<std::sync::Arc<tertulia_room::Event>>,
        reply: oneshot::Sender<RoomSnapshot>,
        now: Instant,
    ) {
        self.in_room(room, now, |worker, key| {
            // What is queued belongs before the snapshot, not after it.
            worker.pump(key, now);
            let slot = &mut worker.rooms[key];
            slot.observers.retain(|observer| !observer.is_closed());
            let snapshot = slot
                .room_mut()
                .map(|room| room.handle(&Actor::System, Command::ReadSnapshot, room_now(now)));
            if let Some(Ok(Reply::Snapshot(snapshot))) = snapshot {
                slot.observers.push(events);
                answer(reply, *snapshot);
            }
        });
    }

    fn follow(
        &mut self,
        room: &RoomId,
        who: ParticipantId,
        events: mpsc::Sender<std::sync::Arc<tertulia_room::Event>>,
        reply: oneshot::Sender<Result<RoomSnapshot, Refusal>>,
        now: Instant,
    ) {
        let actor = Actor::Participant(who.clone());
        let listener = Listener::Participant(who);
        let follower = Follower { listener, events };
        let known = self.add_follower(room, &actor, Command::ReadSnapshot, follower, now);
        let snapshot = known.and_then(|known| match known {
            Reply::Snapshot(snapshot) => Ok(*snapshot),
            _ => Err(Refusal::RoomEnded),
        });
        answer(reply, snapshot);
    }

    fn follow_away(
        &mut self,
        room: &RoomId,
        who: Identity,
        events: mpsc::Sender<std::sync::Arc<tertulia_room::Event>>,
        reply: oneshot::Sender<Result<Reply, Refusal>>,
        now: Instant,
    ) {
        let actor = Actor::Away(who.clone());
        let listener = Listener::Away(who);
        let follower = Follower { listener, events };
        let read = Command::Breakout(tertulia_room::BreakoutCommand::Read);
        answer(reply, self.add_follower(room, &actor, read, follower, now));
    }

    /// Gives what `actor` reads of a room, and has `follower` hear all that comes after it.
    fn add_follower(
        &mut self,
        room: &RoomId,
        actor: &Actor,
        read: Command,
        follower: Follower,
        now: Instant,
    ) -> Result<Reply, Refusal> {
        let known = self.in_room(room, now, |worker, key| {
            // What is queued belongs before what is read, not after it.
            worker.pump(key, now);
            let slot = worker.rooms.get_mut(key).ok_or(Refusal::RoomEnded)?;
            slot.followers.retain(|follower| !follower.events.is_closed());
            let room = slot.room_mut().ok_or(Refusal::RoomEnded)?;
            let known = room.handle(actor, read, room_now(now))?;
            slot.followers.push(follower);
            Ok(known)
        });
        known.unwrap_or(Err(Refusal::RoomEnded))
    }

    fn wait_in_lobby(
        &mut self,
        room: &RoomId,
        who: Identity,
        events: mpsc::Sender<std::sync::Arc<tertulia_room::Event>>,
        reply: oneshot::Sender<Result<Admission, Refusal>>,
        now: Instant,
    ) {
        let outcome = self.in_room(room, now, |worker, key| {
            worker.pump(key, now);
            let slot = worker.rooms.get_mut(key).ok_or(Refusal::RoomEnded)?;
            slot.followers.retain(|follower| !follower.events.is_closed());
            let room = slot.room_mut().ok_or(Refusal::RoomEnded)?;
            let listens = Command::LobbyPresence {
                identity: who.clone(),
                here: true,
            };
            let Reply::Admission(admission) = room.handle(&Actor::System, listens, room_now(now))? else {
                return Err(Refusal::RoomEnded);
            };
            let listener = Listener::Waiting(who);
            slot.followers.push(Follower { listener, events });
            Ok(admission)
        });
        answer(reply, outcome.unwrap_or(Err(Refusal::RoomEnded)));
    }

    /// Does something in a room's turn; `None` where the room is gone (or went by panicking).
    fn in_room<T>(
        &mut self,
        room: &RoomId,
        now: Instant,
        act: impl FnOnce(&mut Self, usize) -> T,
    ) -> Option<T> {
        let key = *self.rooms_by_id.get(room)?;
        let mut outcome = None;
        self.turn(key, now, |worker| outcome = Some(act(worker, key)));
        outcome
    }

    /// The worker a message is for, where it is for somebody of a room here who is hosted there.
    fn host_of(&self, message: &ToWorker) -> Option<usize> {
        let (ToWorker::Offer { room, who, .. }
        | ToWorker::Introduce { room, who, .. }
        | ToWorker::Answer { room, who, .. }
        | ToWorker::Candidate { room, who, .. }
        | ToWorker::RestartSubscriber { room, who }
        | ToWorker::SendChannel { room, who, .. }) = message
        else {
            return None;
        };
        let key = self.rooms_by_id.get(room)?;
        let home = self.rooms.get(*key)?.home()?;
        Some(home.hosted.get(who)?.worker)
    }

    fn peer(&self, room: &RoomId, who: &ParticipantId) -> Option<&Peer> {
        let key = self.rooms_by_id.get(room)?;
        self.rooms.get(*key)?.peers.get(who)
    }
}

/// Answers a door; one that no longer waits has gone, and its participant is let go by other means.
pub(super) fn answer<T>(reply: oneshot::Sender<T>, value: T) {
    if reply.send(value).is_err() {
        tracing::debug!("a door did not wait for its answer");
    }
}

/// The answer to an offer with what we send in it.
pub(super) fn negotiated(answer: PeerSpec, bindings: Vec<(tertulia_model::Mid, String)>) -> Negotiated {
    Negotiated {
        answer,
        bindings: super::negotiate::track_bindings(bindings),
    }
}
