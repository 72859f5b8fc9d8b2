//! Payload types as they are looked up for each packet.

use tertulia_model::Codec;

use crate::table::Tables;

const NONE: u8 = u8::MAX;

/// What a payload type stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PayloadType {
    pub(super) codec: Codec,
    /// Clock rate in hertz.
    pub(super) rate: u32,
    /// The payload type of the medium itself.
    pub(super) main: u8,
    /// Whether this one carries retransmissions (RFC 4588).
    pub(super) repair: bool,
    /// Whether the codec has a payload type for retransmissions.
    pub(super) repairable: bool,
}

/// All payload types of a session.
pub(super) struct PayloadTypes {
    places: [u8; 128],
    types: Vec<PayloadType>,
}

impl PayloadTypes {
    pub(super) fn new(tables: &Tables) -> Self {
        let mut this = Self {
            places: [NONE; 128],
            types: Vec::new(),
        };
        for codec in tables.codecs() {
            let main = PayloadType {
                codec: codec.codec,
                rate: codec.clock_rate.max(1),
                main: codec.payload_type,
                repair: false,
                repairable: codec.rtx.is_some(),
            };
            this.put(codec.payload_type, main);
            if let Some(rtx) = codec.rtx {
                this.put(rtx, PayloadType { repair: true, ..main });
            }
        }
        this
    }

    pub(super) fn find(&self, payload_type: u8) -> Option<PayloadType> {
        let place = self.places.get(usize::from(payload_type))?;
        self.types.get(usize::from(*place)).copied()
    }

    fn put(&mut self, payload_type: u8, known: PayloadType) {
        let Ok(next) = u8::try_from(self.types.len()) else {
            return;
        };
        if let Some(place) = self.places.get_mut(usize::from(payload_type))
            && next != NONE
        {
            *place = next;
            self.types.push(known);
        }
    }
}
