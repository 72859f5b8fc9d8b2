//! RTCP (RFC 3550 §6, RFC 4585, RFC 5104): compound packets read without copying, and written packet by packet.

mod feedback;
mod report;
mod transport;
mod write;

pub use feedback::{FirEntries, FirEntry, NackSequences};
pub use report::{ReportBlock, ReportBlocks, SdesChunk, SdesChunks, SenderInfo, Ssrcs};
pub use transport::{StatusRun, StatusRuns, TransportFeedback, TransportStatuses, write_transport_feedback};
pub use write::{
    write_bye, write_fir, write_nack, write_pli, write_receiver_report, write_remb, write_sdes_cname,
    write_sender_report,
};

#[cfg(test)]
mod tests;

/// Packet types (RFC 3550 §12.1, RFC 4585 §6.1).
mod packet_type {
    pub(super) const SENDER_REPORT: u8 = 200;
    pub(super) const RECEIVER_REPORT: u8 = 201;
    pub(super) const SOURCE_DESCRIPTION: u8 = 202;
    pub(super) const BYE: u8 = 203;
    pub(super) const TRANSPORT_FEEDBACK: u8 = 205;
    pub(super) const PAYLOAD_FEEDBACK: u8 = 206;
}

/// Formats of feedback (RFC 4585 §6.2 and §6.3, RFC 5104 §4.3.1, draft-holmer-rmcat-transport-wide-cc-extensions-01).
mod format {
    pub(super) const NACK: u8 = 1;
    pub(super) const TRANSPORT_CC: u8 = 15;
    pub(super) const PLI: u8 = 1;
    pub(super) const FIR: u8 = 4;
    pub(super) const APPLICATION: u8 = 15;
}

/// One packet of a compound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rtcp<'a> {
    /// What a sender has sent, and how it receives others.
    SenderReport {
        /// What it has sent.
        info: SenderInfo,
        /// How it receives others, at most 31.
        blocks: ReportBlocks<'a>,
    },
    /// How somebody receives others.
    ReceiverReport {
        /// Who reports.
        ssrc: u32,
        /// How it receives, at most 31.
        blocks: ReportBlocks<'a>,
    },
    /// Who the sources are.
    SourceDescription(SdesChunks<'a>),
    /// Sources that leave.
    Bye {
        /// Which.
        ssrcs: Ssrcs<'a>,
        /// Why, if said.
        reason: Option<&'a [u8]>,
    },
    /// Packets that did not arrive.
    Nack {
        /// Who asks.
        sender: u32,
        /// The stream they are of.
        media: u32,
        /// Which.
        sequences: NackSequences<'a>,
    },
    /// A picture was lost.
    Pli {
        /// Who asks.
        sender: u32,
        /// The stream to refresh.
        media: u32,
    },
    /// Somebody needs a picture that stands alone.
    Fir {
        /// Who asks.
        sender: u32,
        /// The streams to refresh.
        entries: FirEntries<'a>,
    },
    /// Receiver's estimate of what reaches it (draft-alvestrand-rmcat-remb-03).
    Remb {
        /// Who estimates.
        sender: u32,
        /// Bits per second; `u64::MAX` where more was said than that holds.
        bitrate_bps: u64,
        /// The streams it counts.
        ssrcs: Ssrcs<'a>,
    },
    /// When packets arrived.
    TransportFeedback(TransportFeedback<'a>),
    /// A packet of a type or format not read here.
    Unknown {
        /// Its type.
        packet_type: u8,
        /// Its format or count, 0 to 31.
        format: u8,
    },
    /// A packet whose contents contradict its length, or an end of the compound that is no packet.
    Malformed,
}

/// Reads the packets of a compound, or a single one (RFC 5506), after SRTCP is taken off.
///
/// A packet that claims to be longer than what is left ends the reading with [`Rtcp::Malformed`].
pub fn rtcp_packets(compound: &[u8]) -> impl Iterator<Item = Rtcp<'_>> {
    let mut rest = compound;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some((packet, after)) = split(rest) else {
            rest = &[];
            return Some(Rtcp::Malformed);
        };
        rest = after;
        Some(packet.read().unwrap_or(Rtcp::Malformed))
    })
}

/// The common header and what is behind it, without padding.
struct Packet<'a> {
    packet_type: u8,
    format: u8,
    body: &'a [u8],
}

/// Splits the first packet off.
fn split(compound: &[u8]) -> Option<(Packet<'_>, &[u8])> {
    let ([first, packet_type, l1, l0], after) = compound.split_first_chunk::<4>()?;
    if first >> 6 != 2 {
        return None;
    }
    let length = 4 * usize::from(u16::from_be_bytes([*l1, *l0]));
    let (mut body, rest) = after.split_at_checked(length)?;
    if first & 0x20 != 0 {
        let padding = usize::from(*body.last()?);
        let end = body.len().checked_sub(padding).filter(|_| padding != 0)?;
        body = body.get(..end)?;
    }
    let packet = Packet {
        packet_type: *packet_type,
        format: first & 0x1f,
        body,
    };
    Some((packet, rest))
}

impl<'a> Packet<'a> {
    fn read(&self) -> Option<Rtcp<'a>> {
        let count = usize::from(self.format);
        match (self.packet_type, self.format) {
            (packet_type::SENDER_REPORT, _) => report::sender_report(count, self.body),
            (packet_type::RECEIVER_REPORT, _) => report::receiver_report(count, self.body),
            (packet_type::SOURCE_DESCRIPTION, _) => {
                SdesChunks::parse(count, self.body).map(Rtcp::SourceDescription)
            }
            (packet_type::BYE, _) => report::bye(count, self.body),
            (packet_type::TRANSPORT_FEEDBACK, format::NACK) => feedback::nack(self.body),
            (packet_type::TRANSPORT_FEEDBACK, format::TRANSPORT_CC) => {
                TransportFeedback::parse(self.body).map(Rtcp::TransportFeedback)
            }
            (packet_type::PAYLOAD_FEEDBACK, format::PLI) => feedback::pli(self.body),
            (packet_type::PAYLOAD_FEEDBACK, format::FIR) => feedback::fir(self.body),
            (packet_type::PAYLOAD_FEEDBACK, format::APPLICATION) => feedback::application(self.body),
            (packet_type, format) => Some(Rtcp::Unknown { packet_type, format }),
        }
    }
}

/// Splits a big-endian word off.
fn word(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (word, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*word), rest))
}
