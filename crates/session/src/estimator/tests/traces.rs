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
        ("2 Mbit/s", script(ENCODER, calm(2e6), &[], 60.0)),
        ("300 kbit/s", script(ENCODER, calm(300e3), &[], 60.0)),
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
            script(ENCODER, with(3e6, |c| c.loss = Loss::Random(0.05)), &[], 60.0),
        ),
        (
            "random loss 10 %",
            script(ENCODER, with(3e6, |c| c.loss = Loss::Random(0.1)), &[], 60.0),
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
                60.0,
            ),
        ),
        (
            "jitter 30 ms",
            script(ENCODER, with(3e6, |c| c.jitter_ms = 30.0), &[], 60.0),
        ),
        (
            "short queue",
            script(ENCODER, with(2e6, |c| c.queue_ms = 30.0), &[], 60.0),
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
            script(ENCODER, with(3e6, |c| c.delay_ms = 150.0), &[], 60.0),
        ),
        ("layers", script(Source::Layers, calm(20e6), &[], 30.0)),
        ("layers, 1 Mbit/s", script(Source::Layers, calm(1e6), &[], 60.0)),
        (
            "layers, 5 %",
            script(
                Source::Layers,
                with(3e6, |c| c.loss = Loss::Random(0.05)),
                &[],
                60.0,
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

#[allow(clippy::print_stdout, reason = "for whoever looks at a course")]
fn print_line(name: &str, script: &Script, course: &Course, probes: usize) {
    let seconds = script.seconds;
    println!(
        "{name:20} reach {:?} util {:.2} est {:.2} over {:.2} queue mean {:.0} max {:.0} probes {}",
        course.time_to_reach(0.9 * course.0[0].free_bps.min(script.source.desired_bps()), 0.0),
        course.utilisation(10.0, seconds),
        course.mean_estimate(10.0, seconds) / 1e6,
        course.overshoot(2.0, seconds),
        course.mean_queue_ms(2.0, seconds),
        course.longest_queue_ms(2.0, seconds),
        probes,
    );
}

#[test]
#[ignore = "prints"]
#[allow(clippy::print_stdout, reason = "for whoever looks at a course")]
fn print() {
    let wanted = std::env::var("TRACE").unwrap_or_default();
    for (name, script) in all() {
        if wanted.is_empty() {
            let (course, ends) = ours(&script);
            print_line(name, &script, &course, ends.probes);
            let (course, _) = theirs(&script);
            print_line("  str0m", &script, &course, 0);
        } else if name == wanted {
            let (course, ends) = if std::env::var("THEIRS").is_ok() {
                let c = theirs(&script);
                (c.0, None)
            } else {
                let c = ours(&script);
                (c.0, Some(c.1))
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
            println!("{:?}", ends.map(|e| e.estimator.unusable()));
        }
    }
}
