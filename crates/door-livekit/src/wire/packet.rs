use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};

use super::WireError;

/// Fields of a data packet that the server alone may write.
const KIND: u32 = 1;
const IDENTITY: u32 = 4;
const DESTINATIONS: u32 = 5;
const SEQUENCE: u32 = 16;
const SID: u32 = 17;

/// What the server writes into a packet in place of whatever its sender wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Forced<'a> {
    pub reliable: bool,
    /// Empty for a hidden sender.
    pub identity: &'a str,
    /// Empty for a hidden sender.
    pub sid: &'a str,
    pub sequence: u32,
    pub destinations: &'a [String],
    /// A rewritten payload: its field number and its bytes.
    pub payload: Option<(u32, Vec<u8>)>,
}

/// Copies a data packet with the forced fields replaced.
///
/// Fields this server does not know pass untouched, so that newer clients can speak to one another; a field that is
/// forced is removed wherever it stands rather than overridden, so no reader can prefer the sender's.
pub(crate) fn force_sender(packet: &[u8], forced: &Forced<'_>) -> Result<Bytes, WireError> {
    let mut out = BytesMut::with_capacity(packet.len() + forced.identity.len() + forced.sid.len() + 32);
    let mut rest = packet;
    while rest.has_remaining() {
        let start = rest;
        let (tag, wire_type) = decode_key(&mut rest).map_err(|_| WireError::Protobuf)?;
        skip(wire_type, &mut rest)?;
        let dropped = matches!(tag, KIND | IDENTITY | DESTINATIONS | SEQUENCE | SID)
            || forced
                .payload
                .as_ref()
                .is_some_and(|(replaced, _)| *replaced == tag);
        if !dropped {
            out.put_slice(&start[..start.len() - rest.len()]);
        }
    }
    if !forced.reliable {
        encode_key(KIND, WireType::Varint, &mut out);
        encode_varint(1, &mut out);
    }
    if let Some((tag, payload)) = &forced.payload {
        put_bytes(*tag, payload, &mut out);
    }
    if !forced.identity.is_empty() {
        put_bytes(IDENTITY, forced.identity.as_bytes(), &mut out);
    }
    for destination in forced.destinations {
        put_bytes(DESTINATIONS, destination.as_bytes(), &mut out);
    }
    if forced.sequence != 0 {
        encode_key(SEQUENCE, WireType::Varint, &mut out);
        encode_varint(u64::from(forced.sequence), &mut out);
    }
    if !forced.sid.is_empty() {
        put_bytes(SID, forced.sid.as_bytes(), &mut out);
    }
    Ok(out.freeze())
}

fn put_bytes(tag: u32, value: &[u8], out: &mut BytesMut) {
    encode_key(tag, WireType::LengthDelimited, out);
    encode_varint(value.len() as u64, out);
    out.put_slice(value);
}

/// Groups are refused: no data packet has them, and they could nest without bound.
fn skip(wire_type: WireType, rest: &mut &[u8]) -> Result<(), WireError> {
    let length = match wire_type {
        WireType::Varint => {
            decode_varint(rest).map_err(|_| WireError::Protobuf)?;
            0
        }
        WireType::SixtyFourBit => 8,
        WireType::ThirtyTwoBit => 4,
        WireType::LengthDelimited => {
            let length = decode_varint(rest).map_err(|_| WireError::Protobuf)?;
            usize::try_from(length).map_err(|_| WireError::Protobuf)?
        }
        WireType::StartGroup | WireType::EndGroup => return Err(WireError::Protobuf),
    };
    *rest = rest.get(length..).ok_or(WireError::Protobuf)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use livekit_protocol as pb;
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;

    fn forced<'a>(payload: Option<(u32, Vec<u8>)>) -> Forced<'a> {
        Forced {
            reliable: true,
            identity: "ana",
            sid: "PA_1",
            sequence: 7,
            destinations: &[],
            payload,
        }
    }

    #[test]
    #[expect(deprecated, reason = "the field exists to be overwritten")]
    fn whatever_the_sender_claims_is_replaced() {
        let packet = pb::DataPacket {
            kind: 1,
            participant_identity: "mallory".into(),
            participant_sid: "PA_x".into(),
            sequence: 99,
            destination_identities: vec!["bob".into()],
            value: Some(pb::data_packet::Value::RpcAck(pb::RpcAck {
                request_id: "r".into(),
            })),
        };
        let mut bytes = packet.encode_to_vec();
        // A second identity behind the first: a reader that takes the last must not see it either.
        bytes.extend_from_slice(b"\x22\x03eve");
        let got = pb::DataPacket::decode(force_sender(&bytes, &forced(None)).unwrap()).unwrap();
        assert_eq!(
            got,
            pb::DataPacket {
                kind: 0,
                participant_identity: "ana".into(),
                participant_sid: "PA_1".into(),
                sequence: 7,
                destination_identities: vec![],
                value: packet.value,
            }
        );
    }

    #[test]
    fn unknown_fields_pass() {
        // Field 200, a message that no version known here has.
        let bytes = b"\xc2\x0c\x02hi";
        let got = force_sender(bytes, &forced(None)).unwrap();
        assert!(got.starts_with(bytes));
    }

    #[test]
    fn broken_packets_are_refused() {
        for bytes in [
            &b"\x0a"[..],
            b"\x0a\x05ab",
            b"\x0b\x0c",
            b"\x07",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            assert_eq!(
                force_sender(bytes, &forced(None)),
                Err(WireError::Protobuf),
                "for {bytes:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(packet in proptest::collection::vec(any::<u8>(), 0..256)) {
            if let Ok(out) = force_sender(&packet, &forced(Some((2, vec![1, 2])))) {
                prop_assert!(out.len() <= packet.len() + 64);
            }
        }
    }
}
