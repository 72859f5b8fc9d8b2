//! How often somebody may ask, without remembering who asked.

use std::hash::BuildHasher as _;
use std::net::IpAddr;

use foldhash::fast::FixedState;

/// A rate, and how much of it may come at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// Requests per second in the long run, at least 1.
    pub per_second: u32,
    /// Requests at once, at least 1.
    pub burst: u32,
}

/// When the next request would conform to a rate, in nanoseconds (the generic cell rate algorithm of ITU-T I.371).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cell(u64);

impl Cell {
    /// Counts a request if it conforms.
    pub(crate) fn admit(&mut self, now_ns: u64, rate: Rate) -> bool {
        if !self.has_room(now_ns, rate) {
            return false;
        }
        self.0 = self.0.max(now_ns) + interval_ns(rate);
        true
    }

    fn has_room(self, now_ns: u64, rate: Rate) -> bool {
        let tolerance = interval_ns(rate) * u64::from(rate.burst.max(1) - 1);
        self.0 <= now_ns.saturating_add(tolerance)
    }
}

fn interval_ns(rate: Rate) -> u64 {
    1_000_000_000 / u64::from(rate.per_second.max(1))
}

/// Limits requests per network in constant memory: two rows of cells, found by two hashes of the network's address.
///
/// Networks that meet in one cell share its rate; a request passes when either row has room, so somebody is held up by
/// strangers only where both cells are taken.
#[derive(Debug)]
pub(crate) struct NetworkLimiter {
    rows: [Row; 2],
    rate: Rate,
}

#[derive(Debug)]
struct Row {
    hash: FixedState,
    cells: Box<[Cell]>,
}

const CELLS_PER_ROW: usize = 2048;

impl NetworkLimiter {
    pub(crate) fn new(rate: Rate, seeds: [u64; 2]) -> Self {
        let rows = seeds.map(|seed| Row {
            hash: FixedState::with_seed(seed),
            cells: vec![Cell::default(); CELLS_PER_ROW].into(),
        });
        Self { rows, rate }
    }

    pub(crate) fn admit(&mut self, now_ns: u64, source: IpAddr) -> bool {
        let network = network_of(source);
        let rate = self.rate;
        self.rows.iter_mut().fold(false, |admitted, row| {
            let index = row.hash.hash_one(network) as usize % CELLS_PER_ROW;
            let cell = row.cells.get_mut(index);
            cell.is_some_and(|cell| cell.admit(now_ns, rate)) || admitted
        })
    }
}

/// What counts as one source: /24 of IPv4, /56 of IPv6, which is what one customer is commonly given.
pub(crate) fn network_of(source: IpAddr) -> u64 {
    match source.to_canonical() {
        IpAddr::V4(address) => u64::from(address.to_bits() >> 8),
        IpAddr::V6(address) => (address.to_bits() >> 72) as u64 | 1 << 63,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const RATE: Rate = Rate {
        per_second: 10,
        burst: 5,
    };

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let mut cell = Cell::default();
        let admitted = |cell: &mut Cell, at_ms: u64, tries| {
            (0..tries).filter(|_| cell.admit(at_ms * 1_000_000, RATE)).count()
        };
        assert_eq!(admitted(&mut cell, 0, 20), 5);
        assert_eq!(admitted(&mut cell, 99, 20), 0);
        assert_eq!(admitted(&mut cell, 100, 20), 1);
        assert_eq!(admitted(&mut cell, 1_100, 20), 5);
        assert_eq!(admitted(&mut cell, 1_000_000, 20), 5);
    }

    /// N5: a flood from one network does not use up what others may ask, and takes no memory.
    #[test]
    fn n5_one_network_s_flood_leaves_the_others_alone() {
        let mut limiter = NetworkLimiter::new(RATE, [1, 2]);
        let flood = (0..100_000_u32).filter(|i| {
            let source = Ipv4Addr::from_bits(0xc633_6400 | (i % 256));
            limiter.admit(0, source.into())
        });
        assert_eq!(flood.count(), 5);
        let honest = (0..200_u32).filter(|i| {
            let source = Ipv4Addr::from_bits(0x0100_0001 + (i << 8));
            limiter.admit(0, source.into())
        });
        assert_eq!(honest.count(), 200);
    }

    #[test]
    fn a_household_is_one_source() {
        let same = |a: &str, b: &str| network_of(a.parse().unwrap()) == network_of(b.parse().unwrap());
        assert!(same("192.0.2.1", "192.0.2.200"));
        assert!(same("192.0.2.1", "::ffff:192.0.2.9"));
        assert!(!same("192.0.2.1", "192.0.3.1"));
        assert!(same("2001:db8:0:ff00::1", "2001:db8:0:ffff::1"));
        assert!(!same("2001:db8:0:ff00::1", "2001:db8:0:fe00::1"));
    }
}
