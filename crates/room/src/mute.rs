//! Muting, and other changes of a track that stays published.

use tertulia_model::{Identity, Layer, MediaKind, ParticipantId, TrackId, VideoSize};

use crate::announcement::checked_layers;
use crate::{Audience, AudioFeatures, Event, Now, Refusal, Reply, Room};

impl Room {
    pub(crate) fn mute_own(
        &mut self,
        who: &ParticipantId,
        id: &TrackId,
        muted: bool,
        now: Now,
    ) -> Result<Reply, Refusal> {
        self.own_track(who, id)?;
        self.member_mut(who)?.buckets.changes.take(now.instant)?;
        self.set_muted(id, muted);
        Ok(Reply::Done)
    }

    /// A moderator silences somebody; nobody but its owner opens a microphone or a camera.
    pub(crate) fn mute_other(
        &mut self,
        identity: &Identity,
        id: &TrackId,
        muted: bool,
    ) -> Result<Reply, Refusal> {
        if !muted {
            return Err(Refusal::NotAllowed);
        }
        let who = self.find(identity)?;
        self.own_track(&who, id)?;
        self.silence(&who, id);
        let info = self.own_track(&who, id)?.info.clone();
        Ok(Reply::Track(Box::new(info)))
    }

    /// Mutes somebody's track and tells them.
    pub(crate) fn silence(&mut self, who: &ParticipantId, id: &TrackId) {
        if self.set_muted(id, true) {
            let track = id.clone();
            let event = Event::MuteRequested { track, muted: true };
            self.send(Audience::One(who.clone()), event);
        }
    }

    fn set_muted(&mut self, id: &TrackId, muted: bool) -> bool {
        let Some(publication) = self.tracks.get_mut(id) else {
            return false;
        };
        if publication.info.muted == muted {
            return false;
        }
        publication.info.muted = muted;
        self.track_changed(id);
        true
    }

    pub(crate) fn update_track(
        &mut self,
        who: &ParticipantId,
        id: &TrackId,
        size: Option<VideoSize>,
        layers: Option<Vec<Layer>>,
        audio: Option<AudioFeatures>,
        now: Now,
    ) -> Result<Reply, Refusal> {
        let kind = self.own_track(who, id)?.info.kind;
        let layers = layers.map(|layers| checked_layers(kind, layers)).transpose()?;
        self.member_mut(who)?.buckets.changes.take(now.instant)?;
        let info = &mut self.own_track(who, id)?.info;
        let before = info.clone();
        if let Some(size) = size.filter(|_| kind == MediaKind::Video) {
            info.size = size;
        }
        if let Some(layers) = layers {
            info.layers = layers;
        }
        if let Some(audio) = audio.filter(|_| kind == MediaKind::Audio) {
            info.audio = audio;
        }
        if *info != before {
            self.track_changed(id);
            self.reconcile_track(id, now.instant);
        }
        Ok(Reply::Done)
    }
}
