//! Everybody publishes camera and microphone, everybody receives everybody.

use std::time::Duration;

use super::{Crew, GATHER_TIMEOUT, Target, identity, joining_figures, mebibytes, media_figures, plan};
use crate::client::{Layout, Milestone, Plan};
use crate::error::BenchError;
use crate::media::{AudioProfile, VideoProfile};
use crate::report::Report;
use crate::signalling::Signalling;

/// A meeting.
#[derive(Debug, Clone)]
pub struct Meeting {
    /// Clients.
    pub participants: u32,
    /// Measured time.
    pub measure: Duration,
    /// Time before it.
    pub settle: Duration,
    /// Whether all pictures are of middle size rather than one large and the others small.
    pub grid: bool,
    /// Whether audio is redundant.
    pub red: bool,
    /// Whether layers that nobody watches are stopped.
    pub dynacast: bool,
}

impl Meeting {
    /// Runs the meeting.
    ///
    /// # Errors
    /// When a client or the server fails.
    pub async fn run<S: Signalling>(&self, target: Target<S::Place>) -> Result<Report, BenchError> {
        let mut crew = Crew::<S>::new(target)?;
        let before = crew.resident_bytes()?;
        let began = std::time::Instant::now();
        for index in 0..self.participants {
            crew.add(self.plan(index));
        }
        let first = |milestone: &Milestone| matches!(milestone, Milestone::FirstPacket(_));
        crew.wait("first packets", self.participants as usize, GATHER_TIMEOUT, first)
            .await?;
        tracing::info!(after = ?began.elapsed(), "everybody receives");
        crew.rest(self.settle).await?;
        let measured = crew.measure(self.measure).await?;
        let clients = crew.stop().await?;

        let parameters = [
            ("participants", self.participants.to_string()),
            ("seconds", self.measure.as_secs().to_string()),
            ("layout", if self.grid { "grid" } else { "speaker" }.to_owned()),
            ("red", self.red.to_string()),
            ("dynacast", self.dynacast.to_string()),
        ];
        let mut report = Report::new("meeting", parameters);
        media_figures(&mut report, &measured, &clients);
        if let (Some(before), Some(server)) = (before, &measured.server) {
            let grown = mebibytes(server.resident_bytes.saturating_sub(before));
            report.figure(
                "memory per participant",
                grown / f64::from(self.participants.max(1)),
                "MiB",
            );
        }
        let expected = self.participants.saturating_sub(1) as usize * 2;
        let missing: usize = clients
            .iter()
            .map(|client| expected.saturating_sub(client.seen.tracks))
            .sum();
        report.figure("tracks missing", missing as f64, "");
        let expected_frames = f64::from(self.participants)
            * f64::from(self.participants.saturating_sub(1))
            * measured.elapsed.as_secs_f64()
            * 30.0;
        report.figure(
            "frames a decoder could show",
            report.counts.frames as f64 / expected_frames * 100.0,
            "%",
        );
        let keys: u64 = clients.iter().map(|client| client.key_frames).sum();
        report.figure("key frames made", keys as f64, "");
        let offers = clients.iter().map(|client| client.offers).max().unwrap_or(0);
        report.figure("offers of a client, at most", f64::from(offers), "");
        joining_figures(&mut report, &clients);
        Ok(report)
    }

    fn plan(&self, index: u32) -> Plan {
        let mut plan = plan(index, "bench meeting");
        plan.who.adaptive = true;
        plan.speakers = self.participants;
        plan.audio = Some(AudioProfile::speech(self.red));
        plan.videos = vec![VideoProfile::camera()];
        plan.dynacast = self.dynacast;
        plan.layout = if self.grid {
            Layout::Grid
        } else {
            Layout::Speaker {
                large: identity(u32::from(index == 0)),
            }
        };
        plan
    }
}
