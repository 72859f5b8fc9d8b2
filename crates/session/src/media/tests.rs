//! Two ends of a session joined by a pipe in virtual time, and a peer that makes its packets by hand.
#![allow(
    clippy::disallowed_methods,
    reason = "tests begin their virtual time at some instant"
)]

mod allocation;
mod flow;
mod hostile;
mod place;
mod report;
mod wire;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use tertulia_model::{Bitrate, ClientFamily, Codec, CodecSpec, MediaKind, Mid, Rid};
use tertulia_rtp::{AudioLevel, Extensions, Rewrite, SrtpProfile, is_rtcp};

use super::{Media, MediaEvent, TxPacket};
use crate::RxPacket;
use crate::table::Tables;
use crate::{RxId, TxId};

const PROFILE: SrtpProfile = SrtpProfile::AeadAes256Gcm;
const AUDIO: u32 = 0x0a0a_0a0a;
const VIDEO: u32 = 0x0b0b_0b0b;
const VIDEO_RTX: u32 = 0x0c0c_0c0c;
const SOUND: TxId = TxId(3);
const PICTURE: TxId = TxId(70_000);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn mid(text: &str) -> Mid {
    Mid::parse(text).unwrap()
}

fn rid(text: &str) -> Rid {
    Rid::parse(text).unwrap()
}

fn tables() -> Tables {
    Tables::new(&[], ClientFamily::WebRtc)
}

fn codecs(wanted: &[Codec]) -> Vec<CodecSpec> {
    tables()
        .codecs()
        .filter(|codec| wanted.contains(&codec.codec))
        .cloned()
        .collect()
}

fn keying() -> Vec<u8> {
    (0..2 * (PROFILE.key_len() + PROFILE.salt_len()))
        .map(|byte| byte as u8)
        .collect()
}

fn fresh(seed: u8, now: Instant) -> Media {
    let initial = Bitrate::from_kbps(800);
    Media::new(&tables(), "tertulia", initial, [seed; 32], 77 << 32, now)
}

fn media(seed: u8, is_server: bool, now: Instant) -> Media {
    let mut media = fresh(seed, now);
    media.set_keys(PROFILE, &keying(), is_server).unwrap();
    media
}

/// What came out of a received packet.
#[derive(Debug, Clone, PartialEq)]
struct Got {
    rx: RxId,
    rid: Option<u8>,
    ssrc: u32,
    payload_type: u8,
    codec: Codec,
    sequence: u64,
    timestamp: u32,
    payload: Vec<u8>,
    level: Option<AudioLevel>,
    sender_clock: Option<(u64, u32)>,
}

impl Got {
    fn new(packet: &RxPacket<'_>) -> Self {
        Self {
            rx: packet.rx,
            rid: packet.rid,
            ssrc: packet.ssrc,
            payload_type: packet.payload_type,
            codec: packet.codec,
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            payload: packet.payload.to_vec(),
            level: packet.ext.audio_level,
            sender_clock: packet.sender_clock,
        }
    }
}

/// One end, with what it would find in its store of packets.
struct Peer {
    media: Media,
    got: Vec<Got>,
    events: Vec<MediaEvent>,
    stored: BTreeMap<u16, (u64, Vec<u8>)>,
    repairs: usize,
    refused: usize,
}

type Loss = Box<dyn FnMut(&[u8]) -> bool>;

/// A sender and a receiver with a pipe between them that may lose what goes through.
struct Pair {
    now: Instant,
    delay: Duration,
    sender: Peer,
    receiver: Peer,
    /// What is under way: when it arrives, and whether at the receiver.
    wire: VecDeque<(Instant, bool, Vec<u8>)>,
    lose: Loss,
    /// Datagrams sent so far, and how many of them were RTCP.
    sent: usize,
    rtcp: usize,
}

impl Peer {
    fn new(media: Media) -> Self {
        Self {
            media,
            got: Vec::new(),
            events: Vec::new(),
            stored: BTreeMap::new(),
            repairs: 0,
            refused: 0,
        }
    }
}

impl Pair {
    fn new() -> Self {
        let now = Instant::now();
        let mut sender = media(1, true, now);
        let mut receiver = media(2, false, now);
        for (text, kind) in [("0", MediaKind::Audio), ("1", MediaKind::Video)] {
            receiver.declare(&mid(text), kind, &[]);
        }
        receiver.receive_as(&mid("0"), Some(RxId(10)));
        receiver.receive_as(&mid("1"), Some(RxId(11)));
        let sound = codecs(&[Codec::Opus, Codec::Red]);
        sender.declare_sent(SOUND, &mid("0"), AUDIO, None, &sound);
        sender.declare_sent(PICTURE, &mid("1"), VIDEO, Some(VIDEO_RTX), &codecs(&[Codec::Vp8]));
        Self {
            now,
            delay: ms(20),
            sender: Peer::new(sender),
            receiver: Peer::new(receiver),
            wire: VecDeque::new(),
            lose: Box::new(|_| false),
            sent: 0,
            rtcp: 0,
        }
    }

    fn send(&mut self, tx: TxId, packet: &TxPacket<'_>) {
        let mut out = Vec::new();
        let length = self.sender.media.seal(tx, packet, &mut out, self.now).unwrap();
        assert_eq!(length, out.len());
        if tx == PICTURE {
            let stored = (packet.sequence, packet.payload.to_vec());
            self.sender.stored.insert(packet.sequence as u16, stored);
        }
        self.transmit(true, out);
    }

    fn send_picture(&mut self, sequence: u64, payload: &[u8]) {
        self.send(PICTURE, &picture(sequence, payload));
    }

    fn transmit(&mut self, to_receiver: bool, contents: Vec<u8>) {
        self.sent += 1;
        self.rtcp += usize::from(is_rtcp(&contents));
        if !(self.lose)(&contents) {
            self.wire
                .push_back((self.now + self.delay, to_receiver, contents));
        }
    }

    /// Lets time pass in steps of a millisecond.
    fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.now < end {
            self.now += ms(1);
            self.step();
        }
    }

    fn step(&mut self) {
        while let Some((_, to_receiver, mut contents)) = self.wire.pop_front_if(|next| next.0 <= self.now) {
            let peer = if to_receiver {
                &mut self.receiver
            } else {
                &mut self.sender
            };
            if is_rtcp(&contents) {
                assert!(peer.media.receive_rtcp(&mut contents, self.now));
            } else if let Some(packet) = peer.media.receive_rtp(&mut contents, self.now) {
                peer.got.push(Got::new(&packet));
            }
        }
        for to_receiver in [true, false] {
            self.act(to_receiver);
        }
    }

    /// Sends what an end has to say, and answers what it is asked for.
    fn act(&mut self, to_receiver: bool) {
        let peer = if to_receiver {
            &mut self.sender
        } else {
            &mut self.receiver
        };
        let mut out = Vec::new();
        let mut datagrams = Vec::new();
        while peer.media.poll_rtcp(self.now, &mut out) {
            datagrams.push(std::mem::take(&mut out));
        }
        let due = peer.media.poll_timeout();
        let estimator = peer.media.estimator.poll_timeout();
        assert!(
            due.is_none_or(|at| at > self.now) || due == estimator,
            "all that was due is done"
        );
        // A burst at its rate: what the pacer would let go in a millisecond.
        let rate = peer.media.estimator.pacing_rate();
        for _ in 0..1 + rate.as_bps() as usize / 8_000 / 290 {
            let Some(probe) = peer.media.estimator.poll_probe(self.now) else {
                break;
            };
            let sealed = peer.media.seal_padding(255, Some(probe.id), &mut out, self.now);
            assert!(sealed.is_ok());
            datagrams.push(std::mem::take(&mut out));
        }
        while let Some(event) = peer.media.poll_event() {
            if let MediaEvent::Nack { tx, sequences } = &event {
                for number in sequences {
                    let Some((sequence, payload)) = peer.stored.get(number) else {
                        continue;
                    };
                    let packet = picture(*sequence, payload);
                    match peer.media.seal_repair(*tx, &packet, &mut out, self.now) {
                        Ok(_) => {
                            peer.repairs += 1;
                            datagrams.push(std::mem::take(&mut out));
                        }
                        Err(_) => peer.refused += 1,
                    }
                }
            }
            peer.events.push(event);
        }
        for datagram in datagrams {
            self.transmit(to_receiver, datagram);
        }
    }
}

fn picture(sequence: u64, payload: &[u8]) -> TxPacket<'_> {
    TxPacket {
        payload_type: 96,
        sequence,
        timestamp: (sequence as u32).wrapping_mul(900),
        marker: true,
        payload,
        rewrite: Rewrite::None,
        ext: Extensions::default(),
        sender_clock: None,
    }
}

fn sound(sequence: u64, payload: &[u8]) -> TxPacket<'_> {
    TxPacket {
        payload_type: 111,
        timestamp: (sequence as u32).wrapping_mul(960),
        marker: false,
        ..picture(sequence, payload)
    }
}
