use std::time::Instant;

use tertulia_room::{DepartureReason, Event};

use crate::connection::{Flow, Participant};
use crate::convert;
use crate::signal::LeaveAction;

impl Participant {
    /// Tells the client what happened in the room.
    pub(crate) async fn on_room_event(&mut self, event: &Event) -> Flow {
        let now = Instant::now();
        match event {
            Event::ParticipantJoined(participant) => self.roster.changed(participant.clone(), false, now),
            Event::ParticipantChanged(participant) => {
                let own = participant.id == self.id;
                if own {
                    let renewed = self.info.base != participant.base;
                    self.info = participant.clone();
                    if renewed {
                        self.send_fresh_token();
                    }
                }
                self.roster.changed(participant.clone(), own, now);
            }
            Event::ParticipantLeft(participant, reason) => {
                self.roster.left(participant.clone(), *reason, now);
            }
            Event::Expelled(reason) => return self.expelled(*reason),
            Event::RoomChanged(room) => {
                self.room_info = room.clone();
                self.send(convert::room(room));
            }
            Event::TrackPublished { cid, track } => {
                self.published.insert(track.id.clone());
                self.send(convert::track_published(cid.clone(), track));
            }
            Event::TrackUnpublished(identity, track) if *identity == self.info.identity => {
                self.published.remove(track);
                self.send(convert::track_unpublished(track));
            }
            Event::TrackSubscribed(track) => self.send(convert::track_subscribed(track)),
            Event::MuteRequested { track, muted } => self.send(convert::mute(track, *muted)),
            Event::PermissionChanged(permission) => {
                self.info.permission = permission.clone();
            }
            Event::SpeakersChanged(speakers) => self.send(convert::speakers(speakers)),
            Event::QualityChanged(reports) => self.send(convert::qualities(reports)),
            Event::QualitiesWanted { track, codecs } => {
                self.send(convert::qualities_wanted(track, codecs));
            }
            Event::StreamState {
                publisher,
                track,
                paused,
            } => {
                self.send(convert::stream_state(publisher, track, *paused));
            }
            Event::SubscriptionAllowed {
                publisher,
                track,
                allowed,
            } => {
                self.send(convert::subscription_allowed(publisher, track, *allowed));
            }
            Event::SubscriptionFailed {
                track,
                codec_unsupported,
            } => {
                self.send(convert::subscription_failed(track, *codec_unsupported));
            }
            Event::Data { from, message } => self.deliver(from.as_ref(), message).await,
            Event::Chat(message) => self.deliver_chat(message).await,
            // A hand shows in the participant's attributes; reactions and the room's own life have no form here.
            _ => {}
        }
        if self.is_attached() && self.roster.due().is_some_and(|due| due <= now) {
            self.tell_roster();
        }
        Flow::Stay
    }

    fn expelled(&mut self, reason: DepartureReason) -> Flow {
        let action = match reason {
            DepartureReason::Left
            | DepartureReason::DuplicateIdentity
            | DepartureReason::Removed
            | DepartureReason::RoomEnded
            | DepartureReason::Moved
            | DepartureReason::JoinTimeout => LeaveAction::Disconnect,
            // These come from conditions that a fresh start mends.
            DepartureReason::ServerShutdown
            | DepartureReason::SignalLost
            | DepartureReason::MediaLost
            | DepartureReason::StateMismatch
            | DepartureReason::Misbehaved => LeaveAction::Reconnect,
        };
        tracing::info!(participant = %self.id, ?reason, "out of the room");
        self.say_goodbye(reason, action)
    }
}
