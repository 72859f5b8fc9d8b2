use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tertulia_auth::ApiKeys;
use tertulia_engine::{Engine, source_of};

use crate::access::Present;
use crate::error::ApiError;
use crate::limit::Limiter;
use crate::places::{Place, Places};
use crate::stats::{Counters, WebStats, up};

/// Event streams one participant may have open, the ones that still wait counted.
const STREAMS_EACH: usize = 8;

/// What the operator decides about this door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiSettings {
    /// The server's name, for people.
    pub server_name: String,
    /// Whether anybody may get a token for any room.
    pub open: bool,
    /// How long a guest's token is valid.
    pub guest_token: Duration,
    /// Longest chat text in characters.
    pub chat_text_chars: usize,
    /// Tokens one source may ask for.
    pub joins: RateLimit,
    /// Rooms one source may look up.
    pub lookups: RateLimit,
    /// Chat messages one participant may send.
    pub chat: RateLimit,
    /// Hands and reactions one participant may send.
    pub reactions: RateLimit,
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            server_name: "Tertulia".to_owned(),
            open: true,
            guest_token: Duration::from_secs(6 * 3_600),
            chat_text_chars: 4_000,
            joins: RateLimit {
                burst: 120,
                per_minute: 240,
            },
            lookups: RateLimit {
                burst: 240,
                per_minute: 600,
            },
            chat: RateLimit {
                burst: 10,
                per_minute: 60,
            },
            reactions: RateLimit {
                burst: 10,
                per_minute: 120,
            },
        }
    }
}

/// A token bucket: so many at once, refilled at so many a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// How many at once.
    pub burst: u32,
    /// How many a minute in the long run.
    pub per_minute: u32,
}

/// The door's state; cheap to clone.
#[derive(Clone)]
pub struct Api {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) engine: Engine,
    pub(crate) keys: Arc<ApiKeys>,
    pub(crate) settings: ApiSettings,
    pub(crate) counters: Counters,
    pub(crate) present: Present,
    joins: Limiter<IpAddr>,
    lookups: Limiter<IpAddr>,
    chat: Limiter<(String, String)>,
    reactions: Limiter<(String, String)>,
    streams: Places<(String, String)>,
}

impl Api {
    /// Wires the door.
    pub fn new(engine: Engine, keys: Arc<ApiKeys>, settings: ApiSettings) -> Self {
        let inner = Inner {
            joins: Limiter::new(settings.joins),
            lookups: Limiter::new(settings.lookups),
            chat: Limiter::new(settings.chat),
            reactions: Limiter::new(settings.reactions),
            streams: Places::new(STREAMS_EACH),
            counters: Counters::default(),
            present: Present::default(),
            engine,
            keys,
            settings,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Reads the counters.
    pub fn stats(&self) -> WebStats {
        self.inner.counters.read()
    }

    pub(crate) fn limit_join(&self, source: IpAddr) -> Result<(), ApiError> {
        self.limited(self.inner.joins.take(source_of(source), Instant::now()))
    }

    pub(crate) fn limit_lookup(&self, source: IpAddr) -> Result<(), ApiError> {
        self.limited(self.inner.lookups.take(source_of(source), Instant::now()))
    }

    pub(crate) fn limit_chat(&self, room: &str, identity: &str) -> Result<(), ApiError> {
        self.limited(
            self.inner
                .chat
                .take((room.to_owned(), identity.to_owned()), Instant::now()),
        )
    }

    pub(crate) fn limit_reaction(&self, room: &str, identity: &str) -> Result<(), ApiError> {
        self.limited(
            self.inner
                .reactions
                .take((room.to_owned(), identity.to_owned()), Instant::now()),
        )
    }

    pub(crate) fn place_for_stream(
        &self,
        room: &str,
        identity: &str,
    ) -> Result<Place<(String, String)>, ApiError> {
        self.inner
            .streams
            .take((room.to_owned(), identity.to_owned()))
            .ok_or_else(|| {
                up(&self.inner.counters.rate_limited);
                ApiError::too_many(Duration::from_secs(1))
            })
    }

    fn limited(&self, taken: Result<(), Duration>) -> Result<(), ApiError> {
        taken.map_err(|after| {
            up(&self.inner.counters.rate_limited);
            ApiError::too_many(after)
        })
    }
}

/// Milliseconds since the Unix epoch; zero while the clock stands before it.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
