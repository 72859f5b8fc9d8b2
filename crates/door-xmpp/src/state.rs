use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tertulia_engine::{Engine, Limiter, RateLimit, source_of};
use tertulia_model::{Identity, RoomId, RoomName};
use tertulia_store::Store;
use tertulia_trust::JoinTokens;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::account::SignIns;
use crate::bosh::Session;
use crate::client::Refused;
use crate::config::DoorConfig;
use crate::link::Link;
use crate::stanza::Condition;
use crate::stats::{Counters, DoorStats};
use crate::xml::Element;

/// What may wait for a client's task from other tasks.
const NOTES: usize = 512;
/// Passwords tried for one room, from wherever: enough for a class that comes in together and mistypes.
const PASSWORDS: RateLimit = RateLimit {
    burst: 120,
    per_minute: 60,
};
/// Passwords compared at once; each takes a core and its memory.
const COMPARED_AT_ONCE: usize = 2;
/// How long whoever shows a password waits for their turn.
const TURN: Duration = Duration::from_secs(5);

/// The door's state; cheap to clone.
#[derive(Clone)]
pub struct XmppDoor {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Engine,
    tokens: JoinTokens,
    config: DoorConfig,
    /// Whose rooms are whose, where that is kept.
    store: Option<Store>,
    cards: Mutex<HashMap<RoomId, HashMap<Identity, Card>>>,
    resumable: Mutex<HashMap<String, Resumable>>,
    bridges: Mutex<HashMap<String, Mailbox>>,
    /// Streams over plain requests, by their numbers.
    requests: Mutex<HashMap<String, Arc<Session>>>,
    streams: AtomicUsize,
    joins: Limiter<IpAddr>,
    passwords: Limiter<RoomName>,
    comparing: Arc<Semaphore>,
    sign_ins: SignIns,
    tasks: TaskTracker,
    closing: CancellationToken,
    counters: Counters,
}

/// What another task tells a client's.
pub(crate) enum Note {
    /// A connection that came back.
    Attach(Box<Attachment>),
    /// A stanza of another occupant, addressed.
    Stanza(Box<Element>),
    /// The card of somebody in the same room changed.
    Card(Identity),
    /// A message of another client's bridge channel.
    Bridge(String),
    /// The client's own bridge channel was opened.
    Channel(Box<Link>),
}

/// A connection that came back to its stream, and how many stanzas its client has seen.
pub(crate) struct Attachment {
    pub link: Link,
    pub seen: u32,
}

/// The way to a client's task.
#[derive(Clone)]
pub(crate) struct Mailbox {
    notes: mpsc::Sender<Note>,
    /// Set where something found no place: then the task looks at everybody again.
    missed: Arc<AtomicBool>,
}

impl Mailbox {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Note>) {
        let (notes, inbox) = mpsc::channel(NOTES);
        let missed = Arc::default();
        (Self { notes, missed }, inbox)
    }

    /// Tells the task; false where it is gone or has too much to read.
    pub(crate) fn tell(&self, note: Note) -> bool {
        let told = self.notes.try_send(note).is_ok();
        if !told {
            self.missed.store(true, Ordering::Relaxed);
        }
        told
    }

    /// Whether something was missed since the last time.
    pub(crate) fn take_missed(&self) -> bool {
        self.missed.swap(false, Ordering::Relaxed)
    }
}

/// An occupant of ours as the others of ours see it beside what the room says.
#[derive(Clone)]
pub(crate) struct Card {
    pub nick: String,
    /// Its whole address.
    pub jid: String,
    /// What its last presence carried.
    pub contents: Arc<[Element]>,
    pub mailbox: Mailbox,
}

/// A stream that may be resumed.
#[derive(Clone)]
pub(crate) struct Resumable {
    pub principal: String,
    pub mailbox: Mailbox,
}

/// One of the streams held; given back when dropped.
pub(crate) struct Seat(XmppDoor);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.shared.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

impl XmppDoor {
    /// Opens the door.
    pub fn start(engine: Engine, tokens: JoinTokens, config: DoorConfig) -> Self {
        Self::begin(engine, tokens, config, None)
    }

    /// As [`XmppDoor::start`], with rooms that are somebody's.
    pub fn kept(engine: Engine, tokens: JoinTokens, config: DoorConfig, store: Store) -> Self {
        Self::begin(engine, tokens, config, Some(store))
    }

    fn begin(engine: Engine, tokens: JoinTokens, config: DoorConfig, store: Option<Store>) -> Self {
        let joins = Limiter::new(config.joins);
        let shared = Shared {
            engine,
            tokens,
            config,
            store,
            cards: Mutex::default(),
            resumable: Mutex::default(),
            bridges: Mutex::default(),
            requests: Mutex::default(),
            streams: AtomicUsize::new(0),
            joins,
            passwords: Limiter::new(PASSWORDS),
            comparing: Arc::new(Semaphore::new(COMPARED_AT_ONCE)),
            sign_ins: SignIns::new(),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            counters: Counters::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Reads the counters.
    pub fn stats(&self) -> DoorStats {
        self.shared.counters.read()
    }

    /// Ends every stream and waits until their tasks have said goodbye. To be called once the engine has shut down, so that
    /// those in rooms hear of it first.
    pub async fn closed(&self) {
        self.shared.closing.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }

    /// Streams held now.
    pub(crate) fn held(&self) -> usize {
        self.shared.streams.load(Ordering::Relaxed)
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.shared.engine
    }

    pub(crate) fn tokens(&self) -> &JoinTokens {
        &self.shared.tokens
    }

    pub(crate) fn config(&self) -> &DoorConfig {
        &self.shared.config
    }

    pub(crate) fn sign_ins(&self) -> &SignIns {
        &self.shared.sign_ins
    }

    pub(crate) fn store(&self) -> Option<&Store> {
        self.shared.store.as_ref()
    }

    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.shared.tasks
    }

    pub(crate) fn closing(&self) -> &CancellationToken {
        &self.shared.closing
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    /// A place for one more stream, if there is any.
    pub(crate) fn seat(&self) -> Option<Seat> {
        let seat = Seat(self.clone());
        let before = self.shared.streams.fetch_add(1, Ordering::Relaxed);
        (before < self.shared.config.streams).then_some(seat)
    }

    /// Whether somebody from there may ask to come into a room now.
    pub(crate) fn limit_join(&self, source: Option<IpAddr>) -> Result<(), Refused> {
        let Some(source) = source else { return Ok(()) };
        let taken = self.shared.joins.take(source_of(source), Instant::now());
        taken.map_err(|_| slow_down())
    }

    /// Compares a password with that of a room, beside the threads that serve others.
    pub(crate) async fn compare(
        &self,
        room: &RoomName,
        work: impl FnOnce() -> bool + Send + 'static,
    ) -> Result<bool, Refused> {
        let taken = self.shared.passwords.take(room.clone(), Instant::now());
        taken.map_err(|_| slow_down())?;
        self.computed(work).await
    }

    /// Computes what takes a core and its memory, a few at once.
    pub(crate) async fn computed(
        &self,
        work: impl FnOnce() -> bool + Send + 'static,
    ) -> Result<bool, Refused> {
        let turn = tokio::time::timeout(TURN, self.shared.comparing.clone().acquire_owned()).await;
        let Ok(Ok(permit)) = turn else {
            return Err(slow_down());
        };
        let compared = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        compared.await.map_err(|error| {
            tracing::error!(%error, "a password could not be compared");
            Condition::ServiceUnavailable.into()
        })
    }

    /// Puts an occupant's card where the others find it; false where the nickname is another's.
    pub(crate) fn put_card(&self, room: &RoomId, identity: &Identity, card: Card) -> bool {
        let mut cards = lock(&self.shared.cards);
        let room = cards.entry(room.clone()).or_default();
        let mut others = room.iter().filter(|(known, _)| *known != identity);
        let free = others.all(|(_, other)| other.nick != card.nick);
        if free {
            room.insert(identity.clone(), card);
        }
        free
    }

    /// The card of somebody who came by this door.
    pub(crate) fn card(&self, room: &RoomId, identity: &Identity) -> Option<Card> {
        lock(&self.shared.cards).get(room)?.get(identity).cloned()
    }

    /// Takes a card away, unless it is another stream's by now.
    pub(crate) fn drop_card(&self, room: &RoomId, identity: &Identity, jid: &str) {
        let mut cards = lock(&self.shared.cards);
        let Some(others) = cards.get_mut(room) else { return };
        if others.get(identity).is_some_and(|card| card.jid == jid) {
            others.remove(identity);
        }
        if others.is_empty() {
            cards.remove(room);
        }
    }

    pub(crate) fn offer_resumption(&self, id: String, stream: Resumable) {
        lock(&self.shared.resumable).insert(id, stream);
    }

    pub(crate) fn resumable(&self, id: &str) -> Option<Resumable> {
        lock(&self.shared.resumable).get(id).cloned()
    }

    /// Lets a client open the bridge channel that is known by this secret.
    pub(crate) fn open_bridge(&self, secret: String, mailbox: Mailbox) {
        lock(&self.shared.bridges).insert(secret, mailbox);
    }

    pub(crate) fn bridge(&self, secret: &str) -> Option<Mailbox> {
        lock(&self.shared.bridges).get(secret).cloned()
    }

    pub(crate) fn close_bridge(&self, secret: &str) {
        lock(&self.shared.bridges).remove(secret);
    }

    pub(crate) fn open_requests(&self, sid: String, session: Arc<Session>) {
        lock(&self.shared.requests).insert(sid, session);
    }

    /// The stream whose number a request names.
    pub(crate) fn requests(&self, sid: &str) -> Option<Arc<Session>> {
        lock(&self.shared.requests).get(sid).cloned()
    }

    pub(crate) fn close_requests(&self, sid: &str) {
        lock(&self.shared.requests).remove(sid);
    }

    pub(crate) fn end_resumption(&self, id: &str) {
        lock(&self.shared.resumable).remove(id);
    }
}

fn slow_down() -> Refused {
    Refused(
        Condition::ResourceConstraint,
        "too many attempts; wait a little".to_owned(),
    )
}

/// Takes a lock whose holder may have panicked: each critical section here leaves the value whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The time people see, in Unix milliseconds.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
