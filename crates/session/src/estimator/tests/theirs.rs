//! Two of str0m's peer connections as the ends: its estimator, its pacer and its reports.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::bwe::{Bitrate, BweKind};
use str0m::media::{MediaKind, Pt};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpWrite, Ssrc};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

use super::scene::Ends;

const PICTURE: u32 = 42;
const SOUND: u32 = 50;
/// What the layers below add to a payload: header, extensions, SRTP.
const OVERHEAD: usize = 50;

pub(super) struct Theirs {
    sender: Rtc,
    receiver: Rtc,
    picture_type: Pt,
    sound_type: Pt,
    picture_sequence: u64,
    sound_sequence: u64,
    estimate_bps: f64,
    connected: bool,
    /// What left either end and is not yet on its way.
    forward: Vec<Vec<u8>>,
    back: Vec<Vec<u8>>,
    wakes: (Instant, Instant),
}

fn addr(of_sender: bool) -> SocketAddr {
    let text = if of_sender {
        "192.0.2.1:1000"
    } else {
        "192.0.2.2:2000"
    };
    text.parse().unwrap()
}

impl Theirs {
    /// Two ends that are connected, and the time at which they are.
    pub(super) fn new(initial_bps: f64, desired_bps: f64, start: Instant) -> (Self, Instant) {
        let config = || {
            RtcConfig::new()
                .set_crypto_provider(Arc::new(str0m::crypto::from_feature_flags()))
                .set_rtp_mode(true)
                .clear_codecs()
                .enable_opus(true, false)
                .enable_vp8(true)
        };
        let initial = Bitrate::from(initial_bps as u64);
        let mut sender = config().enable_bwe(Some(initial)).build(start);
        sender
            .bwe()
            .set_bitrate(Bitrate::ZERO, Bitrate::from(desired_bps as u64));
        let mut receiver = config().build(start);
        join(&mut sender, &mut receiver, true);
        join(&mut receiver, &mut sender, false);
        for (rtc, sends) in [(&mut sender, true), (&mut receiver, false)] {
            let mut direct = rtc.direct_api();
            for (mid, kind, ssrc) in [
                ("vid", MediaKind::Video, PICTURE),
                ("aud", MediaKind::Audio, SOUND),
            ] {
                let repair: Option<Ssrc> = (kind == MediaKind::Video).then(|| (ssrc + 1).into());
                direct.declare_media(mid.into(), kind);
                if sends {
                    direct.declare_stream_tx(ssrc.into(), repair, mid.into(), None);
                } else {
                    direct.expect_stream_rx(ssrc.into(), repair, mid.into(), None);
                }
            }
        }
        receiver.direct_api().enable_twcc_feedback();
        let payload_type = |rtc: &Rtc, kind: MediaKind| {
            let codecs = rtc.codec_config();
            let params = codecs.params().iter();
            let mut fitting = params.filter(|params| params.spec().codec.kind() == kind);
            fitting.next().unwrap().pt()
        };
        let mut ends = Self {
            picture_type: payload_type(&sender, MediaKind::Video),
            sound_type: payload_type(&sender, MediaKind::Audio),
            sender,
            receiver,
            picture_sequence: 1_000,
            sound_sequence: 1_000,
            estimate_bps: initial_bps,
            connected: false,
            forward: Vec::new(),
            back: Vec::new(),
            wakes: (start, start),
        };
        let ready = ends.connect(start);
        ends.sender.bwe().reset(initial);
        ends.drain_sender();
        ends.sender
            .bwe()
            .set_bitrate(Bitrate::ZERO, Bitrate::from(desired_bps as u64));
        ends.drain_sender();
        ends.estimate_bps = initial_bps;
        (ends, ready)
    }

    /// Lets the two meet on a way that takes 1 ms and loses nothing.
    fn connect(&mut self, start: Instant) -> Instant {
        let mut now = start;
        let (mut forward, mut back) = (Vec::new(), Vec::new());
        let settled = start + Duration::from_secs(1);
        while !self.connected || now < settled {
            self.turn(now, &mut forward, &mut back);
            now += Duration::from_millis(1);
            for (_, datagram) in forward.drain(..) {
                self.deliver_forward(datagram, now);
            }
            for datagram in back.drain(..) {
                self.deliver_back(datagram, now);
            }
        }
        now
    }

    /// The library wants one change at a time, and to be drained after each.
    fn drain_sender(&mut self) {
        loop {
            match self.sender.poll_output().unwrap() {
                Output::Timeout(at) => {
                    self.wakes.0 = at;
                    return;
                }
                Output::Transmit(transmit) => self.forward.push(transmit.contents.to_vec()),
                Output::Event(Event::EgressBitrateEstimate(BweKind::Twcc { estimate, .. })) => {
                    self.estimate_bps = estimate.as_f64();
                }
                Output::Event(Event::Connected) => self.connected = true,
                Output::Event(_) => {}
            }
        }
    }

    fn drain_receiver(&mut self) {
        loop {
            match self.receiver.poll_output().unwrap() {
                Output::Timeout(at) => {
                    self.wakes.1 = at;
                    return;
                }
                Output::Transmit(transmit) => self.back.push(transmit.contents.to_vec()),
                Output::Event(_) => {}
            }
        }
    }
}

fn join(rtc: &mut Rtc, other: &mut Rtc, sends: bool) {
    rtc.add_local_candidate(Candidate::host(addr(sends), Protocol::Udp).unwrap());
    rtc.add_remote_candidate(Candidate::host(addr(!sends), Protocol::Udp).unwrap());
    let fingerprint = other.direct_api().local_dtls_fingerprint().clone();
    let credentials = other.direct_api().local_ice_credentials();
    let mut direct = rtc.direct_api();
    direct.set_remote_fingerprint(fingerprint);
    direct.set_remote_ice_credentials(credentials);
    direct.set_ice_controlling(sends);
    direct.start_dtls(sends).unwrap();
}

impl Ends for Theirs {
    type Datagram = Vec<u8>;

    fn write(&mut self, bytes: usize, sound: bool, now: Instant) {
        let (ssrc, payload_type, sequence) = if sound {
            (SOUND, self.sound_type, &mut self.sound_sequence)
        } else {
            (PICTURE, self.picture_type, &mut self.picture_sequence)
        };
        *sequence += 1;
        let payload = vec![7; bytes.saturating_sub(OVERHEAD).max(20)];
        let time = (*sequence * 1_000) as u32;
        let packet = RtpWrite::new(payload_type, (*sequence).into(), time, now, payload).nackable(false);
        let mut direct = self.sender.direct_api();
        direct.stream_tx(&ssrc.into()).unwrap().write_rtp(packet);
        self.drain_sender();
        self.sender.handle_input(Input::Timeout(now)).unwrap();
        self.drain_sender();
    }

    fn turn(
        &mut self,
        now: Instant,
        forward: &mut Vec<(usize, Vec<u8>)>,
        back: &mut Vec<Vec<u8>>,
    ) -> Instant {
        if self.wakes.0 <= now {
            self.sender.handle_input(Input::Timeout(now)).unwrap();
            self.drain_sender();
        }
        if self.wakes.1 <= now {
            self.receiver.handle_input(Input::Timeout(now)).unwrap();
            self.drain_receiver();
        }
        forward.extend(self.forward.drain(..).map(|datagram| (datagram.len(), datagram)));
        back.append(&mut self.back);
        self.wakes.0.min(self.wakes.1)
    }

    fn deliver_forward(&mut self, datagram: Vec<u8>, now: Instant) {
        let received = Receive::new(Protocol::Udp, addr(true), addr(false), &datagram).unwrap();
        self.receiver.handle_input(Input::Receive(now, received)).unwrap();
        self.drain_receiver();
    }

    fn deliver_back(&mut self, datagram: Vec<u8>, now: Instant) {
        let received = Receive::new(Protocol::Udp, addr(false), addr(true), &datagram).unwrap();
        self.sender.handle_input(Input::Receive(now, received)).unwrap();
        self.drain_sender();
    }

    fn estimate_bps(&self) -> f64 {
        self.estimate_bps
    }
}
