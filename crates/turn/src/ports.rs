//! The ports relays may have.

use std::ops::RangeInclusive;

/// Which ports of a range are taken; a bit each.
#[derive(Debug)]
pub(crate) struct Ports {
    first: u16,
    /// Number of ports, 1 to 65,535.
    count: u32,
    taken: Box<[u64]>,
    free: u32,
}

impl Ports {
    pub(crate) fn new(range: &RangeInclusive<u16>) -> Self {
        let first = *range.start();
        let count = u32::from(range.end().saturating_sub(first)) + 1;
        Self {
            first,
            count,
            taken: vec![0; count.div_ceil(64) as usize].into(),
            free: count,
        }
    }

    pub(crate) fn free(&self) -> u32 {
        self.free
    }

    /// Takes a free port: the first one from a place that `random` chooses.
    pub(crate) fn take(&mut self, random: u32) -> Option<u16> {
        if self.free == 0 {
            return None;
        }
        let start = random % self.count;
        let index = self.search(start, |ports, index| !ports.is_taken(index))?;
        Some(self.take_index(index))
    }

    /// Takes an even port whose successor is free too, and that one as well if `both`.
    pub(crate) fn take_even(&mut self, random: u32, both: bool) -> Option<u16> {
        let start = random % self.count;
        let index = self.search(start, |ports, index| {
            let even = (u32::from(ports.first) + index).is_multiple_of(2);
            even && !ports.is_taken(index) && (!both || index + 1 < ports.count && !ports.is_taken(index + 1))
        })?;
        if both {
            self.take_index(index + 1);
        }
        Some(self.take_index(index))
    }

    pub(crate) fn give_back(&mut self, port: u16) {
        let Some(index) = port.checked_sub(self.first).map(u32::from) else {
            return;
        };
        if index < self.count && self.is_taken(index) {
            if let Some(word) = self.taken.get_mut(index as usize / 64) {
                *word &= !(1 << (index % 64));
            }
            self.free += 1;
        }
    }

    fn search(&self, start: u32, fits: impl Fn(&Self, u32) -> bool) -> Option<u32> {
        (start..self.count)
            .chain(0..start)
            .find(|&index| fits(self, index))
    }

    fn take_index(&mut self, index: u32) -> u16 {
        if let Some(word) = self.taken.get_mut(index as usize / 64) {
            *word |= 1 << (index % 64);
        }
        self.free = self.free.saturating_sub(1);
        self.first.saturating_add(index as u16)
    }

    fn is_taken(&self, index: u32) -> bool {
        let word = self.taken.get(index as usize / 64);
        word.is_none_or(|word| word & 1 << (index % 64) != 0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_port_is_taken_once_and_comes_back() {
        let range = 50_001..=50_130;
        let mut ports = Ports::new(&range);
        for round in 0..3 {
            let taken: BTreeSet<u16> = (0..130).map(|i| ports.take(i * 7919 + round).unwrap()).collect();
            assert_eq!(taken.len(), 130);
            assert!(taken.iter().all(|port| range.contains(port)));
            assert_eq!((ports.free(), ports.take(5)), (0, None));
            for port in taken {
                ports.give_back(port);
                ports.give_back(port);
            }
            assert_eq!(ports.free(), 130);
        }
        ports.give_back(50_000);
        ports.give_back(50_131);
        assert_eq!(ports.free(), 130);
    }

    #[test]
    fn pairs_begin_at_an_even_port() {
        let mut ports = Ports::new(&(50_001..=50_006));
        let taken: BTreeSet<u16> = (0..2).map(|i| ports.take_even(i, true).unwrap()).collect();
        assert_eq!(taken, BTreeSet::from([50_002, 50_004]));
        assert_eq!(ports.take_even(0, true), None, "50007 is not ours");
        assert_eq!(ports.take_even(0, false), Some(50_006));
        assert_eq!(ports.take(0), Some(50_001));
        assert_eq!(ports.free(), 0);
    }

    #[test]
    fn the_whole_range_of_ports_can_be_used() {
        let mut ports = Ports::new(&(0..=u16::MAX));
        assert_eq!(ports.free(), 65_536);
        assert_eq!(ports.take(65_535), Some(u16::MAX));
    }
}
