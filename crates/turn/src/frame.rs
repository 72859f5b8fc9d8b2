//! Where one message ends and the next begins on TCP and TLS (RFC 8656 §3.1, §12.5).

use thiserror::Error;

use crate::channel_data::{CHANNEL_HEADER_BYTES, is_channel_data};
use crate::stun::{HEADER_BYTES, MAGIC_COOKIE, padded};

/// Says why a stream cannot be read any further; the connection is to be closed.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// Neither STUN nor channel data begins like this.
    #[error("neither STUN nor channel data")]
    Foreign,
    /// The message is longer than this connection may send.
    #[error("a message of {0} bytes is too long")]
    TooLong(usize),
}

/// Cuts a byte stream into messages, holding no more than one unfinished message and what was pushed last.
///
/// ```
/// use tertulia_turn::Framer;
/// let mut framer = Framer::new();
/// framer.push(&[0x40, 0x00, 0x00, 0x05, 1, 2, 3]);
/// assert_eq!(framer.next_frame().unwrap(), None);
/// framer.push(&[4, 5, 0, 0, 0]);
/// assert_eq!(framer.next_frame().unwrap(), Some(&[0x40, 0x00, 0x00, 0x05, 1, 2, 3, 4, 5, 0, 0, 0][..]));
/// ```
#[derive(Debug)]
pub struct Framer {
    buffer: Vec<u8>,
    /// What lies before was handed out.
    start: usize,
    limit: usize,
}

impl Framer {
    /// The longest message in bytes of somebody who holds no allocation; real requests have a few hundred.
    pub const CONTROL_LIMIT: usize = 2048;

    /// The longest message in bytes of somebody who does: a header, and the largest payload of a datagram.
    pub const DATA_LIMIT: usize = 66_000;

    /// Begins a stream, with [`Self::CONTROL_LIMIT`].
    pub fn new() -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            limit: Self::CONTROL_LIMIT,
        }
    }

    /// Changes how long a message may be; see [`crate::Server::frame_limit`].
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Appends what was read from the connection. All frames are to be taken before the next call.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start.min(self.buffer.len()));
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// Hands out the next whole message, its padding included; `None` until more is pushed.
    ///
    /// # Errors
    /// [`FrameError`] as soon as the first bytes show it, so that nothing is held for a message that cannot be.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, FrameError> {
        let rest = self.buffer.get(self.start..).unwrap_or_default();
        let Some(length) = frame_length(rest)? else {
            return Ok(None);
        };
        if length > self.limit {
            return Err(FrameError::TooLong(length));
        }
        let Some(frame) = rest.get(..length) else {
            return Ok(None);
        };
        self.start += length;
        Ok(Some(frame))
    }

    /// Bytes held for a message that is not whole yet.
    pub fn pending(&self) -> usize {
        self.buffer.len().saturating_sub(self.start)
    }
}

impl Default for Framer {
    fn default() -> Self {
        Self::new()
    }
}

/// The length of the message that begins here, padding included; `None` until its header is there.
fn frame_length(bytes: &[u8]) -> Result<Option<usize>, FrameError> {
    let Some(first) = bytes.first() else {
        return Ok(None);
    };
    let stun = first & 0xc0 == 0;
    if !stun && !is_channel_data(*first) {
        return Err(FrameError::Foreign);
    }
    let Some([_, _, l0, l1]) = bytes.first_chunk::<4>() else {
        return Ok(None);
    };
    let length = usize::from(u16::from_be_bytes([*l0, *l1]));
    if !stun {
        return Ok(Some(CHANNEL_HEADER_BYTES + padded(length)));
    }
    let cookie = bytes
        .get(4..8)
        .is_none_or(|cookie| cookie == MAGIC_COOKIE.to_be_bytes());
    if length % 4 != 0 || !cookie {
        return Err(FrameError::Foreign);
    }
    Ok((bytes.len() >= HEADER_BYTES).then_some(HEADER_BYTES + length))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stun::{AttributeType, Class, Method, TransactionId, Writer};

    fn request(attributes: usize) -> Vec<u8> {
        let mut writer = Writer::new(Class::Request, Method::ALLOCATE, TransactionId([1; 12]));
        for _ in 0..attributes {
            writer.word(AttributeType::LIFETIME, 600);
        }
        writer.finish()
    }

    fn channel_data(length: u16) -> Vec<u8> {
        let mut bytes = crate::channel_data::header(0x4001, length).to_vec();
        bytes.resize(4 + padded(usize::from(length)), 9);
        bytes
    }

    fn frames(framer: &mut Framer) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        while let Some(frame) = framer.next_frame().unwrap() {
            frames.push(frame.to_vec());
        }
        frames
    }

    proptest! {
        #[test]
        fn messages_come_out_however_the_stream_is_cut(
            lengths in prop::collection::vec(0_u16..300, 1..12),
            cut in 1_usize..64,
        ) {
            let sent: Vec<Vec<u8>> = lengths
                .iter()
                .map(|&length| if length % 2 == 0 { request(usize::from(length % 9)) } else { channel_data(length) })
                .collect();
            let mut framer = Framer::new();
            let mut received = Vec::new();
            for piece in sent.concat().chunks(cut) {
                framer.push(piece);
                received.extend(frames(&mut framer));
            }
            prop_assert_eq!(received, sent);
            prop_assert_eq!(framer.pending(), 0);
        }

        #[test]
        fn any_stream_is_held_within_bounds(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..400), 0..40)) {
            let mut framer = Framer::new();
            'stream: for piece in pieces {
                framer.push(&piece);
                loop {
                    match framer.next_frame() {
                        Ok(Some(frame)) => prop_assert!(frame.len() <= Framer::CONTROL_LIMIT),
                        Ok(None) => break,
                        Err(_) => break 'stream,
                    }
                }
                prop_assert!(framer.pending() <= Framer::CONTROL_LIMIT);
            }
        }
    }

    fn check_refused(bytes: &[u8], expected: FrameError) {
        let mut framer = Framer::new();
        framer.push(bytes);
        assert_eq!(framer.next_frame(), Err(expected), "{bytes:02x?}");
    }

    #[test]
    fn what_shares_the_port_is_told_apart_at_once() {
        for first in [0x80, 0x96, 0xff] {
            check_refused(&[first], FrameError::Foreign);
        }
        check_refused(&[0x16, 3, 1, 2, 0, 1, 0, 1], FrameError::Foreign);
        check_refused(b"GET / HTTP/1.1\r\n", FrameError::TooLong(0x5420 + 4));
        check_refused(&[0, 3, 0, 1], FrameError::Foreign);
    }

    #[test]
    fn long_messages_are_refused_before_they_arrive() {
        check_refused(&[0x40, 0, 0xff, 0xff], FrameError::TooLong(65_540));
        let mut header = request(0);
        header[2] = 0x10;
        check_refused(&header, FrameError::TooLong(4116));
        let mut framer = Framer::new();
        framer.set_limit(Framer::DATA_LIMIT);
        framer.push(&channel_data(65_535));
        assert_eq!(frames(&mut framer).len(), 1);
    }
}
