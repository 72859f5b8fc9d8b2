//! One client's media: str0m and a socket.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket as StdUdpSocket};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Instant;

use socket2::{Domain, Protocol as SocketProtocol, Socket, Type};
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, Reliability};
use str0m::config::DtlsCert;
use str0m::format::Codec;
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, Mid, Pt, Simulcast, SimulcastLayer};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpPacket, RtpWrite, Ssrc};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc};
use tertulia_model::Extension;
use tokio::net::UdpSocket;

use crate::error::ClientError;
use crate::keys::{KeySlot, provider, tapped};
use crate::light::{Handover, PayloadTypes, Stream};
use crate::media::Outgoing;

/// Socket buffers asked for, in bytes; the kernel grants what it allows.
const SOCKET_BUFFER: usize = 4 << 20;
/// The largest datagram read.
const MAX_DATAGRAM: usize = 2_000;
/// Datagrams read before others get their turn.
const BATCH: usize = 64;

/// First bytes of DTLS and of RTP and RTCP (RFC 7983 §7).
const DTLS: RangeInclusive<u8> = 20..=63;
/// See `DTLS`.
pub const MEDIA: RangeInclusive<u8> = 128..=191;

/// Something that happened to a peer.
#[derive(Debug)]
pub enum PeerEvent {
    /// Media may flow.
    Connected,
    /// A packet came.
    Packet {
        /// The packet.
        packet: Box<RtpPacket>,
        /// Whether its track is video.
        video: bool,
    },
    /// The server asks for a key frame on a section of ours, of one layer or of all.
    KeyFrameWanted {
        /// The section.
        mid: Mid,
        /// The layer.
        rid: Option<String>,
    },
    /// The connection is lost.
    Lost,
}

/// A track to be offered.
#[derive(Debug, Clone)]
pub struct Offered {
    /// Track id in the offer.
    pub id: String,
    /// Whether it is video.
    pub video: bool,
    /// Names of simulcast layers; fewer than two mean no simulcast.
    pub rids: Vec<&'static str>,
}

/// A section that sends a track of ours.
#[derive(Debug, Clone)]
pub struct Sending {
    mid: Mid,
    rids: Vec<&'static str>,
}

impl Sending {
    /// The section.
    pub fn mid(&self) -> Mid {
        self.mid
    }
}

/// What several peers share because it is costly to make: their certificate.
#[derive(Clone)]
pub struct Identity(DtlsCert);

impl Identity {
    /// Makes a certificate.
    ///
    /// # Errors
    /// [`ClientError::Certificate`].
    pub fn generate() -> Result<Self, ClientError> {
        let provider = str0m::crypto::from_feature_flags();
        provider
            .dtls_provider
            .generate_certificate()
            .map(Self)
            .ok_or(ClientError::Certificate)
    }
}

/// Who reads a peer's socket.
enum Wire {
    /// The peer.
    Own(UdpSocket),
    /// The light field; the peer only sends on it.
    Shared(Arc<StdUdpSocket>),
    /// Nobody, while it changes hands.
    None,
}

impl Wire {
    fn send(&self, contents: &[u8], destination: SocketAddr) -> io::Result<usize> {
        match self {
            Self::Own(socket) => socket.try_send_to(contents, destination),
            Self::Shared(socket) => socket.send_to(contents, destination),
            Self::None => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

/// A peer connection.
pub struct Peer {
    rtc: Rtc,
    wire: Wire,
    keys: KeySlot,
    /// Whether packets are sent and judged elsewhere: what str0m itself would say in RTP and RTCP is held back, since
    /// two senders must not use the same packet indices.
    light: bool,
    local: SocketAddr,
    /// Where DTLS goes, which is where the server is.
    server: Option<SocketAddr>,
    /// Header extensions as the last answer numbers them.
    extensions: Vec<(Extension, u8)>,
    pending: Option<SdpPendingOffer>,
    receiving: Vec<Mid>,
    deadline: Instant,
    events: VecDeque<PeerEvent>,
    unsent: u64,
    buffer: Vec<u8>,
}

impl Peer {
    /// Binds a socket on `address`. A `light` peer sends no media itself; see [`Peer::hand_over`].
    ///
    /// # Errors
    /// When that fails, or the address cannot be a candidate.
    pub fn new(address: IpAddr, identity: &Identity, red: bool, light: bool) -> Result<Self, ClientError> {
        let socket = bind(SocketAddr::new(address, 0))?;
        let local = socket.local_addr()?;
        let now = Instant::now();
        let (mut rtc, keys) = tapped(|| {
            Rtc::builder()
                .set_crypto_provider(Arc::new(provider()))
                .set_dtls_cert(identity.0.clone())
                .set_rtp_mode(true)
                .clear_codecs()
                .enable_opus(true, red)
                .enable_vp8(true)
                .build(now)
        });
        let candidate =
            Candidate::host(local, "udp").map_err(|error| ClientError::Candidate(error.to_string()))?;
        rtc.add_local_candidate(candidate);
        Ok(Self {
            rtc,
            wire: Wire::Own(socket),
            keys,
            light,
            local,
            server: None,
            extensions: Vec::new(),
            pending: None,
            receiving: Vec::new(),
            deadline: now,
            events: VecDeque::new(),
            unsent: 0,
            buffer: vec![0; MAX_DATAGRAM],
        })
    }

    /// When [`Peer::handle_timeout`] is due.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<PeerEvent> {
        self.events.pop_front()
    }

    /// Datagrams the local socket did not take.
    pub fn unsent(&self) -> u64 {
        self.unsent
    }

    /// Whether an answer is awaited.
    pub fn is_offering(&self) -> bool {
        self.pending.is_some()
    }

    /// Makes an offer with so many more sections to receive on, and with the tracks of `publish`; `channels` opens
    /// the data channels. The previous offer must have been answered.
    ///
    /// # Errors
    /// When the state that results is unsound.
    pub fn offer(
        &mut self,
        audio: u32,
        video: u32,
        publish: &[Offered],
        channels: bool,
    ) -> Result<(String, Vec<Sending>), ClientError> {
        let mut api = self.rtc.sdp_api();
        let mut changes = channels || audio + video > 0 || !publish.is_empty();
        if channels {
            for (label, ordered) in [("_reliable", true), ("_lossy", false)] {
                let reliability = if ordered {
                    Reliability::Reliable
                } else {
                    Reliability::MaxRetransmits { retransmits: 0 }
                };
                let config = ChannelConfig {
                    label: label.to_owned(),
                    ordered,
                    reliability,
                    ..ChannelConfig::default()
                };
                api.add_channel_with_config(config);
            }
        }
        for (kind, count) in [(MediaKind::Audio, audio), (MediaKind::Video, video)] {
            for _ in 0..count {
                self.receiving
                    .push(api.add_media(kind, Direction::RecvOnly, None, None, None));
            }
        }
        let mut sending = Vec::new();
        for track in publish {
            let kind = if track.video {
                MediaKind::Video
            } else {
                MediaKind::Audio
            };
            let simulcast = (track.rids.len() > 1).then(|| {
                let mut simulcast = Simulcast::new();
                track
                    .rids
                    .iter()
                    .for_each(|rid| simulcast.add_send_layer(SimulcastLayer::new(rid)));
                simulcast
            });
            let rids = if simulcast.is_some() {
                track.rids.clone()
            } else {
                Vec::new()
            };
            let stream = Some("bench".to_owned());
            let mid = api.add_media(
                kind,
                Direction::SendOnly,
                stream,
                Some(track.id.clone()),
                simulcast,
            );
            sending.push(Sending { mid, rids });
        }
        // The answer set sections without a track to inactive; all are offered anew. A description without any
        // change is not made, so that at least one section has to go back and forth.
        for mid in &self.receiving {
            api.set_direction(*mid, Direction::RecvOnly);
        }
        if let (false, Some(mid)) = (changes, self.receiving.first()) {
            api.set_direction(*mid, Direction::Inactive);
            api.set_direction(*mid, Direction::RecvOnly);
            changes = true;
        }
        let offered = api.apply().filter(|_| changes);
        let (offer, pending) =
            offered.ok_or_else(|| ClientError::Description("there is nothing to offer".to_owned()))?;
        self.pending = Some(pending);
        self.drain()?;
        Ok((offer.to_sdp_string(), sending))
    }

    /// Takes the answer to the last offer.
    ///
    /// # Errors
    /// When it cannot be read or does not fit the offer.
    pub fn accept_answer(&mut self, sdp: &str) -> Result<(), ClientError> {
        let Some(pending) = self.pending.take() else {
            return Err(ClientError::Description("an answer without an offer".to_owned()));
        };
        let answer =
            SdpAnswer::from_sdp_string(sdp).map_err(|error| ClientError::Description(error.to_string()))?;
        self.rtc.sdp_api().accept_answer(pending, answer)?;
        self.extensions = extensions(sdp);
        self.handle_timeout()
    }

    /// Takes the server's offer and gives the answer.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn accept_offer(&mut self, sdp: &str) -> Result<String, ClientError> {
        let offer =
            SdpOffer::from_sdp_string(sdp).map_err(|error| ClientError::Description(error.to_string()))?;
        let answer = self.rtc.sdp_api().accept_offer(offer)?.to_sdp_string();
        self.extensions = extensions(&answer);
        self.handle_timeout()?;
        Ok(answer)
    }

    /// Gives the socket away with what is needed to speak SRTP on it. From now on STUN and DTLS that come for this
    /// peer are to be given to [`Peer::handle_datagram`].
    ///
    /// # Errors
    /// When the handshake has not made keys.
    pub fn hand_over(&mut self) -> Result<Handover, ClientError> {
        let keys = self.keys.keys().ok_or(ClientError::Keys)?;
        let server = self.server.ok_or(ClientError::Keys)?;
        let Wire::Own(socket) = std::mem::replace(&mut self.wire, Wire::None) else {
            return Err(ClientError::Keys);
        };
        let socket = Arc::new(socket.into_std()?);
        self.wire = Wire::Shared(Arc::clone(&socket));
        let parameters = |codec| {
            self.rtc
                .codec_config()
                .find(|parameters| parameters.spec().codec == codec)
        };
        let (audio, video) = (parameters(Codec::Opus), parameters(Codec::Vp8));
        Ok(Handover {
            socket,
            server,
            keys,
            extensions: self.extensions.clone(),
            payload_types: PayloadTypes {
                audio: audio.map(|audio| *audio.pt()),
                red: audio.and_then(|audio| audio.red()).map(|red| *red),
                video: video.map(|video| *video.pt()),
                repair: video.and_then(|video| video.resend()).map(|repair| *repair),
            },
        })
    }

    /// The streams of a section that sends, in the order of its layers.
    pub fn streams(&mut self, to: &Sending) -> Vec<Stream> {
        let rids: Vec<Option<&'static str>> = if to.rids.is_empty() {
            vec![None]
        } else {
            to.rids.iter().copied().map(Some).collect()
        };
        let mut api = self.rtc.direct_api();
        let streams = rids.into_iter().filter_map(|rid| {
            let stream = api.stream_tx_by_mid(to.mid, rid.map(Into::into))?;
            Some(Stream {
                rid,
                ssrc: *stream.ssrc(),
                repair_ssrc: stream.rtx().map(|ssrc| *ssrc),
            })
        });
        streams.collect()
    }

    /// Sends packets on a section, at once.
    ///
    /// # Errors
    /// When the connection is in no state to send.
    pub fn send(&mut self, to: &Sending, packets: &[Outgoing]) -> Result<(), ClientError> {
        let now = Instant::now();
        for packet in packets {
            let Some(payload_type) = self.payload_type(packet.level.is_none(), packet.red) else {
                continue;
            };
            let rid = to.rids.get(packet.layer).map(|rid| (*rid).into());
            let mut api = self.rtc.direct_api();
            let Some(stream) = api.stream_tx_by_mid(to.mid, rid) else {
                continue;
            };
            let extensions = ExtensionValues {
                audio_level: packet.level.map(|(level, _)| level),
                voice_activity: packet.level.map(|(_, voice)| voice),
                ..ExtensionValues::default()
            };
            let payload: Arc<[u8]> = Arc::clone(&packet.payload);
            let write = RtpWrite::new(
                payload_type,
                packet.sequence.into(),
                packet.timestamp,
                now,
                payload,
            )
            .marker(packet.marker)
            .nackable(packet.level.is_none())
            .ext_vals(extensions);
            stream.write_rtp(write);
        }
        self.handle_timeout()
    }

    /// Asks for a key frame of a received stream; the request leaves with the next timeout.
    pub fn request_key_frame(&mut self, ssrc: Ssrc) {
        let mut api = self.rtc.direct_api();
        if let Some(stream) = api.stream_rx(&ssrc) {
            stream.request_keyframe(KeyframeRequestKind::Pli);
            self.deadline = Instant::now();
        }
    }

    /// Waits until a datagram can be read.
    ///
    /// # Errors
    /// When the socket fails.
    pub async fn readable(&self) -> io::Result<()> {
        match &self.wire {
            Wire::Own(socket) => socket.readable().await,
            Wire::Shared(_) | Wire::None => std::future::pending().await,
        }
    }

    /// Takes a datagram that somebody else read from the socket.
    ///
    /// # Errors
    /// When the connection fails.
    pub fn handle_datagram(&mut self, source: SocketAddr, contents: &[u8]) -> Result<(), ClientError> {
        let Ok(receive) = Receive::new(Protocol::Udp, source, self.local, contents) else {
            return Ok(());
        };
        self.rtc.handle_input(Input::Receive(Instant::now(), receive))?;
        self.drain()
    }

    /// Reads what has come, up to a limit.
    ///
    /// # Errors
    /// When the socket or the connection fails.
    pub fn receive(&mut self) -> Result<(), ClientError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let result = self.receive_into(&mut buffer);
        self.buffer = buffer;
        result
    }

    fn receive_into(&mut self, buffer: &mut [u8]) -> Result<(), ClientError> {
        for _ in 0..BATCH {
            let Wire::Own(socket) = &self.wire else {
                return Ok(());
            };
            let (length, source) = match socket.try_recv_from(buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // An earlier datagram met a closed port; the socket goes on.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => continue,
                Err(error) => return Err(error.into()),
            };
            self.handle_datagram(source, buffer.get(..length).unwrap_or_default())?;
        }
        Ok(())
    }

    /// Lets time pass.
    ///
    /// # Errors
    /// When the connection fails.
    pub fn handle_timeout(&mut self) -> Result<(), ClientError> {
        self.rtc.handle_input(Input::Timeout(Instant::now()))?;
        self.drain()
    }

    /// Ends the connection.
    pub fn close(&mut self) {
        if self.rtc.close().is_ok() && self.drain().is_err() {
            tracing::debug!("the connection broke while it was closed");
        }
    }

    fn payload_type(&self, video: bool, red: bool) -> Option<Pt> {
        let codec = if video { Codec::Vp8 } else { Codec::Opus };
        let parameters = self
            .rtc
            .codec_config()
            .find(|parameters| parameters.spec().codec == codec)?;
        if red {
            parameters.red()
        } else {
            Some(parameters.pt())
        }
    }

    fn drain(&mut self) -> Result<(), ClientError> {
        loop {
            match self.rtc.poll_output()? {
                Output::Timeout(deadline) => {
                    self.deadline = deadline;
                    return Ok(());
                }
                Output::Transmit(transmit) => {
                    let first = transmit.contents.first().copied().unwrap_or(0);
                    if self.light && MEDIA.contains(&first) {
                        continue;
                    }
                    if DTLS.contains(&first) {
                        self.server = Some(transmit.destination);
                    }
                    let sent = self.wire.send(&transmit.contents, transmit.destination);
                    self.unsent += u64::from(sent.is_err());
                }
                Output::Event(event) => self.note(event),
            }
        }
    }

    fn note(&mut self, event: Event) {
        let noted = match event {
            Event::Connected => PeerEvent::Connected,
            Event::RtpPacket(packet) => {
                let video = (self.rtc.codec_config())
                    .find(|parameters| parameters.pt() == packet.header.payload_type)
                    .is_some_and(|parameters| parameters.spec().codec == Codec::Vp8);
                PeerEvent::Packet {
                    packet: Box::new(packet),
                    video,
                }
            }
            Event::KeyframeRequest(request) => PeerEvent::KeyFrameWanted {
                mid: request.mid,
                rid: request.rid.map(|rid| rid.to_string()),
            },
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) | Event::Closed => {
                PeerEvent::Lost
            }
            _ => return,
        };
        self.events.push_back(noted);
    }
}

/// The extensions an answer takes, with their ids; all its sections number them alike.
fn extensions(sdp: &str) -> Vec<(Extension, u8)> {
    let lines = sdp.lines().filter_map(|line| line.strip_prefix("a=extmap:"));
    let read = |line: &str| {
        let (id, uri) = line.split_once(' ')?;
        let id = id.split('/').next()?.parse().ok()?;
        Some((Extension::from_uri(uri.split(' ').next()?)?, id))
    };
    lines.filter_map(read).collect()
}

fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(SocketProtocol::UDP),
    )?;
    socket.set_nonblocking(true)?;
    socket.set_recv_buffer_size(SOCKET_BUFFER)?;
    socket.set_send_buffer_size(SOCKET_BUFFER)?;
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_read_from_an_answer() {
        let sdp = "m=video 9 X 96\r\na=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
                   a=extmap:4/sendonly urn:ietf:params:rtp-hdrext:sdes:mid\r\na=extmap:9 urn:unknown\r\na=mid:0\r\n";
        assert_eq!(
            extensions(sdp),
            [(Extension::TransportCc, 3), (Extension::Mid, 4)]
        );
    }
}
