//! Pictures of one packet each, as far as their payload descriptors go.

use tertulia_model::Codec;

/// What a picture tells of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    pub key: bool,
    pub layer: u8,
    pub id: u16,
}

/// A picture of an encoding; each encoding counts its own.
pub fn write(codec: Codec, layer: u8, frame: u32, key: bool) -> Vec<u8> {
    let id = (frame + u32::from(layer) * 9_000) as u16 & 0x7fff;
    let [high, low] = (0x8000 | id).to_be_bytes();
    let mut bytes = match codec {
        // RFC 9628 §4.2, flexible mode: picture id, layers, and where it is no key picture the one before.
        Codec::Vp9 if key => vec![0xbc, high, low, 0, layer],
        Codec::Vp9 => vec![0xfc, high, low, 0, 0x02, layer],
        // RFC 7741 §4.2: picture id, level-zero index, temporal layer; then the first byte of the frame.
        _ => vec![0x90, 0xe0, high, low, frame as u8, 0x20, u8::from(!key), layer],
    };
    bytes.resize(120, 0xab);
    bytes
}

/// What of it has arrived.
pub fn read(codec: Codec, payload: &[u8]) -> Option<Look> {
    let id = |at: usize| Some(u16::from_be_bytes([*payload.get(at)?, *payload.get(at + 1)?]) & 0x7fff);
    match codec {
        Codec::Vp9 => {
            let key = payload.first()? & 0x40 == 0;
            Some(Look {
                key,
                layer: *payload.get(if key { 4 } else { 5 })?,
                id: id(1)?,
            })
        }
        Codec::Vp8 => Some(Look {
            key: payload.get(6)? & 1 == 0,
            layer: *payload.get(7)?,
            id: id(2)?,
        }),
        _ => None,
    }
}
