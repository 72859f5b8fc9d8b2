//! The run loop: datagrams and time in; media at once, and datagrams, deadlines and events out.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tertulia_model::{Rid, TransportProtocol};

use crate::media::{MediaEvent, StreamStats};
use crate::path::{Handshake, PathEvent};
use crate::session::{Session, State};
use crate::{
    MediaPath, Output, Pacing, ProbeId, RxId, RxPacket, RxStats, Sealer, SendError, SessionError,
    SessionEvent, TxId, TxPacket,
};

/// A deadline for sessions that wait for nothing.
const IDLE: Duration = Duration::from_secs(3_600);
/// How often one drain lets the same instant pass, before it leaves the rest to the next millisecond.
const MAX_PASSES: u32 = 64;

impl Session {
    /// Takes a datagram, or one RFC 4571 frame without its length; `destination` is the `addr` of one of our
    /// candidates. A media packet comes back at once, opened where it lies; everything else shows when output is
    /// polled.
    ///
    /// What is no part of the conversation is dropped and counted.
    ///
    /// # Errors
    ///
    /// Where the session is over.
    pub fn receive<'a>(
        &mut self,
        protocol: TransportProtocol,
        source: SocketAddr,
        destination: SocketAddr,
        contents: &'a mut [u8],
        now: Instant,
    ) -> Result<Option<RxPacket<'a>>, SessionError> {
        self.advance(now);
        let now = self.now;
        let Some(transport) = self.transport.as_mut().filter(|_| self.state != State::Closed) else {
            self.dropped_datagrams += 1;
            return Ok(None);
        };
        let path = MediaPath {
            protocol,
            source: destination,
            destination: source,
        };
        // RFC 7983 §7 and, of media, RFC 5761 §4.
        let taken = match *contents {
            [0..=3, ..] => transport.path.receive_stun(path, contents),
            [20..=63, ..] => transport.path.receive_dtls(path, contents),
            [128..=191, kind, ..] if transport.path.admits(path) => {
                if (192..=223).contains(&kind) {
                    // What is not to be taken, media counts itself.
                    if transport.media.receive_rtcp(contents, now) {
                        transport.path.heard(path);
                    }
                } else if let Some(packet) = transport.media.receive_rtp(contents, now) {
                    transport.path.heard(path);
                    return Ok(Some(packet));
                }
                true
            }
            _ => false,
        };
        self.dropped_datagrams += u64::from(!taken);
        Ok(None)
    }

    /// Lets time pass: to be called at the instant of the last [`Output::Timeout`].
    ///
    /// # Errors
    ///
    /// Where the session is over.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), SessionError> {
        self.advance(now);
        self.stirred = true;
        Ok(())
    }

    /// Gives what is to be done next; to be called until it gives [`Output::Timeout`].
    ///
    /// # Errors
    ///
    /// Where the session cannot go on; it is closed then.
    pub fn poll_output(&mut self) -> Result<Output, SessionError> {
        loop {
            let Some(transport) = self.transport.as_mut().filter(|_| self.state != State::Closed) else {
                return Ok(match self.state {
                    State::Closing => self.report_closed(),
                    _ => Output::Timeout(self.now + IDLE),
                });
            };
            if std::mem::take(&mut self.stirred) {
                transport.path.handle_timeout();
            }
            // Farewells of streams go before that of the connection, after which nothing is read.
            if self.state == State::Closing
                && let Some((path, contents)) = transport.poll_rtcp(self.now)
            {
                return Ok(transmit(path, contents));
            }
            if let Some((path, contents)) = transport.path.poll_transmit() {
                return Ok(transmit(path, contents));
            }
            if let Some(event) = transport.path.poll_event() {
                if let Some(event) = self.translate_path(event)? {
                    return Ok(Output::Event(event));
                }
                continue;
            }
            if let Some(failure) = transport.path.failure() {
                let error = SessionError::Peer(failure.to_owned());
                self.state = State::Closed;
                return Err(error);
            }
            if let Some(event) = transport.media.poll_event() {
                if let Some(event) = self.translate_media(event) {
                    return Ok(Output::Event(event));
                }
                continue;
            }
            if let Some((path, contents)) = transport.poll_rtcp(self.now) {
                return Ok(transmit(path, contents));
            }
            if self.state == State::Closing {
                return Ok(self.report_closed());
            }
            // Time alone may have told something.
            if transport.media.has_events() {
                continue;
            }
            let due = transport.timeout().unwrap_or(self.now + IDLE);
            if due > self.now {
                self.passes = 0;
                return Ok(Output::Timeout(due));
            }
            if self.passes >= MAX_PASSES {
                self.passes = 0;
                return Ok(Output::Timeout(self.now + Duration::from_millis(1)));
            }
            self.passes += 1;
            self.stirred = true;
        }
    }

    /// Where media go: the pair of addresses in use, while the peer consents to what we send there. `None` before there
    /// are keys to protect anything with.
    pub fn media_path(&self) -> Option<MediaPath> {
        let transport = self.transport.as_ref().filter(|known| known.media.has_keys())?;
        transport.path.media_path()
    }

    /// What protects packets that leave now, of one stream and payload type.
    ///
    /// # Errors
    ///
    /// Where none can go out; the session goes on.
    pub fn sealer(&mut self, tx: TxId, payload_type: u8, now: Instant) -> Result<Sealer<'_>, SendError> {
        let transport = self.transport.as_mut().ok_or(SendError::Unbound)?;
        transport.media.sealer(tx, payload_type, now)
    }

    /// Protects a packet by itself and appends it to `out`; gives its length.
    ///
    /// # Errors
    ///
    /// Where the packet cannot go out; `out` is as it was, and the session goes on.
    pub fn seal(
        &mut self,
        tx: TxId,
        packet: &TxPacket<'_>,
        out: &mut Vec<u8>,
        now: Instant,
    ) -> Result<usize, SendError> {
        let transport = self.transport.as_mut().ok_or(SendError::Unbound)?;
        transport.media.seal(tx, packet, out, now)
    }

    /// Protects a packet that the peer asked for again (RFC 4588), and appends it to `out`; gives its length.
    ///
    /// # Errors
    ///
    /// Where the packet cannot go out; `out` is as it was, and the session goes on.
    pub fn seal_repair(
        &mut self,
        tx: TxId,
        packet: &TxPacket<'_>,
        out: &mut Vec<u8>,
        now: Instant,
    ) -> Result<usize, SendError> {
        let transport = self.transport.as_mut().ok_or(SendError::Unbound)?;
        transport.media.seal_repair(tx, packet, out, now)
    }

    /// Makes padding of about so many bytes where nothing else is there to measure the path with, and appends it to
    /// `out`; gives its length.
    ///
    /// # Errors
    ///
    /// Where no stream carries padding; `out` is as it was, and the session goes on.
    pub fn seal_padding(
        &mut self,
        bytes: usize,
        probe: Option<ProbeId>,
        out: &mut Vec<u8>,
        now: Instant,
    ) -> Result<usize, SendError> {
        let transport = self.transport.as_mut().ok_or(SendError::Unbound)?;
        transport.media.seal_padding(bytes, probe, out, now)
    }

    /// How fast packets may leave, and whether some are to measure the path.
    pub fn pacing(&mut self, now: Instant) -> Pacing {
        match &mut self.transport {
            Some(transport) => {
                let (rate, probe) = transport.media.pacing(now);
                Pacing { rate, probe }
            }
            None => Pacing {
                rate: self.config.initial_bitrate,
                probe: None,
            },
        }
    }

    /// Round-trip time to the peer, once measured.
    pub fn rtt(&self) -> Option<Duration> {
        self.transport.as_ref()?.media.round_trip()
    }

    /// Gives a step of the DTLS handshake to be computed on another thread and given back, where
    /// [`SessionConfig::offload_handshakes`](crate::SessionConfig::offload_handshakes) says so and there is something
    /// to compute: to be asked after every datagram and timeout until the session is connected.
    pub fn take_handshake(&mut self) -> Option<Handshake> {
        self.transport.as_mut()?.path.take_handshake()
    }

    /// Takes a handshake back. One of another session is dropped.
    pub fn give_back(&mut self, handshake: Handshake, now: Instant) {
        self.advance(now);
        if let Some(transport) = &mut self.transport {
            transport.path.give_back(handshake);
        }
    }

    /// Lets time go forward only.
    pub(crate) fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
        if let Some(transport) = &mut self.transport {
            transport.path.advance(self.now);
        }
    }

    fn report_closed(&mut self) -> Output {
        self.state = State::Closed;
        Output::Event(SessionEvent::Closed)
    }

    fn translate_path(&mut self, event: PathEvent) -> Result<Option<SessionEvent>, SessionError> {
        Ok(match event {
            PathEvent::Connected(keys) => {
                if let Some(transport) = &mut self.transport
                    && let Err(error) = transport.media.set_keys(keys.profile, &keys.material, true)
                {
                    self.state = State::Closed;
                    return Err(SessionError::Transport(error.to_string()));
                }
                if self.state != State::Connecting {
                    return Ok(None);
                }
                self.state = State::Connected;
                Some(SessionEvent::Connected)
            }
            PathEvent::Lost => {
                let told = self.state == State::Connected;
                self.ice_lost = told;
                told.then_some(SessionEvent::IceDisconnected)
            }
            PathEvent::Found => std::mem::take(&mut self.ice_lost).then_some(SessionEvent::IceReconnected),
            PathEvent::Moved => {
                if let Some(transport) = &mut self.transport {
                    transport.media.handle_path_change(self.now);
                }
                None
            }
            PathEvent::RoundTrip(taken) => {
                if let Some(transport) = &mut self.transport {
                    transport.media.set_path_rtt(taken);
                }
                None
            }
            PathEvent::ChannelOpened { id, label } => {
                if self.channels.opened(id, &label) {
                    return Ok(Some(SessionEvent::ChannelOpened { label }));
                }
                if let Some(transport) = &mut self.transport {
                    transport.path.close_channel(id);
                }
                None
            }
            PathEvent::ChannelMessage { id, contents } => {
                let label = self.channels.label(id).map(str::to_owned);
                label.map(|label| SessionEvent::ChannelData { label, contents })
            }
            PathEvent::ChannelClosed { id } => {
                let label = self.channels.closed(id);
                label.map(|label| SessionEvent::ChannelClosed { label })
            }
            PathEvent::Closed => {
                if !self.is_closed() {
                    self.state = State::Closing;
                }
                None
            }
        })
    }

    fn translate_media(&self, event: MediaEvent) -> Option<SessionEvent> {
        Some(match event {
            MediaEvent::KeyframeRequested { tx } => SessionEvent::KeyframeRequested { tx },
            MediaEvent::Nack { tx, sequences } => SessionEvent::Nack { tx, sequences },
            MediaEvent::EstimatedBitrate(estimate) => SessionEvent::EstimatedBitrate(estimate),
            MediaEvent::TxFeedback {
                tx,
                fraction_lost,
                rtt,
            } => SessionEvent::TxFeedback {
                tx,
                fraction_lost,
                rtt,
            },
            MediaEvent::RxStats(stats) => SessionEvent::RxStats(self.rx_stats(stats)?),
        })
    }

    fn rx_stats(&self, stats: StreamStats) -> Option<RxStats> {
        let rid = match stats.rid {
            Some(index) => Some(self.rid(stats.rx, index)?),
            None => None,
        };
        Some(RxStats {
            rx: stats.rx,
            rid,
            packets: stats.packets,
            bytes: stats.bytes,
            fraction_lost: stats.fraction_lost,
            jitter: stats.jitter,
            rtt: stats.rtt,
        })
    }

    fn rid(&self, rx: RxId, index: u8) -> Option<Rid> {
        let receiving = self
            .sections()
            .filter_map(|section| section.receiving.as_ref())
            .find(|receiving| receiving.rx == rx)?;
        receiving.rids.get(usize::from(index)).cloned()
    }
}

fn transmit(path: MediaPath, contents: Vec<u8>) -> Output {
    Output::Transmit {
        protocol: path.protocol,
        source: path.source,
        destination: path.destination,
        contents,
    }
}
