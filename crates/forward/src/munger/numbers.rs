/// How far a source's numbers step at most without having begun anew.
pub(super) const FAR: u64 = 1 << 12;

/// Carries numbers of changing sources over to one outgoing order, closing the gaps that leaving out makes.
///
/// Within a source a number is moved by an offset that grows by one with every number that is left out. The last `N`
/// offsets are remembered for what arrives late; `N` is a power of two.
#[derive(Debug, Clone)]
pub(super) struct Numbers<const N: usize> {
    /// Newest number placed or left out.
    newest: u64,
    /// What the source's first offset takes away.
    base: u64,
    runs: [Run; N],
    /// Place of the newest run, and how many there are.
    head: usize,
    count: usize,
}

/// From a number on, so many were left out before.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    /// The low bits suffice: runs are near the newest number.
    from: u32,
    left_out: u32,
}

impl<const N: usize> Numbers<N> {
    /// Begins a source whose `first` number becomes `outgoing`.
    pub(super) fn new(first: u64, outgoing: u64) -> Self {
        let mut runs = [Run::default(); N];
        runs[0].from = first as u32;
        Self {
            newest: first.wrapping_sub(1),
            base: first.wrapping_sub(outgoing),
            runs,
            head: 0,
            count: 1,
        }
    }

    /// Whether a number is newer than all placed or left out.
    pub(super) fn is_newest(&self, number: u64) -> bool {
        number.wrapping_sub(self.newest) as i64 > 0
    }

    /// Whether a number is so far ahead that its source must have begun anew.
    pub(super) fn is_far(&self, number: u64) -> bool {
        self.is_newest(number) && number.wrapping_sub(self.newest) > FAR
    }

    /// Places a number; `None` for one from before the source's first or before what is remembered.
    pub(super) fn place(&mut self, number: u64) -> Option<u64> {
        let run = (0..self.count)
            .map(|back| self.runs[self.head.wrapping_sub(back) % N])
            .find(|run| (number as u32).wrapping_sub(run.from) as i32 >= 0)?;
        if self.is_newest(number) {
            self.newest = number;
        }
        Some(
            number
                .wrapping_sub(self.base)
                .wrapping_sub(u64::from(run.left_out)),
        )
    }

    /// Leaves a number out, so that what follows closes the gap. False for one that is not the newest: its gap stays,
    /// since what came after it has its place already.
    pub(super) fn leave_out(&mut self, number: u64) -> bool {
        if !self.is_newest(number) {
            return false;
        }
        self.newest = number;
        let from = (number as u32).wrapping_add(1);
        let last = &mut self.runs[self.head % N];
        let left_out = last.left_out.wrapping_add(1);
        if last.from == number as u32 {
            *last = Run { from, left_out };
            return true;
        }
        self.head = self.head.wrapping_add(1);
        self.runs[self.head % N] = Run { from, left_out };
        self.count = (self.count + 1).min(N);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_gap_of_the_network_stays_and_is_filled_by_what_comes_late() {
        let mut numbers = Numbers::<8>::new(1_000, 100);
        assert_eq!(numbers.place(1_000), Some(100));
        assert!(numbers.leave_out(1_002), "one was lost before it");
        assert!(numbers.leave_out(1_003));
        assert_eq!(numbers.place(1_004), Some(102));
        assert_eq!(numbers.place(1_001), Some(101), "the lost one");
        assert!(!numbers.leave_out(1_003));
        assert_eq!(numbers.place(999), None, "from before the source");
    }

    #[test]
    fn the_oldest_offsets_are_forgotten() {
        let mut numbers = Numbers::<4>::new(0, 0);
        for number in 0..100 {
            if number % 2 == 0 {
                assert_eq!(numbers.place(number), Some(number / 2));
            } else {
                assert!(numbers.leave_out(number));
            }
        }
        assert_eq!(numbers.place(94), Some(47));
        assert_eq!(numbers.place(90), None);
    }

    proptest! {
        #[test]
        fn what_was_not_left_out_has_no_gaps_but_the_lost(
            start in prop_oneof![0u64..10, (u64::from(u32::MAX) - 100)..(u64::from(u32::MAX) + 100)],
            fates in proptest::collection::vec(0u8..4, 1..300),
        ) {
            let mut numbers = Numbers::<32>::new(start, 7);
            let mut expected = 7;
            for (number, fate) in (start..).zip(fates) {
                match fate {
                    0 => prop_assert!(numbers.leave_out(number)),
                    1 => expected += 1,
                    _ => {
                        prop_assert_eq!(numbers.place(number), Some(expected));
                        expected += 1;
                    }
                }
            }
        }
    }
}
