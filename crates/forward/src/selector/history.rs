/// What is remembered of the newest numbers, one cell for each; `N` is a power of two.
#[derive(Debug, Clone)]
pub(super) struct History<T, const N: usize> {
    newest: u64,
    cells: [T; N],
}

impl<T: Copy, const N: usize> History<T, N> {
    /// Begins with `newest`; it and what is before it have `cell`.
    pub(super) fn new(newest: u64, cell: T) -> Self {
        Self {
            newest,
            cells: [cell; N],
        }
    }

    pub(super) fn newest(&self) -> u64 {
        self.newest
    }

    /// Makes `number` the newest; it and what was skipped get `cell`.
    #[inline]
    pub(super) fn advance(&mut self, number: u64, cell: T) {
        let skipped = number.saturating_sub(self.newest);
        if skipped > 1 {
            self.fill(number, skipped.min(N as u64), cell);
        } else if skipped == 1 {
            self.cells[number as usize % N] = cell;
        }
        self.newest = self.newest.max(number);
    }

    #[inline(never)]
    fn fill(&mut self, number: u64, skipped: u64, cell: T) {
        for back in 0..skipped {
            self.cells[number.wrapping_sub(back) as usize % N] = cell;
        }
    }

    /// The cell of a number; `None` for one that is too old or not reached yet.
    #[inline]
    pub(super) fn get(&self, number: u64) -> Option<T> {
        self.remembers(number).then(|| self.cells[number as usize % N])
    }

    /// Changes the cell of a number that is remembered.
    #[inline]
    pub(super) fn set(&mut self, number: u64, cell: T) {
        if self.remembers(number) {
            self.cells[number as usize % N] = cell;
        }
    }

    /// Changes all cells.
    pub(super) fn update(&mut self, change: impl FnMut(&mut T)) {
        self.cells.iter_mut().for_each(change);
    }

    fn remembers(&self, number: u64) -> bool {
        self.newest
            .checked_sub(number)
            .is_some_and(|back| back < N as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipped_numbers_get_the_cell_of_the_step_and_old_ones_are_forgotten() {
        let mut history = History::<u8, 4>::new(100, 0);
        assert_eq!(
            (history.get(97), history.get(96), history.get(101)),
            (Some(0), None, None)
        );
        history.advance(102, 1);
        history.set(102, 2);
        assert_eq!(
            (history.get(101), history.get(102), history.get(98)),
            (Some(1), Some(2), None)
        );
        history.set(98, 9);
        assert_eq!(history.get(102), Some(2), "what is forgotten is not written over");
        history.advance(1_000_000, 3);
        assert_eq!(history.get(999_997), Some(3));
        history.advance(5, 4);
        assert_eq!(history.newest(), 1_000_000);
    }
}
