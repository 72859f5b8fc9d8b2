//! What to believe where the peer does not report single packets: its own estimate (REMB, draft-alvestrand-rmcat-remb-03)
//! and the loss in its receiver reports (draft-ietf-rmcat-gcc-02 §6).

/// A peer's estimate counts this long; a report of packets supersedes the rest of this file for as long.
pub(super) const REMB_US: u64 = 10_000_000;
/// Growth and fall with one estimate of the peer. Those come once a second, or at once when they fall.
const REMB_UP: f64 = 1.5;
const REMB_DOWN: f64 = 0.5;
/// A peer is not believed further above what is sent to it: enough to reach the next layer of a simulcast.
const REMB_AHEAD: f64 = 4.0;
const REMB_AHEAD_BPS: f64 = 100_000.0;
/// Loss above which the rate is reduced, and below which it grows.
const HIGH_LOSS: f64 = 0.1;
const LOW_LOSS: f64 = 0.02;
/// Growth with a report of little loss, once a second at most.
const GROWTH: f64 = 1.08;
const STEP_US: u64 = 1_000_000;
const REDUCE_US: u64 = 300_000;
const AHEAD: f64 = 1.5;

/// The peer's own estimate.
#[derive(Debug, Default)]
pub(super) struct Fallback {
    remb: Option<(f64, u64)>,
    grown_us: Option<u64>,
    reduced_us: Option<u64>,
}

impl Fallback {
    /// Takes an estimate of the peer; one far below what is believed, in steps.
    pub(super) fn note_remb(&mut self, bps: f64, rate_bps: f64, now_us: u64) {
        let from = self
            .remb_bps(now_us)
            .map_or(rate_bps, |known| known.min(rate_bps));
        self.remb = Some((bps.max(REMB_DOWN * from), now_us));
    }

    /// The peer's estimate, while it counts.
    pub(super) fn remb_bps(&self, now_us: u64) -> Option<f64> {
        let (bps, at_us) = self.remb?;
        (now_us.saturating_sub(at_us) < REMB_US).then_some(bps)
    }

    /// The rate after an estimate of the peer, from the rate before and what is sent.
    pub(super) fn after_remb(&self, rate_bps: f64, sent_bps: f64, now_us: u64) -> f64 {
        let Some(remb_bps) = self.remb_bps(now_us) else {
            return rate_bps;
        };
        if remb_bps < rate_bps {
            return remb_bps;
        }
        let believed = REMB_AHEAD * sent_bps + REMB_AHEAD_BPS;
        let most = remb_bps.min(REMB_UP * rate_bps).min(believed);
        most.max(rate_bps)
    }

    /// The rate after a receiver report, from the rate before and what is sent.
    pub(super) fn after_loss(&mut self, share: f64, rate_bps: f64, sent_bps: f64, now_us: u64) -> f64 {
        let long_ago = |at: Option<u64>, span_us| at.is_none_or(|at| now_us.saturating_sub(at) >= span_us);
        if share > HIGH_LOSS {
            if !long_ago(self.reduced_us, REDUCE_US) {
                return rate_bps;
            }
            self.reduced_us = Some(now_us);
            return rate_bps * (1.0 - 0.5 * share.min(1.0));
        }
        // Where the peer estimates by delay, its word is the better reason to grow.
        let grows = share < LOW_LOSS && self.remb_bps(now_us).is_none();
        if grows && long_ago(self.grown_us, STEP_US) {
            self.grown_us = Some(now_us);
            return (rate_bps * GROWTH).min(AHEAD * sent_bps).max(rate_bps);
        }
        rate_bps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_of_nothing_is_followed_in_steps() {
        let mut fallback = Fallback::default();
        fallback.note_remb(0.0, 1e6, 0);
        assert_eq!(fallback.after_remb(1e6, 1e6, 1), 5e5);
        fallback.note_remb(0.0, 5e5, 2);
        assert_eq!(fallback.after_remb(5e5, 1e6, 3), 2.5e5);
    }

    #[test]
    fn an_enormous_estimate_is_believed_as_far_as_we_send() {
        let mut fallback = Fallback::default();
        let mut rate = 5e5;
        for second in 0..60 {
            fallback.note_remb(1e10, rate, second * 1_000_000);
            rate = fallback.after_remb(rate, 1e6, second * 1_000_000);
        }
        assert_eq!(rate, 4.1e6);
        assert_eq!(fallback.after_remb(5e6, 1e6, 60_000_000), 5e6);
    }

    #[test]
    fn an_old_estimate_counts_no_longer() {
        let mut fallback = Fallback::default();
        fallback.note_remb(1e5, 1e6, 0);
        assert_eq!(fallback.after_remb(1e6, 1e6, REMB_US), 1e6);
    }

    #[test]
    fn reports_of_loss_move_the_rate_as_the_draft_says() {
        let mut fallback = Fallback::default();
        assert_eq!(fallback.after_loss(0.2, 1e6, 1e6, 0), 9e5);
        assert_eq!(fallback.after_loss(0.2, 9e5, 1e6, 100_000), 9e5, "too soon");
        assert_eq!(fallback.after_loss(0.05, 9e5, 1e6, 1_000_000), 9e5);
        assert_eq!(fallback.after_loss(0.0, 1e6, 1e6, 2_000_000), 1.08e6);
        assert_eq!(
            fallback.after_loss(0.0, 1.08e6, 1e6, 2_100_000),
            1.08e6,
            "too soon"
        );
        assert_eq!(
            fallback.after_loss(0.0, 1.08e6, 1e5, 4_000_000),
            1.08e6,
            "we send little"
        );
    }
}
