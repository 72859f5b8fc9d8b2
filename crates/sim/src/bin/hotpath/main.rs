//! Forwards a lecture's packets under a counter of instructions: `cargo xtask instructions` runs it under callgrind, which
//! counts what `counted_turn` does and nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "it counts, prints and fails by panicking, as a test does"
)]

mod lecture;
#[path = "../../../../session/tests/support/mod.rs"]
mod support;

use lecture::Lecture;

const LISTENERS: usize = 50;
/// Steps before it is counted: rings, maps and histories have grown by then.
const WARM_UP: usize = 600;
/// Steps that are counted: a second of time.
const COUNTED: usize = 125;

/// The server's part of one step.
#[inline(never)]
fn counted_turn(lecture: &mut Lecture) {
    lecture.forward();
    lecture.listen();
}

fn main() {
    let mut lecture = Lecture::new(LISTENERS);
    for _ in 0..WARM_UP {
        lecture.peers();
        lecture.forward();
        lecture.listen();
        lecture.clear();
    }
    let (forwarded, reported) = (lecture.forwarded, lecture.reported);
    for _ in 0..COUNTED {
        lecture.peers();
        counted_turn(&mut lecture);
        lecture.clear();
    }
    let forwarded = lecture.forwarded - forwarded;
    assert_eq!(forwarded, (LISTENERS * COUNTED * lecture::BURST) as u64);
    println!("forwarded {forwarded}");
    println!("reported {}", lecture.reported - reported);
}
