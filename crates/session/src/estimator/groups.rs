//! Packets that were sent together, and how much later each group arrived than the one before
//! (draft-ietf-rmcat-gcc-02 §5.1, §5.2).

/// Packets sent within this time are one group (draft-ietf-rmcat-gcc-02 §5.2).
const GROUP_US: i64 = 5_000;
/// A group that a queue let go of at once is no longer than this.
const MAX_BURST_US: i64 = 100_000;
/// After so many groups in a row that arrived before their predecessor, the clock has changed.
const MAX_BACKWARDS: u32 = 3;

/// The difference between two consecutive groups.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Delta {
    pub(super) sent_ms: f64,
    pub(super) arrival_ms: f64,
    /// When the later group was complete, by the receiver's clock.
    pub(super) at_ms: f64,
}

#[derive(Debug, Clone, Copy)]
struct Group {
    first_sent: i64,
    last_sent: i64,
    first_arrival: i64,
    last_arrival: i64,
}

impl Group {
    fn takes(&self, sent: i64, arrival: i64) -> bool {
        if sent - self.first_sent <= GROUP_US {
            return true;
        }
        let gap = arrival - self.last_arrival;
        gap <= GROUP_US && gap < sent - self.last_sent && arrival - self.first_arrival < MAX_BURST_US
    }
}

/// Gathers packets, in the order of their numbers, into groups.
#[derive(Debug, Default)]
pub(super) struct Groups {
    previous: Option<Group>,
    current: Option<Group>,
    backwards: u32,
}

impl Groups {
    /// Adds a packet, by microseconds of our clock and of the receiver's. Says how the group that it ends compares with
    /// the one before.
    pub(super) fn add(&mut self, sent: i64, arrival: i64) -> Option<Delta> {
        let Some(current) = &mut self.current else {
            self.current = Some(Group::new(sent, arrival));
            return None;
        };
        if sent < current.first_sent {
            return None;
        }
        if current.takes(sent, arrival) {
            current.last_sent = current.last_sent.max(sent);
            current.last_arrival = current.last_arrival.max(arrival);
            return None;
        }
        let ended = *current;
        *current = Group::new(sent, arrival);
        let previous = self.previous.replace(ended)?;
        let arrival_us = ended.last_arrival - previous.last_arrival;
        if arrival_us < 0 {
            self.backwards += 1;
            if self.backwards >= MAX_BACKWARDS {
                self.break_off();
            }
            return None;
        }
        self.backwards = 0;
        Some(Delta {
            sent_ms: (ended.last_sent - previous.last_sent) as f64 / 1_000.0,
            arrival_ms: arrival_us as f64 / 1_000.0,
            at_ms: ended.last_arrival as f64 / 1_000.0,
        })
    }

    /// Forgets the groups under way, so that nothing is compared across this moment.
    pub(super) fn break_off(&mut self) {
        *self = Self::default();
    }
}

impl Group {
    fn new(sent: i64, arrival: i64) -> Self {
        Self {
            first_sent: sent,
            last_sent: sent,
            first_arrival: arrival,
            last_arrival: arrival,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deltas(packets: &[(i64, i64)]) -> Vec<(f64, f64)> {
        let mut groups = Groups::default();
        packets
            .iter()
            .filter_map(|&(sent, arrival)| groups.add(sent * 1_000, arrival * 1_000))
            .map(|delta| (delta.sent_ms, delta.arrival_ms))
            .collect()
    }

    #[test]
    fn groups_are_compared_by_their_last_packets() {
        let sent = [(0, 50), (4, 54), (20, 75), (40, 100), (60, 130)];
        assert_eq!(deltas(&sent), [(16.0, 21.0), (20.0, 25.0)]);
    }

    #[test]
    fn what_a_stall_lets_go_of_at_once_is_one_group() {
        // Sent every 10 ms, held until 100 ms, then delivered together.
        let sent = [
            (0, 10),
            (10, 20),
            (20, 100),
            (30, 101),
            (40, 102),
            (50, 103),
            (60, 113),
            (70, 123),
        ];
        assert_eq!(deltas(&sent), [(10.0, 10.0), (40.0, 83.0), (10.0, 10.0)]);
    }

    #[test]
    fn packets_from_before_the_group_are_passed_over() {
        assert_eq!(
            deltas(&[(0, 0), (20, 20), (10, 21), (40, 40), (60, 60)]),
            [(20.0, 20.0), (20.0, 20.0)]
        );
    }

    #[test]
    fn a_clock_that_runs_backwards_starts_the_groups_anew() {
        let mut groups = Groups::default();
        for step in 0..50 {
            assert_eq!(groups.add(step * 10_000, -step * 10_000), None, "{step}");
        }
    }
}
