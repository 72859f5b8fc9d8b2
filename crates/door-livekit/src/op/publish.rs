use tertulia_model::{Layer, TrackId, VideoSize};
use tertulia_room::{AudioFeatures, Command, NewTrack};

use crate::connection::Participant;
use crate::signal::RequestOutcome;
use crate::wire::Echo;

impl Participant {
    /// Announces a track; the room's event brings the answer.
    pub(crate) async fn publish(&mut self, track: NewTrack, echo: Echo) {
        if let Err(refusal) = self.ask(Command::Publish(Box::new(track))).await {
            self.refused(0, &refusal, Some(echo));
        }
    }

    pub(crate) async fn set_muted(&mut self, track: TrackId, muted: bool, echo: Echo) {
        if let Err(refusal) = self.ask(Command::SetMuted { track, muted }).await {
            self.refused(0, &refusal, Some(echo));
        }
    }

    pub(crate) async fn update_track(
        &mut self,
        track: TrackId,
        size: Option<VideoSize>,
        layers: Option<Vec<Layer>>,
        audio: Option<AudioFeatures>,
        echo: Option<Echo>,
    ) {
        match (
            self.ask(Command::UpdateTrack {
                track,
                size,
                layers,
                audio,
            })
            .await,
            echo,
        ) {
            (Ok(_), Some(echo)) => self.outcome(0, RequestOutcome::Done, "", Some(echo)),
            (Ok(_), None) => {}
            (Err(refusal), echo) => self.refused(0, &refusal, echo),
        }
    }
}
