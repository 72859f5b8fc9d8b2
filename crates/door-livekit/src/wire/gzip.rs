use std::io::Read;

use flate2::read::{DeflateDecoder, GzDecoder};

use super::WireError;

/// Inflates gzip data to at most `limit` bytes.
pub(crate) fn inflate_gzip(data: &[u8], limit: usize) -> Result<Vec<u8>, WireError> {
    inflate(GzDecoder::new(data), limit)
}

/// Inflates raw deflate data (no header, no checksum) to at most `limit` bytes.
pub(crate) fn inflate_raw(data: &[u8], limit: usize) -> Result<Vec<u8>, WireError> {
    inflate(DeflateDecoder::new(data), limit)
}

fn inflate(reader: impl Read, limit: usize) -> Result<Vec<u8>, WireError> {
    let mut out = Vec::new();
    // One byte more than allowed tells "exactly the limit" from "beyond it".
    let mut bounded = reader.take(limit as u64 + 1);
    bounded
        .read_to_end(&mut out)
        .map_err(|_| WireError::Compression)?;
    if out.len() > limit {
        return Err(WireError::TooLarge(limit));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn inflates_up_to_the_limit_and_no_further() {
        assert_eq!(inflate_gzip(&gzip(&[7; 1000]), 1000).unwrap(), vec![7; 1000]);
        assert_eq!(
            inflate_gzip(&gzip(&[7; 1001]), 1000),
            Err(WireError::TooLarge(1000))
        );
        assert_eq!(
            inflate_gzip(&gzip(&vec![0; 64 << 20]), 1 << 20),
            Err(WireError::TooLarge(1 << 20))
        );
    }

    #[test]
    fn broken_data_is_an_error() {
        for data in [&b""[..], b"\x1f\x8b", b"not gzip at all", &gzip(b"hello")[..12]] {
            assert_eq!(inflate_gzip(data, 100), Err(WireError::Compression));
        }
    }
}
