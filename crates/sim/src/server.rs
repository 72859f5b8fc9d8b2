//! The server's pure parts put together, as the engine does with sockets and threads.

mod media;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indexmap::IndexMap;
use rand::RngExt;
use rand::rngs::StdRng;
use slab::Slab;
use tertulia_forward::{
    Allocator, Choice, Claim, LayerPoint, Pacer, RouteKey, RouteSettings, Routes, SinkId, TrackKey,
};
use tertulia_model::{
    Bitrate, Codec, IceCredentials, Identity, MediaKind, ParticipantId, PeerSpec, Rid, RoomId, RoomName,
    TrackId, TransportProtocol,
};
use tertulia_room::{
    Actor, Command, Event, Fact, NewParticipant, NewTrack, Now, ParticipantKind, Permission, Refusal, Reply,
    Room, RoomSettings, RouteChange,
};
use tertulia_session::{
    Certificate, ClientFamily, LocalCandidate, NegotiationError, Output, RxId, Session, SessionConfig,
    SessionEvent, TxId, TxState, TxWish,
};

/// Where the server is.
pub(crate) const ADDRESS: &str = "192.0.2.1:7882";
/// How often bitrates are shared out.
const ALLOCATION: Duration = Duration::from_millis(500);
/// How long pictures are gathered, and the pacers' clock.
const TICK: Duration = Duration::from_millis(2);
/// Unix time the simulation begins at.
const EPOCH_MS: u64 = 1_800_000_000_000;

/// What the server asks of a peer beside answering it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// Offer again, with that many more sections.
    SectionsNeeded {
        /// For sound.
        audio: usize,
        /// For pictures.
        video: usize,
    },
    /// Out.
    Expelled,
}

struct Receive {
    tx: TxId,
    route: RouteKey,
    sink: usize,
    bound: bool,
}

struct Received {
    rx: RxId,
    track: TrackId,
    key: TrackKey,
    rids: Vec<Rid>,
}

struct Seat {
    session: Session,
    pacer: Pacer,
    addr: SocketAddr,
    wake: Instant,
    receives: BTreeMap<TrackId, Receive>,
    received: Vec<Received>,
    allocator: Allocator<RouteKey>,
    estimate: Option<Bitrate>,
    asked: bool,
}

struct Sink {
    who: ParticipantId,
    tx: TxId,
    payload_types: Vec<(Codec, u8)>,
}

pub(crate) struct Server {
    pub(crate) room: Room,
    routes: Routes,
    certificate: Arc<Certificate>,
    seats: BTreeMap<ParticipantId, Seat>,
    tracks: BTreeMap<TrackId, TrackKey>,
    sinks: Slab<Sink>,
    start: Instant,
    next_allocation: Instant,
    tick_at: Option<Instant>,
    rng: StdRng,
    pub(crate) transmits: Vec<(SocketAddr, Vec<u8>)>,
    pub(crate) signals: VecDeque<(ParticipantId, Signal)>,
    /// Data messages that reached a participant's door.
    pub(crate) data: Vec<(ParticipantId, Vec<u8>)>,
}

impl Server {
    pub(crate) fn new(mut rng: StdRng, now: Instant) -> Self {
        let settings = RoomSettings {
            max_participants: None,
            ceiling: None,
            empty_timeout: Duration::from_secs(300),
            departure_timeout: Duration::from_secs(20),
            metadata: String::new(),
            chat_history: 100,
            chat_text_bytes: 2_000,
            rules: tertulia_room::RoomRules::default(),
        };
        let name = RoomName::parse("plaza").unwrap();
        let at = Now {
            instant: now,
            unix_ms: EPOCH_MS,
        };
        Self {
            room: Room::new(
                RoomId::from_random(rng.random()),
                name,
                settings,
                rng.random(),
                at,
            ),
            routes: Routes::default(),
            certificate: Arc::new(Certificate::generate().unwrap()),
            seats: BTreeMap::new(),
            tracks: BTreeMap::new(),
            sinks: Slab::new(),
            start: now,
            next_allocation: now + ALLOCATION,
            tick_at: None,
            rng,
            transmits: Vec::new(),
            signals: VecDeque::new(),
            data: Vec::new(),
        }
    }

    fn at(&self, now: Instant) -> Now {
        let since = u64::try_from((now - self.start).as_millis()).unwrap();
        Now {
            instant: now,
            unix_ms: EPOCH_MS + since,
        }
    }

    pub(crate) fn join(&mut self, identity: &str, addr: SocketAddr, now: Instant) -> ParticipantId {
        let newcomer = NewParticipant {
            identity: Identity::parse(identity).unwrap(),
            name: identity.to_owned(),
            kind: ParticipantKind::Standard,
            metadata: String::new(),
            attributes: IndexMap::new(),
            permission: Permission::ordinary(),
            auto_subscribe: true,
            client_protocol: 2,
            capabilities: Vec::new(),
            credential_issued_at_ms: EPOCH_MS,
            origin: tertulia_room::Origin::Token,
            role: None,
            entrance: tertulia_room::Entrance::Usual,
            network: None,
        };
        let reply = self
            .room
            .handle(&Actor::System, Command::Join(Box::new(newcomer)), self.at(now))
            .unwrap();
        let Reply::Joined { participant, .. } = reply else {
            panic!("a join is answered so");
        };
        let server: SocketAddr = ADDRESS.parse().unwrap();
        let config = SessionConfig {
            ice: IceCredentials {
                ufrag: format!("s{:08x}", self.rng.random::<u32>()),
                pwd: format!("{:032x}", self.rng.random::<u128>()),
            },
            certificate: self.certificate.clone(),
            ice_lite: false,
            local_candidates: vec![LocalCandidate {
                addr: server,
                protocol: TransportProtocol::Udp,
                advertised: server,
            }],
            fallback_family: ClientFamily::WebRtc,
            initial_bitrate: Bitrate::from_kbps(1_500),
            seed: self.rng.random(),
            offload_handshakes: false,
        };
        let seat = Seat {
            session: Session::new(config, now),
            pacer: Pacer::default(),
            addr,
            wake: now,
            receives: BTreeMap::new(),
            received: Vec::new(),
            allocator: Allocator::default(),
            estimate: None,
            asked: true,
        };
        self.seats.insert(participant.id.clone(), seat);
        self.pump(now);
        participant.id
    }

    /// Gives the room a command of a participant's.
    pub(crate) fn command(
        &mut self,
        who: &ParticipantId,
        command: Command,
        now: Instant,
    ) -> Result<Reply, Refusal> {
        let reply = self
            .room
            .handle(&Actor::Participant(who.clone()), command, self.at(now));
        self.pump(now);
        reply
    }

    pub(crate) fn publish(&mut self, who: &ParticipantId, track: NewTrack, now: Instant) -> TrackId {
        match self.command(who, Command::Publish(Box::new(track)), now) {
            Ok(Reply::Track(track)) => track.id,
            other => panic!("a publication was answered {other:?}"),
        }
    }

    pub(crate) fn offer(
        &mut self,
        who: &ParticipantId,
        offer: &PeerSpec,
        now: Instant,
    ) -> Result<PeerSpec, NegotiationError> {
        let Some(seat) = self.seats.get_mut(who) else {
            return Err(NegotiationError::Closed);
        };
        seat.asked = false;
        let answer = seat.session.accept_offer(offer, now)?;
        seat.wake = now;
        self.bind_received(who, now);
        self.bind_sent(who, now);
        self.ask_for_sections(who);
        Ok(answer)
    }

    pub(crate) fn datagram(&mut self, source: SocketAddr, contents: &[u8], now: Instant) {
        let Some(who) = self
            .seats
            .iter()
            .find(|(_, seat)| seat.addr == source)
            .map(|(who, _)| who.clone())
        else {
            return;
        };
        let mut contents = contents.to_vec();
        let Some(seat) = self.seats.get_mut(&who) else {
            return;
        };
        let destination = ADDRESS.parse().unwrap();
        let received = seat
            .session
            .receive(TransportProtocol::Udp, source, destination, &mut contents, now)
            .expect("no peer here breaks its session");
        seat.wake = now;
        if let Some(packet) = received {
            self.take_media(&who, &packet, now);
        }
        self.drain(&who, now);
    }

    /// Where a peer that restarts ICE is from now on.
    pub(crate) fn moved(&mut self, who: &ParticipantId, addr: SocketAddr) {
        if let Some(seat) = self.seats.get_mut(who) {
            seat.addr = addr;
        }
    }

    /// Does what is due and gives the next deadline.
    pub(crate) fn turn(&mut self, now: Instant) -> Instant {
        let due: Vec<ParticipantId> = self
            .seats
            .iter()
            .filter(|(_, seat)| seat.wake <= now)
            .map(|(who, _)| who.clone())
            .collect();
        for who in due {
            if let Some(seat) = self.seats.get_mut(&who) {
                seat.session
                    .handle_timeout(now)
                    .expect("no session fails by itself");
            }
            self.drain(&who, now);
        }
        let at = self.at(now);
        self.room.handle_timeout(at);
        self.routes.handle_timeout(now);
        self.pump(now);
        if self.next_allocation <= now {
            self.next_allocation = now + ALLOCATION;
            self.allocate(now);
        }
        self.ask_for_keyframes(now);
        if self.tick_at.is_some_and(|at| at <= now) {
            self.tick_at = None;
            self.distribute(MediaKind::Video, now);
            self.serve_all(now);
        }
        let wakes = self.seats.values().map(|seat| seat.wake);
        let others = [
            Some(self.next_allocation),
            self.tick_at,
            self.room.poll_timeout(),
            self.routes.poll_timeout(),
        ];
        wakes
            .chain(others.into_iter().flatten())
            .min()
            .unwrap_or(now + ALLOCATION)
    }

    fn drain(&mut self, who: &ParticipantId, now: Instant) {
        while let Some(seat) = self.seats.get_mut(who) {
            match seat.session.poll_output().expect("no session fails by itself") {
                Output::Timeout(at) => {
                    seat.wake = at;
                    break;
                }
                Output::Transmit {
                    destination,
                    contents,
                    ..
                } => self.transmits.push((destination, contents)),
                Output::Event(event) => self.session_event(who, event, now),
            }
        }
    }

    fn session_event(&mut self, who: &ParticipantId, event: SessionEvent, now: Instant) {
        match event {
            SessionEvent::Nack { tx, sequences } => self.repair(who, tx, &sequences, now),
            SessionEvent::Connected => {
                self.fact(
                    Fact::Connected {
                        participant: who.clone(),
                    },
                    now,
                );
                let routes: Vec<RouteKey> = self.seats[who]
                    .receives
                    .values()
                    .map(|receive| receive.route)
                    .collect();
                for route in routes {
                    self.routes.begin_afresh(route, now);
                }
            }
            SessionEvent::KeyframeRequested { tx } => {
                let receive = self.seats[who].receives.values().find(|receive| receive.tx == tx);
                if let Some(route) = receive.map(|receive| receive.route) {
                    self.routes.keyframe_wanted(route, now);
                }
            }
            SessionEvent::EstimatedBitrate(estimate) => {
                if let Some(seat) = self.seats.get_mut(who) {
                    seat.estimate = Some(estimate);
                }
            }
            SessionEvent::ChannelData { contents, .. } => self.data.push((who.clone(), contents)),
            _ => {}
        }
    }

    /// Sends a data message to a participant.
    pub(crate) fn send_data(&mut self, who: &ParticipantId, contents: &[u8], now: Instant) -> bool {
        let Some(seat) = self.seats.get_mut(who) else {
            return false;
        };
        let taken = seat.session.send_channel("_reliable", contents) == Ok(true);
        self.drain(who, now);
        taken
    }

    fn fact(&mut self, fact: Fact, now: Instant) {
        // A fact about somebody who has just gone is refused, which is right.
        let _ = self
            .room
            .handle(&Actor::System, Command::Fact(fact), self.at(now));
        self.pump(now);
    }

    /// Carries out what the room decided.
    fn pump(&mut self, now: Instant) {
        while let Some(delivery) = self.room.poll_delivery() {
            if let (tertulia_room::Audience::One(who), Event::Expelled(_)) = (&delivery.to, &*delivery.event)
            {
                self.signals.push_back((who.clone(), Signal::Expelled));
            }
        }
        while let Some(change) = self.room.poll_route() {
            self.change_route(change, now);
        }
    }

    fn change_route(&mut self, change: RouteChange, now: Instant) {
        match change {
            RouteChange::TrackAdded { track, .. } => {
                let key = self.routes.add_track(track.kind);
                self.tracks.insert(track.id, key);
            }
            RouteChange::TrackChanged { track, .. } => {
                if let Some(key) = self.tracks.get(&track.id) {
                    self.routes.set_muted(*key, track.muted, now);
                }
            }
            RouteChange::TrackRemoved { track, .. } => {
                let everybody: Vec<ParticipantId> = self.seats.keys().cloned().collect();
                for who in everybody {
                    self.unroute(&who, &track);
                }
                if let Some(key) = self.tracks.remove(&track) {
                    self.routes.remove_track(key);
                }
                for seat in self.seats.values_mut() {
                    seat.received.retain(|received| received.track != track);
                }
            }
            RouteChange::Route {
                subscriber,
                publisher,
                track,
                wanted,
                ..
            } => {
                let settings = |before: Option<RouteSettings>| RouteSettings {
                    ready: before.is_some_and(|before| before.ready),
                    enabled: wanted.enabled,
                    max_layer: wanted.max_quality.index(),
                    max_temporal: LayerPoint::TOP.temporal,
                    accepts_red: false,
                    wants_red: false,
                };
                let (Some(key), Some((_, info))) = (self.tracks.get(&track), self.room.track(&track)) else {
                    return;
                };
                let Some(seat) = self.seats.get_mut(&subscriber) else {
                    return;
                };
                if let Some(receive) = seat.receives.get(&track) {
                    let before = self.routes.route(receive.route);
                    self.routes.set_route(receive.route, settings(before), now);
                    return;
                }
                let wish = TxWish {
                    kind: info.kind,
                    codecs: info.codec.into_iter().collect(),
                    stream_id: format!("{publisher}|{}", info.stream),
                    track_id: track.to_string(),
                };
                let tx = seat.session.add_tx(wish);
                let sink = self.sinks.insert(Sink {
                    who: subscriber.clone(),
                    tx,
                    payload_types: Vec::new(),
                });
                let first = self.rng.random();
                let route = self
                    .routes
                    .add_route(*key, SinkId(sink as u32), settings(None), first, now);
                let route = route.expect("the track is there");
                seat.receives.insert(
                    track,
                    Receive {
                        tx,
                        route,
                        sink,
                        bound: false,
                    },
                );
                self.ask_for_sections(&subscriber);
            }
            RouteChange::Unroute { subscriber, track } => self.unroute(&subscriber, &track),
            RouteChange::ParticipantRemoved { participant } => {
                let tracks: Vec<TrackId> = self
                    .seats
                    .get(&participant)
                    .map(|seat| seat.receives.keys().cloned().collect())
                    .unwrap_or_default();
                for track in tracks {
                    self.unroute(&participant, &track);
                }
                if let Some(mut seat) = self.seats.remove(&participant) {
                    seat.session.close();
                    while let Ok(Output::Transmit {
                        destination,
                        contents,
                        ..
                    }) = seat.session.poll_output()
                    {
                        self.transmits.push((destination, contents));
                    }
                }
            }
        }
    }

    fn unroute(&mut self, who: &ParticipantId, track: &TrackId) {
        let Some(seat) = self.seats.get_mut(who) else {
            return;
        };
        let Some(receive) = seat.receives.remove(track) else {
            return;
        };
        seat.pacer.forget(SinkId(receive.sink as u32));
        seat.session.remove_tx(receive.tx);
        self.routes.remove_route(receive.route);
        self.sinks.remove(receive.sink);
        self.ask_for_sections(who);
    }

    fn ask_for_sections(&mut self, who: &ParticipantId) {
        let Some(seat) = self.seats.get_mut(who) else {
            return;
        };
        if seat.asked || !seat.session.negotiation_needed() {
            return;
        }
        seat.asked = true;
        let (audio, video) = seat.session.unbound();
        self.signals
            .push_back((who.clone(), Signal::SectionsNeeded { audio, video }));
    }

    fn bind_received(&mut self, who: &ParticipantId, now: Instant) {
        let Some(seat) = self.seats.get(who) else {
            return;
        };
        let sections: Vec<_> = seat
            .session
            .rx_sections()
            .into_iter()
            .filter(|section| section.active)
            .collect();
        let gone: Vec<TrackId> = seat
            .received
            .iter()
            .filter(|received| !sections.iter().any(|section| section.rx == received.rx))
            .map(|received| received.track.clone())
            .collect();
        for track in gone {
            self.fact(Fact::TrackGone { track }, now);
        }
        for section in sections {
            if self.seats[who]
                .received
                .iter()
                .any(|received| received.rx == section.rx)
            {
                continue;
            }
            let Some(track) = self
                .room
                .match_pending(who, section.kind, section.track_id.as_deref())
            else {
                continue;
            };
            let Some(codec) = section.codecs.iter().copied().find(|codec| *codec != Codec::Red) else {
                continue;
            };
            let received = Received {
                rx: section.rx,
                track: track.clone(),
                key: self.tracks[&track],
                rids: section.rids,
            };
            let simulcast = received.rids.len() > 1;
            if let Some(seat) = self.seats.get_mut(who) {
                seat.received.push(received);
            }
            self.fact(
                Fact::TrackBound {
                    track,
                    codec,
                    simulcast,
                    red: false,
                },
                now,
            );
        }
    }

    fn bind_sent(&mut self, who: &ParticipantId, now: Instant) {
        let Some(seat) = self.seats.get_mut(who) else {
            return;
        };
        for receive in seat.receives.values_mut().filter(|receive| !receive.bound) {
            let Some(TxState::Bound(_)) = seat.session.tx_state(receive.tx) else {
                continue;
            };
            receive.bound = true;
            self.sinks[receive.sink].payload_types = [Codec::Opus, Codec::Vp8]
                .into_iter()
                .filter_map(|codec| Some((codec, seat.session.tx_payload_type(receive.tx, codec)?)))
                .collect();
            if let Some(before) = self.routes.route(receive.route) {
                self.routes.set_route(
                    receive.route,
                    RouteSettings {
                        ready: true,
                        ..before
                    },
                    now,
                );
            }
        }
    }

    fn ask_for_keyframes(&mut self, now: Instant) {
        let mut requests = Vec::new();
        self.routes.keyframe_requests(now, &mut requests);
        for request in requests {
            for seat in self.seats.values_mut() {
                let Some(received) = seat
                    .received
                    .iter()
                    .find(|received| received.key == request.track)
                else {
                    continue;
                };
                let rid = received.rids.get(request.layer).cloned();
                seat.session.request_keyframe(received.rx, rid.as_ref());
                seat.wake = now;
            }
        }
    }

    fn allocate(&mut self, now: Instant) {
        for seat in self.seats.values_mut() {
            let mut claims = Vec::new();
            let mut wanted = 300_000;
            for receive in seat.receives.values().filter(|receive| receive.bound) {
                let Some(settings) = self.routes.route(receive.route) else {
                    continue;
                };
                let choices: Vec<Choice> = (0..=settings.max_layer)
                    .filter_map(|spatial| {
                        let point = LayerPoint {
                            spatial,
                            ..LayerPoint::TOP
                        };
                        let bitrate = self.routes.bitrate(receive.route, point, now)?;
                        Some(Choice { point, bitrate })
                    })
                    .collect();
                if choices.is_empty() || !settings.enabled {
                    continue;
                }
                wanted += choices.last().map_or(0, |best| best.bitrate.as_bps() * 5 / 4);
                claims.push(Claim {
                    route: receive.route,
                    priority: 0,
                    choices,
                });
            }
            seat.session.set_desired_bitrate(Bitrate::from_bps(wanted));
            seat.wake = now;
            let Some(estimate) = seat.estimate else {
                continue;
            };
            for verdict in seat.allocator.allocate(&mut claims, estimate, now) {
                self.routes.grant(verdict.route, verdict.point, now);
            }
        }
    }

    /// The track a participant publishes of a kind.
    pub(crate) fn track_of(&self, who: &ParticipantId, kind: MediaKind) -> Option<TrackId> {
        let info = self.room.participant(who)?;
        info.tracks
            .iter()
            .find(|track| track.kind == kind)
            .map(|track| track.id.clone())
    }

    /// What the path to a participant is believed to carry.
    pub(crate) fn estimate(&self, who: &ParticipantId) -> Option<Bitrate> {
        self.seats.get(who)?.estimate
    }
}
