//! Handshakes that are begun in great number and never ended. Their owner ends them after its time to connect.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use support::{Pair, config, is_dtls};
use tertulia_session::{ClientFamily, Output, Session};

/// Handshakes; what one keeps does not depend on how many there are.
const MANY: usize = 500;
/// What each may keep at most.
const MOST_BYTES: u64 = 64 * 1_024;

#[test]
fn m5_handshakes_left_half_open_keep_little_however_long() {
    let certificate = config(ClientFamily::WebRtc).certificate;
    let mut left: Vec<Session> = Vec::with_capacity(MANY);
    let info = allocation_counter::measure(|| {
        for _ in 0..MANY {
            let mut config = config(ClientFamily::WebRtc);
            config.certificate = Arc::clone(&certificate);
            let mut pair = Pair::with(config);
            let mut records = 0;
            // The hello passes, so that we have answered it, and nothing after.
            pair.filter_up = Box::new(move |contents| {
                records += usize::from(is_dtls(contents));
                is_dtls(contents) && records > 1
            });
            pair.negotiate();
            pair.run(Duration::from_secs(2));
            assert!(!pair.session.is_connected());
            let Pair {
                mut session, mut now, ..
            } = pair;
            let end = now + Duration::from_secs(60);
            while now < end {
                if let Output::Timeout(at) = session.poll_output().unwrap() {
                    now = at.max(now + Duration::from_millis(1));
                    session.handle_timeout(now).unwrap();
                }
            }
            left.push(session);
        }
    });
    let each = u64::try_from(info.bytes_current).unwrap() / MANY as u64 + size_of::<Session>() as u64;
    assert!(each <= MOST_BYTES, "{each} bytes");
    assert_eq!(left.len(), MANY);
}
