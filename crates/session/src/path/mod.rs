//! The way to a peer: ICE finds it, DTLS secures it, SCTP carries data channels over it.
//!
//! Datagrams and time come in; datagrams, events and the next deadline come out. Each part keeps its library to
//! itself. What is media is not looked at here: the way says whether it may be taken from where it came, and where to
//! send.

mod dcep;
mod dtls;
mod handshake;
mod ice;
mod keys;
mod sctp;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tertulia_model::{Candidate, Fingerprint, IceCredentials};

use crate::{MediaPath, SessionConfig};
use dcep::{Open, Reliability};
use dtls::Dtls;
use handshake::{Place, Waiting};
use ice::{Ice, IceEvent};
use sctp::{Sctp, SctpEvent};

pub(crate) use dtls::Identity;
pub use handshake::Handshake;
pub(crate) use keys::SrtpKeys;

/// Records that may wait for the first pair that answers.
const MAX_HELD_RECORDS: usize = 16;

/// Datagrams that may wait for their pair to answer: the flight that begins a handshake.
const MAX_EARLY: usize = 4;
const MAX_EARLY_LEN: usize = 2_048;

/// What happened on the way.
#[derive(Debug)]
pub(crate) enum PathEvent {
    /// ICE and DTLS stand.
    Connected(SrtpKeys),
    /// The peer has been silent for about ten seconds.
    Lost,
    /// It is heard again.
    Found,
    /// The path is another than before.
    Moved,
    /// A round trip on the path took this long.
    RoundTrip(Duration),
    ChannelOpened {
        id: u16,
        label: String,
    },
    ChannelMessage {
        id: u16,
        contents: Vec<u8>,
    },
    ChannelClosed {
        id: u16,
    },
    /// The peer has said goodbye.
    Closed,
}

/// One peer's way.
pub(crate) struct Path {
    ice: Ice,
    identity: Arc<Identity>,
    dtls: Place,
    /// Whether handshakes are computed elsewhere.
    offload: bool,
    token: u64,
    /// What came for DTLS while it is away.
    waiting: Waiting,
    /// What came from addresses that have yet to answer a check.
    early: Vec<(MediaPath, Vec<u8>)>,
    sctp: Option<Box<Sctp>>,
    /// Records that wait for a path.
    held: VecDeque<Vec<u8>>,
    events: VecDeque<PathEvent>,
    failure: Option<String>,
    connected: bool,
    goodbye: bool,
    now: Instant,
}

impl Path {
    /// Makes one; `controlling` is whether our agent nominates, `tie_breaker` and `token` are random.
    pub(crate) fn new(
        config: &SessionConfig,
        ice: &IceCredentials,
        controlling: bool,
        (tie_breaker, token): (u64, u64),
        now: Instant,
    ) -> Result<Self, String> {
        Ok(Self {
            ice: Ice::new(
                &config.local_candidates,
                ice,
                config.ice_lite,
                controlling,
                tie_breaker,
                now,
            )?,
            identity: Arc::clone(&config.certificate.identity),
            dtls: Place::Nowhere,
            offload: config.offload_handshakes,
            token,
            waiting: Waiting::default(),
            early: Vec::new(),
            sctp: None,
            held: VecDeque::new(),
            events: VecDeque::new(),
            failure: None,
            connected: false,
            goodbye: false,
            now,
        })
    }

    /// Learns what time it is, before anything else is told or asked.
    pub(crate) fn advance(&mut self, now: Instant) {
        self.now = now;
    }

    /// Takes the peer's ICE credentials.
    pub(crate) fn set_remote_ice(&mut self, ice: &IceCredentials) {
        self.ice.set_remote(ice, self.now);
    }

    /// Starts a new ICE generation with new credentials of ours.
    pub(crate) fn restart_ice(&mut self, ice: &IceCredentials) {
        self.ice.restart(ice, self.now);
    }

    /// Takes one of the peer's candidates.
    pub(crate) fn add_remote_candidate(&mut self, candidate: &Candidate) {
        self.ice.add_remote(candidate, self.now);
    }

    /// Waits for the peer's handshake under this fingerprint.
    pub(crate) fn start_dtls(&mut self, fingerprint: &Fingerprint) {
        if matches!(self.dtls, Place::Nowhere) {
            let dtls = Dtls::new(Arc::clone(&self.identity), fingerprint.clone());
            self.dtls = Place::Here(Box::new(dtls));
        }
    }

    /// Waits for the peer's SCTP association.
    pub(crate) fn start_sctp(&mut self) {
        self.sctp.get_or_insert_with(|| Box::new(Sctp::new()));
    }

    /// Whether media and handshakes may be taken from there.
    pub(crate) fn admits(&self, path: MediaPath) -> bool {
        self.ice.admits(path)
    }

    /// Notes that something authentic came from there.
    pub(crate) fn heard(&mut self, path: MediaPath) {
        self.ice.heard(path, self.now);
    }

    /// Where to send, while the peer consents to it.
    pub(crate) fn media_path(&self) -> Option<MediaPath> {
        self.ice.path()
    }

    /// Takes a STUN message; `false` where it was left out.
    pub(crate) fn receive_stun(&mut self, path: MediaPath, contents: &[u8]) -> bool {
        let taken = self.ice.receive(path, contents, self.now);
        if taken {
            self.look_at_ice();
            for (from, datagram) in std::mem::take(&mut self.early) {
                if self.ice.admits(from) {
                    self.deliver(&datagram);
                } else {
                    self.early.push((from, datagram));
                }
            }
        }
        taken
    }

    /// Takes a DTLS datagram; `false` where it was left out.
    pub(crate) fn receive_dtls(&mut self, path: MediaPath, contents: &[u8]) -> bool {
        if self.ice.admits(path) {
            return self.deliver(contents);
        }
        // Who knows our ICE password may be early: its pair answers within a round trip.
        let early = self.ice.knows(path) && self.early.len() < MAX_EARLY && contents.len() <= MAX_EARLY_LEN;
        if early {
            self.early.push((path, contents.to_vec()));
        }
        early
    }

    /// Lets time pass.
    pub(crate) fn handle_timeout(&mut self) {
        let now = self.now;
        self.ice.handle_timeout(now);
        self.look_at_ice();
        let elsewhere = self.computes_elsewhere();
        if let Place::Here(dtls) = &mut self.dtls
            && !elsewhere
        {
            dtls.handle_timeout(now);
            self.look_at_dtls();
        }
        if let Some(sctp) = &mut self.sctp {
            sctp.handle_timeout(now);
            self.look_at_sctp();
        }
    }

    /// When time should pass at the latest.
    pub(crate) fn timeout(&self) -> Option<Instant> {
        let dtls = match &self.dtls {
            Place::Here(dtls) => dtls.timeout(),
            Place::Nowhere | Place::Away => None,
        };
        let sctp = self.sctp.as_ref().and_then(|sctp| sctp.timeout());
        [self.ice.timeout(), dtls, sctp].into_iter().flatten().min()
    }

    /// Gives the next datagram to send.
    pub(crate) fn poll_transmit(&mut self) -> Option<(MediaPath, Vec<u8>)> {
        if let Some(check) = self.ice.poll_transmit(self.now) {
            return Some(check);
        }
        let path = self.ice.path()?;
        let record = self.held.pop_front()?;
        Some((path, record))
    }

    /// Gives the next event.
    pub(crate) fn poll_event(&mut self) -> Option<PathEvent> {
        self.events.pop_front()
    }

    /// Why the conversation cannot go on.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Says goodbye.
    pub(crate) fn close(&mut self) {
        self.goodbye = true;
        if let Place::Here(dtls) = &mut self.dtls {
            dtls.close();
            self.look_at_dtls();
        }
    }

    /// Opens a data channel of ours.
    pub(crate) fn open_channel(&mut self, label: &str, ordered: bool, max_retransmits: Option<u16>) {
        let reliability = match max_retransmits {
            Some(times) => Reliability::Retransmits(times.into()),
            None => Reliability::Reliable,
        };
        if let Some(sctp) = &mut self.sctp {
            sctp.open(Open {
                label: label.to_owned(),
                ordered,
                reliability,
            });
            self.look_at_sctp();
        }
    }

    /// Closes a data channel.
    pub(crate) fn close_channel(&mut self, id: u16) {
        if let Some(sctp) = &mut self.sctp {
            sctp.close(id);
            self.look_at_sctp();
        }
    }

    /// Sends a binary message; `Some(false)` where too much waits already, `None` where it cannot be sent.
    pub(crate) fn send_message(&mut self, id: u16, contents: &[u8]) -> Option<bool> {
        let sent = self.sctp.as_mut()?.send(id, contents);
        self.look_at_sctp();
        sent
    }

    fn look_at_ice(&mut self) {
        while let Some(event) = self.ice.poll_event(self.now) {
            self.events.push_back(match event {
                IceEvent::Lost => PathEvent::Lost,
                IceEvent::Found => PathEvent::Found,
                IceEvent::Moved => PathEvent::Moved,
                IceEvent::RoundTrip(taken) => PathEvent::RoundTrip(taken),
            });
        }
    }

    fn look_at_dtls(&mut self) {
        let Place::Here(dtls) = &mut self.dtls else {
            return;
        };
        while let Some(record) = dtls.poll_record() {
            // Before there is a path, the latest are those that matter: a flight is sent again as a whole.
            if self.held.len() >= MAX_HELD_RECORDS && self.ice.path().is_none() {
                self.held.pop_front();
            }
            self.held.push_back(record);
        }
        if let Some(keys) = dtls.take_keys().filter(|_| dtls.is_connected()) {
            self.connected = true;
            self.events.push_back(PathEvent::Connected(keys));
        }
        let mut received = false;
        while let Some(packet) = dtls.poll_plain() {
            if let Some(sctp) = &mut self.sctp {
                sctp.receive(&packet, self.now);
                received = true;
            }
        }
        if let Some(reason) = dtls.failure() {
            self.failure.get_or_insert_with(|| reason.to_owned());
        }
        if dtls.is_closed() && !std::mem::replace(&mut self.goodbye, true) {
            self.events.push_back(PathEvent::Closed);
        }
        if received {
            self.look_at_sctp();
        }
    }

    fn look_at_sctp(&mut self) {
        let Some(sctp) = &mut self.sctp else {
            return;
        };
        while let Some(event) = sctp.poll_event() {
            self.events.push_back(match event {
                SctpEvent::Opened { id, label } => PathEvent::ChannelOpened { id, label },
                SctpEvent::Message { id, contents } => PathEvent::ChannelMessage { id, contents },
                SctpEvent::Closed { id } => PathEvent::ChannelClosed { id },
            });
        }
        let Place::Here(dtls) = &mut self.dtls else {
            return;
        };
        let mut sent = false;
        while let Some(packets) = sctp.poll_transmit(self.now) {
            for packet in packets {
                dtls.send(&packet, self.now);
                sent = true;
            }
        }
        if sent {
            self.look_at_dtls();
        }
    }
}
