//! Nonces the server need not remember (RFC 8489 §9.2): a period's number and its signature for one address.
//!
//! Whoever returns one has received it, so its address is not forged.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use aws_lc_rs::{constant_time, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::FiveTuple;

/// The nonce cookie: the mark of RFC 8489 and the security feature "password algorithms" (bit 0 of 24; §9.2, §18.1).
const COOKIE: &str = "obMatJos2gAAA";

/// A nonce is good in the period it was made in and in the next one, so for ten to twenty minutes.
const PERIOD: Duration = Duration::from_secs(600);

const PERIOD_BYTES: usize = 4;
const SIGNATURE_BYTES: usize = 8;
const BODY_BYTES: usize = PERIOD_BYTES + SIGNATURE_BYTES;

/// Makes and checks nonces.
#[derive(Debug)]
pub(crate) struct Nonces {
    key: hmac::Key,
    started: Instant,
}

impl Nonces {
    pub(crate) fn new(key: &[u8; 32], started: Instant) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
            started,
        }
    }

    pub(crate) fn make(&self, now: Instant, client: FiveTuple) -> String {
        let mut nonce = COOKIE.to_owned();
        STANDARD.encode_string(self.body(self.period(now), client), &mut nonce);
        nonce
    }

    /// Whether we made `nonce` for this client, and not too long ago.
    pub(crate) fn verify(&self, now: Instant, client: FiveTuple, nonce: &[u8]) -> bool {
        let Some(encoded) = nonce.strip_prefix(COOKIE.as_bytes()) else {
            return false;
        };
        let mut body = [0; BODY_BYTES];
        // Compared by length first: the decoder's estimate for longer text would not fit the buffer.
        if encoded.len() != BODY_BYTES / 3 * 4 || STANDARD.decode_slice(encoded, &mut body) != Ok(BODY_BYTES)
        {
            return false;
        }
        let [p0, p1, p2, p3, ..] = body;
        let period = u32::from_be_bytes([p0, p1, p2, p3]);
        let now = self.period(now);
        let recent = now.checked_sub(period).is_some_and(|age| age <= 1);
        recent && constant_time::verify_slices_are_equal(&self.body(period, client), &body).is_ok()
    }

    fn period(&self, now: Instant) -> u32 {
        let periods = now.saturating_duration_since(self.started).as_secs() / PERIOD.as_secs();
        u32::try_from(periods).unwrap_or(u32::MAX)
    }

    fn body(&self, period: u32, client: FiveTuple) -> [u8; BODY_BYTES] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&period.to_be_bytes());
        context.update(&[client.transport as u8]);
        context.update(&client.source.port().to_be_bytes());
        match client.source.ip() {
            IpAddr::V4(address) => context.update(&address.octets()),
            IpAddr::V6(address) => context.update(&address.octets()),
        }
        let tag = context.sign();
        let mut body = [0; BODY_BYTES];
        let (head, signature) = body.split_at_mut(PERIOD_BYTES);
        head.copy_from_slice(&period.to_be_bytes());
        for (place, byte) in signature.iter_mut().zip(tag.as_ref()) {
            *place = *byte;
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Transport;

    fn client(source: &str) -> FiveTuple {
        FiveTuple {
            transport: Transport::Udp,
            source: source.parse().unwrap(),
            local: "192.0.2.1:3478".parse().unwrap(),
        }
    }

    #[test]
    fn a_nonce_is_good_for_its_own_address_and_for_its_time() {
        let start = crate::tests::instant();
        let nonces = Nonces::new(&[7; 32], start);
        let ana = client("198.51.100.7:4000");
        let nonce = nonces.make(start + Duration::from_secs(599), ana);
        assert_eq!(nonce.len(), 29);
        let check = |seconds, client, expected| {
            let now = start + Duration::from_secs(seconds);
            assert_eq!(
                nonces.verify(now, client, nonce.as_bytes()),
                expected,
                "{client:?} at {seconds} s"
            );
        };
        check(599, ana, true);
        check(1199, ana, true);
        check(1200, ana, false);
        check(599, client("198.51.100.7:4001"), false);
        check(599, client("198.51.100.8:4000"), false);
        check(
            599,
            FiveTuple {
                transport: Transport::Tcp,
                ..ana
            },
            false,
        );
    }

    /// N4: nonces are unpredictable: another key's, a changed one and a made-up one do not pass.
    #[test]
    fn n4_a_nonce_cannot_be_made_up() {
        let start = crate::tests::instant();
        let nonces = Nonces::new(&[7; 32], start);
        let ana = client("198.51.100.7:4000");
        let foreign = Nonces::new(&[8; 32], start).make(start, ana);
        assert!(!nonces.verify(start, ana, foreign.as_bytes()));
        let own = nonces.make(start, ana).into_bytes();
        for at in 0..own.len() {
            let mut changed = own.clone();
            changed[at] ^= 1;
            assert!(!nonces.verify(start, ana, &changed), "byte {at}");
        }
        for nonce in [
            &b""[..],
            COOKIE.as_bytes(),
            &own[..28],
            &[own.as_slice(), b"AAAA"].concat(),
        ] {
            assert!(!nonces.verify(start, ana, nonce));
        }
    }
}
