//! SRTP and SRTCP (RFC 3711, RFC 7714) as keyed by DTLS (RFC 5764): one context for each direction.
//!
//! Packets are opened and sealed in place, nothing allocates per packet, and key schedules and HMAC states are built
//! once. The index of every packet sealed has one owner ([`SendWindow`] for SRTP, [`SrtpSender`] for SRTCP) that gives
//! it out at most once: under AES-GCM a repeated nonce gives both plaintexts and the authentication key away.

mod cipher;
mod kdf;
mod receiver;
mod sender;
mod window;

pub use receiver::{Opened, SrtpReceiver};
pub use sender::SrtpSender;
pub use window::{Admitted, ReceiveWindow, SendWindow};

#[cfg(test)]
mod tests;

use thiserror::Error;

/// A protection profile of DTLS-SRTP (RFC 5764 §4.1.2, RFC 7714 §14.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SrtpProfile {
    /// `SRTP_AEAD_AES_256_GCM`.
    AeadAes256Gcm,
    /// `SRTP_AEAD_AES_128_GCM`.
    AeadAes128Gcm,
    /// `SRTP_AES128_CM_HMAC_SHA1_80`.
    AesCm128HmacSha1_80,
}

impl SrtpProfile {
    /// Bytes of a master key.
    pub const fn key_len(self) -> usize {
        match self {
            Self::AeadAes256Gcm => 32,
            Self::AeadAes128Gcm | Self::AesCm128HmacSha1_80 => 16,
        }
    }

    /// Bytes of a master salt.
    pub const fn salt_len(self) -> usize {
        match self {
            Self::AeadAes256Gcm | Self::AeadAes128Gcm => 12,
            Self::AesCm128HmacSha1_80 => 14,
        }
    }

    /// Bytes that protection adds to an RTP packet.
    pub const fn rtp_overhead(self) -> usize {
        match self {
            Self::AeadAes256Gcm | Self::AeadAes128Gcm => 16,
            Self::AesCm128HmacSha1_80 => 10,
        }
    }

    /// Bytes that protection adds to an RTCP packet: the tag and the word with the index.
    pub const fn rtcp_overhead(self) -> usize {
        self.rtp_overhead() + 4
    }
}

/// Why a packet was not protected or not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum SrtpError {
    /// Our fault: key or salt is not as long as the profile says.
    #[error("key or salt of a wrong length")]
    KeyLength,
    /// Our fault: the header does not lie within the packet to protect, or its place was admitted by another context.
    #[error("no packet of this context")]
    NotOurs,
    /// The cipher refused what it was given, or all indices are used up (RFC 3711 §9.2).
    #[error("cannot protect any more")]
    Exhausted,
    /// The peer's: shorter than headers and tag.
    #[error("truncated packet")]
    Truncated,
    /// The peer's: seen before.
    #[error("replayed packet")]
    Replayed,
    /// The peer's: older than what can be told from a replay.
    #[error("packet too old")]
    TooOld,
    /// Not the peer's at all, or damaged: the tag is wrong.
    #[error("authentication failed")]
    Unauthentic,
    /// The peer's: SRTCP that claims not to be encrypted.
    #[error("unencrypted control packet")]
    Unencrypted,
    /// The peer's: padding that is longer than the payload, in an authentic packet.
    #[error("impossible padding")]
    Padding,
}
