/// How far a source's numbers step at most without having begun anew.
pub(super) const FAR: u64 = 1 << 12;

/// Carries numbers of changing sources over to one outgoing order, closing the gaps that leaving out makes.
///
/// Within a source a number is moved by an offset that grows by one with every number that is left out. The offset in
/// force is at hand; as many as `N` before it are remembered elsewhere for what arrives late. `N` is a power of two.
#[derive(Debug, Clone)]
pub(super) struct Numbers<const N: usize> {
    /// Newest number placed or left out.
    newest: u64,
    /// What the source's first offset takes away.
    base: u64,
    run: Run,
    older: Option<Box<Older<N>>>,
}

/// From a number on, so many were left out before.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    /// The low bits suffice: runs are near the newest number.
    from: u32,
    left_out: u32,
}

impl Run {
    #[inline]
    fn covers(self, number: u64) -> bool {
        (number as u32).wrapping_sub(self.from) as i32 >= 0
    }
}

/// Offsets that are no longer in force.
#[derive(Debug, Clone)]
struct Older<const N: usize> {
    runs: [Run; N],
    /// Place behind the newest one, and how many there are.
    next: usize,
    count: usize,
}

impl<const N: usize> Older<N> {
    fn new() -> Self {
        Self {
            runs: [Run::default(); N],
            next: 0,
            count: 0,
        }
    }

    fn push(&mut self, run: Run) {
        self.runs[self.next % N] = run;
        self.next = self.next.wrapping_add(1);
        self.count = (self.count + 1).min(N);
    }

    fn find(&self, number: u64) -> Option<Run> {
        (1..=self.count)
            .map(|back| self.runs[self.next.wrapping_sub(back) % N])
            .find(|run| run.covers(number))
    }
}

impl<const N: usize> Numbers<N> {
    /// Begins a source whose `first` number becomes `outgoing`.
    pub(super) fn new(first: u64, outgoing: u64) -> Self {
        Self {
            newest: first.wrapping_sub(1),
            base: first.wrapping_sub(outgoing),
            run: Run {
                from: first as u32,
                left_out: 0,
            },
            older: None,
        }
    }

    /// As [`Numbers::new`], in place of what was; what it took to remember that serves again.
    pub(super) fn restart(&mut self, first: u64, outgoing: u64) {
        let mut older = self.older.take();
        if let Some(older) = &mut older {
            older.count = 0;
        }
        *self = Self {
            older,
            ..Self::new(first, outgoing)
        };
    }

    /// Whether a number is newer than all placed or left out.
    #[inline]
    pub(super) fn is_newest(&self, number: u64) -> bool {
        number.wrapping_sub(self.newest) as i64 > 0
    }

    /// Whether a number is so far ahead that its source must have begun anew.
    #[inline]
    pub(super) fn is_far(&self, number: u64) -> bool {
        self.is_newest(number) && number.wrapping_sub(self.newest) > FAR
    }

    /// Places a number; `None` for one from before the source's first or before what is remembered.
    #[inline]
    pub(super) fn place(&mut self, number: u64) -> Option<u64> {
        let run = if self.run.covers(number) {
            self.run
        } else {
            self.older.as_ref()?.find(number)?
        };
        if self.is_newest(number) {
            self.newest = number;
        }
        Some(
            number
                .wrapping_sub(self.base)
                .wrapping_sub(u64::from(run.left_out)),
        )
    }

    /// Places all numbers behind `first` up to `last` as they follow it and gives what becomes of the last; `None` where
    /// something behind the first may have been left out.
    #[inline]
    pub(super) fn place_behind(&mut self, first: u64, last: u64) -> Option<u64> {
        if !self.run.covers(first) {
            return None;
        }
        self.place(last)
    }

    /// Leaves a number out, so that what follows closes the gap. False for one that is not the newest: its gap stays,
    /// since what came after it has its place already.
    pub(super) fn leave_out(&mut self, number: u64) -> bool {
        if !self.is_newest(number) {
            return false;
        }
        self.newest = number;
        let before = self.run;
        self.run = Run {
            from: (number as u32).wrapping_add(1),
            left_out: before.left_out.wrapping_add(1),
        };
        if before.from != number as u32 {
            self.older
                .get_or_insert_with(|| Box::new(Older::new()))
                .push(before);
        }
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
