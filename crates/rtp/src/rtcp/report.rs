//! Reports, source descriptions and farewells (RFC 3550 §6.4 to §6.6).

use super::{Rtcp, word};

const BLOCK_LEN: usize = 24;

/// What a sender has sent (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderInfo {
    /// The sender.
    pub ssrc: u32,
    /// Wall clock as NTP: 32 bits of seconds since 1900, 32 of fraction.
    pub ntp: u64,
    /// The same instant in the clock of the stream's timestamps.
    pub rtp_timestamp: u32,
    /// Packets sent, modulo 2^32.
    pub packets: u32,
    /// Bytes of payload sent, modulo 2^32.
    pub octets: u32,
}

/// How one stream is received (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportBlock {
    /// The stream.
    pub ssrc: u32,
    /// Part of the packets lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Packets lost in all, 24 bits; below zero where duplicates arrived.
    pub cumulative_lost: i32,
    /// Greatest sequence number received, with 16 bits of rollover before it.
    pub highest_sequence: u32,
    /// Variation of transit times in units of the timestamp.
    pub jitter: u32,
    /// Middle 32 bits of the NTP time of the last sender report; zero where there was none.
    pub last_sender_report: u32,
    /// Time since that report in 1/65536 s.
    pub delay_since_last: u32,
}

/// The report blocks of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportBlocks<'a> {
    rest: &'a [u8],
}

/// A list of SSRCs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssrcs<'a> {
    rest: &'a [u8],
}

/// What a source says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SdesChunk<'a> {
    /// The source.
    pub ssrc: u32,
    /// Its canonical name, as sent.
    pub cname: Option<&'a [u8]>,
}

/// The chunks of a source description, up to the first that is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SdesChunks<'a> {
    left: usize,
    rest: &'a [u8],
}

pub(super) fn sender_report(count: usize, body: &[u8]) -> Option<Rtcp<'_>> {
    let (ssrc, body) = word(body)?;
    let (ntp_high, body) = word(body)?;
    let (ntp_low, body) = word(body)?;
    let (rtp_timestamp, body) = word(body)?;
    let (packets, body) = word(body)?;
    let (octets, body) = word(body)?;
    let info = SenderInfo {
        ssrc,
        ntp: u64::from(ntp_high) << 32 | u64::from(ntp_low),
        rtp_timestamp,
        packets,
        octets,
    };
    let rest = body.get(..count * BLOCK_LEN)?;
    Some(Rtcp::SenderReport {
        info,
        blocks: ReportBlocks { rest },
    })
}

pub(super) fn receiver_report(count: usize, body: &[u8]) -> Option<Rtcp<'_>> {
    let (ssrc, body) = word(body)?;
    let rest = body.get(..count * BLOCK_LEN)?;
    Some(Rtcp::ReceiverReport {
        ssrc,
        blocks: ReportBlocks { rest },
    })
}

pub(super) fn bye(count: usize, body: &[u8]) -> Option<Rtcp<'_>> {
    let (ssrcs, after) = body.split_at_checked(count * 4)?;
    let reason = match after.split_first() {
        Some((length, text)) => Some(text.get(..usize::from(*length))?),
        None => None,
    };
    Some(Rtcp::Bye {
        ssrcs: Ssrcs { rest: ssrcs },
        reason,
    })
}

impl Iterator for ReportBlocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let (ssrc, rest) = word(self.rest)?;
        let (loss, rest) = word(rest)?;
        let (highest_sequence, rest) = word(rest)?;
        let (jitter, rest) = word(rest)?;
        let (last_sender_report, rest) = word(rest)?;
        let (delay_since_last, rest) = word(rest)?;
        self.rest = rest;
        let [fraction_lost, ..] = loss.to_be_bytes();
        Some(ReportBlock {
            ssrc,
            fraction_lost,
            // Shifted up and back down, the 24th bit becomes the sign.
            cumulative_lost: (loss << 8).cast_signed() >> 8,
            highest_sequence,
            jitter,
            last_sender_report,
            delay_since_last,
        })
    }
}

impl<'a> Ssrcs<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }
}

impl Iterator for Ssrcs<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let (ssrc, rest) = word(self.rest)?;
        self.rest = rest;
        Some(ssrc)
    }
}

impl<'a> SdesChunks<'a> {
    pub(super) fn parse(count: usize, body: &'a [u8]) -> Option<Self> {
        let chunks = Self {
            left: count,
            rest: body,
        };
        (chunks.clone().count() == count).then_some(chunks)
    }
}

impl<'a> Iterator for SdesChunks<'a> {
    type Item = SdesChunk<'a>;

    fn next(&mut self) -> Option<SdesChunk<'a>> {
        const END: u8 = 0;
        const CNAME: u8 = 1;
        self.left = self.left.checked_sub(1)?;
        let (ssrc, items) = word(self.rest)?;
        let mut cname = None;
        let mut at = items;
        loop {
            match at {
                // The end is padded to the next word, always with one byte at least.
                [END, ..] => {
                    let used = (items.len() - at.len() + 1).next_multiple_of(4);
                    self.rest = items.get(used..)?;
                    return Some(SdesChunk { ssrc, cname });
                }
                [item, length, rest @ ..] => {
                    let (value, after) = rest.split_at_checked(usize::from(*length))?;
                    if *item == CNAME {
                        cname = Some(value);
                    }
                    at = after;
                }
                _ => return None,
            }
        }
    }
}
