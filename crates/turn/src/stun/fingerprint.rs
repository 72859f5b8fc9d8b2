//! The check value that tells STUN from what shares its port (RFC 8489 §14.7).

/// Distinguishes the value from a plain CRC-32 ("STUN" in ASCII).
const MASK: u32 = 0x5354_554e;

/// The reflected polynomial of ITU V.42.
const POLYNOMIAL: u32 = 0xedb8_8320;

const TABLE: [u32; 256] = table();

/// Computes the value over what stands before the attribute.
pub(super) fn fingerprint(message: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in message {
        let index = (crc ^ u32::from(*byte)) & 0xff;
        let entry = TABLE.get(index as usize).copied().unwrap_or_default();
        crc = entry ^ crc >> 8;
    }
    !crc ^ MASK
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 {
                value >> 1 ^ POLYNOMIAL
            } else {
                value >> 1
            };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}
