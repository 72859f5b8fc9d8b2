//! One publishes full packets, many receive: the price of a forwarded packet.

use std::time::Duration;

use super::{Crew, GATHER_TIMEOUT, Target, mebibytes, media_figures, plan};
use crate::client::{Milestone, Plan};
use crate::error::BenchError;
use crate::media::VideoProfile;
use crate::report::Report;
use crate::signalling::Signalling;

/// A lecture.
#[derive(Debug, Clone)]
pub struct Fanout {
    /// Receiving clients.
    pub subscribers: u32,
    /// Tracks the publisher has and everybody receives.
    pub tracks: u32,
    /// Whether the tracks share the rate; otherwise one has all of it and the others rest.
    pub shared: bool,
    /// Packets a second on all tracks together.
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
        self.run_in::<S>(target, "bench fanout").await
    }

    /// Runs the lecture in a room of this name.
    pub(super) async fn run_in<S: Signalling>(
        &self,
        target: Target<S::Place>,
        room: &str,
    ) -> Result<Report, BenchError> {
        let mut crew = Crew::<S>::new(target)?;
        let before = crew.resident_bytes()?;
        crew.add(self.publisher(room));
        let connected = |milestone: &Milestone| matches!(milestone, Milestone::Connected(_));
        crew.wait("publisher", 1, GATHER_TIMEOUT, connected).await?;
        for index in 1..=self.subscribers {
            crew.add(plan(index, room));
        }
        let first = |milestone: &Milestone| matches!(milestone, Milestone::FirstPacket(_));
        crew.wait("first packets", self.subscribers as usize, GATHER_TIMEOUT, first)
            .await?;
        crew.rest(self.settle).await?;
        let measured = crew.measure(self.measure).await?;
        let clients = crew.stop().await?;

        let parameters = [
            ("subscribers", self.subscribers.to_string()),
            ("tracks", self.tracks.to_string()),
            ("rate", self.rate.to_string()),
            ("burst", self.burst.to_string()),
            ("shared", self.shared.to_string()),
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
            FORWARDED_OF_DUE,
            report.counts.packets as f64 / expected * 100.0,
            "%",
        );
        // A lone MiB figure helps to see whether the packet caches dominate.
        report.figure("memory before", before.map(mebibytes), "MiB");
        Ok(report)
    }

    fn publisher(&self, room: &str) -> Plan {
        /// Packets a day are none in a measurement.
        const RESTING: Duration = Duration::from_secs(86_400);
        let tracks = self.tracks.max(1);
        let mut publisher = plan(0, room);
        publisher.who.subscribe = false;
        publisher.videos = (0..tracks)
            .map(|track| {
                let mut profile = VideoProfile::packets(self.rate, self.burst);
                if self.shared {
                    profile.interval *= tracks;
                } else if track > 0 {
                    profile.interval = RESTING;
                }
                profile
            })
            .collect();
        publisher
    }
}

/// Name of the figure that says how much of what was to be forwarded came.
pub(super) const FORWARDED_OF_DUE: &str = "packets forwarded of those due";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracks_share_the_rate_or_rest() {
        let fanout = |shared| Fanout {
            subscribers: 50,
            tracks: 50,
            shared,
            rate: 1_000,
            burst: 8,
            measure: Duration::from_secs(1),
            settle: Duration::ZERO,
        };
        let rate = |plan: &Plan| -> f64 {
            let rates = plan.videos.iter().map(|video| 8.0 / video.interval.as_secs_f64());
            rates.sum()
        };
        for shared in [true, false] {
            let plan = fanout(shared).publisher("r");
            assert_eq!(plan.videos.len(), 50);
            assert!((rate(&plan) - 1_000.0).abs() < 1.0, "{shared}: {}", rate(&plan));
        }
    }
}
