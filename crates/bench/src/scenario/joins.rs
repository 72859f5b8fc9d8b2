//! People come and go: how long a join takes and what it costs.

use std::time::{Duration, Instant};

use super::{Crew, GATHER_TIMEOUT, Target, joining_figures, plan};
use crate::client::{ClientReport, Milestone, Until};
use crate::error::BenchError;
use crate::histogram::Histogram;
use crate::media::{AudioProfile, VideoProfile};
use crate::report::Report;
use crate::signalling::Signalling;

/// Joins into rooms where somebody publishes; each client leaves once it has what it waits for.
#[derive(Debug, Clone)]
pub struct Joins {
    /// Joins altogether.
    pub count: u32,
    /// Joins under way at once.
    pub parallel: u32,
    /// Rooms they are spread over.
    pub rooms: u32,
    /// People who are in each room already and say nothing.
    pub present: u32,
    /// What each waits for before it leaves.
    pub until: Until,
}

impl Joins {
    /// Runs the joins.
    ///
    /// # Errors
    /// When a client or the server fails.
    pub async fn run<S: Signalling>(&self, target: Target<S::Place>) -> Result<Report, BenchError> {
        /// How long the server is watched without joins.
        const BASELINE: Duration = Duration::from_secs(3);
        /// Clients that come at once, of those who are there before.
        const BATCH: u32 = 25;
        /// Pages that are told the room's state.
        const STATES: usize = 50;
        let place = target.place.clone();
        let mut crew = Crew::<S>::new(target)?;
        let rooms = self.rooms.max(1);
        let room = |index: u32| format!("bench joins {}", index % rooms);
        for index in 0..rooms {
            let mut publisher = plan(index, &room(index));
            publisher.audio = Some(AudioProfile::speech(false));
            publisher.videos = vec![VideoProfile::camera()];
            crew.add(publisher);
        }
        let connected = |milestone: &Milestone| matches!(milestone, Milestone::Connected(_));
        crew.wait("publishers", rooms as usize, GATHER_TIMEOUT, connected)
            .await?;
        let there = rooms * self.present;
        let mut added = 0;
        while added < there {
            let batch = BATCH.min(there - added);
            for index in rooms + added..rooms + added + batch {
                let mut client = plan(index, &room(index));
                client.silent = true;
                crew.add(client);
            }
            added += batch;
            crew.wait("those present", batch as usize, GATHER_TIMEOUT, connected)
                .await?;
        }
        let there = rooms + there;
        crew.rest(Duration::from_secs(1)).await?;
        let baseline = crew.measure(BASELINE).await?;

        let meter = crew.start_measuring()?;
        let began = Instant::now();
        for index in there..there + self.count {
            while crew.running() >= (there + self.parallel.max(1)) as usize {
                crew.wait_for_one().await?;
            }
            let mut joiner = plan(index, &room(index));
            joiner.until = Some(self.until);
            crew.add(joiner);
        }
        while crew.running() > there as usize {
            crew.wait_for_one().await?;
        }
        let elapsed = began.elapsed();
        let measured = crew.stop_measuring(meter)?;
        let mut states = Histogram::default();
        let mut state_bytes = None;
        for index in (rooms..there).take(STATES) {
            let began = Instant::now();
            let read = S::read_state(&place, &plan(index, &room(index)).who).await;
            let read = read.map_err(|error| BenchError::Client(index, error))?;
            if read.is_some() {
                states.record(began.elapsed());
            }
            state_bytes = read.or(state_bytes);
        }
        let clients = crew.stop().await?;
        let passed = |client: &ClientReport| match self.until {
            Until::Connected => client.joining.connected.is_some(),
            Until::Packet => client.joining.first_packet.is_some(),
            Until::KeyFrame => client.joining.first_key_frame.is_some(),
        };
        // Publishers stay until the end, so that those who passed by come first.
        let joiners: Vec<_> = clients
            .into_iter()
            .take(self.count as usize)
            .filter(passed)
            .collect();

        let parameters = [
            ("count", self.count.to_string()),
            ("parallel", self.parallel.to_string()),
            ("rooms", rooms.to_string()),
            ("present", self.present.to_string()),
            ("until", format!("{:?}", self.until).to_lowercase()),
        ];
        let mut report = Report::new("joins", parameters);
        report.figure("joins", f64::from(self.count) / elapsed.as_secs_f64(), "/s");
        report.figure("of them complete", joiners.len() as f64, "");
        if let (Some(before), Some(during)) = (&baseline.server, &measured.server) {
            let idle: u64 = before.cpu_ns.values().sum();
            let busy: u64 = during.cpu_ns.values().sum();
            let share = measured.elapsed.as_secs_f64() / baseline.elapsed.as_secs_f64();
            let cost = (busy as f64 - idle as f64 * share) / f64::from(self.count.max(1));
            report.figure("server CPU per join and leave", cost / 1e6, "ms");
            for (name, busy) in &during.cpu_ns {
                let idle = before.cpu_ns.get(name).copied().unwrap_or(0) as f64 * share;
                let cost = (*busy as f64 - idle).max(0.0) / f64::from(self.count.max(1));
                report.figure(format!("of it in threads {name}"), cost / 1e6, "ms");
            }
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
        report.percentiles("state told to a page", &states, &[0.5, 0.95, 0.99]);
        report.figure(
            "size of that state",
            state_bytes.map(|bytes| bytes as f64 / 1024.0),
            "KiB",
        );
        Ok(report)
    }
}
