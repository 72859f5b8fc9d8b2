//! Messages of the Data Channel Establishment Protocol (RFC 8832 §5).

/// Longest label taken or sent.
const MAX_LABEL: usize = 256;
const MAX_PROTOCOL: usize = 256;
const OPEN: u8 = 3;
const ACK: u8 = 2;
const UNORDERED: u8 = 0x80;

/// How hard a channel tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reliability {
    Reliable,
    /// Times a message is sent again.
    Retransmits(u32),
    /// Milliseconds a message is worth sending.
    Lifetime(u32),
}

/// A request to open a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) label: String,
    pub(super) ordered: bool,
    pub(super) reliability: Reliability,
}

impl Open {
    /// Writes it.
    pub(super) fn write(&self) -> Vec<u8> {
        let (kind, parameter) = match self.reliability {
            Reliability::Reliable => (0, 0),
            Reliability::Retransmits(times) => (1, times),
            Reliability::Lifetime(milliseconds) => (2, milliseconds),
        };
        let label = self.label.as_bytes();
        let length = u16::try_from(label.len()).unwrap_or(u16::MAX);
        let mut out = vec![OPEN, kind | if self.ordered { 0 } else { UNORDERED }];
        // Priority: normal (RFC 8831 §6.4).
        out.extend_from_slice(&256u16.to_be_bytes());
        out.extend_from_slice(&parameter.to_be_bytes());
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(label.get(..usize::from(length)).unwrap_or(label));
        out
    }

    /// Reads one; what is too long or of a channel type nobody uses is refused.
    pub(super) fn read(message: &[u8]) -> Option<Self> {
        let (header, rest) = message.split_first_chunk::<12>()?;
        let [OPEN, kind, _, _, p0, p1, p2, p3, l0, l1, r0, r1] = *header else {
            return None;
        };
        let parameter = u32::from_be_bytes([p0, p1, p2, p3]);
        let label = usize::from(u16::from_be_bytes([l0, l1]));
        let protocol = usize::from(u16::from_be_bytes([r0, r1]));
        if label > MAX_LABEL || protocol > MAX_PROTOCOL || rest.len() < label + protocol {
            return None;
        }
        let label = std::str::from_utf8(rest.get(..label)?).ok()?.to_owned();
        let reliability = match kind & !UNORDERED {
            0 => Reliability::Reliable,
            1 => Reliability::Retransmits(parameter),
            2 => Reliability::Lifetime(parameter),
            _ => return None,
        };
        Some(Self {
            label,
            ordered: kind & UNORDERED == 0,
            reliability,
        })
    }
}

/// The answer to a request.
pub(super) const ACKNOWLEDGEMENT: [u8; 1] = [ACK];

/// Whether it is the answer to a request.
pub(super) fn is_acknowledgement(message: &[u8]) -> bool {
    message.first() == Some(&ACK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_as_it_was_written() {
        for (ordered, reliability) in [
            (true, Reliability::Reliable),
            (false, Reliability::Retransmits(0)),
            (false, Reliability::Lifetime(150)),
        ] {
            let open = Open {
                label: "_reliable".into(),
                ordered,
                reliability,
            };
            let written = open.write();
            assert_eq!(Open::read(&written), Some(open));
            for length in 0..written.len() {
                assert_eq!(Open::read(&written[..length]), None, "cut at {length}");
            }
        }
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let good = Open {
            label: "a".into(),
            ordered: true,
            reliability: Reliability::Reliable,
        }
        .write();
        let check = |at: usize, value: u8| {
            let mut bad = good.clone();
            bad[at] = value;
            assert_eq!(Open::read(&bad), None, "byte {at} = {value}");
        };
        check(0, 2);
        check(1, 3);
        check(8, 1);
        check(9, 200);
        check(10, 255);
        check(12, 0xff);
        assert!(is_acknowledgement(&ACKNOWLEDGEMENT) && !is_acknowledgement(&good));
    }
}
