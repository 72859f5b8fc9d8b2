//! The same lectures on Tertulia and on Janus, in turns.

use std::path::Path;

use tertulia_bench::error::BenchError;
use tertulia_bench::process::Process;
use tertulia_bench::report::Report;
use tertulia_bench::scenario::Target;
use tertulia_bench::server::{JANUS_INSTALL, JanusServer};
use tertulia_bench::signalling::{Janus, JanusPlace};

use crate::args::{Arguments, Scenario};
use crate::measure;

/// Threads that serve all handles of Janus in one of its two modes; in the other each handle has its own.
const EVENT_LOOPS: u16 = 2;

/// Runs `lectures` on us, on Janus in both modes, and on us again, so that what the machine did in between shows.
pub async fn run(arguments: &Arguments, lectures: &[Scenario]) -> Result<Vec<Report>, BenchError> {
    let janus = JanusServer::installed();
    if janus.is_none() {
        println!("*** SKIPPED: Janus is not installed, so there is nothing to compare with: {JANUS_INSTALL}");
    }
    let mut reports = Vec::new();
    for lecture in lectures {
        let mut note = |mut report: Report, server: &str| {
            report.parameters.insert("server", server.to_owned());
            println!("{report}");
            reports.push(report);
        };
        note(measure(arguments, lecture).await?, "Tertulia");
        let Some(parts) = &janus else { continue };
        note(on_janus(arguments, lecture, parts, None).await?, "Janus");
        let with_loops = on_janus(arguments, lecture, parts, Some(EVENT_LOOPS)).await?;
        note(with_loops, "Janus with event loops");
        note(measure(arguments, lecture).await?, "Tertulia again");
    }
    Ok(reports)
}

async fn on_janus(
    arguments: &Arguments,
    lecture: &Scenario,
    parts: &Path,
    event_loops: Option<u16>,
) -> Result<Report, BenchError> {
    let core = arguments.confines().then_some(arguments.server_core);
    let server = JanusServer::start(parts, core, event_loops).await?;
    let fault = |error| BenchError::Client(0, error);
    let place = JanusPlace::new(server.url().to_owned(), server.address()).map_err(fault)?;
    place.ping().await.map_err(fault)?;
    let target = Target {
        place,
        process: server.pid().map(Process::new),
        light: arguments.light(lecture),
    };
    let report = lecture.run::<Janus>(target).await;
    let stopped = server.stop().await;
    let report = report?;
    stopped.map(|()| report)
}
