use tertulia_model::TrackId;
use tertulia_room::{Command, PublisherPermission, Reply, TrackSettings};

use crate::connection::Participant;
use crate::convert;
use crate::signal::{Named, NamedPermission};

impl Participant {
    pub(crate) async fn subscribe(&mut self, tracks: Vec<TrackId>, on: bool) {
        match self
            .ask(Command::Subscribe {
                tracks: tracks.clone(),
                on,
            })
            .await
        {
            Ok(Reply::NotSubscribed(refused)) => self.tell_failed(&refused),
            Ok(_) => {}
            Err(refusal) => {
                tracing::debug!(participant = %self.id, %refusal, "subscription refused");
                if on {
                    self.tell_failed(&tracks);
                }
            }
        }
    }

    fn tell_failed(&mut self, tracks: &[TrackId]) {
        for track in tracks {
            self.send(convert::subscription_failed(track, false));
        }
    }

    pub(crate) async fn set_track_settings(&mut self, tracks: Vec<TrackId>, settings: TrackSettings) {
        if let Err(refusal) = self.ask(Command::SetTrackSettings { tracks, settings }).await {
            self.refused(0, &refusal, None);
        }
    }

    pub(crate) async fn set_permissions(
        &mut self,
        all_participants: bool,
        permissions: Vec<NamedPermission>,
    ) {
        let permissions = permissions
            .into_iter()
            .filter_map(
                |NamedPermission {
                     who,
                     all_tracks,
                     tracks,
                 }| {
                    let identity = match who {
                        Named::Identity(identity) => identity,
                        // A stay that is over has nobody to allow anything to.
                        Named::Id(id) => self.roster.identity(&id)?.clone(),
                    };
                    Some(PublisherPermission {
                        identity,
                        all_tracks,
                        tracks,
                    })
                },
            )
            .collect();
        let command = Command::SetPublisherPermissions {
            all_participants,
            permissions,
        };
        if let Err(refusal) = self.ask(command).await {
            self.refused(0, &refusal, None);
        }
    }
}
