//! Handshakes away from the thread that moves media.

use std::collections::VecDeque;
use std::fmt;
use std::time::Instant;

use super::Path;
use super::dtls::Dtls;

/// Datagrams that may wait while their handshake is elsewhere.
const MAX_WAITING: usize = 32;
const MAX_WAITING_BYTES: usize = 16 * 1_024;

/// Datagrams that wait, in order.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    datagrams: VecDeque<Vec<u8>>,
    bytes: usize,
}

impl Waiting {
    /// Lets one wait; `false` where too many do already.
    fn push(&mut self, datagram: &[u8]) -> bool {
        let bytes = self.bytes + datagram.len();
        if self.datagrams.len() >= MAX_WAITING || bytes > MAX_WAITING_BYTES {
            return false;
        }
        self.bytes = bytes;
        self.datagrams.push_back(datagram.to_vec());
        true
    }

    fn pop(&mut self) -> Option<Vec<u8>> {
        let datagram = self.datagrams.pop_front()?;
        self.bytes -= datagram.len();
        Some(datagram)
    }

    fn is_empty(&self) -> bool {
        self.datagrams.is_empty()
    }
}

/// Where the DTLS connection is.
pub(super) enum Place {
    /// The peer's fingerprint is not known yet.
    Nowhere,
    Here(Box<Dtls>),
    /// A handshake is computed elsewhere.
    Away,
}

/// A step of a DTLS handshake, to be computed on any thread: it holds the connection and what came for it.
///
/// From [`Session::take_handshake`](crate::Session::take_handshake) to
/// [`Session::give_back`](crate::Session::give_back); the session goes on meanwhile, and what comes for the handshake
/// waits there.
pub struct Handshake {
    dtls: Box<Dtls>,
    waiting: Waiting,
    /// Tells one session's handshake from another's.
    token: u64,
}

impl Handshake {
    /// Does the work: a few hundred microseconds at most.
    pub fn run(&mut self, now: Instant) {
        self.dtls.handle_timeout(now);
        while let Some(datagram) = self.waiting.pop() {
            self.dtls.receive(&datagram, now);
        }
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake").finish_non_exhaustive()
    }
}

impl Path {
    /// Gives the next step of the handshake, where steps are computed elsewhere and there is something to compute.
    pub(crate) fn take_handshake(&mut self) -> Option<Handshake> {
        let Place::Here(dtls) = &self.dtls else {
            return None;
        };
        let due = dtls.timeout().is_some_and(|due| due <= self.now);
        if !self.computes_elsewhere() || (self.waiting.is_empty() && !due) {
            return None;
        }
        match std::mem::replace(&mut self.dtls, Place::Away) {
            Place::Here(dtls) => Some(Handshake {
                dtls,
                waiting: std::mem::take(&mut self.waiting),
                token: self.token,
            }),
            other => {
                self.dtls = other;
                None
            }
        }
    }

    /// Takes a handshake back; one of another session is dropped.
    pub(crate) fn give_back(&mut self, handshake: Handshake) {
        if handshake.token != self.token || !matches!(self.dtls, Place::Away) {
            return;
        }
        self.dtls = Place::Here(handshake.dtls);
        self.look_at_dtls();
        while !self.computes_elsewhere()
            && let Some(datagram) = self.waiting.pop()
        {
            self.deliver(&datagram);
        }
    }

    pub(super) fn computes_elsewhere(&self) -> bool {
        self.offload && !self.connected
    }

    /// Gives DTLS what came from a pair of the peer's.
    pub(super) fn deliver(&mut self, datagram: &[u8]) -> bool {
        let elsewhere = self.computes_elsewhere();
        match &mut self.dtls {
            Place::Here(dtls) if !elsewhere => {
                let taken = dtls.receive(datagram, self.now);
                self.look_at_dtls();
                taken
            }
            Place::Here(_) | Place::Away => self.waiting.push(datagram),
            Place::Nowhere => false,
        }
    }
}
