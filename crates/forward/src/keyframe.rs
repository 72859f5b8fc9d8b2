use std::time::{Duration, Instant};

/// Shortest time between two requests for the lowest layer, and for the others.
const SPACING: [Duration; 3] = [
    Duration::from_millis(500),
    Duration::from_millis(1_000),
    Duration::from_millis(1_000),
];

/// Merges the keyframe wishes for one layer and spaces the requests that go to its publisher.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct KeyframeThrottle {
    /// Since when somebody needs one.
    wanted: Option<Instant>,
    last: Option<Instant>,
}

impl KeyframeThrottle {
    /// Somebody needs a keyframe.
    pub(crate) fn want(&mut self, now: Instant) {
        self.wanted.get_or_insert(now);
    }

    /// A keyframe arrived.
    pub(crate) fn satisfied(&mut self) {
        self.wanted = None;
    }

    /// Whether somebody waits for one.
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted.is_some()
    }

    /// Whether to ask the publisher now; counts as asked. The wish stays until a keyframe arrives.
    pub(crate) fn ask(&mut self, layer: usize, now: Instant) -> bool {
        let due = self.next(layer).is_some_and(|due| due <= now);
        if due {
            self.last = Some(now);
        }
        due
    }

    /// When to ask next; `None` where nothing is wanted.
    pub(crate) fn next(&self, layer: usize) -> Option<Instant> {
        let wanted = self.wanted?;
        Some(
            self.last
                .map_or(wanted, |last| wanted.max(last + SPACING[layer.min(2)])),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_wishes_become_spaced_requests_until_a_keyframe_comes() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut throttle = KeyframeThrottle::default();
        assert!(!throttle.ask(2, at(0)));
        throttle.want(at(0));
        throttle.want(at(0));
        assert!(throttle.ask(2, at(0)));
        assert!(!throttle.ask(2, at(10)));
        assert_eq!(throttle.next(2), Some(at(1_000)));
        assert!(throttle.ask(2, at(1_000)), "asked again, since none came");
        throttle.satisfied();
        assert!(!throttle.ask(2, at(5_000)));
    }
}
