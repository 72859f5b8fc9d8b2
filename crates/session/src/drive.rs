//! The run loop: datagrams and time in; datagrams, deadlines and events out.

use std::time::{Duration, Instant};

use str0m::bwe::BweKind;
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpPacket;
use str0m::{Event as RtcEvent, IceConnectionState, Input as RtcInput, Output as RtcOutput, RtcError};
use tertulia_model::{Bitrate, Rid, TransportProtocol};

use crate::convert;
use crate::section::{Section, Sending};
use crate::session::{Session, State};
use crate::transport::rtc_mid;
use crate::{Input, Output, RxId, RxStats, SessionError, SessionEvent, TxId};

/// A deadline for sessions that wait for nothing.
const IDLE: Duration = Duration::from_secs(3_600);
/// How often one drain passes the same instant on, before it leaves the rest to the next millisecond.
const MAX_PASSES: u32 = 64;

impl Session {
    /// Takes a datagram or the news that time has passed.
    ///
    /// A datagram that is no part of the conversation is dropped and counted.
    ///
    /// # Errors
    ///
    /// Where the session cannot go on.
    pub fn handle_input(&mut self, input: Input<'_>, now: Instant) -> Result<(), SessionError> {
        if matches!(input, Input::Datagram { .. }) {
            self.settle()?;
        }
        self.advance(now);
        let Some(transport) = &mut self.transport else {
            if matches!(input, Input::Datagram { .. }) {
                self.dropped_datagrams += 1;
            }
            return Ok(());
        };
        match input {
            Input::Timeout => {
                self.stirred = true;
            }
            Input::Datagram {
                protocol,
                source,
                destination,
                contents,
            } => {
                // RFC 7983: 20 to 63 is DTLS, which must wait until the fingerprint is known.
                let early = contents.first().is_some_and(|first| (20..=63).contains(first))
                    && !transport.takes_dtls();
                let received = match Receive::new(rtc_protocol(protocol), source, destination, contents) {
                    Ok(received) if !early => received,
                    _ => {
                        self.dropped_datagrams += 1;
                        return Ok(());
                    }
                };
                self.fed = true;
                // What the transport finds wrong with one datagram may be forged; a conversation that is truly broken
                // shows when output is polled.
                if transport
                    .rtc
                    .handle_input(RtcInput::Receive(self.now, received))
                    .is_err()
                {
                    self.dropped_datagrams += 1;
                }
            }
        }
        Ok(())
    }

    /// Gives what is to be done next; to be called until it gives [`Output::Timeout`].
    ///
    /// # Errors
    ///
    /// Where the session cannot go on; it is closed then.
    pub fn poll_output(&mut self) -> Result<Output, SessionError> {
        if let Some(output) = self.queued.pop_front() {
            return Ok(output);
        }
        self.poll_transport()
    }

    /// Sets the consequences of the datagram before aside: the transport keeps those of one only.
    fn settle(&mut self) -> Result<(), SessionError> {
        while self.fed {
            let output = self.poll_transport()?;
            if !matches!(output, Output::Timeout(_)) {
                self.queued.push_back(output);
            }
        }
        Ok(())
    }

    fn poll_transport(&mut self) -> Result<Output, SessionError> {
        let output = self.poll_transport_once()?;
        if matches!(output, Output::Timeout(_)) {
            self.fed = false;
        }
        Ok(output)
    }

    fn poll_transport_once(&mut self) -> Result<Output, SessionError> {
        loop {
            if self.state == State::Closed {
                return Ok(Output::Timeout(self.now + IDLE));
            }
            let Some(transport) = &mut self.transport else {
                if self.state == State::Closing {
                    return Ok(self.report_closed());
                }
                return Ok(Output::Timeout(self.now + IDLE));
            };
            let polled = if std::mem::take(&mut self.stirred) {
                transport
                    .rtc
                    .handle_input(RtcInput::Timeout(self.now))
                    .and_then(|()| transport.rtc.poll_output())
            } else {
                transport.rtc.poll_output()
            };
            match polled {
                Ok(RtcOutput::Timeout(_)) if self.state == State::Closing => return Ok(self.report_closed()),
                Ok(RtcOutput::Timeout(at)) if at <= self.now && self.passes < MAX_PASSES => {
                    self.passes += 1;
                    self.stirred = true;
                }
                Ok(RtcOutput::Timeout(at)) => {
                    // Deadlines below a millisecond are kept: the pacer's probes measure what their spacing is.
                    self.passes = 0;
                    return Ok(Output::Timeout(if at > self.now {
                        at
                    } else {
                        self.now + Duration::from_millis(1)
                    }));
                }
                Ok(RtcOutput::Transmit(transmit)) => {
                    let Some(protocol) = own_protocol(transmit.proto) else {
                        continue;
                    };
                    return Ok(Output::Transmit {
                        protocol,
                        source: transmit.source,
                        destination: transmit.destination,
                        contents: transmit.contents.to_vec(),
                    });
                }
                Ok(RtcOutput::Event(event)) => {
                    if let Some(event) = self.translate(event) {
                        return Ok(Output::Event(event));
                    }
                }
                Err(error) => {
                    self.state = State::Closed;
                    return Err(session_error(&error));
                }
            }
        }
    }

    fn report_closed(&mut self) -> Output {
        self.state = State::Closed;
        Output::Event(SessionEvent::Closed)
    }

    /// Lets time go forward only.
    pub(crate) fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    fn translate(&mut self, event: RtcEvent) -> Option<SessionEvent> {
        match event {
            RtcEvent::Connected => {
                if self.state != State::Connecting {
                    return None;
                }
                self.state = State::Connected;
                Some(SessionEvent::Connected)
            }
            RtcEvent::IceConnectionStateChange(state) => self.translate_ice(state),
            RtcEvent::RtpPacket(packet) => self.translate_rtp(packet),
            RtcEvent::KeyframeRequest(request) => {
                let tx = self.tx_on(request.mid)?;
                Some(SessionEvent::KeyframeRequested { tx })
            }
            RtcEvent::ChannelOpen(id, label) => {
                if self.channels.opened(id, &label) {
                    return Some(SessionEvent::ChannelOpened { label });
                }
                if let Some(transport) = &mut self.transport {
                    transport.rtc.direct_api().close_data_channel(id);
                }
                None
            }
            RtcEvent::ChannelData(data) => {
                let label = self.channels.label(data.id)?.to_owned();
                Some(SessionEvent::ChannelData {
                    label,
                    contents: data.data,
                })
            }
            RtcEvent::ChannelClose(id) => self
                .channels
                .closed(id)
                .map(|label| SessionEvent::ChannelClosed { label }),
            RtcEvent::EgressBitrateEstimate(BweKind::Twcc { estimate, .. }) => Some(
                SessionEvent::EstimatedBitrate(Bitrate::from_bps(estimate.as_u64())),
            ),
            RtcEvent::EgressBitrateEstimate(BweKind::Remb { estimate, .. }) => {
                let estimates = self
                    .transport
                    .as_ref()
                    .is_some_and(|known| known.tables.sends_transport_cc);
                (!estimates).then(|| SessionEvent::EstimatedBitrate(Bitrate::from_bps(estimate.as_u64())))
            }
            RtcEvent::MediaEgressStats(stats) => {
                let tx = self.tx_on(stats.mid)?;
                let fraction_lost = stats.loss?;
                Some(SessionEvent::TxFeedback {
                    tx,
                    fraction_lost,
                    rtt: stats.rtt,
                })
            }
            RtcEvent::MediaIngressStats(stats) => {
                let receiving = self
                    .section_on(stats.mid)?
                    .receiving
                    .as_ref()
                    .filter(|known| known.active)?;
                Some(SessionEvent::RxStats(RxStats {
                    rx: receiving.rx,
                    rid: stats.rid.and_then(|rid| Rid::parse(&rid)),
                    packets: stats.packets,
                    bytes: stats.bytes,
                    fraction_lost: stats.loss,
                    jitter: stats.jitter,
                    rtt: stats.rtt,
                }))
            }
            RtcEvent::Closed => {
                if self.state != State::Closed {
                    self.state = State::Closing;
                }
                None
            }
            _ => None,
        }
    }

    fn translate_ice(&mut self, state: IceConnectionState) -> Option<SessionEvent> {
        match state {
            IceConnectionState::Disconnected if self.state == State::Connected && !self.ice_lost => {
                self.ice_lost = true;
                Some(SessionEvent::IceDisconnected)
            }
            IceConnectionState::Connected | IceConnectionState::Completed if self.ice_lost => {
                self.ice_lost = false;
                Some(SessionEvent::IceReconnected)
            }
            _ => None,
        }
    }

    fn translate_rtp(&mut self, packet: RtpPacket) -> Option<SessionEvent> {
        let ssrc = *packet.header.ssrc;
        let codec = self
            .transport
            .as_ref()?
            .tables
            .codec(*packet.header.payload_type)?;
        let (rx, rid) = match self.received.get(&ssrc) {
            Some(known) => known.clone(),
            None => self.place_received(ssrc)?,
        };
        Some(SessionEvent::Rtp(convert::received(packet, rx, rid, codec)))
    }

    /// Finds out, once per SSRC, what it belongs to.
    fn place_received(&mut self, ssrc: u32) -> Option<(RxId, Option<Rid>)> {
        let (mid, rid) = self.transport.as_mut()?.received_as(ssrc)?;
        let section = self.sections().find(|section| section.mid.as_str() == mid)?;
        let receiving = section.receiving.as_ref().filter(|receiving| receiving.active)?;
        let rid = match rid {
            Some(text) => Some(
                receiving
                    .rids
                    .iter()
                    .find(|known| known.as_str() == text)
                    .cloned()?,
            ),
            None => None,
        };
        let found = (receiving.rx, rid);
        // A new SSRC for an encoding takes the place of the old one.
        self.received.retain(|_, known| *known != found);
        self.received.insert(ssrc, found.clone());
        Some(found)
    }

    fn section_on(&self, mid: str0m::media::Mid) -> Option<&Section> {
        self.sections().find(|section| rtc_mid(&section.mid) == mid)
    }

    fn tx_on(&self, mid: str0m::media::Mid) -> Option<TxId> {
        match &self.section_on(mid)?.sending {
            Sending::Bound(stream) => Some(stream.tx),
            _ => None,
        }
    }
}

fn rtc_protocol(protocol: TransportProtocol) -> Protocol {
    match protocol {
        TransportProtocol::Udp => Protocol::Udp,
        TransportProtocol::Tcp => Protocol::Tcp,
    }
}

fn own_protocol(protocol: Protocol) -> Option<TransportProtocol> {
    match protocol {
        Protocol::Udp => Some(TransportProtocol::Udp),
        Protocol::Tcp => Some(TransportProtocol::Tcp),
        _ => None,
    }
}

fn session_error(error: &RtcError) -> SessionError {
    match error {
        RtcError::RemoteSdp(_) | RtcError::Dtls(_) | RtcError::Net(_) | RtcError::Packet(..) => {
            SessionError::Peer(error.to_string())
        }
        _ => SessionError::Transport(error.to_string()),
    }
}
