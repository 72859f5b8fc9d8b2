//! One publishes full packets, many receive: the price of a forwarded packet.

use std::time::Duration;

use super::{Crew, GATHER_TIMEOUT, Target, mebibytes, media_figures, plan};
use crate::client::Milestone;
use crate::error::BenchError;
use crate::media::VideoProfile;
use crate::report::Report;
use crate::signalling::Signalling;

/// A lecture.
#[derive(Debug, Clone)]
pub struct Fanout {
    /// Receiving clients.
    pub subscribers: u32,
    /// Packets a second.
    pub rate: u32,
    /// Packets that are sent together.
    pub burst: u32,
    /// Measured time.
    pub measure: Duration,
    /// Time before it.
    pub settle: Duration,
}

impl Fanout {
    /// Runs the lecture.
    ///
    /// # Errors
    /// When a client or the server fails.
    pub async fn run<S: Signalling>(&self, target: Target<S::Place>) -> Result<Report, BenchError> {
        let mut crew = Crew::<S>::new(target)?;
        let before = crew.resident_bytes()?;
        let mut publisher = plan(0, "bench fanout");
        publisher.video = Some(VideoProfile::packets(self.rate, self.burst));
        crew.add(publisher);
        for index in 1..=self.subscribers {
            crew.add(plan(index, "bench fanout"));
        }
        let first = |milestone: &Milestone| matches!(milestone, Milestone::FirstPacket(_));
        crew.wait("first packets", self.subscribers as usize, GATHER_TIMEOUT, first)
            .await?;
        crew.rest(self.settle).await?;
        let measured = crew.measure(self.measure).await?;
        let clients = crew.stop().await?;

        let parameters = [
            ("subscribers", self.subscribers.to_string()),
            ("rate", self.rate.to_string()),
            ("burst", self.burst.to_string()),
            ("seconds", self.measure.as_secs().to_string()),
        ];
        let mut report = Report::new("fanout", parameters);
        media_figures(&mut report, &measured, &clients);
        if let (Some(before), Some(server)) = (before, &measured.server) {
            let grown = server.resident_bytes.saturating_sub(before) as f64;
            report.figure(
                "memory per participant",
                grown / 1024.0 / f64::from(self.subscribers + 1),
                "KiB",
            );
        }
        let sent: u64 = clients.iter().map(|client| client.sent).sum();
        let expected = sent as f64 * f64::from(self.subscribers);
        report.figure(
            "packets forwarded of those due",
            report.counts.packets as f64 / expected * 100.0,
            "%",
        );
        // A lone MiB figure helps to see whether the packet caches dominate.
        report.figure("memory before", before.map(mebibytes), "MiB");
        Ok(report)
    }
}
