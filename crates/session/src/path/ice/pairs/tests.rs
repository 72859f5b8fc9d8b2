use super::*;
use tertulia_model::TransportProtocol;

fn path(port: u16) -> MediaPath {
    MediaPath {
        protocol: TransportProtocol::Udp,
        source: "192.0.2.1:7882".parse().unwrap(),
        destination: ([198, 51, 100, 7], port).into(),
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "an instant can only be had from the clock; from here on it is virtual"
)]
fn start() -> Instant {
    Instant::now()
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_pair_that_still_answers_is_kept_whatever_else_is_nominated() {
    let now = start();
    let mut pairs = Pairs::default();
    pairs.answered(path(1), None, now);
    for second in 0..20 {
        let now = now + second * SECOND;
        pairs.answered(path(1), None, now);
        pairs.answered(path(2), None, now);
        pairs.nominated(path(2), now);
        assert_eq!(pairs.successor(Some(path(1)), false, now), None);
    }
}

#[test]
fn a_pair_that_fell_silent_is_followed_by_the_one_nominated_last() {
    let now = start();
    let mut pairs = Pairs::default();
    for port in 1..5 {
        pairs.answered(path(port), None, now);
    }
    let later = now + STALE;
    assert_eq!(
        pairs.successor(Some(path(1)), true, later),
        None,
        "all are silent"
    );
    pairs.answered(path(2), None, later);
    pairs.answered(path(3), None, later + SECOND);
    pairs.answered(path(4), None, later + SECOND / 2);
    assert_eq!(
        pairs.successor(Some(path(1)), false, later + SECOND),
        None,
        "the peer nominates, and has not"
    );
    assert_eq!(
        pairs.successor(Some(path(1)), true, later + SECOND),
        Some(path(3)),
        "we nominate"
    );
    pairs.nominated(path(2), later + SECOND);
    pairs.nominated(path(4), later + 2 * SECOND);
    assert_eq!(
        pairs.successor(Some(path(1)), false, later + 2 * SECOND),
        Some(path(4))
    );
    assert_eq!(pairs.successor(None, true, later), None, "nothing was chosen yet");
}

#[test]
fn of_too_many_pairs_the_longest_silent_goes_but_never_the_one_in_use() {
    let now = start();
    let mut pairs = Pairs::default();
    for port in 1..100 {
        pairs.answered(path(port), Some(path(1)), now + u32::from(port) * SECOND);
    }
    assert_eq!(pairs.0.len(), MAX_PAIRS);
    assert!(pairs.contains(path(1)) && !pairs.contains(path(2)) && pairs.contains(path(99)));
    pairs.forget_stale(path(1), now + 98 * SECOND + FORGET);
    assert!(pairs.contains(path(1)) && pairs.contains(path(99)) && pairs.0.len() == 2);
}

#[test]
fn checks_are_remembered_in_a_bounded_number() {
    let mut checks = Checks::default();
    let check = |number: u8| {
        let mut contents = [0; 20];
        contents[1] = 1;
        contents[19] = number;
        contents
    };
    let now = start();
    for number in 0..100 {
        checks.sent(&check(number), path(1), now);
    }
    checks.sent(&[0x80; 20], path(1), now);
    assert_eq!(checks.0.len(), MAX_CHECKS);
    assert!(checks.expects(&check(99), path(1)) && !checks.expects(&check(99), path(2)));
    assert!(!checks.expects(&check(0), path(1)));
    assert_eq!(checks.settle(&check(99)), Some(now));
    assert_eq!(checks.settle(&check(99)), None);
    assert!(!checks.expects(&check(99), path(1)));
    assert!(!checks.expects(&[], path(1)));
}
