//! One speaker, many listeners, and the server's path of a packet between them: the real one, without sockets.
//!
//! What the server does lies in [`Lecture::forward`] and [`Lecture::listen`], which mirror a worker's turn; what the peers
//! do lies outside of them, so that either can be counted by itself.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tertulia_forward::{Due, Incoming, LayerPoint, Pacer, RouteSettings, Routes, SinkId, TrackKey};
use tertulia_model::{Bitrate, Codec, Direction, MediaKind, TransportProtocol};
use tertulia_session::{ClientFamily, Output, Session, TxId, TxPacket, TxWish};

use crate::support::{Pair, SERVER, config, is_media};

/// Packets that arrive together.
pub const BURST: usize = 8;
/// Time between two bursts: a thousand packets a second.
const INTERVAL: Duration = Duration::from_millis(8);
/// Bytes of a payload.
const PAYLOAD: usize = 1_200;
/// Payload type of VP8 at the speaker's.
const VP8: u8 = 96;

type Datagram = (SocketAddr, Vec<u8>);

struct Listener {
    pair: Pair,
    tx: TxId,
    payload_type: u8,
    pacer: Pacer,
    wake: Instant,
    train: Train,
    /// What it has for the server.
    feedback: Vec<Datagram>,
}

/// What the server sends somebody, one behind the other, and where each ends.
struct Train {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Train {
    #[inline]
    fn room(&mut self) -> &mut [u8] {
        let used = self.ends.last().copied().unwrap_or_default();
        &mut self.bytes[used..]
    }

    #[inline]
    fn push(&mut self, length: usize) {
        let used = self.ends.last().copied().unwrap_or_default();
        self.ends.push(used + length);
    }
}

/// A speaker with listeners, connected and in agreement.
pub struct Lecture {
    now: Instant,
    server: SocketAddr,
    speaker: Pair,
    spoken: Vec<Datagram>,
    /// What else the speaker sent: reports and checks of the path.
    aside: Vec<Datagram>,
    pictures: u16,
    routes: Routes,
    track: TrackKey,
    listeners: Vec<Listener>,
    scratch: Vec<u8>,
    reports: Vec<Vec<u8>>,
    /// Packets sent to listeners.
    pub forwarded: u64,
    /// Reports taken of them.
    pub reported: u64,
}

impl Lecture {
    /// Connects everybody.
    pub fn new(listeners: usize) -> Self {
        let certificate = config(ClientFamily::WebRtc).certificate;
        let pair = || {
            let mut config = config(ClientFamily::WebRtc);
            config.certificate = certificate.clone();
            config.initial_bitrate = Bitrate::from_kbps(50_000);
            Pair::with(config)
        };
        let mut speaker = pair();
        speaker.client.add(MediaKind::Video, Direction::SendOnly, &[]);
        speaker.negotiate();
        speaker.connect();
        speaker.client.want_bitrate(30_000);
        let mut routes = Routes::default();
        let track = routes.add_track(MediaKind::Video);
        let mut now = speaker.now;
        let listeners: Vec<Listener> = (0..listeners)
            .map(|number| {
                let mut pair = pair();
                pair.client.add_receiving(0, 1);
                let tx = pair.session.add_tx(TxWish {
                    kind: MediaKind::Video,
                    codecs: vec![Codec::Vp8],
                    stream_id: "PA_speaker".to_owned(),
                    track_id: "TR_camera".to_owned(),
                });
                pair.negotiate();
                pair.connect();
                let payload_type = pair
                    .session
                    .tx_payload_type(tx, Codec::Vp8)
                    .expect("VP8 was agreed on");
                let settings = RouteSettings {
                    ready: true,
                    enabled: true,
                    max_layer: 2,
                    max_temporal: LayerPoint::TOP.temporal,
                    accepts_red: false,
                    wants_red: false,
                };
                routes
                    .add_route(track, SinkId(number as u32), settings, number as u16, pair.now)
                    .expect("the track is there");
                now = now.max(pair.now);
                Listener {
                    wake: pair.now,
                    pair,
                    tx,
                    payload_type,
                    pacer: Pacer::default(),
                    train: Train {
                        bytes: vec![0; 1 << 18],
                        ends: Vec::with_capacity(1 << 8),
                    },
                    feedback: Vec::new(),
                }
            })
            .collect();
        Self {
            now,
            server: SERVER.parse().expect("an address"),
            speaker,
            spoken: Vec::new(),
            aside: Vec::new(),
            pictures: 0,
            routes,
            track,
            listeners,
            scratch: Vec::new(),
            reports: Vec::new(),
            forwarded: 0,
            reported: 0,
        }
    }

    /// The peers' part of a step: the speaker speaks, listeners read what came and report.
    pub fn peers(&mut self) {
        self.now += INTERVAL;
        let now = self.now;
        let client = &mut self.speaker.client;
        for report in self.reports.drain(..) {
            client.receive(self.server, &report, now - INTERVAL);
        }
        for number in 1..=BURST as u32 {
            // The library sends one packet at a time; all of them reach the server together.
            let at = now - INTERVAL + INTERVAL / BURST as u32 * number;
            client.timeout(at);
            let [high, low] = (self.pictures & 0x7fff).to_be_bytes();
            // RFC 7741 §4.2: a picture with its 15-bit number, the first a keyframe. What arrives together is one.
            let start = if number == 1 { 0x10 } else { 0 };
            let mut payload = vec![0xab; PAYLOAD];
            payload[..5].copy_from_slice(&[
                0x80 | start,
                0x80,
                0x80 | high,
                low,
                u8::from(self.pictures > 0),
            ]);
            let timestamp = u32::from(self.pictures).wrapping_mul(720);
            client.send_part((0, 0), VP8, &payload, timestamp, number == BURST as u32);
            client.timeout(at);
            self.spoken.extend(client.drain().1);
        }
        self.pictures += 1;
        loop {
            client.timeout(now);
            let (_, sent) = client.drain();
            if sent.is_empty() {
                break;
            }
            self.spoken.extend(sent);
        }
        let aside = self.spoken.extract_if(.., |(_, contents)| !is_media(contents));
        self.aside.extend(aside);
        for listener in &mut self.listeners {
            let client = &mut listener.pair.client;
            let mut start = 0;
            for end in listener.train.ends.drain(..) {
                client.receive(self.server, &listener.train.bytes[start..end], now);
                listener.feedback.extend(client.drain().1);
                start = end;
            }
            client.timeout(now);
            listener.feedback.extend(client.drain().1);
            client.received.clear();
        }
    }

    /// The server's part: what the speaker sent goes to everybody.
    pub fn forward(&mut self) {
        let now = self.now;
        for (source, contents) in &mut self.spoken {
            let received =
                self.speaker
                    .session
                    .receive(TransportProtocol::Udp, *source, self.server, contents, now);
            let Ok(Some(packet)) = received else { continue };
            let incoming = Incoming {
                layer: 0,
                codec: packet.codec,
                sequence: packet.sequence,
                timestamp: packet.timestamp,
                marker: packet.marker,
                arrival: packet.arrival,
                payload: packet.payload,
                ext: packet.ext,
                clock: None,
            };
            self.routes.handle_packet(self.track, &incoming);
        }
        self.routes.handle_timeout(now);
        let listeners = &mut self.listeners;
        self.routes.distribute(MediaKind::Video, now, |outgoing| {
            if let Some(listener) = listeners.get_mut(outgoing.sink.0 as usize) {
                listener.pacer.push(outgoing, now);
            }
        });
        for listener in listeners {
            self.forwarded += listener.serve(&self.routes, &mut self.scratch, now);
        }
    }

    /// The server's part: what it tells the speaker, what listeners report, and what is due of their sessions.
    pub fn listen(&mut self) {
        let now = self.now;
        for (source, contents) in &mut self.aside {
            let session = &mut self.speaker.session;
            let taken = session.receive(TransportProtocol::Udp, *source, self.server, contents, now);
            assert!(matches!(taken, Ok(None)), "it is no media");
        }
        drain(&mut self.speaker.session, |contents| self.reports.push(contents));
        for listener in &mut self.listeners {
            let session = &mut listener.pair.session;
            for (source, contents) in &mut listener.feedback {
                self.reported += 1;
                let taken = session.receive(TransportProtocol::Udp, *source, self.server, contents, now);
                assert!(matches!(taken, Ok(None)), "listeners send no media");
            }
            if listener.feedback.is_empty() && listener.wake > now {
                continue;
            }
            if listener.wake <= now {
                session.handle_timeout(now).expect("the session goes on");
            }
            let train = &mut listener.train;
            listener.wake = drain(session, |contents| {
                train.room()[..contents.len()].copy_from_slice(&contents);
                train.push(contents.len());
            });
        }
    }

    /// Throws away what the peers are done with.
    pub fn clear(&mut self) {
        self.spoken.clear();
        self.aside.clear();
        for listener in &mut self.listeners {
            listener.feedback.clear();
        }
    }
}

impl Listener {
    fn serve(&mut self, routes: &Routes, scratch: &mut Vec<u8>, now: Instant) -> u64 {
        let session = &mut self.pair.session;
        if session.media_path().is_none() {
            return 0;
        }
        let pacing = session.pacing(now);
        self.pacer.set_rate(Some(pacing.rate));
        self.pacer.set_probe(pacing.probe.map_or(0, |probe| probe.bytes));
        let mut sent = 0;
        let mut next = self.pacer.poll(now);
        while let Some(due) = next {
            let Due::Media(first) = due else {
                next = self.pacer.poll(now);
                continue;
            };
            let of_stream = (first.sink, first.codec);
            let mut sealer = session
                .sealer(self.tx, self.payload_type, now)
                .expect("it was agreed on");
            while let Some(Due::Media(outgoing)) = next
                && (outgoing.sink, outgoing.codec) == of_stream
            {
                let kept = routes.kept(outgoing).expect("the track is there");
                for kept_packet in kept.packets(outgoing) {
                    let stored = kept_packet.stored.expect("it has just come");
                    let payload = kept
                        .payload(outgoing, stored, 0, scratch)
                        .expect("a picture is whole");
                    let packet = TxPacket {
                        payload_type: self.payload_type,
                        sequence: kept_packet.sequence,
                        timestamp: outgoing.timestamp,
                        marker: kept_packet.marker,
                        payload,
                        rewrite: outgoing.rewrite,
                        ext: stored.extensions(),
                        sender_clock: kept.sender_clock(outgoing, stored),
                    };
                    let sealed = sealer.seal(&packet, self.train.room()).expect("it can be sent");
                    self.train.push(sealed);
                    sent += 1;
                }
                next = self.pacer.poll(now);
            }
        }
        sent
    }
}

fn drain(session: &mut Session, mut transmit: impl FnMut(Vec<u8>)) -> Instant {
    loop {
        match session.poll_output().expect("the session goes on") {
            Output::Timeout(at) => return at,
            Output::Transmit { contents, .. } => transmit(contents),
            Output::Event(_) => {}
        }
    }
}
