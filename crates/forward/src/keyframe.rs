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
    wanted: bool,
    last: Option<Instant>,
}

impl KeyframeThrottle {
    /// Somebody needs a keyframe.
    pub(crate) fn want(&mut self) {
        self.wanted = true;
    }

    /// A keyframe arrived.
    pub(crate) fn satisfied(&mut self) {
        self.wanted = false;
    }

    /// Whether to ask the publisher now; counts as asked. The wish stays until a keyframe arrives.
    pub(crate) fn ask(&mut self, layer: usize, now: Instant) -> bool {
        let due = self.wanted && self.due_at(layer).is_none_or(|due| due <= now);
        if due {
            self.last = Some(now);
        }
        due
    }

    /// When to ask next: `None` where nothing is wanted, or where it may be asked at once.
    pub(crate) fn next(&self, layer: usize) -> Option<Instant> {
        self.due_at(layer).filter(|_| self.wanted)
    }

    fn due_at(&self, layer: usize) -> Option<Instant> {
        self.last.map(|last| last + SPACING[layer.min(2)])
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
        throttle.want();
        throttle.want();
        assert!(throttle.ask(2, at(0)));
        assert!(!throttle.ask(2, at(10)));
        assert_eq!(throttle.next(2), Some(at(1_000)));
        assert!(throttle.ask(2, at(1_000)), "asked again, since none came");
        throttle.satisfied();
        assert!(!throttle.ask(2, at(5_000)));
    }
}
