//! The FINGERPRINT of a STUN message (RFC 8489 §14.7), which the parser does not compare.

/// Type and length of the attribute.
const ATTRIBUTE: [u8; 4] = [0x80, 0x28, 0, 4];
const MASK: u32 = 0x5354_554e;

/// Whether the message has none, or the right one.
pub(super) fn holds(message: &[u8]) -> bool {
    let Some((covered, attribute)) = message.split_last_chunk::<8>() else {
        return true;
    };
    let [kind @ .., a, b, c, d] = attribute;
    *kind != ATTRIBUTE || crc32(covered) ^ MASK == u32::from_be_bytes([*a, *b, *c, *d])
}

/// CRC-32 as in ITU-T V.42, bit by bit: messages are about a hundred bytes long.
fn crc32(bytes: &[u8]) -> u32 {
    let remainder = bytes.iter().fold(u32::MAX, |remainder, byte| {
        (0..8).fold(remainder ^ u32::from(*byte), |remainder, _| {
            (remainder >> 1) ^ (0xedb8_8320 & (remainder & 1).wrapping_neg())
        })
    });
    !remainder
}

#[cfg(test)]
mod tests {
    use super::{crc32, holds};

    #[test]
    fn the_check_value_of_the_polynomial() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn the_sample_request_of_rfc_5769_and_a_flipped_bit() {
        // RFC 5769 §2.1.
        let hex = "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74\
                   002400046e0001ff80290008932ff9b151263b36000600096576746a3a68367659202020\
                   000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf";
        let hex: String = hex.split_whitespace().collect();
        let mut message: Vec<u8> = (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect();
        assert!(holds(&message));
        message[30] ^= 1;
        assert!(!holds(&message));
        assert!(holds(&[0; 8][..7]));
    }
}
