mod follow;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tertulia_model::{Candidate, ParticipantId, PeerSpec, RoomId, RoomName};
use tertulia_room::{
    Actor, Command, Event, NewParticipant, ParticipantInfo, Refusal, Reply, RoomInfo, RoomSettings,
};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc, oneshot};
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::accept;
use crate::config::{EngineConfig, EngineError};
use crate::handshake::HandshakePool;
use crate::inspect::RoomView;
use crate::keeping::{Beginning, Keep, Keeper};
use crate::message::{
    ChannelLabel, MediaSetup, Negotiated, NegotiationFailure, PeerEvent, PeerRole, ToWorker, joined,
};
use crate::reach::{IceServer, Offers};
use crate::stats::{Counters, EngineStats};
use crate::turn::{self, ToTurn, TurnLink, TurnStart, TurnStreams};
use crate::worker::{self, WorkerStart};

pub use follow::{AwayObservation, Observation, Waiting};

/// Target of the spans that are for traces. They name rooms and participants by the ids of this run, never by what
/// people call them, and no addresses.
pub const TRACED: &str = "traced";

/// Commands a worker may have waiting; a door that meets a full queue waits.
const MAILBOX: usize = 4_096;
/// Events a participant's door may have waiting; beyond it the participant is expelled as a slow consumer.
const PEER_QUEUE: usize = 2_048;
/// How often an opening is tried that meets the end of the room's life before.
const OPENING_ATTEMPTS: usize = 4;
/// How long the opening of a room waits for what was said in it before.
const HISTORY_TIMEOUT: Duration = Duration::from_secs(5);
/// Events one observer may have waiting.
const OBSERVER_QUEUE: usize = 4_096;

/// The running media engine; cheap to clone.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
    turn: Option<TurnStreams>,
}

pub(crate) struct Shared {
    pub(crate) config: EngineConfig,
    pub(crate) counters: Counters,
    workers: Vec<WorkerLink>,
    /// The way to our own TURN server, where there is one.
    pub(crate) turn: Option<TurnLink>,
    offers: Offers,
    rooms: Mutex<HashMap<RoomName, RoomEntry>>,
    observers: Mutex<Vec<mpsc::Sender<Observed>>>,
    stopping: AtomicBool,
    stop: Notify,
    /// Where records go, where rooms are kept.
    pub(crate) keeper: Option<Keeper>,
}

#[derive(Clone)]
pub(crate) struct RoomEntry {
    pub(crate) id: RoomId,
    pub(crate) worker: usize,
    /// Whether its worker has it. Until then whoever wants the room asks for its opening too, since the first to ask
    /// may have given up.
    open: bool,
}

/// The way to one worker.
#[derive(Clone, Debug)]
pub(crate) struct WorkerLink {
    queue: mpsc::Sender<ToWorker>,
    waker: Arc<mio::Waker>,
    /// Sessions it carries, for placement.
    pub(crate) load: Arc<AtomicUsize>,
}

impl WorkerLink {
    pub(crate) async fn send(&self, message: ToWorker) -> bool {
        let sent = self.queue.send(message).await.is_ok();
        self.wake();
        sent
    }

    /// Sends without waiting; gives back what there is no room for. What is for a worker that is gone is lost.
    pub(crate) fn give(&self, message: ToWorker) -> Option<ToWorker> {
        let sent = self.queue.try_send(message);
        self.wake();
        match sent {
            Err(TrySendError::Full(message)) => Some(message),
            Ok(()) | Err(TrySendError::Closed(_)) => None,
        }
    }

    /// Sends from a thread that may wait.
    pub(crate) fn send_blocking(&self, message: ToWorker) -> bool {
        let sent = self.queue.blocking_send(message).is_ok();
        self.wake();
        sent
    }

    /// Sends without waiting; false when the queue is full or the worker gone.
    pub(crate) fn try_send(&self, message: ToWorker) -> bool {
        let sent = self.queue.try_send(message).is_ok();
        self.wake();
        sent
    }

    /// Counts sessions that will be opened there. The load of a worker that is gone stays what it is.
    pub(crate) fn reserve(&self, sessions: usize) {
        let add = |load: usize| load.checked_add(sessions);
        if self
            .load
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add)
            .is_err()
        {
            tracing::debug!("a worker was chosen that has ended");
        }
    }

    fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            tracing::error!(%error, "a media worker cannot be woken");
        }
    }
}

/// What an engine-wide observer receives.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The room's name.
    pub room: RoomName,
    /// The room's life.
    pub room_id: RoomId,
    /// What happened.
    pub event: Arc<Event>,
}

/// A participant that has just joined.
pub struct Joined {
    /// The participant.
    pub participant: ParticipantInfo,
    /// Everybody else who is visible.
    pub others: Vec<ParticipantInfo>,
    /// The room.
    pub room: RoomInfo,
    /// What happens to this participant. Closed after it is expelled or has left.
    pub events: mpsc::Receiver<PeerEvent>,
    /// The way to the worker that hosts it.
    media: WorkerLink,
}

impl Engine {
    /// Binds the sockets and starts the workers. Must be called inside a tokio runtime, which serves ICE-TCP accepts.
    ///
    /// # Errors
    /// [`EngineError`] naming the socket or the setting that is wrong.
    pub fn start(config: EngineConfig) -> Result<Self, EngineError> {
        Self::begin(config, None)
    }

    /// As [`Engine::start`], with rooms whose records go to `keeper`.
    ///
    /// # Errors
    /// As [`Engine::start`].
    pub fn start_kept(config: EngineConfig, keeper: Keeper) -> Result<Self, EngineError> {
        Self::begin(config, Some(keeper))
    }

    fn begin(config: EngineConfig, keeper: Option<Keeper>) -> Result<Self, EngineError> {
        if config.workers == 0 || config.workers > 64 {
            return Err(EngineError::Config("the number of workers must be 1 to 64"));
        }
        if config.advertised.is_empty() {
            return Err(EngineError::Config("no address to advertise"));
        }
        let certificate = Arc::new(
            tertulia_session::Certificate::generate()
                .map_err(|error| EngineError::Certificate(error.to_string()))?,
        );
        let tcp = accept::bind(&config)?;
        let tcp_port = tcp.as_ref().map(|(_, port)| *port);

        let mut starts = Vec::new();
        let mut workers = Vec::new();
        for (index, udp) in worker::bind_udp(&config)?.into_iter().enumerate() {
            let (queue, mailbox) = mpsc::channel(MAILBOX);
            let start = WorkerStart::new(index, &config, udp, tcp_port, certificate.clone(), mailbox)?;
            workers.push(WorkerLink {
                queue,
                waker: start.waker(),
                load: start.load(),
            });
            starts.push(start);
        }
        let handshakes = HandshakePool::start(workers.clone())?;
        let turn = match &config.reach.turn {
            Some(turn) => {
                let media: Result<_, _> = starts.iter().map(WorkerStart::media_port).collect();
                Some(TurnStart::bind(&config, turn, media?)?)
            }
            None => None,
        };
        let own_port = turn.as_ref().and_then(TurnStart::own_port);
        let candidates = starts.first().map_or(&[][..], WorkerStart::candidates);
        let offers = Offers::new(&config.reach, candidates, own_port);
        let shared = Arc::new(Shared {
            turn: turn.as_ref().map(TurnStart::link),
            offers,
            config,
            counters: Counters::default(),
            workers,
            rooms: Mutex::default(),
            observers: Mutex::default(),
            stopping: AtomicBool::new(false),
            stop: Notify::new(),
            keeper,
        });
        for start in starts {
            worker::spawn(start, shared.clone(), handshakes.clone())?;
        }
        let streams = match turn {
            Some(start) => {
                let streams = TurnStreams::new(start.link(), shared.clone());
                turn::spawn(start, shared.clone())?;
                Some(streams)
            }
            None => None,
        };
        if let Some((listener, _)) = tcp {
            accept::serve(listener, shared.clone(), streams.clone());
        }
        Ok(Self {
            shared,
            turn: streams,
        })
    }

    /// The way to our own TURN server for connections accepted elsewhere; `None` where there is no such server.
    pub fn turn_streams(&self) -> Option<TurnStreams> {
        self.turn.clone()
    }

    /// The STUN and TURN servers a participant is told, with credentials that end with its stay.
    pub fn ice_servers(&self, who: &ParticipantId) -> Vec<IceServer> {
        self.shared.offers.to(who)
    }

    /// Gives the room of that name, opening it where there is none.
    ///
    /// `settings` apply only to a room that is opened by this call; `None` takes the defaults. What the owner of a room
    /// decided goes before both.
    ///
    /// # Errors
    /// [`EngineError::ShuttingDown`].
    pub async fn open_room(
        &self,
        name: &RoomName,
        settings: Option<RoomSettings>,
    ) -> Result<RoomHandle, EngineError> {
        for _ in 0..OPENING_ATTEMPTS {
            if self.shared.stopping() {
                break;
            }
            let (shown, entry) = self.shared.place(name);
            let (link, id) = (self.shared.workers[entry.worker].clone(), entry.id);
            if !entry.open {
                let wished = settings.as_ref().unwrap_or(&self.shared.config.room_defaults);
                let (settings, kept) = match &self.shared.keeper {
                    Some(keeper) => match beginning(keeper, name, wished.clone()).await {
                        Some(known) => (known.settings, Some(Some(Box::new(known.history)))),
                        None => (of_unknown_owner(wished.clone()), Some(None)),
                    },
                    None => (wished.clone(), None),
                };
                let (done, opened) = oneshot::channel();
                let message = ToWorker::OpenRoom {
                    id: id.clone(),
                    name: name.clone(),
                    settings,
                    seed: rand::random(),
                    kept,
                    done,
                };
                if !link.send(message).await || opened.await.is_err() {
                    // The worker is gone, or this life of the room was over before we asked.
                    self.shared.forget_room(name, &id);
                    continue;
                }
            }
            return Ok(RoomHandle {
                shared: self.shared.clone(),
                media: link.clone(),
                link,
                id,
                name: shown,
            });
        }
        Err(EngineError::ShuttingDown)
    }

    /// Gives the room of that name if it is open.
    pub fn find_room(&self, name: &RoomName) -> Option<RoomHandle> {
        let rooms = lock(&self.shared.rooms);
        let (shown, entry) = rooms.get_key_value(name).filter(|(_, entry)| entry.open)?;
        let link = self.shared.workers[entry.worker].clone();
        Some(RoomHandle {
            shared: self.shared.clone(),
            media: link.clone(),
            link,
            id: entry.id.clone(),
            name: shown.clone(),
        })
    }

    /// Lists the open rooms, ordered by name.
    pub async fn list_rooms(&self) -> Vec<RoomInfo> {
        let mut all = Vec::new();
        for link in &self.shared.workers {
            let (reply, answer) = oneshot::channel();
            if link.send(ToWorker::ListRooms { reply }).await {
                all.extend(answer.await.unwrap_or_default());
            }
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// Looks at what flows: in every room, or in one. A room that is spread is seen from each of its workers.
    pub async fn inspect(&self, room: Option<&RoomName>) -> Vec<RoomView> {
        let mut all = Vec::new();
        for link in &self.shared.workers {
            let (reply, answer) = oneshot::channel();
            let room = room.cloned();
            if link.send(ToWorker::Inspect { room, reply }).await {
                all.extend(answer.await.unwrap_or_default());
            }
        }
        all
    }

    /// The settings of a room that is opened without any.
    pub fn room_defaults(&self) -> &RoomSettings {
        &self.shared.config.room_defaults
    }

    /// Reads the counters.
    pub fn stats(&self) -> EngineStats {
        self.shared.counters.read()
    }

    /// Follows what happens in every room from now on, but for data messages. A reader that falls behind by the queue is dropped.
    pub fn observe(&self) -> mpsc::Receiver<Observed> {
        let (sender, receiver) = mpsc::channel(OBSERVER_QUEUE);
        lock(&self.shared.observers).push(sender);
        receiver
    }

    /// Ends every room with [`tertulia_room::DepartureReason::ServerShutdown`], waits until the doors were told or
    /// `deadline` passed, and stops the workers. No room can be opened from the call on.
    pub async fn shutdown(&self, deadline: Duration) {
        self.shared.stopping.store(true, Ordering::Release);
        self.shared.stop.notify_one();
        let told = async {
            for link in &self.shared.workers {
                let (done, finished) = oneshot::channel();
                // A worker that is gone has nobody left to tell.
                if link.send(ToWorker::Shutdown { done }).await && finished.await.is_err() {
                    tracing::warn!("a media worker stopped before it could tell its participants");
                }
            }
        };
        if tokio::time::timeout(deadline, told).await.is_err() {
            tracing::warn!("media workers did not tell all participants in time");
        }
        for link in &self.shared.workers {
            link.try_send(ToWorker::Stop);
        }
        let stopped = async {
            if let Some(turn) = &self.shared.turn {
                turn.send(ToTurn::Stop).await;
            }
        };
        if tokio::time::timeout(deadline, stopped).await.is_err() {
            tracing::warn!("the TURN server did not stop in time");
        }
    }
}

impl Shared {
    /// A room's name as first written and its place; a new one where there is none.
    pub(crate) fn place(&self, name: &RoomName) -> (RoomName, RoomEntry) {
        let mut rooms = lock(&self.rooms);
        if let Some((shown, entry)) = rooms.get_key_value(name) {
            return (shown.clone(), entry.clone());
        }
        let entry = RoomEntry {
            id: RoomId::from_random(rand::random()),
            worker: self.least_loaded().map_or(0, |(index, _)| index),
            open: false,
        };
        rooms.insert(name.clone(), entry.clone());
        (name.clone(), entry)
    }

    /// Where a room is, open or about to be.
    pub(crate) fn find(&self, name: &RoomName) -> Option<RoomEntry> {
        lock(&self.rooms).get(name).cloned()
    }

    pub(crate) fn worker(&self, index: usize) -> Option<&WorkerLink> {
        self.workers.get(index)
    }

    /// The worker with the fewest sessions, and how many these are.
    pub(crate) fn least_loaded(&self) -> Option<(usize, usize)> {
        let loads = self.workers.iter().map(|link| link.load.load(Ordering::Relaxed));
        loads.enumerate().min_by_key(|(_, load)| *load)
    }

    /// How many workers there are.
    pub(crate) fn worker_count(&self) -> usize {
        self.workers.len()
    }

    pub(crate) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Waits for the engine to be shut down. There is one who waits: the ICE-TCP listener.
    pub(crate) async fn stopped(&self) {
        self.stop.notified().await;
    }

    /// Notes that a worker begins a room's life; false where that life is no longer wanted.
    pub(crate) fn begin_room(&self, name: &RoomName, id: &RoomId) -> bool {
        if self.stopping() {
            return false;
        }
        match lock(&self.rooms).get_mut(name) {
            Some(entry) if entry.id == *id => {
                entry.open = true;
                true
            }
            _ => false,
        }
    }

    /// Gives no more rooms to a worker whose thread has ended, and forgets those it had.
    pub(crate) fn lose_worker(&self, index: usize) {
        if let Some(link) = self.worker(index) {
            link.load.store(usize::MAX, Ordering::Relaxed);
        }
        lock(&self.rooms).retain(|_, entry| entry.worker != index);
        for (_, link) in self
            .workers
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != index)
        {
            if !link.send_blocking(ToWorker::WorkerLost { index }) {
                tracing::debug!("another media worker has ended too");
            }
        }
    }

    /// Forgets a room that has ended, unless the name was opened again since.
    pub(crate) fn forget_room(&self, name: &RoomName, id: &RoomId) {
        let mut rooms = lock(&self.rooms);
        if rooms.get(name).is_some_and(|entry| entry.id == *id) {
            rooms.remove(name);
        }
    }

    pub(crate) fn tell_observers(&self, room: &RoomName, room_id: &RoomId, event: &Arc<Event>) {
        lock(&self.observers).retain(|observer| {
            let observed = Observed {
                room: room.clone(),
                room_id: room_id.clone(),
                event: event.clone(),
            };
            match observer.try_send(observed) {
                Ok(()) => true,
                Err(TrySendError::Full(_)) => {
                    Counters::up(&self.counters.observers_dropped);
                    tracing::error!("an engine observer fell behind and was dropped");
                    false
                }
                Err(TrySendError::Closed(_)) => false,
            }
        });
    }
}

/// Asks what a room begins with.
async fn beginning(keeper: &Keeper, room: &RoomName, settings: RoomSettings) -> Option<Beginning> {
    let (beginning, answer) = oneshot::channel();
    let open = Keep::Open {
        room: room.clone(),
        settings: Box::new(settings),
        beginning,
    };
    let asked = async {
        keeper.send(open).await.ok()?;
        answer.await.ok()
    };
    let known = tokio::time::timeout(HISTORY_TIMEOUT, asked).await.ok().flatten();
    if known.is_none() {
        tracing::error!("a room opens without chat and owner: what is kept of it could not be read");
    }
    known
}

/// Somebody may own the room, so that nobody comes to moderate it by coming first.
fn of_unknown_owner(mut settings: RoomSettings) -> RoomSettings {
    settings.rules.self_moderating = false;
    settings
}

/// Takes a lock whose holder may have panicked: each critical section here leaves the map whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The way to one life of a room; cheap to clone, harmless when the room is gone.
#[derive(Clone)]
pub struct RoomHandle {
    shared: Arc<Shared>,
    /// To the room.
    link: WorkerLink,
    /// To the media of whom the handle is used for. The room passes on what is for others.
    media: WorkerLink,
    id: RoomId,
    name: RoomName,
}

impl RoomHandle {
    /// The room's name as first written.
    pub fn name(&self) -> &RoomName {
        &self.name
    }

    /// The room's life.
    pub fn id(&self) -> &RoomId {
        &self.id
    }

    /// Asks something of the room.
    ///
    /// # Errors
    /// The room's [`Refusal`]; [`Refusal::RoomEnded`] when it is gone. [`Command::Join`] goes through
    /// [`RoomHandle::join`] and is refused here.
    pub async fn command(&self, actor: Actor, command: Command) -> Result<Reply, Refusal> {
        if matches!(command, Command::Join(_)) {
            return Err(Refusal::Invalid { field: "command" });
        }
        let (reply, answer) = oneshot::channel();
        self.link
            .send(ToWorker::Command {
                room: self.id.clone(),
                actor,
                command,
                reply,
            })
            .await;
        answer.await.unwrap_or(Err(Refusal::RoomEnded))
    }

    /// Brings somebody in.
    ///
    /// # Errors
    /// The room's [`Refusal`].
    pub async fn join(&self, who: NewParticipant, media: MediaSetup) -> Result<Joined, Refusal> {
        let span = tracing::info_span!(target: TRACED, "join", room = self.id.as_str(), participant = Empty, error = Empty);
        let joined = self.bring_in(who, media).instrument(span.clone()).await;
        match &joined {
            Ok(joined) => span.record("participant", joined.participant.id.as_str()),
            Err(_) => span.record("error", true),
        };
        joined
    }

    async fn bring_in(&self, who: NewParticipant, media: MediaSetup) -> Result<Joined, Refusal> {
        if self.shared.stopping() {
            return Err(Refusal::RoomEnded);
        }
        let (events, queue) = mpsc::channel(PEER_QUEUE);
        let (reply, answer) = oneshot::channel();
        let message = ToWorker::Join {
            room: self.id.clone(),
            who: Box::new(who),
            media,
            events,
            reply,
        };
        self.link.send(message).await;
        let (reply, host) = answer.await.unwrap_or(Err(Refusal::RoomEnded))?;
        let (participant, others, room) = joined(reply).ok_or(Refusal::RoomEnded)?;
        let media = self.shared.worker(host).unwrap_or(&self.link).clone();
        Ok(Joined {
            media,
            participant,
            others,
            room,
            events: queue,
        })
    }

    /// The handle as it is best used for somebody who has just joined: straight to the worker that hosts them.
    pub fn for_participant(self, joined: &Joined) -> Self {
        Self {
            media: joined.media.clone(),
            ..self
        }
    }

    /// Gives the client's offer for its primary connection and gets our answer.
    ///
    /// # Errors
    /// [`NegotiationFailure`]; the connection stays as it was.
    pub async fn offer(
        &self,
        who: &ParticipantId,
        offer: PeerSpec,
    ) -> Result<Negotiated, NegotiationFailure> {
        let (reply, answer) = oneshot::channel();
        let message = ToWorker::Offer {
            room: self.id.clone(),
            who: who.clone(),
            offer: Box::new(offer),
            reply,
        };
        let negotiated = async {
            self.media.send(message).await;
            answer.await.unwrap_or(Err(NegotiationFailure::Gone))
        };
        self.traced("offer", who, negotiated).await
    }

    /// Has a negotiation stand in a span, where traces are wanted.
    async fn traced<T>(
        &self,
        gave: &'static str,
        who: &ParticipantId,
        negotiated: impl Future<Output = Result<T, NegotiationFailure>>,
    ) -> Result<T, NegotiationFailure> {
        let span = tracing::info_span!(
            target: TRACED, "negotiation", room = self.id.as_str(), participant = who.as_str(), gave, error = Empty
        );
        let negotiated = negotiated.instrument(span.clone()).await;
        if negotiated.is_err() {
            span.record("error", true);
        }
        negotiated
    }

    /// Describes our end of the primary connection, without sections, for a client that is to speak after us; `None`
    /// where the participant is gone.
    pub async fn introduction(&self, who: &ParticipantId) -> Option<PeerSpec> {
        let (reply, answer) = oneshot::channel();
        let message = ToWorker::Introduce {
            room: self.id.clone(),
            who: who.clone(),
            reply,
        };
        self.media.send(message).await;
        answer.await.ok()
    }

    /// Gives the client's answer to our offer for its subscribing connection.
    ///
    /// # Errors
    /// [`NegotiationFailure`]; the connection stays as it was.
    pub async fn answer(&self, who: &ParticipantId, answer: PeerSpec) -> Result<(), NegotiationFailure> {
        let (reply, done) = oneshot::channel();
        let message = ToWorker::Answer {
            room: self.id.clone(),
            who: who.clone(),
            answer: Box::new(answer),
            reply,
        };
        let negotiated = async {
            self.media.send(message).await;
            done.await.unwrap_or(Err(NegotiationFailure::Gone))
        };
        self.traced("answer", who, negotiated).await
    }

    /// Gives a candidate of the client. False when the worker is overloaded and the candidate was dropped.
    pub fn candidate(&self, who: &ParticipantId, role: PeerRole, candidate: Candidate) -> bool {
        let (room, who) = (self.id.clone(), who.clone());
        self.media.try_send(ToWorker::Candidate {
            room,
            who,
            role,
            candidate,
        })
    }

    /// Makes the next offer for the subscribing connection restart ICE; the offer follows as [`PeerEvent::Offer`].
    pub async fn restart_subscriber(&self, who: &ParticipantId) {
        self.media
            .send(ToWorker::RestartSubscriber {
                room: self.id.clone(),
                who: who.clone(),
            })
            .await;
    }

    /// Sends a message down a data channel. Waits while the worker's queue is full; a channel that is not open drops
    /// the message.
    pub async fn send_channel(&self, who: &ParticipantId, label: ChannelLabel, contents: Bytes) -> bool {
        let (room, who) = (self.id.clone(), who.clone());
        self.media
            .send(ToWorker::SendChannel {
                room,
                who,
                label,
                contents,
            })
            .await
    }
}

#[cfg(test)]
mod tests;
