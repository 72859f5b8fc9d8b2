//! People who say nothing: what their mere presence costs.

use std::time::Duration;

use super::{Crew, Target, joining_figures, plan};
use crate::client::Milestone;
use crate::error::BenchError;
use crate::media::{AudioProfile, VideoProfile};
use crate::report::Report;
use crate::signalling::Signalling;

/// Connected clients without media.
#[derive(Debug, Clone)]
pub struct Idle {
    /// Clients.
    pub sessions: u32,
    /// Clients in each room.
    pub room_size: u32,
    /// Whether each publishes a camera and a microphone that stay silent.
    pub publish: bool,
    /// Measured time.
    pub measure: Duration,
    /// Time before it, for what is still negotiated.
    pub settle: Duration,
}

impl Idle {
    /// Runs the waiting.
    ///
    /// # Errors
    /// When a client or the server fails.
    pub async fn run<S: Signalling>(&self, target: Target<S::Place>) -> Result<Report, BenchError> {
        /// Clients that join at once.
        const BATCH: u32 = 25;
        let mut crew = Crew::<S>::new(target)?;
        let before = crew.resident_bytes()?;
        let size = self.room_size.max(1);
        let connected = |milestone: &Milestone| matches!(milestone, Milestone::Connected(_));
        let mut added = 0;
        while added < self.sessions {
            let batch = BATCH.min(self.sessions - added);
            for index in added..added + batch {
                let mut client = plan(index, &format!("bench idle {}", index / size));
                client.silent = true;
                if self.publish {
                    client.audio = Some(AudioProfile::speech(false));
                    client.videos = vec![VideoProfile::camera()];
                }
                crew.add(client);
            }
            added += batch;
            crew.wait("connections", batch as usize, super::GATHER_TIMEOUT, connected)
                .await?;
        }
        crew.rest(self.settle).await?;
        let measured = crew.measure(self.measure).await?;
        let clients = crew.stop().await?;

        let parameters = [
            ("sessions", self.sessions.to_string()),
            ("room size", size.to_string()),
            ("publish", self.publish.to_string()),
            ("seconds", self.measure.as_secs().to_string()),
        ];
        let mut report = Report::new("idle", parameters);
        let seconds = measured.elapsed.as_secs_f64();
        if let Some(server) = &measured.server {
            let cpu: u64 = server.cpu_ns.values().sum();
            let percent = cpu as f64 / seconds / 1e7;
            report.figure("server CPU", percent, "% of a core");
            report.figure(
                "server CPU per 1,000 sessions",
                percent * 1_000.0 / f64::from(self.sessions.max(1)),
                "%",
            );
            if let Some(before) = before {
                let grown = server.resident_bytes.saturating_sub(before) as f64;
                report.figure(
                    "memory per session",
                    grown / 1024.0 / f64::from(self.sessions.max(1)),
                    "KiB",
                );
            }
            report.threads_ms = server
                .cpu_ns
                .iter()
                .map(|(name, ns)| (name.clone(), *ns as f64 / 1e6))
                .collect();
        }
        report.figure(
            "generator CPU",
            measured.generator_ns as f64 / seconds / 1e7,
            "% of a core",
        );
        joining_figures(&mut report, &clients);
        Ok(report)
    }
}
