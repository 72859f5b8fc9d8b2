//! How much a peer may make us keep of an unfinished handshake.

/// Bytes taken without the handshake having moved on.
const MAX_PENDING: usize = 16 * 1_024;
/// Greatest datagram of a handshake.
const MAX_DATAGRAM: usize = 2_048;
/// Greatest handshake message.
const MAX_MESSAGE: u32 = 16 * 1_024;
/// Lengths of the headers of a record and of a handshake message (RFC 6347 §4.1, §4.2.2).
const RECORD_HEADER: usize = 13;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;

/// What becomes of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Take,
    /// No handshake needs it.
    Leave,
    /// Too much has come that leads nowhere: what is kept of it is to be forgotten.
    Forget,
}

/// What came since the handshake last moved on.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    pending: usize,
}

impl Bounds {
    /// Looks at a datagram.
    pub(super) fn inspect(&mut self, datagram: &[u8]) -> Verdict {
        if datagram.len() > MAX_DATAGRAM || !is_bounded(datagram) {
            return Verdict::Leave;
        }
        if self.pending + datagram.len() > MAX_PENDING {
            self.pending = 0;
            return Verdict::Forget;
        }
        self.pending += datagram.len();
        Verdict::Take
    }

    /// The handshake moved on.
    pub(super) fn progress(&mut self) {
        self.pending = 0;
    }
}

/// Whether a datagram is a request to begin, in one piece.
pub(super) fn is_hello(datagram: &[u8]) -> bool {
    let message = datagram.get(RECORD_HEADER..).and_then(<[u8]>::first_chunk::<12>);
    let Some([CLIENT_HELLO, l0, l1, l2, _, _, _, _, _, f0, f1, f2]) = message else {
        return false;
    };
    datagram.first() == Some(&HANDSHAKE) && [l0, l1, l2] == [f0, f1, f2]
}

/// Whether every unprotected handshake message in it is one we would put together.
fn is_bounded(mut datagram: &[u8]) -> bool {
    while !datagram.is_empty() {
        let Some((header, rest)) = datagram.split_first_chunk::<RECORD_HEADER>() else {
            return false;
        };
        let length = usize::from(u16::from_be_bytes([header[11], header[12]]));
        let Some((fragment, rest)) = rest.split_at_checked(length) else {
            return false;
        };
        let unprotected = header[3..5] == [0, 0];
        if header[0] == HANDSHAKE && unprotected && !is_bounded_message(fragment) {
            return false;
        }
        datagram = rest;
    }
    true
}

fn is_bounded_message(fragment: &[u8]) -> bool {
    let Some([_, l0, l1, l2, _, _, o0, o1, o2, f0, f1, f2]) = fragment.first_chunk::<12>() else {
        return false;
    };
    let length = u32::from_be_bytes([0, *l0, *l1, *l2]);
    let offset = u32::from_be_bytes([0, *o0, *o1, *o2]);
    let part = u32::from_be_bytes([0, *f0, *f1, *f2]);
    length <= MAX_MESSAGE && offset + part <= length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(length: u32, offset: u32, part: u32, body: usize) -> Vec<u8> {
        let mut record = vec![HANDSHAKE, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0];
        record.extend_from_slice(&u16::try_from(12 + body).unwrap().to_be_bytes());
        record.push(1);
        record.extend_from_slice(&length.to_be_bytes()[1..]);
        record.extend_from_slice(&[0, 0]);
        record.extend_from_slice(&offset.to_be_bytes()[1..]);
        record.extend_from_slice(&part.to_be_bytes()[1..]);
        record.resize(RECORD_HEADER + 12 + body, 0);
        record
    }

    #[test]
    fn what_no_handshake_needs_is_left_out() {
        let admits = |datagram: &[u8]| Bounds::default().inspect(datagram) == Verdict::Take;
        assert!(admits(&hello(200, 0, 200, 200)));
        assert!(!admits(&hello(1 << 23, 0, 200, 200)), "a message of 8 MiB");
        assert!(!admits(&hello(200, 100, 200, 200)), "a part beyond the whole");
        assert!(!admits(&hello(200, 0, 200, 200)[..100]), "a record cut off");
        assert!(!admits(&vec![0; MAX_DATAGRAM + 1]));
    }

    #[test]
    fn fragments_that_lead_nowhere_end_at_sixteen_kibibytes() {
        let mut bounds = Bounds::default();
        let mut count = |parts: u32| {
            (0..parts)
                .filter(|part| bounds.inspect(&hello(16_000, *part, 1, 1)) == Verdict::Take)
                .count()
        };
        let held = MAX_PENDING / 26;
        assert_eq!(count(631), held);
        assert_eq!(count(631), held, "from the beginning");
        bounds.progress();
        assert_eq!(bounds.pending, 0);
    }
}
