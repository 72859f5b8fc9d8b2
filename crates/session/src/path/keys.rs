//! Keys of SRTP, as a handshake gives them.

use std::fmt;

use tertulia_rtp::SrtpProfile;

/// Profile and exported material: keys of client and server, then their salts (RFC 5764 §4.2).
pub(crate) struct SrtpKeys {
    pub(crate) profile: SrtpProfile,
    pub(crate) material: Vec<u8>,
}

impl SrtpKeys {
    /// Takes what the handshake exported; `None` where it is of a profile we do not know.
    pub(super) fn new(material: &[u8], profile: dimpl::SrtpProfile) -> Option<Self> {
        let profile = match profile {
            dimpl::SrtpProfile::AEAD_AES_256_GCM => SrtpProfile::AeadAes256Gcm,
            dimpl::SrtpProfile::AEAD_AES_128_GCM => SrtpProfile::AeadAes128Gcm,
            dimpl::SrtpProfile::AES128_CM_SHA1_80 => SrtpProfile::AesCm128HmacSha1_80,
            _ => return None,
        };
        Some(Self {
            profile,
            material: material.to_vec(),
        })
    }
}

impl fmt::Debug for SrtpKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SrtpKeys")
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}
