use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use tertulia_model::{Identity, TrackId};

use crate::bucket::Buckets;
use crate::{Origin, ParticipantInfo, ParticipantKind, PublisherPermission, Standing, TrackSettings};

/// Somebody present, with what only the room knows of them.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) info: ParticipantInfo,
    pub(crate) standing: Standing,
    pub(crate) origin: Origin,
    /// Where they come from, as their door sees it.
    pub(crate) network: Option<u64>,
    /// Whether a microphone, a camera was already published in this stay.
    pub(crate) began_audio: bool,
    pub(crate) began_video: bool,
    /// Since when they speak, Unix milliseconds.
    pub(crate) speaks_since_ms: Option<u64>,
    pub(crate) auto_subscribe: bool,
    /// Own tracks, pending or live, in order of publication.
    pub(crate) tracks: Vec<TrackId>,
    pub(crate) listeners: Listeners,
    /// What was said about tracks of others; tracks not listed follow `auto_subscribe`.
    pub(crate) subscriptions: BTreeMap<TrackId, Subscription>,
    /// Highest sequence number of reliable data received, for dropping what a resumed client sends twice.
    pub(crate) last_sequence: u32,
    pub(crate) buckets: Buckets,
}

/// What a subscriber said about one track of somebody else.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Subscription {
    /// Subscribed or not by own word; `None` while never said.
    pub(crate) on: Option<bool>,
    pub(crate) settings: TrackSettings,
    /// Was told that the publisher does not allow it.
    pub(crate) told_denied: bool,
}

impl Member {
    pub(crate) fn new(
        info: ParticipantInfo,
        standing: Standing,
        (origin, network): (Origin, Option<u64>),
        auto_subscribe: bool,
        now: Instant,
    ) -> Self {
        Self {
            info,
            standing,
            origin,
            network,
            began_audio: false,
            began_video: false,
            speaks_since_ms: None,
            auto_subscribe,
            tracks: Vec::new(),
            listeners: Listeners::Everybody,
            subscriptions: BTreeMap::new(),
            last_sequence: 0,
            buckets: Buckets::full(now),
        }
    }

    /// Whether they want `track` and may receive at all; the publisher's word is not asked here.
    pub(crate) fn wishes(&self, track: &TrackId) -> bool {
        let said = self
            .subscriptions
            .get(track)
            .and_then(|subscription| subscription.on);
        self.info.permission.can_subscribe && said.unwrap_or(self.auto_subscribe)
    }

    pub(crate) fn settings(&self, track: &TrackId) -> TrackSettings {
        self.subscriptions
            .get(track)
            .map(|subscription| subscription.settings)
            .unwrap_or_default()
    }

    /// Whether the room lasts for them: it does not for recorders and agents, which would otherwise keep each other
    /// company for ever.
    pub(crate) fn keeps_room_open(&self) -> bool {
        let dependent = matches!(self.info.kind, ParticipantKind::Egress | ParticipantKind::Agent);
        !(dependent || self.info.permission.recorder || self.info.permission.agent)
    }
}

/// Whom a publisher lets subscribe.
#[derive(Debug)]
pub(crate) enum Listeners {
    Everybody,
    Only(BTreeMap<Identity, Allowed>),
}

/// Which tracks one listener may have.
#[derive(Debug)]
pub(crate) enum Allowed {
    All,
    Tracks(BTreeSet<TrackId>),
}

impl Listeners {
    pub(crate) fn from_permissions(permissions: Vec<PublisherPermission>) -> Self {
        let allowed = |permission: &mut PublisherPermission| {
            if permission.all_tracks {
                Allowed::All
            } else {
                Allowed::Tracks(std::mem::take(&mut permission.tracks).into_iter().collect())
            }
        };
        let listed = permissions.into_iter().map(|mut permission| {
            let allowed = allowed(&mut permission);
            (permission.identity, allowed)
        });
        Self::Only(listed.collect())
    }

    pub(crate) fn allow(&self, identity: &Identity, track: &TrackId) -> bool {
        match self {
            Self::Everybody => true,
            Self::Only(listed) => match listed.get(identity) {
                Some(Allowed::All) => true,
                Some(Allowed::Tracks(tracks)) => tracks.contains(track),
                None => false,
            },
        }
    }
}
