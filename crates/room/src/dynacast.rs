//! What publishers need to send: the greatest demand of all receivers, for each codec of each video track.
//!
//! More is asked for at once; less only after it has lasted [`DOWNGRADE_DELAY`], and never before
//! [`FIRST_DECISION_DELAY`] after the track went live, so that people coming and going do not make encoders restart.

use std::collections::BTreeMap;
use std::time::Instant;

use tertulia_model::{Codec, MediaKind, Quality, TrackId};

use crate::limits::{DOWNGRADE_DELAY, FIRST_DECISION_DELAY};
use crate::publication::Publication;
use crate::{Audience, CodecQualities, Event, Room, TrackState};

/// When everybody gets the backup codec as soon as somebody needs it: the numbers of
/// [`TrackInfo::backup_codec_policy`](crate::TrackInfo::backup_codec_policy).
pub(crate) mod policy {
    pub(crate) const SMALL_ROOMS: i32 = 0;
    pub(crate) const NEVER: i32 = 1;
    pub(crate) const ALWAYS: i32 = 2;
}

/// In a room of no more, encoding once is worth more than the better codec for some.
const SMALL_ROOM: usize = 4;

/// What the publisher of one track was last told, and when it may be told less.
#[derive(Debug, Default)]
pub(crate) struct Demand {
    /// Highest quality asked of each codec. A codec not listed was never spoken of: publishers then send all of the
    /// primary and nothing of a backup.
    told: BTreeMap<Codec, Option<Quality>>,
    first_decision_at: Option<Instant>,
    pub(crate) downgrade_at: Option<Instant>,
}

impl Demand {
    pub(crate) fn begin(now: Instant) -> Self {
        Self {
            first_decision_at: now.checked_add(FIRST_DECISION_DELAY),
            ..Self::default()
        }
    }
}

impl Publication {
    /// The codec for those who cannot decode the primary.
    pub(crate) fn backup_codec(&self) -> Option<Codec> {
        self.info.backup_codec()
    }

    /// The negotiated codec, then the backup.
    fn codecs(&self) -> impl Iterator<Item = Codec> {
        self.info.codec.into_iter().chain(self.backup_codec())
    }

    fn last_told(&self, codec: Codec) -> Option<Quality> {
        let unspoken = (Some(codec) == self.info.codec).then_some(Quality::High);
        self.demand.told.get(&codec).copied().unwrap_or(unspoken)
    }

    /// The greatest quality any receiver wants of `codec`.
    fn wanted(&self, codec: Codec) -> Option<Quality> {
        let backup = self.backup_codec();
        let served_by = |subscriber| {
            if self.unable.contains(subscriber) {
                None
            } else if self.regressed || self.needing_backup.contains(subscriber) {
                backup
            } else {
                self.info.codec
            }
        };
        let receivers = self
            .routes
            .iter()
            .filter(|(subscriber, wanted)| wanted.enabled && served_by(subscriber) == Some(codec));
        receivers.map(|(_, wanted)| wanted.max_quality).max()
    }
}

impl Publication {
    /// Whether its publisher rather encodes once than twice in a room of so many.
    fn prefers_regression(&self, participants: usize) -> bool {
        match self.info.backup_codec_policy {
            policy::SMALL_ROOMS => participants <= SMALL_ROOM,
            policy::ALWAYS => true,
            _ => false,
        }
    }
}

impl Room {
    /// Gives everybody the backup codec, once it arrives, where somebody needs it and the publisher rather encodes once.
    /// There is no way back, so that people coming and going do not switch encoders. Weighs the demand.
    pub(crate) fn regress(&mut self, id: &TrackId, now: Instant) {
        let participants = self.members.len();
        let Some(publication) = self.tracks.get_mut(id) else {
            return;
        };
        let regresses = publication.backup_live
            && !publication.regressed
            && !publication.needing_backup.is_empty()
            && publication.prefers_regression(participants);
        if regresses {
            publication.regressed = true;
            self.reconcile_track(id, now);
        } else {
            self.settle_demand(id, now);
        }
    }

    /// Weighs the demand for one track after anything that bears on it: asks for more at once and notes when to ask
    /// for less.
    pub(crate) fn settle_demand(&mut self, id: &TrackId, now: Instant) {
        let Some(publication) = self.tracks.get_mut(id) else {
            return;
        };
        if publication.info.kind != MediaKind::Video || publication.state != TrackState::Live {
            return;
        }
        let codecs: Vec<Codec> = publication.codecs().collect();
        let (mut more, mut less) = (false, false);
        for &codec in &codecs {
            let (told, wanted) = (publication.last_told(codec), publication.wanted(codec));
            if wanted > told {
                publication.demand.told.insert(codec, wanted);
                more = true;
            }
            less |= wanted < told;
        }
        let before = publication.demand.downgrade_at;
        let after = less
            .then(|| before.or_else(|| publication.demand.downgrade_due(now)))
            .flatten();
        publication.demand.downgrade_at = after;
        if before != after {
            if let Some(at) = before {
                self.downgrades.remove(&(at, id.clone()));
            }
            if let Some(at) = after {
                self.downgrades.insert((at, id.clone()));
            }
        }
        if more {
            self.tell_demand(id);
        }
    }

    /// Tells publishers of lower demands that have lasted.
    pub(crate) fn settle_demands(&mut self, now: Instant) {
        while let Some((at, id)) = self.downgrades.first().cloned()
            && at <= now
        {
            self.downgrades.remove(&(at, id.clone()));
            let Some(publication) = self.tracks.get_mut(&id) else {
                continue;
            };
            publication.demand.downgrade_at = None;
            let codecs: Vec<Codec> = publication.codecs().collect();
            for codec in codecs {
                let wanted = publication.wanted(codec);
                publication.demand.told.insert(codec, wanted);
            }
            self.tell_demand(&id);
        }
    }

    fn tell_demand(&mut self, id: &TrackId) {
        let Some(publication) = self.tracks.get(id) else {
            return;
        };
        let qualities = |codec| {
            let highest = publication.last_told(codec);
            // Lower layers stay, so that a receiver short of bandwidth can step down at once.
            CodecQualities {
                codec,
                wanted: Quality::ALL.map(|quality| Some(quality) <= highest),
            }
        };
        let codecs = publication.codecs().map(qualities).collect();
        let publisher = publication.publisher.clone();
        self.send(
            Audience::One(publisher),
            Event::QualitiesWanted {
                track: id.clone(),
                codecs,
            },
        );
    }
}

impl Demand {
    fn downgrade_due(&self, now: Instant) -> Option<Instant> {
        let settled = now.checked_add(DOWNGRADE_DELAY)?;
        Some(self.first_decision_at.map_or(settled, |first| first.max(settled)))
    }
}

#[cfg(test)]
impl Demand {
    pub(crate) fn told_primary(&self, codec: Option<Codec>) -> Option<Option<Quality>> {
        self.told.get(&codec?).copied()
    }
}
