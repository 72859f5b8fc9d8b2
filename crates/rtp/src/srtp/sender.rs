//! Protecting what we send.

use std::fmt;

use super::cipher::{Cipher, ENCRYPTED, GCM_TAG, Index, SHA1_TAG};
use super::kdf::MasterKey;
use super::window::{Admitted, SendWindow};
use super::{SrtpError, SrtpProfile};
use crate::Rewrite;

/// The part of an RTCP packet that stays readable: its first header and the SSRC (RFC 3711 §3.4).
pub(crate) const RTCP_CLEAR: usize = 8;
/// What is rewritten at the head of a payload is encrypted by itself where it is no longer than this, the block of AES.
const HEAD: usize = 16;
/// So many streams may be sent under one key.
const MOST_STREAMS: usize = 1 << 14;

/// The sending direction of one DTLS-SRTP association, shared by all its streams.
pub struct SrtpSender {
    profile: SrtpProfile,
    rtp: Cipher,
    rtcp: Cipher,
    /// Index of the next RTCP packet, one for all SSRCs; 2^31 when all are used.
    next_rtcp: u32,
    /// SSRCs whose indices are given away, in order.
    streams: Vec<u32>,
    /// Tells this key's windows from another's, which may count from the same index.
    context: u64,
}

impl SrtpSender {
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
            next_rtcp: 0,
            streams: Vec::new(),
            context: master.fingerprint()?,
        })
    }

    /// The profile it protects with.
    pub fn profile(&self) -> SrtpProfile {
        self.profile
    }

    /// Gives the owner of a stream's indices, once for each SSRC; `None` when it is given away already.
    ///
    /// A stream that is stopped and begun again keeps its window or takes another SSRC.
    pub fn window(&mut self, ssrc: u32) -> Option<SendWindow> {
        let place = self.streams.binary_search(&ssrc).err()?;
        if self.streams.len() >= MOST_STREAMS {
            return None;
        }
        self.streams.insert(place, ssrc);
        Some(SendWindow::new(ssrc, self.context))
    }

    /// Protects the packet that begins at `out[start..]` with a header of `header_len` bytes, and appends the tag.
    ///
    /// The header must carry the SSRC and the low 16 bits of the index it is admitted with. `out` grows by
    /// [`SrtpProfile::rtp_overhead`].
    ///
    /// # Errors
    /// [`SrtpError::NotOurs`] where `header_len` lies beyond the packet or the window is another sender's; then the
    /// packet is taken off `out`, so that nothing unprotected is sent.
    #[inline]
    pub fn protect(
        &self,
        out: &mut Vec<u8>,
        start: usize,
        header_len: usize,
        admitted: Admitted,
    ) -> Result<(), SrtpError> {
        let result = self.try_protect(out, start, header_len, admitted);
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    #[inline]
    #[expect(clippy::needless_pass_by_value, reason = "the right to an index is used up")]
    fn try_protect(
        &self,
        out: &mut Vec<u8>,
        start: usize,
        header_len: usize,
        admitted: Admitted,
    ) -> Result<(), SrtpError> {
        if admitted.context() != self.context {
            return Err(SrtpError::NotOurs);
        }
        if start.checked_add(header_len).is_none_or(|end| end > out.len()) {
            return Err(SrtpError::NotOurs);
        }
        let (ssrc, index) = (admitted.ssrc(), admitted.index());
        if let Cipher::Gcm(_) = &self.rtp {
            out.extend_from_slice(&[0; GCM_TAG]);
        }
        let packet = out.get_mut(start..).ok_or(SrtpError::NotOurs)?;
        let (header, payload) = packet
            .split_at_mut_checked(header_len)
            .ok_or(SrtpError::NotOurs)?;
        match &self.rtp {
            Cipher::Gcm(gcm) => {
                let (payload, tag) = payload
                    .split_last_chunk_mut::<GCM_TAG>()
                    .ok_or(SrtpError::NotOurs)?;
                gcm.seal(ssrc, Index::Rtp(index), header, payload, tag)?;
            }
            Cipher::CounterMode(counter_mode) => {
                counter_mode.apply(ssrc, Index::Rtp(index), payload)?;
                let tag = counter_mode.tag(packet, rollover(index));
                out.extend_from_slice(&tag);
            }
        }
        Ok(())
    }

    /// Makes a protected packet of the header that stands in the first `header_len` bytes of `room`, and of `payload`
    /// with `rewrite` applied; gives its length. The header is as for [`SrtpSender::protect`].
    ///
    /// # Errors
    /// [`SrtpError::NotOurs`] where `room` is too small or the window is another sender's. What is in `room` then is
    /// nothing to send.
    #[inline]
    #[expect(clippy::needless_pass_by_value, reason = "the right to an index is used up")]
    pub fn seal(
        &self,
        room: &mut [u8],
        header_len: usize,
        payload: &[u8],
        rewrite: &Rewrite,
        admitted: Admitted,
    ) -> Result<usize, SrtpError> {
        if admitted.context() != self.context {
            return Err(SrtpError::NotOurs);
        }
        let (ssrc, index) = (admitted.ssrc(), admitted.index());
        let length = header_len.wrapping_add(payload.len());
        match &self.rtp {
            Cipher::Gcm(gcm) => {
                let whole = length.wrapping_add(GCM_TAG);
                let packet = room.get_mut(..whole).ok_or(SrtpError::NotOurs)?;
                let (header, out) = packet
                    .split_at_mut_checked(header_len)
                    .ok_or(SrtpError::NotOurs)?;
                let index = Index::Rtp(index);
                let reach = rewrite.reach();
                if reach == 0 {
                    // Encrypted from where it is kept.
                    gcm.seal_apart(ssrc, index, header, (payload, &[]), out)?;
                    return Ok(whole);
                }
                if reach <= HEAD
                    && let Some((first, tail)) = payload.split_first_chunk::<HEAD>()
                {
                    let mut head = *first;
                    rewrite.apply(&mut head);
                    gcm.seal_apart(ssrc, index, header, (&head, tail), out)?;
                    return Ok(whole);
                }
                let (out, tag) = out.split_last_chunk_mut::<GCM_TAG>().ok_or(SrtpError::NotOurs)?;
                out.copy_from_slice(payload);
                rewrite.apply(out);
                gcm.seal(ssrc, index, header, out, tag)?;
                Ok(whole)
            }
            Cipher::CounterMode(counter_mode) => {
                let whole = length.wrapping_add(SHA1_TAG);
                let packet = room.get_mut(..whole).ok_or(SrtpError::NotOurs)?;
                let (plain, tag) = packet
                    .split_last_chunk_mut::<SHA1_TAG>()
                    .ok_or(SrtpError::NotOurs)?;
                let out = plain.get_mut(header_len..).ok_or(SrtpError::NotOurs)?;
                out.copy_from_slice(payload);
                rewrite.apply(out);
                counter_mode.apply(ssrc, Index::Rtp(index), out)?;
                *tag = counter_mode.tag(plain, rollover(index));
                Ok(whole)
            }
        }
    }

    /// Protects the (compound) RTCP packet that begins at `out[start..]`; `out` grows by
    /// [`SrtpProfile::rtcp_overhead`].
    ///
    /// # Errors
    /// [`SrtpError::Truncated`] where the packet has no header, [`SrtpError::Exhausted`] when all 2^31 indices are
    /// used; then the packet is taken off `out`.
    pub fn protect_rtcp(&mut self, out: &mut Vec<u8>, start: usize) -> Result<(), SrtpError> {
        let result = self.try_protect_rtcp(out, start);
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    fn try_protect_rtcp(&mut self, out: &mut Vec<u8>, start: usize) -> Result<(), SrtpError> {
        let packet = out.get_mut(start..).ok_or(SrtpError::NotOurs)?;
        let (clear, body) = packet
            .split_first_chunk_mut::<RTCP_CLEAR>()
            .ok_or(SrtpError::Truncated)?;
        if self.next_rtcp & ENCRYPTED != 0 {
            return Err(SrtpError::Exhausted);
        }
        let word = self.next_rtcp | ENCRYPTED;
        self.next_rtcp += 1;
        let [.., a, b, c, d] = *clear;
        let ssrc = u32::from_be_bytes([a, b, c, d]);
        match &self.rtcp {
            Cipher::Gcm(gcm) => {
                let associated = rtcp_associated(*clear, word);
                let mut tag = [0; GCM_TAG];
                gcm.seal(ssrc, Index::Rtcp(word), &associated, body, &mut tag)?;
                out.extend_from_slice(&tag);
                out.extend_from_slice(&word.to_be_bytes());
            }
            Cipher::CounterMode(counter_mode) => {
                counter_mode.apply(ssrc, Index::Rtcp(word), body)?;
                let tag = counter_mode.tag(packet, word);
                out.extend_from_slice(&word.to_be_bytes());
                out.extend_from_slice(&tag);
            }
        }
        Ok(())
    }
}

impl fmt::Debug for SrtpSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SrtpSender")
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

/// The rollover counter of an index.
pub(crate) fn rollover(index: u64) -> u32 {
    (index >> 16) as u32
}

/// What GCM authenticates besides an encrypted RTCP packet (RFC 7714 §9.2): its clear header and the index word.
pub(crate) fn rtcp_associated(clear: [u8; RTCP_CLEAR], word: u32) -> [u8; RTCP_CLEAR + 4] {
    let [a, b, c, d, e, f, g, h] = clear;
    let [i, j, k, l] = word.to_be_bytes();
    [a, b, c, d, e, f, g, h, i, j, k, l]
}

#[cfg(test)]
mod tests;
