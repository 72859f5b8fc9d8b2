//! SRTP keys of a client's connection, seen on their way from DTLS to str0m.
//!
//! str0m does not show the keys, but lets its DTLS be replaced: `Tap` hands everything through to the real one and
//! notes the keying material that passes (RFC 5764 §4.2).

use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, KeyingMaterial,
    ProtocolVersion, SrtpProfile,
};
use str0m::crypto::{CryptoError, CryptoProvider, from_feature_flags};

/// Keys and salts of both directions.
#[derive(Clone)]
pub struct Keys {
    /// What protects the packets.
    pub profile: SrtpProfile,
    /// Key and salt of what we send.
    pub local: (Vec<u8>, Vec<u8>),
    /// Key and salt of what the server sends.
    pub remote: (Vec<u8>, Vec<u8>),
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({:?})", self.profile)
    }
}

impl Keys {
    /// Cuts the exported material: client's key, server's key, client's salt, server's salt. `active` says whether
    /// we are the client; `None` where the material is too short for the profile.
    fn cut(material: &[u8], profile: SrtpProfile, active: bool) -> Option<Self> {
        let (key, salt) = match profile {
            SrtpProfile::AES128_CM_SHA1_80 => (16, 14),
            SrtpProfile::AEAD_AES_128_GCM => (16, 12),
            SrtpProfile::AEAD_AES_256_GCM => (32, 12),
            _ => return None,
        };
        let part = |start: usize, length: usize| material.get(start..start + length).map(<[u8]>::to_vec);
        let client = (part(0, key)?, part(2 * key, salt)?);
        let server = (part(key, key)?, part(2 * key + salt, salt)?);
        let (local, remote) = if active {
            (client, server)
        } else {
            (server, client)
        };
        Some(Self {
            profile,
            local,
            remote,
        })
    }
}

/// Where one connection's keys will be found.
#[derive(Debug, Clone, Default)]
pub struct KeySlot(Arc<Mutex<Option<Keys>>>);

impl KeySlot {
    /// The keys; `None` until the handshake has made them.
    pub fn keys(&self) -> Option<Keys> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, keys: Option<Keys>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = keys;
    }
}

thread_local! {
    /// Slot of the connection this thread made last.
    static LAST: RefCell<Option<KeySlot>> = const { RefCell::new(None) };
}

/// The provider to build connections with.
pub fn provider() -> CryptoProvider {
    CryptoProvider {
        dtls_provider: &Tap,
        ..from_feature_flags()
    }
}

/// Builds a connection with [`provider`] and gives the slot of its keys with it.
pub fn tapped<T>(build: impl FnOnce() -> T) -> (T, KeySlot) {
    LAST.take();
    let built = build();
    (built, LAST.take().unwrap_or_default())
}

/// str0m's DTLS, listened to.
#[derive(Debug)]
struct Tap;

impl DtlsProvider for Tap {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        from_feature_flags().dtls_provider.generate_certificate()
    }

    fn new_dtls(
        &self,
        certificate: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let inner = from_feature_flags()
            .dtls_provider
            .new_dtls(certificate, now, version, mtu)?;
        let slot = KeySlot::default();
        LAST.set(Some(slot.clone()));
        Ok(Box::new(Tapped { inner, slot }))
    }
}

#[derive(Debug)]
struct Tapped {
    inner: Box<dyn DtlsInstance>,
    slot: KeySlot,
}

impl Tapped {
    fn note(&self, material: &KeyingMaterial, profile: SrtpProfile) {
        self.slot
            .set(Keys::cut(material, profile, self.inner.is_active()));
    }
}

impl DtlsInstance for Tapped {
    fn set_active(&mut self, active: bool) {
        self.inner.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.inner.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        let output = self.inner.poll_output(buf);
        if let DtlsOutput::KeyingMaterial(material, profile) = &output {
            self.note(material, *profile);
        }
        output
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.inner.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.inner.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.inner.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.inner.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.inner.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.inner.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn material_is_cut_by_profile_and_role() {
        let material: Vec<u8> = (0..88).collect();
        let client = Keys::cut(&material, SrtpProfile::AEAD_AES_256_GCM, true).unwrap();
        assert_eq!((client.local.0[0], client.local.1[0]), (0, 64));
        assert_eq!((client.remote.0[0], client.remote.1[0]), (32, 76));
        let server = Keys::cut(&material, SrtpProfile::AEAD_AES_256_GCM, false).unwrap();
        assert_eq!((&server.local, &server.remote), (&client.remote, &client.local));
        assert!(Keys::cut(&material[..87], SrtpProfile::AEAD_AES_256_GCM, true).is_none());
    }

    #[test]
    fn a_connection_built_with_the_tap_has_its_own_slot() {
        let build = || {
            str0m::Rtc::builder()
                .set_crypto_provider(Arc::new(provider()))
                .build(Instant::now())
        };
        let (_first, first) = tapped(build);
        let (_second, second) = tapped(build);
        assert!(first.keys().is_none());
        assert!(!Arc::ptr_eq(&first.0, &second.0));
        let (_, none) = tapped(|| ());
        assert_eq!(Arc::strong_count(&none.0), 1);
        assert_eq!(Arc::strong_count(&first.0), 2);
    }
}
