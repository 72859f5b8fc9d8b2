use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::WireError;

/// How a caller of the room service writes its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Protobuf,
}

impl Format {
    /// Reads a `Content-Type`; parameters such as the character set are allowed.
    pub(crate) fn from_content_type(text: &str) -> Option<Self> {
        match text.split(';').next().unwrap_or(text).trim() {
            mime if mime.eq_ignore_ascii_case("application/json") => Some(Self::Json),
            mime if mime.eq_ignore_ascii_case("application/protobuf") => Some(Self::Protobuf),
            _ => None,
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Protobuf => "application/protobuf",
        }
    }
}

/// Reads a request body, whose size the caller has bounded.
pub(crate) fn read_body<M>(format: Format, body: &[u8]) -> Result<M, WireError>
where
    M: prost::Message + Default + DeserializeOwned,
{
    match format {
        Format::Protobuf => M::decode(body).map_err(|_| WireError::Protobuf),
        // An empty body is a request without fields, as JSON clients send it.
        Format::Json if body.is_empty() => Ok(M::default()),
        Format::Json => serde_json::from_slice(body).map_err(|error| WireError::Json(error.to_string())),
    }
}

/// Writes an answer body.
pub(crate) fn write_body<M>(format: Format, message: &M) -> Result<Bytes, WireError>
where
    M: prost::Message + Serialize,
{
    match format {
        Format::Protobuf => Ok(message.encode_to_vec().into()),
        Format::Json => serde_json::to_vec(message)
            .map(Bytes::from)
            .map_err(|error| WireError::Json(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use livekit_protocol as pb;
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;

    #[test]
    fn content_types_are_read_with_parameters() {
        assert_eq!(
            Format::from_content_type("application/json; charset=utf-8"),
            Some(Format::Json)
        );
        assert_eq!(
            Format::from_content_type("Application/Protobuf"),
            Some(Format::Protobuf)
        );
        assert_eq!(Format::from_content_type("text/json"), None);
        assert_eq!(Format::from_content_type(""), None);
    }

    #[test]
    fn both_formats_read_the_same_request() {
        let request = pb::CreateRoomRequest {
            name: "weekly".into(),
            empty_timeout: 30,
            ..Default::default()
        };
        let json = br#"{"name":"weekly","emptyTimeout":30,"aFieldOfLater":1}"#;
        let snake = br#"{"name":"weekly","empty_timeout":30}"#;
        assert_eq!(read_body(Format::Json, json), Ok(request.clone()));
        assert_eq!(read_body(Format::Json, snake), Ok(request.clone()));
        assert_eq!(read_body(Format::Protobuf, &request.encode_to_vec()), Ok(request));
    }

    proptest! {
        #[test]
        fn any_body_is_answered(body in proptest::collection::vec(any::<u8>(), 0..256)) {
            let _ = read_body::<pb::UpdateParticipantRequest>(Format::Json, &body);
            let _ = read_body::<pb::UpdateParticipantRequest>(Format::Protobuf, &body);
        }
    }
}
