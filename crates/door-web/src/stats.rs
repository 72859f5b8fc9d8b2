use std::sync::atomic::{AtomicU64, Ordering};

/// What this door has counted since its start, and what it holds now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WebStats {
    /// Guest tokens given.
    pub tokens_issued: u64,
    /// Requests refused because their source asked too often.
    pub rate_limited: u64,
    /// Requests whose token was missing, wrong or for another room.
    pub tokens_refused: u64,
    /// People who signed in.
    pub sign_ins: u64,
    /// Sign-ins refused for a wrong name or password.
    pub sign_ins_refused: u64,
    /// People who came back from the identity provider, or could not be sent there, and were not signed in.
    pub provider_sign_ins_refused: u64,
    /// Chat messages taken.
    pub chat_messages: u64,
    /// Uploads begun.
    pub uploads: u64,
    /// Files given out.
    pub downloads: u64,
    /// Event streams opened.
    pub streams_opened: u64,
    /// Event streams open now.
    pub streams: u64,
    /// Event streams closed because their reader was too slow.
    pub slow_streams: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) tokens_issued: AtomicU64,
    pub(crate) rate_limited: AtomicU64,
    pub(crate) tokens_refused: AtomicU64,
    pub(crate) sign_ins: AtomicU64,
    pub(crate) sign_ins_refused: AtomicU64,
    pub(crate) provider_sign_ins_refused: AtomicU64,
    pub(crate) chat_messages: AtomicU64,
    pub(crate) uploads: AtomicU64,
    pub(crate) downloads: AtomicU64,
    pub(crate) streams_opened: AtomicU64,
    pub(crate) streams: AtomicU64,
    pub(crate) slow_streams: AtomicU64,
}

impl Counters {
    pub(crate) fn read(&self) -> WebStats {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        WebStats {
            tokens_issued: of(&self.tokens_issued),
            rate_limited: of(&self.rate_limited),
            tokens_refused: of(&self.tokens_refused),
            sign_ins: of(&self.sign_ins),
            sign_ins_refused: of(&self.sign_ins_refused),
            provider_sign_ins_refused: of(&self.provider_sign_ins_refused),
            chat_messages: of(&self.chat_messages),
            uploads: of(&self.uploads),
            downloads: of(&self.downloads),
            streams_opened: of(&self.streams_opened),
            streams: of(&self.streams),
            slow_streams: of(&self.slow_streams),
        }
    }
}

pub(crate) fn up(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
