//! Feedback about streams: lost packets, lost pictures, and the receiver's estimate.

use super::{Rtcp, Ssrcs, word};

/// Sequence numbers that a generic NACK names (RFC 4585 §6.2.1), at most 17 for each of its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NackSequences<'a> {
    rest: &'a [u8],
    /// The first number of the pair being read, and which of those behind it are still to come.
    base: u16,
    following: u16,
}

/// One stream of a full intra request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirEntry {
    /// The stream to refresh.
    pub ssrc: u32,
    /// Number of the request; the same number is the same request again.
    pub number: u8,
}

/// The streams of a full intra request (RFC 5104 §4.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirEntries<'a> {
    rest: &'a [u8],
}

pub(super) fn nack(body: &[u8]) -> Option<Rtcp<'_>> {
    let (sender, body) = word(body)?;
    let (media, pairs) = word(body)?;
    if pairs.is_empty() || pairs.len() % 4 != 0 {
        return None;
    }
    Some(Rtcp::Nack {
        sender,
        media,
        sequences: NackSequences {
            rest: pairs,
            base: 0,
            following: 0,
        },
    })
}

pub(super) fn pli(body: &[u8]) -> Option<Rtcp<'_>> {
    let (sender, body) = word(body)?;
    let (media, _) = word(body)?;
    Some(Rtcp::Pli { sender, media })
}

pub(super) fn fir(body: &[u8]) -> Option<Rtcp<'_>> {
    let (sender, body) = word(body)?;
    let (_, entries) = word(body)?;
    if entries.len() % 8 != 0 {
        return None;
    }
    Some(Rtcp::Fir {
        sender,
        entries: FirEntries { rest: entries },
    })
}

/// Application layer feedback: REMB by its name, anything else unknown.
pub(super) fn application(body: &[u8]) -> Option<Rtcp<'_>> {
    let (sender, body) = word(body)?;
    let (_, body) = word(body)?;
    let Some(remb) = body.strip_prefix(b"REMB") else {
        return Some(Rtcp::Unknown {
            packet_type: super::packet_type::PAYLOAD_FEEDBACK,
            format: super::format::APPLICATION,
        });
    };
    let (head, ssrcs) = word(remb)?;
    let [count, ..] = head.to_be_bytes();
    let exponent = head >> 18 & 0x3f;
    let mantissa = u64::from(head & 0x3_ffff);
    let bitrate_bps = if mantissa == 0 || exponent <= mantissa.leading_zeros() {
        mantissa << exponent
    } else {
        u64::MAX
    };
    Some(Rtcp::Remb {
        sender,
        bitrate_bps,
        ssrcs: Ssrcs::new(ssrcs.get(..4 * usize::from(count))?),
    })
}

impl Iterator for NackSequences<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        if self.following == 0 {
            let ([p1, p0, b1, b0], rest) = self.rest.split_first_chunk::<4>()?;
            self.rest = rest;
            self.base = u16::from_be_bytes([*p1, *p0]);
            self.following = u16::from_be_bytes([*b1, *b0]);
            return Some(self.base);
        }
        let next = self.following.trailing_zeros() as u16;
        self.following &= self.following - 1;
        Some(self.base.wrapping_add(next + 1))
    }
}

impl Iterator for FirEntries<'_> {
    type Item = FirEntry;

    fn next(&mut self) -> Option<FirEntry> {
        let (ssrc, rest) = word(self.rest)?;
        let (number, rest) = word(rest)?;
        self.rest = rest;
        let [number, ..] = number.to_be_bytes();
        Some(FirEntry { ssrc, number })
    }
}
