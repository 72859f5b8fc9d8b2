use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use str0m::media::MediaKind as RtcKind;
use tertulia_model::{Bitrate, Codec, Layer, MediaKind, ParticipantId, Quality, Source, TrackId, VideoSize};
use tertulia_netsim::{Path, Pipe, Script, Step};
use tertulia_room::{
    AudioFeatures, Command, DepartureReason, NewTrack, Refusal, Reply, SimulcastCodec, TrackEncryption,
    TrackSettings,
};
use tertulia_sdp::{Kind, Origin};

use crate::peer::Peer;
use crate::server::{ADDRESS, Server, Signal};
use crate::{Heard, Shown};

/// A peer of the simulation, also after it has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerKey(usize);

/// How often a story looks whether something has come to hold.
const LOOK: Duration = Duration::from_millis(20);

/// Signalling under way.
enum Parcel {
    Offer(String),
    Answer(String),
    Signal(Signal),
}

/// A datagram, and the address of the peer it comes from or goes to.
type Datagram = (SocketAddr, Vec<u8>);

struct Seat {
    id: ParticipantId,
    peer: Peer,
    wake: Instant,
    path: Path,
    /// Steps of a script that are still to come.
    steps: VecDeque<(Instant, Step)>,
    up: Pipe<Datagram>,
    down: Pipe<Datagram>,
    /// Signalling is reliable and in order: nothing overtakes what was sent before.
    signalled_up: Instant,
    signalled_down: Instant,
    gone: bool,
    version: u64,
}

impl Seat {
    /// When something happens here next.
    fn next(&self) -> Option<Instant> {
        let wake = (!self.gone).then_some(self.wake);
        let step = self.steps.front().map(|(at, _)| *at);
        [wake, step, self.up.poll_timeout(), self.down.poll_timeout()]
            .into_iter()
            .flatten()
            .min()
    }

    fn turn(&mut self, now: Instant) {
        let mut out = Vec::new();
        self.wake = self.peer.turn(now, &mut out);
        for contents in out {
            let length = contents.len();
            self.up.handle_packet((self.peer.addr, contents), length, now);
        }
    }

    fn receive(&mut self, (addr, contents): Datagram, now: Instant) {
        let server: SocketAddr = ADDRESS.parse().unwrap();
        if !self.gone && self.peer.addr == addr {
            self.peer.receive(server, &contents, now);
            // The library keeps the packet of one datagram only.
            self.turn(now);
        }
    }
}

/// A room, its server and its peers in virtual time.
pub struct Sim {
    now: Instant,
    start: Instant,
    rng: StdRng,
    server: Server,
    server_wake: Instant,
    seats: Vec<Seat>,
    by_addr: BTreeMap<SocketAddr, PeerKey>,
    by_id: BTreeMap<ParticipantId, PeerKey>,
    under_way: BTreeMap<(Instant, u64), (PeerKey, Parcel)>,
    order: u64,
    refused_offers: usize,
    announced: BTreeMap<(PeerKey, &'static str), TrackId>,
}

impl Sim {
    /// An empty room; everything that is left to chance follows `seed`.
    #[allow(clippy::disallowed_methods, reason = "virtual time begins at some instant")]
    pub fn new(seed: u64) -> Self {
        let now = Instant::now();
        let mut rng = StdRng::seed_from_u64(seed);
        let server = Server::new(StdRng::seed_from_u64(rng.random()), now);
        Self {
            now,
            start: now,
            rng,
            server,
            server_wake: now,
            seats: Vec::new(),
            by_addr: BTreeMap::new(),
            by_id: BTreeMap::new(),
            under_way: BTreeMap::new(),
            order: 0,
            refused_offers: 0,
            announced: BTreeMap::new(),
        }
    }

    /// Lets somebody in; their first offer is under way.
    pub fn join(&mut self, identity: &str, path: impl Into<Path>) -> PeerKey {
        let path = path.into();
        let [up, down] = [self.rng.random(), self.rng.random()];
        let key = PeerKey(self.seats.len());
        let addr = address(key, 0);
        let id = self.server.join(identity, addr, self.now);
        self.by_addr.insert(addr, key);
        self.by_id.insert(id.clone(), key);
        self.seats.push(Seat {
            id,
            peer: Peer::new(addr, self.now),
            wake: self.now,
            path,
            steps: VecDeque::new(),
            up: Pipe::new(path.up, up),
            down: Pipe::new(path.down, down),
            signalled_up: self.now,
            signalled_down: self.now,
            gone: false,
            version: 0,
        });
        self.server_wake = self.now;
        self.offer(key);
        key
    }

    /// Lets somebody publish a microphone.
    pub fn publish_microphone(&mut self, key: PeerKey) {
        self.publish(key, MediaKind::Audio, "mic");
    }

    /// Lets somebody publish a camera in three layers.
    pub fn publish_camera(&mut self, key: PeerKey) {
        self.publish(key, MediaKind::Video, "cam");
    }

    fn publish(&mut self, key: PeerKey, kind: MediaKind, cid: &'static str) {
        let video = kind == MediaKind::Video;
        let layers: Vec<Layer> = Quality::ALL
            .into_iter()
            .filter(|_| video)
            .map(|quality| {
                let shift = 2 - quality.index();
                let size = VideoSize {
                    width: 1_280 >> shift,
                    height: 720 >> shift,
                };
                Layer {
                    quality,
                    size,
                    bitrate: Bitrate::from_kbps(200 << quality.index()),
                    ssrc: 0,
                }
            })
            .collect();
        let codec = if video { Codec::Vp8 } else { Codec::Opus };
        let track = NewTrack {
            cid: cid.to_owned(),
            existing: None,
            kind,
            source: if video { Source::Camera } else { Source::Microphone },
            name: cid.to_owned(),
            muted: false,
            size: if video {
                VideoSize {
                    width: 1_280,
                    height: 720,
                }
            } else {
                VideoSize::default()
            },
            codecs: vec![SimulcastCodec {
                codec,
                cid: cid.to_owned(),
                layers: layers.clone(),
            }],
            layers,
            red: false,
            stream: "camera".to_owned(),
            encryption: TrackEncryption::None,
            audio: AudioFeatures::default(),
            backup_codec_policy: 0,
            packet_trailer_features: Vec::new(),
        };
        let who = self.seats[key.0].id.clone();
        let track = self.server.publish(&who, track, self.now);
        self.announced.insert((key, cid), track);
        let rtc_kind = if video { RtcKind::Video } else { RtcKind::Audio };
        self.seats[key.0].peer.publish(rtc_kind, cid);
        self.after_command();
        self.offer(key);
    }

    /// Lets somebody stop their camera.
    pub fn unpublish_camera(&mut self, key: PeerKey) {
        self.seats[key.0].peer.unpublish("cam");
        self.offer(key);
    }

    /// Gives the room a command of somebody's.
    ///
    /// # Errors
    ///
    /// As the room refuses.
    pub fn command(&mut self, key: PeerKey, command: Command) -> Result<Reply, Refusal> {
        let who = self.seats[key.0].id.clone();
        let reply = self.server.command(&who, command, self.now);
        self.after_command();
        reply
    }

    /// Lets `viewer` want `publisher`'s camera in this quality, or not at all.
    pub fn want(&mut self, viewer: PeerKey, publisher: PeerKey, quality: Option<Quality>) {
        let Some(track) = self.camera(publisher) else {
            panic!("no camera is published");
        };
        let settings = TrackSettings {
            disabled: quality.is_none(),
            quality,
            ..TrackSettings::default()
        };
        self.command(
            viewer,
            Command::SetTrackSettings {
                tracks: vec![track],
                settings,
            },
        )
        .unwrap();
    }

    /// Lets somebody leave.
    pub fn leave(&mut self, key: PeerKey) {
        self.command(
            key,
            Command::Leave {
                reason: DepartureReason::Left,
            },
        )
        .unwrap();
        self.seats[key.0].gone = true;
    }

    /// Lets somebody change networks: another address, and an ICE restart.
    pub fn roam(&mut self, key: PeerKey) {
        // The library's peer keeps its socket; what is new to the server are its credentials.
        self.seats[key.0].peer.want_restart();
        let addr = self.seats[key.0].peer.addr;
        let who = self.seats[key.0].id.clone();
        self.server.moved(&who, addr);
        self.offer(key);
    }

    /// Changes what lies between somebody and the server.
    pub fn relink(&mut self, key: PeerKey, path: impl Into<Path>) {
        let seat = &mut self.seats[key.0];
        seat.path = path.into();
        seat.up.change(seat.path.up, self.now);
        seat.down.change(seat.path.down, self.now);
    }

    /// Lets what lies between somebody and the server change over time, from now on; what was to come before is forgotten.
    pub fn play(&mut self, key: PeerKey, script: &Script) {
        let steps = script.steps().iter().cloned();
        self.seats[key.0].steps = steps.map(|step| (self.now + step.at, step)).collect();
    }

    fn follow_scripts(&mut self) {
        for index in 0..self.seats.len() {
            while let Some((at, _)) = self.seats[index].steps.front()
                && *at <= self.now
                && let Some((_, step)) = self.seats[index].steps.pop_front()
            {
                let mut path = self.seats[index].path;
                step.side.apply(&step.change, &mut path);
                self.relink(PeerKey(index), path);
            }
        }
    }

    /// Lets somebody send the server an offer of their own making; gives whether it was refused.
    pub fn send_raw_offer(&mut self, key: PeerKey, text: &str) -> bool {
        let who = self.seats[key.0].id.clone();
        match tertulia_sdp::parse(text) {
            Ok(offer) => self.server.offer(&who, &offer, self.now).is_err(),
            Err(_) => true,
        }
    }

    /// Throws bytes at the server as if from somebody.
    pub fn throw(&mut self, key: PeerKey, contents: &[u8]) {
        let addr = self.seats[key.0].peer.addr;
        self.server.datagram(addr, contents, self.now);
    }

    /// Lets somebody send a message on the reliable channel.
    pub fn send_message(&mut self, key: PeerKey, contents: &[u8]) {
        let seat = &mut self.seats[key.0];
        seat.peer.outbox.push_back(contents.to_vec());
        seat.wake = self.now;
    }

    /// Messages that reached the server, and from whom.
    pub fn messages_at_server(&self) -> Vec<(PeerKey, Vec<u8>)> {
        self.server
            .data
            .iter()
            .map(|(who, contents)| (self.by_id[who], contents.clone()))
            .collect()
    }

    /// Lets the server send somebody a message; `false` where it could not be taken.
    pub fn send_from_server(&mut self, key: PeerKey, contents: &[u8]) -> bool {
        let who = self.seats[key.0].id.clone();
        let taken = self.server.send_data(&who, contents, self.now);
        self.post();
        taken
    }

    /// Messages somebody received.
    pub fn messages_at(&self, key: PeerKey) -> &[(String, Vec<u8>)] {
        &self.seats[key.0].peer.messages
    }

    /// Virtual time since the beginning.
    pub fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    /// Whether somebody's media connection stands.
    pub fn is_connected(&self, key: PeerKey) -> bool {
        self.seats[key.0].peer.connected
    }

    /// Offers that were refused.
    pub fn refused_offers(&self) -> usize {
        self.refused_offers
    }

    /// What the path to somebody is believed to carry.
    pub fn estimate(&self, key: PeerKey) -> Option<Bitrate> {
        self.server.estimate(&self.seats[key.0].id)
    }

    /// Somebody's camera track.
    pub fn camera(&self, key: PeerKey) -> Option<TrackId> {
        self.server.track_of(&self.seats[key.0].id, MediaKind::Video)
    }

    /// What `viewer` received of `publisher`'s camera, also of one that is gone.
    pub fn shown(&self, viewer: PeerKey, publisher: PeerKey) -> Option<&Shown> {
        let track = self.announced.get(&(publisher, "cam"))?;
        self.seats[viewer.0].peer.shown.get(&track.to_string())
    }

    /// What `listener` received of `publisher`'s microphone.
    pub fn heard(&self, listener: PeerKey, publisher: PeerKey) -> Option<&Heard> {
        let track = self.announced.get(&(publisher, "mic"))?;
        self.seats[listener.0].peer.heard.get(&track.to_string())
    }

    /// Pictures of `publisher` that `viewer` could show in the last `span`.
    pub fn pictures_shown(&self, viewer: PeerKey, publisher: PeerKey, span: Duration) -> usize {
        let from = self.now.checked_sub(span).unwrap_or(self.start);
        self.shown(viewer, publisher).map_or(0, |shown| shown.since(from))
    }

    /// Sound packets of `publisher` that `listener` received in the last `span`.
    pub fn packets_heard(&self, listener: PeerKey, publisher: PeerKey, span: Duration) -> usize {
        let from = self.now.checked_sub(span).unwrap_or(self.start);
        self.heard(listener, publisher)
            .map_or(0, |heard| heard.since(from))
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Duration) {
        self.run_until(time, |_| false);
    }

    /// Lets time pass until something holds; gives whether it came to hold.
    pub fn run_until(&mut self, time: Duration, mut holds: impl FnMut(&Self) -> bool) -> bool {
        let end = self.now + time;
        let mut looked: Option<Instant> = None;
        loop {
            self.turn();
            let last = self.now >= end;
            if last || looked.is_none_or(|looked| self.now - looked >= LOOK) {
                looked = Some(self.now);
                if holds(self) {
                    return true;
                }
            }
            if last {
                return false;
            }
            let parcels = self.under_way.first_key_value().map(|((at, _), _)| *at);
            let seats = self.seats.iter().filter_map(Seat::next).min();
            let next = [Some(self.server_wake), parcels, seats, Some(end)]
                .into_iter()
                .flatten()
                .min();
            // A deadline that has passed already must not hold time up.
            self.now = next.unwrap_or(end).max(self.now + Duration::from_micros(200));
        }
    }

    fn turn(&mut self) {
        self.follow_scripts();
        while let Some(entry) = self.under_way.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let (key, parcel) = entry.remove();
            self.deliver(key, parcel);
        }
        for index in 0..self.seats.len() {
            while let Some(arrival) = self.seats[index].up.poll_packet(self.now) {
                let (addr, contents) = arrival.packet;
                self.server.datagram(addr, &contents, self.now);
                self.server_wake = self.now;
            }
            while let Some(arrival) = self.seats[index].down.poll_packet(self.now) {
                self.seats[index].receive(arrival.packet, self.now);
            }
        }
        if self.server_wake <= self.now {
            self.server_wake = self.server.turn(self.now);
        }
        self.post();
        for index in 0..self.seats.len() {
            let seat = &mut self.seats[index];
            if seat.gone || seat.wake > self.now {
                continue;
            }
            seat.turn(self.now);
        }
    }

    /// Puts what the server has to say under way.
    fn post(&mut self) {
        for (addr, contents) in std::mem::take(&mut self.server.transmits) {
            let Some(key) = self.by_addr.get(&addr).copied() else {
                continue;
            };
            let seat = &mut self.seats[key.0];
            let length = contents.len();
            seat.down.handle_packet((addr, contents), length, self.now);
        }
        let signals: VecDeque<(ParticipantId, Signal)> = std::mem::take(&mut self.server.signals);
        for (who, signal) in signals {
            if let Some(key) = self.by_id.get(&who).copied() {
                self.signal_down(key, Parcel::Signal(signal));
            }
        }
    }

    fn after_command(&mut self) {
        self.server_wake = self.now;
        self.post();
    }

    fn deliver(&mut self, key: PeerKey, parcel: Parcel) {
        match parcel {
            Parcel::Offer(_) if self.seats[key.0].gone => {}
            Parcel::Offer(text) => {
                let who = self.seats[key.0].id.clone();
                let offer = tertulia_sdp::parse(&text).expect("a peer's offer is readable");
                match self.server.offer(&who, &offer, self.now) {
                    Ok(answer) => {
                        let seat = &mut self.seats[key.0];
                        seat.version += 1;
                        let origin = Origin {
                            session: 1,
                            version: seat.version,
                        };
                        let text = tertulia_sdp::write(&answer, Kind::Answer, origin);
                        self.signal_down(key, Parcel::Answer(text));
                    }
                    Err(_) => self.refused_offers += 1,
                }
                self.after_command();
            }
            Parcel::Answer(text) => {
                let seat = &mut self.seats[key.0];
                if !seat.gone {
                    seat.peer.answer(&text);
                    seat.wake = self.now;
                    self.offer(key);
                }
            }
            Parcel::Signal(Signal::SectionsNeeded { audio, video }) => {
                self.seats[key.0].peer.want_sections(audio, video);
                self.offer(key);
            }
            Parcel::Signal(Signal::Expelled) => self.seats[key.0].gone = true,
        }
    }

    fn offer(&mut self, key: PeerKey) {
        let seat = &mut self.seats[key.0];
        if seat.gone {
            return;
        }
        let Some(text) = seat.peer.offer() else {
            return;
        };
        let at = (self.now + seat.path.up.delay).max(seat.signalled_up);
        seat.signalled_up = at;
        seat.wake = self.now;
        self.order += 1;
        self.under_way
            .insert((at, self.order), (key, Parcel::Offer(text)));
    }

    fn signal_down(&mut self, key: PeerKey, parcel: Parcel) {
        let seat = &mut self.seats[key.0];
        let at = (self.now + seat.path.down.delay).max(seat.signalled_down);
        seat.signalled_down = at;
        self.order += 1;
        self.under_way.insert((at, self.order), (key, parcel));
    }

    /// A number drawn from the seed, for stories that leave something to chance.
    pub fn draw(&mut self, below: usize) -> usize {
        self.rng.random_range(0..below.max(1))
    }

    /// Everybody who is here.
    pub fn present(&self) -> BTreeSet<PeerKey> {
        (0..self.seats.len())
            .map(PeerKey)
            .filter(|key| !self.seats[key.0].gone)
            .collect()
    }
}

fn address(key: PeerKey, network: u8) -> SocketAddr {
    let host = u8::try_from(key.0 % 250).unwrap() + 1;
    SocketAddr::from((
        [198, 51, 100 + network, host],
        40_000 + u16::try_from(key.0 / 250).unwrap(),
    ))
}
