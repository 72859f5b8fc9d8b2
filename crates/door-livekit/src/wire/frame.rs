use bytes::Bytes;
use livekit_protocol as pb;
use prost::Message as _;

use super::{MAX_SIGNAL_BYTES, Response, WireError};

/// How a signalling message is written: binary frames carry protobuf, text frames JSON. A client is answered in what
/// it last wrote, and in protobuf before that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Protobuf,
    Json,
}

/// Reads one frame.
pub(crate) fn decode(encoding: Encoding, frame: &[u8]) -> Result<pb::signal_request::Message, WireError> {
    if frame.len() > MAX_SIGNAL_BYTES {
        return Err(WireError::TooLarge(MAX_SIGNAL_BYTES));
    }
    let request = match encoding {
        Encoding::Protobuf => pb::SignalRequest::decode(frame).map_err(|_| WireError::Protobuf)?,
        Encoding::Json => {
            serde_json::from_slice(frame).map_err(|error| WireError::Json(error.to_string()))?
        }
    };
    request.message.ok_or(WireError::Empty)
}

/// Writes one message; `None` only where JSON cannot carry it.
pub(crate) fn encode(encoding: Encoding, response: Response) -> Option<Bytes> {
    let response = pb::SignalResponse {
        message: Some(response.0),
    };
    match encoding {
        Encoding::Protobuf => Some(response.encode_to_vec().into()),
        Encoding::Json => match serde_json::to_vec(&response) {
            Ok(text) => Some(text.into()),
            Err(error) => {
                tracing::error!(%error, "a signalling message cannot be written as JSON");
                None
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use pb::signal_request::Message;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_encodings_carry_the_same_request() {
        let binary = pb::SignalRequest {
            message: Some(Message::Ping(1_700_000_000_000)),
        }
        .encode_to_vec();
        let text = br#"{"ping":"1700000000000"}"#;
        assert_eq!(
            decode(Encoding::Protobuf, &binary),
            Ok(Message::Ping(1_700_000_000_000))
        );
        assert_eq!(decode(Encoding::Json, text), Ok(Message::Ping(1_700_000_000_000)));
    }

    #[test]
    fn responses_are_written_in_camel_case_json() {
        let text = encode(
            Encoding::Json,
            Response(pb::signal_response::Message::PongResp(pb::Pong {
                last_ping_timestamp: 5,
                timestamp: 6,
            })),
        )
        .unwrap();
        assert_eq!(
            &text[..],
            br#"{"pongResp":{"lastPingTimestamp":"5","timestamp":"6"}}"#
        );
    }

    #[test]
    fn hostile_json_is_refused() {
        let deep = format!(r#"{{"offer":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        for text in [
            "",
            "{}",
            "null",
            "[]",
            r#"{"mute":{"sid":"a","sid":"b"}}"#,
            r#"{"addTrack":{"type":"NO_SUCH_TYPE"}}"#,
            r#"{"ping":"1e400"}"#,
            r#"{"ping":1}{"ping":2}"#,
            deep.as_str(),
        ] {
            assert!(decode(Encoding::Json, text.as_bytes()).is_err(), "for {text:.40}");
        }
    }

    #[test]
    fn oversized_frames_are_refused_unread() {
        let frame = vec![0; MAX_SIGNAL_BYTES + 1];
        assert_eq!(
            decode(Encoding::Protobuf, &frame),
            Err(WireError::TooLarge(MAX_SIGNAL_BYTES))
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(frame in proptest::collection::vec(any::<u8>(), 0..512)) {
            let _ = decode(Encoding::Protobuf, &frame);
            let _ = decode(Encoding::Json, &frame);
        }
    }
}
