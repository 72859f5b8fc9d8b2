//! ChannelData messages (RFC 8656 §12.4).

use std::ops::RangeInclusive;

/// The numbers a channel may have. RFC 8656 §12 ends them at 0x4fff; clients written for RFC 5766 §11, coturn's among
/// them, choose from all of these, and nothing else on our ports begins like this.
pub const CHANNEL_NUMBERS: RangeInclusive<u16> = 0x4000..=0x7fff;

/// The length of the header in bytes.
pub(crate) const CHANNEL_HEADER_BYTES: usize = 4;

/// Whether a packet that begins with this byte is channel data.
pub(crate) const fn is_channel_data(first: u8) -> bool {
    matches!(first, 0x40..=0x7f)
}

/// Splits a message into channel number and payload; `None` where the number is no channel's or the length does not fit.
///
/// Up to three bytes of padding may follow, also over UDP (RFC 8656 §12.5).
pub(crate) fn parse(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<CHANNEL_HEADER_BYTES>()?;
    let [n0, n1, l0, l1] = *header;
    let number = u16::from_be_bytes([n0, n1]);
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    let payload = rest.get(..length)?;
    (CHANNEL_NUMBERS.contains(&number) && rest.len() - length < 4).then_some((number, payload))
}

/// Gives the header of a message.
pub(crate) const fn header(number: u16, length: u16) -> [u8; CHANNEL_HEADER_BYTES] {
    let [n0, n1] = number.to_be_bytes();
    let [l0, l1] = length.to_be_bytes();
    [n0, n1, l0, l1]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: Option<(u16, &[u8])>) {
        assert_eq!(parse(bytes), expected, "{bytes:02x?}");
    }

    #[test]
    fn number_length_and_padding_are_read() {
        check(&[0x40, 0, 0, 0], Some((0x4000, &[])));
        check(&[0x7f, 0xff, 0, 2, 7, 8], Some((0x7fff, &[7, 8])));
        check(&[0x40, 1, 0, 1, 7, 0, 0, 0], Some((0x4001, &[7])));
    }

    /// N10: a length beyond the packet, a number that is no channel's.
    #[test]
    fn n10_wrong_lengths_and_numbers_are_refused() {
        check(&[], None);
        check(&[0x40, 0, 0], None);
        check(&[0x40, 0, 0, 3, 1, 2], None);
        check(&[0x40, 0, 0xff, 0xff, 1, 2], None);
        check(&[0x40, 1, 0, 1, 7, 0, 0, 0, 0], None);
        check(&[0x80, 0, 0, 0], None);
        check(&[0xff, 0xff, 0, 1, 1], None);
        check(&[0x3f, 0xff, 0, 1, 1], None);
    }
}
