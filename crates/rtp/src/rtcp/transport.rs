//! Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).

use super::write::{begin, finish, put};
use super::{format, packet_type, word};

/// Ticks of 250 µs in the unit of the reference time, 64 ms.
const REFERENCE_TICKS: i64 = 256;
/// Statuses of a run, 13 bits.
const MOST_RUN: usize = 0x1fff;
/// Bytes of chunks and deltas in one packet we write, so that a compound fits a datagram.
const MOST_BYTES: usize = 1_000;

/// When packets of one transport arrived, by transport-wide sequence number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransportFeedback<'a> {
    /// Who received.
    pub sender: u32,
    /// Any stream of the transport.
    pub media: u32,
    /// Number of the first packet reported on.
    pub base_sequence: u16,
    /// How many packets are reported on, from the first.
    pub status_count: u16,
    /// The receiver's clock in units of 64 ms, 24 bits with sign; it wraps.
    pub reference_time: i32,
    /// Number of this feedback packet.
    pub feedback_count: u8,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

/// What is said of each packet, in order: its number, and when it arrived if it did.
#[derive(Debug, Clone)]
pub struct TransportStatuses<'a> {
    chunks: &'a [u8],
    deltas: &'a [u8],
    chunk: Chunk,
    left: u16,
    sequence: u16,
    /// Ticks of 250 µs since the reference time.
    arrival: i64,
}

/// Packets in a row of which the same is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusRun {
    /// Number of the first.
    pub first: u16,
    /// How many there are, from the first.
    pub count: u16,
    /// When they arrived, if they did.
    pub arrival: Option<i64>,
}

/// What is said of each packet, in order and gathered.
#[derive(Debug, Clone)]
pub struct StatusRuns<'a> {
    statuses: TransportStatuses<'a>,
    /// Read, but of the next run.
    next: Option<(u16, Option<i64>)>,
}

/// What a packet status symbol says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Symbol {
    Missing = 0,
    /// Arrived 0 to 255 ticks after the one before.
    Small = 1,
    /// Arrived any 16 bits of ticks after or before the one before.
    Large = 2,
    Reserved = 3,
}

/// What is left of a chunk: statuses in the order of their bits from the top, or one many times.
#[derive(Debug, Clone, Copy)]
struct Chunk {
    /// The next symbol is uppermost, in as many bits as `width` says; in two where it is a run.
    bits: u16,
    /// Bits of a symbol; none are used up in a run.
    width: u8,
    left: u16,
}

impl<'a> TransportFeedback<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        let (sender, body) = word(body)?;
        let (media, body) = word(body)?;
        let (numbers, body) = word(body)?;
        let (clock, body) = word(body)?;
        let [.., feedback_count] = clock.to_be_bytes();
        let status_count = numbers as u16;
        let (chunk_bytes, delta_bytes) = measure(status_count, body)?;
        let (chunks, deltas) = body.split_at_checked(chunk_bytes)?;
        Some(Self {
            sender,
            media,
            base_sequence: (numbers >> 16) as u16,
            status_count,
            reference_time: clock.cast_signed() >> 8,
            feedback_count,
            chunks,
            deltas: deltas.get(..delta_bytes)?,
        })
    }

    /// Reads the statuses, [`status_count`](Self::status_count) of them: the sequence number, and the arrival in ticks
    /// of 250 µs relative to the reference time (which is `reference_time * 256` such ticks) of a packet that arrived.
    #[inline]
    pub fn iter(&self) -> TransportStatuses<'a> {
        TransportStatuses {
            chunks: self.chunks,
            deltas: self.deltas,
            chunk: Chunk {
                bits: 0,
                width: 0,
                left: 0,
            },
            left: self.status_count,
            sequence: self.base_sequence,
            arrival: 0,
        }
    }

    /// Reads the statuses as [`TransportFeedback::iter`] does, equal ones in a row together.
    pub fn runs(&self) -> StatusRuns<'a> {
        StatusRuns {
            statuses: self.iter(),
            next: None,
        }
    }
}

impl Iterator for StatusRuns<'_> {
    type Item = StatusRun;

    fn next(&mut self) -> Option<StatusRun> {
        let (first, arrival) = self.next.take().or_else(|| self.statuses.next())?;
        let mut count = 1_u16;
        loop {
            if arrival.is_some() {
                count = count.saturating_add(self.statuses.skip_simultaneous());
            }
            let Some((sequence, said)) = self.statuses.next() else {
                break;
            };
            if said != arrival {
                self.next = Some((sequence, said));
                break;
            }
            // There are no more statuses than sixteen bits count.
            count = count.saturating_add(1);
        }
        Some(StatusRun {
            first,
            count,
            arrival,
        })
    }
}

/// Bytes that the chunks of `status_count` statuses take at the front of `body`, and bytes of the deltas they announce;
/// `None` where the chunks run out or name a reserved status.
fn measure(status_count: u16, body: &[u8]) -> Option<(usize, usize)> {
    let mut left = status_count;
    let mut rest = body;
    let mut delta_bytes = 0;
    while left > 0 {
        let (chunk, after) = rest.split_first_chunk::<2>()?;
        rest = after;
        let mut chunk = Chunk::read(*chunk);
        if chunk.width == 0 {
            let run = chunk.left.min(left);
            delta_bytes += chunk.symbol().delta_len()? * usize::from(run);
            left -= run;
            continue;
        }
        while let Some(symbol) = chunk.next().filter(|_| left > 0) {
            delta_bytes += symbol.delta_len()?;
            left -= 1;
        }
    }
    Some((body.len() - rest.len(), delta_bytes))
}

impl Symbol {
    #[inline]
    fn from_bits(bits: u16) -> Self {
        match bits & 3 {
            0 => Self::Missing,
            1 => Self::Small,
            2 => Self::Large,
            _ => Self::Reserved,
        }
    }

    fn delta_len(self) -> Option<usize> {
        match self {
            Self::Missing => Some(0),
            Self::Small => Some(1),
            Self::Large => Some(2),
            Self::Reserved => None,
        }
    }
}

impl Chunk {
    #[inline]
    fn read(bytes: [u8; 2]) -> Self {
        let bits = u16::from_be_bytes(bytes);
        match bits >> 14 {
            0 | 1 => Self {
                bits: bits << 1,
                width: 0,
                left: bits & 0x1fff,
            },
            2 => Self {
                bits: bits << 2,
                width: 1,
                left: 14,
            },
            _ => Self {
                bits: bits << 2,
                width: 2,
                left: 7,
            },
        }
    }

    #[inline]
    fn symbol(&self) -> Symbol {
        Symbol::from_bits(self.bits >> if self.width == 1 { 15 } else { 14 })
    }

    #[inline]
    fn next(&mut self) -> Option<Symbol> {
        self.left = self.left.checked_sub(1)?;
        let symbol = self.symbol();
        self.bits <<= self.width;
        Some(symbol)
    }
}

impl TransportStatuses<'_> {
    /// Passes over what arrived at the same time as the one before, within the chunk that is being read, and gives how
    /// many those are.
    #[inline]
    fn skip_simultaneous(&mut self) -> u16 {
        let left = self.left.min(self.chunk.left);
        let same = match self.chunk.width {
            0 if self.chunk.symbol() == Symbol::Small => left,
            // Bits that are set, from the top.
            1 => left.min(self.chunk.bits.leading_ones() as u16),
            _ => 0,
        };
        let zeros = self
            .deltas
            .iter()
            .take(usize::from(same))
            .take_while(|delta| **delta == 0)
            .count();
        let Some(rest) = self.deltas.get(zeros..) else {
            return 0;
        };
        let skipped = zeros as u16;
        self.deltas = rest;
        self.left = self.left.wrapping_sub(skipped);
        self.sequence = self.sequence.wrapping_add(skipped);
        self.chunk.left = self.chunk.left.wrapping_sub(skipped);
        self.chunk.bits = match self.chunk.width {
            0 => self.chunk.bits,
            // Fewer than sixteen are left in a chunk of single bits.
            _ => self.chunk.bits.unbounded_shl(u32::from(skipped)),
        };
        skipped
    }
}

impl Iterator for TransportStatuses<'_> {
    type Item = (u16, Option<i64>);

    #[inline]
    fn next(&mut self) -> Option<(u16, Option<i64>)> {
        self.left = self.left.checked_sub(1)?;
        let symbol = loop {
            if let Some(symbol) = self.chunk.next() {
                break symbol;
            }
            let (chunk, rest) = self.chunks.split_first_chunk::<2>()?;
            self.chunks = rest;
            self.chunk = Chunk::read(*chunk);
        };
        let delta = match symbol {
            Symbol::Missing | Symbol::Reserved => None,
            Symbol::Small => {
                let (delta, rest) = self.deltas.split_first()?;
                self.deltas = rest;
                Some(i64::from(*delta))
            }
            Symbol::Large => {
                let (delta, rest) = self.deltas.split_first_chunk::<2>()?;
                self.deltas = rest;
                Some(i64::from(i16::from_be_bytes(*delta)))
            }
        };
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        // 65 535 deltas of 16 bits stay far from the bounds.
        let arrival = delta.map(|delta| {
            self.arrival = self.arrival.wrapping_add(delta);
            self.arrival
        });
        Some((sequence, arrival))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(usize::from(self.left)))
    }
}

/// Writes feedback on the packets from `base_sequence` on and gives how many of `arrivals` it reports.
///
/// An arrival is in ticks of 250 µs on the receiver's clock, `None` for a packet that did not arrive (yet). Fewer than
/// all are reported where a gap in time does not fit 16 bits or the packet would pass 1000 bytes: the caller writes the
/// rest as another packet. Nothing is written where no packet arrived.
pub fn write_transport_feedback(
    out: &mut Vec<u8>,
    sender: u32,
    media: u32,
    feedback_count: u8,
    base_sequence: u16,
    arrivals: &[Option<i64>],
) -> usize {
    let Some(first) = arrivals.iter().flatten().next() else {
        return 0;
    };
    let reference = first.div_euclid(REFERENCE_TICKS);
    let base = reference * REFERENCE_TICKS;
    let arrivals = reportable(arrivals, base);
    if arrivals.is_empty() {
        return 0;
    }
    let start = begin(out, packet_type::TRANSPORT_FEEDBACK, format::TRANSPORT_CC);
    let count = u16::try_from(arrivals.len()).unwrap_or(u16::MAX);
    let clock = (reference as u32) << 8 | u32::from(feedback_count);
    put(
        out,
        &[
            sender,
            media,
            u32::from(base_sequence) << 16 | u32::from(count),
            clock,
        ],
    );
    write_chunks(out, symbols(arrivals, base).map(|(symbol, _)| symbol));
    for (symbol, delta) in symbols(arrivals, base) {
        match symbol {
            Symbol::Small => out.push(delta as u8),
            Symbol::Large => out.extend_from_slice(&(delta as i16).to_be_bytes()),
            Symbol::Missing | Symbol::Reserved => {}
        }
    }
    finish(out, start);
    arrivals.len()
}

/// The statuses that one packet can hold; the last of them arrived.
fn reportable(arrivals: &[Option<i64>], base: i64) -> &[Option<i64>] {
    let mut arrived = 0;
    let mut delta_bytes = 0;
    let mut end = 0;
    for (at, (symbol, delta)) in symbols(arrivals, base).enumerate().take(usize::from(u16::MAX)) {
        if symbol == Symbol::Missing {
            continue;
        }
        arrived += 1;
        delta_bytes += symbol.delta_len().unwrap_or_default();
        // Every chunk but the last has seven statuses at least; and one without an arrival is a run of missing packets,
        // so that only arrivals and full runs (nine of them) end chunks.
        let chunks = ((at + 1) / 7 + 1).min(2 * arrived + 9);
        if i16::try_from(delta).is_err() || delta_bytes + 2 * chunks > MOST_BYTES {
            break;
        }
        end = at + 1;
    }
    arrivals.get(..end).unwrap_or(arrivals)
}

/// Each status with its delta in ticks.
fn symbols(arrivals: &[Option<i64>], base: i64) -> impl Iterator<Item = (Symbol, i64)> + Clone {
    let mut before = base;
    arrivals.iter().map(move |arrival| {
        let Some(arrival) = arrival else {
            return (Symbol::Missing, 0);
        };
        let delta = arrival.saturating_sub(before);
        before = *arrival;
        let symbol = if (0..=255).contains(&delta) {
            Symbol::Small
        } else {
            Symbol::Large
        };
        (symbol, delta)
    })
}

/// Writes each stretch of symbols in the form that holds most of it.
fn write_chunks(out: &mut Vec<u8>, mut symbols: impl Iterator<Item = Symbol> + Clone) {
    const ONE_BIT: usize = 14;
    const TWO_BIT: usize = 7;
    while let Some(first) = symbols.clone().next() {
        let run = symbols
            .clone()
            .take(MOST_RUN)
            .take_while(|symbol| *symbol == first)
            .count();
        let large = symbols
            .clone()
            .take(ONE_BIT)
            .any(|symbol| symbol == Symbol::Large);
        let (longest, tag, bits) = if large {
            (TWO_BIT, 0xc000, 2)
        } else {
            (ONE_BIT, 0x8000, 1)
        };
        let (taken, chunk) = if run >= longest || symbols.clone().nth(run).is_none() {
            (run, (first as u16) << 13 | run as u16)
        } else {
            let packed = symbols
                .clone()
                .chain(std::iter::repeat(Symbol::Missing))
                .take(longest)
                .fold(0, |packed, symbol| packed << bits | symbol as u16);
            (longest, tag | packed)
        };
        out.extend_from_slice(&chunk.to_be_bytes());
        symbols.by_ref().take(taken).for_each(drop);
    }
}

#[cfg(test)]
mod tests;
