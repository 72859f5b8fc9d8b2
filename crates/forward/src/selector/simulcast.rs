/// Which simulcast layer a subscriber gets: it stays on one until a keyframe of the wanted one arrives.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SimulcastSelector {
    current: Option<usize>,
    target: Option<usize>,
}

/// What to do with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not for this subscriber.
    Drop,
    /// Send it as the next of the present layer.
    Forward,
    /// Send it; it is the first of another layer (or the first at all).
    Switch,
}

impl SimulcastSelector {
    /// Wants `target`; `None` stops at once.
    pub(crate) fn aim(&mut self, target: Option<usize>) {
        self.target = target;
        if target.is_none() {
            self.current = None;
        }
    }

    pub(crate) fn current(&self) -> Option<usize> {
        self.current
    }

    /// The layer a keyframe is waited for, if any.
    pub(crate) fn waiting_for(&self) -> Option<usize> {
        self.target.filter(|_| self.target != self.current)
    }

    /// Judges a packet of `layer`; `starts_keyframe` is asked only where it matters.
    pub(crate) fn judge(&mut self, layer: usize, starts_keyframe: impl FnOnce() -> bool) -> Verdict {
        if Some(layer) == self.current {
            return Verdict::Forward;
        }
        if Some(layer) == self.target && starts_keyframe() {
            self.current = self.target;
            return Verdict::Switch;
        }
        Verdict::Drop
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_entered_only_at_a_keyframe() {
        let mut selector = SimulcastSelector::default();
        selector.aim(Some(1));
        assert_eq!(selector.judge(1, || false), Verdict::Drop);
        assert_eq!(selector.waiting_for(), Some(1));
        assert_eq!(selector.judge(1, || true), Verdict::Switch);
        assert_eq!(selector.judge(1, || false), Verdict::Forward);
        assert_eq!(selector.waiting_for(), None);
    }

    #[test]
    fn the_old_layer_flows_until_the_new_one_is_ready() {
        let mut selector = SimulcastSelector::default();
        selector.aim(Some(0));
        selector.judge(0, || true);
        selector.aim(Some(2));
        assert_eq!(selector.judge(0, || false), Verdict::Forward);
        assert_eq!(selector.judge(1, || true), Verdict::Drop);
        assert_eq!(selector.judge(2, || true), Verdict::Switch);
        assert_eq!(selector.judge(0, || true), Verdict::Drop);
    }

    #[test]
    fn aiming_at_nothing_stops_at_once() {
        let mut selector = SimulcastSelector::default();
        selector.aim(Some(0));
        selector.judge(0, || true);
        selector.aim(None);
        assert_eq!(selector.judge(0, || true), Verdict::Drop);
    }
}
