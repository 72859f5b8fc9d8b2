use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tertulia_auth::ApiKeys;
use tertulia_engine::Engine;
use tertulia_model::{Identity, ParticipantId, RoomName};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::DoorConfig;
use crate::connection::Attachment;
use crate::stats::{Counters, DoorStats};
use crate::webhook;

/// User messages whose copies are recognised, over all rooms.
const NONCES_REMEMBERED: usize = 4_096;

/// The answer to a remote call: the text, or code, message and data.
pub(crate) type RpcResult = Result<String, (u32, String, String)>;

/// The door's state; cheap to clone.
#[derive(Clone)]
pub struct LiveKitDoor {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Engine,
    keys: ApiKeys,
    config: DoorConfig,
    node: String,
    stays: Mutex<HashMap<ParticipantId, Stay>>,
    calls: Mutex<HashMap<String, oneshot::Sender<RpcResult>>>,
    nonces: Mutex<Nonces>,
    tasks: TaskTracker,
    webhooks: TaskTracker,
    closing: CancellationToken,
    counters: Arc<Counters>,
}

/// The way to the task of a participant who is here.
#[derive(Clone)]
pub(crate) struct Stay {
    pub room: RoomName,
    pub identity: Identity,
    pub attach: mpsc::Sender<Box<Attachment>>,
}

#[derive(Default)]
struct Nonces {
    seen: HashSet<(String, Vec<u8>)>,
    order: VecDeque<(String, Vec<u8>)>,
}

/// Why the door could not open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DoorError {
    /// A webhook URL is not an `http` or `https` URL.
    #[error("webhook URL {0} is not an http or https URL")]
    WebhookUrl(String),
    /// The HTTP client for webhooks could not be made.
    #[error("cannot make the HTTP client for webhooks")]
    HttpClient(#[source] reqwest::Error),
}

impl LiveKitDoor {
    /// Opens the door; webhooks run from now on. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`DoorError`] where a webhook URL makes no sense.
    pub fn start(engine: Engine, keys: ApiKeys, config: DoorConfig) -> Result<Self, DoorError> {
        let hooks = webhook::Sender::new(&config.webhook_urls, keys.clone())?;
        let counters = Arc::new(Counters::default());
        let (webhooks, closing) = (TaskTracker::new(), CancellationToken::new());
        if let Some(hooks) = hooks {
            hooks.spawn(&engine, &webhooks, &counters, &closing);
        }
        let shared = Shared {
            engine,
            keys,
            config,
            node: format!("ND_{:016x}", rand::random::<u64>()),
            stays: Mutex::default(),
            calls: Mutex::default(),
            nonces: Mutex::default(),
            tasks: TaskTracker::new(),
            webhooks,
            closing,
            counters,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Reads the counters.
    pub fn stats(&self) -> DoorStats {
        self.shared.counters.read()
    }

    /// Waits until every participant's task has said goodbye and ended, which they do once the engine has shut down,
    /// and until the last webhooks are delivered or given up. Bound it: a receiver may be slow.
    pub async fn closed(&self) {
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
        self.shared.closing.cancel();
        self.shared.webhooks.close();
        self.shared.webhooks.wait().await;
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.shared.engine
    }

    pub(crate) fn keys(&self) -> &ApiKeys {
        &self.shared.keys
    }

    pub(crate) fn config(&self) -> &DoorConfig {
        &self.shared.config
    }

    pub(crate) fn node(&self) -> &str {
        &self.shared.node
    }

    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.shared.tasks
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    pub(crate) fn remember_stay(&self, id: ParticipantId, stay: Stay) {
        lock(&self.shared.stays).insert(id, stay);
    }

    pub(crate) fn forget_stay(&self, id: &ParticipantId) {
        lock(&self.shared.stays).remove(id);
    }

    /// Gives the stay of that id when it belongs to that identity in that room.
    pub(crate) fn find_stay(&self, id: &ParticipantId, room: &RoomName, identity: &Identity) -> Option<Stay> {
        let stays = lock(&self.shared.stays);
        stays
            .get(id)
            .filter(|stay| stay.room == *room && stay.identity == *identity)
            .cloned()
    }

    /// Waits for the answer to a remote call of the server API.
    pub(crate) fn expect_rpc(&self, id: String) -> oneshot::Receiver<RpcResult> {
        let (answer, waiting) = oneshot::channel();
        lock(&self.shared.calls).insert(id, answer);
        waiting
    }

    /// Whether a remote call of the server API has this id.
    pub(crate) fn awaits_rpc(&self, id: &str) -> bool {
        lock(&self.shared.calls).contains_key(id)
    }

    pub(crate) fn forget_rpc(&self, id: &str) {
        lock(&self.shared.calls).remove(id);
    }

    /// Hands the answer of a remote call to whoever waits for it; false when it is between participants.
    pub(crate) fn answer_rpc(&self, id: &str, result: RpcResult) -> bool {
        let Some(waiting) = lock(&self.shared.calls).remove(id) else {
            return false;
        };
        if waiting.send(result).is_err() {
            tracing::debug!("the caller of a remote procedure had given up");
        }
        true
    }

    /// Whether this user message is new; a copy of one seen lately is not.
    pub(crate) fn is_new_message(&self, room: &RoomName, nonce: &[u8]) -> bool {
        if nonce.is_empty() {
            return true;
        }
        let key = (room.key().to_owned(), nonce.get(..16).unwrap_or(nonce).to_vec());
        let mut nonces = lock(&self.shared.nonces);
        if !nonces.seen.insert(key.clone()) {
            return false;
        }
        nonces.order.push_back(key);
        if nonces.order.len() > NONCES_REMEMBERED
            && let Some(oldest) = nonces.order.pop_front()
        {
            nonces.seen.remove(&oldest);
        }
        true
    }
}

/// Takes a lock whose holder may have panicked: each critical section here leaves the value whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The time people see, in Unix milliseconds.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
