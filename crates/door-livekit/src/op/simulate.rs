use std::time::{Duration, Instant};

use tertulia_engine::PeerMode;
use tertulia_room::{DepartureReason, Speaker};

use crate::connection::{Flow, Participant};
use crate::convert;
use crate::signal::{LeaveAction, Scenario};

/// The longest a client may be told that it speaks.
const MAX_SPEECH: Duration = Duration::from_secs(60);

impl Participant {
    /// Shows a client a condition it wants to see. Nothing of it reaches anybody else.
    pub(crate) async fn simulate(&mut self, scenario: Scenario) -> Flow {
        tracing::debug!(participant = %self.id, ?scenario, "simulating");
        match scenario {
            Scenario::Speaking(seconds) => {
                self.speaking_until = Some(Instant::now() + Duration::from_secs(seconds).min(MAX_SPEECH));
                self.send_own_speech(true);
            }
            Scenario::NodeFailure => {
                self.detach(Duration::ZERO);
                return self.leave(DepartureReason::SignalLost).await;
            }
            Scenario::Migration => {
                let resume = convert::leave(DepartureReason::SignalLost, LeaveAction::Resume, self.protocol);
                self.send_all(resume);
            }
            Scenario::ServerLeave => {
                self.say_goodbye(DepartureReason::ServerShutdown, LeaveAction::Disconnect);
                return self.leave(DepartureReason::Left).await;
            }
            Scenario::FullReconnect => {
                self.say_goodbye(DepartureReason::StateMismatch, LeaveAction::Reconnect);
                return self.leave(DepartureReason::StateMismatch).await;
            }
            Scenario::CutOnResume => self.cuts.once(),
            Scenario::CutOnResumeSilently => self.cuts.silently(),
            Scenario::RestartMedia => match self.mode {
                PeerMode::Dual => self.room.restart_subscriber(&self.id).await,
                PeerMode::Single => {
                    let resume =
                        convert::leave(DepartureReason::MediaLost, LeaveAction::Resume, self.protocol);
                    self.send_all(resume);
                }
            },
            Scenario::Unsupported => {}
        }
        Flow::Stay
    }

    pub(crate) fn end_simulated_speech(&mut self) {
        self.speaking_until = None;
        self.send_own_speech(false);
    }

    fn send_own_speech(&mut self, active: bool) {
        let level = if active { 114 } else { 0 };
        self.send(convert::speakers(&[Speaker {
            participant: self.id.clone(),
            level,
            active,
        }]));
    }
}
