//! Peers whose reports are lies: what they gain is bounded by what was sent to them, and what they lose is theirs alone.
//! And peers that fall silent.

use std::time::{Duration, Instant};

use tertulia_model::Bitrate;
use tertulia_rtp::StatusRun;

use super::start;
use crate::estimator::{CEILING, Estimator, FLOOR};

const STEP: Duration = Duration::from_millis(10);
const PACKET_BYTES: usize = 1_200;
/// Steps between two reports.
const REPORT: u32 = 10;
const ENOUGH: Bitrate = Bitrate::from_kbps(100_000);

/// What a report says: number and arrival in units of 250 µs.
type Said = Vec<(u16, Option<i64>)>;

/// A sender of packets at an even pace, and somebody who reports them.
struct Talk {
    estimator: Estimator,
    now: Instant,
    began: Instant,
    next: u64,
}

impl Talk {
    fn new() -> Self {
        let now = start();
        let mut estimator = Estimator::new(Bitrate::from_kbps(1_000), now);
        estimator.set_desired(ENOUGH, now);
        Self {
            estimator,
            now,
            began: now,
            next: 0,
        }
    }

    /// Sends two packets a step, which is 1.92 Mbit/s, and asks `lie` what is reported of the last ten steps' packets
    /// and when they arrived in truth. The estimate never leaves its bounds.
    fn go_on(&mut self, seconds: u32, mut lie: impl FnMut(Said) -> Said) {
        let mut truth: Said = Vec::new();
        for step in 1..=seconds * 100 {
            self.now += STEP;
            let ticks = self.now.duration_since(self.began).as_micros() as i64 / 250;
            for _ in 0..2 {
                let probe = self.estimator.poll_probe(self.now).map(|probe| probe.id);
                self.next += 1;
                self.estimator.sent(self.next, PACKET_BYTES, self.now, probe);
                truth.push((self.next as u16, Some(ticks + 80)));
            }
            if step % REPORT == 0 {
                let said = lie(std::mem::take(&mut truth));
                let runs = said.into_iter().map(|(first, arrival)| StatusRun {
                    first,
                    count: 1,
                    arrival,
                });
                self.estimator.handle_feedback(runs, self.now);
            }
            let estimate = self.estimator.estimate();
            assert!((FLOOR..=CEILING).contains(&estimate), "{estimate}");
        }
    }

    fn estimate_bps(&self) -> u64 {
        self.estimator.estimate().as_bps()
    }
}

/// What was sent, and the most anybody gains of it.
const SENT_BPS: u64 = 1_920_000;
const MOST_BPS: u64 = 3 * SENT_BPS;

/// That a minute of honesty brings everything back.
#[track_caller]
fn check_recovers(talk: &mut Talk) {
    talk.go_on(60, |truth| truth);
    assert!(talk.estimate_bps() >= SENT_BPS / 2, "{}", talk.estimate_bps());
    assert!(talk.estimate_bps() <= MOST_BPS, "{}", talk.estimate_bps());
}

impl Talk {
    /// Lets so much time pass without a report; two packets are sent a step, if any are.
    fn hear_nothing(&mut self, seconds: u32, sends: bool) {
        for _ in 0..seconds * 100 {
            self.now += STEP;
            for _ in 0..if sends { 2 } else { 0 } {
                self.next += 1;
                self.estimator.sent(self.next, PACKET_BYTES, self.now, None);
            }
            if self.estimator.poll_timeout().is_some_and(|due| due <= self.now) {
                self.estimator.handle_timeout(self.now);
            }
            let estimate = self.estimator.estimate();
            assert!((FLOOR..=CEILING).contains(&estimate), "{estimate}");
        }
    }
}

#[test]
fn while_nothing_is_reported_of_what_is_sent_the_estimate_sinks_and_comes_back_with_the_reports() {
    let mut talk = Talk::new();
    talk.go_on(10, |truth| truth);
    let before = talk.estimate_bps();
    talk.hear_nothing(2, true);
    assert!(talk.estimate_bps() < before * 3 / 4, "{}", talk.estimate_bps());
    talk.hear_nothing(10, true);
    assert!(talk.estimate_bps() < before / 20, "{}", talk.estimate_bps());
    check_recovers(&mut talk);
}

#[test]
fn a_peer_that_never_reports_again_is_waited_for_no_longer() {
    let mut talk = Talk::new();
    talk.go_on(10, |truth| truth);
    talk.hear_nothing(20, true);
    assert_eq!(talk.estimator.silence_us(), None, "nothing is awaited");
    let left = talk.estimate_bps();
    talk.hear_nothing(20, true);
    assert_eq!(talk.estimate_bps(), left);
    check_recovers(&mut talk);
}

#[test]
fn the_report_of_the_last_packets_may_be_lost() {
    let mut talk = Talk::new();
    talk.go_on(10, |truth| truth);
    let before = talk.estimate_bps();
    talk.next += 1;
    talk.estimator.sent(talk.next, PACKET_BYTES, talk.now, None);
    assert!(talk.estimator.silence_us().is_some(), "it is in flight");
    talk.hear_nothing(20, false);
    assert_eq!(talk.estimate_bps(), before);
    assert_eq!(talk.estimator.silence_us(), None);
}

#[test]
fn m13_whoever_claims_that_nothing_takes_time_gains_a_multiple_of_what_was_sent() {
    let mut talk = Talk::new();
    talk.go_on(30, |truth| {
        truth.into_iter().map(|(number, _)| (number, Some(0))).collect()
    });
    assert!(talk.estimate_bps() <= MOST_BPS, "{}", talk.estimate_bps());
    talk.estimator
        .handle_remb(Bitrate::from_bps(10_000_000_000), talk.now);
    assert!(talk.estimate_bps() <= MOST_BPS, "{}", talk.estimate_bps());
    check_recovers(&mut talk);
}

#[test]
fn m13_whoever_claims_that_nothing_arrives_gets_the_least_until_the_truth_returns() {
    let mut talk = Talk::new();
    talk.go_on(5, |truth| truth);
    talk.go_on(20, |truth| {
        truth.into_iter().map(|(number, _)| (number, None)).collect()
    });
    talk.estimator.handle_remb(Bitrate::ZERO, talk.now);
    assert!(talk.estimate_bps() < SENT_BPS / 4, "{}", talk.estimate_bps());
    check_recovers(&mut talk);
}

#[test]
fn m13_packets_never_sent_and_packets_reported_twice_count_for_nothing() {
    let mut talk = Talk::new();
    talk.go_on(20, |truth| {
        let invented = truth
            .iter()
            .map(|(number, at)| (number.wrapping_add(20_000), *at));
        let twice = truth.iter().chain(&truth).copied();
        twice.chain(invented).collect()
    });
    assert!(talk.estimate_bps() <= MOST_BPS, "{}", talk.estimate_bps());
    check_recovers(&mut talk);
}

#[test]
fn m13_a_clock_that_jumps_or_runs_backwards_ends_nothing() {
    let mut talk = Talk::new();
    let mut turn = 0_i64;
    talk.go_on(20, |truth| {
        turn += 1;
        // Hours ahead, hours back, and backwards within a report.
        let jump = [0, 57_600_000, -57_600_000, i64::MAX / 4, i64::MIN / 4][turn as usize % 5];
        let lied = truth.into_iter().rev();
        lied.map(|(number, at)| (number, at.map(|at| jump.saturating_sub(at))))
            .collect()
    });
    check_recovers(&mut talk);
}

#[test]
fn m13_reports_held_back_and_given_all_at_once_are_no_more_than_they_are() {
    let mut talk = Talk::new();
    talk.go_on(5, |truth| truth);
    let mut held = Vec::new();
    let mut reports = 0;
    talk.go_on(24, |truth| {
        held.extend(truth);
        reports += 1;
        if reports % 40 == 0 {
            std::mem::take(&mut held)
        } else {
            Vec::new()
        }
    });
    assert!(talk.estimate_bps() <= MOST_BPS, "{}", talk.estimate_bps());
    check_recovers(&mut talk);
}
