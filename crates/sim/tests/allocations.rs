//! That forwarding allocates nothing once it flows.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "../src/bin/hotpath/lecture.rs"]
mod lecture;
#[path = "../../session/tests/support/mod.rs"]
mod support;

use lecture::Lecture;

#[test]
fn forwarding_allocates_nothing_once_it_flows() {
    let mut lecture = Lecture::new(10);
    let step = |lecture: &mut Lecture| {
        lecture.peers();
        let info = allocation_counter::measure(|| lecture.forward());
        lecture.listen();
        lecture.clear();
        info.count_total
    };
    // Rings, maps and histories grow to what a second and two of it need.
    for _ in 0..1_000 {
        step(&mut lecture);
    }
    let before = lecture.forwarded;
    let allocations: u64 = (0..100).map(|_| step(&mut lecture)).sum();
    assert!(lecture.forwarded - before > 2_000);
    assert_eq!(allocations, 0);
}
