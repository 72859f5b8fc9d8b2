//! How many packets a second a server forwards before it delays or loses them.

use std::time::Duration;

use super::fanout::FORWARDED_OF_DUE;
use super::{Fanout, Target};
use crate::error::BenchError;
use crate::report::Report;
use crate::signalling::Signalling;

/// A lecture whose rate rises until the server no longer keeps up.
#[derive(Debug, Clone)]
pub struct Saturation {
    /// Receiving clients.
    pub subscribers: u32,
    /// Tracks that share the rate; a server may hold the rate of one down.
    pub tracks: u32,
    /// Packets that are sent together.
    pub burst: u32,
    /// Packets a second to begin with.
    pub start: u32,
    /// How much the rate rises at each step, in percent.
    pub step: u32,
    /// Steps at most.
    pub steps: u32,
    /// Measured time of each step.
    pub measure: Duration,
    /// Time on the way that 99 of 100 packets must not exceed.
    pub bound: Duration,
}

/// Part of the packets that may be missing, for those under way when counting begins and ends, in percent.
const TOLERANCE: f64 = 0.5;

impl Saturation {
    /// Runs the steps.
    ///
    /// # Errors
    /// When a client or the server fails at the first step.
    pub async fn run<S: Signalling>(&self, target: Target<S::Place>) -> Result<Report, BenchError> {
        let parameters = [
            ("subscribers", self.subscribers.to_string()),
            ("tracks", self.tracks.to_string()),
            ("burst", self.burst.to_string()),
            ("start", self.start.to_string()),
            ("step", self.step.to_string()),
            ("bound ms", self.bound.as_millis().to_string()),
            ("seconds", self.measure.as_secs().to_string()),
        ];
        let mut report = Report::new("saturation", parameters);
        let mut best: Option<Report> = None;
        let mut rate = self.start.max(1);
        for step in 0..self.steps.max(1) {
            let lecture = Fanout {
                subscribers: self.subscribers,
                tracks: self.tracks,
                shared: true,
                rate,
                burst: self.burst,
                measure: self.measure,
                settle: Duration::from_secs(1),
            };
            let room = format!("bench saturation {step}");
            let found = match lecture.run_in::<S>(target.clone(), &room).await {
                Ok(found) => found,
                Err(error) if best.is_none() => return Err(error),
                Err(error) => {
                    tracing::info!(%error, rate, "the server does not keep up");
                    break;
                }
            };
            let keeps_up = self.keeps_up(&found);
            self.note(&mut report, rate, &found, keeps_up);
            if !keeps_up {
                break;
            }
            best = Some(found);
            rate =
                u32::try_from(u64::from(rate) * u64::from(100 + self.step.max(1)) / 100).unwrap_or(u32::MAX);
        }
        if let Some(best) = best {
            report.figure(
                "packets forwarded, sustained",
                best.value("packets forwarded"),
                "/s",
            );
            let of = |name| best.value(name);
            report.figure("server CPU then", of("server CPU"), "% of a core");
            report.figure(
                "per forwarded packet",
                of("server CPU per forwarded packet"),
                "ns",
            );
            report.figure("video on the way p99", of("video on the way p99"), "ms");
            report.figure("generator CPU", of("generator CPU"), "% of a core");
            report.counts = best.counts;
            report.threads_ms = best.threads_ms;
        }
        Ok(report)
    }

    fn keeps_up(&self, found: &Report) -> bool {
        let of = |name| found.value(name).unwrap_or(f64::INFINITY);
        let late = of("video on the way p99") > self.bound.as_secs_f64() * 1_000.0;
        let lost = found.value(FORWARDED_OF_DUE).unwrap_or(0.0) < 100.0 - TOLERANCE;
        !late && !lost && found.counts.lost == 0
    }

    fn note(&self, report: &mut Report, rate: u32, found: &Report, keeps_up: bool) {
        let offered = u64::from(rate) * u64::from(self.subscribers);
        let verdict = if keeps_up { "kept up" } else { "did not" };
        let p99 = found.value("video on the way p99");
        report.figure(format!("{offered} /s: {verdict}, p99"), p99, "ms");
        let name = |what| format!("{offered} /s: {what}");
        report.figure(name("server CPU"), found.value("server CPU"), "% of a core");
        report.figure(name("generator CPU"), found.value("generator CPU"), "% of a core");
    }
}
