//! Data channels (RFC 8831): one SCTP association (RFC 9260) over `sctp-proto`, and the channels on it.
//!
//! We wait for the peer's association, as the DTLS server. The library takes streams and pieces of messages in any
//! number, so what it is given is looked at first (`guard`); a peer that oversteps loses the association and nothing
//! else.

mod guard;

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use sctp_proto::{
    Association, DatagramEvent, Endpoint, EndpointConfig, Event, Payload, PayloadProtocolIdentifier,
    ReliabilityType, ServerConfig, StreamEvent, TransportConfig,
};

use super::dcep::{self, Open, Reliability};
use guard::{Guard, Verdict};

/// Greatest data-channel message taken.
const MAX_MESSAGE: u32 = 256 * 1_024;
/// Bytes that may wait to be read.
const RECEIVE_BUFFER: u32 = 1_024 * 1_024;
/// Bytes that may wait to be sent.
const SEND_BUFFER: usize = 2 * 1_024 * 1_024;
/// Streams each way: half of them for the peer's channels, half for ours.
const MAX_STREAMS: u16 = 256;
/// Payload of a packet, which with its headers and those of DTLS stays within 1 200 bytes.
const MAX_PAYLOAD: u32 = 1_120;
/// There is one peer, whatever its address is.
const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 5_000);

/// What happened to a channel.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SctpEvent {
    Opened { id: u16, label: String },
    Message { id: u16, contents: Vec<u8> },
    Closed { id: u16 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Channel {
    /// We asked for it.
    Asked,
    Open,
}

/// One peer's association.
pub(super) struct Sctp {
    endpoint: Endpoint,
    association: Option<Box<Association>>,
    established: bool,
    /// It ended and no other may take its place.
    over: bool,
    guard: Guard,
    channels: BTreeMap<u16, (Channel, String)>,
    /// Ours that wait for the association.
    wanted: VecDeque<Open>,
    next_id: u16,
    events: VecDeque<SctpEvent>,
}

impl Sctp {
    /// Waits for the peer's association.
    pub(super) fn new() -> Self {
        let mut config = EndpointConfig::default();
        config.max_payload_size(MAX_PAYLOAD);
        // ICE says when the peer is gone, not retransmissions.
        let transport = TransportConfig::default()
            .with_max_receive_buffer_size(RECEIVE_BUFFER)
            .with_max_receive_message_size(MAX_MESSAGE)
            .with_max_num_inbound_streams(MAX_STREAMS)
            .with_max_num_outbound_streams(MAX_STREAMS)
            .with_max_init_retransmits(None)
            .with_max_data_retransmits(None);
        let mut server = ServerConfig::default();
        server.transport = Arc::new(transport);
        Self {
            endpoint: Endpoint::new(Arc::new(config), Some(Arc::new(server))),
            association: None,
            established: false,
            over: false,
            guard: Guard::new(MAX_STREAMS, RECEIVE_BUFFER),
            channels: BTreeMap::new(),
            wanted: VecDeque::new(),
            // The DTLS server's streams are the odd ones (RFC 8832 §6).
            next_id: 1,
            events: VecDeque::new(),
        }
    }

    /// Opens a channel of ours, as soon as there is an association.
    pub(super) fn open(&mut self, open: Open) {
        self.wanted.push_back(open);
        self.open_wanted();
    }

    /// Takes a packet.
    pub(super) fn receive(&mut self, packet: &[u8], now: Instant) {
        // The first request to begin, come late or again, would end what stands (RFC 9260 §5.2.2 lets it stand).
        if self.over || (self.established && Guard::begins(packet)) {
            return;
        }
        match self.guard.inspect(packet) {
            Verdict::Pass => {}
            Verdict::Drop => return,
            Verdict::End => {
                if let Some(association) = &mut self.association {
                    let _ = association.close();
                }
                self.drain();
                return;
            }
        }
        match self
            .endpoint
            .handle(now, PEER, None, None, Bytes::copy_from_slice(packet))
        {
            Some((_, DatagramEvent::NewAssociation(association))) if self.association.is_none() => {
                // Another would have nobody who asks for it; and each costs.
                self.endpoint.reject_new_associations();
                self.association = Some(Box::new(association));
            }
            Some((_, DatagramEvent::AssociationEvent(event))) => {
                if let Some(association) = &mut self.association {
                    association.handle_event(event);
                }
            }
            _ => {}
        }
        self.drain();
    }

    /// Lets time pass.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if let Some(association) = &mut self.association
            && association.poll_timeout().is_some_and(|due| due <= now)
        {
            association.handle_timeout(now);
            self.drain();
        }
    }

    /// When time should pass at the latest.
    pub(super) fn timeout(&self) -> Option<Instant> {
        self.association.as_ref()?.poll_timeout()
    }

    /// Gives packets to send, until it gives none.
    pub(super) fn poll_transmit(&mut self, now: Instant) -> Option<Vec<Bytes>> {
        let transmit = self.endpoint.poll_transmit();
        let transmit = transmit.or_else(|| self.association.as_mut()?.poll_transmit(now))?;
        let Payload::RawEncode(packets) = transmit.payload else {
            return Some(Vec::new());
        };
        for packet in &packets {
            self.guard.sent(packet);
        }
        Some(packets)
    }

    pub(super) fn poll_event(&mut self) -> Option<SctpEvent> {
        self.events.pop_front()
    }

    /// Sends a binary message; `Some(false)` where too much waits already, `None` where the channel is not open or the
    /// association failed.
    pub(super) fn send(&mut self, id: u16, contents: &[u8]) -> Option<bool> {
        if !matches!(self.channels.get(&id), Some((Channel::Open, _))) {
            return None;
        }
        let association = self.association.as_mut()?;
        let waiting: usize = self
            .channels
            .keys()
            .filter_map(|id| association.stream(*id).ok()?.buffered_amount().ok())
            .sum();
        if waiting + contents.len() > SEND_BUFFER {
            return Some(false);
        }
        let mut stream = association.stream(id).ok()?;
        // An empty message is told by its protocol identifier and carries one byte (RFC 8831 §6.6).
        let sent = if contents.is_empty() {
            stream.write_with_ppi(&[0], PayloadProtocolIdentifier::BinaryEmpty)
        } else {
            stream.write_with_ppi(contents, PayloadProtocolIdentifier::Binary)
        };
        sent.ok().map(|_| true)
    }

    /// Closes a channel; nothing of it is reported any more.
    pub(super) fn close(&mut self, id: u16) {
        self.channels.remove(&id);
        if let Some(association) = &mut self.association
            && let Ok(mut stream) = association.stream(id)
        {
            let _ = stream.close();
        }
    }

    fn drain(&mut self) {
        while let Some(association) = &mut self.association {
            // The endpoint keeps its entry: what still comes for the association is to find it.
            while association.poll_endpoint_event().is_some() {}
            let Some(event) = association.poll() else {
                break;
            };
            match event {
                Event::Connected => {
                    self.established = true;
                    self.open_wanted();
                }
                Event::AssociationLost { .. } | Event::HandshakeFailed { .. } => self.end(),
                Event::Stream(StreamEvent::Readable { id }) => self.read(id),
                Event::Stream(StreamEvent::Finished { id } | StreamEvent::Stopped { id, .. }) => {
                    self.finish(id);
                }
                _ => {}
            }
        }
    }

    fn end(&mut self) {
        self.over = true;
        self.established = false;
        self.association = None;
        for (id, (state, _)) in std::mem::take(&mut self.channels) {
            if state == Channel::Open {
                self.events.push_back(SctpEvent::Closed { id });
            }
        }
    }

    fn finish(&mut self, id: u16) {
        self.read(id);
        let known = self.channels.get(&id).map(|(state, _)| *state);
        self.close(id);
        if known == Some(Channel::Open) {
            self.events.push_back(SctpEvent::Closed { id });
        }
    }

    fn open_wanted(&mut self) {
        let Some(association) = self.association.as_mut().filter(|_| self.established) else {
            return;
        };
        while let Some(open) = self.wanted.pop_front() {
            let id = self.next_id;
            if id >= MAX_STREAMS {
                break;
            }
            self.next_id += 2;
            let asked = association
                .open_stream(id, PayloadProtocolIdentifier::Binary)
                .and_then(|mut stream| {
                    let (kind, value) = parameters(open.reliability);
                    stream.set_reliability_params(!open.ordered, kind, value)?;
                    stream.write_with_ppi(&open.write(), PayloadProtocolIdentifier::Dcep)
                });
            if asked.is_ok() {
                self.channels.insert(id, (Channel::Asked, open.label));
            }
        }
    }

    /// Reads what has come on a stream.
    fn read(&mut self, id: u16) {
        while let Some(association) = &mut self.association {
            let Ok(mut stream) = association.stream(id) else {
                return;
            };
            let Ok(Some(chunks)) = stream.read() else {
                return;
            };
            let mut contents = vec![0; chunks.len()];
            if chunks.read(&mut contents).is_err() {
                return;
            }
            match chunks.ppi {
                PayloadProtocolIdentifier::Dcep => self.control(id, &contents),
                PayloadProtocolIdentifier::String | PayloadProtocolIdentifier::Binary => {
                    self.message(id, contents);
                }
                PayloadProtocolIdentifier::StringEmpty | PayloadProtocolIdentifier::BinaryEmpty => {
                    self.message(id, Vec::new());
                }
                _ => self.refuse(id),
            }
        }
    }

    fn control(&mut self, id: u16, message: &[u8]) {
        match self.channels.get(&id) {
            None => match Open::read(message) {
                Some(open) if self.acknowledge(id, &open) => self.opened(id, open.label),
                _ => self.refuse(id),
            },
            Some((Channel::Asked, label)) if dcep::is_acknowledgement(message) => {
                let label = label.clone();
                self.opened(id, label);
            }
            // A second request or answer changes nothing.
            Some(_) => {}
        }
    }

    fn acknowledge(&mut self, id: u16, open: &Open) -> bool {
        let Some(Ok(mut stream)) = self.association.as_mut().map(|known| known.stream(id)) else {
            return false;
        };
        let (kind, value) = parameters(open.reliability);
        stream.set_reliability_params(!open.ordered, kind, value).is_ok()
            && stream
                .write_with_ppi(&dcep::ACKNOWLEDGEMENT, PayloadProtocolIdentifier::Dcep)
                .is_ok()
    }

    fn opened(&mut self, id: u16, label: String) {
        self.channels.insert(id, (Channel::Open, label.clone()));
        self.events.push_back(SctpEvent::Opened { id, label });
    }

    fn message(&mut self, id: u16, contents: Vec<u8>) {
        match self.channels.get(&id) {
            // Data may overtake the answer where a channel is unordered (RFC 8832 §6).
            Some((Channel::Asked, label)) => {
                let label = label.clone();
                self.opened(id, label);
            }
            Some((Channel::Open, _)) => {}
            None => return self.refuse(id),
        }
        self.events.push_back(SctpEvent::Message { id, contents });
    }

    /// Ends a stream on which the peer does not keep to the protocol.
    fn refuse(&mut self, id: u16) {
        let open = matches!(self.channels.get(&id), Some((Channel::Open, _)));
        self.close(id);
        if open {
            self.events.push_back(SctpEvent::Closed { id });
        }
    }
}

fn parameters(reliability: Reliability) -> (ReliabilityType, u32) {
    match reliability {
        Reliability::Reliable => (ReliabilityType::Reliable, 0),
        Reliability::Retransmits(times) => (ReliabilityType::Rexmit, times),
        Reliability::Lifetime(milliseconds) => (ReliabilityType::Timed, milliseconds),
    }
}

#[cfg(test)]
mod tests;
