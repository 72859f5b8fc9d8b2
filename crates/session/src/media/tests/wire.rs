//! A peer that makes its packets by hand.

use std::collections::BTreeMap;

use tertulia_rtp::{SendWindow, SrtpSender};

use super::{PROFILE, keying};

/// Ids of the extensions in the tables of the tests.
pub(super) const TRANSPORT_CC: u8 = 3;
pub(super) const MID: u8 = 4;
pub(super) const RID: u8 = 10;
pub(super) const REPAIRED_RID: u8 = 11;

/// The client's side of the keys.
pub(super) struct Hand {
    pub(super) keys: SrtpSender,
    windows: BTreeMap<u32, SendWindow>,
}

/// One packet to make.
#[derive(Clone)]
pub(super) struct Packet<'a> {
    pub(super) ssrc: u32,
    pub(super) payload_type: u8,
    pub(super) sequence: u64,
    pub(super) timestamp: u32,
    pub(super) ext: &'a [(u8, &'a [u8])],
    pub(super) payload: &'a [u8],
    pub(super) padding: u8,
}

impl Packet<'_> {
    pub(super) const VIDEO: Packet<'static> = Packet {
        ssrc: 1_000,
        payload_type: 96,
        sequence: 1,
        timestamp: 0,
        ext: &[],
        payload: b"picture",
        padding: 0,
    };
}

impl Hand {
    pub(super) fn new() -> Self {
        let keying = keying();
        let (keys, salts) = keying.split_at(2 * PROFILE.key_len());
        let keys =
            SrtpSender::new(PROFILE, &keys[..PROFILE.key_len()], &salts[..PROFILE.salt_len()]).unwrap();
        Self {
            keys,
            windows: BTreeMap::new(),
        }
    }

    pub(super) fn make(&mut self, packet: &Packet<'_>) -> Vec<u8> {
        let mut out = vec![0x80, packet.payload_type];
        out.extend((packet.sequence as u16).to_be_bytes());
        out.extend(packet.timestamp.to_be_bytes());
        out.extend(packet.ssrc.to_be_bytes());
        if !packet.ext.is_empty() {
            out[0] |= 0x10;
            let mut block = Vec::new();
            for (id, value) in packet.ext {
                block.push(id << 4 | (value.len() - 1) as u8);
                block.extend(*value);
            }
            block.resize(block.len().next_multiple_of(4), 0);
            out.extend([0xbe, 0xde]);
            out.extend((block.len() as u16 / 4).to_be_bytes());
            out.extend(block);
        }
        let header_len = out.len();
        out.extend(packet.payload);
        if packet.padding > 0 {
            out[0] |= 0x20;
            out.extend(vec![0; usize::from(packet.padding) - 1]);
            out.push(packet.padding);
        }
        let window = self
            .windows
            .entry(packet.ssrc)
            .or_insert_with(|| self.keys.window(packet.ssrc).unwrap());
        let admitted = window.admit(packet.sequence).unwrap();
        self.keys.protect(&mut out, 0, header_len, admitted).unwrap();
        out
    }

    pub(super) fn make_rtcp(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out);
        self.keys.protect_rtcp(&mut out, 0).unwrap();
        out
    }
}
