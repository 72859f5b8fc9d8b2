use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tertulia_auth::ApiKeys;
use tertulia_engine::{Engine, Limiter, RateLimit, source_of};
use tertulia_model::{Identity, RoomName};
use tertulia_people::{Account, HashCost, RoomPolicy, SessionLife};
use tertulia_room::{AuditActor, AuditEntry};
use tertulia_store::{Blobs, FileId, FileQuota, Store};
use tertulia_trust::{JoinTokens, Provider, TrustedParty};

use crate::access::Present;
use crate::away::Away;
use crate::download::LinkKey;
use crate::error::ApiError;
use crate::passwords::Passwords;
use crate::places::{Place, Places};
use crate::stats::{Counters, WebStats, up};
use crate::wire::ErrorCode;

/// Event streams one participant may have open, the ones that still wait counted.
const STREAMS_EACH: usize = 8;
/// Files one participant may be uploading at once.
const UPLOADS_EACH: u64 = 4;

/// What one participant may do besides chat, hands and reactions.
const ACTIONS: RateLimit = RateLimit {
    burst: 60,
    per_minute: 240,
};
/// Passwords tried for one room, from wherever: enough for a class that comes in together and mistypes.
const PASSWORDS: RateLimit = RateLimit {
    burst: 120,
    per_minute: 60,
};

/// Ways to the identity provider and back that one source may begin: enough for a class behind one address.
const PROVIDER: RateLimit = RateLimit {
    burst: 120,
    per_minute: 120,
};
/// Accounts one source may make.
const SIGN_UPS: RateLimit = RateLimit {
    burst: 10,
    per_minute: 1,
};

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
    /// Files people give to rooms.
    pub files: FileSettings,
    /// Origins whose videos may be watched together, as browsers write them.
    pub video_origins: Vec<String>,
    /// Accounts and who opens rooms.
    pub people: PeopleSettings,
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
            files: FileSettings::default(),
            video_origins: Vec::new(),
            people: PeopleSettings::default(),
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

/// Accounts and who opens rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PeopleSettings {
    /// Who opens rooms that nobody owns.
    pub policy: RoomPolicy,
    /// Whether people can make accounts themselves.
    pub sign_up: bool,
    /// How long people stay signed in.
    pub sessions: SessionLife,
    /// How much work the hash of a new password is.
    pub hash_cost: HashCost,
}

/// Where things are kept that outlive a restart.
#[derive(Debug, Clone)]
pub struct Shelf {
    /// What is known.
    pub store: Store,
    /// The bytes of files.
    pub blobs: Blobs,
}

/// Whom the operator trusts to say who somebody is.
#[derive(Debug, Default)]
pub struct Trusted {
    /// Whom people sign in at.
    pub provider: Option<IdentityProvider>,
    /// Applications that send people with join tokens.
    pub applications: Arc<[TrustedParty]>,
}

/// Whom people sign in at beside this server.
#[derive(Debug)]
pub struct IdentityProvider {
    /// Who says who somebody is.
    pub provider: Provider,
    /// What comes of it.
    pub terms: ProviderTerms,
}

/// What the operator makes of what the identity provider says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderTerms {
    /// What the button says after "Sign in with".
    pub name: String,
    /// Whether pages come over HTTPS.
    pub secure: bool,
    /// Our front page.
    pub home: String,
    /// Domains of e-mail addresses, one of which somebody must have, verified; empty for everybody.
    pub domains: Vec<String>,
    /// A claim, and values of which each makes its bearer an admin while it holds; absent where admins are made here.
    pub admin: Option<(String, Vec<String>)>,
    /// Whether somebody who comes for the first time gets an account.
    pub makes_accounts: bool,
    /// Whether signing out here leads to signing out there.
    pub signs_out: bool,
}

/// What files people may give to rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSettings {
    /// Largest file.
    pub max_bytes: u64,
    /// All files of a room together.
    pub room_bytes: u64,
    /// All files together.
    pub total_bytes: u64,
    /// How long a file is kept once it is whole.
    pub keep: Duration,
    /// Media types, or `image/*` and the like; empty for all but programs.
    pub types: Vec<String>,
}

impl FileSettings {
    pub(crate) fn quota(&self) -> FileQuota {
        FileQuota {
            room_bytes: self.room_bytes,
            total_bytes: self.total_bytes,
            uploads_each: UPLOADS_EACH,
        }
    }

    pub(crate) fn keep_ms(&self) -> u64 {
        u64::try_from(self.keep.as_millis()).unwrap_or(u64::MAX)
    }
}

impl Default for FileSettings {
    fn default() -> Self {
        Self {
            max_bytes: 100 << 20,
            room_bytes: 1 << 30,
            total_bytes: 10 << 30,
            keep: Duration::from_secs(24 * 3_600),
            types: Vec::new(),
        }
    }
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
    /// What outlives a restart, where that is kept.
    pub(crate) shelf: Option<Shelf>,
    pub(crate) provider: Option<IdentityProvider>,
    pub(crate) tokens: JoinTokens,
    /// Who is at the provider now.
    pub(crate) away: Away,
    pub(crate) link_key: LinkKey,
    /// Files being written to now.
    pub(crate) uploading: Places<FileId>,
    pub(crate) counters: Counters,
    pub(crate) present: Present,
    joins: Limiter<IpAddr>,
    lookups: Limiter<IpAddr>,
    chat: Limiter<(String, String)>,
    reactions: Limiter<(String, String)>,
    actions: Limiter<(String, String)>,
    room_passwords: Limiter<String>,
    sign_ups: Limiter<IpAddr>,
    to_provider: Limiter<IpAddr>,
    pub(crate) passwords: Passwords,
    streams: Places<(String, String)>,
}

impl Api {
    /// Wires the door, without anything that outlives a restart.
    pub fn new(engine: Engine, keys: Arc<ApiKeys>, settings: ApiSettings) -> Self {
        Self::build(engine, keys, settings, None, Trusted::default())
    }

    /// Wires the door to what outlives a restart as well, and to whom the operator trusts to say who somebody is.
    pub fn kept(
        engine: Engine,
        keys: Arc<ApiKeys>,
        settings: ApiSettings,
        shelf: Shelf,
        trusted: Trusted,
    ) -> Self {
        Self::build(engine, keys, settings, Some(shelf), trusted)
    }

    fn build(
        engine: Engine,
        keys: Arc<ApiKeys>,
        settings: ApiSettings,
        shelf: Option<Shelf>,
        trusted: Trusted,
    ) -> Self {
        let inner = Inner {
            joins: Limiter::new(settings.joins),
            lookups: Limiter::new(settings.lookups),
            chat: Limiter::new(settings.chat),
            reactions: Limiter::new(settings.reactions),
            actions: Limiter::new(ACTIONS),
            room_passwords: Limiter::new(PASSWORDS),
            sign_ups: Limiter::new(SIGN_UPS),
            to_provider: Limiter::new(PROVIDER),
            passwords: Passwords::new(settings.people.hash_cost),
            streams: Places::new(STREAMS_EACH),
            counters: Counters::default(),
            present: Present::default(),
            engine,
            settings,
            shelf,
            provider: trusted.provider,
            tokens: JoinTokens::new(keys.clone(), trusted.applications),
            away: Away::default(),
            link_key: LinkKey::from_random(rand::random()),
            uploading: Places::new(1),
            keys,
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

    pub(crate) fn store(&self) -> Result<&Store, ApiError> {
        self.shelf().map(|shelf| &shelf.store)
    }

    pub(crate) fn shelf(&self) -> Result<&Shelf, ApiError> {
        self.inner
            .shelf
            .as_ref()
            .ok_or_else(|| ApiError::new(ErrorCode::Unavailable, "this server keeps nothing"))
    }

    /// Searches and exports read much, so they share the measure of chat messages.
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

    pub(crate) fn limit_action(&self, room: &str, identity: &str) -> Result<(), ApiError> {
        let who = (room.to_owned(), identity.to_owned());
        self.limited(self.inner.actions.take(who, Instant::now()))
    }

    pub(crate) fn limit_password(&self, room: &str) -> Result<(), ApiError> {
        self.limited(self.inner.room_passwords.take(room.to_owned(), Instant::now()))
    }

    pub(crate) fn limit_sign_up(&self, source: IpAddr) -> Result<(), ApiError> {
        self.limited(self.inner.sign_ups.take(source_of(source), Instant::now()))
    }

    pub(crate) fn limit_provider(&self, source: IpAddr) -> Result<(), ApiError> {
        self.limited(self.inner.to_provider.take(source_of(source), Instant::now()))
    }

    /// Writes down what somebody signed in did outside a meeting.
    pub(crate) async fn note(
        &self,
        by: &Account,
        room: Option<&RoomName>,
        action: &'static str,
        detail: Option<String>,
    ) -> Result<(), ApiError> {
        let entry = AuditEntry {
            at_ms: unix_ms(),
            by: AuditActor::System,
            action,
            subject: Identity::parse(by.id.as_str()).ok(),
            detail,
        };
        let actor = format!("account:{}", by.login.as_str());
        self.store()?.audit(room, &actor, &entry).await?;
        Ok(())
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
