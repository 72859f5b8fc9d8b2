//! Writing packets of a compound. Each function appends whole packets to `out`.

use super::report::{ReportBlock, SenderInfo};
use super::{format, packet_type};

/// Reports and farewells count in five bits.
const MOST_COUNTED: usize = 31;
/// Bounds one NACK to a datagram with room for other packets.
const MOST_NACK_PAIRS: usize = 256;
/// REMB counts in eight bits.
const MOST_ESTIMATED: usize = 255;

/// Begins a packet and gives where it begins.
pub(super) fn begin(out: &mut Vec<u8>, packet_type: u8, format: u8) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0x80 | format & 0x1f, packet_type, 0, 0]);
    start
}

/// Pads the packet that begins at `start` with zeros to whole words and writes its length.
pub(super) fn finish(out: &mut Vec<u8>, start: usize) {
    let length = (out.len() - start).next_multiple_of(4);
    out.resize(start + length, 0);
    let words = u16::try_from(length / 4 - 1).unwrap_or(u16::MAX);
    if let Some(field) = out.get_mut(start + 2..start + 4) {
        field.copy_from_slice(&words.to_be_bytes());
    }
}

pub(super) fn put(out: &mut Vec<u8>, words: &[u32]) {
    for word in words {
        out.extend_from_slice(&word.to_be_bytes());
    }
}

/// Writes a sender report with the first 31 of `blocks`.
pub fn write_sender_report(out: &mut Vec<u8>, info: &SenderInfo, blocks: &[ReportBlock]) {
    let blocks = blocks.get(..MOST_COUNTED).unwrap_or(blocks);
    let start = begin(out, packet_type::SENDER_REPORT, blocks.len() as u8);
    put(out, &[info.ssrc]);
    out.extend_from_slice(&info.ntp.to_be_bytes());
    put(out, &[info.rtp_timestamp, info.packets, info.octets]);
    put_blocks(out, blocks);
    finish(out, start);
}

/// Writes a receiver report with the first 31 of `blocks`.
pub fn write_receiver_report(out: &mut Vec<u8>, ssrc: u32, blocks: &[ReportBlock]) {
    let blocks = blocks.get(..MOST_COUNTED).unwrap_or(blocks);
    let start = begin(out, packet_type::RECEIVER_REPORT, blocks.len() as u8);
    put(out, &[ssrc]);
    put_blocks(out, blocks);
    finish(out, start);
}

fn put_blocks(out: &mut Vec<u8>, blocks: &[ReportBlock]) {
    const MOST_LOST: i32 = (1 << 23) - 1;
    for block in blocks {
        let lost = block
            .cumulative_lost
            .clamp(-MOST_LOST - 1, MOST_LOST)
            .cast_unsigned();
        put(
            out,
            &[
                block.ssrc,
                u32::from(block.fraction_lost) << 24 | lost & 0x00ff_ffff,
                block.highest_sequence,
                block.jitter,
                block.last_sender_report,
                block.delay_since_last,
            ],
        );
    }
}

/// Writes a source description with the canonical name of one source; of a longer one the first 255 bytes.
pub fn write_sdes_cname(out: &mut Vec<u8>, ssrc: u32, cname: &str) {
    const CNAME: u8 = 1;
    let name = cname.as_bytes();
    let name = name.get(..255).unwrap_or(name);
    let start = begin(out, packet_type::SOURCE_DESCRIPTION, 1);
    put(out, &[ssrc]);
    out.extend_from_slice(&[CNAME, name.len() as u8]);
    out.extend_from_slice(name);
    // The list of items ends with a zero, wherever it falls in its word.
    out.push(0);
    finish(out, start);
}

/// Writes that the first 31 of `ssrcs` leave.
pub fn write_bye(out: &mut Vec<u8>, ssrcs: &[u32]) {
    let ssrcs = ssrcs.get(..MOST_COUNTED).unwrap_or(ssrcs);
    let start = begin(out, packet_type::BYE, ssrcs.len() as u8);
    put(out, ssrcs);
    finish(out, start);
}

/// Writes a generic NACK for `sequences`, which ascend (around the wrap), and gives how many of them it names.
///
/// That is fewer than all where more than 256 words would be needed; nothing is written for none.
pub fn write_nack(out: &mut Vec<u8>, sender: u32, media: u32, sequences: &[u16]) -> usize {
    if sequences.is_empty() {
        return 0;
    }
    let start = begin(out, packet_type::TRANSPORT_FEEDBACK, format::NACK);
    put(out, &[sender, media]);
    let mut rest = sequences;
    for _ in 0..MOST_NACK_PAIRS {
        let Some((base, mut after)) = rest.split_first() else {
            break;
        };
        let mut following = 0_u16;
        while let Some((next, later)) = after.split_first() {
            let ahead = next.wrapping_sub(*base);
            if ahead > 16 {
                break;
            }
            // A number that stands twice is named once.
            if ahead > 0 {
                following |= 1 << (ahead - 1);
            }
            after = later;
        }
        put(out, &[u32::from(*base) << 16 | u32::from(following)]);
        rest = after;
    }
    finish(out, start);
    sequences.len() - rest.len()
}

/// Writes a picture loss indication.
pub fn write_pli(out: &mut Vec<u8>, sender: u32, media: u32) {
    let start = begin(out, packet_type::PAYLOAD_FEEDBACK, format::PLI);
    put(out, &[sender, media]);
    finish(out, start);
}

/// Writes a full intra request for one stream; `number` grows with each new request (RFC 5104 §4.3.1).
pub fn write_fir(out: &mut Vec<u8>, sender: u32, media: u32, number: u8) {
    let start = begin(out, packet_type::PAYLOAD_FEEDBACK, format::FIR);
    put(out, &[sender, 0, media, u32::from(number) << 24]);
    finish(out, start);
}

/// Writes a receiver's estimate for the first 255 of `ssrcs`; the rate is rounded down to 18 significant bits.
pub fn write_remb(out: &mut Vec<u8>, sender: u32, bitrate_bps: u64, ssrcs: &[u32]) {
    let ssrcs = ssrcs.get(..MOST_ESTIMATED).unwrap_or(ssrcs);
    let exponent = (u64::BITS - bitrate_bps.leading_zeros()).saturating_sub(18);
    let mantissa = (bitrate_bps >> exponent) as u32;
    let start = begin(out, packet_type::PAYLOAD_FEEDBACK, format::APPLICATION);
    put(out, &[sender, 0]);
    out.extend_from_slice(b"REMB");
    put(
        out,
        &[(ssrcs.len() as u32) << 24 | exponent << 18 | mantissa & 0x3_ffff],
    );
    put(out, ssrcs);
    finish(out, start);
}
