//! From the 32-bit identifiers of the packet path to the slots behind them.

/// Mark of a free cell.
const FREE: u16 = u16::MAX;
const MIN_CELLS: usize = 16;

/// A map from SSRCs or ids to small numbers, of open addressing, at most half full.
///
/// Peers choose their SSRCs, so where a key lies depends on a seed they do not know.
#[derive(Debug)]
pub(super) struct Lookup {
    cells: Vec<Cell>,
    seed: u32,
    len: usize,
}

#[derive(Debug, Clone, Copy)]
struct Cell {
    key: u32,
    value: u16,
}

const EMPTY: Cell = Cell { key: 0, value: FREE };

impl Lookup {
    pub(super) fn new(seed: u32) -> Self {
        Self {
            cells: Vec::new(),
            seed,
            len: 0,
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn find(&self, key: u32) -> Option<u16> {
        if self.cells.is_empty() {
            return None;
        }
        let mut at = self.place(key);
        loop {
            let cell = self.cells.get(at)?;
            if cell.value == FREE {
                return None;
            }
            if cell.key == key {
                return Some(cell.value);
            }
            at = (at + 1) & (self.cells.len() - 1);
        }
    }

    /// Puts a value below 65 535 under a key, in place of what was there.
    pub(super) fn insert(&mut self, key: u32, value: u16) {
        debug_assert_ne!(value, FREE);
        if (self.len + 1) * 2 > self.cells.len() {
            let size = (self.cells.len() * 2).max(MIN_CELLS);
            self.rebuild(size, None);
        }
        self.put(Cell { key, value });
    }

    pub(super) fn remove(&mut self, key: u32) {
        if self.find(key).is_some() {
            self.rebuild(self.cells.len(), Some(key));
        }
    }

    fn put(&mut self, new: Cell) {
        let mask = self.cells.len().saturating_sub(1);
        let mut at = self.place(new.key);
        while let Some(cell) = self.cells.get_mut(at) {
            if cell.value == FREE || cell.key == new.key {
                self.len += usize::from(cell.value == FREE);
                *cell = new;
                return;
            }
            at = (at + 1) & mask;
        }
    }

    fn rebuild(&mut self, size: usize, without: Option<u32>) {
        let old = std::mem::replace(&mut self.cells, vec![EMPTY; size]);
        self.len = 0;
        for cell in old {
            if cell.value != FREE && Some(cell.key) != without {
                self.put(cell);
            }
        }
    }

    fn place(&self, key: u32) -> usize {
        // Fibonacci hashing: the upper bits of the product depend on all bits of the key.
        let hash = (key ^ self.seed).wrapping_mul(0x9e37_79b1);
        (hash >> 16) as usize & (self.cells.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::Lookup;
    use std::collections::BTreeMap;

    #[test]
    fn what_was_put_is_found_until_it_is_removed() {
        let mut lookup = Lookup::new(0x1234_5678);
        let mut model = BTreeMap::new();
        let mut key = 1_u32;
        for step in 0..5_000_u32 {
            key = key.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let short = key >> 22;
            if step % 3 == 2 {
                lookup.remove(short);
                model.remove(&short);
            } else {
                let value = (step % 60_000) as u16;
                lookup.insert(short, value);
                model.insert(short, value);
            }
            assert_eq!(lookup.find(short), model.get(&short).copied());
        }
        for key in 0..1_024 {
            assert_eq!(lookup.find(key), model.get(&key).copied(), "for {key}");
        }
        assert_eq!(lookup.len(), model.len());
        assert_eq!(Lookup::new(0).find(0), None);
    }
}
