//! Courses over time, each on its own kind of way.

use super::link::{Conditions, Loss};
use super::ours::Ours;
use super::scene::{Course, Script, Source, run};
use super::start;
use super::theirs::Theirs;

const ENCODER: Source = Source::Encoder(4e6);

pub(super) fn all() -> Vec<(&'static str, Script)> {
    let script = |source, start, changes: &[(f64, Conditions)], seconds| Script {
        source,
        start,
        changes: changes.to_vec(),
        seconds,
        seed: 7,
    };
    let calm = Conditions::calm;
    let with = |bps, change: fn(&mut Conditions)| {
        let mut conditions = calm(bps);
        change(&mut conditions);
        conditions
    };
    vec![
        ("free", script(ENCODER, calm(20e6), &[], 30.0)),
        ("2 Mbit/s", script(ENCODER, calm(2e6), &[], 30.0)),
        ("300 kbit/s", script(ENCODER, calm(300e3), &[], 30.0)),
        (
            "4, 0.5, 4 Mbit/s",
            script(
                ENCODER,
                calm(4.5e6),
                &[(20.0, calm(0.5e6)), (50.0, calm(4.5e6))],
                80.0,
            ),
        ),
        (
            "random loss 5 %",
            script(ENCODER, with(3e6, |c| c.loss = Loss::Random(0.05)), &[], 30.0),
        ),
        (
            "random loss 10 %",
            script(ENCODER, with(3e6, |c| c.loss = Loss::Random(0.1)), &[], 30.0),
        ),
        (
            "bursts of loss",
            script(
                ENCODER,
                with(3e6, |c| {
                    c.loss = Loss::Bursts {
                        to_bad: 0.005,
                        to_good: 0.2,
                    }
                }),
                &[],
                30.0,
            ),
        ),
        (
            "jitter 30 ms",
            script(ENCODER, with(3e6, |c| c.jitter_ms = 30.0), &[], 30.0),
        ),
        (
            "overtaken packets",
            script(ENCODER, with(3e6, |c| c.overtaken = 0.02), &[], 30.0),
        ),
        (
            "next to nothing for 3 s",
            script(ENCODER, calm(3e6), &[(20.0, calm(20e3)), (23.0, calm(3e6))], 60.0),
        ),
        (
            "short queue",
            script(ENCODER, with(2e6, |c| c.queue_ms = 30.0), &[], 30.0),
        ),
        (
            "cross traffic",
            script(
                ENCODER,
                calm(3e6),
                &[(20.0, with(3e6, |c| c.cross_bps = 2e6)), (40.0, calm(3e6))],
                60.0,
            ),
        ),
        (
            "far away",
            script(ENCODER, with(3e6, |c| c.delay_ms = 150.0), &[], 30.0),
        ),
        ("layers", script(Source::Layers, calm(20e6), &[], 30.0)),
        ("layers, 1 Mbit/s", script(Source::Layers, calm(1e6), &[], 30.0)),
        (
            "layers, 5 %",
            script(
                Source::Layers,
                with(3e6, |c| c.loss = Loss::Random(0.05)),
                &[],
                30.0,
            ),
        ),
    ]
}

pub(super) fn ours(script: &Script) -> (Course, Ours) {
    let now = start();
    let mut ends = Ours::new(800e3, script.source.desired_bps(), now);
    let course = run(script, &mut ends, now);
    (course, ends)
}

pub(super) fn theirs(script: &Script) -> (Course, Theirs) {
    let (mut ends, now) = Theirs::new(800e3, script.source.desired_bps(), start());
    let course = run(script, &mut ends, now);
    (course, ends)
}

/// What a course is worth.
#[derive(Debug)]
struct Worth {
    /// Seconds until the estimate is nine tenths of what there is.
    reached: Option<f64>,
    utilisation: f64,
    mean_queue_ms: f64,
}

impl Worth {
    fn of(script: &Script, course: &Course) -> Self {
        let free_bps = course.0.first().map_or(0.0, |sample| sample.free_bps);
        let wanted_bps = free_bps.min(script.source.desired_bps());
        Self {
            reached: course.time_to_reach(0.9 * wanted_bps, 0.0),
            utilisation: course.utilisation(10.0, script.seconds),
            mean_queue_ms: course.mean_queue_ms(2.0, script.seconds),
        }
    }
}

/// What ours has to keep on a course: seconds until it is reached, the share used, the mean queue in milliseconds. A
/// source that wants less than there is cannot use it.
fn bars(name: &str) -> (f64, f64, f64) {
    match name {
        "free" => (1.0, 0.19, 5.0),
        "layers" => (1.0, 0.08, 5.0),
        "layers, 1 Mbit/s" | "layers, 5 %" => (1.0, 0.5, 20.0),
        "300 kbit/s" => (1.0, 0.9, 60.0),
        "next to nothing for 3 s" => (1.0, 0.7, 60.0),
        "overtaken packets" => (1.0, 0.75, 30.0),
        _ => (1.0, 0.8, 30.0),
    }
}

#[test]
#[allow(clippy::print_stdout, reason = "for whoever looks at the courses")]
fn every_course_keeps_its_bars_and_leaves_shorter_queues_than_str0m() {
    for (name, script) in all() {
        let own = Worth::of(&script, &ours(&script).0);
        let other = Worth::of(&script, &theirs(&script).0);
        println!("{name:20} {own:?}\n{:20} {other:?}", "  str0m");
        let (reached, utilisation, queue_ms) = bars(name);
        assert!(own.reached.is_some_and(|at| at <= reached), "{name}: {own:?}");
        assert!(own.utilisation >= utilisation, "{name}: {own:?}");
        assert!(own.mean_queue_ms <= queue_ms, "{name}: {own:?}");
        assert!(
            own.mean_queue_ms <= other.mean_queue_ms,
            "{name}: {own:?}, {other:?}"
        );
        assert!(
            own.utilisation >= other.utilisation - 0.15,
            "{name}: {own:?}, {other:?}"
        );
    }
}

#[test]
fn after_a_time_with_next_to_nothing_the_estimate_is_back_within_five_seconds() {
    let (_, script) = all()
        .into_iter()
        .find(|(name, _)| *name == "next to nothing for 3 s")
        .expect("the course is there");
    let (course, _) = ours(&script);
    let back = course.time_to_reach(0.8 * 3e6, 23.0);
    assert!(back.is_some_and(|after| after <= 5.0), "{back:?}");
}

/// Prints the course named by `TRACE`, str0m's with `THEIRS` set.
#[test]
#[ignore = "prints"]
#[allow(clippy::print_stdout, reason = "for whoever looks at a course")]
fn print() {
    let wanted = std::env::var("TRACE").unwrap_or_default();
    for (_, script) in all().into_iter().filter(|(name, _)| *name == wanted) {
        let course = if std::env::var("THEIRS").is_ok() {
            theirs(&script).0
        } else {
            ours(&script).0
        };
        for sample in &course.0 {
            println!(
                "{:6.1} free {:6.0} estimate {:6.0} arrived {:6.0} queue {:5.0}",
                sample.second,
                sample.free_bps / 1e3,
                sample.estimate_bps / 1e3,
                sample.arrived_bps / 1e3,
                sample.queue_ms
            );
        }
    }
}
