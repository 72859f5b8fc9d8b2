//! DTLS 1.2 (RFC 6347), the server's side, over `dimpl`; no type of that library leaves this file.
//!
//! The handshake ends in SRTP keys (RFC 5764) or not at all, and no key is given out before the peer's certificate was
//! found to be the one its description announced (RFC 8122 §6.2).

mod bounds;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use dimpl::{Config, DtlsCertificate, Error, Output, SecurityError};
use tertulia_model::Fingerprint;

use super::keys::SrtpKeys;
use crate::CertificateError;
use bounds::{Bounds, Verdict, is_hello};

/// Greatest record, header and tag included; fits every path ICE works on.
const MTU: usize = 1_200;
/// First time to the retransmission of a flight; it doubles each time.
const FLIGHT_RTO: Duration = Duration::from_millis(250);
const FLIGHT_RETRIES: usize = 6;
const HANDSHAKE_TIME: Duration = Duration::from_secs(30);
/// Handshakes that may fail before the session does. Anybody who can forge the peer's address can break one.
const MAX_FAILURES: u32 = 16;
/// Room for what most records need.
const BUFFER: usize = 2_048;
/// Greatest plaintext of a record (RFC 6347 §4.1).
const MAX_PLAINTEXT: usize = 1 << 14;
/// Alerts (RFC 5246 §7.2).
const HANDSHAKE_FAILURE: u8 = 40;
const BAD_CERTIFICATE: u8 = 42;

/// Certificate, key and parameters: what all handshakes of a server share.
pub(crate) struct Identity {
    certificate: DtlsCertificate,
    config: Arc<Config>,
    fingerprint: Fingerprint,
}

impl Identity {
    /// Makes a self-signed certificate with a P-256 key.
    pub(crate) fn generate() -> Result<Self, CertificateError> {
        let certificate = dimpl::certificate::generate_self_signed_certificate()
            .map_err(|error| CertificateError(error.to_string()))?;
        // ICE has proved that the peer's address is its own, which is all a cookie would prove.
        let config = Config::builder()
            .mtu(MTU)
            .use_server_cookie(false)
            .flight_start_rto(FLIGHT_RTO)
            .flight_retries(FLIGHT_RETRIES)
            .handshake_timeout(HANDSHAKE_TIME)
            .build()
            .map_err(|error| CertificateError(error.to_string()))?;
        let fingerprint = Fingerprint {
            hash: "sha-256".to_owned(),
            bytes: certificate.fingerprint(),
        };
        Ok(Self {
            certificate,
            config: Arc::new(config),
            fingerprint,
        })
    }

    /// What our descriptions announce.
    pub(crate) fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Handshake,
    Connected,
    /// We have said goodbye, or the peer has.
    Closed,
    Failed,
}

/// One peer's DTLS connection; we are the server.
pub(super) struct Dtls {
    identity: Arc<Identity>,
    expected: Fingerprint,
    /// Made when the first record comes, and anew after a handshake that failed.
    engine: Option<Box<dimpl::Dtls>>,
    state: State,
    verified: bool,
    /// Whether the peer's request to begin was answered.
    answered: bool,
    bounds: Bounds,
    failures: u32,
    failure: Option<String>,
    due: Option<Instant>,
    keys: Option<SrtpKeys>,
    /// Records to send.
    records: VecDeque<Vec<u8>>,
    /// What came out of records.
    plain: VecDeque<Vec<u8>>,
}

impl Dtls {
    /// Waits for the peer whose certificate has that fingerprint.
    pub(super) fn new(identity: Arc<Identity>, expected: Fingerprint) -> Self {
        Self {
            identity,
            expected,
            engine: None,
            state: State::Handshake,
            verified: false,
            answered: false,
            bounds: Bounds::default(),
            failures: 0,
            failure: None,
            due: None,
            keys: None,
            records: VecDeque::new(),
            plain: VecDeque::new(),
        }
    }

    pub(super) fn is_connected(&self) -> bool {
        self.state == State::Connected
    }

    /// Whether the peer has said goodbye, or we have.
    pub(super) fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Why there will be no connection, or no longer is one.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Takes a datagram; `false` where it was left out.
    pub(super) fn receive(&mut self, datagram: &[u8], now: Instant) -> bool {
        match self.state {
            State::Handshake => match self.bounds.inspect(datagram) {
                Verdict::Take => {}
                Verdict::Leave => return false,
                Verdict::Forget => {
                    self.forget();
                    return false;
                }
            },
            State::Connected => {}
            State::Closed | State::Failed => return false,
        }
        let engine = self.engine.get_or_insert_with(|| {
            let (config, certificate) = (self.identity.config.clone(), self.identity.certificate.clone());
            Box::new(dimpl::Dtls::new_12(config, certificate, now))
        });
        let taken = engine
            .handle_timeout(now)
            .and_then(|()| engine.handle_packet(datagram));
        self.drain(taken.err());
        // What has no version or cipher suite we take is passed over by the engine; the peer is to know.
        if self.state == State::Handshake && self.engine.is_some() && !self.answered && is_hello(datagram) {
            self.start_over("it offers no version or cipher suite of ours", true);
        }
        true
    }

    /// Lets time pass.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.due.is_none_or(|due| due > now) {
            return;
        }
        if let Some(engine) = &mut self.engine {
            let passed = engine.handle_timeout(now);
            self.drain(passed.err());
        }
    }

    /// When time should pass at the latest.
    pub(super) fn timeout(&self) -> Option<Instant> {
        self.due
    }

    /// Protects and sends; nothing is sent where there is no connection.
    pub(super) fn send(&mut self, plain: &[u8], now: Instant) {
        if self.state != State::Connected {
            return;
        }
        if let Some(engine) = &mut self.engine {
            let sent = engine
                .handle_timeout(now)
                .and_then(|()| engine.send_application_data(plain).map(|_| ()));
            self.drain(sent.err());
        }
    }

    /// Says goodbye.
    pub(super) fn close(&mut self) {
        if self.state == State::Connected
            && let Some(engine) = &mut self.engine
        {
            let closed = engine.close();
            self.drain(closed.err());
        }
        if self.state != State::Failed {
            self.state = State::Closed;
        }
    }

    /// Gives the keys, once.
    pub(super) fn take_keys(&mut self) -> Option<SrtpKeys> {
        self.keys.take()
    }

    /// Gives the next record to send.
    pub(super) fn poll_record(&mut self) -> Option<Vec<u8>> {
        self.records.pop_front()
    }

    /// Gives what the next record carried.
    pub(super) fn poll_plain(&mut self) -> Option<Vec<u8>> {
        self.plain.pop_front()
    }

    /// Takes over what the engine has done, then what it failed at.
    fn drain(&mut self, error: Option<Error>) {
        let mut buffer = [0; BUFFER];
        let mut large = Vec::new();
        let mut connected = false;
        let mut refusal = None;
        while let Some(engine) = &mut self.engine {
            let usual = large.is_empty();
            let output = engine.poll_output(if usual { &mut buffer } else { &mut large });
            match output {
                Output::Packet(record) => {
                    self.bounds.progress();
                    self.answered = true;
                    self.records.push_back(record.to_vec());
                }
                Output::BufferTooSmall { needed } if usual && needed <= MAX_PLAINTEXT + BUFFER => {
                    large = vec![0; needed];
                    continue;
                }
                Output::PeerCert(der) => {
                    if is_certificate(&self.expected, der) {
                        self.verified = true;
                    } else {
                        refusal = Some((BAD_CERTIFICATE, "its certificate is not the one announced"));
                        break;
                    }
                }
                Output::Connected => connected = true,
                Output::KeyingMaterial(material, profile) => {
                    if self.verified {
                        self.keys = SrtpKeys::new(&material, profile);
                    }
                }
                Output::ApplicationData(plain) => self.plain.push_back(plain.to_vec()),
                Output::CloseNotify => self.state = State::Closed,
                Output::Timeout(at) => {
                    self.due = Some(at);
                    break;
                }
                _ => break,
            }
            large = Vec::new();
        }
        if connected && refusal.is_none() {
            if self.keys.is_some() {
                self.state = State::Connected;
            } else {
                refusal = Some((HANDSHAKE_FAILURE, "it agreed to no SRTP profile"));
            }
        }
        match (refusal, error) {
            (Some((alert, reason)), _) => self.fail(alert, reason.to_owned()),
            // Pieces that never become a whole.
            (None, Some(Error::ReceiveQueueFull)) if self.state == State::Handshake => self.forget(),
            (None, Some(error)) if self.state == State::Handshake => {
                // An alert is not answered: whoever forges one would have us break the handshake for it.
                let alerted = matches!(error, Error::SecurityError(SecurityError::FatalAlert { .. }));
                self.start_over(&error.to_string(), !alerted);
            }
            (None, Some(error)) if self.state == State::Connected => {
                self.state = State::Failed;
                self.failure = Some(error.to_string());
            }
            _ => {}
        }
    }

    /// A handshake failed, perhaps by somebody else's forgery: the peer may try again.
    fn start_over(&mut self, reason: &str, tell: bool) {
        self.forget();
        self.failures += 1;
        if self.failures >= MAX_FAILURES {
            self.fail(HANDSHAKE_FAILURE, reason.to_owned());
        } else if tell {
            self.records.push_back(alert(HANDSHAKE_FAILURE, self.failures));
        }
    }

    fn forget(&mut self) {
        self.engine = None;
        self.due = None;
        self.keys = None;
        self.verified = false;
        self.answered = false;
        self.bounds.progress();
    }

    fn fail(&mut self, description: u8, reason: String) {
        self.forget();
        self.records.clear();
        self.plain.clear();
        self.records.push_back(alert(description, MAX_FAILURES));
        self.state = State::Failed;
        self.failure = Some(reason);
    }
}

/// Whether the certificate has that fingerprint.
fn is_certificate(expected: &Fingerprint, der: &[u8]) -> bool {
    let algorithm = match expected.hash.as_str() {
        "sha-256" => &digest::SHA256,
        "sha-1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        _ => return false,
    };
    digest::digest(algorithm, der).as_ref() == expected.bytes
}

/// A fatal alert without protection, numbered beyond what a handshake uses.
fn alert(description: u8, number: u32) -> Vec<u8> {
    let mut record = vec![21, 0xfe, 0xfd, 0, 0, 0, 1];
    record.extend_from_slice(&number.to_be_bytes());
    record.extend_from_slice(&[0, 2, 2, description]);
    record
}
