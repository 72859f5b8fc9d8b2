//! ICE (RFC 8445) over the agent of `is`, and what that agent leaves to its owner.
//!
//! The agent forms and checks pairs. Kept here: which pairs answered a check of ours from where it was sent (RFC 8445
//! §7.2.5.2.1), consent (RFC 7675), how long the peer has been silent, and how much state a peer may cause.

mod fingerprint;
mod pairs;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use is::stun::{StunMessage, StunPacket};
use is::{IceAgent, IceAgentEvent, IceCreds, Protocol, Sha1HmacProvider};
use tertulia_model::{Candidate, IceCredentials, TransportProtocol};

use crate::candidate::{self, MAX_REMOTE_CANDIDATES};
use crate::{LocalCandidate, MediaPath};
use pairs::{Checks, Pairs};

/// A pair that stands is checked this often.
const MAX_RTO: Duration = Duration::from_millis(2_500);
/// Time to the second check; it then doubles up to [`MAX_RTO`]. Short, because the first is lost as a rule: it leaves
/// together with our answer, and the peer cannot reply before it has read that. Nothing but ICE is sent until a check
/// has been answered.
const INITIAL_RTO: Duration = Duration::from_millis(50);
const RETRANSMITS: usize = 9;
/// Silence after which the path counts as lost.
const SILENCE: Duration = Duration::from_secs(10);
/// Time after the last answered check in which we may send (RFC 7675 §5.1 allows 30 s).
const CONSENT: Duration = Duration::from_secs(25);
/// Remote addresses the agent may know in one generation: those signalled, and as many again for rebindings.
const MAX_SOURCES: usize = 2 * MAX_REMOTE_CANDIDATES;

/// What happened to the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IceEvent {
    /// The peer has been silent for about ten seconds.
    Lost,
    /// It is heard again.
    Found,
    /// The path is another than before.
    Moved,
    /// A check took this long.
    RoundTrip(Duration),
}

/// One peer's agent and path.
pub(super) struct Ice {
    agent: IceAgent,
    lite: bool,
    tie_breaker: u64,
    /// Ours, as the agent takes them.
    locals: Vec<is::Candidate>,
    /// The peer's, as signalled in this generation.
    remotes: Vec<is::Candidate>,
    /// Addresses of the peer the agent knows of.
    sources: Vec<(TransportProtocol, std::net::SocketAddr)>,
    checks: Checks,
    pairs: Pairs,
    /// What the agent chose last.
    selected: Option<MediaPath>,
    /// When the peer was last heard on the path in use.
    heard: Instant,
    lost: bool,
    events: VecDeque<IceEvent>,
    /// Whether the peer consents to what we send on the path in use.
    consented: bool,
    /// When the agent wants to be woken.
    due: Option<Instant>,
}

impl Ice {
    /// Makes an agent; `controlling` is whether it nominates.
    pub(super) fn new(
        locals: &[LocalCandidate],
        ice: &IceCredentials,
        lite: bool,
        controlling: bool,
        tie_breaker: u64,
        now: Instant,
    ) -> Result<Self, String> {
        let locals = locals
            .iter()
            .map(candidate::local)
            .collect::<Result<Vec<_>, _>>()?;
        let mut this = Self {
            agent: agent(&locals, credentials(ice), lite, controlling, tie_breaker),
            lite,
            tie_breaker,
            locals,
            remotes: Vec::new(),
            sources: Vec::new(),
            checks: Checks::default(),
            pairs: Pairs::default(),
            selected: None,
            heard: now,
            lost: false,
            events: VecDeque::new(),
            consented: false,
            due: None,
        };
        this.wake(now);
        Ok(this)
    }

    /// Takes the peer's credentials.
    pub(super) fn set_remote(&mut self, ice: &IceCredentials, now: Instant) {
        self.agent.set_remote_credentials(credentials(ice));
        self.wake(now);
    }

    /// Starts a new generation under new credentials of ours (RFC 8445 §9). The old path carries on, as far as consent
    /// reaches, until one of the new generation is chosen.
    pub(super) fn restart(&mut self, ice: &IceCredentials, now: Instant) {
        self.agent.ice_restart(credentials(ice), true);
        self.remotes.clear();
        self.sources.clear();
        self.checks = Checks::default();
        self.pairs.keep_only(self.route());
        self.heard = now;
    }

    /// Takes one of the peer's candidates, if it is of use and not one too many.
    pub(super) fn add_remote(&mut self, candidate: &Candidate, now: Instant) {
        if self.remotes.len() >= MAX_REMOTE_CANDIDATES {
            return;
        }
        let Some(remote) = candidate::remote(candidate) else {
            return;
        };
        if self.remotes.contains(&remote) {
            return;
        }
        self.know((TransportProtocol::Udp, remote.addr()));
        self.remotes.push(remote.clone());
        self.agent.add_remote_candidate(remote);
        self.wake(now);
    }

    /// Takes a STUN message; `false` where it is none of ours.
    pub(super) fn receive(&mut self, path: MediaPath, contents: &[u8], now: Instant) -> bool {
        let Ok(message) = StunMessage::parse(contents) else {
            return false;
        };
        if !fingerprint::holds(contents) {
            return false;
        }
        let request = message.is_binding_request();
        let source = (path.protocol, path.destination);
        if request {
            // Only what proves to know our password may cause state.
            if !self.sources.contains(&source) {
                if !self.agent.accepts_message(&message) {
                    return false;
                }
                self.make_room(now);
                self.know(source);
            }
        } else if !self.checks.expects(contents, path) {
            return false;
        }
        let answered = message.is_successful_binding_response();
        let nominated = message.use_candidate();
        let packet = StunPacket {
            proto: agent_protocol(path.protocol),
            source: path.destination,
            destination: path.source,
            message,
        };
        if !self.agent.handle_packet(now, packet) {
            return false;
        }
        let sent = if request {
            None
        } else {
            self.checks.settle(contents)
        };
        // A lite agent sends no checks: the peer's are all it can go by (RFC 8445 §2.5).
        if answered || (request && self.lite) {
            self.pairs.answered(path, self.selected, now);
        }
        if request && nominated {
            self.pairs.nominated(path, now);
        }
        if self.route() == Some(path) {
            self.heard = now;
            if let Some(sent) = sent {
                let taken = now.saturating_duration_since(sent);
                self.events.push_back(IceEvent::RoundTrip(taken));
            }
        }
        self.wake(now);
        true
    }

    /// Notes that something authentic came from there.
    pub(super) fn heard(&mut self, path: MediaPath, now: Instant) {
        if self.selected == Some(path) {
            self.heard = self.heard.max(now);
        }
    }

    /// Whether datagrams may be taken from there.
    pub(super) fn admits(&self, path: MediaPath) -> bool {
        self.selected == Some(path) || self.pairs.contains(path)
    }

    /// Whether somebody who knows our password sends from there, though no check of ours was answered yet.
    pub(super) fn knows(&self, path: MediaPath) -> bool {
        self.sources.contains(&(path.protocol, path.destination))
    }

    /// Where to send, while the peer consents.
    pub(super) fn path(&self) -> Option<MediaPath> {
        self.route().filter(|_| self.consented)
    }

    /// The path in use: what was nominated, else what answered last (RFC 8445 §12.1 lets data flow on any valid pair).
    fn route(&self) -> Option<MediaPath> {
        self.selected.or_else(|| self.pairs.latest())
    }

    /// Lets time pass; gives what it brought.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.due.is_none_or(|due| due <= now) {
            self.wake(now);
        }
    }

    /// Gives the next event, after every call.
    pub(super) fn poll_event(&mut self, now: Instant) -> Option<IceEvent> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        self.route()?;
        if now >= self.heard + SILENCE {
            (!std::mem::replace(&mut self.lost, true)).then_some(IceEvent::Lost)
        } else {
            std::mem::take(&mut self.lost).then_some(IceEvent::Found)
        }
    }

    /// Gives the next datagram to send.
    pub(super) fn poll_transmit(&mut self, now: Instant) -> Option<(MediaPath, Vec<u8>)> {
        while let Some(transmit) = self.agent.poll_transmit() {
            let protocol = match transmit.proto {
                Protocol::Udp => TransportProtocol::Udp,
                Protocol::Tcp => TransportProtocol::Tcp,
                _ => continue,
            };
            let path = MediaPath {
                protocol,
                source: transmit.source,
                destination: transmit.destination,
            };
            let contents = Vec::from(transmit.contents);
            self.checks.sent(&contents, path, now);
            self.due = self.agent.poll_timeout();
            return Some((path, contents));
        }
        self.consented = self.consents(now);
        None
    }

    /// When to be woken at the latest: silence and consent are looked at on those occasions too, which are never more
    /// than three seconds apart.
    pub(super) fn timeout(&self) -> Option<Instant> {
        self.due
    }

    /// Lets the agent act and takes over what it decided.
    fn wake(&mut self, now: Instant) {
        self.agent.handle_timeout(now);
        while let Some(event) = self.agent.poll_event() {
            if let IceAgentEvent::NominatedSend {
                proto,
                source,
                destination,
            } = event
            {
                let protocol = if proto == Protocol::Tcp {
                    TransportProtocol::Tcp
                } else {
                    TransportProtocol::Udp
                };
                self.select(
                    MediaPath {
                        protocol,
                        source,
                        destination,
                    },
                    now,
                );
            }
        }
        if let Some(better) = self.pairs.successor(self.selected, self.agent.controlling(), now) {
            self.select(better, now);
        }
        self.consented = self.consents(now);
        self.due = self.agent.poll_timeout();
    }

    fn select(&mut self, path: MediaPath, now: Instant) {
        if self.selected.replace(path).is_some_and(|before| before != path) {
            self.events.push_back(IceEvent::Moved);
        }
        self.heard = now;
        self.pairs.forget_stale(path, now);
    }

    fn consents(&self, now: Instant) -> bool {
        let answered = self.route().and_then(|route| self.pairs.last_answer(route));
        answered.is_some_and(|at| now < at + CONSENT)
    }

    /// Makes the agent anew where it has come to know too many addresses; pairs that still live are checked again.
    fn make_room(&mut self, now: Instant) {
        if self.sources.len() < MAX_SOURCES {
            return;
        }
        let remote = self.agent.remote_credentials().cloned();
        self.agent = agent(
            &self.locals,
            self.agent.local_credentials().clone(),
            self.lite,
            self.agent.controlling(),
            self.tie_breaker,
        );
        if let Some(remote) = remote {
            self.agent.set_remote_credentials(remote);
        }
        self.sources.clear();
        self.checks = Checks::default();
        self.agent.handle_timeout(now);
    }

    fn know(&mut self, source: (TransportProtocol, std::net::SocketAddr)) {
        if self.sources.len() < MAX_SOURCES && !self.sources.contains(&source) {
            self.sources.push(source);
        }
    }
}

fn agent(
    locals: &[is::Candidate],
    credentials: IceCreds,
    lite: bool,
    controlling: bool,
    tie_breaker: u64,
) -> IceAgent {
    let mut agent = IceAgent::with_hmac(credentials, &StunHmac);
    agent.set_ice_lite(lite);
    agent.set_controlling(controlling);
    agent.set_control_tie_breaker(tie_breaker);
    agent.set_initial_stun_rto(INITIAL_RTO);
    agent.set_max_stun_rto(MAX_RTO);
    agent.set_max_stun_retransmits(RETRANSMITS);
    for local in locals {
        agent.add_local_candidate(local.clone());
    }
    agent
}

fn credentials(ice: &IceCredentials) -> IceCreds {
    IceCreds {
        ufrag: ice.ufrag.clone(),
        pass: ice.pwd.clone(),
    }
}

fn agent_protocol(protocol: TransportProtocol) -> Protocol {
    match protocol {
        TransportProtocol::Udp => Protocol::Udp,
        TransportProtocol::Tcp => Protocol::Tcp,
    }
}

/// Message integrity of STUN (RFC 8489 §14.5).
#[derive(Debug)]
struct StunHmac;

impl Sha1HmacProvider for StunHmac {
    fn sha1_hmac(&self, key: &[u8], payloads: &[&[u8]]) -> [u8; 20] {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
        let mut context = hmac::Context::with_key(&key);
        for payload in payloads {
            context.update(payload);
        }
        let mut tag = [0; 20];
        for (to, from) in tag.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        tag
    }
}
