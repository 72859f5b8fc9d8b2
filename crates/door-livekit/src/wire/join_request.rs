use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use livekit_protocol as pb;
use prost::Message as _;

use super::{MAX_JOIN_REQUEST_BYTES, WireError, inflate_gzip};

/// base64url with or without padding: browsers and native SDKs differ.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// Some clients write the standard alphabet; it cannot be confused with the other.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads the `join_request` parameter of a connection's URL.
pub(crate) fn unwrap_join_request(parameter: &str) -> Result<pb::JoinRequest, WireError> {
    if parameter.len() > MAX_JOIN_REQUEST_BYTES {
        return Err(WireError::TooLarge(MAX_JOIN_REQUEST_BYTES));
    }
    let bytes = BASE64URL
        .decode(parameter)
        .or_else(|_| BASE64.decode(parameter))
        .map_err(|_| WireError::Base64)?;
    let wrapped = pb::WrappedJoinRequest::decode(&bytes[..]).map_err(|_| WireError::Protobuf)?;
    let request = match pb::wrapped_join_request::Compression::try_from(wrapped.compression) {
        Ok(pb::wrapped_join_request::Compression::None) => wrapped.join_request,
        Ok(pb::wrapped_join_request::Compression::Gzip) => {
            inflate_gzip(&wrapped.join_request, MAX_JOIN_REQUEST_BYTES)?
        }
        Err(_) => return Err(WireError::Invalid("compression")),
    };
    pb::JoinRequest::decode(&request[..]).map_err(|_| WireError::Protobuf)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    fn wrapped(compression: i32, join_request: Vec<u8>) -> Vec<u8> {
        pb::WrappedJoinRequest {
            compression,
            join_request,
        }
        .encode_to_vec()
    }

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn plain_and_compressed_requests_are_read_with_and_without_padding() {
        let request = pb::JoinRequest {
            metadata: "hello".into(),
            ..Default::default()
        };
        let plain = request.encode_to_vec();
        for bytes in [wrapped(0, plain.clone()), wrapped(1, gzip(&plain))] {
            assert_eq!(unwrap_join_request(&URL_SAFE.encode(&bytes)), Ok(request.clone()));
            assert_eq!(
                unwrap_join_request(&URL_SAFE_NO_PAD.encode(&bytes)),
                Ok(request.clone())
            );
        }
    }

    #[test]
    fn bombs_and_nonsense_are_refused() {
        let bomb = wrapped(1, gzip(&vec![0; 8 << 20]));
        for (parameter, expected) in [
            (URL_SAFE.encode(bomb), WireError::TooLarge(MAX_JOIN_REQUEST_BYTES)),
            (
                URL_SAFE.encode(wrapped(9, vec![])),
                WireError::Invalid("compression"),
            ),
            (URL_SAFE.encode(wrapped(1, vec![1, 2, 3])), WireError::Compression),
            (URL_SAFE.encode(wrapped(0, vec![255; 9])), WireError::Protobuf),
            ("%%%".to_owned(), WireError::Base64),
            (
                "A".repeat(MAX_JOIN_REQUEST_BYTES + 1),
                WireError::TooLarge(MAX_JOIN_REQUEST_BYTES),
            ),
        ] {
            assert_eq!(unwrap_join_request(&parameter).unwrap_err(), expected);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(parameter in ".{0,256}") {
            let _ = unwrap_join_request(&parameter);
        }
    }
}
