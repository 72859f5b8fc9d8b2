//! Session keys from a master key (RFC 3711 §4.3, RFC 7714 §11).

use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use zeroize::Zeroizing;

use super::{SrtpError, SrtpProfile};

/// What a session key is for: the label of RFC 3711 §4.3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    RtpEncryption = 0,
    RtpAuthentication = 1,
    RtpSalt = 2,
    RtcpEncryption = 3,
    RtcpAuthentication = 4,
    RtcpSalt = 5,
    /// Ours, far from the registered ones: tells one master key from another.
    Fingerprint = 0xf5,
}

/// A master key, ready to derive from. A key derivation rate of zero is understood, as DTLS-SRTP wants it.
pub(crate) struct MasterKey {
    prf: EncryptingKey,
    /// Salts of 96 bits are filled up with zeros (RFC 7714 §11).
    salt: Zeroizing<[u8; 14]>,
}

impl MasterKey {
    pub(crate) fn new(profile: SrtpProfile, key: &[u8], salt: &[u8]) -> Result<Self, SrtpError> {
        if key.len() != profile.key_len() || salt.len() != profile.salt_len() {
            return Err(SrtpError::KeyLength);
        }
        let mut padded = Zeroizing::new([0; 14]);
        padded
            .iter_mut()
            .zip(salt)
            .for_each(|(place, byte)| *place = *byte);
        Ok(Self {
            prf: counter_mode(key)?,
            salt: padded,
        })
    }

    /// Fills `out` with the session key of a label: AES in counter mode over the salted label.
    pub(crate) fn derive(&self, label: Label, out: &mut [u8]) -> Result<(), SrtpError> {
        let mut iv = [0; 16];
        iv.iter_mut()
            .zip(self.salt.iter())
            .for_each(|(place, byte)| *place = *byte);
        iv[7] ^= label as u8;
        out.fill(0);
        self.prf
            .less_safe_encrypt(out, EncryptionContext::Iv128(iv.into()))
            .map_err(|_| SrtpError::KeyLength)?;
        Ok(())
    }

    /// A number that differs between keys and says nothing about them.
    pub(crate) fn fingerprint(&self) -> Result<u64, SrtpError> {
        let mut bytes = [0; 8];
        self.derive(Label::Fingerprint, &mut bytes)?;
        Ok(u64::from_be_bytes(bytes))
    }
}

/// AES in counter mode with its key schedule built; a key of 16 or 32 bytes.
pub(crate) fn counter_mode(key: &[u8]) -> Result<EncryptingKey, SrtpError> {
    let algorithm = match key.len() {
        16 => &AES_128,
        32 => &AES_256,
        _ => return Err(SrtpError::KeyLength),
    };
    UnboundCipherKey::new(algorithm, key)
        .and_then(EncryptingKey::ctr)
        .map_err(|_| SrtpError::KeyLength)
}

#[cfg(test)]
mod tests;
