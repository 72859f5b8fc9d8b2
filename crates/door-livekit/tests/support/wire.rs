//! A client's end of the media path on str0m and a real socket, whatever was negotiated and how.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use str0m::channel::ChannelId;
use str0m::media::KeyframeRequest;
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};
use tokio::net::UdpSocket;

/// What was received of one stream.
#[derive(Debug, Default, Clone)]
pub struct Seen {
    pub packets: usize,
    /// The layer of the last picture.
    pub layer: u8,
    pub began_at_keyframe: bool,
    /// Packets that were expected between those received.
    pub missing: u64,
    /// Whether a packet named its section.
    pub named: bool,
    last: Option<u64>,
}

/// One stream that is sent.
struct Sent {
    ssrc: u32,
    payload_type: u8,
    /// The layer, for pictures.
    layer: Option<u8>,
    sequence: u64,
    key_wanted: bool,
    pub on: bool,
}

pub struct Wire {
    pub rtc: Rtc,
    socket: UdpSocket,
    pub connected: bool,
    pub seen: BTreeMap<u32, Seen>,
    channel: Option<ChannelId>,
    /// What came down the data channel.
    pub messages: Vec<Vec<u8>>,
    sent: Vec<Sent>,
    frame: u32,
}

impl Wire {
    pub async fn new(config: RtcConfig) -> Self {
        let config = config
            .set_crypto_provider(std::sync::Arc::new(str0m::crypto::from_feature_flags()))
            .set_rtp_mode(true);
        let mut rtc = config.build(Instant::now());
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        socket.writable().await.unwrap();
        let address = socket.local_addr().unwrap();
        rtc.add_local_candidate(Candidate::host(address, Protocol::Udp).unwrap());
        Self {
            rtc,
            socket,
            connected: false,
            seen: BTreeMap::new(),
            channel: None,
            messages: Vec::new(),
            sent: Vec::new(),
            frame: 0,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    /// Sends on a stream from now on: pictures of a layer, or sound.
    pub fn send(&mut self, ssrc: u32, payload_type: u8, layer: Option<u8>) {
        self.sent.push(Sent {
            ssrc,
            payload_type,
            layer,
            sequence: 100,
            key_wanted: true,
            on: true,
        });
    }

    /// Stops or takes up a layer.
    pub fn set_on(&mut self, layer: u8, on: bool) {
        for sent in self.sent.iter_mut().filter(|sent| sent.layer == Some(layer)) {
            sent.key_wanted |= on && !sent.on;
            sent.on = on;
        }
    }

    pub fn is_on(&self, layer: u8) -> bool {
        self.sent.iter().any(|sent| sent.layer == Some(layer) && sent.on)
    }

    pub fn packets(&self, ssrc: u32) -> usize {
        self.seen.get(&ssrc).map_or(0, |seen| seen.packets)
    }

    pub fn channel_open(&self) -> bool {
        self.channel.is_some()
    }

    /// Sends a message down the data channel.
    pub fn write(&mut self, message: &[u8]) {
        let mut channel = self.rtc.channel(self.channel.unwrap()).unwrap();
        channel.write(true, message).unwrap();
    }

    pub fn turn(&mut self, beat: bool) {
        let mut buffer = [0; 2_048];
        let address = self.address();
        while let Ok((length, source)) = self.socket.try_recv_from(&mut buffer) {
            if let Ok(received) = Receive::new(Protocol::Udp, source, address, &buffer[..length]) {
                let input = Input::Receive(Instant::now(), received);
                self.rtc.handle_input(input).unwrap();
                self.drain();
            }
        }
        if beat && self.connected {
            self.encode();
        }
        self.rtc.handle_input(Input::Timeout(Instant::now())).unwrap();
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(_) => return,
                Output::Transmit(transmit) => {
                    // What finds no room is lost, as on any path.
                    let _lost = self.socket.try_send_to(&transmit.contents, transmit.destination);
                }
                Output::Event(Event::Connected) => self.connected = true,
                Output::Event(Event::ChannelOpen(id, _)) => self.channel = Some(id),
                Output::Event(Event::ChannelData(data)) => self.messages.push(data.data),
                Output::Event(Event::KeyframeRequest(request)) => self.want_key(&request),
                Output::Event(Event::RtpPacket(packet)) => {
                    let seen = self.seen.entry(*packet.header.ssrc).or_default();
                    let sequence = *packet.seq_no;
                    if let Some(last) = seen.last.filter(|last| *last < sequence) {
                        seen.missing += sequence - last - 1;
                    }
                    seen.last = seen.last.max(Some(sequence));
                    seen.named |= packet.header.ext_vals.mid.is_some();
                    // RFC 7741 §4.2, as written below.
                    if let [0x90, _, _, _, _, _, not_key, layer, ..] = packet.payload[..] {
                        seen.began_at_keyframe |= seen.packets == 0 && not_key == 0;
                        seen.layer = layer;
                    }
                    seen.packets += 1;
                }
                Output::Event(_) => {}
            }
        }
    }

    fn want_key(&mut self, request: &KeyframeRequest) {
        let named = request.rid.map(|rid| match &*rid {
            "q" => 0,
            "h" => 1,
            _ => 2,
        });
        for sent in &mut self.sent {
            if sent.layer.is_some() && (named.is_none() || sent.layer == named) {
                sent.key_wanted = true;
            }
        }
    }

    fn encode(&mut self) {
        let frame = self.frame;
        self.frame += 1;
        let now = Instant::now();
        for place in 0..self.sent.len() {
            let sent = &mut self.sent[place];
            if !sent.on {
                continue;
            }
            let (timestamp, payload) = match sent.layer {
                Some(layer) => {
                    let key = std::mem::take(&mut sent.key_wanted);
                    let id = (frame + u32::from(layer) * 9_000) as u16 & 0x7fff;
                    let [high, low] = (0x8000 | id).to_be_bytes();
                    let mut payload = vec![0x90, 0xe0, high, low, frame as u8, 0x20, u8::from(!key), layer];
                    payload.resize(120, 0xab);
                    (frame * 1_800 + u32::from(layer) * 1_000_000, payload)
                }
                None => (frame * 960, vec![0x55; 8]),
            };
            let sequence = sent.sequence;
            sent.sequence += 1;
            let (ssrc, payload_type, sound) = (sent.ssrc, sent.payload_type, sent.layer.is_none());
            let mut direct = self.rtc.direct_api();
            let Some(stream) = direct.stream_tx(&ssrc.into()) else {
                continue;
            };
            let values = ExtensionValues {
                audio_level: sound.then_some(-25),
                voice_activity: sound.then_some(true),
                ..ExtensionValues::default()
            };
            stream.write_rtp(
                RtpWrite::new(payload_type.into(), sequence.into(), timestamp, now, payload)
                    .marker(true)
                    .nackable(!sound)
                    .ext_vals(values),
            );
            self.rtc.handle_input(Input::Timeout(now)).unwrap();
            self.drain();
        }
    }
}
