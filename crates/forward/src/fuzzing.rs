//! One subscriber of hostile packets, for fuzz targets. No part of the interface.

use std::collections::BTreeSet;
use std::time::Instant;

use tertulia_model::Codec;
use tertulia_rtp::DescriptorReader;

use crate::munger::Munger;
use crate::selector::{Aim, Selector, Verdict};

const ENCODINGS: usize = 3;
const CODECS: [Codec; 5] = [Codec::Vp8, Codec::Vp9, Codec::Av1, Codec::H264, Codec::Opus];

/// Selects and rewrites what `data` makes of packets and wishes, and asserts what must hold of the result.
///
/// A step begins with a byte: 0 to 31 aims at nothing, 32 to 95 at what the next byte says, others bring a packet, told
/// by five bytes (codec, encoding, step of the sequence number, lengths of payload and dependency descriptor) and its
/// contents.
pub fn subscriber(data: &[u8], now: Instant) {
    let mut subscriber = Subscriber {
        readers: Default::default(),
        selector: Selector::default(),
        munger: Munger::new(90_000, 0x7000, 0),
        newest: [100_000; ENCODINGS],
        received: BTreeSet::new(),
        sent: BTreeSet::new(),
    };
    let mut rest = data;
    while let [step, behind @ ..] = rest {
        rest = match *step {
            0..=31 => {
                subscriber.selector.aim(None);
                behind
            }
            32..=95 => {
                let [wish, behind @ ..] = behind else { return };
                subscriber.selector.aim(Some(Aim {
                    encoding: usize::from(wish >> 6) % ENCODINGS,
                    spatial: usize::from(wish >> 3 & 7),
                    temporal: usize::from(wish & 7),
                }));
                behind
            }
            _ => {
                let Some((head, behind)) = behind.split_first_chunk::<5>() else {
                    return;
                };
                let [codec, encoding, step, payload, descriptor] = *head;
                let (payload, behind) = behind.split_at(usize::from(payload & 0x1f).min(behind.len()));
                let (descriptor, behind) = behind.split_at(usize::from(descriptor & 0x7f).min(behind.len()));
                let codec = CODECS[usize::from(codec) % CODECS.len()];
                let encoding = usize::from(encoding) % ENCODINGS;
                subscriber.receive(codec, encoding, step as i8, payload, descriptor, now);
                behind
            }
        };
    }
}

struct Subscriber {
    readers: [DescriptorReader; ENCODINGS],
    selector: Selector,
    munger: Munger,
    newest: [u64; ENCODINGS],
    received: BTreeSet<(usize, u64)>,
    sent: BTreeSet<u64>,
}

impl Subscriber {
    fn receive(
        &mut self,
        codec: Codec,
        encoding: usize,
        step: i8,
        payload: &[u8],
        descriptor: &[u8],
        now: Instant,
    ) {
        let sequence = self.newest[encoding].saturating_add_signed(i64::from(step));
        self.newest[encoding] = self.newest[encoding].max(sequence);
        if !self.received.insert((encoding, sequence)) {
            return;
        }
        let extension = (!descriptor.is_empty()).then_some(descriptor);
        let Ok(packet) = self.readers[encoding].read(codec, payload, extension) else {
            return;
        };
        let before = self.selector.current();
        match self.selector.judge(&packet, encoding, sequence) {
            Verdict::Drop | Verdict::Hold => {
                if before.is_some_and(|aim| aim.encoding == encoding) {
                    self.munger.leave_out(sequence, &packet);
                }
                return;
            }
            Verdict::Forward { .. } => {}
            Verdict::Switch { .. } => self.munger.switch(sequence, 0, now, None, &packet),
        }
        let targets = self.selector.decode_targets();
        let placed = self.munger.place(sequence, 0, now, &packet, targets);
        let Some(placed) = placed else { return };
        assert!(
            self.sent.insert(placed.sequence),
            "a sequence number is used once"
        );
        let mut once = payload.to_vec();
        placed.rewrite.apply(&mut once);
        assert_eq!(once.len(), payload.len());
        let mut twice = once.clone();
        placed.rewrite.apply(&mut twice);
        assert_eq!(once, twice, "a repair equals what it repairs");
        let mut buffer = [0; 256];
        if let Some(written) = placed.rewrite.descriptor(descriptor, &mut buffer) {
            assert!(written.len() <= 255, "it fits into a header extension");
        }
        let _ = self.selector.waiting_for();
    }
}
