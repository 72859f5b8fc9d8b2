//! The packet transforms: AES-GCM (RFC 7714) and AES counter mode with HMAC-SHA1 (RFC 3711 §4.1.1, §4.2.1).

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{EncryptingKey, EncryptionContext};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::kdf::{Label, MasterKey, counter_mode};
use super::{SrtpError, SrtpProfile};

pub(crate) const GCM_TAG: usize = 16;
/// HMAC-SHA1 cut to 80 bits.
pub(crate) const SHA1_TAG: usize = 10;

/// Bit of the SRTCP index word that says the packet is encrypted (RFC 3711 §3.4).
pub(crate) const ENCRYPTED: u32 = 1 << 31;

/// The keys of one direction of RTP or of RTCP.
pub(crate) enum Cipher {
    Gcm(Gcm),
    CounterMode(Box<CounterMode>),
}

pub(crate) struct Gcm {
    key: LessSafeKey,
    /// The twelve bytes of the salt as a number.
    salt: Zeroizing<u128>,
}

pub(crate) struct CounterMode {
    cipher: EncryptingKey,
    salt: Zeroizing<[u8; 14]>,
    authentication: hmac::Key,
}

/// Which packet, as far as its initialisation vector is concerned.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Index {
    /// The 48-bit index of an RTP packet.
    Rtp(u64),
    /// The 31-bit index of an RTCP packet, with the bit for encryption.
    Rtcp(u32),
}

impl Index {
    /// The last 48 bits of the initialisation vector before salting.
    fn value(self) -> u64 {
        const BITS: u64 = (1 << 48) - 1;
        match self {
            Self::Rtp(index) => index & BITS,
            Self::Rtcp(word) => u64::from(word & !ENCRYPTED),
        }
    }
}

impl Cipher {
    /// Derives the keys for RTP.
    pub(crate) fn rtp(profile: SrtpProfile, master: &MasterKey) -> Result<Self, SrtpError> {
        let labels = [Label::RtpEncryption, Label::RtpAuthentication, Label::RtpSalt];
        Self::new(profile, master, labels)
    }

    /// Derives the keys for RTCP.
    pub(crate) fn rtcp(profile: SrtpProfile, master: &MasterKey) -> Result<Self, SrtpError> {
        let labels = [Label::RtcpEncryption, Label::RtcpAuthentication, Label::RtcpSalt];
        Self::new(profile, master, labels)
    }

    fn new(profile: SrtpProfile, master: &MasterKey, labels: [Label; 3]) -> Result<Self, SrtpError> {
        let [encryption, authentication, salting] = labels;
        let mut key = Zeroizing::new([0; 32]);
        let key = key.get_mut(..profile.key_len()).ok_or(SrtpError::KeyLength)?;
        master.derive(encryption, key)?;
        if profile == SrtpProfile::AesCm128HmacSha1_80 {
            let mut salt = Zeroizing::new([0; 14]);
            master.derive(salting, salt.as_mut())?;
            let mut secret = Zeroizing::new([0; 20]);
            master.derive(authentication, secret.as_mut())?;
            let counter_mode = CounterMode::new(key, salt, secret.as_ref())?;
            return Ok(Self::CounterMode(Box::new(counter_mode)));
        }
        let mut salt = Zeroizing::new([0; 12]);
        master.derive(salting, salt.as_mut())?;
        Ok(Self::Gcm(Gcm::new(key, salt)?))
    }
}

impl Gcm {
    /// Takes a session key of 16 or 32 bytes and its salt.
    fn new(key: &[u8], salt: Zeroizing<[u8; 12]>) -> Result<Self, SrtpError> {
        let algorithm = match key.len() {
            16 => &AES_128_GCM,
            _ => &AES_256_GCM,
        };
        let key = UnboundKey::new(algorithm, key).map_err(|_| SrtpError::KeyLength)?;
        let mut number = Zeroizing::new(0);
        *number = salt
            .iter()
            .fold(0, |number, byte| number << 8 | u128::from(*byte));
        Ok(Self {
            key: LessSafeKey::new(key),
            salt: number,
        })
    }

    /// RFC 7714 §8.1 and §9.1: two zero bytes, the SSRC and the index, salted. The index of RTCP, 31 bits, leaves the
    /// same zeros before it as an RTP index of the first rollovers would.
    #[inline]
    fn nonce(&self, ssrc: u32, index: Index) -> Nonce {
        let plain = u128::from(ssrc) << 48 | u128::from(index.value());
        let [_, _, _, _, nonce @ ..] = (plain ^ *self.salt).to_be_bytes();
        Nonce::assume_unique_for_key(nonce)
    }

    /// Encrypts `plain` in place and writes the tag over it and `associated`.
    #[inline]
    pub(crate) fn seal(
        &self,
        ssrc: u32,
        index: Index,
        associated: &[u8],
        plain: &mut [u8],
        tag: &mut [u8; GCM_TAG],
    ) -> Result<(), SrtpError> {
        let nonce = self.nonce(ssrc, index);
        self.key
            .seal_in_place_scatter(nonce, Aad::from(associated), plain, &[], tag)
            .map_err(|_| SrtpError::Exhausted)
    }

    /// Encrypts `head` and then `tail` to `out`, and the tag over them and `associated` behind. `out` holds all of it
    /// exactly.
    #[inline]
    pub(crate) fn seal_apart(
        &self,
        ssrc: u32,
        index: Index,
        associated: &[u8],
        (head, tail): (&[u8], &[u8]),
        out: &mut [u8],
    ) -> Result<(), SrtpError> {
        let (front, back) = out.split_at_mut_checked(head.len()).ok_or(SrtpError::NotOurs)?;
        let nonce = self.nonce(ssrc, index);
        self.key
            .seal_out_of_place_scatter(nonce, Aad::from(associated), head, front, tail, back)
            .map_err(|_| SrtpError::Exhausted)
    }

    /// Decrypts in place. What fails authentication is left in no particular state.
    pub(crate) fn open(
        &self,
        ssrc: u32,
        index: Index,
        associated: &[u8],
        protected: &mut [u8],
        tag: &[u8],
    ) -> Result<(), SrtpError> {
        self.key
            .open_in_place_separate_tag(self.nonce(ssrc, index), Aad::from(associated), tag, protected)
            .map_err(|_| SrtpError::Unauthentic)?;
        Ok(())
    }
}

impl CounterMode {
    /// Takes a session key, its salt, and the secret of the tags.
    fn new(key: &[u8], salt: Zeroizing<[u8; 14]>, secret: &[u8]) -> Result<Self, SrtpError> {
        Ok(Self {
            cipher: counter_mode(key)?,
            salt,
            authentication: hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret),
        })
    }

    /// Encrypts or decrypts in place, which is the same (RFC 3711 §4.1.1).
    pub(crate) fn apply(&self, ssrc: u32, index: Index, bytes: &mut [u8]) -> Result<(), SrtpError> {
        let [a, b, c, d] = ssrc.to_be_bytes();
        let [_, _, e, f, g, h, i, j] = index.value().to_be_bytes();
        let mut iv = [0, 0, 0, 0, a, b, c, d, e, f, g, h, i, j, 0, 0];
        iv.iter_mut()
            .zip(self.salt.iter())
            .for_each(|(byte, salt)| *byte ^= salt);
        self.cipher
            .less_safe_encrypt(bytes, EncryptionContext::Iv128(iv.into()))
            .map_err(|_| SrtpError::Exhausted)?;
        Ok(())
    }

    /// The tag over `packet` and what follows it in thought: rollover counter or index word (RFC 3711 §4.2).
    pub(crate) fn tag(&self, packet: &[u8], suffix: u32) -> [u8; SHA1_TAG] {
        let mut context = hmac::Context::with_key(&self.authentication);
        context.update(packet);
        context.update(&suffix.to_be_bytes());
        let whole = context.sign();
        whole.as_ref().first_chunk().copied().unwrap_or_default()
    }

    /// Checks the tag in constant time.
    pub(crate) fn verify(&self, packet: &[u8], suffix: u32, tag: &[u8]) -> Result<(), SrtpError> {
        verify_slices_are_equal(&self.tag(packet, suffix), tag).map_err(|_| SrtpError::Unauthentic)
    }
}

#[cfg(test)]
mod tests;
