//! Opening what we receive.

use std::fmt;

use super::cipher::{Cipher, ENCRYPTED, GCM_TAG, Index, SHA1_TAG};
use super::kdf::MasterKey;
use super::sender::{RTCP_CLEAR, rollover, rtcp_associated};
use super::window::ReceiveWindow;
use super::{SrtpError, SrtpProfile};
use crate::header::RtpHeader;

/// So many SSRCs of control packets are remembered; beyond, the one heard from longest ago is forgotten.
const MOST_CONTROL_STREAMS: usize = 128;
/// How far behind the newest index a control packet may be.
const CONTROL_WINDOW: u32 = 128;

/// The receiving direction of one DTLS-SRTP association, shared by all its streams.
pub struct SrtpReceiver {
    profile: SrtpProfile,
    rtp: Cipher,
    rtcp: Cipher,
    /// A peer's SRTCP index counts for each of its SSRCs.
    control: Vec<ControlWindow>,
    /// Control packets opened, a clock for who was heard from last.
    opened: u64,
}

/// Where the plain packet lies after opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// Extended sequence number; a stream begins in rollover 0.
    pub index: u64,
    /// Where the payload ends in the packet, without tag and padding; it begins at the header's `header_len`.
    pub payload_end: usize,
}

/// The SRTCP indices seen of one SSRC.
#[derive(Debug, Clone)]
struct ControlWindow {
    ssrc: u32,
    newest: u32,
    /// Bit `n` stands for the index `newest - n`.
    seen: u128,
    heard: u64,
}

impl SrtpReceiver {
    /// Derives the session keys of a master key and salt.
    ///
    /// # Errors
    /// [`SrtpError::KeyLength`] where their lengths are not the profile's.
    pub fn new(profile: SrtpProfile, master_key: &[u8], master_salt: &[u8]) -> Result<Self, SrtpError> {
        let master = MasterKey::new(profile, master_key, master_salt)?;
        Ok(Self {
            profile,
            rtp: Cipher::rtp(profile, &master)?,
            rtcp: Cipher::rtcp(profile, &master)?,
            control: Vec::new(),
            opened: 0,
        })
    }

    /// The profile it opens.
    pub fn profile(&self) -> SrtpProfile {
        self.profile
    }

    /// Checks and decrypts a packet in place; `header` was read from it by [`RtpHeader::parse`], and `state` is that of
    /// its SSRC, new where the SSRC is.
    ///
    /// # Errors
    /// The packet must be dropped. Whoever is new keeps no state, and `state` is unchanged, except after
    /// [`SrtpError::Padding`], which an authentic packet has.
    pub fn unprotect(
        &self,
        packet: &mut [u8],
        header: &RtpHeader,
        state: &mut ReceiveWindow,
    ) -> Result<Opened, SrtpError> {
        let index = state.extend(header.sequence)?;
        state.check(index)?;
        let (clear, body) = packet
            .split_at_mut_checked(header.header_len)
            .ok_or(SrtpError::Truncated)?;
        let plain_len = match &self.rtp {
            Cipher::Gcm(gcm) => {
                let (payload, tag) = body
                    .split_last_chunk_mut::<GCM_TAG>()
                    .ok_or(SrtpError::Truncated)?;
                gcm.open(header.ssrc, Index::Rtp(index), clear, payload, tag)?;
                header.header_len + payload.len()
            }
            Cipher::CounterMode(counter_mode) => {
                let payload_len = body.len().checked_sub(SHA1_TAG).ok_or(SrtpError::Truncated)?;
                let (signed, tag) = packet
                    .split_last_chunk_mut::<SHA1_TAG>()
                    .ok_or(SrtpError::Truncated)?;
                counter_mode.verify(signed, rollover(index), tag)?;
                let payload = signed.get_mut(header.header_len..).unwrap_or_default();
                counter_mode.apply(header.ssrc, Index::Rtp(index), payload)?;
                header.header_len + payload_len
            }
        };
        state.note(index);
        let payload_end = packet
            .get(..plain_len)
            .and_then(|plain| header.unpadded(plain))
            .ok_or(SrtpError::Padding)?;
        Ok(Opened { index, payload_end })
    }

    /// Checks and decrypts a (compound) RTCP packet in place and gives the length of the plain packet, which begins
    /// where the protected one did.
    ///
    /// # Errors
    /// The packet must be dropped; nothing has changed.
    pub fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let (word, plain_len) = match self.profile {
            SrtpProfile::AeadAes256Gcm | SrtpProfile::AeadAes128Gcm => {
                let (rest, word) = packet.split_last_chunk::<4>().ok_or(SrtpError::Truncated)?;
                (word, rest.len().checked_sub(GCM_TAG))
            }
            SrtpProfile::AesCm128HmacSha1_80 => {
                let (rest, _) = packet
                    .split_last_chunk::<SHA1_TAG>()
                    .ok_or(SrtpError::Truncated)?;
                let (rest, word) = rest.split_last_chunk::<4>().ok_or(SrtpError::Truncated)?;
                (word, Some(rest.len()))
            }
        };
        let word = u32::from_be_bytes(*word);
        let plain_len = plain_len.ok_or(SrtpError::Truncated)?;
        let (plain, trailer) = packet
            .split_at_mut_checked(plain_len)
            .ok_or(SrtpError::Truncated)?;
        let clear = *plain.first_chunk::<RTCP_CLEAR>().ok_or(SrtpError::Truncated)?;
        let [.., a, b, c, d] = clear;
        let ssrc = u32::from_be_bytes([a, b, c, d]);
        // DTLS-SRTP always encrypts (RFC 8827 §6.5); a packet that says otherwise is no conversation of ours.
        if word & ENCRYPTED == 0 {
            return Err(SrtpError::Unencrypted);
        }
        let index = word & !ENCRYPTED;
        let known = self.control.iter().position(|window| window.ssrc == ssrc);
        if let Some(window) = known.and_then(|at| self.control.get(at)) {
            window.check(index)?;
        }
        match &self.rtcp {
            Cipher::Gcm(gcm) => {
                let associated = rtcp_associated(clear, word);
                let body = plain.get_mut(RTCP_CLEAR..).unwrap_or_default();
                let tag = trailer.get(..GCM_TAG).unwrap_or_default();
                gcm.open(ssrc, Index::Rtcp(word), &associated, body, tag)?;
            }
            Cipher::CounterMode(counter_mode) => {
                let tag = trailer.get(4..).unwrap_or_default();
                counter_mode.verify(plain, word, tag)?;
                let body = plain.get_mut(RTCP_CLEAR..).unwrap_or_default();
                counter_mode.apply(ssrc, Index::Rtcp(word), body)?;
            }
        }
        self.note(known, ssrc, index);
        Ok(plain_len)
    }

    fn note(&mut self, known: Option<usize>, ssrc: u32, index: u32) {
        self.opened += 1;
        let heard = self.opened;
        if let Some(window) = known.and_then(|at| self.control.get_mut(at)) {
            window.note(index);
            window.heard = heard;
            return;
        }
        let window = ControlWindow {
            ssrc,
            newest: index,
            seen: 1,
            heard,
        };
        if self.control.len() < MOST_CONTROL_STREAMS {
            self.control.push(window);
        } else if let Some(oldest) = self.control.iter_mut().min_by_key(|window| window.heard) {
            *oldest = window;
        }
    }
}

impl ControlWindow {
    fn check(&self, index: u32) -> Result<(), SrtpError> {
        let Some(behind) = self.newest.checked_sub(index) else {
            return Ok(());
        };
        if behind >= CONTROL_WINDOW {
            return Err(SrtpError::TooOld);
        }
        if self.seen & 1 << behind != 0 {
            return Err(SrtpError::Replayed);
        }
        Ok(())
    }

    fn note(&mut self, index: u32) {
        match index.checked_sub(self.newest) {
            Some(ahead) => {
                self.seen = self.seen.checked_shl(ahead).unwrap_or_default() | 1;
                self.newest = index;
            }
            None => self.seen |= 1 << (self.newest - index),
        }
    }
}

impl fmt::Debug for SrtpReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SrtpReceiver")
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
