use std::time::Instant;

/// Some moment at which a test's time begins.
pub(crate) fn instant() -> Instant {
    Instant::now()
}
