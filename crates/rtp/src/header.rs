//! The fixed part of an RTP packet (RFC 3550 §5.1) and where its other parts lie.

use std::ops::Range;

const FIXED_LEN: usize = 12;

/// What the header of one RTP packet says, and where its extensions and payload lie in the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtpHeader {
    /// Payload type, 0 to 127.
    pub payload_type: u8,
    /// Marker bit.
    pub marker: bool,
    /// Sequence number as sent, without rollover.
    pub sequence: u16,
    /// Timestamp in units of the payload's clock.
    pub timestamp: u32,
    /// The stream it belongs to.
    pub ssrc: u32,
    /// Offset of the payload: fixed header, contributing sources and extensions.
    pub header_len: usize,
    /// Bytes after the header: without padding if read by [`RtpHeader::parse_plain`]; by [`RtpHeader::parse`] with
    /// padding and, in a protected packet, with the authentication tag.
    pub payload_len: usize,
    /// Whether the last byte of the (decrypted) payload counts bytes of padding.
    pub padding: bool,
    pub(crate) extension: Option<ExtensionBlock>,
}

/// Where the header extension lies in a packet, and its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ExtensionBlock {
    pub(crate) profile: u16,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl RtpHeader {
    /// Reads the header of a packet, protected or not.
    ///
    /// Gives `None` where the packet is of another version or shorter than its header claims. Padding is not looked
    /// at, since its length is encrypted under SRTP: [`SrtpReceiver::unprotect`](crate::SrtpReceiver::unprotect) takes
    /// it away after opening, [`RtpHeader::parse_plain`] where nothing is protected.
    pub fn parse(packet: &[u8]) -> Option<Self> {
        let fixed = packet.first_chunk::<FIXED_LEN>()?;
        let [first, second, s1, s0, t3, t2, t1, t0, ssrc @ ..] = *fixed;
        if first >> 6 != 2 {
            return None;
        }
        let mut header_len = FIXED_LEN + 4 * usize::from(first & 0x0f);
        let mut extension = None;
        if first & 0x10 != 0 {
            let [p1, p0, l1, l0] = *packet.get(header_len..)?.first_chunk::<4>()?;
            let start = header_len + 4;
            let end = start + 4 * usize::from(u16::from_be_bytes([l1, l0]));
            extension = Some(ExtensionBlock {
                profile: u16::from_be_bytes([p1, p0]),
                start,
                end,
            });
            header_len = end;
        }
        let payload_len = packet.len().checked_sub(header_len)?;
        Some(Self {
            payload_type: second & 0x7f,
            marker: second & 0x80 != 0,
            sequence: u16::from_be_bytes([s1, s0]),
            timestamp: u32::from_be_bytes([t3, t2, t1, t0]),
            ssrc: u32::from_be_bytes(ssrc),
            header_len,
            payload_len,
            padding: first & 0x20 != 0,
            extension,
        })
    }

    /// Reads the header of a packet that is not protected and leaves padding out of its payload.
    ///
    /// Besides what [`RtpHeader::parse`] refuses, gives `None` where the padding is empty or longer than the payload.
    pub fn parse_plain(packet: &[u8]) -> Option<Self> {
        let mut header = Self::parse(packet)?;
        header.payload_len = header.unpadded(packet)?.checked_sub(header.header_len)?;
        Some(header)
    }

    /// Where the payload lies in the packet.
    pub fn payload_range(&self) -> Range<usize> {
        self.header_len..self.header_len + self.payload_len
    }

    /// Where the payload of the plain `packet` ends, without padding (RFC 3550 §5.1: its last byte counts itself).
    pub(crate) fn unpadded(&self, packet: &[u8]) -> Option<usize> {
        if !self.padding {
            return Some(packet.len());
        }
        let payload = packet.get(self.header_len..)?;
        let padding = usize::from(*payload.last()?);
        (padding != 0 && padding <= payload.len()).then(|| packet.len() - padding)
    }
}

/// Tells RTCP from RTP on one transport by the second byte (RFC 5761 §4).
pub fn is_rtcp(packet: &[u8]) -> bool {
    packet.get(1).is_some_and(|kind| (192..=223).contains(kind))
}

#[cfg(test)]
mod tests;
