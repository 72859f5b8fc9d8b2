//! Moving a route from one track to another: the same picture in another codec.

use std::time::Instant;

use super::{RouteKey, Routes, TrackKey};
use crate::published::LAYERS;

impl Routes {
    /// Serves a route from another track from now on, beginning at a keyframe of it. What its subscriber gets goes on
    /// in one order, and what it got before can be repaired.
    pub fn move_route(&mut self, route: RouteKey, to: TrackKey, now: Instant) {
        if !self.tracks.contains(to.0 as usize) {
            return;
        }
        let Some(slot) = self.routes.get_mut(route.0 as usize) else {
            return;
        };
        let from = std::mem::replace(&mut slot.track, to.0);
        if from == to.0 {
            return;
        }
        slot.forwarder.stop();
        if let Some(left) = self.tracks.get_mut(from as usize) {
            left.routes.retain(|key| *key != route.0);
        }
        if let Some(entered) = self.tracks.get_mut(to.0 as usize) {
            entered.routes.push(route.0);
        }
        self.aim(route.0, now);
    }

    /// The track a route is served from.
    pub fn track_of(&self, route: RouteKey) -> Option<TrackKey> {
        Some(TrackKey(self.routes.get(route.0 as usize)?.track))
    }

    /// Whether packets of a track came lately.
    pub fn is_alive(&self, track: TrackKey, now: Instant) -> bool {
        self.tracks
            .get(track.0 as usize)
            .is_some_and(|slot| (0..LAYERS).any(|spatial| slot.published.alive(spatial, now)))
    }
}
