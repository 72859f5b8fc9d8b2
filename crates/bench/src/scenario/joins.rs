//! People come and go: how long a join takes and what it costs.

use std::time::{Duration, Instant};

use super::{Crew, GATHER_TIMEOUT, Target, joining_figures, plan};
use crate::client::Milestone;
use crate::error::BenchError;
use crate::media::{AudioProfile, VideoProfile};
use crate::report::Report;
use crate::signalling::Signalling;

/// Joins into a room where somebody publishes; each client leaves once it has seen a key frame begin.
#[derive(Debug, Clone)]
pub struct Joins {
    /// Joins altogether.
    pub count: u32,
    /// Joins under way at once.
    pub parallel: u32,
    /// Rooms they are spread over.
    pub rooms: u32,
}

impl Joins {
    /// Runs the joins.
    ///
    /// # Errors
    /// When a client or the server fails.
    pub async fn run<S: Signalling>(&self, target: Target<S::Place>) -> Result<Report, BenchError> {
        /// How long the server is watched without joins.
        const BASELINE: Duration = Duration::from_secs(3);
        let mut crew = Crew::<S>::new(target)?;
        let rooms = self.rooms.max(1);
        let room = |index: u32| format!("bench joins {}", index % rooms);
        for index in 0..rooms {
            let mut publisher = plan(index, &room(index));
            publisher.audio = Some(AudioProfile::speech(false));
            publisher.video = Some(VideoProfile::camera());
            crew.add(publisher);
        }
        let connected = |milestone: &Milestone| matches!(milestone, Milestone::Connected(_));
        crew.wait("publishers", rooms as usize, GATHER_TIMEOUT, connected)
            .await?;
        crew.rest(Duration::from_secs(1)).await?;
        let baseline = crew.measure(BASELINE).await?;

        let meter = crew.start_measuring()?;
        let began = Instant::now();
        for index in rooms..rooms + self.count {
            while crew.running() >= (rooms + self.parallel.max(1)) as usize {
                crew.wait_for_one().await?;
            }
            let mut joiner = plan(index, &room(index));
            joiner.passing = true;
            crew.add(joiner);
        }
        while crew.running() > rooms as usize {
            crew.wait_for_one().await?;
        }
        let elapsed = began.elapsed();
        let measured = crew.stop_measuring(meter)?;
        let clients = crew.stop().await?;
        let joiners: Vec<_> = clients
            .into_iter()
            .filter(|client| client.joining.first_key_frame.is_some())
            .collect();

        let parameters = [
            ("count", self.count.to_string()),
            ("parallel", self.parallel.to_string()),
            ("rooms", rooms.to_string()),
        ];
        let mut report = Report::new("joins", parameters);
        report.figure("joins", f64::from(self.count) / elapsed.as_secs_f64(), "/s");
        report.figure("joined and saw a key frame", joiners.len() as f64, "");
        if let (Some(before), Some(during)) = (&baseline.server, &measured.server) {
            let idle: u64 = before.cpu_ns.values().sum();
            let busy: u64 = during.cpu_ns.values().sum();
            let share = measured.elapsed.as_secs_f64() / baseline.elapsed.as_secs_f64();
            let cost = (busy as f64 - idle as f64 * share) / f64::from(self.count.max(1));
            report.figure("server CPU per join and leave", cost / 1e6, "ms");
            report.threads_ms = during
                .cpu_ns
                .iter()
                .map(|(name, ns)| (name.clone(), *ns as f64 / 1e6))
                .collect();
        }
        let seconds = measured.elapsed.as_secs_f64();
        report.figure(
            "generator CPU",
            measured.generator_ns as f64 / seconds / 1e7,
            "% of a core",
        );
        joining_figures(&mut report, &joiners);
        Ok(report)
    }
}
