use std::net::SocketAddr;

/// Datagrams in one batch at most.
const MOST: usize = 64;
/// Bytes of one batch, but for its last datagram.
const MOST_BYTES: usize = 64 * 1024;

/// Datagrams on their way to another thread, in one buffer.
#[derive(Debug, Default)]
pub(crate) struct Datagrams {
    bytes: Vec<u8>,
    list: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    source: SocketAddr,
    destination: SocketAddr,
    /// Where it ends in the buffer; it begins where the one before ends.
    end: usize,
}

impl Datagrams {
    pub(crate) fn push(&mut self, source: SocketAddr, destination: SocketAddr, contents: &[u8]) {
        self.bytes.extend_from_slice(contents);
        self.list.push(Entry {
            source,
            destination,
            end: self.bytes.len(),
        });
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether it should be sent before more is added.
    pub(crate) fn is_full(&self) -> bool {
        self.list.len() >= MOST || self.bytes.len() >= MOST_BYTES
    }

    /// Source, destination and contents of each, in order; the contents may be opened in place.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (SocketAddr, SocketAddr, &mut [u8])> {
        let mut rest = self.bytes.as_mut_slice();
        let mut begin = 0;
        self.list.iter().map(move |entry| {
            let length = entry.end - begin;
            begin = entry.end;
            let (contents, after) = std::mem::take(&mut rest).split_at_mut(length);
            rest = after;
            (entry.source, entry.destination, contents)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_comes_out_as_it_went_in() {
        let at = |port| SocketAddr::from(([192, 0, 2, 1], port));
        let mut batch = Datagrams::default();
        batch.push(at(1), at(9), &[1, 2, 3]);
        batch.push(at(2), at(9), &[]);
        batch.push(at(3), at(8), &[4]);
        let out: Vec<_> = batch
            .iter_mut()
            .map(|(source, destination, contents)| (source.port(), destination.port(), contents.to_vec()))
            .collect();
        assert_eq!(out, [(1, 9, vec![1, 2, 3]), (2, 9, vec![]), (3, 8, vec![4])]);
        assert_eq!((batch.len(), batch.is_full()), (3, false));
        batch.push(at(4), at(8), &[0; MOST_BYTES]);
        assert!(batch.is_full());
    }
}
